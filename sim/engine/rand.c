/*
 * Counter-based randomness: no state, each draw mixes its whole key. Three keyed rounds of multiply and fold (the high
 * half of a 128-bit product carries every input bit into the low half), the counter entering in the middle, so that the
 * streams of neighbouring entities and purposes have nothing in common.
 */
#include <string.h>

#include "core/base/hash.h"
#include "sim/engine/rand.h"

/* Odd constants with half of their bits set: fractions of the square roots of 2, 3, 5 and 7. */
#define K0 0x6a09e667f3bcc909ull
#define K1 0xbb67ae8584caa73bull
#define K2 0x3c6ef372fe94f82bull
#define K3 0xa54ff53a5f1d36f1ull

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A fold alone keeps nothing of one side when the other is zero; the xor brings it back. */
static uint64_t round_of(uint64_t state, uint64_t input, uint64_t k)
{
	uint64_t x = state ^ (input * k);
	x ^= x >> 29;
	return fold(x + k, k | 1) ^ ((x << 23) | (x >> 41));
}

uint64_t sim_rand_u64(uint64_t seed, uint32_t purpose, uint64_t entity, uint64_t counter)
{
	uint64_t x = round_of(seed + K3, purpose, K0);
	x = round_of(x, entity, K1);
	x = round_of(x, counter, K2);
	return sy_mix64(x);
}

void sim_rand_bytes(uint64_t seed, uint32_t purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	uint64_t key = sim_rand_u64(seed, purpose, entity, counter);
	uint8_t *out = buf;
	for (uint64_t word = 0; n; word++) {
		uint64_t x = word ? sy_mix64(round_of(key, word, K3)) : key;
		if (n >= 8) {
			sy_store_u64le(out, x);
			out += 8;
			n -= 8;
			continue;
		}
		uint8_t rest[8];
		sy_store_u64le(rest, x);
		memcpy(out, rest, n);
		n = 0;
	}
}

uint64_t sim_rand_below(uint64_t seed, uint32_t purpose, uint64_t entity, uint64_t counter, uint64_t bound)
{
	/* The high half of u * bound; the few u whose low half would favour some results are drawn again. 64 times is for ever. */
	uint64_t key = sim_rand_u64(seed, purpose, entity, counter);
	uint64_t u = key;
	for (uint64_t word = 1;; word++) {
		unsigned __int128 product = (unsigned __int128)u * bound;
		/* Those few are 2^64 mod bound: less than bound, so that most draws need no division. */
		if ((uint64_t)product >= bound || (uint64_t)product >= (0 - bound) % bound || word > 64) {
			return (uint64_t)(product >> 64);
		}
		u = sy_mix64(round_of(key, word, K3));
	}
}

uint64_t sim_rand_name(const char *name)
{
	return sy_hash_bytes(K0, name, strlen(name));
}
