/* Nodes that come and go, links that vary, nodes that are held: what is drawn, and that the distributions are what they say. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

static char *plan_of(const char *text, size_t *faults)
{
	struct scenario_kit k;

	scenario_kit_run(&k, text, NULL);
	scenario_kit_held(&k);
	char *plan = k.r->plan == NULL ? NULL : strdup(k.r->plan);
	*faults = k.r->num_faults;
	scenario_kit_free(&k);
	return plan;
}

/* The operations of this word and node: their times, in seconds. */
static size_t times_of(const char *plan, const char *op, const char *node, double *at, size_t max)
{
	char word[64];
	size_t n = 0;

	snprintf(word, sizeof word, "\"op\": \"%s\", \"args\": [\"%s\"", op, node);
	for (const char *line = strstr(plan, "{\"at_ns\": "); line != NULL && n < max; line = strstr(line + 1, "{\"at_ns\": ")) {
		const char *end = strchr(line, '\n'), *found = strstr(line, word);

		if (found != NULL && (end == NULL || found < end))
			at[n++] = (double)strtoull(line + 10, NULL, 10) / 1e9;
	}
	return n;
}

#define NODES "local n = nodes { name = 'n', count = 4, p2p = { persistent_peers = { 'n1' } } }\n"

static void test_churn_follows_its_distributions(void **state)
{
	size_t faults;
	double at[400];
	char *plan = plan_of(NODES "n:start()\n"
	                           "churn { nodes = n, session = 'exponential(0s, 100s)', downtime = '10s', before = '9h' }\n"
	                           "run_for '9h'",
	                     &faults);

	/* 110 s a cycle: 294 restarts in nine hours; three deviations of the mean of so many are a sixth. */
	for (int i = 1; i <= 4; i++) {
		char name[16];

		snprintf(name, sizeof name, "n%d", i);
		size_t n = times_of(plan, "restart", name, at, 400);
		assert_true(n > 245 && n < 345);
	}
	free(plan);
}

static void test_churn_lives_are_their_nodes_own(void **state)
{
	size_t faults;
	double one[100], two[100];
	char *few = plan_of(
	    NODES "n:start()\nchurn { nodes = { n[2] }, session = 'pareto(30s, 1)', downtime = '5s', before = '1h' }\nrun_for '1h'", &faults);
	char *all =
	    plan_of(NODES "n:start()\nchurn { nodes = n, session = 'pareto(30s, 1)', downtime = '5s', before = '1h' }\nrun_for '1h'", &faults);
	size_t n = times_of(few, "restart", "n2", one, 100), m = times_of(all, "restart", "n2", two, 100);

	assert_true(n > 3 && n == m);
	assert_memory_equal(one, two, n * sizeof *one);
	free(few);
	free(all);
}

static void test_churn_nights_are_shorter_and_arrivals_come_in_bursts(void **state)
{
	size_t faults;
	double at[2000];
	char *plan =
	    plan_of(NODES "churn { nodes = n, session = '100s', downtime = '10s', before = '48h', day = { period = '24h', swing = '80%' },\n"
	                  "arrivals = { burst = 2, every = '1h' } }\n"
	                  "run_for '48h'",
	            &faults);
	size_t night = 0, noon = 0, n = times_of(plan, "restart", "n1", at, 2000);

	for (size_t i = 0; i < n; i++) {
		night += at[i] >= 23 * 3600 && at[i] < 25 * 3600;
		noon += at[i] >= 11 * 3600 && at[i] < 13 * 3600;
	}
	assert_true(noon > 55 && noon < 80);
	assert_true(night > 190 && night < 250);
	assert_int_equal(times_of(plan, "arrive", "n2", at, 10), 1);
	assert_true(at[0] == 0);
	assert_int_equal(times_of(plan, "arrive", "n3", at, 10), 1);
	assert_true(at[0] == 3600);
	free(plan);
}

static void test_churn_trace_is_followed(void **state)
{
	size_t faults;
	char *plan = plan_of(NODES "churn { trace = { { 'n1', '1s' }, { 'n2', '10s', '60s' }, { 'n2', '90s' } } }\n"
	                           "always { 'there', after = '11s', within = '48s', function() return n[2].running end }\n"
	                           "never { 'away', after = '61s', within = '28s', function() return n[2].running end }\n"
	                           "eventually { 'back', after = '90s', within = '2s', function() return n[2].running end }\n"
	                           "run_for '100s'",
	                     &faults);
	assert_int_equal(faults, 4);
	free(plan);
}

static void test_vary_changes_the_link_within_its_ranges(void **state)
{
	size_t faults;
	char *plan = plan_of(
	    "local R = reactor { name = 'r', channels = { { id = 0x70, send_queue_capacity = 100 } } }\n"
	    "local a, b = node { name = 'a', reactors = { R } }, node { name = 'b', reactors = { R }, p2p = { persistent_peers = { 'a' } } }\n"
	    "start(a, b)\n"
	    "vary { from = a, to = b, every = '2s', after = '10s', before = '30s', rate = { '1Mbit', '2Mbit' }, latency = { '100ms', '200ms' } "
	    "}\n"
	    "traffic { from = a, to = b, channel = 0x70, size = '10KiB', saturate = true, after = '15s' }\n"
	    "local slow = measure { from = a, to = b, after = '15s', before = '29s' }\n"
	    "local free = measure { from = a, to = b, after = '31s', before = '35s' }\n"
	    "at_end { 'narrow', function() local t = slow:throughput() * 8 return t > 0.9e6 and t < 2e6, tostring(t) end }\n"
	    "at_end { 'wide again', function() return free:throughput() * 8 > 4e6 end }\n"
	    "run_for '36s'",
	    &faults);
	assert_int_equal(faults, 11);
	free(plan);
}

static void test_swizzle_cuts_and_lets_go(void **state)
{
	size_t faults;
	char *plan = plan_of(NODES "n:start()\nswizzle { nodes = n, after = '10s', before = '50s' }\n"
	                           "eventually { 'whole', after = '50s', within = '2m', function() return graph.components(n) == 1 end }\n"
	                           "run_for '3m'",
	                     &faults);
	size_t cuts = 0, ends = 0;

	for (const char *at = plan; (at = strstr(at, "\"op\": \"partition\"")) != NULL; at++)
		cuts++;
	for (const char *at = plan; (at = strstr(at, "\"op\": \"heal\"")) != NULL; at++)
		ends++;
	assert_true(cuts >= 1 && cuts == ends && cuts + ends == faults);
	free(plan);
}

static void test_churn_says_what_is_wrong(void **state)
{
	scenario_expect_error(NODES "churn { nodes = n, downtime = '1s', before = '1m' }", 2, "session is needed");
	scenario_expect_error(NODES "churn { nodes = n, session = '1s', downtime = '1s' }", 2, "before:");
	scenario_expect_error(NODES "churn { nodes = n, session = '1s', downtime = '1s', before = '1m', day = { period = '1h' } }", 2,
	                      "period and swing");
	scenario_expect_error(NODES "churn { trace = { { 'n1', '2s', '1s' } } }", 2, "leaves before it comes");
	scenario_expect_error(NODES "vary { from = 'n1', to = 'n2', before = '1m' }", 2, "one of rate, latency, loss");
	scenario_expect_error(NODES "vary { from = 'n1', to = 'n2', before = '1m', rate = { '2Mbit', '1Mbit' } }", 2, "runs backwards");
	scenario_expect_error(NODES "swizzle { nodes = 'n1', before = '1m' }", 2, "two to");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_churn_follows_its_distributions),
	    cmocka_unit_test(test_churn_lives_are_their_nodes_own),
	    cmocka_unit_test(test_churn_nights_are_shorter_and_arrivals_come_in_bursts),
	    cmocka_unit_test(test_churn_trace_is_followed),
	    cmocka_unit_test(test_vary_changes_the_link_within_its_ranges),
	    cmocka_unit_test(test_swizzle_cuts_and_lets_go),
	    cmocka_unit_test(test_churn_says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
