/* A real node's log: one line a record on standard error, in CometBFT's levels. Never a secret. */
#ifndef SIM_CLI_NODE_LOG_H
#define SIM_CLI_NODE_LOG_H

#include <stdio.h>

#include "core/base/limits.h"
#include "core/switchyard.h"

enum node_log_level { NODE_LOG_NONE, NODE_LOG_ERROR, NODE_LOG_INFO, NODE_LOG_DEBUG };

/* Lines a second that traces may write: strangers decide how many connections are refused, and must not fill a disk. */
#define NODE_LOG_LINES 50u

/* All zeros but the level is a good beginning. */
struct node_log {
	enum node_log_level level;
	FILE *to;                          /* null: standard error */
	uint64_t second;                   /* of the node's clock, to which the next two belong */
	uint32_t lines, left_out;          /* by traces */
	uint32_t dial_gen[SY_LIMIT_CONNS]; /* by slot, the generation that we dialled: other connections came in */
	struct sy_ref unopened;            /* the last dial that ended before it was a connection */
};

/*
 * "info", or CometBFT's list by module, "p2p:debug,*:error": what p2p or * says counts. False: no such level.
 */
bool node_log_parse(const char *text, enum node_log_level *level);
void node_log(const struct node_log *log, enum node_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/*
 * The node's trace, as far as the level wants it, at most NODE_LOG_LINES a second. Needs all records to know the
 * directions of connections; shown: false for those that are only to be remembered.
 */
void node_log_trace(struct node_log *log, const struct sy_trace *trace, bool shown);
/* Says how many lines were left out since that was last said, if any. */
void node_log_flush(struct node_log *log);

#endif
