#include "core/base/rng.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

void sy_rng_init(struct sy_rng *rng, enum sy_purpose purpose, uint64_t entity)
{
	rng->entity = entity;
	rng->purpose = (uint32_t)purpose;
	rng->counter = 0;
}

void sy_rng_bytes(struct sy_rng *rng, const struct sy_env *env, void *buf, size_t n)
{
	env->rand(env->ctx, (enum sy_purpose)rng->purpose, rng->entity, rng->counter, buf, n);
	rng->counter++;
}

uint64_t sy_rng_u64(struct sy_rng *rng, const struct sy_env *env)
{
	uint8_t b[8];
	sy_rng_bytes(rng, env, b, sizeof b);
	return sy_load_u64le(b);
}

uint64_t sy_rng_below(struct sy_rng *rng, const struct sy_env *env, uint64_t bound)
{
	SY_ASSERT(bound >= 1);
	uint64_t draw = sy_rng_u64(rng, env);
	/*
	 * 2^64 mod bound: draws below it would favour the low values. It is less than bound, so that few draws ask for it; less
	 * than half of all draws can fall there, so the loop's bound is reached with a probability below 2^-64, from a good source.
	 */
	if (draw < bound) {
		uint64_t unfair = (0 - bound) % bound;
		for (int tries = 0; draw < unfair && tries < 64; tries++)
			draw = sy_rng_u64(rng, env);
	}
	return draw % bound;
}

bool sy_rng_chance(struct sy_rng *rng, const struct sy_env *env, uint64_t num, uint64_t den)
{
	uint64_t draw = sy_rng_below(rng, env, den);
	return draw < num;
}

uint64_t sy_entity_of_bytes(uint64_t seed, const void *bytes, size_t n)
{
	return sy_mix64(sy_hash_bytes(sy_mix64(seed + 0x9e3779b97f4a7c15ull), bytes, n));
}
