/* Faults as a plan: kept, given to another run, drawn from the seed. */
#include <stdlib.h>
#include <string.h>

#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

#define NODES                                                               \
	"network { latency = '20ms' }\n"                                        \
	"local a = node { name = 'a' }\n"                                       \
	"local b = node { name = 'b', p2p = { persistent_peers = { 'a' } } }\n" \
	"local c = node { name = 'c', p2p = { persistent_peers = { 'a' } } }\n" \
	"local all = group(a, b, c)\n"                                          \
	"start(a, b, c)\n"

#define FAULTS                                                                                                              \
	NODES                                                                                                                   \
	"at('10s', function() reset(a, b) partition({ a }, group(b, c), { one_way = true }) end)\n"                             \
	"at('20s', function() c:restart { after = '5s', crash = true, lose_disk = true } end)\n"                                \
	"at('30s', function() heal() link { from = 'a', to = { b }, latency = { 'uniform', from = '1ms', to = '2ms' } } end)\n" \
	"run_for '1m'\n"

struct run {
	char *plan;
	uint64_t hash;
	size_t faults;
	uint64_t resets;
	enum scenario_status ran;
	char error[SCENARIO_ERROR_TEXT];
};

/* Runs the script, with a plan if there is one. */
static struct run run(const char *text, const char *plan, uint64_t seed)
{
	struct scenario_kit k;
	struct run r = {0};
	void *state;
	char path[512];

	assert_int_equal(temp_dir_setup(&state), 0);
	if (plan != NULL)
		temp_write(temp_path(state, "plan.json", path), plan);
	struct scenario_options o = {.seed = seed, .null_crypto = true, .crypto_given = true, .plan = plan == NULL ? NULL : path};
	scenario_kit_run(&k, text, &o);
	r.ran = k.ran;
	snprintf(r.error, sizeof r.error, "%s", k.error);
	if (k.r != NULL && k.ran == SCENARIO_OK) {
		struct world_stats stats;

		world_stats(scenario_world(k.s), &stats);
		r.hash = world_hash(scenario_world(k.s));
		r.faults = k.r->num_faults;
		r.resets = stats.net.resets;
		r.plan = k.r->plan == NULL ? NULL : strdup(k.r->plan);
	}
	scenario_kit_free(&k);
	assert_int_equal(temp_dir_teardown(&state), 0);
	return r;
}

static void test_plan_whole_repeats_the_run(void **state)
{
	struct run first = run(FAULTS, NULL, 1), again = run(FAULTS, first.plan, 1);

	assert_int_equal(first.ran, SCENARIO_OK);
	assert_int_equal(first.faults, 5);
	assert_int_equal(again.faults, 5);
	assert_true(again.hash == first.hash);
	assert_string_equal(again.plan, first.plan);
	assert_non_null(strstr(first.plan, "{\"at_ns\": 10000000000, \"op\": \"reset\", \"args\": [\"a\", \"b\"], \"by\": \"script\"}"));
	assert_non_null(strstr(first.plan, "\"args\": [[\"a\"], [\"b\", \"c\"], {\"one_way\": true}]"));
	assert_non_null(strstr(first.plan, "{\"1\": \"uniform\", \"from\": \"1ms\", \"to\": \"2ms\"}"));
	free(first.plan);
	free(again.plan);
}

static void test_plan_without_an_operation_leaves_it_out(void **state)
{
	struct run first = run(FAULTS, NULL, 1), none = run(FAULTS, "{\"version\": 1, \"operations\": []}", 1),
	           plain = run(NODES "run_for '1m'", NULL, 1);

	assert_true(first.resets > 0);
	assert_int_equal(none.ran, SCENARIO_OK);
	assert_int_equal(none.faults, 0);
	assert_int_equal(none.resets, 0);
	assert_null(none.plan);
	assert_int_equal(plain.resets, 0);
	free(first.plan);
}

static void test_plan_happens_without_being_asked_for(void **state)
{
	struct run first = run(FAULTS, NULL, 1), given = run(NODES "run_for '1m'", first.plan, 1);

	assert_int_equal(given.faults, 5);
	assert_int_equal(given.resets, first.resets);
	free(first.plan);
	free(given.plan);
}

static void expect_error(const char *plan, const char *phrase)
{
	struct run r = run(NODES "run_for '1m'", plan, 1);

	if (r.ran != SCENARIO_ERROR || strstr(r.error, phrase) == NULL)
		print_error("%s\nexpected: %s\n", r.error, phrase);
	assert_int_equal(r.ran, SCENARIO_ERROR);
	assert_non_null(strstr(r.error, phrase));
}

static void test_plan_that_makes_no_sense_is_refused(void **state)
{
	expect_error("{", "plan.json:1: ");
	expect_error("{\"version\": 2, \"operations\": []}", "no plan of this version");
	expect_error("{\"version\": 1, \"operations\": [{\"op\": \"heal\", \"args\": []}]}", "operation 1: at_ns wants nanoseconds");
	expect_error("{\"version\": 1, \"operations\": [{\"at_ns\": 1, \"op\": \"heel\", \"args\": []}]}",
	             "operation 1: there is no fault heel");
	expect_error("{\"version\": 1, \"operations\": [{\"at_ns\": 1, \"op\": \"heal\"}]}", "args wants the list of arguments");
	expect_error("{\"version\": 1, \"operations\": [{\"at_ns\": 1, \"op\": \"reset\", \"args\": [\"a\", \"x\"]}]}", "'x'");
	expect_error("{\"version\": 1, \"operations\": [{\"at_ns\": 1, \"op\": \"crash\", \"args\": [\"x\"]}]}", "there is no node 'x'");
}

#define CHAOS(ops) NODES "chaos { every = '5s', before = '5m', duration = { '1s', '20s' }, ops = " ops " }\n"

static void test_chaos_is_a_function_of_the_seed(void **state)
{
	struct run one = run(CHAOS("nil") "run_for '6m'", NULL, 1), same = run(CHAOS("nil") "run_for '6m'", NULL, 1);
	struct run other = run(CHAOS("nil") "run_for '6m'", NULL, 2), again = run(CHAOS("nil") "run_for '6m'", one.plan, 1);

	assert_true(one.faults > 40);
	assert_string_equal(one.plan, same.plan);
	assert_string_not_equal(one.plan, other.plan);
	assert_true(one.hash == same.hash);
	assert_true(one.hash == again.hash);
	free(one.plan);
	free(same.plan);
	free(other.plan);
	free(again.plan);
}

static void test_chaos_draws_each_word(void **state)
{
	static const char *const words[] = {"partition",   "blackhole", "refuse", "reset", "link",  "restart",     "syn_drop",
	                                    "hold",        "half_open", "pause",  "cpu",   "clock", "slow_reader", "short_io",
	                                    "unreachable", "power_off", "disk",   "rot",   "move",  "lose_key"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		char text[1024], op[64];

		snprintf(text, sizeof text, CHAOS("{ '%s' }") "run_for '6m'", words[i]);
		snprintf(op, sizeof op, "\"op\": \"%s\"", words[i]);
		struct run r = run(text, NULL, 1);
		if (r.ran != SCENARIO_OK)
			print_error("%s: %s\n", words[i], r.error);
		assert_int_equal(r.ran, SCENARIO_OK);
		assert_non_null(strstr(r.plan, op));
		free(r.plan);
	}
}

/* Who has another address or id is not found again by files that name it: such words are drawn only where they are asked for. */
static void test_chaos_of_addresses_and_keys_is_asked_for_and_replayed(void **state)
{
	struct run all = run(CHAOS("nil") "run_for '6m'", NULL, 3);
	struct run some = run(CHAOS("{ 'move', 'lose_key', 'reset' }") "run_for '6m'", NULL, 3);
	struct run again = run(CHAOS("{ 'move', 'lose_key', 'reset' }") "run_for '6m'", some.plan, 3);

	assert_null(strstr(all.plan, "\"op\": \"move\""));
	assert_null(strstr(all.plan, "\"op\": \"lose_key\""));
	assert_non_null(strstr(some.plan, "{\"home\": true}"));
	assert_true(some.faults > 40);
	assert_true(again.hash == some.hash);
	assert_string_equal(again.plan, some.plan);
	free(all.plan);
	free(some.plan);
	free(again.plan);
}

static void test_chaos_blocks_draw_for_themselves(void **state)
{
	struct run one = run(CHAOS("{ 'reset' }") "run_for '6m'", NULL, 1);
	struct run two =
	    run(CHAOS("{ 'reset' }") "chaos { every = '9s', before = '5m', ops = { refuse = 2, link = 1 } }\nrun_for '6m'", NULL, 1);
	char *line = strstr(one.plan, "{\"at_ns\"");

	while (line != NULL) { /* each operation of the first block is there with the second, too */
		char *end = strchr(line, '\n');
		bool last = end[-1] != ',';

		end[last ? 0 : -1] = '\0';
		assert_non_null(strstr(two.plan, line));
		line = last ? NULL : strstr(end + 1, "{\"at_ns\"");
	}
	free(one.plan);
	free(two.plan);
}

static void test_chaos_says_what_is_wrong(void **state)
{
	scenario_expect_error("chaos { before = '1m' }", 1, "there are none yet");
	scenario_expect_error("node { name = 'a' }\nchaos { every = '1s' }", 2, "before: the time at which no more faults begin");
	scenario_expect_error("node { name = 'a' }\nchaos { before = '1m', ops = { 'quake' } }", 2, "'quake' is no fault that can be drawn");
	scenario_expect_error("node { name = 'a' }\nchaos { before = '1m', duration = { '2s', '1s' } }", 2, "runs backwards");
	scenario_expect_error("node { name = 'a' }\nchaos { before = '1m', opps = {} }", 2, "ops");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plan_whole_repeats_the_run),
	    cmocka_unit_test(test_plan_without_an_operation_leaves_it_out),
	    cmocka_unit_test(test_plan_happens_without_being_asked_for),
	    cmocka_unit_test(test_plan_that_makes_no_sense_is_refused),
	    cmocka_unit_test(test_chaos_is_a_function_of_the_seed),
	    cmocka_unit_test(test_chaos_draws_each_word),
	    cmocka_unit_test(test_chaos_of_addresses_and_keys_is_asked_for_and_replayed),
	    cmocka_unit_test(test_chaos_blocks_draw_for_themselves),
	    cmocka_unit_test(test_chaos_says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
