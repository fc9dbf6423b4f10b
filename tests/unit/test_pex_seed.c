/* PEX: seed mode: upstream's crawl, and a seed that answers for what it hands out. Source: protocol.md 5.7, D-26, D-33. */
#include "tests/support/pexworld.h"

static struct sy_config config_of(enum sy_profile profile)
{
	struct sy_config c;
	sy_config_init(&c, profile);
	return c;
}

static void tell(struct world *w, uint32_t to, uint32_t of, uint32_t from)
{
	assert_int_equal(sy_book_add(w->hosts[to].book, &w->hosts[of].addr, &w->hosts[from].addr, WALL_S), SY_OK);
}

static struct sy_config seed_config(enum sy_profile profile)
{
	struct sy_config c = config_of(profile);
	c.seed_mode = true;
	return c;
}

/* A crawled peer that never answers: upstream keeps it as long as any other, ours for ten seconds. */
static void test_pex_seed_crawls_and_disconnects_after_a_while(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		struct sy_config c = seed_config(profile);
		c.seed_disconnect_wait_ns = 60 * SEC;
		open_world(&w, 2, 1);
		make_and_start(&w, 0, &c);
		w.hosts[1].running = true;
		tell(&w, 0, 1, 1);
		run_until(&w, 8 * SEC);
		assert_int_equal(w.hosts[0].outbound, 1);
		assert_int_equal(w.hosts[0].requests_sent, 1);
		run_until(&w, 75 * SEC);
		assert_int_equal(w.hosts[0].outbound, profile == SY_PROFILE_UPSTREAM);
		run_until(&w, 100 * SEC);
		assert_int_equal(w.hosts[0].outbound, 0);
		close_world(&w);
	}
}

static void test_pex_seed_keeps_persistent_peers(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	c.seed_disconnect_wait_ns = 10 * MS;
	open_world(&w, 2, 1);
	make_and_start(&w, 0, &c);
	w.hosts[1].running = true;
	w.hosts[0].persistent = w.hosts[1].addr;
	join(&w, &w.hosts[1], &w.hosts[0]);
	run_until(&w, 100 * SEC);
	assert_int_equal(w.hosts[0].inbound, 1);
	close_world(&w);
}

static void test_pex_seed_answers_once_and_hangs_up(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		struct sy_config c = seed_config(profile);
		open_world(&w, 12, 1);
		make_and_start(&w, 0, &c);
		for (uint32_t i = 2; i < 12; i++)
			tell(&w, 0, i, 2);
		struct host *seed = &w.hosts[0], *client = &w.hosts[1];
		client->running = true;
		uint32_t slot = join(&w, client, seed);
		struct sy_peer p;
		view(seed, client->links[slot].peer, &p);
		struct sy_message m = {.bytes = {(const uint8_t *)SY_PEX_REQUEST_BYTES, 2}};
		for (int i = 0; i < 5; i++)
			assert_int_equal(seed->r->receive(seed->r->self, &seed->ctx, &p, &m), SY_OK);
		assert_int_equal(seed->answers_sent, 1);
		run_until(&w, 2 * SEC);
		assert_int_equal(seed->inbound, 0);
		assert_int_equal(seed->last_reason, SY_SEED_DONE);
		close_world(&w);
	}
}

/* With 17 failed dials on record, the crawl bans instead of dialling. */
static void test_pex_seed_gives_up_after_max_attempts(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_UPSTREAM);
	open_world(&w, 2, 1);
	make_and_start(&w, 0, &c);
	struct host *h = &w.hosts[0];
	tell(&w, 0, 1, 1);
	for (int i = 0; i < 17; i++)
		h->r->dial_done(h->r->self, &h->ctx, &w.hosts[1].addr, SY_DIAL_REFUSED);
	run_until(&w, 35 * SEC);
	assert_int_equal(h->dials_made, 0);
	assert_int_equal(sy_book_counts(h->book).total, 0);
	assert_int_equal(sy_book_counts(h->book).banned, 1);
	close_world(&w);
}

static uint32_t most_at_once(enum sy_profile profile, uint32_t crawl_dials)
{
	struct world w;
	struct sy_config c = seed_config(profile);
	uint32_t most = 0;
	c.crawl_dials = crawl_dials;
	open_world(&w, 201, 1);
	make_and_start(&w, 0, &c);
	for (uint32_t i = 1; i <= 200; i++) {
		w.hosts[i].running = i % 2;
		tell(&w, 0, i, 1 + i % 9);
	}
	for (uint64_t t = 1; t < 600; t++) {
		run_until(&w, SEC + t * 100 * MS);
		uint32_t busy = w.hosts[0].dialling + w.hosts[0].outbound;
		most = busy > most ? busy : most;
	}
	close_world(&w);
	return most;
}

static void test_pex_seed_bounds_its_dials_and_connections(void **state)
{
	assert_int_equal(most_at_once(SY_PROFILE_DEFAULT, 16), 16);
	assert_int_equal(most_at_once(SY_PROFILE_DEFAULT, 3), 3);
	assert_true(most_at_once(SY_PROFILE_UPSTREAM, 16) >= 20); /* one dial after the other, and everybody is kept */
}

/* Crawled peers hold a slot beyond max_num_outbound_peers only as long as it takes to see that they answer. */
static void test_pex_seed_keeps_its_outbound_limit(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	c.max_num_outbound_peers = 2;
	open_world(&w, 101, 1);
	make_and_start(&w, 0, &c);
	for (uint32_t i = 1; i <= 100; i++) {
		w.hosts[i].running = true; /* none of them answers a request */
		tell(&w, 0, i, 1 + i % 9);
	}
	for (uint64_t t = 1; t < 600; t++) {
		run_until(&w, SEC + t * 100 * MS + 30 * MS);
		assert_true(w.hosts[0].outbound <= 2);
	}
	struct sy_pex_counts counts = sy_pex_counts(w.hosts[0].pex, WALL_S + 61);
	assert_int_equal(counts.verified, 100);
	assert_int_equal(counts.reached, 100);
	close_world(&w);
}

struct served {
	size_t n, live;
};

static struct served serve(struct world *w)
{
	uint32_t out[SY_PEX_SELECTION_MAX + 1];
	struct served s = {0};
	s.n = sy_book_select_verified(w->hosts[0].book, WALL_S + w->now_ns / SEC, 1200, out);
	for (size_t i = 0; i < s.n; i++)
		s.live += host_of(w, sy_addrs_get(w->t.env.addrs, out[i]))->running;
	return s;
}

/* Scenario 31 in small: 300 addresses, 36 live. From the first minute on all that is handed out can be dialled. */
static void test_pex_seed_serves_what_is_alive(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	open_world(&w, 302, 1);
	make_and_start(&w, 0, &c);
	for (uint32_t i = 1; i <= 300; i++) {
		w.hosts[i].running = i % 25 < 3;
		tell(&w, 0, i, 1 + i % 97);
	}
	run_until(&w, 60 * SEC);
	struct served s = serve(&w);
	assert_true(s.n == 36 && s.live == 36);
	/* What never answered has left the book after three dials and comes back to it only for another look, hours later. */
	run_until(&w, 400 * SEC);
	assert_int_equal(sy_book_counts(w.hosts[0].book).total, 36);
	struct sy_pex_counts counts = sy_pex_counts(w.hosts[0].pex, WALL_S + 400);
	assert_int_equal(counts.verified, 36);
#ifndef SY_TINY /* fewer bans are kept */
	assert_int_equal(counts.lost, 264);
	assert_int_equal(counts.unreached, 3 * 264);
#endif
	uint64_t dials = w.hosts[0].dials_made;
	run_until(&w, 1000 * SEC);
	assert_int_equal(w.hosts[0].dials_made - dials, 36);
	close_world(&w);
}

/* Addresses that may not be dialled do not keep a seed from those behind them: each would cost the time to its next look. */
static void test_pex_seed_goes_on_behind_who_is_blocked(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	open_world(&w, 41, 1);
	make_and_start(&w, 0, &c);
	for (uint32_t i = 1; i < 41; i++) {
		w.hosts[i].running = true;
		w.hosts[i].blocked = i % 2 == 0;
		tell(&w, 0, i, 1);
	}
	run_until(&w, 4 * SEC);
	assert_int_equal(w.hosts[0].dials_made, 20);
	assert_int_equal(sy_book_count_verified(w.hosts[0].book, WALL_S + 4, 3600), 20);
	close_world(&w);
}

/* Half of what it serves dies: it notices within a verify_interval, and goes on serving the others. */
static void test_pex_seed_notices_who_has_died(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	open_world(&w, 102, 1);
	make_and_start(&w, 0, &c);
	for (uint32_t i = 1; i <= 100; i++) {
		w.hosts[i].running = true;
		tell(&w, 0, i, 1 + i % 97);
	}
	run_until(&w, 100 * SEC);
	assert_int_equal(serve(&w).live, 100);
	for (uint32_t i = 1; i <= 50; i++)
		w.hosts[i].running = false;
	run_until(&w, 730 * SEC);
	struct served s = serve(&w);
	assert_true(s.n == 50 && s.live == 50);
	assert_int_equal(sy_book_counts(w.hosts[0].book).total, 100); /* they may come back */
	run_until(&w, 3 * 3600 * SEC);
	assert_int_equal(sy_book_counts(w.hosts[0].book).total, 50);
	close_world(&w);
}

/* When nobody at all answers it is the seed's own line: the book stays, and what it has is handed out as upstream would. */
static void test_pex_seed_without_a_line_forgets_nobody(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	open_world(&w, 101, 1);
	make_and_start(&w, 0, &c);
	for (uint32_t i = 1; i <= 100; i++)
		tell(&w, 0, i, 1 + i % 97);
	run_until(&w, 3600 * SEC);
	assert_int_equal(sy_book_counts(w.hosts[0].book).total, 100);
	assert_int_equal(serve(&w).n, 32);
	close_world(&w);
}

/* Everybody is asked again after crawl_interval, also when he is looked at more often. */
static void test_pex_seed_asks_at_its_own_interval(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	c.verify_interval_ns = 60 * SEC;
	c.crawl_interval_ns = 600 * SEC;
	open_world(&w, 2, 1);
	make_and_start(&w, 0, &c);
	w.hosts[1].running = true;
	tell(&w, 0, 1, 1);
	run_until(&w, 1500 * SEC);
	assert_int_equal(w.hosts[0].requests_sent, 3);
	assert_in_range(w.hosts[0].dials_made, 23, 25);
	close_world(&w);
}

/* An address of another network, or with another id behind it, is of no use to anybody: it goes at once. */
static void test_pex_seed_lets_go_of_strangers_at_once(void **state)
{
	static const enum sy_err errs[] = {SY_PEER_NETWORK, SY_PEER_BLOCK_VERSION, SY_PEER_WRONG_ID, SY_DIAL_TIMEOUT, SY_DUPLICATE_IP};
	for (size_t i = 0; i < sizeof errs / sizeof *errs; i++) {
		struct world w;
		struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
		open_world(&w, 2, 1);
		make_and_start(&w, 0, &c);
		struct host *h = &w.hosts[0];
		tell(&w, 0, 1, 1);
		run_until(&w, 1500 * MS); /* it is being dialled */
		h->r->dial_done(h->r->self, &h->ctx, &w.hosts[1].addr, errs[i]);
		assert_int_equal(sy_book_counts(h->book).total, i >= 3);
		assert_int_equal(sy_pex_counts(h->pex, WALL_S).unreached, i < 4);
		close_world(&w);
	}
}

/* Twelve slots: those who ask for nothing make room when nine are taken, the first ones first. */
static void test_pex_seed_nearly_full_makes_room(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	c.max_num_inbound_peers = 12;
	open_world(&w, 60, 1);
	make_and_start(&w, 0, &c);
	struct host *seed = &w.hosts[0];
	for (uint32_t i = 1; i <= 30; i++) {
		w.hosts[i].running = true;
		join(&w, &w.hosts[i], seed);
		run_until(&w, w.now_ns + SEC);
		assert_int_equal(seed->inbound, i < 9 ? i : 9);
		for (uint32_t k = 0; k < seed->num_links; k++)
			assert_true(!seed->links[k].up || seed->links[k].outbound || seed->links[k].to > &w.hosts[i - seed->inbound]);
	}
	assert_int_equal(sy_pex_counts(seed->pex, WALL_S).made_room, 21);
	close_world(&w);
}

/* Joins the seed; its slot there. */
static uint32_t at_seed(struct world *w, uint32_t n)
{
	uint32_t slot = join(w, &w->hosts[n], &w->hosts[0]);
	return w->hosts[n].links[slot].peer;
}

static enum sy_err knock(struct host *seed, uint32_t n)
{
	struct sy_netaddr from = seed->ctx.w->hosts[n].addr;
	from.port = 40000;
	return seed->r->accept(seed->r->self, &seed->ctx, &from);
}

/* Who held a slot for nothing is refused before the handshake, for an hour, and only while there is no room. */
static void test_pex_seed_remembers_who_did_not_ask(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	struct sy_message request = {.bytes = {(const uint8_t *)SY_PEX_REQUEST_BYTES, 2}};
	struct sy_peer p;
	uint32_t slot[6];
	c.max_num_inbound_peers = 4;
	open_world(&w, 60, 1);
	make_and_start(&w, 0, &c);
	struct host *seed = &w.hosts[0];
	for (uint32_t i = 1; i <= 5; i++) {
		w.hosts[i].running = true;
		slot[i] = at_seed(&w, i);
		run_until(&w, w.now_ns + (i == 1 ? 10 : 1) * SEC);
	}
	/* The first one had ten seconds to ask, the second one three. */
	assert_int_equal(seed->inbound, 3);
	for (uint32_t i = 1; i <= 7; i++)
		assert_int_equal(knock(seed, i), i <= 2 ? SY_INBOUND_FULL : SY_OK);
	run_until(&w, w.now_ns + 61 * SEC);
	assert_int_equal(knock(seed, 1), SY_INBOUND_FULL);
	assert_int_equal(knock(seed, 2), SY_OK);
	part(&w, seed, slot[3], SY_PEER_CLOSED);
	assert_int_equal(knock(seed, 1), SY_OK); /* there is room */
	assert_int_equal(knock(seed, 3), SY_OK);
	slot[1] = at_seed(&w, 1);
	assert_int_equal(knock(seed, 3), SY_INBOUND_FULL);
	/* It asks after all. */
	view(seed, slot[1], &p);
	assert_int_equal(knock(seed, 1), SY_INBOUND_FULL);
	assert_int_equal(seed->r->receive(seed->r->self, &seed->ctx, &p, &request), SY_OK);
	assert_int_equal(knock(seed, 1), SY_OK);
	close_world(&w);
}

/* A node that comes back for more all the time, hundreds of times a second: 64 answers in ten seconds, and none before they are over. */
static void test_pex_seed_bounds_the_answers_to_one_ip(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	struct sy_message request = {.bytes = {(const uint8_t *)SY_PEX_REQUEST_BYTES, 2}};
	open_world(&w, 3, 1);
	make_and_start(&w, 0, &c);
	struct host *seed = &w.hosts[0];
	w.hosts[1].running = true;
	for (uint32_t i = 0; i < 64; i++) {
		struct sy_peer p;
		assert_int_equal(knock(seed, 1), SY_OK);
		uint32_t slot = at_seed(&w, 1);
		view(seed, slot, &p);
		assert_int_equal(seed->r->receive(seed->r->self, &seed->ctx, &p, &request), SY_OK);
		run_until(&w, w.now_ns + 50 * MS);
	}
	assert_int_equal(knock(seed, 1), SY_RATE_LIMITED);
	assert_int_equal(knock(seed, 2), SY_OK);
	run_until(&w, w.now_ns + 10 * SEC);
	assert_int_equal(knock(seed, 1), SY_OK);
	close_world(&w);
}

static void test_pex_seed_nearly_full_spares_who_is_promised_a_place(void **state)
{
	struct world w;
	struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
	c.max_num_inbound_peers = 4;
	open_world(&w, 60, 1);
	make_and_start(&w, 0, &c);
	struct host *seed = &w.hosts[0];
	seed->persistent = w.hosts[1].addr;
	for (uint32_t i = 1; i <= 30; i++) {
		w.hosts[i].running = true;
		join(&w, &w.hosts[i], seed);
		run_until(&w, w.now_ns + SEC);
	}
	assert_int_equal(seed->inbound, 3);
	assert_true(connected(seed, &w.hosts[1].addr.id));
	close_world(&w);
}

static void test_pex_seed_refuses_intervals_that_it_cannot_keep(void **state)
{
	static const struct {
		uint64_t verify_ns;
		uint32_t dials;
		const char *what;
	} cases[] = {{SEC - 1, 16, "verify_interval"},
	             {25 * 3600 * SEC, 16, "verify_interval"},
	             {SEC, 0, "crawl_dials"},
	             {SEC, SY_LIMIT_CRAWL_DIALS + 1, "crawl_dials"},
	             {SEC, SY_LIMIT_CRAWL_DIALS, NULL}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world w;
		struct sy_config c = seed_config(SY_PROFILE_DEFAULT);
		const char *what = NULL;
		c.verify_interval_ns = cases[i].verify_ns;
		c.crawl_dials = cases[i].dials;
		open_world(&w, 1, 1);
		assert_int_equal(make_host(&w, 0, &c, &what), cases[i].what ? SY_INVALID : SY_OK);
		if (cases[i].what)
			assert_string_equal(what, cases[i].what);
		close_world(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pex_seed_crawls_and_disconnects_after_a_while),
	    cmocka_unit_test(test_pex_seed_keeps_persistent_peers),
	    cmocka_unit_test(test_pex_seed_answers_once_and_hangs_up),
	    cmocka_unit_test(test_pex_seed_gives_up_after_max_attempts),
	    cmocka_unit_test(test_pex_seed_bounds_its_dials_and_connections),
	    cmocka_unit_test(test_pex_seed_keeps_its_outbound_limit),
	    cmocka_unit_test(test_pex_seed_serves_what_is_alive),
	    cmocka_unit_test(test_pex_seed_goes_on_behind_who_is_blocked),
	    cmocka_unit_test(test_pex_seed_notices_who_has_died),
	    cmocka_unit_test(test_pex_seed_without_a_line_forgets_nobody),
	    cmocka_unit_test(test_pex_seed_asks_at_its_own_interval),
	    cmocka_unit_test(test_pex_seed_lets_go_of_strangers_at_once),
	    cmocka_unit_test(test_pex_seed_nearly_full_makes_room),
	    cmocka_unit_test(test_pex_seed_remembers_who_did_not_ask),
	    cmocka_unit_test(test_pex_seed_bounds_the_answers_to_one_ip),
	    cmocka_unit_test(test_pex_seed_nearly_full_spares_who_is_promised_a_place),
	    cmocka_unit_test(test_pex_seed_refuses_intervals_that_it_cannot_keep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
