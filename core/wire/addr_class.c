#include "core/wire/addr_class.h"

#include "core/wire/group.h"

#include <string.h>

struct range {
	uint8_t bits;
	uint8_t prefix[16];
};

static bool in_range(const uint8_t *ip, const struct range *r)
{
	unsigned bytes = r->bits / 8, left = r->bits % 8;
	if (memcmp(ip, r->prefix, bytes) != 0)
		return false;
	return left == 0 || ((ip[bytes] ^ r->prefix[bytes]) >> (8 - left)) == 0;
}

static bool in_any(const uint8_t *ip, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_range(ip, &r[i]))
			return true;
	return false;
}
#define IN_ANY(ip, table) in_any(ip, table, sizeof(table) / sizeof *(table))

enum sy_ip_class sy_ip_class(const uint8_t ip[16])
{
	static const struct {
		enum sy_ip_class class;
		struct range range;
	} classes[] = {
	    {SY_IP_V4, {96, {[10] = 0xff, [11] = 0xff}}},    {SY_IP_RFC6145, {96, {[8] = 0xff, [9] = 0xff}}},
	    {SY_IP_RFC6052, {96, {0x00, 0x64, 0xff, 0x9b}}}, {SY_IP_6TO4, {16, {0x20, 0x02}}},
	    {SY_IP_TEREDO, {32, {0x20, 0x01, 0x00, 0x00}}},  {SY_IP_ONIONCAT, {48, {0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43}}},
	};
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (in_range(ip, &classes[i].range))
			return classes[i].class;
	return SY_IP_V6;
}

static bool is_unspecified(const uint8_t ip[16])
{
	for (int i = sy_ip_is_v4(ip) ? 12 : 0; i < 16; i++)
		if (ip[i])
			return false;
	return true;
}

bool sy_netaddr_valid(const struct sy_netaddr *addr)
{
	static const struct range documentation = {32, {0x20, 0x01, 0x0d, 0xb8}};
	static const struct range broadcast = {32, {255, 255, 255, 255}};
	if (!(addr->flags & SY_ADDR_HAS_ID) || is_unspecified(addr->ip))
		return false;
	return sy_ip_is_v4(addr->ip) ? !in_range(addr->ip + 12, &broadcast) : !in_range(addr->ip, &documentation);
}

bool sy_netaddr_local(const struct sy_netaddr *addr)
{
	static const struct range v4[] = {{8, {127}}, {8, {0}}};
	static const struct range loopback = {128, {[15] = 1}};
	return sy_ip_is_v4(addr->ip) ? IN_ANY(addr->ip + 12, v4) : in_range(addr->ip, &loopback);
}

bool sy_netaddr_routable(const struct sy_netaddr *addr)
{
	/* RFC 1918 and RFC 3927 */
	static const struct range v4[] = {{8, {10}}, {12, {172, 16}}, {16, {192, 168}}, {16, {169, 254}}};
	/* RFC 4862 (a /64, as upstream has it), RFC 4193, RFC 4843 */
	static const struct range v6[] = {{64, {0xfe, 0x80}}, {7, {0xfc}}, {28, {0x20, 0x01, 0x00, 0x10}}};
	if (!sy_netaddr_valid(addr) || sy_netaddr_local(addr))
		return false;
	return sy_ip_is_v4(addr->ip) ? !IN_ANY(addr->ip + 12, v4) : !IN_ANY(addr->ip, v6);
}

bool sy_ip_routable(const struct sy_netaddr *addr)
{
	struct sy_netaddr somebody = *addr;
	somebody.flags = SY_ADDR_HAS_ID;
	return sy_netaddr_routable(&somebody);
}
