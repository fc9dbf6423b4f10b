/* What an IP address alone tells: IPv6 ranges that carry an IPv4 address or a group of their own; whether it is routed. Source: protocol.md 1.4. */
#ifndef SY_WIRE_ADDR_CLASS_H
#define SY_WIRE_ADDR_CLASS_H

#include "core/switchyard.h"

enum sy_ip_class {
	SY_IP_V4,       /* ::ffff:a.b.c.d */
	SY_IP_RFC6145,  /* ::ffff:0:a.b.c.d, translated */
	SY_IP_RFC6052,  /* 64:ff9b::a.b.c.d, the well-known prefix */
	SY_IP_6TO4,     /* 2002:a.b.c.d:: */
	SY_IP_TEREDO,   /* 2001:0::, the address inverted at the end */
	SY_IP_ONIONCAT, /* fd87:d87e:eb43:: */
	SY_IP_V6        /* any other */
};
enum sy_ip_class sy_ip_class(const uint8_t ip[16]);
/* sy_netaddr_routable of the address alone, when it is not known yet whose it is. */
bool sy_ip_routable(const struct sy_netaddr *addr);

#endif
