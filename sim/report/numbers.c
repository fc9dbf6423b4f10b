/* Numbers as text, the same in every locale. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report.h"

/* A locale may have set another decimal point; files know only one. */
static void plain_point(char *text)
{
	char *comma = strchr(text, ',');

	if (comma != NULL)
		*comma = '.';
}

static const char *put_word(char text[REPORT_NUMBER], const char *word)
{
	snprintf(text, REPORT_NUMBER, "%s", word);
	return text;
}

const char *report_number(char text[REPORT_NUMBER], double value)
{
	if (isnan(value))
		return put_word(text, "NaN");
	if (isinf(value))
		return put_word(text, value < 0 ? "-inf" : "inf");
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, REPORT_NUMBER, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	plain_point(text);
	return text;
}

/* Three significant digits, but never an exponent. */
static void short_number(char *text, size_t size, double value)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(text, size, "%.*f", decimals, value);
	plain_point(text);
	char *point = strchr(text, '.');
	if (point == NULL)
		return;
	char *end = text + strlen(text) - 1;
	while (*end == '0')
		*end-- = '\0';
	if (*end == '.')
		*end = '\0';
}

const char *report_bytes(char text[REPORT_NUMBER], double bytes, const char *per)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t unit = 0;
	char number[REPORT_NUMBER - 12];

	if (isnan(bytes))
		return put_word(text, "-");
	for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		bytes /= 1000;
	short_number(number, sizeof number, bytes);
	snprintf(text, REPORT_NUMBER, "%s %s%.6s", number, units[unit], per);
	return text;
}

const char *report_time(char text[REPORT_NUMBER], double seconds)
{
	char number[REPORT_NUMBER - 12];
	const char *unit = "s";

	if (isnan(seconds))
		return put_word(text, "-");
	if (seconds >= 7200) {
		seconds /= 3600;
		unit = "h";
	} else if (seconds >= 120) {
		seconds /= 60;
		unit = "min";
	} else if (seconds < 0.001) {
		seconds *= 1e6;
		unit = "us";
	} else if (seconds < 1) {
		seconds *= 1000;
		unit = "ms";
	}
	short_number(number, sizeof number, seconds);
	snprintf(text, REPORT_NUMBER, "%s %s", number, strcmp(number, "0") == 0 ? "s" : unit);
	return text;
}

const char *report_count(char text[REPORT_NUMBER], uint64_t count)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
	char *at = text;

	for (int i = 0; i < n; i++) {
		if (i != 0 && (n - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return text;
}
