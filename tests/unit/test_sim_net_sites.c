/* Lines of hosts and sites, and NATs: latencies add up, rates are shared, and who is found where; in every model of TCP. */
#include <string.h>

#include "tests/support/netkit.h"

#define MBIT 1000000ull

static const enum sim_tcp_model models[] = {SIM_TCP_NONE, SIM_TCP_SEGMENT, SIM_TCP_FLOW};
enum { MODELS = 3 };

static struct netkit *kit(enum sim_tcp_model tcp, uint64_t seed)
{
	struct sim_net_config config = netkit_config();
	config.tcp = tcp;
	return netkit_make(seed, &config);
}

static void line(struct netkit_user *u, struct sim_line line)
{
	assert_int_equal(sim_host_line(u->host, &line), SY_OK);
}

static struct sim_site *site_of(struct netkit *w, struct sim_site_config config)
{
	struct sim_site *site = NULL;
	config.name = config.name ? config.name : "site";
	assert_int_equal(sim_site_new(&site, w->net, &config), SY_OK);
	assert_ptr_equal(sim_site_find(w->net, config.name), site);
	return site;
}

static void join(struct sim_site *site, struct netkit_user *u, uint16_t forward)
{
	assert_int_equal(sim_site_join(site, u->host, false, forward, PORT), SY_OK);
}

/* n bytes from the i-th socket on, as fast as they go; the reader's got tells when they are there. */
static void pour(struct netkit_user *u, size_t n)
{
	u->to_write = n;
	netkit_push(u);
}

static uint64_t until_got(struct netkit *w, struct netkit_user *u, size_t n)
{
	while (u->got < n) {
		assert_true(w->engine->now_ns < 1000 * SECOND);
		netkit_run(w, w->engine->now_ns + MS);
	}
	return u->last_ns;
}

/* --- lines --- */

static void test_sites_latencies_of_lines_add_up(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_site *site = site_of(w, (struct sim_site_config){.line = {.latency_ns = 4 * MS}, .inside_ns = 2 * MS});
		line(&w->a, (struct sim_line){.latency_ns = 5 * MS});
		line(&w->b, (struct sim_line){.latency_ns = 10 * MS});
		join(site, &w->b, 0);
		join(site, &w->c, 0);
		netkit_dial(&w->a, &w->b, 0);
		netkit_dial(&w->c, &w->b, 0);
		netkit_run(w, SECOND);
		assert_int_equal(w->a.at[0], 2 * (5 + 20 + 4 + 10) * MS);
		assert_int_equal(w->c.at[0], 2 * (2 + 10) * MS); /* within the site its line is not crossed */
		netkit_send(&w->a, 0, 10);
		netkit_run(w, 2 * SECOND);
		assert_int_equal(w->b.last_ns, SECOND + 39 * MS);
		netkit_drop(w);
	}
}

/* A link of its own replaces the way between two hosts; what their lines add stays. */
static void test_sites_link_of_a_pair_keeps_its_lines(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_link_params own = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = MS}};
		line(&w->a, (struct sim_line){.latency_ns = 5 * MS});
		assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &own), SY_OK);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, SECOND);
		assert_int_equal(w->a.at[0], (6 + 25) * MS);
		assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
		netkit_send(&w->a, 0, 10);
		netkit_run(w, 2 * SECOND);
		assert_int_equal(w->b.last_ns, SECOND + 25 * MS);
		netkit_drop(w);
	}
}

static void test_sites_rate_of_a_line_is_its_host_s(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		line(&w->a, (struct sim_line){.up_bits = 8 * MBIT});
		line(&w->b, (struct sim_line){.down_bits = 80 * MBIT});
		netkit_dial(&w->a, &w->b, 0);
		netkit_dial(&w->c, &w->b, 0);
		netkit_run(w, 100 * MS);
		pour(&w->a, 2000000);
		uint64_t slow = until_got(w, &w->b, 2000000) - 100 * MS;
		uint64_t from = w->engine->now_ns;
		pour(&w->c, 2000000);
		uint64_t fast = until_got(w, &w->b, 4000000) - from;
		assert_in_range(slow, 1990 * MS, 2400 * MS); /* two megabytes at one a second, and headers, and a slow start */
		assert_in_range(fast, 195 * MS, 600 * MS);
		netkit_drop(w);
	}
}

/* --- sites --- */

/* a sends a megabyte to b, then a and c do at once: how long each takes. */
static void two_send(struct netkit *w, uint64_t *both_ns, uint64_t *one_ns)
{
	netkit_listen(&w->a);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 200 * MS);
	pour(&w->a, 1000000);
	*one_ns = until_got(w, &w->b, 1000000) - 200 * MS;
	netkit_dial(&w->c, &w->b, 0);
	netkit_run(w, w->engine->now_ns + 200 * MS);
	uint64_t from = w->engine->now_ns;
	pour(&w->a, 1000000);
	pour(&w->c, 1000000);
	*both_ns = until_got(w, &w->b, 3000000) - from;
}

static void test_sites_share_the_rate_of_their_line(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		for (int down = 0; down < 2; down++) {
			struct netkit *w = kit(models[m], 1);
			struct sim_line shared = {.up_bits = down ? 0 : 8 * MBIT, .down_bits = down ? 8 * MBIT : 0};
			struct sim_site *site = site_of(w, (struct sim_site_config){.line = shared, .inside_ns = MS});
			if (down) { /* the receiver's */
				join(site, &w->b, 0);
			} else {
				join(site, &w->a, 0);
				join(site, &w->c, 0);
			}
			uint64_t both_ns, one_ns;
			two_send(w, &both_ns, &one_ns);
			assert_in_range(one_ns, 995 * MS, 1400 * MS);
			assert_in_range(both_ns, 1990 * MS, 2800 * MS);
			netkit_drop(w);
		}
	}
}

static void test_sites_are_wide_inside(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_line shared = {.up_bits = MBIT, .down_bits = MBIT};
		struct sim_site *site = site_of(w, (struct sim_site_config){.line = shared, .inside_ns = MS});
		join(site, &w->a, 0);
		join(site, &w->b, 0);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 100 * MS);
		pour(&w->a, 10000000);
		assert_in_range(until_got(w, &w->b, 10000000), 100 * MS, 400 * MS);
		netkit_drop(w);
	}
}

/* A host's own line before its site's: the narrower of the two is what is seen, in either order. */
static void test_sites_line_follows_the_line_of_a_host(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		for (int narrow = 0; narrow < 2; narrow++) {
			struct netkit *w = kit(models[m], 1);
			uint64_t own = (narrow ? 8 : 40) * MBIT, shared = (narrow ? 40 : 8) * MBIT;
			struct sim_site *site = site_of(w, (struct sim_site_config){.line = {.up_bits = shared, .down_bits = shared}, .inside_ns = MS});
			line(&w->a, (struct sim_line){.up_bits = own, .down_bits = own});
			join(site, &w->a, 0);
			netkit_dial(&w->a, &w->b, 0);
			netkit_run(w, 100 * MS);
			pour(&w->a, 1000000);
			assert_in_range(until_got(w, &w->b, 1000000) - 100 * MS, 995 * MS, 1400 * MS);
			uint64_t from = w->engine->now_ns;
			pour(&w->b, 1000000);
			assert_in_range(until_got(w, &w->a, 1000000) - from, 995 * MS, 1400 * MS);
			netkit_drop(w);
		}
	}
}

/* What waits before its host's own line has not come to the site's yet: others pass it. */
static void test_sites_line_is_free_while_a_host_s_own_is_busy(void **state)
{
	for (int m = 1; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_line shared = {.up_bits = 80 * MBIT};
		struct sim_site *site = site_of(w, (struct sim_site_config){.line = shared, .inside_ns = MS});
		line(&w->a, (struct sim_line){.up_bits = MBIT});
		join(site, &w->a, 0);
		join(site, &w->c, 0);
		netkit_listen(&w->a);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 100 * MS);
		netkit_dial(&w->c, &w->b, 0);
		netkit_run(w, 200 * MS);
		w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 0); /* a's bytes come and are not counted */
		pour(&w->a, 14000);                                  /* its first window: 112 ms of its own line */
		netkit_run(w, 205 * MS);
		netkit_send(&w->c, 0, 100);
		netkit_run(w, 400 * MS);
		assert_int_equal(w->b.got, 100);
		assert_in_range(w->b.last_ns, 225 * MS, 227 * MS);
		netkit_drop(w);
	}
}

static void test_sites_queue_drops_packets(void **state)
{
	struct netkit *w = kit(SIM_TCP_SEGMENT, 1);
	struct sim_line shared = {.up_bits = 8 * MBIT, .queue_bytes = 15000};
	join(site_of(w, (struct sim_site_config){.line = shared, .inside_ns = MS}), &w->a, 0);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	pour(&w->a, 1000000);
	until_got(w, &w->b, 1000000);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_true(stats.segments_dropped > 0);
	assert_int_equal(stats.segments_lost, 0);
	netkit_drop(w);
}

static void test_sites_hold_no_state_for_links_that_nobody_uses(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_net_stats stats;
		struct sim_line shared = {.latency_ns = MS, .up_bits = 8 * MBIT, .down_bits = 8 * MBIT};
		join(site_of(w, (struct sim_site_config){.line = shared, .nat = true}), &w->a, 0);
		sim_net_stats(w->net, &stats);
		assert_int_equal(stats.links_in_use, 0);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 200 * MS);
		pour(&w->a, 100000);
		netkit_run(w, 2 * SECOND);
		sim_net_stats(w->net, &stats);
		assert_int_equal(stats.links_in_use, 1);
		w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
		netkit_run(w, 3 * SECOND);
		w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_FLUSH);
		netkit_run(w, 200 * SECOND);
		assert_int_equal(w->b.got, 100000);
		sim_net_stats(w->net, &stats);
		assert_int_equal(stats.links_in_use, 0);
		assert_int_equal(stats.sockets, 0);
		netkit_drop(w);
	}
}

/* --- NAT --- */

static const uint8_t public_ip[16] = {[10] = 0xff, [11] = 0xff, [12] = 9, [13] = 1, [14] = 2, [15] = 3};

static void dial_at(struct netkit_user *u, const uint8_t ip[16], uint16_t port)
{
	struct sy_netaddr to = {.port = port};
	memcpy(to.ip, ip, 16);
	assert_int_equal(u->tp->ops->dial(u->tp, (uint64_t)u->num_socks + 1, &to, 2 * SECOND), SY_OK);
}

static void test_nat_shows_one_address_and_ports_of_its_own(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_site *site = site_of(w, (struct sim_site_config){.nat = true, .ip = public_ip, .inside_ns = MS});
		join(site, &w->a, 0);
		join(site, &w->c, 0);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, SECOND);
		struct sy_netaddr first = w->b.remote;
		netkit_dial(&w->c, &w->b, 0);
		netkit_run(w, 2 * SECOND);
		assert_int_equal(w->b.num_socks, 2);
		assert_memory_equal(first.ip, public_ip, 16);
		assert_memory_equal(w->b.remote.ip, public_ip, 16);
		assert_int_not_equal(first.port, w->b.remote.port);
		struct sy_netaddr inside;
		sim_host_address(w->a.host, &inside);
		assert_int_equal(inside.ip[12], 10);
		assert_false(sim_host_outside(w->a.host, &inside));
		netkit_drop(w);
	}
}

static void test_nat_lets_in_what_it_forwards(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_site *site = site_of(w, (struct sim_site_config){.nat = true, .ip = public_ip, .inside_ns = MS});
		join(site, &w->b, 4000);
		join(site, &w->c, 0);
		netkit_listen(&w->c);
		struct sy_netaddr b, c, outside;
		sim_host_address(w->b.host, &b);
		sim_host_address(w->c.host, &c);
		assert_true(sim_host_outside(w->b.host, &outside));
		assert_memory_equal(outside.ip, public_ip, 16);
		assert_int_equal(outside.port, 4000);
		dial_at(&w->a, public_ip, 4000);
		netkit_run(w, SECOND);
		assert_int_equal(w->a.num_socks, 1);
		assert_int_equal(w->b.num_socks, 1);
		dial_at(&w->a, public_ip, PORT); /* leads to nobody: silence */
		dial_at(&w->a, b.ip, PORT);      /* nobody routes a private address */
		netkit_run(w, 10 * SECOND);
		assert_int_equal(w->a.failed_dials, 2);
		assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
		dial_at(&w->b, c.ip, PORT); /* but within */
		netkit_run(w, 11 * SECOND);
		assert_int_equal(w->b.num_socks, 2);
		assert_memory_equal(w->c.remote.ip, b.ip, 16);
		dial_at(&w->c, public_ip, 4000); /* and from within to the public address, as from without */
		netkit_run(w, 12 * SECOND);
		assert_int_equal(w->b.num_socks, 3);
		assert_memory_equal(w->b.remote.ip, public_ip, 16);
		struct sim_host *late = sim_host_new(w->net, "late", -1, NULL);
		assert_int_equal(sim_site_join(site, late, false, 4000, PORT), SY_IN_USE);
		netkit_drop(w);
	}
}

static void test_nat_names_mean_the_public_address_outside(void **state)
{
	struct netkit *w = kit(SIM_TCP_NONE, 1);
	struct sim_site *site = site_of(w, (struct sim_site_config){.nat = true, .inside_ns = MS});
	join(site, &w->b, 4000);
	join(site, &w->c, 0);
	struct sy_netaddr b;
	sim_host_address(w->b.host, &b);
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_OK);
	assert_int_equal(w->c.tp->ops->resolve(w->c.tp, 7, "b"), SY_OK);
	netkit_run(w, SECOND);
	assert_memory_equal(w->a.remote.ip, sim_host_public_ip(w->b.host), 16);
	assert_memory_equal(w->c.remote.ip, b.ip, 16);
	netkit_drop(w);
}

static void test_nat_that_moves_loses_what_crosses_it(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		struct netkit *w = kit(models[m], 1);
		struct sim_site *site = site_of(w, (struct sim_site_config){.nat = true, .ip = public_ip, .inside_ns = MS});
		join(site, &w->a, 0);
		join(site, &w->c, 4000);
		netkit_listen(&w->c);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 100 * MS);
		struct sy_netaddr c;
		sim_host_address(w->c.host, &c);
		dial_at(&w->a, c.ip, PORT);
		netkit_run(w, 200 * MS);
		assert_int_equal(w->a.num_socks, 2);
		assert_int_equal(sim_host_move(w->c.host, NULL), SY_OK); /* whoever is named: it is the address of all */
		assert_memory_not_equal(sim_host_public_ip(w->a.host), public_ip, 16);
		netkit_send(&w->a, 0, 10);
		netkit_send(&w->a, 1, 10);
		netkit_send(&w->b, 0, 10);
		dial_at(&w->b, public_ip, 4000);
		dial_at(&w->b, sim_host_public_ip(w->a.host), 4000);
		netkit_run(w, 5 * SECOND);
		assert_int_equal(w->b.got, 0);
		assert_int_equal(w->a.got, 0);
		assert_int_equal(w->c.got, 10);
		assert_int_equal(w->b.failed_dials, 1);
		assert_int_equal(w->c.num_socks, 2);
		netkit_drop(w);
	}
}

/* --- determinism --- */

static uint64_t busy_hash(enum sim_tcp_model tcp, uint64_t seed)
{
	struct sim_net_config config = netkit_config();
	config.tcp = tcp;
	config.link.loss_ppm = 10000;
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_UNIFORM, .a_ns = 10 * MS, .b_ns = 30 * MS};
	struct netkit *w = netkit_make(seed, &config);
	struct sim_line shared = {.latency_ns = 3 * MS, .up_bits = 8 * MBIT, .down_bits = 8 * MBIT};
	struct sim_site *site = site_of(w, (struct sim_site_config){.line = shared, .nat = true});
	line(&w->a, (struct sim_line){.up_bits = 10 * MBIT});
	join(site, &w->a, 0);
	join(site, &w->c, 0);
	w->b.echo = true;
	netkit_dial(&w->a, &w->b, 0);
	netkit_dial(&w->c, &w->b, 0);
	netkit_run(w, 10 * SECOND);
	netkit_send(&w->a, 0, 60000);
	netkit_send(&w->c, 0, 60000);
	netkit_run(w, 60 * SECOND);
	assert_int_equal(w->a.got, 60000);
	assert_int_equal(w->c.got, 60000);
	uint64_t hash = sim_net_hash(w->net);
	netkit_drop(w);
	return hash;
}

static void test_sites_same_seed_same_hash(void **state)
{
	for (int m = 0; m < MODELS; m++) {
		assert_int_equal(busy_hash(models[m], 1), busy_hash(models[m], 1));
		assert_int_not_equal(busy_hash(models[m], 1), busy_hash(models[m], 2));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sites_latencies_of_lines_add_up),
	    cmocka_unit_test(test_sites_link_of_a_pair_keeps_its_lines),
	    cmocka_unit_test(test_sites_rate_of_a_line_is_its_host_s),
	    cmocka_unit_test(test_sites_share_the_rate_of_their_line),
	    cmocka_unit_test(test_sites_are_wide_inside),
	    cmocka_unit_test(test_sites_line_follows_the_line_of_a_host),
	    cmocka_unit_test(test_sites_line_is_free_while_a_host_s_own_is_busy),
	    cmocka_unit_test(test_sites_queue_drops_packets),
	    cmocka_unit_test(test_sites_hold_no_state_for_links_that_nobody_uses),
	    cmocka_unit_test(test_nat_shows_one_address_and_ports_of_its_own),
	    cmocka_unit_test(test_nat_lets_in_what_it_forwards),
	    cmocka_unit_test(test_nat_names_mean_the_public_address_outside),
	    cmocka_unit_test(test_nat_that_moves_loses_what_crosses_it),
	    cmocka_unit_test(test_sites_same_seed_same_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
