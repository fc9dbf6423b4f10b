/* Whole transfers over the rig: the controls on a link, both fidelities, the same numbers for the same seed. */
#include "sim/tcp/impl.h"
#include "sim/tcp/rig.h"
#include "tests/support/unit.h"

static struct sim_tcp_rig_result transfer(enum sim_tcp_cc cc, uint64_t rtt_ms, uint64_t mbit, uint64_t loss_ppm, uint64_t bytes, bool flow,
                                          uint64_t seed)
{
	struct sim_tcp_rig rig;
	struct sim_tcp_rig_result result;

	sim_tcp_rig_defaults(&rig);
	rig.tcp.cc = cc;
	rig.link.delay.a_ns = rtt_ms * 500000;
	rig.link.rate_bits = mbit * 1000000;
	rig.link.loss = UINT64_MAX / 1000000 * loss_ppm;
	rig.bytes = bytes;
	rig.flow = flow;
	rig.seed = seed;
	assert_true(sim_tcp_rig_run(&rig, &result));
	return result;
}

static double mbit(const struct sim_tcp_rig_result *r)
{
	return (double)r->at_end * 8 / 30e6;
}

/* Linux 6.18 in the reference: goodput 0-30 s within 0.5 %, and what slow start drops. */
static void test_tcp_rig_meets_the_kernel_without_loss(void **state)
{
	static const struct {
		enum sim_tcp_cc cc;
		unsigned rtt_ms, rate;
		double goodput, retransmits;
	} rows[] = {
	    {SIM_TCP_RENO, 50, 10, 9.5859, 92.3}, {SIM_TCP_RENO, 50, 100, 95.5088, 841.3}, {SIM_TCP_RENO, 200, 10, 9.3488, 335},
	    {SIM_TCP_CUBIC, 50, 10, 9.6058, 15},  {SIM_TCP_CUBIC, 50, 100, 95.5589, 52},   {SIM_TCP_CUBIC, 200, 100, 91.3931, 192.3},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_tcp_rig_result r = transfer(rows[i].cc, rows[i].rtt_ms, rows[i].rate, 0, 0, false, 1);

		assert_true(mbit(&r) > rows[i].goodput * 0.995 && mbit(&r) < rows[i].goodput * 1.005);
		assert_true(r.retransmits > rows[i].retransmits * 0.95 - 1 && r.retransmits < rows[i].retransmits * 1.05 + 1);
		assert_int_equal(r.timeouts, 0);
	}
}

static void test_tcp_rig_bbr_fills_a_lossy_link(void **state)
{
	struct sim_tcp_rig_result r = transfer(SIM_TCP_BBR, 50, 10, 10000, 0, false, 3);

	assert_true(mbit(&r) > 9.2 && mbit(&r) < 9.6);
}

/* It fills the queue once, in start-up, and then paces below the rate: Linux 6.18 sends 20 to 29 and 446 to 532 segments again. */
static void test_tcp_rig_bbr_keeps_the_queue_short(void **state)
{
	struct sim_tcp_rig_result slow = transfer(SIM_TCP_BBR, 20, 10, 0, 0, false, 1), fast = transfer(SIM_TCP_BBR, 20, 100, 0, 0, false, 1);

	assert_in_range(slow.retransmits, 15, 35);
	assert_in_range(fast.retransmits, 380, 560);
	assert_true(mbit(&slow) > 9.5255 * 0.995 && mbit(&slow) < 9.5255 * 1.005);
	assert_true(mbit(&fast) > 94.7913 * 0.995 && mbit(&fast) < 94.7913 * 1.005);
}

static void test_tcp_rig_is_a_function_of_the_seed(void **state)
{
	for (unsigned cc = SIM_TCP_CUBIC; cc <= SIM_TCP_BBR; cc++) {
		for (unsigned flow = 0; flow < 2; flow++) {
			struct sim_tcp_rig_result a = transfer((enum sim_tcp_cc)cc, 20, 10, 10000, 0, flow != 0, 7);
			struct sim_tcp_rig_result b = transfer((enum sim_tcp_cc)cc, 20, 10, 10000, 0, flow != 0, 7);
			struct sim_tcp_rig_result c = transfer((enum sim_tcp_cc)cc, 20, 10, 10000, 0, flow != 0, 8);

			assert_memory_equal(&a, &b, sizeof a);
			assert_int_not_equal(a.at_end, c.at_end);
		}
	}
}

/* 70 segments in three rounds of 10, 20 and 40 behind one and a half round trips, and a last one of the link. */
static void test_tcp_rig_delivers_a_message_in_slow_starts_time(void **state)
{
	for (unsigned flow = 0; flow < 2; flow++) {
		struct sim_tcp_rig_result r = transfer(SIM_TCP_CUBIC, 200, 100, 0, 100000, flow != 0, 1);

		assert_true(r.connected && r.finished);
		assert_int_equal(r.connected_ns / 1000000, 200);
		assert_in_range(r.finished_ns / 1000000, 700, 712);
	}
}

static void flow_is_near_segment(enum sim_tcp_cc cc, uint64_t rtt_ms, uint64_t rate, uint64_t loss_ppm, double within)
{
	double segment = 0, flow = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct sim_tcp_rig_result a = transfer(cc, rtt_ms, rate, loss_ppm, 0, false, seed);
		struct sim_tcp_rig_result b = transfer(cc, rtt_ms, rate, loss_ppm, 0, true, seed);

		segment += mbit(&a);
		flow += mbit(&b);
	}
	assert_true(flow > segment * (1 - within) && flow < segment * (1 + within));
}

/* Trains of hundreds of segments on a long fat link that loses several per cent, too: bbr goes on. */
static void test_tcp_rig_flow_is_near_segment(void **state)
{
	for (unsigned cc = SIM_TCP_CUBIC; cc <= SIM_TCP_BBR; cc++)
		flow_is_near_segment((enum sim_tcp_cc)cc, 50, 10, 10000, 0.15);
	flow_is_near_segment(SIM_TCP_BBR, 200, 100, 30000, 0.05);
	flow_is_near_segment(SIM_TCP_CUBIC, 200, 100, 100, 0.15);
}

/* A window of 60 segments or more goes in trains. */
static void test_tcp_rig_flow_costs_little(void **state)
{
	for (unsigned cc = SIM_TCP_CUBIC; cc <= SIM_TCP_BBR; cc++) {
		struct sim_tcp_rig_result a = transfer((enum sim_tcp_cc)cc, 50, 100, 0, 0, false, 1);
		struct sim_tcp_rig_result b = transfer((enum sim_tcp_cc)cc, 50, 100, 0, 0, true, 1);

		assert_true(b.events * 10 < a.events);
		assert_true(mbit(&b) > 0.98 * mbit(&a) && mbit(&b) < 1.02 * mbit(&a));
	}
}

static void test_tcp_rig_extremes_end(void **state)
{
	static const unsigned rows[][4] = {
	    {1, 1000, 0, 1}, {2000, 1, 0, 1}, {20, 10, 500000, 1000}, {1, 1, 999999, 1}, {0, 1000, 10000, 100000}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned cc = SIM_TCP_CUBIC; cc <= SIM_TCP_BBR; cc++)
			for (unsigned flow = 0; flow < 2; flow++)
				(void)transfer((enum sim_tcp_cc)cc, rows[i][0], rows[i][1], rows[i][2], rows[i][3], flow != 0, 1);
}

static void test_tcp_cube_root_is_the_floor(void **state)
{
	for (uint64_t r = 0; r < 3000; r++) {
		assert_int_equal(tcp_cube_root(r * r * r), r);
		if (r > 0)
			assert_int_equal(tcp_cube_root(r * r * r - 1), r - 1);
	}
	assert_int_equal(tcp_cube_root(UINT64_MAX), 2642245);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcp_rig_meets_the_kernel_without_loss),
	    cmocka_unit_test(test_tcp_rig_bbr_fills_a_lossy_link),
	    cmocka_unit_test(test_tcp_rig_bbr_keeps_the_queue_short),
	    cmocka_unit_test(test_tcp_rig_is_a_function_of_the_seed),
	    cmocka_unit_test(test_tcp_rig_delivers_a_message_in_slow_starts_time),
	    cmocka_unit_test(test_tcp_rig_flow_is_near_segment),
	    cmocka_unit_test(test_tcp_rig_flow_costs_little),
	    cmocka_unit_test(test_tcp_rig_extremes_end),
	    cmocka_unit_test(test_tcp_cube_root_is_the_floor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
