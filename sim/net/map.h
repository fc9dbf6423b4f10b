/* A hash map from 64-bit keys to 64-bit values, open addressing. Nothing iterates over it, so its order is never seen. */
#ifndef SIM_NET_MAP_H
#define SIM_NET_MAP_H

#include "core/switchyard.h"

struct sim_map_slot {
	uint64_t key;
	uint64_t value; /* 0: the slot is free */
};

struct sim_map {
	struct sim_map_slot *slots;
	uint32_t cap, used; /* cap: 0 or a power of two, at most three quarters used */
};

void sim_map_fini(struct sim_map *m);
/* The value of a key; 0 when it is not there. */
uint64_t sim_map_get(const struct sim_map *m, uint64_t key);
/* value != 0; replaces the one before. Returns false when out of memory (nothing changed). */
SY_MUST bool sim_map_put(struct sim_map *m, uint64_t key, uint64_t value);
void sim_map_remove(struct sim_map *m, uint64_t key);
/* Forgets all and keeps the memory. */
void sim_map_clear(struct sim_map *m);

#endif
