/* Hashes that are part of results: byte order fixed, the same on every machine. Not for hostile input (see sodium.h for SipHash). */
#ifndef SY_BASE_HASH_H
#define SY_BASE_HASH_H

#include "core/switchyard.h"

static inline uint64_t sy_mix64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	return x;
}
/* One step of a rolling hash. */
static inline uint64_t sy_hash_u64(uint64_t h, uint64_t v)
{
	return (((h ^ v) << 29) | ((h ^ v) >> 35)) * 0x9e3779b97f4a7c15ull + 0x165667b19e3779f9ull;
}
uint64_t sy_hash_bytes(uint64_t h, const void *bytes, size_t n);

#endif
