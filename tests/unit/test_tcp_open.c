/* Opening: RFC 9293 3.5, RFC 6298 5.7, and how long a SYN is tried. */
#include "tests/support/tcp_pair.h"
#include "tests/support/unit.h"

#define DELAY (50 * TCP_PAIR_MS)

static void test_tcp_open_takes_one_round_trip(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	sim_tcp_connect(pair.side[0].tcp);
	tcp_pair_run(&pair, 2 * DELAY - 1);
	assert_false(pair.side[0].events & SIM_TCP_CONNECTED);
	tcp_pair_run(&pair, 1);
	assert_true(pair.side[0].events & SIM_TCP_CONNECTED);
	assert_false(pair.side[1].events & SIM_TCP_CONNECTED);
	tcp_pair_run(&pair, DELAY);
	assert_true(pair.side[1].events & SIM_TCP_CONNECTED);
	tcp_pair_fini(&pair);
}

static bool drop_first_of(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	return from == pair->arg >> 32 && index < (uint32_t)pair->arg;
}

static void test_tcp_open_retries_a_lost_syn_after_a_second(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	pair.filter = drop_first_of;
	pair.arg = 1;
	sim_tcp_connect(pair.side[0].tcp);
	tcp_pair_run(&pair, TCP_PAIR_S + 2 * DELAY - 1);
	assert_false(pair.side[0].events & SIM_TCP_CONNECTED);
	tcp_pair_run(&pair, 1);
	assert_true(pair.side[0].events & SIM_TCP_CONNECTED);
	tcp_pair_fini(&pair);
}

static void test_tcp_open_survives_a_lost_answer(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	pair.filter = drop_first_of;
	pair.arg = 1ull << 32 | 1;
	sim_tcp_connect(pair.side[0].tcp);
	tcp_pair_run(&pair, TCP_PAIR_S + 3 * DELAY);
	assert_true(pair.side[0].events & SIM_TCP_CONNECTED);
	assert_true(pair.side[1].events & SIM_TCP_CONNECTED);
	tcp_pair_fini(&pair);
}

/* The handshake's last packet is lost; data brings the acknowledgement. */
static void test_tcp_open_is_completed_by_data(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	pair.filter = drop_first_of;
	sim_tcp_connect(pair.side[0].tcp);
	tcp_pair_run(&pair, 2 * DELAY - 1);
	pair.arg = 2; /* the SYN was the first */
	tcp_pair_run(&pair, 1);
	assert_true(pair.log[2].dropped);
	tcp_pair_write(&pair, 0, 100);
	tcp_pair_run(&pair, DELAY);
	assert_true(pair.side[1].events & SIM_TCP_CONNECTED);
	assert_int_equal(pair.side[1].got, 100);
	tcp_pair_fini(&pair);
}

static bool drop_all(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	return true;
}

/* Linux since 6.5: 1 s four more times, then doubling. */
static void test_tcp_open_backs_off_after_four_retries_and_gives_up(void **state)
{
	static const uint64_t at_s[] = {0, 1, 2, 3, 4, 5, 7};
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	pair.filter = drop_all;
	sim_tcp_connect(pair.side[0].tcp);
	tcp_pair_run(&pair, 11 * TCP_PAIR_S - 1);
	assert_int_equal(pair.num_log, ARRAY_LEN(at_s));
	for (size_t i = 0; i < ARRAY_LEN(at_s); i++)
		assert_int_equal(pair.log[i].at_ns, at_s[i] * TCP_PAIR_S);
	assert_false(pair.side[0].events & SIM_TCP_TIMEOUT);
	tcp_pair_run(&pair, 1);
	assert_true(pair.side[0].events & SIM_TCP_TIMEOUT);
	tcp_pair_fini(&pair);
}

/* RFC 6298 5.7: more than one retry and the first window is one segment. */
static void test_tcp_open_starts_small_after_two_lost_syns(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	tcp_pair_init(&pair, NULL, DELAY);
	pair.filter = drop_first_of;
	pair.arg = 2;
	sim_tcp_connect(pair.side[0].tcp);
	tcp_pair_run(&pair, 3 * TCP_PAIR_S);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(info.state, SIM_TCP_ST_OPEN);
	assert_int_equal(info.cwnd, 1);
	tcp_pair_fini(&pair);
}

static void test_tcp_open_measures_the_round_trip(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(info.srtt_ns, 2 * DELAY);
	assert_int_equal(info.rto_ns, 2 * DELAY + 200 * TCP_PAIR_MS); /* srtt + max(4 * rttvar, 200 ms), rttvar = srtt / 2 */
	assert_int_equal(info.cwnd, 10);
	tcp_pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcp_open_takes_one_round_trip),
	    cmocka_unit_test(test_tcp_open_retries_a_lost_syn_after_a_second),
	    cmocka_unit_test(test_tcp_open_survives_a_lost_answer),
	    cmocka_unit_test(test_tcp_open_is_completed_by_data),
	    cmocka_unit_test(test_tcp_open_backs_off_after_four_retries_and_gives_up),
	    cmocka_unit_test(test_tcp_open_starts_small_after_two_lost_syns),
	    cmocka_unit_test(test_tcp_open_measures_the_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
