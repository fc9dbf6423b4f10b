/* What a host does to its process, one thing at a time, as the driver sees it: the clock, points of buggify, another address. */
#include "core/wire/addr_class.h"
#include "sim/net/rough.h"
#include "tests/support/netkit.h"

static struct sim_net_config config_of(enum sim_tcp_model tcp)
{
	struct sim_net_config config = netkit_config();
	config.tcp = tcp;
	return config;
}

static void rough(struct netkit_user *u, enum sim_rough_kind kind, int64_t value)
{
	assert_int_equal(sim_host_rough(u->host, kind, value), SY_OK);
}

/* The point strikes at each occasion. */
static void always(struct netkit_user *u, enum sim_rare point)
{
	assert_int_equal(sim_host_buggify(u->host, 1u << point, 1000000), SY_OK);
}

/* --- clocks --- */

static void test_rough_clock_step_moves_the_wall_clock_and_no_timer(void **state)
{
	struct sim_net_config config = config_of(SIM_TCP_NONE);
	struct netkit *w = netkit_make(1, &config);
	const struct tp_ops *ops = w->a.tp->ops;
	const uint64_t epoch = ops->wall_ns(w->a.tp);
	netkit_run(w, SECOND);
	ops->wake_at(w->a.tp, 10 * SECOND);
	rough(&w->a, SIM_ROUGH_CLOCK_STEP, 3600 * (int64_t)SECOND);
	ops = w->a.tp->ops;
	assert_int_equal(ops->wall_ns(w->a.tp), epoch + 3601 * SECOND);
	assert_int_equal(ops->now_ns(w->a.tp), SECOND);
	rough(&w->a, SIM_ROUGH_CLOCK_STEP, -7200 * (int64_t)SECOND);
	assert_int_equal(ops->wall_ns(w->a.tp), epoch - 3599 * SECOND);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(w->a.wakes, 1);
	assert_int_equal(w->a.event_ns, 10 * SECOND);
	assert_int_equal(ops->now_ns(w->a.tp), 20 * SECOND);
	assert_int_equal(w->b.tp->ops->wall_ns(w->b.tp), epoch + 20 * SECOND); /* nobody else's */
	netkit_drop(w);
}

static void test_rough_clock_drift_bends_both_clocks_and_timers(void **state)
{
	struct sim_net_config config = config_of(SIM_TCP_NONE);
	struct netkit *w = netkit_make(1, &config);
	rough(&w->a, SIM_ROUGH_CLOCK_DRIFT, 100000); /* a tenth fast */
	const struct tp_ops *ops = w->a.tp->ops;
	const uint64_t epoch = ops->wall_ns(w->a.tp);
	ops->wake_at(w->a.tp, 11 * SECOND);
	netkit_run(w, 10 * SECOND);
	assert_int_equal(ops->now_ns(w->a.tp), 11 * SECOND);
	assert_int_equal(ops->wall_ns(w->a.tp), epoch + 11 * SECOND);
	assert_int_equal(w->a.wakes, 1);
	assert_int_equal(w->a.event_ns, 10 * SECOND);
	rough(&w->a, SIM_ROUGH_CLOCK_DRIFT, 0);
	netkit_run(w, 20 * SECOND);
	assert_int_equal(ops->now_ns(w->a.tp), 21 * SECOND); /* what was gained stays */
	netkit_drop(w);
}

/* --- points of buggify --- */

static void test_rough_spurious_writable_comes_unasked(void **state)
{
	for (int struck = 0; struck < 2; struck++) {
		struct sim_net_config config = config_of(SIM_TCP_SEGMENT);
		struct netkit *w = netkit_connected(1, &config);
		if (struck) {
			always(&w->b, SIM_RARE_SPURIOUS);
		}
		netkit_send(&w->a, 0, 100);
		netkit_run(w, SECOND);
		assert_int_equal(w->b.got, 100);
		assert_int_equal(w->b.writables, struck); /* b has written nothing and asked for no room */
		netkit_drop(w);
	}
}

static void test_rough_no_room_is_over_soon(void **state)
{
	struct sim_net_config config = config_of(SIM_TCP_NONE);
	struct netkit *w = netkit_connected(1, &config);
	always(&w->a, SIM_RARE_NO_ROOM);
	assert_int_equal(w->a.tp->ops->room(w->a.tp, w->a.sock[0]), 0);
	netkit_run(w, 200 * MS);
	assert_int_equal(w->a.writables, 1);
	assert_in_range(w->a.event_ns, 100 * MS, 101 * MS + 1);
	assert_int_equal(sim_host_buggify(w->a.host, 0, 0), SY_OK);
	assert_true(w->a.tp->ops->room(w->a.tp, w->a.sock[0]) > 0);
	netkit_drop(w);
}

static void test_rough_short_writes_and_reads_take_a_part(void **state)
{
	struct sim_net_config config = config_of(SIM_TCP_NONE);
	struct netkit *w = netkit_connected(3, &config);
	always(&w->a, SIM_RARE_SHORT_WRITE);
	size_t took = netkit_send(&w->a, 0, 1000);
	assert_in_range(took, 1, 999);
	netkit_run(w, SECOND);
	assert_int_equal(w->a.writables, 1); /* there is room for the rest */
	assert_int_equal(w->b.got, took);
	netkit_drop(w);
}

static void test_rough_events_and_timers_are_late_within_their_bounds(void **state)
{
	struct sim_net_config config = config_of(SIM_TCP_NONE);
	uint64_t latest_event = 0, latest_timer = 0;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct netkit *w = netkit_make(seed, &config);
		always(&w->a, SIM_RARE_LATE_EVENT);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, SECOND);
		assert_in_range(w->a.at[0], 40 * MS, 90 * MS);
		latest_event = w->a.at[0] > latest_event ? w->a.at[0] : latest_event;
		always(&w->a, SIM_RARE_LATE_TIMER);
		w->a.tp->ops->wake_at(w->a.tp, 2 * SECOND);
		netkit_run(w, 3 * SECOND);
		assert_int_equal(w->a.wakes, 1);
		assert_in_range(w->a.event_ns, 2 * SECOND, 2020 * MS);
		latest_timer = w->a.event_ns > latest_timer ? w->a.event_ns : latest_timer;
		netkit_drop(w);
	}
	/* Of forty even draws the greatest lies in the upper quarter, but for one time in a hundred thousand. */
	assert_true(latest_event > 77 * MS && latest_timer > 2015 * MS);
}

/* --- another address --- */

static const uint8_t elsewhere[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 77};

static void test_move_listens_at_the_new_address_and_not_at_the_old(void **state)
{
	static const enum sim_tcp_model models[] = {SIM_TCP_NONE, SIM_TCP_SEGMENT, SIM_TCP_FLOW};
	for (size_t m = 0; m < 3; m++) {
		struct sim_net_config config = config_of(models[m]);
		struct netkit *w = netkit_make(1, &config);
		struct sy_netaddr old, now;
		sim_host_address(w->b.host, &old);
		old.port = PORT;
		assert_int_equal(sim_host_move(w->b.host, elsewhere), SY_OK);
		sim_host_address(w->b.host, &now);
		assert_memory_equal(now.ip, elsewhere, 16);
		netkit_dial(&w->a, &w->b, 0);
		netkit_run(w, SECOND);
		assert_int_equal(w->a.num_socks, 1);
		assert_int_equal(w->c.tp->ops->dial(w->c.tp, 1, &old, 2 * SECOND), SY_OK);
		netkit_dial(&w->b, &w->b, 0);
		netkit_run(w, 5 * SECOND);
		assert_int_equal(w->c.err, SY_DIAL_TIMEOUT); /* nobody is there: not even a refusal */
		assert_int_equal(w->a.tp->ops->resolve(w->a.tp, 7, "b"), SY_OK);
		netkit_run(w, 6 * SECOND);
		assert_memory_equal(w->a.remote.ip, elsewhere, 16); /* its own name follows */
		assert_int_equal(sim_host_move(w->b.host, elsewhere), SY_IN_USE);
		assert_int_equal(sim_host_move(w->c.host, elsewhere), SY_IN_USE);
		netkit_drop(w);
	}
}

static void test_move_leaves_connections_that_nobody_hears_on(void **state)
{
	static const enum sim_tcp_model models[] = {SIM_TCP_NONE, SIM_TCP_SEGMENT, SIM_TCP_FLOW};
	for (size_t m = 0; m < 3; m++) {
		struct sim_net_config config = config_of(models[m]);
		struct netkit *w = netkit_connected(1, &config);
		netkit_dial(&w->c, &w->b, 0);
		netkit_run(w, 200 * MS);
		netkit_send(&w->b, 0, 100);
		netkit_send(&w->a, 0, 50);
		netkit_run(w, 201 * MS);
		assert_int_equal(sim_host_move(w->a.host, NULL), SY_OK);
		netkit_send(&w->a, 0, 100);
		netkit_send(&w->b, 0, 1000);
		netkit_send(&w->c, 0, 100);
		netkit_run(w, 10 * SECOND);
		assert_int_equal(w->a.got, 0);
		assert_int_equal(w->b.got, 150); /* what was under way from a, and of c, which has not moved */
		assert_int_equal(w->a.failed + w->b.failed + w->a.eofs + w->b.eofs, 0);
		netkit_dial(&w->a, &w->b, 0); /* a new one, from the new address */
		netkit_run(w, 11 * SECOND);
		struct sy_netaddr a;
		sim_host_address(w->a.host, &a);
		assert_int_equal(w->a.num_socks, 2);
		assert_memory_equal(w->b.remote.ip, a.ip, 16);
		netkit_send(&w->a, 1, 50);
		netkit_run(w, 4000 * SECOND);
		assert_int_equal(w->b.got, 200);
		/* Kernels give up what nobody acknowledges; without a model of TCP only the user does. */
		assert_int_equal(w->b.failed, models[m] == SIM_TCP_NONE ? 0 : 1);
		netkit_drop(w);
	}
}

static void test_move_draws_public_addresses_that_are_its_own(void **state)
{
	struct sim_net_config config = config_of(SIM_TCP_NONE);
	uint64_t hash[2];
	for (int run = 0; run < 2; run++) {
		struct netkit *w = netkit_make(1, &config);
		struct sy_netaddr before, after;
		for (int i = 0; i < 1000; i++) {
			sim_host_address(w->a.host, &before);
			assert_int_equal(sim_host_move(w->a.host, NULL), SY_OK);
			sim_host_address(w->a.host, &after);
			assert_memory_not_equal(before.ip, after.ip, 16);
			assert_true(sy_ip_routable(&after));
		}
		hash[run] = sim_net_hash(w->net);
		netkit_drop(w);
	}
	assert_int_equal(hash[0], hash[1]);
}

static void test_move_while_dialling_ends_in_silence(void **state)
{
	static const enum sim_tcp_model models[] = {SIM_TCP_NONE, SIM_TCP_SEGMENT};
	for (size_t m = 0; m < 2; m++) {
		for (int both = 0; both < 2; both++) {
			struct sim_net_config config = config_of(models[m]);
			struct netkit *w = netkit_make(1, &config);
			netkit_dial(&w->a, &w->b, 5 * SECOND);
			netkit_run(w, both ? 30 * MS : 10 * MS); /* the SYN, or its answer, is under way */
			assert_int_equal(sim_host_move(both ? w->a.host : w->b.host, NULL), SY_OK);
			netkit_run(w, 10 * SECOND);
			assert_int_equal(w->a.failed_dials, 1);
			assert_int_equal(w->a.err, SY_DIAL_TIMEOUT);
			assert_int_equal(w->b.num_socks, 0);
			netkit_drop(w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rough_clock_step_moves_the_wall_clock_and_no_timer),
	    cmocka_unit_test(test_rough_clock_drift_bends_both_clocks_and_timers),
	    cmocka_unit_test(test_rough_spurious_writable_comes_unasked),
	    cmocka_unit_test(test_rough_no_room_is_over_soon),
	    cmocka_unit_test(test_rough_short_writes_and_reads_take_a_part),
	    cmocka_unit_test(test_rough_events_and_timers_are_late_within_their_bounds),
	    cmocka_unit_test(test_move_listens_at_the_new_address_and_not_at_the_old),
	    cmocka_unit_test(test_move_leaves_connections_that_nobody_hears_on),
	    cmocka_unit_test(test_move_draws_public_addresses_that_are_its_own),
	    cmocka_unit_test(test_move_while_dialling_ends_in_silence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
