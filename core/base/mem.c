#include "core/base/mem.h"

#include "core/base/assert.h"
#include "core/base/limits.h"

#include <string.h>

void *sy_mem_new(const struct sy_env *env, size_t size)
{
	void *ptr = env->alloc(env->ctx, NULL, 0, size);
	if (ptr)
		memset(ptr, 0, size);
	return ptr;
}

void sy_mem_free(const struct sy_env *env, void *ptr, size_t size)
{
	if (ptr)
		env->alloc(env->ctx, ptr, size, 0);
}

bool sy_mem_grow(const struct sy_env *env, void **array, uint32_t *cap, uint32_t need, size_t elem)
{
	SY_ASSERT(elem > 0);
	if (need <= *cap)
		return true;
	uint64_t wanted = *cap ? *cap : 4;
	while (wanted < need)
		wanted *= 2;
	if (wanted > UINT32_MAX)
		wanted = UINT32_MAX;
	if (wanted > SIZE_MAX / elem)
		return false;
	uint8_t *grown = env->alloc(env->ctx, *array, *cap * elem, (size_t)wanted * elem);
	if (!grown)
		return false;
	memset(grown + *cap * elem, 0, ((size_t)wanted - *cap) * elem);
	*array = grown;
	*cap = (uint32_t)wanted;
	return true;
}

void sy_mem_wipe(void *ptr, size_t size)
{
	memset(ptr, 0, size);
	/* Tells the compiler that somebody may look at the bytes, so that the memset above is not dropped. */
	__asm__ volatile("" : : "r"(ptr) : "memory");
}

void sy_mem_zero(void *ptr, size_t size)
{
	memset(ptr, 0, size);
}

void sy_mem_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}

void sy_pool_init(struct sy_pool *pool, uint32_t block, uint32_t keep_max)
{
	memset(pool, 0, sizeof *pool);
	/* A kept block holds the link to the next one. */
	pool->block = block < sizeof(void *) ? (uint32_t)sizeof(void *) : block;
	pool->keep_max = keep_max;
}

static void *pool_pop(struct sy_pool *pool)
{
	void *block = pool->free_list;
	memcpy(&pool->free_list, block, sizeof(void *));
	pool->kept--;
	return block;
}

void sy_pool_trim(struct sy_pool *pool, const struct sy_env *env)
{
	while (pool->free_list)
		sy_mem_free(env, pool_pop(pool), pool->block);
	SY_ASSERT(pool->kept == 0);
}

void sy_pool_fini(struct sy_pool *pool, const struct sy_env *env)
{
	SY_ASSERT(pool->in_use == 0);
	sy_pool_trim(pool, env);
}

void *sy_pool_more(struct sy_pool *pool, const struct sy_env *env)
{
	void *block = env->alloc(env->ctx, NULL, 0, pool->block);
	if (block)
		pool->in_use++;
	return block;
}

void sy_payload_heap_init(struct sy_payload_heap *heap)
{
	sy_pool_init(&heap->small, sizeof(struct sy_payload) + SY_LIMIT_SMALL_PAYLOAD, SY_LIMIT_PAYLOADS_KEPT);
}

void sy_payload_heap_fini(struct sy_payload_heap *heap, const struct sy_env *env)
{
	sy_pool_fini(&heap->small, env);
}

static bool payload_is_small(size_t len)
{
	return len <= SY_LIMIT_SMALL_PAYLOAD;
}

struct sy_payload *sy_payload_new(struct sy_payload_heap *heap, const struct sy_env *env, struct sy_span bytes)
{
	struct sy_payload *p;
	if (bytes.len > UINT32_MAX - sizeof *p)
		return NULL;
	p = payload_is_small(bytes.len) ? sy_pool_take(&heap->small, env) : env->alloc(env->ctx, NULL, 0, sizeof *p + bytes.len);
	if (!p)
		return NULL;
	p->refs = 1;
	p->len = (uint32_t)bytes.len;
	if (bytes.len)
		memcpy(p->bytes, bytes.ptr, bytes.len);
	return p;
}

void sy_payload_free(struct sy_payload_heap *heap, const struct sy_env *env, struct sy_payload *p)
{
	SY_ASSERT(p->refs == 0);
	if (payload_is_small(p->len))
		sy_pool_give(&heap->small, env, p);
	else
		sy_mem_free(env, p, sizeof *p + p->len);
}
