/* Closing, aborting, half-open connections, content: RFC 9293 3.6, 3.5.1, 3.8.4. */
#include "tests/support/tcp_pair.h"
#include "tests/support/unit.h"

#define DELAY (50 * TCP_PAIR_MS)
#define RTT (2 * DELAY)
#define MSS 1448ull

static void test_tcp_close_both_ways_ends_both_sides(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	sim_tcp_shutdown(pair.side[0].tcp);
	tcp_pair_run(&pair, RTT);
	assert_true(pair.side[1].events & SIM_TCP_PEER_DONE);
	assert_false(pair.side[1].events & SIM_TCP_CLOSED);
	sim_tcp_shutdown(pair.side[1].tcp);
	tcp_pair_run(&pair, RTT);
	assert_true(pair.side[0].events & SIM_TCP_PEER_DONE);
	assert_true(pair.side[1].events & SIM_TCP_CLOSED);
	assert_false(pair.side[0].events & SIM_TCP_CLOSED); /* who closed first waits */
	tcp_pair_run(&pair, 61 * TCP_PAIR_S);
	assert_true(pair.side[0].events & SIM_TCP_CLOSED);
	tcp_pair_fini(&pair);
}

static void test_tcp_close_comes_behind_the_data(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_info info;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	tcp_pair_write(&pair, 0, 30 * MSS);
	sim_tcp_shutdown(pair.side[0].tcp);
	assert_int_equal(sim_tcp_write(pair.side[0].tcp, 1), 0);
	tcp_pair_run(&pair, DELAY);
	assert_false(pair.side[1].events & SIM_TCP_PEER_DONE);
	tcp_pair_run(&pair, 4 * RTT);
	assert_true(pair.side[1].events & SIM_TCP_PEER_DONE);
	assert_int_equal(pair.side[1].got, 30 * MSS);
	sim_tcp_info(pair.side[0].tcp, &info);
	assert_true(info.fin_sent && info.fin_acked && !info.fin_received);
	tcp_pair_fini(&pair);
}

/* One direction is closed, the other goes on. */
static void test_tcp_close_of_one_half_leaves_the_other(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	sim_tcp_shutdown(pair.side[0].tcp);
	tcp_pair_run(&pair, RTT);
	tcp_pair_write(&pair, 1, 20 * MSS);
	tcp_pair_run(&pair, 3 * RTT);
	assert_int_equal(pair.side[0].got, 20 * MSS);
	tcp_pair_fini(&pair);
}

static bool drop_one_fin(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	if (!(p->flags & SIM_TCP_FIN) || pair->arg == 0)
		return false;
	pair->arg--;
	return true;
}

static void test_tcp_close_repeats_a_lost_fin(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	pair.filter = drop_one_fin;
	pair.arg = 2;
	tcp_pair_write(&pair, 0, 100);
	sim_tcp_shutdown(pair.side[0].tcp);
	tcp_pair_run(&pair, 5 * TCP_PAIR_S);
	assert_int_equal(pair.arg, 0);
	assert_true(pair.side[1].events & SIM_TCP_PEER_DONE);
	assert_int_equal(pair.side[1].got, 100);
	tcp_pair_fini(&pair);
}

static void test_tcp_close_at_the_same_time(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	sim_tcp_shutdown(pair.side[0].tcp);
	sim_tcp_shutdown(pair.side[1].tcp);
	tcp_pair_run(&pair, 70 * TCP_PAIR_S);
	for (unsigned i = 0; i < 2; i++)
		assert_true(pair.side[i].events & SIM_TCP_CLOSED);
	tcp_pair_fini(&pair);
}

static void test_tcp_abort_resets_the_peer(void **state)
{
	struct tcp_pair pair;

	tcp_pair_init(&pair, NULL, DELAY);
	tcp_pair_open(&pair);
	tcp_pair_write(&pair, 0, 20 * MSS);
	sim_tcp_abort(pair.side[1].tcp);
	assert_false(pair.side[0].events & SIM_TCP_RESET);
	tcp_pair_run(&pair, DELAY);
	assert_true(pair.side[0].events & SIM_TCP_RESET);
	assert_false(pair.side[1].events & (SIM_TCP_RESET | SIM_TCP_CLOSED));
	size_t packets = pair.num_log;
	tcp_pair_run(&pair, 10 * TCP_PAIR_S);
	assert_int_equal(pair.num_log, packets);
	tcp_pair_fini(&pair);
}

static bool drop_after(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index)
{
	return pair->arg != 0 && pair->engine->now_ns >= pair->arg;
}

/* Nobody listens, or the peer forgot: what it gets is answered by RST. */
static void test_tcp_refusal_ends_the_attempt(void **state)
{
	struct tcp_pair pair;
	struct sim_tcp_packet rst, none;

	tcp_pair_init(&pair, NULL, DELAY);
	pair.filter = drop_after;
	pair.arg = 1;
	tcp_pair_run(&pair, 1);
	sim_tcp_connect(pair.side[0].tcp);
	assert_true(sim_tcp_refuse(&pair.log[0].packet, &rst));
	assert_false(sim_tcp_refuse(&rst, &none));
	sim_tcp_input(pair.side[0].tcp, &rst);
	assert_int_equal(pair.side[0].events, SIM_TCP_RESET);
	tcp_pair_fini(&pair);
}

/* The peer is gone without a word: keepalive finds out, and nothing else would. */
static void half_open(uint64_t keepalive_ns, bool found)
{
	struct sim_tcp_config config;
	struct tcp_pair pair;

	tcp_pair_exact(&config);
	config.keepalive_ns = keepalive_ns;
	config.keepalive_interval_ns = 5 * TCP_PAIR_S;
	config.keepalive_probes = 3;
	tcp_pair_init(&pair, &config, DELAY);
	tcp_pair_open(&pair);
	tcp_pair_run(&pair, 100 * TCP_PAIR_S);
	assert_false(pair.side[0].events & SIM_TCP_TIMEOUT);
	pair.filter = drop_after;
	pair.arg = pair.engine->now_ns;
	tcp_pair_run(&pair, 60 * TCP_PAIR_S);
	assert_int_equal((pair.side[0].events & SIM_TCP_TIMEOUT) != 0, found);
	tcp_pair_fini(&pair);
}

static void test_tcp_keepalive_finds_a_half_open_connection(void **state)
{
	half_open(30 * TCP_PAIR_S, true);
}

static void test_tcp_without_keepalive_a_half_open_connection_stays(void **state)
{
	half_open(0, false);
}

static void test_tcp_stream_gives_bytes_in_order(void **state)
{
	struct sim_tcp_stream stream = {0};
	static uint8_t in[50000], out[50000];
	size_t put = 0, got = 0;

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 31 + i / 251);
	for (size_t n = 1; put < sizeof in; n = n * 3 + 1) {
		size_t part = n < sizeof in - put ? n : sizeof in - put;

		assert_true(sim_tcp_stream_append(&stream, in + put, part));
		put += part;
		got += sim_tcp_stream_take(&stream, out + got, part / 2);
	}
	assert_int_equal(stream.bytes, put - got);
	got += sim_tcp_stream_take(&stream, out + got, sizeof out - got);
	assert_int_equal(got, sizeof out);
	assert_memory_equal(in, out, sizeof out);
	assert_int_equal(sim_tcp_stream_take(&stream, out, 1), 0);
	assert_true(sim_tcp_stream_append(&stream, in, 20000));
	assert_int_equal(sim_tcp_stream_take(&stream, NULL, 19999), 19999);
	sim_tcp_stream_fini(&stream);
	sim_tcp_stream_fini(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcp_close_both_ways_ends_both_sides),
	    cmocka_unit_test(test_tcp_close_comes_behind_the_data),
	    cmocka_unit_test(test_tcp_close_of_one_half_leaves_the_other),
	    cmocka_unit_test(test_tcp_close_repeats_a_lost_fin),
	    cmocka_unit_test(test_tcp_close_at_the_same_time),
	    cmocka_unit_test(test_tcp_abort_resets_the_peer),
	    cmocka_unit_test(test_tcp_refusal_ends_the_attempt),
	    cmocka_unit_test(test_tcp_keepalive_finds_a_half_open_connection),
	    cmocka_unit_test(test_tcp_without_keepalive_a_half_open_connection_stays),
	    cmocka_unit_test(test_tcp_stream_gives_bytes_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
