/* Streams that shift nothing, samplers that have the right shape (moments, quantiles), and the null suite. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/engine/null_suite.h"
#include "sim/engine/rand.h"

#define ONE ((int64_t)1 << 32)
enum { DRAWS = 200000 };

static uint64_t u(uint64_t entity, uint64_t counter)
{
	return sim_rand_u64(77, SIM_RAND_LATENCY, entity, counter);
}

static void assert_near(int64_t got, int64_t want, int64_t tolerance)
{
	if (got < want - tolerance || got > want + tolerance) {
		fail_msg("got %lld, want %lld +- %lld", (long long)got, (long long)want, (long long)tolerance);
	}
}

static void test_rand_is_a_function_of_its_key(void **state)
{
	uint64_t first = sim_rand_u64(1, 2, 3, 4);
	assert_int_equal(sim_rand_u64(1, 2, 3, 4), first);
	assert_int_not_equal(sim_rand_u64(2, 2, 3, 4), first);
	assert_int_not_equal(sim_rand_u64(1, 3, 3, 4), first);
	assert_int_not_equal(sim_rand_u64(1, 2, 4, 4), first);
	assert_int_not_equal(sim_rand_u64(1, 2, 3, 5), first);
	assert_int_not_equal(sim_rand_u64(2, 1, 3, 4), sim_rand_u64(1, 2, 3, 4));
	assert_int_not_equal(sim_rand_u64(1, 2, 4, 3), first);
	/* The same on every machine, for ever: recorded runs depend on it. */
	assert_int_equal(sim_rand_u64(0, 0, 0, 0), 0xc686eeaa150e1c72ull);
	assert_int_equal(first, 0x971c356d4e1bee0full);
}

static void test_rand_bits_are_even_and_keys_avalanche(void **state)
{
	int ones[64] = {0};
	for (uint64_t i = 0; i < DRAWS; i++) {
		uint64_t x = u(5, i);
		for (int b = 0; b < 64; b++) {
			ones[b] += (int)(x >> b & 1);
		}
	}
	for (int b = 0; b < 64; b++) {
		assert_near(ones[b], DRAWS / 2, 1100); /* five deviations */
	}
	uint64_t flips[4] = {0};
	for (uint64_t i = 0; i < 64 * 64; i++) {
		uint64_t bit = 1ull << (i % 64);
		uint64_t base = sim_rand_u64(i, 9, i * 3, i * 5);
		flips[0] += (uint64_t)__builtin_popcountll(base ^ sim_rand_u64(i ^ bit, 9, i * 3, i * 5));
		flips[1] += (uint64_t)__builtin_popcountll(base ^ sim_rand_u64(i, 9 ^ (uint32_t)(1u << (i % 32)), i * 3, i * 5));
		flips[2] += (uint64_t)__builtin_popcountll(base ^ sim_rand_u64(i, 9, (i * 3) ^ bit, i * 5));
		flips[3] += (uint64_t)__builtin_popcountll(base ^ sim_rand_u64(i, 9, i * 3, (i * 5) ^ bit));
	}
	for (int k = 0; k < 4; k++) {
		assert_near((int64_t)flips[k], 32 * 64 * 64, 1300);
	}
}

static void test_rand_streams_of_neighbours_are_unrelated(void **state)
{
	/* Pairs of draws fall evenly into 16 x 16 cells, along a stream and across entities. */
	uint32_t along[256] = {0};
	uint32_t across[256] = {0};
	for (uint64_t i = 0; i < DRAWS; i++) {
		along[(u(1, i) >> 60) * 16 + (u(1, i + 1) >> 60)]++;
		across[(u(i, 1) & 15) * 16 + (u(i + 1, 1) & 15)]++;
	}
	int64_t chi_along = 0;
	int64_t chi_across = 0;
	for (int i = 0; i < 256; i++) {
		int64_t a = (int64_t)along[i] * 256 - DRAWS;
		int64_t b = (int64_t)across[i] * 256 - DRAWS;
		chi_along += a * a / 256 / DRAWS;
		chi_across += b * b / 256 / DRAWS;
	}
	assert_near(chi_along, 255, 130); /* deviation 22.6; the sums are floored */
	assert_near(chi_across, 255, 130);
}

static void test_rand_bytes_start_with_the_draw_and_agree_for_every_length(void **state)
{
	uint8_t all[100];
	uint8_t part[100];
	sim_rand_bytes(1, 2, 3, 4, all, sizeof all);
	uint64_t first = sim_rand_u64(1, 2, 3, 4);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(all[i], (uint8_t)(first >> (8 * i)));
	}
	for (size_t n = 0; n <= sizeof all; n++) {
		memset(part, 0xee, sizeof part);
		sim_rand_bytes(1, 2, 3, 4, part, n);
		assert_memory_equal(part, all, n);
		assert_true(n == sizeof all || part[n] == 0xee);
	}
}

static void test_rand_below_is_even_and_bounded(void **state)
{
	uint32_t counts[7] = {0};
	for (uint64_t i = 0; i < 70000; i++) {
		counts[sim_rand_below(3, SIM_RAND_FAULT, 2, i, 7)]++;
	}
	for (int i = 0; i < 7; i++) {
		assert_near(counts[i], 10000, 500);
	}
	assert_int_equal(sim_rand_below(3, 1, 1, 1, 1), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t bound = (1ull << 63) + 1; /* half of the draws are refused */
		assert_true(sim_rand_below(3, 1, 1, i, bound) < bound);
	}
}

static void test_fixed_log_and_exp_at_known_points(void **state)
{
	assert_near(sim_log_q32(1ull << 32), 0, 1);
	assert_near(sim_log_q32(2ull << 32), 2977044472, 1);  /* ln 2 */
	assert_near(sim_log_q32(10ull << 32), 9889527671, 1); /* ln 10 */
	assert_near(sim_log_q32(1), -95265423099, 2);         /* -32 ln 2 */
	assert_near(sim_log_q32(0), -95265423099, 2);
	assert_near(sim_exp_q32(0), ONE, 1);
	assert_near(sim_exp_q32(ONE), 11674931555, 8);                       /* e */
	assert_near(sim_exp_q32(-ONE), 1580030169, 2);                       /* 1/e */
	assert_near(sim_exp_q32(20 * ONE), 2083768647442498562, 2000000000); /* e^20, relative 1e-9 */
	assert_near(sim_exp_q32(-20 * ONE), 9, 1);
	assert_int_equal(sim_exp_q32(50 * ONE), sim_exp_q32(20 * ONE));
	for (int64_t x = -19 * ONE; x < 19 * ONE; x += ONE / 7 + 12345) {
		int64_t e = sim_exp_q32(x);
		int64_t tolerance = 8 + (int64_t)((1ull << 33) / (uint64_t)e); /* what a unit of e is worth */
		assert_near(sim_log_q32((uint64_t)e), x, tolerance);
	}
	int64_t before = sim_log_q32(1);
	for (uint64_t x = 2; x < 1ull << 62; x += x / 3 + 1) {
		int64_t log = sim_log_q32(x);
		assert_true(log >= before);
		before = log;
	}
}

static void test_fixed_cosine_and_root_at_known_points(void **state)
{
	assert_near(sim_cos_turn_q32(0), ONE, 1);
	assert_near(sim_cos_turn_q32(1ull << 61), 3037000500, 2); /* an eighth */
	assert_near(sim_cos_turn_q32(1ull << 62), 0, 2);
	assert_near(sim_cos_turn_q32(1ull << 63), -ONE, 2);
	assert_near(sim_cos_turn_q32(3ull << 62), 0, 2);
	assert_near(sim_cos_turn_q32(UINT64_MAX / 3), -ONE / 2, 3);
	assert_near(sim_cos_turn_q32(UINT64_MAX / 6), ONE / 2, 3);
	assert_int_equal(sim_sqrt_u64(0), 0);
	assert_int_equal(sim_sqrt_u64(15), 3);
	assert_int_equal(sim_sqrt_u64(16), 4);
	assert_int_equal(sim_sqrt_u64(UINT64_MAX), UINT32_MAX);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Sorts the sample; returns its mean and variance in Q32 (values below 2^12). */
static void describe(int64_t *sample, int64_t *mean, int64_t *variance)
{
	__int128 sum = 0;
	for (int i = 0; i < DRAWS; i++) {
		sum += sample[i];
	}
	*mean = (int64_t)(sum / DRAWS);
	__int128 squares = 0;
	for (int i = 0; i < DRAWS; i++) {
		__int128 d = sample[i] - *mean;
		squares += d * d;
	}
	*variance = (int64_t)(squares / DRAWS >> 32);
	qsort(sample, DRAWS, sizeof *sample, by_value);
}

static void test_exponential_has_its_moments_and_quantiles(void **state)
{
	int64_t *sample = calloc(DRAWS, sizeof *sample);
	int64_t mean, variance;
	for (uint64_t i = 0; i < DRAWS; i++) {
		sample[i] = sim_exponential_q32(u(20, i));
		assert_true(sample[i] >= 0);
	}
	describe(sample, &mean, &variance);
	assert_near(mean, ONE, ONE / 100);
	assert_near(variance, ONE, ONE / 30);
	assert_near(sample[DRAWS / 2], 2977044472, ONE / 80);
	assert_near(sample[DRAWS / 100 * 99], 19779055342, ONE / 15); /* ln 100 */
	free(sample);
	assert_int_equal(sim_exponential_q32(UINT64_MAX), 0);
	assert_near(sim_exponential_q32(0), 190530846198, 4); /* 64 ln 2 */
}

static void test_normal_has_its_moments_and_quantiles(void **state)
{
	int64_t *sample = calloc(DRAWS, sizeof *sample);
	int64_t mean, variance;
	for (uint64_t i = 0; i < DRAWS; i++) {
		uint64_t u1 = u(30, i);
		uint64_t u2 = u(31, i);
		sample[i] = sim_normal_q32(u1, u2);
	}
	describe(sample, &mean, &variance);
	assert_near(mean, 0, ONE / 90);
	assert_near(variance, ONE, ONE / 60);
	assert_near(sample[DRAWS / 2], 0, ONE / 80);
	assert_near(sample[(int)(DRAWS * 0.8413447)], ONE, ONE / 60);
	assert_near(sample[(int)(DRAWS * 0.0227501)], -2 * ONE, ONE / 30);
	free(sample);
}

static void test_pareto_has_its_quantiles(void **state)
{
	int64_t *sample = calloc(DRAWS, sizeof *sample);
	int64_t mean, variance;
	for (uint64_t i = 0; i < DRAWS; i++) {
		sample[i] = sim_pareto_q32(u(40, i), 3 * ONE);
		assert_true(sample[i] >= ONE);
	}
	describe(sample, &mean, &variance);
	assert_near(mean, ONE * 3 / 2, ONE / 60);
	assert_near(sample[DRAWS / 2], 5411319706, ONE / 80);       /* 2^(1/3) */
	assert_near(sample[DRAWS / 1000 * 999], 10 * ONE, ONE / 2); /* 1000^(1/3) */
	free(sample);
	assert_true(sim_pareto_q32(0, 0) > 0); /* shape and result are clamped */
}

static void test_null_suite_agrees_like_the_real_one(void **state)
{
	const struct sy_crypto *c = sim_crypto_null();
	uint8_t priv_a[32] = {1}, priv_b[32] = {2}, a[32], b[32];
	static const uint8_t zero[32];
	c->ephemeral_public(a, priv_a);
	c->ephemeral_public(b, priv_b);
	struct sy_session_keys ka, kb, kc;
	assert_int_equal(c->agree(&ka, priv_a, a, b), SY_OK);
	assert_int_equal(c->agree(&kb, priv_b, b, a), SY_OK);
	assert_memory_equal(ka.send, kb.recv, 32);
	assert_memory_equal(ka.recv, kb.send, 32);
	assert_memory_equal(ka.challenge, kb.challenge, 32);
	assert_memory_not_equal(ka.send, ka.recv, 32);
	assert_int_equal(c->agree(&kc, priv_b, a, b), SY_OK); /* a private key that does not belong to the public one */
	assert_memory_not_equal(kc.challenge, ka.challenge, 32);
	assert_int_equal(c->agree(&kc, priv_a, a, zero), SY_PEER_LOW_ORDER);
	assert_false(c->real);
}

static void test_null_suite_refuses_wrong_keys_and_signatures(void **state)
{
	const struct sy_crypto *c = sim_crypto_null();
	uint8_t seed[32] = {7}, pub[32], secret[64], other_pub[32], other_secret[64], challenge[32] = {9}, sig[64];
	c->keypair(pub, secret, seed);
	seed[31] = 1;
	c->keypair(other_pub, other_secret, seed);
	c->sign(sig, secret, challenge);
	assert_true(c->verify(pub, sig, challenge));
	assert_false(c->verify(other_pub, sig, challenge));
	sig[63] ^= 1;
	assert_false(c->verify(pub, sig, challenge));
	sig[63] ^= 1;
	challenge[0] ^= 1;
	assert_false(c->verify(pub, sig, challenge));
	memcpy(other_secret + 32, pub, 32); /* to claim another's public key does not help */
	c->sign(sig, other_secret, challenge);
	assert_false(c->verify(pub, sig, challenge));
}

static void test_null_suite_seals_and_refuses_damage(void **state)
{
	const struct sy_crypto *c = sim_crypto_null();
	uint8_t plain[SY_FRAME_PLAIN] = {5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
	uint8_t sealed[SY_FRAME_PLAIN + SY_FRAME_TAG], opened[SY_FRAME_PLAIN] = {0}, key[32] = {3};
	c->seal(sealed, plain, key, 17);
	assert_true(c->open(opened, sealed, key, 17));
	assert_memory_equal(opened, plain, sizeof plain);
	assert_false(c->open(opened, sealed, key, 18));
	key[0]++;
	assert_false(c->open(opened, sealed, key, 17));
	key[0]--;
	for (size_t i = 0; i < 16; i++) {
		sealed[i] ^= 0x40;
		assert_false(c->open(opened, sealed, key, 17));
		sealed[i] ^= 0x40;
		sealed[SY_FRAME_PLAIN + i] ^= 1;
		assert_false(c->open(opened, sealed, key, 17));
		sealed[SY_FRAME_PLAIN + i] ^= 1;
	}
	assert_true(c->open(opened, sealed, key, 17));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rand_is_a_function_of_its_key),
	    cmocka_unit_test(test_rand_bits_are_even_and_keys_avalanche),
	    cmocka_unit_test(test_rand_streams_of_neighbours_are_unrelated),
	    cmocka_unit_test(test_rand_bytes_start_with_the_draw_and_agree_for_every_length),
	    cmocka_unit_test(test_rand_below_is_even_and_bounded),
	    cmocka_unit_test(test_fixed_log_and_exp_at_known_points),
	    cmocka_unit_test(test_fixed_cosine_and_root_at_known_points),
	    cmocka_unit_test(test_exponential_has_its_moments_and_quantiles),
	    cmocka_unit_test(test_normal_has_its_moments_and_quantiles),
	    cmocka_unit_test(test_pareto_has_its_quantiles),
	    cmocka_unit_test(test_null_suite_agrees_like_the_real_one),
	    cmocka_unit_test(test_null_suite_refuses_wrong_keys_and_signatures),
	    cmocka_unit_test(test_null_suite_seals_and_refuses_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
