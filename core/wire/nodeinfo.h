/* DefaultNodeInfo: codec, validity, compatibility. Source: protocol.md 2.6. */
#ifndef SY_WIRE_NODEINFO_H
#define SY_WIRE_NODEINFO_H

#include "core/base/limits.h"
#include "core/switchyard.h"

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
