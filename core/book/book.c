#include "core/book/state.h"

#include "core/base/limits.h"
#include "core/base/mem.h"

#include <string.h>

static void draw_key(struct sy_book *b, uint64_t entity)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[BOOK_KEY_TEXT / 2];
	char key[BOOK_KEY_TEXT];
	b->env->rand(b->env->ctx, SY_RAND_BOOK_KEY, entity, 0, bytes, sizeof bytes);
	for (uint32_t i = 0; i < sizeof bytes; i++) {
		key[2 * i] = digits[bytes[i] >> 4];
		key[2 * i + 1] = digits[bytes[i] & 15];
	}
	book_set_key(b, key);
}

struct sy_book *sy_book_new(const struct sy_env *env, const struct sy_policy *policy, bool strict, uint64_t entity)
{
	struct sy_book *b = sy_mem_new(env, sizeof *b);
	if (!b)
		return NULL;
	b->env = env;
	b->policy = policy;
	b->strict = strict;
	for (uint32_t i = 0; i < BOOK_BUCKETS; i++)
		b->heads[i] = BOOK_NONE;
	sy_rng_init(&b->rng, SY_RAND_BOOK, entity);
	draw_key(b, entity);
	return b;
}

void book_entries_clear(struct sy_book *b)
{
	for (uint32_t i = 0; i < book_size(b); i++) {
		sy_addrs_unref(b->env->addrs, b->entries[i].addr);
		sy_addrs_unref(b->env->addrs, b->entries[i].src);
	}
	for (uint32_t i = 0; i < BOOK_BUCKETS; i++)
		b->heads[i] = BOOK_NONE;
	memset(b->lens, 0, sizeof b->lens);
	b->num_new = b->num_old = 0;
	sy_index_clear(&b->by_id);
}

void sy_book_free(struct sy_book *b)
{
	if (!b)
		return;
	const struct sy_env *env = b->env;
	book_entries_clear(b);
	book_bans_clear(b);
	sy_index_fini(&b->by_id, env);
	sy_index_fini(&b->bans_by_id, env);
	sy_mem_free(env, b->entries, b->cap * sizeof *b->entries);
	sy_mem_free(env, b->bans, b->bans_cap * sizeof *b->bans);
	sy_mem_free(env, b->own, b->own_cap * sizeof *b->own);
	sy_mem_free(env, b->private_ids, b->private_cap * sizeof *b->private_ids);
	sy_mem_free(env, b, sizeof *b);
}

static bool same_place(const struct sy_netaddr *a, const struct sy_netaddr *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

void sy_book_set_own_id(struct sy_book *book, const struct sy_id *id)
{
	book->own_id = *id;
	book->has_own_id = true;
}

static bool is_among_own(const struct sy_book *book, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < book->num_own; i++)
		if (book_same_addr(&book->own[i], addr) || (book->policy->own_by_ip && same_place(&book->own[i], addr)))
			return true;
	return false;
}

/* Who else is said to be where we are is nobody that we could reach, and elsewhere we are not (D-37). Source: protocol.md 9.1. */
bool sy_book_is_own(const struct sy_book *book, const struct sy_netaddr *addr)
{
	bool our_id = book->has_own_id && memcmp(&book->own_id, &addr->id, sizeof addr->id) == 0;
	return (book->policy->own_by_ip && our_id) || is_among_own(book, addr);
}

/* Past the bound the oldest but the first (what we advertise) makes room: dials to ourselves under many names must not fill memory. */
void sy_book_add_own(struct sy_book *book, const struct sy_netaddr *addr)
{
	struct sy_netaddr normal = book_normal(book, addr);
	if (is_among_own(book, &normal))
		return;
	if (book->num_own >= SY_LIMIT_OWN_ADDRS) {
		book->num_own--;
		memmove(&book->own[1], &book->own[2], (book->num_own - 1) * sizeof *book->own);
	}
	void *own = book->own;
	if (!sy_mem_grow(book->env, &own, &book->own_cap, book->num_own + 1, sizeof *book->own))
		return;
	book->own = own;
	book->own[book->num_own++] = normal;
	bool others = book->policy->own_by_ip && sy_book_counts(book).total;
	book->own_inside |= book->num_bans || others || book_find_addr(book, &normal) != BOOK_NONE;
}

bool book_is_private(const struct sy_book *b, const struct sy_id *id)
{
	for (uint32_t i = 0; i < b->num_private; i++)
		if (memcmp(&b->private_ids[i], id, sizeof *id) == 0)
			return true;
	return false;
}

bool sy_book_add_private(struct sy_book *book, const struct sy_id *id)
{
	if (book_is_private(book, id))
		return true;
	void *ids = book->private_ids;
	if (book->num_private >= SY_LIMIT_ID_LIST ||
	    !sy_mem_grow(book->env, &ids, &book->private_cap, book->num_private + 1, sizeof *book->private_ids))
		return false;
	book->private_ids = ids;
	book->private_ids[book->num_private++] = *id;
	return true;
}

static uint32_t find(const struct sy_book *b, const struct sy_id *id)
{
	return book_find_id_index(b, sy_addrs_find_id(b->env->addrs, id));
}

void sy_book_remove(struct sy_book *book, const struct sy_id *id)
{
	uint32_t at = find(book, id);
	if (at != BOOK_NONE)
		book_drop(book, at);
}

bool sy_book_has(const struct sy_book *book, const struct sy_id *id)
{
	return find(book, id) != BOOK_NONE;
}

bool sy_book_is_good(const struct sy_book *book, const struct sy_id *id)
{
	uint32_t at = find(book, id);
	return at != BOOK_NONE && book->entries[at].type == BOOK_OLD;
}

void sy_book_set_lists(struct sy_book *book, const struct sy_lists *lists)
{
	book->lists = lists;
}

bool book_is_listed(const struct sy_book *b, const struct sy_netaddr *addr)
{
	return b->lists && sy_lists_refuses(b->lists, &addr->id, addr->ip);
}

/* From the end: what takes a dropped one's place comes from behind it, and was looked at. */
uint32_t sy_book_purge(struct sy_book *book)
{
	uint32_t gone = 0;
	for (uint32_t at = book_size(book); at-- > 0;) {
		if (!book_is_listed(book, book_addr(book, book->entries[at].addr)))
			continue;
		book_drop(book, at);
		gone++;
	}
	return gone;
}

bool sy_book_needs_more(const struct sy_book *book)
{
	return book_size(book) < SY_BOOK_NEED_MORE;
}

uint32_t sy_book_version(const struct sy_book *book)
{
	return book->version;
}

struct sy_book_counts sy_book_counts(const struct sy_book *book)
{
	struct sy_book_counts c = {book_size(book), book->num_new, book->num_old, book->num_bans};
	return c;
}

void sy_book_each(const struct sy_book *book, void (*visit)(void *arg, const struct sy_netaddr *addr, bool old), void *arg)
{
	for (uint32_t i = 0; i < book_size(book); i++)
		visit(arg, book_addr(book, book->entries[i].addr), book->entries[i].type == BOOK_OLD);
}
