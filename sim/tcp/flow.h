/*
 * The coarse fidelity: a transfer in whole rounds of a window, for scale. One round costs one step, whatever the window:
 * losses are drawn by their distance, growth and queue are computed. What segments do within a round is summed up.
 */
#ifndef SIM_TCP_FLOW_H
#define SIM_TCP_FLOW_H

#include "sim/tcp/rig.h"

/* The rig's transfer by rounds. Never fails; returns bool as sim_tcp_rig_run does. */
bool sim_tcp_flow_run(const struct sim_tcp_rig *rig, struct sim_tcp_rig_result *result);

#endif
