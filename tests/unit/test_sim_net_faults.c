/* The virtual network: endings, dying processes and machines, faults, the other services of a host, determinism. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/netkit.h"
#include "sim/net/internal.h"
#include "sim/net/regions.h"

/* --- endings --- */

static void test_flush_close_delivers_then_ends_the_stream(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.rate_bits = 8000000;
	struct netkit *w = netkit_connected(1, &config);
	netkit_send(&w->a, 0, 200000);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->b.got, 200000);
	assert_int_equal(w->b.eofs, 1);
	assert_int_equal(w->b.failed, 0);
	assert_int_equal(w->b.event_ns, 320 * MS);
	assert_int_equal(w->a.eofs + w->a.failed, 0);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_FLUSH);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.sockets, 0);
	netkit_drop(w);
}

static void test_half_closed_connection_still_carries_the_other_way(void **state)
{
	struct sim_net_config config = netkit_config();
	config.link.rate_bits = 8000000;
	struct netkit *w = netkit_connected(1, &config);
	netkit_send(&w->a, 0, 100000);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	/* b writes while a still flushes: nothing is lost on the way to b, though nobody reads at a. */
	assert_int_equal(netkit_send(&w->b, 0, 5000), 5000);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->b.got, 100000);
	assert_int_equal(w->b.eofs, 1);
	/* Writing on after the end of the stream is answered by a reset. */
	assert_int_equal(netkit_send(&w->b, 0, 5000), 5000);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(w->b.failed, 1);
	assert_int_equal(w->b.err, SY_PEER_RESET);
	assert_int_equal(netkit_send(&w->b, 0, 5000), 0);
	netkit_drop(w);
}

static void test_eof_waits_for_the_reader(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	w->b.window = 0;
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	netkit_send(&w->a, 0, 100);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, SECOND);
	assert_int_equal(w->b.eofs, 0);
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 60);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->b.got, 60);
	assert_int_equal(w->b.eofs, 0);
	w->b.tp->ops->read_window(w->b.tp, w->b.sock[0], 60);
	netkit_run(w, 3 * SECOND);
	assert_int_equal(w->b.got, 100);
	assert_int_equal(w->b.eofs, 1);
	netkit_drop(w);
}

static void test_close_before_acceptance_still_delivers(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 40 * MS);
	assert_int_equal(w->a.num_socks, 1);
	netkit_send(&w->a, 0, 100);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	netkit_run(w, SECOND);
	assert_int_equal(w->b.num_socks, 1);
	assert_int_equal(w->b.got, 100);
	assert_int_equal(w->b.eofs, 1);
	netkit_drop(w);
}

static void test_abort_resets_the_other_side(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_ABORT);
	netkit_run(w, SECOND);
	assert_int_equal(w->b.failed, 1);
	assert_int_equal(w->b.err, SY_PEER_RESET);
	assert_int_equal(w->b.event_ns, 120 * MS);
	assert_int_equal(w->b.eofs, 0);
	assert_int_equal(w->b.tp->ops->room(w->b.tp, w->b.sock[0]), 0);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_ABORT);
	w->b.tp->ops->close(w->b.tp, w->b.sock[0], TP_CLOSE_ABORT); /* stale: harmless */
	netkit_run(w, 2 * SECOND);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.sockets, 0);
	netkit_drop(w);
}

static void test_reader_may_close_inside_the_delivery(void **state)
{
	struct sim_net_config config = netkit_config();
	for (int window = 0; window < 2; window++) {
		struct netkit *w = netkit_make(1, &config);
		w->b.window = window ? 10 : SIZE_MAX;
		w->b.close_on_bytes = true;
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 100 * MS);
		netkit_send(&w->a, 0, 100000);
		netkit_run(w, SECOND);
		assert_true(w->b.got > 0);
		assert_true(w->b.got < 100000);
		assert_int_equal(w->a.failed, 1);
		netkit_drop(w);
	}
}

static void test_process_death_ends_or_resets_and_the_host_comes_back(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	netkit_send(&w->b, 0, 100);
	w->b.tp->ops->fini(w->b.tp);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.got, 100);
	assert_int_equal(w->a.eofs, 1);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->a.err, SY_DIAL_REFUSED); /* the kernel lives */
	netkit_send(&w->a, 0, 10);
	netkit_run(w, 3 * SECOND);
	assert_int_equal(w->a.failed, 1);
	netkit_attach(&w->b);
	netkit_listen(&w->b);
	w->b.window = 0;
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 4 * SECOND);
	assert_int_equal(w->a.num_socks, 2);
	netkit_send(&w->a, 1, 10);
	netkit_run(w, 5 * SECOND);
	w->b.tp->ops->fini(w->b.tp); /* with unread bytes: a reset */
	netkit_run(w, 6 * SECOND);
	assert_int_equal(w->a.failed, 2);
	assert_int_equal(w->a.eofs, 1);
	netkit_drop(w);
}

static void test_power_loss_says_nothing_until_the_host_is_back(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_host_power(w->b.host, false);
	netkit_send(&w->a, 0, 100);
	netkit_dial(&w->a, &w->b, 900 * MS);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.eofs + w->a.failed, 0);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	sim_host_power(w->b.host, true);
	netkit_send(&w->a, 0, 100);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->a.failed, 1);
	assert_int_equal(w->a.err, SY_PEER_RESET);
	netkit_drop(w);
}

/* --- faults --- */

static void test_partition_holds_bytes_until_it_heals(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
	w->a.to_write = 500000;
	netkit_push(&w->a);
	assert_int_equal(w->a.to_write, 500000 - 262144);
	assert_int_equal(netkit_send(&w->b, 0, 100), 100); /* one direction only */
	netkit_run(w, 300 * SECOND);
	assert_int_equal(w->b.got, 0);
	assert_int_equal(w->a.got, 100);
	assert_int_equal(w->a.failed + w->b.failed, 0);
	sim_net_heal(w->net);
	netkit_run(w, 301 * SECOND);
	assert_int_equal(w->b.got, 500000);
	assert_int_equal(w->b.first_ns, 300 * SECOND + 20 * MS);
	netkit_drop(w);
}

static void test_partition_holds_ends_and_resets_too(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 300 * MS);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_HOLD);
	netkit_send(&w->a, 0, 100);
	w->a.tp->ops->close(w->a.tp, w->a.sock[0], TP_CLOSE_FLUSH);
	w->a.tp->ops->close(w->a.tp, w->a.sock[1], TP_CLOSE_ABORT);
	netkit_run(w, SECOND);
	assert_int_equal(w->b.eofs + w->b.failed, 0);
	sim_net_heal(w->net);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->b.got, 100);
	assert_int_equal(w->b.eofs, 1);
	assert_int_equal(w->b.failed, 1);
	netkit_drop(w);
}

static void test_black_hole_swallows_for_ever(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_BLACKHOLE);
	w->a.to_write = 500000;
	netkit_push(&w->a);
	assert_int_equal(w->a.to_write, 500000 - 262144); /* never acknowledged */
	netkit_dial(&w->a, &w->b, SECOND);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
	sim_net_heal(w->net);
	netkit_run(w, 300 * SECOND);
	assert_int_equal(w->b.got, 0);
	assert_int_equal(w->a.failed + w->b.failed + w->b.eofs, 0);
	netkit_send(&w->b, 0, 10);
	netkit_run(w, 301 * SECOND);
	assert_int_equal(w->a.got, 10);
	netkit_drop(w);
}

static void test_refusing_cut_lets_old_connections_live(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	sim_net_cut(w->net, w->a.host, w->b.host, SIM_CUT_REFUSE);
	netkit_dial(&w->a, &w->b, 0);
	netkit_send(&w->a, 0, 100);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.err, SY_DIAL_REFUSED);
	assert_int_equal(w->b.got, 100);
	sim_net_heal(w->net);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 2 * SECOND);
	assert_int_equal(w->a.num_socks, 2);
	netkit_drop(w);
}

static void test_reset_of_a_pair_fails_both_sides_at_once(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_dial(&w->c, &w->b, 0);
	netkit_run(w, 300 * MS);
	netkit_send(&w->a, 0, 1000);
	sim_net_reset(w->net, w->b.host, w->a.host);
	netkit_run(w, 300 * MS);
	assert_int_equal(w->a.failed, 2);
	assert_int_equal(w->b.failed, 2);
	assert_int_equal(w->c.failed, 0);
	assert_int_equal(w->b.got, 0);
	struct sim_net_stats stats;
	sim_net_stats(w->net, &stats);
	assert_int_equal(stats.resets, 4);
	netkit_drop(w);
}

static void test_link_parameters_of_a_direction_can_change(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	struct sim_link_params slow = config.link;
	slow.latency.a_ns = 500 * MS;
	slow.rate_bits = 8000;
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &slow), SY_OK);
	netkit_send(&w->a, 0, 1000);
	netkit_send(&w->b, 0, 1000);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->b.last_ns, 1600 * MS);
	assert_int_equal(w->a.last_ns, 120 * MS);
	netkit_send(&w->a, 0, 100000); /* 100 s at this rate */
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
	netkit_run(w, 100 * SECOND);
	assert_int_equal(w->b.got, 101000);
	slow.loss_ppm = 1000001;
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &slow), SY_INVALID);
	netkit_drop(w);
}

static void test_link_parameters_set_and_taken_back_need_no_more_memory(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_connected(1, &config);
	struct sim_link_params slow = config.link;
	for (uint64_t i = 1; i <= 1000; i++) {
		slow.latency.a_ns = i * MS;
		assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
		assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
		assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, &slow), SY_OK);
	}
	assert_int_equal(w->net->num_own_kinds, 1);
	uint64_t now = w->engine->now_ns;
	netkit_send(&w->a, 0, 10);
	netkit_run(w, now + 10 * SECOND);
	assert_int_equal(w->b.last_ns, now + SECOND);
	assert_int_equal(sim_link_set(w->net, w->a.host, w->b.host, NULL), SY_OK);
	now = w->engine->now_ns;
	netkit_send(&w->a, 0, 10);
	netkit_run(w, now + 10 * SECOND);
	assert_int_equal(w->b.last_ns, now + config.link.latency.a_ns);
	netkit_drop(w);
}

/* --- the host's other services --- */

static void test_listen_reports_addresses_in_use_and_not_ours(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
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
	netkit_drop(w);
}

static void test_wake_comes_once_at_its_time(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	const struct tp_ops *ops = w->a.tp->ops;
	ops->wake_at(w->a.tp, 5 * SECOND);
	ops->wake_at(w->a.tp, 3 * SECOND);
	netkit_run(w, 4 * SECOND);
	assert_int_equal(w->a.wakes, 1);
	assert_int_equal(w->a.event_ns, 3 * SECOND);
	ops->wake_at(w->a.tp, SECOND); /* past: at once */
	netkit_run(w, 4 * SECOND);
	assert_int_equal(w->a.wakes, 2);
	ops->wake_at(w->a.tp, 5 * SECOND);
	ops->wake_at(w->a.tp, UINT64_MAX);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(w->a.wakes, 2);
	assert_int_equal(ops->now_ns(w->a.tp), 10 * SECOND);
	assert_int_equal(ops->wall_ns(w->a.tp), 1767225610 * SECOND);
	netkit_drop(w);
}

static void test_names_resolve_to_what_was_set_or_to_hosts(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	struct sy_netaddr addrs[2] = {{.ip = {[15] = 1}}, {.ip = {[15] = 2}}};
	assert_int_equal(sim_net_dns_set(w->net, "seed.example", addrs, 1), SY_OK);
	assert_int_equal(sim_net_dns_set(w->net, "seed.example", addrs, 2), SY_OK);
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "seed.example"), SY_OK);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.resolves, 1);
	assert_int_equal(w->a.num_addrs, 2);
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_OK);
	netkit_run(w, 2 * SECOND);
	struct sy_netaddr b;
	sim_host_address(w->b.host, &b);
	assert_memory_equal(w->a.remote.ip, b.ip, 16);
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "nobody.example"), SY_OK);
	netkit_run(w, 3 * SECOND);
	assert_int_equal(w->a.err, SY_DNS);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_OK);
	}
	assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_LIMIT);
	w->a.tp->ops->fini(w->a.tp);
	netkit_run(w, 4 * SECOND);
	assert_int_equal(w->a.resolves, 3);
	netkit_drop(w);
}

static void test_hosts_have_public_addresses_in_groups_of_their_own(void **state)
{
	enum { HOSTS = 3000 };
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
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
	netkit_drop(w);
}

static void test_regions_give_the_latency(void **state)
{
	static const char *const names[] = {"us-east", "ap-southeast"};
	struct sim_net_config config = netkit_config();
	config.regions = names;
	config.num_regions = 2;
	struct netkit *w = netkit_make(1, &config);
	assert_string_equal(sim_host_region(w->a.host), "us-east");
	assert_string_equal(sim_host_region(w->b.host), "ap-southeast");
	netkit_dial(&w->a, &w->b, 0);
	netkit_dial(&w->c, &w->c, 0);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.at[0], 2 * sim_region_latency_ns(sim_region_find("us-east"), sim_region_find("ap-southeast")));
	for (int i = 0; i < SIM_REGIONS; i++) {
		assert_int_equal(sim_region_find(sim_region_name(i)), i);
		for (int j = 0; j < SIM_REGIONS; j++) {
			assert_int_equal(sim_region_latency_ns(i, j), sim_region_latency_ns(j, i));
			assert_true(sim_region_latency_ns(i, j) > 0);
		}
	}
	netkit_drop(w);
}

static void test_net_refuses_what_it_cannot_model(void **state)
{
	struct sim_engine *e = sim_engine_new(1);
	struct sim_net *net = NULL;
	const char *what = NULL;
	struct sim_net_config config = netkit_config();
	static const char *const names[] = {"atlantis"};
	config = netkit_config();
	config.regions = names;
	config.num_regions = 1;
	assert_int_equal(sim_net_new(&net, e, &config, &what), SY_INVALID);
	config = netkit_config();
	config.link.loss_ppm = 1000001;
	assert_int_equal(sim_net_new(&net, e, &config, &what), SY_INVALID);
	config = netkit_config();
	config.link.mtu = 67;
	assert_int_equal(sim_net_new(&net, e, &config, NULL), SY_INVALID);
	assert_null(net);
	sim_engine_free(e);
}

static void test_idle_connection_end_is_small(void **state)
{
	struct sim_net_config config = netkit_config();
	struct netkit *w = netkit_make(1, &config);
	assert_true(sim_net_socket_memory(w->net) <= 256);
	netkit_drop(w);
}

/* --- determinism --- */

static uint64_t busy_run(uint64_t seed, bool with_c)
{
	struct sim_net_config config = netkit_config();
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_NORMAL, .a_ns = 20 * MS, .b_ns = 3 * MS};
	config.link.loss_ppm = 20000;
	config.link.rate_bits = 50000000;
	struct netkit *w = netkit_make(seed, &config);
	w->b.echo = true;
	for (int i = 0; i < 5; i++) {
		netkit_dial(&w->a, &w->b, 0);
	}
	if (with_c) {
		netkit_dial(&w->c, &w->a, 0);
	}
	netkit_run(w, 20 * SECOND);
	for (int i = 0; i < w->a.num_socks; i++) {
		netkit_send(&w->a, i, 40000);
	}
	sim_net_cut(w->net, w->b.host, w->a.host, SIM_CUT_HOLD);
	netkit_run(w, 21 * SECOND);
	sim_net_heal(w->net);
	netkit_run(w, 60 * SECOND);
	assert_int_equal(w->a.got, 40000 * (size_t)w->a.num_socks);
	uint64_t hash = with_c ? w->a.last_ns : sim_net_hash(w->net);
	netkit_drop(w);
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
	struct sim_net_config config = netkit_config();
	config.link.latency = (struct sim_dist){.kind = SIM_DIST_UNIFORM, .a_ns = 10 * MS, .b_ns = 30 * MS};
	config.link.loss_ppm = 50000;
	uint64_t last[2];
	for (int others = 0; others < 2; others++) {
		struct netkit *w = netkit_make(9, &config);
		netkit_listen(&w->a);
		if (others) {
			netkit_dial(&w->c, &w->b, 0);
			netkit_dial(&w->c, &w->a, 0);
		}
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, 20 * SECOND);
		assert_int_equal(w->b.num_socks, 1 + others);
		int mine = w->a.num_socks - 1;
		for (int i = 0; i < 50; i++) {
			/* Without c, a's only socket is the one that it has dialled. */
			netkit_send(&w->a, others ? (w->a.at[0] < w->a.at[mine] ? mine : 0) : 0, 100);
			netkit_run(w, w->engine->now_ns + 10 * MS);
		}
		netkit_run(w, 40 * SECOND);
		last[others] = others ? last[0] : w->b.last_ns;
		netkit_drop(w);
	}
	assert_int_equal(last[0], last[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	    cmocka_unit_test(test_link_parameters_set_and_taken_back_need_no_more_memory),
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
