/* What a seed makes of the book: which addresses are to be looked at now, and what it hands out (D-26). */
#include "core/book/state.h"

#include "core/base/assert.h"
#include "core/base/limits.h"

#include <string.h>

/* In the order in which they are handed out. */
enum { FRESH, AGED, ONCE, UNTRIED, FAILED, CLASSES };

static int class_of(const struct book_entry *e, uint64_t now_s, uint32_t fresh_s)
{
	if (e->attempts)
		return FAILED;
	if (!e->last_success_s)
		return UNTRIED;
	uint64_t age = now_s > e->last_success_s ? now_s - e->last_success_s : 0; /* the clock may have been set back */
	if (age <= fresh_s)
		return FRESH;
	return age <= (uint64_t)SY_BOOK_AGED * fresh_s ? AGED : ONCE;
}

uint32_t sy_book_count_verified(const struct sy_book *book, uint64_t now_s, uint32_t fresh_s)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < book_size(book); i++)
		n += class_of(&book->entries[i], now_s, fresh_s) <= AGED;
	return n;
}

/* How many an answer has, and the last class that it may take from. */
struct plan {
	uint32_t count;
	int last;
};

static struct plan plan_of(const struct sy_book *b, uint32_t verified)
{
	if (verified >= SY_BOOK_ENOUGH)
		return (struct plan){SY_PEX_SELECTION_MAX, AGED};
	if (verified)
		return (struct plan){book_selection_size(b), UNTRIED};
	return (struct plan){book_selection_size(b), FAILED};
}

/* Places of the entries, class after class; ends[c] is where class c is over. */
static void sort(const struct sy_book *b, uint64_t now_s, uint32_t fresh_s, uint16_t order[BOOK_ENTRIES_MAX], uint32_t ends[CLASSES])
{
	uint32_t size = book_size(b), at[CLASSES] = {0}, from = 0;
	memset(ends, 0, CLASSES * sizeof *ends);
	for (uint32_t i = 0; i < size; i++)
		ends[class_of(&b->entries[i], now_s, fresh_s)]++;
	for (int c = 0; c < CLASSES; c++) {
		at[c] = from;
		from += ends[c];
		ends[c] = from;
	}
	for (uint32_t i = 0; i < size; i++)
		order[at[class_of(&b->entries[i], now_s, fresh_s)]++] = (uint16_t)i;
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

size_t sy_book_select_verified(struct sy_book *book, uint64_t now_s, uint32_t fresh_s, uint32_t *out)
{
	uint16_t order[BOOK_ENTRIES_MAX], places[SY_PEX_SELECTION_MAX + 1];
	uint32_t ends[CLASSES], taken = 0;
	sort(book, now_s, fresh_s, order, ends);
	struct plan plan = plan_of(book, ends[AGED]);
	for (int c = 0; c <= plan.last; c++) {
		uint32_t first = c ? ends[c - 1] : 0;
		uint32_t room = c == FAILED ? at_most(plan.count, BOOK_SELECTION_MIN) : plan.count;
		uint32_t k = taken < room ? at_most(room - taken, ends[c] - first) : 0;
		book_sample(book, ends[c] - first, k, places);
		for (uint32_t i = 0; i < k; i++)
			out[taken++] = book->entries[order[first + places[i]]].addr;
	}
	return taken;
}

#define MINUTE_S 60u

/* Never later than interval_s after a try: 2^14 minutes are more than any interval. */
static uint64_t due_s(const struct book_entry *e, uint32_t interval_s)
{
	if (!e->attempts && !e->last_success_s)
		return e->last_attempt_s;
	uint64_t wait = e->attempts ? (uint64_t)MINUTE_S << at_most(e->attempts - 1u, 14) : interval_s;
	return e->last_attempt_s + (wait < interval_s ? wait : interval_s);
}

struct due {
	uint64_t at_s[SY_BOOK_DUE_MAX];
	uint16_t place[SY_BOOK_DUE_MAX];
	uint32_t n, max;
};

/* Keeps the max earliest, in order; of equals the one that stands first in the book. */
static void keep(struct due *d, uint64_t at_s, uint16_t place)
{
	uint32_t i = d->n;
	if (i == d->max && (!i || d->at_s[i - 1] <= at_s))
		return;
	if (i == d->max)
		i--;
	else
		d->n++;
	for (; i && d->at_s[i - 1] > at_s; i--) {
		d->at_s[i] = d->at_s[i - 1];
		d->place[i] = d->place[i - 1];
	}
	d->at_s[i] = at_s;
	d->place[i] = place;
}

size_t sy_book_due(const struct sy_book *book, uint64_t now_s, uint32_t interval_s, struct sy_netaddr *out, size_t max)
{
	SY_ASSERT(max <= SY_BOOK_DUE_MAX);
	struct due kind[2] = {{.max = (uint32_t)max}, {.max = (uint32_t)max}};
	for (uint32_t i = 0; i < book_size(book); i++) {
		const struct book_entry *e = &book->entries[i];
		uint64_t at_s = due_s(e, interval_s);
		if (at_s <= now_s)
			keep(&kind[e->last_success_s && !e->attempts], at_s, (uint16_t)i);
	}
	size_t n = 0;
	for (uint32_t i = 0; i < max; i++)
		for (int k = 0; k < 2; k++)
			if (i < kind[k].n && n < max)
				out[n++] = *book_addr(book, book->entries[kind[k].place[i]].addr);
	return n;
}

void sy_book_postpone(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s)
{
	uint32_t at = book_find_dialled(book, addr);
	if (at != BOOK_NONE)
		book->entries[at].last_attempt_s = book_time(now_s);
}

bool sy_book_is_lost(const struct sy_book *book, const struct sy_netaddr *addr)
{
	uint32_t at = book_find_dialled(book, addr);
	return at != BOOK_NONE && book->entries[at].attempts >= (book->entries[at].last_success_s ? 10 : 3);
}
