/* Addresses as people write them: id@host:port, IPs, ids, and what a node tells of itself. First byte: which. */
#include <stdlib.h>

#include "core/wire/addr_text.h"
#include "core/wire/group.h"
#include "tests/fuzz/fuzz.h"

/* Ids are shown in lower case. */
static bool same(const struct sy_netaddr *a, const struct sy_netaddr *b)
{
	return ((a->flags ^ b->flags) & SY_ADDR_HAS_ID) == 0 && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0 &&
	       memcmp(&a->id, &b->id, sizeof a->id) == 0;
}

/* What is shown of an address reads as the same address. */
static void netaddr(const char *text)
{
	struct sy_netaddr addr, again;
	char host[SY_HOST_TEXT] = "", shown[SY_ADDR_TEXT];
	enum sy_err err = sy_netaddr_parse(text, &addr, host);

	if (err == SY_ADDR_NEEDS_DNS)
		FUZZ_HOLDS(host[0] != '\0' && memchr(host, '\0', sizeof host) != NULL);
	if (err != SY_OK)
		return;
	FUZZ_HOLDS(sy_netaddr_format(&addr, shown) == strlen(shown));
	FUZZ_HOLDS(sy_netaddr_parse(shown, &again, host) == SY_OK && same(&addr, &again));
	(void)sy_netaddr_valid(&addr);
	(void)sy_netaddr_routable(&addr);
}

static void ip(struct fuzz_in in)
{
	uint8_t addr[16], again[16];
	char shown[48];

	if (sy_ip_parse((const char *)in.at, in.left, addr) != SY_OK)
		return;
	size_t n = sy_ip_format(addr, shown);
	FUZZ_HOLDS(n == strlen(shown) && n < sizeof shown);
	FUZZ_HOLDS(sy_ip_parse(shown, n, again) == SY_OK && memcmp(addr, again, sizeof addr) == 0);
}

static void id(struct fuzz_in in)
{
	struct sy_id one, again;
	char shown[SY_ID_TEXT];

	if (sy_id_parse((const char *)in.at, in.left, &one, NULL) != SY_OK)
		return;
	FUZZ_HOLDS(in.left == 40);
	sy_id_format(&one, shown);
	FUZZ_HOLDS(sy_id_parse(shown, strlen(shown), &again, NULL) == SY_OK && memcmp(&one, &again, sizeof one) == 0);
}

static void told(struct fuzz_in in)
{
	struct sy_netaddr addr;
	char host[SY_HOST_TEXT];
	struct sy_span bare = sy_addr_strip_scheme((struct sy_span){in.at, in.left});

	FUZZ_HOLDS(bare.len <= in.left);
	memset(&addr, 0, sizeof addr);
	if (sy_addr_parse_hostport(bare, &addr, host) == SY_ADDR_NEEDS_DNS)
		FUZZ_HOLDS(memchr(host, '\0', sizeof host) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	uint8_t which = fuzz_byte(&in);

	if (which == 'a') {
		char *text = fuzz_text(in);

		netaddr(text);
		free(text);
	} else if (which == 'p') {
		ip(in);
	} else if (which == 'i') {
		id(in);
	} else {
		told(in);
	}
	return 0;
}
