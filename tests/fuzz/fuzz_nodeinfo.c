/* A node info: what is read and written again reads the same, and what is valid can be shown. */
#include "core/wire/nodeinfo.h"
#include "tests/fuzz/fuzz.h"

static bool same(struct sy_span a, struct sy_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void within(struct sy_span span, const uint8_t *bytes, size_t n)
{
	FUZZ_HOLDS(span.len == 0 || (span.ptr >= bytes && span.ptr + span.len <= bytes + n));
}

static void back(const struct sy_node_info *a)
{
	static uint8_t buf[SY_NODE_INFO_MAX];
	struct sy_node_info b;
	size_t n = sy_node_info_encode(a, buf, sizeof buf);

	if (n == 0) /* longer than one may be */
		return;
	FUZZ_HOLDS(sy_node_info_decode(buf, n, &b) == SY_OK);
	FUZZ_HOLDS(a->p2p_version == b.p2p_version && a->block_version == b.block_version && a->app_version == b.app_version);
	FUZZ_HOLDS(same(a->id_text, b.id_text) && same(a->listen_addr, b.listen_addr) && same(a->network, b.network));
	FUZZ_HOLDS(same(a->version, b.version) && same(a->channels, b.channels) && same(a->moniker, b.moniker));
	FUZZ_HOLDS(same(a->tx_index, b.tx_index) && same(a->rpc_address, b.rpc_address));
	FUZZ_HOLDS(sy_node_info_compatible(a, &b) != SY_PEER_NETWORK && sy_node_info_compatible(a, &b) != SY_PEER_BLOCK_VERSION);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sy_node_info info;
	struct sy_netaddr listen;
	char host[SY_HOST_TEXT], text[SY_ADDR_TEXT];
	const char *what;
	enum sy_err err = sy_node_info_decode(bytes, n, &info);

	FUZZ_HOLDS(err == SY_OK || err == SY_PEER_BAD_NODE_INFO);
	if (err != SY_OK)
		return 0;
	within(info.id_text, bytes, n);
	within(info.channels, bytes, n);
	within(info.moniker, bytes, n);
	err = sy_node_info_validate(&info, &listen, host, &what);
	FUZZ_HOLDS(err == SY_OK || err == SY_ADDR_NEEDS_DNS || (err == SY_PEER_BAD_NODE_INFO && what != NULL));
	if (err == SY_OK)
		FUZZ_HOLDS(sy_netaddr_format(&listen, text) < sizeof text);
	if (err == SY_ADDR_NEEDS_DNS)
		FUZZ_HOLDS(memchr(host, '\0', sizeof host) != NULL && host[0] != '\0');
	back(&info);
	return 0;
}
