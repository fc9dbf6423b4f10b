#include "sim/ops/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for len bytes and a NUL. */
static bool reserve(struct ops_text *t, size_t len)
{
	if (t->failed || len >= OPS_TEXT_MAX - t->len) {
		t->failed = true;
		return false;
	}
	if (t->len + len < t->cap)
		return true;
	size_t cap = t->cap == 0 ? 4096 : t->cap;
	while (cap <= t->len + len)
		cap *= 2;
	char *at = realloc(t->at, cap);
	if (at == NULL) {
		t->failed = true;
		return false;
	}
	t->at = at;
	t->cap = cap;
	return true;
}

void ops_text_add(struct ops_text *t, const char *bytes, size_t len)
{
	if (!reserve(t, len))
		return;
	memcpy(t->at + t->len, bytes, len);
	t->len += len;
	t->at[t->len] = '\0';
}

void ops_text_print(struct ops_text *t, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof line)
		t->failed = true; /* whoever prints knows the lengths of what is printed */
	else
		ops_text_add(t, line, (size_t)n);
}

void ops_text_free(struct ops_text *t)
{
	free(t->at);
	*t = (struct ops_text){0};
}
