#include "sim/tcp/flow.h"
bool sim_tcp_flow_run(const struct sim_tcp_rig *rig, struct sim_tcp_rig_result *result)
{
	return false;
}
