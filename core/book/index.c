#include "core/book/index.h"

#include "core/base/assert.h"
#include "core/base/mem.h"

#include <string.h>

#define INDEX_CAP_MIN 16u
#define INDEX_CAP_MAX 65536u

void sy_index_fini(struct sy_index *ix, const struct sy_env *env)
{
	sy_mem_free(env, ix->slots, ix->cap * sizeof *ix->slots);
	memset(ix, 0, sizeof *ix);
}

void sy_index_clear(struct sy_index *ix)
{
	if (ix->cap)
		memset(ix->slots, 0, ix->cap * sizeof *ix->slots);
	ix->used = 0;
}

static void place(uint32_t *slots, uint32_t cap, uint32_t slot)
{
	uint32_t pos = slot & (cap - 1);
	while (slots[pos])
		pos = (pos + 1) & (cap - 1);
	slots[pos] = slot;
}

bool sy_index_reserve(struct sy_index *ix, const struct sy_env *env)
{
	if ((ix->used + 1) * 8 <= ix->cap * 7)
		return true;
	uint32_t cap = ix->cap ? ix->cap * 2 : INDEX_CAP_MIN;
	if (cap > INDEX_CAP_MAX)
		return false;
	uint32_t *slots = sy_mem_new(env, cap * sizeof *slots);
	if (!slots)
		return false;
	for (uint32_t i = 0; i < ix->cap; i++)
		if (ix->slots[i])
			place(slots, cap, ix->slots[i]);
	sy_mem_free(env, ix->slots, ix->cap * sizeof *ix->slots);
	ix->slots = slots;
	ix->cap = cap;
	return true;
}

static uint32_t slot_of(uint16_t hash, uint16_t value)
{
	SY_ASSERT(value < UINT16_MAX);
	return ((uint32_t)value + 1) << 16 | hash;
}

void sy_index_put(struct sy_index *ix, uint16_t hash, uint16_t value)
{
	SY_ASSERT(ix->used < ix->cap);
	place(ix->slots, ix->cap, slot_of(hash, value));
	ix->used++;
}

static uint32_t find(const struct sy_index *ix, uint32_t slot)
{
	SY_ASSERT(ix->cap > 0);
	uint32_t pos = slot & (ix->cap - 1);
	while (ix->slots[pos] != slot) {
		SY_ASSERT(ix->slots[pos] != 0);
		pos = (pos + 1) & (ix->cap - 1);
	}
	return pos;
}

/* Slots behind the hole move up when their home lies at or before it, so that no walk ends too early. */
void sy_index_del(struct sy_index *ix, uint16_t hash, uint16_t value)
{
	uint32_t mask = ix->cap - 1;
	uint32_t hole = find(ix, slot_of(hash, value));
	for (uint32_t pos = (hole + 1) & mask; ix->slots[pos]; pos = (pos + 1) & mask) {
		uint32_t home = ix->slots[pos] & mask;
		if (((pos - home) & mask) >= ((pos - hole) & mask)) {
			ix->slots[hole] = ix->slots[pos];
			hole = pos;
		}
	}
	ix->slots[hole] = 0;
	ix->used--;
}

void sy_index_move(struct sy_index *ix, uint16_t hash, uint16_t from, uint16_t to)
{
	ix->slots[find(ix, slot_of(hash, from))] = slot_of(hash, to);
}
