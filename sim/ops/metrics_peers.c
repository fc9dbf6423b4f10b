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

/*
 * The types of messages are known of PEX only: a request is two bytes, the rest of the channel are answers. Requests count
 * a moment before their bytes do, so that for this moment the answers would seem to shrink: they do not.
 */
static void message_types(struct ops *ops, struct prom *p)
{
	struct sy_channel_totals t;
	bool pex = false;

	for (uint32_t i = 0; !pex && sy_node_channel_totals(ops->source.node, i, &t) == SY_OK; i++)
		pex = t.id == 0;
	if (!pex)
		return;
	for (size_t way = OPS_SENT; way <= OPS_RECEIVED; way++) {
		uint64_t bytes = way == OPS_SENT ? t.sent_bytes : t.received_bytes, requests = 2 * ops->counts.pex_requests[way];

		if (bytes > requests && bytes - requests > ops->pex_answer_bytes[way])
			ops->pex_answer_bytes[way] = bytes - requests;
		ops_open(p, way == OPS_SENT ? OPS_MSG_SEND : OPS_MSG_RECEIVE);
		prom_u64(p, &(struct prom_label){"message_type", "p2p_PexRequest"}, 1, requests);
		prom_u64(p, &(struct prom_label){"message_type", "p2p_PexAddrs"}, 1, ops->pex_answer_bytes[way]);
	}
}

void ops_metrics_upstream(struct ops *ops, struct prom *p)
{
	ops_open(p, OPS_PEERS);
	prom_u64(p, NULL, 0, sy_node_counts(ops->source.node).total);
	each_peer(ops, p, OPS_PEER_RECEIVE, received);
	each_peer(ops, p, OPS_PEER_SEND, sent);
	each_peer(ops, p, OPS_PEER_QUEUE, queue_size);
	each_peer(ops, p, OPS_PEER_PENDING, pending);
	message_types(ops, p);
}

static void two(struct prom *p, enum ops_family family, void (*put)(struct prom *, const struct prom_label *, size_t, uint64_t),
                uint64_t sent, uint64_t received)
{
	ops_open(p, family);
	put(p, &(struct prom_label){"direction", "sent"}, 1, sent);
	put(p, &(struct prom_label){"direction", "received"}, 1, received);
}

static void channel_totals(const struct ops *ops, struct prom *p)
{
	struct sy_channel_totals t;
	char ch[8];
	struct prom_label labels[] = {{"chID", ch}, {"direction", "sent"}};

	ops_open(p, OPS_CH_BYTES);
	for (uint32_t i = 0; sy_node_channel_totals(ops->source.node, i, &t) == SY_OK; i++) {
		snprintf(ch, sizeof ch, "0x%x", t.id);
		labels[1].value = "sent";
		prom_u64(p, labels, 2, t.sent_bytes);
		labels[1].value = "received";
		prom_u64(p, labels, 2, t.received_bytes);
	}
	ops_open(p, OPS_CH_WAIT);
	for (uint32_t i = 0; sy_node_channel_totals(ops->source.node, i, &t) == SY_OK; i++) {
		snprintf(ch, sizeof ch, "0x%x", t.id);
		prom_histogram(p, labels, 1, &(struct prom_histogram){sy_wait_bounds_ns, t.waits, SY_WAIT_BOUNDS, t.wait_ns});
	}
}

void ops_metrics_peers(const struct ops *ops, struct prom *p)
{
	uint32_t total = sy_node_counts(ops->source.node).total;

	struct sy_node_totals all = sy_node_totals(ops->source.node);

	two(p, OPS_BYTES, prom_u64, all.sent_bytes, all.received_bytes);
	two(p, OPS_LIMITED, prom_seconds, all.send_limited_ns, all.recv_limited_ns);
	channel_totals(ops, p);
	each_peer(ops, p, OPS_RTT, ping);
	ops_open(p, OPS_UNLISTED);
	prom_u64(p, NULL, 0, total > OPS_PEER_SERIES ? total - OPS_PEER_SERIES : 0);
}
