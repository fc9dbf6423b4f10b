#include "core/book/state.h"

#include "core/base/assert.h"

#include <string.h>

/* The address as this profile tells addresses apart: ours does not look at the case of an id (D-11). */
struct sy_netaddr book_normal(const struct sy_book *b, const struct sy_netaddr *addr)
{
	struct sy_netaddr normal = *addr;
	if (!b->policy->ids_case_sensitive)
		normal.flags &= (uint8_t)~SY_ADDR_BAD_CASE;
	return normal;
}

/* In the order of protocol.md 6.5. id: the interned id, 0 when nobody in this process knows it. */
static enum sy_err refusal(const struct sy_book *b, const struct sy_netaddr *addr, const struct sy_netaddr *src, uint32_t id,
                           uint64_t now_s)
{
	if (!sy_netaddr_valid(addr))
		return SY_ADDR_INVALID;
	if (b->num_bans && book_ban_holds(b, id, addr, now_s))
		return SY_BANNED;
	if (book_is_listed(b, addr))
		return SY_BLOCKED;
	if (b->num_private && book_is_private(b, &addr->id))
		return SY_ADDR_PRIVATE;
	if (b->num_private && book_is_private(b, &src->id))
		return SY_ADDR_PRIVATE_SRC;
	if (sy_book_is_own(b, addr))
		return SY_ADDR_OWN;
	if (b->strict && !sy_netaddr_routable(addr))
		return SY_ADDR_UNROUTABLE;
	return SY_OK;
}

enum sy_err book_add_entry(struct sy_book *b, struct book_entry *e, uint64_t now_s)
{
	const struct sy_addrs *addrs = b->env->addrs;
	uint32_t bucket = book_new_bucket(b, sy_addrs_group(addrs, e->addr, b->strict), sy_addrs_group(addrs, e->src, b->strict));
	book_expire(b, bucket, now_s);
	if (!book_reserve(b))
		return SY_NO_MEMORY;
	e->type = BOOK_NEW;
	e->num = 0;
	uint32_t at = book_attach(b, e);
	book_link(b, at, bucket);
	return SY_OK;
}

static enum sy_err intern(const struct sy_book *b, const struct sy_netaddr *addr, uint32_t *index)
{
	*index = sy_addrs_intern(b->env->addrs, b->env, addr);
	if (*index)
		return SY_OK;
	return sy_addrs_full(b->env->addrs) ? SY_LIMIT : SY_NO_MEMORY;
}

static enum sy_err add_unknown(struct sy_book *b, const struct sy_netaddr *addr, const struct sy_netaddr *src, uint64_t now_s)
{
	struct book_entry e = {.last_attempt_s = book_time(now_s)};
	enum sy_err err = intern(b, addr, &e.addr);
	if (err)
		return err;
	err = intern(b, src, &e.src);
	if (!err)
		err = book_add_entry(b, &e, now_s);
	if (err) {
		sy_addrs_unref(b->env->addrs, e.addr);
		sy_addrs_unref(b->env->addrs, e.src);
	}
	return err;
}

/* Who tells: an address, and its interned index where that is known (else 0). */
struct teller {
	const struct sy_netaddr *addr;
	uint32_t index;
};

static struct sy_span group_of(const struct sy_book *b, struct teller src, char text[SY_GROUP_TEXT])
{
	return src.index ? sy_addrs_group(b->env->addrs, src.index, b->strict) : book_group(b, src.addr, text);
}

/*
 * A reference from one more source. The address that is known stays: only the bucket is another, that of the address as it was
 * announced (addr_group; ptr null: as it is known). Source: protocol.md 6.5.
 */
static enum sy_err add_reference(struct sy_book *b, uint32_t at, struct sy_span addr_group, struct teller src, uint64_t now_s)
{
	uint32_t n = b->entries[at].num;
	if (b->entries[at].type == BOOK_OLD || n == BOOK_REFS_MAX)
		return SY_ADDR_KNOWN;
	if (!sy_rng_chance(&b->rng, b->env, 1, 2 * n))
		return SY_ADDR_KNOWN;
	uint32_t index = b->entries[at].addr;
	char src_text[SY_GROUP_TEXT];
	if (!addr_group.ptr)
		addr_group = sy_addrs_group(b->env->addrs, index, b->strict);
	uint32_t bucket = book_new_bucket(b, addr_group, group_of(b, src, src_text));
	if (book_in_bucket(b, at, bucket))
		return SY_ADDR_KNOWN;
	if (b->lens[bucket] >= BOOK_BUCKET_MAX) {
		book_expire(b, bucket, now_s);
		at = book_find_id_index(b, sy_addrs_id_of(b->env->addrs, index));
		SY_ASSERT(at != BOOK_NONE);
	}
	book_link(b, at, bucket);
	b->version++;
	return SY_OK;
}

static bool same_group(const struct sy_book *b, const struct sy_netaddr *x, const struct sy_netaddr *y)
{
	char x_text[SY_GROUP_TEXT], y_text[SY_GROUP_TEXT];
	struct sy_span xg = book_group(b, x, x_text);
	struct sy_span yg = book_group(b, y, y_text);
	return xg.len == yg.len && memcmp(xg.ptr, yg.ptr, xg.len) == 0;
}

/*
 * May another address of a known id take the place of the one we have (D-29)? Never for an address that answers. One that
 * was not reached since it last failed goes for what the id's owner says itself (it is connected and has proved the id), or, a
 * new one after a failed dial, for what somebody in another network than the first teller says.
 */
static bool may_replace(const struct sy_book *b, const struct book_entry *e, const struct sy_netaddr *addr, const struct sy_netaddr *src)
{
	if (!b->policy->learn_new_ip || book_same_addr(book_addr(b, e->addr), addr))
		return false;
	if ((e->last_success_s || e->type == BOOK_OLD) && !e->attempts)
		return false;
	if ((src->flags & SY_ADDR_HAS_ID) && memcmp(&src->id, &addr->id, sizeof src->id) == 0)
		return true;
	if (e->type == BOOK_OLD)
		return false;
	uint32_t failures = e->last_success_s ? 3 : 1;
	return e->attempts >= failures && !same_group(b, src, book_addr(b, e->src));
}

/* Nothing is lost when there is no memory for the new one: it is interned first, and room is certain once the old one has left. */
static enum sy_err replace(struct sy_book *b, uint32_t at, const struct sy_netaddr *addr, const struct sy_netaddr *src, uint64_t now_s)
{
	struct book_entry e = {.last_attempt_s = book_time(now_s)};
	enum sy_err err = intern(b, addr, &e.addr);
	if (err)
		return err;
	err = intern(b, src, &e.src);
	if (err) {
		sy_addrs_unref(b->env->addrs, e.addr);
		return err;
	}
	book_drop(b, at);
	err = book_add_entry(b, &e, now_s);
	SY_ASSERT(err == SY_OK);
	return err;
}

/* Most announcements are of what is known: the very address passed the checks when it came in, and no list has grown since. */
static bool passed_before(const struct sy_book *b, const struct book_entry *e, const struct sy_netaddr *addr)
{
	return !b->num_bans && !b->num_private && book_same_addr(book_addr(b, e->addr), addr) && !sy_book_is_own(b, addr);
}

enum sy_err sy_book_add(struct sy_book *book, const struct sy_netaddr *addr, const struct sy_netaddr *src, uint64_t now_s)
{
	struct sy_netaddr a = book_normal(book, addr);
	uint32_t id = 0;
	if (a.flags & SY_ADDR_HAS_ID)
		id = sy_addrs_find_id_text(book->env->addrs, &a.id, a.flags & SY_ADDR_BAD_CASE);
	uint32_t at = book_find_id_index(book, id);
	struct teller teller = {src, 0};
	if (at != BOOK_NONE && passed_before(book, &book->entries[at], &a))
		return add_reference(book, at, (struct sy_span){NULL, 0}, teller, now_s);
	enum sy_err err = refusal(book, &a, src, id, now_s);
	if (err)
		return err;
	if (at == BOOK_NONE)
		return add_unknown(book, &a, src, now_s);
	if (may_replace(book, &book->entries[at], &a, src))
		return replace(book, at, &a, src, now_s);
	char text[SY_GROUP_TEXT];
	return add_reference(book, at, book_group(book, &a, text), teller, now_s);
}

static void expect(const struct sy_book *book, const uint16_t *hashes, size_t n)
{
	const struct sy_index *ix = &book->by_id;
	if (!ix->cap)
		return;
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&ix->slots[hashes[i] & (ix->cap - 1)]);
	for (size_t i = 0; i < n; i++) {
		struct sy_index_walk w = sy_index_begin(ix, hashes[i]);
		uint32_t v = sy_index_next(ix, &w);
		if (v)
			__builtin_prefetch(&book->entries[v - 1]);
	}
}

void sy_book_expect(const struct sy_book *book, const struct sy_netaddr *addrs, size_t n)
{
	uint16_t hashes[SY_BOOK_EXPECT_MAX];
	SY_ASSERT(n <= SY_BOOK_EXPECT_MAX);
	for (size_t i = 0; i < n; i++)
		hashes[i] = book_id_hash(sy_addrs_find_id(book->env->addrs, &addrs[i].id));
	expect(book, hashes, n);
}

/* New here, and interned already: only what this book itself refuses is asked. */
static enum sy_err add_interned(struct sy_book *b, uint32_t index, uint32_t src, uint64_t now_s)
{
	enum sy_err err = refusal(b, book_addr(b, index), book_addr(b, src), sy_addrs_id_of(b->env->addrs, index), now_s);
	if (err)
		return err;
	struct book_entry e = {.addr = index, .src = src, .last_attempt_s = book_time(now_s)};
	sy_addrs_ref(b->env->addrs, index);
	sy_addrs_ref(b->env->addrs, src);
	err = book_add_entry(b, &e, now_s);
	if (err) {
		sy_addrs_unref(b->env->addrs, index);
		sy_addrs_unref(b->env->addrs, src);
	}
	return err;
}

enum sy_err sy_book_add_known(struct sy_book *book, uint32_t index, uint32_t src, uint64_t now_s)
{
	const struct sy_addrs *addrs = book->env->addrs;
	uint32_t at = book_find_id_index(book, sy_addrs_id_of(addrs, index));
	if (at == BOOK_NONE && !(sy_addrs_get(addrs, index)->flags & SY_ADDR_BAD_CASE))
		return add_interned(book, index, src, now_s);
	/* As passed_before, by the index: no look at the address. */
	if (at != BOOK_NONE && book->entries[at].addr == index && !book->num_bans && !book->num_private && !book->own_inside)
		return add_reference(book, at, (struct sy_span){NULL, 0}, (struct teller){NULL, src}, now_s);
	struct sy_netaddr addr = *sy_addrs_get(addrs, index), teller = *sy_addrs_get(addrs, src);
	return sy_book_add(book, &addr, &teller, now_s);
}

void sy_book_expect_known(const struct sy_book *book, const uint32_t *indices, size_t n)
{
	uint16_t hashes[SY_BOOK_EXPECT_MAX];
	SY_ASSERT(n <= SY_BOOK_EXPECT_MAX);
	for (size_t i = 0; i < n; i++)
		hashes[i] = book_id_hash(sy_addrs_id_of(book->env->addrs, indices[i]));
	expect(book, hashes, n);
}
