#include "core/switch/trace.h"

#include <string.h>

#define FIRST_RECORDS 8u

void sy_tracer_init(struct sy_tracer *t)
{
	memset(t, 0, sizeof *t);
}

static void drop_ring(struct sy_tracer *t, const struct sy_env *env)
{
	sy_mem_free(env, t->ring, t->cap * sizeof *t->ring);
	t->ring = NULL;
	t->cap = 0;
	t->head = 0;
}

void sy_tracer_fini(struct sy_tracer *t, const struct sy_env *env)
{
	drop_ring(t, env);
	t->count = 0;
}

void sy_tracer_mix_addr(struct sy_tracer *t, const struct sy_netaddr *addr)
{
	sy_tracer_mix(t, (uint64_t)addr->flags << 16 | addr->port);
	sy_tracer_mix_bytes(t, addr->id.b, sizeof addr->id.b);
	sy_tracer_mix_bytes(t, addr->ip, sizeof addr->ip);
}

static void hash_record(struct sy_tracer *t, const struct sy_trace *r)
{
	sy_tracer_mix(t, r->now_ns);
	sy_tracer_mix(t, (uint64_t)r->kind << 32 | (uint32_t)r->err);
	sy_tracer_mix_ref(t, r->conn);
	if (r->addr.flags)
		sy_tracer_mix_addr(t, &r->addr);
	sy_tracer_mix(t, r->a);
	sy_tracer_mix(t, r->b);
}

/* A ring of twice the size, straightened. False: no memory, or as large as it may be. */
static bool grow(struct sy_tracer *t, const struct sy_env *env)
{
	uint32_t cap = t->cap ? t->cap * 2 : FIRST_RECORDS;
	if (cap > SY_LIMIT_TRACE_RECORDS)
		return false;
	struct sy_trace *ring = sy_mem_new(env, cap * sizeof *ring);
	if (!ring)
		return false;
	uint32_t count = t->count;
	for (uint32_t i = 0; i < count; i++)
		ring[i] = t->ring[(t->head + i) % t->cap];
	drop_ring(t, env);
	t->ring = ring;
	t->cap = cap;
	return true;
}

void sy_tracer_put(struct sy_tracer *t, const struct sy_env *env, const struct sy_trace *record)
{
	if (record->kind != SY_TRACE_MESSAGE)
		hash_record(t, record);
	if (t->count == t->cap && !grow(t, env)) {
		t->dropped++;
		if (t->cap == 0)
			return;
		t->head = (t->head + 1) % t->cap;
		t->count--;
	}
	t->ring[(t->head + t->count) % t->cap] = *record;
	t->count++;
}

bool sy_tracer_next(struct sy_tracer *t, const struct sy_env *env, struct sy_trace *record)
{
	if (!t->count)
		return false;
	*record = t->ring[t->head];
	t->head = (t->head + 1) % t->cap;
	if (--t->count == 0)
		drop_ring(t, env);
	return true;
}
