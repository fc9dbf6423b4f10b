/* The book's snapshot: codec, save and load, and what is refused of a file that somebody else wrote. */
#include "core/book/snapshot.h"
#include "tests/support/bookfix.h"

#include <stdlib.h>

static uint8_t *save(const struct fix *f, size_t *size)
{
	*size = sy_book_save(f->book, NULL, 0);
	uint8_t *buf = malloc(*size);
	assert_non_null(buf);
	assert_int_equal(sy_book_save(f->book, buf, *size - 1), 0);
	assert_int_equal(sy_book_save(f->book, buf, *size), *size);
	return buf;
}

static struct sy_book_record new_record(uint32_t n)
{
	struct sy_book_record r;
	memset(&r, 0, sizeof r);
	r.addr = test_addr(n);
	r.src = test_addr(n + 1);
	r.buckets[0] = 213;
	r.buckets[1] = 7;
	r.num_buckets = 2;
	r.type = SY_RECORD_NEW;
	r.attempts = 3;
	r.last_attempt_s = NOW;
	r.last_success_s = NOW - 5;
	return r;
}

/* Loads records under a fixed key; returns how many were dropped. */
static uint32_t load(struct fix *f, const struct sy_book_record *records, uint32_t n)
{
	uint8_t *buf = malloc(sy_snapshot_size(n));
	assert_non_null(buf);
	sy_snapshot_begin(buf, "000102030405060708090a0b", n);
	for (uint32_t i = 0; i < n; i++)
		sy_snapshot_put(buf, i, &records[i]);
	uint32_t dropped = 99;
	assert_int_equal(sy_book_load(f->book, (struct sy_span){buf, sy_snapshot_size(n)}, &dropped), SY_OK);
	free(buf);
	test_book_check(f->book);
	return dropped;
}

static void test_snapshot_records_survive_the_codec(void **state)
{
	uint8_t buf[2048];
	struct sy_book_record r = new_record(5), back;
	r.attempts = -1;
	r.last_ban_s = INT64_MIN;
	sy_snapshot_begin(buf, "000102030405060708090a0b", 2);
	sy_snapshot_put(buf, 1, &r);
	r.type = 3;
	sy_snapshot_put(buf, 0, &r);
	struct sy_span bytes = {buf, sy_snapshot_size(2)};
	char key[25];
	uint32_t n;
	assert_int_equal(sy_snapshot_open(bytes, key, &n), SY_OK);
	assert_int_equal(n, 2);
	assert_string_equal(key, "000102030405060708090a0b");
	assert_int_equal(sy_snapshot_get(bytes, 0, &back), SY_OK);
	assert_memory_equal(&back, &r, sizeof r);
	assert_int_equal(sy_snapshot_get(bytes, 1, &back), SY_OK);
	assert_int_equal(back.type, 1);
	assert_int_equal(sy_snapshot_get(bytes, 2, &back), SY_CORRUPT);
}

static void test_snapshot_corrupt_is_refused(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	add_many(&f, 0, 3, 9);
	size_t size;
	uint8_t *buf = save(&f, &size);
	uint32_t dropped;
	assert_int_equal(sy_book_load(f.book, (struct sy_span){buf, size}, &dropped), SY_INVALID); /* not empty */
	struct fix g;
	open_book(&g, SY_PROFILE_DEFAULT);
	for (size_t cut = 0; cut < size; cut += 7)
		assert_int_equal(sy_book_load(g.book, (struct sy_span){buf, cut}, &dropped), SY_CORRUPT);
	static const size_t places[] = {0, 3, 4, 32, 35};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		buf[places[i]] ^= 0x40;
		assert_int_equal(sy_book_load(g.book, (struct sy_span){buf, size}, &dropped), SY_CORRUPT);
		buf[places[i]] ^= 0x40;
	}
	assert_int_equal(sy_book_counts(g.book).total, 0);
	assert_int_equal(sy_book_load(g.book, (struct sy_span){buf, size}, &dropped), SY_OK);
	assert_int_equal(dropped, 0);
	assert_int_equal(sy_book_counts(g.book).total, 3);
	free(buf);
	close_book(&f);
	close_book(&g);
}

static void test_snapshot_saves_and_loads(void **state)
{
	for (uint32_t count = 0; count <= 100; count += 50) {
		struct fix f, g;
		open_book_of(&f, SY_PROFILE_DEFAULT, true, 3);
		open_book_of(&g, SY_PROFILE_DEFAULT, true, 4);
		add_many(&f, 0, count, 500);
		for (uint32_t i = 0; i < count; i += 3)
			mark_good(&f, i);
		size_t size, again;
		uint8_t *buf = save(&f, &size);
		uint32_t dropped;
		assert_int_equal(sy_book_load(g.book, (struct sy_span){buf, size}, &dropped), SY_OK);
		assert_int_equal(dropped, 0);
		test_book_check(g.book);
		struct sy_book_counts a = sy_book_counts(f.book), b = sy_book_counts(g.book);
		assert_memory_equal(&a, &b, sizeof a);
		for (uint32_t i = 0; i < count; i++) {
			struct sy_netaddr x = kept(&f, i), y = kept(&g, i), src = test_addr(500);
			assert_memory_equal(&x, &y, sizeof x);
			assert_int_equal(is_good(&f, i), is_good(&g, i));
			assert_int_equal(sy_book_new_bucket(f.book, &x, &src), sy_book_new_bucket(g.book, &y, &src)); /* the key came along */
		}
		uint8_t *second = save(&g, &again);
		assert_int_equal(again, size);
		free(second);
		free(buf);
		close_book(&f);
		close_book(&g);
	}
}

static void test_snapshot_keeps_times_and_attempts(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	struct sy_book_record r = new_record(5), back;
	assert_int_equal(load(&f, &r, 1), 0);
	size_t size;
	uint8_t *buf = save(&f, &size);
	assert_int_equal(sy_snapshot_get((struct sy_span){buf, size}, 0, &back), SY_OK);
	assert_memory_equal(&back, &r, sizeof r);
	free(buf);
	close_book(&f);
}

static void test_snapshot_odd_numbers_are_clamped(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	struct sy_book_record r[2] = {new_record(1), new_record(5)}, back;
	r[0].attempts = -4;
	r[0].last_attempt_s = -62135596800;
	r[1].attempts = INT32_MAX;
	r[1].last_attempt_s = INT64_MAX;
	assert_int_equal(load(&f, r, 2), 0);
	size_t size;
	uint8_t *buf = save(&f, &size);
	assert_int_equal(sy_snapshot_get((struct sy_span){buf, size}, 0, &back), SY_OK);
	assert_int_equal(back.attempts, 0);
	assert_int_equal(back.last_attempt_s, 0);
	assert_int_equal(sy_snapshot_get((struct sy_span){buf, size}, 1, &back), SY_OK);
	assert_int_equal(back.attempts, UINT16_MAX);
	assert_int_equal(back.last_attempt_s, UINT32_MAX);
	free(buf);
	close_book(&f);
}

static void test_snapshot_senseless_entries_are_dropped(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	struct sy_netaddr own = test_addr(20);
	struct sy_id private_id = test_id(21);
	sy_book_add_own(f.book, &own);
	assert_true(sy_book_add_private(f.book, &private_id));
	struct sy_book_record r[14];
	for (uint32_t i = 0; i < 14; i++)
		r[i] = new_record(30 + 2 * i);
	r[0].num_buckets = 0;
	r[1].num_buckets = 5;
	r[2].buckets[1] = 256;
	r[3].buckets[1] = r[3].buckets[0];
	r[4].type = 0;
	r[5].type = 4;
	r[6].type = SY_RECORD_OLD; /* in two old buckets, one of them out of range */
	r[7].type = SY_RECORD_OLD;
	r[7].num_buckets = 1;
	r[7].buckets[0] = 64;
	memset(r[8].addr.ip, 0, 16);
	r[9].addr.flags = 0;
	r[10].addr = own;
	r[11].addr = test_addr(21);
	r[13] = r[12]; /* the only two that are sound, but one id */
	assert_int_equal(load(&f, r, 14), 13);
	assert_int_equal(sy_book_counts(f.book).total, 1);
	struct sy_netaddr a;
	assert_true(sy_book_pick(f.book, 50, &a));
	close_book(&f);
}

static void test_snapshot_overfull_bucket_is_cut(void **state)
{
	static struct sy_book_record r[80];
	struct fix f;
	open_book(&f, SY_PROFILE_UPSTREAM);
	for (uint32_t i = 0; i < 80; i++) {
		r[i] = new_record(i);
		r[i].num_buckets = 1;
	}
	assert_int_equal(load(&f, r, 80), 15);
	assert_int_equal(sy_book_counts(f.book).total, 65);
	close_book(&f);
}

static void ban_three(struct fix *f)
{
	struct sy_netaddr a = test_addr(1), b = test_addr(2), c = test_addr(3);
	add_many(f, 1, 2, 500);
	mark_good(f, 1);
	assert_int_equal(sy_book_mark_bad(f->book, &a, NOW, DAY), SY_OK);
	assert_int_equal(sy_book_ban_address(f->book, &b, NOW, DAY), SY_OK);
	if (sy_book_mark_bad(f->book, &c, NOW, DAY) != SY_OK)
		assert_false(is_banned(f, 3, NOW));
}

static void test_snapshot_bans_persist(void **state)
{
	struct fix f, g;
	open_book(&f, SY_PROFILE_DEFAULT);
	open_book(&g, SY_PROFILE_DEFAULT);
	ban_three(&f);
	size_t size;
	uint8_t *buf = save(&f, &size);
	assert_int_equal(size, sy_snapshot_size(3));
	uint32_t dropped;
	assert_int_equal(sy_book_load(g.book, (struct sy_span){buf, size}, &dropped), SY_OK);
	assert_int_equal(dropped, 0);
	assert_true(is_banned(&g, 1, NOW));
	assert_false(is_banned(&g, 2, NOW));
	assert_int_equal(add(&g, 2, 500), SY_BANNED);
	assert_true(is_banned(&g, 3, NOW));
	sy_book_reinstate(g.book, NOW + DAY);
	assert_true(has(&g, 1) && has(&g, 2) && !has(&g, 3));
	free(buf);
	close_book(&f);
	close_book(&g);
}

static void test_snapshot_upstream_forgets_bans(void **state)
{
	struct fix f, g;
	open_book(&f, SY_PROFILE_UPSTREAM);
	ban_three(&f);
	assert_int_equal(sy_book_save(f.book, NULL, 0), sy_snapshot_size(0));
	struct sy_book_record ban;
	memset(&ban, 0, sizeof ban);
	ban.type = SY_RECORD_BAN;
	ban.addr = test_addr(9);
	ban.last_ban_s = NOW + DAY;
	open_book(&g, SY_PROFILE_UPSTREAM);
	assert_int_equal(load(&g, &ban, 1), 1);
	assert_false(is_banned(&g, 9, NOW));
	close_book(&f);
	close_book(&g);
}

static void test_snapshot_load_without_memory_leaves_the_book_empty(void **state)
{
	struct fix f;
	open_book(&f, SY_PROFILE_DEFAULT);
	ban_three(&f);
	add_many(&f, 10, 60, 500);
	size_t size;
	uint8_t *buf = save(&f, &size);
	uint32_t dropped, failures = 0;
	for (uint64_t nth = 1; nth < 60; nth++) {
		struct fix g;
		open_book(&g, SY_PROFILE_DEFAULT);
		test_env_fail_at(&g.t, nth, true);
		enum sy_err err = sy_book_load(g.book, (struct sy_span){buf, size}, &dropped);
		test_env_fail_at(&g.t, 0, false);
		assert_true(err == SY_OK || err == SY_NO_MEMORY);
		if (err) {
			failures++;
			assert_int_equal(sy_book_counts(g.book).total, 0);
			assert_int_equal(sy_book_counts(g.book).banned, 0);
			assert_int_equal(sy_book_load(g.book, (struct sy_span){buf, size}, &dropped), SY_OK);
		}
		assert_int_equal(sy_book_counts(g.book).total, sy_book_counts(f.book).total);
		close_book(&g);
	}
	assert_true(failures > 10);
	free(buf);
	close_book(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_snapshot_records_survive_the_codec),
	    cmocka_unit_test(test_snapshot_corrupt_is_refused),
	    cmocka_unit_test(test_snapshot_saves_and_loads),
	    cmocka_unit_test(test_snapshot_keeps_times_and_attempts),
	    cmocka_unit_test(test_snapshot_odd_numbers_are_clamped),
	    cmocka_unit_test(test_snapshot_senseless_entries_are_dropped),
	    cmocka_unit_test(test_snapshot_overfull_bucket_is_cut),
	    cmocka_unit_test(test_snapshot_bans_persist),
	    cmocka_unit_test(test_snapshot_upstream_forgets_bans),
	    cmocka_unit_test(test_snapshot_load_without_memory_leaves_the_book_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
