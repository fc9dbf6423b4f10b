#include "sim/ops/infos.h"

#include <stdlib.h>
#include <string.h>

static void copy(char to[SY_LIMIT_TEXT], struct sy_span from)
{
	size_t n = from.len < SY_LIMIT_TEXT ? from.len : SY_LIMIT_TEXT - 1;

	if (n != 0)
		memcpy(to, from.ptr, n);
	to[n] = '\0';
}

static void on_node_info(void *self, struct sy_ctx *ctx, const struct sy_netaddr *addr, const struct sy_node_info *info, enum sy_err err)
{
	struct ops_info *last = &((struct ops_infos *)self)->last;

	*last = (struct ops_info){
	    .id = addr->id, .p2p_version = info->p2p_version, .block_version = info->block_version, .app_version = info->app_version};
	last->num_channels = (uint8_t)(info->channels.len < SY_NODE_INFO_CHANNELS ? info->channels.len : SY_NODE_INFO_CHANNELS);
	if (last->num_channels != 0)
		memcpy(last->channels, info->channels.ptr, last->num_channels);
	copy(last->listen_addr, info->listen_addr);
	copy(last->network, info->network);
	copy(last->version, info->version);
	copy(last->moniker, info->moniker);
	copy(last->tx_index, info->tx_index);
	copy(last->rpc_address, info->rpc_address);
}

static void drop(struct ops_infos *infos, uint32_t slot)
{
	free(infos->at[slot]);
	infos->at[slot] = NULL;
}

static void on_init_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct ops_infos *infos = self;

	if (peer->ref.slot >= SY_LIMIT_CONNS)
		return;
	drop(infos, peer->ref.slot);
	if (memcmp(&infos->last.id, &peer->id, sizeof peer->id) != 0)
		return;
	infos->at[peer->ref.slot] = malloc(sizeof infos->last);
	if (infos->at[peer->ref.slot] != NULL)
		*infos->at[peer->ref.slot] = infos->last;
}

static void on_remove_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason)
{
	if (peer->ref.slot < SY_LIMIT_CONNS)
		drop(self, peer->ref.slot);
}

struct sy_reactor ops_infos_reactor(struct ops_infos *infos)
{
	return (struct sy_reactor){
	    .name = "ops", .self = infos, .node_info = on_node_info, .init_peer = on_init_peer, .remove_peer = on_remove_peer};
}

const struct ops_info *ops_infos_of(const struct ops_infos *infos, const struct sy_peer *peer)
{
	const struct ops_info *info = peer->ref.slot < SY_LIMIT_CONNS ? infos->at[peer->ref.slot] : NULL;

	return info != NULL && memcmp(&info->id, &peer->id, sizeof info->id) == 0 ? info : NULL;
}

void ops_infos_fini(struct ops_infos *infos)
{
	for (uint32_t i = 0; i < SY_LIMIT_CONNS; i++)
		drop(infos, i);
}
