/*
 * Looks at the text of a script before it is compiled, for what would make results differ between machines or runs
 * and cannot be taken out of the language otherwise: the operator ^ (pow of the C library), and metatables with __gc
 * or __mode (effects at the whim of the garbage collector). Also says no to bytecode.
 */
#include "sim/lua/sandbox.h"

#include <stdio.h>
#include <string.h>

struct scan {
	const char *p, *end;
	const char *name;
	int line;
	char *buf;
	size_t cap;
};

static char at(const struct scan *s, size_t i)
{
	return (size_t)(s->end - s->p) > i ? s->p[i] : '\0';
}

static void step(struct scan *s, size_t n)
{
	while (n-- && s->p < s->end) {
		if (*s->p++ == '\n')
			s->line++;
	}
}

/* The level of a long bracket that opens here ("[==[": 2), or -1. */
static int long_level(const struct scan *s)
{
	size_t i = 1;
	while (at(s, i) == '=')
		i++;
	return at(s, 0) == '[' && at(s, i) == '[' ? (int)i - 1 : -1;
}

static void skip_long(struct scan *s, int level)
{
	step(s, (size_t)level + 2);
	while (s->p < s->end) {
		if (at(s, 0) == ']') {
			size_t i = 1;
			while (at(s, i) == '=')
				i++;
			if ((int)i - 1 == level && at(s, i) == ']') {
				step(s, i + 1);
				return;
			}
		}
		step(s, 1);
	}
}

static void skip_comment(struct scan *s)
{
	step(s, 2);
	int level = long_level(s);
	if (level >= 0) {
		skip_long(s, level);
		return;
	}
	while (s->p < s->end && at(s, 0) != '\n')
		step(s, 1);
}

static const char *refuse(struct scan *s, const char *why)
{
	snprintf(s->buf, s->cap, "%s:%d: %s", s->name, s->line, why);
	return s->buf;
}

static bool is_word(const char *p, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(p, word, n) == 0;
}

static const char *check_word(struct scan *s, const char *word, size_t n)
{
	if (is_word(word, n, "__gc") || is_word(word, n, "__mode"))
		return refuse(s, "__gc and __mode are not available: what they do depends on when garbage is collected");
	return NULL;
}

static const char *scan_string(struct scan *s)
{
	char quote = at(s, 0);
	step(s, 1);
	const char *start = s->p;
	while (s->p < s->end && at(s, 0) != quote && at(s, 0) != '\n') {
		bool skips_space = at(s, 0) == '\\' && at(s, 1) == 'z';
		step(s, at(s, 0) == '\\' ? 2 : 1);
		while (skips_space && (at(s, 0) == ' ' || (at(s, 0) >= '\t' && at(s, 0) <= '\r')))
			step(s, 1);
	}
	const char *bad = check_word(s, start, (size_t)(s->p - start));
	step(s, 1);
	return bad;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static const char *scan_name(struct scan *s)
{
	const char *start = s->p;
	while (is_name(at(s, 0)))
		step(s, 1);
	return check_word(s, start, (size_t)(s->p - start));
}

const char *scan_text(const char *text, size_t len, const char *name, char *buf, size_t cap)
{
	struct scan s = {.p = text, .end = text + len, .name = name, .line = 1, .buf = buf, .cap = cap};
	if (len > 0 && text[0] == '\x1b')
		return refuse(&s, "this is bytecode; only source text is run");
	if (len > 0 && text[0] == '#')
		while (s.p < s.end && at(&s, 0) != '\n')
			step(&s, 1);
	const char *bad = NULL;
	while (s.p < s.end && !bad) {
		char c = at(&s, 0);
		if (c == '-' && at(&s, 1) == '-')
			skip_comment(&s);
		else if (c == '"' || c == '\'')
			bad = scan_string(&s);
		else if (long_level(&s) >= 0)
			skip_long(&s, long_level(&s));
		else if (is_name(c))
			bad = scan_name(&s);
		else if (c == '^')
			bad = refuse(&s,
			             "the operator ^ is not available: its last digits differ between machines; math.pow(x, n) takes whole exponents");
		else
			step(&s, 1);
	}
	return bad;
}
