/*
 * Every key of network, link and line, and every option of a fault, has its effect: a run with it differs from the run
 * without it. What the effect is, other tests say; here nothing may be read and forgotten.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

/* What the nodes have seen: their inputs, at their times. Marks that faults leave elsewhere do not count. */
static uint64_t seen_by_nodes(const char *text)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = SIM_TCP_SEGMENT};
	uint64_t h = 0;

	scenario_kit_run(&k, text, &o);
	if (k.ran != SCENARIO_OK)
		print_error("%s\n%s\n", text, k.error);
	assert_int_equal(k.ran, SCENARIO_OK);
	for (size_t i = 0; i < k.r->num_rows; i++) {
		char value[128];

		snprintf(value, sizeof value, "%s %.17g", k.r->rows[i].metric, k.r->rows[i].value);
		h = sy_hash_bytes(sy_hash_u64(h, (uint64_t)(k.r->rows[i].time_s * 1e9)), value, strlen(value));
	}
	h = sy_hash_u64(h, k.r->num_rows);
	scenario_kit_free(&k);
	return h;
}

/* a sends b 10 KiB messages as fast as they go, and b answers each; every message leaves a row. */
#define TALK                                                                                                                           \
	"local R = reactor { name = 'r', channels = { { id = 0x70, send_queue_capacity = 10 } } }\n"                                       \
	"function R:receive(peer, channel, msg) metric('got', #msg) if #msg > 100 then peer:try_send(0x70, 'y') end end\n"                 \
	"local a = node { name = 'a', profile = 'upstream', reactors = { R }, p2p = { pex = false, send_rate = 1e8, recv_rate = 1e8 } }\n" \
	"local b = node { name = 'b', profile = 'upstream', reactors = { R }, p2p = { pex = false, send_rate = 1e8, recv_rate = 1e8, "     \
	"persistent_peers = { 'a' } } }\n"                                                                                                 \
	"start(a, b)\n"                                                                                                                    \
	"traffic { from = a, to = b, channel = 0x70, size = '10KiB', saturate = true, after = '4s', before = '7s' }\n"

struct row {
	const char *base, *key; /* base null: what all have */
};

/* Of links: in network {} and in link {}. */
static const struct row of_links[] = {
    {NULL, "latency = '30ms'"},
    {NULL, "rate = '4Mbit'"},
    {NULL, "loss = '2%'"},
    {NULL, "queue = '15kB'"},
    {NULL, "mtu = 600"},
    {NULL, "bursts = { enter = 0.01, leave = 0.3 }"},
    {"bursts = { enter = 0.01, leave = 0.3 }", "bursts = { enter = 0.01, leave = 0.3, loss = 0.5 }"},
    {"bursts = { enter = 0.01, leave = 0.3 }", "bursts = { enter = 0.01, leave = 0.3, loss_between = 0.02 }"},
    {NULL, "loss_trace = '..........x'"},
    {NULL, "drop = { 30, 40 }"},
    {NULL, "duplicate = '5%'"},
    {NULL, "reorder = '5%', reorder_by = '7ms'"},
    {"reorder = '5%', reorder_by = '7ms'", "reorder = '5%', reorder_by = '30ms'"},
    {"latency = 'uniform(10ms, 30ms)'", "latency = 'uniform(10ms, 30ms)', overtake = true"},
    {NULL, "codel = true"},
    {"codel = true", "codel = { target = '20ms', interval = '100ms' }"},
    {"codel = { target = '2ms', interval = '100ms' }", "codel = { target = '2ms', interval = '20ms' }"},
};

/* Of the network alone. */
static const struct row of_network[] = {
    {NULL, "uplink = '3Mbit'"},
    {NULL, "downlink = '3Mbit'"},
    {NULL, "regions = { 'us-east', 'ap-sydney' }"},
    {"loss = '2%'", "loss = '2%', cc = 'reno'"},
    {"loss = '2%'", "loss = '2%', cc = 'bbr'"},
    {NULL, "sndbuf = '16KiB'"},
    {NULL, "rcvbuf = '16KiB'"},
    {NULL, "notsent_lowat = '16KiB'"},
    {NULL, "frame_cost = '1ms'"},
    {NULL, "tcp = 'none'"},
    {"latency = '100ms', rate = '100Mbit'", "latency = '100ms', rate = '100Mbit', tcp = 'flow'"},
};

#define LINKS "latency = '20ms', rate = '8Mbit'"

/* The keys in network {}, or in link {} after a network without them. */
static uint64_t with_keys(const char *base, const char *key, bool in_link)
{
	char text[4096], keys[512];
	bool own_latency = (base && strstr(base, "latency")) || (key && strncmp(key, "latency", 7) == 0);
	bool own_rate = (base && strstr(base, "rate")) || (key && strncmp(key, "rate", 4) == 0);
	const char *given = key ? key : base ? base : "";

	snprintf(keys, sizeof keys, "%s%s%s", own_latency ? "" : "latency = '20ms', ", own_rate ? "" : "rate = '8Mbit', ", given);
	if (in_link)
		snprintf(text, sizeof text, "network { " LINKS " }\n" TALK "link { from = a, to = b, %s }\nrun_for '20s'", keys);
	else
		snprintf(text, sizeof text, "network { %s }\n" TALK "run_for '20s'", keys);
	return seen_by_nodes(text);
}

static void differ(const struct row *row, bool in_link)
{
	uint64_t plain = with_keys(row->base, NULL, in_link), other = with_keys(row->base, row->key, in_link);

	if (plain == other)
		print_error("%s: %s changes nothing\n", in_link ? "link" : "network", row->key);
	assert_true(plain != other);
}

static void test_options_of_links_have_effects(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(of_links); i++) {
		differ(&of_links[i], false);
		differ(&of_links[i], true);
	}
}

static void test_options_of_networks_have_effects(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(of_network); i++)
		differ(&of_network[i], false);
}

static void test_options_of_nodes_and_sites_have_effects(void **state)
{
	static const char *const keys[][2] = {
	    /* of the site, of the node */
	    {"", "line = { latency = '10ms' }"},
	    {"", "line = { uplink = '3Mbit' }"},
	    {"", "line = { downlink = '50kbit' }"},
	    {"", "line = { uplink = '3Mbit', queue = '15kB' }"},
	    {"", "cc = 'bbr'"},
	    {"", "site = 'x'"},
	    {"latency = '5ms'", "site = 'x'"},
	    {"uplink = '3Mbit'", "site = 'x'"},
	    {"downlink = '50kbit'", "site = 'x'"},
	    {"uplink = '3Mbit', queue = '15kB'", "site = 'x'"},
	};
	uint64_t seen[ARRAY_LEN(keys) + 1];

	for (size_t i = 0; i <= ARRAY_LEN(keys); i++) {
		char text[4096], node[256];
		const char *site = i == 0 ? "" : keys[i - 1][0], *more = i == 0 ? "" : keys[i - 1][1];

		snprintf(text, sizeof text,
		         "network { latency = '20ms', rate = '8Mbit', loss = '1%%' }\nsite { name = 'x'%s%s }\n" TALK "run_for '20s'",
		         *site ? ", " : "", site);
		snprintf(node, sizeof node, "node { name = 'a', %s%s", more, *more ? ", " : "");
		char *at = strstr(text, "node { name = 'a', ");
		memmove(at + strlen(node), at + 19, strlen(at + 19) + 1);
		memcpy(at, node, strlen(node));
		seen[i] = seen_by_nodes(text);
		for (size_t k = 0; k < i; k++) {
			bool nothing = i == 6 && k == 0;      /* a site without a line is no more than a name */
			bool alike = i > 5 && k > 0 && k < 6; /* a site's line may do just what a node's does */

			if (!alike && (seen[i] == seen[k]) != nothing)
				print_error("'%s' '%s' is as row %zu\n", site, more, k);
			assert_true(alike || (seen[i] == seen[k]) == nothing);
		}
	}
}

/* Three nodes that talk all the time, in both directions; what each has received is a row. */
#define THREE                                                                                                                       \
	"network { latency = '20ms' }\n"                                                                                                \
	"local R = reactor { name = 'r', channels = { { id = 0x70, send_queue_capacity = 10 } } }\n"                                    \
	"function R:receive(peer, channel, msg) metric(self.node.name .. ' from ' .. (peer.name or '?'), #msg) end\n"                   \
	"local keys = { pex = false, ping_interval = '10s', pong_timeout = '5s' }\n"                                                    \
	"local function with(list) local t = { persistent_peers = list } for k, v in pairs(keys) do t[k] = v end return t end\n"        \
	"local a = node { name = 'a', reactors = { R }, p2p = keys }\n"                                                                 \
	"local b = node { name = 'b', reactors = { R }, p2p = with { 'a' } }\n"                                                         \
	"local c = node { name = 'c', reactors = { R }, p2p = with { 'a', 'b' } }\n"                                                    \
	"dns('a.example', a)\n"                                                                                                         \
	"local d = node { name = 'd', reactors = { R }, p2p = with { a.id .. '@a.example:26656' } }\n"                                  \
	"local all = group(a, b, c, d)\n"                                                                                               \
	"start(a, b, c)\n"                                                                                                              \
	"every('200ms', function() for _, n in ipairs(all) do if n.running then n:broadcast(0x70, ('x'):rep(2000)) end end end)\n"      \
	"every('100ms', function() for _, n in ipairs(all) do metric(n.name .. ' peers', n.running and n:num_peers() or -1) end end)\n" \
	"at('20s', function() d:start() end)\n"

static uint64_t with_fault(const char *fault)
{
	char text[4096];

	snprintf(text, sizeof text, THREE "at('10s', function() %s end)\nrun_for '90s'", fault);
	return seen_by_nodes(text);
}

/* Each line differs from all others. */
static void test_options_of_faults_have_effects(void **state)
{
	static const char *const faults[] = {
	    "",
	    "partition(a, b)",
	    "partition(a, b, { one_way = true })",
	    "partition(b, a, { one_way = true })",
	    "partition(a, b) at('12s', function() heal() end)",
	    "partition(a, b) partition(a, c) at('12s', function() heal(a, b) end)",
	    "isolate(b)",
	    "blackhole(a, b) at('12s', function() heal() end)",
	    "blackhole(a, b, { one_way = true }) at('12s', function() heal() end)",
	    "refuse(a, d) at('41s', function() heal() end)",
	    "reset(a, b)",
	    "half_open(a, b)",
	    "hold(a, b) at('12s', function() release(a, b) end)",
	    "hold(b, a) at('20s', function() release(b, a) end)",
	    "syn_drop(a, d) at('41s', function() heal() end)",
	    "link { from = a, to = b, latency = '50ms' }",
	    "link { from = a, to = b, latency = '50ms', one_way = true }",
	    "link { from = a, to = b, latency = '50ms' } at('20s', function() link { from = a, to = b } end)",
	    "dns('a.example', b)",
	    "pause(b)",
	    "pause(b) at('12s', function() resume(b) end)",
	    "cpu(b, { per_frame = '5ms' })",
	    "cpu(b, { per_frame = '7ms' })",
	    "clock(b, { drift = '20%' })",
	    "slow_reader(b, { rate = '3kB/s' })",
	    "short_io(b, { most = '100B' })",
	    "dns_server(d, { hang = true })",
	    "dns_server(d, { delay = '3s' })",
	    "dns_server(d, { fail = true }) at('30s', function() dns_server(d) end)",
	    "unreachable(a) at('65s', function() reachable(a) end)",
	    "power_off(b)",
	    "power_off(b) at('12s', function() power_on(b) end)",
	    "move(b)",
	    "move(b) at('30s', function() reset(a, b) end)",
	    "b:crash()",
	    "b:restart()",
	    "b:restart { after = '3s' }",
	    "b:restart { after = '3s', lose_key = true }",
	    "disk(b, { unreadable = true }) b:restart()  at('20s', function() disk(b) end)",
	    "disk(b, { bad_key = true }) b:restart()  at('25s', function() disk(b) end)",
	    "rare(b, { rate = '50%', points = { 'no_room' } })",
	    "rare(b, { rate = '10%', points = { 'no_room' } })",
	};
	uint64_t seen[ARRAY_LEN(faults)];

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		seen[i] = with_fault(faults[i]);
		for (size_t k = 0; k < i; k++) {
			if (seen[i] == seen[k])
				print_error("%s is no other than %s\n", faults[i], faults[k]);
			assert_true(seen[i] != seen[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options_of_links_have_effects),
	    cmocka_unit_test(test_options_of_networks_have_effects),
	    cmocka_unit_test(test_options_of_nodes_and_sites_have_effects),
	    cmocka_unit_test(test_options_of_faults_have_effects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
