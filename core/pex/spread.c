/*
 * Outbound peers are spread over networks (D-38). One lease of addresses can be most of a book; if places were given by lot, it
 * would be most of the outbound peers. So of two addresses that failed as often, the one whose network (/16, IPv6 /32) has
 * no outbound peer yet comes first. It is a preference: whoever knows nothing else takes what there is.
 */
#include "core/pex/state.h"
#include "core/base/hash.h"
#include "core/wire/group.h"

static uint64_t hash_of_net(const struct sy_netaddr *addr)
{
	char text[SY_GROUP_TEXT];
	return sy_hash_bytes(0, text, sy_addr_group(addr, true, text));
}

void pex_nets_add(struct pex_nets *nets, const struct sy_netaddr *addr)
{
	if (nets->n < SY_LIMIT_DIALS)
		nets->hash[nets->n++] = hash_of_net(addr);
}

void pex_nets_init(struct pex_nets *nets, const struct sy_pex *pex, const struct sy_ctx *ctx)
{
	struct sy_peer peer;
	nets->n = 0;
	for (uint32_t i = 0; pex->policy->spread_outbound && sy_ctx_peer_at(ctx, i, &peer) == SY_OK; i++)
		if (peer.outbound)
			pex_nets_add(nets, &peer.socket_addr);
}

bool pex_nets_has(const struct pex_nets *nets, const struct sy_netaddr *addr)
{
	uint64_t hash = hash_of_net(addr);
	uint32_t i = 0;
	while (i < nets->n && nets->hash[i] != hash)
		i++;
	return i < nets->n;
}
