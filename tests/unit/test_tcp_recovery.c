/* Losses and what repairs them: RFC 5681, 6298, 6675, 8985. */
#include "tests/support/tcp_pair.h"
#include "tests/support/unit.h"

#define DELAY (50 * TCP_PAIR_MS)
#define RTT (2 * DELAY)
#define MSS 1448ull

static void open_with(struct tcp_pair *pair, enum sim_tcp_cc cc)
{
	struct sim_tcp_config config;

	tcp_pair_exact(&config);
	config.cc = cc;
	tcp_pair_init(pair, &config, DELAY);
	tcp_pair_open(pair);
}

/* Drops the first copies of segment arg & 0xffff: as many as arg >> 16. */
static bool drop_segment(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	if (from != 0 || p->len == 0 || p->seq != (pair->arg & 0xffff) * MSS || pair->arg >> 16 == 0)
		return false;
	pair->arg -= 1u << 16;
	return true;
}

/* One of ten: the others' SACKs bring it back in a round trip, and the window falls to its part. */
static void loses_one(enum sim_tcp_cc cc, uint32_t want)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	open_with(&pair, cc);
	uint64_t start = pair.engine->now_ns;
	pair.filter = drop_segment;
	pair.arg = 1u << 16 | 2;
	tcp_pair_write(&pair, 0, 10 * MSS);
	tcp_pair_run(&pair, 3 * RTT);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(pair.side[1].got, 10 * MSS);
	assert_int_equal(info.retransmits, 1);
	assert_int_equal(info.timeouts, 0);
	assert_int_equal(tcp_pair_find(&pair, 0, 2 * MSS, 1)->at_ns, start + RTT);
	assert_int_equal(info.ssthresh, want);
	assert_int_equal(info.cwnd, want);
	assert_int_equal(info.recovery, 0);
	tcp_pair_fini(&pair);
}

static void test_tcp_recovery_repairs_one_loss_in_a_round_trip_and_halves(void **state)
{
	loses_one(SIM_TCP_RENO, 6); /* half of the twelve that the two segments before it made of ten */
}

static void test_tcp_recovery_reduces_to_seven_tenths_with_cubic(void **state)
{
	loses_one(SIM_TCP_CUBIC, 8);
}

/* The repair is lost, too: RACK sees that what was sent after it arrived. */
static void test_tcp_recovery_repairs_a_lost_retransmission_without_a_timeout(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	open_with(&pair, SIM_TCP_RENO);
	pair.filter = drop_segment;
	pair.arg = 2u << 16 | 2;
	tcp_pair_write(&pair, 0, 60 * MSS);
	tcp_pair_run(&pair, 10 * RTT);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(pair.side[1].got, 60 * MSS);
	assert_int_equal(info.retransmits, 2);
	assert_int_equal(info.timeouts, 0);
	tcp_pair_fini(&pair);
}

/* The last of ten: nothing follows, so after two round trips (and 2 ms) it goes again as a probe. */
static void test_tcp_recovery_probes_for_a_lost_tail(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	open_with(&pair, SIM_TCP_RENO);
	uint64_t start = pair.engine->now_ns;
	pair.filter = drop_segment;
	pair.arg = 1u << 16 | 9;
	tcp_pair_write(&pair, 0, 10 * MSS);
	tcp_pair_run(&pair, 6 * RTT);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(info.probes, 1);
	assert_int_equal(info.timeouts, 0);
	assert_int_equal(pair.side[1].got, 10 * MSS);
	/* one segment is left in flight when the other nine are acknowledged, so the worst of a delayed answer is added */
	assert_in_range(tcp_pair_find(&pair, 0, 9 * MSS, 1)->at_ns, start + 2 * RTT, start + 3 * RTT + 200 * TCP_PAIR_MS);
	/* a probe that repaired a loss counts as congestion, which is noticed once more data is acknowledged */
	tcp_pair_write(&pair, 0, MSS);
	tcp_pair_run(&pair, 2 * RTT);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(info.ssthresh, info.cwnd);
	tcp_pair_fini(&pair);
}

static bool drop_data(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	return from == 0 && p->len != 0;
}

/* Nothing gets through: a probe, then time-outs that double (RFC 6298 5.5), a window of one. */
static void test_tcp_recovery_doubles_the_timeout_while_nothing_gets_through(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	open_with(&pair, SIM_TCP_RENO);
	pair.filter = drop_data;
	tcp_pair_write(&pair, 0, 5 * MSS);
	tcp_pair_run(&pair, 20 * TCP_PAIR_S);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(info.cwnd, 1);
	assert_true(info.timeouts >= 5);
	uint64_t rto = 0, before = tcp_pair_find(&pair, 0, 0, 1)->at_ns;
	for (size_t n = 2; tcp_pair_find(&pair, 0, 0, n) != NULL; n++) {
		uint64_t at = tcp_pair_find(&pair, 0, 0, n)->at_ns;

		if (rto != 0)
			assert_int_equal(at - before, 2 * rto);
		rto = at - before;
		before = at;
	}
	assert_true(rto > 4 * TCP_PAIR_S);
	tcp_pair_fini(&pair);
}

static void test_tcp_recovery_gives_up_after_its_retries(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.retries = 3;
	tcp_pair_init(&pair, &config, DELAY);
	tcp_pair_open(&pair);
	pair.filter = drop_data;
	tcp_pair_write(&pair, 0, MSS);
	tcp_pair_run(&pair, 60 * TCP_PAIR_S);
	assert_true(pair.side[0].events & SIM_TCP_TIMEOUT);
	assert_int_equal(sim_tcp_write_space(pair.side[0].tcp), 0);
	tcp_pair_fini(&pair);
}

static bool drop_answers(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	return from == 1 && p->len == 0 && pair->engine->now_ns < pair->arg;
}

/* Only acknowledgements are lost: the receiver's DSACKs tell, and the window comes back. */
static void test_tcp_recovery_undoes_a_needless_timeout(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	open_with(&pair, SIM_TCP_RENO);
	pair.filter = drop_answers;
	pair.arg = pair.engine->now_ns + 600 * TCP_PAIR_MS;
	tcp_pair_write(&pair, 0, 10 * MSS);
	tcp_pair_run(&pair, 5 * TCP_PAIR_S);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(pair.side[1].got, 10 * MSS);
	assert_in_range(info.timeouts, 1, 2);
	assert_int_equal(info.recovery, 0);
	assert_true(info.cwnd >= 10);
	tcp_pair_fini(&pair);
}

/* A train with many holes: every one is repaired once. */
static bool drop_every_fifth(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	if (from != 0 || p->len == 0 || p->seq < pair->arg)
		return false;
	pair->arg = p->seq + 1;
	return p->seq / MSS % 5 == 4 && p->seq / MSS < 70;
}

static void test_tcp_recovery_repairs_many_holes_once_each(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	open_with(&pair, SIM_TCP_CUBIC);
	pair.filter = drop_every_fifth;
	tcp_pair_write(&pair, 0, 100 * MSS);
	tcp_pair_run(&pair, 40 * RTT);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(pair.side[1].got, 100 * MSS);
	assert_int_equal(info.timeouts, 0);
	assert_int_equal(info.retransmits, 14);
	tcp_pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcp_recovery_repairs_one_loss_in_a_round_trip_and_halves),
	    cmocka_unit_test(test_tcp_recovery_reduces_to_seven_tenths_with_cubic),
	    cmocka_unit_test(test_tcp_recovery_repairs_a_lost_retransmission_without_a_timeout),
	    cmocka_unit_test(test_tcp_recovery_probes_for_a_lost_tail),
	    cmocka_unit_test(test_tcp_recovery_doubles_the_timeout_while_nothing_gets_through),
	    cmocka_unit_test(test_tcp_recovery_gives_up_after_its_retries),
	    cmocka_unit_test(test_tcp_recovery_undoes_a_needless_timeout),
	    cmocka_unit_test(test_tcp_recovery_repairs_many_holes_once_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
