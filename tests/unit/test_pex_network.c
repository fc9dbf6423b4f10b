/* PEX: whole networks: who learns how much of them, and at what cost. Source: protocol.md 5.7, D-19. */
#include "tests/support/pexworld.h"

static struct sy_config config_of(enum sy_profile profile)
{
	struct sy_config c;
	sy_config_init(&c, profile);
	return c;
}

static void start_later(struct world *w, void *arg)
{
	start_host(arg);
}

/* One seed (host 0), n nodes that know it and start within 10 s. */
static void open_network(struct world *w, enum sy_profile profile, uint32_t n, bool seed_mode, uint64_t seed)
{
	static char text[SY_ADDR_TEXT];
	static const char *seeds[1] = {text};
	const char *what;
	struct sy_config c = config_of(profile);
	open_world(w, n + 1, seed);
	c.seed_mode = seed_mode;
	make_and_start(w, 0, &c);
	sy_netaddr_format(&w->hosts[0].addr, text);
	c.seed_mode = false;
	c.seeds = seeds;
	c.num_seeds = 1;
	for (uint32_t i = 1; i <= n; i++) {
		uint64_t draw;
		assert_int_equal(make_host(w, i, &c, &what), SY_OK);
		w->t.env.rand(w->t.env.ctx, SY_RAND_REACTOR, i, 0, &draw, sizeof draw);
		struct event *e = ev_push(w, EV_CALL, NULL, 2 * SEC + draw % (10 * SEC));
		e->call = start_later;
		e->arg = &w->hosts[i];
	}
}

struct figures {
	uint32_t book_min, outbound_min;
	double book, outbound, requests;
	uint32_t bans;
};

static struct figures measure(const struct world *w)
{
	struct figures f = {.book_min = UINT32_MAX, .outbound_min = UINT32_MAX};
	uint32_t n = w->num_hosts - 1;
	for (uint32_t i = 1; i <= n; i++) {
		const struct host *h = &w->hosts[i];
		struct sy_book_counts c = sy_book_counts(h->book);
		f.book_min = c.total < f.book_min ? c.total : f.book_min;
		f.outbound_min = h->outbound < f.outbound_min ? h->outbound : f.outbound_min;
		f.book += (double)c.total / n;
		f.outbound += (double)h->outbound / n;
		f.requests += (double)h->requests_sent / n;
		f.bans += c.banned;
	}
	f.bans += sy_book_counts(w->hosts[0].book).banned;
	return f;
}

static void test_pex_network_of_ours_learns_nine_tenths(void **state)
{
	struct world w;
	open_network(&w, SY_PROFILE_DEFAULT, 200, true, 1);
	run_until(&w, 182 * SEC);
	assert_true(measure(&w).outbound_min >= 9);
	run_until(&w, 602 * SEC);
	struct figures f = measure(&w);
	printf("  200 nodes, 10 min: books min %u mean %.1f, outbound min %u, %.1f requests a node\n", f.book_min, f.book, f.outbound_min,
	       f.requests);
	assert_true(f.book_min >= 180);
	assert_true(f.outbound_min >= 9);
	assert_true(f.requests <= 40);
	assert_int_equal(f.bans, 0);
	/* Long afterwards hardly anybody asks any more. */
	run_until(&w, 3602 * SEC);
	double before = measure(&w).requests;
	run_until(&w, 4202 * SEC);
	assert_true(measure(&w).requests - before <= 4);
	close_world(&w);
}

static void test_pex_network_of_upstream_freezes(void **state)
{
	for (int profile = SY_PROFILE_UPSTREAM; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		double book = 0, requests = 0, outbound = 0;
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct world w;
			open_network(&w, profile, 40, true, seed);
			run_until(&w, 202 * SEC);
			struct figures f = measure(&w);
			book += f.book / 4;
			requests += f.requests / 4;
			outbound += f.outbound / 4;
			close_world(&w);
		}
		printf("  40 nodes of %s, 200 s: books %.1f, outbound %.2f, requests %.1f\n", sy_profile_name(profile), book, outbound, requests);
		/* Real networks (data/pex_reference.csv, anchors.md): 36.5 and 37.1; 9.95 and 9.98; 13.2 and 12.7. */
#ifndef SY_TINY /* fewer dials at once than a node has free slots */
		assert_true(book > 34.5 && book < 39);
#endif
		assert_true(outbound > 9.7);
		assert_true(requests > 11.5 && requests < 14.5);
	}
}

/* v0.40 behind a seed that is not in seed mode: the poke makes it ask a third time, and it is banned for a day. Ours is not. */
static void test_pex_poke_gets_upstream_banned(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct world w;
		open_network(&w, profile, 20, false, 3);
		run_until(&w, 122 * SEC);
		struct figures f = measure(&w);
		if (profile == SY_PROFILE_UPSTREAM) {
			assert_true(f.bans > 0);
		} else {
			assert_int_equal(f.bans, 0);
			assert_true(f.book_min >= 10);
		}
		close_world(&w);
	}
}

/* v0.40 nodes that use one of ours as such a seed are neither banned nor left alone. */
static void test_pex_ours_serves_poked_upstream_nodes(void **state)
{
	struct world w;
	struct sy_config ours = config_of(SY_PROFILE_DEFAULT), c = config_of(SY_PROFILE_UPSTREAM);
	char text[SY_ADDR_TEXT];
	const char *seeds[1] = {text};
	open_world(&w, 4, 1);
	make_and_start(&w, 0, &ours);
	sy_netaddr_format(&w.hosts[0].addr, text);
	c.seeds = seeds;
	c.num_seeds = 1;
	for (uint32_t i = 1; i < 4; i++) {
		make_and_start(&w, i, &c);
		run_until(&w, w.now_ns + 20 * SEC);
	}
	run_until(&w, 100 * SEC);
	assert_int_equal(sy_book_counts(w.hosts[0].book).banned, 0);
	for (uint32_t i = 1; i < 4; i++) {
		assert_true(sy_book_counts(w.hosts[i].book).total >= 2);
		assert_true(w.hosts[i].requests_sent < 40); /* no spinning */
	}
	close_world(&w);
}

static void test_pex_networks_repeat_exactly(void **state)
{
	uint64_t requests[2], events[2];
	for (int run = 0; run < 2; run++) {
		struct world w;
		open_network(&w, SY_PROFILE_DEFAULT, 30, true, 9);
		run_until(&w, 300 * SEC);
		requests[run] = w.hosts[7].requests_sent * 1000 + w.hosts[7].bytes_sent;
		events[run] = w.events;
		close_world(&w);
	}
	assert_int_equal(requests[0], requests[1]);
	assert_int_equal(events[0], events[1]);
}

static void test_pex_costs_two_kilobytes_without_peers(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_DEFAULT);
	const char *what;
	open_world(&w, 1, 1);
	uint64_t before = w.t.live_bytes;
	assert_int_equal(make_host(&w, 0, &c, &what), SY_OK);
	sy_book_free(w.hosts[0].book);
	w.hosts[0].book = NULL;
	printf("  PEX without peers: %llu bytes\n", (unsigned long long)(w.t.live_bytes - before));
	assert_true(w.t.live_bytes - before <= 2048);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pex_network_of_ours_learns_nine_tenths),
	    cmocka_unit_test(test_pex_network_of_upstream_freezes),
	    cmocka_unit_test(test_pex_poke_gets_upstream_banned),
	    cmocka_unit_test(test_pex_ours_serves_poked_upstream_nodes),
	    cmocka_unit_test(test_pex_networks_repeat_exactly),
	    cmocka_unit_test(test_pex_costs_two_kilobytes_without_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
