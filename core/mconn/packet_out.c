/*
 * Packets of the stream, whoever asks for them. A packet is begun, and written as far as there is room; what does not
 * fit is remembered as a place in it, not copied. Source: protocol.md 3.2, 3.7.
 */
#include "core/mconn/internal.h"

#include <string.h>

/*
 * A last packet that is full does not pass the receiver's limit when the channel's id takes two bytes (protocol.md 3.4).
 * Upstream loses the connection; whoever checks what it sends (D-07) leaves one byte for a packet of its own.
 */
static bool too_long_to_end(const struct sy_mconn_shared *shared, uint8_t id, uint32_t left)
{
	return id >= 0x80 && left == shared->max_payload && left > 1 && shared->policy->checks_sends;
}

size_t sy_cut_begin(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, uint64_t now_ns)
{
	SY_ASSERT(m->cut.kind == SY_PACKET_NONE && m->active >> i & 1);
	const struct sy_channel *desc = &shared->channels->channel[i];
	struct sy_sendq *q = m->channel[i]->out;
	uint32_t left = sy_sendq_head(q)->len - q->offset;
	bool eof = left <= shared->max_payload && !too_long_to_end(shared, desc->id, left);
	uint32_t len = eof ? left : left <= shared->max_payload ? left - 1 : shared->max_payload;
	m->cut = (struct sy_cut){.kind = SY_PACKET_MSG, .index = (uint8_t)i, .eof = eof, .len = len, .left = len};
	size_t size = sy_packet_size(desc->id, eof, len);
	if (now_ns >= m->next_decay_ns)
		sy_sched_upstream_decay(m, now_ns);
	m->channel[i]->recently_sent += size;
	if (!q->offset)
		sy_totals_waited(&shared->totals[i], now_ns - sy_sendq_head(q)->sent_ns);
	if (!q->pulled) {
		q->pulled = true;
		if (m->waiting >> i & 1)
			sy_waits_admit(m, shared, i);
	}
	return size;
}

void sy_cut_begin_control(struct sy_mconn *m, enum sy_packet_kind kind)
{
	SY_ASSERT(m->cut.kind == SY_PACKET_NONE && kind != SY_PACKET_MSG);
	m->cut = (struct sy_cut){.kind = (uint8_t)kind};
}

static size_t build_header(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint8_t *buf)
{
	if (m->cut.kind == SY_PACKET_MSG)
		return sy_packet_header(buf, shared->channels->channel[m->cut.index].id, m->cut.eof, m->cut.len);
	memcpy(buf, m->cut.kind == SY_PACKET_PING ? SY_PING_BYTES : SY_PONG_BYTES, 3);
	return 3;
}

/* Returns the bytes written; *done tells whether the header is out. */
static size_t write_header(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint8_t *buf, size_t cap, bool *done)
{
	uint8_t header[SY_PACKET_HEADER_MAX];
	if (m->cut.header_at == 0 && cap >= SY_PACKET_HEADER_MAX) {
		m->cut.header_at = (uint8_t)build_header(m, shared, buf);
		*done = true;
		return m->cut.header_at;
	}
	size_t size = build_header(m, shared, header), n = size - m->cut.header_at;
	*done = n <= cap;
	n = *done ? n : cap;
	memcpy(buf, header + m->cut.header_at, n);
	m->cut.header_at += (uint8_t)n;
	return n;
}

static void finish(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	uint32_t i = m->cut.index;
	bool message = m->cut.kind == SY_PACKET_MSG;
	m->cut.kind = SY_PACKET_NONE;
	if (!message)
		return;
	struct sy_sendq *q = m->channel[i]->out;
	q->offset += m->cut.len;
	if (!m->cut.eof)
		return;
	SY_ASSERT(q->offset == sy_sendq_head(q)->len);
	m->channel[i]->sent_bytes += q->offset;
	sy_mconn_pop(m, shared, i);
}

size_t sy_cut_write(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t *buf, size_t cap)
{
	SY_ASSERT(m->cut.kind != SY_PACKET_NONE);
	bool done;
	size_t n = write_header(m, shared, buf, cap, &done);
	if (m->cut.left && n < cap) {
		const struct sy_sendq *q = m->channel[m->cut.index]->out;
		size_t take = m->cut.left < cap - n ? m->cut.left : cap - n;
		memcpy(buf + n, sy_sendq_head(q)->bytes + q->offset + (m->cut.len - m->cut.left), take);
		m->cut.left -= (uint32_t)take;
		n += take;
	}
	if (done && !m->cut.left)
		finish(m, shared);
	return n;
}
