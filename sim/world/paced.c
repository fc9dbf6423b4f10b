/* The paced transport's operations and events. */
#include "sim/world/paced.h"

#include <stdlib.h>

#include "sim/world/paced_sock.h"

static struct paced *paced_of(struct tp_transport *tp)
{
	return (struct paced *)tp;
}

/* ------------------------------------------------------------------ time */

static void set_inner_wake(struct paced *p)
{
	if (p->finished)
		return;
	uint64_t next_ns = p->outer_wake_ns;

	for (uint32_t i = 0; i < p->num_socks; i++) {
		uint64_t sock_ns = paced_next_ns(p, &p->socks[i]);

		next_ns = sock_ns < next_ns ? sock_ns : next_ns;
	}
	if (next_ns == p->inner_wake_ns)
		return;
	p->inner_wake_ns = next_ns;
	p->inner->ops->wake_at(p->inner, next_ns);
}

static uint64_t op_now(struct tp_transport *tp)
{
	return paced_now(paced_of(tp)) - paced_of(tp)->config.epoch_ns;
}

static uint64_t op_wall(struct tp_transport *tp)
{
	struct tp_transport *inner = paced_of(tp)->inner;

	return inner->ops->wall_ns(inner);
}

static void op_wake_at(struct tp_transport *tp, uint64_t at_ns)
{
	struct paced *p = paced_of(tp);

	p->outer_wake_ns = at_ns > UINT64_MAX - p->config.epoch_ns ? UINT64_MAX : at_ns + p->config.epoch_ns;
	set_inner_wake(p);
}

/* ------------------------------------------------------------------ events of the inner transport */

static struct paced *enter(void *ctx)
{
	struct paced *p = ctx;

	p->inside++;
	return p;
}

/* The end of an event: the next time is set, or a transport that was ended meanwhile is freed. */
static void leave(struct paced *p)
{
	if (--p->inside == 0 && p->finished)
		free(p);
	else
		set_inner_wake(p);
}

static void find_link(struct paced *p, struct paced_sock *s, const struct sy_netaddr *remote)
{
	s->link = (struct paced_link){0};
	p->config.link(p->config.ctx, remote, &s->link);
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct paced *p = ctx;
	struct paced_sock *s = paced_take(p);

	if (s == NULL)
		return 0;
	enter(p);
	s->state = PACED_OPEN;
	s->inner = sock;
	find_link(p, s, remote);
	tp_sock name = paced_name(p, s);
	uint64_t cookie = p->events.accepted(p->events.ctx, name, remote);
	s = paced_find(p, name); /* the driver may have closed it, and the table may have moved */
	if (s != NULL && cookie == 0)
		paced_give(p, s);
	else if (s != NULL)
		s->cookie = cookie;
	leave(p);
	return cookie == 0 ? 0 : name;
}

static void tell_dialled(struct paced *p, struct paced_sock *s)
{
	s->state = PACED_OPEN;
	p->events.dialled(p->events.ctx, s->cookie, paced_name(p, s));
}

static void on_dialled(void *ctx, uint64_t name, tp_sock sock)
{
	struct paced *p = enter(ctx);
	struct paced_sock *s = paced_find(p, name);

	if (s == NULL) {
		leave(p);
		return;
	}
	s->inner = sock;
	s->answer_ns = paced_now(p) + 2 * s->link.latency_ns;
	s->state = PACED_ANSWERED;
	if (s->link.latency_ns == 0)
		tell_dialled(p, s);
	leave(p);
}

static void on_dial_failed(void *ctx, uint64_t name, enum sy_err err)
{
	struct paced *p = enter(ctx);
	struct paced_sock *s = paced_find(p, name);

	if (s != NULL) {
		uint64_t cookie = s->cookie;

		paced_give(p, s);
		p->events.dial_failed(p->events.ctx, cookie, err);
	}
	leave(p);
}

static void on_bytes(void *ctx, uint64_t name, struct sy_span bytes)
{
	struct paced *p = enter(ctx);
	struct paced_sock *s = paced_find(p, name);

	if (s != NULL && s->state == PACED_OPEN)
		p->events.bytes(p->events.ctx, s->cookie, bytes);
	leave(p);
}

static void on_eof(void *ctx, uint64_t name)
{
	struct paced *p = enter(ctx);
	struct paced_sock *s = paced_find(p, name);

	if (s != NULL && s->state == PACED_OPEN)
		p->events.eof(p->events.ctx, s->cookie);
	leave(p);
}

static void fail_sock(struct paced *p, struct paced_sock *s, enum sy_err err)
{
	uint64_t cookie = s->cookie;
	bool answered = s->state == PACED_ANSWERED;

	if (s->state == PACED_OPEN) {
		s->state = PACED_FAILED;
		paced_drop(p, s);
		p->events.failed(p->events.ctx, cookie, err);
		return;
	}
	p->inner->ops->close(p->inner, s->inner, TP_CLOSE_ABORT);
	paced_give(p, s);
	if (answered)
		p->events.dial_failed(p->events.ctx, cookie, err);
}

static void on_failed(void *ctx, uint64_t name, enum sy_err err)
{
	struct paced *p = enter(ctx);
	struct paced_sock *s = paced_find(p, name);

	if (s != NULL)
		fail_sock(p, s, err);
	leave(p);
}

static void end_if_empty(struct paced *p, struct paced_sock *s)
{
	if (s->state != PACED_ENDING || s->head != NULL)
		return;
	p->inner->ops->close(p->inner, s->inner, TP_CLOSE_FLUSH);
	paced_give(p, s);
}

/* Moves one socket on: bytes out, room told of, an ended one closed. */
static void work(struct paced *p, struct paced_sock *s)
{
	paced_release(p, s);
	if (s->state == PACED_OPEN && s->want_room && paced_has_room_again(p, s)) {
		s->want_room = false;
		p->events.writable(p->events.ctx, s->cookie);
		return;
	}
	end_if_empty(p, s);
}

static void on_writable(void *ctx, uint64_t name)
{
	struct paced *p = enter(ctx);
	struct paced_sock *s = paced_find(p, name);

	if (s != NULL) {
		s->inner_full = false;
		work(p, s);
	}
	leave(p);
}

static void on_wake(void *ctx)
{
	struct paced *p = enter(ctx);
	uint64_t now_ns = paced_now(p);

	p->inner_wake_ns = UINT64_MAX;
	/* By place: an event may move the table or take a place that was passed already, which then waits its own time. */
	for (uint32_t i = 0; i < p->num_socks; i++) {
		struct paced_sock *s = &p->socks[i];

		if (paced_next_ns(p, s) > now_ns)
			continue;
		if (s->state == PACED_ANSWERED)
			tell_dialled(p, s);
		else
			work(p, s);
	}
	if (p->outer_wake_ns <= now_ns) {
		p->outer_wake_ns = UINT64_MAX;
		p->events.wake(p->events.ctx);
	}
	leave(p);
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct paced *p = enter(ctx);

	p->events.resolved(p->events.ctx, token, addrs, n, err);
	leave(p);
}

/* ------------------------------------------------------------------ operations */

static void op_attach(struct tp_transport *tp, const struct tp_events *events)
{
	struct paced *p = paced_of(tp);
	const struct tp_events own = {
	    .ctx = p,
	    .accepted = on_accepted,
	    .dialled = on_dialled,
	    .dial_failed = on_dial_failed,
	    .bytes = on_bytes,
	    .eof = on_eof,
	    .failed = on_failed,
	    .writable = on_writable,
	    .wake = on_wake,
	    .resolved = on_resolved,
	};

	p->events = *events;
	p->inner->ops->attach(p->inner, &own);
}

static enum sy_err op_listen(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound)
{
	struct tp_transport *inner = paced_of(tp)->inner;

	return inner->ops->listen(inner, at, bound);
}

static void op_accept_window(struct tp_transport *tp, uint32_t n)
{
	struct tp_transport *inner = paced_of(tp)->inner;

	inner->ops->accept_window(inner, n);
}

static enum sy_err op_dial(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns)
{
	struct paced *p = paced_of(tp);
	struct paced_sock *s = paced_take(p);

	if (s == NULL)
		return SY_LIMIT;
	s->cookie = cookie;
	find_link(p, s, to);
	enum sy_err err = p->inner->ops->dial(p->inner, paced_name(p, s), to, timeout_ns);
	if (err != SY_OK)
		paced_give(p, s);
	return err;
}

static void op_dial_cancel(struct tp_transport *tp, uint64_t cookie)
{
	struct paced *p = paced_of(tp);

	for (uint32_t i = 0; i < p->num_socks; i++) {
		struct paced_sock *s = &p->socks[i];

		if (s->cookie != cookie || (s->state != PACED_DIALLING && s->state != PACED_ANSWERED))
			continue;
		if (s->state == PACED_DIALLING)
			p->inner->ops->dial_cancel(p->inner, paced_name(p, s));
		else
			p->inner->ops->close(p->inner, s->inner, TP_CLOSE_ABORT);
		paced_give(p, s);
	}
}

static void op_unsent_lowat(struct tp_transport *tp, tp_sock sock, uint32_t bytes)
{
	struct paced_sock *s = paced_find(paced_of(tp), sock);

	if (s != NULL)
		s->lowat = bytes;
}

static size_t op_room(struct tp_transport *tp, tp_sock sock)
{
	struct paced *p = paced_of(tp);
	struct paced_sock *s = paced_find(p, sock);

	if (s == NULL)
		return 0;
	size_t room = paced_room(p, s);
	if (room == 0) {
		s->want_room = true;
		set_inner_wake(p);
	}
	return room;
}

static size_t op_write(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n)
{
	struct paced *p = paced_of(tp);
	struct paced_sock *s = paced_find(p, sock);

	if (s == NULL)
		return 0;
	size_t taken = paced_put(p, s, bytes, n);
	if (taken < n)
		s->want_room = true;
	paced_release(p, s);
	set_inner_wake(p);
	return taken;
}

static void op_read_window(struct tp_transport *tp, tp_sock sock, size_t n)
{
	struct paced *p = paced_of(tp);
	struct paced_sock *s = paced_find(p, sock);

	if (s != NULL)
		p->inner->ops->read_window(p->inner, s->inner, n);
}

static void op_close(struct tp_transport *tp, tp_sock sock, enum tp_close how)
{
	struct paced *p = paced_of(tp);
	struct paced_sock *s = paced_find(p, sock);

	if (s == NULL)
		return;
	if (how == TP_CLOSE_FLUSH && s->head != NULL) {
		s->state = PACED_ENDING;
		p->inner->ops->read_window(p->inner, s->inner, 0);
		set_inner_wake(p);
		return;
	}
	p->inner->ops->close(p->inner, s->inner, how);
	paced_give(p, s);
}

static enum sy_err op_resolve(struct tp_transport *tp, uint64_t token, const char *host)
{
	struct tp_transport *inner = paced_of(tp)->inner;

	return inner->ops->resolve(inner, token, host);
}

static void op_fini(struct tp_transport *tp)
{
	struct paced *p = paced_of(tp);

	for (uint32_t i = 0; i < p->num_socks; i++)
		paced_drop(p, &p->socks[i]);
	while (p->free_chunks != NULL) {
		struct paced_chunk *c = p->free_chunks;

		p->free_chunks = c->next;
		free(c);
	}
	p->inner->ops->fini(p->inner);
	free(p->socks);
	p->socks = NULL;
	p->num_socks = 0;
	p->num_free_chunks = 0;
	p->outer_wake_ns = UINT64_MAX;
	p->finished = true;
	if (p->inside == 0)
		free(p);
}

static const struct tp_ops paced_ops = {
    .name = "paced",
    .now_ns = op_now,
    .wall_ns = op_wall,
    .attach = op_attach,
    .listen = op_listen,
    .accept_window = op_accept_window,
    .dial = op_dial,
    .dial_cancel = op_dial_cancel,
    .unsent_lowat = op_unsent_lowat,
    .room = op_room,
    .write = op_write,
    .read_window = op_read_window,
    .close = op_close,
    .wake_at = op_wake_at,
    .resolve = op_resolve,
    .fini = op_fini,
};

struct tp_transport *paced_new(struct tp_transport *inner, const struct paced_config *config)
{
	struct paced *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->tp.ops = &paced_ops;
	p->inner = inner;
	p->config = *config;
	p->outer_wake_ns = p->inner_wake_ns = UINT64_MAX;
	return &p->tp;
}
