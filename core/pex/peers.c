#include "core/base/mem.h"
#include "core/pex/state.h"

#include <string.h>

bool pex_peer_init(struct sy_pex *pex, struct sy_ref ref)
{
	void *peers = pex->peers;
	if (ref.slot >= SY_LIMIT_CONNS || !sy_mem_grow(pex->env, &peers, &pex->peers_cap, ref.slot + 1, sizeof *pex->peers))
		return false;
	pex->peers = peers;
	memset(&pex->peers[ref.slot], 0, sizeof *pex->peers);
	pex->peers[ref.slot].gen = ref.gen;
	return true;
}

struct pex_peer *pex_peer_find(struct sy_pex *pex, struct sy_ref ref)
{
	if (ref.slot >= pex->peers_cap || ref.gen == 0 || pex->peers[ref.slot].gen != ref.gen)
		return NULL;
	return &pex->peers[ref.slot];
}

void pex_peer_forget(struct sy_pex *pex, struct sy_ref ref)
{
	struct pex_peer *p = pex_peer_find(pex, ref);
	if (p)
		memset(p, 0, sizeof *p);
}

void pex_stop_peer(struct sy_pex *pex, struct sy_ctx *ctx, struct sy_ref ref, enum sy_err reason)
{
	struct pex_peer *p = pex_peer_find(pex, ref);
	if (!p || p->flags & PEX_LEAVING)
		return;
	p->flags |= PEX_LEAVING;
	sy_ctx_stop_peer(ctx, ref, reason);
}

static bool unspecified(const uint8_t ip[16])
{
	static const uint8_t v6[16], v4[16] = {[10] = 0xff, [11] = 0xff};
	return memcmp(ip, v6, sizeof v6) == 0 || memcmp(ip, v4, sizeof v4) == 0;
}

/*
 * Most nodes advertise 0.0.0.0, the default of their configuration. Upstream then knows of no address at all; the IP that we see
 * and the port that they advertise are where they can be reached unless a translator is between (D-24). Who advertises no port
 * either (a crawler) listens nowhere.
 */
bool pex_peer_listens(const struct sy_pex *pex, const struct sy_peer *peer, struct sy_netaddr *addr)
{
	*addr = peer->reported_addr;
	if (addr->flags == 0)
		return false;
	if (!pex->policy->use_observed_ip || !unspecified(addr->ip))
		return true;
	memcpy(addr->ip, peer->socket_addr.ip, sizeof addr->ip);
	return addr->port != 0;
}
