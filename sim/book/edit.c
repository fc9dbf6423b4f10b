#include "sim/book/book.h"

#include <string.h>

enum sy_err book_add(struct book_file *f, const struct sy_netaddr *addrs, uint32_t n, bool strict, uint64_t now_s,
                     struct book_counts *counts)
{
	struct book_core c;
	enum sy_err err = book_core_open(&c, f, strict), one;

	if (err != SY_OK)
		return err;
	counts->dropped += c.dropped;
	for (uint32_t i = 0; i < n; i++) {
		one = sy_book_add(c.book, &addrs[i], &addrs[i], now_s);
		counts->added += one == SY_OK;
		counts->known += one == SY_ADDR_KNOWN;
		if (one == SY_OK || one == SY_ADDR_KNOWN)
			continue;
		counts->refused++;
		counts->last_refused = one;
	}
	return book_core_close(&c, f, true);
}

static bool has_ip(const struct sy_netaddr *addr)
{
	static const uint8_t none[16];

	return memcmp(addr->ip, none, sizeof none) != 0;
}

enum sy_err book_ban(struct book_file *f, const struct sy_netaddr *who, bool strict, uint64_t now_s, uint64_t for_s)
{
	struct book_core c;
	const struct sy_book_record *known = book_find(f, &who->id);
	struct sy_netaddr addr = !has_ip(who) && known != NULL ? known->addr : *who;
	enum sy_err err = book_core_open(&c, f, strict);

	if (err != SY_OK)
		return err;
	err = has_ip(who) ? sy_book_ban_address(c.book, &addr, now_s, for_s) : sy_book_mark_bad(c.book, &addr, now_s, for_s);
	enum sy_err closed = book_core_close(&c, f, err == SY_OK);
	return err != SY_OK ? err : closed;
}

enum sy_err book_unban(struct book_file *f, const struct sy_id *id, bool strict, uint64_t now_s, struct book_counts *counts)
{
	struct book_core c;

	for (uint32_t i = 0; i < f->n; i++) {
		struct sy_book_record *r = &f->at[i];

		if (r->type != SY_RECORD_BAN || memcmp(&r->addr.id, id, sizeof *id) != 0)
			continue;
		r->last_ban_s = 1; /* over long ago */
		counts->removed++;
	}
	if (counts->removed == 0)
		return SY_OK;
	enum sy_err err = book_core_open(&c, f, strict);
	if (err != SY_OK)
		return err;
	counts->dropped += c.dropped;
	sy_book_reinstate(c.book, now_s);
	return book_core_close(&c, f, true);
}

/* ------------------------------------------------------------------ choosing */

bool book_filter_is_empty(const struct book_filter *x)
{
	return !(x->only_new || x->only_old || x->only_banned || x->failing || x->never || x->reached || x->attempts || x->older_than_s);
}

/* Seconds since the last sign of it: the last success, or, for one never reached, the last attempt (at first: when it was heard of). */
static uint64_t age_s(const struct sy_book_record *r, uint64_t now_s)
{
	int64_t last = r->last_success_s > 0 ? r->last_success_s : r->last_attempt_s;

	return last > 0 && (uint64_t)last < now_s ? now_s - (uint64_t)last : last > 0 ? 0 : now_s;
}

bool book_matches(const struct book_filter *x, const struct sy_book_record *r)
{
	bool ban = r->type == SY_RECORD_BAN, old = r->type == SY_RECORD_OLD, reached = r->last_success_s > 0;

	if (ban != x->only_banned || (x->only_new && old) || (x->only_old && !old))
		return false;
	if ((x->never && reached) || (x->reached && !reached) || (x->failing && r->attempts <= 0))
		return false;
	if (x->attempts != 0 && (r->attempts < 0 || (uint32_t)r->attempts < x->attempts))
		return false;
	return x->older_than_s == 0 || age_s(r, x->now_s) >= x->older_than_s;
}
