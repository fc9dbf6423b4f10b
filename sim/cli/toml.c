/* The TOML reader: a cursor over the text, one statement a line. */
#include "sim/cli/toml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *at;
	unsigned line;
	char *error;
	char *scratch; /* as long as the text: no string is longer */
	char table[TOML_NAME];
};

static bool fail(struct reader *r, const char *what)
{
	snprintf(r->error, TOML_ERROR_TEXT, "%s", what);
	return false;
}

static void skip_blanks(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t')
		r->at++;
}

static bool end_of_line(struct reader *r)
{
	skip_blanks(r);
	if (*r->at == '#')
		while (*r->at != '\0' && *r->at != '\n')
			r->at++;
	if (*r->at == '\r' && r->at[1] == '\n')
		r->at++;
	if (*r->at == '\0')
		return true;
	if (*r->at != '\n')
		return false;
	r->at++;
	r->line++;
	return true;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* ------------------------------------------------------------------ strings */

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

static bool read_hex(struct reader *r, int digits, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < digits; i++, r->at++) {
		char c = *r->at;
		uint32_t d;

		if (c >= '0' && c <= '9')
			d = (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			d = (uint32_t)((c | 32) - 'a' + 10);
		else
			return fail(r, "a \\u in a string wants hex digits");
		*value = *value << 4 | d;
	}
	if (*value == 0 || *value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000))
		return fail(r, "no such character");
	return true;
}

static bool read_escape(struct reader *r, char **to)
{
	static const char from[] = "btnfr\"\\", into[] = "\b\t\n\f\r\"\\";
	const char *found = *r->at == '\0' ? NULL : strchr(from, *r->at);
	uint32_t c;

	if (found != NULL) {
		*(*to)++ = into[found - from];
		r->at++;
		return true;
	}
	int digits = *r->at == 'u' ? 4 : *r->at == 'U' ? 8 : 0;
	if (digits == 0)
		return fail(r, "unknown escape in a string");
	r->at++;
	if (!read_hex(r, digits, &c))
		return false;
	*to = put_utf8(*to, c);
	return true;
}

/* A string in either kind of quotes, into `to`, which has room for the rest of the text. */
static bool read_string(struct reader *r, char *to)
{
	char quote = *r->at++;

	if (r->at[0] == quote && r->at[1] == quote)
		return fail(r, "multi-line strings are not read here");
	while (*r->at != quote) {
		if (*r->at == '\0' || *r->at == '\n')
			return fail(r, "a string is not closed");
		if (*r->at == '\\' && quote == '"') {
			r->at++;
			if (!read_escape(r, &to))
				return false;
			continue;
		}
		*to++ = *r->at++;
	}
	r->at++;
	*to = '\0';
	return true;
}

/* ------------------------------------------------------------------ names */

static bool read_name_part(struct reader *r, char *name, size_t *len)
{
	size_t n = 0;

	if (*r->at == '"' || *r->at == '\'') {
		if (!read_string(r, r->scratch))
			return false;
		n = strlen(r->scratch);
		if (*len + n + 1 >= TOML_NAME)
			return fail(r, "a name is too long");
		memcpy(name + *len, r->scratch, n);
	} else {
		for (; is_bare(r->at[n]); n++)
			if (*len + n + 2 < TOML_NAME)
				name[*len + n] = r->at[n];
		if (n == 0)
			return fail(r, "a name is missing");
		if (*len + n + 2 >= TOML_NAME)
			return fail(r, "a name is too long");
		r->at += n;
	}
	*len += n;
	name[*len] = '\0';
	return true;
}

static bool read_name(struct reader *r, char name[TOML_NAME])
{
	size_t len = 0;

	for (;;) {
		skip_blanks(r);
		if (!read_name_part(r, name, &len))
			return false;
		skip_blanks(r);
		if (*r->at != '.')
			return true;
		r->at++;
		if (len + 2 >= TOML_NAME)
			return fail(r, "a name is too long");
		name[len++] = '.';
	}
}

/* ------------------------------------------------------------------ values */

static bool read_value(struct reader *r, struct toml_value *value, unsigned depth);

static bool read_array(struct reader *r, struct toml_value *value, unsigned depth)
{
	struct toml_value element;

	if (depth == TOML_DEPTH)
		return fail(r, "arrays are nested too deeply");
	r->at++;
	for (;;) {
		while (*r->at != '\0' && (*r->at == '#' || *r->at == '\n' || *r->at == '\r' || *r->at == ' ' || *r->at == '\t'))
			if (!end_of_line(r) && *r->at == '\r')
				return fail(r, "a stray carriage return");
		if (*r->at == '\0')
			return fail(r, "an array is not closed");
		if (*r->at == ']')
			break;
		if (*r->at == ',') {
			r->at++;
			continue;
		}
		if (!read_value(r, &element, depth + 1))
			return false;
	}
	r->at++;
	*value = (struct toml_value){.kind = TOML_ARRAY, .text = "[...]"};
	return true;
}

/* Integer or float: the word up to a delimiter, underscores taken out. */
static bool read_number(struct reader *r, struct toml_value *value)
{
	char word[48], *to = word, *end;
	size_t n = strcspn(r->at, " \t\r\n,]#");

	if (n == 0 || n >= sizeof word)
		return fail(r, "a value is missing or makes no sense");
	for (size_t i = 0; i < n; i++)
		if (r->at[i] != '_')
			*to++ = r->at[i];
	*to = '\0';
	memcpy(r->scratch, word, strlen(word) + 1);
	value->text = r->scratch;
	if (strspn(word, "+-0123456789") == strlen(word)) {
		value->kind = TOML_INTEGER;
		value->integer = strtoll(word, &end, 10);
		if (value->integer == INT64_MAX || value->integer == INT64_MIN)
			return fail(r, "a number is too large");
	} else {
		value->kind = TOML_FLOAT;
		(void)strtod(word, &end);
	}
	if (*end != '\0' || end == word)
		return fail(r, "a value makes no sense; texts stand in quotes");
	r->at += n;
	return true;
}

static bool read_value(struct reader *r, struct toml_value *value, unsigned depth)
{
	*value = (struct toml_value){.text = ""};
	if (*r->at == '"' || *r->at == '\'') {
		*value = (struct toml_value){.kind = TOML_STRING, .text = r->scratch};
		return read_string(r, r->scratch);
	}
	if (*r->at == '[')
		return read_array(r, value, depth);
	if (*r->at == '{')
		return fail(r, "inline tables are not read here");
	if (strncmp(r->at, "true", 4) == 0 && !is_bare(r->at[4])) {
		r->at += 4;
		*value = (struct toml_value){.kind = TOML_BOOL, .text = "true", .boolean = true};
		return true;
	}
	if (strncmp(r->at, "false", 5) == 0 && !is_bare(r->at[5])) {
		r->at += 5;
		*value = (struct toml_value){.kind = TOML_BOOL, .text = "false"};
		return true;
	}
	return read_number(r, value);
}

/* ------------------------------------------------------------------ statements */

static bool read_table(struct reader *r)
{
	bool list = r->at[1] == '[';

	r->at += list ? 2 : 1;
	if (!read_name(r, r->table))
		return false;
	if (*r->at != ']' || (list && r->at[1] != ']'))
		return fail(r, "a table's name wants ]");
	r->at += list ? 2 : 1;
	return true;
}

static bool read_key(struct reader *r, toml_visit *visit, void *ctx)
{
	char name[TOML_NAME], full[2 * TOML_NAME];
	struct toml_value value;
	unsigned line = r->line;

	if (!read_name(r, name))
		return false;
	if (*r->at != '=')
		return fail(r, "a key wants = and a value");
	r->at++;
	skip_blanks(r);
	if (!read_value(r, &value, 0))
		return false;
	/* a.b = 1 is key b of table a */
	snprintf(full, sizeof full, "%s%s%s", r->table, r->table[0] == '\0' ? "" : ".", name);
	char *dot = strrchr(full, '.');
	if (dot != NULL)
		*dot = '\0';
	if (visit(ctx, dot == NULL ? "" : full, dot == NULL ? full : dot + 1, &value, line, r->error))
		return true;
	r->line = line; /* an array may have ended lines below */
	return false;
}

static bool read_statement(struct reader *r, toml_visit *visit, void *ctx)
{
	skip_blanks(r);
	if (*r->at == '[') {
		if (!read_table(r))
			return false;
	} else if (*r->at != '#' && *r->at != '\n' && *r->at != '\r' && *r->at != '\0') {
		if (!read_key(r, visit, ctx))
			return false;
	}
	return end_of_line(r) || fail(r, "something stands behind the value");
}

bool toml_read(const char *text, toml_visit *visit, void *ctx, unsigned *line, char error[TOML_ERROR_TEXT])
{
	struct reader r = {.at = text, .line = 1, .error = error, .scratch = malloc(strlen(text) + 1)};
	bool good = true;

	if (r.scratch == NULL)
		return fail(&r, "out of memory");
	while (good && *r.at != '\0')
		good = read_statement(&r, visit, ctx);
	*line = r.line;
	free(r.scratch);
	return good;
}

const char *toml_kind_name(enum toml_kind kind)
{
	switch (kind) {
	case TOML_STRING:
		return "a string";
	case TOML_INTEGER:
		return "an integer";
	case TOML_FLOAT:
		return "a float";
	case TOML_BOOL:
		return "a boolean";
	case TOML_ARRAY:
		return "an array";
	}
	return "a value";
}
