#include "sim/lua/index.h"

#include <stdlib.h>

static void put(struct index *x, uint64_t hash, uint32_t number)
{
	uint32_t i = (uint32_t)hash & (x->cap - 1);
	while (x->slots[i])
		i = (i + 1) & (x->cap - 1);
	x->slots[i] = number + 1;
}

bool index_add(struct index *x, uint64_t hash, uint32_t number, uint64_t (*hash_of)(const void *ctx, uint32_t number), const void *ctx)
{
	if (2 * (x->used + 1) > x->cap) {
		struct index grown = {.cap = x->cap ? x->cap * 2 : 64, .used = x->used};
		grown.slots = calloc(grown.cap, sizeof *grown.slots);
		if (!grown.slots)
			return false;
		for (uint32_t i = 0; i < x->cap; i++)
			if (x->slots[i])
				put(&grown, hash_of(ctx, x->slots[i] - 1), x->slots[i] - 1);
		free(x->slots);
		*x = grown;
	}
	put(x, hash, number);
	x->used++;
	return true;
}

bool index_next(const struct index *x, uint64_t hash, uint32_t *at, uint32_t *number)
{
	if (x->cap == 0)
		return false;
	uint32_t i = ((uint32_t)hash + (*at)++) & (x->cap - 1);
	if (!x->slots[i])
		return false;
	*number = x->slots[i] - 1;
	return true;
}

void index_fini(struct index *x)
{
	free(x->slots);
	*x = (struct index){0};
}
