/*
 * PHOLD on the bare queue: `pending` events, each of which, when worked off, schedules itself again after an exponential
 * delay. Arguments: pending, events. Run it twice under callgrind with different `events`: the difference is the cost of
 * pop + dispatch + push. The delays come from a table, so that no sampling is counted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim/engine/engine.h"

enum { DELAYS = 65536 }; /* so many that they make no clusters */

struct load {
	struct sim_engine *engine;
	struct sim_source source;
	uint64_t delays[DELAYS];
	uint32_t next;
};
struct process {
	struct sim_event event;
	struct load *load;
};

static void again(struct sim_event *event, uint64_t now_ns)
{
	struct load *l = ((struct process *)event)->load;
	uint64_t delay = l->delays[l->next++ % DELAYS];
	if (!sim_engine_schedule(l->engine, &l->source, event, SIM_TIMER, now_ns + delay)) {
		abort();
	}
}

int main(int argc, char **argv)
{
	size_t pending = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
	uint64_t events = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
	struct load *load = calloc(1, sizeof *load);
	if (!load) {
		return 1;
	}
	load->engine = sim_engine_new(1);
	struct process *processes = calloc(pending, sizeof *processes);
	if (!processes || !load->engine || !sim_engine_add_source(load->engine, &load->source, "phold")) {
		return 1;
	}
	for (uint32_t i = 0; i < DELAYS; i++) {
		uint64_t u = sim_rand_u64(1, SIM_RAND_SCRIPT, 7, i);
		load->delays[i] = (uint64_t)(((__int128)sim_exponential_q32(u) * 20000000) >> 32) + 1; /* 20 ms in the mean */
	}
	for (size_t i = 0; i < pending; i++) {
		processes[i].event.handler = again;
		processes[i].load = load;
		again(&processes[i].event, 0);
	}
	while (load->engine->events < events && sim_engine_step(load->engine, UINT64_MAX)) {
	}
	printf("{\"name\":\"phold\",\"pending\":%zu,\"events\":%llu}\n", pending, (unsigned long long)load->engine->events);
	sim_engine_free(load->engine);
	free(processes);
	free(load);
	return 0;
}
