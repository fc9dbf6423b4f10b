/* Packets: the hot path, coded by hand. Source: protocol.md 3.2, 3.4. */
#ifndef SY_WIRE_PACKET_H
#define SY_WIRE_PACKET_H

#include "core/switchyard.h"

#include <string.h>

enum sy_packet_kind { SY_PACKET_NONE = 0, SY_PACKET_PING, SY_PACKET_PONG, SY_PACKET_MSG };

struct sy_packet {
	enum sy_packet_kind kind; /* NONE: no member of the oneof is set */
	int32_t channel_id;
	bool eof;
	struct sy_span data; /* into the bytes parsed */
};

/* Parses the payload of one packet (without delimiter). Returns SY_PEER_BAD_PACKET. Consumes exactly n bytes. */
SY_MUST enum sy_err sy_packet_parse(const uint8_t *bytes, size_t n, struct sy_packet *packet);
/* Bytes of a whole message packet with its delimiter. */
size_t sy_packet_size(uint8_t channel, bool eof, size_t data_len);
/* Writes delimiter and everything before the data; the caller appends data_len bytes. buf holds at least SY_PACKET_HEADER_MAX. */
#define SY_PACKET_HEADER_MAX 24
size_t sy_packet_header(uint8_t *buf, uint8_t channel, bool eof, size_t data_len);
/* What one packet may have as payload when max_packet_msg_payload_size is max_data: 1034 for 1024. */
size_t sy_packet_limit(size_t max_data);
/*
 * What nearly every small message is on the stream: whole in one packet, on a channel of one byte, shortest form.
 *   L 1a M 08 ch 10 01 1a n data: nine bytes in front of n <= 119, with M = n + 6 and L = n + 8 < 128.
 * The two functions know this form only and cost a dozen instructions; all else goes the general way.
 */
#define SY_PACKET_SMALL_HEADER 9u
#define SY_PACKET_SMALL_DATA 119u
/* data_len 1..SY_PACKET_SMALL_DATA, channel 1..0x7f; buf holds SY_PACKET_SMALL_HEADER. */
static inline void sy_packet_small_header(uint8_t *buf, uint8_t channel, uint32_t data_len)
{
	const uint8_t header[SY_PACKET_SMALL_HEADER] = {
	    (uint8_t)(data_len + 8), 0x1a, (uint8_t)(data_len + 6), 0x08, channel, 0x10, 0x01, 0x1a, (uint8_t)data_len,
	};
	memcpy(buf, header, sizeof header);
}
/* The data's length when `bytes` (n of them, delimiter included) begin with such a packet, complete; else 0. The channel is bytes[4]. */
static inline uint32_t sy_packet_small_data(const uint8_t *bytes, size_t n)
{
	static const uint8_t mask[8] = {0x80, 0xff, 0, 0xff, 0x80, 0xff, 0xff, 0xff};
	static const uint8_t form[8] = {0, 0x1a, 0, 0x08, 0, 0x10, 0x01, 0x1a};
	uint64_t m, f, b;
	if (n < SY_PACKET_SMALL_HEADER)
		return 0;
	memcpy(&m, mask, sizeof m);
	memcpy(&f, form, sizeof f);
	memcpy(&b, bytes, sizeof b);
	uint32_t len = bytes[8];
	if ((b & m) != f || bytes[0] != len + 8 || bytes[2] != len + 6 || n - SY_PACKET_SMALL_HEADER < len)
		return 0;
	return len;
}
#define SY_PING_BYTES "\x02\x0a\x00" /* on the stream, with delimiter */
#define SY_PONG_BYTES "\x02\x12\x00"

#endif
