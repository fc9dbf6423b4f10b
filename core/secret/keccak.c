#include "core/secret/keccak.h"

#include "core/base/hash.h"
#include "core/base/mem.h"

static uint64_t rotate(uint64_t v, unsigned n)
{
	return n ? v << n | v >> (64 - n) : v;
}

/* theta: each lane takes the parities of two neighbouring columns. */
static void mix_columns(uint64_t a[25])
{
	uint64_t parity[5];
	for (int x = 0; x < 5; x++)
		parity[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (int x = 0; x < 5; x++) {
		uint64_t d = parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1);
		for (int y = 0; y < 25; y += 5)
			a[y + x] ^= d;
	}
}

/*
 * rho and pi in one walk: the lane at (x, y), turned, moves to (y, 2x + 3y); the turns are the triangular numbers. The
 * loop is unrolled so that places and turns are constants.
 */
static void turn_and_move(uint64_t a[25])
{
	uint64_t moving = a[1];
	int x = 1, y = 0;
#pragma GCC unroll 24
	for (unsigned t = 1; t <= 24; t++) {
		int next = (2 * x + 3 * y) % 5;
		x = y;
		y = next;
		uint64_t kept = a[5 * y + x];
		a[5 * y + x] = rotate(moving, t * (t + 1) / 2 % 64);
		moving = kept;
	}
}

/* chi: the only step that is not linear. */
static void combine_rows(uint64_t a[25])
{
	for (int y = 0; y < 25; y += 5) {
		uint64_t row[5];
		for (int x = 0; x < 5; x++)
			row[x] = a[y + x];
		for (int x = 0; x < 5; x++)
			a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

/* iota's constant of the next round: bits 2^j - 1 come from a shift register of eight bits. */
static uint64_t round_constant(unsigned *lfsr)
{
	uint64_t constant = 0;
	for (unsigned j = 0; j < 7; j++) {
		if (*lfsr & 1)
			constant |= 1ull << ((1u << j) - 1);
		*lfsr = *lfsr & 0x80 ? (*lfsr << 1 ^ 0x71) & 0xff : *lfsr << 1;
	}
	return constant;
}

void sy_keccak_f1600(uint8_t state[200])
{
	uint64_t a[25];
	unsigned lfsr = 1;
	for (int i = 0; i < 25; i++)
		a[i] = sy_load_u64le(state + 8 * i);
	for (int round = 0; round < 24; round++) {
		mix_columns(a);
		turn_and_move(a);
		combine_rows(a);
		a[0] ^= round_constant(&lfsr);
	}
	for (int i = 0; i < 25; i++)
		sy_store_u64le(state + 8 * i, a[i]);
	sy_mem_wipe(a, sizeof a);
}
