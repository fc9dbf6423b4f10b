/* The address book against protocol.md 6 and the inventory of 8.12: adding, picking, selecting, what it costs. */
#include "core/book/snapshot.h"
#include "tests/support/bookfix.h"

#include <stdio.h>

static void test_book_pick_address(void **state)
{
	struct fix f;
	struct sy_netaddr a;
	open_book(&f, SY_PROFILE_UPSTREAM);
	assert_false(sy_book_pick(f.book, 50, &a));
	add_many(&f, 1, 1, 2);
	assert_true(sy_book_pick(f.book, 0, &a));
	assert_true(sy_book_pick(f.book, 50, &a));
	assert_true(sy_book_pick(f.book, 100, &a));
	assert_true(sy_book_pick(f.book, 1000, &a));
	struct sy_netaddr expected = test_addr(1);
	assert_memory_equal(&a, &expected, sizeof a);
	mark_good(&f, 1);
	assert_true(sy_book_pick(f.book, 0, &a));
	assert_true(sy_book_pick(f.book, 50, &a));
	assert_false(sy_book_pick(f.book, 100, &a));
	close_book(&f);
}

/* With 100 old and 400 new at bias 50 the odds are 10 : 20. */
static void test_book_pick_weighs_by_square_roots(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	add_many(&f, 0, 500, 9000);
	for (uint32_t i = 0; i < 100; i++)
		mark_good(&f, i);
	struct sy_book_counts c = sy_book_counts(f.book);
	assert_int_equal(c.new_addrs, 400);
	assert_int_equal(c.old_addrs, 100);
	uint32_t old = 0;
	for (uint32_t i = 0; i < 6000; i++) {
		struct sy_netaddr a;
		assert_true(sy_book_pick(f.book, 50, &a));
		old += sy_book_is_good(f.book, &a.id);
	}
	assert_in_range(old, 1800, 2200);
	close_book(&f);
}

static void test_book_lookup_finds_all(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	add_many(&f, 0, 100, 500);
	for (uint32_t i = 0; i < 100; i++)
		assert_true(has(&f, i));
	assert_false(has(&f, 100));
	assert_int_equal(sy_book_counts(f.book).total, 100);
	close_book(&f);
}

static void test_book_promotes_to_old(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	add_many(&f, 0, 100, 500);
	for (uint32_t i = 0; i < 100; i++) {
		struct sy_netaddr a = test_addr(i);
		sy_book_mark_attempt(f.book, &a, NOW + 1);
		if (i % 2)
			mark_good(&f, i);
	}
	assert_true(sy_book_selection(f.book, f.out) <= 100);
	assert_true(sy_book_selection_biased(f.book, 30, f.out) <= 100);
	struct sy_book_counts c = sy_book_counts(f.book);
	assert_int_equal(c.total, 100);
	assert_int_equal(c.old_addrs, 50);
	assert_true(is_good(&f, 1));
	assert_false(is_good(&f, 0));
	assert_false(is_good(&f, 1000)); /* upstream crashes */
	mark_good(&f, 1000);
	close_book(&f);
}

static void test_book_handles_duplicates(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	for (uint32_t i = 0; i < 100; i++) {
		(void)add(&f, i, 500);
		(void)add(&f, i, 500);
		(void)add(&f, i, 501);
	}
	assert_int_equal(sy_book_counts(f.book).total, 100);
	close_book(&f);
}

static void test_book_known_address_gets_four_buckets_at_most(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	uint32_t taken = 0;
	for (uint32_t src = 500; src < 1500; src++)
		taken += add(&f, 1, src) == SY_OK;
	assert_int_equal(taken, 4);
	mark_good(&f, 1);
	assert_int_equal(add(&f, 1, 600), SY_ADDR_KNOWN);
	close_book(&f);
}

static void test_book_removes(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	struct sy_id id = test_id(1), other = test_id(2);
	add_many(&f, 1, 1, 3);
	sy_book_remove(f.book, &other);
	assert_true(has(&f, 1));
	sy_book_remove(f.book, &id);
	assert_false(has(&f, 1));
	assert_int_equal(sy_book_counts(f.book).total, 0);
	close_book(&f);
}

static void test_book_refuses_with_a_reason_each(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	struct sy_netaddr a = test_addr(1), s = test_addr(2), bad = a;
	memset(bad.ip + 12, 0, 4);
	assert_int_equal(sy_book_add(f.book, &bad, &s, NOW), SY_ADDR_INVALID);
	bad = a;
	bad.flags = 0;
	assert_int_equal(sy_book_add(f.book, &bad, &s, NOW), SY_ADDR_INVALID);
	struct sy_netaddr lan = test_addr_at(3, 192, 168, 1, 1, 1);
	assert_int_equal(sy_book_add(f.book, &lan, &s, NOW), SY_ADDR_UNROUTABLE);
	sy_book_add_own(f.book, &a);
	assert_true(sy_book_is_own(f.book, &a));
	assert_int_equal(sy_book_add(f.book, &a, &s, NOW), SY_ADDR_OWN);
	struct sy_id private_id = test_id(7);
	assert_true(sy_book_add_private(f.book, &private_id));
	assert_true(sy_book_add_private(f.book, &private_id));
	assert_int_equal(add(&f, 7, 2), SY_ADDR_PRIVATE);
	assert_int_equal(add(&f, 8, 7), SY_ADDR_PRIVATE_SRC);
	assert_int_equal(sy_book_counts(f.book).total, 0);
	close_book(&f);
}

static void test_book_takes_local_addresses_unless_strict(void **state)
{
	struct fix f;
	open_book_of(&f, SY_PROFILE_DEFAULT, false, 1);
	struct sy_netaddr a = test_addr_at(1, 127, 0, 0, 1, 26656), s = test_addr_at(2, 10, 0, 0, 1, 26656);
	assert_int_equal(sy_book_add(f.book, &a, &s, NOW), SY_OK);
	close_book(&f);
}

static void test_book_without_memory_for_the_table_says_limit(void **state)
{
	struct fix f;
	test_env_init(&f.t, 1);
	f.t.env.addrs = sy_addrs_new(&f.t.env, 2, true);
	f.book = sy_book_new(&f.t.env, sy_policy_of(SY_PROFILE_DEFAULT), true, 42);
	assert_int_equal(add(&f, 1, 2), SY_OK);
	assert_int_equal(add(&f, 3, 2), SY_LIMIT);
	assert_int_equal(add(&f, 2, 1), SY_OK);
	close_book(&f);
}

/* D-37: our own IP and port under the id of another. */
static void test_book_own_place_under_another_id(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct fix f;
		open_book(&f, profile);
		bool ours = profile == SY_PROFILE_DEFAULT;
		struct sy_netaddr own = test_addr(1), s = test_addr(2), other = own, beside = own;
		other.id = test_id(3);
		beside.id = test_id(4);
		beside.port++;
		sy_book_add_own(f.book, &own);
		assert_int_equal(sy_book_add(f.book, &other, &s, NOW), ours ? SY_ADDR_OWN : SY_OK);
		assert_int_equal(sy_book_add(f.book, &beside, &s, NOW), SY_OK);
		assert_int_equal(has(&f, 3), !ours);
		/* Learnt to be ours only later: it is not taken in again. */
		struct sy_netaddr late = test_addr(5), told = late;
		told.id = test_id(6);
		assert_int_equal(sy_book_add(f.book, &told, &s, NOW), SY_OK);
		sy_book_add_own(f.book, &late);
		sy_book_remove(f.book, &told.id);
		assert_int_equal(sy_book_add(f.book, &told, &s, NOW), ours ? SY_ADDR_OWN : SY_OK);
		close_book(&f);
	}
}

/* D-37: our own id, where we are not: a rotten book of somebody else's said so. */
static void test_book_own_id_at_another_address(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct fix f;
		open_book(&f, profile);
		struct sy_netaddr own = test_addr(1), s = test_addr(2), elsewhere = own;
		elsewhere.port++;
		sy_book_set_own_id(f.book, &own.id);
		sy_book_add_own(f.book, &own);
		assert_int_equal(sy_book_add(f.book, &own, &s, NOW), SY_ADDR_OWN);
		assert_int_equal(sy_book_add(f.book, &elsewhere, &s, NOW), profile == SY_PROFILE_DEFAULT ? SY_ADDR_OWN : SY_OK);
		assert_int_equal(add(&f, 3, 2), SY_OK);
		own.id = test_id(4); /* and the place is ours, too */
		assert_int_equal(sy_book_add(f.book, &own, &s, NOW), profile == SY_PROFILE_DEFAULT ? SY_ADDR_OWN : SY_OK);
		close_book(&f);
	}
}

static void test_book_own_addresses_are_bounded(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	for (uint32_t i = 0; i < 3 * SY_LIMIT_OWN_ADDRS; i++) {
		struct sy_netaddr a = test_addr(i);
		sy_book_add_own(f.book, &a);
		assert_true(sy_book_is_own(f.book, &a));
	}
	struct sy_netaddr first = test_addr(0), second = test_addr(1);
	assert_true(sy_book_is_own(f.book, &first));
	assert_false(sy_book_is_own(f.book, &second));
	close_book(&f);
}

/* One source group, one address group: everything falls into one bucket, which holds 65. */
static void fill_one_bucket(struct fix *f, uint32_t count, uint64_t now_s)
{
	for (uint32_t i = 0; i < count; i++) {
		struct sy_netaddr a = test_addr_at(i, 12, 1, 2, (uint8_t)(i + 1), 26656), s = test_addr(9000);
		assert_int_equal(sy_book_add(f->book, &a, &s, now_s + i), SY_OK);
	}
}

static void test_book_full_bucket_expires_the_oldest(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	fill_one_bucket(&f, 66, NOW);
	assert_int_equal(sy_book_counts(f.book).total, 65);
	assert_false(has(&f, 0));
	assert_true(has(&f, 65));
	close_book(&f);
}

static void test_book_full_bucket_expires_a_bad_entry_first(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	fill_one_bucket(&f, 65, NOW);
	struct sy_netaddr bad = test_addr_at(40, 12, 1, 2, 41, 26656);
	struct sy_netaddr more = test_addr_at(99, 12, 1, 2, 99, 26656), src = test_addr(9000);
	for (int i = 0; i < 3; i++)
		sy_book_mark_attempt(f.book, &bad, NOW + 100);
	assert_int_equal(sy_book_add(f.book, &more, &src, NOW + 200), SY_OK);
	assert_false(has(&f, 40));
	assert_true(has(&f, 0));
	close_book(&f);

	open_book(&f, SY_PROFILE_DEFAULT);
	fill_one_bucket(&f, 65, NOW);
	for (int i = 0; i < 3; i++)
		sy_book_mark_attempt(f.book, &bad, NOW + 150);
	assert_int_equal(sy_book_add(f.book, &more, &src, NOW + 200), SY_OK);
	assert_true(has(&f, 40));
	assert_false(has(&f, 0));
	close_book(&f);
}

static void test_book_selection_is_distinct_and_bounded(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	assert_int_equal(sy_book_selection(f.book, f.out), 0);
	assert_int_equal(sy_book_selection_biased(f.book, 30, f.out), 0);
	static const uint32_t sizes[] = {1, 31, 32, 33, 101, 140, 1086, 1087, 1500};
	static const uint32_t expected[] = {1, 31, 32, 32, 32, 32, 249, 250, 250};
	uint32_t have = 0;
	for (uint32_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		add_many(&f, have, sizes[k] - have, 9000);
		have = sizes[k];
		assert_int_equal(sy_book_selection(f.book, f.out), expected[k]);
		uint8_t seen[1500] = {0};
		for (uint32_t i = 0; i < expected[k]; i++) {
			uint32_t n = (uint32_t)f.out[i].id.b[0] | (uint32_t)f.out[i].id.b[1] << 8;
			struct sy_netaddr a = test_addr(n);
			assert_memory_equal(&f.out[i], &a, sizeof a);
			assert_false(seen[n]);
			seen[n] = 1;
		}
	}
	close_book(&f);
}

static void test_book_selection_is_uniform(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	add_many(&f, 0, 64, 9000);
	uint32_t times[64] = {0};
	for (uint32_t round = 0; round < 2000; round++) {
		size_t n = sy_book_selection(f.book, f.out);
		assert_int_equal(n, 32);
		for (size_t i = 0; i < n; i++)
			times[f.out[i].id.b[0]]++;
	}
	for (uint32_t i = 0; i < 64; i++)
		assert_in_range(times[i], 880, 1120);
	close_book(&f);
}

static uint32_t count_good(const struct fix *f, size_t n)
{
	uint32_t good = 0;
	for (size_t i = 0; i < n; i++)
		good += sy_book_is_good(f->book, &f->out[i].id);
	return good;
}

static void test_book_biased_selection_with_one_good(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	add_many(&f, 0, 10, 500);
	mark_good(&f, 3);
	assert_int_equal(sy_book_selection_biased(f.book, 30, f.out), 10);
	assert_int_equal(count_good(&f, 10), 1);
	assert_true(sy_book_is_good(f.book, &f.out[9].id)); /* new ones first */
	close_book(&f);
}

static void test_book_biased_selection_with_one_not_good(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	add_many(&f, 0, 10, 500);
	for (uint32_t i = 0; i < 9; i++)
		mark_good(&f, i);
	assert_int_equal(sy_book_selection_biased(f.book, 30, f.out), 10);
	assert_int_equal(count_good(&f, 10), 9);
	close_book(&f);
}

/* Numbers and order against the formula of protocol.md 6.7 for all splits of small books and two larger ones. */
static void check_split(uint32_t news, uint32_t olds, uint32_t bias)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	add_many(&f, 0, news + olds, 9000);
	for (uint32_t i = 0; i < olds; i++)
		mark_good(&f, i);
	uint32_t size = news + olds, count = size * 23 / 100;
	count = count > 32 ? count : 32;
	count = count > size ? size : count;
	count = count > 250 ? 250 : count;
	uint32_t want = (bias * count + 50) / 100;
	if (count > olds && want < count - olds)
		want = count - olds;
	uint32_t new_n = want ? want : 1;
	new_n = new_n > news ? news : new_n;
	uint32_t rest = count > new_n ? count - new_n : 0;
	uint32_t old_n = rest ? rest : 1;
	old_n = old_n > olds ? olds : old_n;
	size_t n = sy_book_selection_biased(f.book, bias, f.out);
	assert_int_equal(n, new_n + old_n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sy_book_is_good(f.book, &f.out[i].id), i >= new_n);
	close_book(&f);
}

static void test_book_biased_selection_matches_the_formula(void **state)
{
	for (uint32_t size = 1; size < 32; size += 3)
		for (uint32_t olds = 0; olds <= size; olds += 2)
			check_split(size - olds, olds, 30);
	check_split(80, 20, 30);
	check_split(20, 80, 30);
	check_split(700, 400, 30);
	check_split(700, 400, 0);
	check_split(700, 400, 100);
}

static void test_book_buckets_are_stable_and_in_range(void **state)
{
	struct fix f, g;
	open_book_of(&f, SY_PROFILE_DEFAULT, true, 5);
	open_book_of(&g, SY_PROFILE_UPSTREAM, true, 5);
	uint8_t of_source[256] = {0}, of_group[64] = {0};
	uint32_t sources = 0, groups = 0;
	for (uint32_t i = 0; i < 2000; i++) {
		struct sy_netaddr a = test_addr(i), src = test_addr(9000), same_net = test_addr_at(i, 12, 1, (uint8_t)(i >> 8), (uint8_t)i, 1);
		uint32_t fresh = sy_book_new_bucket(f.book, &a, &src), old = sy_book_old_bucket(f.book, &same_net);
		assert_true(fresh < 256 && old < 64);
		assert_int_equal(fresh, sy_book_new_bucket(g.book, &a, &src));
		assert_int_equal(old, sy_book_old_bucket(g.book, &same_net));
		sources += !of_source[fresh];
		of_source[fresh] = 1;
		groups += !of_group[old];
		of_group[old] = 1;
	}
	assert_in_range(sources, 20, 32); /* 32 draws of 256: one source reaches no more buckets */
	assert_in_range(groups, 1, 4);
	close_book(&f);
	close_book(&g);
}

/* One /16 holds 65 addresses, whoever tells of them from one network: an eclipse needs many networks. */
static void test_book_one_network_fills_one_bucket_a_source(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	for (uint32_t i = 0; i < 5000; i++) {
		struct sy_netaddr a = test_addr_at(i, 12, 1, (uint8_t)(i / 250), (uint8_t)(i % 250 + 1), 26656), s = test_addr(9000);
		assert_int_equal(sy_book_add(f.book, &a, &s, NOW + i), SY_OK);
	}
	assert_int_equal(sy_book_counts(f.book).total, 65);
	close_book(&f);
}

static void test_book_entry_costs_48_bytes_at_most(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	struct sy_netaddr a;
	uint64_t all = f.t.live_bytes;
	sy_book_free(f.book);
	uint64_t empty = all - f.t.live_bytes;
	assert_true(empty <= 3072);
	/* Sources from which all addresses come to lie in four buckets; the table of addresses is filled beforehand. */
	for (uint32_t n = 0; n < 4000; n++) {
		a = test_addr(n);
		assert_true(sy_addrs_intern(f.t.env.addrs, &f.t.env, &a) != 0);
	}
	uint64_t before = f.t.live_bytes, worst = 0;
	f.book = sy_book_new(&f.t.env, sy_policy_of(SY_PROFILE_DEFAULT), true, 42);
	for (uint32_t n = 0; n < 3000; n++) {
		for (uint32_t k = 0; k < 40; k++)
			(void)add(&f, n, 3000 + (n + k * 7) % 1000);
		uint64_t each = n >= 500 ? (f.t.live_bytes - before - empty) * 100 / sy_book_counts(f.book).total : 0;
		worst = each > worst ? each : worst;
	}
	printf("  empty book %llu bytes; an entry at most %llu.%02llu bytes from 500 entries on\n", (unsigned long long)empty,
	       (unsigned long long)worst / 100, (unsigned long long)worst % 100);
	assert_true(worst <= 4800);
	assert_true(sy_book_counts(f.book).total > 2900);
	test_book_check(f.book);
	sy_book_free(f.book);
	assert_int_equal(f.t.live_bytes, before);
	sy_addrs_free(f.t.env.addrs, &f.t.env);
	test_env_check_empty(&f.t);
}

static void test_book_needs_more_below_a_thousand(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	add_many(&f, 0, 999, 9000);
	assert_true(sy_book_needs_more(f.book));
	add_many(&f, 999, 1, 9000);
	assert_false(sy_book_needs_more(f.book));
	uint32_t version = sy_book_version(f.book);
	assert_int_equal(sy_book_selection(f.book, f.out), 230);
	assert_int_equal(sy_book_version(f.book), version);
	mark_good(&f, 1);
	assert_int_not_equal(sy_book_version(f.book), version);
	close_book(&f);
}

static enum sy_err add_by_index(struct fix *f, uint32_t n, uint32_t src)
{
	struct sy_netaddr a = test_addr(n), s = test_addr(src);
	uint32_t index = sy_addrs_intern(f->t.env.addrs, &f->t.env, &a), from = sy_addrs_intern(f->t.env.addrs, &f->t.env, &s);
	sy_book_expect_known(f->book, &index, 1);
	enum sy_err err = sy_book_add_known(f->book, index, from, NOW);
	sy_addrs_unref(f->t.env.addrs, index);
	sy_addrs_unref(f->t.env.addrs, from);
	return err;
}

static void check_saved_alike(const struct fix *x, const struct fix *y)
{
	static uint8_t a[1 << 17], b[1 << 17];
	size_t n = sy_book_save(x->book, a, sizeof a);
	assert_true(n > 0);
	assert_int_equal(sy_book_save(y->book, b, sizeof b), n);
	assert_memory_equal(a, b, n);
}

/* Own and private ids, a ban, repeated sources: whichever way an address comes in, the book is the same. */
static void test_book_adding_by_index_is_adding(void **state)
{
	struct fix x, y;
	open_book(&x, SY_PROFILE_DEFAULT);
	open_book(&y, SY_PROFILE_DEFAULT);
	struct fix *both[2] = {&x, &y};
	struct sy_netaddr own = test_addr(7), late = test_addr(20), bad = test_addr(30), hidden = test_addr(40);
	for (uint32_t round = 0; round < 6; round++) {
		for (uint32_t i = 0; i < 300; i++)
			assert_int_equal(add_by_index(&x, i % 100, 1000 + i * round), add(&y, i % 100, 1000 + i * round));
		for (int k = 0; k < 2; k++) {
			struct sy_book *book = both[k]->book;
			if (round == 0)
				sy_book_add_own(book, &own);
			else if (round == 1)
				sy_book_add_own(book, &late);
			else if (round == 2)
				mark_good(both[k], 50);
			else if (round == 3)
				assert_int_equal(sy_book_mark_bad(book, &bad, NOW, DAY), SY_OK);
			else if (round == 4)
				assert_true(sy_book_add_private(book, &hidden.id));
		}
		check_saved_alike(&x, &y);
	}
	assert_int_equal(add_by_index(&x, 7, 1), SY_ADDR_OWN);
	assert_int_equal(add_by_index(&x, 20, 1), SY_ADDR_OWN);
	assert_int_equal(add_by_index(&x, 30, 1), SY_BANNED);
	assert_int_equal(add_by_index(&x, 40, 1), SY_ADDR_PRIVATE);
	close_book(&x);
	close_book(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_book_pick_address),
	    cmocka_unit_test(test_book_pick_weighs_by_square_roots),
	    cmocka_unit_test(test_book_lookup_finds_all),
	    cmocka_unit_test(test_book_promotes_to_old),
	    cmocka_unit_test(test_book_handles_duplicates),
	    cmocka_unit_test(test_book_known_address_gets_four_buckets_at_most),
	    cmocka_unit_test(test_book_removes),
	    cmocka_unit_test(test_book_refuses_with_a_reason_each),
	    cmocka_unit_test(test_book_takes_local_addresses_unless_strict),
	    cmocka_unit_test(test_book_without_memory_for_the_table_says_limit),
	    cmocka_unit_test(test_book_own_place_under_another_id),
	    cmocka_unit_test(test_book_own_id_at_another_address),
	    cmocka_unit_test(test_book_own_addresses_are_bounded),
	    cmocka_unit_test(test_book_full_bucket_expires_the_oldest),
	    cmocka_unit_test(test_book_full_bucket_expires_a_bad_entry_first),
	    cmocka_unit_test(test_book_selection_is_distinct_and_bounded),
	    cmocka_unit_test(test_book_selection_is_uniform),
	    cmocka_unit_test(test_book_biased_selection_with_one_good),
	    cmocka_unit_test(test_book_biased_selection_with_one_not_good),
	    cmocka_unit_test(test_book_biased_selection_matches_the_formula),
	    cmocka_unit_test(test_book_buckets_are_stable_and_in_range),
	    cmocka_unit_test(test_book_one_network_fills_one_bucket_a_source),
	    cmocka_unit_test(test_book_entry_costs_48_bytes_at_most),
	    cmocka_unit_test(test_book_needs_more_below_a_thousand),
	    cmocka_unit_test(test_book_adding_by_index_is_adding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
