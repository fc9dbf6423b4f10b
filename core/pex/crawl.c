#include "core/pex/state.h"

#include <string.h>

/* Source: protocol.md 5.7. */
#define CRAWL_AGAIN_NS (120 * PEX_SECOND)
#define CRAWL_FORGET_NS (24 * 3600 * PEX_SECOND)

/* Upstream dials one at a time. A seed that answers for what it hands out has to look at more than that (D-26). */
static uint32_t dials_at_once(const struct sy_pex *pex)
{
	return pex->policy->seed_serves_verified ? SY_LIMIT_CRAWL_DIALS : 1;
}

bool pex_crawl_is_dialling(const struct sy_pex *pex, const struct sy_id *id)
{
	for (uint32_t i = 0; i < pex->crawl_dials; i++)
		if (memcmp(&pex->crawling[i], id, sizeof *id) == 0)
			return true;
	return false;
}

/* True when the id is due, which is noted as a crawl. */
static bool is_due(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_id *id)
{
	uint8_t key[PEX_KEY];
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	pex_key_of_id(id, key);
	struct pex_record *r = pex_records_get(pex, &pex->crawled, key, SY_LIMIT_DIAL_RECORDS);
	if (!r || (r->count && now_ns - r->last_ns < CRAWL_AGAIN_NS))
		return false;
	r->count = 1;
	r->last_ns = now_ns;
	return true;
}

static void advance(struct sy_pex *pex, struct sy_ctx *ctx)
{
	while (pex->queue_at < pex->queue_len && pex->crawl_dials < dials_at_once(pex)) {
		const struct sy_netaddr *addr = &pex->queue[pex->queue_at++];
		if (!is_due(pex, ctx, &addr->id))
			continue;
		enum sy_err err = pex_dial(pex, ctx, addr);
		if (err == SY_OK)
			pex->crawling[pex->crawl_dials++] = addr->id;
	}
}

static bool is_over(const struct sy_pex *pex)
{
	return pex->queue_at == pex->queue_len && pex->crawl_dials == 0;
}

void pex_crawl_begin(struct sy_pex *pex, struct sy_ctx *ctx)
{
	pex->queue_len = (uint32_t)sy_book_selection(pex->book, pex->queue);
	pex->queue_at = 0;
	advance(pex, ctx);
}

/* Whoever stayed long enough goes; a crawled peer that never answers has had its time after one period. Source: protocol.md 5.7. */
static void disconnect_old(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	struct sy_peer peer;
	for (uint32_t i = 0; sy_ctx_peer_at(ctx, i, &peer) == SY_OK; i++) {
		const struct pex_peer *p = pex_peer_find(pex, peer.ref);
		bool crawled = p && p->flags & PEX_CRAWLED && pex->policy->seed_serves_verified;
		uint64_t wait = crawled && pex->period_ns < pex->wait_ns ? pex->period_ns : pex->wait_ns;
		if (!peer.persistent && now_ns - peer.connected_at_ns >= wait)
			sy_ctx_stop_peer(ctx, peer.ref, SY_STOPPED);
	}
}

void pex_crawl_tick(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	if (!is_over(pex)) {
		pex->crawl_again = true; /* upstream's routine is busy, and one tick waits for it */
		return;
	}
	pex->crawl_again = false;
	disconnect_old(pex, ctx);
	if (pex->policy->reinstate_works)
		sy_book_reinstate(pex->book, sy_ctx_wall_s(ctx));
	pex_crawl_begin(pex, ctx);
	pex_records_prune(pex, &pex->crawled, now_ns > CRAWL_FORGET_NS ? now_ns - CRAWL_FORGET_NS : 0);
}

bool pex_crawl_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < pex->crawl_dials; i++) {
		if (memcmp(&pex->crawling[i], &addr->id, sizeof addr->id) != 0)
			continue;
		pex->crawling[i] = pex->crawling[--pex->crawl_dials];
		advance(pex, ctx);
		if (is_over(pex) && pex->crawl_again)
			pex_crawl_tick(pex, ctx);
		return true;
	}
	return false;
}
