#include "core/base/limits.h"
#include "core/base/policy.h"
#include "core/switchyard.h"

#include <string.h>

#define S 1000000000ull

static void init_node_info(struct sy_config *config, enum sy_profile profile)
{
	config->p2p_version = 8;
	config->block_version = 11;
	config->listen_addr = "tcp://0.0.0.0:26656";
	config->network = "";
	/* Nobody judges this text; it is what a node of the profile's version says of itself. Source: protocol.md 0.2. */
	config->version = profile == SY_PROFILE_UPSTREAM_V038 ? "0.38.26" : "0.40.0";
	config->moniker = "anonymous";
	config->tx_index = "on";
	config->rpc_address = "tcp://127.0.0.1:26657";
}

/* Source: protocol.md 0.4 for the keys, 0.5 for the constants. */
void sy_config_init(struct sy_config *config, enum sy_profile profile)
{
	memset(config, 0, sizeof *config);
	config->profile = profile;
	init_node_info(config, profile);

	config->addr_book_strict = true;
	config->pex = true;
	config->max_num_inbound_peers = 40;
	config->max_num_outbound_peers = 10;
	config->max_packet_msg_payload_size = SY_PACKET_DATA;
	config->send_rate = 5120000;
	config->recv_rate = 5120000;
	config->flush_throttle_ns = sy_policy_of(profile)->flush_throttle_ns;
	config->handshake_timeout_ns = 20 * S;
	config->dial_timeout_ns = 3 * S;

	config->ping_interval_ns = 60 * S;
	config->pong_timeout_ns = 45 * S;
	config->ensure_peers_period_ns = 30 * S;
	config->seed_disconnect_wait_ns = sy_policy_of(profile)->seed_makes_room ? 300 * S : 28 * 3600 * S; /* D-33 */

	config->verify_interval_ns = 600 * S;
	config->crawl_interval_ns = 600 * S;
	config->crawl_dials = 16;
}
