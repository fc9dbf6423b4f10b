/* What is told of each peer, family by family, as the format wants it. */
#include <stdio.h>

#include "sim/ops/metrics.h"

struct each {
	struct prom *p;
	const struct sy_node *node;
	const struct sy_peer *peer;
	struct prom_label id;
};

/* Calls tell for the peers that have series, with the family open. */
static void each_peer(const struct ops *ops, struct prom *p, enum ops_family family, void (*tell)(const struct each *each))
{
	struct sy_peer peer;
	char id[SY_ID_TEXT];
	struct each each = {p, ops->source.node, &peer, {"peer_id", id}};

	ops_open(p, family);
	for (uint32_t i = 0; i < OPS_PEER_SERIES && sy_node_peer_at(ops->source.node, i, &peer) == SY_OK; i++) {
		sy_id_format(&peer.id, id);
		tell(&each);
	}
}

/* CometBFT's series of a channel begin with the first message, ours too. */
static void channels(const struct each *each, bool sent)
{
	struct sy_channel_status s;
	char ch[8];

	for (uint32_t i = 0; sy_node_channel_status(each->node, each->peer->ref, i, &s) == SY_OK; i++) {
		const struct prom_label labels[] = {each->id, {"chID", ch}};
		uint64_t bytes = sent ? s.sent_bytes : s.received_bytes;

		snprintf(ch, sizeof ch, "0x%x", s.id);
		if (bytes != 0)
			prom_u64(each->p, labels, 2, bytes);
	}
}

static void received(const struct each *each)
{
	channels(each, false);
}

static void sent(const struct each *each)
{
	channels(each, true);
}

static void queued(const struct each *each, uint64_t *messages, uint64_t *bytes)
{
	struct sy_channel_status s;

	*messages = *bytes = 0;
	for (uint32_t i = 0; sy_node_channel_status(each->node, each->peer->ref, i, &s) == SY_OK; i++) {
		*messages += s.queued_messages;
		*bytes += s.queued_bytes;
	}
}

static void queue_size(const struct each *each)
{
	uint64_t messages, bytes;

	queued(each, &messages, &bytes);
	prom_u64(each->p, &each->id, 1, messages);
}

static void pending(const struct each *each)
{
	uint64_t messages, bytes;

	queued(each, &messages, &bytes);
	prom_u64(each->p, &each->id, 1, bytes);
}

static void ping(const struct each *each)
{
	struct sy_conn_status s;

	if (sy_node_conn_status(each->node, each->peer->ref, &s) == SY_OK && s.ping_rtt_ns != 0)
		prom_seconds(each->p, &each->id, 1, s.ping_rtt_ns);
}

void ops_metrics_upstream(const struct ops *ops, struct prom *p)
{
	ops_open(p, OPS_PEERS);
	prom_u64(p, NULL, 0, sy_node_counts(ops->source.node).total);
	each_peer(ops, p, OPS_PEER_RECEIVE, received);
	each_peer(ops, p, OPS_PEER_SEND, sent);
	each_peer(ops, p, OPS_PEER_QUEUE, queue_size);
	each_peer(ops, p, OPS_PEER_PENDING, pending);
}

static void limited(const struct ops *ops, struct prom *p)
{
	uint64_t send_ns = 0, recv_ns = 0;
	struct sy_conn_status s;
	struct sy_peer peer;

	for (uint32_t i = 0; sy_node_peer_at(ops->source.node, i, &peer) == SY_OK; i++) {
		if (sy_node_conn_status(ops->source.node, peer.ref, &s) != SY_OK)
			continue;
		send_ns += s.send_limited_ns;
		recv_ns += s.recv_limited_ns;
	}
	ops_open(p, OPS_LIMITED);
	prom_seconds(p, &(struct prom_label){"direction", "sent"}, 1, send_ns);
	prom_seconds(p, &(struct prom_label){"direction", "received"}, 1, recv_ns);
}

void ops_metrics_peers(const struct ops *ops, struct prom *p)
{
	uint32_t total = sy_node_counts(ops->source.node).total;

	limited(ops, p);
	each_peer(ops, p, OPS_RTT, ping);
	ops_open(p, OPS_UNLISTED);
	prom_u64(p, NULL, 0, total > OPS_PEER_SERIES ? total - OPS_PEER_SERIES : 0);
}
