/* What flow.c and flow_cc.c share: one transfer in rounds. Windows are segments with 16 fractional bits. */
#ifndef SIM_TCP_FLOW_IMPL_H
#define SIM_TCP_FLOW_IMPL_H

#include "sim/tcp/flow.h"

#define FLOW_ONE 65536u
#define FLOW_MS 1000000ull
#define FLOW_S 1000000000ull

struct flow {
	const struct sim_tcp_rig *rig;
	struct sim_tcp_rig_result *result;
	uint64_t rtt_ns, segment_ns; /* base; to serialise a full segment */
	uint64_t pipe, capacity;     /* segments in flight without a queue; with a full one */
	uint64_t draws, next_loss;   /* random numbers used; segments until the next lost one, UINT64_MAX: none */
	int64_t log_keep_q32;        /* ln(1 - loss) */

	uint64_t now_ns; /* when the round's first segment goes */
	uint64_t left;   /* segments of the message not yet sent; UINT64_MAX: bulk */
	uint64_t read_bytes;
	uint64_t done_ns; /* when all that was sent so far has been read in order */

	uint64_t cwnd, ssthresh; /* 16 fractional bits; ssthresh UINT64_MAX: none yet */
	uint64_t lost_again;     /* of the last round, to be sent in the next */
	uint64_t next_window;    /* of the round after a loss in slow start; 0: cwnd */
	uint64_t same_episode;   /* segments of the next round that were sent before the loss was noticed */
	uint64_t last_sent;      /* what the round before put on the link */
	bool recovering;

	/* cubic */
	uint64_t last_max, origin, friendly, epoch_ns, k; /* k in 1/1024 s */
	bool in_epoch;
	/* bbr */
	uint64_t next_probe_ns;
	uint32_t rounds, full_rounds;
	bool full;
};

void flow_grow(struct flow *f, uint64_t sent, uint64_t round_ns);         /* a round without loss */
void flow_reduce(struct flow *f);                                         /* a loss was noticed */
void flow_reduce_starting(struct flow *f, uint64_t sent, uint64_t first); /* in slow start: segment `first` of the round was lost */
void flow_timeout(struct flow *f);
uint64_t flow_window(const struct flow *f); /* segments that may go in the next round */

#endif
