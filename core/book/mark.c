#include "core/book/state.h"

#include "core/base/assert.h"

#include <string.h>

uint32_t book_find_dialled(const struct sy_book *b, const struct sy_netaddr *addr)
{
	struct sy_netaddr a = book_normal(b, addr);
	uint32_t at = book_find_addr(b, &a);
	if (at == BOOK_NONE || !b->policy->learn_new_ip)
		return at;
	return book_same_addr(book_addr(b, b->entries[at].addr), &a) ? at : BOOK_NONE;
}

void sy_book_mark_attempt(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s)
{
	uint32_t at = book_find_dialled(book, addr);
	if (at == BOOK_NONE)
		return;
	struct book_entry *e = &book->entries[at];
	e->last_attempt_s = book_time(now_s);
	if (e->attempts < UINT16_MAX)
		e->attempts++;
	book->version++;
}

static void note_success(struct sy_book *book, uint32_t at, uint64_t now_s)
{
	struct book_entry *e = &book->entries[at];
	e->last_attempt_s = e->last_success_s = book_time(now_s);
	e->attempts = 0;
	book->version++;
}

void sy_book_mark_reached(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s)
{
	uint32_t at = book_find_dialled(book, addr);
	if (at == BOOK_NONE)
		return;
	note_success(book, at, now_s);
}

/*
 * Makes room in a full old bucket: its oldest entry goes back among the new ones. Upstream means to do the same, but the
 * entry still counts as old there, is refused and so leaves the book (D-27). Source: protocol.md 6.6.
 */
static void evict_old(struct sy_book *b, uint32_t bucket, uint64_t now_s)
{
	if (b->lens[bucket] < BOOK_BUCKET_MAX)
		return;
	uint32_t at = book_bucket_oldest(b, bucket);
	if (!b->policy->demote_works) {
		book_drop(b, at);
		return;
	}
	struct book_entry e;
	book_detach(b, at, &e);
	enum sy_err err = book_add_entry(b, &e, now_s);
	SY_ASSERT(err == SY_OK); /* the place that it had is free */
}

static void move_to_old(struct sy_book *b, uint32_t at, uint64_t now_s)
{
	uint32_t index = b->entries[at].addr;
	uint32_t bucket = BOOK_NEW_BUCKETS + sy_book_old_bucket(b, book_addr(b, index));
	struct book_entry e;
	book_detach(b, at, &e);
	/* Its own references are in e: the demoted one may take its place in the array, and needs no more room than that. */
	evict_old(b, bucket, now_s);
	bool room = book_reserve(b);
	SY_ASSERT(room);
	e.type = BOOK_OLD;
	book_link(b, book_attach(b, &e), bucket);
}

void sy_book_mark_good(struct sy_book *book, const struct sy_id *id, uint64_t now_s)
{
	uint32_t at = book_find_id_index(book, sy_addrs_find_id(book->env->addrs, id));
	if (at == BOOK_NONE)
		return;
	note_success(book, at, now_s);
	if (book->entries[at].type == BOOK_NEW)
		move_to_old(book, at, now_s);
}

void sy_book_mark_verified(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s)
{
	uint32_t at = book_find_dialled(book, addr);
	if (at == BOOK_NONE)
		return;
	note_success(book, at, now_s);
	if (book->entries[at].type == BOOK_NEW)
		move_to_old(book, at, now_s);
}
