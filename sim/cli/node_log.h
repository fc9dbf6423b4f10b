/*
 * A real node's log on standard error: key=value lines or JSON objects, with CometBFT's levels by module and its names
 * of keys. Never a secret: ids, addresses, numbers and reasons only.
 */
#ifndef SIM_CLI_NODE_LOG_H
#define SIM_CLI_NODE_LOG_H

#include <stdio.h>

#include "core/switchyard.h"
#include "sim/cli/log_out.h"
#include "sim/ops/conns.h"

enum node_log_level { NODE_LOG_NONE, NODE_LOG_ERROR, NODE_LOG_WARN, NODE_LOG_INFO, NODE_LOG_DEBUG };
/* Who speaks: the program and its scripts; connections; peer exchange; the address book. */
enum node_log_module { NODE_LOG_MAIN, NODE_LOG_P2P, NODE_LOG_PEX, NODE_LOG_BOOK, NODE_LOG_MODULES };

/* Lines a second of one kind of record: strangers decide how many connections are refused, and must not fill a disk. */
#define NODE_LOG_LINES 20u
#define NODE_LOG_KINDS (SY_TRACE_MESSAGE + 1u) /* records are counted by enum sy_trace_kind */

struct node_log_levels {
	enum node_log_level of[NODE_LOG_MODULES];
};

/* All zeros but the levels is a good beginning. */
struct node_log {
	struct node_log_levels level;
	bool json;
	FILE *to;           /* null: standard error. Neither counts once the log is open */
	struct log_out out; /* of an open log */
	uint64_t left_out;  /* lines since the start */
	uint64_t dropped;   /* the same, because nobody read them in time */
	uint64_t untold;    /* those of them that no line has told yet */
	struct {
		uint64_t second; /* of the node's clock, to which the next two belong */
		uint32_t lines, left_out;
	} kind[NODE_LOG_KINDS];
};

/*
 * "info", or CometBFT's list by module, "p2p:debug,pex:info,*:error"; modules that are none here are passed over. What
 * is not named has info. False: no such level.
 */
bool node_log_parse(const char *text, struct node_log_levels *levels);
/*
 * From here on the log never waits for who reads it, and fd's owners do not notice: see log_out_open. What is dropped is told
 * by a line as soon as one is taken again. Close it; that gives a reader who is late one more second.
 */
void node_log_open(struct node_log *log, int fd);
void node_log_close(struct node_log *log);
/* A line of NODE_LOG_MAIN. */
void node_log(struct node_log *log, enum node_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One record of the node's trace, as far as the levels want it. conns has seen it. */
void node_log_trace(struct node_log *log, const struct ops_conns *conns, const struct sy_trace *trace);
/* Says of each kind how many lines were left out since that was last said, if any. */
void node_log_flush(struct node_log *log);

#endif
