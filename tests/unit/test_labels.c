/*
 * Decision labels: every draw is keyed by who draws what, so that a draw, a log line, a node or a block of chaos more in one
 * place leaves everybody else's decisions as they were. Shown on recorded runs that fail: with the addition they fail in the
 * same way, and every node that was there before has the same draws, tells the same and has the same hash at every event.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/world/record.h"
#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

/* A network that loses and resets; the check that fails is the place of a bug. %s: what is added. */
#define SCRIPT                                                                                                                        \
	"network { latency = 'uniform(5ms, 60ms)', loss = '1%' }\n"                                                                       \
	"local seed = node { name = 'seed', p2p = { seed_mode = true } }\n"                                                               \
	"local n = nodes { name = 'n', count = 6, p2p = { seeds = { seed }, max_num_outbound_peers = 3, ensure_peers_period = '5s' } }\n" \
	"ADDED_BEFORE\n"                                                                                                                  \
	"seed:start() n:start { within = '5s' }\n"                                                                                        \
	"every('7s', function() reset(n[1 + math.random(5)], n[6]) end)\n"                                                                \
	"ADDED_BEHIND\n"                                                                                                                  \
	"always { 'n6 has three peers', after = '20s', function() return n[6]:num_peers() > 2 end }\n"                                    \
	"run_for '3m'\n"

struct run {
	FILE *record;
	bool failed;
	double failed_at_s;
};

static void replace(char *text, size_t cap, const char *word, const char *by)
{
	char *at = strstr(text, word);
	char rest[4096];

	assert_non_null(at);
	snprintf(rest, sizeof rest, "%s", at + strlen(word));
	snprintf(at, cap - (size_t)(at - text), "%s%s", by, rest);
}

static struct run run(const char *before, const char *behind, uint64_t seed)
{
	struct run r = {.record = tmpfile()};
	struct recorder *recorder = recorder_new(r.record, "a run");
	struct scenario_kit k;
	char text[4096];
	struct scenario_options o = {.seed = seed, .null_crypto = true, .crypto_given = true, .recorder = recorder};

	assert_non_null(recorder);
	snprintf(text, sizeof text, "%s", SCRIPT);
	replace(text, sizeof text, "ADDED_BEFORE", before);
	replace(text, sizeof text, "ADDED_BEHIND", behind);
	scenario_kit_run(&k, text, &o);
	assert_int_equal(k.ran, SCENARIO_OK);
	const struct scenario_check *c = scenario_kit_check(&k, "n6 has three peers");
	r.failed = !c->held;
	r.failed_at_s = c->at_s;
	assert_true(recorder_end(recorder, scenario_world(k.s)));
	scenario_kit_free(&k);
	recorder_free(recorder);
	rewind(r.record);
	return r;
}

/* The next item of one of the nodes of the first run; false at the end. */
static bool next_of_nodes(FILE *from, struct sim_item *item, char names[64][32])
{
	while (sim_item_read(from, item) == SIM_READ_ITEM) {
		if (item->kind == SIM_ITEM_NAME && item->who < 64)
			snprintf(names[item->who], 32, "%.31s", item->text);
		bool of_node = item->kind == SIM_ITEM_DRAW || item->kind == SIM_ITEM_TRACE || item->kind == SIM_ITEM_NODE;
		if (of_node && item->who < 64 && (names[item->who][0] == 'n' || strcmp(names[item->who], "seed") == 0))
			return true;
	}
	return false;
}

/* Node by node, for events of one time may stand in another order when a source more is among them. */
static uint64_t stream_of(FILE *record, const char *node, size_t *items)
{
	char names[64][32] = {{0}};
	struct sim_item item;
	uint64_t h = 0;

	rewind(record);
	assert_int_equal(sim_record_open(record), SIM_READ_ITEM);
	for (*items = 0; next_of_nodes(record, &item, names);) {
		if (strcmp(names[item.who], node) != 0)
			continue;
		uint64_t head = (uint64_t)item.kind << 16 | item.detail;
		h = (h ^ head ^ item.at_ns ^ item.value) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
		(*items)++;
	}
	return h;
}

static uint64_t failing_seed(void)
{
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct run r = run("", "", seed);

		fclose(r.record);
		if (r.failed)
			return seed;
	}
	fail();
	return 0;
}

static void expect_the_same(const char *before, const char *behind, uint64_t seed)
{
	static const char *const nodes[] = {"seed", "n1", "n2", "n3", "n4", "n5", "n6"};
	struct run a = run("", "", seed), b = run(before, behind, seed);

	assert_true(a.failed && b.failed);
	assert_true(a.failed_at_s == b.failed_at_s);
	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		size_t n, m;
		uint64_t x = stream_of(a.record, nodes[i], &n), y = stream_of(b.record, nodes[i], &m);

		if (x != y || n != m)
			print_error("%s%s: %s has other decisions: %zu and %zu items\n", before, behind, nodes[i], n, m);
		assert_true(n > 50 && n == m && x == y);
	}
	fclose(a.record);
	fclose(b.record);
}

static void test_labels_keep_decisions_apart(void **state)
{
	uint64_t seed = failing_seed();

	expect_the_same("", "at('10s', function() log('a line more: %d', math.random(100)) end)", seed);
	expect_the_same("", "spawn(function() for i = 1, 20 do sleep '1s' local x = math.random() end end)", seed);
	expect_the_same("", "plot { 'peers', every = '1s', function() return n[1]:num_peers() end } every('3s', function() log 'tick' end)",
	                seed);
	expect_the_same("", "local other = node { name = 'zz' } other:start { within = '5s' }", seed);
	expect_the_same("local zy = nodes { name = 'zy', count = 3 }", "zy:start { within = '5s' }", seed);
	expect_the_same("local zx = nodes { name = 'zx', count = 2 }", "start(zx) chaos { nodes = zx, before = '2m', every = '4s' }", seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_labels_keep_decisions_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
