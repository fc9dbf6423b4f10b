/* Lines, sites and NATs in scripts: each script fails where they are not what it describes. */
#include <stdlib.h>
#include <string.h>

#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

static void holds(const char *text)
{
	static const enum sim_tcp_model models[] = {SIM_TCP_NONE, SIM_TCP_SEGMENT, SIM_TCP_FLOW};

	for (size_t m = 0; m < ARRAY_LEN(models); m++) {
		struct scenario_kit k;
		struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = models[m], .tcp_given = true};

		scenario_kit_run(&k, text, &o);
		scenario_kit_held(&k);
		scenario_kit_free(&k);
	}
}

#define APP "local App = reactor { name = 'app', channels = { { id = 0x70, send_queue_capacity = 100 } } }\n"

/* Every way leads over the hub; each arm is its node's, for all its connections together. */
static void test_sites_star_adds_up_its_arms_and_shares_them(void **state)
{
	holds(
	    APP
	    "network { latency = '0ms' }\n"
	    "local hub = node { name = 'hub', reactors = { App }, p2p = { pex = false } }\n"
	    "local a = node { name = 'a', reactors = { App }, line = { latency = '10ms', uplink = '8Mbit' },\n"
	    "  p2p = { pex = false, persistent_peers = { hub, 'b' } } }\n"
	    "local b = node { name = 'b', reactors = { App }, line = { latency = '25ms' }, p2p = { pex = false, persistent_peers = { hub } } "
	    "}\n"
	    "start(hub, a, b)\n"
	    "local near, far, ab = measure { from = a, to = hub, before = '9s' }, measure { from = b, to = hub }, measure { from = a, to = b, "
	    "before = '9s' }\n"
	    "traffic { from = a, to = { hub, b }, channel = 0x70, size = 100, interval = '100ms', after = '5s', before = '9s' }\n"
	    "traffic { from = b, to = hub, channel = 0x70, size = 100, interval = '100ms', after = '5s', before = '9s' }\n"
	    "local function at(flow, ms) local d = flow:delay(50) * 1000 return d > ms - 0.5 and d < ms + 3, tostring(d) end\n"
	    "at_end { 'an arm', function() return at(near, 10) end }\n"
	    "at_end { 'another', function() return at(far, 25) end }\n"
	    "at_end { 'two arms', function() return at(ab, 35) end }\n"
	    "traffic { from = a, to = { hub, b }, channel = 0x70, size = '10KiB', saturate = true, after = '10s' }\n"
	    "local one = measure { from = a, to = hub, after = '12s' }\n"
	    "local two = measure { from = a, to = b, after = '12s' }\n"
	    "at_end { 'its rate is for both', function() local t = (one:throughput() + two:throughput()) * 8\n"
	    "  return t > 6e6 and t < 8e6, tostring(t) end }\n"
	    "run_for '30s'");
}

static void test_sites_bottleneck_is_shared_by_who_is_behind_it(void **state)
{
	holds(APP
	      "network { latency = '20ms' }\n"
	      "site { name = 'dc', latency = '2ms', uplink = '8Mbit', downlink = '8Mbit', inside = '1ms' }\n"
	      "local n = nodes { name = 'n', count = 2, site = 'dc', reactors = { App }, p2p = { pex = false, persistent_peers = { 'n1' } } }\n"
	      "local o = node { name = 'o', reactors = { App }, p2p = { pex = false, persistent_peers = { n } } }\n"
	      "start(n, o)\n"
	      "traffic { from = n, to = o, channel = 0x70, size = '10KiB', saturate = true, after = '5s', before = '35s' }\n"
	      "local one, two = measure { from = n[1], to = o, after = '15s', before = '35s' }, measure { from = n[2], to = o, after = '15s', "
	      "before = '35s' }\n"
	      "at_end { 'together what the line has', function() local t = (one:throughput() + two:throughput()) * 8\n"
	      "  return t > 6.5e6 and t < 8e6, tostring(t) end }\n"
	      "at_end { 'each a good part of it', function() local s = one:throughput() / (one:throughput() + two:throughput())\n"
	      "  return s > 0.2 and s < 0.8, tostring(s) end }\n"
	      "traffic { from = n[1], to = n[2], channel = 0x70, size = '10KiB', saturate = true, after = '40s' }\n"
	      "local inside = measure { from = n[1], to = n[2], after = '42s' }\n"
	      "at_end { 'inside there is no line', function() return inside:throughput() * 8 > 20e6, tostring(inside:throughput() * 8) end }\n"
	      "run_for '50s'");
}

static void test_sites_nat_keeps_out_who_is_not_forwarded(void **state)
{
	holds("site { name = 'home', nat = true, ip = '9.1.2.3' }\n"
	      "local a = node { name = 'a', site = 'home', forward = 4000, p2p = { max_num_outbound_peers = 0 } }\n"
	      "local b = node { name = 'b', site = 'home', p2p = { max_num_outbound_peers = 0 } }\n"
	      "local o = nodes { name = 'o', count = 2, p2p = { persistent_peers = { a, b }, max_num_outbound_peers = 0 } }\n"
	      "local i = node { name = 'i', site = 'home', p2p = { persistent_peers = { b }, addr_book_strict = false } }\n"
	      "start(a, b, o, i)\n"
	      "assert(a.address == a.id .. '@9.1.2.3:4000' and b.ip:find('^10%.'))\n"
	      "eventually { 'the forwarded one is found', within = '10s', function() return o:all(function(x) return x:has_peer(a) end) end }\n"
	      "never { 'the other one is', function() return o:any(function(x) return x:has_peer(b) end) end }\n"
	      "eventually { 'but from within', within = '10s', function() return i:has_peer(b) end }\n"
	      "run_for '2m'");
}

/* Nobody has told b where it is; ours puts it into its book under the address that was seen (D-24). */
static void test_sites_nat_and_what_is_known_of_who_is_behind_it(void **state)
{
	holds("site { name = 'home', nat = true, ip = '9.1.2.3' }\n"
	      "local s = node { name = 's', p2p = { pex = true, max_num_outbound_peers = 0 } }\n"
	      "local b = node { name = 'b', site = 'home', p2p = { persistent_peers = { s } } }\n"
	      "start(s, b)\n"
	      "at_end { 'seen', function() return s:has_peer(b) and s:peer(b).address:find('@9%.1%.2%.3:') ~= nil, s:peer(b).address end }\n"
	      "at_end { 'known', function() local x = s.book:addresses() return #x == 1 and x[1] == b.id .. '@9.1.2.3:26656', x[1] end }\n"
	      "run_for '1m'");
}

static void test_sites_nat_counts_as_one_address_for_limits(void **state)
{
	static const char script[] = "site { name = 'home', nat = true }\n"
	                             "local s = node { name = 's', p2p = { %s } }\n"
	                             "local n = nodes { name = 'n', count = 4, site = 'home', p2p = { persistent_peers = { s } } }\n"
	                             "start(s, n)\n"
	                             "eventually { 'so many', within = '20s', function() return s:num_peers() == %d end }\n"
	                             "never { 'more', function() return s:num_peers() > %d end }\n"
	                             "run_for '2m'";
	char text[1024];

	snprintf(text, sizeof text, script, "allow_duplicate_ip = true", 4, 4);
	holds(text);
	snprintf(text, sizeof text, script, "allow_duplicate_ip = true, max_inbound_per_ip = 3", 3, 3);
	holds(text);
	snprintf(text, sizeof text, script, "allow_duplicate_ip = false", 1, 1);
	holds(text);
}

static void test_sites_nat_moves_as_one(void **state)
{
	holds("site { name = 'home', nat = true, ip = '9.1.2.3' }\n"
	      "local a = node { name = 'a', site = 'home', forward = 4000, p2p = { allow_duplicate_ip = true, persistent_peers = { 's' } } }\n"
	      "local b = node { name = 'b', site = 'home', forward = 4001, p2p = { persistent_peers = { a } } }\n"
	      "local s = node { name = 's', p2p = { allow_duplicate_ip = true } }\n"
	      "start(a, b, s)\n"
	      "local x, y\n"
	      "at('10s', function() move(a, { ip = '9.4.5.6' }) x, y = a.ip, b.ip end)\n"
	      "at('4m', function() move(b, { home = true }) end)\n"
	      "at_end { 'both', function() return x == '9.4.5.6' and y == x and a.ip == '9.1.2.3' and b.ip == a.ip end }\n"
	      "always { 's hears nothing for a while', after = '10s', within = '20s', function() return s:has_peer(a) end }\n"
	      "eventually { 's notices', after = '10s', within = '3m', every = '100ms', function() return not s:has_peer(a) end }\n"
	      "eventually { 'and is dialled again', after = '90s', within = '2m', function() return s:has_peer(a) and s:peer(a).address:find("
	      "'@9%.4%.5%.6:') end }\n"
	      "run_for '5m'");
}

static void test_sites_say_what_is_wrong(void **state)
{
	scenario_expect_error("site { nat = true }", 1, "site: name is missing");
	scenario_expect_error("site { name = 'x', ip = '9.8.7.6' }", 1, "nat = true is missing");
	scenario_expect_error("site { name = 'x', rate = '1Mbit' }", 1, "unknown key 'rate'");
	scenario_expect_error("site { name = 'x' }\nsite { name = 'x' }\nnode { name = 'a' } run_for '1s'", 2, "there is a site \"x\" already");
	scenario_expect_error("node { name = 'a', site = 'x' } run_for '1s'", 1, "there is no site \"x\"");
	scenario_expect_error("node { name = 'a', forward = 1 }", 1, "site is missing");
	scenario_expect_error("site { name = 'x' }\nnode { name = 'a', site = 'x', forward = 1 } run_for '1s'", 2, "its nat = true is missing");
	scenario_expect_error("site { name = 'x', inside = '1000d' }", 1, "site: inside is longer than a year");
	scenario_expect_error("node { name = 'a', line = '5ms' }", 1, "node: line is a table");
	scenario_expect_error("node { name = 'a', line = { rate = '1Mbit' } }", 1, "node: line: unknown key 'rate'");
	scenario_expect_error(
	    "site { name = 'x', nat = true }\nlocal n = nodes { name = 'n', count = 2, site = 'x', forward = 7 } run_for '1s'", 2,
	    "port 7 of site \"x\" leads to another node already");
	scenario_expect_error("run_for '1s'\nsite { name = 'x' }", 2, "comes too late");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sites_star_adds_up_its_arms_and_shares_them),
	    cmocka_unit_test(test_sites_bottleneck_is_shared_by_who_is_behind_it),
	    cmocka_unit_test(test_sites_nat_keeps_out_who_is_not_forwarded),
	    cmocka_unit_test(test_sites_nat_and_what_is_known_of_who_is_behind_it),
	    cmocka_unit_test(test_sites_nat_counts_as_one_address_for_limits),
	    cmocka_unit_test(test_sites_nat_moves_as_one),
	    cmocka_unit_test(test_sites_say_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
