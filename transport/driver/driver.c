/* The driver's life, what its owner puts in, and the transport's events as inputs of the node. */
#include "transport/driver/driver_private.h"

#include <string.h>

void tp_drive_lose(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref, enum sy_err err)
{
	struct sy_input in = {.kind = SY_IN_CONN_ERROR, .conn = ref, .err = err};
	d->tp->ops->close(d->tp, c->sock, TP_CLOSE_ABORT);
	tp_drive_remove(d, c);
	(void)tp_drive_input(d, &in);
}

/* ---- events ---- */

static void opened(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref, tp_sock sock)
{
	c->sock = sock;
	c->flags |= DRIVER_OPEN;
	c->frame_part = SY_FRAME_SEALED - SY_EPHEMERAL_MESSAGE; /* the first message is no frame: it fills the place of one */
	if (d->unsent_lowat)
		d->tp->ops->unsent_lowat(d->tp, sock, d->unsent_lowat);
	tp_drive_window(d, ref);
	tp_drive_pump(d);
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct tp_driver *d = ctx;
	tp_drive_now(d);
	struct sy_input in = {.kind = SY_IN_ACCEPT, .addr = *remote};
	struct sy_answer answer = tp_drive_input(d, &in);
	struct driver_conn *c = answer.err == SY_OK ? tp_drive_add(d, answer.ref) : NULL;
	if (c) {
		opened(d, c, answer.ref, sock);
		return tp_drive_cookie(answer.ref);
	}
	if (answer.err == SY_OK) {
		in = (struct sy_input){.kind = SY_IN_CONN_ERROR, .conn = answer.ref, .err = SY_NO_MEMORY};
		(void)tp_drive_input(d, &in);
	}
	tp_drive_pump(d);
	return 0;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	struct tp_driver *d = ctx;
	struct sy_ref ref = tp_drive_ref(cookie);
	struct driver_conn *c = tp_drive_find(d, ref);
	SY_ASSERT(c && !(c->flags & DRIVER_OPEN));
	tp_drive_now(d);
	struct sy_input in = {.kind = SY_IN_DIALLED, .conn = ref};
	(void)tp_drive_input(d, &in);
	opened(d, c, ref, sock);
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct tp_driver *d = ctx;
	struct driver_conn *c = tp_drive_find(d, tp_drive_ref(cookie));
	SY_ASSERT(c && !(c->flags & DRIVER_OPEN));
	tp_drive_now(d);
	tp_drive_remove(d, c);
	struct sy_input in = {.kind = SY_IN_DIAL_FAILED, .conn = tp_drive_ref(cookie), .err = err};
	(void)tp_drive_input(d, &in);
	tp_drive_pump(d);
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct tp_driver *d = ctx;
	tp_drive_now(d);
	tp_drive_read(d, tp_drive_ref(cookie), bytes);
	tp_drive_pump(d);
}

static void on_eof(void *ctx, uint64_t cookie)
{
	struct tp_driver *d = ctx;
	struct sy_input in = {.kind = SY_IN_EOF, .conn = tp_drive_ref(cookie)};
	tp_drive_now(d);
	if (tp_drive_find(d, in.conn))
		(void)tp_drive_input(d, &in);
	tp_drive_pump(d);
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct tp_driver *d = ctx;
	struct driver_conn *c = tp_drive_find(d, tp_drive_ref(cookie));
	struct driver_farewell *f = c ? NULL : tp_drive_farewell_find(d, cookie);
	tp_drive_now(d);
	if (f)
		tp_drive_farewell_end(d, f, TP_CLOSE_ABORT);
	if (!c)
		return;
	tp_drive_lose(d, c, tp_drive_ref(cookie), err);
	tp_drive_pump(d);
}

static void on_writable(void *ctx, uint64_t cookie)
{
	struct tp_driver *d = ctx;
	tp_drive_now(d);
	tp_drive_writable(d, cookie);
	tp_drive_pump(d);
}

static void on_wake(void *ctx)
{
	struct tp_driver *d = ctx;
	struct sy_input in = {.kind = SY_IN_TIME};
	d->wake_ns = UINT64_MAX;
	tp_drive_now(d);
	tp_drive_farewells_expire(d);
	if (d->save_ns <= d->now_ns)
		tp_drive_save_book(d);
	(void)tp_drive_input(d, &in);
	tp_drive_pump(d);
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct tp_driver *d = ctx;
	uint8_t ips[SY_LIMIT_RESOLVED * 16];
	n = n > SY_LIMIT_RESOLVED ? SY_LIMIT_RESOLVED : n;
	for (size_t i = 0; i < n; i++)
		memcpy(ips + i * 16, addrs[i].ip, 16);
	tp_drive_now(d);
	struct sy_input in = {.kind = SY_IN_RESOLVED, .token = token, .err = err, .bytes = {ips, n * 16}};
	(void)tp_drive_input(d, &in);
	tp_drive_pump(d);
}

/* ---- life ---- */

enum sy_err tp_driver_new(struct tp_driver **out, const struct sy_env *env, struct sy_node *node, struct tp_transport *tp,
                          const struct tp_driver_config *config)
{
	struct tp_driver *d = sy_mem_new(env, sizeof(*d));
	if (!d)
		return SY_NO_MEMORY;
	d->env = env;
	d->node = node;
	d->tp = tp;
	d->store = config->store;
	d->hooks = config->hooks;
	d->listen = config->listen;
	d->no_listen = config->no_listen;
	d->unsent_lowat = sy_node_unsent_lowat(node);
	d->wake_ns = d->save_ns = UINT64_MAX;
	d->farewells_tail = &d->farewells;
	sy_pool_init(&d->bytes_pool, sizeof(struct driver_bytes) + SY_FRAME_SEALED, DRIVER_BYTES_KEPT);
	const struct tp_events events = {
	    .ctx = d,
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
	tp->ops->attach(tp, &events);
	*out = d;
	return SY_OK;
}

void tp_driver_free(struct tp_driver *d)
{
	if (!d)
		return;
	SY_ASSERT(!d->pumping && !d->in_node);
	while (d->farewells) {
		struct driver_farewell *f = d->farewells;
		tp_drive_farewell_end(d, f, tp_drive_push(d, f->sock, &f->rest) ? TP_CLOSE_FLUSH : TP_CLOSE_ABORT);
	}
	for (uint32_t i = 0; i < d->num_conns; i++) {
		struct driver_conn *c = &d->conns[i];
		if (!(c->flags & DRIVER_USED))
			continue;
		if (c->flags & DRIVER_OPEN)
			d->tp->ops->close(d->tp, c->sock, TP_CLOSE_ABORT);
		else
			d->tp->ops->dial_cancel(d->tp, tp_drive_cookie((struct sy_ref){i, c->gen}));
		tp_drive_remove(d, c);
	}
	d->tp->ops->wake_at(d->tp, UINT64_MAX);
	d->tp->ops->accept_window(d->tp, 0);
	sy_pool_fini(&d->bytes_pool, d->env);
	sy_mem_free(d->env, d->conns, d->num_conns * sizeof(*d->conns));
	sy_mem_free(d->env, d, sizeof(*d));
}

enum sy_err tp_driver_start(struct tp_driver *d, struct sy_netaddr *bound)
{
	struct sy_input in = {.kind = SY_IN_START};
	*bound = (struct sy_netaddr){0};
	if (!d->no_listen) {
		enum sy_err err = d->tp->ops->listen(d->tp, &d->listen, bound);
		if (err != SY_OK)
			return err;
	}
	in.wall_ns = d->tp->ops->wall_ns(d->tp);
	return tp_driver_input(d, &in).err;
}

/* ---- the owner's inputs ---- */

struct sy_answer tp_driver_input(struct tp_driver *d, struct sy_input *in)
{
	if (d->in_node)
		return (struct sy_answer){.err = SY_AGAIN};
	tp_drive_now(d);
	struct sy_answer answer = tp_drive_input(d, in);
	tp_drive_pump(d);
	return answer;
}

void tp_driver_stop(struct tp_driver *d)
{
	struct sy_input in = {.kind = SY_IN_STOP};
	(void)tp_driver_input(d, &in);
}

/* An answer may let the connection read on: nobody else tells the transport when its window was never open before. */
static void answer_for(struct tp_driver *d, struct sy_input *in)
{
	tp_drive_now(d);
	(void)tp_drive_input(d, in);
	tp_drive_window(d, in->conn);
	tp_drive_pump(d);
}

void tp_driver_signed(struct tp_driver *d, struct sy_ref conn, const uint8_t *sig)
{
	struct sy_input in = {.kind = SY_IN_SIGNED, .conn = conn, .err = sig ? SY_OK : SY_INTERNAL, .bytes = {sig, sig ? 64 : 0}};
	answer_for(d, &in);
}

void tp_driver_verdict(struct tp_driver *d, struct sy_ref conn, enum sy_err err)
{
	struct sy_input in = {.kind = SY_IN_VERDICT, .conn = conn, .err = err};
	answer_for(d, &in);
}

void tp_driver_work_done(struct tp_driver *d, uint64_t token, enum sy_err err)
{
	struct sy_input in = {.kind = SY_IN_WORK_DONE, .token = token, .err = err};
	(void)tp_driver_input(d, &in);
}

void tp_driver_save_book(struct tp_driver *d)
{
	struct sy_input in = {.kind = SY_IN_SAVE_BOOK};
	(void)tp_driver_input(d, &in);
}

struct sy_node *tp_driver_node(struct tp_driver *d)
{
	return d->node;
}

uint64_t tp_driver_farewells_refused(const struct tp_driver *d)
{
	return d->farewells_refused;
}

size_t tp_driver_memory(const struct tp_driver *d)
{
	return sizeof(*d) + d->num_conns * sizeof(*d->conns) + (size_t)(d->bytes_pool.kept + d->bytes_pool.in_use) * d->bytes_pool.block +
	       d->waiting_bytes + d->num_farewells * sizeof(struct driver_farewell);
}
