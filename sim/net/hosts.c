/* Hosts: their names and addresses, and what happens to their sockets when the process or the machine ends. */
#include <stdlib.h>
#include <string.h>

#include "sim/net/segment.h"

enum { GROUPS_FULL = 50000, GROUP_TRIES = 4096 };

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* --- addresses --- */

/* Public unicast /16s: no private, loopback, link-local, shared, documentation, benchmark or multicast range. */
static bool group_public(uint32_t group)
{
	uint32_t a = group >> 8;
	uint32_t b = group & 255;
	if (a == 0 || a == 10 || a == 127 || a >= 224) {
		return false;
	}
	switch (a) {
	case 100:
		return b < 64 || b > 127;
	case 169:
		return b != 254;
	case 172:
		return b < 16 || b > 31;
	case 192:
		return b != 0 && b != 88 && b != 168;
	case 198:
		return b != 18 && b != 19 && b != 51;
	case 203:
		return b != 0;
	}
	return true;
}

static bool group_taken(const struct sim_net *net, uint32_t group)
{
	return net->groups[group / 64] >> (group % 64) & 1;
}

static void take_group(struct sim_net *net, uint32_t group)
{
	net->groups_taken += !group_taken(net, group);
	net->groups[group / 64] |= 1ull << (group % 64);
}

static uint64_t ip_key(const uint8_t ip[16])
{
	return sy_hash_bytes(1, ip, 16);
}

struct sim_host *host_by_ip(const struct sim_net *net, const uint8_t ip[16])
{
	uint64_t index = sim_map_get(&net->by_ip, ip_key(ip));
	struct sim_host *h = index ? net->hosts[index - 1] : NULL;
	return h && memcmp(h->ip, ip, sizeof h->ip) == 0 ? h : NULL;
}

/* An address drawn from the name, in a /16 that nobody has yet; when most are taken, beside others. Returns false when none is found. */
static bool draw_ip(const struct sim_net *net, uint64_t entity, uint8_t ip[16])
{
	memcpy(ip, mapped, sizeof mapped);
	for (uint64_t i = 0; i < GROUP_TRIES; i++) {
		uint64_t u = sim_rand_u64(net->engine->seed, SIM_RAND_ADDRESS, entity, i);
		uint32_t group = (uint32_t)(u >> 48);
		if (!group_public(group) || (net->groups_taken < GROUPS_FULL && group_taken(net, group))) {
			continue;
		}
		ip[12] = (uint8_t)(group >> 8);
		ip[13] = (uint8_t)group;
		ip[14] = (uint8_t)(u & 0xff);
		ip[15] = (uint8_t)(1 + (u >> 8) % 254);
		if (!host_by_ip(net, ip)) {
			return true;
		}
	}
	return false;
}

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

static uint64_t uplink_queue_ns(uint64_t rate_bits)
{
	uint64_t least = transmit_ns(rate_bits, MIN_QUEUE_BYTES); /* 0 when unlimited */
	return least > 50000000 ? least : 50000000;               /* a typical round trip's worth */
}

static uint64_t access_queue_bytes(uint64_t rate_bits)
{
	return (uint64_t)((unsigned __int128)rate_bits * uplink_queue_ns(rate_bits) / 8000000000ull);
}

/* The access links of a host, where the network has any. Returns false when out of memory. */
static bool make_access(struct sim_net *net, struct sim_host *h)
{
	if (net->tcp == SIM_TCP_NONE) {
		h->uplink = net->uplink_bits ? pipe_new(h, net->uplink_bits, uplink_queue_ns(net->uplink_bits)) : NULL;
		return h->uplink || !net->uplink_bits;
	}
	h->up.rate_bits = net->uplink_bits;
	h->up.queue_bytes = access_queue_bytes(net->uplink_bits);
	if (net->downlink_bits) {
		h->down = segment_downlink(net, h, net->downlink_bits, access_queue_bytes(net->downlink_bits));
	}
	return h->down || !net->downlink_bits;
}

static bool host_register(struct sim_net *net, struct sim_host *h)
{
	bool ok = make_access(net, h) && sim_map_put(&net->by_ip, ip_key(h->ip), h->index + 1);
	ok = ok && sim_map_put(&net->by_name, h->entity, h->index + 1);
	return ok && sim_engine_add_source(net->engine, &h->source, h->name);
}

struct sim_host *sim_host_new(struct sim_net *net, const char *name, int region, const uint8_t *ip)
{
	uint64_t entity = sim_rand_name(name);
	if (sim_map_get(&net->by_name, entity) || (ip && host_by_ip(net, ip)) || !room_for_host(net)) {
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
	bool addressed = ip || draw_ip(net, entity, h->ip);
	if (ip) {
		memcpy(h->ip, ip, sizeof h->ip);
	}
	if (!h->name || !addressed || !host_register(net, h)) {
		host_free(h);
		return NULL;
	}
	if (memcmp(h->ip, mapped, sizeof mapped) == 0) {
		take_group(net, (uint32_t)h->ip[12] << 8 | h->ip[13]);
	}
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
	pipe_free(h->net, h->uplink);
	sim_tcp_link_free(h->down);
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

static bool readdress(struct sim_host *h, const uint8_t *ip)
{
	struct sim_net *net = h->net;
	if (!sim_map_put(&net->by_ip, ip_key(ip), h->index + 1)) {
		return false;
	}
	sim_map_remove(&net->by_ip, ip_key(h->ip));
	memcpy(h->ip, ip, sizeof h->ip);
	if (memcmp(ip, mapped, sizeof mapped) == 0) {
		take_group(net, (uint32_t)ip[12] << 8 | ip[13]);
	}
	return true;
}

enum sy_err sim_host_move(struct sim_host *h, const uint8_t *ip)
{
	uint8_t drawn[16];
	if (ip && (memcmp(ip, h->ip, sizeof h->ip) == 0 || host_by_ip(h->net, ip))) {
		return SY_IN_USE;
	}
	if (!ip && !draw_ip(h->net, sy_hash_u64(h->entity, h->moves + 1), drawn)) {
		return SY_LIMIT;
	}
	if (!readdress(h, ip ? ip : drawn)) {
		return SY_NO_MEMORY;
	}
	h->moves++;
	net_hash(h->net, ip_key(h->ip));
	for (uint32_t slot = 0; slot < h->num_slots; slot++) {
		struct end *e = h->slots[slot].end;
		if (e && e->state != END_GONE) {
			address_lost(e);
		}
	}
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
