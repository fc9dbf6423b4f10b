/*
 * What the trace has told of each connection: which side dialled, when its handshake began. Records of later times name
 * the connection only. It must see every record.
 */
#ifndef SIM_OPS_CONNS_H
#define SIM_OPS_CONNS_H

#include "core/base/limits.h"
#include "core/switchyard.h"

/* All zeros is a good beginning. 64 KiB. */
struct ops_conns {
	struct {
		uint32_t dial_gen; /* the generation of the slot that we dialled: other connections came in */
		uint32_t began_gen;
		uint64_t began_ns; /* of that generation's handshake */
	} slot[SY_LIMIT_CONNS];
	struct sy_ref unopened; /* the last dial that ended before it was a connection */
};

void ops_conns_see(struct ops_conns *conns, const struct sy_trace *t);
bool ops_conns_outbound(const struct ops_conns *conns, struct sy_ref ref);
/* True right after a dial ended without a connection: its refusal is told by SY_TRACE_DIAL_DONE. */
bool ops_conns_unopened(const struct ops_conns *conns, struct sy_ref ref);
/* How long its handshake has taken at the time of t; false: it is not known when it began. */
bool ops_conns_handshake(const struct ops_conns *conns, const struct sy_trace *t, uint64_t *ns);

#endif
