#include "transport/files/base64.h"

#include <string.h>

static const char digits[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void tp_base64_encode(const uint8_t *bytes, size_t n, char *text)
{
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
		*text++ = digits[v >> 18];
		*text++ = digits[v >> 12 & 63];
		*text++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*text++ = left > 2 ? digits[v & 63] : '=';
	}
	*text = '\0';
}

/* Four digits into one number; false when one is none. */
static bool quad(const char *text, size_t len, uint32_t *v)
{
	*v = 0;
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(digits, text[i]) : NULL;
		if (!at)
			return false;
		*v |= (uint32_t)(at - digits) << (18 - 6 * i);
	}
	return true;
}

bool tp_base64_decode(const char *text, uint8_t *bytes, size_t cap, size_t *n)
{
	size_t len = strlen(text), padding = 0;
	*n = 0;
	if (len % 4 != 0)
		return false;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len; i += 4) {
		size_t left = i + 4 < len ? 4 : 4 - padding;
		uint32_t v;
		if (!quad(text + i, left, &v) || *n + left - 1 > cap || (v & (0xffffffu >> (8 * (left - 1)))) != 0)
			return false;
		for (size_t k = 0; k + 1 < left; k++)
			bytes[(*n)++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return true;
}
