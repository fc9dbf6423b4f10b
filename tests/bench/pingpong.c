/*
 * A 64-byte message goes there and back between two whole nodes in the simulator, one outstanding, ten channels.
 * usage: pingpong null|real MESSAGES. Run under callgrind with two counts: the difference is the cost of a message.
 */
#include "tests/bench/bench.h"

struct player {
	uint64_t got, want;
	struct world *w;
};

static enum sy_err pong(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct player *p = self;
	if (++p->got >= p->want) {
		world_halt(p->w);
		return SY_OK;
	}
	return sy_ctx_try_send(ctx, peer->ref, msg->channel, msg->bytes);
}

static void serve(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	(void)self;
	uint8_t ball[64];
	memset(ball, 7, sizeof ball);
	if (peer->outbound)
		check(sy_ctx_try_send(ctx, peer->ref, 0x22, (struct sy_span){ball, sizeof ball}), "serving", NULL);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: pingpong null|real MESSAGES\n");
		return 2;
	}
	uint64_t messages = strtoull(argv[2], NULL, 10);
	struct world *w = bench_world(strcmp(argv[1], "null") == 0, 1);
	struct sy_channel channels[BENCH_CHANNELS];
	bench_channels(channels);
	struct player players[2] = {{.want = messages / 2, .w = w}, {.want = messages / 2 + 1, .w = w}};
	struct world_node *n[2];
	for (int i = 0; i < 2; i++) {
		struct sy_reactor r = {
		    .name = "pong", .channels = channels, .num_channels = BENCH_CHANNELS, .self = &players[i], .receive = pong, .add_peer = serve};
		n[i] = bench_node(w, i ? "b" : "a", &r, 40);
	}
	bench_dial(n[0], n[1]);
	double start = cpu_seconds();
	world_run(w, UINT64_MAX / 4, UINT64_MAX);
	double took = cpu_seconds() - start;
	uint64_t got = players[0].got + players[1].got;
	char name[64];
	snprintf(name, sizeof name, "messages per CPU-second, whole protocol, %s crypto", argv[1]);
	result(name, (double)got / (took > 0 ? took : 1e-9), "1/s", -1, false);
	world_free(w);
	return got >= messages - 1 ? 0 : 1;
}
