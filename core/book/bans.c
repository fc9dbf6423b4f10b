#include "core/book/state.h"

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#include <string.h>

static uint32_t ban_id(const struct sy_book *b, const struct book_ban *ban)
{
	return sy_addrs_id_of(b->env->addrs, ban->addr);
}

/* Upstream's bans hold until somebody reinstates what is expired; ours end when they end. Source: protocol.md 6.6. */
static bool active(const struct sy_book *b, const struct book_ban *ban, uint64_t now_s)
{
	return !b->policy->reinstate_works || now_s < ban->until_s;
}

bool book_ban_holds(const struct sy_book *b, uint32_t id, const struct sy_netaddr *addr, uint64_t now_s)
{
	if (!id)
		return false;
	struct sy_index_walk w = sy_index_begin(&b->bans_by_id, book_id_hash(id));
	for (uint32_t v = sy_index_next(&b->bans_by_id, &w); v; v = sy_index_next(&b->bans_by_id, &w)) {
		const struct book_ban *ban = &b->bans[v - 1];
		if (ban_id(b, ban) != id || !active(b, ban, now_s))
			continue;
		if (!ban->one_addr || (addr && book_same_addr(book_addr(b, ban->addr), addr)))
			return true;
	}
	return false;
}

bool sy_book_is_banned(const struct sy_book *book, const struct sy_id *id, uint64_t now_s)
{
	return book->num_bans && book_ban_holds(book, sy_addrs_find_id(book->env->addrs, id), NULL, now_s);
}

static void remove_at(struct sy_book *b, uint32_t i)
{
	struct book_ban *ban = &b->bans[i];
	uint32_t last = b->num_bans - 1;
	sy_index_del(&b->bans_by_id, book_id_hash(ban_id(b, ban)), (uint16_t)i);
	sy_addrs_unref(b->env->addrs, ban->addr);
	sy_addrs_unref(b->env->addrs, ban->src);
	if (i != last) {
		sy_index_move(&b->bans_by_id, book_id_hash(ban_id(b, &b->bans[last])), (uint16_t)last, (uint16_t)i);
		*ban = b->bans[last];
	}
	b->num_bans--;
	b->version++;
}

void book_bans_clear(struct sy_book *b)
{
	while (b->num_bans)
		remove_at(b, b->num_bans - 1);
}

static void remove_soonest(struct sy_book *b)
{
	uint32_t soonest = 0;
	for (uint32_t i = 1; i < b->num_bans; i++)
		if (b->bans[i].until_s < b->bans[soonest].until_s)
			soonest = i;
	remove_at(b, soonest);
}

enum sy_err book_ban_put(struct sy_book *b, const struct book_ban *ban)
{
	if (b->num_bans >= SY_LIMIT_BANS)
		remove_soonest(b);
	void *bans = b->bans;
	bool ok = sy_mem_grow(b->env, &bans, &b->bans_cap, b->num_bans + 1, sizeof *b->bans);
	b->bans = bans;
	if (!ok || !sy_index_reserve(&b->bans_by_id, b->env))
		return SY_NO_MEMORY;
	sy_index_put(&b->bans_by_id, book_id_hash(ban_id(b, ban)), (uint16_t)b->num_bans);
	b->bans[b->num_bans++] = *ban;
	b->version++;
	return SY_OK;
}

/* A ban of the same scope that exists: it is lengthened instead of doubled. */
static struct book_ban *find_same(struct sy_book *b, const struct sy_netaddr *addr, bool one_addr)
{
	uint32_t id = sy_addrs_find_id_text(b->env->addrs, &addr->id, addr->flags & SY_ADDR_BAD_CASE);
	struct sy_index_walk w = sy_index_begin(&b->bans_by_id, book_id_hash(id));
	for (uint32_t v = sy_index_next(&b->bans_by_id, &w); v; v = sy_index_next(&b->bans_by_id, &w)) {
		struct book_ban *ban = &b->bans[v - 1];
		if (ban_id(b, ban) != id || ban->one_addr != one_addr)
			continue;
		if (!one_addr || book_same_addr(book_addr(b, ban->addr), addr))
			return ban;
	}
	return NULL;
}

static enum sy_err ban_unknown(struct sy_book *b, const struct sy_netaddr *addr, uint32_t until_s, bool one_addr)
{
	struct book_ban ban = {.until_s = until_s, .one_addr = one_addr};
	ban.addr = sy_addrs_intern(b->env->addrs, b->env, addr);
	if (!ban.addr)
		return sy_addrs_full(b->env->addrs) ? SY_LIMIT : SY_NO_MEMORY;
	enum sy_err err = book_ban_put(b, &ban);
	if (err)
		sy_addrs_unref(b->env->addrs, ban.addr);
	return err;
}

/* The entry leaves the book with what is needed to bring it back. */
static enum sy_err ban_entry(struct sy_book *b, uint32_t at, uint32_t until_s, bool one_addr)
{
	struct book_entry e = b->entries[at];
	struct book_ban ban = {.addr = e.addr,
	                       .src = e.src,
	                       .until_s = until_s,
	                       .last_attempt_s = e.last_attempt_s,
	                       .attempts = e.attempts,
	                       .one_addr = one_addr,
	                       .was_old = e.type == BOOK_OLD};
	enum sy_err err = book_ban_put(b, &ban);
	if (!err)
		book_detach(b, at, &e); /* its references are the ban's now */
	return err;
}

static enum sy_err ban(struct sy_book *b, const struct sy_netaddr *addr, uint64_t now_s, uint64_t for_s, bool one_addr)
{
	struct sy_netaddr a = book_normal(b, addr);
	if (!(a.flags & SY_ADDR_HAS_ID))
		return SY_NOT_FOUND;
	uint32_t until_s = book_time(for_s > UINT32_MAX - book_time(now_s) ? UINT32_MAX : now_s + for_s);
	uint32_t at = book_find_addr(b, &a);
	if (at == BOOK_NONE && !b->policy->ban_applies_inbound)
		return SY_NOT_FOUND;
	if (at != BOOK_NONE && one_addr && !book_same_addr(book_addr(b, b->entries[at].addr), &a))
		at = BOOK_NONE; /* the book has another address of this id: it stays */
	struct book_ban *same = find_same(b, &a, one_addr);
	if (same) {
		until_s = same->until_s > until_s ? same->until_s : until_s;
		same->until_s = until_s;
		b->version++;
		if (at == BOOK_NONE)
			return SY_OK;
		remove_at(b, (uint32_t)(same - b->bans)); /* it was over: what the book has learnt since is what comes back */
	}
	return at == BOOK_NONE ? ban_unknown(b, &a, until_s, one_addr) : ban_entry(b, at, until_s, one_addr);
}

enum sy_err sy_book_mark_bad(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s, uint64_t for_s)
{
	return ban(book, addr, now_s, for_s, false);
}

enum sy_err sy_book_ban_address(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s, uint64_t for_s)
{
	return ban(book, addr, now_s, for_s, book->policy->bans_per_address);
}

/* What the lists, private ids and own addresses forbid by now: a ban may be older than they are. */
static bool is_unwanted(const struct sy_book *b, const struct book_ban *ban)
{
	const struct sy_netaddr *addr = book_addr(b, ban->addr), *src = book_addr(b, ban->src);
	return book_is_listed(b, addr) || book_is_private(b, &addr->id) || book_is_private(b, &src->id) || sy_book_is_own(b, addr);
}

/* Upstream loses an entry that was old when it was banned (D-28): it still counts as old and is refused. */
static void bring_back(struct sy_book *b, const struct book_ban *ban, uint64_t now_s)
{
	if (!ban->src || (ban->was_old && !b->policy->reinstate_works))
		return;
	if (book_find_id_index(b, ban_id(b, ban)) != BOOK_NONE || is_unwanted(b, ban))
		return;
	struct book_entry e = {.addr = ban->addr, .src = ban->src, .last_attempt_s = ban->last_attempt_s, .attempts = ban->attempts};
	if (book_add_entry(b, &e, now_s) != SY_OK)
		return;
	sy_addrs_ref(b->env->addrs, e.addr);
	sy_addrs_ref(b->env->addrs, e.src);
}

/* Of this ban, or of another one that concerns its address: an id may be banned while one of its addresses is (D-30). */
static bool goes_on(const struct sy_book *b, const struct book_ban *ban, uint64_t now_s)
{
	if (now_s < ban->until_s)
		return true;
	return b->policy->bans_per_address && book_ban_holds(b, ban_id(b, ban), book_addr(b, ban->addr), now_s);
}

void sy_book_reinstate(struct sy_book *book, uint64_t now_s)
{
	for (uint32_t i = 0; i < book->num_bans;) {
		if (goes_on(book, &book->bans[i], now_s)) {
			i++;
			continue;
		}
		bring_back(book, &book->bans[i], now_s);
		remove_at(book, i);
	}
}
