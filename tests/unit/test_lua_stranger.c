/* Strangers: hosts without a node, whose connections a script drives byte by byte. */
#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

#define HELLO "'\\x22\\x0a\\x20' .. ('\\x07'):rep(32)" /* an ephemeral key message */

static uint64_t hash_with(const char *text, enum sim_tcp_model tcp)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = tcp, .tcp_given = true};

	scenario_kit_run(&k, text, &o);
	scenario_kit_held(&k);
	uint64_t hash = world_hash(scenario_world(k.s));
	scenario_kit_free(&k);
	return hash;
}

/* Whatever the model of TCP is, and each time the same. */
static void holds(const char *text)
{
	assert_true(hash_with(text, SIM_TCP_NONE) != 0);
	assert_true(hash_with(text, SIM_TCP_SEGMENT) == hash_with(text, SIM_TCP_SEGMENT));
}

static void test_stranger_that_says_nothing_is_sent_away(void **state)
{
	holds("local n = node { name = 'n', p2p = { handshake_timeout = '4s' } }\n"
	      "n:start()\n"
	      "local s, c = stranger { name = 's', ip = '10.0.0.9' }, nil\n"
	      "assert(s.ip == '10.0.0.9' and not s.running)\n"
	      "at('1s', function() c = s:connect(n) assert(c:state() == 'connecting' and not c:is_open()) end)\n"
	      "always { 'it is open', after = '2s', within = '2s', function() return c:is_open() and c:state() == 'open' end }\n"
	      "at_end { 'and then no more', function() local what, why = c:state() return what == 'closed' and why == 'peer_reset', why end }\n"
	      "at_end { 'n was polite', function() return c:received() == 35 and #c:bytes() == 35 and c:sent() == 0 end }\n"
	      "at_end { 'nobody is a peer', function() return n:num_peers() == 0 and #s:connections() == 0 end }\n"
	      "run_for '10s'");
}

static void test_stranger_goes_half_through_a_handshake(void **state)
{
	holds("local n = node { name = 'n' }\n"
	      "n:start()\n"
	      "local s = stranger { name = 's' }\n"
	      "local half, babbling\n"
	      "at('1s', function() half, babbling = s:connect(n), s:connect(n) half:send(" HELLO ") babbling:send(('x'):rep(2000)) end)\n"
	      "at('2s', function()\n"
	      "  assert(half:is_open() and half:received() == 35 + 1044, half:received())\n"
	      "  assert(select(2, babbling:state()) == 'peer_reset')\n"
	      "  local ok, why = babbling:send('more')\n"
	      "  assert(not ok and why == 'peer_closed')\n"
	      "  half:send(('y'):rep(1044))\n"
	      "end)\n"
	      "at_end { 'a frame that does not decrypt ends it', function() return select(2, half:state()) == 'peer_reset' end }\n"
	      "run_for '3s'");
}

static void test_stranger_hears_why_nobody_answers(void **state)
{
	holds("local closed, nowhere = node { name = 'closed' }, ('%040d@10.9.9.9:1'):format(0)\n"
	      "local s, a, b = stranger { name = 's' }, nil, nil\n"
	      "at(0, function() a, b = s:connect(closed), s:connect(nowhere) end)\n"
	      "at('1s', function() assert(select(2, a:state()) == 'dial_refused' and b:state() == 'connecting') b:close() b:close() end)\n"
	      "at_end { 'it has given up', function() local what, why = b:state() return what == 'closed' and why == nil end }\n"
	      "run_for '10s'");
}

static void test_stranger_listens_and_both_talk(void **state)
{
	holds("local a, b = stranger { name = 'a' }, stranger { name = 'b', listen = true }\n"
	      "local c, d\n"
	      "at('1s', function() c = a:connect(b) c:send('hel') c:send('lo') end)\n"
	      "at('2s', function()\n"
	      "  local list = b:connections()\n"
	      "  d = list[1]\n"
	      "  assert(#list == 1 and d.inbound and not c.inbound and d.node == b and d:bytes() == 'hello')\n"
	      "  assert(d == b:connections()[1])\n"
	      "  d:send('well') d:close()\n"
	      "end)\n"
	      "at('3s', function() assert(c:bytes() == 'well' and select(2, c:state()) == 'peer_closed') end)\n"
	      "at('4s', function() c = a:connect(b) end)\n"
	      "at('5s', function() d = b:connections()[1] c:reset() end)\n"
	      "at_end { 'a reset is one', function() return select(2, d:state()) == 'peer_reset' and select(2, c:state()) == nil end }\n"
	      "run_for '6s'");
}

static void test_stranger_that_does_not_read_closes_the_window(void **state)
{
	holds("local a, b = stranger { name = 'a', listen = true }, stranger { name = 'b' }\n"
	      "local deaf, taken\n"
	      "at('1s', function() deaf = b:connect(a, { reads = false }) end)\n"
	      "at('2s', function()\n"
	      "  local c, chunk = a:connections()[1], ('x'):rep(65536)\n"
	      "  taken = 0\n"
	      "  every('10ms', function()\n"
	      "    local ok, why = c:send(chunk)\n"
	      "    taken = taken + (ok and #chunk or 0)\n"
	      "    assert(ok or why == 'queue_full')\n"
	      "  end)\n"
	      "end)\n"
	      "at_end { 'nothing was read', function() return deaf:received() == 0 and deaf:is_open() end }\n"
	      "at_end { 'and the sender is stuck', function() return taken > 65536 and taken < 32 * 1024 * 1024, tostring(taken) end }\n"
	      "run_for '20s'");
}

static void test_stranger_stands_in_faults_like_others(void **state)
{
	holds("local n = node { name = 'n', p2p = { allow_duplicate_ip = true } }\n"
	      "n:start()\n"
	      "local many, one = strangers { name = 's', count = 3 }, stranger { name = 'one' }\n"
	      "link { from = one, to = n, latency = '200ms' }\n"
	      "local list, late\n"
	      "at('1s', function() list = many:connect(n) late = one:connect(n) end)\n"
	      "at('1.2s', function() assert(list[1]:is_open() and list[3]:is_open() and not late:is_open()) end)\n"
	      "at('2s', function() assert(late:is_open()) power_off(many[1]) many[2]:restart() reset(many[3], n) end)\n"
	      "at('3s', function()\n"
	      "  assert(select(2, list[1]:state()) == 'stopped' and list[2]:is_open() and select(2, list[3]:state()) == 'peer_reset')\n"
	      "  local c, why = many[1]:connect(n)\n"
	      "  assert(c == nil and why == 'unreachable')\n"
	      "  power_on(many[1])\n"
	      "  list[1] = many[1]:connect(n)\n"
	      "end)\n"
	      "at_end { 'with power it connects again', function() return list[1]:is_open() end }\n"
	      "at_end { 'a stranger is nobody in the graph', function() return graph.components() == 1 end }\n"
	      "run_for '5s'");
}

static void test_stranger_that_listened_listens_again_with_power(void **state)
{
	holds("local a, b = stranger { name = 'a' }, stranger { name = 'b', listen = true }\n"
	      "local before, without, after\n"
	      "at('1s', function() before = a:connect(b) end)\n"
	      "at('2s', function() assert(before:is_open()) power_off(b) without = a:connect(b) end)\n"
	      "at('4s', function() assert(not without:is_open()) without:reset() power_on(b) power_on(b) after = a:connect(b) end)\n"
	      "at_end { 'it is there again', function() return after:is_open() and #b:connections() == 1 end }\n"
	      "run_for '6s'");
}

static void test_stranger_has_no_node(void **state)
{
	scenario_expect_error("stranger { name = 's', pex = false }", 1, "unknown key 'pex'");
	scenario_expect_error("stranger { name = 's' }:start()", 1, "start: 's' is a stranger: there is no node behind it");
	scenario_expect_error("local a, b = node { name = 'a' }, node { name = 'b' }\nat(1, function() a:connect(b) end) run_for(2)", 2,
	                      "connect: 'a' is a node, and its connections are its own");
	scenario_expect_error("local s = stranger { name = 's' }\ns:connect(s)", 2, "connect: not before run_for");
	scenario_expect_error("strangers { count = 2, ip = '10.0.0.1' }", 1, "strangers: ip: they cannot share one");
	scenario_expect_error("local s = stranger { name = 's' }\nat(1, function() s:connect(s):sned('x') end) run_for(2)", 2,
	                      "a connection has no 'sned'; the nearest known name is 'send'");
	scenario_expect_error("local s, c = stranger { name = 's' }, nil\nat(1, function() c = s:connect(s) end)\n"
	                      "always { 'x', after = 2, function() c:close() end } run_for(3)",
	                      3, "only reads");
}

/* A node without PEX, with a reactor on its channel, says what it likes there (scenarios/field/lib/pex.lua has the messages). */
static void test_stranger_is_not_needed_to_speak_ill_pex(void **state)
{
	holds(
	    "local Ill = reactor { name = 'ill', channels = { { id = 0x00, send_queue_capacity = 10 } } }\n"
	    "local id = ('%040x'):format(7)\n"
	    "function Ill:receive(peer, channel, msg)\n"
	    "  if msg == '\\x0a\\x00' then peer:try_send(0, '\\x12\\x38\\x0a\\x36\\x0a\\x28' .. id .. '\\x12\\x079.9.9.9\\x18\\xd0\\x01') end\n"
	    "end\n"
	    "local v = node { name = 'v' }\n"
	    "local ill = node { name = 'ill', reactors = { Ill }, p2p = { pex = false, persistent_peers = { v } } }\n"
	    "start(v, ill)\n"
	    "local function knows(text) for _, a in ipairs(v.book:addresses()) do if a == text then return true end end end\n"
	    "eventually { 'what it says is believed', within = '1m', function() return knows(id .. '@9.9.9.9:208') end }\n"
	    "at('1m', function() ill:broadcast(0, '\\x12\\x00') end)\n"
	    "eventually { 'unasked, it is banned', after = '1m', within = '5s', function() return v.book:counts().banned > 0 end }\n"
	    "run_for '2m'");
}

static void test_stranger_connects_over_real_sockets(void **state)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .world = WORLD_TCP};

	scenario_kit_run(&k,
	                 "network { latency = '1ms' }\n"
	                 "local n = node { name = 'n' } n:start()\n"
	                 "local s, l = stranger { name = 's' }, stranger { name = 'l', listen = true }\n"
	                 "local c, d\n"
	                 "spawn(function()\n"
	                 "  sleep(0.05)\n"
	                 "  c, d = s:connect(n), s:connect(l)\n"
	                 "  c:send(" HELLO ") d:send('hello')\n"
	                 "  wait_until(function() return c:received() == 35 + 1044 end, '20s')\n"
	                 "  wait_until(function() return #l:connections() == 1 and l:connections()[1]:bytes() == 'hello' end, '20s')\n"
	                 "  c:reset() d:close()\n"
	                 "  wait_until(function() return #l:connections() == 0 end, '20s')\n"
	                 "end)\n"
	                 "run_for '1s'",
	                 &o);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stranger_that_says_nothing_is_sent_away),
	    cmocka_unit_test(test_stranger_goes_half_through_a_handshake),
	    cmocka_unit_test(test_stranger_hears_why_nobody_answers),
	    cmocka_unit_test(test_stranger_listens_and_both_talk),
	    cmocka_unit_test(test_stranger_that_does_not_read_closes_the_window),
	    cmocka_unit_test(test_stranger_stands_in_faults_like_others),
	    cmocka_unit_test(test_stranger_that_listened_listens_again_with_power),
	    cmocka_unit_test(test_stranger_has_no_node),
	    cmocka_unit_test(test_stranger_is_not_needed_to_speak_ill_pex),
	    cmocka_unit_test(test_stranger_connects_over_real_sockets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
