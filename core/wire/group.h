/* The network group of an address, for buckets. Source: protocol.md 6.4. */
#ifndef SY_WIRE_GROUP_H
#define SY_WIRE_GROUP_H

#include "core/switchyard.h"

#define SY_GROUP_TEXT 48
/* Text of the group ("12.1.0.0", "2602:100::", "tor:2", "local", "unroutable"). Returns its length. */
size_t sy_addr_group(const struct sy_netaddr *addr, bool strict, char text[SY_GROUP_TEXT]);
/* Formats 16 bytes as Go's net.IP prints them (IPv4 dotted when mapped, else RFC 5952). Returns the length. */
size_t sy_ip_format(const uint8_t ip[16], char text[48]);
/* An IP literal of exactly n characters: four decimal octets without leading zeros, or IPv6 text without zone. */
SY_MUST enum sy_err sy_ip_parse(const char *text, size_t n, uint8_t ip[16]);
static inline bool sy_ip_is_v4(const uint8_t ip[16])
{
	for (int i = 0; i < 10; i++)
		if (ip[i])
			return false;
	return ip[10] == 0xff && ip[11] == 0xff;
}

#endif
