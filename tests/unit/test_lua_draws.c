/* What chaos, churn, vary, buggify and traffic draw: each key has its effect, and the distributions are what they are called. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

/* The operations of the plan of a run that holds; to be given back. */
static json_t *plan_of(const char *text)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = SIM_TCP_NONE, .tcp_given = true};

	scenario_kit_run(&k, text, &o);
	scenario_kit_held(&k);
	json_t *plan = k.r->plan == NULL ? NULL : json_loads(k.r->plan, 0, NULL);
	json_t *operations = json_incref(json_object_get(plan, "operations"));
	json_decref(plan);
	scenario_kit_free(&k);
	assert_non_null(operations);
	return operations;
}

static double at_of(const json_t *op)
{
	return (double)json_integer_value(json_object_get(op, "at_ns")) / 1e9;
}

static bool is(const json_t *op, const char *word)
{
	return strcmp(json_string_value(json_object_get(op, "op")), word) == 0;
}

static const json_t *arg(const json_t *op, size_t i)
{
	return json_array_get(json_object_get(op, "args"), i);
}

/* "12ns" as seconds. */
static double seconds_of(const json_t *text)
{
	return (double)strtoull(json_string_value(text), NULL, 10) / 1e9;
}

static size_t count(const json_t *operations, const char *word)
{
	size_t n = 0, i;
	const json_t *op;

	json_array_foreach(operations, i, op) n += is(op, word);
	return n;
}

/* n of so many draws with this chance, within four deviations: one test in 16,000 would fail by chance, and the seed is fixed. */
static void is_share(size_t n, size_t of, double chance)
{
	double mean = (double)of * chance, deviation = sqrt((double)of * chance * (1 - chance));

	if (of == 0 || fabs((double)n - mean) > 4 * deviation)
		print_error("%zu of %zu, not %g\n", n, of, chance);
	assert_true(of > 0 && fabs((double)n - mean) <= 4 * deviation);
}

static void is_mean(double sum, size_t n, double mean, double deviation)
{
	if (n == 0 || fabs(sum / (double)n - mean) > 4 * deviation / sqrt((double)n))
		print_error("mean %g of %zu, not %g\n", sum / (double)n, n, mean);
	assert_true(n > 0 && fabs(sum / (double)n - mean) <= 4 * deviation / sqrt((double)n));
}

#define NODES "local n = nodes { name = 'n', count = 4, p2p = { pex = false } }\n"

/* ------------------------------------------------------------------ chaos */

static void test_draws_chaos_begins_at_its_rate_within_its_time(void **state)
{
	json_t *ops = plan_of(NODES "chaos { after = '1h', before = '9h', every = '20s', ops = { 'reset' } }\nrun_for '10h'");
	size_t n = json_array_size(ops), early = 0;
	double before = 3600, sum = 0;

	for (size_t i = 0; i < n; i++) {
		double at = at_of(json_array_get(ops, i)), gap = at - before;

		assert_true(at >= 3600 && at < 9 * 3600);
		early += gap < 20;
		sum += gap;
		before = at;
	}
	is_mean(sum, n, 20, 20);
	is_share(early, n, 1 - exp(-1)); /* exponential: more are shorter than the mean */
	json_decref(ops);
	ops = plan_of(NODES "chaos { before = '9h', every = '20s', count = 7, ops = { 'reset' } }\nrun_for '10h'");
	assert_int_equal(json_array_size(ops), 7);
	json_decref(ops);
}

static void test_draws_chaos_lasts_as_long_as_it_says(void **state)
{
	json_t *ops = plan_of(NODES "chaos { before = '9h', every = '2m', duration = { '10s', '60s' }, ops = { 'pause' } }\nrun_for '10h'");
	double sum = 0;
	size_t n = 0, i;
	const json_t *op, *begun[5000] = {0};
	size_t num = 0;

	/* A fault and its end have the same group. */
	json_array_foreach(ops, i, op)
	{
		if (is(op, "pause"))
			begun[num++] = op;
	}
	json_array_foreach(ops, i, op)
	{
		for (size_t k = 0; is(op, "resume") && k < num; k++) {
			if (!json_equal(json_object_get(begun[k], "group"), json_object_get(op, "group")))
				continue;
			double lasts = at_of(op) - at_of(begun[k]);
			assert_true(lasts >= 10 && lasts <= 60.001);
			sum += lasts;
			n++;
		}
	}
	assert_int_equal(n, num);
	is_mean(sum, n, 35, 50 / sqrt(12));
	json_decref(ops);
}

static void test_draws_chaos_takes_nodes_and_words_as_told(void **state)
{
	json_t *ops =
	    plan_of(NODES "chaos { before = '9h', every = '20s', nodes = { n[2], n[3] }, ops = { reset = 3, rot = 1 } }\nrun_for '10h'");
	size_t i, second = 0, rots = count(ops, "rot"), resets = count(ops, "reset");
	const json_t *op;

	is_share(resets, rots + resets, 0.75);
	json_array_foreach(ops, i, op)
	{
		char *text = json_dumps(json_object_get(op, "args"), 0);
		assert_null(strstr(text, "n1"));
		assert_null(strstr(text, "n4"));
		second += is(op, "rot") && strstr(text, "n2") != NULL;
		free(text);
	}
	is_share(second, rots, 0.5);
	json_decref(ops);
}

static void test_draws_chaos_shapes_are_even(void **state)
{
	json_t *ops =
	    plan_of(NODES "chaos { before = '20h', every = '40s', duration = '1s', ops = { 'partition', 'blackhole', 'link', 'restart', "
	                  "'disk' } }\nrun_for '21h'");
	size_t i, left = 0, both = 0, latency = 0, links = 0, crash = 0, lost = 0, full = 0, faults = 0;
	const json_t *op;

	json_array_foreach(ops, i, op)
	{
		left += is(op, "partition") ? json_array_size(arg(op, 0)) : 0;
		both += is(op, "blackhole") && arg(op, 2) == NULL;
		latency += is(op, "link") && json_object_get(arg(op, 0), "latency") != NULL;
		links += is(op, "link") && json_object_size(arg(op, 0)) == 3; /* from, to and what is bad; its end has none */
		crash += is(op, "restart") && json_is_true(json_object_get(arg(op, 1), "crash"));
		lost += is(op, "restart") && json_is_true(json_object_get(arg(op, 1), "lose_disk"));
		full += is(op, "disk") && json_object_get(arg(op, 1), "full") != NULL;
		faults += is(op, "disk") && arg(op, 1) != NULL;
	}
	is_share(left, 4 * count(ops, "partition"), 0.5);
	is_share(both, count(ops, "blackhole"), 1.0 / 3);
	is_share(latency, links, 1.0 / 3);
	is_share(crash, count(ops, "restart"), 0.75);
	is_share(lost, count(ops, "restart"), 0.25);
	is_share(full, faults, 0.5);
	json_decref(ops);
}

/* ------------------------------------------------------------------ churn */

static void test_draws_churn_lives_and_ends_as_told(void **state)
{
	json_t *ops =
	    plan_of(NODES "churn { nodes = n, session = 'pareto(60s, 2)', downtime = 'uniform(5s, 15s)', after = '1h', before = '20h',\n"
	                  "crash = '25%', lose_disk = '40%' }\nrun_for '20h'");
	size_t i, crashes = 0, lost = 0, n = 0, longer = 0, sessions = 0;
	double down = 0, back[5] = {0, 3600, 3600, 3600, 3600};
	const json_t *op;

	json_array_foreach(ops, i, op)
	{
		int who = json_string_value(arg(op, 0))[1] - '0';
		double lasts = at_of(op) - back[who], away = seconds_of(json_object_get(arg(op, 1), "after"));

		assert_true(is(op, "restart") && lasts >= 60 && away >= 5 && away <= 15);
		sessions++;
		longer += lasts > 120; /* pareto of shape 2: a quarter lasts twice the least */
		down += away;
		crashes += json_is_true(json_object_get(arg(op, 1), "crash"));
		lost += json_is_true(json_object_get(arg(op, 1), "lose_disk"));
		back[who] = at_of(op) + away;
		n++;
	}
	is_share(crashes, n, 0.25);
	is_share(lost, n, 0.4);
	is_share(longer, sessions, 0.25);
	is_mean(down, n, 10, 10 / sqrt(12));
	json_decref(ops);
}

/* ------------------------------------------------------------------ vary, buggify, starts */

static void test_draws_vary_stays_within_its_ranges_evenly(void **state)
{
	json_t *ops = plan_of(NODES "vary { from = n[1], to = n[2], one_way = true, every = '10s', after = '100s', before = '3h',\n"
	                            "latency = { '10ms', '50ms' }, loss = { '1%', '3%' } }\nrun_for '4h'");
	size_t n = json_array_size(ops) - 1; /* the last one is its end */
	double latency = 0, loss = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *a = arg(json_array_get(ops, i), 0);
		double ms = seconds_of(json_object_get(a, "latency")) * 1e3, ppm = strtod(json_string_value(json_object_get(a, "loss")), NULL);

		assert_true(json_is_true(json_object_get(a, "one_way")));
		assert_true(at_of(json_array_get(ops, i)) == 100 + 10 * (double)i);
		assert_true(ms >= 10 && ms <= 50 && ppm >= 10000 && ppm <= 30000);
		latency += ms;
		loss += ppm;
	}
	is_mean(latency, n, 30, 40 / sqrt(12));
	is_mean(loss, n, 20000, 20000 / sqrt(12));
	assert_int_equal(json_object_size(arg(json_array_get(ops, n), 0)), 3);
	json_decref(ops);
}

static void test_draws_buggify_gives_each_point_to_every_second_node(void **state)
{
	static const char *const points[] = {"short_write", "short_read", "no_room",    "spurious", "late_event",
	                                     "late_timer",  "one_frame",  "save_fails", "order"};
	json_t *ops = plan_of("nodes { name = 'n', count = 400 }\nbuggify { rate = '7%' }\nrun_for '1ms'");

	assert_int_equal(json_array_size(ops), 400);
	for (size_t p = 0; p < ARRAY_LEN(points); p++) {
		size_t n = 0, i, k;
		const json_t *op, *name;

		json_array_foreach(ops, i, op)
		{
			assert_true(json_real_value(json_object_get(arg(op, 1), "rate")) == 0.07);
			json_array_foreach(json_object_get(arg(op, 1), "points"), k, name) n += strcmp(json_string_value(name), points[p]) == 0;
		}
		is_share(n, 400, 0.5);
	}
	json_decref(ops);
}

static void holds(const char *text)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = SIM_TCP_NONE, .tcp_given = true};

	scenario_kit_run(&k, text, &o);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
}

static void test_draws_starts_within_a_time_are_even(void **state)
{
	/* 400 nodes: 100 in each quarter, deviation 9. */
	holds("local n = nodes { name = 'n', count = 400, p2p = { pex = false } }\n"
	      "n:start { within = '100s' }\n"
	      "local function running() return n:count(function(x) return x.running end) end\n"
	      "local seen = {}\n"
	      "every('25s', function() seen[#seen + 1] = running() end)\n"
	      "at_end { 'evenly', function() return math.abs(seen[1] - 100) < 35 and math.abs(seen[2] - 200) < 40 and math.abs(seen[3] - 300) "
	      "< 35\n"
	      "  and seen[4] == 400, table.concat(seen, ' ') end }\n"
	      "run_for '101s'");
}

/* ------------------------------------------------------------------ distributions of delays, and of traffic */

/*
 * Messages that do not meet on the way: their delays are draws. Of 2,000 each quantile lies within 4 deviations, in which the
 * chance of a draw below it is right to 0.045 (half), 0.027 (tenths).
 */
static void delays_are(const char *latency, double p10, double p50, double p90)
{
	char text[2048];

	snprintf(
	    text, sizeof text,
	    "network { latency = %s }\n"
	    "local R = reactor { name = 'r', channels = { { id = 0x70, send_queue_capacity = 10 } } }\n"
	    "local a = node { name = 'a', reactors = { R }, p2p = { pex = false } }\n"
	    "local b = node { name = 'b', reactors = { R }, p2p = { pex = false, persistent_peers = { 'a' } } }\n"
	    "start(a, b)\n"
	    "traffic { from = a, to = b, channel = 0x70, size = 100, interval = '3s', after = '10s', count = 2000 }\n"
	    "local flow = measure { from = a, to = b }\n"
	    "local function share(ms) local n = 0 for p = 0.5, 99.5 do n = n + (flow:delay(p) * 1000 < ms and 1 or 0) end return n / 100 end\n"
	    "at_end { 'all came', function() return flow:messages() == 2000 end }\n"
	    "at_end { 'tenth', function() local s = share(%g) return math.abs(s - 0.1) < 0.035, tostring(s) end }\n"
	    "at_end { 'half', function() local s = share(%g) return math.abs(s - 0.5) < 0.055, tostring(s) end }\n"
	    "at_end { 'nine tenths', function() local s = share(%g) return math.abs(s - 0.9) < 0.035, tostring(s) end }\n"
	    "run_for '6100s'",
	    latency, p10, p50, p90);
	holds(text);
}

static void test_draws_delays_follow_each_distribution(void **state)
{
	delays_are("'uniform(20ms, 120ms)'", 30, 70, 110);
	delays_are("'normal(100ms, 10ms)'", 100 - 12.816, 100, 100 + 12.816);
	delays_are("'lognormal(50ms, 0.5)'", 50 * exp(-0.5 * 1.2816), 50, 50 * exp(0.5 * 1.2816));
	delays_are("'exponential(10ms, 40ms)'", 10 + 40 * 0.10536, 10 + 40 * 0.69315, 10 + 40 * 2.30259);
	delays_are("'pareto(20ms, 2)'", 20 / sqrt(0.9), 20 / sqrt(0.5), 20 / sqrt(0.1));
	delays_are("{ 'table', values = { '10ms', '20ms', '100ms' } }", 12, 20, 84);
}

static void test_draws_delays_are_cut_at_their_maximum(void **state)
{
	holds("network { latency = { 'pareto', min = '20ms', shape = 1, max = '50ms' } }\n"
	      "local R = reactor { name = 'r', channels = { { id = 0x70 } } }\n"
	      "local a = node { name = 'a', reactors = { R }, p2p = { pex = false } }\n"
	      "local b = node { name = 'b', reactors = { R }, p2p = { pex = false, persistent_peers = { 'a' } } }\n"
	      "start(a, b)\n"
	      "traffic { from = a, to = b, channel = 0x70, size = 100, interval = '3s', after = '10s', count = 300 }\n"
	      "local flow = measure { from = a, to = b }\n"
	      "at_end { 'cut', function() return flow:delay(100) < 0.051 and flow:delay(75) > 0.049, tostring(flow:delay(100)) end }\n"
	      "run_for '1000s'");
}

static void test_draws_traffic_is_poisson_and_sizes_are_even(void **state)
{
	holds("network { latency = '1ms' }\n"
	      "local R = reactor { name = 'r', channels = { { id = 0x70, send_queue_capacity = 100 } } }\n"
	      "local last, gaps, short, bytes, small = nil, 0, 0, 0, 0\n"
	      "function R:receive(peer, channel, msg)\n"
	      "  if last then gaps = gaps + 1 if now() - last < 1 then short = short + 1 end end\n"
	      "  last, bytes = now(), bytes + #msg\n"
	      "  if #msg < 1500 then small = small + 1 end\n"
	      "end\n"
	      "local a = node { name = 'a', reactors = { R }, p2p = { pex = false } }\n"
	      "local b = node { name = 'b', reactors = { R }, p2p = { pex = false, persistent_peers = { 'a' } } }\n"
	      "start(a, b)\n"
	      "traffic { from = a, to = b, channel = 0x70, size = { '1000B', '2000B' }, interval = '1s', poisson = true, after = '10s' }\n"
	      "at_end { 'one a second', function() return math.abs(gaps - 2000) < 180, tostring(gaps) end }\n"
	      "at_end { 'exponential', function() return math.abs(short / gaps - 0.632) < 0.044, tostring(short / gaps) end }\n"
	      "at_end { 'sizes', function() return math.abs(bytes / (gaps + 1) - 1500) < 26 and math.abs(small / (gaps + 1) - 0.5) < 0.045 end "
	      "}\n"
	      "run_for '2010s'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_draws_chaos_begins_at_its_rate_within_its_time),
	    cmocka_unit_test(test_draws_chaos_lasts_as_long_as_it_says),
	    cmocka_unit_test(test_draws_chaos_takes_nodes_and_words_as_told),
	    cmocka_unit_test(test_draws_chaos_shapes_are_even),
	    cmocka_unit_test(test_draws_churn_lives_and_ends_as_told),
	    cmocka_unit_test(test_draws_vary_stays_within_its_ranges_evenly),
	    cmocka_unit_test(test_draws_buggify_gives_each_point_to_every_second_node),
	    cmocka_unit_test(test_draws_starts_within_a_time_are_even),
	    cmocka_unit_test(test_draws_delays_follow_each_distribution),
	    cmocka_unit_test(test_draws_delays_are_cut_at_their_maximum),
	    cmocka_unit_test(test_draws_traffic_is_poisson_and_sizes_are_even),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
