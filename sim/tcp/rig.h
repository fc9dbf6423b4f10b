/*
 * A rig of two endpoints and a link between them: one transfer, measured as data/tcp_reference.csv was (connect at time 0,
 * goodput by what the reader read, delivery when it has read all). In both fidelities.
 */
#ifndef SIM_TCP_RIG_H
#define SIM_TCP_RIG_H

#include "sim/tcp/link.h"

struct sim_tcp_rig_sample {
	uint64_t at_ns, bytes;    /* read so far */
	uint32_t cwnd, in_flight; /* segments */
	uint64_t queue_bytes, srtt_ns;
};

struct sim_tcp_rig {
	struct sim_tcp_config tcp;
	struct sim_tcp_link_config link; /* in both directions */
	uint64_t seed;
	bool flow;      /* the coarse fidelity: trains of segments */
	uint64_t bytes; /* 0: bulk for `until_ns` */
	uint64_t until_ns;
	uint64_t sample_ns;                 /* 0: no samples */
	struct sim_tcp_rig_sample *samples; /* room for max_samples */
	size_t max_samples;
};

struct sim_tcp_rig_result {
	bool connected, finished;
	uint64_t connected_ns, finished_ns; /* from connect() */
	uint64_t mark_ns, at_mark, at_end;  /* bytes read at a third of the time (10 of 30 s) and at its end */
	uint32_t retransmits, timeouts, probes;
	uint64_t events;
	size_t num_samples;
};

/* Buffers that never limit, the defaults of the reference otherwise. */
void sim_tcp_rig_defaults(struct sim_tcp_rig *rig);
/* False when out of memory. */
bool sim_tcp_rig_run(const struct sim_tcp_rig *rig, struct sim_tcp_rig_result *result);

#endif
