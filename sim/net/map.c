/* Linear probing with backward-shift removal: no tombstones, so that long runs of churn do not slow it down. */
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "sim/net/map.h"

enum { FIRST_CAP = 16 };

void sim_map_fini(struct sim_map *m)
{
	free(m->slots);
	memset(m, 0, sizeof *m);
}

static uint32_t home_of(const struct sim_map *m, uint64_t key)
{
	return (uint32_t)sy_mix64(key) & (m->cap - 1);
}

/* The slot that holds the key, or the free one where it would go. */
static struct sim_map_slot *find(const struct sim_map *m, uint64_t key)
{
	uint32_t i = home_of(m, key);
	while (m->slots[i].value && m->slots[i].key != key) {
		i = (i + 1) & (m->cap - 1);
	}
	return &m->slots[i];
}

uint64_t sim_map_get(const struct sim_map *m, uint64_t key)
{
	return m->used ? find(m, key)->value : 0;
}

static bool grow(struct sim_map *m)
{
	struct sim_map bigger = {.cap = m->cap ? m->cap * 2 : FIRST_CAP, .used = m->used};
	if (bigger.cap < m->cap) {
		return false;
	}
	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (!bigger.slots) {
		return false;
	}
	for (uint32_t i = 0; i < m->cap; i++) {
		if (m->slots[i].value) {
			*find(&bigger, m->slots[i].key) = m->slots[i];
		}
	}
	free(m->slots);
	*m = bigger;
	return true;
}

bool sim_map_put(struct sim_map *m, uint64_t key, uint64_t value)
{
	if (m->used >= m->cap / 4 * 3 && !grow(m)) {
		return false;
	}
	struct sim_map_slot *slot = find(m, key);
	m->used += slot->value == 0;
	slot->key = key;
	slot->value = value;
	return true;
}

void sim_map_remove(struct sim_map *m, uint64_t key)
{
	struct sim_map_slot *slot = m->used ? find(m, key) : NULL;
	if (!slot || !slot->value) {
		return;
	}
	uint32_t hole = (uint32_t)(slot - m->slots);
	uint32_t i = hole;
	for (;;) {
		i = (i + 1) & (m->cap - 1);
		if (!m->slots[i].value) {
			break;
		}
		uint32_t home = home_of(m, m->slots[i].key);
		if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].value = 0;
	m->used--;
}

void sim_map_clear(struct sim_map *m)
{
	if (m->slots) {
		memset(m->slots, 0, m->cap * sizeof *m->slots);
	}
	m->used = 0;
}
