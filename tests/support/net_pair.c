/* The in-memory network as a network to test against. */
#include "tests/support/net_world.h"

#include <stdlib.h>

#include "transport/pair/pair.h"

struct net_world {
	struct tp_pair_net *net;
	struct tp_transport *ends[NET_ENDPOINTS];
};

struct sy_netaddr net_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct sy_netaddr){.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, .port = port};
}

static struct net_world *pair_make(void)
{
	struct net_world *w = calloc(1, sizeof(*w));
	if (w)
		w->net = tp_pair_net_new();
	return w;
}

static void pair_free(struct net_world *w)
{
	tp_pair_net_free(w->net);
	free(w);
}

static void pair_address(struct net_world *w, unsigned i, struct sy_netaddr *at)
{
	(void)w;
	*at = net_v4(12, (uint8_t)(i + 1), 0, 1, 0);
}

static struct tp_transport *pair_endpoint(struct net_world *w, unsigned i)
{
	struct sy_netaddr at;
	pair_address(w, i, &at);
	if (!w->ends[i])
		w->ends[i] = tp_pair_endpoint(w->net, &at);
	return w->ends[i];
}

static void pair_forget(struct net_world *w, unsigned i)
{
	w->ends[i] = NULL;
}

static bool pair_step(struct net_world *w)
{
	return tp_pair_step(w->net, tp_pair_now_ns(w->net) + 3600ull * 1000000000ull);
}

static void pair_nowhere(struct net_world *w, struct sy_netaddr *at)
{
	(void)w;
	*at = net_v4(99, 9, 9, 9, 26656);
}

const struct net_kind net_pair = {
    .name = "pair",
    .make = pair_make,
    .free = pair_free,
    .endpoint = pair_endpoint,
    .forget = pair_forget,
    .address = pair_address,
    .step = pair_step,
    .nowhere = pair_nowhere,
    .bounds_dials = true,
};
