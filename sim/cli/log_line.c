#include "sim/cli/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TAIL 3u /* "}", newline, NUL: always kept free */

static bool put(struct log_line *l, const char *bytes, size_t n)
{
	if (n > LOG_LINE_MAX - TAIL - l->len)
		return false;
	memcpy(l->text + l->len, bytes, n);
	l->len += n;
	return true;
}

/* Both formats escape as JSON does; what is no ASCII passes: texts of peers are ASCII, paths of this machine are its own. */
static bool put_quoted(struct log_line *l, const char *value)
{
	bool fits = put(l, "\"", 1);

	for (; fits && *value != '\0'; value++) {
		char escape[8];
		unsigned char c = (unsigned char)*value;
		int n = c == '"' || c == '\\'   ? snprintf(escape, sizeof escape, "\\%c", c)
		        : c < 0x20 || c == 0x7f ? snprintf(escape, sizeof escape, "\\u%04x", c)
		                                : snprintf(escape, sizeof escape, "%c", c);

		fits = put(l, escape, (size_t)n);
	}
	return fits && put(l, "\"", 1);
}

static bool needs_quotes(const char *value)
{
	if (*value == '\0')
		return true;
	for (; *value != '\0'; value++)
		if ((unsigned char)*value <= ' ' || *value == '"' || *value == '=' || *value == '\\' || *value == 0x7f)
			return true;
	return false;
}

static bool put_key(struct log_line *l, const char *key)
{
	if (l->json)
		return put(l, l->len == 1 ? "\"" : ",\"", l->len == 1 ? 1 : 2) && put(l, key, strlen(key)) && put(l, "\":", 2);
	return (l->len == 0 || put(l, " ", 1)) && put(l, key, strlen(key)) && put(l, "=", 1);
}

void log_line_begin(struct log_line *l, bool json)
{
	l->json = json;
	l->len = 0;
	if (json)
		l->text[l->len++] = '{';
}

void log_line_text(struct log_line *l, const char *key, const char *value)
{
	size_t before = l->len;
	bool quoted = l->json || needs_quotes(value);

	if (!put_key(l, key) || !(quoted ? put_quoted(l, value) : put(l, value, strlen(value))))
		l->len = before;
}

void log_line_u64(struct log_line *l, const char *key, uint64_t value)
{
	char digits[24];
	size_t before = l->len;
	int n = snprintf(digits, sizeof digits, "%" PRIu64, value);

	if (!put_key(l, key) || !put(l, digits, (size_t)n))
		l->len = before;
}

void log_line_end(struct log_line *l)
{
	if (l->json)
		l->text[l->len++] = '}';
	l->text[l->len++] = '\n';
	l->text[l->len] = '\0';
}
