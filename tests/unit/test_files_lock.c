/* One process a home. */
#include "tests/support/unit.h"

#include "tests/support/temp_dir.h"
#include "transport/files/lock.h"

static void test_lock_is_held_by_one(void **state)
{
	struct tp_lock a, b;
	struct tp_message msg = {.text = ""};
	char path[512];
	temp_path(*state, "addrbook.json", path);
	assert_int_equal(tp_lock_take(&a, path, &msg), SY_OK);
	assert_true(a.held);
	assert_int_equal(tp_lock_take(&b, path, &msg), SY_IN_USE);
	assert_false(b.held);
	assert_non_null(strstr(msg.text, ((struct temp_dir *)*state)->path));
	tp_lock_give(&b); /* harmless */
	tp_lock_give(&a);
	tp_lock_give(&a);
	assert_int_equal(tp_lock_take(&b, path, &msg), SY_OK);
	tp_lock_give(&b);
	assert_int_equal(temp_count(((struct temp_dir *)*state)->path), 0); /* nothing is left behind */
}

static void test_lock_wants_a_directory(void **state)
{
	struct tp_lock lock;
	struct tp_message msg = {.text = ""};
	char path[512], long_path[8192];
	temp_path(*state, "nowhere/addrbook.json", path);
	assert_int_equal(tp_lock_take(&lock, path, &msg), SY_IO);
	assert_non_null(strstr(msg.text, "nowhere"));
	memset(long_path, '/', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	assert_int_equal(tp_lock_take(&lock, long_path, &msg), SY_INVALID);
	assert_false(lock.held);
}

static void test_lock_sees_no_comet_where_there_is_none(void **state)
{
	assert_false(tp_lock_comet_runs(((struct temp_dir *)*state)->path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lock_is_held_by_one, temp_dir_setup, temp_dir_teardown),
	    cmocka_unit_test_setup_teardown(test_lock_wants_a_directory, temp_dir_setup, temp_dir_teardown),
	    cmocka_unit_test_setup_teardown(test_lock_sees_no_comet_where_there_is_none, temp_dir_setup, temp_dir_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
