#include "core/book/state.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/limits.h"

#include <string.h>

/* Upstream: 23 %, at least 32, at most 250. Source: protocol.md 6.1. */
#define SELECTION_PERCENT 23u

/* Largest r with r * r <= v; bit by bit, no floating point. */
static uint64_t isqrt(uint64_t v)
{
	uint64_t r = 0;
	for (uint64_t bit = 1ull << 62; bit; bit >>= 2) {
		if (v >= r + bit) {
			v -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return r;
}

/* sqrt(n) with 16 binary places. */
static uint64_t root(uint32_t n)
{
	return isqrt((uint64_t)n << 32);
}

static bool choose_old(struct sy_book *b, uint32_t bias)
{
	uint64_t old = root(b->num_old) * (100 - bias);
	uint64_t fresh = root(b->num_new) * bias;
	if (old + fresh == 0)
		return false;
	return sy_rng_below(&b->rng, b->env, old + fresh) < old;
}

/* Upstream draws buckets until one is not empty: the same as a draw among those that are not. */
static uint32_t draw_bucket(struct sy_book *b, uint32_t first, uint32_t count)
{
	uint32_t filled = 0;
	for (uint32_t i = first; i < first + count; i++)
		filled += b->lens[i] != 0;
	SY_ASSERT(filled > 0);
	uint64_t skip = sy_rng_below(&b->rng, b->env, filled);
	uint32_t at = first;
	for (;; at++) {
		if (!b->lens[at])
			continue;
		if (!skip--)
			return at;
	}
}

bool sy_book_pick(struct sy_book *book, uint32_t bias, struct sy_netaddr *addr)
{
	if (!book_size(book))
		return false;
	bool old = choose_old(book, bias > 100 ? 100 : bias);
	if (!(old ? book->num_old : book->num_new))
		return false;
	uint32_t bucket = old ? draw_bucket(book, BOOK_NEW_BUCKETS, BOOK_OLD_BUCKETS) : draw_bucket(book, 0, BOOK_NEW_BUCKETS);
	uint64_t skip = sy_rng_below(&book->rng, book->env, book->lens[bucket]);
	uint32_t at = book->heads[bucket];
	while (skip--)
		at = book_bucket_next(book, at, bucket);
	*addr = *book_addr(book, book->entries[at].addr);
	return true;
}

/*
 * The places that a Fisher-Yates shuffle has touched, as a hash table: place + 1 above the number that lies there. What
 * was not touched lies at its own place, so a sample of k costs k, whatever the size of the book.
 */
#define TOUCHED 1024u
struct touched {
	uint32_t slots[TOUCHED];
};
_Static_assert(2 * (SY_PEX_SELECTION_MAX + 1) < TOUCHED, "two places a draw, and a free slot ends each search");

static uint32_t *touched_slot(struct touched *t, uint32_t place)
{
	uint32_t pos = (uint32_t)sy_mix64(place) & (TOUCHED - 1);
	while (t->slots[pos] && t->slots[pos] >> 16 != place + 1)
		pos = (pos + 1) & (TOUCHED - 1);
	return &t->slots[pos];
}

static uint32_t touched_get(struct touched *t, uint32_t place)
{
	uint32_t slot = *touched_slot(t, place);
	return slot ? slot & 0xffff : place;
}

static void touched_set(struct touched *t, uint32_t place, uint32_t value)
{
	*touched_slot(t, place) = (place + 1) << 16 | value;
}

/* word * bound / 2^32 without bias: words that would favour a value are replaced by a draw of its own. */
static uint32_t below(struct sy_book *b, uint32_t word, uint32_t bound)
{
	uint64_t wide = (uint64_t)word * bound;
	if ((uint32_t)wide < (0u - bound) % bound)
		return (uint32_t)sy_rng_below(&b->rng, b->env, bound);
	return (uint32_t)(wide >> 32);
}

void book_sample(struct sy_book *b, uint32_t n, uint32_t k, uint16_t *out)
{
	SY_ASSERT(k <= n && k <= SY_PEX_SELECTION_MAX + 1 && n < UINT16_MAX);
	uint8_t words[(SY_PEX_SELECTION_MAX + 1) * 4];
	struct touched t;
	if (!k)
		return;
	memset(&t, 0, sizeof t);
	sy_rng_bytes(&b->rng, b->env, words, k * 4);
	for (uint32_t i = 0; i < k; i++) {
		uint32_t word =
		    (uint32_t)words[4 * i] | (uint32_t)words[4 * i + 1] << 8 | (uint32_t)words[4 * i + 2] << 16 | (uint32_t)words[4 * i + 3] << 24;
		uint32_t j = i + below(b, word, n - i);
		out[i] = (uint16_t)touched_get(&t, j);
		touched_set(&t, j, touched_get(&t, i));
	}
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Source: protocol.md 6.7. */
uint32_t book_selection_size(const struct sy_book *b)
{
	uint32_t size = book_size(b);
	uint32_t least = min_u32(BOOK_SELECTION_MIN, size);
	uint32_t share = size * SELECTION_PERCENT / 100;
	return min_u32(SY_PEX_SELECTION_MAX, share > least ? share : least);
}

/* k of the n entries from `first` on. */
static size_t put_sample(struct sy_book *b, uint32_t first, uint32_t n, uint32_t k, uint32_t *out)
{
	uint16_t places[SY_PEX_SELECTION_MAX + 1];
	book_sample(b, n, k, places);
	for (uint32_t i = 0; i < k; i++)
		out[i] = b->entries[first + places[i]].addr;
	return k;
}

size_t sy_book_select(struct sy_book *book, uint32_t *out)
{
	return put_sample(book, 0, book_size(book), book_selection_size(book), out);
}

/* Upstream appends before it looks at the limit, so asking for none of a kind that exists gives one. */
static uint32_t at_least_one(uint32_t want, uint32_t have)
{
	return min_u32(want ? want : 1, have);
}

/* Source: protocol.md 6.7, new ones first. */
size_t sy_book_select_biased(struct sy_book *book, uint32_t bias, uint32_t *out)
{
	if (!book_size(book))
		return 0;
	if (bias > 100)
		bias = 100;
	uint32_t count = book_selection_size(book);
	uint32_t want_new = (bias * count + 50) / 100;
	uint32_t without_old = count > book->num_old ? count - book->num_old : 0;
	want_new = at_least_one(want_new > without_old ? want_new : without_old, book->num_new);
	size_t n = put_sample(book, 0, book->num_new, want_new, out);
	uint32_t want_old = at_least_one(count - min_u32(count, want_new), book->num_old);
	return n + put_sample(book, book->num_new, book->num_old, want_old, out + n);
}

static size_t addresses(const struct sy_book *b, const uint32_t *indices, size_t n, struct sy_netaddr *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = *book_addr(b, indices[i]);
	return n;
}

size_t sy_book_selection(struct sy_book *book, struct sy_netaddr *out)
{
	uint32_t indices[SY_PEX_SELECTION_MAX + 1];
	return addresses(book, indices, sy_book_select(book, indices), out);
}

size_t sy_book_selection_biased(struct sy_book *book, uint32_t bias, struct sy_netaddr *out)
{
	uint32_t indices[SY_PEX_SELECTION_MAX + 1];
	return addresses(book, indices, sy_book_select_biased(book, bias, indices), out);
}
