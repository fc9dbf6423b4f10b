/* Lines: what joins a host to the network, and a site of hosts, which may be behind a NAT. */
#include <stdlib.h>
#include <string.h>

#include "sim/net/segment.h"

enum { MAX_SITES = 4096, MAX_SITE_HOSTS = 4094 };

/* --- lines --- */

/* A typical round trip's worth, unless the line says how much waits in it. */
uint64_t line_queue_ns(uint64_t rate_bits, uint64_t queue_bytes)
{
	uint64_t least = transmit_ns(rate_bits, queue_bytes ? queue_bytes : MIN_QUEUE_BYTES); /* 0 when unlimited */
	return queue_bytes || least > 50000000 ? least : 50000000;
}

uint64_t line_queue_bytes(uint64_t rate_bits, uint64_t queue_bytes)
{
	return queue_bytes ? queue_bytes : (uint64_t)((unsigned __int128)rate_bits * line_queue_ns(rate_bits, 0) / 8000000000ull);
}

void host_unwire(struct sim_host *h)
{
	pipe_free(h->uplink);
	sim_tcp_link_free(h->up_link);
	sim_tcp_link_free(h->down);
	h->uplink = NULL;
	h->up_link = h->down = NULL;
	h->up = (struct sim_tcp_wire){0};
}

static bool wire_pipes(struct sim_host *h, uint64_t up_bits, const struct sim_line *line)
{
	const struct sim_line *site = h->site ? &h->site->line : NULL;
	h->uplink = up_bits ? pipe_new(h->net->engine, &h->source, up_bits, line_queue_ns(up_bits, line->queue_bytes)) : NULL;
	h->narrow_out = up_bits || (site && site->up_bits);
	h->narrow_in = h->down_bits || (site && site->down_bits);
	return h->uplink || !up_bits;
}

/* Where a site's line follows, what leaves the host's own comes there as an event, in its turn among the other hosts'. */
static bool wire_links(struct sim_host *h, uint64_t up_bits, const struct sim_line *line)
{
	uint64_t up_bytes = line_queue_bytes(up_bits, line->queue_bytes), down_bytes = line_queue_bytes(h->down_bits, line->queue_bytes);
	bool ordered = up_bits && h->site && h->site->line.up_bits;
	if (ordered) {
		h->up_link = segment_uplink(h->net, h, up_bits, up_bytes);
	} else {
		h->up.rate_bits = up_bits;
		h->up.queue_bytes = up_bytes;
	}
	h->down = h->down_bits ? segment_downlink(h->net, h, h->down_bits, down_bytes) : NULL;
	return (h->up_link || !ordered) && (h->down || !h->down_bits);
}

bool host_wire(struct sim_host *h, const struct sim_line *line)
{
	uint64_t up_bits = line->up_bits ? line->up_bits : h->net->uplink_bits;
	host_unwire(h);
	h->line = *line;
	h->down_bits = line->down_bits ? line->down_bits : h->net->downlink_bits;
	return h->net->tcp == SIM_TCP_NONE ? wire_pipes(h, up_bits, line) : wire_links(h, up_bits, line);
}

enum sy_err sim_host_line(struct sim_host *h, const struct sim_line *line)
{
	SY_ASSERT(h->used_slots == 0);
	return host_wire(h, line) ? SY_OK : SY_NO_MEMORY;
}

/* --- sites --- */

static void site_free(struct sim_site *site)
{
	pipe_free(site->pipe);
	sim_tcp_link_free(site->up);
	sim_tcp_link_free(site->down);
	free(site);
}

void sites_fini(struct sim_net *net)
{
	for (uint32_t i = 0; i < net->num_sites; i++) {
		site_free(net->sites[i]);
	}
	free(net->sites);
	sim_map_fini(&net->by_site_ip);
	sim_map_fini(&net->by_site_name);
}

static bool site_wire(struct sim_site *site)
{
	const struct sim_line *line = &site->line;
	struct sim_engine *engine = site->net->engine;
	if (site->net->tcp == SIM_TCP_NONE) {
		site->pipe = line->up_bits ? pipe_new(engine, &site->source, line->up_bits, line_queue_ns(line->up_bits, line->queue_bytes)) : NULL;
		return site->pipe || !line->up_bits;
	}
	site->up = line->up_bits ? segment_site_up(site) : NULL;
	site->down = line->down_bits ? segment_site_down(site) : NULL;
	return (site->up || !line->up_bits) && (site->down || !line->down_bits);
}

static bool site_name(struct sim_net *net, const struct sim_site *site)
{
	bool ok = !site->nat || sim_map_put(&net->by_site_ip, ip_key(site->ip), site->index + 1);
	return ok && sim_map_put(&net->by_site_name, site->entity, site->index + 1);
}

static bool site_register(struct sim_net *net, struct sim_site *site)
{
	struct sim_site **sites = realloc(net->sites, (net->num_sites + 1) * sizeof(struct sim_site *));
	if (!sites) {
		return false;
	}
	net->sites = sites;
	site->index = net->num_sites;
	if (site_wire(site) && site_name(net, site) && sim_engine_add_source(net->engine, &site->source, site->name)) {
		net->sites[net->num_sites++] = site;
		return true;
	}
	if (site->nat) {
		sim_map_remove(&net->by_site_ip, ip_key(site->ip));
	}
	sim_map_remove(&net->by_site_name, site->entity);
	return false;
}

static enum sy_err site_address(struct sim_net *net, struct sim_site *site, const uint8_t *ip)
{
	if (!site->nat) {
		return SY_OK;
	}
	if (ip && ip_taken(net, ip)) {
		return SY_IN_USE;
	}
	if (!ip && !ip_draw(net, site->entity, site->moves, site->ip)) {
		return SY_LIMIT;
	}
	if (ip) {
		memcpy(site->ip, ip, sizeof site->ip);
	}
	ip_take(net, site->ip);
	return SY_OK;
}

/* A node may have the name, too. */
static uint64_t site_entity(const char *name)
{
	return sy_hash_u64(sim_rand_name(name), 1);
}

static void fill_site(struct sim_site *site, struct sim_net *net, const struct sim_site_config *config)
{
	struct sim_link_params inside = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = config->inside_ns}};
	site->net = net;
	site->name = config->name;
	site->entity = site_entity(config->name);
	site->line = config->line;
	site->nat = config->nat;
	kind_make(&site->inside, &inside);
}

enum sy_err sim_site_new(struct sim_site **out, struct sim_net *net, const struct sim_site_config *config)
{
	if (net->num_sites == MAX_SITES) {
		return SY_LIMIT;
	}
	struct sim_site *site = calloc(1, sizeof *site);
	if (!site) {
		return SY_NO_MEMORY;
	}
	fill_site(site, net, config);
	enum sy_err err = sim_map_get(&net->by_site_name, site->entity) ? SY_IN_USE : site_address(net, site, config->ip);
	if (err == SY_OK && !site_register(net, site)) {
		err = SY_NO_MEMORY;
	}
	if (err != SY_OK) {
		site_free(site);
		return err;
	}
	*out = site;
	return SY_OK;
}

/* 10.0.0.0/8, a /20 a site: the next one that nobody has. */
static bool private_ip(const struct sim_site *site, uint8_t ip[16])
{
	for (uint32_t i = site->num_hosts + 1; i <= MAX_SITE_HOSTS; i++) {
		uint32_t number = site->index << 12 | i;
		memset(ip, 0, 16);
		ip[10] = ip[11] = 0xff;
		ip[12] = 10;
		ip[13] = (uint8_t)(number >> 16);
		ip[14] = (uint8_t)(number >> 8);
		ip[15] = (uint8_t)number;
		if (!ip_taken(site->net, ip)) {
			return true;
		}
	}
	return false;
}

static bool port_taken(const struct sim_site *site, uint16_t port)
{
	for (uint32_t i = 0; i < site->net->num_hosts; i++) {
		if (site->net->hosts[i]->site == site && site->net->hosts[i]->forward == port) {
			return true;
		}
	}
	return false;
}

enum sy_err sim_site_join(struct sim_site *site, struct sim_host *h, bool keep_ip, uint16_t forward, uint16_t port)
{
	uint8_t ip[16];
	SY_ASSERT(h->used_slots == 0 && !h->site);
	if (forward && !site->nat) {
		return SY_INVALID;
	}
	if (forward && port_taken(site, forward)) {
		return SY_IN_USE;
	}
	if (site->nat && !keep_ip && !private_ip(site, ip)) {
		return SY_LIMIT;
	}
	if (site->nat && !keep_ip && !host_readdress(h, ip)) {
		return SY_NO_MEMORY;
	}
	h->site = site;
	h->forward = forward;
	h->forward_to = port;
	site->num_hosts++;
	return host_wire(h, &h->line) ? SY_OK : SY_NO_MEMORY;
}

struct sim_site *sim_site_find(const struct sim_net *net, const char *name)
{
	uint64_t index = sim_map_get(&net->by_site_name, site_entity(name));
	return index ? net->sites[index - 1] : NULL;
}

/* Connections of its hosts must not look alike from outside. */
uint16_t site_take_port(struct sim_site *site)
{
	site->next_port = site->next_port < 32768 || site->next_port >= 60999 ? 32768 : (uint16_t)(site->next_port + 1);
	return site->next_port;
}

enum sy_err site_move(struct sim_site *site, const uint8_t *ip)
{
	struct sim_net *net = site->net;
	uint8_t before[16];
	memcpy(before, site->ip, sizeof before);
	site->moves++;
	enum sy_err err = site_address(net, site, ip);
	if (err != SY_OK) {
		return err;
	}
	if (!sim_map_put(&net->by_site_ip, ip_key(site->ip), site->index + 1)) {
		memcpy(site->ip, before, sizeof site->ip);
		return SY_NO_MEMORY;
	}
	sim_map_remove(&net->by_site_ip, ip_key(before));
	net_hash(net, ip_key(site->ip));
	for (uint32_t i = 0; i < net->num_hosts; i++) {
		if (net->hosts[i]->site == site) {
			host_moved(net->hosts[i]);
		}
	}
	return SY_OK;
}
