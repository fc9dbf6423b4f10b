#include "core/base/limits.h"
#include "core/base/mem.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

static void test_mem_new_is_zeroed_and_failure_is_null(void **state)
{
	struct test_env t;
	test_env_init(&t, 1);
	uint8_t zero[64] = {0};
	void *p = sy_mem_new(&t.env, sizeof zero);
	assert_memory_equal(p, zero, sizeof zero);
	test_env_fail_at(&t, 1, false);
	assert_null(sy_mem_new(&t.env, 8));
	sy_mem_free(&t.env, p, sizeof zero);
	sy_mem_free(&t.env, NULL, 5);
	test_env_check_empty(&t);
}

static void test_mem_grow_doubles_from_four_and_keeps_what_was(void **state)
{
	struct test_env t;
	test_env_init(&t, 1);
	uint32_t *array = NULL, cap = 0;
	assert_true(sy_mem_grow(&t.env, (void **)&array, &cap, 1, sizeof *array));
	assert_int_equal(cap, 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(array[i], 0);
		array[i] = i + 1;
	}
	assert_true(sy_mem_grow(&t.env, (void **)&array, &cap, 4, sizeof *array));
	assert_int_equal(cap, 4);
	assert_true(sy_mem_grow(&t.env, (void **)&array, &cap, 33, sizeof *array));
	assert_int_equal(cap, 64);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(array[i], i < 4 ? i + 1 : 0);
	sy_mem_free(&t.env, array, cap * sizeof *array);
	test_env_check_empty(&t);
}

static void test_mem_grow_changes_nothing_when_it_fails(void **state)
{
	struct test_env t;
	test_env_init(&t, 1);
	uint64_t *array = NULL;
	uint32_t cap = 0;
	test_env_fail_at(&t, 1, true);
	assert_false(sy_mem_grow(&t.env, (void **)&array, &cap, 9, sizeof *array));
	assert_null(array);
	assert_int_equal(cap, 0);
	test_env_fail_at(&t, 0, false);
	assert_false(sy_mem_grow(&t.env, (void **)&array, &cap, UINT32_MAX, SIZE_MAX / 2));
	assert_int_equal(cap, 0);
	test_env_check_empty(&t);
}

static void test_mem_wipe_clears_every_byte(void **state)
{
	uint8_t secret[33], zero[33] = {0};
	memset(secret, 0x5a, sizeof secret);
	sy_mem_wipe(secret, sizeof secret);
	assert_memory_equal(secret, zero, sizeof zero);
}

static void test_pool_keeps_up_to_its_bound(void **state)
{
	struct test_env t;
	struct sy_pool pool;
	test_env_init(&t, 1);
	sy_pool_init(&pool, 1, 2);
	void *b[4];
	for (int i = 0; i < 4; i++) {
		b[i] = sy_pool_take(&pool, &t.env);
		assert_non_null(b[i]);
	}
	assert_int_equal(pool.in_use, 4);
	for (int i = 0; i < 4; i++)
		sy_pool_give(&pool, &t.env, b[i]);
	assert_int_equal(pool.in_use, 0);
	assert_int_equal(pool.kept, 2);
	assert_int_equal(t.live_blocks, 2);
	uint64_t before = t.allocs;
	void *again = sy_pool_take(&pool, &t.env);
	assert_int_equal(t.allocs, before);
	sy_pool_give(&pool, &t.env, again);
	sy_pool_give(&pool, &t.env, NULL);
	sy_pool_fini(&pool, &t.env);
	sy_pool_fini(&pool, &t.env);
	test_env_check_empty(&t);
}

static void test_pool_take_fails_without_memory(void **state)
{
	struct test_env t;
	struct sy_pool pool;
	test_env_init(&t, 1);
	sy_pool_init(&pool, 100, 4);
	test_env_fail_at(&t, 1, false);
	assert_null(sy_pool_take(&pool, &t.env));
	assert_int_equal(pool.in_use, 0);
	sy_pool_fini(&pool, &t.env);
	test_env_check_empty(&t);
}

static void payload_round(struct sy_payload_heap *heap, struct test_env *t, size_t len)
{
	uint8_t bytes[4096];
	memset(bytes, 0x42, sizeof bytes);
	struct sy_payload *p = sy_payload_new(heap, &t->env, (struct sy_span){len ? bytes : NULL, len});
	assert_non_null(p);
	assert_int_equal(p->refs, 1);
	assert_int_equal(p->len, len);
	assert_memory_equal(p->bytes, bytes, len);
	assert_ptr_equal(sy_payload_ref(p), p);
	sy_payload_unref(heap, &t->env, p);
	assert_int_equal(p->refs, 1);
	sy_payload_unref(heap, &t->env, p);
}

static void test_payload_is_one_counted_copy(void **state)
{
	struct test_env t;
	struct sy_payload_heap heap;
	test_env_init(&t, 1);
	sy_payload_heap_init(&heap);
	static const size_t lengths[] = {0, 1, SY_LIMIT_SMALL_PAYLOAD - 1, SY_LIMIT_SMALL_PAYLOAD, SY_LIMIT_SMALL_PAYLOAD + 1, 4096};
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		payload_round(&heap, &t, lengths[i]);
	assert_int_equal(heap.small.kept, 1);
	test_env_fail_at(&t, 1, true);
	assert_null(sy_payload_new(&heap, &t.env, (struct sy_span){(const uint8_t *)&heap, 300}));
	sy_payload_unref(&heap, &t.env, NULL);
	sy_payload_heap_fini(&heap, &t.env);
	test_env_check_empty(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mem_new_is_zeroed_and_failure_is_null),
	    cmocka_unit_test(test_mem_grow_doubles_from_four_and_keeps_what_was),
	    cmocka_unit_test(test_mem_grow_changes_nothing_when_it_fails),
	    cmocka_unit_test(test_mem_wipe_clears_every_byte),
	    cmocka_unit_test(test_pool_keeps_up_to_its_bound),
	    cmocka_unit_test(test_pool_take_fails_without_memory),
	    cmocka_unit_test(test_payload_is_one_counted_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
