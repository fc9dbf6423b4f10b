/* Standard base64 with padding (RFC 4648, section 4), strict. */
#ifndef TP_FILES_BASE64_H
#define TP_FILES_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TP_BASE64_TEXT(n) (((n) + 2) / 3 * 4 + 1) /* with the NUL */

void tp_base64_encode(const uint8_t *bytes, size_t n, char *text);
/* False: not base64, more than cap bytes, or bits set that no byte has. *n: how many bytes. */
bool tp_base64_decode(const char *text, uint8_t *bytes, size_t cap, size_t *n);

#endif
