/* IP addresses as text. Source: protocol.md 1.3. */
#include "core/wire/group.h"

#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* One octet without leading zeros. Returns the characters used, 0 when there is none. */
static size_t parse_octet(const char *p, const char *end, uint8_t *octet)
{
	unsigned value = 0;
	size_t n = 0;
	for (; p + n < end && n < 3; n++) {
		unsigned digit = (unsigned)(unsigned char)p[n] - '0';
		if (digit > 9)
			break;
		if (n && value == 0)
			return 0;
		value = value * 10 + digit;
	}
	*octet = (uint8_t)value;
	return value <= 255 ? n : 0;
}

static bool parse_v4(const char *p, const char *end, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		if (i && (p == end || *p++ != '.'))
			return false;
		size_t used = parse_octet(p, end, &out[i]);
		if (!used)
			return false;
		p += used;
	}
	return p == end;
}

static unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a' + 10) : 16;
}

/* One to four hex digits. Returns the characters used, 0 when there is none or a fifth. */
static size_t parse_group(const char *p, const char *end, unsigned *value)
{
	size_t n = 0;
	*value = 0;
	for (; p + n < end; n++) {
		unsigned digit = hex_digit(p[n]);
		if (digit > 15)
			break;
		if (n == 4)
			return 0;
		*value = *value << 4 | digit;
	}
	return n;
}

/* Moves what follows the "::" at byte `gap` to the end; at least one group of zeros must fit between. */
static bool expand(uint8_t ip[16], size_t filled, size_t gap)
{
	if (gap == SIZE_MAX)
		return filled == 16;
	if (filled == 16)
		return false;
	size_t tail = filled - gap;
	memmove(ip + 16 - tail, ip + gap, tail);
	memset(ip + gap, 0, 16 - filled);
	return true;
}

static bool parse_v6(const char *p, const char *end, uint8_t ip[16])
{
	size_t filled = 0, gap = SIZE_MAX;
	if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (p < end && filled < 16) {
		unsigned value;
		size_t used = parse_group(p, end, &value);
		if (!used)
			return false;
		if (p + used < end && p[used] == '.') {
			/* A dotted tail takes the last four bytes. */
			if (filled > 12 || (gap == SIZE_MAX && filled != 12) || !parse_v4(p, end, ip + filled))
				return false;
			filled += 4;
			p = end;
			break;
		}
		ip[filled++] = (uint8_t)(value >> 8);
		ip[filled++] = (uint8_t)value;
		p += used;
		if (p == end)
			break;
		if (*p++ != ':' || p == end)
			return false;
		if (*p != ':')
			continue;
		if (gap != SIZE_MAX)
			return false;
		gap = filled;
		p++;
	}
	return p == end && expand(ip, filled, gap);
}

/* Forty-five characters, six groups and a dotted tail, is the longest form; "::" the shortest. */
enum sy_err sy_ip_parse(const char *text, size_t n, uint8_t ip[16])
{
	if (n < 2 || n > 45)
		return SY_ADDR_INVALID;
	const char *end = text + n;
	if (parse_v4(text, end, ip + 12)) {
		memcpy(ip, mapped_prefix, sizeof mapped_prefix);
		return SY_OK;
	}
	return parse_v6(text, end, ip) ? SY_OK : SY_ADDR_INVALID;
}

static char *put_octet(char *p, unsigned v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *put_group(char *p, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	for (int shift = 12; shift >= 0; shift -= 4)
		if (v >> shift || shift == 0)
			*p++ = digits[v >> shift & 15];
	return p;
}

/* The longest run of at least two zero groups, the first one on a tie. */
static void longest_zeros(const unsigned group[8], int *from, int *length)
{
	*from = -1;
	*length = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;
		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > *length) {
			*from = i;
			*length = n;
		}
		i += n;
	}
}

static char *format_v6(char *p, const uint8_t ip[16])
{
	unsigned group[8];
	int from, length;
	for (int i = 0; i < 8; i++)
		group[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
	longest_zeros(group, &from, &length);
	for (int i = 0; i < 8; i++) {
		if (i == from) {
			*p++ = ':';
			*p++ = ':';
			i += length - 1;
			continue;
		}
		if (i && i != from + length)
			*p++ = ':';
		p = put_group(p, group[i]);
	}
	return p;
}

size_t sy_ip_format(const uint8_t ip[16], char text[48])
{
	char *p = text;
	if (sy_ip_is_v4(ip)) {
		for (int i = 12; i < 16; i++) {
			if (i > 12)
				*p++ = '.';
			p = put_octet(p, ip[i]);
		}
	} else {
		p = format_v6(p, ip);
	}
	*p = 0;
	return (size_t)(p - text);
}
