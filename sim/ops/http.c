#include "sim/ops/http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/ops/listen.h"
#include "transport/host/listen.h"

enum sy_err ops_http_address(const char *text, struct sy_netaddr *addr)
{
	const char *bare = strstr(text, "://");
	char full[SY_HOST_TEXT + 32];

	bare = bare == NULL ? text : bare + 3;
	int n = snprintf(full, sizeof full, "%s%s", bare[0] == ':' ? "127.0.0.1" : "", bare);
	if (n < 0 || (size_t)n >= sizeof full)
		return SY_ADDR_INVALID;
	return tp_listen_parse(full, addr);
}

#define PLAIN "text/plain; charset=utf-8"

/* ------------------------------------------------------------------ one request */

/* Takes the body. */
static enum MHD_Result send_body(struct MHD_Connection *conn, unsigned status, struct ops_text *body, const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(body->len, body->at, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result sent = MHD_NO;

	if (r == NULL) {
		ops_text_free(body);
		return MHD_NO;
	}
	/* one request a connection: a scraper that keeps its connection open would hold one of the few there are */
	if (MHD_add_response_header(r, "Connection", "close") == MHD_YES && MHD_add_response_header(r, "Content-Type", type) == MHD_YES &&
	    MHD_add_response_header(r, "Cache-Control", "no-store") == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED || MHD_add_response_header(r, "Allow", "GET, HEAD") == MHD_YES))
		sent = MHD_queue_response(conn, status, r);
	MHD_destroy_response(r);
	return sent;
}

/* The body of a request is passed over. *state counts its bytes, plus one. False: it is too long. */
static bool pass_over(void **state, size_t *upload_size)
{
	uintptr_t so_far = (uintptr_t)*state + *upload_size;

	*upload_size = 0;
	*state = (void *)so_far;
	return so_far <= OPS_HTTP_MEMORY;
}

static bool is_answered(const struct ops_http *h, const char *method, const char *url)
{
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		return true;
	return strcmp(method, MHD_HTTP_METHOD_POST) == 0 && h->posts != NULL && strcmp(url, h->posts) == 0;
}

/* Takes the body; one that has failed becomes an error. */
static enum MHD_Result reply(struct ops_http *h, struct MHD_Connection *conn, unsigned status, struct ops_text *body, const char *type)
{
	if (body->failed || body->at == NULL) {
		ops_text_free(body);
		ops_text_print(body, "the answer is too long, or there is no memory for it\n");
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		type = PLAIN;
	}
	h->answered[status / 100]++;
	return body->at == NULL ? MHD_NO : send_body(conn, status, body, type);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **state)
{
	struct ops_http *h = ctx;
	struct ops_text body = {0};
	const char *type = PLAIN;

	if (!is_answered(h, method, url)) {
		ops_text_print(&body, "only GET and HEAD are answered here\n");
		return reply(h, conn, MHD_HTTP_METHOD_NOT_ALLOWED, &body, type);
	}
	if (*state == NULL) { /* the first call, after the headers: answers are given with the last */
		*state = (void *)(uintptr_t)1;
		return MHD_YES;
	}
	if (*upload_size != 0)
		return pass_over(state, upload_size) ? MHD_YES : MHD_NO;
	unsigned status = h->answer(h->ctx, url, &body, &type);
	return reply(h, conn, status, &body, type);
}

/* ------------------------------------------------------------------ the loop */

static void run(struct ops_http *h);

static void on_poll(uv_poll_t *poll, int status, int events)
{
	run(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

/* ---- the deadline of a whole request: the library only knows one for silence, which a client that drips never reaches ---- */

static void opened(struct ops_http *h, struct MHD_Connection *conn, void **state)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	for (unsigned i = 0; info != NULL && i < OPS_HTTP_CONNECTIONS_MAX; i++) {
		struct ops_http_conn *c = &h->conns[i];

		if (c->fd >= 0)
			continue;
		*c = (struct ops_http_conn){.fd = info->connect_fd, .until_ms = uv_now(h->timer.loop) + h->whole_ms};
		*state = c;
		return;
	}
}

static void on_connection(void *ctx, struct MHD_Connection *conn, void **state, enum MHD_ConnectionNotificationCode code)
{
	struct ops_http *h = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		opened(h, conn, state);
		return;
	}
	h->closed = true;
	if (*state != NULL)
		((struct ops_http_conn *)*state)->fd = -1;
}

/* The library owns the descriptors, and closes those of which it reads that they are shut. */
static void cut_overdue(struct ops_http *h)
{
	for (unsigned i = 0; i < OPS_HTTP_CONNECTIONS_MAX; i++) {
		struct ops_http_conn *c = &h->conns[i];

		if (c->fd < 0 || c->cut || uv_now(h->timer.loop) < c->until_ms)
			continue;
		(void)shutdown(c->fd, SHUT_RDWR);
		c->cut = true;
	}
}

/* Milliseconds until the next connection is overdue, or wait_ms when that is less. */
static uint64_t until_next(const struct ops_http *h, uint64_t wait_ms)
{
	uint64_t now_ms = uv_now(h->timer.loop);

	for (unsigned i = 0; i < OPS_HTTP_CONNECTIONS_MAX; i++) {
		const struct ops_http_conn *c = &h->conns[i];

		if (c->fd >= 0 && !c->cut && c->until_ms - now_ms < wait_ms)
			wait_ms = c->until_ms - now_ms;
	}
	return wait_ms;
}

/*
 * Works off what is ready, and comes back when the daemon wants it. At its limit of connections the daemon stops looking
 * at the listening socket, and looks again only in the run after one was closed: nothing else would bring that about.
 */
static void run(struct ops_http *h)
{
	MHD_UNSIGNED_LONG_LONG mhd_ms;
	unsigned rounds = 0;

	cut_overdue(h);
	do {
		h->closed = false;
		(void)MHD_run(h->daemon);
	} while (h->closed && ++rounds <= OPS_HTTP_CONNECTIONS_MAX);
	if (h->closed) { /* others have their turn first */
		uv_timer_start(&h->timer, on_timer, 0, 0);
		return;
	}
	uint64_t wait_ms = until_next(h, MHD_get_timeout(h->daemon, &mhd_ms) == MHD_YES ? mhd_ms : UINT64_MAX);
	if (wait_ms != UINT64_MAX)
		uv_timer_start(&h->timer, on_timer, wait_ms, 0);
	else
		uv_timer_stop(&h->timer);
}

/* What the library has to say is of clients that hang up. */
static void no_log(void *ctx, const char *format, va_list args)
{
}

/* ------------------------------------------------------------------ life */

static struct MHD_Daemon *start_daemon(struct ops_http *h, int fd, uint32_t connections)
{
	if (connections == 0 || connections > OPS_HTTP_CONNECTIONS_MAX)
		connections = OPS_HTTP_CONNECTIONS_MAX;
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,
	                        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_LIMIT,
	                        (unsigned)connections, MHD_OPTION_CONNECTION_TIMEOUT, OPS_HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	                        (size_t)OPS_HTTP_MEMORY, MHD_OPTION_END);
}

enum sy_err ops_http_start(struct ops_http *h, uv_loop_t *loop, const struct sy_netaddr *at, uint32_t connections, ops_http_answer *answer,
                           void *ctx, struct sy_netaddr *bound)
{
	int fd;
	enum sy_err err = ops_listen(at, &fd, bound);

	if (err != SY_OK)
		return err;
	h->answer = answer;
	h->ctx = ctx;
	if (h->whole_ms == 0)
		h->whole_ms = OPS_HTTP_WHOLE_MS;
	for (unsigned i = 0; i < OPS_HTTP_CONNECTIONS_MAX; i++)
		h->conns[i].fd = -1;
	h->daemon = start_daemon(h, fd, connections);
	if (h->daemon == NULL) {
		close(fd);
		return SY_NO_MEMORY;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->poll.data = h->timer.data = h;
	uv_timer_init(loop, &h->timer);
	if (info == NULL || uv_poll_init(loop, &h->poll, info->epoll_fd) != 0) {
		MHD_stop_daemon(h->daemon);
		h->daemon = NULL;
		uv_close((uv_handle_t *)&h->timer, NULL);
		return SY_IO;
	}
	uv_poll_start(&h->poll, UV_READABLE, on_poll);
	return SY_OK;
}

void ops_http_stop(struct ops_http *h)
{
	if (h->daemon == NULL)
		return;
	uv_poll_stop(&h->poll);
	uv_close((uv_handle_t *)&h->poll, NULL);
	uv_close((uv_handle_t *)&h->timer, NULL);
	MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
}
