#include "core/book/state.h"

#include "core/base/hash.h"
#include "core/base/sodium.h"
#include "core/wire/group.h"

#include <string.h>

/*
 * The key that is saved with the book gives the hash its key, so that a book that is loaded again puts addresses where it
 * put them before. Upstream draws the hash's key per process; nobody outside can tell. Source: protocol.md 6.2.
 */
void book_set_key(struct sy_book *b, const char key[BOOK_KEY_TEXT])
{
	uint8_t digest[32];
	memcpy(b->key, key, BOOK_KEY_TEXT);
	sy_sha256(digest, key, BOOK_KEY_TEXT);
	memcpy(b->sip, digest, sizeof b->sip);
}

/* The text that is hashed: the key, then what is appended, without separators. */
struct text {
	char at[BOOK_KEY_TEXT + SY_GROUP_TEXT + SY_ADDR_TEXT];
	size_t len;
};

static void begin(const struct sy_book *b, struct text *t)
{
	memcpy(t->at, b->key, BOOK_KEY_TEXT);
	t->len = BOOK_KEY_TEXT;
}

static void append(struct text *t, const char *bytes, size_t n)
{
	memcpy(t->at + t->len, bytes, n);
	t->len += n;
}

static void append_u64be(struct text *t, uint64_t v)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		t->at[t->len++] = (char)(uint8_t)(v >> shift);
}

static uint64_t hash(const struct sy_book *b, const struct text *t)
{
	return sy_siphash(b->sip, t->at, t->len);
}

uint32_t sy_book_new_bucket(const struct sy_book *book, const struct sy_netaddr *addr, const struct sy_netaddr *src)
{
	char addr_group[SY_GROUP_TEXT], src_group[SY_GROUP_TEXT];
	size_t addr_len = sy_addr_group(addr, book->strict, addr_group);
	size_t src_len = sy_addr_group(src, book->strict, src_group);
	struct text t;
	begin(book, &t);
	append(&t, addr_group, addr_len);
	append(&t, src_group, src_len);
	uint64_t h1 = hash(book, &t) % BOOK_NEW_PER_GROUP;
	begin(book, &t);
	append(&t, src_group, src_len);
	append_u64be(&t, h1);
	return (uint32_t)(hash(book, &t) % BOOK_NEW_BUCKETS);
}

uint32_t sy_book_old_bucket(const struct sy_book *book, const struct sy_netaddr *addr)
{
	char group[SY_GROUP_TEXT], full[SY_ADDR_TEXT];
	size_t full_len = sy_netaddr_format(addr, full);
	size_t group_len = sy_addr_group(addr, book->strict, group);
	struct text t;
	begin(book, &t);
	append(&t, full, full_len);
	uint64_t h1 = hash(book, &t) % BOOK_OLD_PER_GROUP;
	begin(book, &t);
	append(&t, group, group_len);
	append_u64be(&t, h1);
	return (uint32_t)(hash(book, &t) % BOOK_OLD_BUCKETS);
}
