#include "core/base/mem.h"
#include "core/pex/state.h"

#include <string.h>

static enum sy_err parse_one(struct sy_pex *pex, const char *text, struct pex_seed *seed)
{
	char host[SY_HOST_TEXT];
	enum sy_err err = text ? sy_netaddr_parse(text, &seed->addr, host) : SY_ADDR_INVALID;
	seed->resolved = err == SY_OK;
	if (err != SY_ADDR_NEEDS_DNS)
		return err ? SY_INVALID : SY_OK;
	size_t n = strlen(host) + 1;
	seed->host = sy_mem_new(pex->env, n);
	if (!seed->host)
		return SY_NO_MEMORY;
	memcpy(seed->host, host, n);
	return SY_OK;
}

enum sy_err pex_seeds_parse(struct sy_pex *pex, const struct sy_config *config)
{
	if (!config->num_seeds)
		return SY_OK;
	if (config->num_seeds > SY_LIMIT_SEEDS)
		return SY_INVALID;
	pex->seeds = sy_mem_new(pex->env, config->num_seeds * sizeof *pex->seeds);
	if (!pex->seeds)
		return SY_NO_MEMORY;
	pex->num_seeds = (uint32_t)config->num_seeds;
	enum sy_err err = SY_OK;
	for (uint32_t i = 0; !err && i < pex->num_seeds; i++)
		err = parse_one(pex, config->seeds[i], &pex->seeds[i]);
	return err;
}

void pex_seeds_fini(struct sy_pex *pex)
{
	for (uint32_t i = 0; i < pex->num_seeds; i++)
		if (pex->seeds[i].host)
			sy_mem_free(pex->env, pex->seeds[i].host, strlen(pex->seeds[i].host) + 1);
	sy_mem_free(pex->env, pex->seeds, pex->num_seeds * sizeof *pex->seeds);
	pex->seeds = NULL;
	pex->num_seeds = 0;
}

bool pex_seeds_has(const struct sy_pex *pex, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < pex->num_seeds; i++)
		if (pex->seeds[i].resolved && pex_same_addr(&pex->seeds[i].addr, addr))
			return true;
	return false;
}

/* Upstream does not start when no seed has an address and the book is empty. Source: protocol.md 5.3. */
static enum sy_err verdict(const struct sy_pex *pex)
{
	for (uint32_t i = 0; i < pex->num_seeds; i++)
		if (pex->seeds[i].resolved)
			return SY_OK;
	return pex->num_seeds && sy_book_counts(pex->book).total == 0 ? SY_NO_SEEDS : SY_OK;
}

/* Upstream resolves once, here, and waits for it. Ours starts, and resolves whenever it wants to dial (D-17). */
enum sy_err pex_seeds_start(struct sy_pex *pex, struct sy_ctx *ctx)
{
	if (pex->policy->resolve_on_redial)
		return SY_OK;
	for (uint32_t i = 0; i < pex->num_seeds; i++)
		if (pex->seeds[i].host && sy_ctx_resolve(ctx, pex->seeds[i].host, i) == SY_OK)
			pex->lookups_left++;
	return pex->lookups_left ? SY_AGAIN : verdict(pex);
}

static void try_next(struct sy_pex *pex, struct sy_ctx *ctx);

/* A name with several addresses: the next one at each look-up (D-17). */
void pex_seeds_resolved(struct sy_pex *pex, struct sy_ctx *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n)
{
	if (token >= pex->num_seeds)
		return;
	struct pex_seed *seed = &pex->seeds[token];
	if (n) {
		memcpy(seed->addr.ip, addrs[seed->lookups % n].ip, sizeof seed->addr.ip);
		seed->resolved = true;
		seed->lookups++;
		seed->answers = (uint32_t)n;
	}
	if (pex->lookups_left) {
		enum sy_err err = --pex->lookups_left ? SY_AGAIN : verdict(pex);
		if (err == SY_AGAIN)
			return;
		sy_ctx_started(ctx, err);
		if (err == SY_OK)
			pex_run(pex, ctx);
	} else if (pex->stage == PEX_SEEDS_LOOKUP && pex->order[pex->order_at] == token) {
		pex->stage = PEX_SEEDS_DIAL;
		try_next(pex, ctx);
	}
}

static void next_seed(struct sy_pex *pex)
{
	pex->order_at++;
	pex->tried = 0;
}

/* A dial failed: the seed's other addresses have their turn first, each once, the name looked up again for it. */
static void next_address(struct sy_pex *pex)
{
	const struct pex_seed *seed = &pex->seeds[pex->order[pex->order_at]];
	bool another = seed->host && pex->policy->resolve_on_redial && pex->tried + 1u < seed->answers;
	if (another)
		pex->tried++;
	else
		next_seed(pex);
}

/*
 * Tries the seed at order_at, then those behind it, until one is being dialled, looked up, or connected already. In
 * stage PEX_SEEDS_DIAL the current one has just been looked up. Source: protocol.md 5.6, dialSeeds.
 */
static void try_next(struct sy_pex *pex, struct sy_ctx *ctx)
{
	for (; pex->order_at < pex->num_seeds; next_seed(pex)) {
		uint32_t which = pex->order[pex->order_at];
		struct pex_seed *seed = &pex->seeds[which];
		bool looked_up = pex->stage == PEX_SEEDS_DIAL;
		pex->stage = PEX_SEEDS_IDLE;
		if (seed->host && pex->policy->resolve_on_redial && !looked_up) {
			if (sy_ctx_resolve(ctx, seed->host, which) == SY_OK) {
				pex->stage = PEX_SEEDS_LOOKUP;
				return;
			}
		}
		if (!seed->resolved)
			continue;
		enum sy_err err = sy_ctx_dial(ctx, &seed->addr);
		if (err == SY_OK)
			pex->stage = PEX_SEEDS_DIAL;
		if (err == SY_OK || err == SY_DIALLING_OR_CONNECTED)
			return;
	}
	pex->stage = PEX_SEEDS_IDLE;
}

void pex_seeds_dial(struct sy_pex *pex, struct sy_ctx *ctx)
{
	if (pex->stage != PEX_SEEDS_IDLE || !pex->num_seeds)
		return;
	for (uint32_t i = 0; i < pex->num_seeds; i++)
		pex->order[i] = (uint8_t)i;
	for (uint32_t i = pex->num_seeds - 1; i > 0; i--) {
		uint64_t j = sy_rng_below(&pex->seeds_rng, pex->env, i + 1);
		uint8_t swap = pex->order[i];
		pex->order[i] = pex->order[j];
		pex->order[j] = swap;
	}
	pex->order_at = 0;
	pex->tried = 0;
	try_next(pex, ctx);
}

bool pex_seeds_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err)
{
	if (pex->stage != PEX_SEEDS_DIAL || !pex_same_addr(&pex->seeds[pex->order[pex->order_at]].addr, addr))
		return false;
	pex->stage = PEX_SEEDS_IDLE;
	if (err && err != SY_DIALLING_OR_CONNECTED) {
		next_address(pex);
		try_next(pex, ctx);
	}
	return true;
}
