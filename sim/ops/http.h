/*
 * A small HTTP server for looking at a node: libmicrohttpd, driven by the node's own loop. No threads: its epoll
 * descriptor is watched by the loop, its time-outs are a timer of the loop. It answers GET and HEAD, one request a
 * connection; bodies of requests are passed over.
 */
#ifndef SIM_OPS_HTTP_H
#define SIM_OPS_HTTP_H

#include <stdint.h>
#include <uv.h>

#include "core/switchyard.h"
#include "sim/ops/text.h"

#define OPS_HTTP_CONNECTIONS_MAX 64u /* at most, also when the configuration says "unlimited" */
#define OPS_HTTP_IDLE_S 10u          /* a client that is silent so long loses its connection */
#define OPS_HTTP_WHOLE_MS 20000u     /* from the accept to the end of the answer: beyond it the connection is cut */
#define OPS_HTTP_MEMORY 16384u       /* bytes of a request with its headers: more is answered by an error */

/* Fills body and *type; returns the status, 404 for a path that is none. */
typedef unsigned ops_http_answer(void *ctx, const char *path, struct ops_text *body, const char **type);

/* A connection that is open. */
struct ops_http_conn {
	int fd; /* -1: a free place */
	bool cut;
	uint64_t until_ms; /* of the loop's clock */
};

struct MHD_Daemon;
struct ops_http {
	ops_http_answer *answer;
	void *ctx;
	const char *posts;         /* the one path that answers POST, too; null: none. Set before the start */
	uint32_t whole_ms;         /* instead of OPS_HTTP_WHOLE_MS; 0: that. Set before the start */
	struct MHD_Daemon *daemon; /* null: not started */
	struct ops_http_conn conns[OPS_HTTP_CONNECTIONS_MAX];
	uv_poll_t poll;
	uv_timer_t timer;
	bool closed;          /* a connection was, in the run under way */
	uint64_t answered[6]; /* by the first digit of the status */
};

/*
 * "HOST:PORT", with a scheme or without, as in Go; but a host that is left out means this machine only (127.0.0.1): what
 * a node tells of itself is for others only when that was asked for. A name is looked up at once. SY_ADDR_INVALID, SY_DNS.
 */
SY_MUST enum sy_err ops_http_address(const char *text, struct sy_netaddr *addr);
/*
 * Listens (port 0: any). *bound: where. connections: at most so many at once, the others wait; 0 or more than
 * OPS_HTTP_CONNECTIONS_MAX means that. Returns SY_IN_USE, SY_UNREACHABLE (no address of this machine), SY_IO (not
 * permitted, out of descriptors), SY_NO_MEMORY: nothing was started.
 */
SY_MUST enum sy_err ops_http_start(struct ops_http *h, uv_loop_t *loop, const struct sy_netaddr *at, uint32_t connections,
                                   ops_http_answer *answer, void *ctx, struct sy_netaddr *bound);
/* Closes everything; the loop must turn once more before it is closed. Harmless when it was not started. */
void ops_http_stop(struct ops_http *h);

#endif
