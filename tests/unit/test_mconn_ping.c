#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

static const uint8_t ping[] = {0x02, 0x0a, 0x00};
static const uint8_t pong[] = {0x02, 0x12, 0x00};
static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};

/* As upstream's tests have it. */
static void open_kit(struct mconn_kit *k, enum sy_profile profile)
{
	mconn_kit_init(k, profile);
	k->config.ping_interval_ns = 90 * MS;
	k->config.pong_timeout_ns = 45 * MS;
	mconn_kit_channel(k, 1, 1, 10, 0);
	mconn_kit_open(k);
}

static void expect_out(struct mconn_kit *k, const uint8_t *bytes, size_t n)
{
	uint8_t buf[64];
	assert_int_equal(sy_mconn_has_output(k->m, &k->shared, k->now), n > 0);
	assert_int_equal(mconn_kit_drain(k, buf, sizeof buf), n);
	assert_memory_equal(buf, bytes, n);
}

static void give(struct mconn_kit *k, const uint8_t *bytes)
{
	struct mconn_log log = {0};
	assert_int_equal(mconn_kit_feed(k, bytes, 3, 0, &log), SY_OK);
	assert_int_equal(log.messages, 0);
	if (sy_mconn_deadline(k->m, &k->shared) <= k->now)
		assert_int_equal(sy_mconn_expire(k->m, &k->shared, k->now), SY_OK);
}

static void test_mconn_ping_without_an_answer_ends_in_pong_timeout(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		open_kit(&k, profiles[p]);
		uint64_t t0 = k.now;
		assert_int_equal(sy_mconn_deadline(k.m, &k.shared), t0 + 90 * MS);
		assert_int_equal(mconn_kit_until(&k, t0 + 90 * MS), SY_OK);
		expect_out(&k, ping, 3);
		assert_int_equal(mconn_kit_until(&k, t0 + 135 * MS - 1), SY_OK);
		assert_int_equal(mconn_kit_until(&k, t0 + 135 * MS), SY_PEER_PONG_TIMEOUT);
		mconn_kit_close(&k);
	}
}

static void test_mconn_ping_that_is_answered_goes_on(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		struct sy_conn_status s;
		open_kit(&k, profiles[p]);
		uint64_t t0 = k.now;
		for (uint64_t i = 1; i <= 20; i++) {
			assert_int_equal(mconn_kit_until(&k, t0 + i * 90 * MS), SY_OK);
			expect_out(&k, ping, 3);
			k.now += 7 * MS;
			give(&k, pong);
		}
		sy_mconn_status(k.m, &k.shared, k.now, &s);
		assert_int_equal(s.ping_rtt_ns, 7 * MS);
		assert_int_equal(s.sent_bytes, 60);
		mconn_kit_close(&k);
	}
}

static void test_mconn_ping_unasked_pongs_in_the_beginning_do_no_harm(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		open_kit(&k, profiles[p]);
		uint64_t t0 = k.now;
		for (int i = 0; i < 3; i++)
			give(&k, pong);
		assert_int_equal(mconn_kit_until(&k, t0 + 90 * MS), SY_OK);
		expect_out(&k, ping, 3);
		give(&k, pong);
		assert_int_equal(mconn_kit_until(&k, t0 + 179 * MS), SY_OK);
		mconn_kit_close(&k);
	}
}

static void test_mconn_ping_of_the_peer_is_answered_once_while_the_pong_waits(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		open_kit(&k, profiles[p]);
		for (int i = 0; i < 3; i++) {
			give(&k, ping);
			expect_out(&k, pong, 3);
		}
		struct mconn_log log = {0};
		uint8_t three[9];
		for (int i = 0; i < 3; i++)
			memcpy(three + 3 * i, ping, 3);
		assert_int_equal(mconn_kit_feed(&k, three, 9, 0, &log), SY_OK);
		assert_int_equal(mconn_kit_until(&k, k.now), SY_OK);
		expect_out(&k, pong, 3);
		expect_out(&k, pong, 0);
		mconn_kit_close(&k);
	}
}

/* D-04: a pong that comes before the ping has left answers nothing. */
static void test_mconn_ping_is_not_answered_by_a_pong_that_came_before_it_left(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_DEFAULT);
	uint64_t t0 = k.now;
	assert_int_equal(mconn_kit_until(&k, t0 + 90 * MS), SY_OK);
	give(&k, pong);
	expect_out(&k, ping, 3);
	assert_int_equal(mconn_kit_until(&k, t0 + 135 * MS), SY_PEER_PONG_TIMEOUT);
	mconn_kit_close(&k);
}

/* The quirk: the send task sleeps in a write through an unasked pong and the tick, and the pong then stops the new timer. */
static void test_mconn_ping_upstream_takes_an_early_pong_for_an_answer_after_a_blocked_write(void **state)
{
	struct mconn_kit k;
	uint8_t buf[64];
	open_kit(&k, SY_PROFILE_UPSTREAM);
	uint64_t t0 = k.now;
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'x'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, t0 + 20 * MS), SY_OK);
	assert_true(sy_mconn_has_output(k.m, &k.shared, k.now)); /* the transport takes nothing */
	give(&k, pong);
	assert_int_equal(mconn_kit_until(&k, t0 + 100 * MS), SY_OK);
	assert_true(mconn_kit_drain(&k, buf, sizeof buf) > 3);
	assert_int_equal(mconn_kit_until(&k, t0 + 170 * MS), SY_PEER_PONG_TIMEOUT);
	mconn_kit_close(&k);
}

static void test_mconn_ping_counts_time_also_while_the_transport_is_stuck_in_default(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_DEFAULT);
	uint64_t t0 = k.now;
	assert_int_equal(mconn_kit_until(&k, t0 + 134 * MS), SY_OK); /* nobody drains the ping */
	assert_int_equal(mconn_kit_until(&k, t0 + 135 * MS), SY_PEER_PONG_TIMEOUT);
	mconn_kit_close(&k);
}

static void test_mconn_ping_goes_before_data_and_passes_a_closed_limiter(void **state)
{
	struct mconn_kit k;
	static uint8_t buf[400000];
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	k.config.send_rate = 1000;
	mconn_kit_channel(&k, 1, 1, 10, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 200000, 'x'), SY_OK);
	mconn_kit_drain(&k, buf, sizeof buf);
	assert_false(sy_mconn_has_output(k.m, &k.shared, k.now));
	give(&k, ping);
	expect_out(&k, pong, 3);
	mconn_kit_close(&k);
}

static void test_mconn_ping_pongs_wait_behind_a_blocked_write_in_upstream(void **state)
{
	struct mconn_kit k;
	uint8_t buf[64];
	open_kit(&k, SY_PROFILE_UPSTREAM);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'x'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, k.now + 11 * MS), SY_OK);
	assert_int_equal(sy_mconn_drain(k.m, &k.shared, k.now, buf, 5), 5);
	give(&k, ping);
	size_t n = mconn_kit_drain(&k, buf, sizeof buf);
	assert_true(n > 3);
	assert_memory_equal(buf + n - 3, pong, 3);
	mconn_kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_ping_without_an_answer_ends_in_pong_timeout),
	    cmocka_unit_test(test_mconn_ping_that_is_answered_goes_on),
	    cmocka_unit_test(test_mconn_ping_unasked_pongs_in_the_beginning_do_no_harm),
	    cmocka_unit_test(test_mconn_ping_of_the_peer_is_answered_once_while_the_pong_waits),
	    cmocka_unit_test(test_mconn_ping_is_not_answered_by_a_pong_that_came_before_it_left),
	    cmocka_unit_test(test_mconn_ping_upstream_takes_an_early_pong_for_an_answer_after_a_blocked_write),
	    cmocka_unit_test(test_mconn_ping_counts_time_also_while_the_transport_is_stuck_in_default),
	    cmocka_unit_test(test_mconn_ping_goes_before_data_and_passes_a_closed_limiter),
	    cmocka_unit_test(test_mconn_ping_pongs_wait_behind_a_blocked_write_in_upstream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
