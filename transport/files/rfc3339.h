/*
 * Times in files: RFC 3339 text to Unix seconds and back. The machine's time zone plays no part. Fractions are cut;
 * Go's zero time (0001-01-01T00:00:00Z) is 0 here. Source: protocol.md 6.8.
 */
#ifndef TP_FILES_RFC3339_H
#define TP_FILES_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

#define TP_RFC3339_TEXT 24 /* "2026-08-04T06:24:08Z" and the NUL, with some room */

/* False: not such a time. */
bool tp_rfc3339_parse(const char *text, int64_t *unix_s);
/* Times outside the years 1 to 9999 become the zero time. */
void tp_rfc3339_format(int64_t unix_s, char text[TP_RFC3339_TEXT]);

#endif
