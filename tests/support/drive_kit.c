#include "tests/support/drive_kit.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/sodium.h"
#include "core/secret/suite.h"

/* ---- the reactor ---- */

uint64_t dk_digest(uint64_t digest, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		digest = (digest ^ bytes[i]) * 1099511628211ull;
	return digest;
}

static enum sy_err receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct dk_node *n = self;
	(void)ctx;
	n->received += msg->bytes.len;
	n->messages++;
	n->digest = dk_digest(n->digest, msg->bytes.ptr, msg->bytes.len);
	if (n->on_receive)
		n->on_receive(n, peer, msg);
	return SY_OK;
}

/* ---- hooks ---- */

void dk_sign(struct dk_node *n, uint8_t sig[64])
{
	n->memory.env.crypto->sign(sig, n->secret, n->challenge);
}

static bool on_sign(void *ctx, struct sy_ref conn, const uint8_t challenge[32], uint8_t sig[64])
{
	struct dk_node *n = ctx;
	n->signs++;
	n->asked = conn;
	memcpy(n->challenge, challenge, 32);
	if (n->sign_later)
		return false;
	dk_sign(n, sig);
	return true;
}

static void on_deliver(void *ctx, const struct sy_output *out)
{
	struct dk_node *n = ctx;
	n->deliveries++;
	if (!n->work_later)
		tp_driver_work_done(n->driver, out->token, SY_OK);
	else if (n->num_work < 128)
		n->work[n->num_work++] = out->token;
}

static void on_send_done(void *ctx, uint64_t token, enum sy_err err)
{
	struct dk_node *n = ctx;
	(void)token;
	n->sends_done++;
	n->last_send = err;
}

static void on_up(void *ctx, const struct sy_output *out)
{
	struct dk_node *n = ctx;
	n->ups++;
	n->peer = out->conn;
	if (n->on_peer_up)
		n->on_peer_up(n, out);
}

static void on_down(void *ctx, const struct sy_output *out)
{
	struct dk_node *n = ctx;
	n->downs++;
	n->last_down = out->err;
}

static void on_started(void *ctx, enum sy_err err)
{
	struct dk_node *n = ctx;
	n->started = true;
	n->started_err = err;
}

static void on_stopped(void *ctx)
{
	((struct dk_node *)ctx)->stopped = true;
}

static void on_filter(void *ctx, const struct sy_output *out)
{
	struct dk_node *n = ctx;
	n->filters++;
	n->asked = out->conn;
	if (!n->filter_later)
		tp_driver_verdict(n->driver, out->conn, n->verdict);
}

static void on_trace(void *ctx, const struct sy_trace *trace)
{
	struct dk_node *n = ctx;
	n->traces++;
	if (trace->kind == SY_TRACE_REFUSED)
		n->refused = trace->err;
}

static void on_save_failed(void *ctx, enum sy_err err)
{
	(void)err;
	((struct dk_node *)ctx)->save_failures++;
}

static void on_worked(void *ctx, uint32_t frames_out, uint32_t frames_in)
{
	struct dk_node *n = ctx;
	n->frames_out += frames_out;
	n->frames_in += frames_in;
}

static enum sy_err save_book(void *ctx, struct sy_span snapshot)
{
	struct dk_node *n = ctx;
	n->saves += snapshot.len > 0;
	n->room_used = snapshot.ptr == n->room ? snapshot.len : 0;
	return n->save_err;
}

static enum sy_err book_room(void *ctx, size_t size, uint8_t **room)
{
	struct dk_node *n = ctx;
	*room = n->room;
	return size > n->room_cap ? SY_IO : n->room_err;
}

void dk_store_room(struct dk_node *n, uint8_t *room, size_t cap)
{
	n->store.book_room = book_room;
	n->room = room;
	n->room_cap = cap;
}

/* ---- life ---- */

void dk_init(struct dk_node *n, const char *name, struct tp_transport *tp, const struct sy_netaddr *ip, enum sy_profile profile)
{
	uint8_t seed[32];
	memset(n, 0, sizeof(*n));
	test_env_init(&n->memory, name[0]);
	n->memory.env.addrs = sy_addrs_new(&n->memory.env, 1000, true);
	memset(seed, name[0], sizeof(seed));
	strncpy(n->name, name, sizeof(n->name) - 1);
	sy_config_init(&n->config, profile);
	n->memory.env.crypto->keypair(n->config.pubkey, n->secret, seed);
	sy_id_from_pubkey(&n->id, n->config.pubkey);
	sy_id_format(&n->id, n->ids);
	n->config.name = n->name;
	n->config.network = "test";
	n->config.pex = false;
	n->config.addr_book_strict = false;
	n->channels[0] = (struct sy_channel){.id = DK_CHANNEL, .priority = 5, .send_queue_capacity = 10};
	n->channels[1] =
	    (struct sy_channel){.id = DK_INBOX, .priority = 1, .send_queue_capacity = 100, .inbox = SY_INBOX_STALL, .inbox_bytes = 4000};
	n->reactor = (struct sy_reactor){.name = "recorder", .channels = n->channels, .num_channels = 2, .self = n, .receive = receive};
	n->store = (struct tp_store){.ctx = n, .save_book = save_book};
	n->driver_config = (struct tp_driver_config){
	    .listen = *ip,
	    .store = &n->store,
	    .hooks = {.ctx = n,
	              .sign = on_sign,
	              .deliver = on_deliver,
	              .send_done = on_send_done,
	              .peer_up = on_up,
	              .peer_down = on_down,
	              .started = on_started,
	              .stopped = on_stopped,
	              .trace = on_trace,
	              .save_failed = on_save_failed,
	              .worked = on_worked},
	};
	n->tp = tp;
}

enum sy_err dk_make(struct dk_node *n)
{
	const char *what = NULL;
	if (n->config.filter_conns || n->config.filter_peers)
		n->driver_config.hooks.filter = on_filter;
	enum sy_err err = sy_node_new(&n->core, &n->memory.env, &n->config, &n->reactor, 1, &what);
	if (err != SY_OK)
		return err;
	err = tp_driver_new(&n->driver, &n->memory.env, n->core, n->tp, &n->driver_config);
	if (err != SY_OK) {
		sy_node_free(n->core);
		n->core = NULL;
	}
	return err;
}

enum sy_err dk_start(struct dk_node *n)
{
	enum sy_err err = n->driver ? SY_OK : dk_make(n);
	if (err == SY_OK)
		err = tp_driver_start(n->driver, &n->at);
	n->at.id = n->id;
	n->at.flags = SY_ADDR_HAS_ID;
	return err;
}

enum sy_err dk_dial(struct dk_node *from, const struct dk_node *to)
{
	struct sy_input in = {.kind = SY_IN_DIAL, .addr = to->at};
	return tp_driver_input(from->driver, &in).err;
}

enum sy_err dk_try_send(struct dk_node *n, uint8_t channel, const void *bytes, size_t len)
{
	struct sy_input in = {.kind = SY_IN_TRY_SEND, .conn = n->peer, .channel = channel, .bytes = {bytes, len}};
	return tp_driver_input(n->driver, &in).err;
}

enum sy_err dk_send(struct dk_node *n, uint8_t channel, const void *bytes, size_t len, uint64_t timeout_ns, uint64_t token)
{
	struct sy_input in = {
	    .kind = SY_IN_SEND, .conn = n->peer, .channel = channel, .bytes = {bytes, len}, .timeout_ns = timeout_ns, .token = token};
	return tp_driver_input(n->driver, &in).err;
}

void dk_free(struct dk_node *n)
{
	if (!n->tp)
		return;
	tp_driver_free(n->driver);
	n->tp->ops->fini(n->tp);
	sy_node_free(n->core);
	sy_addrs_free(n->memory.env.addrs, &n->memory.env);
	test_env_check_empty(&n->memory);
	n->tp = NULL;
	n->driver = NULL;
	n->core = NULL;
}
