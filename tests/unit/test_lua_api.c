#include <stdio.h>
#include <stdlib.h>

#include "sim/lua/host.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

/* A scenario in tests/data/lua that checks itself. */
static void data_file_holds(const char *name)
{
	struct scenario_kit k;
	scenario_kit_file(&k, name, NULL);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
}

static void test_api_groups_answer_to_what_nodes_answer(void **state)
{
	data_file_holds("groups.lua");
}

static void test_api_faults_cut_and_heal(void **state)
{
	data_file_holds("faults.lua");
}

static void test_api_books_are_there_at_the_first_start(void **state)
{
	data_file_holds("books.lua");
	scenario_expect_error("node { name = 'a', book = 7 }", 1, "node: book: entries are nodes, groups, names of nodes or id@host:port");
	scenario_expect_error("node { name = 'a', book = { 'nobody' } }:start() run_for '1s'", 1, "book: there is no node 'nobody'");
	scenario_expect_error("node { name = 'a', book = { 'x@y' } }:start() run_for '1s'", 1, "book: 'x@y' is no id@ip:port");
}

static void test_api_reactors_send_wait_and_stop(void **state)
{
	data_file_holds("reactors.lua");
}

static void test_api_scripts_as_printed_hold(void **state)
{
	static const char *const files[] = {"scenarios/reactor/echo.lua", "scenarios/fairness/shares.lua"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct scenario_kit k = {.loaded = SCENARIO_OK};
		struct scenario_options o = {.seed = 7, .null_crypto = true, .crypto_given = true};
		char below[128];
		snprintf(below, sizeof below, "../../../%s", files[i]);
		scenario_kit_file(&k, below, &o);
		scenario_kit_held(&k);
		scenario_kit_free(&k);
	}
}

/* ------------------------------------------------------------------ errors */

static void test_api_unknown_keys_name_the_nearest(void **state)
{
	scenario_expect_error("\nnetwork { latncy = '1ms' }", 2, "unknown key 'latncy'; the nearest known one is 'latency'");
	scenario_expect_error("node { name = 'a', p2p = { max_num_outbund_peers = 1 } }", 1, "'max_num_outbound_peers'");
	scenario_expect_error("node { nme = 'a' }", 1, "unknown key 'nme'; the nearest known one is 'name'");
	scenario_expect_error("reactor { name = 'r', channel = {} }", 1, "'channels'");
	scenario_expect_error("reactor { name = 'r', channels = { { id = 1, prioriti = 1 } } }", 1, "'priority'");
	scenario_expect_error("always { 'x', function() end, evry = 1 }", 1, "'every'");
	scenario_expect_error("at_end { 'x', function() end, within = 1 }", 1, "unknown key 'within'; it takes none");
	scenario_expect_error("plot { 'x', function() end, percentile = {} }", 1, "'percentiles'");
	scenario_expect_error("network { b = 1, a = 1 }", 1, "unknown key 'a'");
	scenario_expect_error("network { '1ms' }", 1, "takes no values without a key");
	scenario_expect_error("evntually {}", 1, "unknown name 'evntually'; the nearest known one is 'eventually'");
	scenario_expect_error("local a = node { name = 'a' } a:strt()", 1, "a node has no 'strt'; the nearest known name is 'start'");
	scenario_expect_error("nodes { count = 2 }:strt()", 1, "a group has no 'strt'; the nearest known name is 'start'");
	scenario_expect_error("node { name = 'a', profile = 'upstrem' }", 1, "'upstream'");
	scenario_expect_error("network { latency = 'nromal(1ms, 1ms)' }", 1, "the nearest known one is 'normal'");
	scenario_expect_error("network { latency = { 'uniform', form = '1ms' } }", 1, "'from'");
}

static void test_api_wrong_units_have_file_and_line(void **state)
{
	scenario_expect_error("\n\nnetwork { rate = '20ms' }", 3, "network: rate: \"20ms\": a rate has one of the units");
	scenario_expect_error("network { latency = '20Mbit' }", 1, "network: latency: \"20Mbit\": a time");
	scenario_expect_error("network { loss = '1s' }", 1, "network: loss:");
	scenario_expect_error("network { loss = 2 }", 1, "network: loss: 2 is not a fraction");
	scenario_expect_error("network { latency = 'uniform(5ms, 1ms)' }", 1, "'to' is less than 'from'");
	scenario_expect_error("network { latency = 'normal(5ms)' }", 1, "reads normal(mean, deviation)");
	scenario_expect_error("node { name = 'a', p2p = { pong_timeout = '5KiB' } }", 1, "p2p: pong_timeout:");
	scenario_expect_error("node { name = 'a', p2p = { send_rate = '5s' } }", 1, "p2p: send_rate:");
	scenario_expect_error("node { name = 'a', p2p = { pex = 1 } }", 1, "pex is true or false");
	scenario_expect_error("node { name = 'a', p2p = { max_num_inbound_peers = 1.5 } }", 1, "is a whole number");
	scenario_expect_error("run_for '1x'", 1, "a time has one of the units");
	scenario_expect_error("run_for {}", 1, "a number or a text with a unit is needed, not a table");
	scenario_expect_error("at('5Mbit', function() end)", 1, "at: ");
}

static void test_api_declarations_that_cannot_be_are_refused(void **state)
{
	scenario_expect_error("node { name = 'a' }\nnode { name = 'a' }", 2, "'a' is there already, made at");
	scenario_expect_error("node { name = 'a b' }", 1, "letters, digits");
	scenario_expect_error("node {}", 1, "name is missing");
	scenario_expect_error("nodes { name = 'n' }", 1, "count is missing");
	scenario_expect_error("node { name = 'a' }\nnetwork {}", 2, "stands before the first node");
	scenario_expect_error("network {}\nnetwork {}", 2, "it is described already, at");
	scenario_expect_error("node { name = 'a', region = 'mars' }", 1, "is not among the network's");
	scenario_expect_error("node { name = 'a', ip = '1.2.3' }", 1, "is no IP address");
	scenario_expect_error("node { name = 'a', reactors = { {} } }", 1, "is not what reactor {} made");
	scenario_expect_error("local R = reactor { name = 'r' } node { name = 'a', reactors = { R, R } }", 1, "two are named 'r'");
	scenario_expect_error("node { name = 'a', p2p = { seed_mode = true, pex = false } }", 1, "seed_mode needs pex");
	scenario_expect_error("local a = node { name = 'a', p2p = { persistent_peers = 'bb' } }\nnode { name = 'b' }\na:start() run_for(1)", 1,
	                      "persistent_peers: there is no node 'bb'; the nearest name is 'b'");
	scenario_expect_error("partition({ 'x' }, {})", 1, "there is no node 'x'");
	scenario_expect_error(
	    "local a, b = node { name = 'a' }, node { name = 'b' }\ntraffic { from = a, to = b, channel = 5, size = 1, saturate = true }", 2,
	    "node 'a' has no reactor with channel 5");
	scenario_expect_error("local a, b = node { name = 'a' }, node { name = 'b' }\ntraffic { from = a, to = b, channel = 5, size = 1 }", 2,
	                      "one of saturate, rate and interval");
	scenario_expect_error("local a = node { name = 'a' }\nmeasure { from = a, to = a }", 2, "the same node");
	scenario_expect_error("x = 1", 0, "the script ends without run_for");
	scenario_expect_error("run_for '1s'\nnetwork {}", 2, "comes too late");
}

static void test_api_observers_only_read(void **state)
{
	static const char head[] = "local R = reactor { name = 'r', channels = { { id = 1 } } }\n"
	                           "local a = node { name = 'a', reactors = { R } } start(a)\n";
	static const struct {
		const char *call, *phrase;
	} rows[] = {
	    {"a:stop()", "stop: a check, measure, plot or watch only reads"},
	    {"a:broadcast(1, 'x')", "broadcast: a check, measure, plot or watch only reads"},
	    {"math.random()", "math.random: a check, measure, plot or watch only reads"},
	    {"heal()", "heal: a check, measure, plot or watch only reads"},
	    {"spawn(function() end)", "spawn: a check, measure, plot or watch only reads"},
	    {"at('5s', function() end)", "at: a check, measure, plot or watch only reads"},
	    {"node { name = 'x' }", "node: a check, measure, plot or watch only reads"},
	    {"sleep(1)", "only a process may wait"},
	    {"group(a):random()", "only reads"},
	    {"a:start()", "start: a check, measure, plot or watch only reads"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];
		snprintf(text, sizeof text, "%salways { 'x', function() %s end } run_for '5s'", head, rows[i].call);
		scenario_expect_error(text, 3, rows[i].phrase);
		snprintf(text, sizeof text, "%splot { 'x', function() %s end } run_for '5s'", head, rows[i].call);
		scenario_expect_error(text, 3, rows[i].phrase);
	}
}

static void test_api_waiting_needs_a_process(void **state)
{
	scenario_expect_error("sleep '1s' run_for '1s'", 1, "only a process may wait");
	scenario_expect_error("at('1s', function()\n sleep '1s' end) run_for '2s'", 2, "only a process may wait");
	scenario_expect_error("spawn(function()\n coroutine.wrap(function() sleep '1s' end)() end) run_for '2s'", 2, "not in a coroutine");
	scenario_expect_error("spawn(function() coroutine.yield() end) run_for '2s'", 1, "coroutine.yield outside of a coroutine");
	scenario_expect_error("spawn(function() run_for '1s' end) run_for '2s'", 1, "only the script itself runs the world");
	scenario_expect_error("local a = node { name = 'a' }\na:stop() run_for '1s'", 2, "nothing runs before run_for");
}

static void test_api_errors_at_run_time_end_the_run(void **state)
{
	scenario_expect_error("at('1s', function()\n error 'boom' end) run_for '2s'", 2, "boom");
	scenario_expect_error("spawn(function() sleep '1s'\n local x = nil + 1 end) run_for '2s'", 2, "arithmetic");
	scenario_expect_error("local R = reactor { name = 'r' }\nfunction R:start() error 'in start' end\n"
	                      "start(node { name = 'a', reactors = { R } }) run_for '1s'",
	                      2, "in start");
	scenario_expect_error("at('1s', function() while true do end end) run_for '2s'", 1, "without giving way");
	scenario_expect_error("local a = node { name = 'a' } start(a)\nat('1s', function() a:start() end) run_for '2s'", 2, "runs already");
	scenario_expect_error("run_for '1s'\nerror 'after'", 2, "after");
	scenario_expect_error("local a = node { name = 'a' }\nstart(a, a) a:start() run_for '1s'", 2, "runs already");
}

/* ------------------------------------------------------------------ checks */

static void verdict(const char *check, bool held, const char *detail)
{
	char text[512];
	struct scenario_kit k;
	snprintf(text, sizeof text, "%s\nrun_for '10s'", check);
	scenario_kit_run(&k, text, NULL);
	assert_int_equal(k.ran, SCENARIO_OK);
	assert_int_equal(k.r->num_checks, 1);
	const struct scenario_check *c = &k.r->checks[0];
	if (c->held != held || strcmp(c->detail, detail) != 0)
		print_error("%s: %d %s\n", check, c->held, c->detail);
	assert_int_equal(c->held, held);
	assert_string_equal(c->detail, detail);
	assert_int_equal(k.r->verdict, held ? SCENARIO_HELD : SCENARIO_FAILED);
	scenario_kit_free(&k);
}

static void test_api_checks_say_when(void **state)
{
	verdict("always { 'x', function() return now() < 5 end }", false, "first failed at 5 s");
	verdict("always { 'x', function() return now() < 5, 'why' end }", false, "first failed at 5 s: why");
	verdict("always { 'x', function() return true end }", true, "held at 11 looks");
	verdict("always { 'x', after = '8s', function() return now() >= 8 end }", true, "held at 4 looks");
	verdict("always { 'x', within = '4s', function() return now() <= 4 end }", true, "held at 4 looks");
	verdict("never { 'x', every = '500ms', function() return now() >= 2.5 end }", false, "first happened at 2.5 s");
	verdict("never { 'x', function() return false end }", true, "held at 11 looks");
	verdict("eventually { 'x', function() return now() >= 3 end }", true, "held from 3 s");
	verdict("eventually { 'x', within = '2s', function() return now() >= 3 end }", false, "did not hold within 2 s");
	verdict("eventually { 'x', within = '2500ms', function() return now() >= 2.5 end }", true, "held from 2.5 s");
	verdict("eventually { 'x', after = '4s', within = '2s', function() return now() > 6 end }", false,
	        "did not hold within 2 s of its beginning");
	verdict("eventually { 'x', function() end }", false, "did not hold by the end");
	verdict("eventually { 'x', after = '20s', function() return true end }", false, "the run ended before it began");
	verdict("always { 'x', after = '20s', function() return true end }", false, "the run ended before it began");
	verdict("at_end { 'x', function() return now() == 10 end }", true, "held at the end");
	verdict("at_end { 'x', function() return false, 'so' end }", false, "did not hold at the end: so");
}

static void test_api_wait_that_times_out_is_a_failed_check(void **state)
{
	struct scenario_kit k;
	scenario_kit_run(&k,
	                 "spawn(function()\n wait_until(function() return false end, '2s')\n log 'never' end)\n"
	                 "local a, b = node { name = 'a' }, node { name = 'b' }\n"
	                 "spawn(function()\n a:wait_peer(b, '3s') end)\nat('5s', function() log 'on' end) run_for '10s'",
	                 NULL);
	assert_int_equal(k.ran, SCENARIO_OK);
	assert_int_equal(k.r->verdict, SCENARIO_FAILED);
	assert_int_equal(k.r->num_checks, 2);
	assert_int_equal(k.r->checks[0].kind, SCENARIO_WAIT);
	assert_non_null(strstr(k.r->checks[0].where, "s.lua:2"));
	assert_non_null(strstr(k.r->checks[0].detail, "timed out at 2 s"));
	assert_non_null(strstr(k.r->checks[1].where, "s.lua:6"));
	assert_null(strstr(k.log, "never"));
	assert_non_null(strstr(k.log, "s.lua:7: on"));
	scenario_kit_free(&k);
}

static void test_api_until_cuts_and_leaves_open_what_is_open(void **state)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .until_ns = UINT64_C(3000000000)};
	scenario_kit_run(&k,
	                 "eventually { 'late', within = '8s', function() return now() > 7 end }\n"
	                 "eventually { 'early', within = '2s', function() return now() > 7 end }\n"
	                 "at_end { 'end', function() return false end }\nrun_for '10s'\nlog 'not reached'",
	                 &o);
	assert_int_equal(k.ran, SCENARIO_OK);
	assert_true(k.r->virtual_s == 3.0);
	assert_false(scenario_kit_check(&k, "late")->decided);
	assert_true(scenario_kit_check(&k, "early")->decided);
	assert_false(scenario_kit_check(&k, "early")->held);
	assert_false(scenario_kit_check(&k, "end")->decided);
	assert_int_equal(k.r->num_failed, 1);
	assert_null(strstr(k.log, "not reached"));
	scenario_kit_free(&k);
}

static void test_api_broken_script_leaves_checks_undecided(void **state)
{
	struct scenario_kit k;
	scenario_kit_run(&k,
	                 "always { 'so far', function() return true end }\neventually { 'soon', function() return now() >= 1 end }\n"
	                 "at('3s', function() error 'boom' end)\nrun_for '10s'",
	                 NULL);
	assert_int_equal(k.ran, SCENARIO_ERROR);
	const struct scenario_check *c = scenario_kit_check(&k, "so far");
	assert_false(c->decided);
	assert_false(c->held);
	assert_true(c->at_s == 3.0);
	assert_non_null(strstr(c->detail, "not decided: "));
	assert_non_null(strstr(c->detail, "boom"));
	assert_true(scenario_kit_check(&k, "soon")->decided);
	assert_true(scenario_kit_check(&k, "soon")->held);
	assert_int_equal(k.r->num_failed, 0);
	scenario_kit_free(&k);
}

/* ------------------------------------------------------------------ parameters */

static enum scenario_status with_params(struct scenario_kit *k, const char *text, const char *p1, const char *p2)
{
	const char *params[] = {p1, p2};
	struct scenario_options o = {.seed = 3, .params = params, .num_params = p2 ? 2 : p1 ? 1 : 0};
	scenario_kit_run(k, text, &o);
	return k->ran;
}

static const char param_text[] = "local n = param('nodes', 200, 'how many', { min = 100, max = 300 })\n"
                                 "local r = param('rate', '20Mbit', 'the link')\nlocal b = param('fast', false)\n"
                                 "local c = param('kind', 'x', '', { choices = { 'x', 'yy' } })\n"
                                 "log('%s %s %s %s %s', n, r, b, c, math.type(n)) run_for(1)";

static void test_api_params_are_read_listed_and_checked(void **state)
{
	struct scenario_kit k;
	const struct scenario_param *p;
	assert_int_equal(with_params(&k, param_text, NULL, NULL), SCENARIO_OK);
	assert_non_null(strstr(k.log, "200 20Mbit false x integer"));
	assert_int_equal(scenario_params(k.s, &p), 4);
	assert_string_equal(p[0].name, "nodes");
	assert_string_equal(p[0].help, "how many");
	assert_string_equal(p[0].min, "100");
	assert_string_equal(p[3].choices, "x|yy");
	assert_false(p[0].given);
	scenario_kit_free(&k);
	assert_int_equal(with_params(&k, param_text, "nodes=150", "kind=yy"), SCENARIO_OK);
	assert_non_null(strstr(k.log, "150 20Mbit false yy integer"));
	assert_int_equal(scenario_params(k.s, &p), 4);
	assert_true(p[0].given);
	assert_string_equal(p[0].value, "150");
	assert_string_equal(p[0].default_value, "200");
	scenario_kit_free(&k);
}

static void test_api_params_that_are_wrong_are_refused(void **state)
{
	static const struct {
		const char *param, *phrase;
	} rows[] = {
	    {"nodes=99", "s.lua:1: param: nodes=99: the least value is 100"},
	    {"nodes=301", "the greatest value is 300"},
	    {"nodes=abc", "a number is needed"},
	    {"fast=1", "true or false is needed"},
	    {"kind=y", "it is one of x|yy"},
	    {"node=150", "no parameter 'node'; the nearest known one is 'nodes'"},
	    {"nodes", "KEY=VALUE is needed"},
	    {"=5", "KEY=VALUE is needed"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scenario_kit k;
		assert_int_equal(with_params(&k, param_text, rows[i].param, NULL), SCENARIO_ERROR);
		if (!strstr(k.error, rows[i].phrase))
			print_error("%s\n", k.error);
		assert_non_null(strstr(k.error, rows[i].phrase));
	}
	scenario_expect_error("param('a', {})", 1, "the default is a number");
	scenario_expect_error("param('a', 1)\nparam('a', 1)", 2, "is there already");
	scenario_expect_error("param('a', 'x', '', { min = 1 })", 1, "min and max are for numbers");
}

/* ------------------------------------------------------------------ results, determinism, refusals */

static void test_api_equal_runs_have_equal_hashes_and_draws(void **state)
{
	static const char text[] = "network { latency = 'normal(20ms, 5ms)', loss = '1%' }\n"
	                           "local g = nodes { count = 5, p2p = { persistent_peers = { 'n1' } } } g:start { within = '5s' }\n"
	                           "at('1s', function() log('%d', math.random(1000000)) end)\n"
	                           "spawn(function() log('p %d', math.random(1000000)) end) run_for '1m'";
	uint64_t hash[3];
	char log[3][256];
	for (int i = 0; i < 3; i++) {
		struct scenario_kit k;
		struct scenario_options o = {.seed = i == 2 ? 8 : 7};
		scenario_kit_run(&k, text, &o);
		scenario_kit_held(&k);
		hash[i] = world_hash(scenario_world(k.s));
		snprintf(log[i], sizeof log[i], "%.250s", k.log);
		scenario_kit_free(&k);
	}
	assert_true(hash[0] == hash[1] && hash[0] != hash[2]);
	assert_string_equal(log[0], log[1]);
	assert_true(strcmp(log[0], log[2]) != 0);
}

static void test_api_observers_leave_no_mark_on_the_hash(void **state)
{
	static const char head[] = "local g = nodes { count = 3, p2p = { persistent_peers = { 'n1' } } } g:start()\n";
	uint64_t hash[2];
	for (int i = 0; i < 2; i++) {
		char text[512];
		struct scenario_kit k;
		snprintf(text, sizeof text, "%s%s run_for '1m'", head,
		         i ? "always { 'x', every = '10ms', function() return graph.components(g) <= 3 end } plot { 'y', function() return "
		             "g:num_peers() end }"
		           : "");
		scenario_kit_run(&k, text, NULL);
		scenario_kit_held(&k);
		hash[i] = world_hash(scenario_world(k.s));
		scenario_kit_free(&k);
	}
	assert_true(hash[0] == hash[1]);
}

static void test_api_results_hold_series_rows_and_measures(void **state)
{
	struct scenario_kit k;
	scenario_kit_file(&k, "reactors.lua", NULL);
	scenario_kit_held(&k);
	assert_int_equal(k.r->num_series, 2);
	const struct scenario_series *s = &k.r->series[0];
	assert_string_equal(s->title, "ticks");
	assert_int_equal(s->num_columns, 2);
	assert_string_equal(s->columns[1], "b");
	assert_int_equal(s->num_points, 31);
	assert_true(s->values[0][30] == 5 && s->time_s[1] == 2);
	assert_int_equal(k.r->num_measures, 1);
	const struct scenario_measure *m = &k.r->measures[0];
	assert_true(m->plotted && m->bin_s == 0.5 && m->start_s == 10 && m->link_rate_bits == 8e6);
	uint64_t sum = 0;
	for (size_t c = 0; c < m->num_channels; c++)
		for (size_t i = 0; i < m->channels[c].num_bins; i++)
			sum += m->channels[c].bin_bytes[i];
	assert_true(sum > 0 && sum == (uint64_t)(m->throughput_bytes_s * (m->end_s - m->start_s) + 0.5));
	for (size_t i = 1; i < k.r->num_rows; i++)
		assert_true(k.r->rows[i - 1].time_s <= k.r->rows[i].time_s);
	assert_string_equal(k.r->network, "20ms one way, no loss, 8Mbit");
	scenario_kit_free(&k);
}

static void test_api_ideal_shares_are_weighted_max_min(void **state)
{
	/* 0x31 wants a tenth of the link, less than its part: the others divide the rest by 10 to 5. */
	struct scenario_kit k;
	scenario_kit_run(&k,
	                 "network { rate = '8Mbit' }\n"
	                 "local R = reactor { name = 'r', channels = { { id = 0x30, priority = 10, send_queue_capacity = 16 },\n"
	                 " { id = 0x31, priority = 7, send_queue_capacity = 16 }, { id = 0x32, priority = 5, send_queue_capacity = 16 } } }\n"
	                 "local a, b = node { name = 'a', reactors = { R } }, node { name = 'b', reactors = { R } } start(a, b) connect(a, b)\n"
	                 "traffic { from = a, to = b, channel = 0x30, size = '16KiB', saturate = true }\n"
	                 "traffic { from = a, to = b, channel = 0x31, size = '4KiB', rate = '800kbit' }\n"
	                 "traffic { from = a, to = b, channel = 0x32, size = '16KiB', saturate = true }\n"
	                 "local f = measure { from = a, to = b, after = '5s' }\n"
	                 "at_end { 'ideal', function() local x, y, z = f:ideal(0x30), f:ideal(0x31), f:ideal(0x32)\n"
	                 " return math.abs(x + y + z - 1) < 0.01 and math.abs(x / z - 2) < 0.01 and y > 0.09 and y < 0.12, ('%f %f "
	                 "%f'):format(x, y, z) end }\n"
	                 "at_end { 'shares', function() return f:share_error() < 0.05, f:share_error() end }\n"
	                 "run_for '30s'",
	                 NULL);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
}

static void test_api_real_connections_refuse_what_only_a_simulator_can(void **state)
{
	static const struct {
		const char *text, *phrase;
	} rows[] = {
	    {"\nnetwork { loss = '1%' }", "s.lua:2: network: loss can only be simulated"},
	    {"local a = node { name = 'a' }\npartition(a, {})", "s.lua:2: partition: only a simulated network"},
	    {"\nheal()", "s.lua:2: heal: only a simulated network"},
	    {"local a = node { name = 'a' }\nlink { from = a, to = a, rate = 1 }", "s.lua:2: link: only a simulated network"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scenario_kit k;
		struct scenario_options o = {.seed = 1, .world = WORLD_TCP};
		scenario_kit_run(&k, rows[i].text, &o);
		if (k.ran != SCENARIO_ERROR || !strstr(k.error, rows[i].phrase))
			print_error("%s: %s\n", rows[i].text, k.error);
		assert_int_equal(k.ran, SCENARIO_ERROR);
		assert_non_null(strstr(k.error, rows[i].phrase));
	}
}

static void test_api_file_that_is_not_there_is_an_error(void **state)
{
	struct scenario *s;
	char error[SCENARIO_ERROR_TEXT];
	struct scenario_options o = {.file = "/nowhere/at/all.lua", .seed = 1};
	assert_int_equal(scenario_load(&s, &o, error), SCENARIO_ERROR);
	assert_null(s);
	assert_string_equal(error, "/nowhere/at/all.lua: the file cannot be read");
}

static void test_api_memory_limit_ends_the_load(void **state)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .memory_limit = 2 << 20};
	scenario_kit_run(&k, "\nlocal t = {} for i = 1, 1e8 do t[i] = i end", &o);
	assert_int_equal(k.ran, SCENARIO_ERROR);
	assert_non_null(strstr(k.error, "s.lua:2: the script uses more than 2 MiB of memory"));
}

/* ------------------------------------------------------------------ reactors that take their time */

static void test_api_work_takes_time_and_ends_with_the_node(void **state)
{
	struct scenario_kit k;
	scenario_kit_run(
	    &k,
	    "network { latency = '10ms' }\n"
	    "local R = reactor { name = 'r', channels = { { id = 0x70, inbox = 'drop', work = '2s', send_queue_capacity = 9 }, { id = 0x71 } } "
	    "}\n"
	    "local times = {}\n"
	    "function R:receive(peer, channel, msg) times[msg] = now() end\n"
	    "local a = node { name = 'a', reactors = { R } }\n"
	    "local b = node { name = 'b', reactors = { R }, p2p = { persistent_peers = { a } } }\n"
	    "start(a, b)\n"
	    "at(10, function() for i = 1, 3 do b:broadcast(0x70, 'm' .. i) end b:broadcast(0x71, 'at once') end)\n"
	    "at(30, function() b:broadcast(0x70, 'lost') end)\n"
	    "at(31, function() a:restart { crash = true } end)\n"
	    "at(50, function() b:broadcast(0x70, 'last') end)\n"
	    "at_end { 'one after another', function()\n"
	    "  for i = 1, 3 do if math.abs(times['m' .. i] - 10.01 - 2 * i) > 0.01 then return false, tostring(times['m' .. i]) end end\n"
	    "  return times['at once'] < 10.02 and not times.lost and math.abs(times.last - 52.01) < 0.01\n"
	    "end }\n"
	    "run_for '51.5s' run_for '10s'",
	    NULL);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
	scenario_kit_run(&k,
	                 "local R = reactor { name = 'r', channels = { { id = 0x70, inbox = 'stall', work = '1h' } } }\n"
	                 "local a = node { name = 'a', reactors = { R } }\n"
	                 "local b = node { name = 'b', reactors = { R }, p2p = { persistent_peers = { a } } }\n"
	                 "start(a, b) at(10, function() b:broadcast(0x70, 'x') end) run_for(20)",
	                 NULL);
	scenario_kit_held(&k); /* what is under way at the end goes with the world */
	scenario_kit_free(&k);
	scenario_expect_error("reactor { name = 'r', channels = { { id = 1, work = '1s' } } }", 1, "work needs an inbox");
}

/* ------------------------------------------------------------------ watches */

static void test_api_watches_hear_and_leave_no_mark(void **state)
{
	static const char quiet[] = "local a = node { name = 'a' } local b = node { name = 'b', p2p = { persistent_peers = { a } } }\n"
	                            "start(b) at(2, function() a:start() end) run_for(20)";
	static const char heard[] =
	    "local a = node { name = 'a' } local b = node { name = 'b', p2p = { persistent_peers = { a } } }\n"
	    "local n, tried = {}, nil\n"
	    "watch { b, events = { 'dial', 'dialled', 'peer_added' }, function(node, e)\n"
	    "  assert(node == b and e.id == a.id and e.address == a.address)\n"
	    "  n[e.event .. ' ' .. e.why] = (n[e.event .. ' ' .. e.why] or 0) + 1\n"
	    "  if e.event == 'peer_added' then assert(e.outbound) end\n"
	    "end }\n"
	    "watch { group(a, b), events = 'reconnect', function(node, e) tried = e.attempt assert(e.wait > 0) end }\n"
	    "at_end { 'all is heard', function()\n"
	    "  return n['dial ok'] == n['dialled ok'] + n['dialled dial_refused'] and n['peer_added ok'] == 1 and tried\n"
	    "end }\n"
	    "start(b) at(2, function() a:start() end) run_for(20)";
	struct scenario_kit k;
	scenario_kit_run(&k, quiet, NULL);
	uint64_t hash = world_hash(scenario_world(k.s));
	scenario_kit_free(&k);
	scenario_kit_run(&k, heard, NULL);
	scenario_kit_held(&k);
	assert_true(hash == world_hash(scenario_world(k.s)));
	scenario_kit_free(&k);
	scenario_expect_error("local a = node { name = 'a' }\nwatch { a, events = 'dail', print }", 2,
	                      "no event 'dail'; the nearest known one is 'dial'");
	scenario_expect_error("local a = node { name = 'a' }\nwatch { a, print }", 2, "events is missing");
	scenario_expect_error("local a = node { name = 'a' } local b = node { name = 'b', p2p = { persistent_peers = { a } } } start(a, b)\n"
	                      "watch { b, events = 'dial', function() b:stop() end } run_for(5)",
	                      2, "only reads");
}

/* ------------------------------------------------------------------ the reference */

static char *read_docs(void)
{
	char *text = temp_read(lua_kit_path("docs/SCENARIOS.md"));
	assert_non_null(text);
	return text;
}

static void test_api_every_name_stands_in_the_reference(void **state)
{
	char *docs = read_docs();
	unsigned missing = 0;
	for (size_t i = 0; api_page(i); i++) {
		const struct api_page *page = api_page(i);
		for (const luaL_Reg *r = page->functions; r->name; r++) {
			char word[128];
			snprintf(word, sizeof word, "`%s%s", page->prefix, r->name);
			if (!strstr(docs, word)) {
				print_error("docs/SCENARIOS.md does not name %s\n", word);
				missing++;
			}
		}
		for (const char *const *f = page->fields; f && *f; f++) {
			char word[128];
			snprintf(word, sizeof word, "`%s`", *f);
			char dotted[128];
			snprintf(dotted, sizeof dotted, ".%s`", *f);
			char method[128];
			snprintf(method, sizeof method, ":%s(", *f);
			if (!strstr(docs, word) && !strstr(docs, dotted) && !strstr(docs, method)) {
				print_error("docs/SCENARIOS.md does not name the field or key %s\n", *f);
				missing++;
			}
		}
	}
	free(docs);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_api_groups_answer_to_what_nodes_answer),
	    cmocka_unit_test(test_api_faults_cut_and_heal),
	    cmocka_unit_test(test_api_books_are_there_at_the_first_start),
	    cmocka_unit_test(test_api_reactors_send_wait_and_stop),
	    cmocka_unit_test(test_api_scripts_as_printed_hold),
	    cmocka_unit_test(test_api_unknown_keys_name_the_nearest),
	    cmocka_unit_test(test_api_wrong_units_have_file_and_line),
	    cmocka_unit_test(test_api_declarations_that_cannot_be_are_refused),
	    cmocka_unit_test(test_api_observers_only_read),
	    cmocka_unit_test(test_api_waiting_needs_a_process),
	    cmocka_unit_test(test_api_errors_at_run_time_end_the_run),
	    cmocka_unit_test(test_api_checks_say_when),
	    cmocka_unit_test(test_api_wait_that_times_out_is_a_failed_check),
	    cmocka_unit_test(test_api_until_cuts_and_leaves_open_what_is_open),
	    cmocka_unit_test(test_api_broken_script_leaves_checks_undecided),
	    cmocka_unit_test(test_api_params_are_read_listed_and_checked),
	    cmocka_unit_test(test_api_params_that_are_wrong_are_refused),
	    cmocka_unit_test(test_api_equal_runs_have_equal_hashes_and_draws),
	    cmocka_unit_test(test_api_observers_leave_no_mark_on_the_hash),
	    cmocka_unit_test(test_api_results_hold_series_rows_and_measures),
	    cmocka_unit_test(test_api_ideal_shares_are_weighted_max_min),
	    cmocka_unit_test(test_api_real_connections_refuse_what_only_a_simulator_can),
	    cmocka_unit_test(test_api_file_that_is_not_there_is_an_error),
	    cmocka_unit_test(test_api_memory_limit_ends_the_load),
	    cmocka_unit_test(test_api_work_takes_time_and_ends_with_the_node),
	    cmocka_unit_test(test_api_watches_hear_and_leave_no_mark),
	    cmocka_unit_test(test_api_every_name_stands_in_the_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
