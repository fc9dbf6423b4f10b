/* A book in a test environment, and short words for what tests do with it. Header only: each test file uses what it needs. */
#ifndef TESTS_SUPPORT_BOOKFIX_H
#define TESTS_SUPPORT_BOOKFIX_H

#include "core/base/limits.h"
#include "core/book/book.h"
#include "core/book/intern.h"
#include "tests/support/addrs.h"
#include "tests/support/bookcheck.h"
#include "tests/support/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1700000000ull
#define DAY (24 * 3600ull)

struct fix {
	struct test_env t;
	struct sy_book *book;
	struct sy_netaddr out[SY_PEX_SELECTION_MAX + 1];
};

static inline void open_book_of(struct fix *f, enum sy_profile profile, bool strict, uint64_t seed)
{
	test_env_init(&f->t, seed);
	f->t.env.addrs = sy_addrs_new(&f->t.env, SY_LIMIT_INTERNED, true);
	f->book = sy_book_new(&f->t.env, sy_policy_of(profile), strict, 42);
	assert_non_null(f->book);
}

static inline void open_book(struct fix *f, enum sy_profile profile)
{
	open_book_of(f, profile, true, 1);
}

static inline void close_book(struct fix *f)
{
	test_book_check(f->book);
	sy_book_free(f->book);
	assert_int_equal(sy_addrs_count(f->t.env.addrs), 0);
	sy_addrs_free(f->t.env.addrs, &f->t.env);
	test_env_check_empty(&f->t);
}

static inline enum sy_err add(struct fix *f, uint32_t n, uint32_t src)
{
	struct sy_netaddr a = test_addr(n), s = test_addr(src);
	return sy_book_add(f->book, &a, &s, NOW);
}

static inline void ignore(enum sy_err err)
{
	assert_true(err == SY_OK || err <= -200);
}

static inline void try_add(struct fix *f, const struct sy_netaddr *a, const struct sy_netaddr *s, uint64_t now_s)
{
	ignore(sy_book_add(f->book, a, s, now_s));
}

static inline void add_many(struct fix *f, uint32_t first, uint32_t count, uint32_t src)
{
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(add(f, first + i, src), SY_OK);
}

static inline void mark_good(struct fix *f, uint32_t n)
{
	struct sy_id id = test_id(n);
	sy_book_mark_good(f->book, &id, NOW);
}

static inline bool has(const struct fix *f, uint32_t n)
{
	struct sy_id id = test_id(n);
	return sy_book_has(f->book, &id);
}

static inline bool is_good(const struct fix *f, uint32_t n)
{
	struct sy_id id = test_id(n);
	return sy_book_is_good(f->book, &id);
}

static inline bool is_banned(const struct fix *f, uint32_t n, uint64_t now_s)
{
	struct sy_id id = test_id(n);
	return sy_book_is_banned(f->book, &id, now_s);
}

struct kept {
	struct sy_id id;
	struct sy_netaddr addr;
};

static inline void note_addr(void *arg, const struct sy_netaddr *addr, bool old)
{
	struct kept *k = arg;
	(void)old;
	if (memcmp(&addr->id, &k->id, sizeof k->id) == 0)
		k->addr = *addr;
}

/* The address that the book keeps of an id; flags == 0: none. */
static inline struct sy_netaddr kept(const struct fix *f, uint32_t n)
{
	struct kept k = {.id = test_id(n)};
	sy_book_each(f->book, note_addr, &k);
	return k.addr;
}

#endif
