/* Connections by the node's slot, and the bytes that wait beside them. */
#include "transport/driver/driver_private.h"

#include <string.h>

/* Most short writes leave less than one frame: those blocks come from a pool, so that a steady state allocates nothing. */
static size_t block_size(void)
{
	return sizeof(struct driver_bytes) + SY_FRAME_SEALED;
}

struct driver_conn *tp_drive_add(struct tp_driver *d, struct sy_ref ref)
{
	void *conns = d->conns;
	if (ref.slot >= d->num_conns && !sy_mem_grow(d->env, &conns, &d->num_conns, ref.slot + 1, sizeof(*d->conns)))
		return NULL;
	d->conns = conns;
	struct driver_conn *c = &d->conns[ref.slot];
	SY_ASSERT(!(c->flags & DRIVER_USED));
	*c = (struct driver_conn){.gen = ref.gen, .flags = DRIVER_USED};
	return c;
}

void tp_drive_remove(struct tp_driver *d, struct driver_conn *c)
{
	SY_ASSERT(c->flags & DRIVER_USED);
	tp_drive_bytes_free(d, c->rest);
	*c = (struct driver_conn){0};
}

struct driver_bytes *tp_drive_bytes_new(struct tp_driver *d, const uint8_t *bytes, size_t n)
{
	size_t size = sizeof(struct driver_bytes) + n;
	bool pooled = size <= block_size();
	struct driver_bytes *b = pooled ? sy_pool_take(&d->bytes_pool, d->env) : d->env->alloc(d->env->ctx, NULL, 0, size);
	if (!b)
		return NULL;
	b->cap = pooled ? SY_FRAME_SEALED : (uint32_t)n;
	b->at = 0;
	b->len = (uint32_t)n;
	memcpy(b->bytes, bytes, n);
	d->waiting_bytes += pooled ? 0 : size;
	return b;
}

void tp_drive_bytes_free(struct tp_driver *d, struct driver_bytes *b)
{
	if (!b)
		return;
	if (b->cap == SY_FRAME_SEALED) {
		sy_pool_give(&d->bytes_pool, d->env, b);
		return;
	}
	size_t size = sizeof(*b) + b->cap;
	d->waiting_bytes -= size;
	sy_mem_free(d->env, b, size);
}
