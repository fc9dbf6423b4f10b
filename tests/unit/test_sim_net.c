/* The virtual network with tcp = "none": connecting, bytes, loss, rates, back-pressure; times to the nanosecond. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/netkit.h"

/* --- connecting --- */

static void test_connect_takes_one_round_trip(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	assert_int_equal(w->a.num_socks, 1);
	assert_int_equal(w->a.at[0], 40 * MS);
	assert_int_equal(w->b.num_socks, 1);
	assert_int_equal(w->b.at[0], 60 * MS); /* the handshake's last packet */
	struct sy_netaddr a;
	sim_host_address(w->a.host, &a);
	assert_memory_equal(w->b.remote.ip, a.ip, 16);
	assert_true(w->b.remote.port >= 32768);
	netkit_drop(w);
}

static void test_connect_is_refused_without_listener(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	netkit_dial(&w->a, &w->c, 0);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.err, SY_DIAL_REFUSED);
	assert_int_equal(w->a.event_ns, 40 * MS);
	netkit_drop(w);
}

static void test_connect_to_nobody_times_out(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	struct sy_netaddr to = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 99, [13] = 1, [14] = 2, [15] = 3}, .port = PORT};
	assert_int_equal(w->a.tp->ops->dial(w->a.tp, 1, &to, 3 * SECOND), SY_OK);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	assert_int_equal(w->a.event_ns, 3 * SECOND);
	to.ip[12] = 224;
	assert_int_equal(w->a.tp->ops->dial(w->a.tp, 1, &to, 3 * SECOND), SY_UNREACHABLE);
	netkit_drop(w);
}

/* A cut that is lifted before the n-th SYN shows when SYNs are sent. */
static void test_lost_syn_is_retried_after_1_3_and_7_seconds(void **state)
{
	static const uint64_t sent_s[] = {0, 1, 3, 7};
	for (int i = 1; i < 4; i++) {
		struct sim_net_config config = netkit_config();
		struct netkit *w = netkit_make(1, &config);
		sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, sent_s[i - 1] * SECOND + 1);
		sim_net_heal(w->net);
		netkit_run(w, 20 * SECOND);
		assert_int_equal(w->a.num_socks, 1);
		assert_int_equal(w->a.at[0], sent_s[i] * SECOND + 40 * MS);
		netkit_drop(w);
	}
}

static void test_lost_answer_is_retried_with_the_syn(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	sim_net_cut(w->net, w->b.host, w->a.host, SIM_CUT_BLACKHOLE);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 2 * SECOND);
	sim_net_cut(w->net, w->b.host, w->a.host, SIM_CUT_NONE);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(w->a.at[0], 3 * SECOND + 40 * MS);
	assert_int_equal(w->b.num_socks, 1);
	netkit_drop(w);
}

static void test_syn_loss_follows_the_parameter(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.loss_ppm = 300000;
	struct netkit *w = netkit_make(5, &config);
	for (int i = 0; i < 200; i++) {
		netkit_dial(&w->a, &w->b, 0);
	}
	netkit_run(w, 900 * MS);
	assert_in_range(w->a.num_socks, 80, 116); /* 0.49 of 200 */
	int early = w->a.num_socks;
	netkit_run(w, 2 * SECOND);
	assert_in_range(w->a.num_socks - early, 35, 70);
	netkit_run(w, 200 * SECOND);
	assert_in_range(w->a.num_socks + w->a.failed_dials, 200, 200);
	assert_true(w->a.failed_dials < 10); /* 0.51^7 */
	netkit_drop(w);
}

static void test_connect_fails_when_time_is_up_and_not_when_cancelled(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	netkit_dial(&w->a, &w->b, 40 * MS - 1);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	assert_int_equal(w->b.num_socks, 0);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, SECOND + 30 * MS);
	w->a.tp->ops->dial_cancel(w->a.tp, 1);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.num_socks, 0);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.sockets, 0);
	assert_int_equal(stats.links_in_use, 0);
	netkit_drop(w);
}

static void test_backlog_holds_128_until_the_window_opens(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	w->b.tp->ops->accept_window(w->b.tp, 0);
	for (int i = 0; i < 130; i++) {
		netkit_dial(&w->a, &w->b, 800 * MS);
	}
	netkit_run(w, 700 * MS);
	assert_int_equal(w->a.num_socks, 128);
	assert_int_equal(w->b.num_socks, 0);
	w->b.tp->ops->accept_window(w->b.tp, 3);
	assert_int_equal(w->b.num_socks, 0); /* never from inside the call */
	netkit_run(w, 900 * MS);
	assert_int_equal(w->b.num_socks, 3);
	assert_int_equal(w->a.failed_dials, 2);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	w->b.tp->ops->accept_window(w->b.tp, 1000);
	netkit_run(w, SECOND);
	assert_int_equal(w->b.num_socks, 128);
	netkit_drop(w);
}

static void test_connection_refused_by_the_driver_is_reset(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	w->b.refuse = true;
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.num_socks, 1);
	assert_int_equal(w->a.failed, 1);
	assert_int_equal(w->a.err, SY_PEER_RESET);
	assert_int_equal(w->a.event_ns, 80 * MS);
	netkit_drop(w);
}

static void test_host_reaches_itself(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	netkit_dial(&w->b, &w->b, 0);
	netkit_run(w, SECOND);
	assert_int_equal(w->b.num_socks, 2);
	assert_true(w->b.event_ns < MS);
	assert_int_equal(netkit_send(&w->b, 0, 100), 100);
	assert_int_equal(netkit_send(&w->b, 1, 100), 100);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->b.got, 200);
	netkit_drop(w);
}

/* --- bytes --- */

static void test_bytes_arrive_in_order_after_the_latency(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	uint32_t sum = 0;
	for (size_t k = 0; k < 100000; k++) {
		sum = sum * 31 + (uint8_t)(k * 7 + 3);
	}
	assert_int_equal(netkit_send(&w->a, 0, 100000), 100000);
	netkit_run(w, 120 * MS - 1);
	assert_int_equal(w->b.got, 0);
	netkit_run(w, 120 * MS);
	assert_int_equal(w->b.got, 100000);
	assert_int_equal(w->b.sum, sum);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.bytes_sent, 100000);
	assert_int_equal(stats.bytes_delivered, 100000);
	assert_int_equal(stats.sockets, 2);
	assert_int_equal(stats.links_in_use, 1);
	netkit_drop(w);
}

static void test_jitter_never_reorders_a_connection(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_EXPONENTIAL, .a_ns = 10 * MS, .b_ns = 20 * MS};
	struct netkit *w = netkit_make(3, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->b.num_socks, 1);
	uint32_t sum = 0;
	for (int i = 0; i < 300; i++) {
		uint8_t bytes[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
		w->a.tp->ops->write(w->a.tp, w->a.sock[0], bytes, 2);
		sum = (sum * 31 + bytes[0]) * 31 + bytes[1];
		netkit_run(w, w->engine->now_ns + MS);
	}
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->b.got, 600);
	assert_int_equal(w->b.sum, sum);
	netkit_drop(w);
}

static void test_every_distribution_keeps_to_its_bounds(void **state)
{
	static const struct sim_dist dists[] = {
	    {.kind = SIM_DIST_UNIFORM, .a_ns = 10 * MS, .b_ns = 30 * MS, .max_ns = 0},
	    {.kind = SIM_DIST_NORMAL, .a_ns = 20 * MS, .b_ns = 5 * MS, .max_ns = 0},
	    {.kind = SIM_DIST_LOGNORMAL, .a_ns = 20 * MS, .b_ns = 1ull << 30, .max_ns = 0}, /* sigma 0.25 */
	    {.kind = SIM_DIST_EXPONENTIAL, .a_ns = 10 * MS, .b_ns = 10 * MS, .max_ns = 200 * MS},
	    {.kind = SIM_DIST_PARETO, .a_ns = 15 * MS, .b_ns = 4ull << 32, .max_ns = 150 * MS},
	};
	for (size_t d = 0; d < sizeof dists / sizeof *dists; d++) {
		struct sim_net_config config = netkit_config();
		config.link.latency = dists[d];
		struct netkit *w = netkit_make(3, &config);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 2 * SECOND);
		uint64_t total = 0;
		for (int i = 0; i < 400; i++) {
			uint64_t now = 2 * SECOND + (uint64_t)i * SECOND;
			netkit_run(w, now);
			netkit_send(&w->a, 0, 10);
			netkit_run(w, now + SECOND - 1);
			assert_int_equal(w->b.got, 10 * (i + 1));
			uint64_t took = w->b.last_ns - now;
			total += took;
			assert_true(took >= (d == 0 || d == 3 ? 10 * MS : d == 4 ? 15 * MS : 1));
			assert_true(took <= (d == 0 ? 30 * MS : d == 3 ? 200 * MS : d == 4 ? 150 * MS : 100 * MS));
		}
		assert_in_range(total / 400, 18 * MS, 23 * MS); /* all have a mean of about 20 ms */
		netkit_drop(w);
	}
}

static void test_loss_delays_itself_and_all_that_follows(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	struct sim_link_params lossy = config.link;
	lossy.loss_ppm = 1000000; /* this one is lost at every try */
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &lossy), SY_OK);
	netkit_send(&w->a, 0, 10);
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
	netkit_send(&w->a, 0, 10);
	netkit_run(w, 60 * SECOND);
	assert_int_equal(w->b.got, 0);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.segments_lost, 15);
	netkit_run(w, 7200 * SECOND);
	assert_int_equal(w->b.got, 20);
	assert_int_equal(w->b.first_ns, w->b.last_ns);
	netkit_drop(w);
}

static void test_one_loss_costs_200_ms_and_twice_lost_600(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.loss_ppm = 100000;
	struct netkit *w = netkit_make(2, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * SECOND);
	assert_int_equal(w->b.num_socks, 1);
	int by_delay[4] = {0};
	for (int i = 0; i < 2000; i++) {
		uint64_t now = w->engine->now_ns;
		netkit_send(&w->a, 0, 1000);
		netkit_run(w, now + 20 * SECOND);
		uint64_t late = w->b.last_ns - now - 20 * MS;
		assert_true(late == 0 || late == 200 * MS || late == 600 * MS || late == 1400 * MS || late > 1400 * MS);
		by_delay[late == 0 ? 0 : late == 200 * MS ? 1 : late == 600 * MS ? 2 : 3]++;
	}
	assert_in_range(by_delay[0], 1750, 1850);
	assert_in_range(by_delay[1], 140, 220);
	assert_in_range(by_delay[2], 8, 32);
	netkit_drop(w);
}

static void test_loss_of_far_links_costs_two_round_trips(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.latency.a_ns = 150 * MS;
	struct netkit *w = netkit_make(2, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * SECOND);
	struct sim_link_params lossy = config.link;
	lossy.loss_ppm = 500000;
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &lossy), SY_OK);
	uint64_t least = SECOND * 100;
	for (int i = 0; i < 20; i++) {
		uint64_t now = w->engine->now_ns;
		netkit_send(&w->a, 0, 10);
		netkit_run(w, now + 100 * SECOND);
		uint64_t late = w->b.last_ns - now - 150 * MS;
		least = late && late < least ? late : least;
	}
	assert_int_equal(least, 600 * MS);
	netkit_drop(w);
}

/* --- rates --- */

static void test_rate_serialises(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.rate_bits = 10000000;
	struct netkit *w = netkit_connected(1, &config);
	w->a.to_write = 1000000;
	netkit_push(&w->a);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->b.got, 1000000);
	assert_int_equal(w->b.last_ns, 920 * MS); /* sent at 100 ms: 0.8 s + 20 ms */
	assert_in_range(w->b.first_ns, 120 * MS, 122 * MS);
	netkit_drop(w);
}

static void test_two_connections_of_a_pair_share_its_rate(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.rate_bits = 10000000;
	struct netkit *w = netkit_make(1, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 200 * MS);
	assert_int_equal(w->b.num_socks, 2);
	netkit_send(&w->a, 0, 200000);
	netkit_send(&w->a, 1, 200000);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->b.got, 400000);
	assert_int_equal(w->b.last_ns, 540 * MS);
	/* The other direction and other pairs have a rate of their own. */
	uint64_t now = w->engine->now_ns;
	netkit_send(&w->a, 0, 100000);
	netkit_send(&w->b, 0, 100000);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(w->a.last_ns, now + 100 * MS);
	assert_int_equal(w->b.last_ns, now + 100 * MS);
	netkit_drop(w);
}

static void test_uplink_and_downlink_are_shared_by_a_host(void **state)
{
	for (int up = 0; up < 2; up++) {
		struct sim_net_config config = netkit_config();
		config.uplink_bits = up ? 10000000 : 0;
		config.downlink_bits = up ? 0 : 10000000;
		struct netkit *w = netkit_make(1, &config);
		netkit_listen(&w->c);
		struct netkit_user *hub = up ? &w->b : &w->a;
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 100 * MS);
		netkit_dial(up ? &w->c : &w->a, up ? &w->b : &w->c, 0);
		netkit_run(w, 200 * MS);
		/* The hub sends to (receives from) both others. */
		struct netkit_user *first = up ? hub : &w->b;
		struct netkit_user *second = up ? hub : &w->c;
		netkit_send(first, 0, 100000);
		netkit_send(second, up ? 1 : 0, 100000);
		netkit_run(w, 10 * SECOND);
		uint64_t last = up ? (w->a.last_ns > w->c.last_ns ? w->a.last_ns : w->c.last_ns) : w->a.last_ns;
		assert_int_equal(w->a.got + w->c.got, 200000);
		assert_int_equal(last, 380 * MS); /* 160 ms for both, 20 on the way */
		netkit_drop(w);
	}
}

static void test_full_queue_holds_bytes_with_the_sender(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.rate_bits = 8000000; /* a byte a microsecond */
	struct netkit *w = netkit_connected(1, &config);
	assert_int_equal(netkit_send(&w->a, 0, 262144), 262144);
	/* The queue is 45,000 bytes, the rest waits. */
	size_t room = w->a.tp->ops->room(w->a.tp, w->a.sock[0]);
	assert_in_range(room, 43000, 45000);
	assert_int_equal(netkit_send(&w->a, 0, 262144), room);
	assert_int_equal(w->a.tp->ops->room(w->a.tp, w->a.sock[0]), 0);
	netkit_drop(w);
}

static void test_room_follows_the_low_water_mark(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.rate_bits = 8000000;
	struct netkit *w = netkit_connected(1, &config);
	const struct tp_ops *ops = w->a.tp->ops;
	tp_sock s = w->a.sock[0];
	assert_int_equal(ops->room(w->a.tp, s), 262144);
	ops->unsent_lowat(w->a.tp, s, 16384);
	assert_int_equal(ops->room(w->a.tp, s), 16384);
	netkit_send(&w->a, 0, 60000); /* 45,000 on the link, the rest unsent */
	assert_in_range(ops->room(w->a.tp, s), 100, 2900);
	netkit_send(&w->a, 0, 4000); /* a write goes beyond the mark, as in a kernel */
	assert_int_equal(ops->room(w->a.tp, s), 0);
	assert_int_equal(w->a.writables, 0);
	uint64_t now = w->engine->now_ns;
	netkit_run(w, now + SECOND);
	assert_int_equal(w->a.writables, 1);
	/* Half of the mark is free when 19,000 - 8,192 bytes more have passed the queue, give or take a batch. */
	assert_in_range(w->a.event_ns - now, 9 * MS, 13 * MS);
	assert_int_equal(ops->room(w->a.tp, s), 16384);
	netkit_drop(w);
}

static void test_reader_that_stops_holds_the_sender(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	w->b.window = 0;
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	w->a.to_write = 20000000;
	netkit_push(&w->a);
	netkit_run(w, 5 * SECOND);
	assert_int_equal(w->b.got, 0);
	size_t held = 20000000 - w->a.to_write;
	assert_in_range(held, 4194304, 4194304 + 262144 + 32768); /* what was under way, and the send buffer */
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 1000);
	assert_int_equal(w->b.got, 0);
	netkit_run(w, 6 * SECOND);
	assert_int_equal(w->b.got, 1000);
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], SIZE_MAX);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(w->b.got, 20000000);
	assert_int_equal(w->a.to_write, 0);
	netkit_drop(w);
}

static void test_slow_reader_is_sent_no_more_than_its_buffer(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.rate_bits = 80000000;
	struct netkit *w = netkit_make(1, &config);
	w->b.window = 0;
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	w->a.to_write = 5000000;
	netkit_push(&w->a);
	netkit_run(w, 10 * SECOND);
	/* 256 KiB of receive buffer and of send buffer, and what the path held before the reader was known to lag: 600 kB. */
	assert_in_range(5000000 - w->a.to_write, 262144 + 262144, 262144 + 262144 + 900000);
	for (int i = 0; i < 100; i++) {
		w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 10000);
		netkit_run(w, w->engine->now_ns + 100 * MS);
		assert_int_equal(w->b.got, 10000 * (i + 1));
	}
	netkit_drop(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_connect_takes_one_round_trip),
	    cmocka_unit_test(test_connect_is_refused_without_listener),
	    cmocka_unit_test(test_connect_to_nobody_times_out),
	    cmocka_unit_test(test_lost_syn_is_retried_after_1_3_and_7_seconds),
	    cmocka_unit_test(test_lost_answer_is_retried_with_the_syn),
	    cmocka_unit_test(test_syn_loss_follows_the_parameter),
	    cmocka_unit_test(test_connect_fails_when_time_is_up_and_not_when_cancelled),
	    cmocka_unit_test(test_backlog_holds_128_until_the_window_opens),
	    cmocka_unit_test(test_connection_refused_by_the_driver_is_reset),
	    cmocka_unit_test(test_host_reaches_itself),
	    cmocka_unit_test(test_bytes_arrive_in_order_after_the_latency),
	    cmocka_unit_test(test_jitter_never_reorders_a_connection),
	    cmocka_unit_test(test_every_distribution_keeps_to_its_bounds),
	    cmocka_unit_test(test_loss_delays_itself_and_all_that_follows),
	    cmocka_unit_test(test_one_loss_costs_200_ms_and_twice_lost_600),
	    cmocka_unit_test(test_loss_of_far_links_costs_two_round_trips),
	    cmocka_unit_test(test_rate_serialises),
	    cmocka_unit_test(test_two_connections_of_a_pair_share_its_rate),
	    cmocka_unit_test(test_uplink_and_downlink_are_shared_by_a_host),
	    cmocka_unit_test(test_full_queue_holds_bytes_with_the_sender),
	    cmocka_unit_test(test_room_follows_the_low_water_mark),
	    cmocka_unit_test(test_reader_that_stops_holds_the_sender),
	    cmocka_unit_test(test_slow_reader_is_sent_no_more_than_its_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
