/* The in-memory network behind the paced transport: 5 ms one way, 100 Mbit/s. */
#include "tests/support/net_world.h"

#include <stdlib.h>

#include "sim/world/paced.h"
#include "transport/pair/pair.h"

struct net_world {
	struct tp_pair_net *net;
	struct tp_transport *ends[NET_ENDPOINTS];
};

static void link_of_all(void *ctx, const struct sy_netaddr *remote, struct paced_link *link)
{
	*link = (struct paced_link){.latency_ns = 5000000, .rate_bits = 100000000};
}

static struct net_world *paced_make(void)
{
	struct net_world *w = calloc(1, sizeof(*w));
	if (w)
		w->net = tp_pair_net_new();
	return w;
}

static void forget(struct net_world *w, unsigned i)
{
	w->ends[i] = NULL;
}

static void paced_free(struct net_world *w)
{
	for (unsigned i = 0; i < NET_ENDPOINTS; i++)
		if (w->ends[i])
			w->ends[i]->ops->fini(w->ends[i]);
	tp_pair_net_free(w->net);
	free(w);
}

static void address(struct net_world *w, unsigned i, struct sy_netaddr *at)
{
	*at = net_v4(12, (uint8_t)(i + 1), 0, 1, 0);
}

static struct tp_transport *endpoint(struct net_world *w, unsigned i)
{
	const struct paced_config config = {.epoch_ns = 0, .link = link_of_all};
	struct sy_netaddr at;
	address(w, i, &at);
	if (!w->ends[i]) {
		struct tp_transport *inner = tp_pair_endpoint(w->net, &at);
		w->ends[i] = inner ? paced_new(inner, &config) : NULL;
	}
	return w->ends[i];
}

static bool step(struct net_world *w)
{
	return tp_pair_step(w->net, tp_pair_now_ns(w->net) + 3600ull * 1000000000ull);
}

static void nowhere(struct net_world *w, struct sy_netaddr *at)
{
	*at = net_v4(99, 9, 9, 9, 26656);
}

const struct net_kind net_paced = {
    .name = "paced",
    .make = paced_make,
    .free = paced_free,
    .endpoint = endpoint,
    .forget = forget,
    .address = address,
    .step = step,
    .nowhere = nowhere,
    .bounds_dials = true,
};
