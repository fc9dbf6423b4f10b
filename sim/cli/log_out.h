/*
 * Where a real node's log goes: lines to standard error that never wait for their reader. A pipe, a terminal or a socket
 * whose reader stands still loses lines, whole ones; what it still takes is in order.
 */
#ifndef SIM_CLI_LOG_OUT_H
#define SIM_CLI_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/cli/log_line.h"

#define LOG_OUT_PATIENCE_MS 1000 /* what a reader that stands still gets at the end */

struct log_out {
	int fd;
	bool open, own; /* own: fd is ours to close */
	bool socket;
	char rest[LOG_LINE_MAX + 1]; /* of a line that was taken in part */
	size_t from, len;
};

/*
 * Lines to fd, which stays the caller's and as it is: others who share it must not find it changed. So a pipe or a terminal
 * is opened a second time, for us alone; where that is not permitted it is asked before each line.
 */
void log_out_open(struct log_out *out, int fd);
/* One line of at most LOG_LINE_MAX bytes, its newline included. False: it is dropped. */
bool log_out_line(struct log_out *out, const char *line, size_t len);
/* Whether a line would be taken now, as far as that can be said. */
bool log_out_ready(struct log_out *out);
/* Waits for LOG_OUT_PATIENCE_MS at most until the rest of a line is out and the next would be taken. */
void log_out_wait(struct log_out *out);
void log_out_close(struct log_out *out);

#endif
