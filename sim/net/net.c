/* Making and freeing the network; its numbers. */
#include <stdlib.h>
#include <string.h>

#include "sim/net/regions.h"
#include "sim/net/segment.h"

#define LOOPBACK_NS 30000u

static enum sy_err check(const struct sim_net_config *config, const char **what)
{
	for (size_t i = 0; i < config->num_regions; i++) {
		if (sim_region_find(config->regions[i]) < 0) {
			*what = "no such region: us-east us-west ca-central sa-east eu-west eu-central eu-north me-south af-south ap-south "
			        "ap-southeast ap-northeast ap-east ap-sydney";
			return SY_INVALID;
		}
	}
	if (config->num_regions > SIM_REGIONS) {
		*what = "a region is named twice";
		return SY_INVALID;
	}
	return link_params_check(config->tcp, &config->link, what);
}

/* Between regions the matrix gives the delay, all else is the network's. */
static bool make_kinds(struct sim_net *net, const struct sim_net_config *config)
{
	size_t n = config->num_regions;
	net->kinds = calloc(n ? n * n : 1, sizeof *net->kinds);
	net->regions = calloc(n ? n : 1, sizeof *net->regions);
	if (!net->kinds || !net->regions) {
		return false;
	}
	kind_make(&net->kinds[0], &config->link);
	for (size_t i = 0; i < n; i++) {
		net->regions[i] = sim_region_find(config->regions[i]);
	}
	for (size_t i = 0; i < n * n; i++) {
		struct sim_link_params p = config->link;
		uint64_t ns = sim_region_latency_ns(net->regions[i / n], net->regions[i % n]);
		p.latency = (struct sim_dist){.kind = SIM_DIST_CONSTANT, .a_ns = ns};
		kind_make(&net->kinds[i], &p);
	}
	net->num_regions = n;
	return true;
}

enum sy_err sim_net_new(struct sim_net **out, struct sim_engine *engine, const struct sim_net_config *config, const char **what)
{
	const char *unheard = NULL;
	enum sy_err err = check(config, what ? what : &unheard);
	if (err != SY_OK) {
		return err;
	}
	struct sim_net *net = calloc(1, sizeof *net);
	if (!net) {
		return SY_NO_MEMORY;
	}
	net->engine = engine;
	net->tcp = config->tcp;
	net->cc = config->cc;
	net->sndbuf = config->sndbuf;
	net->notsent_lowat = config->notsent_lowat;
	net->frame_ns = config->frame_ns;
	net->handshake_ns = config->handshake_ns;
	net->rcvbuf = config->rcvbuf;
	net->uplink_bits = config->uplink_bits;
	net->downlink_bits = config->downlink_bits;
	net->hash = sy_mix64(engine->seed);
	struct sim_link_params loopback = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = LOOPBACK_NS}};
	kind_make(&net->loopback, &loopback);
	if (!make_kinds(net, config)) {
		sim_net_free(net);
		return SY_NO_MEMORY;
	}
	*out = net;
	return SY_OK;
}

void sim_net_free(struct sim_net *net)
{
	if (!net) {
		return;
	}
	conns_fini(net);
	for (uint32_t i = 0; i < net->num_hosts; i++) {
		host_free(net->hosts[i]);
	}
	sites_fini(net);
	for (size_t i = 0; i < net->num_own_kinds; i++) {
		free(net->own_kinds[i]);
	}
	chunks_fini(net);
	dns_fini(net);
	sim_map_fini(&net->by_ip);
	sim_map_fini(&net->by_name);
	sim_map_fini(&net->pairs);
	sim_map_fini(&net->dials);
	sim_map_fini(&net->overrides);
	sim_map_fini(&net->longer);
	sim_map_fini(&net->cut_index);
	sim_map_fini(&net->dns_index);
	free(net->own_kinds);
	free(net->cuts);
	free(net->kinds);
	free(net->regions);
	free(net->hosts);
	free(net);
}

const char *sim_host_region(const struct sim_host *h)
{
	return h->region < 0 ? "" : sim_region_name(h->net->regions[h->region]);
}

void sim_net_stats(const struct sim_net *net, struct sim_net_stats *stats)
{
	*stats = net->stats;
}

uint64_t sim_net_hash(const struct sim_net *net)
{
	return net->hash;
}

size_t sim_net_socket_memory(const struct sim_net *net)
{
	/* Half of a connection, of its pair and of the pair's entry in a map that is three eighths full; a slot in the host's table. */
	size_t map = sizeof(struct sim_map_slot) * 8 / 3;
	size_t model = net->tcp == SIM_TCP_NONE ? 0 : sim_tcp_memory() + sim_tcp_link_memory();
	return (sizeof(struct conn) + sizeof(struct pair) + map) / 2 + sizeof(struct socket_slot) + model;
}
