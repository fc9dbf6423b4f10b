/*
 * A min-heap of deadlines with stable order: equal deadlines fire in order of their keys. Entries name objects by a
 * 32-bit slot; each object stores its place in the heap (place[slot] through the callback-free `where` array).
 */
#ifndef SY_BASE_TIMERS_H
#define SY_BASE_TIMERS_H

#include "core/switchyard.h"

#define SY_NEVER UINT64_MAX

struct sy_timer_entry {
	uint64_t at_ns;
	uint32_t slot;
};

struct sy_timers {
	struct sy_timer_entry *heap;
	uint32_t *where; /* by slot: index in heap + 1; 0 = not in it */
	uint32_t count, heap_cap, where_cap;
};

void sy_timers_init(struct sy_timers *t);
void sy_timers_fini(struct sy_timers *t, const struct sy_env *env);
/* Sets or moves the deadline of a slot; SY_NEVER takes it out. Returns SY_NO_MEMORY (nothing changed). Ties: lower slot first. */
SY_MUST enum sy_err sy_timers_set(struct sy_timers *t, const struct sy_env *env, uint32_t slot, uint64_t at_ns);
/* The earliest deadline, SY_NEVER when empty. */
static inline uint64_t sy_timers_next(const struct sy_timers *t)
{
	return t->count ? t->heap[0].at_ns : SY_NEVER;
}
/* Takes out the earliest entry due at now and returns its slot; UINT32_MAX when none is due. */
uint32_t sy_timers_pop(struct sy_timers *t, uint64_t now_ns);

#endif
