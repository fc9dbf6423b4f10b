/*
 * Connecting: SYN, its answer, the last packet; one round trip until the dialler may write. A SYN whose way is cut or that
 * is lost, or whose answer is, goes out again 1, 3, 7, 15, 31 and 63 s after the first; after 127 s the kernel gives up.
 * A full backlog loses the SYN, a host without a listener refuses, an address without a host says nothing.
 */
#include <string.h>

#include "sim/net/segment.h"

#define GIVE_UP_NS 127000000000ull
#define SECOND_NS 1000000000ull
enum { MAX_SYNS = 7 };

/* Counters of the draws of one attempt. */
enum { DRAW_SYN, DRAW_SYN_DELAY, DRAW_ANSWER, DRAW_ANSWER_DELAY, DRAWS };

static uint64_t counter_of(const struct conn *c, unsigned draw)
{
	return (uint64_t)c->attempt * DRAWS + draw;
}

/* Whether a packet of the handshake gets through towards an end now. */
static bool passes(struct end *to, unsigned draw)
{
	const struct conn *c = conn_of(to);
	const struct half *h = half_to(to);
	if (h->cut == SIM_CUT_HOLD || h->cut == SIM_CUT_BLACKHOLE || conn_lost(c)) {
		return false;
	}
	if (!h->kind->loss_ppm) {
		return true;
	}
	struct sim_net *net = net_of(to);
	uint64_t u = sim_rand_below(net->engine->seed, SIM_RAND_SYN, c->key, counter_of(c, draw), 1000000);
	bool lost = u < h->kind->loss_ppm;
	net->stats.segments_lost += lost;
	net_hash(net, c->key + draw + lost);
	return !lost;
}

static uint64_t delay_of(struct end *to, unsigned draw)
{
	return stream_delay_ns(to, SIM_RAND_SYN, counter_of(conn_of(to), draw) + (1ull << 32));
}

/* The dialler's next step: the answer, the next SYN, or the end of its patience. */
static void client_wait(struct end *e)
{
	uint64_t at = e->in.dial.deadline_ns;
	at = e->in.dial.retry_ns < at ? e->in.dial.retry_ns : at;
	at = e->in.dial.answer_ns < at ? e->in.dial.answer_ns : at;
	e->notice_ns = at;
	end_arm(e);
}

static void answer(struct conn *c, uint64_t at_ns, bool refused)
{
	struct end *client = &c->end[0];
	if (client->state == END_DIALLING && at_ns < client->in.dial.answer_ns) {
		client->in.dial.answer_ns = at_ns;
		c->refused = refused;
		client_wait(client);
	}
}

static void send_syn(struct conn *c, uint64_t now_ns)
{
	struct end *client = &c->end[0];
	struct end *server = &c->end[1];
	c->attempt++;
	client->in.dial.retry_ns = c->attempt < MAX_SYNS ? now_ns + (SECOND_NS << (c->attempt - 1)) : SIM_NEVER;
	if (server->host && passes(server, DRAW_SYN)) {
		end_notice(server, now_ns + delay_of(server, DRAW_SYN_DELAY));
	}
	client_wait(client);
}

/* --- the dialler --- */

static bool dialable(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	if (memcmp(ip, mapped, sizeof mapped) == 0) {
		return ip[12] < 224; /* no multicast, no broadcast */
	}
	return ip[0] != 0xff;
}

/* Loopback and the unspecified address lead back to the host itself, as a kernel takes them. */
static bool leads_home(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t zero[15];
	if (memcmp(ip, mapped, sizeof mapped) == 0) {
		return ip[12] == 127 || ip[12] == 0;
	}
	return memcmp(ip, zero, sizeof zero) == 0 && ip[15] <= 1;
}

static uint16_t take_port(struct sim_host *h)
{
	h->next_port = h->next_port < 32768 || h->next_port >= 60999 ? 32768 : (uint16_t)(h->next_port + 1);
	return h->next_port;
}

enum sy_err dial_start(struct sim_host *h, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns)
{
	struct sim_net *net = h->net;
	uint64_t now = net->engine->now_ns;
	if (h->off || !dialable(to->ip)) {
		return SY_UNREACHABLE;
	}
	uint16_t port = to->port;
	bool mapped = false;
	struct sim_host *target = leads_home(to->ip) ? h : host_dialled(h, to->ip, &port, &mapped);
	struct conn *c = conn_new(net, h, target, sy_hash_bytes(0, to->ip, sizeof to->ip));
	if (!c) {
		return SY_LIMIT;
	}
	struct end *client = &c->end[0];
	if (!end_slot_take(client)) {
		end_close(client, TP_CLOSE_ABORT);
		conn_settle(c);
		return SY_LIMIT;
	}
	c->mapped = mapped;
	c->from_port = mapped ? site_take_port(h->site) : take_port(h);
	c->to_port = port;
	client->cookie = cookie;
	if (net->tcp != SIM_TCP_NONE) {
		return segment_dial(client, timeout_ns);
	}
	client->in.dial.deadline_ns = now + (timeout_ns && timeout_ns < GIVE_UP_NS ? timeout_ns : GIVE_UP_NS);
	client->in.dial.answer_ns = SIM_NEVER;
	send_syn(c, now);
	return SY_OK;
}

static void fail_dial(struct end *e, enum sy_err err)
{
	struct sim_host *h = e->host;
	uint64_t cookie = e->cookie;
	h->net->stats.connects_failed++;
	net_hash(h->net, conn_of(e)->key ^ (uint64_t)-err);
	end_abort(e);
	h->events.dial_failed(h->events.ctx, cookie, err);
}

static void connected(struct end *e, uint64_t now_ns)
{
	struct sim_host *h = e->host;
	struct end *server = peer_of(e);
	h->net->stats.connects++;
	net_hash(h->net, conn_of(e)->key ^ now_ns);
	memset(&e->in, 0, sizeof e->in);
	e->in.last_ns = now_ns;
	e->notice_ns = SIM_NEVER;
	e->state = END_OPEN;
	if (server->state == END_SYN) {
		stream_open(server, now_ns);
	} else if (!server->host->off) {
		stream_reset(e); /* the process behind it died meanwhile */
	}
	h->events.dialled(h->events.ctx, e->cookie, end_sock(e));
}

void dial_client(struct end *e, uint64_t now_ns)
{
	struct conn *c = conn_of(e);
	if (e->in.dial.answer_ns <= now_ns) {
		if (c->refused) {
			fail_dial(e, SY_DIAL_REFUSED);
		} else {
			connected(e, now_ns);
		}
	} else if (e->in.dial.deadline_ns <= now_ns) {
		fail_dial(e, SY_DIAL_TIMEOUT);
	} else if (e->in.dial.retry_ns <= now_ns) {
		send_syn(c, now_ns);
	} else {
		client_wait(e);
	}
}

/* --- who is dialled --- */

bool host_listens(const struct sim_host *h, uint16_t port)
{
	for (int i = 0; i < MAX_LISTENERS; i++) {
		if (port && h->listeners[i] == port) {
			return true;
		}
	}
	return false;
}

static void syn_arrived(struct end *e, uint64_t now_ns)
{
	struct conn *c = conn_of(e);
	struct sim_host *h = e->host;
	struct end *client = &c->end[0];
	bool refused = !host_listens(h, c->to_port) || half_to(e)->cut == SIM_CUT_REFUSE;
	if (h->off || syn_vanishes(e)) {
		return;
	}
	if (!refused && !e->slot) {
		if (h->backlog_len >= MAX_BACKLOG || !end_slot_take(e)) {
			return;
		}
		h->backlog_len++;
	}
	if (passes(client, DRAW_ANSWER)) {
		answer(c, now_ns + delay_of(client, DRAW_ANSWER_DELAY), refused);
	}
}

void backlog_add(struct end *e)
{
	struct sim_host *h = e->host;
	e->state = END_BACKLOG;
	e->next_backlog = NULL;
	if (h->backlog_last) {
		h->backlog_last->next_backlog = e;
	} else {
		h->backlog_first = e;
	}
	h->backlog_last = e;
	dial_accept(e);
}

void dial_server(struct end *e, uint64_t now_ns)
{
	bool due = e->notice_ns <= now_ns;
	e->notice_ns = due ? SIM_NEVER : e->notice_ns;
	if (due && (e->in.flags & S_OPEN_SENT)) {
		backlog_add(e);
	} else if (due) {
		syn_arrived(e, now_ns);
	}
}

void dial_accept(struct end *e)
{
	struct sim_host *h = e->host;
	const struct conn *c = conn_of(e);
	e->notice_ns = SIM_NEVER;
	if (!h->accept_window || h->backlog_first != e) {
		return;
	}
	h->accept_window--;
	h->backlog_len--;
	backlog_remove(e); /* and on with the next one */
	e->state = END_OPEN;
	e->cookie = 0;
	struct sy_netaddr remote = {.port = c->from_port};
	memcpy(remote.ip, c->mapped ? sim_host_public_ip(c->end[0].host) : c->end[0].host->ip, sizeof remote.ip);
	uint64_t cookie = h->events.accepted(h->events.ctx, end_sock(e), &remote);
	if (e->state != END_OPEN) {
		return; /* closed inside */
	}
	e->cookie = cookie;
	if (!cookie) {
		end_close(e, TP_CLOSE_ABORT);
	} else if (is_segment(e)) {
		segment_touch(e);
	} else if (e->in.unread_bytes || (e->in.flags & S_FIN_ARRIVED)) {
		end_notice(e, net_of(e)->engine->now_ns);
	}
}
