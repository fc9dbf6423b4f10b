/*
 * A transport around another that keeps the latency and the rate of a described network over real sockets: what is
 * written leaves for the inner transport no sooner than the link would have delivered it. Delays are the sender's:
 * each side delays its own bytes, and a dial is told of after a round trip. Times count from an epoch, so that nodes of
 * one world share a clock that begins at 0. One socket a pair carries its rate; two between the same pair have it each.
 */
#ifndef SIM_WORLD_PACED_H
#define SIM_WORLD_PACED_H

#include "transport/transport.h"

struct paced_link {
	uint64_t latency_ns; /* one way */
	uint64_t rate_bits;  /* 0: unlimited */
};

struct paced_config {
	uint64_t epoch_ns; /* subtracted from the inner transport's clock */
	void *ctx;
	/* The link to a remote address; asked once a connection. */
	void (*link)(void *ctx, const struct sy_netaddr *remote, struct paced_link *link);
};

#define PACED_SEND_BUFFER 262144u                 /* bytes that one socket holds beside what is on the way, as a kernel would */
#define PACED_CHUNK 4096u                         /* bytes that are released together: 1.6 ms at 20 Mbit/s */
#define PACED_IN_FLIGHT_MAX (64u * 1024u * 1024u) /* on the way at most: 1 Gbit/s for half a second */

/* Takes inner: fini of what comes out ends both. Null when out of memory; inner is then still the caller's. */
struct tp_transport *paced_new(struct tp_transport *inner, const struct paced_config *config);

#endif
