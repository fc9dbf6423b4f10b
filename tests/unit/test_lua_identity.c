/* Faults that change who or where a node is, or what time it has: key, address, wall clock. Each script fails without its fault. */
#include <stdlib.h>
#include <string.h>

#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

static void run_with(struct scenario_kit *k, const char *text, enum sim_tcp_model tcp)
{
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = tcp, .tcp_given = true};

	scenario_kit_run(k, text, &o);
}

static void holds_with(const char *text, enum sim_tcp_model tcp)
{
	struct scenario_kit k;

	run_with(&k, text, tcp);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
}

static void holds(const char *text)
{
	holds_with(text, SIM_TCP_NONE);
	holds_with(text, SIM_TCP_SEGMENT);
}

#define PAIR                                                                                  \
	"network { latency = '20ms' }\n"                                                          \
	"local a = node { name = 'a', p2p = { pex = false } }\n"                                  \
	"local b = node { name = 'b', p2p = { pex = false, persistent_peers = { 'a' } } }\n"      \
	"local c = node { name = 'c', p2p = { pex = false, persistent_peers = { 'a', 'b' } } }\n" \
	"start(a, b, c)\n"                                                                        \
	"eventually { 'they meet', within = '5s', function() return a:num_peers() == 2 "          \
	"and c:has_peer(b) end }\n"

/* ------------------------------------------------------------------ the key */

static void test_identity_lost_key_makes_another_id_at_the_next_start(void **state)
{
	holds(PAIR "local old, between, new = b.id\n"
	           "at('10s', function() b:lose_key() between = b.id end)\n"
	           "at('20s', function() between = between == b.id and between b:restart() end)\n"
	           "at('25s', function() new = b.id end)\n"
	           "at_end { 'not before it starts', function() return between == old end }\n"
	           "at_end { 'another one then', function() return new ~= old and #new == 40 and b.address:find(new, 1, true) == 1 end }\n"
	           "at_end { 'a takes it: b dials', function() return a:has_peer(b) and a:peer(b).name == 'b' and not a:has_peer(old) end }\n"
	           "never { 'c finds it: its file names the old id', after = '21s', function() return c:has_peer(b) end }\n"
	           "run_for '2m'");
	holds(PAIR "local old, once = b.id\n"
	           "at('10s', function() b:restart { crash = true, lose_key = true } end)\n"
	           "at('20s', function() once = b.id b:restart { lose_key = true } end)\n"
	           "at('30s', function() c:restart() end)\n"
	           "at('60s', function() c:stop() end)\n"
	           "at('61s', function() c:configure { persistent_peers = { 'b' } } c:start() end)\n"
	           "at_end { 'each time another one', function() return old ~= once and once ~= b.id and old ~= b.id end }\n"
	           "never { 'a restart alone does not help', after = '11s', within = '49s', function() return c:has_peer(b) end }\n"
	           "eventually { 'another configuration does', after = '61s', within = '5s', function() return c:has_peer(b) end }\n"
	           "run_for '2m'");
}

static void test_identity_bad_key_file_lets_nothing_start(void **state)
{
	static const char script[] = PAIR "at('10s', function() disk(b, { bad_key = true }) b:restart() end)\n"
	                                  "local old = b.id\n"
	                                  "at('60s', function() %s end)\n"
	                                  "never { 'it starts', after = '11s', within = '48s', function() return b.running end }\n"
	                                  "eventually { 'then it does', after = '60s', within = '3s', function() return b.running end }\n"
	                                  "at_end { 'as whom', function() return (b.id == old) == %s end }\n"
	                                  "run_for '2m'";
	char text[2048];
	struct scenario_kit k;

	snprintf(text, sizeof text, script, "disk(b)", "true"); /* restored */
	holds(text);
	snprintf(text, sizeof text, script, "b:lose_key()", "false"); /* moved away, as the message says */
	holds(text);
	run_with(&k, text, SIM_TCP_NONE);
	assert_non_null(strstr(k.log, "b: does not start: "));
	assert_non_null(strstr(k.log, sy_err_text(SY_CORRUPT)));
	scenario_kit_free(&k);
}

/* ------------------------------------------------------------------ the address */

static void test_identity_move_is_noticed_by_the_pings_and_found_by_who_knows(void **state)
{
	holds(PAIR
	      "local at10, later\n"
	      "at('10s', function() at10 = b.ip move(b, { ip = '192.0.2.9' }) later = b.ip end)\n"
	      "at('5m', function() c:stop() end)\n"
	      "at('301s', function() c:configure { persistent_peers = { 'b' } } c:start() end)\n"
	      "at_end { 'it is elsewhere', function() return at10 ~= later and later == '192.0.2.9' and b.address:find(later, 1, true) end }\n"
	      "always { 'nobody knows at first', after = '10s', within = '10s', function() return a:has_peer(b) and c:has_peer(b) end }\n"
	      "eventually { 'both sides notice', after = '10s', within = '3m', every = '100ms', function() return not a:has_peer(b) end }\n"
	      "eventually { 'b dials a again', after = '20s', within = '4m', function() return a:has_peer(b) and b:has_peer(a) end }\n"
	      "at_end { 'from there', function() return a:peer(b).address:find('192.0.2.9', 1, true) ~= nil end }\n"
	      "never { 'c dials the old address', after = '3m', within = '2m', function() return c:has_peer(b) end }\n"
	      "eventually { 'then the new one', after = '302s', within = '5s', function() return c:has_peer(b) end }\n"
	      "run_for '6m'");
}

static void test_identity_move_and_names_of_the_name_service(void **state)
{
	holds("local b = node { name = 'b', p2p = { pex = false } }\n"
	      "dns('b.example', b)\n"
	      "local c = node { name = 'c', p2p = { pex = false, persistent_peers = { b.id .. '@b.example:26656' } } }\n"
	      "start(b, c)\n"
	      "at('10s', function() move(b) end)\n"
	      "at('5m', function() dns('b.example', b) end)\n"
	      "never { 'the name means the old address', after = '3m', within = '2m', function() return c:has_peer(b) end }\n"
	      "eventually { 'it means the new one', after = '5m', within = '10m', function() return c:has_peer(b) end }\n"
	      "run_for '15m'");
}

/* What it says of itself stays what it was made with until it starts again; an external_address is the script's. */
static void test_identity_move_and_what_a_node_advertises(void **state)
{
	static const char script[] =
	    "local b = node { name = 'b', ip = '9.9.0.1', p2p = { persistent_peers = { 's' }%s } }\n"
	    "local s = node { name = 's', p2p = { seed_mode = true } }\n"
	    "start(b, s)\n"
	    "at('20s', function() move(b, { ip = '9.9.0.2' }) %s end)\n"
	    "local function known(ip) for _, x in ipairs(s.book:addresses()) do if x:find('@' .. ip .. ':', 1, true) then return true end end "
	    "end\n"
	    "at_end { 'its old address is in the book', function() return known('9.9.0.1') or false end }\n"
	    "at_end { 'its new one', function() return (known('9.9.0.2') or false) == %s, table.concat(s.book:addresses(), ' ') end }\n"
	    "run_for '2m'";
	char text[2048];

	snprintf(text, sizeof text, script, "", "", "false");
	holds(text);
	snprintf(text, sizeof text, script, ", external_address = '9.9.0.1:26656'", "b:restart()", "false");
	holds(text);
}

static void test_identity_move_home_is_the_address_of_the_beginning(void **state)
{
	holds("local b = node { name = 'b' } start(b)\n"
	      "local first, second, third = b.ip\n"
	      "at('1s', function() move(b) second = b.ip move(b) third = b.ip end)\n"
	      "at('2s', function() move({ b }, { home = true }) move(b, { home = true }) end)\n"
	      "at_end { 'three of them', function() return first ~= second and second ~= third and b.ip == first end }\n"
	      "run_for '3s'");
}

/* ------------------------------------------------------------------ the wall clock */

/* e sends what nobody has asked for, and is banned for 24 h; g is a peer all the time. */
#define BANNED                                                                                                                  \
	"local Rude = reactor { name = 'rude', channels = { { id = 0x00 } } }\n"                                                    \
	"local v = node { name = 'v', book = { 'e' } }\n"                                                                           \
	"local e = node { name = 'e', reactors = { Rude }, p2p = { pex = false, persistent_peers = { 'v' } } }\n"                   \
	"local g = node { name = 'g', p2p = { persistent_peers = { 'v' } } }\n"                                                     \
	"start(v, e, g)\n"                                                                                                          \
	"at('2s', function() e:broadcast(0x00, '\\x12\\x00') end)\n"                                                                \
	"at('3s', function() e:broadcast(0x00, '\\x12\\x00') end)\n"                                                                \
	"eventually { 'e is banned', within = '10s', function() return v.book:counts().banned == 1 end }\n"                         \
	"always { 'no timer fires early', after = '5s', within = '234s', function() return v:has_peer(g) and g:has_peer(v) end }\n" \
	"at('4m', function() v:restart() end)\n"

/* A node reads the wall clock when it starts and counts on from there, as CometBFT does within a process. */
static void test_identity_wall_clock_steps_over_the_end_of_a_ban(void **state)
{
	holds(BANNED "never { 'e comes back', after = '5s', function() return v:has_peer(e) end }\n"
	             "run_for '30m'");
	holds(BANNED "at('2m', function() clock(v, { step = '25h' }) end)\n"
	             "never { 'e comes back before', after = '5s', within = '234s', function() return v:has_peer(e) end }\n"
	             "eventually { 'e comes back', after = '4m', function() return v:has_peer(e) and v.book:counts().banned == 0 end }\n"
	             "run_for '30m'");
	/* A step back makes it longer: 25 h are not enough then. */
	holds(BANNED "at('2m', function() clock(v, { step = '10h', back = true }) clock(v, { step = '25h' }) end)\n"
	             "never { 'e comes back', after = '5s', function() return v:has_peer(e) end }\n"
	             "run_for '30m'");
}

static void test_identity_says_what_is_wrong(void **state)
{
	scenario_expect_error("local a = node { name = 'a' }\nmove(a, { ip = '1.2.3' }) run_for '1s'", 2, "'1.2.3' is no IP address");
	scenario_expect_error("local a = node { name = 'a' }\nmove(a, { ip = '9.8.7.6', home = true }) run_for '1s'", 2, "either ip or home");
	scenario_expect_error("local a = node { name = 'a' } node { name = 'b', ip = '9.8.7.6' }\nmove(a, { ip = '9.8.7.6' }) run_for '1s'", 2,
	                      "the address is taken");
	scenario_expect_error("local a = node { name = 'a' }\nmove(a, { up = 1 }) run_for '1s'", 2, "ip");
	scenario_expect_error("local a = node { name = 'a' }\na:lose_key() run_for '1s'", 2, "nothing runs before run_for");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_identity_lost_key_makes_another_id_at_the_next_start),
	    cmocka_unit_test(test_identity_bad_key_file_lets_nothing_start),
	    cmocka_unit_test(test_identity_move_is_noticed_by_the_pings_and_found_by_who_knows),
	    cmocka_unit_test(test_identity_move_and_names_of_the_name_service),
	    cmocka_unit_test(test_identity_move_and_what_a_node_advertises),
	    cmocka_unit_test(test_identity_move_home_is_the_address_of_the_beginning),
	    cmocka_unit_test(test_identity_wall_clock_steps_over_the_end_of_a_ban),
	    cmocka_unit_test(test_identity_says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
