/* Keyed randomness and the hashes that are part of results. */
#include "core/base/hash.h"
#include "core/base/rng.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

static void test_rng_streams_depend_on_purpose_entity_and_counter_only(void **state)
{
	struct test_env t;
	struct sy_rng a, b, other;
	test_env_init(&t, 5);
	sy_rng_init(&a, SY_RAND_BOOK, 1);
	sy_rng_init(&b, SY_RAND_BOOK, 1);
	sy_rng_init(&other, SY_RAND_PEX, 1);
	uint64_t first = sy_rng_u64(&a, &t.env), second = sy_rng_u64(&a, &t.env);
	assert_int_not_equal(first, sy_rng_u64(&other, &t.env));
	assert_int_equal(first, sy_rng_u64(&b, &t.env));
	assert_int_equal(second, sy_rng_u64(&b, &t.env));
	assert_int_not_equal(first, second);
	assert_int_equal(a.counter, 2);
	sy_rng_init(&b, SY_RAND_BOOK, 2);
	assert_int_not_equal(first, sy_rng_u64(&b, &t.env));
}

static void test_rng_below_stays_below_and_reaches_all(void **state)
{
	struct test_env t;
	struct sy_rng rng;
	uint32_t seen[7] = {0};
	test_env_init(&t, 5);
	sy_rng_init(&rng, SY_RAND_BOOK, 1);
	assert_int_equal(sy_rng_below(&rng, &t.env, 1), 0);
	for (int i = 0; i < 7000; i++) {
		uint64_t v = sy_rng_below(&rng, &t.env, 7);
		assert_true(v < 7);
		seen[v]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 850, 1150);
	uint64_t large = sy_rng_below(&rng, &t.env, UINT64_MAX);
	assert_true(large < UINT64_MAX);
}

/* A source that hands out given words. */
struct script {
	const uint64_t *words;
	size_t next;
};
static void scripted(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	struct script *s = ctx;
	assert_int_equal(n, 8);
	assert_int_equal(counter, s->next);
	sy_store_u64le(buf, s->words[s->next++]);
}

static void test_rng_below_rejects_the_draws_that_would_bias(void **state)
{
	/* 2^64 mod 3 is 1: the draw 0 would favour 0. */
	static const uint64_t words[] = {0, 0, 4, 1};
	struct script s = {words, 0};
	struct sy_env env = {.ctx = &s, .rand = scripted};
	struct sy_rng rng;
	sy_rng_init(&rng, SY_RAND_BOOK, 1);
	assert_int_equal(sy_rng_below(&rng, &env, 3), 1);
	assert_int_equal(s.next, 3);
	assert_int_equal(sy_rng_below(&rng, &env, 4), 1);
}

static void test_rng_chance_follows_its_ratio(void **state)
{
	struct test_env t;
	struct sy_rng rng;
	int hits = 0;
	test_env_init(&t, 9);
	sy_rng_init(&rng, SY_RAND_BOOK, 1);
	for (int i = 0; i < 6000; i++)
		hits += sy_rng_chance(&rng, &t.env, 1, 6);
	assert_in_range(hits, 880, 1120);
	assert_false(sy_rng_chance(&rng, &t.env, 0, 1));
	assert_true(sy_rng_chance(&rng, &t.env, 1, 1));
}

static void test_entity_of_bytes_is_fixed_and_depends_on_all(void **state)
{
	/* Fixed values: a change here changes every recorded run. */
	assert_int_equal(sy_entity_of_bytes(0, "", 0), 0xd69aed66b6ffae05ull);
	assert_int_equal(sy_entity_of_bytes(1, "node-1", 6), 0x3b3bb42982c1e13eull);
	uint64_t h = sy_entity_of_bytes(1, "node-1", 6);
	assert_int_not_equal(h, sy_entity_of_bytes(2, "node-1", 6));
	assert_int_not_equal(h, sy_entity_of_bytes(1, "node-2", 6));
	assert_int_not_equal(h, sy_entity_of_bytes(1, "node-1\0", 7));
	struct sy_id id = {{1, 2, 3}};
	assert_int_equal(sy_entity_of_id(3, &id), sy_entity_of_bytes(3, id.b, 20));
}

static void test_hash_bytes_is_fixed_at_any_alignment(void **state)
{
	uint8_t bytes[1100];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	assert_int_equal(sy_hash_bytes(0, bytes, 20), 0xbf8d89f4bdbb57d8ull);
	assert_int_equal(sy_hash_bytes(0, bytes, 1044), 0x0bc11f15505a743bull);
	for (size_t shift = 1; shift < 9; shift++) {
		uint8_t moved[1100];
		memcpy(moved + shift, bytes, 1044);
		assert_int_equal(sy_hash_bytes(7, moved + shift, 1044), sy_hash_bytes(7, bytes, 1044));
	}
}

static void test_hash_bytes_notices_every_byte_place_and_length(void **state)
{
	enum { N = 300 };
	uint8_t bytes[N] = {0};
	uint64_t none = sy_hash_bytes(1, bytes, N);
	for (size_t i = 0; i < N; i++) {
		bytes[i] = 1;
		uint64_t one = sy_hash_bytes(1, bytes, N);
		assert_int_not_equal(one, none);
		bytes[i] = 0;
		bytes[(i + 32) % N] = 1;
		assert_int_not_equal(one, sy_hash_bytes(1, bytes, N));
		bytes[(i + 32) % N] = 0;
		assert_int_not_equal(sy_hash_bytes(1, bytes, i), sy_hash_bytes(1, bytes, i + 1));
	}
	assert_int_not_equal(none, sy_hash_bytes(2, bytes, N));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rng_streams_depend_on_purpose_entity_and_counter_only),
	    cmocka_unit_test(test_rng_below_stays_below_and_reaches_all),
	    cmocka_unit_test(test_rng_below_rejects_the_draws_that_would_bias),
	    cmocka_unit_test(test_rng_chance_follows_its_ratio),
	    cmocka_unit_test(test_entity_of_bytes_is_fixed_and_depends_on_all),
	    cmocka_unit_test(test_hash_bytes_is_fixed_at_any_alignment),
	    cmocka_unit_test(test_hash_bytes_notices_every_byte_place_and_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
