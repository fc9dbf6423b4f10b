/* How long messages waited for their first packet, and what stays of a connection that has ended. */
#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

static struct sy_channel_totals totals_of(const struct mconn_kit *k, uint32_t n)
{
	struct sy_channel_totals t;

	assert_int_equal(sy_mconn_channel_totals(&k->shared, n, &t), SY_OK);
	return t;
}

static void test_mconn_totals_wait_ends_with_the_first_packet(void **state)
{
	struct mconn_kit k;
	uint8_t buf[8192];

	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 4, 0);
	mconn_kit_channel(&k, 2, 1, 4, 0);
	mconn_kit_open(&k);
	assert_int_equal(totals_of(&k, 0).wait_ns, 0);
	assert_int_equal(mconn_kit_try(&k, 1, 100, 'a'), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 2000, 'b'), SY_OK);
	k.now += 3 * MS;
	mconn_kit_drain(&k, buf, sizeof buf);
	struct sy_channel_totals t = totals_of(&k, 0);
	assert_int_equal(t.id, 1);
	assert_int_equal(t.waits[1], 2); /* 1 to 5 ms */
	assert_int_equal(t.wait_ns, 6 * MS);
	assert_int_equal(totals_of(&k, 1).wait_ns, 0);
	mconn_kit_close(&k);
}

static void test_mconn_totals_a_blocked_send_waits_from_its_call(void **state)
{
	struct mconn_kit k;
	uint8_t buf[4096];
	struct sy_mconn_sent sent;

	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 1, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'a'), SY_OK);
	assert_int_equal(mconn_kit_send(&k, 1, 10, k.now + 60 * SEC, 9), SY_AGAIN);
	k.now += 11 * SEC;
	mconn_kit_drain(&k, buf, sizeof buf);
	assert_true(sy_mconn_next_sent(k.m, &k.shared, &sent));
	struct sy_channel_totals t = totals_of(&k, 0);
	assert_int_equal(t.waits[SY_WAIT_BOUNDS], 2);
	assert_int_equal(t.wait_ns, 22 * SEC);
	mconn_kit_close(&k);
}

static void test_mconn_totals_upstream_waits_until_the_write_buffer(void **state)
{
	struct mconn_kit k;
	uint8_t buf[4096];

	mconn_kit_init(&k, SY_PROFILE_UPSTREAM);
	mconn_kit_channel(&k, 1, 1, 4, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'a'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, k.now + SEC), SY_OK);
	mconn_kit_drain(&k, buf, sizeof buf);
	assert_int_equal(totals_of(&k, 0).waits[0], 1);
	mconn_kit_close(&k);
}

static void test_mconn_totals_keep_what_an_ended_connection_counted(void **state)
{
	struct mconn_kit k;
	uint8_t buf[4096];
	struct sy_channel_totals t;

	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 4, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 100, 'a'), SY_OK);
	size_t n = mconn_kit_drain(&k, buf, sizeof buf);
	assert_int_equal(totals_of(&k, 0).sent_bytes, 0); /* it lives: its own status has them */
	sy_mconn_free(k.m, &k.shared);
	k.m = NULL;
	assert_int_equal(totals_of(&k, 0).sent_bytes, 100);
	assert_int_equal(k.shared.ended.sent_bytes, n);
	assert_int_equal(sy_mconn_channel_totals(&k.shared, 1, &t), SY_NOT_FOUND);
	mconn_kit_close(&k);
}

static void test_mconn_totals_without_memory_the_message_is_refused(void **state)
{
	struct mconn_kit k;

	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 4, 0);
	mconn_kit_open(&k);
	test_env_fail_at(&k.env, 2, false); /* the payload is the first */
	assert_int_equal(mconn_kit_try(&k, 1, 100, 'a'), SY_NO_MEMORY);
	assert_int_equal(mconn_kit_try(&k, 1, 100, 'a'), SY_OK);
	mconn_kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_totals_wait_ends_with_the_first_packet),
	    cmocka_unit_test(test_mconn_totals_a_blocked_send_waits_from_its_call),
	    cmocka_unit_test(test_mconn_totals_upstream_waits_until_the_write_buffer),
	    cmocka_unit_test(test_mconn_totals_keep_what_an_ended_connection_counted),
	    cmocka_unit_test(test_mconn_totals_without_memory_the_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
