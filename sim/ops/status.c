#include "sim/ops/status.h"

#include "sim/ops/json.h"

void ops_health(const struct ops *ops, struct ops_text *to)
{
	ops_json_put(to,
	             json_pack("{s:s, s:I}", "status", "ok", "uptime_seconds", (json_int_t)((uv_hrtime() - ops->started_ns) / 1000000000u)));
}

/* ------------------------------------------------------------------ /readyz */

/* What keeps it from being of use; null: nothing. */
static const char *why_not(const struct ops *ops, uint32_t peers, uint32_t addresses)
{
	if (ops->stopping)
		return "stopping";
	if (!ops->listening)
		return "not_listening";
	/* a first node waits for others to come, and a seed has answers without a peer */
	bool of_use = peers != 0 || !ops->source.knows_others || (ops->source.seed_mode && addresses != 0);
	return of_use ? NULL : "no_peers";
}

static json_t *last_answer(const struct ops *ops)
{
	if (ops->counts.last_answer_ns == 0)
		return json_null();
	return json_integer((json_int_t)((uv_hrtime() - ops->counts.last_answer_ns) / 1000000000u));
}

bool ops_ready(const struct ops *ops, struct ops_text *to)
{
	struct sy_counts peers = sy_node_counts(ops->source.node);
	struct sy_book_counts book = sy_node_book_counts(ops->source.node);
	const char *why = why_not(ops, peers.total, book.total);
	json_t *reasons = json_array();

	if (why != NULL && json_array_append_new(reasons, json_string(why)) != 0)
		to->failed = true;
	ops_json_put(to, json_pack("{s:b, s:o, s:b, s:{s:i, s:i, s:i}, s:{s:i, s:i, s:i}, s:o}", "ready", why == NULL, "reasons", reasons,
	                           "listening", ops->listening, "peers", "total", (int)peers.total, "inbound", (int)peers.inbound, "outbound",
	                           (int)peers.outbound, "book", "new", (int)book.new_addrs, "old", (int)book.old_addrs, "banned",
	                           (int)book.banned, "last_pex_answer_seconds", last_answer(ops)));
	return why == NULL;
}

/* ------------------------------------------------------------------ /peers */

static json_t *peer_json(const struct ops *ops, const struct sy_peer *peer)
{
	char id[SY_ID_TEXT], addr[SY_ADDR_TEXT];
	struct sy_conn_status s = {0};
	enum sy_err err = sy_node_conn_status(ops->source.node, peer->ref, &s);

	sy_id_format(&peer->id, id);
	sy_netaddr_format_dial(&peer->socket_addr, addr);
	if (err != SY_OK)
		s = (struct sy_conn_status){0}; /* it has just ended */
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:I}", "id", id, "addr", addr, "direction",
	                 peer->outbound ? "outbound" : "inbound", "moniker", ops_json_text(peer->moniker), "version",
	                 ops_json_text(peer->version), "persistent", peer->persistent, "unconditional", peer->unconditional,
	                 "connected_seconds", (json_int_t)(s.age_ns / 1000000000u), "sent_bytes", (json_int_t)s.sent_bytes, "received_bytes",
	                 (json_int_t)s.received_bytes, "ping_us", (json_int_t)(s.ping_rtt_ns / 1000u));
}

void ops_peers(const struct ops *ops, struct ops_text *to)
{
	json_t *list = json_array();
	struct sy_peer peer;

	for (uint32_t i = 0; sy_node_peer_at(ops->source.node, i, &peer) == SY_OK; i++)
		if (json_array_append_new(list, peer_json(ops, &peer)) != 0)
			to->failed = true;
	ops_json_put(to, json_pack("{s:s, s:s, s:o}", "id", ops->source.id, "network", ops->source.network, "peers", list));
}
