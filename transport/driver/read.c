/*
 * Bytes in. The transport delivers no more than the window that the node named after the input before, and nothing but
 * this connection's own input narrows it, so the bytes go in as they come.
 */
#include "transport/driver/driver_private.h"

/* Returns how many frames n more bytes complete. */
static uint32_t count_frames(struct driver_conn *c, size_t n)
{
	size_t bytes = c->frame_part + n;
	c->frame_part = (uint16_t)(bytes % SY_FRAME_SEALED);
	return (uint32_t)(bytes / SY_FRAME_SEALED);
}

/*
 * Tells the transport how much it may deliver, unless at least half of that is left from the last time: it may always be
 * less than what the node takes, and a word a chunk costs more than it brings.
 */
static void open_window(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref)
{
	size_t window = sy_node_read_window(d->node, ref);
	if (window == c->window || (c->window < window && c->window >= window / 2))
		return;
	c->window = window < UINT32_MAX ? (uint32_t)window : UINT32_MAX;
	d->tp->ops->read_window(d->tp, c->sock, c->window);
}

void tp_drive_read(struct tp_driver *d, struct sy_ref ref, struct sy_span bytes)
{
	struct driver_conn *c = tp_drive_find(d, ref);
	if (!c)
		return;
	struct sy_input in = {.kind = SY_IN_BYTES, .conn = ref, .bytes = bytes};
	(void)tp_drive_input(d, &in);
	SY_ASSERT(bytes.len <= c->window); /* else the transport has broken its word */
	c->window -= (uint32_t)bytes.len;
	open_window(d, c, ref);
	if (d->hooks.worked)
		d->hooks.worked(d->hooks.ctx, 0, count_frames(c, bytes.len));
}

void tp_drive_window(struct tp_driver *d, struct sy_ref ref)
{
	struct driver_conn *c = tp_drive_find(d, ref);
	if (c && (c->flags & DRIVER_OPEN))
		open_window(d, c, ref);
}
