/* The simulated world: keys, starts and ends of nodes, timers, the hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "sim/world/world.h"

#define SECOND 1000000000ull

struct heard {
	uint32_t up, down, started, stopped;
	struct world_node *crash_on_up, *stop_on_up;
};

static void on_up(void *ctx, struct world_node *n, const struct sy_output *out)
{
	struct heard *h = ctx;

	h->up++;
	if (h->crash_on_up == n)
		world_node_crash(n);
	if (h->stop_on_up == n)
		world_node_stop(n);
}

static void on_down(void *ctx, struct world_node *n, const struct sy_output *out)
{
	((struct heard *)ctx)->down++;
}

static void on_started(void *ctx, struct world_node *n, enum sy_err err)
{
	((struct heard *)ctx)->started++;
}

static void on_stopped(void *ctx, struct world_node *n)
{
	((struct heard *)ctx)->stopped++;
}

static struct world *make_world(uint64_t seed, enum world_kind kind, struct heard *heard)
{
	struct world_options options = {.kind = kind, .seed = seed, .null_crypto = kind == WORLD_SIM};
	struct world_listener listener = {.ctx = heard, .peer_up = on_up, .peer_down = on_down, .started = on_started, .stopped = on_stopped};
	const char *what = NULL;
	struct world *w;

	memset(heard, 0, sizeof *heard);
	assert_int_equal(world_new(&w, &options, &listener, &what), SY_OK);
	return w;
}

static struct world_node *add(struct world *w, const char *name, const char *persistent)
{
	struct world_node_config config = {.name = name};
	const char *const peers[] = {persistent};
	struct world_node *n;
	const char *what = NULL;

	sy_config_init(&config.p2p, SY_PROFILE_DEFAULT);
	config.p2p.network = "test";
	if (persistent != NULL) {
		config.p2p.persistent_peers = peers;
		config.p2p.num_persistent_peers = 1;
	}
	enum sy_err err = world_node_add(w, &config, &n, &what);
	if (err != SY_OK)
		print_message("%s\n", what == NULL ? "?" : what);
	assert_int_equal(err, SY_OK);
	return n;
}

static const char *address(const struct world_node *n, char text[SY_ADDR_TEXT])
{
	struct sy_netaddr addr;

	world_node_address(n, &addr);
	sy_netaddr_format(&addr, text);
	return text;
}

struct pair {
	struct world *w;
	struct world_node *a, *b;
};

/* Two nodes, a dials b. */
static struct pair make_pair(uint64_t seed, enum world_kind kind, struct heard *heard)
{
	struct pair p = {.w = make_world(seed, kind, heard)};
	char text[SY_ADDR_TEXT];

	p.b = add(p.w, "b", NULL);
	p.a = add(p.w, "a", address(p.b, text));
	assert_int_equal(world_node_start(p.a), SY_OK);
	assert_int_equal(world_node_start(p.b), SY_OK);
	return p;
}

static uint64_t hash_of_run(uint64_t seed)
{
	struct heard heard;
	struct pair p = make_pair(seed, WORLD_SIM, &heard);

	assert_true(world_run(p.w, 20 * SECOND, UINT64_MAX));
	assert_int_equal(heard.up, 2);
	uint64_t hash = world_hash(p.w);
	world_free(p.w);
	return hash;
}

static void test_world_two_nodes_become_peers(void **state)
{
	struct heard heard;
	struct pair p = make_pair(1, WORLD_SIM, &heard);
	struct world_stats stats;

	assert_true(world_run(p.w, 20 * SECOND, UINT64_MAX));
	assert_int_equal(world_now_ns(p.w), 20 * SECOND);
	assert_int_equal(sy_node_counts(world_node_core(p.a)).outbound, 1);
	assert_int_equal(sy_node_counts(world_node_core(p.b)).inbound, 1);
	world_stats(p.w, &stats);
	assert_true(stats.events > 10);
	assert_true(stats.node_memory > 1000);
	assert_true(stats.frames_sealed > 0);
	world_free(p.w);
}

static void test_world_hash_is_a_function_of_the_seed(void **state)
{
	uint64_t one = hash_of_run(1);

	assert_true(one == hash_of_run(1));
	assert_false(one == hash_of_run(2));
}

static void test_world_keys_are_a_function_of_seed_and_name(void **state)
{
	struct heard heard;
	struct world *w1 = make_world(1, WORLD_SIM, &heard), *w2 = make_world(1, WORLD_SIM, &heard), *w3 = make_world(2, WORLD_SIM, &heard);
	struct sy_netaddr a1, b2, a2, a3;

	add(w2, "b", NULL);
	world_node_address(add(w1, "a", NULL), &a1);
	world_node_address(add(w2, "a", NULL), &a2);
	world_node_address(world_node_at(w2, 0), &b2);
	world_node_address(add(w3, "a", NULL), &a3);
	assert_memory_equal(a1.id.b, a2.id.b, SY_ID_BYTES);
	assert_memory_not_equal(a1.id.b, b2.id.b, SY_ID_BYTES);
	assert_memory_not_equal(a1.id.b, a3.id.b, SY_ID_BYTES);
	world_free(w1);
	world_free(w2);
	world_free(w3);
}

static void test_world_node_add_refuses_a_name_twice(void **state)
{
	struct heard heard;
	struct world *w = make_world(1, WORLD_SIM, &heard);
	struct world_node_config config = {.name = "a"};
	struct world_node *n;
	const char *what = NULL;

	add(w, "a", NULL);
	sy_config_init(&config.p2p, SY_PROFILE_DEFAULT);
	assert_int_equal(world_node_add(w, &config, &n, &what), SY_INVALID);
	assert_non_null(strstr(what, "\"a\""));
	world_free(w);
}

static void test_world_node_restarts_after_stop_and_crash(void **state)
{
	struct heard heard;
	struct pair p = make_pair(3, WORLD_SIM, &heard);

	assert_true(world_run(p.w, 20 * SECOND, UINT64_MAX));
	assert_int_equal(world_node_start(p.b), SY_INVALID);
	world_node_stop(p.b);
	assert_false(world_node_running(p.b));
	assert_int_equal(heard.stopped, 1);
	assert_int_equal(world_node_start(p.b), SY_OK);
	assert_true(world_run(p.w, 120 * SECOND, UINT64_MAX));
	assert_int_equal(sy_node_counts(world_node_core(p.b)).total, 1);
	world_node_crash(p.b);
	assert_null(world_node_core(p.b));
	assert_int_equal(world_node_start(p.b), SY_OK);
	assert_true(world_run(p.w, 600 * SECOND, UINT64_MAX));
	assert_int_equal(sy_node_counts(world_node_core(p.b)).total, 1);
	world_free(p.w);
}

static void test_world_node_crash_from_inside_is_put_off(void **state)
{
	struct heard heard;
	struct pair p = make_pair(4, WORLD_SIM, &heard);

	heard.crash_on_up = p.b;
	assert_true(world_run(p.w, 20 * SECOND, UINT64_MAX));
	assert_false(world_node_running(p.b));
	assert_int_equal(heard.stopped, 1);
	world_free(p.w);
}

static void test_world_node_stop_from_inside_is_put_off(void **state)
{
	struct heard heard;
	struct pair p = make_pair(4, WORLD_SIM, &heard);

	heard.stop_on_up = p.b;
	assert_true(world_run(p.w, 20 * SECOND, UINT64_MAX));
	assert_false(world_node_running(p.b));
	assert_int_equal(heard.stopped, 1);
	world_free(p.w);
}

static void test_world_disk_keeps_the_book_until_it_is_lost(void **state)
{
	struct heard heard;
	struct pair p = make_pair(5, WORLD_SIM, &heard);

	assert_true(world_run(p.w, 20 * SECOND, UINT64_MAX));
	uint32_t known = sy_node_book_counts(world_node_core(p.a)).total;
	assert_true(known > 0);
	world_node_stop(p.a);
	assert_int_equal(world_node_start(p.a), SY_OK);
	assert_int_equal(sy_node_book_counts(world_node_core(p.a)).total, known);
	world_node_stop(p.a);
	world_node_lose_disk(p.a);
	assert_int_equal(world_node_start(p.a), SY_OK);
	world_free(p.w);
}

struct order {
	struct world *w;
	char text[16];
	size_t n;
};
static void put_f(void *arg)
{
	struct order *o = arg;
	o->text[o->n++] = 'f';
}
static void put_s(void *arg)
{
	struct order *o = arg;
	o->text[o->n++] = 's';
}
static void put_o(void *arg)
{
	struct order *o = arg;
	o->text[o->n++] = 'o';
}
static void halt(void *arg)
{
	world_halt(((struct order *)arg)->w);
}

static void test_world_timers_fire_by_time_then_class(void **state)
{
	struct heard heard;
	struct order o = {.w = make_world(1, WORLD_SIM, &heard)};

	assert_non_null(world_at(o.w, SECOND, SIM_OBSERVER, put_o, &o));
	assert_non_null(world_at(o.w, SECOND, SIM_SCRIPT, put_s, &o));
	assert_non_null(world_at(o.w, SECOND, SIM_FAULT, put_f, &o));
	assert_non_null(world_at(o.w, SECOND / 2, SIM_SCRIPT, put_s, &o));
	world_cancel(o.w, world_at(o.w, SECOND / 4, SIM_SCRIPT, put_s, &o));
	assert_true(world_run(o.w, 2 * SECOND, UINT64_MAX));
	assert_string_equal(o.text, "sfso");
	world_free(o.w);
}

static void test_world_observers_leave_no_mark_on_the_hash(void **state)
{
	struct heard heard;
	struct order with = {.w = make_world(1, WORLD_SIM, &heard)}, without = {.w = make_world(1, WORLD_SIM, &heard)};

	assert_non_null(world_at(with.w, SECOND, SIM_OBSERVER, put_o, &with));
	assert_true(world_run(with.w, 2 * SECOND, UINT64_MAX));
	assert_true(world_run(without.w, 2 * SECOND, UINT64_MAX));
	assert_true(world_hash(with.w) == world_hash(without.w));
	world_free(with.w);
	world_free(without.w);
}

static void test_world_run_ends_at_halt(void **state)
{
	struct heard heard;
	struct order o = {.w = make_world(1, WORLD_SIM, &heard)};

	assert_non_null(world_at(o.w, SECOND, SIM_SCRIPT, halt, &o));
	assert_false(world_run(o.w, 2 * SECOND, UINT64_MAX));
	assert_int_equal(world_now_ns(o.w), SECOND);
	world_free(o.w);
}

static void test_world_new_refuses_null_crypto_over_tcp(void **state)
{
	struct world_options options = {.kind = WORLD_TCP, .null_crypto = true};
	struct world_listener listener = {0};
	const char *what = NULL;
	struct world *w;

	assert_int_equal(world_new(&w, &options, &listener, &what), SY_INVALID);
	assert_null(w);
	assert_non_null(what);
}

static void test_world_tcp_refuses_what_only_a_simulator_can(void **state)
{
	struct heard heard;
	struct world *w = make_world(1, WORLD_TCP, &heard);
	struct sim_net_config config = {.link = {.loss_ppm = 1000}};
	const char *what = NULL;

	assert_int_equal(world_network(w, &config, &what), SY_INVALID);
	assert_non_null(strstr(what, "loss"));
	assert_int_equal(world_heal(w, &what), SY_INVALID);
	assert_non_null(strstr(what, "simulator"));
	assert_true(world_hash(w) == 0);
	world_free(w);
}

static void halt_when_up(void *arg)
{
	struct pair *p = arg;

	if (sy_node_counts(world_node_core(p->a)).outbound == 1 && sy_node_counts(world_node_core(p->b)).inbound == 1)
		world_halt(p->w);
	else
		assert_non_null(world_at(p->w, world_now_ns(p->w) + SECOND / 100, SIM_SCRIPT, halt_when_up, p));
}

static void test_world_tcp_two_nodes_become_peers(void **state)
{
	struct heard heard;
	struct pair p = make_pair(1, WORLD_TCP, &heard);

	assert_non_null(world_at(p.w, 0, SIM_SCRIPT, halt_when_up, &p));
	assert_false(world_run(p.w, 30 * SECOND, UINT64_MAX));
	assert_int_equal(heard.up, 2);
	/* two round trips at least lie in the dial and the handshake */
	assert_true(world_now_ns(p.w) >= SECOND * 4 * 20 / 1000);
	world_node_stop(p.a);
	assert_false(world_node_running(p.a));
	world_free(p.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_world_two_nodes_become_peers),
	    cmocka_unit_test(test_world_hash_is_a_function_of_the_seed),
	    cmocka_unit_test(test_world_keys_are_a_function_of_seed_and_name),
	    cmocka_unit_test(test_world_node_add_refuses_a_name_twice),
	    cmocka_unit_test(test_world_node_restarts_after_stop_and_crash),
	    cmocka_unit_test(test_world_node_crash_from_inside_is_put_off),
	    cmocka_unit_test(test_world_node_stop_from_inside_is_put_off),
	    cmocka_unit_test(test_world_disk_keeps_the_book_until_it_is_lost),
	    cmocka_unit_test(test_world_timers_fire_by_time_then_class),
	    cmocka_unit_test(test_world_observers_leave_no_mark_on_the_hash),
	    cmocka_unit_test(test_world_run_ends_at_halt),
	    cmocka_unit_test(test_world_new_refuses_null_crypto_over_tcp),
	    cmocka_unit_test(test_world_tcp_refuses_what_only_a_simulator_can),
	    cmocka_unit_test(test_world_tcp_two_nodes_become_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
