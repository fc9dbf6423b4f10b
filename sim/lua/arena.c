#include "sim/lua/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536u

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *a)
{
	*a = (struct arena){.limit = ARENA_LIMIT};
}

void arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;
		free(a->blocks);
		a->blocks = next;
	}
}

static struct arena_block *block_new(struct arena *a, size_t size)
{
	size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	if (cap > a->limit - a->bytes)
		return NULL;
	struct arena_block *b = calloc(1, sizeof *b + cap);
	if (!b)
		return NULL;
	a->bytes += cap;
	b->cap = cap;
	/* A block of one large thing goes behind the one being filled, so that its rest is not lost. */
	if (a->blocks && size > BLOCK_BYTES) {
		b->next = a->blocks->next;
		a->blocks->next = b;
	} else {
		b->next = a->blocks;
		a->blocks = b;
	}
	return b;
}

void *arena_new(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t);
	size = (size + align - 1) / align * align;
	struct arena_block *b = a->blocks;
	if (!b || b->cap - b->used < size)
		b = block_new(a, size);
	if (!b)
		return NULL;
	void *p = b->bytes + b->used;
	b->used += size;
	return p;
}

char *arena_text(struct arena *a, const char *text, size_t len)
{
	char *p = arena_new(a, len + 1);
	if (p)
		memcpy(p, text, len);
	return p;
}

char *arena_format(struct arena *a, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return NULL;
	char *p = arena_new(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(args, format);
	vsnprintf(p, (size_t)n + 1, format, args);
	va_end(args);
	return p;
}

bool vec_grow(void **array, size_t *cap, size_t need, size_t elem)
{
	if (need <= *cap)
		return true;
	size_t n = *cap ? *cap : 8;
	while (n < need)
		n *= 2;
	void *p = realloc(*array, n * elem);
	if (!p)
		return false;
	*array = p;
	*cap = n;
	return true;
}
