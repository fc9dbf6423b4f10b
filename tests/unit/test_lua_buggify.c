/* Rare but legal behaviour: each point changes the run and breaks nothing; other nodes' draws stay. */
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

#define SCRIPT                                                                                               \
	"network { latency = '20ms' }\n"                                                                         \
	"local Echo = reactor { name = 'echo', channels = { { id = 0x70, send_queue_capacity = 10 } } }\n"       \
	"function Echo:receive(peer, channel, msg) self.sum = (self.sum or 0) + #msg end\n"                      \
	"local s = node { name = 's', p2p = { seed_mode = true } }\n"                                            \
	"local n = nodes { name = 'n', count = 4, reactors = { Echo }, p2p = { seeds = { s } } }\n"              \
	"start(s, n)\n"                                                                                          \
	"every('1s', function() n[1]:broadcast(0x70, ('x'):rep(3000)) end, { after = '60s', before = '90s' })\n" \
	"eventually { 'they meet', within = '60s', function() return graph.components(n) == 1 end }\n"           \
	"at_end { 'messages come whole', function() return n[2].reactors.echo.sum % 3000 == 0 and n[2].reactors.echo.sum > 60000 end }\n"

struct hashes {
	uint64_t run;   /* with the mark that every fault leaves, whatever comes of it */
	uint64_t nodes; /* what nodes have seen and done alone */
};

static uint64_t hash_of_nodes(struct world *w)
{
	uint64_t h = 0;

	for (uint32_t i = 0; i < world_node_count(w); i++)
		h = sy_hash_u64(h, sy_node_trace_hash(world_node_core(world_node_at(w, i))));
	return h;
}

static struct hashes hashes_with(const char *block, enum sim_tcp_model tcp, uint64_t ppm)
{
	struct scenario_kit k;
	char text[2048];
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = tcp, .tcp_given = true, .buggify_ppm = ppm};

	snprintf(text, sizeof text, "%s%s\nrun_for '4m'", SCRIPT, block);
	scenario_kit_run(&k, text, &o);
	scenario_kit_held(&k);
	struct hashes h = {world_hash(scenario_world(k.s)), hash_of_nodes(scenario_world(k.s))};
	scenario_kit_free(&k);
	return h;
}

static uint64_t hash_with(const char *block, enum sim_tcp_model tcp, uint64_t ppm)
{
	return hashes_with(block, tcp, ppm).run;
}

static void test_buggify_points_change_the_run_and_break_nothing(void **state)
{
	static const char *const points[] = {"short_write", "short_read", "no_room",   "spurious",
	                                     "late_event",  "late_timer", "one_frame", "order"};
	static const enum sim_tcp_model models[] = {SIM_TCP_NONE, SIM_TCP_SEGMENT};

	for (size_t m = 0; m < 2; m++) {
		struct hashes plain = hashes_with("", models[m], 0);

		for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
			char block[128];

			snprintf(block, sizeof block, "buggify { rate = '30%%', nodes = n, points = { '%s' } }", points[i]);
			struct hashes with = hashes_with(block, models[m], 0), again = hashes_with(block, models[m], 0);
			/* A spurious word is heard and nothing comes of it (test_sim_net_rough sees it come). */
			bool same = strcmp(points[i], "spurious") == 0;
			if ((with.nodes == plain.nodes) != same)
				print_error("%s changes %s\n", points[i], same ? "something" : "nothing");
			assert_true((with.nodes == plain.nodes) == same);
			assert_true(with.run == again.run && with.nodes == again.nodes);
		}
	}
}

static void test_buggify_of_the_command_line_reaches_every_node(void **state)
{
	uint64_t plain = hash_with("", SIM_TCP_NONE, 0), rare = hash_with("", SIM_TCP_NONE, 20000);

	assert_true(rare != plain);
	assert_true(rare == hash_with("", SIM_TCP_NONE, 20000));
	assert_true(rare == hash_with("buggify { rate = 0.02 }", SIM_TCP_NONE, 0));
}

static void test_buggify_saves_fail(void **state)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true};

	scenario_kit_run(&k,
	                 "local s = node { name = 's', p2p = { seed_mode = true } }\n"
	                 "local o = nodes { name = 'o', count = 8, p2p = { seeds = { s } } }\n"
	                 "local n = node { name = 'n', p2p = { seeds = { s } } }\n"
	                 "start(s, o, n)\n"
	                 "buggify { rate = 1, nodes = n, points = { 'save_fails' } }\n"
	                 "local before, after\n"
	                 "at('4m', function() before = n.book:size() partition(n, group(s, o)) n:restart() end)\n"
	                 "at('242s', function() after = n.book:size() end)\n"
	                 "at_end { 'nothing was saved', function() return before >= 8 and after <= 1 end }\n"
	                 "run_for '5m'",
	                 &o);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
}

static void test_buggify_says_what_is_wrong(void **state)
{
	scenario_expect_error("buggify { rate = '1%' }", 1, "there are none yet");
	scenario_expect_error("node { name = 'a' }\nbuggify { points = { 'long_write' } }", 2, "there is no 'long_write'");
	scenario_expect_error("node { name = 'a' }\nbuggify { rat = 1 }", 2, "rate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_buggify_points_change_the_run_and_break_nothing),
	    cmocka_unit_test(test_buggify_of_the_command_line_reaches_every_node),
	    cmocka_unit_test(test_buggify_saves_fail),
	    cmocka_unit_test(test_buggify_says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
