/*
 * The transport interface: what a driver needs of a network. Implemented by tcp (libuv), pair (in memory) and the
 * simulator's hosts; transport/conformance.h holds one suite that runs against all of them.
 *
 * Sockets are named by the transport (tp_sock, never 0, not reused while anybody may hold it); the driver gives each a
 * cookie that comes back with every event. No event is delivered from inside an operation: events come from the
 * transport's own loop only, so a driver is never re-entered. After close, no event of that socket is delivered.
 */
#ifndef TP_TRANSPORT_H
#define TP_TRANSPORT_H

#include "core/switchyard.h"

typedef uint32_t tp_sock;

struct tp_events {
	void *ctx;
	/* A connection was accepted. Returns its cookie; 0 refuses it (the transport closes it). */
	uint64_t (*accepted)(void *ctx, tp_sock sock, const struct sy_netaddr *remote);
	/* The dial with this cookie succeeded. */
	void (*dialled)(void *ctx, uint64_t cookie, tp_sock sock);
	/* SY_DIAL_TIMEOUT, SY_DIAL_REFUSED, SY_UNREACHABLE, SY_LIMIT (descriptors), SY_IO. */
	void (*dial_failed)(void *ctx, uint64_t cookie, enum sy_err err);
	/* Bytes have arrived: never more than the read window given; borrowed for the call. */
	void (*bytes)(void *ctx, uint64_t cookie, struct sy_span bytes);
	/* The peer has closed its direction; writing may still work. Once. */
	void (*eof)(void *ctx, uint64_t cookie);
	/* The connection is gone (SY_PEER_RESET, SY_IO); close is still due. Once, and the last event of the socket. */
	void (*failed)(void *ctx, uint64_t cookie, enum sy_err err);
	/* After a short write: there is room again. */
	void (*writable)(void *ctx, uint64_t cookie);
	/* The time set by wake_at has come. */
	void (*wake)(void *ctx);
	/* Answers resolve: n addresses (ip only), or err. */
	void (*resolved)(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err);
};

enum tp_close {
	TP_CLOSE_ABORT, /* reset; what was written and not sent yet may be lost */
	TP_CLOSE_FLUSH, /* what was written is still delivered, then the stream ends */
};

struct tp_transport; /* each implementation's struct begins with one */

struct tp_ops {
	const char *name;
	/* Monotonic nanoseconds; never steps back. */
	uint64_t (*now_ns)(struct tp_transport *tp);
	/* Unix nanoseconds. */
	uint64_t (*wall_ns)(struct tp_transport *tp);
	/* Who gets the events; before anything else. Copied. */
	void (*attach)(struct tp_transport *tp, const struct tp_events *events);
	/* Listens at ip:port (port 0: any); *bound receives the real one. SY_IN_USE, SY_UNREACHABLE (not ours), SY_IO. */
	enum sy_err (*listen)(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound);
	/* How many more connections may be accepted; further ones wait in the backlog. Starts at 0. */
	void (*accept_window)(struct tp_transport *tp, uint32_t n);
	/* Connects; dialled or dial_failed follows with the cookie. SY_LIMIT, SY_UNREACHABLE: no event follows. */
	enum sy_err (*dial)(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns);
	/* Gives up a dial under way: neither event follows. */
	void (*dial_cancel)(struct tp_transport *tp, uint64_t cookie);
	/* TCP_NOTSENT_LOWAT and its kin for this socket; 0: the kernel's default. */
	void (*unsent_lowat)(struct tp_transport *tp, tp_sock sock, uint32_t bytes);
	/* About how many bytes a write would take now; 0 means a writable event will come. */
	size_t (*room)(struct tp_transport *tp, tp_sock sock);
	/* Takes up to n bytes (copies them) and returns how many; fewer than n: a writable event will come. 0 on a socket that has failed. */
	size_t (*write)(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n);
	/* How many bytes may be delivered from now on (replaces the window before; delivered bytes count against it). Starts at 0. */
	void (*read_window)(struct tp_transport *tp, tp_sock sock, size_t n);
	void (*close)(struct tp_transport *tp, tp_sock sock, enum tp_close how);
	/* wake follows at or after this time, once; replaces the one before. UINT64_MAX: never. */
	void (*wake_at)(struct tp_transport *tp, uint64_t at_ns);
	/* Looks a name up (A and AAAA); resolved follows with the token. SY_LIMIT: no event follows. */
	enum sy_err (*resolve)(struct tp_transport *tp, uint64_t token, const char *host);
	/* Stops listening, closes everything, gives all back. */
	void (*fini)(struct tp_transport *tp);
};

struct tp_transport {
	const struct tp_ops *ops;
};

#endif
