/*
 * /net_info as CometBFT's RPC answers it (v0.38, v0.40): the same members in the same order, 64-bit numbers as strings. What
 * its monitors count and ours do not is "0": Samples, InstRate beside CurRate, PeakRate, BytesRem, Idle, TimeRem.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/ops/json.h"
#include "sim/ops/status.h"
#include "transport/files/rfc3339.h"

/* New reference. */
static json_t *number(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	return json_string(text);
}

/* "ip:port" or "[ip]:port" without the port. */
static json_t *ip_of(const struct sy_netaddr *addr)
{
	char text[SY_ADDR_TEXT];

	sy_netaddr_format_dial(addr, text);
	*strrchr(text, ':') = '\0';
	text[strcspn(text, "]")] = '\0';
	return json_string(text[0] == '[' ? text + 1 : text);
}

static json_t *node_info(const struct ops *ops, const struct sy_peer *peer)
{
	static const struct ops_info none;
	const struct ops_info *info = ops_infos_of(&ops->infos, peer);
	char id[SY_ID_TEXT], channels[2 * SY_NODE_INFO_CHANNELS + 1] = "";

	info = info != NULL ? info : &none;
	sy_id_format(&peer->id, id);
	for (uint8_t i = 0; i < info->num_channels; i++)
		snprintf(channels + 2 * i, 3, "%02X", info->channels[i]);
	return json_pack("{s:{s:o, s:o, s:o}, s:s, s:o, s:o, s:o, s:s, s:o, s:{s:o, s:o}}", "protocol_version", "p2p",
	                 number(info->p2p_version), "block", number(info->block_version), "app", number(info->app_version), "id", id,
	                 "listen_addr", ops_json_text(info->listen_addr), "network", ops_json_text(info->network), "version",
	                 ops_json_text(info->version), "channels", channels, "moniker", ops_json_text(info->moniker), "other", "tx_index",
	                 ops_json_text(info->tx_index), "rpc_address", ops_json_text(info->rpc_address));
}

static json_t *monitor(const char *start, uint64_t bytes, uint64_t rate, uint64_t average, uint64_t age_ns)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:b}", "Start", start, "Bytes", number(bytes), "Samples",
	                 number(0), "InstRate", number(0), "CurRate", number(rate), "AvgRate", number(average), "PeakRate", number(0),
	                 "BytesRem", number(0), "Duration", number(age_ns), "Idle", number(0), "TimeRem", number(0), "Progress", 0, "Active",
	                 true);
}

static json_t *channels(const struct ops *ops, struct sy_ref ref)
{
	struct sy_channel_status s;
	json_t *list = json_array();

	for (uint32_t i = 0; sy_node_channel_status(ops->source.node, ref, i, &s) == SY_OK; i++)
		if (json_array_append_new(list, json_pack("{s:i, s:o, s:o, s:o, s:o}", "ID", s.id, "SendQueueCapacity",
		                                          number(s.send_queue_capacity), "SendQueueSize", number(s.queued_messages), "Priority",
		                                          number(s.priority), "RecentlySent", number(s.recently_sent))) != 0)
			break; /* no memory: the whole answer fails for it */
	return list;
}

static json_t *connection_status(const struct ops *ops, const struct sy_peer *peer)
{
	struct sy_conn_status s = {0};
	char start[TP_RFC3339_TEXT];

	if (sy_node_conn_status(ops->source.node, peer->ref, &s) != SY_OK)
		s = (struct sy_conn_status){0}; /* it has just ended */
	uint64_t now_ns = ops->started_wall_ns + (uv_hrtime() - ops->started_ns);
	tp_rfc3339_format((int64_t)((now_ns - s.age_ns) / 1000000000u), start);
	return json_pack("{s:o, s:o, s:o, s:o}", "Duration", number(s.age_ns), "SendMonitor",
	                 monitor(start, s.sent_bytes, s.send_rate_now, s.send_rate_avg, s.age_ns), "RecvMonitor",
	                 monitor(start, s.received_bytes, s.recv_rate_now, s.recv_rate_avg, s.age_ns), "Channels", channels(ops, peer->ref));
}

void ops_net_info(const struct ops *ops, struct ops_text *to)
{
	char listener[SY_HOST_TEXT + 32];
	json_t *peers = json_array();
	struct sy_peer peer;

	for (uint32_t i = 0; sy_node_peer_at(ops->source.node, i, &peer) == SY_OK; i++)
		if (json_array_append_new(peers, json_pack("{s:o, s:b, s:o, s:o}", "node_info", node_info(ops, &peer), "is_outbound", peer.outbound,
		                                           "connection_status", connection_status(ops, &peer), "remote_ip",
		                                           ip_of(&peer.socket_addr))) != 0)
			to->failed = true;
	snprintf(listener, sizeof listener, "Listener(@%.250s)", ops->source.external_addr);
	ops_json_put(to, json_pack("{s:s, s:i, s:{s:b, s:[s], s:o, s:o}}", "jsonrpc", "2.0", "id", -1, "result", "listening", ops->listening,
	                           "listeners", listener, "n_peers", number(json_array_size(peers)), "peers", peers));
}
