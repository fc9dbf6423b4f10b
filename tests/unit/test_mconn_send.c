#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM, SY_PROFILE_UPSTREAM_V038};

/* Drains after whatever the profile waits for before it writes. */
static size_t flush_out(struct mconn_kit *k, uint8_t *buf, size_t cap)
{
	assert_int_equal(mconn_kit_until(k, k->now + 200 * MS), SY_OK);
	return mconn_kit_drain(k, buf, cap);
}

static void test_mconn_send_gives_the_bytes_of_the_vectors(void **state)
{
	static const uint8_t expect[] = {0x0b, 0x1a, 0x09, 0x08, 0x01, 0x10, 0x01, 0x1a, 0x03, 'a', 'a', 'a'};
	for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
		struct mconn_kit k;
		uint8_t buf[64];
		mconn_kit_init(&k, profiles[p]);
		mconn_kit_channel(&k, 1, 1, 1, 0);
		mconn_kit_open(&k);
		assert_int_equal(mconn_kit_try(&k, 1, 3, 'a'), SY_OK);
		assert_int_equal(flush_out(&k, buf, sizeof buf), sizeof expect);
		assert_memory_equal(buf, expect, sizeof expect);
		assert_int_equal(sy_mconn_drain(k.m, &k.shared, k.now, buf, sizeof buf), 0);
		mconn_kit_close(&k);
	}
}

static void test_mconn_send_on_an_unknown_channel_is_refused(void **state)
{
	struct mconn_kit k;
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 1, 0);
	mconn_kit_open(&k);
	assert_true(sy_mconn_can_send(k.m, &k.shared, 1));
	assert_false(sy_mconn_can_send(k.m, &k.shared, 5));
	assert_int_equal(mconn_kit_try(&k, 5, 3, 'a'), SY_NO_CHANNEL);
	assert_int_equal(mconn_kit_send(&k, 5, 3, k.now + SEC, 1), SY_NO_CHANNEL);
	mconn_kit_close(&k);
}

static void test_mconn_try_send_is_refused_when_the_queue_is_full_and_taken_after_a_drain(void **state)
{
	struct mconn_kit k;
	uint8_t buf[4096];
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 1, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'a'), SY_OK);
	assert_false(sy_mconn_can_send(k.m, &k.shared, 1));
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'b'), SY_QUEUE_FULL);
	/* A message that is being packed has left the queue. */
	assert_int_equal(sy_mconn_drain(k.m, &k.shared, k.now, buf, 4), 4);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'b'), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'c'), SY_QUEUE_FULL);
	size_t n = 4 + mconn_kit_drain(&k, buf + 4, sizeof buf - 4);
	struct mconn_log log = {0};
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_int_equal(log.messages, 2);
	assert_true(sy_mconn_can_send(k.m, &k.shared, 1));
	mconn_kit_close(&k);
}

static void test_mconn_try_send_bounds_the_queue_in_bytes_but_takes_a_single_large_message(void **state)
{
	struct mconn_kit k;
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	struct sy_channel c = {.id = 1, .priority = 1, .send_queue_capacity = 100, .send_queue_bytes = 1000, .recv_message_capacity = 5000};
	assert_int_equal(sy_channel_set_add(&k.set, &c, 0), SY_OK);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 5000, 'a'), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 1, 'b'), SY_QUEUE_FULL);
	uint8_t buf[8192];
	mconn_kit_drain(&k, buf, sizeof buf);
	assert_int_equal(mconn_kit_try(&k, 1, 600, 'a'), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 400, 'a'), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 1, 'a'), SY_QUEUE_FULL);
	mconn_kit_close(&k);
}

static void test_mconn_try_send_refuses_empty_and_oversized_messages_in_default_only(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		mconn_kit_init(&k, profiles[p]);
		mconn_kit_channel(&k, 1, 1, 4, 100);
		mconn_kit_open(&k);
		assert_int_equal(mconn_kit_try(&k, 1, 0, 'a'), p == 0 ? SY_MESSAGE_SIZE : SY_OK);
		assert_int_equal(mconn_kit_try(&k, 1, 101, 'a'), p == 0 ? SY_MESSAGE_SIZE : SY_OK);
		assert_int_equal(mconn_kit_try(&k, 1, 100, 'a'), SY_OK);
		mconn_kit_close(&k);
	}
}

static void test_mconn_send_loses_an_empty_message_in_upstream_when_another_channel_goes_first(void **state)
{
	struct mconn_kit k;
	uint8_t buf[256];
	struct mconn_log log = {0};
	mconn_kit_init(&k, SY_PROFILE_UPSTREAM);
	mconn_kit_channel(&k, 1, 1, 4, 0);
	mconn_kit_channel(&k, 2, 1, 4, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 2, 0, 0), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 1, 3, 'a'), SY_OK);
	size_t n = flush_out(&k, buf, sizeof buf);
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_int_equal(log.messages, 1);
	assert_int_equal(log.last_channel, 1);
	assert_int_equal(mconn_kit_try(&k, 2, 0, 0), SY_OK);
	n = flush_out(&k, buf, sizeof buf);
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_int_equal(log.messages, 2);
	assert_int_equal(log.last_len, 0);
	mconn_kit_close(&k);
}

static void test_mconn_drain_gives_the_same_stream_however_it_is_cut(void **state)
{
	static uint8_t whole[40000], cut[40000];
	for (size_t piece = 1; piece < 1100; piece += piece < 40 ? 1 : 97) {
		size_t len[2];
		for (int pass = 0; pass < 2; pass++) {
			struct mconn_kit k;
			mconn_kit_init(&k, SY_PROFILE_DEFAULT);
			mconn_kit_channel(&k, 1, 3, 10, 0);
			mconn_kit_channel(&k, 0x90, 5, 10, 0);
			mconn_kit_open(&k);
			for (uint8_t i = 0; i < 5; i++) {
				assert_int_equal(mconn_kit_try(&k, 1, 1u + i * 700u, i), SY_OK);
				assert_int_equal(mconn_kit_try(&k, 0x90, 1024u * i + 1u, i), SY_OK);
			}
			uint8_t *to = pass ? cut : whole;
			len[pass] = 0;
			for (size_t n = 1; n; len[pass] += n)
				n = sy_mconn_drain(k.m, &k.shared, k.now, to + len[pass], pass ? piece : sizeof whole);
			struct mconn_log log = {0};
			assert_int_equal(mconn_kit_feed(&k, to, len[pass], pass ? piece : 0, &log), SY_OK);
			assert_int_equal(log.messages, 10);
			assert_int_equal(log.bytes, 5 + 700 * 10 + 5 + 1024 * 10);
			mconn_kit_close(&k);
		}
		assert_int_equal(len[0], len[1]);
		assert_memory_equal(whole, cut, len[0]);
	}
}

static void test_mconn_drain_packs_many_small_messages_into_one_call(void **state)
{
	struct mconn_kit k;
	uint8_t buf[1024];
	struct mconn_log log = {0};
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 0x22, 7, 100, 0);
	mconn_kit_open(&k);
	for (int i = 0; i < 20; i++)
		assert_int_equal(mconn_kit_try(&k, 0x22, 20, 'v'), SY_OK);
	assert_true(sy_mconn_has_output(k.m, &k.shared, k.now));
	size_t n = sy_mconn_drain(k.m, &k.shared, k.now, buf, sizeof buf);
	assert_false(sy_mconn_has_output(k.m, &k.shared, k.now));
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	assert_int_equal(log.messages, 20);
	mconn_kit_close(&k);
}

static void test_mconn_send_of_full_packets_on_a_high_channel_passes_only_in_default(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		uint8_t buf[8192];
		struct mconn_log log = {0};
		mconn_kit_init(&k, profiles[p]);
		mconn_kit_channel(&k, 0x80, 1, 4, 0);
		mconn_kit_open(&k);
		assert_int_equal(mconn_kit_try(&k, 0x80, 2048, 'x'), SY_OK);
		size_t n = flush_out(&k, buf, sizeof buf);
		assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), p == 0 ? SY_OK : SY_PEER_PACKET_TOO_LONG);
		assert_int_equal(log.messages, p == 0 ? 1 : 0);
		mconn_kit_close(&k);
	}
}

static void test_mconn_send_waits_in_order_and_reports_with_the_token(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		uint8_t buf[256];
		struct sy_mconn_sent sent;
		struct mconn_log log = {0};
		mconn_kit_init(&k, profiles[p]);
		mconn_kit_channel(&k, 1, 1, 1, 0);
		mconn_kit_channel(&k, 2, 1, 1, 0);
		mconn_kit_open(&k);
		assert_int_equal(mconn_kit_send(&k, 1, 10, k.now + 10 * SEC, 1), SY_OK);
		assert_int_equal(mconn_kit_send(&k, 1, 10, k.now + 10 * SEC, 2), SY_AGAIN);
		assert_int_equal(mconn_kit_send(&k, 2, 10, k.now + 10 * SEC, 4), SY_OK);
		assert_int_equal(mconn_kit_send(&k, 1, 10, k.now + 10 * SEC, 3), SY_AGAIN);
		assert_int_equal(mconn_kit_try(&k, 1, 10, 9), SY_QUEUE_FULL);
		assert_false(sy_mconn_next_sent(k.m, &k.shared, &sent));
		size_t n = flush_out(&k, buf, sizeof buf);
		assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
		assert_int_equal(log.messages, 4);
		assert_int_equal(log.last_fill, 3);
		for (uint64_t token = 2; token <= 3; token++) {
			assert_true(sy_mconn_next_sent(k.m, &k.shared, &sent));
			assert_int_equal(sent.token, token);
			assert_int_equal(sent.err, SY_OK);
		}
		assert_false(sy_mconn_next_sent(k.m, &k.shared, &sent));
		mconn_kit_close(&k);
	}
}

static void test_mconn_send_times_out_at_its_deadline(void **state)
{
	struct mconn_kit k;
	struct sy_mconn_sent sent;
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 1, 0);
	mconn_kit_open(&k);
	uint64_t t0 = k.now;
	assert_int_equal(mconn_kit_send(&k, 1, 10, t0 + 10 * SEC, 1), SY_OK);
	assert_int_equal(mconn_kit_send(&k, 1, 10, t0 + 10 * SEC, 2), SY_AGAIN);
	assert_int_equal(mconn_kit_send(&k, 1, 10, t0 + 5 * SEC, 3), SY_AGAIN);
	assert_int_equal(sy_mconn_deadline(k.m, &k.shared), t0 + 5 * SEC);
	assert_int_equal(mconn_kit_until(&k, t0 + 5 * SEC - 1), SY_OK);
	assert_false(sy_mconn_next_sent(k.m, &k.shared, &sent));
	assert_int_equal(mconn_kit_until(&k, t0 + 5 * SEC), SY_OK);
	assert_true(sy_mconn_next_sent(k.m, &k.shared, &sent));
	assert_int_equal(sent.token, 3);
	assert_int_equal(sent.err, SY_TIMEOUT);
	assert_int_equal(mconn_kit_until(&k, t0 + 10 * SEC), SY_OK);
	assert_true(sy_mconn_next_sent(k.m, &k.shared, &sent));
	assert_int_equal(sent.token, 2);
	mconn_kit_close(&k);
}

static void test_mconn_send_bounds_its_waiters_and_cancel_fails_them_all(void **state)
{
	struct mconn_kit k;
	struct sy_mconn_sent sent;
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 1, 1, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 10, 'a'), SY_OK);
	for (uint64_t i = 0; i < SY_LIMIT_SEND_WAITERS; i++)
		assert_int_equal(mconn_kit_send(&k, 1, 10, SY_LIMIT_SEND_WAITERS, i), SY_AGAIN);
	assert_int_equal(mconn_kit_send(&k, 1, 10, UINT64_MAX, 99), SY_QUEUE_FULL);
	sy_mconn_cancel(k.m, &k.shared);
	for (uint64_t i = 0; i < SY_LIMIT_SEND_WAITERS; i++) {
		assert_true(sy_mconn_next_sent(k.m, &k.shared, &sent));
		assert_int_equal(sent.token, i);
		assert_int_equal(sent.err, SY_NO_PEER);
	}
	assert_false(sy_mconn_next_sent(k.m, &k.shared, &sent));
	mconn_kit_close(&k);
}

static void test_mconn_flush_stop_gives_all_that_is_queued_and_takes_no_more(void **state)
{
	for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
		struct mconn_kit k;
		static uint8_t buf[400000];
		struct sy_mconn_sent sent;
		struct mconn_log log = {0};
		mconn_kit_init(&k, profiles[p]);
		mconn_kit_channel(&k, 1, 1, 10, 0);
		mconn_kit_open(&k);
		for (int i = 0; i < 10; i++)
			assert_int_equal(mconn_kit_try(&k, 1, 30000, 'f'), SY_OK);
		assert_int_equal(mconn_kit_send(&k, 1, 10, k.now + SEC, 1), SY_AGAIN);
		assert_false(sy_mconn_flushed(k.m));
		sy_mconn_flush_stop(k.m, &k.shared, k.now);
		assert_true(sy_mconn_next_sent(k.m, &k.shared, &sent));
		assert_int_equal(sent.err, SY_NO_PEER);
		assert_int_equal(mconn_kit_try(&k, 1, 3, 'a'), SY_NO_PEER);
		assert_false(sy_mconn_can_send(k.m, &k.shared, 1));
		size_t n = 0;
		for (int round = 0; round < 1000 && !sy_mconn_flushed(k.m); round++) {
			n += mconn_kit_drain(&k, buf + n, sizeof buf - n);
			uint64_t at = sy_mconn_deadline(k.m, &k.shared);
			assert_true(sy_mconn_flushed(k.m) || at != UINT64_MAX);
			assert_int_equal(mconn_kit_until(&k, at == UINT64_MAX ? k.now : at), SY_OK);
		}
		assert_true(sy_mconn_flushed(k.m));
		k.shared.recv_limit.rate = 0;
		assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
		assert_int_equal(log.messages, 10);
		mconn_kit_close(&k);
	}
}

static void test_mconn_channel_set_add_fills_in_defaults_and_refuses_the_rest(void **state)
{
	struct sy_channel_set set;
	sy_channel_set_init(&set);
	struct sy_channel c = {.id = 0xff, .priority = 1};
	assert_int_equal(sy_channel_set_add(&set, &c, 3), SY_OK);
	assert_int_equal(set.channel[0].send_queue_capacity, 1);
	assert_int_equal(set.channel[0].recv_buffer_capacity, 4096);
	assert_int_equal(set.channel[0].recv_message_capacity, 22020096);
	assert_int_equal(set.index_of[0xff], 1);
	assert_int_equal(set.reactor[0], 3);
	assert_int_equal(sy_channel_set_add(&set, &c, 0), SY_INVALID);
	c.id = 1;
	c.priority = 0;
	assert_int_equal(sy_channel_set_add(&set, &c, 0), SY_INVALID);
	c.priority = 1;
	for (uint32_t i = 1; i < SY_LIMIT_CHANNELS; i++, c.id++)
		assert_int_equal(sy_channel_set_add(&set, &c, 0), SY_OK);
	assert_int_equal(sy_channel_set_add(&set, &c, 0), SY_LIMIT);
}

static void test_mconn_status_of_a_connection_that_sent_is_right(void **state)
{
	struct mconn_kit k;
	uint8_t buf[4096];
	struct mconn_log log = {0};
	struct sy_conn_status s;
	struct sy_channel_status c;
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 1, 5, 4, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 1, 1500, 'a'), SY_OK);
	assert_int_equal(sy_mconn_channel_status(k.m, &k.shared, k.now, 0, &c), SY_OK);
	assert_int_equal(c.queued_messages, 1);
	assert_int_equal(c.queued_bytes, 1500);
	size_t n = mconn_kit_drain(&k, buf, sizeof buf);
	assert_int_equal(mconn_kit_feed(&k, buf, n, 0, &log), SY_OK);
	k.now += 2 * SEC;
	sy_mconn_status(k.m, &k.shared, k.now, &s);
	assert_int_equal(s.age_ns, 2 * SEC);
	assert_int_equal(s.sent_bytes, n);
	assert_int_equal(s.received_bytes, n);
	assert_int_equal(s.send_rate_avg, n / 2);
	assert_int_equal(sy_mconn_channel_status(k.m, &k.shared, k.now, 0, &c), SY_OK);
	assert_int_equal(c.queued_messages, 0);
	assert_int_equal(c.sent_bytes, 1500);
	assert_int_equal(c.received_bytes, 1500);
	assert_int_equal(c.recently_sent, (uint64_t)((double)n * 0.8));
	assert_int_equal(sy_mconn_channel_status(k.m, &k.shared, k.now, 1, &c), SY_NOT_FOUND);
	mconn_kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_send_gives_the_bytes_of_the_vectors),
	    cmocka_unit_test(test_mconn_send_on_an_unknown_channel_is_refused),
	    cmocka_unit_test(test_mconn_try_send_is_refused_when_the_queue_is_full_and_taken_after_a_drain),
	    cmocka_unit_test(test_mconn_try_send_bounds_the_queue_in_bytes_but_takes_a_single_large_message),
	    cmocka_unit_test(test_mconn_try_send_refuses_empty_and_oversized_messages_in_default_only),
	    cmocka_unit_test(test_mconn_send_loses_an_empty_message_in_upstream_when_another_channel_goes_first),
	    cmocka_unit_test(test_mconn_drain_gives_the_same_stream_however_it_is_cut),
	    cmocka_unit_test(test_mconn_drain_packs_many_small_messages_into_one_call),
	    cmocka_unit_test(test_mconn_send_of_full_packets_on_a_high_channel_passes_only_in_default),
	    cmocka_unit_test(test_mconn_send_waits_in_order_and_reports_with_the_token),
	    cmocka_unit_test(test_mconn_send_times_out_at_its_deadline),
	    cmocka_unit_test(test_mconn_send_bounds_its_waiters_and_cancel_fails_them_all),
	    cmocka_unit_test(test_mconn_flush_stop_gives_all_that_is_queued_and_takes_no_more),
	    cmocka_unit_test(test_mconn_channel_set_add_fills_in_defaults_and_refuses_the_rest),
	    cmocka_unit_test(test_mconn_status_of_a_connection_that_sent_is_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
