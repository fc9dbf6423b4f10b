#include "transport/files/rfc3339.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400
#define YEAR_1 (-62135596800ll) /* 0001-01-01T00:00:00Z */
#define YEAR_10000 253402300800ll

/* Days since 1970-01-01 in the Gregorian calendar; years counted from March, so that the leap day comes last. */
static int64_t days_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t m = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int days_in(int year, int month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

/* Takes n digits; -1 when they are not. */
static int take(const char **text, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		char c = **text;
		if (c < '0' || c > '9')
			return -1;
		v = v * 10 + (c - '0');
		(*text)++;
	}
	return v;
}

static bool skip(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool take_date(const char **text, int64_t *days)
{
	int year = take(text, 4), month = -1, day = -1;
	if (year >= 0 && skip(text, '-'))
		month = take(text, 2);
	if (month >= 1 && month <= 12 && skip(text, '-'))
		day = take(text, 2);
	if (day < 1 || day > days_in(year, month))
		return false;
	*days = days_of(year, month, day);
	return true;
}

static bool take_clock(const char **text, int *seconds)
{
	int hour = take(text, 2), minute = -1, second = -1;
	if (hour >= 0 && skip(text, ':'))
		minute = take(text, 2);
	if (minute >= 0 && skip(text, ':'))
		second = take(text, 2);
	*seconds = hour * 3600 + minute * 60 + second;
	return second >= 0 && hour < 24 && minute < 60 && second < 60;
}

static bool take_fraction(const char **text)
{
	if (!skip(text, '.'))
		return true;
	const char *begin = *text;
	while (**text >= '0' && **text <= '9')
		(*text)++;
	return *text > begin;
}

static bool take_zone(const char **text, int *offset)
{
	*offset = 0;
	if (skip(text, 'Z'))
		return true;
	int sign = **text == '-' ? -1 : 1;
	if (!skip(text, '+') && !skip(text, '-'))
		return false;
	int hour = take(text, 2), minute = -1;
	if (hour >= 0 && skip(text, ':'))
		minute = take(text, 2);
	*offset = sign * (hour * 3600 + minute * 60);
	return minute >= 0 && hour < 24 && minute < 60;
}

bool tp_rfc3339_parse(const char *text, int64_t *unix_s)
{
	int64_t days = 0;
	int seconds = 0, offset = 0;
	if (!take_date(&text, &days) || !skip(&text, 'T') || !take_clock(&text, &seconds) || !take_fraction(&text) ||
	    !take_zone(&text, &offset) || *text != '\0')
		return false;
	*unix_s = days * DAY + seconds - offset;
	if (*unix_s == YEAR_1)
		*unix_s = 0;
	return true;
}

void tp_rfc3339_format(int64_t unix_s, char text[TP_RFC3339_TEXT])
{
	int year, month, day;
	if (unix_s == 0 || unix_s < YEAR_1 || unix_s >= YEAR_10000)
		unix_s = YEAR_1;
	int64_t days = (unix_s - YEAR_1) / DAY;
	unsigned seconds = (unsigned)(unix_s - YEAR_1 - days * DAY);
	date_of(days + YEAR_1 / DAY, &year, &month, &day);
	char wide[80];
	snprintf(wide, sizeof(wide), "%04d-%02d-%02dT%02u:%02u:%02uZ", year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60);
	memcpy(text, wide, 20);
	text[20] = '\0';
}
