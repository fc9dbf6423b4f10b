/* What the node puts out, carried out one by one until there is nothing left. */
#include "transport/driver/driver_private.h"

#include <string.h>

static void dial(struct tp_driver *d, const struct sy_output *out)
{
	struct driver_conn *c = tp_drive_add(d, out->conn);
	enum sy_err err = c ? d->tp->ops->dial(d->tp, tp_drive_cookie(out->conn), &out->addr, out->timeout_ns) : SY_NO_MEMORY;
	if (err == SY_OK)
		return;
	if (c)
		tp_drive_remove(d, c);
	struct sy_input in = {.kind = SY_IN_DIAL_FAILED, .conn = out->conn, .err = err};
	(void)tp_drive_input(d, &in);
}

static void close_conn(struct tp_driver *d, const struct sy_output *out)
{
	struct driver_conn *c = tp_drive_find(d, out->conn);
	if (!c)
		return; /* its dial has failed, or its socket has */
	if (!(c->flags & DRIVER_OPEN))
		d->tp->ops->dial_cancel(d->tp, tp_drive_cookie(out->conn));
	else if (out->value == 0)
		d->tp->ops->close(d->tp, c->sock, TP_CLOSE_ABORT);
	else if (!tp_drive_push(d, c->sock, &c->rest))
		tp_drive_farewell(d, c, tp_drive_cookie(out->conn));
	else
		d->tp->ops->close(d->tp, c->sock, TP_CLOSE_FLUSH);
	tp_drive_remove(d, c);
}

static void sign(struct tp_driver *d, const struct sy_output *out)
{
	uint8_t sig[64];
	if (d->hooks.sign && !d->hooks.sign(d->hooks.ctx, out->conn, out->bytes, sig))
		return;
	struct sy_input in = {.kind = SY_IN_SIGNED, .conn = out->conn, .err = d->hooks.sign ? SY_OK : SY_INTERNAL};
	if (d->hooks.sign)
		in.bytes = (struct sy_span){sig, sizeof(sig)};
	(void)tp_drive_input(d, &in);
}

static void resolve(struct tp_driver *d, const struct sy_output *out)
{
	enum sy_err err = d->tp->ops->resolve(d->tp, out->token, out->text);
	if (err == SY_OK)
		return;
	struct sy_input in = {.kind = SY_IN_RESOLVED, .token = out->token, .err = err};
	(void)tp_drive_input(d, &in);
}

static void filter(struct tp_driver *d, const struct sy_output *out)
{
	if (d->hooks.filter) {
		d->hooks.filter(d->hooks.ctx, out);
		return;
	}
	struct sy_input in = {.kind = SY_IN_VERDICT, .conn = out->conn};
	(void)tp_drive_input(d, &in);
	tp_drive_window(d, out->conn);
}

static enum sy_err book_room(struct tp_driver *d, size_t size, uint8_t **room)
{
	if (d->hooks.rare && d->hooks.rare(d->hooks.ctx, TP_RARE_SAVE_FAILS))
		return SY_IO;
	if (d->store->book_room)
		return d->store->book_room(d->store->ctx, size, room);
	*room = d->env->alloc(d->env->ctx, NULL, 0, size);
	return *room ? SY_OK : SY_NO_MEMORY;
}

/* A book that could not be saved is not lost: the node goes on with it, and it is tried again later and at the end. */
void tp_drive_save_book(struct tp_driver *d)
{
	if (!d->store || !d->store->save_book)
		return;
	size_t size = sy_node_book_snapshot(d->node, NULL, 0);
	uint8_t *buf = NULL;
	enum sy_err err = book_room(d, size, &buf);
	if (err == SY_OK) {
		size_t n = sy_node_book_snapshot(d->node, buf, size);
		err = n ? d->store->save_book(d->store->ctx, (struct sy_span){buf, n}) : SY_INTERNAL;
		if (!d->store->book_room)
			sy_mem_free(d->env, buf, size);
	}
	d->save_ns = err == SY_OK ? UINT64_MAX : d->now_ns + DRIVER_SAVE_AGAIN_NS;
	if (err != SY_OK && d->hooks.save_failed)
		d->hooks.save_failed(d->hooks.ctx, err);
}

/* Without a worker the work is done at once: the reactor's receive runs inside the input. */
static void deliver(struct tp_driver *d, const struct sy_output *out)
{
	if (d->hooks.deliver) {
		d->hooks.deliver(d->hooks.ctx, out);
		return;
	}
	struct sy_input in = {.kind = SY_IN_WORK_DONE, .token = out->token};
	(void)tp_drive_input(d, &in);
}

/* Kept out of line: most pumps have nothing to carry, and should not pay for its registers. */
static __attribute__((noinline)) void carry(struct tp_driver *d, const struct sy_output *out)
{
	const struct tp_driver_hooks *h = &d->hooks;
	switch (out->kind) {
	case SY_OUT_DIAL:
		dial(d, out);
		break;
	case SY_OUT_CLOSE:
		close_conn(d, out);
		break;
	case SY_OUT_SIGN:
		sign(d, out);
		break;
	case SY_OUT_RESOLVE:
		resolve(d, out);
		break;
	case SY_OUT_FILTER_CONN:
	case SY_OUT_FILTER_PEER:
		filter(d, out);
		break;
	case SY_OUT_SAVE_BOOK:
		tp_drive_save_book(d);
		break;
	case SY_OUT_DELIVER:
		deliver(d, out);
		break;
	case SY_OUT_SEND_DONE:
		if (h->send_done)
			h->send_done(h->ctx, out->token, out->err);
		break;
	case SY_OUT_ACCEPT:
		d->tp->ops->accept_window(d->tp, (uint32_t)(out->value > UINT32_MAX ? UINT32_MAX : out->value));
		break;
	case SY_OUT_PEER_UP:
		if (h->peer_up)
			h->peer_up(h->ctx, out);
		break;
	case SY_OUT_PEER_DOWN:
		if (h->peer_down)
			h->peer_down(h->ctx, out);
		break;
	case SY_OUT_STARTED:
		if (h->started)
			h->started(h->ctx, out->err);
		break;
	case SY_OUT_STOPPED:
		d->tp->ops->accept_window(d->tp, 0);
		if (d->save_ns != UINT64_MAX)
			tp_drive_save_book(d);
		d->save_ns = UINT64_MAX;
		if (h->stopped)
			h->stopped(h->ctx);
		break;
	case SY_OUT_NONE:
	case SY_OUT_RESERVED_KINDS:
		break;
	}
}

static void outputs(struct tp_driver *d)
{
	struct sy_output out;
	while (sy_node_poll(d->node, &out))
		carry(d, &out);
}

static void writes(struct tp_driver *d)
{
	struct sy_ref ref = sy_node_writable(d->node);
	for (; !sy_ref_is_null(ref); ref = sy_node_writable(d->node))
		tp_drive_write(d, ref);
}

static void reads(struct tp_driver *d)
{
	struct sy_ref ref = sy_node_readable(d->node);
	for (; !sy_ref_is_null(ref); ref = sy_node_readable(d->node))
		tp_drive_window(d, ref);
}

/* Also when nobody listens: what is not fetched would fill the node's ring. */
static void traces(struct tp_driver *d)
{
	struct sy_trace trace;
	while (sy_node_next_trace(d->node, &trace))
		if (d->hooks.trace)
			d->hooks.trace(d->hooks.ctx, &trace);
}

static void set_wake(struct tp_driver *d)
{
	uint64_t at_ns = sy_node_deadline(d->node);
	if (d->farewells && d->farewells->deadline_ns < at_ns)
		at_ns = d->farewells->deadline_ns;
	if (d->save_ns < at_ns)
		at_ns = d->save_ns;
	if (at_ns == d->wake_ns)
		return;
	d->wake_ns = at_ns;
	d->tp->ops->wake_at(d->tp, at_ns);
}

/* One kind of what is ready, in this order. False: nothing is. */
static bool step(struct tp_driver *d)
{
	uint32_t ready = sy_node_ready(d->node);
	if (ready & SY_READY_OUTPUT)
		outputs(d);
	else if (ready & SY_READY_READ)
		reads(d);
	else if (ready & SY_READY_WRITE)
		writes(d);
	else if (ready & SY_READY_TRACE)
		traces(d);
	return ready;
}

/* What hooks and answers put in meanwhile is carried out by the same loop. */
void tp_drive_pump(struct tp_driver *d)
{
	if (d->pumping)
		return;
	d->pumping = true;
	while (step(d))
		;
	d->pumping = false;
	set_wake(d);
}
