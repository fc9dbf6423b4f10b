/* A message of peer exchange: the careful way and the quick one, and what we would write of it. */
#include <stdlib.h>

#include "core/wire/pexmsg.h"
#include "tests/fuzz/fuzz.h"

#define ADDRS 300u

/* Ids are written in lower case. */
static bool same(const struct sy_netaddr *a, const struct sy_netaddr *b)
{
	return ((a->flags ^ b->flags) & SY_ADDR_HAS_ID) == 0 && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0 &&
	       (!(a->flags & SY_ADDR_HAS_ID) || memcmp(&a->id, &b->id, sizeof a->id) == 0);
}

/* The entries that the quick way finds are those of the careful one, in the same order. */
static void quick(struct sy_span message, const struct sy_netaddr *addrs, size_t n)
{
	struct sy_span list, entry;
	struct sy_netaddr addr;
	size_t i = 0;

	if (!sy_pex_list(message, &list))
		return;
	for (; sy_pex_next_entry(&list, &entry); i++) {
		FUZZ_HOLDS(i < n || n == ADDRS);
		FUZZ_HOLDS(sy_pex_addr_decode(entry, &addr));
		FUZZ_HOLDS(i >= n || same(&addr, &addrs[i]));
	}
}

static void back(const struct sy_netaddr *addrs, size_t n)
{
	static uint8_t buf[ADDRS * SY_PEX_ADDR_MAX + 6];
	struct sy_pex_reader r;
	struct sy_netaddr addr;
	size_t len = sy_pex_addrs_encode(addrs, n, buf, sizeof buf), i = 0;
	static const struct sy_netaddr null_addr;

	FUZZ_HOLDS(len != 0);
	FUZZ_HOLDS(sy_pex_parse((struct sy_span){buf, len}, &r) == SY_OK && r.kind == SY_PEX_ADDRS);
	while (sy_pex_next(&r, &addr)) {
		while (i < n && same(&addrs[i], &null_addr))
			i++; /* null addresses are not written */
		FUZZ_HOLDS(i < n && same(&addr, &addrs[i]));
		i++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct sy_netaddr addrs[ADDRS];
	struct sy_span message = {bytes, n};
	struct sy_pex_reader r;
	struct sy_netaddr addr;
	size_t count = 0, ids = 0;
	enum sy_err err = sy_pex_parse(message, &r);

	FUZZ_HOLDS(err == SY_OK || err == SY_PEER_BAD_MESSAGE || err == SY_PEER_PEX_BAD_ADDR);
	if (err != SY_OK || r.kind != SY_PEX_ADDRS)
		return 0;
	uint32_t announced = r.count;
	for (; sy_pex_next(&r, &addr); count++)
		if (count < ADDRS)
			addrs[count] = addr;
	FUZZ_HOLDS(count == announced);
	quick(message, addrs, count < ADDRS ? count : ADDRS);
	for (size_t i = 0; i < count && i < ADDRS; i++)
		ids += (addrs[i].flags & SY_ADDR_HAS_ID) != 0;
	if (count != 0 && count <= ADDRS && ids == count) /* an address without an id is nothing that we would write */
		back(addrs, count);
	return 0;
}
