/*
 * A chat over two channels. What is typed goes to all peers as raw bytes on one; on the other, of higher priority, everybody
 * says who they are in a typed message (chat.proto). Lines: TEXT, "/nick NAME", "/quit".
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <transport/host/host.h>

#include "chat.pb-c.h"

#define TALK 0x71
#define WHO 0x72
#define LINE_MAX_BYTES 1000u
#define NICK_BYTES 32u
#define FRIENDS 64u

struct friend
{
	struct sy_id id;
	char nick[NICK_BYTES]; /* empty: a free place */
};

struct chat {
	struct tp_host *host;
	uv_poll_t typed; /* standard input */
	char line[LINE_MAX_BYTES];
	size_t len;
	char nick[NICK_BYTES];
	struct friend friends[FRIENDS];
};

/* What peers send is not to be trusted with a terminal: control characters become dots. */
static void print_text(const uint8_t *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		putchar(text[i] < 32 || text[i] == 127 ? '.' : text[i]);
}

/* The place of this id, else a free one, else null. */
static struct friend *find(struct chat *c, const struct sy_id *id)
{
	struct friend *free_place = NULL;

	for (size_t i = 0; i < FRIENDS; i++) {
		if (c->friends[i].nick[0] != '\0' && memcmp(&c->friends[i].id, id, sizeof *id) == 0)
			return &c->friends[i];
		if (c->friends[i].nick[0] == '\0' && free_place == NULL)
			free_place = &c->friends[i];
	}
	return free_place;
}

static struct sy_span pack_presence(struct chat *c, uint8_t buf[NICK_BYTES + 8])
{
	Presence presence = PRESENCE__INIT;

	presence.nick = c->nick;
	return sy_span_of(buf, presence__pack(&presence, buf));
}

/* ---- the reactor: called by the switch; it can only look and queue ---- */

static void add_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	uint8_t buf[NICK_BYTES + 8];

	if (sy_ctx_try_send(ctx, peer->ref, WHO, pack_presence(self, buf)) != SY_OK)
		sy_ctx_stop_peer(ctx, peer->ref, SY_STOPPED);
}

static void remove_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason)
{
	struct friend *f = find(self, &peer->id);

	if (f == NULL || f->nick[0] == '\0')
		return;
	printf("* %s is gone: %s\n", f->nick, sy_err_text(reason));
	f->nick[0] = '\0';
}

static void is_called(struct chat *c, const struct sy_peer *peer, const Presence *presence)
{
	struct friend *f = find(c, &peer->id);

	if (f == NULL)
		return; /* a crowd: the others stay nameless */
	f->id = peer->id;
	snprintf(f->nick, sizeof f->nick, "%s", presence->nick);
	printf("* ");
	print_text((const uint8_t *)f->nick, strlen(f->nick));
	printf(" is here\n");
}

static enum sy_err receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	if (msg->channel == WHO) {
		is_called(self, peer, (const Presence *)msg->decoded); /* of the channel's type, or the peer were gone */
		return SY_OK;
	}
	const struct friend *f = find(self, &peer->id);
	const char *name = f == NULL || f->nick[0] == '\0' ? peer->moniker : f->nick;
	print_text((const uint8_t *)name, strlen(name));
	printf(": ");
	print_text(msg->bytes.ptr, msg->bytes.len);
	putchar('\n');
	return SY_OK;
}

/* ---- the keyboard: the program's own events, in the same loop ---- */

static void broadcast(struct chat *c, uint8_t channel, struct sy_span bytes)
{
	struct sy_input in = {.kind = SY_IN_BROADCAST, .channel = channel, .bytes = bytes};

	if (bytes.len != 0 && tp_driver_input(tp_host_driver(c->host), &in).value == 0)
		printf("* nobody hears you\n");
}

static void obey(struct chat *c, const char *line)
{
	uint8_t buf[NICK_BYTES + 8];

	if (strcmp(line, "/quit") == 0) {
		tp_host_stop(c->host);
	} else if (strncmp(line, "/nick ", 6) == 0 && line[6] != '\0') {
		snprintf(c->nick, sizeof c->nick, "%s", line + 6);
		broadcast(c, WHO, pack_presence(c, buf));
	} else {
		broadcast(c, TALK, sy_text(line));
	}
}

static void on_typed(uv_poll_t *poll, int status, int events)
{
	struct chat *c = poll->data;
	ssize_t n = status < 0 ? 0 : read(STDIN_FILENO, c->line + c->len, sizeof c->line - c->len - 1);
	char *end;

	if (n <= 0) {
		uv_poll_stop(poll);
		return;
	}
	c->len += (size_t)n;
	c->line[c->len] = '\0';
	while ((end = strchr(c->line, '\n')) != NULL) {
		*end = '\0';
		obey(c, c->line);
		c->len -= (size_t)(end + 1 - c->line);
		memmove(c->line, end + 1, c->len + 1);
	}
	if (c->len == sizeof c->line - 1)
		c->len = 0; /* longer than a line may be */
}

static enum sy_err run(struct chat *c, const struct tp_host_config *config, struct tp_message *msg)
{
	enum sy_err err = tp_host_new(&c->host, config, msg);

	if (err == SY_OK)
		err = tp_host_start(c->host, msg);
	if (err != SY_OK)
		return err;
	printf("%s\n", tp_host_address(c->host));
	if (uv_poll_init(tp_host_loop(c->host), &c->typed, STDIN_FILENO) == 0) { /* a terminal or a pipe, not a file */
		c->typed.data = c;
		uv_poll_start(&c->typed, UV_READABLE, on_typed);
	}
	err = tp_host_run(c->host, msg);
	if (c->typed.data != NULL)
		uv_close((uv_handle_t *)&c->typed, NULL);
	return err;
}

int main(int argc, char **argv)
{
	static const struct sy_channel channels[] = {
	    {.id = TALK, .priority = 1, .send_queue_capacity = 16, .recv_message_capacity = LINE_MAX_BYTES},
	    {.id = WHO, .priority = 5, .recv_message_capacity = 100, .message_type = &presence__descriptor},
	};
	struct chat c = {.nick = "somebody"};
	struct sy_reactor reactor = {
	    .name = "chat",
	    .channels = channels,
	    .num_channels = 2,
	    .self = &c,
	    .add_peer = add_peer,
	    .remove_peer = remove_peer,
	    .receive = receive,
	};
	struct tp_host_config config;
	struct tp_host_args args;
	struct tp_message msg = {.text = ""};

	tp_host_config_init(&config, SY_PROFILE_DEFAULT);
	config.node.network = "chat";
	config.reactors = &reactor;
	config.num_reactors = 1;
	int code = tp_host_take_args(&config, &args, argc, argv);
	if (code != 0)
		return code < 0 ? 0 : code;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (run(&c, &config, &msg) != SY_OK) {
		fprintf(stderr, "chat: %s\n", msg.text);
		code = 1;
	}
	tp_host_free(c.host);
	return code;
}
