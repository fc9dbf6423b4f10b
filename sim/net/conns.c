/* Connections as a whole: made, told, ended, given back. */
#include <stdlib.h>
#include <string.h>

#include "sim/net/segment.h"

enum { FIRST_SLOTS = 8 };

/* --- the host's table of sockets --- */

static bool slots_grow(struct sim_host *h)
{
	uint32_t cap = h->cap_slots ? h->cap_slots * 2 : FIRST_SLOTS;
	struct socket_slot *slots = realloc(h->slots, cap * sizeof *slots);
	if (!slots) {
		return false;
	}
	h->slots = slots;
	h->cap_slots = cap;
	return true;
}

bool end_slot_take(struct end *e)
{
	struct sim_host *h = e->host;
	uint32_t slot = h->free_slot;
	if (slot) {
		h->free_slot = h->slots[slot - 1].next;
	} else {
		if (h->num_slots == MAX_SOCKETS || (h->num_slots == h->cap_slots && !slots_grow(h))) {
			return false;
		}
		slot = ++h->num_slots;
		h->slots[slot - 1].gen = 0;
	}
	h->slots[slot - 1].end = e;
	h->slots[slot - 1].gen++;
	h->used_slots++;
	h->net->stats.sockets++;
	e->slot = (uint16_t)slot;
	return true;
}

static void slot_give(struct end *e)
{
	struct sim_host *h = e->host;
	if (e->slot) {
		struct socket_slot *s = &h->slots[e->slot - 1];
		s->end = NULL;
		s->next = h->free_slot;
		h->free_slot = e->slot;
		h->used_slots--;
		h->net->stats.sockets--;
		e->slot = 0;
	}
}

tp_sock end_sock(const struct end *e)
{
	return (uint32_t)e->host->slots[e->slot - 1].gen << 16 | e->slot;
}

/* --- making --- */

/* The name of a connection: both hosts' names and how many there were between them before, never an index. */
static uint64_t name_of(struct sim_net *net, const struct sim_host *from, const struct sim_host *to, uint64_t unknown)
{
	uint64_t key = sy_hash_u64(from->entity, to ? to->entity : unknown);
	uint64_t count = 1;
	if (to) {
		count += sim_map_get(&net->dials, pair_key(from, to));
		/* Without memory for the count the next connection repeats this one's draws, which harms nobody. */
		bool counted = sim_map_put(&net->dials, pair_key(from, to), count);
		(void)counted;
	}
	return sy_mix64(sy_hash_u64(key, count));
}

static void end_init(struct end *e, struct sim_host *host, bool side, unsigned half)
{
	e->event.handler = end_event;
	e->host = host;
	e->notice_ns = SIM_NEVER;
	e->side = side;
	e->half = half != 0;
}

struct conn *conn_new(struct sim_net *net, struct sim_host *from, struct sim_host *to, uint64_t unknown)
{
	struct pair *p = to ? pair_take(net, from, to) : NULL;
	if (to && !p) {
		return NULL;
	}
	struct conn *c = net->free_conns;
	if (c) {
		net->free_conns = c->next;
	} else {
		c = malloc(sizeof *c);
	}
	if (!c) {
		if (p && !p->conns) {
			pair_drop(net, p);
		}
		return NULL;
	}
	memset(c, 0, sizeof *c);
	unsigned out = p && from != p->host[0];
	unsigned back = p && from != to ? !out : 0;
	end_init(&c->end[0], from, false, back);
	end_init(&c->end[1], to, true, out);
	c->end[0].state = END_DIALLING;
	c->end[1].state = END_SYN;
	c->moves[0] = (uint8_t)from->moves;
	c->moves[1] = to ? (uint8_t)to->moves : 0;
	c->key = name_of(net, from, to, unknown);
	if (net->tcp != SIM_TCP_NONE) {
		segment_init(&c->end[0], c->key);
		segment_init(&c->end[1], c->key);
	}
	c->pair = p;
	if (p) {
		c->next = p->conns;
		p->conns = c;
	}
	return c;
}

/* --- giving back --- */

void backlog_kick(struct sim_host *h)
{
	struct end *e = h->backlog_first;
	if (h->accept_window && e) {
		if (is_segment(e)) {
			segment_touch(e);
		} else {
			end_notice(e, h->net->engine->now_ns);
		}
	}
}

void backlog_remove(struct end *e)
{
	struct sim_host *h = e->host;
	struct end *before = NULL;
	for (struct end *at = h->backlog_first; at; before = at, at = at->next_backlog) {
		if (at == e) {
			if (before) {
				before->next_backlog = e->next_backlog;
			} else {
				h->backlog_first = e->next_backlog;
			}
			h->backlog_last = h->backlog_last == e ? before : h->backlog_last;
			break;
		}
	}
	e->next_backlog = NULL;
	backlog_kick(h);
}

/* In whatever state it is. */
void end_let_go(struct end *e, enum end_state state)
{
	if (e->state == END_BACKLOG) {
		backlog_remove(e);
	}
	if (e->state == END_BACKLOG || (e->state == END_SYN && e->slot)) {
		e->host->backlog_len--;
	}
	if (e->state == END_DIALLING && !is_segment(e)) {
		memset(&e->in, 0, sizeof e->in);
	}
	e->notice_ns = SIM_NEVER;
	e->state = (uint8_t)state;
	e->want_write = false;
}

static void unlink_conn(struct sim_net *net, struct conn *c)
{
	struct conn **at = &c->pair->conns;
	while (*at != c) {
		at = &(*at)->next;
	}
	*at = c->next;
	if (!c->pair->conns) {
		pair_drop(net, c->pair);
	}
}

static void conn_free(struct sim_net *net, struct conn *c)
{
	for (int side = 0; side < 2; side++) {
		struct end *e = &c->end[side];
		if (e->host) {
			end_let_go(e, END_GONE);
			if (is_segment(e)) {
				segment_fini(e);
			} else {
				stream_purge(e);
			}
			sim_engine_cancel(net->engine, &e->event);
			slot_give(e);
		}
	}
	if (c->pair) {
		unlink_conn(net, c);
	}
	c->next = net->free_conns;
	net->free_conns = c;
}

/* Whether nobody will ever see anything of it again. A dialler that has written and closed is still to be accepted. */
static bool settled(const struct conn *c)
{
	if (is_segment(&c->end[0])) {
		return segment_settled(c);
	}
	const struct end *from = &c->end[0];
	const struct end *to = &c->end[1];
	bool from_over = from->state == END_GONE || from->state == END_CLOSED;
	bool to_over = to->state == END_GONE || to->state == END_CLOSED;
	bool unborn = to->state == END_SYN && (from->state == END_GONE || (to->in.flags & S_DEAD));
	return from_over && (to_over || unborn);
}

bool conn_settle(struct conn *c)
{
	if (c->pins || !settled(c)) {
		return false;
	}
	conn_free(c->end[0].host->net, c);
	return true;
}

void conns_fini(struct sim_net *net)
{
	for (uint32_t i = 0; i < net->num_hosts; i++) {
		struct sim_host *h = net->hosts[i];
		for (uint32_t slot = 0; slot < h->num_slots; slot++) {
			if (h->slots[slot].end) {
				conn_free(net, conn_of(h->slots[slot].end));
			}
		}
	}
	while (net->free_conns) {
		struct conn *c = net->free_conns;
		net->free_conns = c->next;
		free(c);
	}
}

/* --- telling --- */

static uint64_t next_due(const struct end *e)
{
	uint64_t at = e->notice_ns;
	if (e->state == END_DIALLING) {
		return at;
	}
	const struct stream *s = &e->in;
	uint64_t arrival = SIM_NEVER;
	if (s->flying) {
		arrival = s->flying->at_ns;
	} else if (((s->flags & S_FIN_SENT) && !(s->flags & S_FIN_ARRIVED)) || ((s->flags & S_RST_SENT) && !(s->flags & S_RST_ARRIVED))) {
		arrival = s->last_ns;
	}
	return arrival < at ? arrival : at;
}

void end_arm(struct end *e)
{
	if (e->notice_ns == SIM_NEVER && !sim_event_queued(&e->event) && !e->in.flying && !(e->in.flags & (S_FIN_SENT | S_RST_SENT))) {
		return;
	}
	struct sim_engine *engine = net_of(e)->engine;
	uint64_t at = next_due(e);
	if (at == SIM_NEVER) {
		sim_engine_cancel(engine, &e->event);
	} else if (!sim_event_queued(&e->event) || e->event.at_ns != at) {
		at = at > engine->now_ns ? at : engine->now_ns;
		/* Out of memory: the end stays silent, as a connection does whose packets are lost. */
		(void)sim_engine_schedule(engine, &e->host->source, &e->event, SIM_DELIVERY, at);
	}
}

void end_arm_first(struct end *e, uint64_t at_ns)
{
	if (sim_event_queued(&e->event) || e->notice_ns < at_ns) {
		end_arm(e);
		return;
	}
	(void)sim_engine_schedule(net_of(e)->engine, &e->host->source, &e->event, SIM_DELIVERY, at_ns);
}

void end_notice(struct end *e, uint64_t at_ns)
{
	if (at_ns < e->notice_ns) {
		e->notice_ns = at_ns;
		end_arm(e);
	}
}

/* The sender learns a way later that the window is open again. */
void end_tell_window(struct end *e)
{
	if (e->in.flags & S_BLOCKED) {
		struct end *from = peer_of(e);
		end_notice(from, net_of(e)->engine->now_ns + half_to(from)->kind->base_ns);
	}
}

/* --- ending --- */

void end_vanish(struct end *e)
{
	end_let_go(e, END_GONE);
	stream_purge(e);
	end_arm(e);
}

void end_abort(struct end *e)
{
	if (is_segment(e)) {
		segment_close(e, TP_CLOSE_ABORT);
		return;
	}
	struct end *to = peer_of(e);
	bool established = e->state != END_DIALLING && to->host && to->state != END_DIALLING;
	end_vanish(e);
	if (established) {
		stream_reset(to);
	}
}

void end_close(struct end *e, enum tp_close how)
{
	if (is_segment(e)) {
		segment_close(e, how);
		return;
	}
	if (how == TP_CLOSE_ABORT || e->state == END_FAILED) {
		end_abort(e);
		return;
	}
	end_let_go(e, END_CLOSED);
	stream_drop_unread(e);
	end_tell_window(e);
	stream_finish(peer_of(e));
	end_arm(e);
}

void end_fail(struct end *e, enum sy_err err)
{
	e->state = END_FAILED;
	e->want_write = false;
	e->notice_ns = SIM_NEVER;
	stream_purge(e);
	stream_kill(peer_of(e));
	e->host->events.failed(e->host->events.ctx, e->cookie, err);
}
