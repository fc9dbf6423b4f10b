/* Faults of machines, processes and disks: each script holds only if its fault does what it says. */
#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

/* a and b are peers and echo; b dials a. */
#define PAIR                                                                                             \
	"network { latency = '20ms' }\n"                                                                     \
	"local Echo = reactor { name = 'echo', channels = { { id = 0x70, send_queue_capacity = 10 } } }\n"   \
	"function Echo:receive(peer, channel, msg) self.got = now() self.bytes = #msg end\n"                 \
	"local a = node { name = 'a', reactors = { Echo } }\n"                                               \
	"local b = node { name = 'b', reactors = { Echo }, p2p = { persistent_peers = { 'a' } } }\n"         \
	"start(a, b)\n"                                                                                      \
	"eventually { 'they meet', within = '5s', function() return a:has_peer(b) and b:has_peer(a) end }\n" \
	"local function got() return b.reactors.echo.got end\n"

static void holds_with(const char *text, enum sim_tcp_model tcp)
{
	struct scenario_kit k;
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .tcp = tcp, .tcp_given = true};

	scenario_kit_run(&k, text, &o);
	scenario_kit_held(&k);
	scenario_kit_free(&k);
}

/* Whatever the model of TCP is. */
static void holds(const char *text)
{
	holds_with(text, SIM_TCP_NONE);
	holds_with(text, SIM_TCP_SEGMENT);
}

static void test_machine_paused_process_hears_nothing_until_it_resumes(void **state)
{
	holds(PAIR "at('10s', function() pause(b) end)\n"
	           "at('12s', function() a:broadcast(0x70, 'x') end)\n"
	           "at('20s', function() resume(b) end)\n"
	           "never { 'it hears while it stands still', within = '19s', function() return got() ~= nil end }\n"
	           "at_end { 'it hears then', function() return got() and got() >= 20 and got() < 20.5 end }\n"
	           "always { 'the connection lives', after = '6s', function() return a:has_peer(b) end }\n"
	           "run_for '30s'");
}

static void test_machine_slow_processor_takes_its_time(void **state)
{
	holds(PAIR "at('9s', function() cpu(b, { per_frame = '10ms' }) end)\n"
	           "at('10s', function() a:broadcast(0x70, ('x'):rep(100000)) end)\n"
	           "at_end { 'a hundred frames take a second', function() return got() > 10.9 and got() < 13, tostring(got()) end }\n"
	           "run_for '30s'");
	holds(PAIR "at('9s', function() cpu(b, { per_frame = '10ms' }) cpu(b) end)\n"
	           "at('10s', function() a:broadcast(0x70, ('x'):rep(100000)) end)\n"
	           "at_end { 'without it they do not', function() return got() < 10.9, tostring(got()) end }\n"
	           "run_for '30s'");
}

/* Four handshakes of one host stand in line, each step of each in its turn: the first is over when all have begun. */
#define HUB                                                                                                           \
	"local T = reactor { name = 't', channels = { { id = 0x70 } } }\n"                                                \
	"local hub, peers = node { name = 'hub', reactors = { T } }, nodes { name = 'n', count = 4, reactors = { T } }\n" \
	"local first, last\n"                                                                                             \
	"peers:start() hub:start()\n"                                                                                     \
	"at('1s', function() for _, n in ipairs(peers) do hub:dial(n) end end)\n"                                         \
	"every('5ms', function()\n"                                                                                       \
	"  if hub:num_peers() > 0 then first = first or now() - 1 end\n"                                                  \
	"  if hub:num_peers() == 4 then last = last or now() - 1 end end)\n"

static void test_machine_handshakes_take_their_time(void **state)
{
	holds("network { latency = '10ms', handshake_cost = '100ms' }\n" HUB
	      "at_end { 'one after the other', function() return first > 0.4 and last < 0.6, ('%s %s'):format(first, last) end }\n"
	      "run_for '5s'");
	holds("network { latency = '10ms' }\n" HUB "at_end { 'at once', function() return last < 0.2, tostring(last) end }\n"
	      "run_for '5s'");
}

static void test_machine_fast_clock_shortens_timers(void **state)
{
	holds("local T = reactor { name = 't', channels = { { id = 0x70 } } }\n"
	      "function T:start() self:set_timer(1, '30s') end\n"
	      "function T:timer() self.fired = now() end\n"
	      "local a, b, c = node { name = 'a', reactors = { T } }, node { name = 'b', reactors = { T } }, node { name = 'c', reactors = { T "
	      "} }\n"
	      "start(a, b, c)\n"
	      "clock(a, { drift = '50%' }) clock(b, { drift = '50%', slow = true })\n"
	      "at_end { 'fast, slow, right', function()\n"
	      "  local x, y, z = a.reactors.t.fired, b.reactors.t.fired, c.reactors.t.fired\n"
	      "  return x and y and z and x < z and z < y, ('%s %s %s'):format(x, y, z) end }\n"
	      "run_for '2m'");
}

static void test_machine_slow_reader_reads_at_its_rate(void **state)
{
	holds(PAIR "at('9s', function() slow_reader(b, { rate = '1kB/s' }) end)\n"
	           "at('10s', function() a:broadcast(0x70, ('x'):rep(10000)) end)\n"
	           "at_end { 'ten kilobytes take ten seconds', function() return got() and got() > 19 and got() < 23, tostring(got()) end }\n"
	           "run_for '40s'");
}

static void test_machine_short_reads_and_writes_lose_nothing(void **state)
{
	holds(
	    PAIR
	    "at('9s', function() short_io({ a, b }, { most = '7B' }) end)\n"
	    "at('10s', function() a:broadcast(0x70, ('x'):rep(20000)) end)\n"
	    "at_end { 'all of it comes, in pieces', function() return b.reactors.echo.bytes == 20000 and got() > 10.1, tostring(got()) end }\n"
	    "run_for '60s'");
}

static void test_machine_name_server_hangs_fails_and_delays(void **state)
{
	static const char script[] = "local a = node { name = 'a' }\n"
	                             "dns('a.example', { a })\n"
	                             "local b = node { name = 'b', p2p = { persistent_peers = { a.id .. '@a.example:26656' } } }\n"
	                             "start(a, b)\n%s\n"
	                             "never { 'an answer', within = '19s', function() return b:has_peer(a) end }\n"
	                             "eventually { 'then one', after = '20s', within = '5m', function() return b:has_peer(a) end }\n"
	                             "run_for '6m'";
	char text[1024];

	snprintf(text, sizeof text, script, "dns_server(b, { hang = true }) at('20s', function() dns_server(b) end)");
	holds(text);
	snprintf(text, sizeof text, script, "dns_server(b, { delay = '20s' })");
	holds(text);
	snprintf(text, sizeof text, script, "dns_server(b, { fail = true }) at('20s', function() dns_server(b) end)");
	holds(text);
}

static void test_machine_unreachable_host_dials_and_is_not_dialled(void **state)
{
	holds("local a = node { name = 'a' }\n"
	      "local b = node { name = 'b', p2p = { persistent_peers = { 'a' } } }\n"
	      "local c = node { name = 'c', p2p = { persistent_peers = { 'b' } } }\n"
	      "unreachable(b) start(a, b, c)\n"
	      "at('60s', function() reachable(b) end)\n"
	      "eventually { 'it dials', within = '5s', function() return b:has_peer(a) end }\n"
	      "never { 'it is dialled', within = '59s', function() return c:has_peer(b) end }\n"
	      "eventually { 'it is dialled then', after = '60s', within = '3m', function() return c:has_peer(b) end }\n"
	      "run_for '4m'");
}

static void test_machine_without_power_says_nothing(void **state)
{
	holds(PAIR "at('10s', function() power_off(b) end)\n"
	           "at('4m', function() power_on(b) end)\n"
	           "eventually { 'it is gone', after = '10s', within = '1s', function() return not b.running end }\n"
	           "always { 'a knows nothing of it', after = '6s', within = '10s', function() return a:has_peer(b) end }\n"
	           "eventually { 'a notices', after = '10s', within = '3m', function() return not a:has_peer(b) end }\n"
	           "eventually { 'it is back', after = '4m', within = '1m', function() return a:has_peer(b) end }\n"
	           "run_for '6m'");
}

/* n learns of others and restarts at the thirtieth second; its seeds are gone by then. */
#define BOOK(fault)                                                                                               \
	"local s = node { name = 's', p2p = { seed_mode = true } }\n"                                                 \
	"local others = nodes { name = 'o', count = 8, p2p = { seeds = { s } } }\n"                                   \
	"local n = node { name = 'n', p2p = { seeds = { s } } }\n"                                                    \
	"start(s, others) at('20s', function() n:start() end)\n"                                                      \
	"local before, after\n"                                                                                       \
	"at('3m', function() " fault " end)\n"                                                                        \
	"at('4m', function() before = n.book:size() partition(n, group(s, others)) n:restart { after = '1s' } end)\n" \
	"at('242s', function() after = n.running and n.book:size() or -1 end)\n"

static void test_machine_full_disk_keeps_the_book_of_before(void **state)
{
	holds(BOOK(
	    "") "at_end { 'the book is there', function() return before >= 8 and after >= before, before .. ' ' .. after end }\nrun_for '5m'");
	holds(BOOK("n:lose_disk() disk(n, { full = true })") "at_end { 'it is not saved', function() return before >= 8 and after <= 1, before "
	                                                     ".. ' ' .. after end }\nrun_for '5m'");
	holds(BOOK(
	    "n:lose_disk() disk(n, { full = true }) disk(n)") "at_end { 'it is saved', function() return after >= before end }\nrun_for '5m'");
}

/* The disk is empty from the third minute on; what the fourth finds on it, and the restart leaves, is what the node knows then. */
static void restarted(const char *options, const char *check)
{
	char text[2048];

	snprintf(text, sizeof text,
	         "local s = node { name = 's', p2p = { seed_mode = true } }\n"
	         "local others = nodes { name = 'o', count = 8, p2p = { seeds = { s } } }\n"
	         "local n = node { name = 'n', p2p = { seeds = { s } } }\n"
	         "start(s, others) at('20s', function() n:start() end)\n"
	         "local before, after\n"
	         "at('3m', function() n:lose_disk() end)\n"
	         "at('4m', function() before = n.book:size() partition(n, group(s, others)) n:restart { after = '1s'%s } end)\n"
	         "at('242s', function() after = n.book:size() end)\n"
	         "at_end { 'so many', function() return before >= 8 and %s, before .. ' ' .. after end }\nrun_for '5m'",
	         options, check);
	holds(text);
}

static void test_machine_restart_keeps_what_was_saved(void **state)
{
	restarted("", "after >= before");
	restarted(", crash = true", "after <= 1");
	restarted(", lose_disk = true", "after <= 1");
}

static void test_machine_torn_and_rotten_books_do_no_harm(void **state)
{
	holds(BOOK("disk(n, { torn = true })") "at_end { 'it runs, with less', function() return after >= 0 and after < before, before .. ' ' "
	                                       ".. after end }\nrun_for '5m'");
	holds(BOOK("disk(n, { full = true }) rot(n)") "at_end { 'it runs, with less', function() return after >= 0 and after < before, before "
	                                              ".. ' ' .. after end }\nrun_for '5m'");
}

static void test_machine_unreadable_disk_lets_nothing_start(void **state)
{
	holds(BOOK("disk(n, { unreadable = true })") "at('290s', function() disk(n) end)\n"
	                                             "at_end { 'it did not start', function() return after == -1 end }\n"
	                                             "eventually { 'it does now', after = '290s', within = '3s', function() return n.running "
	                                             "end }\nrun_for '5m'");
}

static void test_machine_syn_drop_spares_what_lives(void **state)
{
	holds(PAIR "local c = node { name = 'c', p2p = { persistent_peers = { 'b' } } }\n"
	           "at('10s', function() syn_drop(c, b, { one_way = true }) syn_drop(a, b) c:start() end)\n"
	           "at('60s', function() heal() end)\n"
	           "always { 'the old one lives', after = '6s', function() return a:has_peer(b) end }\n"
	           "never { 'a new one', within = '59s', function() return c:num_peers() > 0 end }\n"
	           "eventually { 'then there is one', after = '60s', within = '3m', function() return c:has_peer(b) end }\n"
	           "run_for '4m'");
}

static void test_machine_held_direction_waits_for_release(void **state)
{
	holds(PAIR "at('10s', function() hold(a, b) a:broadcast(0x70, 'x') b:broadcast(0x70, 'y') end)\n"
	           "at('20s', function() release(a, b) end)\n"
	           "never { 'it comes through', within = '19s', function() return got() ~= nil end }\n"
	           "at_end { 'it comes then', function() return got() and got() >= 20 end }\n"
	           "at_end { 'the other direction is open', function() return a.reactors.echo.got < 11 end }\n"
	           "run_for '60s'");
	holds("local a, b = node { name = 'a' }, node { name = 'b', p2p = { persistent_peers = { 'a' } } } start(a, b)\n"
	      "at('10s', function() half_open(b, a) end)\n"
	      "local lost = false\n"
	      "at('10.03s', function() lost = a:has_peer(b) and not b:has_peer(a) end)\n"
	      "at_end { 'one side has lost it, the other does not know', function() return lost end }\n"
	      "eventually { 'and again', after = '11s', within = '3m', function() return a:has_peer(b) and b:has_peer(a) end }\n"
	      "run_for '4m'");
}

/* Both lives of a give their first connection the same slot and generation. */
static void test_machine_peer_of_an_earlier_life_is_nobody_now(void **state)
{
	holds(PAIR "local old\n"
	           "at('10s', function() old = a:peer(b) a:restart { after = '1s', crash = true } end)\n"
	           "local took, lives, same\n"
	           "at('50s', function() took = old:try_send(0x70, 'x') lives = old:is_running() same = old == a:peer(b) end)\n"
	           "at_end { 'there is another', function() return a:has_peer(b) and a:peer(b):is_running() end }\n"
	           "at_end { 'which the old handle does not mean', function() return took == false and lives == false and same == false end }\n"
	           "at_end { 'it is heard of no more', function() return not got() end }\n"
	           "run_for '1m'");
}

static void test_machine_crash_ends_sends_that_wait(void **state)
{
	holds(PAIR "local done, why, at_s\n"
	           "at('10s', function() partition(a, b) spawn(function()\n"
	           "  local peer = b:peer(a)\n"
	           "  while peer:try_send(0x70, ('x'):rep(1000)) do end\n"
	           "  done, why = peer:send(0x70, 'y', '1h') at_s = now() end) end)\n"
	           "at('15s', function() b:crash() end)\n"
	           "at_end { 'it fails', function() return done == false and why == 'not_running' and at_s == 15, tostring(why) end }\n"
	           "run_for '20s'");
}

/* What a kernel does for a process that was killed: the end of the stream, or a reset where bytes were not read. */
static void test_machine_killed_process_leaves_its_kernel_to_say_so(void **state)
{
	holds(PAIR "function Echo:remove_peer(peer, why) self.why = why end\n"
	           "at('10s', function() b:crash() end)\n"
	           "at_end { 'the stream ended', function() return a.reactors.echo.why == 'peer_closed', tostring(a.reactors.echo.why) end }\n"
	           "run_for '11s'");
	holds(PAIR "function Echo:remove_peer(peer, why) self.why = why end\n"
	           "at('10s', function() pause(b) end)\n"
	           "at('11s', function() a:broadcast(0x70, 'x') end)\n"
	           "at('12s', function() b:crash() end)\n"
	           "at_end { 'it was reset', function() return a.reactors.echo.why == 'peer_reset', tostring(a.reactors.echo.why) end }\n"
	           "run_for '13s'");
}

static void test_machine_says_what_is_wrong(void **state)
{
	scenario_expect_error("local a = node { name = 'a' }\nclock(a, { step = '1s', drift = '1%' }) run_for '1s'", 2, "either step or drift");
	scenario_expect_error("local a = node { name = 'a' }\nclock(a, { drift = '90%' }) run_for '1s'", 2, "out of range");
	scenario_expect_error("local a = node { name = 'a' }\ncpu(a, {}) run_for '1s'", 2, "per_frame is needed");
	scenario_expect_error("local a = node { name = 'a' }\ndns_server(a, { hang = true, fail = true }) run_for '1s'", 2, "one of hang");
	scenario_expect_error("local a = node { name = 'a' }\ndisk(a, { fool = true }) run_for '1s'", 2, "full");
	scenario_expect_error("pause('x') run_for '1s'", 1, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_machine_paused_process_hears_nothing_until_it_resumes),
	    cmocka_unit_test(test_machine_slow_processor_takes_its_time),
	    cmocka_unit_test(test_machine_handshakes_take_their_time),
	    cmocka_unit_test(test_machine_fast_clock_shortens_timers),
	    cmocka_unit_test(test_machine_slow_reader_reads_at_its_rate),
	    cmocka_unit_test(test_machine_short_reads_and_writes_lose_nothing),
	    cmocka_unit_test(test_machine_name_server_hangs_fails_and_delays),
	    cmocka_unit_test(test_machine_unreachable_host_dials_and_is_not_dialled),
	    cmocka_unit_test(test_machine_without_power_says_nothing),
	    cmocka_unit_test(test_machine_full_disk_keeps_the_book_of_before),
	    cmocka_unit_test(test_machine_restart_keeps_what_was_saved),
	    cmocka_unit_test(test_machine_torn_and_rotten_books_do_no_harm),
	    cmocka_unit_test(test_machine_unreadable_disk_lets_nothing_start),
	    cmocka_unit_test(test_machine_syn_drop_spares_what_lives),
	    cmocka_unit_test(test_machine_held_direction_waits_for_release),
	    cmocka_unit_test(test_machine_peer_of_an_earlier_life_is_nobody_now),
	    cmocka_unit_test(test_machine_crash_ends_sends_that_wait),
	    cmocka_unit_test(test_machine_killed_process_leaves_its_kernel_to_say_so),
	    cmocka_unit_test(test_machine_says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
