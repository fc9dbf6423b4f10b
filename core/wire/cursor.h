/*
 * Cursors over bytes with bounds and a sticky error: after the first failure every further step does nothing and
 * answers zero; the caller looks at `bad` once at the end. Source: protocol.md 2.2 for the protobuf rules.
 */
#ifndef SY_WIRE_CURSOR_H
#define SY_WIRE_CURSOR_H

#include "core/switchyard.h"

struct sy_reader {
	const uint8_t *at, *end;
	bool bad;
};
struct sy_writer {
	uint8_t *start, *at, *end;
	bool bad; /* the buffer was too small */
};

struct sy_reader sy_reader_of(const void *bytes, size_t n);
uint8_t sy_read_u8(struct sy_reader *r);
uint64_t sy_read_uvarint(struct sy_reader *r); /* up to 10 bytes, non-minimal accepted, overflow of 64 bits is bad */
struct sy_span sy_read_bytes(struct sy_reader *r, size_t n);
static inline bool sy_reader_done(const struct sy_reader *r)
{
	return r->bad || r->at == r->end;
}

/*
 * One protobuf field. Wire types: 0, 1 and 5 in value (fixed ones little-endian, zero-extended), 2 in span, 3 with what
 * is inside the group in span. A decoder ignores numbers that it does not know, whatever their type, and refuses a
 * number that it knows with another type; so it never needs to look into a group.
 */
struct sy_field {
	uint32_t number;
	uint8_t type;
	uint64_t value;
	struct sy_span span;
};
/*
 * The next field. Returns false at the end or when bad: a field number outside 1..2^31-1, a varint of more than 10 bytes,
 * a group without end, a stray end of group, an unknown wire type or truncated data. Bits of a varint beyond 64 are dropped.
 */
bool sy_read_field(struct sy_reader *r, struct sy_field *field);
/* True when the bytes are a message of any fields: what a message without known fields must be. */
bool sy_read_well_formed(struct sy_span bytes);

/* Writers keep their first failure too; sy_written answers 0 then. */
struct sy_writer sy_writer_of(void *buf, size_t cap);
size_t sy_written(const struct sy_writer *w);
void sy_write_u8(struct sy_writer *w, uint8_t v);
void sy_write_uvarint(struct sy_writer *w, uint64_t v);
void sy_write_bytes(struct sy_writer *w, const void *bytes, size_t n);
void sy_write_field_varint(struct sy_writer *w, uint32_t number, uint64_t v);                 /* omitted when v == 0 */
void sy_write_field_bytes(struct sy_writer *w, uint32_t number, const void *bytes, size_t n); /* omitted when n == 0 */
void sy_write_message(struct sy_writer *w, uint32_t number, const void *bytes, size_t n);     /* written also when n == 0 */
size_t sy_uvarint_size(uint64_t v);

/*
 * The delimiter of a stream message (protocol.md 2.2). Returns SY_OK with *header bytes of delimiter and *length of
 * payload (which need not be there yet); SY_AGAIN when the delimiter needs more bytes; SY_PARSE when it overflows or exceeds max.
 */
SY_MUST enum sy_err sy_delimiter_parse(const uint8_t *bytes, size_t n, uint64_t max, size_t *header, size_t *length);

#endif
