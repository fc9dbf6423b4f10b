/*
 * Bytes in. The transport delivers no more than the node's window; but the node's connections share budgets, so a window
 * may have shrunk since the transport heard of it. What the node cannot take then is held here until it can.
 */
#include "transport/driver/driver_private.h"

/* Returns how many frames n more bytes complete. */
static uint32_t count_frames(struct driver_conn *c, size_t n)
{
	size_t bytes = c->frame_part + n;
	c->frame_part = (uint16_t)(bytes % SY_FRAME_SEALED);
	return (uint32_t)(bytes / SY_FRAME_SEALED);
}

/* Returns how many bytes the node took; fewer than n: its window is closed. */
static size_t feed(struct tp_driver *d, struct sy_ref ref, const uint8_t *bytes, size_t n)
{
	size_t done = 0;
	while (done < n) {
		size_t window = sy_node_read_window(d->node, ref);
		if (window == 0)
			break;
		size_t part = n - done < window ? n - done : window;
		struct sy_input in = {.kind = SY_IN_BYTES, .conn = ref, .bytes = {bytes + done, part}};
		(void)driver_input(d, &in);
		done += part;
	}
	return done;
}

/* Tells the transport how much it may deliver, when that has changed. */
static void open_window(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref)
{
	size_t window = c->held ? 0 : sy_node_read_window(d->node, ref);
	if (window > UINT32_MAX)
		window = UINT32_MAX;
	if (window == c->window)
		return;
	c->window = (uint32_t)window;
	d->tp->ops->read_window(d->tp, c->sock, window);
}

void driver_read(struct tp_driver *d, struct sy_ref ref, struct sy_span bytes)
{
	struct driver_conn *c = driver_find(d, ref);
	if (!c)
		return;
	c->window -= bytes.len < c->window ? (uint32_t)bytes.len : c->window;
	size_t done = feed(d, ref, bytes.ptr, bytes.len);
	uint32_t frames = d->hooks.worked ? count_frames(c, done) : 0;
	if (done < bytes.len)
		c->held = driver_bytes_new(d, bytes.ptr + done, bytes.len - done);
	if (done < bytes.len && !c->held)
		driver_lose(d, c, ref, SY_NO_MEMORY);
	else
		open_window(d, c, ref);
	if (frames)
		d->hooks.worked(d->hooks.ctx, 0, frames, 0);
}

void driver_window(struct tp_driver *d, struct sy_ref ref)
{
	struct driver_conn *c = driver_find(d, ref);
	uint32_t frames = 0;
	if (!c || !(c->flags & DRIVER_OPEN))
		return;
	if (c->held) {
		size_t done = feed(d, ref, c->held->bytes + c->held->at, c->held->len);
		c->held->at += (uint32_t)done;
		c->held->len -= (uint32_t)done;
		if (d->hooks.worked)
			frames = count_frames(c, done);
		if (c->held->len == 0) {
			driver_bytes_free(d, c->held);
			c->held = NULL;
		}
	}
	open_window(d, c, ref);
	if (frames)
		d->hooks.worked(d->hooks.ctx, 0, frames, 0);
}
