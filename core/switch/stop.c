/*
 * How connections and the node end. Source: protocol.md 3.10, 4.3 rules 6 to 9, 4.9.
 *
 * The order for a peer: the connection stops, its socket is to be closed, every reactor sees remove_peer, then the peer
 * leaves the set; so a new connection of the same id is a duplicate until all reactors are done. v0.38 closes the
 * socket before it stops the connection: here both are one step, so that nothing tells them apart.
 */
#include "core/switch/switch.h"

#include "core/base/assert.h"

/*
 * Is what we have written still worth delivering? Not to somebody who broke the rules, nor over a broken connection; to
 * somebody whom we refuse it is: the other side is to get our node info and find out for itself.
 */
static bool delivers_rest(enum sy_err reason)
{
	bool blamed = sy_err_is_peer_fault(reason) && !sy_err_is_refusal(reason) && reason != SY_PEER_CLOSED;
	return !blamed && !sy_err_is_fatal(reason);
}

void sy_switch_ask_stop(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason, bool flush)
{
	if (s->flags & SY_SLOT_DEAD)
		return;
	if (!sy_list_has(s, SY_LIST_STOP)) {
		sy_list_push(&sw->table, SY_LIST_STOP, s);
		s->reason = (int16_t)reason;
		s->flags &= ~(uint32_t)SY_SLOT_STOP_FLUSH;
		s->flags |= flush ? SY_SLOT_STOP_FLUSH : 0;
	} else if (!flush) {
		s->flags &= ~(uint32_t)SY_SLOT_STOP_FLUSH;
	}
}

static void begin_flush(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason)
{
	if (s->conn.state == SY_CONN_FLUSHING)
		return;
	if (s->conn.state != SY_CONN_RUNNING) {
		sy_switch_close(sw, s, reason);
		return;
	}
	sy_conn_flush(&s->conn, &sw->conns, sw->now_ns);
	sy_switch_note_state(sw, s, reason);
	sy_switch_touch(sw, s);
}

void sy_switch_work_stops(struct sy_switch *sw)
{
	struct sy_slot *s;
	while ((s = sy_list_head(&sw->table, SY_LIST_STOP))) {
		sy_list_drop(&sw->table, SY_LIST_STOP, s);
		if (s->flags & SY_SLOT_STOP_FLUSH)
			begin_flush(sw, s, (enum sy_err)s->reason);
		else
			sy_switch_close(sw, s, (enum sy_err)s->reason);
	}
}

static void end_conn(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason)
{
	if (s->conn.mconn) {
		sy_mconn_cancel(s->conn.mconn, &sw->conns.mconn);
		sy_switch_collect_sends(sw, s);
	}
	sy_conn_close(&s->conn, &sw->conns);
	sy_switch_note_state(sw, s, reason);
	sy_conn_fini(&s->conn, &sw->conns);
	enum sy_err none = sy_timers_set(&sw->slot_timers, sw->env, s->index, SY_NEVER);
	SY_ASSERT(none == SY_OK);
	sy_list_drop(&sw->table, SY_LIST_WRITE, s);
	sy_list_drop(&sw->table, SY_LIST_READ, s);
	sy_list_drop(&sw->table, SY_LIST_STOP, s);
	sy_list_drop(&sw->table, SY_LIST_DIRTY, s);
	if (sw->touched == s)
		sw->touched = NULL;
	s->outs &= SY_SLOT_OUT_PEER_UP;
	s->flags &= ~(uint32_t)SY_SLOT_ASKED;
}

static void end_peer(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason)
{
	bool was_peer = s->flags & SY_SLOT_PEER;
	sy_switch_inbox_forget(sw, s);
	sy_switch_call_remove_peer(sw, s, reason);
	if (!was_peer)
		return;
	sy_switch_peers_remove(sw, s);
	sy_switch_trace_conn(sw, SY_TRACE_PEER_REMOVED, s, 0, 0, reason);
	s->outs |= SY_SLOT_OUT_PEER_DOWN;
	sy_switch_reconnect(sw, s, reason);
}

/* Before the end of the connection, which takes the node info with it. */
static void tell_refused(struct sy_switch *sw, const struct sy_slot *s, enum sy_err reason)
{
	enum sy_err verdict;
	const struct sy_conn_identity *identity = sy_conn_refused(&s->conn, reason, &verdict);
	if (identity)
		sy_switch_call_node_info(sw, s, identity, verdict);
}

void sy_switch_close(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason)
{
	if (s->flags & SY_SLOT_DEAD)
		return;
	bool flushed = s->conn.state == SY_CONN_FLUSHING && sy_conn_flushed(&s->conn);
	s->flags |= SY_SLOT_DEAD;
	s->reason = (int16_t)reason;
	s->close_flush = flushed || delivers_rest(reason);
	tell_refused(sw, s, reason);
	end_conn(sw, s, reason);
	sy_switch_upgrade_over(sw, s);
	if (s->flags & SY_SLOT_INITED)
		end_peer(sw, s, reason);
	else
		sy_switch_trace_conn(sw, SY_TRACE_REFUSED, s, 0, 0, reason);
	if (s->flags & SY_SLOT_DIALLING)
		sy_switch_dial_over(sw, s, reason);
	if (s->flags & SY_SLOT_TOLD)
		s->outs |= SY_SLOT_OUT_CLOSE;
	/* Also when there is nothing to hand out: the slot is given back there, when nobody holds it. */
	sy_list_push(&sw->table, SY_LIST_OUT, s);
}

void sy_switch_release(struct sy_switch *sw, struct sy_slot *s)
{
	SY_ASSERT(s->flags & SY_SLOT_DEAD && !(s->flags & (SY_SLOT_PEER | SY_SLOT_INITED | SY_SLOT_DIALLING)));
	if (!s->conn.outbound) {
		SY_ASSERT(sw->accepted > 0);
		sw->accepted--;
	}
	sw->accept_changed = sw->news = true;
	sy_table_give(&sw->table, sw->env, s);
}

static void clear_timers(struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->num_timers; i++) {
		enum sy_err none = sy_timers_set(&sw->reactor_timers, sw->env, i, SY_NEVER);
		SY_ASSERT(none == SY_OK);
		sw->timers[i].used = false;
	}
}

/* One-shot. Peers first, in the order of the set, then what is no peer yet, then the reactors, which see no peers. */
void sy_switch_stop(struct sy_switch *sw)
{
	if (sw->state == SY_SWITCH_STOPPED)
		return;
	sw->state = SY_SWITCH_STOPPED;
	sy_switch_redials_stop(sw);
	while (sw->num_peers)
		sy_switch_close(sw, sy_table_at(&sw->table, sw->peers[0]), SY_STOPPED);
	for (uint32_t i = 0; i < sw->table.cap; i++) {
		struct sy_slot *s = sy_table_at(&sw->table, i);
		if (s)
			sy_switch_close(sw, s, SY_STOPPED);
	}
	sy_switch_call_stop(sw);
	clear_timers(sw);
	sw->accept_changed = sw->news = true;
	sw->tell_stopped = sw->news = true;
}
