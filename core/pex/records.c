#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/sodium.h"
#include "core/pex/state.h"

#include <string.h>

/* Open addressing, load factor at most 3/4. Keys come from strangers, so the hash is keyed; its order shows nowhere. */
static uint32_t home(const struct sy_pex *pex, const struct pex_records *r, const uint8_t key[PEX_KEY])
{
	return (uint32_t)sy_siphash(pex->hash_key, key, PEX_KEY) & (r->cap - 1);
}

void pex_records_fini(struct pex_records *r, const struct sy_env *env)
{
	sy_mem_free(env, r->slots, r->cap * sizeof *r->slots);
	memset(r, 0, sizeof *r);
}

/* The slot that has the key, or the free one where it would go. */
static struct pex_record *probe(const struct sy_pex *pex, const struct pex_records *r, const uint8_t key[PEX_KEY])
{
	uint32_t pos = home(pex, r, key);
	while (r->slots[pos].count && memcmp(r->slots[pos].key, key, PEX_KEY) != 0)
		pos = (pos + 1) & (r->cap - 1);
	return &r->slots[pos];
}

struct pex_record *pex_records_find(struct sy_pex *pex, struct pex_records *r, const uint8_t key[PEX_KEY])
{
	struct pex_record *slot = r->cap ? probe(pex, r, key) : NULL;
	return slot && slot->count ? slot : NULL;
}

static bool grow(struct sy_pex *pex, struct pex_records *r)
{
	if ((r->used + 1) * 4 <= r->cap * 3)
		return true;
	struct pex_records old = *r;
	uint32_t cap = old.cap ? old.cap * 2 : 16;
	struct pex_record *slots = sy_mem_new(pex->env, cap * sizeof *slots);
	if (!slots)
		return false;
	*r = (struct pex_records){.slots = slots, .cap = cap, .used = old.used};
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.slots[i].count)
			*probe(pex, r, old.slots[i].key) = old.slots[i];
	pex_records_fini(&old, pex->env);
	return true;
}

static void remove_at(struct sy_pex *pex, struct pex_records *r, uint32_t hole)
{
	uint32_t mask = r->cap - 1;
	for (uint32_t pos = (hole + 1) & mask; r->slots[pos].count; pos = (pos + 1) & mask) {
		uint32_t at = home(pex, r, r->slots[pos].key);
		if (((pos - at) & mask) >= ((pos - hole) & mask)) {
			r->slots[hole] = r->slots[pos];
			hole = pos;
		}
	}
	memset(&r->slots[hole], 0, sizeof r->slots[hole]);
	r->used--;
}

static bool older(const struct pex_record *a, const struct pex_record *b)
{
	if (a->last_ns != b->last_ns)
		return a->last_ns < b->last_ns;
	return memcmp(a->key, b->key, PEX_KEY) < 0;
}

static void remove_oldest(struct sy_pex *pex, struct pex_records *r)
{
	uint32_t oldest = UINT32_MAX;
	for (uint32_t i = 0; i < r->cap; i++)
		if (r->slots[i].count && (oldest == UINT32_MAX || older(&r->slots[i], &r->slots[oldest])))
			oldest = i;
	SY_ASSERT(oldest != UINT32_MAX);
	remove_at(pex, r, oldest);
}

struct pex_record *pex_records_get(struct sy_pex *pex, struct pex_records *r, const uint8_t key[PEX_KEY], uint32_t max)
{
	struct pex_record *slot = pex_records_find(pex, r, key);
	if (slot)
		return slot;
	if (r->used >= max)
		remove_oldest(pex, r);
	if (!grow(pex, r))
		return NULL;
	slot = probe(pex, r, key);
	memcpy(slot->key, key, PEX_KEY);
	r->used++;
	return slot;
}

void pex_records_drop(struct sy_pex *pex, struct pex_records *r, const uint8_t key[PEX_KEY])
{
	struct pex_record *slot = pex_records_find(pex, r, key);
	if (slot)
		remove_at(pex, r, (uint32_t)(slot - r->slots));
}

/* A removal moves later records towards its hole, also around the end of the table: so the walk is repeated until it finds none. */
void pex_records_prune(struct sy_pex *pex, struct pex_records *r, uint64_t before_ns)
{
	bool found = true;
	while (found) {
		found = false;
		for (uint32_t i = 0; i < r->cap; i++) {
			while (r->slots[i].count && r->slots[i].last_ns < before_ns) {
				remove_at(pex, r, i);
				found = true;
			}
		}
	}
	if (r->cap && !r->used)
		pex_records_fini(r, pex->env);
}

void pex_key_of_id(const struct sy_id *id, uint8_t key[PEX_KEY])
{
	_Static_assert(sizeof id->b == PEX_KEY, "an id is a key");
	memcpy(key, id->b, PEX_KEY);
}

void pex_key_of_dial(const struct sy_netaddr *addr, uint8_t key[PEX_KEY])
{
	memset(key, 0, PEX_KEY);
	memcpy(key, addr->ip, sizeof addr->ip);
	key[16] = (uint8_t)(addr->port >> 8);
	key[17] = (uint8_t)addr->port;
}
