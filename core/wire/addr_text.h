/* The text forms of ids and addresses, for decoders whose texts are not NUL-terminated. Source: protocol.md 1.2, 1.3. */
#ifndef SY_WIRE_ADDR_TEXT_H
#define SY_WIRE_ADDR_TEXT_H

#include "core/switchyard.h"

/* What follows the first "://" up to a second one; all of the text when there is none. */
struct sy_span sy_addr_strip_scheme(struct sy_span text);
/* As sy_netaddr_parse after the scheme: fills ip and port, or port and host. SY_OK, SY_ADDR_NEEDS_DNS, SY_ADDR_INVALID. */
SY_MUST enum sy_err sy_addr_parse_hostport(struct sy_span text, struct sy_netaddr *addr, char host[SY_HOST_TEXT]);
/* Fills id and flags. SY_OK, SY_ADDR_INVALID. */
SY_MUST enum sy_err sy_addr_parse_id(struct sy_span text, struct sy_netaddr *addr);
/* Writes the 40 digits without a NUL. */
void sy_id_hex(const struct sy_id *id, char *out);

#endif
