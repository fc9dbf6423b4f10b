/* Packets: the hot path, coded by hand. Source: protocol.md 3.2, 3.4. */
#ifndef SY_WIRE_PACKET_H
#define SY_WIRE_PACKET_H

#include "core/switchyard.h"

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
#define SY_PING_BYTES "\x02\x0a\x00" /* on the stream, with delimiter */
#define SY_PONG_BYTES "\x02\x12\x00"

#endif
