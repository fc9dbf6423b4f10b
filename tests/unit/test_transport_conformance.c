/* What every transport promises (transport/transport.h), tried on each of them: in memory, TCP, simulated hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/limits.h"
#include "tests/support/net_world.h"

#define MAX_CONNS 400
#define MILLISECOND 1000000ull
#define SECOND 1000000000ull
#define MIB 1048576u
#define STEPS_MAX 3000000u

/* One connection as its end sees it. Both streams carry pattern(). */
struct conn {
	tp_sock sock;
	struct sy_netaddr remote;
	unsigned accepted, dialled, dial_failed, eof, failed, writable, events;
	enum sy_err err;
	size_t received, sent, to_send, biggest;
	size_t window; /* given again after each event; 0: the test gives windows itself */
	bool close_in_event, closed;
	unsigned events_at_close;
};

struct end {
	struct tp_transport *tp;
	struct sy_netaddr at;
	uint64_t base; /* of the cookies */
	struct conn conns[MAX_CONNS];
	unsigned num_conns; /* accepted from index num_dialled on */
	bool refuse, fini_in_event, finished;
	size_t accept_with_window;
	unsigned wakes, resolutions;
	uint64_t woken_ns[8];
	enum sy_err resolve_err;
	size_t resolved_n;
	struct sy_netaddr resolved[SY_LIMIT_RESOLVED];
	uint64_t resolve_token;
	uint64_t rand;
};

struct rig {
	const struct net_kind *kind;
	struct net_world *w;
	struct end ends[3];
};

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i ^ (i >> 8) ^ (i >> 16) * 7);
}

static uint64_t next_rand(struct end *e)
{
	e->rand ^= e->rand << 13;
	e->rand ^= e->rand >> 7;
	e->rand ^= e->rand << 17;
	return e->rand;
}

static struct conn *conn_of(struct end *e, uint64_t cookie)
{
	assert_false(e->finished);
	assert_true(cookie > e->base && cookie <= e->base + e->num_conns);
	struct conn *c = &e->conns[cookie - e->base - 1];
	assert_false(c->closed);
	assert_int_equal(c->failed, 0);
	c->events++;
	return c;
}

static void close_conn(struct end *e, struct conn *c, enum tp_close how)
{
	e->tp->ops->close(e->tp, c->sock, how);
	c->closed = true;
	c->events_at_close = c->events;
}

/* Writes what the stream has left, in chunks of random size, until the socket takes no more. */
static void send_more(struct end *e, struct conn *c)
{
	static uint8_t chunk[MIB];
	while (c->sent < c->to_send) {
		size_t n = (size_t)1 << (next_rand(e) % 21);
		n = 1 + next_rand(e) % n;
		n = n > c->to_send - c->sent ? c->to_send - c->sent : n;
		for (size_t i = 0; i < n; i++)
			chunk[i] = pattern(c->sent + i);
		size_t took = e->tp->ops->write(e->tp, c->sock, chunk, n);
		assert_true(took <= n);
		c->sent += took;
		if (took < n)
			return;
	}
}

static void after_event(struct end *e, struct conn *c)
{
	if (c->close_in_event) {
		close_conn(e, c, TP_CLOSE_ABORT);
	} else if (e->fini_in_event) {
		e->tp->ops->fini(e->tp);
		e->finished = true;
	} else if (c->window > 0) {
		e->tp->ops->read_window(e->tp, c->sock, c->window);
	}
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct end *e = ctx;
	assert_false(e->finished);
	assert_int_not_equal(sock, 0);
	assert_true(e->num_conns < MAX_CONNS);
	struct conn *c = &e->conns[e->num_conns++];
	*c = (struct conn){.sock = sock, .accepted = 1, .remote = *remote, .window = e->accept_with_window};
	if (e->refuse) {
		c->closed = true;
		return 0;
	}
	after_event(e, c);
	return e->base + (uint64_t)(c - e->conns) + 1;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	struct end *e = ctx;
	struct conn *c = conn_of(e, cookie);
	assert_int_not_equal(sock, 0);
	assert_int_equal(c->dialled + c->dial_failed, 0);
	c->dialled++;
	c->sock = sock;
	after_event(e, c);
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct conn *c = conn_of(ctx, cookie);
	assert_int_equal(c->dialled + c->dial_failed, 0);
	c->dial_failed++;
	c->err = err;
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct end *e = ctx;
	struct conn *c = conn_of(e, cookie);
	assert_int_equal(c->eof, 0);
	assert_true(bytes.len > 0);
	for (size_t i = 0; i < bytes.len; i++)
		assert_int_equal(bytes.ptr[i], pattern(c->received + i));
	c->received += bytes.len;
	c->biggest = bytes.len > c->biggest ? bytes.len : c->biggest;
	after_event(e, c);
}

static void on_eof(void *ctx, uint64_t cookie)
{
	struct end *e = ctx;
	struct conn *c = conn_of(e, cookie);
	assert_int_equal(c->eof, 0);
	c->eof++;
	after_event(e, c);
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct end *e = ctx;
	struct conn *c = conn_of(e, cookie);
	c->failed++;
	c->err = err;
	assert_int_equal(e->tp->ops->write(e->tp, c->sock, (const uint8_t *)"x", 1), 0);
	after_event(e, c);
}

static void on_writable(void *ctx, uint64_t cookie)
{
	struct end *e = ctx;
	struct conn *c = conn_of(e, cookie);
	c->writable++;
	if (c->close_in_event)
		after_event(e, c);
	else
		send_more(e, c);
}

static void on_wake(void *ctx)
{
	struct end *e = ctx;
	assert_true(e->wakes < 8);
	e->woken_ns[e->wakes++] = e->tp->ops->now_ns(e->tp);
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct end *e = ctx;
	assert_false(e->finished);
	assert_true(n <= SY_LIMIT_RESOLVED);
	e->resolutions++;
	e->resolve_token = token;
	e->resolve_err = err;
	e->resolved_n = n;
	if (n > 0)
		memcpy(e->resolved, addrs, n * sizeof(*addrs));
}

static void attach(struct rig *r, unsigned i)
{
	struct end *e = &r->ends[i];
	const struct tp_events events = {
	    .ctx = e,
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
	e->tp = r->kind->endpoint(r->w, i);
	assert_non_null(e->tp);
	r->kind->address(r->w, i, &e->at);
	e->base = (uint64_t)(i + 1) << 32;
	e->rand = 88172645463325252ull + i;
	e->tp->ops->attach(e->tp, &events);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	r->kind = *state;
	r->w = r->kind->make();
	assert_non_null(r->w);
	for (unsigned i = 0; i < 3; i++)
		attach(r, i);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	r->kind->free(r->w);
	free(r);
	return 0;
}

/* Steps until the condition holds; the test fails when nothing can happen any more. */
#define UNTIL(r, condition)                                       \
	do {                                                          \
		unsigned steps_ = 0;                                      \
		while (!(condition)) {                                    \
			if (!(r)->kind->step((r)->w) || ++steps_ > STEPS_MAX) \
				fail_msg("%s: never true", #condition);           \
		}                                                         \
	} while (0)

/* Lets happen what happens until an endpoint's clock has moved on this far. */
static void idle(struct rig *r, unsigned i, uint64_t ns)
{
	struct end *e = &r->ends[i];
	uint64_t until_ns = e->tp->ops->now_ns(e->tp) + ns;
	e->wakes = 0;
	e->tp->ops->wake_at(e->tp, until_ns);
	UNTIL(r, e->wakes == 1);
	e->wakes = 0;
}

static void listen_on(struct rig *r, unsigned i, uint32_t window)
{
	struct end *e = &r->ends[i];
	struct sy_netaddr bound = {0};
	assert_int_equal(e->tp->ops->listen(e->tp, &e->at, &bound), SY_OK);
	assert_memory_equal(bound.ip, e->at.ip, 16);
	assert_int_not_equal(bound.port, 0);
	e->at = bound;
	e->tp->ops->accept_window(e->tp, window);
}

static struct conn *dial(struct rig *r, unsigned i, const struct sy_netaddr *to, uint64_t timeout_ns)
{
	struct end *e = &r->ends[i];
	struct conn *c = &e->conns[e->num_conns++];
	assert_int_equal(e->tp->ops->dial(e->tp, e->base + e->num_conns, to, timeout_ns), SY_OK);
	return c;
}

/* End 0 dials end 1. */
static void join(struct rig *r, struct conn **near, struct conn **far)
{
	if (r->ends[1].at.port == 0)
		listen_on(r, 1, 100);
	unsigned before = r->ends[1].num_conns;
	*near = dial(r, 0, &r->ends[1].at, 10 * SECOND);
	UNTIL(r, (*near)->dialled && r->ends[1].num_conns > before);
	*far = &r->ends[1].conns[before];
}

static void window(struct end *e, struct conn *c, size_t n)
{
	e->tp->ops->read_window(e->tp, c->sock, n);
}

/* ---- connecting ---- */

static void test_transport_connects_and_accepts(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	assert_int_equal(far->accepted, 1);
	assert_memory_equal(far->remote.ip, r->ends[0].at.ip, 16);
	assert_int_not_equal(far->remote.port, 0);
	assert_true(r->ends[0].tp->ops->room(r->ends[0].tp, near->sock) > 0);
	assert_true(r->ends[1].tp->ops->room(r->ends[1].tp, far->sock) > 0);
}

static void test_transport_dial_is_refused_where_nobody_listens(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr to = r->ends[1].at;
	to.port = 1;
	struct conn *c = dial(r, 0, &to, 10 * SECOND);
	assert_int_equal(c->events, 0);
	UNTIL(r, c->dial_failed);
	assert_int_equal(c->err, SY_DIAL_REFUSED);
}

static void test_transport_dial_times_out_where_nobody_answers(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	struct sy_netaddr to;
	r->kind->nowhere(r->w, &to);
	uint64_t began_ns = e->tp->ops->now_ns(e->tp);
	struct conn *slow = dial(r, 0, &to, 80 * MILLISECOND);
	struct conn *fast = dial(r, 0, &to, 40 * MILLISECOND);
	UNTIL(r, fast->dial_failed);
	assert_int_equal(slow->dial_failed, 0);
	UNTIL(r, slow->dial_failed);
	assert_int_equal(fast->err, SY_DIAL_TIMEOUT);
	assert_int_equal(slow->err, SY_DIAL_TIMEOUT);
	assert_true(e->tp->ops->now_ns(e->tp) - began_ns >= 80 * MILLISECOND);
}

static void test_transport_dial_cancelled_brings_no_event(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	struct sy_netaddr nowhere;
	r->kind->nowhere(r->w, &nowhere);
	listen_on(r, 1, 10);
	struct conn *a = dial(r, 0, &r->ends[1].at, 10 * SECOND);
	struct conn *b = dial(r, 0, &nowhere, 20 * MILLISECOND);
	e->tp->ops->dial_cancel(e->tp, e->base + 1);
	e->tp->ops->dial_cancel(e->tp, e->base + 2);
	e->tp->ops->dial_cancel(e->tp, e->base + 2);
	a->closed = b->closed = true;
	idle(r, 0, 200 * MILLISECOND);
	assert_int_equal(a->events + b->events, 0);
}

static void test_transport_carries_as_many_dials_as_a_node_may_have(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	struct sy_netaddr nowhere;
	r->kind->nowhere(r->w, &nowhere);
	for (unsigned i = 0; i < SY_LIMIT_DIALS; i++)
		dial(r, 0, &nowhere, 3600 * SECOND);
	if (r->kind->bounds_dials)
		assert_int_equal(e->tp->ops->dial(e->tp, e->base + 9999, &nowhere, SECOND), SY_LIMIT);
	e->tp->ops->dial_cancel(e->tp, e->base + 1);
	dial(r, 0, &nowhere, 3600 * SECOND);
}

static void test_transport_accept_window_leaves_others_waiting(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[1];
	struct conn *c[4];
	listen_on(r, 1, 0);
	for (unsigned i = 0; i < 4; i++)
		c[i] = dial(r, 0, &e->at, 10 * SECOND);
	UNTIL(r, c[0]->dialled && c[1]->dialled && c[2]->dialled && c[3]->dialled);
	idle(r, 0, 50 * MILLISECOND);
	assert_int_equal(e->num_conns, 0);
	e->tp->ops->accept_window(e->tp, 1);
	assert_int_equal(e->num_conns, 0);
	UNTIL(r, e->num_conns == 1);
	idle(r, 0, 50 * MILLISECOND);
	assert_int_equal(e->num_conns, 1);
	e->tp->ops->accept_window(e->tp, 1);
	e->tp->ops->accept_window(e->tp, 2);
	UNTIL(r, e->num_conns == 3);
	idle(r, 0, 50 * MILLISECOND);
	assert_int_equal(e->num_conns, 3);
}

static void test_transport_bytes_sent_before_acceptance_arrive(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[1];
	listen_on(r, 1, 0);
	e->accept_with_window = 1000;
	struct conn *c = dial(r, 0, &e->at, 10 * SECOND);
	UNTIL(r, c->dialled);
	c->to_send = 5000;
	send_more(&r->ends[0], c);
	idle(r, 0, 20 * MILLISECOND);
	e->tp->ops->accept_window(e->tp, 5);
	UNTIL(r, e->num_conns == 1 && e->conns[0].received == 5000);
	assert_true(e->conns[0].biggest <= 1000);
}

static void test_transport_refuses_on_cookie_zero(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[1];
	e->refuse = true;
	listen_on(r, 1, 1);
	struct conn *c = dial(r, 0, &e->at, 10 * SECOND);
	c->window = 100;
	UNTIL(r, e->num_conns == 1 && (c->failed || c->eof || c->dial_failed));
	e->refuse = false;
	struct conn *second = dial(r, 0, &e->at, 10 * SECOND); /* the refused one has used the window up */
	UNTIL(r, second->dialled);
	idle(r, 0, 30 * MILLISECOND);
	assert_int_equal(e->num_conns, 1);
}

static void test_transport_listen_tells_a_port_in_use(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[1];
	struct sy_netaddr bound = {0};
	listen_on(r, 1, 1);
	assert_int_equal(e->tp->ops->listen(e->tp, &e->at, &bound), SY_IN_USE);
	struct conn *near, *far;
	join(r, &near, &far);
}

static void test_transport_listen_refuses_a_foreign_address(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound = {0}, foreign = net_v4(203, 0, 113, 77, 0);
	assert_int_equal(r->ends[0].tp->ops->listen(r->ends[0].tp, &foreign, &bound), SY_UNREACHABLE);
	listen_on(r, 0, 1);
}

/* ---- bytes ---- */

static void test_transport_bytes_arrive_exactly_both_ways(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	near->to_send = 3 * MIB + 17;
	far->to_send = 2 * MIB + 1;
	near->window = 70001;
	far->window = 8191;
	window(&r->ends[0], near, near->window);
	window(&r->ends[1], far, far->window);
	send_more(&r->ends[0], near);
	send_more(&r->ends[1], far);
	UNTIL(r, near->received == far->to_send && far->received == near->to_send);
	assert_true(near->biggest <= near->window);
	assert_true(far->biggest <= far->window);
}

static void test_transport_window_bounds_what_is_delivered(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	near->to_send = 1000;
	send_more(&r->ends[0], near);
	window(&r->ends[1], far, 10);
	UNTIL(r, far->received == 10);
	idle(r, 0, 30 * MILLISECOND);
	assert_int_equal(far->received, 10);
	window(&r->ends[1], far, 500);
	window(&r->ends[1], far, 7);
	UNTIL(r, far->received == 17);
	idle(r, 0, 30 * MILLISECOND);
	assert_int_equal(far->received, 17);
	far->window = 1;
	window(&r->ends[1], far, 1);
	UNTIL(r, far->received == 1000);
}

static void test_transport_closed_window_stops_the_writer(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	struct conn *near, *far;
	join(r, &near, &far);
	near->to_send = 64 * MIB; /* more than any kernel holds */
	send_more(e, near);
	size_t before;
	do {
		before = near->sent;
		idle(r, 0, 50 * MILLISECOND);
	} while (near->sent > before);
	assert_true(near->sent < near->to_send);
	assert_int_equal(e->tp->ops->room(e->tp, near->sock), 0);
	assert_int_equal(far->received, 0);
	near->to_send = near->sent + 100000;
	far->window = 100000;
	window(&r->ends[1], far, far->window);
	UNTIL(r, far->received == near->to_send);
	assert_true(near->writable > 0);
	assert_true(e->tp->ops->room(e->tp, near->sock) > 0);
}

static void test_transport_unsent_lowat_changes_no_byte(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	struct conn *near, *far;
	join(r, &near, &far);
	e->tp->ops->unsent_lowat(e->tp, near->sock, 16384);
	near->to_send = 2 * MIB;
	far->window = 50000;
	window(&r->ends[1], far, far->window);
	send_more(e, near);
	UNTIL(r, far->received == near->to_send);
	e->tp->ops->unsent_lowat(e->tp, near->sock, 0);
}

/* ---- the end ---- */

static void test_transport_flush_delivers_all_then_eof(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	near->to_send = 40000;
	send_more(&r->ends[0], near);
	assert_int_equal(near->sent, 40000);
	far->to_send = 1000; /* unread bytes on the closing side must not cost the other side its own */
	send_more(&r->ends[1], far);
	idle(r, 0, 20 * MILLISECOND);
	close_conn(&r->ends[0], near, TP_CLOSE_FLUSH);
	idle(r, 0, 20 * MILLISECOND);
	assert_int_equal(far->eof + far->failed, 0);
	far->window = 999;
	window(&r->ends[1], far, far->window);
	UNTIL(r, far->eof);
	assert_int_equal(far->received, 40000);
	assert_int_equal(far->failed, 0);
	idle(r, 0, 30 * MILLISECOND);
	assert_int_equal(near->events, near->events_at_close);
}

static void test_transport_writes_after_eof_do_no_harm(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	far->window = 10;
	window(&r->ends[1], far, 10);
	close_conn(&r->ends[0], near, TP_CLOSE_FLUSH);
	UNTIL(r, far->eof);
	far->to_send = 10000;
	send_more(&r->ends[1], far);
	idle(r, 1, 30 * MILLISECOND);
	close_conn(&r->ends[1], far, TP_CLOSE_FLUSH);
	idle(r, 1, 30 * MILLISECOND);
}

static void test_transport_abort_resets_the_other_side(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	far->window = 10;
	window(&r->ends[1], far, 10);
	close_conn(&r->ends[0], near, TP_CLOSE_ABORT);
	UNTIL(r, far->failed);
	assert_int_equal(far->err, SY_PEER_RESET);
	assert_int_equal(far->eof, 0);
	assert_int_equal(r->ends[1].tp->ops->room(r->ends[1].tp, far->sock), 0);
	window(&r->ends[1], far, 10);
	idle(r, 1, 30 * MILLISECOND);
	close_conn(&r->ends[1], far, TP_CLOSE_FLUSH);
}

static void test_transport_abort_is_noticed_by_a_writer(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	far->to_send = 64 * MIB;
	send_more(&r->ends[1], far);
	idle(r, 0, 20 * MILLISECOND);
	close_conn(&r->ends[0], near, TP_CLOSE_ABORT);
	UNTIL(r, far->failed);
	assert_int_equal(far->err, SY_PEER_RESET);
}

static void test_transport_close_inside_an_event_is_final(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	near->to_send = 100000;
	far->close_in_event = true;
	window(&r->ends[1], far, 1000);
	send_more(&r->ends[0], near);
	UNTIL(r, far->closed && near->failed);
	assert_int_equal(far->events, 1);
	assert_true(far->received <= 1000);
	r->ends[1].accept_with_window = 0;
	join(r, &near, &far); /* inside dialled, inside accepted */
	struct conn *c = dial(r, 0, &r->ends[1].at, 10 * SECOND);
	c->close_in_event = true;
	UNTIL(r, c->closed);
	idle(r, 0, 30 * MILLISECOND);
	assert_int_equal(c->events, 1);
}

static void test_transport_no_event_follows_a_close(void **state)
{
	struct rig *r = *state;
	struct conn *near, *far;
	join(r, &near, &far);
	near->to_send = far->to_send = 50000;
	send_more(&r->ends[0], near);
	send_more(&r->ends[1], far);
	window(&r->ends[0], near, 100000);
	window(&r->ends[1], far, 100000);
	close_conn(&r->ends[0], near, TP_CLOSE_ABORT);
	close_conn(&r->ends[1], far, TP_CLOSE_FLUSH);
	idle(r, 0, 50 * MILLISECOND); /* conn_of would object */
}

static void test_transport_closed_names_are_dead(void **state)
{
	struct rig *r = *state;
	struct tp_transport *tp = r->ends[0].tp;
	struct conn *near, *far, *near2, *far2;
	join(r, &near, &far);
	tp_sock old = near->sock;
	close_conn(&r->ends[0], near, TP_CLOSE_ABORT);
	join(r, &near2, &far2);
	assert_int_not_equal(near2->sock, old);
	assert_int_equal(tp->ops->room(tp, old), 0);
	assert_int_equal(tp->ops->write(tp, old, (const uint8_t *)"x", 1), 0);
	assert_int_equal(tp->ops->write(tp, 0, (const uint8_t *)"x", 1), 0);
	tp->ops->read_window(tp, old, 10);
	tp->ops->unsent_lowat(tp, old, 10);
	tp->ops->close(tp, old, TP_CLOSE_ABORT);
	tp->ops->close(tp, 0, TP_CLOSE_FLUSH);
	near2->to_send = 10;
	far2->window = 10;
	window(&r->ends[1], far2, 10);
	send_more(&r->ends[0], near2);
	UNTIL(r, far2->received == 10);
}

/* ---- time ---- */

static void test_transport_wakes_in_order_and_never_early(void **state)
{
	struct rig *r = *state;
	struct end *a = &r->ends[0], *b = &r->ends[1];
	uint64_t now_ns = a->tp->ops->now_ns(a->tp);
	b->tp->ops->wake_at(b->tp, now_ns + 60 * MILLISECOND);
	a->tp->ops->wake_at(a->tp, now_ns + 20 * MILLISECOND);
	UNTIL(r, a->wakes == 1);
	assert_int_equal(b->wakes, 0);
	assert_true(a->woken_ns[0] >= now_ns + 20 * MILLISECOND);
	UNTIL(r, b->wakes == 1);
	assert_true(b->woken_ns[0] >= now_ns + 60 * MILLISECOND);
	assert_int_equal(a->wakes, 1);
}

static void test_transport_wake_is_replaced_and_withdrawn(void **state)
{
	struct rig *r = *state;
	struct end *a = &r->ends[0];
	uint64_t now_ns = a->tp->ops->now_ns(a->tp);
	a->tp->ops->wake_at(a->tp, now_ns + 10 * MILLISECOND);
	a->tp->ops->wake_at(a->tp, UINT64_MAX);
	idle(r, 1, 40 * MILLISECOND);
	assert_int_equal(a->wakes, 0);
	a->tp->ops->wake_at(a->tp, now_ns + 3600 * SECOND);
	a->tp->ops->wake_at(a->tp, 0); /* long gone */
	assert_int_equal(a->wakes, 0);
	UNTIL(r, a->wakes == 1);
	idle(r, 1, 40 * MILLISECOND);
	assert_int_equal(a->wakes, 1);
}

static void test_transport_clock_is_plausible(void **state)
{
	struct rig *r = *state;
	struct tp_transport *tp = r->ends[0].tp;
	uint64_t before_ns = tp->ops->now_ns(tp);
	idle(r, 0, 5 * MILLISECOND);
	assert_true(tp->ops->now_ns(tp) >= before_ns + 5 * MILLISECOND);
	assert_true(tp->ops->wall_ns(tp) > 1000000000ull * SECOND);
}

/* ---- names ---- */

static void test_transport_resolves_localhost(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	assert_int_equal(e->tp->ops->resolve(e->tp, 77, "localhost"), SY_OK);
	assert_int_equal(e->resolutions, 0);
	UNTIL(r, e->resolutions == 1);
	assert_int_equal(e->resolve_err, SY_OK);
	assert_int_equal(e->resolve_token, 77);
	assert_true(e->resolved_n > 0);
	for (size_t i = 0; i < e->resolved_n; i++) {
		assert_true(sy_netaddr_local(&e->resolved[i]));
		assert_int_equal(e->resolved[i].port, 0);
		assert_int_equal(e->resolved[i].flags, 0);
	}
}

static void test_transport_resolve_tells_what_is_no_name(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	char longer[300];
	memset(longer, 'a', sizeof(longer));
	longer[254] = '\0';
	assert_int_not_equal(e->tp->ops->resolve(e->tp, 1, longer), SY_OK);
	assert_int_equal(e->tp->ops->resolve(e->tp, 5, "no..such"), SY_OK);
	UNTIL(r, e->resolutions == 1);
	assert_int_equal(e->resolve_err, SY_DNS);
	assert_int_equal(e->resolved_n, 0);
	assert_int_equal(e->resolve_token, 5);
}

/* ---- fini ---- */

static void test_transport_fini_inside_an_event_ends_everything(void **state)
{
	struct rig *r = *state;
	struct end *e = &r->ends[0];
	struct conn *near, *far;
	join(r, &near, &far);
	far->window = 100;
	window(&r->ends[1], far, 100);
	far->to_send = 100;
	near->window = 10;
	window(e, near, 10);
	dial(r, 0, &r->ends[1].at, 10 * SECOND);
	assert_int_equal(e->tp->ops->resolve(e->tp, 1, "localhost"), SY_OK);
	e->tp->ops->wake_at(e->tp, e->tp->ops->now_ns(e->tp) + 10 * MILLISECOND);
	UNTIL(r, e->resolutions == 1); /* it may take as long as it likes: no event after fini, not even that */
	e->fini_in_event = true;
	send_more(&r->ends[1], far);
	UNTIL(r, e->finished && (far->failed || far->eof));
	unsigned wakes = e->wakes;
	r->kind->forget(r->w, 0);
	idle(r, 1, 40 * MILLISECOND);
	assert_int_equal(e->wakes, wakes);
	attach(r, 0); /* the place can be taken anew */
	e->finished = e->fini_in_event = false;
	join(r, &near, &far);
}

#define CASE(name)  \
	{               \
#name, name \
	}
static const struct {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
    CASE(test_transport_connects_and_accepts),
    CASE(test_transport_dial_is_refused_where_nobody_listens),
    CASE(test_transport_dial_times_out_where_nobody_answers),
    CASE(test_transport_dial_cancelled_brings_no_event),
    CASE(test_transport_carries_as_many_dials_as_a_node_may_have),
    CASE(test_transport_accept_window_leaves_others_waiting),
    CASE(test_transport_bytes_sent_before_acceptance_arrive),
    CASE(test_transport_refuses_on_cookie_zero),
    CASE(test_transport_listen_tells_a_port_in_use),
    CASE(test_transport_listen_refuses_a_foreign_address),
    CASE(test_transport_bytes_arrive_exactly_both_ways),
    CASE(test_transport_window_bounds_what_is_delivered),
    CASE(test_transport_closed_window_stops_the_writer),
    CASE(test_transport_unsent_lowat_changes_no_byte),
    CASE(test_transport_flush_delivers_all_then_eof),
    CASE(test_transport_writes_after_eof_do_no_harm),
    CASE(test_transport_abort_resets_the_other_side),
    CASE(test_transport_abort_is_noticed_by_a_writer),
    CASE(test_transport_close_inside_an_event_is_final),
    CASE(test_transport_no_event_follows_a_close),
    CASE(test_transport_closed_names_are_dead),
    CASE(test_transport_wakes_in_order_and_never_early),
    CASE(test_transport_wake_is_replaced_and_withdrawn),
    CASE(test_transport_clock_is_plausible),
    CASE(test_transport_resolves_localhost),
    CASE(test_transport_resolve_tells_what_is_no_name),
    CASE(test_transport_fini_inside_an_event_ends_everything),
};
#define NUM_CASES (sizeof(cases) / sizeof(cases[0]))

int main(void)
{
	int failures = 0;
	for (const struct net_kind *const *kind = net_kinds; *kind; kind++) {
		struct CMUnitTest tests[NUM_CASES];
		char names[NUM_CASES][128];
		for (size_t i = 0; i < NUM_CASES; i++) {
			snprintf(names[i], sizeof(names[i]), "%s[%s]", cases[i].name, (*kind)->name);
			tests[i] = (struct CMUnitTest){names[i], cases[i].run, setup, teardown, (void *)(uintptr_t)*kind};
		}
		failures += cmocka_run_group_tests_name((*kind)->name, tests, NULL, NULL);
	}
	return failures;
}
