#include "core/base/timers.h"

#include "core/base/assert.h"
#include "core/base/mem.h"

#include <string.h>

void sy_timers_init(struct sy_timers *t)
{
	memset(t, 0, sizeof *t);
}

void sy_timers_fini(struct sy_timers *t, const struct sy_env *env)
{
	sy_mem_free(env, t->heap, t->heap_cap * sizeof *t->heap);
	sy_mem_free(env, t->where, t->where_cap * sizeof *t->where);
	memset(t, 0, sizeof *t);
}

static bool before(const struct sy_timer_entry *a, const struct sy_timer_entry *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->slot < b->slot;
}

static void place(struct sy_timers *t, uint32_t i, struct sy_timer_entry e)
{
	t->heap[i] = e;
	t->where[e.slot] = i + 1;
}

static void sift_up(struct sy_timers *t, uint32_t i, struct sy_timer_entry e)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / 2;
		if (!before(&e, &t->heap[parent]))
			break;
		place(t, i, t->heap[parent]);
		i = parent;
	}
	place(t, i, e);
}

static void sift_down(struct sy_timers *t, uint32_t i, struct sy_timer_entry e)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= t->count)
			break;
		if (child + 1 < t->count && before(&t->heap[child + 1], &t->heap[child]))
			child++;
		if (!before(&t->heap[child], &e))
			break;
		place(t, i, t->heap[child]);
		i = child;
	}
	place(t, i, e);
}

static void settle(struct sy_timers *t, uint32_t i, struct sy_timer_entry e)
{
	if (i > 0 && before(&e, &t->heap[(i - 1) / 2]))
		sift_up(t, i, e);
	else
		sift_down(t, i, e);
}

static void take_out(struct sy_timers *t, uint32_t i)
{
	SY_ASSERT(i < t->count);
	t->where[t->heap[i].slot] = 0;
	t->count--;
	if (i < t->count)
		settle(t, i, t->heap[t->count]);
}

enum sy_err sy_timers_set(struct sy_timers *t, const struct sy_env *env, uint32_t slot, uint64_t at_ns)
{
	uint32_t known = slot < t->where_cap ? t->where[slot] : 0;
	if (at_ns == SY_NEVER) {
		if (known)
			take_out(t, known - 1);
		return SY_OK;
	}
	struct sy_timer_entry e = {.at_ns = at_ns, .slot = slot};
	if (known) {
		SY_ASSERT(t->heap[known - 1].slot == slot);
		settle(t, known - 1, e);
		return SY_OK;
	}
	if (slot == UINT32_MAX || !sy_mem_grow(env, (void **)&t->where, &t->where_cap, slot + 1, sizeof *t->where) ||
	    !sy_mem_grow(env, (void **)&t->heap, &t->heap_cap, t->count + 1, sizeof *t->heap))
		return SY_NO_MEMORY;
	t->count++;
	sift_up(t, t->count - 1, e);
	return SY_OK;
}

uint32_t sy_timers_pop(struct sy_timers *t, uint64_t now_ns)
{
	if (t->count == 0 || t->heap[0].at_ns > now_ns)
		return UINT32_MAX;
	uint32_t slot = t->heap[0].slot;
	take_out(t, 0);
	return slot;
}
