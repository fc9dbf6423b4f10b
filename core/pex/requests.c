#include "core/pex/state.h"
#include "core/wire/pexmsg.h"

#include <string.h>

/*
 * Asks a peer that has not been asked yet or has answered. Upstream keeps the mark when the message could not be sent, and so
 * never asks that peer again; ours asks again later. Source: protocol.md 5.4, 9.2 (22); D-19.
 */
void pex_request(struct sy_pex *pex, struct sy_ctx *ctx, struct sy_ref peer)
{
	struct pex_peer *p = pex_peer_find(pex, peer);
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	if (!p || p->flags & PEX_ASKED || (p->tried && now_ns - p->asked_ns < pex->policy->min_request_gap_ns))
		return;
	struct sy_span request = {(const uint8_t *)SY_PEX_REQUEST_BYTES, sizeof SY_PEX_REQUEST_BYTES - 1};
	enum sy_err err = sy_ctx_try_send(ctx, peer, SY_PEX_CHANNEL, request);
	if (err == SY_OK || !pex->policy->keep_learning)
		p->flags |= PEX_ASKED;
	p->tried = 1;
	pex->counts.asked += err == SY_OK;
	p->asked_ns = now_ns;
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_PEX_REQUEST, .err = err, .conn = peer, .a = 0});
}

void pex_ask_one(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint32_t total = sy_ctx_counts(ctx).total;
	struct sy_peer peer;
	if (!total)
		return;
	uint64_t n = sy_rng_below(&pex->rng, pex->env, total);
	if (sy_ctx_peer_at(ctx, (uint32_t)n, &peer) == SY_OK)
		pex_request(pex, ctx, peer.ref);
}

/* Of the peers that may be asked the one that was asked longest ago; among equals the first one behind a random place. */
static bool next_to_ask(struct sy_pex *pex, struct sy_ctx *ctx, uint32_t total, struct sy_ref *best)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx), oldest = UINT64_MAX;
	uint32_t start = (uint32_t)sy_rng_below(&pex->rng, pex->env, total);
	for (uint32_t i = 0; i < total; i++) {
		struct sy_peer peer;
		if (sy_ctx_peer_at(ctx, (start + i) % total, &peer))
			continue;
		const struct pex_peer *p = pex_peer_find(pex, peer.ref);
		if (!p || p->flags & PEX_ASKED || (p->tried && now_ns - p->asked_ns < pex->policy->min_request_gap_ns))
			continue;
		uint64_t asked = p->tried ? p->asked_ns + 1 : 0;
		if (asked < oldest) {
			oldest = asked;
			*best = peer.ref;
		}
	}
	return oldest != UINT64_MAX;
}

/* Of a hundred addresses that the last answers brought, how many were new; 100 while there are few answers to judge by. */
static uint32_t yield_percent(const struct pex_learning *l)
{
	uint32_t got = 0, fresh = 0;
	if (l->filled < PEX_ANSWERS)
		return 100;
	for (uint32_t i = 0; i < PEX_ANSWERS; i++) {
		got += l->got[i];
		fresh += l->fresh[i];
	}
	return got ? fresh * 100 / got : 0;
}

bool pex_learning_stalled(const struct sy_pex *pex)
{
	return yield_percent(&pex->learning) < 1;
}

/*
 * While much is new: the policy's number each period. Later one every second period; when nothing is new any more, one after
 * ever longer pauses, up to ten periods.
 */
static uint32_t peers_to_ask(struct sy_pex *pex)
{
	struct pex_learning *l = &pex->learning;
	uint32_t yield = yield_percent(l);
	if (yield >= PEX_YIELD_HIGH)
		return pex->policy->requests_per_period;
	if (++l->quiet_periods < (yield ? 2 : l->pause))
		return 0;
	l->quiet_periods = 0;
	if (!yield)
		l->pause = (uint8_t)(2u * l->pause + 1u < PEX_PAUSE_MAX ? 2u * l->pause + 1u : PEX_PAUSE_MAX);
	return 1;
}

void pex_ask_some(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint32_t total = sy_ctx_counts(ctx).total;
	for (uint32_t n = total ? peers_to_ask(pex) : 0; n; n--) {
		struct sy_ref ref;
		if (!next_to_ask(pex, ctx, total, &ref))
			return;
		pex_request(pex, ctx, ref);
	}
}

/* When nothing was new for long and an answer brings something after all, the network has changed: it is learnt anew. */
void pex_learned(struct sy_pex *pex, uint32_t got, uint32_t fresh)
{
	struct pex_learning *l = &pex->learning;
	if (fresh && fresh * 50 >= got) {
		if (pex_learning_stalled(pex))
			memset(l, 0, sizeof *l);
		l->pause = 0;
	}
	l->got[l->next] = (uint16_t)got;
	l->fresh[l->next] = (uint16_t)fresh;
	l->next = (uint8_t)((l->next + 1) % PEX_ANSWERS);
	if (l->filled < PEX_ANSWERS)
		l->filled++;
}
