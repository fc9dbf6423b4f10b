/*
 * What a link may do to packets beyond rate, queue, delay and independent loss: bursts and traces of losses, single
 * segments dropped, duplication, reordering, CoDel. Probabilities are times 2^64 (UINT64_MAX: always). Pointers are
 * borrowed as long as a link has them.
 */
#ifndef SIM_TCP_STAGES_H
#define SIM_TCP_STAGES_H

#include "sim/engine/rand.h"
#include "sim/tcp/tcp.h"

struct sim_link_stages {
	/* Gilbert-Elliott: a packet finds the link good or bad, after a step of the chain. to_bad 0: always good, no bursts. */
	uint64_t to_bad, to_good, loss_bad, loss_good;
	const char *trace; /* a character a packet of the link, again from the beginning: 'x' is lost. Null: none */
	uint32_t trace_len;
	uint32_t num_drop;
	const uint32_t *drop;            /* numbers of data segments of each connection and direction, from 1, ascending: lost */
	uint64_t duplicate;              /* comes twice, each copy with a delay of its own */
	uint64_t reorder, reorder_by_ns; /* is late by this, so that others overtake it */
	uint64_t codel_target_ns;        /* 0: the queue is drop-tail only */
	uint64_t codel_interval_ns;
};

/* The state of one link; zeroed. */
struct sim_link_state {
	bool bad, dropping;
	uint32_t count, last_count;
	uint64_t first_above_ns, drop_next_ns; /* CoDel's, in times at which a packet leaves the queue */
};

/* A connection's place in its draws: entity, packets before this one, data segments up to and with it (0: it has no data). */
struct sim_link_draw {
	uint64_t seed, entity, packets, segment;
};

bool sim_link_loses(const struct sim_link_stages *s, struct sim_link_state *state, const struct sim_link_draw *d, uint64_t link_packets);
/* Whether CoDel (RFC 8289) drops a packet that came to the queue at at_ns and would leave it at leave_ns; backlog: bytes ahead of it. */
bool sim_link_codel_drops(const struct sim_link_stages *s, struct sim_link_state *state, uint64_t at_ns, uint64_t leave_ns,
                          uint64_t backlog);
bool sim_link_duplicates(const struct sim_link_stages *s, const struct sim_link_draw *d);
uint64_t sim_link_late_ns(const struct sim_link_stages *s, const struct sim_link_draw *d); /* 0: in its place */

#endif
