/*
 * One line of a log, key by key: as key=value, or as a JSON object. Values that need it are quoted; a line that would be
 * longer than the buffer ends with the last key that fitted.
 */
#ifndef SIM_CLI_LOG_LINE_H
#define SIM_CLI_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 2048u

struct log_line {
	bool json;
	size_t len;
	char text[LOG_LINE_MAX];
};

void log_line_begin(struct log_line *l, bool json);
void log_line_text(struct log_line *l, const char *key, const char *value);
void log_line_u64(struct log_line *l, const char *key, uint64_t value);
/* Ends the line, with its newline; text is a string then. */
void log_line_end(struct log_line *l);

#endif
