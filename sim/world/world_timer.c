/* Timers of a world: pooled events with classes. */
#include "sim/world/impl.h"

#include <stdlib.h>

static bool add_chunk(struct world *w)
{
	struct world_chunk *chunk = calloc(1, sizeof *chunk);

	if (chunk == NULL)
		return false;
	chunk->next = w->chunks;
	w->chunks = chunk;
	for (uint32_t i = 0; i < WORLD_TIMER_CHUNK; i++)
		world_timer_give(w, &chunk->timers[i]);
	return true;
}

struct world_timer *world_timer_take(struct world *w)
{
	if (w->free_timers == NULL && !add_chunk(w))
		return NULL;
	struct world_timer *t = w->free_timers;
	w->free_timers = t->next_free;
	*t = (struct world_timer){.w = w};
	return t;
}

void world_timer_give(struct world *w, struct world_timer *t)
{
	t->fn = NULL;
	t->next_free = w->free_timers;
	w->free_timers = t;
}

void world_timers_free(struct world *w)
{
	while (w->chunks != NULL) {
		struct world_chunk *chunk = w->chunks;

		w->chunks = chunk->next;
		free(chunk);
	}
	w->free_timers = NULL;
}

struct world_timer *world_at(struct world *w, uint64_t at_ns, enum sim_class class_, void (*fn)(void *arg), void *arg)
{
	struct world_timer *t = world_timer_take(w);
	uint64_t now_ns = w->ops->now_ns(w);

	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	t->class_ = class_;
	if (!w->ops->schedule(w, t, at_ns < now_ns ? now_ns : at_ns)) {
		world_timer_give(w, t);
		return NULL;
	}
	return t;
}

void world_cancel(struct world *w, struct world_timer *t)
{
	if (t == NULL || t->fn == NULL)
		return;
	w->ops->unschedule(w, t);
	world_timer_give(w, t);
}

void world_timer_fire(struct world_timer *t, uint64_t now_ns)
{
	struct world *w = t->w;
	void (*fn)(void *arg) = t->fn;
	void *arg = t->arg;

	if (t->class_ != SIM_OBSERVER) {
		w->script_hash = sy_hash_u64(w->script_hash, now_ns);
		w->script_hash = sy_hash_u64(w->script_hash, (uint64_t)t->class_);
	}
	world_timer_give(w, t);
	w->timer_depth++;
	fn(arg);
	w->timer_depth--;
}
