/* What the files of the link command share: its arguments, its results, and how they are shown. */
#ifndef SIM_CLI_LINK_H
#define SIM_CLI_LINK_H

#include "sim/cli/cli.h"
#include "sim/tcp/rig.h"

struct link_unit {
	const char *name;
	double factor;
};

struct link_args {
	const char *cc, *rate, *loss, *tcp, *samples;
	uint64_t rtt_ns, jitter_ns, queue, until_ns, bytes, seed;
	uint32_t runs;
	bool json, reorder;
};

struct link_run {
	bool connected, delivered;
	double mbit_all, mbit_late, delivery_s;
	uint32_t retransmits, timeouts;
};

struct link_results {
	struct link_run *run; /* one a run */
	double cpu_s;
	uint64_t sample_ns;
	struct sim_tcp_rig_sample *samples; /* of the first run; may be null */
	size_t num_samples;
};

void link_json(const struct link_args *args, const struct link_results *results);
void link_table(const struct link_args *args, const struct sim_tcp_rig *rig, const struct link_results *results);
/* False when the file cannot be written. */
bool link_samples(const char *path, const struct link_results *results);

#endif
