/* Bytes of a connection on their way up: upgrade steps to their rooms, messages to reactors. Source: protocol.md 3.5, 4.2. */
#include "core/switch/switch.h"

#include "core/base/assert.h"
#include "core/wire/usermsg.h"

#include <string.h>

enum sy_err sy_switch_receive(struct sy_switch *sw, struct sy_slot *s, uint32_t channel, struct sy_span bytes)
{
	const struct sy_channel *ch = &sw->channels.channel[channel];
	uint8_t owner = sw->channels.reactor[channel];
	const struct sy_reactor *r = sw->reactors[owner];
	struct sy_message msg = {.channel = ch->id, .bytes = bytes};
	struct ProtobufCMessage *decoded = NULL;
	if (ch->message_type) {
		enum sy_err bad = sy_usermsg_decode(sw->env, ch->message_type, bytes, &decoded);
		if (bad)
			return bad;
		msg.decoded = decoded;
	}
	enum sy_err err = SY_OK;
	if (r->receive) {
		struct sy_ctx ctx = {sw, owner};
		struct sy_peer peer;
		sy_switch_view(sw, s, &peer);
		err = r->receive(r->self, &ctx, &peer, &msg);
	}
	if (decoded)
		sy_usermsg_free(sw->env, decoded);
	return err;
}

static enum sy_err filter(struct sy_switch *sw, struct sy_slot *s, uint32_t channel, struct sy_span bytes)
{
	uint8_t owner = sw->channels.reactor[channel];
	const struct sy_reactor *r = sw->reactors[owner];
	if (!r->filter)
		return SY_OK;
	struct sy_ctx ctx = {sw, owner};
	struct sy_message msg = {.channel = sw->channels.channel[channel].id, .bytes = bytes};
	struct sy_peer peer;
	sy_switch_view(sw, s, &peer);
	return r->filter(r->self, &ctx, &peer, &msg);
}

static void on_message(struct sy_switch *sw, struct sy_slot *s, uint8_t id, struct sy_span bytes)
{
	SY_ASSERT(sw->channels.index_of[id] > 0);
	uint32_t channel = sw->channels.index_of[id] - 1u;
	sw->last_message_ns = sw->now_ns;
	sy_tracer_mix(&sw->tracer, (uint64_t)id << 32 | s->index);
	sy_tracer_mix_bytes(&sw->tracer, bytes.ptr, bytes.len);
	if (sw->config.trace_messages)
		sy_switch_trace_conn(sw, SY_TRACE_MESSAGE, s, id, bytes.len, SY_OK);
	enum sy_err err = filter(sw, s, channel, bytes);
	if (!err && sw->channels.channel[channel].inbox == SY_INBOX_INLINE)
		err = sy_switch_receive(sw, s, channel, bytes);
	else if (!err)
		err = sy_switch_inbox_put(sw, s, channel, bytes);
	if (err)
		sy_switch_close(sw, s, err);
	sy_switch_run_stops(sw);
}

static void on_sign(struct sy_switch *sw, struct sy_slot *s, const uint8_t challenge[32])
{
	memcpy(s->challenge, challenge, sizeof s->challenge);
	s->outs |= SY_SLOT_OUT_SIGN;
	sy_list_push(&sw->table, SY_LIST_OUT, s);
}

static void on_resolve(struct sy_switch *sw, struct sy_slot *s, const char *host)
{
	struct sy_lookup what = {.who = SY_LOOKUP_CONN, .conn = sy_slot_ref(s)};
	enum sy_err err = sy_switch_lookup(sw, &what, host);
	if (err)
		sy_switch_close(sw, s, err);
}

/* A step of the upgrade. */
static __attribute__((noinline)) void on_step(struct sy_switch *sw, struct sy_slot *s, const struct sy_conn_event *ev)
{
	switch (ev->kind) {
	case SY_CONN_EV_NONE:
		break;
	case SY_CONN_EV_SIGN:
		on_sign(sw, s, ev->challenge);
		break;
	case SY_CONN_EV_RESOLVE:
		on_resolve(sw, s, ev->host);
		break;
	case SY_CONN_EV_UPGRADED:
		sy_switch_judge(sw, s, ev->identity);
		break;
	case SY_CONN_EV_MESSAGE:
		break; /* most events are messages: they do not come here */
	}
}

void sy_switch_bytes(struct sy_switch *sw, struct sy_slot *s, struct sy_span bytes)
{
	static const uint8_t nothing[1] = {0};
	const uint8_t *at = bytes.len ? bytes.ptr : nothing;
	size_t left = bytes.len;
	struct sy_conn_event ev;
	do {
		size_t used = 0;
		ev.kind = SY_CONN_EV_NONE;
		enum sy_err err = sy_conn_feed(&s->conn, &sw->conns, sw->now_ns, at, left, &used, &ev);
		SY_ASSERT(used <= left);
		at += used;
		left -= used;
		sy_switch_note_state(sw, s, err);
		if (err)
			sy_switch_close(sw, s, err);
		else if (ev.kind == SY_CONN_EV_MESSAGE)
			on_message(sw, s, ev.channel, ev.message);
		else if (ev.kind != SY_CONN_EV_NONE)
			on_step(sw, s, &ev);
		/* An event may have stopped the feed half way: it goes on until it has nothing more to say. */
	} while (ev.kind != SY_CONN_EV_NONE && !(s->flags & SY_SLOT_DEAD) && (left || !sy_conn_holds_nothing(&s->conn)));
	/* Bytes beyond the read window have no place: without them the stream is broken. */
	if (left && !(s->flags & SY_SLOT_DEAD))
		sy_switch_close(sw, s, SY_INVALID);
	if (s->conn.eof && s->conn.rest_len == 0)
		sy_switch_close(sw, s, SY_PEER_CLOSED);
	sy_switch_touch(sw, s);
}

void sy_switch_eof(struct sy_switch *sw, struct sy_slot *s)
{
	/* What we are flushing may still be read by a peer that has only closed its own direction. */
	if (s->conn.state == SY_CONN_FLUSHING)
		return;
	s->conn.eof = true;
	/* Messages that the receive limiter holds back came before the end. */
	if (s->conn.state != SY_CONN_RUNNING || s->conn.rest_len == 0)
		sy_switch_close(sw, s, SY_PEER_CLOSED);
}
