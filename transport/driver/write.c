/*
 * Bytes out. The node seals frames only when a socket has room for them, into a buffer on this stack; what the socket
 * then does not take is kept until it does, and the node is told that the connection is blocked.
 */
#include "transport/driver/driver_private.h"

bool tp_drive_push(struct tp_driver *d, tp_sock sock, struct driver_bytes **rest)
{
	struct driver_bytes *b = *rest;
	if (!b)
		return true;
	size_t took = d->tp->ops->write(d->tp, sock, b->bytes + b->at, b->len);
	b->at += (uint32_t)took;
	b->len -= (uint32_t)took;
	if (b->len > 0)
		return false;
	tp_drive_bytes_free(d, b);
	*rest = NULL;
	return true;
}

static void block(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref)
{
	c->flags |= DRIVER_BLOCKED;
	sy_node_blocked(d->node, ref);
}

static void fill(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref, uint8_t *buf, size_t cap)
{
	size_t n = sy_node_fill(d->node, d->now_ns, ref, buf, cap);
	if (n == 0)
		return;
	size_t took = d->tp->ops->write(d->tp, c->sock, buf, n);
	if (took < n) {
		c->rest = tp_drive_bytes_new(d, buf + took, n - took);
		block(d, c, ref);
		if (!c->rest)
			tp_drive_lose(d, c, ref, SY_NO_MEMORY);
	}
	if (d->hooks.worked)
		d->hooks.worked(d->hooks.ctx, (uint32_t)((n + SY_FRAME_SEALED - 1) / SY_FRAME_SEALED), 0);
}

/* Two sizes, so that the usual one keeps the stack's pages few and warm. */
static __attribute__((noinline)) void fill_small(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref, size_t cap)
{
	uint8_t buf[DRIVER_CHUNK_SMALL];
	fill(d, c, ref, buf, cap);
}

static __attribute__((noinline)) void fill_large(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref, size_t cap)
{
	uint8_t buf[DRIVER_CHUNK_LARGE];
	fill(d, c, ref, buf, cap);
}

static __attribute__((noinline)) size_t rare_cap(const struct tp_driver *d, size_t cap)
{
	return d->hooks.rare(d->hooks.ctx, TP_RARE_ONE_FRAME) ? SY_FRAME_SEALED : cap;
}

void tp_drive_write(struct tp_driver *d, struct sy_ref ref)
{
	struct driver_conn *c = tp_drive_find(d, ref);
	if (!c || !(c->flags & DRIVER_OPEN)) {
		sy_node_blocked(d->node, ref); /* its end is on the way through the node */
		return;
	}
	size_t room = c->rest ? 0 : d->tp->ops->room(d->tp, c->sock);
	if (room == 0) {
		block(d, c, ref);
		return;
	}
	/* Whole frames as far as they fit; where not even one does, one, and its end waits here. */
	size_t max = d->unsent_lowat ? DRIVER_CHUNK_SMALL : DRIVER_CHUNK_LARGE;
	size_t cap = room >= max ? max : room < SY_FRAME_SEALED ? SY_FRAME_SEALED : room - room % SY_FRAME_SEALED;
	if (__builtin_expect(d->hooks.rare != NULL, 0))
		cap = rare_cap(d, cap);
	if (cap <= DRIVER_CHUNK_SMALL)
		fill_small(d, c, ref, cap);
	else
		fill_large(d, c, ref, cap);
}

void tp_drive_writable(struct tp_driver *d, uint64_t cookie)
{
	struct sy_ref ref = tp_drive_ref(cookie);
	struct driver_conn *c = tp_drive_find(d, ref);
	struct driver_farewell *f = c ? NULL : tp_drive_farewell_find(d, cookie);
	if (f)
		tp_drive_farewell_writable(d, f);
	if (!c || !tp_drive_push(d, c->sock, &c->rest))
		return;
	if (c->flags & DRIVER_BLOCKED) {
		c->flags &= (uint8_t)~DRIVER_BLOCKED;
		sy_node_unblocked(d->node, ref);
	}
}
