/* Greets every peer that it dials and prints what arrives on its channel. PEX finds more peers; the home keeps the book. */
#include <stdio.h>
#include <transport/host/host.h>

static const struct sy_channel channel = {.id = 0x70, .priority = 1};

static enum sy_err receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	printf("%s says: %.*s\n", peer->moniker, (int)msg->bytes.len, (const char *)msg->bytes.ptr);
	return SY_OK;
}

static void add_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	if (peer->outbound && sy_ctx_try_send(ctx, peer->ref, channel.id, sy_text("hello")) != SY_OK)
		printf("no hello for %s\n", peer->moniker);
}

int main(int argc, char **argv)
{
	struct sy_reactor hello = {.name = "hello", .channels = &channel, .num_channels = 1, .receive = receive, .add_peer = add_peer};
	struct tp_host_config config;
	tp_host_config_init(&config, SY_PROFILE_DEFAULT);
	config.node.network = "hello";
	config.reactors = &hello;
	config.num_reactors = 1;
	return tp_host_main(&config, argc, argv);
}
