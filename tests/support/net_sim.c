/* Simulated hosts as a network to test against: 2 ms one way, nothing lost; one kind for each model of TCP. */
#include "tests/support/net_world.h"

#include <stdlib.h>
#include <stdio.h>

#include "sim/net/net.h"

#define HOUR_NS 3600000000000ull

struct net_world {
	struct sim_engine *engine;
	struct sim_net *net;
	struct sim_host *hosts[NET_ENDPOINTS];
	struct sim_host *deaf;
};

static struct net_world *make(enum sim_tcp_model tcp)
{
	const struct sim_net_config config = {
	    .tcp = tcp,
	    .link = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = 2000000}, .mtu = 1500},
	};
	const struct sy_netaddr localhost = net_v4(127, 0, 0, 1, 0);
	struct net_world *w = calloc(1, sizeof(*w));
	const char *what = NULL;
	if (!w)
		return NULL;
	w->engine = sim_engine_new(1);
	if (sim_net_new(&w->net, w->engine, &config, &what) != SY_OK || sim_net_dns_set(w->net, "localhost", &localhost, 1) != SY_OK)
		abort();
	return w;
}

static struct net_world *sim_make(void)
{
	return make(SIM_TCP_NONE);
}

static struct net_world *segment_make(void)
{
	return make(SIM_TCP_SEGMENT);
}

static struct net_world *flow_make(void)
{
	return make(SIM_TCP_FLOW);
}

static void sim_free(struct net_world *w)
{
	sim_net_free(w->net);
	sim_engine_free(w->engine);
	free(w);
}

static struct sim_host *host(struct net_world *w, unsigned i)
{
	char name[16];
	snprintf(name, sizeof(name), "host%u", i);
	if (!w->hosts[i])
		w->hosts[i] = sim_host_new(w->net, name, -1, NULL);
	return w->hosts[i];
}

static struct tp_transport *sim_endpoint(struct net_world *w, unsigned i)
{
	return sim_host_transport(host(w, i));
}

/* The host stays when its process dies. */
static void sim_forget(struct net_world *w, unsigned i)
{
	(void)w, (void)i;
}

static void sim_address(struct net_world *w, unsigned i, struct sy_netaddr *at)
{
	*at = (struct sy_netaddr){0};
	sim_host_address(host(w, i), at);
}

static bool sim_step(struct net_world *w)
{
	return sim_engine_step(w->engine, w->engine->now_ns + HOUR_NS);
}

/* A host behind a black hole. */
static void sim_nowhere(struct net_world *w, struct sy_netaddr *at)
{
	if (!w->deaf) {
		w->deaf = sim_host_new(w->net, "deaf", -1, NULL);
		for (unsigned i = 0; i < 3; i++)
			sim_net_cut(w->net, host(w, i), w->deaf, SIM_CUT_BLACKHOLE);
	}
	*at = (struct sy_netaddr){0};
	sim_host_address(w->deaf, at);
	at->port = 26656;
}

const struct net_kind net_sim = {
    .name = "sim",
    .make = sim_make,
    .free = sim_free,
    .endpoint = sim_endpoint,
    .forget = sim_forget,
    .address = sim_address,
    .step = sim_step,
    .nowhere = sim_nowhere,
};

const struct net_kind net_segment = {
    .name = "segment",
    .make = segment_make,
    .free = sim_free,
    .endpoint = sim_endpoint,
    .forget = sim_forget,
    .address = sim_address,
    .step = sim_step,
    .nowhere = sim_nowhere,
};

const struct net_kind net_flow = {
    .name = "flow",
    .make = flow_make,
    .free = sim_free,
    .endpoint = sim_endpoint,
    .forget = sim_forget,
    .address = sim_address,
    .step = sim_step,
    .nowhere = sim_nowhere,
};
