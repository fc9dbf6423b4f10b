#include "core/book/state.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/mem.h"

#include <string.h>

/* An interned index is the process's own affair: its hash decides about places in a table only. */
uint16_t book_id_hash(uint32_t id)
{
	return (uint16_t)sy_mix64(id);
}

static uint32_t entry_id(const struct sy_book *b, const struct book_entry *e)
{
	return sy_addrs_id_of(b->env->addrs, e->addr);
}

uint32_t book_find_id_index(const struct sy_book *b, uint32_t id)
{
	if (!id)
		return BOOK_NONE;
	struct sy_index_walk w = sy_index_begin(&b->by_id, book_id_hash(id));
	for (uint32_t v = sy_index_next(&b->by_id, &w); v; v = sy_index_next(&b->by_id, &w))
		if (entry_id(b, &b->entries[v - 1]) == id)
			return v - 1;
	return BOOK_NONE;
}

uint32_t book_find_addr(const struct sy_book *b, const struct sy_netaddr *addr)
{
	if (!(addr->flags & SY_ADDR_HAS_ID))
		return BOOK_NONE;
	return book_find_id_index(b, sy_addrs_find_id_text(b->env->addrs, &addr->id, addr->flags & SY_ADDR_BAD_CASE));
}

uint32_t book_time(uint64_t s)
{
	return s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

/* By an eighth, not by doubling: slack is part of what an entry costs. */
bool book_reserve(struct sy_book *b)
{
	uint32_t n = book_size(b);
	if (n >= BOOK_ENTRIES_MAX)
		return false;
	if (n == b->cap) {
		uint32_t cap = n + n / 8 + 8;
		struct book_entry *grown = b->env->alloc(b->env->ctx, b->entries, b->cap * sizeof *grown, cap * sizeof *grown);
		if (!grown)
			return false;
		b->entries = grown;
		b->cap = cap;
	}
	return sy_index_reserve(&b->by_id, b->env);
}

/* Bucket numbers: new ones as they are, old ones behind them. */
static uint32_t bucket_of(const struct book_entry *e, uint32_t k)
{
	return e->type == BOOK_OLD ? BOOK_NEW_BUCKETS + e->bucket[k] : e->bucket[k];
}

static uint32_t ref_of(const struct book_entry *e, uint32_t bucket)
{
	for (uint32_t k = 0; k < e->num; k++)
		if (bucket_of(e, k) == bucket)
			return k;
	return BOOK_REFS_MAX;
}

bool book_in_bucket(const struct sy_book *b, uint32_t at, uint32_t bucket)
{
	return ref_of(&b->entries[at], bucket) < BOOK_REFS_MAX;
}

uint32_t book_bucket_next(const struct sy_book *b, uint32_t at, uint32_t bucket)
{
	const struct book_entry *e = &b->entries[at];
	return e->next[ref_of(e, bucket)];
}

/* The link that leads to an entry: a head, or the next of the entry before it. */
static uint16_t *link_to(struct sy_book *b, uint32_t at, uint32_t bucket)
{
	uint16_t *link = &b->heads[bucket];
	while (*link != at) {
		SY_ASSERT(*link != BOOK_NONE);
		struct book_entry *e = &b->entries[*link];
		link = &e->next[ref_of(e, bucket)];
	}
	return link;
}

void book_link(struct sy_book *b, uint32_t at, uint32_t bucket)
{
	struct book_entry *e = &b->entries[at];
	SY_ASSERT(e->num < BOOK_REFS_MAX && b->lens[bucket] < BOOK_BUCKET_MAX);
	SY_ASSERT((bucket >= BOOK_NEW_BUCKETS) == (e->type == BOOK_OLD));
	e->bucket[e->num] = (uint8_t)(bucket % BOOK_NEW_BUCKETS);
	e->next[e->num] = b->heads[bucket];
	e->num++;
	b->heads[bucket] = (uint16_t)at;
	b->lens[bucket]++;
}

void book_unlink(struct sy_book *b, uint32_t at, uint32_t bucket)
{
	struct book_entry *e = &b->entries[at];
	uint32_t k = ref_of(e, bucket);
	SY_ASSERT(k < BOOK_REFS_MAX);
	*link_to(b, at, bucket) = e->next[k];
	e->num--;
	for (; k < e->num; k++) {
		e->bucket[k] = e->bucket[k + 1];
		e->next[k] = e->next[k + 1];
	}
	b->lens[bucket]--;
}

/* Moves an entry to a free place; everything that names its place follows. */
static void relocate(struct sy_book *b, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	struct book_entry *e = &b->entries[from];
	for (uint32_t k = 0; k < e->num; k++)
		*link_to(b, from, bucket_of(e, k)) = (uint16_t)to;
	sy_index_move(&b->by_id, book_id_hash(entry_id(b, e)), (uint16_t)from, (uint16_t)to);
	b->entries[to] = *e;
}

uint32_t book_attach(struct sy_book *b, const struct book_entry *e)
{
	uint32_t n = book_size(b);
	SY_ASSERT(n < b->cap && e->num == 0);
	uint32_t at = n;
	if (e->type == BOOK_NEW) {
		at = b->num_new;
		relocate(b, at, n);
		b->num_new++;
	} else {
		b->num_old++;
	}
	b->entries[at] = *e;
	sy_index_put(&b->by_id, book_id_hash(entry_id(b, e)), (uint16_t)at);
	b->version++;
	return at;
}

void book_detach(struct sy_book *b, uint32_t at, struct book_entry *e)
{
	while (b->entries[at].num)
		book_unlink(b, at, bucket_of(&b->entries[at], 0));
	*e = b->entries[at];
	sy_index_del(&b->by_id, book_id_hash(entry_id(b, e)), (uint16_t)at);
	uint32_t last = book_size(b) - 1;
	if (e->type == BOOK_NEW) {
		b->num_new--;
		relocate(b, b->num_new, at);
		at = b->num_new;
	} else {
		b->num_old--;
	}
	relocate(b, last, at);
	b->version++;
}

void book_drop(struct sy_book *b, uint32_t at)
{
	struct book_entry e;
	book_detach(b, at, &e);
	sy_addrs_unref(b->env->addrs, e.addr);
	sy_addrs_unref(b->env->addrs, e.src);
}

uint32_t book_bucket_oldest(const struct sy_book *b, uint32_t bucket)
{
	uint32_t oldest = b->heads[bucket];
	SY_ASSERT(oldest != BOOK_NONE);
	for (uint32_t at = oldest; at != BOOK_NONE; at = book_bucket_next(b, at, bucket))
		if (b->entries[at].last_attempt_s < b->entries[oldest].last_attempt_s)
			oldest = at;
	return oldest;
}

#define MINUTE_S 60u
#define DAYS7_S (7u * 24u * 3600u)

/* Source: protocol.md 6.5, isBad. Only new entries are asked. */
static bool is_bad(const struct book_entry *e, uint64_t now_s)
{
	if (e->last_attempt_s + (uint64_t)MINUTE_S > now_s)
		return false;
	if (e->last_attempt_s + (uint64_t)DAYS7_S < now_s)
		return true;
	if (e->last_success_s == 0 && e->attempts >= 3)
		return true;
	return e->last_success_s + (uint64_t)DAYS7_S < now_s && e->attempts >= 10;
}

void book_expire(struct sy_book *b, uint32_t bucket, uint64_t now_s)
{
	if (b->lens[bucket] < BOOK_BUCKET_MAX)
		return;
	uint32_t at = b->heads[bucket];
	while (at != BOOK_NONE && !is_bad(&b->entries[at], now_s))
		at = book_bucket_next(b, at, bucket);
	if (at == BOOK_NONE)
		at = book_bucket_oldest(b, bucket);
	book_unlink(b, at, bucket);
	if (!b->entries[at].num)
		book_drop(b, at);
}
