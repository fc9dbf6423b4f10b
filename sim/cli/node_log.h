/* A real node's log: one line a record on standard error, in CometBFT's levels. Never a secret. */
#ifndef SIM_CLI_NODE_LOG_H
#define SIM_CLI_NODE_LOG_H

#include "core/switchyard.h"

enum node_log_level { NODE_LOG_NONE, NODE_LOG_ERROR, NODE_LOG_INFO, NODE_LOG_DEBUG };

struct node_log {
	enum node_log_level level;
};

/*
 * "info", or CometBFT's list by module, "p2p:debug,*:error": what p2p or * says counts. False: no such level.
 */
bool node_log_parse(const char *text, enum node_log_level *level);
void node_log(const struct node_log *log, enum node_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The node's trace, as far as the level wants it. */
void node_log_trace(const struct node_log *log, const struct sy_trace *trace);

#endif
