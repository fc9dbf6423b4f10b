#include "core/wire/group.h"

#include "core/base/assert.h"
#include "core/wire/addr_class.h"

#include <string.h>

static size_t put_text(char text[SY_GROUP_TEXT], const char *word)
{
	size_t n = strlen(word);
	memcpy(text, word, n + 1);
	return n;
}

/* The /16 of an IPv4 address found somewhere in the 16 bytes; flip is 0xff where it is stored inverted. */
static size_t group_v4(const uint8_t *v4, uint8_t flip, char text[SY_GROUP_TEXT])
{
	uint8_t net[16] = {[10] = 0xff, [11] = 0xff, [12] = v4[0] ^ flip, [13] = v4[1] ^ flip};
	return sy_ip_format(net, text);
}

/* The /32; inside 2001:470::/32, a tunnel broker with many small customers, the /36. */
static size_t group_v6(const uint8_t ip[16], char text[SY_GROUP_TEXT])
{
	static const uint8_t broker[4] = {0x20, 0x01, 0x04, 0x70};
	uint8_t net[16] = {0};
	memcpy(net, ip, 4);
	if (memcmp(ip, broker, sizeof broker) == 0)
		net[4] = ip[4] & 0xf0;
	return sy_ip_format(net, text);
}

size_t sy_addr_group(const struct sy_netaddr *addr, bool strict, char text[SY_GROUP_TEXT])
{
	const uint8_t *ip = addr->ip;
	if (strict && sy_netaddr_local(addr))
		return put_text(text, "local");
	if (strict && !sy_netaddr_routable(addr))
		return put_text(text, "unroutable");
	switch (sy_ip_class(ip)) {
	case SY_IP_V4:
	case SY_IP_RFC6145:
	case SY_IP_RFC6052:
		return group_v4(ip + 12, 0, text);
	case SY_IP_6TO4:
		return group_v4(ip + 2, 0, text);
	case SY_IP_TEREDO:
		return group_v4(ip + 12, 0xff, text);
	case SY_IP_ONIONCAT: {
		/* "tor:" and a number of one or two digits */
		size_t n = put_text(text, "tor:");
		unsigned value = ip[6] & 0x0f;
		if (value >= 10)
			text[n++] = '1';
		text[n++] = (char)('0' + value % 10);
		text[n] = 0;
		return n;
	}
	case SY_IP_V6:
		return group_v6(ip, text);
	}
	SY_ASSERT(false);
	return 0;
}
