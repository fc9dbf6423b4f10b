/*
 * The peer's bytes: sealed frames to plaintext, plaintext to what the state wants. A whole frame in the input is
 * opened straight from it; a cut one is put together in a block of the pool. Plaintext that nobody takes now stays in
 * its block, and the sealed bytes behind it in a backlog no larger than the read window. Source: protocol.md 3.1.
 */
#include "core/base/assert.h"
#include "core/base/timers.h"
#include "core/conn/upgrade.h"

#include <string.h>

#define BACKLOG_MAX (SY_FILL_MAX + 2 * SY_FRAME_SEALED) /* the largest window, what was cut before, and what was kept */

struct input {
	const uint8_t *bytes;
	size_t n, used;
	uint64_t now_ns;
};

static void give(uint8_t **block, struct sy_conn_shared *shared)
{
	sy_pool_give(&shared->frames, shared->env, *block);
	*block = NULL;
}

static void backlog_free(struct sy_conn *c, struct sy_conn_shared *shared)
{
	sy_mem_free(shared->env, c->backlog, c->backlog_len);
	c->backlog = NULL;
	c->backlog_at = c->backlog_len = 0;
}

void sy_conn_drop_input(struct sy_conn *c, struct sy_conn_shared *shared)
{
	if (c->rest)
		give(&c->rest, shared);
	if (c->partial)
		give(&c->partial, shared);
	if (c->backlog)
		backlog_free(c, shared);
	c->rest_at = c->rest_len = c->partial_len = 0;
	c->gated = false;
}

/* Keeps everything that is left of the input behind what is kept already. SY_NO_MEMORY, SY_LIMIT. */
static enum sy_err keep(struct sy_conn *c, struct sy_conn_shared *shared, struct input *in)
{
	size_t left = in->n - in->used, old = c->backlog_len - c->backlog_at;
	if (!left)
		return SY_OK;
	SY_ASSERT(!c->backlog || !c->partial);
	size_t len = old + c->partial_len + left;
	if (len > BACKLOG_MAX)
		return SY_LIMIT;
	uint8_t *kept = shared->env->alloc(shared->env->ctx, NULL, 0, len);
	if (!kept)
		return SY_NO_MEMORY;
	if (old)
		memcpy(kept, c->backlog + c->backlog_at, old);
	if (c->partial)
		memcpy(kept + old, c->partial, c->partial_len);
	memcpy(kept + old + c->partial_len, in->bytes + in->used, left);
	in->used = in->n;
	if (c->partial)
		give(&c->partial, shared);
	c->partial_len = 0;
	if (c->backlog)
		backlog_free(c, shared);
	c->backlog = kept;
	c->backlog_len = (uint32_t)len;
	return SY_OK;
}

static enum sy_err open_frame(struct sy_conn *c, struct sy_conn_shared *shared, const uint8_t *sealed)
{
	struct sy_span chunk;
	SY_ASSERT(!c->rest);
	c->rest = sy_pool_take(&shared->frames, shared->env);
	if (!c->rest)
		return SY_NO_MEMORY;
	enum sy_err err = sy_frames_open(&c->frames, shared->env->crypto, sealed, c->rest, &chunk);
	if (err)
		return err;
	c->rest_at = (uint16_t)(chunk.ptr - c->rest);
	c->rest_len = (uint16_t)chunk.len;
	return SY_OK;
}

/* Adds to the frame that is being put together. SY_AGAIN: it is not whole yet. */
static enum sy_err partial_add(struct sy_conn *c, struct sy_conn_shared *shared, const uint8_t *bytes, size_t n, size_t *used)
{
	if (!c->partial)
		c->partial = sy_pool_take(&shared->frames, shared->env);
	if (!c->partial)
		return SY_NO_MEMORY;
	size_t want = (size_t)SY_FRAME_SEALED - c->partial_len;
	want = want < n ? want : n;
	memcpy(c->partial + c->partial_len, bytes, want);
	c->partial_len += (uint16_t)want;
	*used += want;
	return c->partial_len < SY_FRAME_SEALED ? SY_AGAIN : SY_OK;
}

/* The next frame of the backlog; its tail, no whole frame any more, becomes the frame that the input goes on with. */
static enum sy_err frame_of_backlog(struct sy_conn *c, struct sy_conn_shared *shared)
{
	size_t used = 0, left = c->backlog_len - c->backlog_at;
	const uint8_t *at = c->backlog + c->backlog_at;
	enum sy_err err = SY_AGAIN;
	if (left >= SY_FRAME_SEALED) {
		err = open_frame(c, shared, at);
		used = SY_FRAME_SEALED;
	} else if (left) {
		err = partial_add(c, shared, at, left, &used);
	}
	c->backlog_at += (uint32_t)used;
	if (c->backlog_at == c->backlog_len)
		backlog_free(c, shared);
	return err;
}

/* Opens the next frame into rest. SY_AGAIN: there is no whole one. */
static enum sy_err next_frame(struct sy_conn *c, struct sy_conn_shared *shared, struct input *in)
{
	if (c->backlog) {
		enum sy_err err = frame_of_backlog(c, shared);
		if (err != SY_AGAIN)
			return err;
	}
	size_t left = in->n - in->used;
	if (!c->partial && left >= SY_FRAME_SEALED) {
		in->used += SY_FRAME_SEALED;
		return open_frame(c, shared, in->bytes + in->used - SY_FRAME_SEALED);
	}
	if (!left)
		return SY_AGAIN;
	enum sy_err err = partial_add(c, shared, in->bytes + in->used, left, &in->used);
	if (err)
		return err;
	err = open_frame(c, shared, c->partial);
	give(&c->partial, shared);
	c->partial_len = 0;
	return err;
}

static void plain_used(struct sy_conn *c, size_t n)
{
	c->rest_at += (uint16_t)n;
	c->rest_len -= (uint16_t)n;
}

/* A verdict against the peer waits until our node info is out, as both directions are exchanged before either side judges. */
static enum sy_err refuse(struct sy_conn *c, enum sy_err err)
{
	if (c->upgrade->out == SY_UPGRADE_OUT_DONE)
		return err;
	c->verdict = (int16_t)err;
	return SY_OK;
}

/* The next message of the upgrade out of the plaintext at hand; as sy_upgrade_collect. */
static enum sy_err collect(struct sy_conn *c, struct sy_conn_shared *shared, struct sy_span *payload)
{
	size_t used;
	enum sy_err err = sy_upgrade_collect(c->upgrade, shared, SY_NODE_INFO_MAX, c->rest + c->rest_at, c->rest_len, &used, payload);
	plain_used(c, used);
	return err;
}

static enum sy_err take_auth(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns)
{
	struct sy_span payload;
	struct sy_upgrade *u = c->upgrade;
	enum sy_err err = collect(c, shared, &payload);
	if (err == SY_AGAIN)
		return SY_OK;
	if (err == SY_PARSE)
		return SY_PEER_BAD_AUTH;
	if (!err)
		err = sy_upgrade_auth(u, shared, payload);
	if (!err && u->signature_ready)
		sy_conn_begin_info(c, shared, now_ns);
	return err;
}

static enum sy_err judge(struct sy_conn *c, struct sy_conn_shared *shared)
{
	enum sy_err err = sy_upgrade_judge(c->upgrade, shared);
	if (err)
		return refuse(c, err);
	c->upgrade->accepted = true;
	c->peer_channels = sy_upgrade_channels(c->upgrade, shared);
	return SY_OK;
}

static enum sy_err take_info(struct sy_conn *c, struct sy_conn_shared *shared, struct sy_conn_event *event)
{
	struct sy_span payload;
	struct sy_upgrade *u = c->upgrade;
	enum sy_err err = collect(c, shared, &payload);
	if (err == SY_AGAIN)
		return SY_OK;
	if (err == SY_NO_MEMORY)
		return err;
	err = err ? SY_PEER_BAD_NODE_INFO : sy_upgrade_info(u, shared, payload);
	if (err == SY_ADDR_NEEDS_DNS) {
		event->kind = SY_CONN_EV_RESOLVE;
		event->host = u->host;
		c->deadline_ns = SY_NEVER; /* upstream resolves outside of any deadline */
		sy_conn_set_state(c, SY_CONN_RESOLVING);
		return SY_OK;
	}
	return err ? refuse(c, err) : judge(c, shared);
}

static enum sy_err take_packets(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, struct sy_conn_event *event)
{
	struct sy_mconn_in in;
	const uint8_t *at = c->rest ? c->rest + c->rest_at : shared->opened;
	enum sy_err err = sy_mconn_feed(c->mconn, &shared->mconn, now_ns, at, c->rest_len, &in);
	if (err)
		return err;
	plain_used(c, in.consumed);
	c->gated = in.gated;
	c->handed = in.message;
	if (in.message) {
		event->kind = SY_CONN_EV_MESSAGE;
		event->channel = in.channel;
		event->message = in.bytes;
	}
	return SY_OK;
}

/* What is left of a frame in the shared buffer moves to a block of its own. */
static enum sy_err keep_rest(struct sy_conn *c, struct sy_conn_shared *shared, const uint8_t *bytes, size_t n)
{
	if (!n)
		return SY_OK;
	c->rest = sy_pool_take(&shared->frames, shared->env);
	if (!c->rest)
		return SY_NO_MEMORY;
	memcpy(c->rest, bytes, n);
	c->rest_at = 0;
	c->rest_len = (uint16_t)n;
	return SY_OK;
}

/*
 * The usual case without its detours: nothing is kept, and the input begins with a whole frame. It is opened into the
 * buffer that all connections share, and only what its first message leaves over gets memory of its own.
 */
static enum sy_err feed_whole(struct sy_conn *c, struct sy_conn_shared *shared, struct input *in, struct sy_conn_event *event)
{
	struct sy_span chunk;
	struct sy_mconn_in got;
	enum sy_err err = sy_frames_open(&c->frames, shared->env->crypto, in->bytes + in->used, shared->opened, &chunk);
	in->used += SY_FRAME_SEALED;
	if (err || !chunk.len)
		return err;
	err = sy_mconn_feed(c->mconn, &shared->mconn, in->now_ns, chunk.ptr, chunk.len, &got);
	if (err)
		return err;
	c->gated = got.gated;
	if (got.message) {
		event->kind = SY_CONN_EV_MESSAGE;
		event->channel = got.channel;
		event->message = got.bytes;
		/* A message within the frame needs nobody to let go of it. */
		c->handed = got.bytes.len && (got.bytes.ptr < chunk.ptr || got.bytes.ptr >= chunk.ptr + chunk.len);
	}
	return keep_rest(c, shared, chunk.ptr + got.consumed, chunk.len - got.consumed);
}

/* Whether the state takes plaintext now. */
static bool takes(const struct sy_conn *c)
{
	switch (c->state) {
	case SY_CONN_AUTH:
		return !c->upgrade->verified;
	case SY_CONN_NODE_INFO:
		return !c->upgrade->accepted && !c->verdict;
	case SY_CONN_RUNNING:
		return !c->gated;
	case SY_CONN_DIALLING:
	case SY_CONN_FILTERING:
	case SY_CONN_EPHEMERAL:
	case SY_CONN_RESOLVING:
	case SY_CONN_JUDGING:
	case SY_CONN_FLUSHING:
	case SY_CONN_CLOSED:
	case SY_CONN_STATES:
		break;
	}
	return false;
}

static enum sy_err take_plain(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, struct sy_conn_event *event)
{
	if (c->state == SY_CONN_AUTH)
		return take_auth(c, shared, now_ns);
	if (c->state == SY_CONN_NODE_INFO)
		return take_info(c, shared, event);
	return take_packets(c, shared, now_ns, event);
}

static bool upgraded(struct sy_conn *c, struct sy_conn_event *event)
{
	if (c->state != SY_CONN_NODE_INFO || !c->upgrade->accepted)
		return false;
	event->kind = SY_CONN_EV_UPGRADED;
	event->identity = &c->upgrade->identity;
	c->deadline_ns = SY_NEVER;
	sy_conn_set_state(c, SY_CONN_JUDGING);
	return true;
}

static enum sy_err feed_frames(struct sy_conn *c, struct sy_conn_shared *shared, struct input *in, struct sy_conn_event *event)
{
	enum sy_err err = SY_OK;
	/* The limiter is asked again by each call. */
	c->gated = false;
	while (sy_conn_holds_nothing(c) && in->n - in->used >= SY_FRAME_SEALED) {
		err = feed_whole(c, shared, in, event);
		if (err || event->kind != SY_CONN_EV_NONE)
			return err;
	}
	if (c->handed && !c->rest)
		err = take_packets(c, shared, in->now_ns, event);
	while (!err) {
		if (c->rest && takes(c))
			err = take_plain(c, shared, in->now_ns, event);
		if (err || upgraded(c, event) || event->kind != SY_CONN_EV_NONE)
			return err;
		if (c->rest && !c->rest_len)
			give(&c->rest, shared);
		if (c->rest && !takes(c))
			return keep(c, shared, in);
		if (c->rest)
			continue;
		if (!c->backlog && in->used == in->n)
			return SY_OK;
		err = next_frame(c, shared, in);
	}
	return err == SY_AGAIN ? SY_OK : err;
}

static enum sy_err feed_ephemeral(struct sy_conn *c, struct sy_conn_shared *shared, struct input *in, struct sy_conn_event *event)
{
	struct sy_upgrade *u = c->upgrade;
	struct sy_session_keys keys;
	uint8_t remote[32];
	size_t used, consumed;
	struct sy_span payload;
	enum sy_err err = sy_upgrade_collect(u, shared, SY_EPHEMERAL_MAX, in->bytes + in->used, in->n - in->used, &used, &payload);
	in->used += used;
	if (err == SY_AGAIN)
		return SY_OK;
	if (err)
		return err == SY_PARSE ? SY_PEER_BAD_EPHEMERAL : err;
	/* The whole message, delimiter included, is still in the buffer. */
	size_t whole = (size_t)(payload.ptr + payload.len - u->message);
	err = sy_handshake_parse_ephemeral(u->message, whole, shared->policy->strict_keys, remote, &consumed);
	if (!err)
		err = sy_handshake_agree(&u->handshake, shared->env->crypto, remote, &keys);
	if (err)
		return err;
	sy_frames_init(&c->frames, &keys);
	sy_mem_wipe(&keys, sizeof keys);
	sy_conn_set_state(c, SY_CONN_AUTH);
	event->kind = SY_CONN_EV_SIGN;
	memcpy(event->challenge, u->handshake.challenge, sizeof event->challenge);
	return SY_OK;
}

enum sy_err sy_conn_feed(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t n,
                         size_t *consumed, struct sy_conn_event *event)
{
	event->kind = SY_CONN_EV_NONE;
	*consumed = 0;
	if (!n && sy_conn_holds_nothing(c))
		return SY_OK;
	struct input in = {.bytes = bytes, .n = n, .now_ns = now_ns};
	enum sy_err err = SY_OK;
	switch (c->state) {
	case SY_CONN_DIALLING:
	case SY_CONN_FILTERING:
		err = n ? SY_LIMIT : SY_OK; /* the window is 0 */
		break;
	case SY_CONN_EPHEMERAL:
		err = feed_ephemeral(c, shared, &in, event);
		break;
	case SY_CONN_AUTH:
	case SY_CONN_NODE_INFO:
	case SY_CONN_RESOLVING:
	case SY_CONN_JUDGING:
	case SY_CONN_RUNNING:
		err = feed_frames(c, shared, &in, event);
		break;
	case SY_CONN_FLUSHING:
		/* Read and forgotten: unread bytes would turn our orderly close into a reset that takes what we sent with it. */
		sy_conn_drop_input(c, shared);
		in.used = n;
		break;
	case SY_CONN_CLOSED:
	case SY_CONN_STATES:
		in.used = n;
		break;
	}
	*consumed = in.used;
	return err;
}

enum sy_err sy_conn_resolved(struct sy_conn *c, struct sy_conn_shared *shared, const uint8_t *ip, uint64_t now_ns)
{
	if (c->state != SY_CONN_RESOLVING)
		return SY_OK;
	sy_conn_begin_info(c, shared, now_ns); /* no time passed for the peer while we looked its name up */
	if (!ip)
		return refuse(c, SY_PEER_BAD_NODE_INFO);
	memcpy(c->upgrade->identity.reported.ip, ip, 16);
	return judge(c, shared);
}
