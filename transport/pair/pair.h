/*
 * An in-memory network for tests: endpoints with addresses, a clock that moves only when told, and no threads, files or
 * randomness. Events are delivered one at a time, in the order in which they became due; equal programs see equal runs.
 *
 * Links have no delay. A connection holds at most `buffer` bytes in each direction. A dial to an address without an
 * endpoint is never answered; to an endpoint that does not listen there it is refused.
 */
#ifndef TP_PAIR_H
#define TP_PAIR_H

#include "transport/transport.h"

#define TP_PAIR_BUFFER (256u * 1024u) /* bytes under way in one direction: what Linux gives a socket on a local network, about */
#define TP_PAIR_BACKLOG 128u          /* connections that wait for being accepted; further SYNs are dropped */

struct tp_pair_net;

/* Null when there is no memory. The clock starts at one second. */
struct tp_pair_net *tp_pair_net_new(void);
/* Frees the network and every endpoint in it; no event is delivered any more. Null is harmless. */
void tp_pair_net_free(struct tp_pair_net *net);

/*
 * Adds an endpoint with this ip. Several endpoints may share one (they are programs of one machine and share its ports).
 * Returns null when out of memory. The network owns it; its fini closes everything it has and leaves it there, to be
 * attached and used anew.
 */
struct tp_transport *tp_pair_endpoint(struct tp_pair_net *net, const struct sy_netaddr *ip);

/* Bounds of all connections from now on; 0 leaves one as it is. max_write: what one write takes; max_read: what one event brings. */
void tp_pair_limits(struct tp_pair_net *net, size_t buffer, size_t max_write, size_t max_read);
/* A name for resolve; addrs are copied. "localhost" is known. False when out of memory or when n exceeds SY_LIMIT_RESOLVED. */
bool tp_pair_dns_set(struct tp_pair_net *net, const char *name, const struct sy_netaddr *addrs, size_t n);

/*
 * Delivers the next event. When none is due now, moves the clock to the next timer, at most to until_ns. Returns false
 * when nothing is due until then; the clock is then at until_ns (or where it was, if that is later).
 */
bool tp_pair_step(struct tp_pair_net *net, uint64_t until_ns);
uint64_t tp_pair_now_ns(const struct tp_pair_net *net);
/* Steps the wall clock of all endpoints to this Unix time in nanoseconds; it runs on with the monotonic clock. */
void tp_pair_set_wall(struct tp_pair_net *net, uint64_t wall_ns);

#endif
