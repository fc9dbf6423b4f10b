#include "sim/lua/pages.h"

const struct api_page *api_page(size_t n)
{
	static const struct api_page *const pages[] = {
	    &params_page,  &network_page, &node_globals_page, &group_globals_page, &node_page,    &book_page,
	    &group_page,   &peer_page,    &reactor_page,      &instance_page,      &process_page, &checks_page,
	    &traffic_page, &measure_page, &flow_page,         &plot_globals_page,  &plot_page,    &graph_page,
	    &faults_page,  &machine_page, &chaos_page,        &churn_page,         &vary_page,    &buggify_page,
	    &run_page,     &globals_page, &stranger_page,     &connection_page,    &site_page,    &watch_page};
	return n < sizeof pages / sizeof pages[0] ? pages[n] : NULL;
}
