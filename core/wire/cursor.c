#include "core/wire/cursor.h"

#include "core/base/assert.h"

#include <string.h>

struct sy_reader sy_reader_of(const void *bytes, size_t n)
{
	/* An empty span may have a null pointer; two equal pointers are all that is needed then. */
	const uint8_t *at = bytes ? bytes : (const uint8_t *)"";
	return (struct sy_reader){.at = at, .end = at + (bytes ? n : 0), .bad = !bytes && n};
}

static uint64_t fail(struct sy_reader *r)
{
	r->bad = true;
	r->at = r->end;
	return 0;
}

uint8_t sy_read_u8(struct sy_reader *r)
{
	return r->at == r->end ? (uint8_t)fail(r) : *r->at++;
}

/*
 * Reads a varint of up to 10 bytes. The tenth has room for one bit: `lax` drops what exceeds it, as upstream's
 * generated message code does; the delimiter's reader refuses it.
 */
static uint64_t read_varint(struct sy_reader *r, bool lax)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (r->at == r->end)
			return fail(r);
		uint8_t b = *r->at++;
		value |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80)
			return shift == 63 && b > 1 && !lax ? fail(r) : value;
	}
	return fail(r);
}

uint64_t sy_read_uvarint(struct sy_reader *r)
{
	return read_varint(r, false);
}

struct sy_span sy_read_bytes(struct sy_reader *r, size_t n)
{
	if (r->bad || n > (size_t)(r->end - r->at)) {
		fail(r);
		return (struct sy_span){NULL, 0};
	}
	struct sy_span span = {r->at, n};
	r->at += n;
	return span;
}

static uint64_t read_fixed(struct sy_reader *r, size_t n)
{
	struct sy_span span = sy_read_bytes(r, n);
	uint64_t value = 0;
	for (size_t i = 0; i < span.len; i++)
		value |= (uint64_t)span.ptr[i] << (8 * i);
	return value;
}

static struct sy_span read_delimited(struct sy_reader *r)
{
	uint64_t n = read_varint(r, true);
	if (n > (uint64_t)(r->end - r->at))
		fail(r);
	return sy_read_bytes(r, r->bad ? 0 : (size_t)n);
}

/*
 * Skips to the end of a group that has begun. Groups may nest as deeply as the bytes allow: the depth is a counter, not
 * recursion. Like upstream, it looks at wire types only, not at the numbers inside.
 */
static struct sy_span read_group(struct sy_reader *r)
{
	const uint8_t *start = r->at, *last = r->at;
	for (size_t depth = 1; depth && !r->bad;) {
		last = r->at;
		switch (read_varint(r, true) & 7) {
		case 0:
			(void)read_varint(r, true);
			break;
		case 1:
			(void)sy_read_bytes(r, 8);
			break;
		case 2:
			(void)read_delimited(r);
			break;
		case 3:
			depth++;
			break;
		case 4:
			depth--;
			break;
		case 5:
			(void)sy_read_bytes(r, 4);
			break;
		default:
			fail(r);
		}
	}
	return r->bad ? (struct sy_span){NULL, 0} : (struct sy_span){start, (size_t)(last - start)};
}

bool sy_read_field(struct sy_reader *r, struct sy_field *field)
{
	if (sy_reader_done(r))
		return false;
	uint64_t key = *r->at < 0x80 ? *r->at++ : read_varint(r, true);
	uint64_t number = key >> 3;
	*field = (struct sy_field){.number = (uint32_t)number, .type = key & 7};
	if (number == 0 || number > INT32_MAX) {
		fail(r);
		return false;
	}
	switch (field->type) {
	case 0:
		field->value = read_varint(r, true);
		break;
	case 1:
		field->value = read_fixed(r, 8);
		break;
	case 2:
		field->span = read_delimited(r);
		break;
	case 3:
		field->span = read_group(r);
		break;
	case 5:
		field->value = read_fixed(r, 4);
		break;
	default: /* a stray end of group, or a type that does not exist */
		fail(r);
	}
	return !r->bad;
}

bool sy_read_well_formed(struct sy_span bytes)
{
	struct sy_reader r = sy_reader_of(bytes.ptr, bytes.len);
	struct sy_field field;
	while (sy_read_field(&r, &field))
		;
	return !r.bad;
}

struct sy_writer sy_writer_of(void *buf, size_t cap)
{
	uint8_t *start = buf;
	return (struct sy_writer){.start = start, .at = start, .end = start + cap, .bad = false};
}

size_t sy_written(const struct sy_writer *w)
{
	SY_ASSERT(w->at >= w->start && w->at <= w->end);
	return w->bad ? 0 : (size_t)(w->at - w->start);
}

static bool has_room(struct sy_writer *w, size_t n)
{
	if (w->bad || n > (size_t)(w->end - w->at))
		w->bad = true;
	return !w->bad;
}

void sy_write_u8(struct sy_writer *w, uint8_t v)
{
	if (has_room(w, 1))
		*w->at++ = v;
}

void sy_write_uvarint(struct sy_writer *w, uint64_t v)
{
	if (!has_room(w, sy_uvarint_size(v)))
		return;
	for (; v >= 0x80; v >>= 7)
		*w->at++ = (uint8_t)(v | 0x80);
	*w->at++ = (uint8_t)v;
}

void sy_write_bytes(struct sy_writer *w, const void *bytes, size_t n)
{
	if (n == 0 || !has_room(w, n))
		return;
	memcpy(w->at, bytes, n);
	w->at += n;
}

void sy_write_field_varint(struct sy_writer *w, uint32_t number, uint64_t v)
{
	if (v == 0)
		return;
	sy_write_uvarint(w, (uint64_t)number << 3);
	sy_write_uvarint(w, v);
}

void sy_write_field_bytes(struct sy_writer *w, uint32_t number, const void *bytes, size_t n)
{
	if (n)
		sy_write_message(w, number, bytes, n);
}

void sy_write_message(struct sy_writer *w, uint32_t number, const void *bytes, size_t n)
{
	sy_write_uvarint(w, (uint64_t)number << 3 | 2);
	sy_write_uvarint(w, n);
	sy_write_bytes(w, bytes, n);
}

size_t sy_uvarint_size(uint64_t v)
{
	size_t n = 1;
	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

enum sy_err sy_delimiter_parse(const uint8_t *bytes, size_t n, uint64_t max, size_t *header, size_t *length)
{
	uint64_t value = 0;
	for (size_t i = 0; i < 10; i++) {
		if (i == n)
			return SY_AGAIN;
		uint8_t b = bytes[i];
		if (i == 9 && b > 1)
			return SY_PARSE;
		value |= (uint64_t)(b & 0x7f) << (7 * i);
		if (b >= 0x80)
			continue;
		if (value > max || value > SIZE_MAX)
			return SY_PARSE;
		*header = i + 1;
		*length = (size_t)value;
		return SY_OK;
	}
	return SY_PARSE;
}
