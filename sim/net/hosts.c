/* Hosts: made and freed, and what happens to their sockets when the process or the machine ends, or moves. */
#include <stdlib.h>
#include <string.h>

#include "sim/net/segment.h"

/* --- making --- */

static void wake_event(struct sim_event *event, uint64_t now_ns)
{
	struct sim_host *h = (struct sim_host *)(uintptr_t)((char *)event - offsetof(struct sim_host, wake));
	h->events.wake(h->events.ctx);
}

static bool room_for_host(struct sim_net *net)
{
	if (net->num_hosts == MAX_HOSTS) {
		return false;
	}
	if (net->num_hosts < net->cap_hosts) {
		return true;
	}
	uint32_t cap = net->cap_hosts ? net->cap_hosts * 2 : 16;
	struct sim_host **hosts = realloc(net->hosts, cap * sizeof(struct sim_host *));
	if (!hosts) {
		return false;
	}
	net->hosts = hosts;
	net->cap_hosts = cap;
	return true;
}

static bool host_register(struct sim_net *net, struct sim_host *h)
{
	const struct sim_line line = {0};
	bool ok = host_wire(h, &line) && sim_map_put(&net->by_ip, ip_key(h->ip), h->index + 1);
	ok = ok && sim_map_put(&net->by_name, h->entity, h->index + 1);
	return ok && sim_engine_add_source(net->engine, &h->source, h->name);
}

struct sim_host *sim_host_new(struct sim_net *net, const char *name, int region, const uint8_t *ip)
{
	uint64_t entity = sim_rand_name(name);
	if (sim_map_get(&net->by_name, entity) || (ip && ip_taken(net, ip)) || !room_for_host(net)) {
		return NULL;
	}
	struct sim_host *h = calloc(1, sizeof *h);
	if (!h) {
		return NULL;
	}
	h->tp.ops = sim_tp_ops();
	h->net = net;
	h->entity = entity;
	h->cc = net->cc;
	h->index = net->num_hosts;
	h->wake.handler = wake_event;
	int count = (int)net->num_regions;
	h->region = count == 0 ? -1 : region >= 0 && region < count ? region : (int)(h->index % net->num_regions);
	h->name = strdup(name);
	bool addressed = ip || ip_draw(net, entity, 0, h->ip);
	if (ip) {
		memcpy(h->ip, ip, sizeof h->ip);
	}
	if (!h->name || !addressed || !host_register(net, h) || (net->handshake_ns && !rough_take(h))) {
		host_free(h);
		return NULL;
	}
	ip_take(net, h->ip);
	net->hosts[net->num_hosts++] = h;
	return h;
}

void host_free(struct sim_host *h)
{
	if (sim_map_get(&h->net->by_ip, ip_key(h->ip)) == (uint64_t)h->index + 1) {
		sim_map_remove(&h->net->by_ip, ip_key(h->ip));
	}
	if (sim_map_get(&h->net->by_name, h->entity) == (uint64_t)h->index + 1) {
		sim_map_remove(&h->net->by_name, h->entity);
	}
	sim_engine_cancel(h->net->engine, &h->wake);
	rough_free(h);
	dns_drop(h);
	host_unwire(h);
	free(h->slots);
	free(h->name);
	free(h);
}

/* --- ending --- */

/* What the kernel does with a socket whose process has ended: unread bytes make it a reset, else all that was written still goes out. */
static void process_ended(struct end *e)
{
	if (is_segment(e)) {
		segment_ended(e);
		return;
	}
	switch ((enum end_state)e->state) {
	case END_DIALLING:
	case END_SYN:
	case END_BACKLOG:
		end_abort(e);
		break;
	case END_OPEN:
	case END_FAILED:
		end_close(e, e->in.unread_bytes ? TP_CLOSE_ABORT : TP_CLOSE_FLUSH);
		break;
	case END_CLOSED:
	case END_GONE:
		break;
	}
}

/* A machine without power says nothing: what it has put on the link still arrives, the rest is lost. */
static void power_lost(struct end *e)
{
	if (is_segment(e)) {
		segment_power_lost(e);
		return;
	}
	struct end *to = peer_of(e);
	bool linked = e->state != END_DIALLING && to->host && to->state != END_DIALLING;
	end_vanish(e);
	if (linked) {
		stream_kill(to);
	}
}

void host_stop(struct sim_host *h, bool silent)
{
	memset(h->listeners, 0, sizeof h->listeners);
	h->attached = false;
	h->accept_window = 0;
	rough_stop(h);
	sim_engine_cancel(h->net->engine, &h->wake);
	dns_drop(h);
	for (uint32_t slot = 0; slot < h->num_slots; slot++) {
		struct end *e = h->slots[slot].end;
		if (e && silent) {
			power_lost(e);
		} else if (e) {
			process_ended(e);
		}
		if (e) {
			conn_settle(conn_of(e));
		}
	}
	memset(&h->events, 0, sizeof h->events);
}

void sim_host_power(struct sim_host *h, bool on)
{
	if (!on && !h->off) {
		host_stop(h, true);
	}
	h->off = !on;
	net_hash(h->net, h->entity ^ on);
}

/* --- moving --- */

/* What is under way to it is lost, and what it has not sent yet; what it has sent still arrives. */
static void address_lost(struct end *e)
{
	struct end *peer = peer_of(e);
	if (is_segment(e)) {
		segment_path(conn_of(e));
	} else if (e->state == END_DIALLING) {
		e->in.dial.answer_ns = SIM_NEVER;
	} else if (end_away(e)) {
		stream_lose(e);
		if (peer->state != END_DIALLING) {
			stream_kill(peer);
		}
		end_arm(e);
	}
}

void host_moved(struct sim_host *h)
{
	h->moves++;
	for (uint32_t slot = 0; slot < h->num_slots; slot++) {
		struct end *e = h->slots[slot].end;
		if (e && e->state != END_GONE) {
			address_lost(e);
		}
	}
}

enum sy_err sim_host_move(struct sim_host *h, const uint8_t *ip)
{
	uint8_t drawn[16];
	if (behind_nat(h)) {
		return site_move(h->site, ip);
	}
	if (ip && ip_taken(h->net, ip)) {
		return SY_IN_USE;
	}
	if (!ip && !ip_draw(h->net, h->entity, h->moves + 1, drawn)) {
		return SY_LIMIT;
	}
	if (!host_readdress(h, ip ? ip : drawn)) {
		return SY_NO_MEMORY;
	}
	net_hash(h->net, ip_key(h->ip));
	host_moved(h);
	return SY_OK;
}

/* --- looking --- */

void sim_host_set_cc(struct sim_host *h, enum sim_tcp_cc cc)
{
	h->cc = cc;
}

struct tp_transport *sim_host_transport(struct sim_host *h)
{
	return &h->tp;
}

void sim_host_address(const struct sim_host *h, struct sy_netaddr *addr)
{
	memset(addr, 0, sizeof *addr);
	memcpy(addr->ip, h->ip, sizeof h->ip);
}

uint32_t sim_host_index(const struct sim_host *h)
{
	return h->index;
}

const char *sim_host_name(const struct sim_host *h)
{
	return h->name;
}

uint64_t sim_host_random_entity(const struct sim_host *h)
{
	return h->entity;
}
