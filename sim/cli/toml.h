/*
 * A strict reader of the TOML that CometBFT writes: tables, basic and literal strings, integers, floats, booleans,
 * arrays. Multi-line strings, dates and inline tables are refused with the line they stand in.
 */
#ifndef SIM_CLI_TOML_H
#define SIM_CLI_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOML_NAME 128u /* longest dotted name */
#define TOML_ERROR_TEXT 256u
#define TOML_DEPTH 8u /* arrays within arrays */

enum toml_kind { TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOL, TOML_ARRAY };

struct toml_value {
	enum toml_kind kind;
	const char *text; /* of a string its content, else as it stands; borrowed for the call */
	int64_t integer;
	bool boolean;
};

/* One key. table: "" or "p2p" or "p2p.libp2p". False, with the reason in error, ends the reading. */
typedef bool toml_visit(void *ctx, const char *table, const char *key, const struct toml_value *value, unsigned line,
                        char error[TOML_ERROR_TEXT]);

/* Reads a NUL-terminated text. False: *line and error tell where and why. */
bool toml_read(const char *text, toml_visit *visit, void *ctx, unsigned *line, char error[TOML_ERROR_TEXT]);
const char *toml_kind_name(enum toml_kind kind); /* "a string" */

#endif
