/* What a connection costs, and what happens when there is no memory. Source: design.md 9. */
#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

static void ten_channels(struct mconn_kit *k, enum sy_profile profile)
{
	static const uint8_t ids[] = {0x00, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x40, 0x60, 0x61};
	mconn_kit_init(k, profile);
	k->config.send_rate = k->config.recv_rate = 0;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		mconn_kit_channel(k, ids[i], 1 + (uint32_t)i, 100, 0);
}

static void test_mconn_memory_of_an_idle_connection_is_within_its_budget(void **state)
{
	struct mconn_kit k;
	ten_channels(&k, SY_PROFILE_DEFAULT);
	mconn_kit_open(&k);
	assert_int_equal(k.env.live_blocks, 1);
	assert_true(k.env.live_bytes <= 320);
	mconn_kit_close(&k);
}

static void test_mconn_memory_is_given_back_when_all_is_sent(void **state)
{
	struct mconn_kit k;
	static uint8_t buf[1 << 20];
	ten_channels(&k, SY_PROFILE_DEFAULT);
	mconn_kit_open(&k);
	for (int i = 0; i < 90; i++)
		assert_int_equal(mconn_kit_try(&k, 0x21, 1000, 'x'), SY_OK);
	assert_true(k.shared.blocks.in_use >= 13);
	mconn_kit_drain(&k, buf, sizeof buf);
	assert_int_equal(k.shared.blocks.in_use, 0);
	assert_int_equal(k.shared.payloads.small.in_use, 0);
	mconn_kit_close(&k);
}

static void test_mconn_memory_steady_state_allocates_nothing(void **state)
{
	struct mconn_kit k;
	uint8_t buf[4096];
	struct mconn_log log = {0};
	ten_channels(&k, SY_PROFILE_DEFAULT);
	mconn_kit_open(&k);
	uint64_t allocs = 0;
	for (int i = 0; i < 1000; i++) {
		for (int j = 0; j < 20; j++)
			assert_int_equal(mconn_kit_try(&k, 0x22, 64, 'x'), SY_OK);
		size_t n = mconn_kit_drain(&k, buf, sizeof buf);
		assert_int_equal(mconn_kit_feed(&k, buf, n, 100, &log), SY_OK);
		if (i == 10)
			allocs = k.env.allocs;
	}
	assert_int_equal(k.env.allocs, allocs);
	mconn_kit_close(&k);
}

/* A whole conversation in which the nth allocation fails: what was refused was refused, everything else arrives. */
static bool conversation(enum sy_profile profile, uint64_t nth, bool forever)
{
	struct mconn_kit k;
	static uint8_t buf[1 << 20];
	struct mconn_log log = {0};
	struct sy_mconn_sent sent;
	uint32_t accepted = 0, waiting = 0, done = 0;
	ten_channels(&k, profile);
	mconn_kit_open(&k);
	test_env_fail_at(&k.env, nth, forever);
	enum sy_err err = SY_OK;
	for (uint64_t i = 0; i < 130; i++) {
		enum sy_err one = mconn_kit_send(&k, i % 3 ? 0x22 : 0x21, 1 + i * 20, k.now + SEC, i);
		assert_true(one == SY_OK || one == SY_AGAIN || one == SY_NO_MEMORY || one == SY_QUEUE_FULL);
		accepted += one == SY_OK;
		waiting += one == SY_AGAIN;
	}
	err = mconn_kit_until(&k, k.now + 20 * MS);
	size_t n = err ? 0 : mconn_kit_drain(&k, buf, sizeof buf);
	if (!err)
		err = mconn_kit_until(&k, k.now + 20 * MS);
	n += err ? 0 : mconn_kit_drain(&k, buf + n, sizeof buf - n);
	if (!err)
		err = mconn_kit_feed(&k, buf, n, 700, &log);
	if (!err)
		err = mconn_kit_until(&k, k.now + 2 * SEC);
	assert_true(err == SY_OK || err == SY_NO_MEMORY);
	while (sy_mconn_next_sent(k.m, &k.shared, &sent))
		done += sent.err == SY_OK;
	if (!err) {
		assert_true(done <= waiting);
		assert_int_equal(log.messages, accepted + done);
	}
	bool failed = k.env.failed;
	test_env_fail_at(&k.env, 0, false);
	mconn_kit_close(&k);
	return failed;
}

static void test_mconn_memory_failing_at_any_allocation_loses_nothing_that_was_accepted(void **state)
{
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	for (size_t p = 0; p < 2; p++)
		for (int forever = 0; forever < 2; forever++)
			for (uint64_t nth = 1; conversation(profiles[p], nth, forever); nth++)
				;
}

static void test_mconn_memory_new_without_memory_is_null(void **state)
{
	struct mconn_kit k;
	ten_channels(&k, SY_PROFILE_UPSTREAM);
	mconn_kit_open(&k);
	test_env_fail_at(&k.env, 1, false);
	assert_null(sy_mconn_new(&k.shared, k.now));
	sy_mconn_free(NULL, &k.shared);
	mconn_kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_memory_of_an_idle_connection_is_within_its_budget),
	    cmocka_unit_test(test_mconn_memory_is_given_back_when_all_is_sent),
	    cmocka_unit_test(test_mconn_memory_steady_state_allocates_nothing),
	    cmocka_unit_test(test_mconn_memory_failing_at_any_allocation_loses_nothing_that_was_accepted),
	    cmocka_unit_test(test_mconn_memory_new_without_memory_is_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
