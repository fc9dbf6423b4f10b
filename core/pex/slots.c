/*
 * A seed's inbound slots (D-33). Who has been answered is sent away by messages.c; here is who does not ask: it may stay for
 * seed_disconnect_wait_period, but when the slots are nearly full those who have been there longest make room, so that a
 * newcomer finds a slot. They are remembered by their IP: while there is no room for more of them they are refused before the
 * handshake, for a CometBFT node that gets through it and is then sent away comes back at once, and one that does not, waits.
 * So is an IP that has had its fill of answers: a node with the seed among its persistent peers asks again and again.
 */
#include "core/pex/state.h"
#include "core/wire/addr_class.h"

#include <string.h>

#define GRACE_NS (5 * PEX_SECOND) /* to ask, to read the answer: more than a round trip or two */
#define REMEMBER_S 3600u          /* that somebody held a slot for nothing */
#define ANSWERS 64u               /* to one IP within ANSWERS_NS: many nodes may share it */
#define ANSWERS_NS (10 * PEX_SECOND)
#define REMEMBER_SHORT_S 60u /* that he lost it before he had the time to ask */

/* A quarter is kept free: more handshakes than one may end within a round trip. */
static uint32_t room(const struct sy_pex *pex)
{
	return pex->max_inbound - pex->max_inbound / 4;
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

/* One host: an IPv4 address or an IPv6 /64, as in core/switch/limits.c. */
static void key_of_ip(const uint8_t ip[16], uint8_t key[PEX_KEY])
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
	memset(key, 0, PEX_KEY);
	memcpy(key, ip, memcmp(ip, v4, sizeof v4) == 0 ? 16 : 8);
}

enum sy_err pex_slots_accept(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_netaddr *from)
{
	uint8_t key[PEX_KEY];
	if (!pex->policy->seed_makes_room)
		return SY_OK;
	key_of_ip(from->ip, key);
	const struct pex_record *r = pex_records_find(pex, &pex->verify->answered, key);
	if (r && r->count >= ANSWERS && sy_ctx_now_ns(ctx) - r->last_ns < ANSWERS_NS)
		return SY_RATE_LIMITED;
	/* Behind a proxy or a NAT everybody has one address that is not routable: what one of them did is not held against the others. */
	if (sy_ctx_counts(ctx).inbound < room(pex) || !sy_ip_routable(from))
		return SY_OK;
	r = pex_records_find(pex, &pex->verify->silent, key);
	return r && sy_ctx_now_ns(ctx) - r->last_ns < r->count * PEX_SECOND ? SY_INBOUND_FULL : SY_OK;
}

void pex_slots_came(struct sy_pex *pex, struct sy_ctx *ctx)
{
	struct sy_ref ref;
	if (!pex->policy->seed_makes_room || sy_ctx_counts(ctx).inbound <= room(pex) || !oldest(pex, ctx, &ref))
		return;
	pex->counts.made_room++;
	pex_stop_peer(pex, ctx, ref, SY_SEED_DONE);
}

/* Where somebody asks, others may. */
void pex_slots_asked(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_peer *peer)
{
	uint8_t key[PEX_KEY];
	key_of_ip(peer->socket_addr.ip, key);
	pex_records_drop(pex, &pex->verify->silent, key);
	struct pex_record *r = pex_records_get(pex, &pex->verify->answered, key, SY_LIMIT_SILENT);
	if (!r)
		return;
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	if (!r->count || now_ns - r->last_ns >= ANSWERS_NS) {
		r->count = 0;
		r->last_ns = now_ns;
	}
	r->count++;
}

void pex_slots_went(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_peer *peer)
{
	uint8_t key[PEX_KEY];
	const struct pex_peer *p = pex_peer_find(pex, peer->ref);
	bool had_time = sy_ctx_now_ns(ctx) - peer->connected_at_ns >= GRACE_NS;
	if (!p || peer->outbound || p->heard || !(had_time || p->flags & PEX_LEAVING))
		return;
	key_of_ip(peer->socket_addr.ip, key);
	struct pex_record *r = pex_records_get(pex, &pex->verify->silent, key, SY_LIMIT_SILENT);
	if (!r)
		return;
	if (!r->count || had_time)
		r->count = had_time ? REMEMBER_S : REMEMBER_SHORT_S;
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
	uint64_t hour_ns = REMEMBER_S * PEX_SECOND;
	pex_records_prune(pex, &pex->verify->silent, now_ns > hour_ns ? now_ns - hour_ns : 0);
	pex_records_prune(pex, &pex->verify->answered, now_ns > ANSWERS_NS ? now_ns - ANSWERS_NS : 0);
}
