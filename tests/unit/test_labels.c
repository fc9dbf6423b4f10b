/*
 * Decision labels: every draw is keyed by who draws what, so that a draw, a log line, a node or a block of chaos more in one
 * place leaves everybody else's decisions as they were. Shown on recorded runs that fail, with each model of TCP: with the
 * addition they fail in the same way, and every node that was there before has the same draws, tells the same and has the
 * same hash at every event.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world/record.h"
#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

/* A network that loses and resets; the check that fails is the place of a bug. ADDED_...: what is added where. */
#define SCRIPT                                                                                                 \
	"network { latency = 'uniform(5ms, 60ms)', loss = '1%' }\n"                                                \
	"local Tick = reactor { name = 'tick', channels = {} }\n"                                                  \
	"function Tick:start() self:set_timer(1, '1s') end\n"                                                      \
	"function Tick:timer() self:set_timer(1, '1s') ADDED_INSIDE end\n"                                         \
	"local seed = node { name = 'seed', p2p = { seed_mode = true } }\n"                                        \
	"local n = nodes { name = 'n', count = 6, reactors = { Tick },\n"                                          \
	"                  p2p = { seeds = { seed }, max_num_outbound_peers = 3, ensure_peers_period = '5s' } }\n" \
	"ADDED_BEFORE\n"                                                                                           \
	"seed:start() n:start { within = '5s' }\n"                                                                 \
	"every('7s', function() reset(n[1 + math.random(5)], n[6]) end)\n"                                         \
	"ADDED_BEHIND\n"                                                                                           \
	"always { 'n6 has three peers', after = '20s', function() return n[6]:num_peers() > 2 end }\n"             \
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

struct added {
	const char *inside; /* in a callback of a reactor that nodes have */
	const char *before; /* between the nodes and their start */
	const char *behind; /* after all that happens */
};

static const struct added nothing = {"", "", ""};

static struct run run(struct added added, uint64_t seed, enum sim_tcp_model tcp)
{
	struct run r = {.record = tmpfile()};
	struct recorder *recorder = recorder_new(r.record, "a run");
	struct scenario_kit k;
	char text[4096];
	struct scenario_options o = {
	    .seed = seed, .null_crypto = true, .crypto_given = true, .recorder = recorder, .tcp = tcp, .tcp_given = true};

	assert_non_null(recorder);
	snprintf(text, sizeof text, "%s", SCRIPT);
	replace(text, sizeof text, "ADDED_INSIDE", added.inside);
	replace(text, sizeof text, "ADDED_BEFORE", added.before);
	replace(text, sizeof text, "ADDED_BEHIND", added.behind);
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

/* The first run from this seed on that fails, and its seed. */
static struct run failing(uint64_t *seed, enum sim_tcp_model tcp)
{
	for (uint64_t last = *seed + 200; *seed < last; (*seed)++) {
		struct run r = run(nothing, *seed, tcp);

		if (r.failed)
			return r;
		fclose(r.record);
	}
	fail();
	return (struct run){.record = NULL};
}

static void expect_the_same(const struct run *a, struct added added, uint64_t seed, enum sim_tcp_model tcp)
{
	static const char *const nodes[] = {"seed", "n1", "n2", "n3", "n4", "n5", "n6"};
	struct run b = run(added, seed, tcp);

	assert_true(a->failed && b.failed);
	assert_true(a->failed_at_s == b.failed_at_s);
	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		size_t n, m;
		uint64_t x = stream_of(a->record, nodes[i], &n), y = stream_of(b.record, nodes[i], &m);

		if (x != y || n != m)
			print_error("%s%s%s: seed %" PRIu64 ": %s has other decisions: %zu and %zu items\n", added.inside, added.before, added.behind,
			            seed, nodes[i], n, m);
		assert_true(n > 50 && n == m && x == y);
	}
	fclose(b.record);
}

static void expect_labels(uint64_t failures, enum sim_tcp_model tcp)
{
	static const struct added added[] = {
	    {"", "", "at('10s', function() log('a line more: %d', math.random(100)) end)"},
	    {"", "", "spawn(function() for i = 1, 20 do sleep '1s' local x = math.random() end end)"},
	    {"", "", "plot { 'peers', every = '1s', function() return n[1]:num_peers() end } every('3s', function() log 'tick' end)"},
	    {"if self.node.name == 'n2' then for i = 1, 3 do local x = math.random() end end", "", ""},
	    {"log('%s ticks, %d peers', self.node.name, self.node:num_peers())", "", ""},
	    {"", "", "local other = node { name = 'zz' } other:start { within = '5s' }"},
	    {"", "local zy = nodes { name = 'zy', count = 3 }", "zy:start { within = '5s' }"},
	    {"", "local zx = nodes { name = 'zx', count = 2 }", "start(zx) chaos { nodes = zx, before = '2m', every = '4s' }"},
	    {"", "", "local zw = node { name = 'zw' } buggify { rate = '20%', nodes = zw } zw:start()"},
	};
	uint64_t seed = 1;

	for (; failures > 0; failures--, seed++) {
		struct run a = failing(&seed, tcp);

		for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
			expect_the_same(&a, added[i], seed, tcp);
		fclose(a.record);
	}
}

static void test_labels_keep_decisions_apart(void **state)
{
	expect_labels(3, SIM_TCP_SEGMENT);
}

static void test_labels_keep_decisions_apart_in_the_other_models(void **state)
{
	expect_labels(1, SIM_TCP_FLOW);
	expect_labels(1, SIM_TCP_NONE);
}

/* The comparison sees what does change a node. */
static void test_labels_a_fault_more_is_seen(void **state)
{
	struct added added = {"", "", "at('30s', function() reset(n[1], seed) reset(n[1], n[2]) end)"};
	uint64_t seed = 1;
	size_t n, m;
	struct run a = failing(&seed, SIM_TCP_SEGMENT), b = run(added, seed, SIM_TCP_SEGMENT);

	assert_true(stream_of(a.record, "n2", &n) != stream_of(b.record, "n2", &m));
	fclose(a.record);
	fclose(b.record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_labels_keep_decisions_apart),
	    cmocka_unit_test(test_labels_keep_decisions_apart_in_the_other_models),
	    cmocka_unit_test(test_labels_a_fault_more_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
