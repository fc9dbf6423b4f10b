/* What each peer says of itself, kept while it is a peer: a reactor without channels that only looks. */
#ifndef SIM_OPS_INFOS_H
#define SIM_OPS_INFOS_H

#include "core/base/limits.h"
#include "core/switchyard.h"

/* Texts end with a NUL and are cut at SY_LIMIT_TEXT bytes. */
struct ops_info {
	struct sy_id id;
	uint64_t p2p_version, block_version, app_version;
	uint8_t channels[SY_NODE_INFO_CHANNELS];
	uint8_t num_channels;
	char listen_addr[SY_LIMIT_TEXT], network[SY_LIMIT_TEXT], version[SY_LIMIT_TEXT], moniker[SY_LIMIT_TEXT], tx_index[SY_LIMIT_TEXT],
	    rpc_address[SY_LIMIT_TEXT];
};

/* All zeros before. 32 KiB, and 1.6 KiB a peer. */
struct ops_infos {
	struct ops_info *at[SY_LIMIT_CONNS]; /* by the slot of the peer's ref */
	struct ops_info last;                /* whose node info came last: it becomes a peer next, or never */
};

/* To be registered with the node; infos outlives it. */
struct sy_reactor ops_infos_reactor(struct ops_infos *infos);
/* Null: without memory when it came. */
const struct ops_info *ops_infos_of(const struct ops_infos *infos, const struct sy_peer *peer);
void ops_infos_fini(struct ops_infos *infos);

#endif
