/*
 * One direction of a link for the rig: loss before the queue, a drop-tail queue counted in bytes, serialisation, a fixed
 * delay. One event a packet: when it leaves the serialiser is known when it enters.
 */
#ifndef SIM_TCP_LINK_H
#define SIM_TCP_LINK_H

#include "sim/tcp/tcp.h"

struct sim_tcp_link_config {
	uint64_t rate_bits;   /* per second; 0: unlimited */
	uint64_t delay_ns;    /* one way */
	uint64_t jitter_ns;   /* more delay, uniform up to this */
	bool reorder;         /* what draws less jitter overtakes; else packets stay in order */
	uint64_t queue_bytes; /* 0: max(1 BDP of 2 delay_ns, 45,000) */
	uint64_t loss;        /* probability, times 2^64 */
};

struct sim_tcp_link;
typedef void sim_tcp_deliver(void *user, const struct sim_tcp_packet *p);

/* entity names the direction for randomness. Returns null when out of memory. */
struct sim_tcp_link *sim_tcp_link_new(struct sim_engine *engine, struct sim_source *source, uint64_t entity,
                                      const struct sim_tcp_link_config *config, sim_tcp_deliver *deliver, void *user);
void sim_tcp_link_free(struct sim_tcp_link *l); /* null is harmless */
void sim_tcp_link_send(struct sim_tcp_link *l, const struct sim_tcp_packet *p);
uint64_t sim_tcp_link_backlog(const struct sim_tcp_link *l, uint64_t now_ns); /* bytes not yet serialised */
uint64_t sim_tcp_link_queue(const struct sim_tcp_link_config *config);        /* the queue's bound in bytes */

struct sim_tcp_link_stats {
	uint64_t packets, lost, dropped, bytes; /* dropped: by the full queue */
};
void sim_tcp_link_stats(const struct sim_tcp_link *l, struct sim_tcp_link_stats *stats);

#endif
