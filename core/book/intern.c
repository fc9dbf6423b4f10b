#include "core/book/intern.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/sodium.h"
#include "core/wire/group.h"
#include "core/wire/pexmsg.h"

#include <string.h>

/* A hash table of indices into an array beside it; linear probing, load factor at most 3/4. */
struct table {
	uint32_t *slots;
	uint32_t cap, used;
};

struct id_key {
	struct sy_id id;
	uint32_t bad_case; /* an upper-case id is another id to those who compare text (protocol.md 1.2) */
};

struct id_slot {
	struct id_key key;
	uint32_t refs; /* addresses that have this id; free slots: 0, then next is the next free one */
	uint32_t next;
};

#define GROUP_MAX 16        /* "2001:470:1000::", "255.255.0.0" */
#define GROUP_STRICT_MAX 10 /* "unroutable", "local" */

struct addr_slot {
	struct sy_netaddr addr;
	uint32_t id; /* index of the id; 0: the address has none. Free slots: the next free one */
	uint32_t refs;
	uint8_t group_len, strict_len; /* strict_len 0: the strict group is the same */
	char group[GROUP_MAX];
	char strict_group[GROUP_STRICT_MAX];
};

/* The bytes of a PEX list that stand for the address, at its index: IPv4 always fits. len 0: they are not kept. */
struct entry_slot {
	uint8_t len;
	uint8_t bytes[63];
};

struct sy_addrs {
	struct sy_env env; /* whose memory this is: nodes come and go, the table stays */
	struct addr_slot *addrs;
	struct id_slot *ids;
	struct entry_slot *entries; /* none in a counted table */
	uint32_t entries_cap;
	uint32_t addrs_cap, addrs_end, addrs_free, live;
	uint32_t ids_cap, ids_end, ids_free;
	struct table by_addr, by_id, by_entry;
	uint32_t max;
	bool counted;
	uint8_t key[16];
};

struct sy_addrs *sy_addrs_new(const struct sy_env *env, uint32_t max, bool counted)
{
	struct sy_addrs *addrs = sy_mem_new(env, sizeof *addrs);
	if (!addrs)
		return NULL;
	addrs->env = *env;
	addrs->max = max;
	addrs->counted = counted;
	addrs->addrs_end = addrs->ids_end = 1; /* index 0 is "none" */
	if (counted)                           /* strangers choose the addresses: they must not be able to choose collisions */
		env->rand(env->ctx, SY_RAND_BOOK_KEY, 0, 0, addrs->key, sizeof addrs->key);
	return addrs;
}

void sy_addrs_free(struct sy_addrs *addrs, const struct sy_env *env)
{
	if (!addrs)
		return;
	struct sy_env own = addrs->env;
	sy_mem_free(&own, addrs->addrs, addrs->addrs_cap * sizeof *addrs->addrs);
	sy_mem_free(&own, addrs->ids, addrs->ids_cap * sizeof *addrs->ids);
	sy_mem_free(&own, addrs->entries, addrs->entries_cap * sizeof *addrs->entries);
	sy_mem_free(&own, addrs->by_entry.slots, addrs->by_entry.cap * sizeof(uint32_t));
	sy_mem_free(&own, addrs->by_addr.slots, addrs->by_addr.cap * sizeof(uint32_t));
	sy_mem_free(&own, addrs->by_id.slots, addrs->by_id.cap * sizeof(uint32_t));
	sy_mem_free(&own, addrs, sizeof *addrs);
}

/* Places in a table only, so the byte order of the machine may show. */
static inline uint32_t hash_words(const struct sy_addrs *addrs, const void *bytes, size_t n)
{
	if (addrs->counted)
		return (uint32_t)sy_siphash(addrs->key, bytes, n);
	uint64_t h = 0;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t w;
		memcpy(&w, (const uint8_t *)bytes + i, 8);
		h = sy_hash_u64(h, w);
	}
	return (uint32_t)sy_mix64(h);
}

/* memcmp in line: it is asked a thousand times for each list of addresses that arrives. */
static inline bool same_words(const void *a, const void *b, size_t n)
{
	uint64_t differs = 0;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x, y;
		memcpy(&x, (const uint8_t *)a + i, 8);
		memcpy(&y, (const uint8_t *)b + i, 8);
		differs |= x ^ y;
	}
	return !differs;
}

static uint32_t hash_addr(const struct sy_addrs *addrs, const struct sy_netaddr *addr)
{
	_Static_assert(sizeof *addr % 8 == 0, "hashed in words");
	return hash_words(addrs, addr, sizeof *addr);
}

static uint32_t hash_id(const struct sy_addrs *addrs, const struct id_key *key)
{
	_Static_assert(sizeof *key % 8 == 0, "hashed in words");
	return hash_words(addrs, key, sizeof *key);
}

static struct id_key id_key_of(const struct sy_id *id, bool bad_case)
{
	struct id_key key = {.id = *id, .bad_case = bad_case};
	return key;
}

static uint32_t find_addr(const struct sy_addrs *addrs, const struct sy_netaddr *addr, uint32_t hash)
{
	const struct table *t = &addrs->by_addr;
	for (uint32_t pos = hash; t->cap; pos++) {
		uint32_t i = t->slots[pos & (t->cap - 1)];
		if (!i || same_words(&addrs->addrs[i].addr, addr, sizeof *addr))
			return i;
	}
	return 0;
}

static uint32_t find_id(const struct sy_addrs *addrs, const struct id_key *key, uint32_t hash)
{
	const struct table *t = &addrs->by_id;
	for (uint32_t pos = hash; t->cap; pos++) {
		uint32_t i = t->slots[pos & (t->cap - 1)];
		if (!i || same_words(&addrs->ids[i].key, key, sizeof *key))
			return i;
	}
	return 0;
}

/* Digits of the id, and the end: port and the last digits of the IP. No stranger chooses what an append-only table holds. */
static uint32_t hash_entry(const uint8_t *bytes, size_t len)
{
	uint64_t id, end;
	SY_ASSERT(len >= 16);
	memcpy(&id, bytes + 2, 8);
	memcpy(&end, bytes + len - 8, 8);
	return (uint32_t)sy_mix64(sy_hash_u64(sy_hash_u64(len, id), end));
}

static uint32_t hash_of_slot(const struct sy_addrs *addrs, const struct table *t, uint32_t i)
{
	if (t == &addrs->by_entry)
		return hash_entry(addrs->entries[i].bytes, addrs->entries[i].len);
	return t == &addrs->by_addr ? hash_addr(addrs, &addrs->addrs[i].addr) : hash_id(addrs, &addrs->ids[i].key);
}

static void table_put(struct table *t, uint32_t hash, uint32_t i)
{
	uint32_t pos = hash & (t->cap - 1);
	while (t->slots[pos])
		pos = (pos + 1) & (t->cap - 1);
	t->slots[pos] = i;
	t->used++;
}

static bool table_reserve(struct sy_addrs *addrs, struct table *t)
{
	if ((t->used + 1) * 4 <= t->cap * 3)
		return true;
	struct table old = *t;
	uint32_t cap = old.cap ? old.cap * 2 : 16;
	uint32_t *slots = sy_mem_new(&addrs->env, cap * sizeof *slots);
	if (!slots)
		return false;
	*t = (struct table){.slots = slots, .cap = cap};
	for (uint32_t pos = 0; pos < old.cap; pos++)
		if (old.slots[pos])
			table_put(t, hash_of_slot(addrs, t, old.slots[pos]), old.slots[pos]);
	sy_mem_free(&addrs->env, old.slots, old.cap * sizeof *old.slots);
	return true;
}

/* The slots behind the hole move up when a walk from their home would pass it. */
static void table_del(struct sy_addrs *addrs, struct table *t, uint32_t i)
{
	uint32_t mask = t->cap - 1;
	uint32_t hole = hash_of_slot(addrs, t, i) & mask;
	while (t->slots[hole] != i) {
		SY_ASSERT(t->slots[hole] != 0);
		hole = (hole + 1) & mask;
	}
	for (uint32_t pos = (hole + 1) & mask; t->slots[pos]; pos = (pos + 1) & mask) {
		uint32_t home = hash_of_slot(addrs, t, t->slots[pos]) & mask;
		if (((pos - home) & mask) >= ((pos - hole) & mask)) {
			t->slots[hole] = t->slots[pos];
			hole = pos;
		}
	}
	t->slots[hole] = 0;
	t->used--;
}

static bool grow_arrays(struct sy_addrs *addrs)
{
	void *a = addrs->addrs;
	void *d = addrs->ids;
	bool ok = addrs->addrs_free || sy_mem_grow(&addrs->env, &a, &addrs->addrs_cap, addrs->addrs_end + 1, sizeof *addrs->addrs);
	addrs->addrs = a;
	ok = ok && (addrs->ids_free || sy_mem_grow(&addrs->env, &d, &addrs->ids_cap, addrs->ids_end + 1, sizeof *addrs->ids));
	addrs->ids = d;
	if (ok && !addrs->counted) {
		void *e = addrs->entries;
		ok = sy_mem_grow(&addrs->env, &e, &addrs->entries_cap, addrs->addrs_end + 1, sizeof *addrs->entries);
		addrs->entries = e;
		ok = ok && table_reserve(addrs, &addrs->by_entry);
	}
	return ok && table_reserve(addrs, &addrs->by_addr) && table_reserve(addrs, &addrs->by_id);
}

static uint32_t take_id(struct sy_addrs *addrs, const struct sy_netaddr *addr)
{
	if (!(addr->flags & SY_ADDR_HAS_ID))
		return 0;
	struct id_key key = id_key_of(&addr->id, addr->flags & SY_ADDR_BAD_CASE);
	uint32_t hash = hash_id(addrs, &key);
	uint32_t i = find_id(addrs, &key, hash);
	if (!i) {
		i = addrs->ids_free ? addrs->ids_free : addrs->ids_end++;
		addrs->ids_free = addrs->ids_free ? addrs->ids[i].next : 0;
		addrs->ids[i] = (struct id_slot){.key = key};
		table_put(&addrs->by_id, hash, i);
	}
	addrs->ids[i].refs++;
	return i;
}

static void drop_id(struct sy_addrs *addrs, uint32_t i)
{
	if (!i || --addrs->ids[i].refs)
		return;
	table_del(addrs, &addrs->by_id, i);
	addrs->ids[i].next = addrs->ids_free;
	addrs->ids_free = i;
}

/* Working a group out costs a thousand instructions, and a bucket needs two: once an address is enough. */
static void note_group(struct addr_slot *slot)
{
	char text[SY_GROUP_TEXT];
	size_t n = sy_addr_group(&slot->addr, false, text);
	SY_ASSERT(n <= GROUP_MAX);
	slot->group_len = (uint8_t)n;
	memcpy(slot->group, text, n);
	n = sy_addr_group(&slot->addr, true, text);
	if (n == slot->group_len && memcmp(text, slot->group, n) == 0)
		return;
	SY_ASSERT(n <= GROUP_STRICT_MAX);
	slot->strict_len = (uint8_t)n;
	memcpy(slot->strict_group, text, n);
}

struct sy_span sy_addrs_group(const struct sy_addrs *addrs, uint32_t index, bool strict)
{
	SY_ASSERT(index > 0 && index < addrs->addrs_end);
	const struct addr_slot *slot = &addrs->addrs[index];
	bool other = strict && slot->strict_len;
	return (struct sy_span){(const uint8_t *)(other ? slot->strict_group : slot->group), other ? slot->strict_len : slot->group_len};
}

static void note_entry(struct sy_addrs *addrs, uint32_t i)
{
	const struct sy_netaddr *addr = &addrs->addrs[i].addr;
	struct entry_slot *slot = &addrs->entries[i];
	struct sy_netaddr back;
	uint8_t bytes[SY_PEX_ADDR_MAX];
	size_t n = sy_pex_addr_encode(addr, bytes);
	slot->len = 0;
	if (!(addr->flags & SY_ADDR_HAS_ID) || n > sizeof slot->bytes || !sy_pex_addr_decode((struct sy_span){bytes, n}, &back) ||
	    memcmp(&back, addr, sizeof back) != 0)
		return;
	slot->len = (uint8_t)n;
	memcpy(slot->bytes, bytes, n);
	table_put(&addrs->by_entry, hash_entry(bytes, n), i);
}

struct sy_span sy_addrs_entry(const struct sy_addrs *addrs, uint32_t index)
{
	SY_ASSERT(index > 0 && index < addrs->addrs_end);
	if (addrs->counted)
		return (struct sy_span){NULL, 0};
	return (struct sy_span){addrs->entries[index].bytes, addrs->entries[index].len};
}

uint32_t sy_addrs_find_entry(const struct sy_addrs *addrs, struct sy_span entry)
{
	const struct table *t = &addrs->by_entry;
	if (!t->cap || entry.len < 16 || entry.len > sizeof addrs->entries->bytes)
		return 0;
	for (uint32_t pos = hash_entry(entry.ptr, entry.len);; pos++) {
		uint32_t i = t->slots[pos & (t->cap - 1)];
		if (!i || (addrs->entries[i].len == entry.len && memcmp(addrs->entries[i].bytes, entry.ptr, entry.len) == 0))
			return i;
	}
}

uint32_t sy_addrs_find(const struct sy_addrs *addrs, const struct sy_netaddr *addr)
{
	return find_addr(addrs, addr, hash_addr(addrs, addr));
}

uint32_t sy_addrs_intern(struct sy_addrs *addrs, const struct sy_env *env, const struct sy_netaddr *addr)
{
	uint32_t hash = hash_addr(addrs, addr);
	uint32_t i = find_addr(addrs, addr, hash);
	if (i) {
		addrs->addrs[i].refs += addrs->counted;
		return i;
	}
	if (addrs->live >= addrs->max || !grow_arrays(addrs))
		return 0;
	i = addrs->addrs_free ? addrs->addrs_free : addrs->addrs_end++;
	addrs->addrs_free = addrs->addrs_free ? addrs->addrs[i].id : 0;
	uint32_t id = take_id(addrs, addr);
	addrs->addrs[i] = (struct addr_slot){.addr = *addr, .id = id, .refs = 1};
	note_group(&addrs->addrs[i]);
	if (!addrs->counted)
		note_entry(addrs, i);
	table_put(&addrs->by_addr, hash, i);
	addrs->live++;
	return i;
}

void sy_addrs_ref(struct sy_addrs *addrs, uint32_t index)
{
	SY_ASSERT(index > 0 && index < addrs->addrs_end && addrs->addrs[index].refs > 0);
	addrs->addrs[index].refs += addrs->counted;
}

void sy_addrs_unref(struct sy_addrs *addrs, uint32_t index)
{
	if (!index || !addrs->counted)
		return;
	SY_ASSERT(index < addrs->addrs_end && addrs->addrs[index].refs > 0);
	struct addr_slot *slot = &addrs->addrs[index];
	if (--slot->refs)
		return;
	table_del(addrs, &addrs->by_addr, index);
	drop_id(addrs, slot->id);
	slot->id = addrs->addrs_free;
	addrs->addrs_free = index;
	addrs->live--;
}

const struct sy_netaddr *sy_addrs_get(const struct sy_addrs *addrs, uint32_t index)
{
	SY_ASSERT(index > 0 && index < addrs->addrs_end);
	return &addrs->addrs[index].addr;
}

uint32_t sy_addrs_id_of(const struct sy_addrs *addrs, uint32_t index)
{
	SY_ASSERT(index > 0 && index < addrs->addrs_end);
	return addrs->addrs[index].id;
}

uint32_t sy_addrs_find_id(const struct sy_addrs *addrs, const struct sy_id *id)
{
	return sy_addrs_find_id_text(addrs, id, false);
}

uint32_t sy_addrs_find_id_text(const struct sy_addrs *addrs, const struct sy_id *id, bool bad_case)
{
	struct id_key key = id_key_of(id, bad_case);
	return find_id(addrs, &key, hash_id(addrs, &key));
}

uint32_t sy_addrs_count(const struct sy_addrs *addrs)
{
	return addrs->live;
}

bool sy_addrs_full(const struct sy_addrs *addrs)
{
	return addrs->live >= addrs->max;
}
