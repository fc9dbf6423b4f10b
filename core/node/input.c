/* Inputs: each kind has a handler in a table; after each the switch finishes what was queued. */
#include "core/book/snapshot.h"
#include "core/node/node.h"

static struct sy_answer answer(enum sy_err err)
{
	struct sy_answer a = {.err = err};
	return a;
}

/* The connection meant, if it is alive. */
static struct sy_slot *slot_of(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = sy_table_find(&node->sw.table, in->conn);
	return s && !(s->flags & SY_SLOT_DEAD) ? s : NULL;
}

static struct sy_answer on_start(struct sy_node *node, const struct sy_input *in)
{
	if (node->sw.state == SY_SWITCH_STOPPED)
		return answer(SY_STOPPED);
	if (node->sw.state != SY_SWITCH_NEW)
		return answer(SY_INVALID);
	sy_switch_start(&node->sw, in->wall_ns);
	return answer(SY_OK);
}

static struct sy_answer on_stop(struct sy_node *node, const struct sy_input *in)
{
	if (node->sw.state == SY_SWITCH_STOPPED)
		return answer(SY_STOPPED);
	sy_switch_stop(&node->sw);
	return answer(SY_OK);
}

static struct sy_answer on_time(struct sy_node *node, const struct sy_input *in)
{
	sy_switch_tick(&node->sw);
	return answer(SY_OK);
}

static struct sy_answer on_wall(struct sy_node *node, const struct sy_input *in)
{
	node->sw.wall_ns = in->wall_ns;
	node->sw.wall_at_ns = node->sw.now_ns;
	return answer(SY_OK);
}

static struct sy_answer on_accept(struct sy_node *node, const struct sy_input *in)
{
	struct sy_answer a = {0};
	a.err = sy_switch_accept(&node->sw, &in->addr, &a.ref);
	return a;
}

static struct sy_answer on_dialled(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = slot_of(node, in);
	if (!s || s->conn.state != SY_CONN_DIALLING)
		return answer(SY_NO_PEER);
	sy_switch_opened(&node->sw, s);
	return answer(SY_OK);
}

static struct sy_answer on_dial_failed(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = slot_of(node, in);
	if (!s || s->conn.state != SY_CONN_DIALLING)
		return answer(SY_NO_PEER);
	s->flags &= ~(uint32_t)SY_SLOT_TOLD; /* there is no socket to be closed */
	sy_switch_close(&node->sw, s, in->err ? in->err : SY_IO);
	return answer(SY_OK);
}

static struct sy_answer on_bytes(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = slot_of(node, in);
	if (!s)
		return answer(SY_NO_PEER);
	sy_switch_bytes(&node->sw, s, in->bytes);
	return answer(SY_OK);
}

static struct sy_answer on_eof(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = slot_of(node, in);
	if (!s)
		return answer(SY_NO_PEER);
	sy_switch_eof(&node->sw, s);
	return answer(SY_OK);
}

static struct sy_answer on_conn_error(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = slot_of(node, in);
	if (!s)
		return answer(SY_NO_PEER);
	sy_switch_close(&node->sw, s, in->err ? in->err : SY_PEER_RESET);
	return answer(SY_OK);
}

static struct sy_answer on_signed(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = slot_of(node, in);
	if (!s)
		return answer(SY_NO_PEER);
	if (in->err || in->bytes.len != 64 || s->conn.state != SY_CONN_AUTH) {
		sy_switch_close(&node->sw, s, in->err ? in->err : SY_INVALID);
		return answer(in->err ? SY_OK : SY_INVALID);
	}
	sy_conn_signed(&s->conn, &node->sw.conns, in->bytes.ptr, node->sw.now_ns);
	sy_switch_bytes(&node->sw, s, (struct sy_span){NULL, 0});
	return answer(SY_OK);
}

static struct sy_answer on_resolved(struct sy_node *node, const struct sy_input *in)
{
	sy_switch_resolved(&node->sw, in->token, in->bytes, in->err);
	return answer(SY_OK);
}

static struct sy_answer on_verdict(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = slot_of(node, in);
	return answer(s ? sy_switch_verdict(&node->sw, s, in->err) : SY_NO_PEER);
}

static struct sy_answer on_book(struct sy_node *node, const struct sy_input *in)
{
	if (node->sw.state != SY_SWITCH_NEW)
		return answer(SY_INVALID);
	uint32_t dropped = 0;
	struct sy_answer a = {.err = sy_book_load(node->sw.book, in->bytes, &dropped)};
	(void)sy_book_purge(node->sw.book);
	a.value = dropped;
	return a;
}

static struct sy_answer on_lists(struct sy_node *node, const struct sy_input *in)
{
	uint32_t gone = 0;
	struct sy_answer a = {.err = sy_switch_take_lists(&node->sw, in->bytes, &gone)};
	a.value = gone;
	return a;
}

static struct sy_answer on_work_done(struct sy_node *node, const struct sy_input *in)
{
	return answer(sy_switch_work_done(&node->sw, in->token, in->err));
}

static struct sy_answer on_try_send(struct sy_node *node, const struct sy_input *in)
{
	return answer(sy_switch_try_send(&node->sw, in->conn, in->channel, in->bytes));
}

static struct sy_answer on_send(struct sy_node *node, const struct sy_input *in)
{
	return answer(sy_switch_send(&node->sw, in->conn, in->channel, in->bytes, in->timeout_ns, SY_OWNER, in->token));
}

static struct sy_answer on_broadcast(struct sy_node *node, const struct sy_input *in)
{
	struct sy_answer a = {.value = sy_switch_broadcast(&node->sw, in->channel, in->bytes)};
	return a;
}

static struct sy_answer on_dial(struct sy_node *node, const struct sy_input *in)
{
	struct sy_slot *s = NULL;
	struct sy_answer a = {.err = sy_switch_dial(&node->sw, &in->addr, SY_OWNER, &s)};
	if (s)
		a.ref = sy_slot_ref(s);
	return a;
}

static struct sy_answer stop_one(struct sy_node *node, const struct sy_input *in, bool flush)
{
	struct sy_slot *s = slot_of(node, in);
	if (!s)
		return answer(SY_NO_PEER);
	sy_switch_ask_stop(&node->sw, s, in->err ? in->err : SY_STOPPED, flush);
	return answer(SY_OK);
}

static struct sy_answer on_stop_peer(struct sy_node *node, const struct sy_input *in)
{
	return stop_one(node, in, false);
}

static struct sy_answer on_flush_stop_peer(struct sy_node *node, const struct sy_input *in)
{
	return stop_one(node, in, true);
}

static struct sy_answer on_mark_good(struct sy_node *node, const struct sy_input *in)
{
	const struct sy_slot *s = sy_switch_peer(&node->sw, in->conn);
	if (!s)
		return answer(SY_NO_PEER);
	sy_book_mark_good(node->sw.book, &s->remote.id, sy_switch_wall_s(&node->sw));
	return answer(SY_OK);
}

static struct sy_answer on_save_book(struct sy_node *node, const struct sy_input *in)
{
	node->sw.save_book = node->sw.news = true;
	return answer(SY_OK);
}

static struct sy_answer (*const handlers[SY_IN_RESERVED_KINDS])(struct sy_node *, const struct sy_input *) = {
    [SY_IN_START] = on_start,
    [SY_IN_STOP] = on_stop,
    [SY_IN_TIME] = on_time,
    [SY_IN_WALL] = on_wall,
    [SY_IN_ACCEPT] = on_accept,
    [SY_IN_DIALLED] = on_dialled,
    [SY_IN_DIAL_FAILED] = on_dial_failed,
    [SY_IN_BYTES] = on_bytes,
    [SY_IN_EOF] = on_eof,
    [SY_IN_CONN_ERROR] = on_conn_error,
    [SY_IN_SIGNED] = on_signed,
    [SY_IN_RESOLVED] = on_resolved,
    [SY_IN_VERDICT] = on_verdict,
    [SY_IN_BOOK] = on_book,
    [SY_IN_WORK_DONE] = on_work_done,
    [SY_IN_TRY_SEND] = on_try_send,
    [SY_IN_SEND] = on_send,
    [SY_IN_BROADCAST] = on_broadcast,
    [SY_IN_DIAL] = on_dial,
    [SY_IN_STOP_PEER] = on_stop_peer,
    [SY_IN_FLUSH_STOP_PEER] = on_flush_stop_peer,
    [SY_IN_MARK_GOOD] = on_mark_good,
    [SY_IN_SAVE_BOOK] = on_save_book,
    [SY_IN_LISTS] = on_lists,
};

static void fetch_pex_traces(struct sy_node *node)
{
	struct sy_trace record;
	while (sy_pex_next_trace(node->pex, &record))
		sy_tracer_put(&node->sw.tracer, &node->env, &record);
}

/* Most inputs are bytes: as sy_node_hash_input, without looking at the kind again. */
static inline void hash_bytes(struct sy_tracer *t, const struct sy_input *in)
{
	sy_tracer_mix(t, SY_IN_BYTES);
	sy_tracer_mix(t, in->now_ns);
	sy_tracer_mix_ref(t, in->conn);
	sy_tracer_mix_tail(t, in->bytes.ptr, in->bytes.len);
}

struct sy_answer sy_node_input(struct sy_node *node, const struct sy_input *in)
{
	struct sy_answer a;
	sy_node_set_now(node, in->now_ns);
	if (in->kind == SY_IN_BYTES) {
		hash_bytes(&node->sw.tracer, in);
		a = on_bytes(node, in);
	} else {
		sy_node_hash_input(node, in);
		if ((unsigned)in->kind >= SY_IN_RESERVED_KINDS || !handlers[in->kind])
			return answer(SY_INVALID);
		a = handlers[in->kind](node, in);
	}
	sy_switch_finish(&node->sw);
	if (node->pex)
		fetch_pex_traces(node);
	return a;
}
