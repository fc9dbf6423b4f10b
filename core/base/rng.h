/*
 * Keyed randomness: a stream is (purpose, entity) and a counter kept with the object that draws, so that a draw more
 * in one place moves no other stream. One draw a statement: arguments are evaluated in any order.
 */
#ifndef SY_BASE_RNG_H
#define SY_BASE_RNG_H

#include "core/switchyard.h"

struct sy_rng {
	uint64_t entity;
	uint32_t purpose; /* enum sy_purpose */
	uint32_t counter;
};

void sy_rng_init(struct sy_rng *rng, enum sy_purpose purpose, uint64_t entity);
void sy_rng_bytes(struct sy_rng *rng, const struct sy_env *env, void *buf, size_t n);
uint64_t sy_rng_u64(struct sy_rng *rng, const struct sy_env *env);
/* Uniform in [0, bound), bound >= 1, without bias. */
uint64_t sy_rng_below(struct sy_rng *rng, const struct sy_env *env, uint64_t bound);
/* True with probability num / den. */
bool sy_rng_chance(struct sy_rng *rng, const struct sy_env *env, uint64_t num, uint64_t den);

/* Names of entities: mix stable things (names, ids, attempt numbers), never slots or pointers. */
uint64_t sy_entity_of_bytes(uint64_t seed, const void *bytes, size_t n);
static inline uint64_t sy_entity_of_id(uint64_t seed, const struct sy_id *id)
{
	return sy_entity_of_bytes(seed, id->b, sizeof id->b);
}

#endif
