/* The networks that this build can test against. */
#include "tests/support/net_world.h"

#include <stddef.h>

const struct net_kind *const net_kinds[] = {&net_pair, &net_tcp, &net_sim, &net_segment, &net_flow, &net_paced, NULL};
