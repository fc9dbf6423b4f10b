/* Looking at peers and the book: nothing here changes anything. */
#include "core/node/node.h"

#include "core/book/snapshot.h"

const struct sy_id *sy_node_id(const struct sy_node *node)
{
	return &node->sw.id;
}

uint64_t sy_node_block_version(const struct sy_node *node)
{
	return node->sw.info.block_version;
}

struct sy_counts sy_node_counts(const struct sy_node *node)
{
	return sy_switch_counts(&node->sw);
}

uint32_t sy_node_handshakes(const struct sy_node *node)
{
	return node->sw.upgrading;
}

static enum sy_err view(const struct sy_node *node, const struct sy_slot *s, struct sy_peer *peer)
{
	if (!s)
		return SY_NO_PEER;
	sy_switch_view(&node->sw, s, peer);
	return SY_OK;
}

enum sy_err sy_node_peer_at(const struct sy_node *node, uint32_t n, struct sy_peer *peer)
{
	const struct sy_switch *sw = &node->sw;
	return view(node, n < sw->num_peers ? sy_table_at(&sw->table, sw->peers[n]) : NULL, peer);
}

enum sy_err sy_node_peer(const struct sy_node *node, struct sy_ref ref, struct sy_peer *peer)
{
	return view(node, sy_switch_peer(&node->sw, ref), peer);
}

enum sy_err sy_node_peer_by_id(const struct sy_node *node, const struct sy_id *id, struct sy_peer *peer)
{
	return view(node, sy_switch_peer_by_id(&node->sw, id), peer);
}

enum sy_err sy_node_conn_status(const struct sy_node *node, struct sy_ref peer, struct sy_conn_status *status)
{
	const struct sy_slot *s = sy_switch_peer(&node->sw, peer);
	if (!s || !s->conn.mconn)
		return SY_NO_PEER;
	sy_mconn_status(s->conn.mconn, &node->sw.conns.mconn, node->sw.now_ns, status);
	return SY_OK;
}

enum sy_err sy_node_channel_status(const struct sy_node *node, struct sy_ref peer, uint32_t n, struct sy_channel_status *status)
{
	const struct sy_slot *s = sy_switch_peer(&node->sw, peer);
	if (!s || !s->conn.mconn)
		return SY_NO_PEER;
	return sy_mconn_channel_status(s->conn.mconn, &node->sw.conns.mconn, node->sw.now_ns, n, status);
}

/* Connections that live, their messages on: dead slots wait only for their last outputs. */
static const struct sy_mconn *mconn_at(const struct sy_switch *sw, uint32_t i)
{
	const struct sy_slot *s = sy_table_at(&sw->table, i);
	return s ? s->conn.mconn : NULL;
}

struct sy_node_totals sy_node_totals(const struct sy_node *node)
{
	const struct sy_switch *sw = &node->sw;
	struct sy_node_totals totals = sw->conns.mconn.ended;
	for (uint32_t i = 0; i < sw->table.cap; i++) {
		struct sy_conn_status s;
		if (!mconn_at(sw, i))
			continue;
		sy_mconn_status(mconn_at(sw, i), &sw->conns.mconn, sw->now_ns, &s);
		totals.sent_bytes += s.sent_bytes;
		totals.received_bytes += s.received_bytes;
		totals.send_limited_ns += s.send_limited_ns;
		totals.recv_limited_ns += s.recv_limited_ns;
	}
	return totals;
}

enum sy_err sy_node_channel_totals(const struct sy_node *node, uint32_t n, struct sy_channel_totals *totals)
{
	const struct sy_switch *sw = &node->sw;
	enum sy_err err = sy_mconn_channel_totals(&sw->conns.mconn, n, totals);
	for (uint32_t i = 0; err == SY_OK && i < sw->table.cap; i++) {
		struct sy_channel_status s;
		if (!mconn_at(sw, i))
			continue;
		err = sy_mconn_channel_status(mconn_at(sw, i), &sw->conns.mconn, sw->now_ns, n, &s);
		totals->sent_bytes += s.sent_bytes;
		totals->received_bytes += s.received_bytes;
	}
	return err;
}

struct sy_book_counts sy_node_book_counts(const struct sy_node *node)
{
	return sy_book_counts(node->sw.book);
}

struct sy_pex_counts sy_node_pex_counts(const struct sy_node *node)
{
	if (!node->pex)
		return (struct sy_pex_counts){0};
	return sy_pex_counts(node->pex, sy_switch_wall_s(&node->sw));
}

bool sy_node_book_has(const struct sy_node *node, const struct sy_id *id)
{
	return sy_book_has(node->sw.book, id);
}

void sy_node_book_each(const struct sy_node *node, void (*visit)(void *arg, const struct sy_netaddr *addr, bool old), void *arg)
{
	sy_book_each(node->sw.book, visit, arg);
}

size_t sy_node_book_snapshot(const struct sy_node *node, uint8_t *buf, size_t cap)
{
	return sy_book_save(node->sw.book, buf, cap);
}
