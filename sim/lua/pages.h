/* The pages of the reference, one a room. */
#ifndef SIM_LUA_PAGES_H
#define SIM_LUA_PAGES_H

#include "sim/lua/host.h"

extern const struct api_page params_page, network_page, node_globals_page, group_globals_page, plot_globals_page, node_page, book_page,
    group_page, peer_page, reactor_page, instance_page, process_page, checks_page, traffic_page, measure_page, flow_page, plot_page,
    graph_page, faults_page, machine_page, chaos_page, churn_page, vary_page, buggify_page, run_page, globals_page, stranger_page,
    connection_page, watch_page, site_page;

#endif
