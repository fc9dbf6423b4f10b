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

static void append_span(struct text *t, struct sy_span span)
{
	append(t, (const char *)span.ptr, span.len);
}

uint32_t book_new_bucket(const struct sy_book *b, struct sy_span addr_group, struct sy_span src_group)
{
	struct text t;
	begin(b, &t);
	append_span(&t, addr_group);
	append_span(&t, src_group);
	uint64_t h1 = hash(b, &t) % BOOK_NEW_PER_GROUP;
	begin(b, &t);
	append_span(&t, src_group);
	append_u64be(&t, h1);
	return (uint32_t)(hash(b, &t) % BOOK_NEW_BUCKETS);
}

/* From the table when the address is in it, else worked out into text. */
struct sy_span book_group(const struct sy_book *b, const struct sy_netaddr *addr, char text[SY_GROUP_TEXT])
{
	uint32_t index = sy_addrs_find(b->env->addrs, addr);
	if (index)
		return sy_addrs_group(b->env->addrs, index, b->strict);
	size_t n = sy_addr_group(addr, b->strict, text);
	return (struct sy_span){(const uint8_t *)text, n};
}

uint32_t sy_book_new_bucket(const struct sy_book *book, const struct sy_netaddr *addr, const struct sy_netaddr *src)
{
	char addr_text[SY_GROUP_TEXT], src_text[SY_GROUP_TEXT];
	struct sy_span addr_group = book_group(book, addr, addr_text);
	struct sy_span src_group = book_group(book, src, src_text);
	return book_new_bucket(book, addr_group, src_group);
}

uint32_t sy_book_old_bucket(const struct sy_book *book, const struct sy_netaddr *addr)
{
	char group[SY_GROUP_TEXT], full[SY_ADDR_TEXT];
	size_t full_len = sy_netaddr_format(addr, full);
	struct text t;
	begin(book, &t);
	append(&t, full, full_len);
	uint64_t h1 = hash(book, &t) % BOOK_OLD_PER_GROUP;
	begin(book, &t);
	append_span(&t, book_group(book, addr, group));
	append_u64be(&t, h1);
	return (uint32_t)(hash(book, &t) % BOOK_OLD_BUCKETS);
}
