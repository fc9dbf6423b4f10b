/* Pooled blocks of two sizes. What is given back is kept for the next taker, so that a steady state allocates nothing. */
#include <stdlib.h>

#include "sim/net/internal.h"

struct chunk *chunk_take(struct sim_net *net, bool large)
{
	struct chunk **pool = large ? &net->free_large : &net->free_small;
	struct chunk *c = *pool;
	if (c) {
		*pool = c->next;
	} else {
		uint32_t cap = large ? LARGE_BYTES : SMALL_BYTES;
		c = malloc(sizeof *c + cap);
		if (!c) {
			return NULL;
		}
		c->cap = cap;
	}
	c->next = NULL;
	c->at_ns = 0;
	c->len = 0;
	c->off = 0;
	c->downlinks = 0;
	return c;
}

void chunk_give(struct sim_net *net, struct chunk *c)
{
	struct chunk **pool = c->cap == LARGE_BYTES ? &net->free_large : &net->free_small;
	c->next = *pool;
	*pool = c;
}

static void free_list(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;
		free(c);
		c = next;
	}
}

void chunks_fini(struct sim_net *net)
{
	free_list(net->free_small);
	free_list(net->free_large);
}
