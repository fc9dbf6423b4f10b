/*
 * A seed's inbound slots (D-33). Who has been answered is sent away by messages.c; here is who does not ask: it may stay for
 * seed_disconnect_wait_period, but when the slots are nearly full those who have been there longest make room, so that a
 * newcomer finds a slot. Who has shown that it does not ask is the first to go when it comes again.
 */
#include "core/pex/state.h"

#define GRACE_NS (5 * PEX_SECOND)       /* to ask, to read the answer: more than a round trip or two */
#define REMEMBER_NS (3600 * PEX_SECOND) /* that somebody held a slot for nothing */

/* A quarter is kept free: more handshakes than one may end within a round trip. */
static bool nearly_full(const struct sy_pex *pex, const struct sy_ctx *ctx)
{
	return sy_ctx_counts(ctx).inbound > pex->max_inbound - pex->max_inbound / 4;
}

/* Not who is promised a place, who is going, or who is just being answered. */
static bool may_go(struct sy_pex *pex, const struct sy_peer *peer, uint64_t now_ns)
{
	const struct pex_peer *p = pex_peer_find(pex, peer->ref);
	if (!p || peer->outbound || peer->persistent || peer->unconditional || p->flags & PEX_LEAVING)
		return false;
	return !p->heard || now_ns - peer->connected_at_ns >= GRACE_NS;
}

static bool oldest(struct sy_pex *pex, const struct sy_ctx *ctx, struct sy_ref *ref)
{
	struct sy_peer peer;
	uint64_t since_ns = UINT64_MAX;
	for (uint32_t i = 0; sy_ctx_peer_at(ctx, i, &peer) == SY_OK; i++) {
		if (peer.connected_at_ns >= since_ns || !may_go(pex, &peer, sy_ctx_now_ns(ctx)))
			continue;
		since_ns = peer.connected_at_ns;
		*ref = peer.ref;
	}
	return since_ns != UINT64_MAX;
}

static bool was_silent(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_id *id)
{
	uint8_t key[PEX_KEY];
	pex_key_of_id(id, key);
	const struct pex_record *r = pex_records_find(pex, &pex->verify->silent, key);
	return r && sy_ctx_now_ns(ctx) - r->last_ns < REMEMBER_NS;
}

void pex_slots_came(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct sy_ref ref = peer->ref;
	if (!pex->policy->seed_makes_room || !nearly_full(pex, ctx))
		return;
	bool first = may_go(pex, peer, sy_ctx_now_ns(ctx)) && was_silent(pex, ctx, &peer->id);
	if (!first && !oldest(pex, ctx, &ref))
		return;
	pex->counts.made_room++;
	pex_stop_peer(pex, ctx, ref, SY_SEED_DONE);
}

void pex_slots_went(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_peer *peer)
{
	uint8_t key[PEX_KEY];
	const struct pex_peer *p = pex_peer_find(pex, peer->ref);
	if (!p || peer->outbound || p->heard || sy_ctx_now_ns(ctx) - peer->connected_at_ns < GRACE_NS)
		return;
	pex_key_of_id(&peer->id, key);
	struct pex_record *r = pex_records_get(pex, &pex->verify->silent, key, SY_LIMIT_SILENT);
	if (!r)
		return;
	r->count = 1;
	r->last_ns = sy_ctx_now_ns(ctx);
}

/* Whoever stayed long enough goes. Source: protocol.md 5.7. */
void pex_slots_tick(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	struct sy_peer peer;
	for (uint32_t i = 0; sy_ctx_peer_at(ctx, i, &peer) == SY_OK; i++)
		if (!peer.persistent && now_ns - peer.connected_at_ns >= pex->wait_ns)
			pex_stop_peer(pex, ctx, peer.ref, SY_STOPPED);
	pex_records_prune(pex, &pex->verify->silent, now_ns > REMEMBER_NS ? now_ns - REMEMBER_NS : 0);
}
