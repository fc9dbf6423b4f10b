/* Sending to one peer, and the results that somebody waits for. Source: protocol.md 3.6, 4.2. */
#include "core/switch/switch.h"

#include "core/base/assert.h"

enum sy_err sy_switch_may_send(const struct sy_switch *sw, const struct sy_slot *s, uint8_t channel)
{
	if (!s || s->conn.state != SY_CONN_RUNNING)
		return SY_NO_PEER;
	uint32_t index = sw->channels.index_of[channel];
	return index && (s->conn.peer_channels & 1u << (index - 1)) ? SY_OK : SY_NO_CHANNEL;
}

bool sy_switch_can_send(const struct sy_switch *sw, struct sy_ref peer, uint8_t channel)
{
	const struct sy_slot *s = sy_switch_peer(sw, peer);
	return !sy_switch_may_send(sw, s, channel) && sy_mconn_can_send(s->conn.mconn, &sw->conns.mconn, channel);
}

/* Into the hash, where the end stands for the message as the one that receives it hashes it whole; and the pools are in use. */
static void note_sent(struct sy_switch *sw, const struct sy_slot *s, uint8_t channel, struct sy_span bytes)
{
	sw->last_message_ns = sw->now_ns;
	sy_tracer_mix(&sw->tracer, (uint64_t)channel << 40 | s->index);
	sy_tracer_mix_tail(&sw->tracer, bytes.ptr, bytes.len);
}

enum sy_err sy_switch_try_send(struct sy_switch *sw, struct sy_ref peer, uint8_t channel, struct sy_span bytes)
{
	struct sy_slot *s = sy_switch_peer(sw, peer);
	enum sy_err err = sy_switch_may_send(sw, s, channel);
	if (err)
		return err;
	err = sy_mconn_try_send_bytes(s->conn.mconn, &sw->conns.mconn, channel, bytes, sw->now_ns);
	if (!err) {
		note_sent(sw, s, channel, bytes);
		sy_switch_touch(sw, s);
	}
	return err;
}

#define WAITS_KEPT 64u /* places kept for the next Sends when none is under way: 1 KiB */

static uint32_t *sends_of(struct sy_switch *sw, uint8_t owner)
{
	return owner == SY_OWNER ? &sw->owner_sends : &sw->reactor_sends;
}

/* SY_QUEUE_FULL: whoever sends has too many under way, or does not fetch the results; SY_NO_MEMORY. */
static enum sy_err take_wait(struct sy_switch *sw, uint8_t owner, uint64_t token, uint32_t *index)
{
	uint32_t *sends = sends_of(sw, owner);
	if (*sends >= SY_LIMIT_SENDS)
		return SY_QUEUE_FULL;
	if (sw->wait_free) {
		*index = sw->wait_free - 1;
		sw->wait_free = sw->waits[*index].next;
	} else {
		if (!sy_mem_grow(sw->env, (void **)&sw->waits, &sw->waits_cap, sw->num_waits + 1, sizeof *sw->waits))
			return SY_NO_MEMORY;
		*index = sw->num_waits++;
	}
	sw->waits[*index] = (struct sy_send_wait){.token = token, .owner = owner, .used = true};
	(*sends)++;
	return SY_OK;
}

static void give_wait(struct sy_switch *sw, uint32_t index)
{
	struct sy_send_wait *w = &sw->waits[index];
	(*sends_of(sw, w->owner))--;
	w->used = false;
	w->next = sw->wait_free;
	sw->wait_free = index + 1;
	if (sw->owner_sends || sw->reactor_sends || sw->waits_cap <= WAITS_KEPT)
		return;
	/* The last of a burst. */
	sy_mem_free(sw->env, sw->waits, sw->waits_cap * sizeof *sw->waits);
	sw->waits = NULL;
	sw->waits_cap = sw->num_waits = sw->wait_free = 0;
}

/* The result is known: to the end of the owner's or the reactors' queue. */
static void complete(struct sy_switch *sw, uint32_t index, enum sy_err err)
{
	struct sy_send_wait *w = &sw->waits[index];
	bool owner = w->owner == SY_OWNER;
	uint32_t *head = owner ? &sw->owner_head : &sw->reactor_head, *tail = owner ? &sw->owner_tail : &sw->reactor_tail;
	w->err = (int16_t)err;
	w->next = 0;
	sw->news = true;
	if (*tail)
		sw->waits[*tail - 1].next = index + 1;
	else
		*head = index + 1;
	*tail = index + 1;
}

static uint32_t pop(struct sy_switch *sw, uint32_t *head, uint32_t *tail)
{
	uint32_t index = *head - 1;
	*head = sw->waits[index].next;
	if (!*head)
		*tail = 0;
	return index;
}

enum sy_err sy_switch_send(struct sy_switch *sw, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns,
                           uint8_t owner, uint64_t token)
{
	struct sy_mconn_shared *shared = &sw->conns.mconn;
	struct sy_slot *s = sy_switch_peer(sw, peer);
	enum sy_err err = sy_switch_may_send(sw, s, channel);
	if (err)
		return err;
	uint32_t index;
	err = take_wait(sw, owner, token, &index);
	if (err)
		return err;
	uint64_t deadline = timeout_ns < SY_NEVER - sw->now_ns ? sw->now_ns + timeout_ns : SY_NEVER;
	struct sy_payload *payload = sy_payload_new(&shared->payloads, sw->env, bytes);
	err = payload ? sy_mconn_send(s->conn.mconn, shared, channel, payload, sw->now_ns, deadline, index) : SY_NO_MEMORY;
	sy_payload_unref(&shared->payloads, sw->env, payload);
	if (err && err != SY_AGAIN) {
		give_wait(sw, index);
		return err;
	}
	if (err)
		s->sends_waiting++;
	else
		complete(sw, index, SY_OK);
	note_sent(sw, s, channel, bytes);
	sy_switch_touch(sw, s);
	return SY_OK;
}

void sy_switch_collect_sends(struct sy_switch *sw, struct sy_slot *s)
{
	struct sy_mconn_sent sent;
	while (s->sends_waiting && sy_mconn_next_sent(s->conn.mconn, &sw->conns.mconn, &sent)) {
		SY_ASSERT(sent.token < sw->num_waits && sw->waits[sent.token].used);
		s->sends_waiting--;
		complete(sw, (uint32_t)sent.token, sent.err);
	}
}

bool sy_switch_next_send_done(struct sy_switch *sw, uint64_t *token, enum sy_err *err)
{
	if (!sw->owner_head)
		return false;
	uint32_t index = pop(sw, &sw->owner_head, &sw->owner_tail);
	*token = sw->waits[index].token;
	*err = (enum sy_err)sw->waits[index].err;
	give_wait(sw, index);
	return true;
}

bool sy_switch_call_send_done(struct sy_switch *sw)
{
	if (!sw->reactor_head)
		return false;
	uint32_t index = pop(sw, &sw->reactor_head, &sw->reactor_tail);
	struct sy_send_wait w = sw->waits[index];
	give_wait(sw, index);
	const struct sy_reactor *r = sw->reactors[w.owner];
	struct sy_ctx ctx = {sw, w.owner};
	if (r->send_done)
		r->send_done(r->self, &ctx, w.token, (enum sy_err)w.err);
	return true;
}
