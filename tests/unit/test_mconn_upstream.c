/* Upstream's send task: flush throttle, 64 KiB in one blocking write, gate. Source: protocol.md 3.7, 3.9. */
#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

static uint8_t buf[200000];

static void open_kit(struct mconn_kit *k, enum sy_profile profile, uint64_t rate, uint32_t queue)
{
	mconn_kit_init(k, profile);
	k->config.send_rate = rate;
	k->config.recv_rate = 0;
	mconn_kit_channel(k, 1, 1, queue, 0);
	mconn_kit_channel(k, 2, 1, queue, 0);
	mconn_kit_open(k);
}

static void test_mconn_upstream_holds_a_message_for_the_flush_throttle(void **state)
{
	for (int v038 = 0; v038 < 2; v038++) {
		uint64_t throttle = v038 ? 100 * MS : 10 * MS;
		struct mconn_kit k;
		open_kit(&k, v038 ? SY_PROFILE_UPSTREAM_V038 : SY_PROFILE_UPSTREAM, 0, 10);
		uint64_t t0 = k.now;
		assert_int_equal(mconn_kit_try(&k, 1, 10, 'a'), SY_OK);
		/* Nothing is packed inside the call; the task wants to run at once. */
		assert_int_equal(sy_mconn_deadline(k.m, &k.shared), t0);
		assert_int_equal(mconn_kit_until(&k, t0), SY_OK);
		assert_int_equal(sy_mconn_deadline(k.m, &k.shared), t0 + throttle);
		assert_int_equal(mconn_kit_until(&k, t0 + throttle / 2), SY_OK);
		assert_int_equal(mconn_kit_try(&k, 2, 10, 'b'), SY_OK); /* does not move the timer */
		assert_int_equal(mconn_kit_until(&k, t0 + throttle - 1), SY_OK);
		assert_false(sy_mconn_has_output(k.m, &k.shared, k.now));
		assert_int_equal(sy_mconn_drain(k.m, &k.shared, k.now, buf, sizeof buf), 0);
		assert_int_equal(mconn_kit_until(&k, t0 + throttle), SY_OK);
		assert_true(sy_mconn_has_output(k.m, &k.shared, k.now));
		assert_int_equal(sy_mconn_drain(k.m, &k.shared, k.now, buf, sizeof buf), 2 * 19);
		mconn_kit_close(&k);
	}
}

static void test_mconn_upstream_full_buffer_writes_itself_and_blocks_the_task(void **state)
{
	struct mconn_kit k;
	struct mconn_log log = {0};
	struct sy_channel_status c;
	open_kit(&k, SY_PROFILE_UPSTREAM, 0, 200);
	for (int i = 0; i < 100; i++)
		assert_int_equal(mconn_kit_try(&k, 1, 1024, 'a'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, k.now), SY_OK);
	/* 65,536 bytes hold 63 packets of 1,036 and a part of the next. */
	assert_true(sy_mconn_has_output(k.m, &k.shared, k.now));
	assert_int_equal(sy_mconn_channel_status(k.m, &k.shared, k.now, 0, &c), SY_OK);
	assert_int_equal(c.queued_messages, 100 - 63);
	/* While the transport takes nothing the task sleeps: no deadline of the flush timer, no packets. */
	assert_int_equal(mconn_kit_try(&k, 2, 10, 'u'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, k.now + SEC), SY_OK);
	assert_int_equal(sy_mconn_channel_status(k.m, &k.shared, k.now, 1, &c), SY_OK);
	assert_int_equal(c.queued_messages, 1);
	size_t n = 0;
	for (int i = 0; i < 64; i++) {
		assert_int_equal(sy_mconn_channel_status(k.m, &k.shared, k.now, 1, &c), SY_OK);
		assert_int_equal(c.queued_messages, 1);
		assert_int_equal(sy_mconn_drain(k.m, &k.shared, k.now, buf + n, 1024), 1024);
		n += 1024;
	}
	/* With the last byte taken it goes on at once. */
	assert_int_equal(sy_mconn_channel_status(k.m, &k.shared, k.now, 1, &c), SY_OK);
	assert_int_equal(c.queued_messages, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mconn_kit_until(&k, k.now + 10 * MS), SY_OK);
		n += mconn_kit_drain(&k, buf + n, sizeof buf - n);
	}
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_int_equal(log.messages, 101);
	mconn_kit_close(&k);
}

static void test_mconn_upstream_flush_timer_tries_again_while_the_task_sleeps(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_UPSTREAM, 0, 200);
	uint64_t t0 = k.now;
	for (int i = 0; i < 66; i++)
		assert_int_equal(mconn_kit_try(&k, 1, 1024, 'a'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, t0), SY_OK);
	/* Armed at t0; at 10, 20 and 30 ms the write is still under way; it ends at 34 ms, so 40 ms it is. */
	assert_int_equal(mconn_kit_until(&k, t0 + 34 * MS), SY_OK);
	for (int i = 0; i < 64; i++)
		assert_int_equal(sy_mconn_drain(k.m, &k.shared, k.now, buf, 1024), 1024);
	assert_int_equal(sy_mconn_deadline(k.m, &k.shared), t0 + 40 * MS);
	assert_false(sy_mconn_has_output(k.m, &k.shared, k.now));
	assert_int_equal(mconn_kit_until(&k, t0 + 40 * MS), SY_OK);
	assert_true(sy_mconn_has_output(k.m, &k.shared, k.now));
	mconn_kit_close(&k);
}

static void test_mconn_upstream_gate_counts_whole_batches_and_opens_with_the_sample(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_UPSTREAM, 100000, 200); /* 10,000 a sample: one batch of ten full packets closes it */
	uint64_t t0 = k.now;
	for (int i = 0; i < 30; i++)
		assert_int_equal(mconn_kit_try(&k, 1, 1024, 'a'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, t0 + 15 * MS), SY_OK);
	assert_int_equal(mconn_kit_drain(&k, buf, sizeof buf), 0); /* asleep at the gate, the flush timer finds nobody */
	assert_int_equal(mconn_kit_until(&k, t0 + 99 * MS), SY_OK);
	assert_false(sy_mconn_has_output(k.m, &k.shared, k.now));
	assert_int_equal(mconn_kit_until(&k, t0 + 100 * MS), SY_OK);
	/* The second batch is in the buffer; then the gate closes again and the flush has to wait for it. */
	assert_int_equal(mconn_kit_until(&k, t0 + 299 * MS), SY_OK);
	size_t n = mconn_kit_drain(&k, buf, sizeof buf);
	assert_int_equal(mconn_kit_until(&k, t0 + 400 * MS), SY_OK);
	n += mconn_kit_drain(&k, buf + n, sizeof buf - n);
	assert_int_equal(n, 30 * 1036);
	mconn_kit_close(&k);
}

static void test_mconn_upstream_capacity_counts_beside_the_message_being_sent(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_UPSTREAM, 0, 1);
	assert_int_equal(mconn_kit_try(&k, 1, 200000, 'a'), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'b'), SY_QUEUE_FULL);
	assert_int_equal(mconn_kit_until(&k, k.now), SY_OK); /* pulled by the send task */
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'b'), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'c'), SY_QUEUE_FULL);
	mconn_kit_close(&k);
}

static void test_mconn_upstream_without_a_write_buffer_ends_the_connection(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_UPSTREAM, 0, 10);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'a'), SY_OK);
	test_env_fail_at(&k.env, 1, false);
	assert_int_equal(sy_mconn_expire(k.m, &k.shared, k.now), SY_NO_MEMORY);
	assert_true(sy_mconn_deadline(k.m, &k.shared) <= k.now);
	mconn_kit_close(&k);
}

static void test_mconn_upstream_gives_its_buffer_back_when_idle(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_UPSTREAM, 0, 10);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'a'), SY_OK);
	assert_int_equal(mconn_kit_until(&k, k.now + 10 * MS), SY_OK);
	assert_int_equal(k.shared.write_buffers.in_use, 1);
	assert_int_equal(mconn_kit_drain(&k, buf, sizeof buf), 19);
	assert_int_equal(k.shared.write_buffers.in_use, 0);
	assert_int_equal(k.shared.blocks.in_use, 0);
	mconn_kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_upstream_holds_a_message_for_the_flush_throttle),
	    cmocka_unit_test(test_mconn_upstream_full_buffer_writes_itself_and_blocks_the_task),
	    cmocka_unit_test(test_mconn_upstream_flush_timer_tries_again_while_the_task_sleeps),
	    cmocka_unit_test(test_mconn_upstream_gate_counts_whole_batches_and_opens_with_the_sample),
	    cmocka_unit_test(test_mconn_upstream_capacity_counts_beside_the_message_being_sent),
	    cmocka_unit_test(test_mconn_upstream_without_a_write_buffer_ends_the_connection),
	    cmocka_unit_test(test_mconn_upstream_gives_its_buffer_back_when_idle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
