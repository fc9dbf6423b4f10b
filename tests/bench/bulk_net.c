/*
 * One bulk flow of cubic between two hosts of the virtual network, 100 Mbit/s, 40 ms: CPU time per simulated second, for
 * each model of TCP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/net/net.h"

#define SECOND 1000000000ull
enum { PORT = 26656, SECONDS = 60, BLOCK = 65536 };

struct side {
	struct tp_transport *tp;
	tp_sock sock;
	uint64_t got;
	uint8_t block[BLOCK];
};

/* As much as there is room for. */
static void push(struct side *s)
{
	size_t room, taken;
	do {
		room = s->tp->ops->room(s->tp, s->sock);
		taken = room != 0 ? s->tp->ops->write(s->tp, s->sock, s->block, room < BLOCK ? room : BLOCK) : 0;
	} while (taken != 0);
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct side *s = ctx;
	s->tp->ops->read_window(s->tp, sock, SIZE_MAX);
	return 1;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	struct side *s = ctx;
	s->sock = sock;
	push(s);
}

static void on_writable(void *ctx, uint64_t cookie)
{
	push(ctx);
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct side *s = ctx;
	s->got += bytes.len;
}

static void attach(struct side *s, struct sim_net *net, const char *name)
{
	const struct tp_events events = {.ctx = s, .accepted = on_accepted, .dialled = on_dialled, .bytes = on_bytes, .writable = on_writable};
	struct sim_host *host = sim_host_new(net, name, -1, NULL);
	if (!host) {
		abort();
	}
	s->tp = sim_host_transport(host);
	s->tp->ops->attach(s->tp, &events);
}

static void run(enum sim_tcp_model model, const char *name, double budget)
{
	struct sim_net_config config = {.tcp = model, .link = {.rate_bits = 100000000, .latency.a_ns = 20000000}};
	struct sy_netaddr at = {.ip = {[10] = 0xff, [11] = 0xff}, .port = PORT};
	struct sim_engine *engine = sim_engine_new(1);
	struct side *sides = calloc(2, sizeof *sides);
	struct sim_net *net = NULL;
	if (!engine || !sides || sim_net_new(&net, engine, &config, NULL) != SY_OK) {
		abort();
	}
	attach(&sides[0], net, "from");
	attach(&sides[1], net, "to");
	enum sy_err err = sides[1].tp->ops->listen(sides[1].tp, &at, NULL);
	sides[1].tp->ops->accept_window(sides[1].tp, 1);
	sim_host_address((struct sim_host *)sides[1].tp, &at);
	at.port = PORT;
	if (err != SY_OK || sides[0].tp->ops->dial(sides[0].tp, 1, &at, 0) != SY_OK) {
		abort();
	}
	clock_t began = clock();
	while (sim_engine_step(engine, SECONDS * SECOND)) {
	}
	double cpu = (double)(clock() - began) / CLOCKS_PER_SEC / SECONDS;
	printf("{\"name\":\"one flow of 100 Mbit/s through sockets, tcp = %s (%.1f Mbit/s)\",\"value\":%.5f,\"unit\":\"CPU s / s\"", name,
	       (double)sides[1].got * 8 / 1e6 / SECONDS, cpu);
	if (budget > 0) {
		printf(",\"budget\":%g,\"met\":%s", budget, cpu <= budget ? "true" : "false");
	}
	printf("}\n");
	sim_net_free(net);
	sim_engine_free(engine);
	free(sides);
}

int main(void)
{
	run(SIM_TCP_SEGMENT, "segment", 0.02);
	run(SIM_TCP_FLOW, "flow", 0.02);
	run(SIM_TCP_NONE, "none", 0);
	return 0;
}
