/* The limiters: protocol.md 3.9, D-03, D-05. */
#include "core/mconn/internal.h"
#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

static void open_kit(struct mconn_kit *k, enum sy_profile profile, uint64_t send_rate, uint64_t recv_rate)
{
	mconn_kit_init(k, profile);
	k->config.send_rate = send_rate;
	k->config.recv_rate = recv_rate;
	k->config.ping_interval_ns = 0;
	mconn_kit_channel(k, 1, 1, 100, 0);
	mconn_kit_open(k);
}

static void refill(struct mconn_kit *k, size_t n)
{
	while (sy_mconn_can_send(k->m, &k->shared, 1))
		assert_int_equal(mconn_kit_try(k, 1, n, 'x'), SY_OK);
}

/* Bytes that a transport without limits takes in each of `seconds` seconds. */
static void pump_seconds(struct mconn_kit *k, size_t message, uint64_t *per_second, int seconds)
{
	static uint8_t buf[SY_FILL_MAX];
	uint64_t t0 = k->now;
	for (int s = 0; s < seconds; s++) {
		per_second[s] = 0;
		while (k->now < t0 + (uint64_t)(s + 1) * SEC) {
			refill(k, message);
			uint64_t at = sy_mconn_deadline(k->m, &k->shared), end = t0 + (uint64_t)(s + 1) * SEC;
			assert_int_equal(mconn_kit_until(k, at < end ? (at > k->now ? at : k->now) : end), SY_OK);
			for (size_t got = 1; got; per_second[s] += got) {
				got = sy_mconn_drain(k->m, &k->shared, k->now, buf, sizeof buf);
				refill(k, message);
				assert_int_equal(mconn_kit_until(k, k->now), SY_OK);
			}
		}
	}
}

static void test_mconn_rate_smooth_keeps_the_rate_over_every_second(void **state)
{
	static const uint64_t rates[] = {10000, 512000, 5120000};
	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (size_t message = 100; message <= 10000; message *= 100) {
			struct mconn_kit k;
			uint64_t bytes[4], burst = rates[r] / 50 > 65536 ? rates[r] / 50 : 65536;
			open_kit(&k, SY_PROFILE_DEFAULT, rates[r], 0);
			pump_seconds(&k, message, bytes, 4);
			assert_true(bytes[0] <= rates[r] + burst);
			for (int s = 1; s < 4; s++) {
				assert_true(bytes[s] <= rates[r] + 1100);
				assert_true(bytes[s] + 1100 >= rates[r]);
			}
			mconn_kit_close(&k);
		}
}

static void test_mconn_rate_upstream_keeps_the_rate_in_samples(void **state)
{
	struct mconn_kit k;
	uint64_t bytes[5];
	open_kit(&k, SY_PROFILE_UPSTREAM, 512000, 0);
	pump_seconds(&k, 10000, bytes, 5);
	/* A batch of ten packets may pass the gate of each sample. */
	for (int s = 1; s < 5; s++)
		assert_true(bytes[s] > 512000 * 0.95 && bytes[s] < 512000 * 1.25);
	mconn_kit_close(&k);
}

static void test_mconn_rate_of_zero_is_no_limit(void **state)
{
	for (int p = 0; p < 2; p++) {
		struct mconn_kit k;
		uint64_t total = 0;
		static uint8_t buf[SY_FILL_MAX];
		open_kit(&k, p ? SY_PROFILE_UPSTREAM : SY_PROFILE_DEFAULT, 0, 0);
		uint64_t t0 = k.now;
		for (int i = 0; i < 40; i++) {
			refill(&k, 65536);
			assert_int_equal(mconn_kit_until(&k, k.now), SY_OK);
			total += mconn_kit_drain(&k, buf, sizeof buf);
		}
		assert_int_equal(k.now, t0);
		assert_true(total > 2000000);
		assert_true(sy_mconn_recv_allowance(k.m, &k.shared, k.now) == SIZE_MAX);
		mconn_kit_close(&k);
	}
}

static void test_mconn_rate_smooth_deadline_is_when_output_appears(void **state)
{
	struct mconn_kit k;
	static uint8_t buf[SY_FILL_MAX];
	open_kit(&k, SY_PROFILE_DEFAULT, 100000, 0);
	refill(&k, 5000);
	for (int i = 0; i < 200; i++) {
		mconn_kit_drain(&k, buf, sizeof buf);
		assert_false(sy_mconn_has_output(k.m, &k.shared, k.now));
		uint64_t at = sy_mconn_deadline(k.m, &k.shared);
		assert_true(at > k.now && at < k.now + SEC);
		assert_false(sy_mconn_has_output(k.m, &k.shared, at - 1));
		k.now = at;
		assert_int_equal(sy_mconn_expire(k.m, &k.shared, k.now), SY_OK);
		assert_true(sy_mconn_has_output(k.m, &k.shared, k.now));
		refill(&k, 5000);
	}
	struct sy_conn_status s;
	sy_mconn_status(k.m, &k.shared, k.now, &s);
	assert_true(s.send_limited_ns > s.age_ns / 2 && s.send_limited_ns <= s.age_ns);
	mconn_kit_close(&k);
}

/* Feeds packets for a second as fast as the limiter takes them. */
static uint64_t received_in(struct mconn_kit *k, uint64_t ns)
{
	uint8_t buf[1100];
	uint64_t total = 0, end = k->now + ns;
	size_t n = sy_packet_header(buf, 1, true, 1000) + 1000;
	memset(buf + n - 1000, 'x', 1000);
	struct sy_mconn_in in;
	while (k->now < end) {
		uint64_t open = sy_mconn_recv_open_at(k->m, &k->shared, k->now);
		assert_int_equal(sy_mconn_feed(k->m, &k->shared, k->now, buf, n, &in), SY_OK);
		assert_int_equal(in.gated, open != 0);
		assert_int_equal(in.consumed, in.gated ? 0 : n);
		total += in.consumed;
		if (!in.gated)
			continue;
		uint64_t wake = sy_mconn_recv_wake(k->m, &k->shared);
		assert_int_equal(wake, open);
		assert_true(wake > k->now);
		k->now = wake;
		assert_int_equal(sy_mconn_expire(k->m, &k->shared, k->now), SY_OK);
		assert_true(sy_mconn_recv_wake(k->m, &k->shared) == UINT64_MAX);
	}
	return total;
}

static void test_mconn_rate_of_receiving_leaves_five_per_cent_in_default_only(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_DEFAULT, 0, 1000000);
	received_in(&k, SEC); /* the first second has the burst */
	uint64_t n = received_in(&k, 10 * SEC);
	assert_true(n > 10450000 && n < 10520000);
	mconn_kit_close(&k);
	open_kit(&k, SY_PROFILE_UPSTREAM, 0, 1000000);
	n = received_in(&k, 10 * SEC);
	assert_true(n > 9500000 && n < 10200000);
	struct sy_conn_status s;
	sy_mconn_status(k.m, &k.shared, k.now, &s);
	assert_true(s.recv_limited_ns > 9 * SEC);
	assert_true(s.recv_rate_avg > 950000 && s.recv_rate_avg < 1020000);
	assert_true(s.recv_rate_now > 900000 && s.recv_rate_now < 1100000);
	mconn_kit_close(&k);
}

static void test_mconn_rate_equal_limits_at_both_ends_drain_in_default(void **state)
{
	struct mconn_kit a, b;
	static uint8_t wire[4 << 20];
	size_t len = 0, most = 0;
	struct sy_mconn_in in;
	open_kit(&a, SY_PROFILE_DEFAULT, 512000, 0);
	open_kit(&b, SY_PROFILE_DEFAULT, 0, 512000);
	for (uint64_t ms = 0; ms < 60000; ms++) {
		a.now += MS;
		b.now = a.now;
		refill(&a, 20000);
		assert_int_equal(sy_mconn_expire(a.m, &a.shared, a.now), SY_OK);
		len += sy_mconn_drain(a.m, &a.shared, a.now, wire + len, sizeof wire - len);
		size_t at = 0;
		for (in.gated = false; at < len && !in.gated; at += in.consumed)
			assert_int_equal(sy_mconn_feed(b.m, &b.shared, b.now, wire + at, len - at, &in), SY_OK);
		memmove(wire, wire + at, len - at);
		len -= at;
		most = ms > 1000 && len > most ? len : most;
	}
	assert_true(most < 8192);
	mconn_kit_close(&a);
	mconn_kit_close(&b);
}

static void test_mconn_rate_allowance_tells_what_would_pass(void **state)
{
	struct mconn_kit k;
	open_kit(&k, SY_PROFILE_DEFAULT, 0, 1000000);
	assert_true(sy_mconn_recv_allowance(k.m, &k.shared, k.now) > 65000);
	while (!sy_mconn_recv_open_at(k.m, &k.shared, k.now)) {
		uint8_t buf[1100] = {0};
		struct sy_mconn_in in;
		size_t n = sy_packet_header(buf, 1, true, 1000) + 1000;
		assert_int_equal(sy_mconn_feed(k.m, &k.shared, k.now, buf, n, &in), SY_OK);
	}
	assert_true(sy_mconn_recv_allowance(k.m, &k.shared, k.now) < 1036);
	mconn_kit_close(&k);
	open_kit(&k, SY_PROFILE_UPSTREAM, 0, 1000000);
	assert_int_equal(sy_mconn_recv_allowance(k.m, &k.shared, k.now), 100000);
	mconn_kit_close(&k);
}

static void test_mconn_rate_extremes_keep_their_arithmetic(void **state)
{
	static const uint64_t rates[] = {1, 9, 4294967295, 999999999999, 1000000000001, UINT64_MAX};
	for (int p = 0; p < 2; p++)
		for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
			struct mconn_kit k;
			static uint8_t buf[SY_FILL_MAX];
			open_kit(&k, p ? SY_PROFILE_UPSTREAM : SY_PROFILE_DEFAULT, rates[i], rates[i]);
			refill(&k, 3000);
			assert_int_equal(mconn_kit_until(&k, k.now + SEC), SY_OK);
			assert_true(mconn_kit_drain(&k, buf, sizeof buf) > 1000);
			(void)sy_mconn_recv_allowance(k.m, &k.shared, k.now);
			mconn_kit_close(&k);
		}
}

static void test_mconn_monitor_average_follows_the_definition(void **state)
{
	struct sy_monitor mon;
	sy_monitor_init(&mon, 5 * SEC + 7 * MS); /* rounded to 5.000 s */
	assert_int_equal(sy_monitor_rate(&mon, 5 * SEC), 0);
	sy_monitor_add(&mon, 1000, 5 * SEC + 50 * MS);
	assert_int_equal(sy_monitor_rate(&mon, 5 * SEC + 89 * MS), 0);
	/* From 90 ms on the rounded clock says 100: the first sample is the average. */
	assert_int_equal(sy_monitor_rate(&mon, 5 * SEC + 90 * MS), 10000);
	sy_monitor_add(&mon, 3000, 5 * SEC + 90 * MS); /* counted into the sample that ends here */
	assert_int_equal(mon.ema, 40000);
	sy_monitor_add(&mon, 1000, 5 * SEC + 200 * MS);
	/* 10,000 + exp(-0.1) x 30,000 */
	assert_true(mon.ema >= 37144 && mon.ema <= 37146);
	assert_true(sy_monitor_rate(&mon, 60 * SEC) == 0);
	assert_int_equal(mon.bytes, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_rate_smooth_keeps_the_rate_over_every_second),
	    cmocka_unit_test(test_mconn_rate_upstream_keeps_the_rate_in_samples),
	    cmocka_unit_test(test_mconn_rate_of_zero_is_no_limit),
	    cmocka_unit_test(test_mconn_rate_smooth_deadline_is_when_output_appears),
	    cmocka_unit_test(test_mconn_rate_of_receiving_leaves_five_per_cent_in_default_only),
	    cmocka_unit_test(test_mconn_rate_equal_limits_at_both_ends_drain_in_default),
	    cmocka_unit_test(test_mconn_rate_allowance_tells_what_would_pass),
	    cmocka_unit_test(test_mconn_rate_extremes_keep_their_arithmetic),
	    cmocka_unit_test(test_mconn_monitor_average_follows_the_definition),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
