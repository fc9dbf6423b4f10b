#include "tests/support/switch_kit.h"

#include <stdarg.h>
#include <stdio.h>

static void note(struct kit *k, const char *format, ...)
{
	va_list args;
	if (k->log_len + 64 > sizeof k->log)
		return;
	if (k->log_len)
		k->log[k->log_len++] = ' ';
	va_start(args, format);
	k->log_len += (size_t)vsnprintf(k->log + k->log_len, sizeof k->log - k->log_len, format, args);
	va_end(args);
	if (k->log_len >= sizeof k->log)
		k->log_len = sizeof k->log - 1;
}

static enum sy_err on_start(void *self, struct sy_ctx *ctx)
{
	struct kit *k = self;
	note(k, "start");
	if (k->on_start)
		k->on_start(k, ctx);
	return k->start_err;
}

static void on_stop(void *self, struct sy_ctx *ctx)
{
	assert_int_equal(sy_ctx_counts(ctx).total, 0);
	note(self, "stop");
}

static void on_init(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct kit *k = self;
	note(k, "init");
	if (k->on_init)
		k->on_init(k, ctx, peer);
}

static void on_add(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct kit *k = self;
	k->added++;
	note(k, "add");
	if (k->on_add)
		k->on_add(k, ctx, peer);
}

static void on_remove(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason)
{
	struct kit *k = self;
	k->removed++;
	note(k, "remove:%s", sy_err_name(reason));
	if (k->on_remove)
		k->on_remove(k, ctx, peer);
}

static enum sy_err on_receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct kit *k = self;
	k->received++;
	if (!k->quiet)
		note(k, "recv:%.*s", msg->bytes.len < 20 ? (int)msg->bytes.len : 20, (const char *)msg->bytes.ptr);
	if (k->on_receive)
		k->on_receive(k, ctx, peer, msg);
	return k->receive_err;
}

static enum sy_err on_accept(void *self, struct sy_ctx *ctx, const struct sy_netaddr *from)
{
	struct kit *k = self;
	(void)ctx;
	if (k->accept_err)
		note(k, "accept:%u", from->port);
	return k->accept_err;
}

static enum sy_err on_filter(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct kit *k = self;
	(void)ctx;
	(void)peer;
	(void)msg;
	if (k->filter_err)
		note(k, "filter");
	return k->filter_err;
}

static void on_timer(void *self, struct sy_ctx *ctx, uint64_t token)
{
	struct kit *k = self;
	k->timers++;
	k->last_timer_ns = sy_ctx_now_ns(ctx);
	note(k, "timer:%u", (unsigned)token);
	if (k->on_timer)
		k->on_timer(k, ctx, token);
}

static void on_dial_done(void *self, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err)
{
	struct kit *k = self;
	(void)ctx;
	(void)addr;
	k->last_dial = err;
	note(k, "dialled:%s", sy_err_name(err));
}

static void on_resolved(void *self, struct sy_ctx *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct kit *k = self;
	(void)addrs;
	(void)token;
	k->last_resolved = err;
	note(k, "resolved:%u", (unsigned)n);
	if (k->start_err == SY_AGAIN)
		sy_ctx_started(ctx, n ? SY_OK : SY_NO_SEEDS);
}

static void on_sent(void *self, struct sy_ctx *ctx, uint64_t token, enum sy_err err)
{
	struct kit *k = self;
	k->last_sent = err;
	note(k, "sent:%s", sy_err_name(err));
	if (k->on_sent)
		k->on_sent(k, ctx, token);
}

void kit_init(struct kit *k, const char *name)
{
	memset(k, 0, sizeof *k);
	k->channels[0] = (struct sy_channel){.id = PN_CHANNEL_A, .priority = 5, .send_queue_capacity = 10, .recv_message_capacity = 1u << 20};
	k->channels[1] = (struct sy_channel){.id = PN_CHANNEL_B, .priority = 1, .send_queue_capacity = 2, .recv_message_capacity = 1u << 20};
	k->reactor = (struct sy_reactor){
	    .name = name,
	    .channels = k->channels,
	    .num_channels = 2,
	    .self = k,
	    .start = on_start,
	    .stop = on_stop,
	    .init_peer = on_init,
	    .add_peer = on_add,
	    .remove_peer = on_remove,
	    .receive = on_receive,
	    .accept = on_accept,
	    .filter = on_filter,
	    .timer = on_timer,
	    .dial_done = on_dial_done,
	    .resolved = on_resolved,
	    .send_done = on_sent,
	};
}

void kit_install(struct kit *k, struct pn_node *n)
{
	n->reactors = &k->reactor;
	n->num_reactors = 1;
	n->user = k;
}

void pair_make(struct pair *p, enum sy_profile profile)
{
	p->net = pn_new(7);
	p->a = pn_add(p->net, "a", profile);
	p->b = pn_add(p->net, "b", profile);
	kit_init(&p->ka, "kit");
	kit_init(&p->kb, "kit");
	kit_install(&p->ka, p->a);
	kit_install(&p->kb, p->b);
}

void pair_start(struct pair *p)
{
	pn_start(p->a);
	pn_start(p->b);
}

void pair_connect(struct pair *p, enum sy_profile profile)
{
	pair_make(p, profile);
	pair_start(p);
	assert_int_equal(pn_dial(p->a, p->b).err, SY_OK);
	pn_run(p->net, 300 * PN_MS);
	assert_int_equal(pn_peers(p->a), 1);
	assert_int_equal(pn_peers(p->b), 1);
}

void pair_free(struct pair *p)
{
	pn_free(p->net);
}
