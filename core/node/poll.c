/*
 * Outputs. Each is state on its object until it is handed out: nothing can be lost, whatever the owner does between
 * two polls. The order is fixed: start, names, connections in the order in which they became ready, results of sends,
 * deliveries, the book, the accept window, the end.
 */
#include "core/node/node.h"

#include "core/base/assert.h"

#include <string.h>

static void clear(struct sy_output *out, enum sy_out_kind kind)
{
	memset(out, 0, offsetof(struct sy_output, text));
	out->text[0] = 0;
	out->kind = kind;
}

static bool started(struct sy_switch *sw, struct sy_output *out)
{
	if (!sw->tell_started)
		return false;
	sw->tell_started = false;
	clear(out, SY_OUT_STARTED);
	out->err = (enum sy_err)sw->started_err;
	return true;
}

static bool lookup(struct sy_switch *sw, struct sy_output *out)
{
	if (!sw->lookup_head)
		return false;
	clear(out, SY_OUT_RESOLVE);
	return sy_switch_next_lookup(sw, &out->token, out->text);
}

static uint64_t dial_timeout(const struct sy_switch *sw)
{
	/* Source: protocol.md 2.3; D-09. */
	return sw->policy->honour_timeouts && sw->config.dial_timeout_ns ? sw->config.dial_timeout_ns : SY_SECOND;
}

/* The output that one bit of a slot stands for. */
static void of_slot(struct sy_switch *sw, struct sy_slot *s, enum sy_slot_out bit, struct sy_output *out)
{
	switch (bit) {
	case SY_SLOT_OUT_DIAL:
		clear(out, SY_OUT_DIAL);
		out->timeout_ns = dial_timeout(sw);
		s->flags |= SY_SLOT_TOLD;
		break;
	case SY_SLOT_OUT_FILTER_CONN:
		clear(out, SY_OUT_FILTER_CONN);
		break;
	case SY_SLOT_OUT_SIGN:
		clear(out, SY_OUT_SIGN);
		memcpy(out->bytes, s->challenge, sizeof out->bytes);
		break;
	case SY_SLOT_OUT_FILTER_PEER:
		clear(out, SY_OUT_FILTER_PEER);
		break;
	case SY_SLOT_OUT_PEER_UP:
		clear(out, SY_OUT_PEER_UP);
		out->value = s->conn.outbound;
		break;
	case SY_SLOT_OUT_PEER_DOWN:
		clear(out, SY_OUT_PEER_DOWN);
		out->err = (enum sy_err)s->reason;
		break;
	case SY_SLOT_OUT_CLOSE:
		clear(out, SY_OUT_CLOSE);
		out->err = (enum sy_err)s->reason;
		out->value = s->close_flush;
		break;
	}
	out->conn = sy_slot_ref(s);
	out->addr = s->remote;
}

static bool slot(struct sy_switch *sw, struct sy_output *out)
{
	struct sy_slot *s;
	while ((s = sy_list_head(&sw->table, SY_LIST_OUT))) {
		uint8_t bit = s->outs & (uint8_t)-s->outs;
		s->outs ^= bit;
		if (bit)
			of_slot(sw, s, (enum sy_slot_out)bit, out);
		if (!s->outs) {
			sy_list_drop(&sw->table, SY_LIST_OUT, s);
			if (s->flags & SY_SLOT_DEAD)
				sy_switch_release(sw, s);
		}
		if (bit)
			return true;
	}
	return false;
}

static bool send_done(struct sy_switch *sw, struct sy_output *out)
{
	if (!sw->owner_head)
		return false;
	clear(out, SY_OUT_SEND_DONE);
	return sy_switch_next_send_done(sw, &out->token, &out->err);
}

static bool delivery(struct sy_switch *sw, struct sy_output *out)
{
	struct sy_delivery d;
	if (!sw->inbox_head || !sy_switch_next_delivery(sw, &d))
		return false;
	clear(out, SY_OUT_DELIVER);
	out->token = d.token;
	out->conn = d.conn;
	out->reactor = d.reactor;
	out->channel = d.channel;
	out->span = d.bytes;
	return true;
}

static bool save_book(struct sy_switch *sw, struct sy_output *out)
{
	if (!sw->save_book)
		return false;
	sw->save_book = false;
	clear(out, SY_OUT_SAVE_BOOK);
	return true;
}

static bool accept_window(struct sy_switch *sw, struct sy_output *out)
{
	if (!sw->accept_changed)
		return false;
	sw->accept_changed = false;
	uint32_t window = sy_switch_accept_window(sw);
	if (window == sw->accept_told)
		return false;
	sw->accept_told = window;
	clear(out, SY_OUT_ACCEPT);
	out->value = window;
	return true;
}

static bool stopped(struct sy_switch *sw, struct sy_output *out)
{
	if (!sw->tell_stopped || sw->table.count)
		return false;
	sw->tell_stopped = false;
	clear(out, SY_OUT_STOPPED);
	return true;
}

static bool next_output(struct sy_switch *sw, struct sy_output *out)
{
	return started(sw, out) || lookup(sw, out) || slot(sw, out) || send_done(sw, out) || delivery(sw, out) || save_book(sw, out) ||
	       accept_window(sw, out) || stopped(sw, out);
}

bool sy_node_poll(struct sy_node *node, struct sy_output *out)
{
	struct sy_switch *sw = &node->sw;
	if (!sw->news && !sw->table.list[SY_LIST_OUT].head)
		return false;
	if (!next_output(sw, out)) {
		sw->news = false;
		return false;
	}
	sy_node_hash_output(node, out);
	return true;
}

uint32_t sy_node_ready(const struct sy_node *node)
{
	const struct sy_switch *sw = &node->sw;
	uint32_t out = sw->news | sw->table.list[SY_LIST_OUT].head, read = sw->table.list[SY_LIST_READ].head;
	uint32_t write = sw->table.list[SY_LIST_WRITE].head, trace = sw->tracer.count;
	/* Most often asked when there is nothing, or just something to write. */
	if (!(out | read | trace))
		return write ? SY_READY_WRITE : 0;
	return (out ? SY_READY_OUTPUT : 0) | (read ? SY_READY_READ : 0) | (write ? SY_READY_WRITE : 0) | (trace ? SY_READY_TRACE : 0);
}

uint64_t sy_node_deadline(const struct sy_node *node)
{
	return sy_switch_deadline(&node->sw);
}
