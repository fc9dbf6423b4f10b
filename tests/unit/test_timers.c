#include "core/base/rng.h"
#include "core/base/timers.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

static void set(struct sy_timers *t, struct test_env *e, uint32_t slot, uint64_t at)
{
	assert_int_equal(sy_timers_set(t, &e->env, slot, at), SY_OK);
}

static void test_timers_pop_in_order_of_time_then_slot(void **state)
{
	struct test_env e;
	struct sy_timers t;
	test_env_init(&e, 1);
	sy_timers_init(&t);
	assert_int_equal(sy_timers_next(&t), SY_NEVER);
	assert_int_equal(sy_timers_pop(&t, SY_NEVER), UINT32_MAX);
	set(&t, &e, 7, 50);
	set(&t, &e, 3, 50);
	set(&t, &e, 5, 50);
	set(&t, &e, 9, 10);
	assert_int_equal(sy_timers_next(&t), 10);
	assert_int_equal(sy_timers_pop(&t, 9), UINT32_MAX);
	assert_int_equal(sy_timers_pop(&t, 10), 9);
	assert_int_equal(sy_timers_pop(&t, 49), UINT32_MAX);
	assert_int_equal(sy_timers_pop(&t, 100), 3);
	assert_int_equal(sy_timers_pop(&t, 100), 5);
	assert_int_equal(sy_timers_pop(&t, 100), 7);
	assert_int_equal(sy_timers_pop(&t, 100), UINT32_MAX);
	sy_timers_fini(&t, &e.env);
	sy_timers_fini(&t, &e.env);
	test_env_check_empty(&e);
}

static void test_timers_set_moves_and_takes_out(void **state)
{
	struct test_env e;
	struct sy_timers t;
	test_env_init(&e, 1);
	sy_timers_init(&t);
	set(&t, &e, 1, 10);
	set(&t, &e, 2, 20);
	set(&t, &e, 3, 30);
	set(&t, &e, 1, 40);
	set(&t, &e, 3, 5);
	set(&t, &e, 2, SY_NEVER);
	set(&t, &e, 2, SY_NEVER);
	set(&t, &e, 4000, SY_NEVER);
	assert_int_equal(t.count, 2);
	assert_int_equal(sy_timers_pop(&t, 1000), 3);
	assert_int_equal(sy_timers_pop(&t, 1000), 1);
	assert_int_equal(t.count, 0);
	sy_timers_fini(&t, &e.env);
	test_env_check_empty(&e);
}

/* The same operations on a plain array, looked through for the minimum. */
static void test_timers_agree_with_a_plain_array(void **state)
{
	enum { SLOTS = 40, STEPS = 5000 };
	struct test_env e;
	struct sy_timers t;
	struct sy_rng rng;
	uint64_t model[SLOTS];
	test_env_init(&e, 7);
	sy_timers_init(&t);
	sy_rng_init(&rng, SY_RAND_REACTOR, 1);
	memset(model, 0xff, sizeof model);
	for (int step = 0; step < STEPS; step++) {
		uint32_t slot = (uint32_t)sy_rng_below(&rng, &e.env, SLOTS);
		uint64_t at = sy_rng_below(&rng, &e.env, 30);
		bool pop = sy_rng_chance(&rng, &e.env, 1, 3);
		if (!pop) {
			model[slot] = at == 0 ? SY_NEVER : at;
			set(&t, &e, slot, model[slot]);
			continue;
		}
		uint32_t least = 0;
		for (uint32_t i = 1; i < SLOTS; i++)
			if (model[i] < model[least])
				least = i;
		assert_int_equal(sy_timers_next(&t), model[least]);
		bool due = model[least] <= at;
		assert_int_equal(sy_timers_pop(&t, at), due ? least : UINT32_MAX);
		if (due)
			model[least] = SY_NEVER;
	}
	sy_timers_fini(&t, &e.env);
	test_env_check_empty(&e);
}

static void test_timers_set_changes_nothing_without_memory(void **state)
{
	struct test_env e;
	struct sy_timers t;
	test_env_init(&e, 1);
	sy_timers_init(&t);
	for (uint64_t nth = 1; nth <= 2; nth++) {
		test_env_fail_at(&e, nth, true);
		assert_int_equal(sy_timers_set(&t, &e.env, 3, 10), SY_NO_MEMORY);
		assert_int_equal(sy_timers_next(&t), SY_NEVER);
	}
	test_env_fail_at(&e, 0, false);
	set(&t, &e, 3, 10);
	test_env_fail_at(&e, 1, true);
	set(&t, &e, 3, 20); /* moving needs none */
	assert_int_equal(sy_timers_set(&t, &e.env, 3000, 10), SY_NO_MEMORY);
	assert_int_equal(sy_timers_set(&t, &e.env, UINT32_MAX, 10), SY_NO_MEMORY);
	assert_int_equal(sy_timers_next(&t), 20);
	sy_timers_fini(&t, &e.env);
	test_env_check_empty(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_timers_pop_in_order_of_time_then_slot),
	    cmocka_unit_test(test_timers_set_moves_and_takes_out),
	    cmocka_unit_test(test_timers_agree_with_a_plain_array),
	    cmocka_unit_test(test_timers_set_changes_nothing_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
