/* DefaultNodeInfo: codec, validity, compatibility. Source: protocol.md 2.6. */
#ifndef SY_WIRE_NODEINFO_H
#define SY_WIRE_NODEINFO_H

#include "core/base/limits.h"
#include "core/switchyard.h"

/*
 * A decoded node info. Texts are spans into the bytes decoded (or into the config's strings), not NUL-terminated.
 */
struct sy_node_info {
	uint64_t p2p_version, block_version, app_version;
	struct sy_span id_text; /* 40 hex digits when honest */
	struct sy_span listen_addr;
	struct sy_span network;
	struct sy_span version;
	struct sy_span channels;
	struct sy_span moniker;
	struct sy_span tx_index;
	struct sy_span rpc_address;
};

/* Payload without delimiter. Returns the size; 0 when cap is too small. */
size_t sy_node_info_encode(const struct sy_node_info *info, uint8_t *buf, size_t cap);
SY_MUST enum sy_err sy_node_info_decode(const uint8_t *bytes, size_t n, struct sy_node_info *info); /* SY_PEER_BAD_NODE_INFO */
/*
 * protocol.md 2.6 Validate. *listen receives id@listen_addr; when the host is a name, SY_ADDR_NEEDS_DNS with the name
 * in host (everything else is valid then). Returns SY_OK, SY_ADDR_NEEDS_DNS, SY_PEER_BAD_NODE_INFO; *what, if not null, names the field.
 */
SY_MUST enum sy_err sy_node_info_validate(const struct sy_node_info *info, struct sy_netaddr *listen, char host[SY_HOST_TEXT],
                                          const char **what);
/* SY_OK, SY_PEER_BLOCK_VERSION, SY_PEER_NETWORK, SY_PEER_NO_COMMON_CHANNEL. */
SY_MUST enum sy_err sy_node_info_compatible(const struct sy_node_info *ours, const struct sy_node_info *theirs);

#endif
