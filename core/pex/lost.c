/*
 * Outbound peers that a fault took away (D-32). When a network falls apart and heals, each part has filled its slots from
 * its own by then, and nobody dials across: the parts would stay apart for ever. So a node with full slots tries, one a
 * tick, the peers that it lost; who answers takes the place of another.
 */
#include "core/pex/state.h"

#include <string.h>

#define AGAIN_NS (60 * PEX_SECOND) /* between two tries of one address */

static void drop(struct pex_lost *l, uint32_t i)
{
	l->n--;
	memmove(&l->addr[i], &l->addr[i + 1], (l->n - i) * sizeof l->addr[0]);
	memmove(&l->tried_ns[i], &l->tried_ns[i + 1], (l->n - i) * sizeof l->tried_ns[0]);
}

static uint32_t find(const struct pex_lost *l, const struct sy_netaddr *addr)
{
	uint32_t i = 0;
	while (i < l->n && memcmp(&l->addr[i].id, &addr->id, sizeof addr->id) != 0)
		i++;
	return i;
}

/* Faults of the line, not of the peer: who broke a rule is not missed. */
static bool is_missed(enum sy_err reason)
{
	return reason == SY_PEER_PONG_TIMEOUT || reason == SY_PEER_CLOSED || reason == SY_PEER_RESET || reason == SY_UNREACHABLE ||
	       reason == SY_IO;
}

void pex_lost_add(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason)
{
	struct pex_lost *l = &pex->lost;
	if (!pex->policy->redials_lost || pex->seed_mode || !peer->outbound || peer->persistent || !is_missed(reason))
		return;
	if (pex_seeds_has(pex, &peer->socket_addr) || find(l, &peer->socket_addr) < l->n)
		return;
	if (l->n == PEX_LOST)
		drop(l, 0);
	l->addr[l->n] = peer->socket_addr;
	l->tried_ns[l->n++] = sy_ctx_now_ns(ctx);
}

void pex_lost_try(struct sy_pex *pex, struct sy_ctx *ctx)
{
	struct pex_lost *l = &pex->lost;
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	for (uint32_t i = 0; i < l->n;) {
		if (sy_ctx_is_dialling_or_connected(ctx, &l->addr[i]) || !sy_book_has(pex->book, &l->addr[i].id)) {
			drop(l, i);
			continue;
		}
		if (now_ns - l->tried_ns[i] >= AGAIN_NS) {
			struct sy_netaddr addr = l->addr[i];
			if (sy_ctx_swap(ctx, &addr) != SY_OK)
				return;
			drop(l, i); /* to the end: the others come first */
			l->addr[l->n] = addr;
			l->tried_ns[l->n++] = now_ns;
			return;
		}
		i++;
	}
}

/* A failed try is no attempt of the book: else a peer that is away for an hour would be banned for a day. */
bool pex_lost_dialled(struct sy_pex *pex, const struct sy_netaddr *addr, enum sy_err err)
{
	uint32_t i = find(&pex->lost, addr);
	if (i == pex->lost.n)
		return false;
	if (err == SY_OK)
		drop(&pex->lost, i);
	return err != SY_OK && err != SY_PEER_WRONG_ID;
}
