/* What the benchmarks share: CPU time, a result as a line of JSON, a world of two or more nodes with one reactor in C. */
#ifndef BENCH_H
#define BENCH_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "sim/world/world.h"

static inline double cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + 1e-6 * ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec);
}

static inline double wall_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* budget < 0: none. less: the value must not exceed the budget; else it must reach it. */
static inline void result(const char *name, double value, const char *unit, double budget, bool less)
{
	printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", name, value, unit);
	if (budget >= 0)
		printf(",\"budget\":%.6g,\"met\":%s", budget, (less ? value <= budget : value >= budget) ? "true" : "false");
	printf("}\n");
}

static inline void check(enum sy_err err, const char *doing, const char *what)
{
	if (err == SY_OK)
		return;
	fprintf(stderr, "%s: %s%s%s\n", doing, sy_err_text(err), what ? ": " : "", what ? what : "");
	exit(3);
}

static inline struct world *bench_world(bool null_crypto, uint64_t seed)
{
	static const struct world_listener nobody = {0};
	struct world_options options = {.kind = WORLD_SIM, .seed = seed, .null_crypto = null_crypto, .tcp = SIM_TCP_NONE};
	struct world *w;
	const char *what = NULL;
	check(world_new(&w, &options, &nobody, &what), "making a world", what);
	struct sim_net_config net = {.tcp = SIM_TCP_NONE, .link = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = 10 * 1000 * 1000}}};
	check(world_network(w, &net, &what), "making a network", what);
	return w;
}

static inline struct world_node *bench_node(struct world *w, const char *name, const struct sy_reactor *reactor, uint32_t max_inbound)
{
	struct world_node_config config = {.name = name, .reactors = reactor, .num_reactors = reactor ? 1 : 0};
	sy_config_init(&config.p2p, SY_PROFILE_DEFAULT);
	config.p2p.network = "bench";
	config.p2p.moniker = name;
	config.p2p.pex = false;
	config.p2p.max_num_inbound_peers = max_inbound;
	config.p2p.send_rate = 0;
	config.p2p.recv_rate = 0;
	struct world_node *n;
	const char *what = NULL;
	check(world_node_add(w, &config, &n, &what), "adding a node", what);
	check(world_node_start(n), "starting a node", name);
	return n;
}

static inline void bench_dial(struct world_node *from, struct world_node *to)
{
	struct sy_input in = {.kind = SY_IN_DIAL};
	world_node_address(to, &in.addr);
	check(world_node_input(from, &in).err, "dialling", NULL);
}

/* Ten channels with the priorities of a full node's. */
#define BENCH_CHANNELS 10
static inline void bench_channels(struct sy_channel channels[BENCH_CHANNELS])
{
	static const uint8_t ids[BENCH_CHANNELS] = {0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x40, 0x60, 0x61, 0x70};
	static const uint8_t priorities[BENCH_CHANNELS] = {6, 10, 7, 1, 5, 6, 5, 5, 3, 1};
	memset(channels, 0, BENCH_CHANNELS * sizeof channels[0]);
	for (int i = 0; i < BENCH_CHANNELS; i++) {
		channels[i].id = ids[i];
		channels[i].priority = priorities[i];
		channels[i].send_queue_capacity = 10;
		channels[i].recv_message_capacity = 1048576;
	}
}

#endif
