/* Values as people write them: numbers, times, ranges; and the known word nearest to a mistyped one. */
#include "sim/cli/cli.h"

#include <string.h>

bool cli_parse_u64(const char *text, uint64_t *value)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

/* The units of time, longest spelling first where one begins another. */
static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
    {"ns", 1u},          {"us", 1000u},          {"ms", 1000000u}, {"s", 1000000000u}, {"h", 3600000000000u}, {"min", 60000000000u},
    {"m", 60000000000u}, {"d", 86400000000000u},
};

/* The unit at the front of text; its length in *len, or 0 when there is none. */
static uint64_t unit_at(const char *text, size_t *len)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		size_t n = strlen(units[i].name);

		/* A unit ends where the word ends or the next number begins, so "ms" is never read as "m". */
		if (strncmp(text, units[i].name, n) == 0 && (text[n] == '\0' || (text[n] >= '0' && text[n] <= '9'))) {
			*len = n;
			return units[i].ns;
		}
	}
	*len = 0;
	return 0;
}

struct decimal {
	uint64_t whole;
	uint64_t fraction, scale; /* fraction / scale, scale a power of ten up to 10^9 */
};

static const char *read_decimal(const char *text, struct decimal *d)
{
	const char *start = text;

	*d = (struct decimal){.scale = 1};
	for (; *text >= '0' && *text <= '9'; text++) {
		if (d->whole > 1000000000000000000u)
			return NULL;
		d->whole = d->whole * 10 + (uint64_t)(*text - '0');
	}
	if (text == start)
		return NULL;
	if (*text != '.')
		return text;
	for (text++; *text >= '0' && *text <= '9'; text++) {
		if (d->scale == 1000000000u)
			continue; /* below a nanosecond of a second: cut off */
		d->fraction = d->fraction * 10 + (uint64_t)(*text - '0');
		d->scale *= 10;
	}
	return text[-1] == '.' ? NULL : text;
}

#define TIME_MAX ((uint64_t)INT64_MAX)

static bool add_time(uint64_t *sum, const struct decimal *d, uint64_t unit_ns)
{
	if (d->whole > TIME_MAX / unit_ns)
		return false;
	/* fraction < 10^9 and a unit is at most 8.64e13: the product may pass 64 bits, so the unit is split at the second. */
	uint64_t part = unit_ns / d->scale * d->fraction + unit_ns % d->scale * d->fraction / d->scale;
	uint64_t ns = d->whole * unit_ns + part;

	if (ns > TIME_MAX - *sum)
		return false;
	*sum += ns;
	return true;
}

bool cli_parse_time(const char *text, uint64_t bare_ns, uint64_t *ns)
{
	uint64_t sum = 0;
	bool first = true;

	do {
		struct decimal d;
		size_t len;
		const char *rest = read_decimal(text, &d);

		if (rest == NULL)
			return false;
		uint64_t unit = unit_at(rest, &len);
		if (unit == 0) {
			bool zero = d.whole == 0 && d.fraction == 0;

			if (!first || *rest != '\0' || (bare_ns == 0 && !zero))
				return false;
			unit = bare_ns == 0 ? 1 : bare_ns;
		}
		if (!add_time(&sum, &d, unit))
			return false;
		text = rest + len;
		first = false;
	} while (*text != '\0');
	*ns = sum;
	return true;
}

bool cli_parse_range(const char *text, struct cli_range *range)
{
	char from[24];
	const char *dots = strstr(text, "..");
	size_t len = dots == NULL ? 0 : (size_t)(dots - text);

	if (len == 0 || len >= sizeof from)
		return false;
	memcpy(from, text, len);
	from[len] = '\0';
	if (!cli_parse_u64(from, &range->from) || !cli_parse_u64(dots + 2, &range->to) || range->from > range->to)
		return false;
	range->given = true;
	return true;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

size_t cli_distance(const char *a, const char *b)
{
	size_t rows[3][CLI_NAME_MAX + 1];
	size_t na = strnlen(a, CLI_NAME_MAX), nb = strnlen(b, CLI_NAME_MAX);

	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return rows[na % 3][nb];
}

const char *cli_nearest(const char *word, const char *const *words, size_t n)
{
	/* A third of the word may be wrong: beyond that a guess helps nobody. */
	size_t best = strlen(word) / 3 + 2;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = cli_distance(word, words[i]);

		if (d < best) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
