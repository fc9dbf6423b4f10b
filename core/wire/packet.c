#include "core/wire/packet.h"

#include "core/base/assert.h"
#include "core/wire/cursor.h"

#include <string.h>

enum { TAG_CHANNEL = 0x08, TAG_EOF = 0x10, TAG_DATA = 0x1a, TAG_MSG = 0x1a };

/*
 * A length of one or two bytes in its shortest form, as every honest packet has. Returns its bytes, 0 when it is
 * something else and the general way must look at it.
 */
static size_t short_length(const uint8_t *p, const uint8_t *end, size_t *length)
{
	if (end - p >= 1 && p[0] < 0x80) {
		*length = p[0];
		return 1;
	}
	if (end - p >= 2 && p[1] < 0x80 && p[1] > 0) {
		*length = (size_t)(p[0] & 0x7f) | (size_t)p[1] << 7;
		return 2;
	}
	return 0;
}

/* Each field at most once, in ascending order, in its shortest form. False says nothing: the general way decides. */
static bool parse_canonical(const uint8_t *bytes, size_t n, struct sy_packet *packet)
{
	const uint8_t *p = bytes, *end = bytes + n;
	size_t length = 0, used;
	if (n < 2 || *p != TAG_MSG)
		return false;
	used = short_length(p + 1, end, &length);
	p += 1 + used;
	if (!used || (size_t)(end - p) != length)
		return false;
	*packet = (struct sy_packet){.kind = SY_PACKET_MSG};
	if (end - p >= 2 && p[0] == TAG_CHANNEL && p[1] < 0x80) {
		packet->channel_id = p[1];
		p += 2;
	}
	if (end - p >= 2 && p[0] == TAG_EOF && p[1] < 0x80) {
		packet->eof = p[1];
		p += 2;
	}
	if (p == end)
		return true;
	used = *p == TAG_DATA ? short_length(p + 1, end, &length) : 0;
	p += 1 + used;
	packet->data = (struct sy_span){p, length};
	return used && (size_t)(end - p) == length;
}

static bool parse_msg(struct sy_span bytes, struct sy_packet *packet)
{
	struct sy_reader r = sy_reader_of(bytes.ptr, bytes.len);
	struct sy_field field;
	*packet = (struct sy_packet){.kind = SY_PACKET_MSG};
	while (sy_read_field(&r, &field)) {
		if (field.number > 3)
			continue;
		if (field.type != (field.number == 3 ? 2 : 0))
			return false;
		if (field.number == 1)
			packet->channel_id = (int32_t)(uint32_t)field.value;
		else if (field.number == 2)
			packet->eof = field.value != 0;
		else
			packet->data = field.span;
	}
	return !r.bad;
}

/* The last member of the oneof wins, but each must be well-formed. */
static bool parse_general(const uint8_t *bytes, size_t n, struct sy_packet *packet)
{
	struct sy_reader r = sy_reader_of(bytes, n);
	struct sy_field field;
	*packet = (struct sy_packet){.kind = SY_PACKET_NONE};
	while (sy_read_field(&r, &field)) {
		if (field.number > 3)
			continue;
		if (field.type != 2)
			return false;
		if (field.number == 3) {
			if (!parse_msg(field.span, packet))
				return false;
			continue;
		}
		if (!sy_read_well_formed(field.span))
			return false;
		*packet = (struct sy_packet){.kind = field.number == 1 ? SY_PACKET_PING : SY_PACKET_PONG};
	}
	return !r.bad;
}

enum sy_err sy_packet_parse(const uint8_t *bytes, size_t n, struct sy_packet *packet)
{
	if (parse_canonical(bytes, n, packet))
		return SY_OK;
	return parse_general(bytes, n, packet) ? SY_OK : SY_PEER_BAD_PACKET;
}

static size_t msg_size(uint8_t channel, bool eof, size_t data_len)
{
	size_t n = channel ? 1 + sy_uvarint_size(channel) : 0;
	n += eof ? 2 : 0;
	return n + (data_len ? 1 + sy_uvarint_size(data_len) + data_len : 0);
}

static size_t payload_size(size_t msg)
{
	return 1 + sy_uvarint_size(msg) + msg;
}

size_t sy_packet_size(uint8_t channel, bool eof, size_t data_len)
{
	size_t payload = payload_size(msg_size(channel, eof, data_len));
	return sy_uvarint_size(payload) + payload;
}

size_t sy_packet_header(uint8_t *buf, uint8_t channel, bool eof, size_t data_len)
{
	struct sy_writer w = sy_writer_of(buf, SY_PACKET_HEADER_MAX);
	size_t msg = msg_size(channel, eof, data_len);
	sy_write_uvarint(&w, payload_size(msg));
	sy_write_u8(&w, TAG_MSG);
	sy_write_uvarint(&w, msg);
	sy_write_field_varint(&w, 1, channel);
	sy_write_field_varint(&w, 2, eof);
	if (data_len) {
		sy_write_u8(&w, TAG_DATA);
		sy_write_uvarint(&w, data_len);
	}
	SY_ASSERT(!w.bad);
	return sy_written(&w);
}

size_t sy_packet_limit(size_t max_data)
{
	return payload_size(msg_size(1, true, max_data));
}
