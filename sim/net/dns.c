/* Names: what the script has set, and the hosts' own. An answer takes a fixed time; the look-up crosses no link. */
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "sim/net/internal.h"

#define ANSWER_NS 5000000u /* a resolver near by */
enum { MAX_NAMES = 65536 };

static struct dns_name *find_name(const struct sim_net *net, const char *name)
{
	uint64_t index = sim_map_get(&net->dns_index, sim_rand_name(name));
	return index ? &net->dns[index - 1] : NULL;
}

/* A new entry without addresses; null when out of memory. */
static struct dns_name *add_name(struct sim_net *net, const char *name)
{
	struct dns_name *all = net->num_dns < MAX_NAMES ? realloc(net->dns, (net->num_dns + 1) * sizeof *all) : NULL;
	if (!all) {
		return NULL;
	}
	net->dns = all;
	struct dns_name *d = &all[net->num_dns];
	*d = (struct dns_name){.name = strdup(name)};
	if (!d->name || !sim_map_put(&net->dns_index, sim_rand_name(name), net->num_dns + 1)) {
		free(d->name);
		return NULL;
	}
	net->num_dns++;
	return d;
}

enum sy_err sim_net_dns_set(struct sim_net *net, const char *name, const struct sy_netaddr *addrs, size_t n)
{
	if (n > SY_LIMIT_RESOLVED || strlen(name) >= SY_HOST_TEXT) {
		return SY_INVALID;
	}
	struct dns_name *d = find_name(net, name);
	d = d ? d : add_name(net, name);
	struct sy_netaddr *copy = d ? calloc(n + 1, sizeof *copy) : NULL;
	if (!copy) {
		return SY_NO_MEMORY;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(copy[i].ip, addrs[i].ip, sizeof copy[i].ip);
	}
	free(d->addrs);
	d->addrs = copy;
	d->n = n;
	net_hash(net, sim_rand_name(name));
	return SY_OK;
}

static void unlink_lookup(struct lookup *l)
{
	struct lookup **at = &l->host->lookups;
	while (*at != l) {
		at = &(*at)->next;
	}
	*at = l->next;
	l->host->num_lookups--;
}

static void answer(struct sim_event *event, uint64_t now_ns)
{
	struct lookup *l = (struct lookup *)event;
	struct sim_host *h = l->host;
	const struct dns_name *d = find_name(h->net, l->name);
	uint64_t index = sim_map_get(&h->net->by_name, sim_rand_name(l->name));
	struct sy_netaddr copy[SY_LIMIT_RESOLVED]; /* the driver may have names set while it looks at them */
	size_t n = 0;
	if (d) {
		n = d->n;
		memcpy(copy, d->addrs, n * sizeof *copy);
	} else if (index && strcmp(h->net->hosts[index - 1]->name, l->name) == 0) {
		struct sim_host *named = h->net->hosts[index - 1];
		sim_host_address(named, &copy[0]);
		if (behind_nat(named) && named->site != h->site) {
			memcpy(copy[0].ip, sim_host_public_ip(named), sizeof copy[0].ip);
		}
		n = 1;
	}
	uint64_t token = l->token;
	unlink_lookup(l);
	free(l);
	h->events.resolved(h->events.ctx, token, copy, n, n ? SY_OK : SY_DNS);
}

enum sy_err dns_start(struct sim_host *h, uint64_t token, const char *name)
{
	size_t len = strlen(name);
	if (h->num_lookups == MAX_LOOKUPS || len >= SY_HOST_TEXT) {
		return SY_LIMIT;
	}
	struct lookup *l = calloc(1, sizeof *l + len + 1);
	if (!l) {
		return SY_LIMIT;
	}
	memcpy(l->name, name, len + 1);
	l->host = h;
	l->token = token;
	l->event.handler = answer;
	struct sim_engine *engine = h->net->engine;
	if (!sim_engine_schedule(engine, &h->source, &l->event, SIM_DELIVERY, engine->now_ns + ANSWER_NS)) {
		free(l);
		return SY_LIMIT;
	}
	l->next = h->lookups;
	h->lookups = l;
	h->num_lookups++;
	return SY_OK;
}

void dns_drop(struct sim_host *h)
{
	while (h->lookups) {
		struct lookup *l = h->lookups;
		h->lookups = l->next;
		sim_engine_cancel(h->net->engine, &l->event);
		free(l);
	}
	h->num_lookups = 0;
}

void dns_fini(struct sim_net *net)
{
	for (size_t i = 0; i < net->num_dns; i++) {
		free(net->dns[i].name);
		free(net->dns[i].addrs);
	}
	free(net->dns);
}
