#include "core/base/limits.h"
#include "core/book/index.h"
#include "core/book/intern.h"
#include "core/wire/pexmsg.h"
#include "tests/support/addrs.h"
#include "tests/support/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_intern_counted_gives_memory_back(void **state)
{
	struct test_env t;
	test_env_init(&t, 1);
	struct sy_addrs *a = sy_addrs_new(&t.env, 1000, true);
	struct sy_netaddr x = test_addr(1), y = test_addr(2), x2 = test_addr(1);
	x2.port = 1;
	uint32_t ix = sy_addrs_intern(a, &t.env, &x);
	uint32_t iy = sy_addrs_intern(a, &t.env, &y);
	uint32_t ix2 = sy_addrs_intern(a, &t.env, &x2);
	assert_true(ix >= 1 && iy >= 1 && ix2 >= 1 && ix != iy && ix != ix2);
	assert_int_equal(sy_addrs_intern(a, &t.env, &x), ix);
	assert_memory_equal(sy_addrs_get(a, iy), &y, sizeof y);
	assert_int_equal(sy_addrs_id_of(a, ix), sy_addrs_id_of(a, ix2));
	assert_int_not_equal(sy_addrs_id_of(a, ix), sy_addrs_id_of(a, iy));
	assert_int_equal(sy_addrs_find_id(a, &x.id), sy_addrs_id_of(a, ix));
	assert_int_equal(sy_addrs_count(a), 3);

	sy_addrs_unref(a, ix);
	assert_int_equal(sy_addrs_count(a), 3); /* interned twice */
	sy_addrs_unref(a, ix);
	assert_int_equal(sy_addrs_count(a), 2);
	assert_int_not_equal(sy_addrs_find_id(a, &x.id), 0); /* the other address has it still */
	sy_addrs_unref(a, ix2);
	assert_int_equal(sy_addrs_find_id(a, &x.id), 0);
	assert_int_equal(sy_addrs_find_id(a, &y.id), sy_addrs_id_of(a, iy));
	sy_addrs_ref(a, iy);
	sy_addrs_unref(a, iy);
	assert_int_equal(sy_addrs_count(a), 1);
	sy_addrs_free(a, &t.env);
	test_env_check_empty(&t);
}

static void test_intern_append_only_keeps_all(void **state)
{
	struct test_env t;
	test_env_init(&t, 1);
	struct sy_addrs *a = sy_addrs_new(&t.env, 1000, false);
	struct sy_netaddr x = test_addr(1);
	uint32_t ix = sy_addrs_intern(a, &t.env, &x);
	sy_addrs_unref(a, ix);
	sy_addrs_unref(a, ix);
	assert_int_equal(sy_addrs_intern(a, &t.env, &x), ix);
	sy_addrs_free(a, &t.env);
	test_env_check_empty(&t);
}

static void test_intern_distinguishes_case_and_missing_id(void **state)
{
	struct test_env t;
	test_env_init(&t, 1);
	struct sy_addrs *a = sy_addrs_new(&t.env, 1000, true);
	struct sy_netaddr x = test_addr(1), upper = x, none = x;
	upper.flags |= SY_ADDR_BAD_CASE;
	memset(&none.id, 0, sizeof none.id);
	none.flags = 0;
	uint32_t ix = sy_addrs_intern(a, &t.env, &x);
	uint32_t iu = sy_addrs_intern(a, &t.env, &upper);
	uint32_t in = sy_addrs_intern(a, &t.env, &none);
	assert_int_not_equal(sy_addrs_id_of(a, ix), sy_addrs_id_of(a, iu));
	assert_int_equal(sy_addrs_id_of(a, in), 0);
	assert_int_equal(sy_addrs_find_id(a, &none.id), 0);
	assert_int_equal(sy_addrs_find_id_text(a, &x.id, true), sy_addrs_id_of(a, iu));
	sy_addrs_free(a, &t.env);
}

static void test_intern_refuses_past_its_bound(void **state)
{
	struct test_env t;
	test_env_init(&t, 1);
	struct sy_addrs *a = sy_addrs_new(&t.env, 2, true);
	struct sy_netaddr x = test_addr(1), y = test_addr(2), z = test_addr(3);
	uint32_t ix = sy_addrs_intern(a, &t.env, &x);
	assert_int_not_equal(sy_addrs_intern(a, &t.env, &y), 0);
	assert_true(sy_addrs_full(a));
	assert_int_equal(sy_addrs_intern(a, &t.env, &z), 0);
	assert_int_equal(sy_addrs_intern(a, &t.env, &x), ix);
	sy_addrs_unref(a, ix);
	sy_addrs_unref(a, ix);
	assert_int_not_equal(sy_addrs_intern(a, &t.env, &z), 0);
	sy_addrs_free(a, &t.env);
	test_env_check_empty(&t);
}

/* Against a model: reference counts of 300 addresses that share 100 ids, 40,000 random steps. */
static void test_intern_survives_churn(void **state)
{
	struct test_env t;
	test_env_init(&t, 7);
	struct sy_addrs *a = sy_addrs_new(&t.env, 1000, true);
	uint32_t refs[300] = {0}, index[300] = {0};
	for (uint32_t step = 0; step < 40000; step++) {
		uint32_t draw;
		t.env.rand(t.env.ctx, SY_RAND_BOOK, 1, step, &draw, sizeof draw);
		uint32_t n = draw % 300;
		struct sy_netaddr addr = test_addr(n);
		addr.id = test_id(n % 100);
		if (draw & 0x10000) {
			index[n] = sy_addrs_intern(a, &t.env, &addr);
			refs[n]++;
		} else if (refs[n]) {
			sy_addrs_unref(a, index[n]);
			refs[n]--;
		}
		if (refs[n])
			assert_memory_equal(sy_addrs_get(a, index[n]), &addr, sizeof addr);
	}
	uint32_t live = 0;
	for (uint32_t n = 0; n < 300; n++)
		live += refs[n] != 0;
	assert_int_equal(sy_addrs_count(a), live);
	for (uint32_t id = 0; id < 100; id++) {
		struct sy_id key = test_id(id);
		bool there = refs[id] || refs[id + 100] || refs[id + 200];
		assert_int_equal(sy_addrs_find_id(a, &key) != 0, there);
	}
	sy_addrs_free(a, &t.env);
	test_env_check_empty(&t);
}

/* Each entry leads back to its address; what an encoding would not give back has none, nor has a table of strangers' addresses. */
static void test_intern_knows_entries_by_their_bytes(void **state)
{
	for (int counted = 0; counted < 2; counted++) {
		struct test_env t;
		test_env_init(&t, 1);
		struct sy_addrs *a = sy_addrs_new(&t.env, 1000, counted);
		struct sy_netaddr bad_case = test_addr(1), no_id = test_addr(2), back;
		bad_case.flags |= SY_ADDR_BAD_CASE;
		no_id.flags = 0;
		memset(&no_id.id, 0, sizeof no_id.id);
		assert_int_equal(sy_addrs_entry(a, sy_addrs_intern(a, &t.env, &bad_case)).len, 0);
		assert_int_equal(sy_addrs_entry(a, sy_addrs_intern(a, &t.env, &no_id)).len, 0);
		for (uint32_t n = 0; n < 100; n++) {
			struct sy_netaddr addr = test_addr(n);
			uint8_t bytes[SY_PEX_ADDR_MAX];
			struct sy_span entry = {bytes, sy_pex_addr_encode(&addr, bytes)};
			assert_int_equal(sy_addrs_find_entry(a, entry), 0);
			uint32_t i = sy_addrs_intern(a, &t.env, &addr);
			assert_int_equal(sy_addrs_find_entry(a, entry), counted ? 0 : i);
			assert_int_equal(sy_addrs_entry(a, i).len, counted ? 0 : entry.len);
			assert_true(counted || memcmp(sy_addrs_entry(a, i).ptr, bytes, entry.len) == 0);
			assert_true(sy_pex_addr_decode(entry, &back));
			assert_memory_equal(&back, &addr, sizeof addr);
			bytes[4] ^= 1;
			assert_int_equal(sy_addrs_find_entry(a, entry), 0);
			assert_int_equal(sy_addrs_find_entry(a, (struct sy_span){bytes, n % entry.len}), 0);
		}
		sy_addrs_free(a, &t.env);
		test_env_check_empty(&t);
	}
}

static void test_intern_without_memory_changes_nothing(void **state)
{
	for (uint64_t nth = 1; nth < 24; nth++) {
		struct test_env t;
		test_env_init(&t, 1);
		struct sy_addrs *a = sy_addrs_new(&t.env, 1000, nth % 2);
		test_env_fail_at(&t, nth, true);
		uint32_t taken = 0;
		for (uint32_t n = 0; n < 40; n++) {
			struct sy_netaddr addr = test_addr(n);
			taken += sy_addrs_intern(a, &t.env, &addr) != 0;
		}
		assert_int_equal(sy_addrs_count(a), taken);
		test_env_fail_at(&t, 0, false);
		for (uint32_t n = 0; n < 40; n++) {
			struct sy_netaddr addr = test_addr(n);
			assert_int_not_equal(sy_addrs_intern(a, &t.env, &addr), 0);
		}
		sy_addrs_free(a, &t.env);
		test_env_check_empty(&t);
	}
	struct test_env t;
	test_env_init(&t, 1);
	test_env_fail_at(&t, 1, false);
	assert_null(sy_addrs_new(&t.env, 1000, true));
	sy_addrs_free(NULL, &t.env);
}

static uint32_t index_count(const struct sy_index *ix, uint16_t hash, uint32_t value)
{
	uint32_t n = 0;
	struct sy_index_walk w = sy_index_begin(ix, hash);
	for (uint32_t v = sy_index_next(ix, &w); v; v = sy_index_next(ix, &w))
		n += v - 1 == value;
	return n;
}

static void test_index_keeps_pairs_through_growth_and_deletion(void **state)
{
	struct test_env t;
	test_env_init(&t, 3);
	struct sy_index ix = {0};
	assert_int_equal(index_count(&ix, 5, 5), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		assert_true(sy_index_reserve(&ix, &t.env));
		sy_index_put(&ix, (uint16_t)(i * 40503u >> 3), (uint16_t)i);
	}
	for (uint32_t i = 0; i < 5000; i += 3)
		sy_index_del(&ix, (uint16_t)(i * 40503u >> 3), (uint16_t)i);
	for (uint32_t i = 1; i < 5000; i += 3)
		sy_index_move(&ix, (uint16_t)(i * 40503u >> 3), (uint16_t)i, (uint16_t)(i + 10000));
	for (uint32_t i = 0; i < 5000; i++) {
		uint16_t hash = (uint16_t)(i * 40503u >> 3);
		assert_int_equal(index_count(&ix, hash, i), i % 3 == 2);
		assert_int_equal(index_count(&ix, hash, i + 10000), i % 3 == 1);
	}
	sy_index_fini(&ix, &t.env);
	test_env_check_empty(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_intern_counted_gives_memory_back),
	    cmocka_unit_test(test_intern_append_only_keeps_all),
	    cmocka_unit_test(test_intern_distinguishes_case_and_missing_id),
	    cmocka_unit_test(test_intern_refuses_past_its_bound),
	    cmocka_unit_test(test_intern_survives_churn),
	    cmocka_unit_test(test_intern_knows_entries_by_their_bytes),
	    cmocka_unit_test(test_intern_without_memory_changes_nothing),
	    cmocka_unit_test(test_index_keeps_pairs_through_growth_and_deletion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
