/* Addresses: drawn, taken, and whom they lead to. */
#include <string.h>

#include "sim/net/internal.h"

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

uint64_t ip_key(const uint8_t ip[16])
{
	return sy_hash_bytes(1, ip, 16);
}

struct sim_host *host_by_ip(const struct sim_net *net, const uint8_t ip[16])
{
	uint64_t index = sim_map_get(&net->by_ip, ip_key(ip));
	struct sim_host *h = index ? net->hosts[index - 1] : NULL;
	return h && memcmp(h->ip, ip, sizeof h->ip) == 0 ? h : NULL;
}

static struct sim_site *site_by_ip(const struct sim_net *net, const uint8_t ip[16])
{
	uint64_t index = sim_map_get(&net->by_site_ip, ip_key(ip));
	struct sim_site *site = index ? net->sites[index - 1] : NULL;
	return site && memcmp(site->ip, ip, sizeof site->ip) == 0 ? site : NULL;
}

bool ip_taken(const struct sim_net *net, const uint8_t ip[16])
{
	return host_by_ip(net, ip) || site_by_ip(net, ip);
}

/* Drawn from the name, in a /16 that nobody has yet; when most are taken, beside others. */
bool ip_draw(const struct sim_net *net, uint64_t entity, uint64_t how_manieth, uint8_t ip[16])
{
	entity = how_manieth ? sy_hash_u64(entity, how_manieth) : entity;
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
		if (!ip_taken(net, ip)) {
			return true;
		}
	}
	return false;
}

void ip_take(struct sim_net *net, const uint8_t ip[16])
{
	if (memcmp(ip, mapped, sizeof mapped) == 0) {
		take_group(net, (uint32_t)ip[12] << 8 | ip[13]);
	}
}

bool host_readdress(struct sim_host *h, const uint8_t ip[16])
{
	struct sim_net *net = h->net;
	if (!sim_map_put(&net->by_ip, ip_key(ip), h->index + 1)) {
		return false;
	}
	sim_map_remove(&net->by_ip, ip_key(h->ip));
	memcpy(h->ip, ip, sizeof h->ip);
	ip_take(net, ip);
	return true;
}

/* --- who is dialled --- */

static struct sim_host *forwarded(const struct sim_site *site, uint16_t *port)
{
	for (uint32_t i = 0; i < site->net->num_hosts; i++) {
		struct sim_host *h = site->net->hosts[i];
		if (h->site == site && h->forward && h->forward == *port) {
			*port = h->forward_to;
			return h;
		}
	}
	return NULL;
}

struct sim_host *host_dialled(struct sim_host *from, const uint8_t ip[16], uint16_t *port, bool *is_mapped)
{
	struct sim_host *to = host_by_ip(from->net, ip);
	bool within = to && behind_nat(to) && to->site == from->site;
	*is_mapped = behind_nat(from) && !within;
	if (to) {
		return !behind_nat(to) || within ? to : NULL; /* nobody routes a private address */
	}
	const struct sim_site *site = site_by_ip(from->net, ip);
	return site ? forwarded(site, port) : NULL;
}

bool sim_host_outside(const struct sim_host *h, struct sy_netaddr *addr)
{
	sim_host_address(h, addr);
	if (!behind_nat(h)) {
		return true;
	}
	if (h->forward) {
		memcpy(addr->ip, h->site->ip, sizeof addr->ip);
		addr->port = h->forward;
	}
	return h->forward != 0;
}

const uint8_t *sim_host_public_ip(const struct sim_host *h)
{
	return behind_nat(h) ? h->site->ip : h->ip;
}
