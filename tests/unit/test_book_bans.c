/* The address book: bans, promotion and demotion, ids that change their address, and a churn of everything, in both profiles. */
#include "tests/support/bookfix.h"

/* Addresses of one /16 have four old buckets; mark good until one of them has had to make room. */
static uint32_t overflow_old(struct fix *f, uint32_t *marked)
{
	uint32_t best = 0;
	for (uint32_t n = 0; n < 400; n++) {
		struct sy_netaddr a = test_addr_at(n, 12, 1, (uint8_t)(n / 250), (uint8_t)(n % 250 + 1), 26656), s = test_addr(9000 + n);
		assert_int_equal(sy_book_add(f->book, &a, &s, NOW + n), SY_OK);
		sy_book_mark_good(f->book, &a.id, NOW + n);
		*marked = n + 1;
		struct sy_book_counts c = sy_book_counts(f->book);
		best = c.old_addrs;
		if (c.old_addrs < *marked)
			break;
	}
	return best;
}

static void test_book_demotes_from_a_full_old_bucket(void **state)
{
	struct fix f;
	uint32_t marked = 0;
	open_book(&f, SY_PROFILE_DEFAULT);
	(void)overflow_old(&f, &marked);
	struct sy_book_counts c = sy_book_counts(f.book);
	assert_int_equal(c.total, marked);
	assert_int_equal(c.new_addrs, 1);
	close_book(&f);
}

static void test_book_upstream_loses_what_it_demotes(void **state)
{
	struct fix f;
	uint32_t marked = 0;
	open_book(&f, SY_PROFILE_UPSTREAM);
	(void)overflow_old(&f, &marked);
	struct sy_book_counts c = sy_book_counts(f.book);
	assert_int_equal(c.total, marked - 1);
	assert_int_equal(c.new_addrs, 0);
	close_book(&f);
}

static void test_book_bans_and_reinstates(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct fix f;
		open_book(&f, profile);
		struct sy_netaddr a = test_addr(1);
		add_many(&f, 1, 1, 2);
		assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, 1), SY_OK);
		assert_false(has(&f, 1));
		assert_true(is_banned(&f, 1, NOW));
		assert_int_equal(add(&f, 1, 2), SY_BANNED);
		sy_book_reinstate(f.book, NOW);
		assert_int_equal(sy_book_counts(f.book).total, 0);
		/* An upstream ban that is over holds until it is looked at. */
		assert_int_equal(is_banned(&f, 1, NOW + 1), profile == SY_PROFILE_UPSTREAM);
		sy_book_reinstate(f.book, NOW + 1);
		assert_int_equal(sy_book_counts(f.book).total, 1);
		assert_int_equal(sy_book_counts(f.book).banned, 0);
		assert_true(has(&f, 1));
		assert_false(is_good(&f, 1));
		assert_false(is_banned(&f, 1, NOW + 1));
		close_book(&f);
	}
}

static void test_book_reinstates_what_was_old(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct fix f;
		open_book(&f, profile);
		struct sy_netaddr a = test_addr(1);
		add_many(&f, 1, 1, 2);
		mark_good(&f, 1);
		assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, DAY), SY_OK);
		sy_book_reinstate(f.book, NOW + DAY);
		assert_int_equal(has(&f, 1), profile == SY_PROFILE_DEFAULT);
		assert_false(is_banned(&f, 1, NOW + DAY));
		close_book(&f);
	}
}

static void test_book_bans_ids_that_it_does_not_know(void **state)
{
	struct fix f;
	struct sy_netaddr a = test_addr(1);
	open_book(&f, SY_PROFILE_UPSTREAM);
	assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, DAY), SY_NOT_FOUND);
	assert_false(is_banned(&f, 1, NOW));
	close_book(&f);

	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, DAY), SY_OK);
	assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, 2 * DAY), SY_OK); /* lengthened, not doubled */
	assert_int_equal(sy_book_counts(f.book).banned, 1);
	assert_true(is_banned(&f, 1, NOW + DAY));
	assert_int_equal(add(&f, 1, 2), SY_BANNED);
	sy_book_reinstate(f.book, NOW + 2 * DAY);
	assert_false(has(&f, 1));
	assert_int_equal(sy_book_counts(f.book).banned, 0);
	a.flags = 0;
	assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, DAY), SY_NOT_FOUND);
	close_book(&f);
}

/* Finding c: who squats an id with a dead address does not shut its owner out. */
static void test_book_dial_bans_concern_one_address(void **state)
{
	struct fix f;
	struct sy_netaddr dead = test_addr_at(1, 66, 1, 1, 1, 26656), live = test_addr(1), src = test_addr(2), owner = live;
	open_book(&f, SY_PROFILE_UPSTREAM);
	assert_int_equal(sy_book_add(f.book, &dead, &src, NOW), SY_OK);
	assert_int_equal(sy_book_ban_address(f.book, &dead, NOW, DAY), SY_OK);
	assert_int_equal(sy_book_add(f.book, &live, &owner, NOW), SY_BANNED);
	close_book(&f);

	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_book_add(f.book, &dead, &src, NOW), SY_OK);
	assert_int_equal(sy_book_ban_address(f.book, &dead, NOW, DAY), SY_OK);
	assert_false(has(&f, 1));
	assert_false(is_banned(&f, 1, NOW));
	assert_int_equal(sy_book_add(f.book, &dead, &src, NOW), SY_BANNED);
	assert_int_equal(sy_book_add(f.book, &live, &owner, NOW), SY_OK);
	assert_int_equal(sy_book_ban_address(f.book, &dead, NOW, DAY), SY_OK); /* leaves the living one alone */
	assert_true(has(&f, 1));
	assert_int_equal(sy_book_counts(f.book).banned, 1);
	sy_book_reinstate(f.book, NOW + DAY);
	struct sy_netaddr now = kept(&f, 1);
	assert_memory_equal(&now, &live, sizeof live);
	close_book(&f);
}

/* The address was banned for failed dials, the id for what it did: the first ban ends, the second does not. */
static void test_book_banned_id_stays_out_when_a_ban_of_its_address_ends(void **state)
{
	struct fix f;
	struct sy_netaddr a = test_addr(1);
	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(add(&f, 1, 2), SY_OK);
	assert_int_equal(sy_book_ban_address(f.book, &a, NOW, 60), SY_OK);
	assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, DAY), SY_OK);
	sy_book_reinstate(f.book, NOW + 60);
	assert_false(has(&f, 1));
	assert_true(is_banned(&f, 1, NOW + 60));
	sy_book_reinstate(f.book, NOW + DAY);
	assert_true(has(&f, 1));
	assert_int_equal(sy_book_counts(f.book).banned, 0);
	close_book(&f);
}

/* The node was started with another list of private ids while the ban went on. */
static void test_book_private_id_stays_out_when_its_ban_ends(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct fix f;
		struct sy_netaddr a = test_addr(1), own = test_addr(3);
		open_book(&f, profile);
		assert_int_equal(add(&f, 1, 2), SY_OK);
		assert_int_equal(add(&f, 3, 2), SY_OK);
		assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, 60), SY_OK);
		assert_int_equal(sy_book_mark_bad(f.book, &own, NOW, 60), SY_OK);
		assert_true(sy_book_add_private(f.book, &a.id));
		sy_book_add_own(f.book, &own);
		sy_book_reinstate(f.book, NOW + 60);
		assert_int_equal(sy_book_counts(f.book).total, 0);
		assert_int_equal(sy_book_counts(f.book).banned, 0);
		close_book(&f);
	}
}

/* Known again after a ban that was over, banned again: what was known is not lost. */
static void test_book_second_ban_keeps_what_was_learnt_since(void **state)
{
	struct fix f;
	struct sy_netaddr a = test_addr(1);
	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, 60), SY_OK);
	struct sy_netaddr s = test_addr(2);
	assert_int_equal(sy_book_add(f.book, &a, &s, NOW + 60), SY_OK);
	assert_int_equal(sy_book_mark_bad(f.book, &a, NOW + 60, 60), SY_OK);
	assert_false(has(&f, 1));
	assert_int_equal(sy_book_counts(f.book).banned, 1);
	sy_book_reinstate(f.book, NOW + 120);
	assert_true(has(&f, 1));
	close_book(&f);
}

static void test_book_bans_are_bounded(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	for (uint32_t i = 0; i < SY_LIMIT_BANS + 10; i++) {
		struct sy_netaddr a = test_addr(i);
		assert_int_equal(sy_book_mark_bad(f.book, &a, NOW, DAY + i), SY_OK);
	}
	assert_int_equal(sy_book_counts(f.book).banned, SY_LIMIT_BANS);
	assert_false(is_banned(&f, 9, NOW)); /* the first to end made room */
	assert_true(is_banned(&f, 10, NOW));
	sy_book_reinstate(f.book, NOW + 2 * DAY);
	assert_int_equal(sy_book_counts(f.book).banned, 0);
	close_book(&f);
}

static void test_book_old_address_is_not_overwritten(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct fix f;
		open_book(&f, profile);
		add_many(&f, 1, 1, 2);
		mark_good(&f, 1);
		for (uint32_t i = 0; i < 10; i++) {
			struct sy_netaddr other = test_addr_at(1, 66, (uint8_t)i, 1, 1, 26656), src = test_addr(100 + i);
			assert_int_equal(sy_book_add(f.book, &other, &src, NOW), SY_ADDR_KNOWN);
		}
		struct sy_netaddr a = kept(&f, 1), expected = test_addr(1);
		assert_memory_equal(&a, &expected, sizeof a);
		close_book(&f);
	}
}

static void test_book_failing_new_address_gives_way(void **state)
{
	struct sy_netaddr dead = test_addr_at(1, 66, 1, 1, 1, 26656), live = test_addr(1), liar = test_addr(2), honest = test_addr(3);
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_book_add(f.book, &dead, &liar, NOW), SY_OK);
	for (int i = 0; i < 40; i++)
		try_add(&f, &live, &honest, NOW);
	struct sy_netaddr a = kept(&f, 1);
	assert_memory_equal(&a, &dead, sizeof a); /* not tried yet: hearsay against hearsay */
	sy_book_mark_attempt(f.book, &dead, NOW);
	struct sy_netaddr liars_cousin = test_addr(2);
	liars_cousin.id = test_id(77);
	for (int i = 0; i < 40; i++)
		try_add(&f, &live, &liars_cousin, NOW);
	a = kept(&f, 1);
	assert_memory_equal(&a, &dead, sizeof a); /* the same network told us the dead one */
	assert_int_equal(sy_book_add(f.book, &live, &honest, NOW), SY_OK);
	a = kept(&f, 1);
	assert_memory_equal(&a, &live, sizeof a);
	sy_book_mark_attempt(f.book, &dead, NOW); /* the end of an old dial does not count against the new address */
	assert_int_not_equal(sy_book_add(f.book, &dead, &liar, NOW), SY_NO_MEMORY);
	a = kept(&f, 1);
	assert_memory_equal(&a, &live, sizeof a);
	/* What answers stays, whatever is said, until it has failed three times. */
	sy_book_mark_reached(f.book, &live, NOW);
	for (int i = 0; i < 2; i++)
		sy_book_mark_attempt(f.book, &live, NOW);
	try_add(&f, &dead, &liar, NOW);
	a = kept(&f, 1);
	assert_memory_equal(&a, &live, sizeof a);
	sy_book_mark_attempt(f.book, &live, NOW);
	assert_int_equal(sy_book_add(f.book, &dead, &liar, NOW), SY_OK);
	close_book(&f);
}

static void test_book_owner_of_an_id_is_believed(void **state)
{
	struct sy_netaddr dead = test_addr_at(1, 66, 1, 1, 1, 26656), live = test_addr(1), liar = test_addr(2);
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_book_add(f.book, &dead, &liar, NOW), SY_OK);
	assert_int_equal(sy_book_add(f.book, &live, &live, NOW), SY_OK);
	struct sy_netaddr a = kept(&f, 1);
	assert_memory_equal(&a, &live, sizeof a);
	close_book(&f);

	open_book(&f, SY_PROFILE_UPSTREAM);
	assert_int_equal(sy_book_add(f.book, &dead, &liar, NOW), SY_OK);
	try_add(&f, &live, &live, NOW);
	a = kept(&f, 1);
	assert_memory_equal(&a, &dead, sizeof a);
	close_book(&f);
}

static void test_book_upper_case_ids_are_others_only_upstream(void **state)
{
	struct fix f;
	struct sy_netaddr upper = test_addr(1), src = test_addr(2);
	upper.flags |= SY_ADDR_BAD_CASE;
	open_book(&f, SY_PROFILE_UPSTREAM);
	assert_int_equal(add(&f, 1, 2), SY_OK);
	assert_int_equal(sy_book_add(f.book, &upper, &src, NOW), SY_OK);
	assert_int_equal(sy_book_counts(f.book).total, 2);
	close_book(&f);
	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_book_add(f.book, &upper, &src, NOW), SY_OK);
	(void)add(&f, 1, 2);
	assert_int_equal(sy_book_counts(f.book).total, 1);
	assert_true(has(&f, 1));
	close_book(&f);
}

static void churn(struct fix *f, uint32_t steps)
{
	for (uint32_t step = 0; step < steps; step++) {
		uint32_t d[3];
		f->t.env.rand(f->t.env.ctx, SY_RAND_REACTOR, 3, step, d, sizeof d);
		struct sy_netaddr a = test_addr_at(d[0] % 700, 12, (uint8_t)(d[0] % 3), 1, (uint8_t)(d[1] % 5 + 1), 26656),
		                  s = test_addr(d[1] % 500);
		uint64_t now_s = NOW + step * 60;
		switch (d[2] % 12) {
		case 0:
			sy_book_mark_good(f->book, &a.id, now_s);
			break;
		case 1:
			ignore(sy_book_mark_bad(f->book, &a, now_s, 3600));
			break;
		case 2:
			ignore(sy_book_ban_address(f->book, &a, now_s, 3600));
			break;
		case 3:
			sy_book_remove(f->book, &a.id);
			break;
		case 4:
			sy_book_reinstate(f->book, now_s);
			break;
		case 5:
			sy_book_mark_attempt(f->book, &a, now_s);
			break;
		default:
			try_add(f, &a, &s, now_s);
		}
		if (step % 64 == 0)
			test_book_check(f->book);
	}
}

static void test_book_holds_together_under_churn(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct fix f;
		open_book_of(&f, profile, true, 11 + (uint64_t)profile);
		churn(&f, 20000);
		assert_true(sy_book_counts(f.book).total > 20);
		close_book(&f);
	}
}

static void test_book_holds_together_without_memory(void **state)
{
	for (uint64_t nth = 1; nth < 60; nth++) {
		struct fix f;
		open_book(&f, SY_PROFILE_DEFAULT);
		test_env_fail_at(&f.t, nth, nth % 2);
		churn(&f, 600);
		test_env_fail_at(&f.t, 0, false);
		churn(&f, 200);
		close_book(&f);
	}
	struct test_env t;
	test_env_init(&t, 1);
	test_env_fail_at(&t, 1, true);
	assert_null(sy_book_new(&t.env, sy_policy_of(SY_PROFILE_DEFAULT), true, 1));
	sy_book_free(NULL);
}

/* The same calls give the same book, whatever numbers the shared table gave to the addresses. */
static void test_book_order_does_not_depend_on_interning(void **state)
{
	struct fix f, g;
	struct sy_netaddr other[SY_PEX_SELECTION_MAX + 1];
	open_book_of(&f, SY_PROFILE_DEFAULT, true, 9);
	open_book_of(&g, SY_PROFILE_DEFAULT, true, 9);
	for (uint32_t n = 1000; n > 0; n--) {
		struct sy_netaddr a = test_addr(n);
		assert_true(sy_addrs_intern(g.t.env.addrs, &g.t.env, &a) != 0);
	}
	churn(&f, 3000);
	churn(&g, 3000);
	for (int i = 0; i < 20; i++) {
		size_t n = sy_book_selection(f.book, f.out);
		assert_int_equal(sy_book_selection(g.book, other), n);
		assert_memory_equal(f.out, other, n * sizeof *other);
		bool picked = sy_book_pick(f.book, 50, f.out);
		assert_int_equal(sy_book_pick(g.book, 50, other), picked);
		assert_memory_equal(f.out, other, sizeof *other);
	}
	close_book(&f);
	sy_book_free(g.book);
	sy_addrs_free(g.t.env.addrs, &g.t.env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_book_demotes_from_a_full_old_bucket),
	    cmocka_unit_test(test_book_upstream_loses_what_it_demotes),
	    cmocka_unit_test(test_book_bans_and_reinstates),
	    cmocka_unit_test(test_book_reinstates_what_was_old),
	    cmocka_unit_test(test_book_bans_ids_that_it_does_not_know),
	    cmocka_unit_test(test_book_dial_bans_concern_one_address),
	    cmocka_unit_test(test_book_banned_id_stays_out_when_a_ban_of_its_address_ends),
	    cmocka_unit_test(test_book_private_id_stays_out_when_its_ban_ends),
	    cmocka_unit_test(test_book_second_ban_keeps_what_was_learnt_since),
	    cmocka_unit_test(test_book_bans_are_bounded),
	    cmocka_unit_test(test_book_old_address_is_not_overwritten),
	    cmocka_unit_test(test_book_failing_new_address_gives_way),
	    cmocka_unit_test(test_book_owner_of_an_id_is_believed),
	    cmocka_unit_test(test_book_upper_case_ids_are_others_only_upstream),
	    cmocka_unit_test(test_book_holds_together_under_churn),
	    cmocka_unit_test(test_book_holds_together_without_memory),
	    cmocka_unit_test(test_book_order_does_not_depend_on_interning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
