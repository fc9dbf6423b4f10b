/* Hashes that are part of results: byte order fixed, the same on every machine. Not for hostile input (see sodium.h for SipHash). */
#ifndef SY_BASE_HASH_H
#define SY_BASE_HASH_H

#include "core/switchyard.h"

#include <string.h>

/* Reads 8 bytes as a little-endian number, at any alignment; compilers make one load of it. */
static inline uint64_t sy_load_u64le(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	       (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}
static inline void sy_store_u64le(uint8_t *p, uint64_t v)
{
	/* Not byte by byte: gcc 12 makes thirty instructions of that. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(p, &v, sizeof v);
}

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
/* Hashes the length and the bytes into h. Long inputs cost about 7 instructions for 32 bytes. */
uint64_t sy_hash_bytes(uint64_t h, const void *bytes, size_t n);

#endif
