#include "core/wire/pexmsg.h"

#include "core/base/assert.h"
#include "core/wire/addr_text.h"
#include "core/wire/cursor.h"
#include "core/wire/group.h"

#include <string.h>

enum { TAG_LIST = 0x12, TAG_ADDRS = 0x0a, TAG_ID = 0x0a, TAG_IP = 0x12, TAG_PORT = 0x18, ID_DIGITS = 2 * SY_ID_BYTES };

/* One address as it stands in the message. */
struct raw_addr {
	struct sy_span id, ip;
	uint32_t port;
};

static bool is_null(const struct sy_netaddr *addr)
{
	static const struct sy_netaddr none;
	return memcmp(addr, &none, sizeof none) == 0;
}

size_t sy_pex_addr_encode(const struct sy_netaddr *addr, uint8_t out[SY_PEX_ADDR_MAX])
{
	uint8_t *p = out;
	char ip[48];
	if (addr->flags & SY_ADDR_HAS_ID) {
		*p++ = TAG_ID;
		*p++ = ID_DIGITS;
		sy_id_hex(&addr->id, (char *)p);
		p += ID_DIGITS;
	}
	size_t n = sy_ip_format(addr->ip, ip);
	*p++ = TAG_IP;
	*p++ = (uint8_t)n;
	memcpy(p, ip, n);
	p += n;
	if (addr->port) {
		struct sy_writer w = sy_writer_of(p + 1, 3);
		*p++ = TAG_PORT;
		sy_write_uvarint(&w, addr->port);
		p += sy_written(&w);
	}
	SY_ASSERT(p - out <= (ptrdiff_t)SY_PEX_ADDR_MAX - 2);
	return (size_t)(p - out);
}

/* The longest header that a list can need: a tag and a length of 32 bits. The list is written behind room for it. */
enum { HEADER_MAX = 6 };

struct sy_pex_writer sy_pex_writer_of(uint8_t *buf, size_t cap)
{
	size_t at = cap < HEADER_MAX ? cap : HEADER_MAX;
	return (struct sy_pex_writer){.buf = buf, .cap = cap, .at = at, .full = cap < 2};
}

void sy_pex_put_entry(struct sy_pex_writer *w, struct sy_span entry)
{
	SY_ASSERT(entry.len < SY_PEX_ADDR_MAX);
	w->full |= w->cap - w->at < entry.len + 2;
	if (w->full)
		return;
	w->buf[w->at] = TAG_ADDRS;
	w->buf[w->at + 1] = (uint8_t)entry.len;
	memcpy(w->buf + w->at + 2, entry.ptr, entry.len);
	w->at += entry.len + 2;
}

void sy_pex_put(struct sy_pex_writer *w, const struct sy_netaddr *addr)
{
	uint8_t one[SY_PEX_ADDR_MAX];
	if (!is_null(addr))
		sy_pex_put_entry(w, (struct sy_span){one, sy_pex_addr_encode(addr, one)});
}

struct sy_span sy_pex_message(struct sy_pex_writer *w)
{
	uint8_t header[HEADER_MAX];
	size_t from = w->cap < HEADER_MAX ? w->cap : HEADER_MAX;
	struct sy_writer h = sy_writer_of(header, sizeof header);
	if (w->full)
		return (struct sy_span){w->buf, 0};
	sy_write_u8(&h, TAG_LIST);
	sy_write_uvarint(&h, w->at - from);
	size_t n = sy_written(&h);
	SY_ASSERT(n > 0 && n <= from);
	memcpy(w->buf + from - n, header, n);
	return (struct sy_span){w->buf + from - n, n + w->at - from};
}

size_t sy_pex_addrs_encode(const struct sy_netaddr *addrs, size_t n, uint8_t *buf, size_t cap)
{
	struct sy_pex_writer w = sy_pex_writer_of(buf, cap);
	for (size_t i = 0; i < n; i++)
		sy_pex_put(&w, &addrs[i]);
	struct sy_span message = sy_pex_message(&w);
	if (message.len)
		memmove(buf, message.ptr, message.len);
	return message.len;
}

/* The encoding that every honest sender writes. False says nothing: the general way decides. */
static bool read_canonical(struct sy_span bytes, struct raw_addr *raw)
{
	const uint8_t *p = bytes.ptr, *end = p + bytes.len;
	if (bytes.len < 2 + ID_DIGITS + 2 || p[0] != TAG_ID || p[1] != ID_DIGITS || p[2 + ID_DIGITS] != TAG_IP)
		return false;
	raw->id = (struct sy_span){p + 2, ID_DIGITS};
	p += 2 + ID_DIGITS + 2;
	size_t ip = p[-1];
	if (ip >= 0x80 || ip >= (size_t)(end - p) || p[ip] != TAG_PORT)
		return false;
	raw->ip = (struct sy_span){p, ip};
	p += ip + 1;
	uint32_t port = 0;
	for (unsigned shift = 0; p < end && shift < 21; shift += 7) {
		port |= (uint32_t)(*p & 0x7f) << shift;
		if (*p++ < 0x80) {
			raw->port = port;
			return p == end;
		}
	}
	return false;
}

static bool read_addr(struct sy_span bytes, struct raw_addr *raw)
{
	if (read_canonical(bytes, raw))
		return true;
	struct sy_reader r = sy_reader_of(bytes.ptr, bytes.len);
	struct sy_field field;
	*raw = (struct raw_addr){.port = 0};
	while (sy_read_field(&r, &field)) {
		if (field.number > 3)
			continue;
		if (field.type != (field.number == 3 ? 0 : 2))
			return false;
		if (field.number == 1)
			raw->id = field.span;
		else if (field.number == 2)
			raw->ip = field.span;
		else
			raw->port = (uint32_t)field.value;
	}
	return !r.bad;
}

/* Takes the next address off a list that is walked. False at the end and when the list is malformed (*bad). */
static bool next_raw(struct sy_span *rest, struct raw_addr *raw, bool *bad)
{
	const uint8_t *p = rest->ptr;
	if (rest->len >= 2 && p[0] == TAG_ADDRS && p[1] < 0x80 && p[1] <= rest->len - 2) {
		struct sy_span one = {p + 2, p[1]};
		*rest = (struct sy_span){p + 2 + one.len, rest->len - 2 - one.len};
		*bad = !read_addr(one, raw);
		return !*bad;
	}
	struct sy_reader r = sy_reader_of(rest->ptr, rest->len);
	struct sy_field field = {0};
	bool found = false;
	while (!found && sy_read_field(&r, &field))
		found = field.number == 1;
	*rest = (struct sy_span){r.at, (size_t)(r.end - r.at)};
	*bad = r.bad || (found && (field.type != 2 || !read_addr(field.span, raw)));
	return found && !*bad;
}

/* Walks the whole list. A malformed one is worse than a bad address in it, wherever they stand. */
static enum sy_err check_list(struct sy_span list, uint32_t *count)
{
	struct raw_addr raw;
	uint8_t ip[16];
	bool bad = false, bad_addr = false;
	*count = 0;
	while (next_raw(&list, &raw, &bad)) {
		bad_addr |= raw.port > 65535 || sy_ip_parse((const char *)raw.ip.ptr, raw.ip.len, ip) != SY_OK;
		(*count)++;
	}
	if (bad)
		return SY_PEER_BAD_MESSAGE;
	return bad_addr ? SY_PEER_PEX_BAD_ADDR : SY_OK;
}

/* The last member of the oneof wins; those before it must be well-formed. */
enum sy_err sy_pex_parse(struct sy_span message, struct sy_pex_reader *reader)
{
	struct sy_reader r = sy_reader_of(message.ptr, message.len);
	struct sy_field field;
	enum sy_err err = SY_PEER_BAD_MESSAGE;
	*reader = (struct sy_pex_reader){.count = 0};
	while (sy_read_field(&r, &field)) {
		if (field.number > 2)
			continue;
		if (field.type != 2)
			return SY_PEER_BAD_MESSAGE;
		if (field.number == 1) {
			*reader = (struct sy_pex_reader){.kind = SY_PEX_REQUEST};
			err = sy_read_well_formed(field.span) ? SY_OK : SY_PEER_BAD_MESSAGE;
		} else {
			*reader = (struct sy_pex_reader){.kind = SY_PEX_ADDRS, .rest = field.span};
			err = check_list(field.span, &reader->count);
		}
		if (err == SY_PEER_BAD_MESSAGE)
			return err;
	}
	return r.bad ? SY_PEER_BAD_MESSAGE : err;
}

static bool addr_of(const struct raw_addr *raw, struct sy_netaddr *addr)
{
	memset(addr, 0, sizeof *addr);
	if (raw->port > 65535 || sy_ip_parse((const char *)raw->ip.ptr, raw->ip.len, addr->ip) != SY_OK)
		return false;
	addr->port = (uint16_t)raw->port;
	/* An id that does not parse leaves the address without one; the book refuses it later, as upstream does. */
	(void)!sy_addr_parse_id(raw->id, addr);
	return true;
}

bool sy_pex_next(struct sy_pex_reader *reader, struct sy_netaddr *addr)
{
	struct raw_addr raw;
	bool bad;
	return reader->kind == SY_PEX_ADDRS && next_raw(&reader->rest, &raw, &bad) && addr_of(&raw, addr);
}

bool sy_pex_addr_decode(struct sy_span entry, struct sy_netaddr *addr)
{
	struct raw_addr raw;
	return read_addr(entry, &raw) && addr_of(&raw, addr);
}

bool sy_pex_list(struct sy_span message, struct sy_span *list)
{
	struct sy_reader r = sy_reader_of(message.ptr, message.len);
	struct sy_field field;
	if (!sy_read_field(&r, &field) || field.number != 2 || field.type != 2 || r.at != r.end)
		return false;
	*list = field.span;
	return true;
}

bool sy_pex_next_entry(struct sy_span *list, struct sy_span *entry)
{
	const uint8_t *p = list->ptr;
	if (list->len < 2 || p[0] != TAG_ADDRS || p[1] >= 0x80 || p[1] > list->len - 2)
		return false;
	*entry = (struct sy_span){p + 2, p[1]};
	*list = (struct sy_span){p + 2 + entry->len, list->len - 2 - entry->len};
	return true;
}
