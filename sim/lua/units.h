/* Quantities with their units: "40ms", "20Mbit", "64KiB", "0.1%". Exact: decimal digits and integers only. */
#ifndef SIM_LUA_UNITS_H
#define SIM_LUA_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unit_kind {
	UNIT_TIME,     /* nanoseconds; a bare number is seconds. ns us ms s m h d */
	UNIT_RATE,     /* bits per second; bare: bits per second. bit kbit Mbit Gbit, "/s" may follow; kB/s MB/s KiB/s MiB/s too */
	UNIT_SIZE,     /* bytes; bare: bytes. B kB MB GB KiB MiB GiB */
	UNIT_FRACTION, /* parts per million; bare: a fraction of 1. % ppm */
};

#define UNIT_ERROR_TEXT 160

/* Reads the whole of text. False with a phrase in error: no number, wrong unit, out of range. */
bool unit_parse(enum unit_kind kind, const char *text, size_t len, uint64_t *value, char error[UNIT_ERROR_TEXT]);
/* A bare number. False: negative, not finite, out of range. */
bool unit_number(enum unit_kind kind, double number, uint64_t *value, char error[UNIT_ERROR_TEXT]);
/* "40ms", "1.5s": for reports. Returns the length. */
size_t unit_format_time(uint64_t ns, char *buf, size_t cap);
size_t unit_format_rate(uint64_t bits, char *buf, size_t cap);

#endif
