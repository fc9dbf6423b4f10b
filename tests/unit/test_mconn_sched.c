/* How channels share a connection, on a sink that takes bytes at a steady pace. Source: protocol.md 3.8, D-02. */
#include "core/mconn/internal.h"
#include "tests/support/mconn_kit.h"
#include "tests/support/unit.h"

#include <math.h>

enum { MAX_CHANNELS = 4, STEP_NS = 1000000 };

struct flow {
	uint32_t priority;
	size_t message;       /* bytes of each */
	uint64_t from, until; /* always something to send in this time, after the start */
	/* measured */
	uint64_t bytes_at_mark;
	uint64_t last_sent, last_growth, max_gap;
};

struct sink {
	struct mconn_kit k;
	struct flow flow[MAX_CHANNELS];
	uint32_t n, queue;
	uint64_t start, rate, credit, mark; /* rate: bytes per second; mark: gaps and shares count from here on */
};

static void open_sink(struct sink *s, enum sy_profile profile)
{
	mconn_kit_init(&s->k, profile);
	s->k.config.send_rate = 0;
	/* What is meant is the schedule; nobody answers pings here. */
	s->k.config.ping_interval_ns = 0;
	for (uint32_t i = 0; i < s->n; i++)
		mconn_kit_channel(&s->k, (uint8_t)(0x30 + i), s->flow[i].priority, s->queue ? s->queue : 16, 0);
	mconn_kit_open(&s->k);
	s->start = s->k.now;
}

static void refill(struct sink *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		uint64_t t = s->k.now - s->start;
		if (t < s->flow[i].from || t >= s->flow[i].until)
			continue;
		while (sy_mconn_can_send(s->k.m, &s->k.shared, (uint8_t)(0x30 + i)))
			assert_int_equal(mconn_kit_try(&s->k, (uint8_t)(0x30 + i), s->flow[i].message, 'x'), SY_OK);
	}
}

static uint64_t sent(const struct sink *s, uint32_t i)
{
	struct sy_channel_status c;
	assert_int_equal(sy_mconn_channel_status(s->k.m, &s->k.shared, s->k.now, i, &c), SY_OK);
	return c.sent_bytes;
}

/* Looks at progress by packets, not by whole messages: what is left of the queue tells. */
static void measure(struct sink *s)
{
	uint64_t t = s->k.now - s->start;
	for (uint32_t i = 0; i < s->n; i++) {
		struct flow *f = &s->flow[i];
		uint64_t now = sent(s, i);
		if (t < s->mark) {
			f->bytes_at_mark = f->last_sent = now;
			f->last_growth = t;
		}
		if (now > f->last_sent || t < f->from || t >= f->until)
			f->last_growth = t;
		f->last_sent = now;
		if (t - f->last_growth > f->max_gap)
			f->max_gap = t - f->last_growth;
	}
}

static void run(struct sink *s, uint64_t until)
{
	static uint8_t buf[SY_FILL_MAX];
	while (s->k.now < s->start + until) {
		refill(s);
		assert_int_equal(mconn_kit_until(&s->k, s->k.now + STEP_NS), SY_OK);
		s->credit += s->rate / (SEC / STEP_NS);
		for (size_t got = 1; s->credit && got;) {
			got = sy_mconn_drain(s->k.m, &s->k.shared, s->k.now, buf, s->credit < sizeof buf ? s->credit : sizeof buf);
			s->credit -= got;
			refill(s);
		}
		measure(s);
	}
}

static double share(const struct sink *s, uint32_t i)
{
	double all = 0;
	for (uint32_t j = 0; j < s->n; j++)
		all += (double)(s->flow[j].last_sent - s->flow[j].bytes_at_mark);
	return (double)(s->flow[i].last_sent - s->flow[i].bytes_at_mark) / all;
}

#define ALWAYS .from = 0, .until = UINT64_MAX

static void test_mconn_sched_shares_follow_priorities_in_both_profiles(void **state)
{
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	static const uint32_t priorities[] = {10, 7, 5};
	for (size_t p = 0; p < 2; p++)
		for (int sizes = 0; sizes < 2; sizes++) {
			struct sink s = {.n = 3, .rate = 1000000, .mark = 5 * SEC};
			for (uint32_t i = 0; i < 3; i++)
				s.flow[i] = (struct flow){.priority = priorities[i], .message = sizes ? 1000u << (2 * i) : 8192, ALWAYS};
			/* Upstream keeps to priorities only when no queue runs dry while 64 KiB are filled at once. */
			s.queue = 200;
			open_sink(&s, profiles[p]);
			run(&s, 40 * SEC);
			for (uint32_t i = 0; i < 3; i++)
				assert_true(fabs(share(&s, i) - priorities[i] / 22.0) < 0.005);
			mconn_kit_close(&s.k);
		}
}

static void test_mconn_sched_shares_of_small_messages_follow_priorities_in_default(void **state)
{
	struct sink s = {.n = 2, .rate = 200000, .mark = SEC, .queue = 400};
	s.flow[0] = (struct flow){.priority = 3, .message = 64, ALWAYS};
	s.flow[1] = (struct flow){.priority = 1, .message = 64, ALWAYS};
	open_sink(&s, SY_PROFILE_DEFAULT);
	run(&s, 10 * SEC);
	assert_true(fabs(share(&s, 0) - 0.75) < 0.005);
	mconn_kit_close(&s.k);
}

static void test_mconn_sched_short_queues_break_the_rule_in_upstream_only(void **state)
{
	for (int upstream = 0; upstream < 2; upstream++) {
		struct sink s = {.n = 2, .rate = 1000000, .mark = 5 * SEC, .queue = 1};
		s.flow[0] = (struct flow){.priority = 1, .message = 8192, ALWAYS};
		s.flow[1] = (struct flow){.priority = 10, .message = 8192, ALWAYS};
		open_sink(&s, upstream ? SY_PROFILE_UPSTREAM : SY_PROFILE_DEFAULT);
		run(&s, 20 * SEC);
		if (upstream)
			assert_true(fabs(share(&s, 0) - 0.5) < 0.06); /* measured on real connections: 0.50 */
		else
			assert_true(fabs(share(&s, 0) - 1.0 / 11) < 0.005);
		mconn_kit_close(&s.k);
	}
}

/* Mean of the blackout over phases of the 2 s tick: old channels of equal priority, one more wakes after 41 s. */
static double blackout(enum sy_profile profile, uint32_t old)
{
	double sum = 0;
	for (int phase = 0; phase < 4; phase++) {
		struct sink s = {.n = old + 1, .rate = 500000, .mark = 41 * SEC, .queue = 100};
		uint64_t wake = 41 * SEC + (uint64_t)phase * 500 * MS;
		for (uint32_t i = 0; i <= old; i++)
			s.flow[i] = (struct flow){.priority = 5, .message = 2048, .from = i == old ? wake : 0, .until = UINT64_MAX};
		open_sink(&s, profile);
		run(&s, 52 * SEC);
		sum += (double)s.flow[0].max_gap / 1e9;
		mconn_kit_close(&s.k);
	}
	return sum / 4;
}

static void test_mconn_sched_wake_up_takes_the_link_for_the_formula_s_time_in_upstream(void **state)
{
	for (uint32_t old = 1; old <= 2; old++) {
		double expect = 2 / log(1.25) * log(1 + 1.0 / old), seen = blackout(SY_PROFILE_UPSTREAM, old);
		assert_true(fabs(seen / expect - 1) < 0.02);
	}
}

static void test_mconn_sched_wake_up_causes_no_blackout_in_default(void **state)
{
	assert_true(blackout(SY_PROFILE_DEFAULT, 2) < 0.05);
}

static void test_mconn_sched_on_and_off_earns_no_credit_in_default(void **state)
{
	/* Each time it wakes it gets its share, no more: an old channel never waits longer than a few packets take. */
	struct sink s = {.n = 2, .rate = 1000000, .mark = SEC, .queue = 30};
	s.flow[0] = (struct flow){.priority = 5, .message = 4000, ALWAYS};
	s.flow[1] = (struct flow){.priority = 10, .message = 4000, .from = 0, .until = 3 * SEC};
	open_sink(&s, SY_PROFILE_DEFAULT);
	for (int i = 0; i < 3; i++) {
		run(&s, (3 + 6 * (uint64_t)i) * SEC);
		s.flow[1].from = (6 + 6 * (uint64_t)i) * SEC;
		s.flow[1].until = (9 + 6 * (uint64_t)i) * SEC;
	}
	assert_true(s.flow[0].max_gap < 30 * MS);
	mconn_kit_close(&s.k);
}

static void test_mconn_sched_urgent_message_goes_next_in_default(void **state)
{
	struct mconn_kit k;
	uint8_t buf[1100];
	struct mconn_log log = {0};
	mconn_kit_init(&k, SY_PROFILE_DEFAULT);
	k.config.recv_rate = 0;
	mconn_kit_channel(&k, 0x30, 5, 10, 0);
	mconn_kit_channel(&k, 0x22, 7, 10, 0);
	mconn_kit_open(&k);
	assert_int_equal(mconn_kit_try(&k, 0x30, 500000, 'b'), SY_OK);
	for (int i = 0; i < 20; i++)
		assert_int_equal(mconn_kit_feed(&k, buf, sy_mconn_drain(k.m, &k.shared, k.now, buf, 1024), 0, &log), SY_OK);
	assert_int_equal(mconn_kit_try(&k, 0x22, 200, 'v'), SY_OK);
	/* The bulk packet that was cut goes on; the next one is the vote's. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(mconn_kit_feed(&k, buf, sy_mconn_drain(k.m, &k.shared, k.now, buf, 1024), 0, &log), SY_OK);
	assert_int_equal(log.messages, 1);
	assert_int_equal(log.last_channel, 0x22);
	mconn_kit_close(&k);
}

static void test_mconn_sched_ties_go_to_the_channel_registered_first(void **state)
{
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	for (size_t p = 0; p < 2; p++) {
		struct mconn_kit k;
		uint8_t buf[64];
		mconn_kit_init(&k, profiles[p]);
		mconn_kit_channel(&k, 0x40, 5, 10, 0);
		mconn_kit_channel(&k, 0x20, 5, 10, 0);
		mconn_kit_open(&k);
		assert_int_equal(mconn_kit_try(&k, 0x20, 3, 'a'), SY_OK);
		assert_int_equal(mconn_kit_try(&k, 0x40, 3, 'b'), SY_OK);
		assert_int_equal(mconn_kit_until(&k, k.now + 20 * MS), SY_OK);
		assert_int_equal(mconn_kit_drain(&k, buf, sizeof buf), 24);
		assert_int_equal(buf[4], 0x40);
		assert_int_equal(buf[16], 0x20);
		mconn_kit_close(&k);
	}
}

static void test_mconn_sched_virtual_time_is_moved_back_before_it_could_wrap(void **state)
{
	struct sink s = {.n = 3, .rate = 1000000, .mark = 0, .queue = 20};
	static const uint32_t priorities[] = {10, 7, 5};
	for (uint32_t i = 0; i < 3; i++)
		s.flow[i] = (struct flow){.priority = priorities[i], .message = 3000, ALWAYS};
	open_sink(&s, SY_PROFILE_DEFAULT);
	s.k.m->vtime = (1ull << 62) - (1ull << 40);
	for (uint32_t i = 0; i < 3; i++)
		if (s.k.m->channel[i])
			s.k.m->channel[i]->tag = s.k.m->vtime;
	run(&s, 10 * SEC);
	assert_true(s.k.m->vtime < 1ull << 60);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(fabs(share(&s, i) - priorities[i] / 22.0) < 0.005);
	mconn_kit_close(&s.k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mconn_sched_shares_follow_priorities_in_both_profiles),
	    cmocka_unit_test(test_mconn_sched_shares_of_small_messages_follow_priorities_in_default),
	    cmocka_unit_test(test_mconn_sched_short_queues_break_the_rule_in_upstream_only),
	    cmocka_unit_test(test_mconn_sched_wake_up_takes_the_link_for_the_formula_s_time_in_upstream),
	    cmocka_unit_test(test_mconn_sched_wake_up_causes_no_blackout_in_default),
	    cmocka_unit_test(test_mconn_sched_on_and_off_earns_no_credit_in_default),
	    cmocka_unit_test(test_mconn_sched_urgent_message_goes_next_in_default),
	    cmocka_unit_test(test_mconn_sched_ties_go_to_the_channel_registered_first),
	    cmocka_unit_test(test_mconn_sched_virtual_time_is_moved_back_before_it_could_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
