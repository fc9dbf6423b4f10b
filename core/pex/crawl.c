/* The crawl of upstream's seeds, one dial after the other. Ours: verify.c. Source: protocol.md 5.7. */
#include "core/pex/state.h"

#include <string.h>

#define CRAWL_AGAIN_NS (120 * PEX_SECOND)
#define CRAWL_FORGET_NS (24 * 3600 * PEX_SECOND)

bool pex_crawl_is_dialling(const struct sy_pex *pex, const struct sy_id *id)
{
	return pex->crawl_dials && memcmp(&pex->crawling, id, sizeof *id) == 0;
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
	while (pex->queue_at < pex->queue_len && !pex->crawl_dials) {
		const struct sy_netaddr *addr = &pex->queue[pex->queue_at++];
		if (!is_due(pex, ctx, &addr->id))
			continue;
		pex->crawl_dials = pex_dial(pex, ctx, addr) == SY_OK;
		pex->crawling = addr->id;
	}
}

static bool is_over(const struct sy_pex *pex)
{
	return pex->queue_at == pex->queue_len && !pex->crawl_dials;
}

void pex_crawl_begin(struct sy_pex *pex, struct sy_ctx *ctx)
{
	pex->queue_len = (uint32_t)sy_book_selection(pex->book, pex->queue);
	pex->queue_at = 0;
	advance(pex, ctx);
}

/* Whoever stayed long enough goes. Source: protocol.md 5.7. */
static void disconnect_old(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	struct sy_peer peer;
	for (uint32_t i = 0; sy_ctx_peer_at(ctx, i, &peer) == SY_OK; i++)
		if (!peer.persistent && now_ns - peer.connected_at_ns >= pex->wait_ns)
			sy_ctx_stop_peer(ctx, peer.ref, SY_STOPPED);
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
	pex_crawl_begin(pex, ctx);
	pex_records_prune(pex, &pex->crawled, now_ns > CRAWL_FORGET_NS ? now_ns - CRAWL_FORGET_NS : 0);
}

void pex_crawl_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	if (!pex_crawl_is_dialling(pex, &addr->id))
		return;
	pex->crawl_dials = false;
	advance(pex, ctx);
	if (is_over(pex) && pex->crawl_again)
		pex_crawl_tick(pex, ctx);
}
