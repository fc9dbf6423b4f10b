/*
 * Logarithm, exponential, cosine, square root and the samplers made of them, in 64-bit integers: the same bits on every
 * machine and with every compiler, which libm does not promise. Inside, Q60 (values below 8) and Q56 (below 128) are used;
 * results are good to about 2^-31. Signed shifts to the right are arithmetic with the compilers that we build with.
 */
#include "sim/engine/rand.h"

#define LN2_Q56 ((int64_t)(0xb17217f7d1cf79bull >> 4))
#define LN2_STEP_Q60 ((int64_t)0xb17217f7d1cf7aull) /* ln 2 / 16 */
#define STEPS_PER_E_Q32 ((int64_t)0x171547652cll)   /* 16 / ln 2 */
#define TURN_Q60 ((int64_t)0x6487ed5110b4611all)    /* 2 pi */
#define ONE_Q60 ((int64_t)1 << 60)
#define EXP_LIMIT_Q32 ((int64_t)20 << 32)
#define SHAPE_MIN_Q32 ((int64_t)1 << 29)

/* For m in [1 + i/32, 1 + (i+1)/32): a reciprocal of the middle in Q16, and minus its logarithm in Q60. */
static const struct {
	uint32_t inverse;
	uint64_t log;
} log_steps[32] = {
    {64528u, 0x003f7d51627807b2ull}, {62602u, 0x00bb9b47b358e756ull}, {60787u, 0x01341db961bd9d09ull}, {59075u, 0x01a92193a589d606ull},
    {57456u, 0x021af3cf9a91cb42ull}, {55924u, 0x0289a66d9977a3cdull}, {54471u, 0x02f57a6044c7a22bull}, {53092u, 0x035e8229d29fff4eull},
    {51782u, 0x03c4d76dc8305b9full}, {50534u, 0x0428c4b89d8638b9ull}, {49345u, 0x048a4b3ef4bad938ull}, {48210u, 0x04e99b955c937b3full},
    {47127u, 0x0546aba1cb7e8b42ull}, {46091u, 0x05a1b7c7a7cdabf0ull}, {45100u, 0x05fabf0ee0b3f0daull}, {44151u, 0x0651dac70b8e3d48ull},
    {43240u, 0x06a74126a7a212abull}, {42367u, 0x06facc276b6b5e7full}, {41528u, 0x074cb99f815af510ull}, {40721u, 0x079d1ad878ea6360ull},
    {39946u, 0x07ebcfa3df8ec75bull}, {39199u, 0x083921ee0eac202eull}, {38480u, 0x0884f5cf17264b6aull}, {37787u, 0x08cf661a3961345full},
    {37118u, 0x091890ebe121a0b5ull}, {36472u, 0x09607af6a3674625ull}, {35849u, 0x09a70d0ed015690cull}, {35246u, 0x09ec88b53a6d7ddfull},
    {34664u, 0x0a30bbe1114f5ff1ull}, {34100u, 0x0a73ed08dbb5d84full}, {33554u, 0x0ab60a6adfabcfd5ull}, {33026u, 0x0af701d4920d3ab8ull},
};

/* 2^(i/16) in Q62. */
static const uint64_t exp_steps[16] = {
    0x4000000000000000ull, 0x42d561b3e6243d8aull, 0x45cae0f1f545eb73ull, 0x48e1e9b9d588e19bull,
    0x4c1bf828c6dc54b8ull, 0x4f7a993048d088d7ull, 0x52ff6b54d8a89c75ull, 0x56ac1f752150a563ull,
    0x5a827999fcef3242ull, 0x5e8451cfac061b5full, 0x62b39508aa836d6full, 0x6712460a8fc24072ull,
    0x6ba27e656b4eb57aull, 0x70666f76154a7089ull, 0x75606373ee921c97ull, 0x7a92be8a92436616ull,
};

static int64_t mul_q60(int64_t a, int64_t b)
{
	return (int64_t)(((__int128)a * b) >> 60);
}

/* ln(1 + r) for |r| <= 1/64. */
static int64_t log1p_q60(int64_t r)
{
	int64_t p = ONE_Q60 / 5 - r / 6;
	p = -(ONE_Q60 / 4) + mul_q60(r, p);
	p = ONE_Q60 / 3 + mul_q60(r, p);
	p = -(ONE_Q60 / 2) + mul_q60(r, p);
	p = ONE_Q60 + mul_q60(r, p);
	return mul_q60(r, p);
}

/* ln(x / 2^point) in Q56, x > 0. */
static int64_t log_q56(uint64_t x, int point)
{
	int zeros = __builtin_clzll(x);
	uint64_t mantissa = x << zeros; /* Q63, in [1, 2) */
	uint32_t step = (uint32_t)(mantissa >> 58) & 31;
	int64_t r = (int64_t)(((unsigned __int128)mantissa * log_steps[step].inverse) >> 19) - ONE_Q60;
	int64_t fraction = (int64_t)log_steps[step].log + log1p_q60(r);
	return (int64_t)(63 - zeros - point) * LN2_Q56 + (fraction >> 4);
}

static int64_t round_to_q32(int64_t q56)
{
	return (q56 + (1 << 23)) >> 24;
}

int64_t sim_log_q32(uint64_t x_q32)
{
	return round_to_q32(log_q56(x_q32 ? x_q32 : 1, 32));
}

int64_t sim_log_unit_q32(uint64_t u)
{
	if (u == UINT64_MAX) {
		return 0;
	}
	int64_t log = round_to_q32(log_q56(u + 1, 64));
	return log < 0 ? log : 0;
}

int64_t sim_exp_q32(int64_t x)
{
	x = x > EXP_LIMIT_Q32 ? EXP_LIMIT_Q32 : x < -EXP_LIMIT_Q32 ? -EXP_LIMIT_Q32 : x;
	int64_t steps = (int64_t)(((__int128)x * STEPS_PER_E_Q32) >> 64);
	int64_t r = (int64_t)((__int128)x * (1 << 28) - (__int128)steps * LN2_STEP_Q60);
	int64_t p = ONE_Q60 / 120 + r / 720;
	p = ONE_Q60 / 24 + mul_q60(r, p);
	p = ONE_Q60 / 6 + mul_q60(r, p);
	p = ONE_Q60 / 2 + mul_q60(r, p);
	p = ONE_Q60 + mul_q60(r, p);
	p = ONE_Q60 + mul_q60(r, p);
	uint64_t value = (uint64_t)(((unsigned __int128)exp_steps[steps & 15] * (uint64_t)p) >> 60); /* Q62, in [1, 2) */
	int shift = 30 - (int)(steps >> 4);
	return (int64_t)((value + (1ull << (shift - 1))) >> shift);
}

/* Cosine and sine of an angle within an eighth of a turn. */
static int64_t small_cos_q60(int64_t a)
{
	int64_t s = mul_q60(a, a);
	int64_t p = ONE_Q60 / 3628800 - mul_q60(s, ONE_Q60 / 479001600);
	p = ONE_Q60 / 40320 - mul_q60(s, p);
	p = ONE_Q60 / 720 - mul_q60(s, p);
	p = ONE_Q60 / 24 - mul_q60(s, p);
	p = ONE_Q60 / 2 - mul_q60(s, p);
	return ONE_Q60 - mul_q60(s, p);
}

static int64_t small_sin_q60(int64_t a)
{
	int64_t s = mul_q60(a, a);
	int64_t p = ONE_Q60 / 362880 - mul_q60(s, ONE_Q60 / 39916800);
	p = ONE_Q60 / 5040 - mul_q60(s, p);
	p = ONE_Q60 / 120 - mul_q60(s, p);
	p = ONE_Q60 / 6 - mul_q60(s, p);
	p = ONE_Q60 - mul_q60(s, p);
	return mul_q60(a, p);
}

int64_t sim_cos_turn_q32(uint64_t u)
{
	/* Folded into the first half turn (cosine is even), then the quarter (its sign turns), then the eighth (sine takes over). */
	uint64_t t = u >> 63 ? 0 - u : u;
	int64_t sign = 1;
	if (t > 1ull << 62) {
		t = (1ull << 63) - t;
		sign = -1;
	}
	int64_t value;
	if (t <= 1ull << 61) {
		value = small_cos_q60(mul_q60((int64_t)(t >> 4), TURN_Q60));
	} else {
		value = small_sin_q60(mul_q60((int64_t)(((1ull << 62) - t) >> 4), TURN_Q60));
	}
	return sign * ((value + (1 << 27)) >> 28);
}

uint64_t sim_sqrt_u64(uint64_t x)
{
	uint64_t root = 0;
	uint64_t bit = 1ull << 62;
	while (bit > x) {
		bit >>= 2;
	}
	for (; bit; bit >>= 2) {
		uint64_t trial = root + bit;
		root >>= 1;
		if (x >= trial) {
			x -= trial;
			root += bit;
		}
	}
	return root;
}

int64_t sim_exponential_q32(uint64_t u)
{
	return -sim_log_unit_q32(u);
}

int64_t sim_normal_q32(uint64_t u1, uint64_t u2)
{
	uint64_t square = (uint64_t)(-sim_log_unit_q32(u1)) * 2; /* Q32, below 89 */
	int64_t radius = (int64_t)sim_sqrt_u64(square << 24);    /* Q28 */
	return (radius * (sim_cos_turn_q32(u2) >> 2)) >> 26;
}

int64_t sim_pareto_q32(uint64_t u, int64_t shape_q32)
{
	int64_t shape = shape_q32 < SHAPE_MIN_Q32 ? SHAPE_MIN_Q32 : shape_q32;
	return sim_exp_q32((sim_exponential_q32(u) << 20) / (shape >> 12));
}
