/* A listening TCP socket at an address of ours. */
#ifndef SIM_OPS_LISTEN_H
#define SIM_OPS_LISTEN_H

#include "core/switchyard.h"

/*
 * *fd: non-blocking, closed on exec, the caller's; *bound: where it listens (port 0: any). Returns SY_IN_USE,
 * SY_UNREACHABLE (no address of this machine), SY_IO (not permitted, out of descriptors).
 */
SY_MUST enum sy_err ops_listen(const struct sy_netaddr *at, int *fd, struct sy_netaddr *bound);

#endif
