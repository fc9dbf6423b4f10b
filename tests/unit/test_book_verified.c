/* The book of a seed: what is handed out, what is due to be looked at, what is let go. Source: D-26. */
#include "tests/support/bookfix.h"

#include "core/book/snapshot.h"

#define FRESH_S 1200u
#define INTERVAL_S 600u

static void reach(struct fix *f, uint32_t n, uint64_t when_s)
{
	struct sy_netaddr a = test_addr(n);
	sy_book_mark_verified(f->book, &a, when_s);
}

static void miss(struct fix *f, uint32_t n, uint64_t when_s)
{
	struct sy_netaddr a = test_addr(n);
	sy_book_mark_attempt(f->book, &a, when_s);
}

static uint32_t number_of(const struct sy_netaddr *a)
{
	return (uint32_t)a->id.b[0] | (uint32_t)a->id.b[1] << 8;
}

/* What is handed out at NOW, by number. */
static size_t serve(struct fix *f, uint32_t numbers[SY_PEX_SELECTION_MAX + 1])
{
	uint32_t indices[SY_PEX_SELECTION_MAX + 1];
	size_t n = sy_book_select_verified(f->book, NOW, FRESH_S, indices);
	for (size_t i = 0; i < n; i++)
		numbers[i] = number_of(sy_addrs_get(f->t.env.addrs, indices[i]));
	return n;
}

static void add_hosts(struct fix *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(add(f, i, 9000 + i % 97), SY_OK);
}

static void test_book_verified_hands_out_only_what_answers_once_there_is_enough(void **state)
{
	struct fix f;
	uint32_t out[SY_PEX_SELECTION_MAX + 1];
	open_book(&f, SY_PROFILE_DEFAULT);
	add_hosts(&f, 1000);
	for (uint32_t i = 0; i < SY_BOOK_ENOUGH - 1; i++)
		reach(&f, i, NOW - 10);
	for (uint32_t i = 100; i < 900; i++)
		miss(&f, i, NOW - 10);
	/* One too few: filled up with what was not tried, never with what failed. */
	size_t n = serve(&f, out);
	assert_int_equal(n, SY_BOOK_ENOUGH - 1 + 69 + 100);
	for (size_t i = 0; i < n; i++)
		assert_true(i < SY_BOOK_ENOUGH - 1 ? out[i] < SY_BOOK_ENOUGH - 1 : out[i] < 100 || out[i] >= 900);
	reach(&f, SY_BOOK_ENOUGH - 1, NOW - 10);
	n = serve(&f, out);
	assert_int_equal(n, SY_BOOK_ENOUGH);
	for (size_t i = 0; i < n; i++)
		assert_true(out[i] < SY_BOOK_ENOUGH);
	/* Many: as many as fit an answer. */
	for (uint32_t i = 0; i < 400; i++)
		reach(&f, i, NOW - 10);
	assert_int_equal(serve(&f, out), SY_PEX_SELECTION_MAX);
	close_book(&f);
}

static void test_book_verified_hands_out_what_failed_when_nothing_answers(void **state)
{
	struct fix f;
	uint32_t out[SY_PEX_SELECTION_MAX + 1];
	open_book(&f, SY_PROFILE_DEFAULT);
	assert_int_equal(serve(&f, out), 0);
	add_hosts(&f, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		miss(&f, i, NOW);
	assert_int_equal(serve(&f, out), 32);
	reach(&f, 7, NOW);
	assert_int_equal(serve(&f, out), 1);
	assert_int_equal(out[0], 7);
	close_book(&f);
}

/* Fresh ones first, then aged ones; what was reached before that counts as not verified. */
static void test_book_verified_decays(void **state)
{
	struct fix f;
	uint32_t out[SY_PEX_SELECTION_MAX + 1];
	open_book(&f, SY_PROFILE_DEFAULT);
	add_hosts(&f, 200);
	for (uint32_t i = 0; i < 20; i++)
		reach(&f, i, NOW - FRESH_S);
	for (uint32_t i = 20; i < 40; i++)
		reach(&f, i, NOW - FRESH_S - 1);
	for (uint32_t i = 40; i < 60; i++)
		reach(&f, i, NOW - SY_BOOK_AGED * FRESH_S - 1);
	assert_int_equal(sy_book_count_verified(f.book, NOW, FRESH_S), 40);
	assert_int_equal(serve(&f, out), 40);
	for (uint32_t i = 0; i < 40; i++)
		assert_true(i < 20 ? out[i] < 20 : out[i] >= 20 && out[i] < 40);
	/* Too few: what once answered comes before what was never tried. */
	for (uint32_t i = 0; i < 20; i++)
		miss(&f, i, NOW);
	assert_int_equal(serve(&f, out), 46); /* 23 % of 200 */
	for (uint32_t i = 0; i < 46; i++)
		assert_true(i < 20 ? out[i] >= 20 && out[i] < 40 : i < 40 ? out[i] >= 40 && out[i] < 60 : out[i] >= 60);
	/* A clock that was set back makes nothing old. */
	reach(&f, 3, NOW + 5000);
	assert_int_equal(sy_book_count_verified(f.book, NOW, FRESH_S), 21);
	close_book(&f);
}

/* The next due ones at a time, by number. */
static size_t due(struct fix *f, uint64_t now_s, size_t max, uint32_t numbers[SY_BOOK_DUE_MAX])
{
	struct sy_netaddr out[SY_BOOK_DUE_MAX];
	size_t n = sy_book_due(f->book, now_s, INTERVAL_S, out, max);
	for (size_t i = 0; i < n; i++)
		numbers[i] = number_of(&out[i]);
	return n;
}

static void test_book_verified_due_times(void **state)
{
	struct fix f;
	uint32_t out[SY_BOOK_DUE_MAX];
	static const uint32_t waits[] = {60, 120, 240, 480, 600, 600};
	open_book(&f, SY_PROFILE_DEFAULT);
	add_hosts(&f, 1);
	assert_int_equal(due(&f, NOW, 32, out), 1); /* at once */
	uint64_t at = NOW;
	reach(&f, 0, at);
	assert_int_equal(due(&f, at + INTERVAL_S - 1, 32, out), 0);
	assert_int_equal(due(&f, at + INTERVAL_S, 32, out), 1);
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		at += 1000;
		miss(&f, 0, at);
		assert_int_equal(due(&f, at + waits[i] - 1, 32, out), 0);
		assert_int_equal(due(&f, at + waits[i], 32, out), 1);
	}
	struct sy_netaddr a = test_addr(0);
	sy_book_postpone(f.book, &a, at + 600);
	assert_int_equal(due(&f, at + 1199, 32, out), 0);
	close_book(&f);
}

static void test_book_verified_due_ones_come_in_order_and_by_halves(void **state)
{
	struct fix f;
	uint32_t out[SY_BOOK_DUE_MAX];
	open_book(&f, SY_PROFILE_DEFAULT);
	add_hosts(&f, 1000);
	for (uint32_t i = 0; i < 10; i++)
		reach(&f, i, NOW - 700 - i); /* the later ones have waited longer */
	for (uint32_t i = 10; i < 20; i++)
		reach(&f, i, NOW);
	assert_int_equal(due(&f, NOW, 8, out), 8);
	for (uint32_t i = 0; i < 8; i++) /* never tried, then reached, in turn */
		assert_true(i % 2 ? out[i] == 9 - i / 2 : out[i] >= 20);
	assert_int_equal(due(&f, NOW, 32, out), 32);
	for (uint32_t i = 20; i < 32; i++) /* no more of those that answered are due */
		assert_true(out[i] >= 20);
	close_book(&f);
}

static void test_book_verified_lets_go_of_what_goes_on_failing(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	add_hosts(&f, 2);
	struct sy_netaddr never = test_addr(0), once = test_addr(1), unknown = test_addr(2);
	reach(&f, 1, NOW);
	for (uint32_t i = 1; i <= 10; i++) {
		miss(&f, 0, NOW + i);
		miss(&f, 1, NOW + i);
		assert_int_equal(sy_book_is_lost(f.book, &never), i >= 3);
		assert_int_equal(sy_book_is_lost(f.book, &once), i >= 10);
	}
	assert_false(sy_book_is_lost(f.book, &unknown));
	reach(&f, 1, NOW + 20);
	assert_false(sy_book_is_lost(f.book, &once));
	close_book(&f);
}

/* Old ones are out of reach of whoever announces new ones; an owner that has moved is believed once its old address fails. */
static void test_book_verified_becomes_old_and_gives_way_to_its_owner(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	add_hosts(&f, 1);
	struct sy_netaddr a = test_addr(0), moved = test_addr_at(0, 99, 1, 2, 3, 7), hearsay = test_addr(50);
	reach(&f, 0, NOW);
	assert_true(sy_book_is_good(f.book, &a.id));
	assert_int_equal(sy_book_add(f.book, &moved, &moved, NOW), SY_ADDR_KNOWN);
	miss(&f, 0, NOW);
	assert_int_equal(sy_book_add(f.book, &moved, &hearsay, NOW), SY_ADDR_KNOWN);
	assert_int_equal(sy_book_add(f.book, &moved, &moved, NOW), SY_OK);
	assert_false(sy_book_is_good(f.book, &a.id));
	/* A dial of the address that it had before says nothing about the one that it has. */
	sy_book_mark_verified(f.book, &a, NOW);
	assert_int_equal(sy_book_count_verified(f.book, NOW, FRESH_S), 0);
	close_book(&f);
}

/* What was verified is so after a restart: last_success and attempts are fields of the file. */
static void test_book_verified_survives_a_restart(void **state)
{
	struct fix f, g;
	static uint8_t buf[1 << 20];
	uint32_t dropped;
	open_book(&f, SY_PROFILE_DEFAULT);
	add_hosts(&f, 300);
	for (uint32_t i = 0; i < 100; i++)
		reach(&f, i, NOW);
	size_t n = sy_book_save(f.book, buf, sizeof buf);
	open_book(&g, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_book_load(g.book, (struct sy_span){buf, n}, &dropped), SY_OK);
	assert_int_equal(sy_book_count_verified(g.book, NOW, FRESH_S), 100);
	assert_int_equal(sy_book_count_verified(g.book, NOW + 8 * 3600, FRESH_S), 0);
	close_book(&f);
	close_book(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_book_verified_hands_out_only_what_answers_once_there_is_enough),
	    cmocka_unit_test(test_book_verified_hands_out_what_failed_when_nothing_answers),
	    cmocka_unit_test(test_book_verified_decays),
	    cmocka_unit_test(test_book_verified_due_times),
	    cmocka_unit_test(test_book_verified_due_ones_come_in_order_and_by_halves),
	    cmocka_unit_test(test_book_verified_lets_go_of_what_goes_on_failing),
	    cmocka_unit_test(test_book_verified_becomes_old_and_gives_way_to_its_owner),
	    cmocka_unit_test(test_book_verified_survives_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
