/* PEX: outbound peers that a fault took away, seen by the reactor alone. Source: D-32; the switch's part is test_switch_swap.c. */
#include "tests/support/pexworld.h"

#include "core/pex/state.h"

struct story {
	enum sy_profile profile;
	enum sy_err reason;
	bool inbound, persistent, unknown;
};

/* Host 0 has one slot; it loses host 1 to the reason and host 2 takes the slot at once. Returns its dials in ten minutes. */
static uint64_t dials_after(const struct story *s, struct world *w)
{
	struct sy_config c;
	sy_config_init(&c, s->profile);
	c.max_num_outbound_peers = 1;
	open_world(w, 3, 1);
	w->hosts[1].running = w->hosts[2].running = true;
	struct host *h = &w->hosts[0];
	if (s->persistent)
		h->persistent = w->hosts[1].addr;
	uint32_t slot;
	make_and_start(w, 0, &c);
	if (!s->unknown)
		assert_int_equal(sy_book_add(h->book, &w->hosts[1].addr, &w->hosts[2].addr, WALL_S), SY_OK);
	if (s->inbound) {
		uint32_t at = join(w, &w->hosts[1], h);
		slot = w->hosts[1].links[at].peer;
	} else {
		slot = join(w, h, &w->hosts[1]);
	}
	part(w, h, slot, s->reason);
	w->hosts[1].dead = true;
	join(w, h, &w->hosts[2]);
	run_until(w, w->now_ns + 55 * SEC);
	assert_int_equal(h->dials_made, 0); /* not before a minute is over */
	run_until(w, w->now_ns + 600 * SEC);
	return h->dials_made;
}

static uint64_t dials(const struct story *s)
{
	struct world w;
	uint64_t n = dials_after(s, &w);
	close_world(&w);
	return n;
}

static void test_pex_lost_peer_is_tried_with_full_slots(void **state)
{
	static const enum sy_err faults[] = {SY_PEER_PONG_TIMEOUT, SY_PEER_CLOSED, SY_PEER_RESET, SY_UNREACHABLE, SY_IO};
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		uint64_t n = dials(&(struct story){.reason = faults[i]});
		assert_true(n >= 6 && n <= 11); /* at the first tick after each minute */
		assert_int_equal(dials(&(struct story){.reason = faults[i], .profile = SY_PROFILE_UPSTREAM}), 0);
	}
}

static void test_pex_lost_peer_that_broke_a_rule_is_not_missed(void **state)
{
	static const enum sy_err rules[] = {SY_PEER_BAD_PACKET, SY_PEER_PEX_FLOOD, SY_PEER_REACTOR, SY_PEER_BAD_FRAME, SY_STOPPED};
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		assert_int_equal(dials(&(struct story){.reason = rules[i]}), 0);
}

/* Others are not PEX's to get back: who came to us, who has a loop of its own, whom the book has given up. */
static void test_pex_lost_peer_must_be_ours_to_get_back(void **state)
{
	assert_int_equal(dials(&(struct story){.reason = SY_PEER_RESET, .inbound = true}), 0);
	assert_int_equal(dials(&(struct story){.reason = SY_PEER_RESET, .persistent = true}), 0);
	assert_int_equal(dials(&(struct story){.reason = SY_PEER_RESET, .unknown = true}), 0);
}

static void test_pex_lost_peer_is_forgotten_once_it_is_back(void **state)
{
	struct world w;
	assert_true(dials_after(&(struct story){.reason = SY_PEER_RESET}, &w) > 0);
	struct host *h = &w.hosts[0];
	assert_int_equal(h->outbound, 1);
	assert_true(sy_book_has(h->book, &w.hosts[1].addr.id)); /* ten failed tries are no attempts of the book */
	w.hosts[1].dead = false;
	run_until(&w, w.now_ns + 120 * SEC);
	assert_int_equal(h->outbound, 2); /* this switch makes no room */
	assert_int_equal(h->pex->lost.n, 0);
	close_world(&w);
}

static void test_pex_lost_list_keeps_the_last_six(void **state)
{
	struct world w;
	struct sy_config c;
	sy_config_init(&c, SY_PROFILE_DEFAULT);
	open_world(&w, PEX_LOST + 4, 1);
	make_and_start(&w, 0, &c);
	struct host *h = &w.hosts[0];
	for (uint32_t i = 1; i < PEX_LOST + 4; i++) {
		uint32_t slot = join(&w, h, &w.hosts[i]);
		part(&w, h, slot, SY_PEER_RESET);
		slot = join(&w, h, &w.hosts[i]); /* twice: one entry */
		part(&w, h, slot, SY_PEER_RESET);
	}
	assert_int_equal(h->pex->lost.n, PEX_LOST);
	for (uint32_t i = 0; i < PEX_LOST; i++)
		assert_memory_equal(&h->pex->lost.addr[i], &w.hosts[4 + i].addr, sizeof w.hosts[0].addr);
	close_world(&w);
}

/* When the ticks come that follow the one of the start. */
static void tick_times(struct world *w, struct host *h, uint64_t *at, unsigned n)
{
	run_until(w, w->now_ns);
	for (unsigned i = 0; i < n; i++) {
		at[i] = h->timers[PEX_TIMER_TICK];
		run_until(w, at[i]);
	}
}

/* D-25: nodes that start together tick apart, each within a tenth of the period; upstream's tick together for ever. */
static void test_pex_ticks_of_two_nodes_differ_only_in_ours(void **state)
{
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		uint64_t at[2][20];
		for (uint32_t i = 0; i < 2; i++) {
			struct world w;
			struct sy_config c;
			sy_config_init(&c, profile);
			open_world(&w, 2, 1);
			make_and_start(&w, i, &c); /* its name makes the difference */
			tick_times(&w, &w.hosts[i], at[i], 20);
			close_world(&w);
		}
		for (unsigned k = 0; k < 20; k++) {
			assert_int_equal(at[0][k] == at[1][k], profile != SY_PROFILE_DEFAULT);
			for (unsigned i = 0; i < 2; i++) {
				uint64_t gap = at[i][k] - (k ? at[i][k - 1] : SEC);
				uint64_t off = gap > 30 * SEC ? gap - 30 * SEC : 30 * SEC - gap;
				assert_true(off <= (profile == SY_PROFILE_DEFAULT ? 3 * SEC : 0));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pex_lost_peer_is_tried_with_full_slots), cmocka_unit_test(test_pex_lost_peer_that_broke_a_rule_is_not_missed),
	    cmocka_unit_test(test_pex_lost_peer_must_be_ours_to_get_back), cmocka_unit_test(test_pex_lost_peer_is_forgotten_once_it_is_back),
	    cmocka_unit_test(test_pex_lost_list_keeps_the_last_six),       cmocka_unit_test(test_pex_ticks_of_two_nodes_differ_only_in_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
