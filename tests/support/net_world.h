/*
 * Networks to test against, one interface: in memory, real loopback sockets, simulated hosts. A network holds a few
 * endpoints, each with an address of its own, and moves on one step at a time.
 */
#ifndef TESTS_NET_WORLD_H
#define TESTS_NET_WORLD_H

#include "transport/transport.h"

struct net_world;

struct net_kind {
	const char *name;
	struct net_world *(*make)(void);
	void (*free)(struct net_world *w);
	/* The i-th endpoint's transport, made when first asked for. */
	struct tp_transport *(*endpoint)(struct net_world *w, unsigned i);
	/* The test has called its fini; the endpoint may be asked for anew. */
	void (*forget)(struct net_world *w, unsigned i);
	/* Its ip; port 0. */
	void (*address)(struct net_world *w, unsigned i, struct sy_netaddr *at);
	/* Something happens, if anything can. False: nothing will, or it has taken far too long. */
	bool (*step)(struct net_world *w);
	/* An address at which nobody ever answers. */
	void (*nowhere)(struct net_world *w, struct sy_netaddr *at);
	bool bounds_dials; /* refuses more dials than a node may have under way */
};

/* Ends with a null. A kind that this build does not have is left out. */
extern const struct net_kind *const net_kinds[];
extern const struct net_kind net_pair, net_tcp, net_sim, net_segment, net_flow, net_paced;

#define NET_ENDPOINTS 16u

/* ::ffff:a.b.c.d, port. */
struct sy_netaddr net_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);

#endif
