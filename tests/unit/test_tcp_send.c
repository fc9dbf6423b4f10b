/* What may be sent and when it is acknowledged: RFC 5681 3.1 and 4.2, 9293 3.8.6, 6928, 7661. */
#include "tests/support/tcp_pair.h"
#include "tests/support/unit.h"

#define DELAY (50 * TCP_PAIR_MS)
#define RTT (2 * DELAY)
#define MSS 1448ull

static void test_tcp_send_slow_start_doubles_every_round_trip(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.cc = SIM_TCP_RENO;
	config.sndbuf = 4u << 20;
	tcp_pair_init(&pair, &config, DELAY);
	tcp_pair_open(&pair);
	uint64_t start = pair.engine->now_ns;
	tcp_pair_write(&pair, 0, 1000 * MSS);
	tcp_pair_run(&pair, 5 * RTT);
	for (unsigned round = 0; round < 5; round++)
		assert_int_equal(tcp_pair_data(&pair, 0, start + round * RTT, start + (round + 1) * RTT), 10u << round);
	tcp_pair_fini(&pair);
}

/* A window of which a few segments are used is no proof that more would pass. */
static void test_tcp_send_unused_window_does_not_grow(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	for (unsigned i = 0; i < 20; i++) {
		tcp_pair_write(&pair, 0, 2 * MSS);
		tcp_pair_run(&pair, RTT);
	}
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(info.cwnd, 10);
	tcp_pair_fini(&pair);
}

/* Idle for long: the window falls back to the initial one. */
static void test_tcp_send_starts_again_after_idleness(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	tcp_pair_write(&pair, 0, 150 * MSS);
	tcp_pair_run(&pair, 10 * RTT);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_true(info.cwnd > 40);
	tcp_pair_run(&pair, 20 * TCP_PAIR_S);
	uint64_t start = pair.engine->now_ns;
	tcp_pair_write(&pair, 0, 150 * MSS);
	assert_int_equal(tcp_pair_data(&pair, 0, start, start + 1), 10);
	tcp_pair_fini(&pair);
}

static void test_tcp_send_zero_window_stops_probes_and_goes_on(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;
	struct sim_tcp_info info;

	tcp_pair_exact(&config);
	config.rcvbuf = 40 * MSS;
	tcp_pair_init(&pair, &config, DELAY);
	pair.side[1].reads = false;
	tcp_pair_open(&pair);
	tcp_pair_write(&pair, 0, 100 * MSS);
	tcp_pair_run(&pair, 10 * TCP_PAIR_S);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_int_equal(sim_tcp_readable(pair.side[1].tcp), 40 * MSS);
	assert_int_equal(info.unacked, 0);
	assert_in_range(info.probes, 3, 8); /* they double */
	assert_int_equal(info.retransmits, 0);
	tcp_pair_read(&pair, 1);
	pair.side[1].reads = true;
	tcp_pair_run(&pair, 10 * RTT);
	assert_int_equal(pair.side[1].got, 100 * MSS);
	tcp_pair_fini(&pair);
}

static bool drop_window_updates(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	return from == 1 && pair->arg != 0 && pair->engine->now_ns < pair->arg;
}

/* The window update is lost: the next probe brings it. */
static void test_tcp_send_zero_window_survives_a_lost_update(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.rcvbuf = 40 * MSS;
	tcp_pair_init(&pair, &config, DELAY);
	pair.side[1].reads = false;
	tcp_pair_open(&pair);
	tcp_pair_write(&pair, 0, 60 * MSS);
	tcp_pair_run(&pair, 2 * TCP_PAIR_S);
	pair.filter = drop_window_updates;
	pair.arg = pair.engine->now_ns + 1;
	tcp_pair_read(&pair, 1);
	pair.side[1].reads = true;
	tcp_pair_run(&pair, 10 * TCP_PAIR_S);
	assert_int_equal(pair.side[1].got, 60 * MSS);
	tcp_pair_fini(&pair);
}

static void test_tcp_send_buffer_bounds_what_is_taken(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.sndbuf = 64 * 1024;
	tcp_pair_init(&pair, &config, DELAY);
	assert_int_equal(sim_tcp_write(pair.side[0].tcp, 1), 0); /* not open yet */
	tcp_pair_open(&pair);
	assert_int_equal(sim_tcp_write(pair.side[0].tcp, 100000), 64 * 1024);
	assert_int_equal(sim_tcp_write(pair.side[0].tcp, 1), 0);
	assert_false(pair.side[0].events & SIM_TCP_WRITABLE);
	tcp_pair_run(&pair, 4 * RTT);
	assert_true(pair.side[0].events & SIM_TCP_WRITABLE);
	assert_int_equal(pair.side[1].got, 64 * 1024);
	tcp_pair_fini(&pair);
}

/* The kernel's buffer follows the window only when what is unsent could not fill it, and never shrinks. */
static void test_tcp_send_buffer_grows_when_the_window_is_not_filled(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	tcp_pair_init(&pair, &config, DELAY);
	tcp_pair_open(&pair);
	size_t first = sim_tcp_write(pair.side[0].tcp, 8u << 20);
	assert_in_range(first, 70000, 87040); /* ten segments of 4,352 bytes, twice, less the heads of ten in flight */
	size_t most = first;
	for (unsigned i = 0; i < 40; i++) {
		tcp_pair_run(&pair, RTT / 4);
		size_t n = sim_tcp_write(pair.side[0].tcp, 8u << 20);
		most = n > most ? n : most;
	}
	assert_true(most > 4 * first);
	tcp_pair_run(&pair, 10 * RTT);
	size_t idle = sim_tcp_write_space(pair.side[0].tcp);
	assert_true(idle >= most); /* all acknowledged: the buffer is as large as it ever was */
	tcp_pair_fini(&pair);
}

static void test_tcp_send_low_water_mark_bounds_what_is_unsent(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;
	struct sim_tcp_info info;

	tcp_pair_exact(&config);
	config.notsent_lowat = 16384;
	tcp_pair_init(&pair, &config, DELAY);
	tcp_pair_open(&pair);
	tcp_pair_write(&pair, 0, 4u << 20);
	for (unsigned i = 0; i < 20; i++) {
		sim_tcp_info(pair.side[0].tcp, &info);
		assert_true(info.unsent <= 16384);
		tcp_pair_run(&pair, RTT / 3);
	}
	assert_true(pair.side[1].got > 20 * 16384);
	tcp_pair_fini(&pair);
}

static void test_tcp_send_nagle_waits_for_the_answer(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.nagle = true;
	tcp_pair_init(&pair, &config, DELAY);
	tcp_pair_open(&pair);
	uint64_t start = pair.engine->now_ns;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(sim_tcp_write(pair.side[0].tcp, 10), 10);
	assert_int_equal(tcp_pair_data(&pair, 0, start, start + 1), 1);
	tcp_pair_run(&pair, 2 * RTT);
	assert_int_equal(tcp_pair_data(&pair, 0, start, UINT64_MAX), 2);
	assert_int_equal(pair.side[1].got, 50);
	tcp_pair_fini(&pair);
}

/* ------------------------------------------------------------------ acknowledgements */

static size_t acks(const struct tcp_pair *pair, uint64_t from_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < pair->num_log; i++)
		n += pair->log[i].from == 1 && pair->log[i].packet.len == 0 && pair->log[i].at_ns >= from_ns;
	return n;
}

static void test_tcp_ack_first_segments_at_once(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	uint64_t start = pair.engine->now_ns;
	tcp_pair_write(&pair, 0, 10 * MSS);
	tcp_pair_run(&pair, DELAY);
	assert_int_equal(acks(&pair, start), 10);
	tcp_pair_fini(&pair);
}

/* Uses up the eager ones, with the window at its limit. */
static void grow_tired(struct tcp_pair *pair, const struct sim_tcp_config *config)
{
	tcp_pair_init(pair, config, DELAY);
	tcp_pair_open(pair);
	for (unsigned i = 0; i < 40; i++) {
		tcp_pair_write(pair, 0, MSS);
		tcp_pair_run(pair, RTT);
	}
}

static void test_tcp_ack_every_second_full_segment(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.rcvbuf = 64240;
	grow_tired(&pair, &config);
	uint64_t start = pair.engine->now_ns;
	tcp_pair_write(&pair, 0, 8 * MSS);
	tcp_pair_run(&pair, DELAY);
	assert_int_equal(acks(&pair, start), 4);
	tcp_pair_fini(&pair);
}

static void test_tcp_ack_of_a_single_segment_waits_40_ms(void **state)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.rcvbuf = 64240;
	grow_tired(&pair, &config);
	tcp_pair_run(&pair, RTT);
	uint64_t start = pair.engine->now_ns;
	tcp_pair_write(&pair, 0, 3 * MSS);
	tcp_pair_run(&pair, DELAY + 40 * TCP_PAIR_MS - 1);
	assert_int_equal(acks(&pair, start), 1); /* of two; the third waits */
	tcp_pair_run(&pair, 160 * TCP_PAIR_MS);
	assert_int_equal(acks(&pair, start), 2);
	tcp_pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcp_send_slow_start_doubles_every_round_trip),
	    cmocka_unit_test(test_tcp_send_unused_window_does_not_grow),
	    cmocka_unit_test(test_tcp_send_starts_again_after_idleness),
	    cmocka_unit_test(test_tcp_send_zero_window_stops_probes_and_goes_on),
	    cmocka_unit_test(test_tcp_send_zero_window_survives_a_lost_update),
	    cmocka_unit_test(test_tcp_send_buffer_bounds_what_is_taken),
	    cmocka_unit_test(test_tcp_send_buffer_grows_when_the_window_is_not_filled),
	    cmocka_unit_test(test_tcp_send_low_water_mark_bounds_what_is_unsent),
	    cmocka_unit_test(test_tcp_send_nagle_waits_for_the_answer),
	    cmocka_unit_test(test_tcp_ack_first_segments_at_once),
	    cmocka_unit_test(test_tcp_ack_every_second_full_segment),
	    cmocka_unit_test(test_tcp_ack_of_a_single_segment_waits_40_ms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
