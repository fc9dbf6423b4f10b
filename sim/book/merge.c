#include "sim/book/book.h"

#include <stdlib.h>
#include <string.h>

static bool same_place(const struct sy_netaddr *a, const struct sy_netaddr *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static int by_id(const void *a, const void *b)
{
	const struct sy_book_record *const *x = a, *const *y = b;

	return memcmp(&(*x)->addr.id, &(*y)->addr.id, sizeof(*x)->addr.id);
}

/* The entries by id: from malloc; of one id a book has one. */
static struct sy_book_record **index_of(const struct book_file *f, uint32_t *n)
{
	struct sy_book_record **at = calloc(f->n + 1u, sizeof *at);

	*n = 0;
	for (uint32_t i = 0; at != NULL && i < f->n; i++)
		if (f->at[i].type != SY_RECORD_BAN)
			at[(*n)++] = &f->at[i];
	if (at != NULL)
		qsort(at, *n, sizeof *at, by_id);
	return at;
}

static struct sy_book_record *look_up(struct sy_book_record **index, uint32_t n, const struct sy_book_record *like)
{
	struct sy_book_record **found = bsearch(&like, index, n, sizeof *index, by_id);

	return found == NULL ? NULL : *found;
}

/* ------------------------------------------------------------------ entries */

/* The other book has met it later than ours has. */
static bool is_better(const struct sy_book_record *theirs, const struct sy_book_record *ours)
{
	return theirs->last_success_s > ours->last_success_s;
}

static void merge_entry(struct book_core *c, const struct sy_book_record *theirs, const struct sy_book_record *ours, uint64_t now_s,
                        struct book_counts *counts)
{
	bool moved = ours != NULL && !same_place(&ours->addr, &theirs->addr) && is_better(theirs, ours);

	if (moved)
		sy_book_remove(c->book, &ours->addr.id);
	if (ours == NULL || moved) {
		enum sy_err err = sy_book_add(c->book, &theirs->addr, &theirs->src, now_s);

		counts->added += err == SY_OK && !moved;
		counts->refused += err != SY_OK;
		counts->last_refused = err != SY_OK ? err : counts->last_refused;
		if (err != SY_OK)
			return;
	} else {
		counts->known++;
	}
	if (theirs->type == SY_RECORD_OLD && (ours == NULL || moved || same_place(&ours->addr, &theirs->addr)))
		sy_book_mark_good(c->book, &theirs->addr.id, now_s);
}

/* The core stamps its own times: what either book knows of the same address is put in their place. */
static void set_times(struct sy_book_record *r, const struct sy_book_record *a, const struct sy_book_record *b)
{
	const struct sy_book_record *later = a == NULL || (b != NULL && b->last_attempt_s > a->last_attempt_s) ? b : a;

	r->last_attempt_s = later->last_attempt_s;
	r->attempts = later->attempts;
	r->last_success_s = later->last_success_s;
	if (a != NULL && a->last_success_s > r->last_success_s)
		r->last_success_s = a->last_success_s;
	if (b != NULL && b->last_success_s > r->last_success_s)
		r->last_success_s = b->last_success_s;
}

static void put_times(struct book_file *f, struct sy_book_record **ours, uint32_t num_ours, struct sy_book_record **theirs,
                      uint32_t num_theirs)
{
	for (uint32_t i = 0; i < f->n; i++) {
		struct sy_book_record *r = &f->at[i];
		const struct sy_book_record *a = look_up(ours, num_ours, r), *b = look_up(theirs, num_theirs, r);

		a = a != NULL && same_place(&a->addr, &r->addr) ? a : NULL;
		b = b != NULL && same_place(&b->addr, &r->addr) ? b : NULL;
		if (r->type != SY_RECORD_BAN && (a != NULL || b != NULL))
			set_times(r, a, b);
	}
}

/* ------------------------------------------------------------------ bans */

static void merge_bans(struct book_core *c, const struct book_file *from, uint64_t now_s)
{
	for (uint32_t i = 0; i < from->n; i++) {
		const struct sy_book_record *r = &from->at[i];

		if (r->type != SY_RECORD_BAN || r->last_ban_s <= (int64_t)now_s)
			continue;
		uint64_t for_s = (uint64_t)r->last_ban_s - now_s;
		enum sy_err err = r->buckets[0] & SY_BAN_ONE_ADDR ? sy_book_ban_address(c->book, &r->addr, now_s, for_s)
		                                                  : sy_book_mark_bad(c->book, &r->addr, now_s, for_s);
		if (err != SY_OK)
			return; /* no memory: the entries are told of */
	}
}

enum sy_err book_merge(struct book_file *f, const struct book_file *from, bool strict, uint64_t now_s, struct book_counts *counts)
{
	struct book_core c;
	struct book_file before = *f;
	uint32_t num_ours, num_theirs;

	enum sy_err err = book_core_open(&c, f, strict);
	if (err != SY_OK)
		return err;
	counts->dropped += c.dropped;
	struct sy_book_record **ours = index_of(&before, &num_ours), **theirs = index_of(from, &num_theirs);
	bool whole = ours != NULL && theirs != NULL;
	for (uint32_t i = 0; whole && i < num_theirs; i++)
		merge_entry(&c, theirs[i], look_up(ours, num_ours, theirs[i]), now_s, counts);
	if (whole)
		merge_bans(&c, from, now_s);
	f->at = NULL; /* `before` has them until the times are put in */
	err = book_core_close(&c, f, whole);
	if (err == SY_OK && whole)
		put_times(f, ours, num_ours, theirs, num_theirs);
	free(ours);
	free(theirs);
	free(before.at);
	return whole ? err : SY_NO_MEMORY;
}
