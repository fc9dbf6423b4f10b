#include "tests/support/bookcheck.h"

#include "core/book/state.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check_bucket(const struct sy_book *b, uint32_t bucket, uint32_t *refs)
{
	uint32_t n = 0;
	for (uint32_t at = b->heads[bucket]; at != BOOK_NONE; at = book_bucket_next(b, at, bucket)) {
		assert_true(at < book_size(b));
		assert_int_equal(b->entries[at].type, bucket < BOOK_NEW_BUCKETS ? BOOK_NEW : BOOK_OLD);
		n++;
		assert_true(n <= BOOK_BUCKET_MAX);
	}
	assert_int_equal(n, b->lens[bucket]);
	*refs += n;
}

void test_book_check(const struct sy_book *b)
{
	uint32_t refs = 0, expected = 0;
	for (uint32_t i = 0; i < BOOK_BUCKETS; i++)
		check_bucket(b, i, &refs);
	for (uint32_t i = 0; i < book_size(b); i++) {
		const struct book_entry *e = &b->entries[i];
		assert_int_equal(e->type, i < b->num_new ? BOOK_NEW : BOOK_OLD);
		assert_true(e->num >= 1 && e->num <= (e->type == BOOK_OLD ? 1u : BOOK_REFS_MAX));
		expected += e->num;
		assert_int_equal(book_find_id_index(b, sy_addrs_id_of(b->env->addrs, e->addr)), i);
	}
	assert_int_equal(refs, expected);
	assert_int_equal(b->by_id.used, book_size(b));
	assert_int_equal(b->bans_by_id.used, b->num_bans);
}
