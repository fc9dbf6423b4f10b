#include "core/base/hash.h"

#include <string.h>

/*
 * Frames of a kilobyte are hashed on the way in and out, so long inputs go through sums of lanes: a few vector
 * instructions for 32 bytes. The vectors are two words wide because every machine has those.
 */
#define BLOCK 32

typedef uint64_t pair __attribute__((vector_size(16)));

static inline pair load_pair(const uint8_t *p)
{
	pair v;
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v[0] = __builtin_bswap64(v[0]);
	v[1] = __builtin_bswap64(v[1]);
#endif
	return v;
}

static uint64_t fold(uint64_t h, pair v)
{
	h = sy_hash_u64(h, v[0]);
	return sy_hash_u64(h, v[1]);
}

/*
 * Two running sums a lane, the second of the first, so that the place of a word counts and not only its value. The
 * sums are then mixed, which makes every bit of them count in every bit of the result.
 */
static uint64_t hash_blocks(uint64_t h, const uint8_t *p, size_t blocks)
{
	pair sum_a = {0x243f6a8885a308d3ull, 0x13198a2e03707344ull}, sum_b = {0xa4093822299f31d0ull, 0x082efa98ec4e6c89ull};
	pair sums_a = {h, h}, sums_b = {h, h};
	for (size_t i = 0; i < blocks; i++, p += BLOCK) {
		sum_a += load_pair(p);
		sum_b += load_pair(p + 16);
		sums_a += sum_a;
		sums_b += sum_b;
	}
	h = fold(h, sum_a);
	h = fold(h, sum_b);
	h = fold(h, sums_a);
	return fold(h, sums_b);
}

uint64_t sy_hash_bytes(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	h = sy_hash_u64(h, n);
	if (n >= 4 * BLOCK) {
		size_t blocks = n / BLOCK;
		h = hash_blocks(h, p, blocks);
		p += blocks * BLOCK;
		n -= blocks * BLOCK;
	}
	/* Four words a turn: half of the messages of a protocol are a few words long. */
	for (; n >= 32; p += 32, n -= 32) {
		h = sy_hash_u64(h, sy_load_u64le(p));
		h = sy_hash_u64(h, sy_load_u64le(p + 8));
		h = sy_hash_u64(h, sy_load_u64le(p + 16));
		h = sy_hash_u64(h, sy_load_u64le(p + 24));
	}
	for (; n >= 8; p += 8, n -= 8)
		h = sy_hash_u64(h, sy_load_u64le(p));
	uint64_t rest = 0;
	for (size_t i = 0; i < n; i++)
		rest |= (uint64_t)p[i] << (8 * i);
	return n ? sy_hash_u64(h, rest) : h;
}
