/* Counters kept from a node's trace since its start: what happened, how often, and why. */
#ifndef SIM_OPS_COUNTS_H
#define SIM_OPS_COUNTS_H

#include "sim/ops/conns.h"

#define OPS_COUNT_ERR(name, value, text) +1
#define OPS_REASONS (1 SY_ERR_LIST(OPS_COUNT_ERR)) /* SY_OK first, then in the order of SY_ERR_LIST */
#define OPS_HANDSHAKE_BOUNDS 9u

enum { OPS_INBOUND = 0, OPS_OUTBOUND = 1 }; /* which side dialled */
enum { OPS_SENT = 0, OPS_RECEIVED = 1 };    /* as SY_TRACE_PEX_REQUEST has it */

struct ops_reasons {
	uint64_t n[OPS_REASONS];
};

struct ops_counts {
	struct ops_conns conns;
	struct ops_reasons dials, refused[2], gone[2], bans, book_gone;
	uint64_t added[2], reconnects;
	uint64_t dropped[256]; /* messages, by channel */
	uint64_t pex_requests[2], pex_answers[2], pex_addrs[2];
	uint64_t last_answer_ns; /* when an answer came last; 0: none yet */
	uint64_t handshakes[2][OPS_HANDSHAKE_BOUNDS + 1], handshakes_ns[2];
};

extern const uint64_t ops_handshake_bounds_ns[OPS_HANDSHAKE_BOUNDS];

void ops_counts_see(struct ops_counts *c, const struct sy_trace *t);
/* The i-th reason, 0 <= i < OPS_REASONS, and where one stands. */
enum sy_err ops_reason_at(size_t i);
size_t ops_reason_index(enum sy_err err);
uint64_t ops_reasons_sum(const struct ops_reasons *r);

#endif
