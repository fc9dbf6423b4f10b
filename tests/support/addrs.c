#include "tests/support/addrs.h"

#include <string.h>

struct sy_id test_id(uint32_t n)
{
	struct sy_id id;
	memset(&id, 0x5a, sizeof id);
	for (int i = 0; i < 4; i++)
		id.b[i] = (uint8_t)(n >> (8 * i));
	return id;
}

struct sy_netaddr test_addr_at(uint32_t n, uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	struct sy_netaddr addr;
	memset(&addr, 0, sizeof addr);
	addr.id = test_id(n);
	addr.ip[10] = addr.ip[11] = 0xff;
	addr.ip[12] = a;
	addr.ip[13] = b;
	addr.ip[14] = c;
	addr.ip[15] = d;
	addr.port = port;
	addr.flags = SY_ADDR_HAS_ID;
	return addr;
}

struct sy_netaddr test_addr(uint32_t n)
{
	static const uint8_t skipped[] = {100, 127, 169, 172, 192, 198};
	uint32_t a = 11;
	uint32_t blocks = n / 256;
	for (; blocks || memchr(skipped, (int)a, sizeof skipped); a++)
		if (!memchr(skipped, (int)a, sizeof skipped))
			blocks--;
	return test_addr_at(n, (uint8_t)a, (uint8_t)(n % 256), 0, 1, 26656);
}
