/* A table from hashes to small numbers: open addressing, linear probing; nothing is ever taken out. */
#ifndef SIM_LUA_INDEX_H
#define SIM_LUA_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index {
	uint32_t *slots; /* number plus one; 0: free */
	uint32_t cap, used;
};

/* hash_of gives the hash of a number that is in the table, for growing. False: no memory. */
bool index_add(struct index *x, uint64_t hash, uint32_t number, uint64_t (*hash_of)(const void *ctx, uint32_t number), const void *ctx);
/* The next number at this hash; *at starts at 0. False: no more. The caller compares. */
bool index_next(const struct index *x, uint64_t hash, uint32_t *at, uint32_t *number);
void index_fini(struct index *x);

#endif
