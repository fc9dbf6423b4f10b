/* The coarse fidelity: whole rounds of a window at a time. */
#ifndef SIM_TCP_FLOW_H
#define SIM_TCP_FLOW_H

#include "sim/tcp/rig.h"

/* The rig's transfer by rounds; false when out of memory. */
bool sim_tcp_flow_run(const struct sim_tcp_rig *rig, struct sim_tcp_rig_result *result);

#endif
