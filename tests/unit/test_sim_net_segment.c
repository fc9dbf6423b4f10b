/* The virtual network with tcp = "segment": packets of two endpoints on shared links; cuts, half-open hosts, buffers. */
#include <stdlib.h>

#include "sim/tcp/rig.h"
#include "tests/support/netkit.h"

#define MBIT 1000000ull

static struct sim_net_config segment_config(void)
{
	struct sim_net_config config = netkit_config();
	config.tcp = SIM_TCP_SEGMENT;
	return config;
}

static struct sim_net_stats stats_of(const struct netkit *w)
{
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	return stats;
}

/* --- opening --- */

static void test_segment_connects_in_one_round_trip(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	assert_int_equal(w->a.num_socks, 1);
	assert_int_equal(w->a.at[0], 40 * MS);
	assert_int_equal(w->b.at[0], 60 * MS);
	netkit_dial(&w->a, &w->c, 0);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.err, SY_DIAL_REFUSED);
	assert_int_equal(w->a.event_ns, 140 * MS);
	netkit_drop(w);
}

static void test_segment_dial_gives_up_when_its_time_is_over(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_make(1, &config);
	sim_net_cut(w->net, w->b.host, w->a.host, SIM_CUT_HOLD);
	netkit_dial(&w->a, &w->b, 3 * SECOND);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	assert_int_equal(w->a.event_ns, 3 * SECOND);
	netkit_run(w, 300 * SECOND); /* the half of it that b has seen is given up too */
	assert_int_equal(stats_of(w).sockets, 0);
	assert_int_equal(stats_of(w).links_in_use, 0);
	netkit_drop(w);
}

/* Linux 6.5 and later: four more times a second apart, in ticks of the timer wheel, then doubling. */
static void test_segment_lost_syn_is_sent_again(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_make(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 1500 * MS);
	sim_net_heal(w->net);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->a.num_socks, 1);
	assert_in_range(w->a.at[0], 2040 * MS, 2110 * MS);
	netkit_drop(w);
}

static void test_segment_full_backlog_loses_the_syn(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_make(1, &config);
	w->b.tp->ops->accept_window(w->b.tp, 0);
	for (int i = 0; i < 130; i++) {
		netkit_dial(&w->a, &w->b, 0);
	}
	netkit_run(w, 900 * MS);
	assert_int_equal(w->a.num_socks, 128);
	w->b.tp->ops->accept_window(w->b.tp, 10);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->b.num_socks, 10);
	assert_int_equal(w->a.num_socks, 130);
	netkit_drop(w);
}

/* --- bytes --- */

static void test_segment_content_survives_loss(void **state)
{
	struct sim_net_config config = segment_config();
	config.link.loss_ppm = 30000;
	config.link.rate_bits = 10 * MBIT;
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_UNIFORM, .a_ns = 10 * MS, .b_ns = 30 * MS};
	struct netkit *w = netkit_make(3, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 5 * SECOND);
	assert_int_equal(w->b.num_socks, 1);
	size_t sent = netkit_send(&w->a, 0, 80000);
	assert_int_equal(sent, 80000);
	uint32_t sum = 0;
	for (size_t k = 0; k < sent; k++) {
		sum = sum * 31 + (uint8_t)(k * 7 + 3);
	}
	netkit_run(w, 60 * SECOND);
	assert_int_equal(w->b.got, 80000);
	assert_int_equal(w->b.sum, sum);
	assert_true(stats_of(w).segments_lost > 0);
	netkit_drop(w);
}

struct cell {
	enum sim_tcp_cc cc;
	uint64_t rtt_ms, mbit, loss_ppm;
};

/* Megabits per second that b reads in the first 30 s. */
static double through_sockets(const struct cell *cell, uint64_t seed)
{
	struct sim_net_config config = segment_config();
	config.cc = cell->cc;
	config.sndbuf = 16u << 20; /* more than any of the links asks for */
	config.link.latency.a_ns = cell->rtt_ms * MS / 2;
	config.link.rate_bits = cell->mbit * MBIT;
	config.link.loss_ppm = (uint32_t)cell->loss_ppm;
	struct netkit *w = netkit_make(seed, &config);
	w->a.to_write = SIZE_MAX / 2;
	netkit_dial(&w->a, &w->b, 0);
	while (!w->a.num_socks && sim_engine_step(w->engine, 30 * SECOND)) {
	}
	if (w->a.num_socks) {
		netkit_push(&w->a);
	}
	netkit_run(w, 30 * SECOND);
	double got = (double)w->b.got * 8 / 30e6;
	netkit_drop(w);
	return got;
}

static double through_rig(const struct cell *cell, uint64_t seed)
{
	struct sim_tcp_rig rig;
	struct sim_tcp_rig_result result;
	sim_tcp_rig_defaults(&rig);
	rig.tcp.cc = cell->cc;
	rig.seed = seed;
	rig.link.delay.a_ns = cell->rtt_ms * MS / 2;
	rig.link.rate_bits = cell->mbit * MBIT;
	rig.link.loss = (uint64_t)(((unsigned __int128)cell->loss_ppm << 64) / 1000000);
	assert_true(sim_tcp_rig_run(&rig, &result));
	return (double)result.at_end * 8 / 30e6;
}

static void test_segment_goodput_is_the_rig_s(void **state)
{
	static const struct cell cells[] = {
	    {SIM_TCP_CUBIC, 50, 10, 0}, {SIM_TCP_CUBIC, 50, 100, 0}, {SIM_TCP_CUBIC, 200, 10, 0}, {SIM_TCP_RENO, 50, 10, 0},
	    {SIM_TCP_RENO, 20, 10, 0},  {SIM_TCP_BBR, 50, 10, 0},    {SIM_TCP_BBR, 100, 100, 0},
	};
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		double ours = through_sockets(&cells[i], 1), rig = through_rig(&cells[i], 1);
		assert_true(ours > 0.99 * rig && ours < 1.01 * rig);
	}
}

/* Other draws, so means of runs: their noise is 1 to 2 %. */
static void test_segment_goodput_under_loss_is_the_rig_s(void **state)
{
	static const struct cell cells[] = {{SIM_TCP_CUBIC, 50, 10, 10000}, {SIM_TCP_RENO, 50, 10, 10000}, {SIM_TCP_BBR, 50, 10, 10000}};
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		double ours = 0, rig = 0;
		for (uint64_t seed = 1; seed <= 25; seed++) {
			ours += through_sockets(&cells[i], seed);
			rig += through_rig(&cells[i], seed);
		}
		assert_true(ours > 0.96 * rig && ours < 1.04 * rig);
	}
}

/* Three connections of one host, two of them to the same one: what its access takes they have together. */
static void share(uint64_t uplink, uint64_t downlink, bool up)
{
	struct sim_net_config config = segment_config();
	config.uplink_bits = uplink;
	config.downlink_bits = downlink;
	struct netkit *w = netkit_make(1, &config);
	netkit_listen(&w->a);
	netkit_listen(&w->c);
	netkit_dial(up ? &w->a : &w->b, up ? &w->b : &w->a, 0);
	netkit_dial(up ? &w->a : &w->c, up ? &w->c : &w->a, 0);
	netkit_run(w, 100 * MS);
	for (int i = 0; i < 100; i++) { /* much more than the access takes */
		netkit_send(up ? &w->a : &w->b, 0, 200000);
		netkit_send(up ? &w->a : &w->c, up ? 1 : 0, 200000);
		netkit_run(w, (uint64_t)(i + 2) * 100 * MS);
	}
	size_t got = up ? w->b.got + w->c.got : w->a.got;
	double mbit = (double)got * 8 / 10e6;
	assert_true(mbit > 8.5 && mbit < 9.7); /* of 10, less headers and the start */
	if (up) {
		assert_true(w->b.got > w->c.got / 3 && w->c.got > w->b.got / 3);
	}
	netkit_drop(w);
}

static void test_segment_connections_share_an_uplink(void **state)
{
	share(10 * MBIT, 0, true);
}

static void test_segment_connections_share_a_downlink(void **state)
{
	share(0, 10 * MBIT, false);
}

static void test_segment_full_queue_drops(void **state)
{
	struct sim_net_config config = segment_config();
	config.link.rate_bits = 10 * MBIT;
	config.link.queue_bytes = 20000;
	struct netkit *w = netkit_connected(1, &config);
	w->a.to_write = 2000000;
	netkit_push(&w->a);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(w->b.got, 2000000);
	assert_true(stats_of(w).segments_dropped > 0);
	assert_int_equal(stats_of(w).segments_lost, 0);
	netkit_drop(w);
}

static void test_segment_buffers_may_be_fixed(void **state)
{
	struct sim_net_config config = segment_config();
	config.sndbuf = 30000;
	config.rcvbuf = 20000;
	struct netkit *w = netkit_make(1, &config);
	w->b.window = 0;
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	assert_int_equal(netkit_send(&w->a, 0, 100000), 30000);
	assert_int_equal(w->a.tp->ops->room(w->a.tp, w->a.sock[0]), 0);
	netkit_run(w, 2 * SECOND);
	size_t more = netkit_send(&w->a, 0, 100000);
	assert_in_range(30000 + more, 45000, 50000); /* both buffers are full */
	netkit_run(w, 3 * SECOND);
	assert_int_equal(netkit_send(&w->a, 0, 1), 0);
	netkit_drop(w);
}

static void test_segment_low_unsent_mark_bounds_what_waits(void **state)
{
	struct sim_net_config config = segment_config();
	config.link.rate_bits = 10 * MBIT;
	struct netkit *w = netkit_connected(1, &config);
	w->a.tp->ops->unsent_lowat(w->a.tp, w->a.sock[0], 16384);
	size_t took = netkit_send(&w->a, 0, 1000000);
	assert_in_range(took, 16384, 16384 + 10 * 1448); /* the initial window has gone */
	w->a.to_write = 100000;
	netkit_run(w, 2 * SECOND);
	assert_true(w->a.writables > 0);
	assert_int_equal(w->b.got, took + 100000);
	netkit_drop(w);
}

/* --- cuts and ends --- */

static void test_segment_partition_is_repaired_by_retransmission(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
	netkit_send(&w->a, 0, 5000);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->b.got, 0);
	sim_net_heal(w->net);
	netkit_run(w, 30 * SECOND);
	assert_int_equal(w->b.got, 5000);
	assert_true(w->b.last_ns > 10 * SECOND + 20 * MS); /* a time-out after healing, not at once */
	assert_int_equal(w->a.failed + w->b.failed, 0);
	netkit_drop(w);
}

static void test_segment_black_hole_hangs_until_keepalive(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_BLACKHOLE);
	netkit_run(w, 16 * SECOND); /* a probe meets it */
	sim_net_heal(w->net);
	netkit_run(w, 140 * SECOND);
	assert_int_equal(w->a.failed, 0);
	netkit_run(w, 200 * SECOND); /* 15 s of silence, nine probes 15 s apart */
	assert_int_equal(w->a.failed, 1);
	assert_int_equal(w->a.err, SY_PEER_RESET);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 201 * SECOND);
	assert_int_equal(w->a.num_socks, 2);
	netkit_drop(w);
}

static void test_segment_half_open_is_reset_once_the_host_is_back(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_host_power(w->b.host, false);
	netkit_send(&w->a, 0, 100);
	netkit_run(w, 5 * SECOND);
	assert_int_equal(w->a.failed, 0);
	sim_host_power(w->b.host, true);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(w->a.failed, 1);
	assert_int_equal(w->a.err, SY_PEER_RESET);
	assert_int_equal(w->b.got, 0);
	netkit_drop(w);
}

static void test_segment_process_that_ends_leaves_a_fin_or_a_reset(void **state)
{
	for (int unread = 0; unread < 2; unread++) {
		struct sim_net_config config = segment_config();
		struct netkit *w = netkit_make(1, &config);
		w->b.window = 0;
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 100 * MS);
		netkit_send(&w->b, 0, 1000);
		if (unread) {
			netkit_send(&w->a, 0, 1);
		}
		netkit_run(w, SECOND);
		w->b.tp->ops->fini(w->b.tp);
		netkit_run(w, 2 * SECOND);
		assert_int_equal(w->a.got, 1000);
		assert_int_equal(w->a.eofs, !unread);
		assert_int_equal(w->a.failed, unread);
		netkit_drop(w);
	}
}

static void test_segment_orphan_answers_bytes_with_a_reset(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, SECOND);
	netkit_send(&w->a, 0, 100); /* b lingers still */
	netkit_run(w, 3 * SECOND);
	assert_int_equal(w->a.failed, 0);
	netkit_run(w, 8 * SECOND);
	netkit_send(&w->a, 0, 100);
	netkit_run(w, 9 * SECOND);
	assert_int_equal(w->a.failed, 1);
	netkit_drop(w);
}

static void test_segment_reset_ends_both(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_net_reset(w->net, w->a.host, w->b.host);
	assert_int_equal(w->a.failed + w->b.failed, 0);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.failed, 1);
	assert_int_equal(w->b.failed, 1);
	netkit_drop(w);
}

static void test_segment_closed_connection_leaves_nothing(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, SECOND);
	assert_int_equal(w->b.eofs, 1);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, 70 * SECOND); /* the time-wait */
	assert_int_equal(stats_of(w).sockets, 0);
	assert_int_equal(stats_of(w).links_in_use, 0);
	netkit_drop(w);
}

static void test_segment_other_link_parameters_hold_at_once(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_connected(1, &config);
	struct sim_link_params slow = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = 300 * MS}};
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &slow), SY_OK);
	netkit_send(&w->a, 0, 100);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->b.first_ns, 400 * MS);
	netkit_drop(w);
}

/* --- stages --- */

static void test_segment_mtu_bounds_the_segments(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_make(1, &config);
	struct sim_link_params small = config.link;
	small.mtu = 576; /* one way is enough: the smaller one counts */
	assert_int_equal(sim_link_set(w->net, w->b.host, w->a.host, &small), SY_OK);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	netkit_send(&w->a, 0, 5241);
	netkit_run(w, 100 * MS + 20 * MS);
	assert_int_equal(w->b.got, 5240); /* ten segments of 524: the initial window */
	netkit_drop(w);
}

static double rate_between(struct netkit *w, struct netkit_user *from, struct netkit_user *to)
{
	size_t before = to->got;
	uint64_t began = w->engine->now_ns;
	from->to_write = SIZE_MAX / 2;
	netkit_push(from);
	netkit_run(w, began + 10 * SECOND);
	from->to_write = 0;
	return (double)(to->got - before) * 8e3 / (double)(w->engine->now_ns - began);
}

static void test_segment_directions_have_links_of_their_own(void **state)
{
	struct sim_net_config config = segment_config();
	config.link.rate_bits = 10 * MBIT;
	struct netkit *w = netkit_make(1, &config);
	struct sim_link_params slow = config.link;
	slow.rate_bits = MBIT;
	assert_int_equal(sim_link_set(w->net, w->b.host, w->a.host, &slow), SY_OK);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 200 * MS);
	double there = rate_between(w, &w->a, &w->b), back = rate_between(w, &w->b, &w->a);
	assert_true(there > 8.5 && there < 9.7);
	assert_true(back > 0.8 && back < 0.97);
	netkit_drop(w);
}

static void survive_everything(enum sim_tcp_model model)
{
	static const uint64_t values[] = {5 * MS, 20 * MS, 60 * MS};
	static const uint32_t drops[] = {1, 7};
	struct sim_net_config config = segment_config();
	config.tcp = model;
	config.link.rate_bits = 20 * MBIT;
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_TABLE, .a_ns = 20 * MS, .table_ns = values, .table_len = 3};
	config.link.overtake = true;
	config.link.stages = (struct sim_link_stages){
	    .to_bad = UINT64_MAX / 100,
	    .to_good = UINT64_MAX / 3,
	    .loss_bad = UINT64_MAX,
	    .drop = drops,
	    .num_drop = 2,
	    .duplicate = UINT64_MAX / 20,
	    .reorder = UINT64_MAX / 20,
	    .reorder_by_ns = 10 * MS,
	    .codel_target_ns = 5 * MS,
	    .codel_interval_ns = 100 * MS,
	};
	struct netkit *w = netkit_make(3, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 5 * SECOND);
	assert_int_equal(netkit_send(&w->a, 0, 80000), 80000);
	uint32_t sum = 0;
	for (size_t k = 0; k < 80000; k++) {
		sum = sum * 31 + (uint8_t)(k * 7 + 3);
	}
	netkit_run(w, 60 * SECOND);
	assert_int_equal(w->b.got, 80000);
	assert_int_equal(w->b.sum, sum);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, 70 * SECOND);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, 200 * SECOND);
	assert_int_equal(stats_of(w).sockets, 0);
	assert_int_equal(stats_of(w).links_in_use, 0); /* second copies are gone too */
	netkit_drop(w);
}

static void test_segment_content_survives_everything_a_link_can_do(void **state)
{
	survive_everything(SIM_TCP_SEGMENT);
	survive_everything(SIM_TCP_FLOW);
}

static void test_segment_stages_want_packets(void **state)
{
	struct sim_net_config config = segment_config();
	struct netkit *w = netkit_make(1, &config);
	struct sim_link_params params = config.link;
	params.stages.duplicate = 1;
	assert_null(sim_link_wrong(w->net, &params));
	netkit_drop(w);
	config.tcp = SIM_TCP_NONE;
	w = netkit_make(1, &config);
	assert_non_null(sim_link_wrong(w->net, &params));
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &params), SY_INVALID);
	netkit_drop(w);
}

/* bbr takes no notice of single losses, reno halves its window. */
static void test_segment_hosts_have_their_own_congestion_control(void **state)
{
	struct sim_net_config config = segment_config();
	config.cc = SIM_TCP_RENO;
	config.link.rate_bits = 20 * MBIT;
	config.link.loss_ppm = 10000;
	struct netkit *w = netkit_make(1, &config);
	sim_host_set_cc(w->a.host, SIM_TCP_BBR);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 5 * SECOND);
	double bbr = rate_between(w, &w->a, &w->b), reno = rate_between(w, &w->b, &w->a);
	assert_true(bbr > 2 * reno);
	netkit_drop(w);
}

/* --- flow --- */

/* Two connections from a to b, both always with something to send, share the link's rate and queue. */
static void test_flow_connections_share_a_link(void **state)
{
	static const enum sim_tcp_model models[] = {SIM_TCP_SEGMENT, SIM_TCP_FLOW};
	uint64_t events[2];
	for (int m = 0; m < 2; m++) {
		struct sim_net_config config = segment_config();
		config.tcp = models[m];
		config.link.rate_bits = 100 * MBIT;
		struct netkit *w = netkit_make(1, &config);
		netkit_dial(&w->a, &w->b, 0);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 100 * MS);
		size_t sent[2] = {0, 0};
		for (int i = 0; i < 2000; i++) {
			sent[0] += netkit_send(&w->a, 0, 300000);
			sent[1] += netkit_send(&w->a, 1, 300000);
			netkit_run(w, w->engine->now_ns + 10 * MS);
		}
		double mbit = (double)w->b.got * 8 / 20e6;
		assert_true(mbit > 90 && mbit < 97);
		assert_true(sent[0] > sent[1] / 3 && sent[1] > sent[0] / 3);
		events[m] = w->engine->events;
		netkit_drop(w);
	}
	assert_true(events[1] * 5 < events[0]);
}

/* --- determinism --- */

static uint64_t hash_of_run(uint64_t seed, bool others)
{
	struct sim_net_config config = segment_config();
	config.link.loss_ppm = 20000;
	config.link.rate_bits = 10 * MBIT;
	struct netkit *w = netkit_make(seed, &config);
	netkit_dial(&w->a, &w->b, 0);
	if (others) {
		netkit_listen(&w->a);
		netkit_dial(&w->c, &w->a, 0);
	}
	netkit_run(w, 10 * SECOND);
	w->a.to_write = 300000;
	netkit_push(&w->a);
	netkit_run(w, 20 * SECOND);
	uint64_t last = w->b.last_ns;
	uint64_t hash = others ? last : sim_net_hash(w->net) ^ last;
	assert_int_equal(w->b.got, 300000);
	netkit_drop(w);
	return hash;
}

static void test_segment_same_seed_same_hash(void **state)
{
	assert_true(hash_of_run(1, false) == hash_of_run(1, false));
	assert_true(hash_of_run(1, false) != hash_of_run(2, false));
	assert_true(hash_of_run(7, true) == hash_of_run(7, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_segment_connects_in_one_round_trip),
	    cmocka_unit_test(test_segment_dial_gives_up_when_its_time_is_over),
	    cmocka_unit_test(test_segment_lost_syn_is_sent_again),
	    cmocka_unit_test(test_segment_full_backlog_loses_the_syn),
	    cmocka_unit_test(test_segment_content_survives_loss),
	    cmocka_unit_test(test_segment_goodput_is_the_rig_s),
	    cmocka_unit_test(test_segment_goodput_under_loss_is_the_rig_s),
	    cmocka_unit_test(test_segment_connections_share_an_uplink),
	    cmocka_unit_test(test_segment_connections_share_a_downlink),
	    cmocka_unit_test(test_segment_full_queue_drops),
	    cmocka_unit_test(test_segment_buffers_may_be_fixed),
	    cmocka_unit_test(test_segment_low_unsent_mark_bounds_what_waits),
	    cmocka_unit_test(test_segment_partition_is_repaired_by_retransmission),
	    cmocka_unit_test(test_segment_black_hole_hangs_until_keepalive),
	    cmocka_unit_test(test_segment_half_open_is_reset_once_the_host_is_back),
	    cmocka_unit_test(test_segment_process_that_ends_leaves_a_fin_or_a_reset),
	    cmocka_unit_test(test_segment_orphan_answers_bytes_with_a_reset),
	    cmocka_unit_test(test_segment_reset_ends_both),
	    cmocka_unit_test(test_segment_closed_connection_leaves_nothing),
	    cmocka_unit_test(test_segment_other_link_parameters_hold_at_once),
	    cmocka_unit_test(test_segment_mtu_bounds_the_segments),
	    cmocka_unit_test(test_segment_directions_have_links_of_their_own),
	    cmocka_unit_test(test_segment_content_survives_everything_a_link_can_do),
	    cmocka_unit_test(test_segment_stages_want_packets),
	    cmocka_unit_test(test_segment_hosts_have_their_own_congestion_control),
	    cmocka_unit_test(test_flow_connections_share_a_link),
	    cmocka_unit_test(test_segment_same_seed_same_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
