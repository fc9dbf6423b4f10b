/* Bytes for the wire, and the windows of reading. Source: design.md 3. */
#include "core/node/node.h"

static struct sy_slot *alive(struct sy_node *node, struct sy_ref conn)
{
	struct sy_slot *s = sy_table_find(&node->sw.table, conn);
	return s && !(s->flags & SY_SLOT_DEAD) ? s : NULL;
}

static struct sy_ref ref_of(const struct sy_slot *s)
{
	struct sy_ref none = {0, 0};
	return s ? sy_slot_ref(s) : none;
}

struct sy_ref sy_node_writable(struct sy_node *node)
{
	return ref_of(sy_list_head(&node->sw.table, SY_LIST_WRITE));
}

size_t sy_node_fill(struct sy_node *node, uint64_t now_ns, struct sy_ref conn, uint8_t *buf, size_t cap)
{
	struct sy_switch *sw = &node->sw;
	struct sy_slot *s = alive(node, conn);
	if (!s || cap < SY_FRAME_SEALED)
		return 0;
	sy_node_set_now(node, now_ns);
	enum sy_err err = SY_OK;
	size_t n = sy_conn_fill(&s->conn, &sw->conns, sw->now_ns, buf, cap < SY_FILL_MAX ? cap : SY_FILL_MAX, &err);
	sy_tracer_mix(&sw->tracer, sw->now_ns);
	sy_tracer_mix_ref(&sw->tracer, conn);
	sy_tracer_mix_tail(&sw->tracer, buf, n);
	/* To the end of the list, so that connections take turns. */
	sy_list_drop(&sw->table, SY_LIST_WRITE, s);
	if (err)
		sy_switch_ask_stop(sw, s, err, false);
	sy_switch_settle_filled(sw, s);
	if (n == 0)
		sy_list_drop(&sw->table, SY_LIST_WRITE, s);
	return n;
}

void sy_node_blocked(struct sy_node *node, struct sy_ref conn)
{
	struct sy_slot *s = alive(node, conn);
	if (!s)
		return;
	s->flags |= SY_SLOT_BLOCKED;
	sy_list_drop(&node->sw.table, SY_LIST_WRITE, s);
	sy_switch_settle_deadline(&node->sw, s);
}

void sy_node_unblocked(struct sy_node *node, struct sy_ref conn)
{
	struct sy_slot *s = alive(node, conn);
	if (!s || !(s->flags & SY_SLOT_BLOCKED))
		return;
	s->flags &= ~(uint32_t)SY_SLOT_BLOCKED;
	sy_switch_settle(&node->sw, s);
}

size_t sy_node_read_window(const struct sy_node *node, struct sy_ref conn)
{
	const struct sy_slot *s = sy_table_find(&node->sw.table, conn);
	return s ? sy_switch_read_window(&node->sw, s) : 0;
}

struct sy_ref sy_node_readable(struct sy_node *node)
{
	struct sy_slot *s = sy_list_head(&node->sw.table, SY_LIST_READ);
	if (s)
		sy_list_drop(&node->sw.table, SY_LIST_READ, s);
	return ref_of(s);
}
