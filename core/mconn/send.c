/* Taking messages, and (default) packing them when the transport has room. Source: protocol.md 3.6, 3.7, D-01. */
#include "core/mconn/internal.h"

/* After messages came in or packets went out: is the limiter what they wait for? */
static inline void settle(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	m->send_gated = m->active && !sy_flow_gate(&m->send, &shared->send_limit, m->send_gated, now_ns);
}

static enum sy_err check_message(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint32_t index, size_t len)
{
	if (!index)
		return SY_NO_CHANNEL;
	if (m->stopping)
		return SY_NO_PEER;
	const struct sy_channel *desc = &shared->channels->channel[index - 1];
	/* Upstream takes anything, and the peer hangs up on what is too large for it. */
	if (!shared->policy->checks_sends)
		return SY_OK;
	return len == 0 || len > desc->recv_message_capacity ? SY_MESSAGE_SIZE : SY_OK;
}

static bool has_room(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint32_t i, size_t len)
{
	const struct sy_sendq *q = sy_chan_queue(m, i);
	return !q || (!(m->waiting >> i & 1) && sy_sendq_room(q, &shared->channels->channel[i], len));
}

static enum sy_err enqueue(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, struct sy_payload *payload, uint64_t now_ns)
{
	payload->sent_ns = now_ns;
	enum sy_err err = sy_mconn_push(m, shared, i, payload);
	if (err)
		return err;
	if (!m->task) {
		settle(m, shared, now_ns);
		return SY_OK;
	}
	m->task->send_due = true;
	sy_task_wake(m->task, now_ns);
	return SY_OK;
}

enum sy_err sy_mconn_try_send(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t channel, struct sy_payload *payload,
                              uint64_t now_ns)
{
	uint32_t index = shared->channels->index_of[channel];
	enum sy_err err = check_message(m, shared, index, payload->len);
	if (err)
		return err;
	if (!has_room(m, shared, index - 1, payload->len))
		return SY_QUEUE_FULL;
	return enqueue(m, shared, index - 1, payload, now_ns);
}

enum sy_err sy_mconn_try_send_bytes(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t channel, struct sy_span bytes,
                                    uint64_t now_ns)
{
	uint32_t index = shared->channels->index_of[channel];
	enum sy_err err = check_message(m, shared, index, bytes.len);
	if (err)
		return err;
	if (!has_room(m, shared, index - 1, bytes.len))
		return SY_QUEUE_FULL;
	struct sy_payload *payload = sy_payload_new(&shared->payloads, shared->env, bytes);
	if (!payload)
		return SY_NO_MEMORY;
	err = enqueue(m, shared, index - 1, payload, now_ns);
	sy_payload_unref(&shared->payloads, shared->env, payload);
	return err;
}

enum sy_err sy_mconn_send(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t channel, struct sy_payload *payload, uint64_t now_ns,
                          uint64_t deadline_ns, uint64_t token)
{
	uint32_t index = shared->channels->index_of[channel];
	enum sy_err err = check_message(m, shared, index, payload->len);
	if (err)
		return err;
	if (has_room(m, shared, index - 1, payload->len))
		return enqueue(m, shared, index - 1, payload, now_ns);
	payload->sent_ns = now_ns;
	return sy_waits_add(m, shared, index - 1, payload, deadline_ns, token);
}

bool sy_mconn_can_send(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint8_t channel)
{
	uint32_t index = shared->channels->index_of[channel];
	return index && !m->stopping && has_room(m, shared, index - 1, 1);
}

bool sy_mconn_has_output(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	if (m->task)
		return m->task->flushing;
	if (m->cut.kind != SY_PACKET_NONE || m->control)
		return true;
	return m->active && sy_flow_open(&m->send, &shared->send_limit, m->send_gated, now_ns);
}

/* Control packets go first and ask no limiter: they are three bytes, and a late pong costs the connection. */
static void begin_control(struct sy_mconn *m, uint64_t now_ns)
{
	if (m->control & SY_DUE_PONG) {
		m->control &= (uint8_t)~SY_DUE_PONG;
		sy_cut_begin_control(m, SY_PACKET_PONG);
	} else {
		m->control &= (uint8_t)~SY_DUE_PING;
		sy_ping_sent(m, now_ns);
		sy_cut_begin_control(m, SY_PACKET_PING);
	}
	sy_monitor_add(&m->send.mon, 3, now_ns);
}

/* A small message whole in one packet that fits: written at once, without a packet begun and ended. Returns its size, 0: not that. */
static inline size_t write_small(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, uint64_t now_ns, uint8_t *buf, size_t cap)
{
	struct sy_chan *c = m->channel[i];
	struct sy_sendq *q = c->out;
	struct sy_payload *head = sy_sendq_head(q);
	uint32_t len = head->len, id = shared->channels->channel[i].id;
	size_t size = SY_PACKET_SMALL_HEADER + len;
	bool small = len - 1 < SY_PACKET_SMALL_DATA && len <= shared->max_payload && id - 1 < 0x7f;
	if (!small || size > cap || q->offset || q->pulled || now_ns >= m->next_decay_ns)
		return 0;
	sy_packet_small_header(buf, (uint8_t)id, len);
	sy_mem_copy(buf + SY_PACKET_SMALL_HEADER, head->bytes, len);
	c->recently_sent += size;
	c->sent_bytes += len;
	sy_totals_waited(&shared->totals[i], now_ns - head->sent_ns);
	if (q->count > 1 || (m->waiting >> i & 1)) {
		sy_mconn_pop(m, shared, i);
		return size;
	}
	m->active &= (uint16_t) ~(1u << i);
	c->out = NULL;
	sy_block_give(shared, q);
	sy_payload_unref(&shared->payloads, shared->env, head);
	return size;
}

/* The next data packet as far as it fits. 0: nothing to send, or the limiter is closed. */
static size_t write_data(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, uint8_t *buf, size_t cap)
{
	m->send_gated = !sy_flow_gate(&m->send, &shared->send_limit, m->send_gated, now_ns);
	if (m->send_gated)
		return 0;
	bool fair = shared->policy->fair_start;
	int chosen = fair ? sy_sched_fair_choose(m) : sy_sched_upstream_choose(m, shared);
	if (chosen < 0)
		return 0;
	uint32_t i = (uint32_t)chosen;
	size_t written = write_small(m, shared, i, now_ns, buf, cap);
	size_t size = written ? written : sy_cut_begin(m, shared, i, now_ns);
	if (fair)
		sy_sched_fair_charge(m, i, shared->channels->channel[i].priority, size);
	sy_flow_charge(&m->send, &shared->send_limit, size, now_ns);
	return written ? written : sy_cut_write(m, shared, buf, cap);
}

size_t sy_mconn_drain(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, uint8_t *buf, size_t cap)
{
	if (m->task)
		return sy_task_drain(m, shared, now_ns, buf, cap);
	size_t n = 0;
	while (n < cap) {
		if (m->cut.kind | m->control) {
			if (m->cut.kind == SY_PACKET_NONE)
				begin_control(m, now_ns);
			n += sy_cut_write(m, shared, buf + n, cap - n);
			continue;
		}
		size_t got = m->active ? write_data(m, shared, now_ns, buf + n, cap - n) : 0;
		if (!got)
			break;
		n += got;
	}
	settle(m, shared, now_ns);
	return n;
}
