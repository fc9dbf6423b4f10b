#include "sim/lua/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t scale; /* of the kind's own unit */
};

static const struct unit time_units[] = {{"ns", 1},          {"us", 1000},         {"ms", 1000000},      {"s", 1000000000},
                                         {"m", 60000000000}, {"min", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000},
                                         {NULL, 0}};
static const struct unit rate_units[] = {{"bit", 1},          {"kbit", 1000},         {"Mbit", 1000000}, {"Gbit", 1000000000},
                                         {"B/s", 8},          {"kB/s", 8000},         {"MB/s", 8000000}, {"GB/s", 8000000000},
                                         {"KiB/s", 8192},     {"MiB/s", 8388608},     {"bit/s", 1},      {"kbit/s", 1000},
                                         {"Mbit/s", 1000000}, {"Gbit/s", 1000000000}, {NULL, 0}};
static const struct unit size_units[] = {{"B", 1},      {"kB", 1000},     {"MB", 1000000},     {"GB", 1000000000},
                                         {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};
static const struct unit fraction_units[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};

static const struct {
	const struct unit *units;
	uint64_t bare; /* scale of a bare number */
	uint64_t max;
	const char *what;
	const char *known;
} kinds[] = {
    [UNIT_TIME] = {time_units, 1000000000, UINT64_C(9000000000000000000), "a time", "ns, us, ms, s, m, h, d"},
    [UNIT_RATE] = {rate_units, 1, UINT64_C(1000000000000000), "a rate", "bit, kbit, Mbit, Gbit, B/s, kB/s, MB/s, KiB/s, MiB/s"},
    [UNIT_SIZE] = {size_units, 1, UINT64_C(1) << 50, "a size", "B, kB, MB, GB, KiB, MiB, GiB"},
    [UNIT_FRACTION] = {fraction_units, 1000000, 1000000, "a fraction", "% and ppm"},
};

struct decimal {
	uint64_t digits;   /* the number without its point */
	unsigned decimals; /* digits behind the point */
};

static bool read_decimal(const char **p, const char *end, struct decimal *d)
{
	bool any = false, point = false;
	d->digits = 0;
	d->decimals = 0;
	for (; *p < end; ++*p) {
		char c = **p;
		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		if (d->digits > UINT64_MAX / 10 - 1 || d->decimals > 17)
			return false;
		d->digits = d->digits * 10 + (uint64_t)(c - '0');
		d->decimals += point;
		any = true;
	}
	return any;
}

/* digits * scale / 10^decimals, rounded to the nearest; false when it overflows max. */
static bool scale_decimal(struct decimal d, uint64_t scale, uint64_t max, uint64_t *value)
{
	unsigned __int128 v = (unsigned __int128)d.digits * scale;
	uint64_t ten = 1;
	for (unsigned i = 0; i < d.decimals; i++)
		ten *= 10;
	v = (v + ten / 2) / ten;
	if (v > max)
		return false;
	*value = (uint64_t)v;
	return true;
}

static const struct unit *find_unit(enum unit_kind kind, const char *name, size_t len)
{
	for (const struct unit *u = kinds[kind].units; u->name; u++) {
		if (strlen(u->name) == len && memcmp(u->name, name, len) == 0)
			return u;
	}
	return NULL;
}

bool unit_parse(enum unit_kind kind, const char *text, size_t len, uint64_t *value, char error[UNIT_ERROR_TEXT])
{
	const char *p = text, *end = text + len;
	int shown = len < 40 ? (int)len : 40;
	struct decimal d;
	if (!read_decimal(&p, end, &d)) {
		snprintf(error, UNIT_ERROR_TEXT, "\"%.*s\" is not %s (a number and a unit: %s)", shown, text, kinds[kind].what, kinds[kind].known);
		return false;
	}
	while (p < end && *p == ' ')
		p++;
	uint64_t scale = kinds[kind].bare;
	if (p < end) {
		const struct unit *u = find_unit(kind, p, (size_t)(end - p));
		if (!u) {
			snprintf(error, UNIT_ERROR_TEXT, "\"%.*s\": %s has one of the units %s", shown, text, kinds[kind].what, kinds[kind].known);
			return false;
		}
		scale = u->scale;
	}
	if (!scale_decimal(d, scale, kinds[kind].max, value)) {
		snprintf(error, UNIT_ERROR_TEXT, "\"%.*s\" is more than %s can be", shown, text, kinds[kind].what);
		return false;
	}
	return true;
}

bool unit_number(enum unit_kind kind, double number, uint64_t *value, char error[UNIT_ERROR_TEXT])
{
	double scaled = number * (double)kinds[kind].bare;
	if (!(number >= 0) || !(scaled <= (double)kinds[kind].max)) {
		snprintf(error, UNIT_ERROR_TEXT, "%.14g is not %s", number, kinds[kind].what);
		return false;
	}
	*value = (uint64_t)(scaled + 0.5);
	return true;
}

/* value / scale with as many decimals as it needs, at most nine. */
static size_t format_scaled(uint64_t value, uint64_t scale, const char *unit, char *buf, size_t cap)
{
	char digits[24];
	uint64_t rest = value % scale;
	int n = snprintf(digits, sizeof digits, "%09" PRIu64, (uint64_t)((unsigned __int128)rest * 1000000000u / scale));
	while (n > 0 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
	int len = snprintf(buf, cap, "%" PRIu64 "%s%s%s", value / scale, n ? "." : "", digits, unit);
	return len < 0 ? 0 : (size_t)len;
}

size_t unit_format_time(uint64_t ns, char *buf, size_t cap)
{
	if (ns >= 1000000000 || ns == 0)
		return format_scaled(ns, 1000000000, "s", buf, cap);
	if (ns >= 1000000)
		return format_scaled(ns, 1000000, "ms", buf, cap);
	return format_scaled(ns, 1000, "us", buf, cap);
}

size_t unit_format_rate(uint64_t bits, char *buf, size_t cap)
{
	if (bits >= 1000000)
		return format_scaled(bits, 1000000, "Mbit", buf, cap);
	return format_scaled(bits, 1000, "kbit", buf, cap);
}
