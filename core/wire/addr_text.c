#include "core/wire/addr_text.h"

#include "core/base/assert.h"
#include "core/base/sodium.h"
#include "core/wire/group.h"

#include <string.h>

#define BAD 0x80
#define UPPER 0x40

/* The value of a hex digit; UPPER marks those whose case is wrong, BAD all that is no digit. */
/* clang-format off */
static const uint8_t hex_value[256] = {
#define BAD4 BAD, BAD, BAD, BAD
#define BAD16 BAD4, BAD4, BAD4, BAD4
	BAD16, BAD16, BAD16,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, BAD, BAD, BAD4,
	BAD, UPPER | 10, UPPER | 11, UPPER | 12, UPPER | 13, UPPER | 14, UPPER | 15, BAD, BAD4, BAD4,
	BAD16,
	BAD, 10, 11, 12, 13, 14, 15, BAD, BAD4, BAD4,
	BAD16,
	BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16,
#undef BAD16
#undef BAD4
};
/* clang-format on */

void sy_id_from_pubkey(struct sy_id *id, const uint8_t pubkey[32])
{
	uint8_t digest[32];
	sy_sha256(digest, pubkey, 32);
	memcpy(id->b, digest, sizeof id->b);
}

void sy_id_hex(const struct sy_id *id, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < SY_ID_BYTES; i++) {
		out[2 * i] = digits[id->b[i] >> 4];
		out[2 * i + 1] = digits[id->b[i] & 15];
	}
}

void sy_id_format(const struct sy_id *id, char text[SY_ID_TEXT])
{
	sy_id_hex(id, text);
	text[SY_ID_TEXT - 1] = 0;
}

enum sy_err sy_id_parse(const char *text, size_t len, struct sy_id *id, bool *bad_case)
{
	if (len != 2 * SY_ID_BYTES)
		return SY_ADDR_INVALID;
	const uint8_t *p = (const uint8_t *)text;
	uint8_t seen = 0;
	for (size_t i = 0; i < SY_ID_BYTES; i++) {
		uint8_t high = hex_value[p[2 * i]], low = hex_value[p[2 * i + 1]];
		seen |= high | low;
		id->b[i] = (uint8_t)(high << 4 | (low & 15));
	}
	if (bad_case)
		*bad_case = (seen & UPPER) != 0;
	return seen & BAD ? SY_ADDR_INVALID : SY_OK;
}

size_t sy_netaddr_format_dial(const struct sy_netaddr *addr, char text[SY_ADDR_TEXT])
{
	char *p = text;
	bool bracket = !sy_ip_is_v4(addr->ip);
	if (bracket)
		*p++ = '[';
	p += sy_ip_format(addr->ip, p);
	if (bracket)
		*p++ = ']';
	*p++ = ':';
	char digits[5];
	size_t n = 0;
	for (unsigned port = addr->port; n == 0 || port; port /= 10)
		digits[n++] = (char)('0' + port % 10);
	while (n)
		*p++ = digits[--n];
	*p = 0;
	return (size_t)(p - text);
}

size_t sy_netaddr_format(const struct sy_netaddr *addr, char text[SY_ADDR_TEXT])
{
	if (!(addr->flags & SY_ADDR_HAS_ID))
		return sy_netaddr_format_dial(addr, text);
	char dial[SY_ADDR_TEXT];
	size_t n = sy_netaddr_format_dial(addr, dial);
	size_t id = 2 * SY_ID_BYTES;
	SY_ASSERT(id + 1 + n < SY_ADDR_TEXT);
	sy_id_hex(&addr->id, text);
	text[id] = '@';
	memcpy(text + id + 1, dial, n + 1);
	return id + 1 + n;
}

static const uint8_t *find_scheme_end(const uint8_t *p, const uint8_t *end)
{
	for (; end - p >= 3; p++)
		if (p[0] == ':' && p[1] == '/' && p[2] == '/')
			return p;
	return NULL;
}

struct sy_span sy_addr_strip_scheme(struct sy_span text)
{
	if (text.len < 3)
		return text;
	const uint8_t *end = text.ptr + text.len;
	const uint8_t *first = find_scheme_end(text.ptr, end);
	if (!first)
		return text;
	const uint8_t *second = find_scheme_end(first + 3, end);
	return (struct sy_span){first + 3, (size_t)((second ? second : end) - (first + 3))};
}

/*
 * Go's rules: the last colon separates the port, an IPv6 host stands in brackets, and no bracket may be elsewhere. False
 * when the text breaks them.
 */
static bool split_hostport(struct sy_span text, struct sy_span *host, struct sy_span *port)
{
	const uint8_t *p = text.ptr, *end = p + text.len, *colon = NULL;
	for (const uint8_t *q = p; q < end; q++)
		if (*q == ':')
			colon = q;
	if (!colon)
		return false;
	const uint8_t *host_end = colon, *rest = p;
	if (*p == '[') {
		host_end = memchr(p, ']', text.len);
		if (!host_end || host_end + 1 != colon)
			return false;
		p++;
		rest = host_end + 1;
	} else if (memchr(p, ':', (size_t)(colon - p))) {
		return false;
	}
	if (memchr(p, '[', (size_t)(end - p)) || memchr(rest, ']', (size_t)(end - rest)))
		return false;
	*host = (struct sy_span){p, (size_t)(host_end - p)};
	*port = (struct sy_span){colon + 1, (size_t)(end - colon - 1)};
	return true;
}

static bool parse_port(struct sy_span text, uint16_t *port)
{
	uint32_t value = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.ptr[i] - '0';
		if (digit > 9)
			return false;
		value = value * 10 + digit;
		if (value > 65535)
			return false;
	}
	*port = (uint16_t)value;
	return text.len > 0;
}

/* Letters, digits, '-', '_' and '.': what a resolver may be asked. A name of anything else has no address anyway. */
static bool is_host_name(struct sy_span text)
{
	if (text.len == 0 || text.len >= SY_HOST_TEXT)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i], lower = c | 0x20;
		bool ok = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || c == '-' || c == '_' || c == '.';
		if (!ok)
			return false;
	}
	return true;
}

enum sy_err sy_addr_parse_hostport(struct sy_span text, struct sy_netaddr *addr, char host[SY_HOST_TEXT])
{
	struct sy_span name, port;
	if (text.len == 0 || !split_hostport(text, &name, &port) || !parse_port(port, &addr->port))
		return SY_ADDR_INVALID;
	if (sy_ip_parse((const char *)name.ptr, name.len, addr->ip) == SY_OK)
		return SY_OK;
	memset(addr->ip, 0, sizeof addr->ip);
	if (!is_host_name(name))
		return SY_ADDR_INVALID;
	if (host) {
		memcpy(host, name.ptr, name.len);
		host[name.len] = 0;
	}
	return SY_ADDR_NEEDS_DNS;
}

enum sy_err sy_addr_parse_id(struct sy_span text, struct sy_netaddr *addr)
{
	bool bad_case;
	if (sy_id_parse((const char *)text.ptr, text.len, &addr->id, &bad_case) != SY_OK) {
		memset(&addr->id, 0, sizeof addr->id);
		return SY_ADDR_INVALID;
	}
	addr->flags = (uint8_t)(SY_ADDR_HAS_ID | (bad_case ? SY_ADDR_BAD_CASE : 0));
	return SY_OK;
}

enum sy_err sy_netaddr_parse(const char *text, struct sy_netaddr *addr, char host[SY_HOST_TEXT])
{
	struct sy_span all = sy_addr_strip_scheme((struct sy_span){(const uint8_t *)text, strlen(text)});
	memset(addr, 0, sizeof *addr);
	const uint8_t *at = memchr(all.ptr, '@', all.len);
	if (!at)
		return SY_ADDR_NO_ID;
	struct sy_span id = {all.ptr, (size_t)(at - all.ptr)};
	struct sy_span rest = {at + 1, all.len - id.len - 1};
	if (memchr(rest.ptr, '@', rest.len))
		return SY_ADDR_NO_ID;
	enum sy_err err = sy_addr_parse_id(id, addr);
	if (err == SY_OK)
		err = sy_addr_parse_hostport(rest, addr, host);
	if (err != SY_OK && err != SY_ADDR_NEEDS_DNS)
		memset(addr, 0, sizeof *addr);
	return err;
}
