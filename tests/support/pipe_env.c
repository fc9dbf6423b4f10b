/* The environment of the nodes of a pipe_net: memory that is counted and fails on demand, randomness by names. */
#include "core/base/hash.h"
#include "tests/support/pipe_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pn_die(const char *why)
{
	fprintf(stderr, "pipe_net: %s\n", why);
	abort();
}

static void *counted_alloc(void *ctx, void *old, size_t old_size, size_t new_size)
{
	struct pn_memory *m = &((struct pn_node *)ctx)->memory;
	if (new_size == 0) {
		m->bytes -= old ? old_size : 0;
		free(old);
		return NULL;
	}
	m->allocations++;
	if (m->fail_at && --m->fail_at == 0) {
		m->failed++;
		m->fail_at = m->fail_for_ever ? 1 : 0;
		return NULL;
	}
	void *p = realloc(old, new_size);
	m->bytes += new_size - (old ? old_size : 0);
	m->peak = m->bytes > m->peak ? m->bytes : m->peak;
	return p;
}

void *pn_plain_alloc(void *ctx, void *old, size_t old_size, size_t new_size)
{
	(void)ctx;
	(void)old_size;
	if (new_size == 0) {
		free(old);
		return NULL;
	}
	return realloc(old, new_size);
}

static void keyed_rand(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	const struct pn_node *node = ctx;
	uint64_t h = sy_mix64(node->net->seed ^ sy_mix64((uint64_t)purpose ^ sy_mix64(entity ^ sy_mix64(counter + 1))));
	uint8_t *p = buf;
	for (size_t i = 0; i < n; i++) {
		if (i % 8 == 0)
			h = sy_mix64(h + 0x9e3779b97f4a7c15ull);
		p[i] = (uint8_t)(h >> (8 * (i % 8)));
	}
}

const struct sy_crypto *pn_crypto(void)
{
	return sy_crypto_real();
}

void pn_env_fill(struct pn_node *n)
{
	n->env.ctx = n;
	n->env.rand = keyed_rand;
	n->env.alloc = counted_alloc;
	n->env.crypto = pn_crypto();
	n->env.addrs = n->net->addrs;
}
