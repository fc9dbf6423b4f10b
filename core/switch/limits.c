/*
 * Limits on where inbound connections come from: how many from one address and one network, and how often. Source: D-34.
 *
 * One address is an IPv4 address or an IPv6 /64, which is what one host is given; one network is an IPv4 /24 or an IPv6
 * /48, the smallest prefixes that are routed on the internet, so that neither costs an attacker little. Addresses that are
 * not routable (loopback, private networks) are left alone: behind a proxy or a NAT all peers have one of those.
 */
#include "core/switch/switch.h"

#include "core/base/hash.h"
#include "core/wire/addr_class.h"
#include "core/wire/group.h"

#include <string.h>

#define MINUTE_NS (60 * SY_SECOND)
#define WAYS 4u
_Static_assert(SY_LIMIT_RATE_IPS % WAYS == 0, "sets of equal size");

/* Prefixes of the 16 bytes: an IPv4 address is the end of them. */
enum { BITS_IP4 = 128, BITS_IP6 = 64, BITS_NET4 = 120, BITS_NET6 = 48 };

static bool same_prefix(const uint8_t a[16], const uint8_t b[16], uint32_t bits)
{
	return memcmp(a, b, bits / 8) == 0;
}

/* Inbound connections with this prefix, peers or not yet, but for one. */
static uint32_t count_inbound(const struct sy_switch *sw, const uint8_t ip[16], uint32_t bits, const struct sy_slot *but)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < sw->table.cap; i++) {
		const struct sy_slot *s = sy_table_at(&sw->table, i);
		n += s && s != but && !s->conn.outbound && !(s->flags & SY_SLOT_DEAD) && same_prefix(s->remote.ip, ip, bits);
	}
	return n;
}

/* A persistent peer's address: identity is not known yet, but it is to be let in that far. */
static bool is_expected_from(const struct sy_switch *sw, const uint8_t ip[16])
{
	for (uint32_t i = 0; i < sw->num_persistent; i++)
		if (sw->redials[i].resolved && memcmp(sw->redials[i].addr.ip, ip, sizeof sw->redials[i].addr.ip) == 0)
			return true;
	return false;
}

enum sy_err sy_switch_limit_places(const struct sy_switch *sw, const struct sy_netaddr *remote, const struct sy_slot *self)
{
	const struct sy_config *c = &sw->config;
	bool v4 = sy_ip_is_v4(remote->ip);
	if ((!c->max_inbound_per_ip && !c->max_inbound_per_net) || !sy_ip_routable(remote))
		return SY_OK;
	if (c->max_inbound_per_ip && count_inbound(sw, remote->ip, v4 ? BITS_IP4 : BITS_IP6, self) >= c->max_inbound_per_ip)
		return SY_IP_FULL;
	if (c->max_inbound_per_net && count_inbound(sw, remote->ip, v4 ? BITS_NET4 : BITS_NET6, self) >= c->max_inbound_per_net)
		return SY_NET_FULL;
	return SY_OK;
}

/*
 * A token bucket as the time at which it will be full again: one connection fills it by gap_ns, and it holds burst_ns.
 * False: it would overflow; nothing is taken then.
 */
static bool take_token(uint64_t *full_at_ns, uint64_t now_ns, uint64_t gap_ns, uint64_t burst_ns)
{
	uint64_t from = *full_at_ns > now_ns ? *full_at_ns : now_ns;
	if (from + gap_ns - now_ns > burst_ns)
		return false;
	*full_at_ns = from + gap_ns;
	return true;
}

/* The bucket of an address; null without memory. Where a set is full of others, the one that is full again first goes. */
static struct sy_ip_rate *find_rate(struct sy_switch *sw, const uint8_t ip[16])
{
	size_t n = sy_ip_is_v4(ip) ? 16 : BITS_IP6 / 8;
	uint8_t key[16] = {0};
	memcpy(key, ip, n);
	if (!sw->rates)
		sw->rates = sy_mem_new(sw->env, SY_LIMIT_RATE_IPS * sizeof *sw->rates);
	if (!sw->rates)
		return NULL;
	struct sy_ip_rate *set = sw->rates + sy_entity_of_bytes(sw->entity, key, sizeof key) % (SY_LIMIT_RATE_IPS / WAYS) * WAYS;
	struct sy_ip_rate *victim = set;
	for (uint32_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].ip, key, sizeof key) == 0)
			return &set[i];
		if (set[i].full_at_ns < victim->full_at_ns)
			victim = &set[i];
	}
	memcpy(victim->ip, key, sizeof key);
	victim->full_at_ns = 0;
	return victim;
}

static bool within_rate_of_ip(struct sy_switch *sw, const struct sy_netaddr *remote)
{
	uint32_t rate = sw->config.accept_rate_per_ip;
	if (!rate || !sy_ip_routable(remote))
		return true;
	struct sy_ip_rate *r = find_rate(sw, remote->ip);
	return !r || take_token(&r->full_at_ns, sw->now_ns, MINUTE_NS / rate, MINUTE_NS);
}

static bool within_rate(struct sy_switch *sw)
{
	uint32_t rate = sw->config.accept_rate;
	return !rate || take_token(&sw->accept_full_at_ns, sw->now_ns, SY_SECOND / rate, SY_SECOND);
}

enum sy_err sy_switch_limit_accept(struct sy_switch *sw, const struct sy_netaddr *remote, bool expects_somebody)
{
	if (is_expected_from(sw, remote->ip))
		return SY_OK;
	enum sy_err err = sy_switch_limit_places(sw, remote, NULL);
	if (err && !expects_somebody) /* else it is judged when it has shown its id */
		return err;
	return within_rate_of_ip(sw, remote) && within_rate(sw) ? SY_OK : SY_RATE_LIMITED;
}

void sy_switch_free_rates(struct sy_switch *sw)
{
	sy_mem_free(sw->env, sw->rates, sw->rates ? SY_LIMIT_RATE_IPS * sizeof *sw->rates : 0);
	sw->rates = NULL;
}
