/* Where a node listens, from the text of a configuration. */
#ifndef TP_HOST_LISTEN_H
#define TP_HOST_LISTEN_H

#include "core/switchyard.h"

/*
 * "tcp://HOST:PORT", with the scheme or without; no host means everywhere, as in Go. A name is looked up at once, which
 * blocks: for the time before a loop runs. *addr: ip and port, no id. Returns SY_ADDR_INVALID, SY_DNS.
 */
SY_MUST enum sy_err tp_listen_parse(const char *text, struct sy_netaddr *addr);
/* Why an address cannot be listened on, in words: what is unreachable for who dials is for who listens not this machine's. */
const char *tp_listen_fault(enum sy_err err);

#endif
