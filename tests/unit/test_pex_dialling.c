/* PEX: whom a node dials, how often, and its seeds; protocol.md 5.3, 5.6 and the inventory of 8.11. */
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

static void text_of(const struct world *w, uint32_t n, char text[SY_ADDR_TEXT])
{
	sy_netaddr_format(&w->hosts[n].addr, text);
}

static void test_pex_three_become_fully_connected(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		c.ensure_peers_period_ns = 250 * MS;
		open_world(&w, 3, 1);
		for (uint32_t i = 0; i < 3; i++)
			make_and_start(&w, i, &c);
		tell(&w, 0, 1, 1);
		tell(&w, 2, 1, 1);
		run_until(&w, 10 * SEC);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(w.hosts[i].inbound + w.hosts[i].outbound, 2);
		close_world(&w);
	}
}

static void test_pex_limits_outbound_peers(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_UPSTREAM);
	c.max_num_outbound_peers = 3;
	open_world(&w, 30, 1);
	make_and_start(&w, 0, &c);
	for (uint32_t i = 1; i < 30; i++) {
		w.hosts[i].running = true;
		tell(&w, 0, i, 1);
	}
	run_until(&w, 5 * SEC);
	assert_int_equal(w.hosts[0].outbound, 3);
	assert_int_equal(w.hosts[0].dials_made, 3);
	close_world(&w);
}

static void test_pex_failed_dial_backs_off(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_UPSTREAM);
	c.ensure_peers_period_ns = 500 * MS;
	open_world(&w, 2, 1);
	make_and_start(&w, 0, &c);
	tell(&w, 0, 1, 1);
	/* The dial at 1.0 s ends at 2.0 s; the next one is due 2 to 3 s later. */
	run_until(&w, SEC + 2900 * MS);
	assert_int_equal(w.hosts[0].dials_made, 1);
	run_until(&w, SEC + 4600 * MS);
	assert_int_equal(w.hosts[0].dials_made, 2);
	/* 2^1 + ... + 2^5 s and the jitter and the time-outs: five more failures take 62 to 74 s. */
	run_until(&w, SEC + 60 * SEC);
	assert_in_range(w.hosts[0].dials_made, 4, 6);
	close_world(&w);
}

/* After 17 failures the address is banned: about 36 h of trying. Source: protocol.md 5.6, finding a. */
static void test_pex_gives_up_after_max_attempts(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		open_world(&w, 2, 1);
		make_and_start(&w, 0, &c);
		tell(&w, 0, 1, 1);
		run_until(&w, 36 * 3600 * SEC);
		assert_int_equal(w.hosts[0].dials_made, 16);
		assert_true(sy_book_has(w.hosts[0].book, &w.hosts[1].addr.id));
		run_until(&w, 37 * 3600 * SEC); /* the last back-off of 2^17 s is not waited for */
		assert_int_equal(w.hosts[0].dials_made, 17);
		assert_int_equal(sy_book_counts(w.hosts[0].book).total, 0);
		assert_int_equal(sy_book_counts(w.hosts[0].book).banned, 1);
		/* The id is banned upstream; ours bans its address. */
		assert_int_equal(sy_book_is_banned(w.hosts[0].book, &w.hosts[1].addr.id, WALL_S + 37 * 3600), profile == SY_PROFILE_UPSTREAM);
		close_world(&w);
	}
}

static void test_pex_wrong_id_leaves_the_book_at_once(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		open_world(&w, 2, 1);
		make_and_start(&w, 0, &c);
		w.hosts[1].running = true;
		struct sy_netaddr fake = w.hosts[1].addr;
		fake.id = test_id(500);
		assert_int_equal(sy_book_add(w.hosts[0].book, &fake, &w.hosts[1].addr, WALL_S), SY_OK);
		run_until(&w, 600 * SEC);
		bool there = sy_book_has(w.hosts[0].book, &fake.id);
		assert_int_equal(there, profile == SY_PROFILE_UPSTREAM);
		if (profile == SY_PROFILE_DEFAULT) {
			assert_int_equal(w.hosts[0].dials_made, 1);
			assert_int_equal(sy_book_add(w.hosts[0].book, &fake, &w.hosts[1].addr, WALL_S + 600), SY_BANNED);
			tell(&w, 0, 1, 1); /* who really lives there is welcome */
			run_until(&w, 640 * SEC);
			assert_int_equal(w.hosts[0].outbound, 1);
		} else {
			assert_in_range(w.hosts[0].dials_made, 6, 10);
		}
		close_world(&w);
	}
}

/* Finding c from end to end: the id was announced at a dead address first; its owner is dialled all the same. */
static void test_pex_squatted_id_is_found_at_its_true_address(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		open_world(&w, 4, 1);
		make_and_start(&w, 0, &c);
		make_and_start(&w, 3, &c);
		w.hosts[1].running = true;
		struct sy_netaddr dead = test_addr_at(1, 66, 6, 6, 6, 26656);
		assert_int_equal(sy_book_add(w.hosts[0].book, &dead, &w.hosts[2].addr, WALL_S), SY_OK);
		tell(&w, 3, 1, 1);
		tell(&w, 0, 3, 2);
		run_until(&w, 300 * SEC);
		assert_int_equal(connected(&w.hosts[0], &w.hosts[1].addr.id), profile == SY_PROFILE_DEFAULT);
		close_world(&w);
	}
}

/* Finding h: with nine of ten addresses dead, back-off fills upstream's choice. */
static void test_pex_stale_book_does_not_fill_the_choice(void **state)
{
	uint32_t outbound[2];
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		open_world(&w, 201, 1);
		make_and_start(&w, 0, &c);
		for (uint32_t i = 1; i <= 200; i++) {
			w.hosts[i].running = i % 10 == 0;
			tell(&w, 0, i, 1 + i % 7);
		}
		run_until(&w, 240 * SEC);
		outbound[profile] = w.hosts[0].outbound;
		close_world(&w);
	}
	assert_int_equal(outbound[SY_PROFILE_DEFAULT], 10);
	assert_true(outbound[SY_PROFILE_UPSTREAM] < 10);
	printf("  stale book, 240 s: %u outbound peers, upstream %u\n", outbound[SY_PROFILE_DEFAULT], outbound[SY_PROFILE_UPSTREAM]);
}

/* Sixty of eighty known addresses are one network's: of ten outbound peers it has few, and where there is no other it has all. */
static void test_pex_outbound_peers_are_spread_over_networks(void **state)
{
	uint32_t of_one[2] = {0};
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		for (uint32_t others = 0; others <= 20; others += 20) {
			struct world w;
			struct sy_config c = config_of(profile);
			open_world(&w, 81, 1);
			make_and_start(&w, 0, &c);
			for (uint32_t i = 1; i <= 60; i++)
				w.hosts[i].addr = test_addr_at(i, 66, 77, 88, (uint8_t)i, 26656);
			for (uint32_t i = 1; i <= 60 + others; i++) {
				w.hosts[i].running = true;
				tell(&w, 0, i, 61 + i % 20);
			}
			run_until(&w, 200 * SEC);
			uint32_t n = 0;
			for (uint32_t i = 1; i <= 60; i++)
				n += connected(&w.hosts[0], &w.hosts[i].addr.id);
			assert_int_equal(w.hosts[0].outbound, 10);
			if (others)
				of_one[profile] = n;
			close_world(&w);
		}
	}
	assert_in_range(of_one[SY_PROFILE_DEFAULT], 0, 2);
	assert_true(of_one[SY_PROFILE_UPSTREAM] > 2);
	printf("  of ten outbound peers %u are of the one network, upstream %u\n", of_one[SY_PROFILE_DEFAULT], of_one[SY_PROFILE_UPSTREAM]);
}

static void test_pex_persistent_back_off_is_capped(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_UPSTREAM);
	c.persistent_peers_max_dial_period_ns = 40 * SEC;
	open_world(&w, 2, 1);
	make_and_start(&w, 0, &c);
	w.hosts[0].persistent = w.hosts[1].addr;
	tell(&w, 0, 1, 1);
	run_until(&w, 4 * 3600 * SEC);
	/* At least one dial a minute, also after 34 failures, and no ban. */
	assert_in_range(w.hosts[0].dials_made, 230, 400);
	assert_true(sy_book_has(w.hosts[0].book, &w.hosts[1].addr.id));
	close_world(&w);
}

static void test_pex_seeds_are_parsed(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_DEFAULT);
	const char *what = "unset";
	char good[SY_ADDR_TEXT];
	open_world(&w, 2, 1);
	text_of(&w, 1, good);
	const char *seeds[2] = {good, "nonsense"};
	c.seeds = seeds;
	c.num_seeds = 2;
	assert_int_equal(make_host(&w, 0, &c, &what), SY_INVALID);
	assert_string_equal(what, "seeds");
	assert_null(w.hosts[0].pex);
	sy_book_free(w.hosts[0].book);
	c.ensure_peers_period_ns = 0;
	assert_int_equal(make_host(&w, 0, &c, &what), SY_INVALID);
	sy_book_free(w.hosts[0].book);
	c = config_of(SY_PROFILE_DEFAULT);
	c.seeds = seeds;
	c.num_seeds = 1;
	c.seed_mode = true;
	const char *named[1] = {"0000000000000000000000000000000000000001@seed.example:26656"};
	c.seeds = named;
	for (uint64_t nth = 1; nth <= 4; nth++) {
		w.hosts[0].book = NULL;
		struct sy_book *book = sy_book_new(&w.t.env, sy_policy_of(c.profile), true, 1);
		c.name = "n";
		test_env_fail_at(&w.t, nth, false);
		assert_int_equal(sy_pex_new(&w.hosts[0].pex, &w.t.env, sy_policy_of(c.profile), &c, book, &what), SY_NO_MEMORY);
		assert_null(w.hosts[0].pex);
		assert_null(what);
		test_env_fail_at(&w.t, 0, false);
		sy_book_free(book);
	}
	sy_pex_free(NULL);
	close_world(&w);
}

/* Starts host 0 behind one seed with a name and one more seed; answers the look-up with n addresses of host 1. */
static void start_with_name(struct world *w, enum sy_profile profile, const char *other, size_t n)
{
	static const char *seeds[2];
	struct sy_config c = config_of(profile);
	open_world(w, 3, 1);
	w->hosts[1].running = true;
	w->hosts[1].addr.id = test_id(77);
	char id[SY_ID_TEXT];
	static char text[128];
	sy_id_format(&w->hosts[1].addr.id, id);
	snprintf(text, sizeof text, "%s@seed.example:26656", id);
	seeds[0] = text;
	seeds[1] = other;
	c.seeds = seeds;
	c.num_seeds = other ? 2 : 1;
	make_and_start(w, 0, &c);
	run_until(w, w->now_ns + 10 * MS);
	struct host *h = &w->hosts[0];
	assert_string_equal(h->asked_name, "seed.example");
	struct sy_netaddr ip;
	memset(&ip, 0, sizeof ip);
	memcpy(ip.ip, w->hosts[1].addr.ip, 16);
	h->r->resolved(h->r->self, &h->ctx, h->asked_token, &ip, n, n ? SY_OK : SY_DNS);
}

static void test_pex_unresolvable_seeds_end_the_start_upstream(void **state)
{
	struct world w;
	start_with_name(&w, SY_PROFILE_UPSTREAM, NULL, 0);
	assert_true(w.hosts[0].start_told);
	assert_int_equal(w.hosts[0].started, SY_NO_SEEDS);
	close_world(&w);

	start_with_name(&w, SY_PROFILE_UPSTREAM, "0000000000000000000000000000000000000001@9.9.9.9:1", 0);
	assert_true(w.hosts[0].start_told);
	assert_int_equal(w.hosts[0].started, SY_OK); /* one of two is good */
	close_world(&w);

	start_with_name(&w, SY_PROFILE_UPSTREAM, NULL, 1);
	assert_int_equal(w.hosts[0].started, SY_OK);
	run_until(&w, 3 * SEC);
	assert_int_equal(w.hosts[0].outbound, 1);
	close_world(&w);
}

static void test_pex_ours_starts_and_resolves_again(void **state)
{
	struct world w;
	start_with_name(&w, SY_PROFILE_DEFAULT, NULL, 0);
	assert_false(w.hosts[0].start_told);
	assert_int_equal(w.hosts[0].started, SY_OK);
	assert_int_equal(w.hosts[0].lookups, 1);
	run_until(&w, 40 * SEC);
	struct host *h = &w.hosts[0];
	assert_int_equal(h->lookups, 2);
	struct sy_netaddr ip = w.hosts[1].addr;
	h->r->resolved(h->r->self, &h->ctx, h->asked_token, &ip, 1, SY_OK);
	run_until(&w, 41 * SEC);
	assert_int_equal(h->outbound, 1);
	close_world(&w);
}

/* Answers the open question with `dead` addresses that nobody has, and the seed's own behind them. */
static void answer_with(struct world *w, uint8_t dead, bool alive)
{
	struct host *h = &w->hosts[0];
	struct sy_netaddr ips[SY_LIMIT_RESOLVED];
	memset(ips, 0, sizeof ips);
	for (uint8_t i = 0; i < dead; i++)
		memcpy(ips[i].ip, (uint8_t[16]){[10] = 0xff, [11] = 0xff, [12] = 99, [15] = i}, 16);
	memcpy(ips[dead].ip, w->hosts[1].addr.ip, 16);
	h->r->resolved(h->r->self, &h->ctx, h->asked_token, ips, dead + (size_t)alive, SY_OK);
}

/* Looked up again after each failure, at once; when none answers, that was the round. */
static void test_pex_seed_goes_through_all_addresses_of_a_name(void **state)
{
	struct world w;
	for (int alive = 0; alive < 2; alive++) {
		start_with_name(&w, SY_PROFILE_DEFAULT, NULL, 0);
		struct host *h = &w.hosts[0];
		run_until(&w, 40 * SEC);
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(h->lookups, 2 + i);
			answer_with(&w, alive ? 2 : 3, alive);
			run_until(&w, w.now_ns + 2 * SEC);
		}
		assert_int_equal(h->lookups, 4);
		assert_int_equal(h->dials_made, 3);
		assert_int_equal(h->outbound, alive);
		close_world(&w);
	}
}

static void test_pex_uses_seeds_if_needed(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		char dead[SY_ADDR_TEXT], live[SY_ADDR_TEXT];
		open_world(&w, 3, 1);
		w.hosts[2].running = true;
		text_of(&w, 1, dead);
		text_of(&w, 2, live);
		const char *seeds[2] = {dead, live};
		c.seeds = seeds;
		c.num_seeds = 2;
		make_and_start(&w, 0, &c);
		run_until(&w, 4 * SEC);
		assert_int_equal(w.hosts[0].outbound, 1);
		close_world(&w);
	}
}

/* A peer that a seed has told of is dialled at once, not at the next tick. */
static void test_pex_dials_soon_what_a_seed_tells(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		char seed[SY_ADDR_TEXT];
		const char *seeds[1] = {seed};
		open_world(&w, 3, 1);
		text_of(&w, 1, seed);
		c.seed_mode = true;
		make_and_start(&w, 1, &c);
		tell(&w, 1, 2, 2);
		w.hosts[2].running = true;
		c.seed_mode = false;
		c.seeds = seeds;
		c.num_seeds = 1;
		make_and_start(&w, 0, &c);
		run_until(&w, 3 * SEC);
		assert_true(connected(&w.hosts[0], &w.hosts[2].addr.id));
		assert_false(connected(&w.hosts[0], &w.hosts[1].addr.id)); /* the seed has hung up */
		close_world(&w);
	}
}

static void test_pex_waits_a_random_while_when_peers_are_there(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_UPSTREAM);
	open_world(&w, 3, 1);
	make_and_start(&w, 0, &c);
	w.hosts[1].running = w.hosts[2].running = true;
	tell(&w, 0, 2, 2);
	join(&w, &w.hosts[1], &w.hosts[0]);
	run_until(&w, SEC + 100 * MS);
	assert_int_equal(w.hosts[0].dials_made, 0);
	run_until(&w, 32 * SEC);
	assert_int_equal(w.hosts[0].outbound, 1);
	close_world(&w);
}

static void test_pex_saves_the_book_when_it_has_changed(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_DEFAULT);
	open_world(&w, 3, 1);
	make_and_start(&w, 0, &c);
	run_until(&w, 300 * SEC);
	assert_int_equal(w.hosts[0].saves, 0);
	tell(&w, 0, 1, 1);
	w.hosts[1].running = true;
	run_until(&w, 400 * SEC);
	assert_int_equal(w.hosts[0].saves, 1);
	tell(&w, 0, 2, 1);
	w.hosts[0].r->stop(w.hosts[0].r->self, &w.hosts[0].ctx);
	assert_int_equal(w.hosts[0].saves, 2);
	close_world(&w);
}

static void test_pex_dial_records_are_pruned_by_ours(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		struct sy_config c = config_of(profile);
		open_world(&w, 400, 1);
		make_and_start(&w, 0, &c);
		uint64_t before = 0;
		for (uint32_t i = 1; i < 400; i++)
			tell(&w, 0, i, 1 + i % 7);
		for (uint32_t i = 1; i < 400; i++) {
			struct host *h = &w.hosts[0];
			before = w.t.live_bytes;
			h->r->dial_done(h->r->self, &h->ctx, &w.hosts[i].addr, SY_DIAL_TIMEOUT);
			sy_book_remove(h->book, &w.hosts[i].addr.id);
		}
		run_until(&w, 26 * 3600 * SEC);
		assert_int_equal(w.t.live_bytes < before - 3000, profile == SY_PROFILE_DEFAULT);
		close_world(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pex_three_become_fully_connected),
	    cmocka_unit_test(test_pex_limits_outbound_peers),
	    cmocka_unit_test(test_pex_failed_dial_backs_off),
	    cmocka_unit_test(test_pex_gives_up_after_max_attempts),
	    cmocka_unit_test(test_pex_wrong_id_leaves_the_book_at_once),
	    cmocka_unit_test(test_pex_squatted_id_is_found_at_its_true_address),
	    cmocka_unit_test(test_pex_stale_book_does_not_fill_the_choice),
	    cmocka_unit_test(test_pex_outbound_peers_are_spread_over_networks),
	    cmocka_unit_test(test_pex_persistent_back_off_is_capped),
	    cmocka_unit_test(test_pex_seeds_are_parsed),
	    cmocka_unit_test(test_pex_unresolvable_seeds_end_the_start_upstream),
	    cmocka_unit_test(test_pex_ours_starts_and_resolves_again),
	    cmocka_unit_test(test_pex_seed_goes_through_all_addresses_of_a_name),
	    cmocka_unit_test(test_pex_uses_seeds_if_needed),
	    cmocka_unit_test(test_pex_dials_soon_what_a_seed_tells),
	    cmocka_unit_test(test_pex_waits_a_random_while_when_peers_are_there),
	    cmocka_unit_test(test_pex_saves_the_book_when_it_has_changed),
	    cmocka_unit_test(test_pex_dial_records_are_pruned_by_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
