/* The virtual network with tcp = "none": times to the nanosecond, loss, rates, faults, back-pressure, determinism. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/net/net.h"
#include "sim/net/regions.h"

#define MS 1000000ull
#define SECOND 1000000000ull
enum { PORT = 26656, MAX_SOCKS = 300 };

/* A host with a driver that notes what it hears. */
struct user {
	struct sim_host *host;
	struct tp_transport *tp;
	struct sim_engine *engine;
	tp_sock sock[MAX_SOCKS]; /* in the order of their coming */
	uint64_t at[MAX_SOCKS];
	int num_socks;
	int failed_dials, failed, eofs, writables, wakes, resolves;
	enum sy_err err;
	uint64_t event_ns;          /* of the last event but bytes */
	uint64_t first_ns, last_ns; /* of bytes */
	size_t got;
	uint32_t sum;  /* order-sensitive */
	size_t window; /* given to new sockets */
	bool echo, close_on_bytes, refuse;
	struct sy_netaddr remote;
	size_t num_addrs;
	size_t to_write; /* still to be written, by writable events */
};

struct world {
	struct sim_engine *engine;
	struct sim_net *net;
	struct user a, b, c;
};

static void note(struct user *u)
{
	u->event_ns = u->engine->now_ns;
}

static void came(struct user *u, tp_sock sock)
{
	note(u);
	assert_true(u->num_socks < MAX_SOCKS);
	u->at[u->num_socks] = u->engine->now_ns;
	u->sock[u->num_socks++] = sock;
	u->tp->ops->read_window(u->tp, sock, u->window);
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct user *u = ctx;
	if (u->refuse) {
		return 0;
	}
	u->remote = *remote;
	came(u, sock);
	return (uint64_t)u->num_socks;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	came(ctx, sock);
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct user *u = ctx;
	note(u);
	u->failed_dials++;
	u->err = err;
}

static void push_on(struct user *u)
{
	static const uint8_t zeros[65536];
	while (u->to_write) {
		size_t room = u->tp->ops->room(u->tp, u->sock[0]);
		size_t n = u->to_write < sizeof zeros ? u->to_write : sizeof zeros;
		n = n < room ? n : room;
		if (!n) {
			return;
		}
		assert_int_equal(u->tp->ops->write(u->tp, u->sock[0], zeros, n), n);
		u->to_write -= n;
	}
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct user *u = ctx;
	u->first_ns = u->got ? u->first_ns : u->engine->now_ns;
	u->last_ns = u->engine->now_ns;
	u->got += bytes.len;
	for (size_t i = 0; i < bytes.len; i++) {
		u->sum = u->sum * 31 + bytes.ptr[i];
	}
	if (u->echo) {
		assert_int_equal(u->tp->ops->write(u->tp, u->sock[cookie - 1], bytes.ptr, bytes.len), bytes.len);
	}
	if (u->close_on_bytes) {
		u->tp->ops->close(u->tp, u->sock[0], TP_CLOSE_ABORT);
	}
}

static void on_eof(void *ctx, uint64_t cookie)
{
	struct user *u = ctx;
	note(u);
	u->eofs++;
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct user *u = ctx;
	note(u);
	u->failed++;
	u->err = err;
}

static void on_writable(void *ctx, uint64_t cookie)
{
	struct user *u = ctx;
	note(u);
	u->writables++;
	push_on(u);
}

static void on_wake(void *ctx)
{
	struct user *u = ctx;
	note(u);
	u->wakes++;
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct user *u = ctx;
	note(u);
	u->resolves++;
	u->err = err;
	u->num_addrs = n;
	if (n) {
		u->remote = addrs[0];
	}
}

static void user_attach(struct user *u)
{
	const struct tp_events events = {u,      on_accepted, on_dialled,  on_dial_failed, on_bytes,
	                                 on_eof, on_failed,   on_writable, on_wake,        on_resolved};
	u->tp->ops->attach(u->tp, &events);
}

static void user_init(struct world *w, struct user *u, const char *name, int region)
{
	memset(u, 0, sizeof *u);
	u->engine = w->engine;
	u->host = sim_host_new(w->net, name, region, NULL);
	assert_non_null(u->host);
	u->tp = sim_host_transport(u->host);
	u->window = SIZE_MAX;
	user_attach(u);
}

static void user_listen(struct user *u)
{
	struct sy_netaddr at, bound;
	sim_host_address(u->host, &at);
	at.port = PORT;
	assert_int_equal(u->tp->ops->listen(u->tp, &at, &bound), SY_OK);
	assert_int_equal(bound.port, PORT);
	u->tp->ops->accept_window(u->tp, MAX_SOCKS);
}

static struct sim_net_config plain_config(void)
{
	return (struct sim_net_config){.link = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = 20 * MS}}};
}

static struct world *world_make(uint64_t seed, const struct sim_net_config *config)
{
	struct world *w = calloc(1, sizeof *w);
	const char *what = NULL;
	w->engine = sim_engine_new(seed);
	assert_int_equal(sim_net_new(&w->net, w->engine, config, &what), SY_OK);
	user_init(w, &w->a, "a", -1);
	user_init(w, &w->b, "b", -1);
	user_init(w, &w->c, "c", -1);
	user_listen(&w->b);
	return w;
}

static void world_drop(struct world *w)
{
	sim_net_free(w->net);
	sim_engine_free(w->engine);
	free(w);
}

static void run_until(struct world *w, uint64_t until_ns)
{
	uint64_t bound = w->engine->events + 3000000;
	while (sim_engine_step(w->engine, until_ns)) {
		assert_true(w->engine->events < bound);
	}
}

static void dial(struct user *from, struct user *to, uint64_t timeout_ns)
{
	struct sy_netaddr addr;
	sim_host_address(to->host, &addr);
	addr.port = PORT;
	assert_int_equal(from->tp->ops->dial(from->tp, (uint64_t)from->num_socks + 1, &addr, timeout_ns), SY_OK);
}

/* a and b connected at 40 ms, accepted at 60 ms; the time is 100 ms then. */
static struct world *connected(uint64_t seed, const struct sim_net_config *config)
{
	struct world *w = world_make(seed, config);
	dial(&w->a, &w->b, 0);
	run_until(w, 100 * MS);
	return w;
}

static size_t send_some(struct user *u, int i, size_t n)
{
	uint8_t *bytes = malloc(n + 1);
	for (size_t k = 0; k < n; k++) {
		bytes[k] = (uint8_t)(k * 7 + 3);
	}
	size_t done = u->tp->ops->write(u->tp, u->sock[i], bytes, n);
	free(bytes);
	return done;
}

/* --- connecting --- */

static void test_connect_takes_one_round_trip(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	assert_int_equal(w->a.num_socks, 1);
	assert_int_equal(w->a.at[0], 40 * MS);
	assert_int_equal(w->b.num_socks, 1);
	assert_int_equal(w->b.at[0], 60 * MS); /* the handshake's last packet */
	struct sy_netaddr a;
	sim_host_address(w->a.host, &a);
	assert_memory_equal(w->b.remote.ip, a.ip, 16);
	assert_true(w->b.remote.port >= 32768);
	world_drop(w);
}

static void test_connect_is_refused_without_listener(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	dial(&w->a, &w->c, 0);
	run_until(w, SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.err, SY_DIAL_REFUSED);
	assert_int_equal(w->a.event_ns, 40 * MS);
	world_drop(w);
}

static void test_connect_to_nobody_times_out(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	struct sy_netaddr to = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 99, [13] = 1, [14] = 2, [15] = 3}, .port = PORT};
	assert_int_equal(w->a.tp->ops->dial(w->a.tp, 1, &to, 3 * SECOND), SY_OK);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	assert_int_equal(w->a.event_ns, 3 * SECOND);
	to.ip[12] = 224;
	assert_int_equal(w->a.tp->ops->dial(w->a.tp, 1, &to, 3 * SECOND), SY_UNREACHABLE);
	world_drop(w);
}

/* A cut that is lifted before the n-th SYN shows when SYNs are sent. */
static void test_lost_syn_is_retried_after_1_3_and_7_seconds(void **state)
{
	static const uint64_t sent_s[] = {0, 1, 3, 7};
	for (int i = 1; i < 4; i++) {
		struct sim_net_config config = plain_config();
		struct world *w = world_make(1, &config);
		sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
		dial(&w->a, &w->b, 0);
		run_until(w, sent_s[i - 1] * SECOND + 1);
		sim_net_heal(w->net);
		run_until(w, 20 * SECOND);
		assert_int_equal(w->a.num_socks, 1);
		assert_int_equal(w->a.at[0], sent_s[i] * SECOND + 40 * MS);
		world_drop(w);
	}
}

static void test_lost_answer_is_retried_with_the_syn(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	sim_net_cut(w->net, w->b.host, w->a.host, SIM_CUT_BLACKHOLE);
	dial(&w->a, &w->b, 0);
	run_until(w, 2 * SECOND);
	sim_net_cut(w->net, w->b.host, w->a.host, SIM_CUT_NONE);
	run_until(w, 20 * SECOND);
	assert_int_equal(w->a.at[0], 3 * SECOND + 40 * MS);
	assert_int_equal(w->b.num_socks, 1);
	world_drop(w);
}

static void test_syn_loss_follows_the_parameter(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.loss_ppm = 300000;
	struct world *w = world_make(5, &config);
	for (int i = 0; i < 200; i++) {
		dial(&w->a, &w->b, 0);
	}
	run_until(w, 900 * MS);
	assert_in_range(w->a.num_socks, 80, 116); /* 0.49 of 200 */
	int early = w->a.num_socks;
	run_until(w, 2 * SECOND);
	assert_in_range(w->a.num_socks - early, 35, 70);
	run_until(w, 200 * SECOND);
	assert_in_range(w->a.num_socks + w->a.failed_dials, 200, 200);
	assert_true(w->a.failed_dials < 10); /* 0.51^7 */
	world_drop(w);
}

static void test_connect_fails_when_time_is_up_and_not_when_cancelled(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	dial(&w->a, &w->b, 40 * MS - 1);
	run_until(w, SECOND);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	assert_int_equal(w->b.num_socks, 0);
	dial(&w->a, &w->b, 0);
	run_until(w, SECOND + 30 * MS);
	w->a.tp->ops->dial_cancel(w->a.tp, 1);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->a.failed_dials, 1);
	assert_int_equal(w->a.num_socks, 0);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.sockets, 0);
	assert_int_equal(stats.links_in_use, 0);
	world_drop(w);
}

static void test_backlog_holds_128_until_the_window_opens(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	w->b.tp->ops->accept_window(w->b.tp, 0);
	for (int i = 0; i < 130; i++) {
		dial(&w->a, &w->b, 800 * MS);
	}
	run_until(w, 700 * MS);
	assert_int_equal(w->a.num_socks, 128);
	assert_int_equal(w->b.num_socks, 0);
	w->b.tp->ops->accept_window(w->b.tp, 3);
	assert_int_equal(w->b.num_socks, 0); /* never from inside the call */
	run_until(w, 900 * MS);
	assert_int_equal(w->b.num_socks, 3);
	assert_int_equal(w->a.failed_dials, 2);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	w->b.tp->ops->accept_window(w->b.tp, 1000);
	run_until(w, SECOND);
	assert_int_equal(w->b.num_socks, 128);
	world_drop(w);
}

static void test_connection_refused_by_the_driver_is_reset(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	w->b.refuse = true;
	dial(&w->a, &w->b, 0);
	run_until(w, SECOND);
	assert_int_equal(w->a.num_socks, 1);
	assert_int_equal(w->a.failed, 1);
	assert_int_equal(w->a.err, SY_PEER_RESET);
	assert_int_equal(w->a.event_ns, 80 * MS);
	world_drop(w);
}

static void test_host_reaches_itself(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	dial(&w->b, &w->b, 0);
	run_until(w, SECOND);
	assert_int_equal(w->b.num_socks, 2);
	assert_true(w->b.event_ns < MS);
	assert_int_equal(send_some(&w->b, 0, 100), 100);
	assert_int_equal(send_some(&w->b, 1, 100), 100);
	run_until(w, 2 * SECOND);
	assert_int_equal(w->b.got, 200);
	world_drop(w);
}

/* --- bytes --- */

static void test_bytes_arrive_in_order_after_the_latency(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	uint32_t sum = 0;
	for (size_t k = 0; k < 100000; k++) {
		sum = sum * 31 + (uint8_t)(k * 7 + 3);
	}
	assert_int_equal(send_some(&w->a, 0, 100000), 100000);
	run_until(w, 120 * MS - 1);
	assert_int_equal(w->b.got, 0);
	run_until(w, 120 * MS);
	assert_int_equal(w->b.got, 100000);
	assert_int_equal(w->b.sum, sum);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.bytes_sent, 100000);
	assert_int_equal(stats.bytes_delivered, 100000);
	assert_int_equal(stats.sockets, 2);
	assert_int_equal(stats.links_in_use, 1);
	world_drop(w);
}

static void test_jitter_never_reorders_a_connection(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_EXPONENTIAL, .a_ns = 10 * MS, .b_ns = 20 * MS};
	struct world *w = world_make(3, &config);
	dial(&w->a, &w->b, 0);
	run_until(w, 2 * SECOND);
	assert_int_equal(w->b.num_socks, 1);
	uint32_t sum = 0;
	for (int i = 0; i < 300; i++) {
		uint8_t bytes[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
		w->a.tp->ops->write(w->a.tp, w->a.sock[0], bytes, 2);
		sum = (sum * 31 + bytes[0]) * 31 + bytes[1];
		run_until(w, w->engine->now_ns + MS);
	}
	run_until(w, 10 * SECOND);
	assert_int_equal(w->b.got, 600);
	assert_int_equal(w->b.sum, sum);
	world_drop(w);
}

static void test_every_distribution_keeps_to_its_bounds(void **state)
{
	static const struct sim_dist dists[] = {
	    {SIM_DIST_UNIFORM, 10 * MS, 30 * MS, 0},
	    {SIM_DIST_NORMAL, 20 * MS, 5 * MS, 0},
	    {SIM_DIST_LOGNORMAL, 20 * MS, 1ull << 30, 0}, /* sigma 0.25 */
	    {SIM_DIST_EXPONENTIAL, 10 * MS, 10 * MS, 200 * MS},
	    {SIM_DIST_PARETO, 15 * MS, 4ull << 32, 150 * MS},
	};
	for (size_t d = 0; d < sizeof dists / sizeof *dists; d++) {
		struct sim_net_config config = plain_config();
		config.link.latency = dists[d];
		struct world *w = world_make(3, &config);
		dial(&w->a, &w->b, 0);
		run_until(w, 2 * SECOND);
		uint64_t total = 0;
		for (int i = 0; i < 400; i++) {
			uint64_t now = 2 * SECOND + (uint64_t)i * SECOND;
			run_until(w, now);
			send_some(&w->a, 0, 10);
			run_until(w, now + SECOND - 1);
			assert_int_equal(w->b.got, 10 * (i + 1));
			uint64_t took = w->b.last_ns - now;
			total += took;
			assert_true(took >= (d == 0 || d == 3 ? 10 * MS : d == 4 ? 15 * MS : 1));
			assert_true(took <= (d == 0 ? 30 * MS : d == 3 ? 200 * MS : d == 4 ? 150 * MS : 100 * MS));
		}
		assert_in_range(total / 400, 18 * MS, 23 * MS); /* all have a mean of about 20 ms */
		world_drop(w);
	}
}

static void test_loss_delays_itself_and_all_that_follows(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	struct sim_link_params lossy = config.link;
	lossy.loss_ppm = 1000000; /* this one is lost at every try */
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &lossy), SY_OK);
	send_some(&w->a, 0, 10);
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
	send_some(&w->a, 0, 10);
	run_until(w, 60 * SECOND);
	assert_int_equal(w->b.got, 0);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.segments_lost, 15);
	run_until(w, 7200 * SECOND);
	assert_int_equal(w->b.got, 20);
	assert_int_equal(w->b.first_ns, w->b.last_ns);
	world_drop(w);
}

static void test_one_loss_costs_200_ms_and_twice_lost_600(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.loss_ppm = 100000;
	struct world *w = world_make(2, &config);
	dial(&w->a, &w->b, 0);
	run_until(w, 100 * SECOND);
	assert_int_equal(w->b.num_socks, 1);
	int by_delay[4] = {0};
	for (int i = 0; i < 2000; i++) {
		uint64_t now = w->engine->now_ns;
		send_some(&w->a, 0, 1000);
		run_until(w, now + 20 * SECOND);
		uint64_t late = w->b.last_ns - now - 20 * MS;
		assert_true(late == 0 || late == 200 * MS || late == 600 * MS || late == 1400 * MS || late > 1400 * MS);
		by_delay[late == 0 ? 0 : late == 200 * MS ? 1 : late == 600 * MS ? 2 : 3]++;
	}
	assert_in_range(by_delay[0], 1750, 1850);
	assert_in_range(by_delay[1], 140, 220);
	assert_in_range(by_delay[2], 8, 32);
	world_drop(w);
}

static void test_loss_of_far_links_costs_two_round_trips(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.latency.a_ns = 150 * MS;
	struct world *w = world_make(2, &config);
	dial(&w->a, &w->b, 0);
	run_until(w, 100 * SECOND);
	struct sim_link_params lossy = config.link;
	lossy.loss_ppm = 500000;
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &lossy), SY_OK);
	uint64_t least = SECOND * 100;
	for (int i = 0; i < 20; i++) {
		uint64_t now = w->engine->now_ns;
		send_some(&w->a, 0, 10);
		run_until(w, now + 100 * SECOND);
		uint64_t late = w->b.last_ns - now - 150 * MS;
		least = late && late < least ? late : least;
	}
	assert_int_equal(least, 600 * MS);
	world_drop(w);
}

/* --- rates --- */

static void test_rate_serialises(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.rate_bits = 10000000;
	struct world *w = connected(1, &config);
	w->a.to_write = 1000000;
	push_on(&w->a);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->b.got, 1000000);
	assert_int_equal(w->b.last_ns, 920 * MS); /* sent at 100 ms: 0.8 s + 20 ms */
	assert_in_range(w->b.first_ns, 120 * MS, 122 * MS);
	world_drop(w);
}

static void test_two_connections_of_a_pair_share_its_rate(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.rate_bits = 10000000;
	struct world *w = world_make(1, &config);
	dial(&w->a, &w->b, 0);
	run_until(w, 100 * MS);
	dial(&w->a, &w->b, 0);
	run_until(w, 200 * MS);
	assert_int_equal(w->b.num_socks, 2);
	send_some(&w->a, 0, 200000);
	send_some(&w->a, 1, 200000);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->b.got, 400000);
	assert_int_equal(w->b.last_ns, 540 * MS);
	/* The other direction and other pairs have a rate of their own. */
	uint64_t now = w->engine->now_ns;
	send_some(&w->a, 0, 100000);
	send_some(&w->b, 0, 100000);
	run_until(w, 20 * SECOND);
	assert_int_equal(w->a.last_ns, now + 100 * MS);
	assert_int_equal(w->b.last_ns, now + 100 * MS);
	world_drop(w);
}

static void test_uplink_and_downlink_are_shared_by_a_host(void **state)
{
	for (int up = 0; up < 2; up++) {
		struct sim_net_config config = plain_config();
		config.uplink_bits = up ? 10000000 : 0;
		config.downlink_bits = up ? 0 : 10000000;
		struct world *w = world_make(1, &config);
		user_listen(&w->c);
		struct user *hub = up ? &w->b : &w->a;
		dial(&w->a, &w->b, 0);
		run_until(w, 100 * MS);
		dial(up ? &w->c : &w->a, up ? &w->b : &w->c, 0);
		run_until(w, 200 * MS);
		/* The hub sends to (receives from) both others. */
		struct user *first = up ? hub : &w->b;
		struct user *second = up ? hub : &w->c;
		send_some(first, 0, 100000);
		send_some(second, up ? 1 : 0, 100000);
		run_until(w, 10 * SECOND);
		uint64_t last = up ? (w->a.last_ns > w->c.last_ns ? w->a.last_ns : w->c.last_ns) : w->a.last_ns;
		assert_int_equal(w->a.got + w->c.got, 200000);
		assert_int_equal(last, 380 * MS); /* 160 ms for both, 20 on the way */
		world_drop(w);
	}
}

static void test_full_queue_holds_bytes_with_the_sender(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.rate_bits = 8000000; /* a byte a microsecond */
	struct world *w = connected(1, &config);
	assert_int_equal(send_some(&w->a, 0, 262144), 262144);
	/* The queue is 45,000 bytes, the rest waits. */
	size_t room = w->a.tp->ops->room(w->a.tp, w->a.sock[0]);
	assert_in_range(room, 43000, 45000);
	assert_int_equal(send_some(&w->a, 0, 262144), room);
	assert_int_equal(w->a.tp->ops->room(w->a.tp, w->a.sock[0]), 0);
	world_drop(w);
}

static void test_room_follows_the_low_water_mark(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.rate_bits = 8000000;
	struct world *w = connected(1, &config);
	const struct tp_ops *ops = w->a.tp->ops;
	tp_sock s = w->a.sock[0];
	assert_int_equal(ops->room(w->a.tp, s), 262144);
	ops->unsent_lowat(w->a.tp, s, 16384);
	assert_int_equal(ops->room(w->a.tp, s), 16384);
	send_some(&w->a, 0, 60000); /* 45,000 on the link, the rest unsent */
	assert_in_range(ops->room(w->a.tp, s), 100, 2900);
	send_some(&w->a, 0, 4000); /* a write goes beyond the mark, as in a kernel */
	assert_int_equal(ops->room(w->a.tp, s), 0);
	assert_int_equal(w->a.writables, 0);
	uint64_t now = w->engine->now_ns;
	run_until(w, now + SECOND);
	assert_int_equal(w->a.writables, 1);
	/* Half of the mark is free when 19,000 - 8,192 bytes more have passed the queue, give or take a batch. */
	assert_in_range(w->a.event_ns - now, 9 * MS, 13 * MS);
	assert_int_equal(ops->room(w->a.tp, s), 16384);
	world_drop(w);
}

static void test_reader_that_stops_holds_the_sender(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	w->b.window = 0;
	dial(&w->a, &w->b, 0);
	run_until(w, 100 * MS);
	w->a.to_write = 20000000;
	push_on(&w->a);
	run_until(w, 5 * SECOND);
	assert_int_equal(w->b.got, 0);
	size_t held = 20000000 - w->a.to_write;
	assert_in_range(held, 4194304, 4194304 + 262144 + 32768); /* what was under way, and the send buffer */
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 1000);
	assert_int_equal(w->b.got, 0);
	run_until(w, 6 * SECOND);
	assert_int_equal(w->b.got, 1000);
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], SIZE_MAX);
	run_until(w, 20 * SECOND);
	assert_int_equal(w->b.got, 20000000);
	assert_int_equal(w->a.to_write, 0);
	world_drop(w);
}

static void test_slow_reader_is_sent_no_more_than_its_buffer(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.rate_bits = 80000000;
	struct world *w = world_make(1, &config);
	w->b.window = 0;
	dial(&w->a, &w->b, 0);
	run_until(w, 100 * MS);
	w->a.to_write = 5000000;
	push_on(&w->a);
	run_until(w, 10 * SECOND);
	/* 256 KiB of receive buffer and of send buffer, and what the path held before the reader was known to lag: 600 kB. */
	assert_in_range(5000000 - w->a.to_write, 262144 + 262144, 262144 + 262144 + 900000);
	for (int i = 0; i < 100; i++) {
		w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 10000);
		run_until(w, w->engine->now_ns + 100 * MS);
		assert_int_equal(w->b.got, 10000 * (i + 1));
	}
	world_drop(w);
}

/* --- endings --- */

static void test_flush_close_delivers_then_ends_the_stream(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.rate_bits = 8000000;
	struct world *w = connected(1, &config);
	send_some(&w->a, 0, 200000);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->b.got, 200000);
	assert_int_equal(w->b.eofs, 1);
	assert_int_equal(w->b.failed, 0);
	assert_int_equal(w->b.event_ns, 320 * MS);
	assert_int_equal(w->a.eofs + w->a.failed, 0);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_FLUSH);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.sockets, 0);
	world_drop(w);
}

static void test_half_closed_connection_still_carries_the_other_way(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.rate_bits = 8000000;
	struct world *w = connected(1, &config);
	send_some(&w->a, 0, 100000);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	/* b writes while a still flushes: nothing is lost on the way to b, though nobody reads at a. */
	assert_int_equal(send_some(&w->b, 0, 5000), 5000);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->b.got, 100000);
	assert_int_equal(w->b.eofs, 1);
	/* Writing on after the end of the stream is answered by a reset. */
	assert_int_equal(send_some(&w->b, 0, 5000), 5000);
	run_until(w, 20 * SECOND);
	assert_int_equal(w->b.failed, 1);
	assert_int_equal(w->b.err, SY_PEER_RESET);
	assert_int_equal(send_some(&w->b, 0, 5000), 0);
	world_drop(w);
}

static void test_eof_waits_for_the_reader(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	w->b.window = 0;
	dial(&w->a, &w->b, 0);
	run_until(w, 100 * MS);
	send_some(&w->a, 0, 100);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	run_until(w, SECOND);
	assert_int_equal(w->b.eofs, 0);
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 60);
	run_until(w, 2 * SECOND);
	assert_int_equal(w->b.got, 60);
	assert_int_equal(w->b.eofs, 0);
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 60);
	run_until(w, 3 * SECOND);
	assert_int_equal(w->b.got, 100);
	assert_int_equal(w->b.eofs, 1);
	world_drop(w);
}

static void test_close_before_acceptance_still_delivers(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	dial(&w->a, &w->b, 0);
	run_until(w, 40 * MS);
	assert_int_equal(w->a.num_socks, 1);
	send_some(&w->a, 0, 100);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	run_until(w, SECOND);
	assert_int_equal(w->b.num_socks, 1);
	assert_int_equal(w->b.got, 100);
	assert_int_equal(w->b.eofs, 1);
	world_drop(w);
}

static void test_abort_resets_the_other_side(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_ABORT);
	run_until(w, SECOND);
	assert_int_equal(w->b.failed, 1);
	assert_int_equal(w->b.err, SY_PEER_RESET);
	assert_int_equal(w->b.event_ns, 120 * MS);
	assert_int_equal(w->b.eofs, 0);
	assert_int_equal(w->b.tp->ops->room(w->b.tp, w->b.sock[0]), 0);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_ABORT);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_ABORT); /* stale: harmless */
	run_until(w, 2 * SECOND);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.sockets, 0);
	world_drop(w);
}

static void test_reader_may_close_inside_the_delivery(void **state)
{
	struct sim_net_config config = plain_config();
	for (int window = 0; window < 2; window++) {
		struct world *w = world_make(1, &config);
		w->b.window = window ? 10 : SIZE_MAX;
		w->b.close_on_bytes = true;
		dial(&w->a, &w->b, 0);
		run_until(w, 100 * MS);
		send_some(&w->a, 0, 100000);
		run_until(w, SECOND);
		assert_true(w->b.got > 0);
		assert_true(w->b.got < 100000);
		assert_int_equal(w->a.failed, 1);
		world_drop(w);
	}
}

static void test_process_death_ends_or_resets_and_the_host_comes_back(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	send_some(&w->b, 0, 100);
	w->b.tp->ops->fini(w->b.tp);
	run_until(w, SECOND);
	assert_int_equal(w->a.got, 100);
	assert_int_equal(w->a.eofs, 1);
	dial(&w->a, &w->b, 0);
	run_until(w, 2 * SECOND);
	assert_int_equal(w->a.err, SY_DIAL_REFUSED); /* the kernel lives */
	send_some(&w->a, 0, 10);
	run_until(w, 3 * SECOND);
	assert_int_equal(w->a.failed, 1);
	user_attach(&w->b);
	user_listen(&w->b);
	w->b.window = 0;
	dial(&w->a, &w->b, 0);
	run_until(w, 4 * SECOND);
	assert_int_equal(w->a.num_socks, 2);
	send_some(&w->a, 1, 10);
	run_until(w, 5 * SECOND);
	w->b.tp->ops->fini(w->b.tp); /* with unread bytes: a reset */
	run_until(w, 6 * SECOND);
	assert_int_equal(w->a.failed, 2);
	assert_int_equal(w->a.eofs, 1);
	world_drop(w);
}

static void test_power_loss_says_nothing_until_the_host_is_back(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	sim_host_power(w->b.host, false);
	send_some(&w->a, 0, 100);
	dial(&w->a, &w->b, 900 * MS);
	run_until(w, SECOND);
	assert_int_equal(w->a.eofs + w->a.failed, 0);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	sim_host_power(w->b.host, true);
	send_some(&w->a, 0, 100);
	run_until(w, 2 * SECOND);
	assert_int_equal(w->a.failed, 1);
	assert_int_equal(w->a.err, SY_PEER_RESET);
	world_drop(w);
}

/* --- faults --- */

static void test_partition_holds_bytes_until_it_heals(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
	w->a.to_write = 500000;
	push_on(&w->a);
	assert_int_equal(w->a.to_write, 500000 - 262144);
	assert_int_equal(send_some(&w->b, 0, 100), 100); /* one direction only */
	run_until(w, 300 * SECOND);
	assert_int_equal(w->b.got, 0);
	assert_int_equal(w->a.got, 100);
	assert_int_equal(w->a.failed + w->b.failed, 0);
	sim_net_heal(w->net);
	run_until(w, 301 * SECOND);
	assert_int_equal(w->b.got, 500000);
	assert_int_equal(w->b.first_ns, 300 * SECOND + 20 * MS);
	world_drop(w);
}

static void test_partition_holds_ends_and_resets_too(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	dial(&w->a, &w->b, 0);
	run_until(w, 300 * MS);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
	send_some(&w->a, 0, 100);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	w->a.tp->ops->close(w->a.tp, w->a.sock[1], TP_CLOSE_ABORT);
	run_until(w, SECOND);
	assert_int_equal(w->b.eofs + w->b.failed, 0);
	sim_net_heal(w->net);
	run_until(w, 2 * SECOND);
	assert_int_equal(w->b.got, 100);
	assert_int_equal(w->b.eofs, 1);
	assert_int_equal(w->b.failed, 1);
	world_drop(w);
}

static void test_black_hole_swallows_for_ever(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_BLACKHOLE);
	w->a.to_write = 500000;
	push_on(&w->a);
	assert_int_equal(w->a.to_write, 500000 - 262144); /* never acknowledged */
	dial(&w->a, &w->b, SECOND);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	sim_net_heal(w->net);
	run_until(w, 300 * SECOND);
	assert_int_equal(w->b.got, 0);
	assert_int_equal(w->a.failed + w->b.failed + w->b.eofs, 0);
	send_some(&w->b, 0, 10);
	run_until(w, 301 * SECOND);
	assert_int_equal(w->a.got, 10);
	world_drop(w);
}

static void test_refusing_cut_lets_old_connections_live(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_REFUSE);
	dial(&w->a, &w->b, 0);
	send_some(&w->a, 0, 100);
	run_until(w, SECOND);
	assert_int_equal(w->a.err, SY_DIAL_REFUSED);
	assert_int_equal(w->b.got, 100);
	sim_net_heal(w->net);
	dial(&w->a, &w->b, 0);
	run_until(w, 2 * SECOND);
	assert_int_equal(w->a.num_socks, 2);
	world_drop(w);
}

static void test_reset_of_a_pair_fails_both_sides_at_once(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	dial(&w->a, &w->b, 0);
	dial(&w->c, &w->b, 0);
	run_until(w, 300 * MS);
	send_some(&w->a, 0, 1000);
	sim_net_reset(w->net, w->b.host, w->a.host);
	run_until(w, 300 * MS);
	assert_int_equal(w->a.failed, 2);
	assert_int_equal(w->b.failed, 2);
	assert_int_equal(w->c.failed, 0);
	assert_int_equal(w->b.got, 0);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.resets, 4);
	world_drop(w);
}

static void test_link_parameters_of_a_direction_can_change(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = connected(1, &config);
	struct sim_link_params slow = config.link;
	slow.latency.a_ns = 500 * MS;
	slow.rate_bits = 8000;
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &slow), SY_OK);
	send_some(&w->a, 0, 1000);
	send_some(&w->b, 0, 1000);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->b.last_ns, 1600 * MS);
	assert_int_equal(w->a.last_ns, 120 * MS);
	send_some(&w->a, 0, 100000); /* 100 s at this rate */
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
	run_until(w, 100 * SECOND);
	assert_int_equal(w->b.got, 101000);
	slow.loss_ppm = 1000001;
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &slow), SY_INVALID);
	world_drop(w);
}

/* --- the host's other services --- */

static void test_listen_reports_addresses_in_use_and_not_ours(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	struct sy_netaddr at, bound;
	sim_host_address(w->b.host, &at);
	at.port = PORT;
	assert_int_equal(w->b.tp->ops->listen(w->b.tp, &at, &bound), SY_IN_USE);
	assert_int_equal(w->a.tp->ops->listen(w->a.tp, &at, &bound), SY_UNREACHABLE);
	at.port = 0;
	assert_int_equal(w->b.tp->ops->listen(w->b.tp, &at, &bound), SY_OK);
	assert_int_not_equal(bound.port, 0);
	assert_int_not_equal(bound.port, PORT);
	memset(at.ip, 0, 16);
	at.port = 1;
	assert_int_equal(w->b.tp->ops->listen(w->b.tp, &at, &bound), SY_OK);
	world_drop(w);
}

static void test_wake_comes_once_at_its_time(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	const struct tp_ops *ops = w->a.tp->ops;
	ops->wake_at(w->a.tp, 5 * SECOND);
	ops->wake_at(w->a.tp, 3 * SECOND);
	run_until(w, 4 * SECOND);
	assert_int_equal(w->a.wakes, 1);
	assert_int_equal(w->a.event_ns, 3 * SECOND);
	ops->wake_at(w->a.tp, SECOND); /* past: at once */
	run_until(w, 4 * SECOND);
	assert_int_equal(w->a.wakes, 2);
	ops->wake_at(w->a.tp, 5 * SECOND);
	ops->wake_at(w->a.tp, UINT64_MAX);
	run_until(w, 10 * SECOND);
	assert_int_equal(w->a.wakes, 2);
	assert_int_equal(ops->now_ns(w->a.tp), 10 * SECOND);
	assert_int_equal(ops->wall_ns(w->a.tp), 1767225610 * SECOND);
	world_drop(w);
}

static void test_names_resolve_to_what_was_set_or_to_hosts(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	struct sy_netaddr addrs[2] = {{.ip = {[15] = 1}}, {.ip = {[15] = 2}}};
	assert_int_equal(sim_net_dns_set(w->net, "seed.example", addrs, 1), SY_OK);
	assert_int_equal(sim_net_dns_set(w->net, "seed.example", addrs, 2), SY_OK);
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "seed.example"), SY_OK);
	run_until(w, SECOND);
	assert_int_equal(w->a.resolves, 1);
	assert_int_equal(w->a.num_addrs, 2);
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_OK);
	run_until(w, 2 * SECOND);
	struct sy_netaddr b;
	sim_host_address(w->b.host, &b);
	assert_memory_equal(w->a.remote.ip, b.ip, 16);
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "nobody.example"), SY_OK);
	run_until(w, 3 * SECOND);
	assert_int_equal(w->a.err, SY_DNS);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_OK);
	}
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_LIMIT);
	w->a.tp->ops->fini(w->a.tp);
	run_until(w, 4 * SECOND);
	assert_int_equal(w->a.resolves, 3);
	world_drop(w);
}

static void test_hosts_have_public_addresses_in_groups_of_their_own(void **state)
{
	enum { HOSTS = 3000 };
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	uint8_t *seen = calloc(65536, 1);
	for (int i = 0; i < HOSTS; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		struct sim_host *h = sim_host_new(w->net, name, -1, NULL);
		assert_non_null(h);
		struct sy_netaddr addr;
		sim_host_address(h, &addr);
		int group = addr.ip[12] << 8 | addr.ip[13];
		assert_int_equal(seen[group]++, 0);
		assert_int_equal(addr.ip[10] & addr.ip[11], 0xff);
		assert_true(addr.ip[12] >= 1 && addr.ip[12] < 224 && addr.ip[12] != 10 && addr.ip[12] != 127);
		assert_int_equal(sim_host_index(h), i + 3);
	}
	assert_null(sim_host_new(w->net, "n5", -1, NULL)); /* names are unique */
	uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 7};
	assert_non_null(sim_host_new(w->net, "own", -1, ip));
	assert_null(sim_host_new(w->net, "twin", -1, ip)); /* and so are addresses */
	free(seen);
	world_drop(w);
}

static void test_regions_give_the_latency(void **state)
{
	static const char *const names[] = {"us-east", "ap-southeast"};
	struct sim_net_config config = plain_config();
	config.regions = names;
	config.num_regions = 2;
	struct world *w = world_make(1, &config);
	assert_string_equal(sim_host_region(w->a.host), "us-east");
	assert_string_equal(sim_host_region(w->b.host), "ap-southeast");
	dial(&w->a, &w->b, 0);
	dial(&w->c, &w->c, 0);
	run_until(w, SECOND);
	assert_int_equal(w->a.at[0], 2 * sim_region_latency_ns(sim_region_find("us-east"), sim_region_find("ap-southeast")));
	for (int i = 0; i < SIM_REGIONS; i++) {
		assert_int_equal(sim_region_find(sim_region_name(i)), i);
		for (int j = 0; j < SIM_REGIONS; j++) {
			assert_int_equal(sim_region_latency_ns(i, j), sim_region_latency_ns(j, i));
			assert_true(sim_region_latency_ns(i, j) > 0);
		}
	}
	world_drop(w);
}

static void test_net_refuses_what_it_cannot_model(void **state)
{
	struct sim_engine *e = sim_engine_new(1);
	struct sim_net *net = NULL;
	const char *what = NULL;
	struct sim_net_config config = plain_config();
	config.tcp = SIM_TCP_SEGMENT;
	assert_int_equal(sim_net_new(&net, e, &config, &what), SY_NOT_FOUND);
	assert_non_null(what);
	static const char *const names[] = {"atlantis"};
	config = plain_config();
	config.regions = names;
	config.num_regions = 1;
	assert_int_equal(sim_net_new(&net, e, &config, &what), SY_INVALID);
	config = plain_config();
	config.link.loss_ppm = 1000001;
	assert_int_equal(sim_net_new(&net, e, &config, &what), SY_INVALID);
	config = plain_config();
	config.link.mtu = 67;
	assert_int_equal(sim_net_new(&net, e, &config, NULL), SY_INVALID);
	assert_null(net);
	sim_engine_free(e);
}

static void test_idle_connection_end_is_small(void **state)
{
	struct sim_net_config config = plain_config();
	struct world *w = world_make(1, &config);
	assert_true(sim_net_socket_memory(w->net) <= 256);
	world_drop(w);
}

/* --- determinism --- */

static uint64_t busy_run(uint64_t seed, bool with_c)
{
	struct sim_net_config config = plain_config();
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_NORMAL, .a_ns = 20 * MS, .b_ns = 3 * MS};
	config.link.loss_ppm = 20000;
	config.link.rate_bits = 50000000;
	struct world *w = world_make(seed, &config);
	w->b.echo = true;
	for (int i = 0; i < 5; i++) {
		dial(&w->a, &w->b, 0);
	}
	if (with_c) {
		dial(&w->c, &w->a, 0);
	}
	run_until(w, 20 * SECOND);
	for (int i = 0; i < w->a.num_socks; i++) {
		send_some(&w->a, i, 40000);
	}
	sim_net_cut(w->net, w->b.host, w->a.host, SIM_CUT_HOLD);
	run_until(w, 21 * SECOND);
	sim_net_heal(w->net);
	run_until(w, 60 * SECOND);
	assert_int_equal(w->a.got, 40000 * (size_t)w->a.num_socks);
	uint64_t hash = with_c ? w->a.last_ns : sim_net_hash(w->net);
	world_drop(w);
	return hash;
}

static void test_same_seed_same_hash_and_another_seed_another(void **state)
{
	uint64_t first = busy_run(7, false);
	assert_int_equal(busy_run(7, false), first);
	assert_int_not_equal(busy_run(8, false), first);
}

static void test_traffic_of_others_moves_no_draw(void **state)
{
	struct sim_net_config config = plain_config();
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_UNIFORM, .a_ns = 10 * MS, .b_ns = 30 * MS};
	config.link.loss_ppm = 50000;
	uint64_t last[2];
	for (int others = 0; others < 2; others++) {
		struct world *w = world_make(9, &config);
		user_listen(&w->a);
		if (others) {
			dial(&w->c, &w->b, 0);
			dial(&w->c, &w->a, 0);
		}
		dial(&w->a, &w->b, 0);
		run_until(w, 20 * SECOND);
		assert_int_equal(w->b.num_socks, 1 + others);
		int mine = w->a.num_socks - 1;
		for (int i = 0; i < 50; i++) {
			/* Without c, a's only socket is the one that it has dialled. */
			send_some(&w->a, others ? (w->a.at[0] < w->a.at[mine] ? mine : 0) : 0, 100);
			run_until(w, w->engine->now_ns + 10 * MS);
		}
		run_until(w, 40 * SECOND);
		last[others] = others ? last[0] : w->b.last_ns;
		world_drop(w);
	}
	assert_int_equal(last[0], last[1]);
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
	    cmocka_unit_test(test_flush_close_delivers_then_ends_the_stream),
	    cmocka_unit_test(test_half_closed_connection_still_carries_the_other_way),
	    cmocka_unit_test(test_eof_waits_for_the_reader),
	    cmocka_unit_test(test_close_before_acceptance_still_delivers),
	    cmocka_unit_test(test_abort_resets_the_other_side),
	    cmocka_unit_test(test_reader_may_close_inside_the_delivery),
	    cmocka_unit_test(test_process_death_ends_or_resets_and_the_host_comes_back),
	    cmocka_unit_test(test_power_loss_says_nothing_until_the_host_is_back),
	    cmocka_unit_test(test_partition_holds_bytes_until_it_heals),
	    cmocka_unit_test(test_partition_holds_ends_and_resets_too),
	    cmocka_unit_test(test_black_hole_swallows_for_ever),
	    cmocka_unit_test(test_refusing_cut_lets_old_connections_live),
	    cmocka_unit_test(test_reset_of_a_pair_fails_both_sides_at_once),
	    cmocka_unit_test(test_link_parameters_of_a_direction_can_change),
	    cmocka_unit_test(test_listen_reports_addresses_in_use_and_not_ours),
	    cmocka_unit_test(test_wake_comes_once_at_its_time),
	    cmocka_unit_test(test_names_resolve_to_what_was_set_or_to_hosts),
	    cmocka_unit_test(test_hosts_have_public_addresses_in_groups_of_their_own),
	    cmocka_unit_test(test_regions_give_the_latency),
	    cmocka_unit_test(test_net_refuses_what_it_cannot_model),
	    cmocka_unit_test(test_idle_connection_end_is_small),
	    cmocka_unit_test(test_same_seed_same_hash_and_another_seed_another),
	    cmocka_unit_test(test_traffic_of_others_moves_no_draw),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
