/*
 * Readiness: what a connection needs next is worked out once at the end of an input (touch, settle), and kept as its
 * place in the ready lists and in the heap of deadlines. Nothing scans connections. Source: design.md 3, 9.
 */
#include "core/switch/switch.h"

#include "core/base/assert.h"

#define QUIET_NS SY_SECOND /* without a message for so long, a node keeps no buffers for the next one */

void sy_switch_trace_state(struct sy_switch *sw, struct sy_slot *s, enum sy_err err)
{
	sy_switch_trace_conn(sw, SY_TRACE_CONN_STATE, s, s->traced_state, s->conn.state, err);
	s->traced_state = (uint8_t)s->conn.state;
}

size_t sy_switch_read_window(const struct sy_switch *sw, const struct sy_slot *s)
{
	if ((s->flags & SY_SLOT_DEAD) || s->stalled)
		return 0;
	return sy_conn_read_window(&s->conn, &sw->conns, sw->now_ns);
}

static void settle_writing(struct sy_switch *sw, struct sy_slot *s)
{
	if (!(s->flags & SY_SLOT_BLOCKED) && sy_conn_has_output(&s->conn, &sw->conns, sw->now_ns))
		sy_list_push(&sw->table, SY_LIST_WRITE, s);
	else
		sy_list_drop(&sw->table, SY_LIST_WRITE, s);
}

/* A running connection reads unless it holds plaintext back or an inbox is full: cheaper to see than the window's size. */
static bool is_shut(const struct sy_switch *sw, const struct sy_slot *s)
{
	if (s->conn.state == SY_CONN_RUNNING)
		return s->conn.rest_len > 0 || s->stalled;
	return sy_switch_read_window(sw, s) == 0;
}

static void settle_reading(struct sy_switch *sw, struct sy_slot *s)
{
	if (is_shut(sw, s)) {
		s->flags |= SY_SLOT_SHUT;
		sy_list_drop(&sw->table, SY_LIST_READ, s);
	} else if (s->flags & SY_SLOT_SHUT) {
		s->flags &= ~(uint32_t)SY_SLOT_SHUT;
		sy_list_push(&sw->table, SY_LIST_READ, s);
	}
}

/* What only concerns a slot whose connection is no peer yet, apart from the way of each message. */
static __attribute__((noinline)) uint64_t admission_deadline(struct sy_switch *sw, struct sy_slot *s, uint64_t at)
{
	if ((s->flags & SY_SLOT_ASKED) && s->asked_until_ns < at)
		at = s->asked_until_ns;
	if (s->flags & SY_SLOT_UPGRADING) {
		uint64_t yield = sy_switch_yield_ns(sw, s);
		at = yield < at ? yield : at;
	}
	return at;
}

void sy_switch_settle_deadline(struct sy_switch *sw, struct sy_slot *s)
{
	struct sy_timers *t = &sw->slot_timers;
	uint64_t at = sy_conn_deadline(&s->conn, &sw->conns);
	if (__builtin_expect(s->flags & (SY_SLOT_ASKED | SY_SLOT_UPGRADING), 0))
		at = admission_deadline(sw, s, at);
	if (at > SY_PARKED)
		at = SY_PARKED;
	uint32_t where = t->where[s->index];
	if (where && t->heap[where - 1].at_ns == at)
		return;
	/* The heap has had room for every live slot since the slot was taken. */
	enum sy_err err = sy_timers_set(t, sw->env, s->index, at);
	SY_ASSERT(err == SY_OK);
}

static void settle_sending(struct sy_switch *sw, struct sy_slot *s)
{
	if (s->sends_waiting)
		sy_switch_collect_sends(sw, s);
	if (s->conn.state == SY_CONN_FLUSHING && sy_conn_flushed(&s->conn))
		sy_switch_ask_stop(sw, s, (enum sy_err)s->reason, false);
	settle_writing(sw, s);
}

void sy_switch_settle(struct sy_switch *sw, struct sy_slot *s)
{
	SY_ASSERT(!(s->flags & SY_SLOT_DEAD));
	settle_sending(sw, s);
	settle_reading(sw, s);
	/* What is to be written is filled or blocked next, and then the deadline is another one. */
	if (!sy_list_has(s, SY_LIST_WRITE))
		sy_switch_settle_deadline(sw, s);
}

void sy_switch_settle_filled(struct sy_switch *sw, struct sy_slot *s)
{
	SY_ASSERT(!(s->flags & SY_SLOT_DEAD));
	settle_sending(sw, s);
	if (s->conn.state != SY_CONN_RUNNING)
		settle_reading(sw, s);
	sy_switch_settle_deadline(sw, s);
}

static struct sy_slot *next_touched(struct sy_switch *sw)
{
	struct sy_slot *s = sw->touched;
	if (s) {
		sw->touched = NULL;
		return s;
	}
	s = sy_list_head(&sw->table, SY_LIST_DIRTY);
	if (s)
		sy_list_drop(&sw->table, SY_LIST_DIRTY, s);
	return s;
}

/* A node that nobody talks to gives back what it keeps for reuse; the handshakes and pings of a quiet one allocate again. */
static void give_back(struct sy_switch *sw)
{
	sy_conn_shared_trim(&sw->conns);
	sy_pool_trim(&sw->table.slots, sw->env);
}

void sy_switch_finish(struct sy_switch *sw)
{
	/* A reactor that sends in each send_done goes on with the next input; the deadline says "now" until then. */
	uint32_t calls = SY_LIMIT_SEND_DONE_CALLS;
	for (;;) {
		sy_switch_run_stops(sw);
		if (sw->reactor_head && calls) {
			calls--;
			(void)sy_switch_call_send_done(sw);
			continue;
		}
		struct sy_slot *s = next_touched(sw);
		if (!s)
			break;
		sy_switch_settle(sw, s);
	}
	if (sw->now_ns - sw->last_message_ns > QUIET_NS)
		give_back(sw);
}

uint64_t sy_switch_deadline(const struct sy_switch *sw)
{
	if (sw->table.list[SY_LIST_STOP].head || sw->reactor_head)
		return sw->now_ns;
	uint64_t at = sy_timers_next(&sw->slot_timers);
	uint64_t redial = sy_timers_next(&sw->redial_timers), timer = sy_timers_next(&sw->reactor_timers);
	at = redial < at ? redial : at;
	at = timer < at ? timer : at;
	return at >= SY_PARKED ? SY_NEVER : at;
}

static void expire(struct sy_switch *sw, struct sy_slot *s)
{
	if ((s->flags & SY_SLOT_ASKED) && s->asked_until_ns <= sw->now_ns) {
		sy_switch_close(sw, s, SY_FILTER_TIMEOUT);
		return;
	}
	enum sy_err err = sy_conn_expire(&s->conn, &sw->conns, sw->now_ns);
	if (s->flags & SY_SLOT_UPGRADING)
		sw->accept_changed = sw->news = true; /* perhaps its place can be given away now */
	sy_switch_note_state(sw, s, err);
	if (err)
		sy_switch_close(sw, s, s->conn.state == SY_CONN_FLUSHING ? (enum sy_err)s->reason : err);
	else if (s->conn.rest_len)
		sy_switch_bytes(sw, s, (struct sy_span){NULL, 0});
	/* It is out of the heap: touching brings it back. */
	sy_switch_touch(sw, s);
}

static bool tick_slot(struct sy_switch *sw)
{
	uint32_t i = sy_timers_pop(&sw->slot_timers, sw->now_ns);
	if (i == UINT32_MAX)
		return false;
	struct sy_slot *s = sy_table_at(&sw->table, i);
	SY_ASSERT(s);
	expire(sw, s);
	sy_switch_run_stops(sw);
	return true;
}

static bool tick_redial(struct sy_switch *sw)
{
	uint32_t i = sy_timers_pop(&sw->redial_timers, sw->now_ns);
	if (i == UINT32_MAX)
		return false;
	sy_switch_redial_due(sw, i);
	return true;
}

static bool tick_reactor(struct sy_switch *sw)
{
	uint32_t i = sy_timers_pop(&sw->reactor_timers, sw->now_ns);
	if (i == UINT32_MAX)
		return false;
	sy_switch_call_timer(sw, i);
	sy_switch_run_stops(sw);
	return true;
}

/* In the order of their times; of equal ones connections come first, then redials, then reactors' timers. */
void sy_switch_tick(struct sy_switch *sw)
{
	/* A timer that is set to a time gone by in its own callback waits for the next input. */
	uint32_t reactor_timers = sw->reactor_timers.count;
	sy_switch_run_stops(sw);
	for (;;) {
		uint64_t slot = sy_timers_next(&sw->slot_timers), redial = sy_timers_next(&sw->redial_timers);
		uint64_t timer = reactor_timers ? sy_timers_next(&sw->reactor_timers) : SY_NEVER;
		bool more;
		if (slot <= redial && slot <= timer) {
			more = tick_slot(sw);
		} else if (redial <= timer) {
			more = tick_redial(sw);
		} else {
			more = tick_reactor(sw);
			reactor_timers--;
		}
		if (!more)
			break;
	}
}
