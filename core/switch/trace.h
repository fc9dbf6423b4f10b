/*
 * What a node tells of itself: a bounded ring of records, and the rolling hash. A record is hashed before it can be
 * dropped, so that the hash does not depend on who fetches records.
 */
#ifndef SY_SWITCH_TRACE_H
#define SY_SWITCH_TRACE_H

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

struct sy_tracer {
	uint64_t hash;
	struct sy_trace *ring; /* grows on use up to SY_LIMIT_TRACE_RECORDS, is freed when it is empty */
	uint32_t cap, head, count;
	uint64_t dropped;
};

void sy_tracer_init(struct sy_tracer *t);
void sy_tracer_fini(struct sy_tracer *t, const struct sy_env *env);
/* Hashes the record (SY_TRACE_MESSAGE aside: messages are hashed as such) and keeps it; when full, the oldest goes. */
void sy_tracer_put(struct sy_tracer *t, const struct sy_env *env, const struct sy_trace *record);
bool sy_tracer_next(struct sy_tracer *t, const struct sy_env *env, struct sy_trace *record);

static inline void sy_tracer_mix(struct sy_tracer *t, uint64_t v)
{
	t->hash = sy_hash_u64(t->hash, v);
}
static inline void sy_tracer_mix_bytes(struct sy_tracer *t, const void *bytes, size_t n)
{
	t->hash = sy_hash_bytes(t->hash, bytes, n);
}
static inline void sy_tracer_mix_ref(struct sy_tracer *t, struct sy_ref ref)
{
	t->hash = sy_hash_u64(t->hash, (uint64_t)ref.slot << 32 | ref.gen);
}
/* The last 16 bytes stand for a chunk: they are ciphertext and tag, or the end of a known message. */
static inline void sy_tracer_mix_tail(struct sy_tracer *t, const uint8_t *bytes, size_t n)
{
	uint64_t h = sy_hash_u64(t->hash, n);
	if (n >= 16) {
		h = sy_hash_u64(h, sy_load_u64le(bytes + n - 16));
		h = sy_hash_u64(h, sy_load_u64le(bytes + n - 8));
	} else if (n) {
		h = sy_hash_bytes(h, bytes, n);
	}
	t->hash = h;
}
void sy_tracer_mix_addr(struct sy_tracer *t, const struct sy_netaddr *addr);

#endif
