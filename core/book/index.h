/*
 * A small open-addressing index: 16-bit hashes to 16-bit values (places in an array of at most 65,534), several
 * values a hash allowed. A slot is one word, value + 1 above the hash, so that growing and deleting need no look at
 * what the values stand for. Load factor at most 7/8: 4.6 to 9.2 bytes a value.
 */
#ifndef SY_BOOK_INDEX_H
#define SY_BOOK_INDEX_H

#include "core/switchyard.h"

struct sy_index {
	uint32_t *slots;
	uint32_t cap; /* a power of two up to 65,536; 0: nothing allocated */
	uint32_t used;
};

/* Walks the values that share a hash; their order is that of the table and must not become visible. */
struct sy_index_walk {
	uint32_t pos;
	uint16_t hash;
};

void sy_index_fini(struct sy_index *ix, const struct sy_env *env);
/* Room for one more value. False when there is no memory or the index is full; nothing has changed then. */
SY_MUST bool sy_index_reserve(struct sy_index *ix, const struct sy_env *env);
/* After a sy_index_reserve that said yes. */
void sy_index_put(struct sy_index *ix, uint16_t hash, uint16_t value);
/* The pair must be there. */
void sy_index_del(struct sy_index *ix, uint16_t hash, uint16_t value);
void sy_index_move(struct sy_index *ix, uint16_t hash, uint16_t from, uint16_t to);
void sy_index_clear(struct sy_index *ix);

static inline struct sy_index_walk sy_index_begin(const struct sy_index *ix, uint16_t hash)
{
	struct sy_index_walk w = {.pos = ix->cap ? hash & (ix->cap - 1) : 0, .hash = hash};
	return w;
}

/* The next value plus one; 0 at the end. */
static inline uint32_t sy_index_next(const struct sy_index *ix, struct sy_index_walk *w)
{
	if (!ix->cap)
		return 0;
	for (;;) {
		uint32_t slot = ix->slots[w->pos];
		if (!slot)
			return 0;
		w->pos = (w->pos + 1) & (ix->cap - 1);
		if ((uint16_t)slot == w->hash)
			return slot >> 16;
	}
}

#endif
