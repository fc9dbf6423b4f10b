/*
 * One direction of a link: loss before the queue, a queue counted in bytes (drop-tail, CoDel), serialisation, delay,
 * duplication and reordering. One event a packet: when it leaves the serialiser is known when it enters, and so is what
 * CoDel will find then. The rig and the virtual network use the same.
 */
#ifndef SIM_TCP_LINK_H
#define SIM_TCP_LINK_H

#include "sim/engine/dist.h"
#include "sim/tcp/stages.h"
#include "sim/tcp/tcp.h"

struct sim_tcp_link_config {
	uint64_t rate_bits;                   /* per second; 0: unlimited */
	uint64_t queue_bytes;                 /* 0: max(1 BDP of twice the typical delay, 45,000) */
	uint64_t loss;                        /* probability, times 2^64 */
	struct sim_dist delay;                /* one way */
	bool reorder;                         /* what draws less delay overtakes; else packets stay in order */
	const struct sim_link_stages *stages; /* null: none */
};

/* What packets of one direction of a connection have in common. Draws are keyed by it, so that a connection more on a link shifts no other's. */
struct sim_tcp_lane {
	void *to;        /* handed to the link's deliver */
	uint64_t entity; /* names it for randomness */
	uint64_t packets;
	uint64_t segments; /* those with data */
};

/* A serialiser with a queue: of a link, or of a host's access. */
struct sim_tcp_wire {
	uint64_t rate_bits; /* 0: unlimited */
	uint64_t queue_bytes;
	uint64_t busy_ns;   /* until when it works */
	uint64_t busy_rest; /* of a nanosecond, in 1 / rate_bits: so that no time is lost by rounding */
};
/* A packet comes at at_ns, never before one that came earlier. False: the queue is full. *out_ns: when its last byte has left. */
bool sim_tcp_wire_pass(struct sim_tcp_wire *w, uint64_t at_ns, uint32_t length, uint64_t *out_ns);
/* The same for what of a train finds room: *p is cut to it. How many segments; 0: none, *p is as it was. */
uint32_t sim_tcp_wire_take(struct sim_tcp_wire *w, uint64_t at_ns, struct sim_tcp_packet *p, uint64_t *out_ns);
uint64_t sim_tcp_wire_backlog(const struct sim_tcp_wire *w, uint64_t now_ns); /* bytes not yet serialised */

struct sim_tcp_link;
typedef void sim_tcp_deliver(void *to, const struct sim_tcp_packet *p);

/* Returns null when out of memory. The engine and the source (of the arrivals) are borrowed, the configuration is copied. */
struct sim_tcp_link *sim_tcp_link_new(struct sim_engine *engine, struct sim_source *source, const struct sim_tcp_link_config *config,
                                      sim_tcp_deliver *deliver);
/* Other parameters from now on: what is under way keeps its times. */
void sim_tcp_link_configure(struct sim_tcp_link *l, const struct sim_tcp_link_config *config);
size_t sim_tcp_link_memory(void);               /* of a link without packets, bytes */
void sim_tcp_link_free(struct sim_tcp_link *l); /* null is harmless; packets under way are gone */

/*
 * What became of a packet: how many packets will be delivered, not counting second copies, and how many second copies. A
 * train that loses segments on its way, or the end of which finds the queue full, comes in pieces.
 */
struct sim_tcp_fate {
	uint32_t carried, doubled;
	uint32_t lost, dropped; /* segments; dropped: by the queue */
	uint64_t arrival_ns;    /* of the last that is carried */
};
/* A packet enters at at_ns >= now, never before one that entered earlier. */
struct sim_tcp_fate sim_tcp_link_send(struct sim_tcp_link *l, struct sim_tcp_lane *lane, const struct sim_tcp_packet *p, uint64_t at_ns);
uint64_t sim_tcp_link_backlog(const struct sim_tcp_link *l, uint64_t now_ns); /* bytes not yet serialised */
uint64_t sim_tcp_link_queue(const struct sim_tcp_link_config *config);        /* the queue's bound in bytes */

struct sim_tcp_link_stats {
	uint64_t packets, lost, dropped, bytes; /* trains count by their segments; dropped: by the full queue, or by CoDel */
};
void sim_tcp_link_stats(const struct sim_tcp_link *l, struct sim_tcp_link_stats *stats);

#endif
