/*
 * From the packet stream to messages. A packet that is whole in the input is read in place, and a message that is
 * whole in one packet is handed up in place; only what is cut is kept. Source: protocol.md 3.4, 3.5.
 */
#include "core/mconn/internal.h"

#include "core/wire/cursor.h"

#include <string.h>

enum { HALF_START = 2048, DELIMITER_MAX = 10 };

static void partial_free(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	if (m->partial_cap == shared->packets.block)
		sy_pool_give(&shared->packets, shared->env, m->partial);
	else
		sy_mem_free(shared->env, m->partial, m->partial_cap);
	m->partial = NULL;
	m->partial_cap = m->partial_len = 0;
}

static void half_free(struct sy_mconn *m, struct sy_mconn_shared *shared, struct sy_reassembly *half)
{
	m->held -= half->cap;
	sy_mem_free(shared->env, half, sizeof *half + half->cap);
}

static void release_kept(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	if (m->delivered)
		half_free(m, shared, m->delivered);
	m->delivered = NULL;
	if (m->partial && !m->partial_len)
		partial_free(m, shared);
}

/* What the last call handed up is not needed any more. */
static inline void release(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	if (m->delivered || m->partial)
		release_kept(m, shared);
}

void sy_recv_free(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	m->partial_len = 0;
	release(m, shared);
	while (m->halves) {
		struct sy_reassembly *half = m->halves;
		m->halves = half->next;
		half_free(m, shared, half);
	}
	SY_ASSERT(m->held == 0);
}

/* Room for one more piece of a cut packet: a block of the pool first, then doubling up to the largest packet. */
static bool partial_reserve(struct sy_mconn *m, struct sy_mconn_shared *shared, size_t need)
{
	uint32_t block = shared->packets.block;
	if (need <= m->partial_cap)
		return true;
	if (!m->partial && need <= block) {
		m->partial = sy_pool_take(&shared->packets, shared->env);
		m->partial_cap = m->partial ? block : 0;
		return m->partial;
	}
	size_t cap = m->partial_cap ? m->partial_cap * 2u : block * 2u;
	cap = cap < need ? need : cap;
	uint8_t *grown = shared->env->alloc(shared->env->ctx, NULL, 0, cap);
	if (!grown)
		return false;
	uint32_t len = m->partial_len;
	if (m->partial) {
		memcpy(grown, m->partial, len);
		partial_free(m, shared);
	}
	m->partial = grown;
	m->partial_cap = (uint32_t)cap;
	m->partial_len = len;
	return true;
}

static enum sy_err partial_add(struct sy_mconn *m, struct sy_mconn_shared *shared, const uint8_t *bytes, size_t n)
{
	if (!partial_reserve(m, shared, m->partial_len + n))
		return SY_NO_MEMORY;
	memcpy(m->partial + m->partial_len, bytes, n);
	m->partial_len += (uint32_t)n;
	return SY_OK;
}

/* How long the packet at `bytes` is, delimiter included. SY_AGAIN: the delimiter is cut. */
static enum sy_err measure(const struct sy_mconn_shared *shared, const uint8_t *bytes, size_t n, size_t *header, size_t *total)
{
	size_t length = 0;
	if (n && bytes[0] < 0x80 && bytes[0] <= shared->packet_limit) {
		*header = 1;
		*total = 1 + (size_t)bytes[0];
		return SY_OK;
	}
	enum sy_err err = sy_delimiter_parse(bytes, n, INT64_MAX, header, &length);
	if (err == SY_AGAIN)
		return n < DELIMITER_MAX ? err : SY_PEER_BAD_PACKET;
	if (err)
		return SY_PEER_BAD_PACKET;
	if (length > shared->packet_limit)
		return SY_PEER_PACKET_TOO_LONG;
	*total = *header + length;
	return SY_OK;
}

static struct sy_reassembly **half_of(struct sy_mconn *m, uint8_t index)
{
	struct sy_reassembly **link = &m->halves;
	while (*link && (*link)->index != index)
		link = &(*link)->next;
	return link;
}

/*
 * Makes room for `need` bytes by doubling. The budget of one peer is what all of its half-received messages take; near
 * its end the doubling gives way to what is needed. SY_PEER_MESSAGE_TOO_LONG, SY_NO_MEMORY.
 */
static enum sy_err half_reserve(struct sy_mconn *m, struct sy_mconn_shared *shared, struct sy_reassembly **link, uint8_t index,
                                uint32_t need, uint32_t capacity)
{
	struct sy_reassembly *half = *link;
	uint32_t old = half ? half->cap : 0, others = m->held - old;
	if (half && need <= old)
		return SY_OK;
	uint64_t cap = need < HALF_START / 2 ? HALF_START : 2ull * need;
	cap = cap > capacity ? capacity : cap;
	if (others + cap > SY_LIMIT_RECV_BYTES_PER_PEER)
		cap = need;
	if (others + cap > SY_LIMIT_RECV_BYTES_PER_PEER)
		return SY_PEER_MESSAGE_TOO_LONG;
	struct sy_reassembly *grown = shared->env->alloc(shared->env->ctx, half, half ? sizeof *half + old : 0, sizeof *half + (size_t)cap);
	if (!grown)
		return SY_NO_MEMORY;
	if (!half)
		*grown = (struct sy_reassembly){.index = index};
	grown->cap = (uint32_t)cap;
	m->held = others + (uint32_t)cap;
	*link = grown;
	return SY_OK;
}

static void hand_up(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint8_t index, struct sy_span bytes, struct sy_mconn_in *in)
{
	in->message = true;
	in->channel = shared->channels->channel[index].id;
	in->bytes = bytes;
	m->channel[index]->received_bytes += bytes.len;
}

static enum sy_err take_data(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t index, const struct sy_packet *packet,
                             struct sy_mconn_in *in)
{
	if (!sy_chan_ready(m, shared, index))
		return SY_NO_MEMORY;
	struct sy_reassembly **link = m->halves ? half_of(m, index) : &m->halves;
	uint32_t have = *link ? (*link)->len : 0, capacity = shared->channels->channel[index].recv_message_capacity;
	if (packet->data.len > capacity - have)
		return SY_PEER_MESSAGE_TOO_LONG;
	if (packet->eof && !*link) {
		hand_up(m, shared, index, packet->data, in);
		return SY_OK;
	}
	uint32_t len = (uint32_t)packet->data.len;
	enum sy_err err = half_reserve(m, shared, link, index, have + len, capacity);
	if (err)
		return err;
	struct sy_reassembly *half = *link;
	if (len)
		memcpy(half->bytes + have, packet->data.ptr, len);
	half->len = have + len;
	if (!packet->eof)
		return SY_OK;
	*link = half->next;
	m->delivered = half;
	hand_up(m, shared, index, (struct sy_span){half->bytes, half->len}, in);
	return SY_OK;
}

static enum sy_err take_packet(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t header,
                               size_t total, struct sy_mconn_in *in)
{
	struct sy_packet packet;
	sy_flow_charge(&m->recv, &shared->recv_limit, total, now_ns);
	enum sy_err err = sy_packet_parse(bytes + header, total - header, &packet);
	if (err)
		return err;
	switch (packet.kind) {
	case SY_PACKET_NONE:
		return SY_PEER_UNKNOWN_PACKET;
	case SY_PACKET_PING:
		sy_ping_got_ping(m, now_ns);
		return SY_OK;
	case SY_PACKET_PONG:
		sy_ping_got_pong(m, shared, now_ns);
		return SY_OK;
	case SY_PACKET_MSG:
		break;
	}
	if (packet.channel_id < 0 || packet.channel_id > 255 || !shared->channels->index_of[packet.channel_id])
		return SY_PEER_UNKNOWN_CHANNEL;
	return take_data(m, shared, (uint8_t)(shared->channels->index_of[packet.channel_id] - 1), &packet, in);
}

/* A packet whose beginning is kept: takes what belongs to it. */
static enum sy_err go_on(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t n,
                         struct sy_mconn_in *in)
{
	for (;;) {
		size_t header = 0, total = 0;
		enum sy_err err = measure(shared, m->partial, m->partial_len, &header, &total);
		if (err && err != SY_AGAIN)
			return err;
		size_t want = err ? 1 : total - m->partial_len;
		if (!want) {
			m->partial_len = 0;
			return take_packet(m, shared, now_ns, m->partial, header, total, in);
		}
		if (in->consumed == n)
			return SY_OK;
		want = want < n - in->consumed ? want : n - in->consumed;
		err = partial_add(m, shared, bytes + in->consumed, want);
		if (err)
			return err;
		in->consumed += want;
	}
}

/* A packet that begins in the input. */
static enum sy_err begin(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t n,
                         struct sy_mconn_in *in)
{
	const uint8_t *at = bytes + in->consumed;
	size_t left = n - in->consumed, header = 0, total = 0;
	enum sy_err err = measure(shared, at, left, &header, &total);
	if (err && err != SY_AGAIN)
		return err;
	if (err || total > left) {
		in->consumed = n;
		return partial_add(m, shared, at, left);
	}
	in->consumed += total;
	return take_packet(m, shared, now_ns, at, header, total, in);
}

/* The usual case without its detours: a small message whole in one packet, nothing half received. False: not that. */
static inline bool feed_small(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t n,
                              struct sy_mconn_in *in)
{
	uint32_t len = sy_packet_small_data(bytes, n);
	if (!len || m->halves || m->recv_gated || SY_PACKET_SMALL_DATA > shared->packet_limit)
		return false;
	uint32_t index = shared->channels->index_of[bytes[4]];
	if (!index || len > shared->channels->channel[index - 1].recv_message_capacity)
		return false;
	if (!sy_flow_gate(&m->recv, &shared->recv_limit, false, now_ns))
		return false;
	/* The first message of a channel goes the general way, which makes its state. */
	if (!m->channel[index - 1])
		return false;
	size_t size = SY_PACKET_SMALL_HEADER + len;
	sy_flow_charge(&m->recv, &shared->recv_limit, size, now_ns);
	m->channel[index - 1]->received_bytes += len;
	*in = (struct sy_mconn_in){.consumed = size, .message = true, .channel = bytes[4], .bytes = {bytes + SY_PACKET_SMALL_HEADER, len}};
	return true;
}

enum sy_err sy_mconn_feed(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t n,
                          struct sy_mconn_in *in)
{
	enum sy_err err = SY_OK;
	release(m, shared);
	if (!m->partial && feed_small(m, shared, now_ns, bytes, n, in))
		return SY_OK;
	*in = (struct sy_mconn_in){0};
	while (!err && !in->message && in->consumed < n) {
		if (m->partial_len) {
			err = go_on(m, shared, now_ns, bytes, n, in);
			continue;
		}
		in->gated = m->recv_gated = !sy_flow_gate(&m->recv, &shared->recv_limit, m->recv_gated, now_ns);
		if (in->gated)
			break;
		err = begin(m, shared, now_ns, bytes, n, in);
	}
	if (!in->message)
		release(m, shared);
	return err;
}

uint64_t sy_mconn_recv_open_at(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	if (sy_flow_open(&m->recv, &shared->recv_limit, m->recv_gated, now_ns))
		return 0;
	struct sy_flow copy = m->recv;
	(void)!sy_flow_gate(&copy, &shared->recv_limit, m->recv_gated, now_ns);
	return sy_flow_wake(&copy, &shared->recv_limit);
}

uint64_t sy_mconn_recv_wake(const struct sy_mconn *m, const struct sy_mconn_shared *shared)
{
	return m->recv_gated ? sy_flow_wake(&m->recv, &shared->recv_limit) : SY_NEVER;
}

size_t sy_mconn_recv_allowance(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	const struct sy_rate *r = &shared->recv_limit;
	if (!r->rate)
		return SIZE_MAX;
	return r->smooth ? sy_rate_smooth_allowance(&m->recv, r, now_ns) : sy_rate_upstream_allowance(&m->recv, r, now_ns);
}
