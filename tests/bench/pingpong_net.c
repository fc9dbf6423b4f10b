/*
 * The virtual network alone: two hosts, one connection, one frame of 1,044 bytes under way at a time. Argument: messages.
 * Run it twice under callgrind with different counts: the difference is the cost of write + event + delivery.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim/net/net.h"

enum { FRAME = 1044, PORT = 26656 };

struct side {
	struct tp_transport *tp;
	tp_sock sock;
	uint64_t *left;
	uint8_t frame[FRAME];
};

static void send_frame(struct side *s)
{
	if (s->tp->ops->write(s->tp, s->sock, s->frame, FRAME) != FRAME) {
		abort();
	}
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct side *s = ctx;
	s->sock = sock;
	s->tp->ops->read_window(s->tp, sock, SIZE_MAX);
	return 1;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	struct side *s = ctx;
	(void)on_accepted(ctx, sock, NULL);
	send_frame(s);
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct side *s = ctx;
	if (bytes.len != FRAME) {
		abort();
	}
	if (*s->left > 0) {
		(*s->left)--;
		send_frame(s);
	}
}

static void attach(struct side *s, struct sim_net *net, const char *name, uint64_t *left)
{
	const struct tp_events events = {.ctx = s, .accepted = on_accepted, .dialled = on_dialled, .bytes = on_bytes};
	struct sim_host *host = sim_host_new(net, name, -1, NULL);
	if (!host) {
		abort();
	}
	s->tp = sim_host_transport(host);
	s->left = left;
	s->tp->ops->attach(s->tp, &events);
}

int main(int argc, char **argv)
{
	uint64_t messages = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	uint64_t left = messages;
	struct sim_net_config config = {.link = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = 10000000}}};
	struct sim_engine *engine = sim_engine_new(1);
	struct sim_net *net = NULL;
	struct side sides[2] = {0};
	struct sy_netaddr at = {.ip = {[10] = 0xff, [11] = 0xff}, .port = PORT};
	if (!engine || sim_net_new(&net, engine, &config, NULL) != SY_OK) {
		return 1;
	}
	attach(&sides[0], net, "ping", &left);
	attach(&sides[1], net, "pong", &left);
	if (sides[1].tp->ops->listen(sides[1].tp, &at, NULL) != SY_OK) {
		return 1;
	}
	sides[1].tp->ops->accept_window(sides[1].tp, 1);
	sim_host_address((struct sim_host *)sides[1].tp, &at);
	at.port = PORT;
	if (sides[0].tp->ops->dial(sides[0].tp, 1, &at, 0) != SY_OK) {
		return 1;
	}
	while (sim_engine_step(engine, UINT64_MAX / 2)) {
	}
	printf("{\"name\":\"pingpong_net\",\"messages\":%llu,\"events\":%llu}\n", (unsigned long long)messages,
	       (unsigned long long)engine->events);
	sim_net_free(net);
	sim_engine_free(engine);
	return left != 0;
}
