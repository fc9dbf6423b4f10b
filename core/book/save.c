#include "core/base/assert.h"
#include "core/book/snapshot.h"
#include "core/book/state.h"

#include <string.h>

static void record_of_entry(const struct sy_book *b, const struct book_entry *e, struct sy_book_record *r)
{
	memset(r, 0, sizeof *r);
	r->addr = *book_addr(b, e->addr);
	r->src = *book_addr(b, e->src);
	for (uint32_t k = 0; k < e->num; k++)
		r->buckets[k] = e->bucket[k];
	r->num_buckets = e->num;
	r->type = e->type;
	r->attempts = e->attempts;
	r->last_attempt_s = e->last_attempt_s;
	r->last_success_s = e->last_success_s;
}

static void record_of_ban(const struct sy_book *b, const struct book_ban *ban, struct sy_book_record *r)
{
	memset(r, 0, sizeof *r);
	r->addr = *book_addr(b, ban->addr);
	if (ban->src)
		r->src = *book_addr(b, ban->src);
	r->buckets[0] = (ban->one_addr ? SY_BAN_ONE_ADDR : 0) | (ban->was_old ? SY_BAN_WAS_OLD : 0) | (ban->src ? SY_BAN_FROM_BOOK : 0);
	r->num_buckets = 1; /* a list of one number, so that files keep it */
	r->type = SY_RECORD_BAN;
	r->attempts = ban->attempts;
	r->last_attempt_s = ban->last_attempt_s;
	r->last_ban_s = ban->until_s;
}

size_t sy_book_save(const struct sy_book *book, uint8_t *buf, size_t cap)
{
	uint32_t bans = book->policy->bans_persist ? book->num_bans : 0;
	uint32_t records = book_size(book) + bans;
	size_t size = sy_snapshot_size(records);
	if (!buf)
		return size;
	if (cap < size)
		return 0;
	struct sy_book_record r;
	sy_snapshot_begin(buf, book->key, records);
	for (uint32_t i = 0; i < book_size(book); i++) {
		record_of_entry(book, &book->entries[i], &r);
		sy_snapshot_put(buf, i, &r);
	}
	for (uint32_t i = 0; i < bans; i++) {
		record_of_ban(book, &book->bans[i], &r);
		sy_snapshot_put(buf, book_size(book) + i, &r);
	}
	return size;
}

static uint32_t clamp_time(int64_t s)
{
	return s < 0 ? 0 : book_time((uint64_t)s);
}

static uint16_t clamp_attempts(int32_t n)
{
	if (n < 0)
		return 0;
	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

/* Upstream trusts its file and crashes or hangs on such entries. Source: protocol.md 6.8. */
static bool buckets_make_sense(const struct sy_book *b, const struct sy_book_record *r)
{
	bool old = r->type == BOOK_OLD;
	if (r->num_buckets < 1 || r->num_buckets > (old ? 1u : BOOK_REFS_MAX))
		return false;
	for (uint32_t k = 0; k < r->num_buckets; k++) {
		if (r->buckets[k] >= (old ? BOOK_OLD_BUCKETS : BOOK_NEW_BUCKETS))
			return false;
		if (b->lens[r->buckets[k] + (old ? BOOK_NEW_BUCKETS : 0)] >= BOOK_BUCKET_MAX)
			return false;
		for (uint32_t j = 0; j < k; j++)
			if (r->buckets[j] == r->buckets[k])
				return false;
	}
	return true;
}

static bool makes_sense(const struct sy_book *b, const struct sy_book_record *r)
{
	if (r->type != BOOK_NEW && r->type != BOOK_OLD)
		return false;
	if (!sy_netaddr_valid(&r->addr) || book_is_private(b, &r->addr.id) || sy_book_is_own(b, &r->addr))
		return false;
	return book_find_addr(b, &r->addr) == BOOK_NONE && buckets_make_sense(b, r);
}

static enum sy_err no_room(const struct sy_book *b)
{
	return sy_addrs_full(b->env->addrs) ? SY_LIMIT : SY_NO_MEMORY;
}

static enum sy_err load_entry(struct sy_book *b, const struct sy_book_record *r)
{
	struct book_entry e = {.last_attempt_s = clamp_time(r->last_attempt_s),
	                       .last_success_s = clamp_time(r->last_success_s),
	                       .attempts = clamp_attempts(r->attempts),
	                       .type = r->type};
	e.addr = sy_addrs_intern(b->env->addrs, b->env, &r->addr);
	e.src = e.addr ? sy_addrs_intern(b->env->addrs, b->env, &r->src) : 0;
	if (!e.addr || !e.src || !book_reserve(b)) {
		enum sy_err err = e.addr && e.src ? SY_NO_MEMORY : no_room(b);
		sy_addrs_unref(b->env->addrs, e.addr);
		sy_addrs_unref(b->env->addrs, e.src);
		return err;
	}
	uint32_t at = book_attach(b, &e);
	for (uint32_t k = 0; k < r->num_buckets; k++)
		book_link(b, at, r->buckets[k] + (r->type == BOOK_OLD ? BOOK_NEW_BUCKETS : 0));
	return SY_OK;
}

static enum sy_err load_ban(struct sy_book *b, const struct sy_book_record *r)
{
	struct book_ban ban = {.until_s = clamp_time(r->last_ban_s),
	                       .last_attempt_s = clamp_time(r->last_attempt_s),
	                       .attempts = clamp_attempts(r->attempts),
	                       .one_addr = r->buckets[0] & SY_BAN_ONE_ADDR,
	                       .was_old = r->buckets[0] & SY_BAN_WAS_OLD};
	bool from_book = r->buckets[0] & SY_BAN_FROM_BOOK;
	ban.addr = sy_addrs_intern(b->env->addrs, b->env, &r->addr);
	if (ban.addr && from_book)
		ban.src = sy_addrs_intern(b->env->addrs, b->env, &r->src);
	enum sy_err err = !ban.addr || (from_book && !ban.src) ? no_room(b) : book_ban_put(b, &ban);
	if (err) {
		sy_addrs_unref(b->env->addrs, ban.addr);
		sy_addrs_unref(b->env->addrs, ban.src);
	}
	return err;
}

static enum sy_err load_record(struct sy_book *b, const struct sy_book_record *r, uint32_t *dropped)
{
	struct sy_book_record n = *r;
	n.addr = book_normal(b, &r->addr);
	if (n.type == SY_RECORD_BAN && b->policy->bans_persist && (n.addr.flags & SY_ADDR_HAS_ID))
		return load_ban(b, &n);
	if (makes_sense(b, &n))
		return load_entry(b, &n);
	++*dropped;
	return SY_OK;
}

enum sy_err sy_book_load(struct sy_book *book, struct sy_span bytes, uint32_t *dropped)
{
	char key[BOOK_KEY_TEXT + 1];
	uint32_t records;
	*dropped = 0;
	if (book_size(book))
		return SY_INVALID;
	enum sy_err err = sy_snapshot_open(bytes, key, &records);
	if (err)
		return err;
	for (uint32_t i = 0; i < records && !err; i++) {
		struct sy_book_record r;
		err = sy_snapshot_get(bytes, i, &r);
		if (!err)
			err = load_record(book, &r, dropped);
		if (err == SY_LIMIT) { /* the table of addresses is full: what is left is dropped, what is there is of use */
			++*dropped;
			err = SY_OK;
		}
	}
	if (err) {
		book_entries_clear(book);
		book_bans_clear(book);
		return err;
	}
	book_set_key(book, key);
	return SY_OK;
}
