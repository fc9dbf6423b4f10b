/* Memory through the environment: every allocation can fail and is an ordinary error. */
#ifndef SY_BASE_MEM_H
#define SY_BASE_MEM_H

#include "core/base/assert.h"
#include "core/switchyard.h"

#include <string.h>

/* Zeroed. Null when there is no memory. */
void *sy_mem_new(const struct sy_env *env, size_t size);
void sy_mem_free(const struct sy_env *env, void *ptr, size_t size);
/* Grows an array to at least `need` elements (doubling, from 4); new ones are zeroed. Returns false and changes nothing when it cannot. */
SY_MUST bool sy_mem_grow(const struct sy_env *env, void **array, uint32_t *cap, uint32_t need, size_t elem);
void sy_mem_wipe(void *ptr, size_t size);
/* Through the library: where gcc knows a bound of the size, it makes its own loops of memset and memcpy, word by word. */
void sy_mem_zero(void *ptr, size_t size);
void sy_mem_copy(void *to, const void *from, size_t size);

/*
 * A pool of equal blocks: blocks that are given back are kept (up to keep_max) for the next taker, so that a steady
 * state allocates nothing. Shared by the connections of a node.
 */
struct sy_pool {
	void *free_list;
	uint32_t block;
	uint32_t kept, keep_max;
	uint32_t in_use;
};
void sy_pool_init(struct sy_pool *pool, uint32_t block, uint32_t keep_max);
void sy_pool_fini(struct sy_pool *pool, const struct sy_env *env);
/* Frees the blocks that are kept. */
void sy_pool_trim(struct sy_pool *pool, const struct sy_env *env);
/* For take: a block that the pool did not have. */
void *sy_pool_more(struct sy_pool *pool, const struct sy_env *env);
/* Not zeroed; null when there is no memory. Without a call, as each message goes through some of them. */
static inline void *sy_pool_take(struct sy_pool *pool, const struct sy_env *env)
{
	void *block = pool->free_list;
	if (!block)
		return sy_pool_more(pool, env);
	/* A kept block holds the link to the next one. */
	memcpy(&pool->free_list, block, sizeof block);
	pool->kept--;
	pool->in_use++;
	return block;
}
/* Null is harmless. */
static inline void sy_pool_give(struct sy_pool *pool, const struct sy_env *env, void *block)
{
	if (!block)
		return;
	SY_ASSERT(pool->in_use > 0);
	pool->in_use--;
	if (pool->kept >= pool->keep_max) {
		sy_mem_free(env, block, pool->block);
		return;
	}
	memcpy(block, &pool->free_list, sizeof block);
	pool->free_list = block;
	pool->kept++;
}

/*
 * A message on its way out: immutable, counted, one copy for a whole broadcast. Small ones (up to 256 bytes) come
 * from the pool of the heap given.
 */
struct sy_payload {
	uint32_t refs;
	uint32_t len;
	uint64_t sent_ns; /* when it was given to be sent, for all who get it; whoever queues it sets it */
	uint8_t bytes[];
};
struct sy_payload_heap {
	struct sy_pool small; /* payloads of up to 256 bytes */
};
void sy_payload_heap_init(struct sy_payload_heap *heap);
void sy_payload_heap_fini(struct sy_payload_heap *heap, const struct sy_env *env);
struct sy_payload *sy_payload_new(struct sy_payload_heap *heap, const struct sy_env *env, struct sy_span bytes); /* refs = 1 */
static inline struct sy_payload *sy_payload_ref(struct sy_payload *p)
{
	p->refs++;
	return p;
}
void sy_payload_free(struct sy_payload_heap *heap, const struct sy_env *env, struct sy_payload *p); /* refs == 0 */
/* Null is harmless. */
static inline void sy_payload_unref(struct sy_payload_heap *heap, const struct sy_env *env, struct sy_payload *p)
{
	if (!p)
		return;
	SY_ASSERT(p->refs > 0);
	if (--p->refs == 0)
		sy_payload_free(heap, env, p);
}

#endif
