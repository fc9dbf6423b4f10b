/* A node's state as JSON. */
#ifndef SIM_OPS_STATUS_H
#define SIM_OPS_STATUS_H

#include "sim/ops/ops.h"

/* /healthz: that the loop turns, which the answer itself proves. */
void ops_health(const struct ops *ops, struct ops_text *to);
/* /readyz: is it of use to others? With the reasons why not. Returns what it says. */
bool ops_ready(const struct ops *ops, struct ops_text *to);
/* /peers: who is there, in short. */
void ops_peers(const struct ops *ops, struct ops_text *to);

/* /net_info, in the shape of CometBFT's RPC (net_info.c). */
void ops_net_info(const struct ops *ops, struct ops_text *to);

#endif
