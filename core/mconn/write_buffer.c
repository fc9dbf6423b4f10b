/*
 * Upstream's send task and its 64 KiB write buffer. Source: protocol.md 3.7, 3.9, 3.10.
 *
 * The task does one thing at a time and sleeps in two places: at its rate limiter, and in a write of the buffer that
 * the transport has not taken yet. While it sleeps it answers no pings either, looks at no timer and packs nothing.
 * Where upstream picks among events that are ready at once by chance, this takes them in a fixed order.
 */
#include "core/mconn/internal.h"

#include <string.h>

void sy_task_init(struct sy_task *t)
{
	*t = (struct sy_task){.flush_at_ns = SY_NEVER, .woken_ns = SY_NEVER};
}

void sy_task_fini(struct sy_task *t, struct sy_mconn_shared *shared)
{
	sy_pool_give(&shared->write_buffers, shared->env, t->buffer);
	t->buffer = NULL;
}

void sy_task_wake(struct sy_task *t, uint64_t now_ns)
{
	if (now_ns < t->woken_ns)
		t->woken_ns = now_ns;
}

static void begin_flush(struct sy_task *t)
{
	t->flushing = t->len > 0;
	t->at = 0;
}

/* The throttle timer finds nobody to take its tick while the task sleeps, and tries again one throttle later. */
static void rearm_flush(struct sy_task *t, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	uint64_t step = shared->flush_throttle_ns;
	if (t->flush_at_ns >= now_ns)
		return;
	t->flush_at_ns = step ? t->flush_at_ns + (now_ns - t->flush_at_ns + step - 1) / step * step : now_ns;
}

/* Moves the packet begun into the buffer. A full buffer writes itself, and the packet's rest follows afterwards. */
static void pack(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	struct sy_task *t = m->task;
	uint32_t size = shared->write_buffers.block;
	if (!t->buffer)
		t->buffer = sy_pool_take(&shared->write_buffers, shared->env);
	if (!t->buffer) {
		t->failed = SY_NO_MEMORY;
		return;
	}
	uint8_t kind = m->cut.kind;
	if (t->len < size)
		t->len += (uint32_t)sy_cut_write(m, shared, t->buffer + t->len, size - t->len);
	if (m->cut.kind != SY_PACKET_NONE || kind != SY_PACKET_MSG)
		begin_flush(t);
	else if (t->flush_at_ns == SY_NEVER)
		t->flush_at_ns = now_ns + shared->flush_throttle_ns;
}

/* The bytes of a batch are counted once, at its end; the wake-up stays unless there was nothing more to send. */
static void end_batch(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, bool exhausted)
{
	struct sy_task *t = m->task;
	t->in_batch = false;
	t->send_due = !exhausted;
	if (t->batch_bytes)
		sy_flow_charge(&m->send, &shared->send_limit, t->batch_bytes, now_ns);
	t->batch_bytes = 0;
}

static void batch_step(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	struct sy_task *t = m->task;
	if (t->batch_left == 0) {
		end_batch(m, shared, now_ns, false);
		return;
	}
	sy_sched_upstream_decay(m, now_ns);
	int i = shared->policy->fair_start ? sy_sched_fair_choose(m) : sy_sched_upstream_choose(m, shared);
	if (i < 0) {
		end_batch(m, shared, now_ns, true);
		return;
	}
	size_t size = sy_cut_begin(m, shared, (uint32_t)i, now_ns);
	if (shared->policy->fair_start)
		sy_sched_fair_charge(m, (uint32_t)i, shared->channels->channel[i].priority, size);
	t->batch_bytes += (uint32_t)size;
	t->batch_left--;
}

/* Passes the limiter, or falls asleep at it. */
static bool begin_batch(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	struct sy_task *t = m->task;
	bool slept = m->send_gated;
	m->send_gated = !sy_flow_gate(&m->send, &shared->send_limit, slept, now_ns);
	if (m->send_gated)
		return false;
	if (slept)
		rearm_flush(t, shared, now_ns);
	t->in_batch = true;
	t->send_due = false;
	t->batch_left = shared->policy->batch_packets;
	return true;
}

static void send_ping(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	m->control &= (uint8_t)~SY_DUE_PING;
	m->pong_deadline_ns = now_ns + shared->pong_timeout_ns;
	sy_ping_sent(m, now_ns);
	sy_flow_charge(&m->send, &shared->send_limit, 3, now_ns);
	sy_cut_begin_control(m, SY_PACKET_PING);
}

static void send_pong(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	m->control &= (uint8_t)~SY_DUE_PONG;
	sy_flow_charge(&m->send, &shared->send_limit, 3, now_ns);
	sy_cut_begin_control(m, SY_PACKET_PONG);
}

static bool read_mailbox(struct sy_mconn *m)
{
	bool late = m->mailbox == SY_MAILBOX_TIMEOUT;
	m->mailbox = SY_MAILBOX_EMPTY;
	if (late)
		m->task->failed = SY_PEER_PONG_TIMEOUT;
	else
		m->pong_deadline_ns = SY_NEVER;
	return !late;
}

/* After FlushStop: everything queued, still limited, then one flush. */
static bool stopping_event(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	if (m->active)
		return begin_batch(m, shared, now_ns);
	begin_flush(m->task);
	return false;
}

/* One event of the task while it is awake. False: nothing to do, or it fell asleep. */
static bool task_event(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	struct sy_task *t = m->task;
	if (m->stopping)
		return stopping_event(m, shared, now_ns);
	if (m->send_gated)
		return begin_batch(m, shared, now_ns);
	if (m->mailbox != SY_MAILBOX_EMPTY)
		return read_mailbox(m);
	if (now_ns >= t->flush_at_ns) {
		t->flush_at_ns = SY_NEVER;
		begin_flush(t);
		return true;
	}
	if (m->control & SY_DUE_PING) {
		send_ping(m, shared, now_ns);
		return true;
	}
	if (m->control & SY_DUE_PONG) {
		send_pong(m, shared, now_ns);
		return true;
	}
	return t->send_due && begin_batch(m, shared, now_ns);
}

void sy_task_run(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	struct sy_task *t = m->task;
	bool go = true;
	while (go && !t->flushing && !t->failed) {
		if (m->cut.kind != SY_PACKET_NONE)
			pack(m, shared, now_ns);
		else if (t->in_batch)
			batch_step(m, shared, now_ns);
		else
			go = task_event(m, shared, now_ns);
	}
	t->woken_ns = SY_NEVER;
}

static void end_flush(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	struct sy_task *t = m->task;
	t->flushing = false;
	t->len = t->at = 0;
	sy_pool_give(&shared->write_buffers, shared->env, t->buffer);
	t->buffer = NULL;
	rearm_flush(t, shared, now_ns);
	sy_task_run(m, shared, now_ns);
}

/* At most one flush a call: upstream's next write begins a new frame. */
size_t sy_task_drain(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, uint8_t *buf, size_t cap)
{
	struct sy_task *t = m->task;
	sy_task_run(m, shared, now_ns);
	if (!t->flushing || !cap)
		return 0;
	size_t n = t->len - t->at < cap ? t->len - t->at : cap;
	memcpy(buf, t->buffer + t->at, n);
	t->at += (uint32_t)n;
	if (t->at == t->len)
		end_flush(m, shared, now_ns);
	return n;
}

uint64_t sy_task_deadline(const struct sy_mconn *m, const struct sy_mconn_shared *shared)
{
	const struct sy_task *t = m->task;
	if (t->failed)
		return 0;
	uint64_t at = SY_NEVER;
	if (!m->stopping)
		at = m->next_ping_ns < m->pong_deadline_ns ? m->next_ping_ns : m->pong_deadline_ns;
	if (t->flushing)
		return at;
	uint64_t wake = sy_flow_wake(&m->send, &shared->send_limit);
	if (m->send_gated)
		return at < wake ? at : wake;
	at = t->woken_ns < at ? t->woken_ns : at;
	return !m->stopping && t->flush_at_ns < at ? t->flush_at_ns : at;
}

enum sy_err sy_task_expire(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	if (!m->stopping && now_ns >= m->next_ping_ns) {
		m->control |= SY_DUE_PING;
		sy_ping_tick(m, shared, now_ns);
	}
	if (now_ns >= m->pong_deadline_ns) {
		/* The timer drops its news when the mailbox holds something already. */
		if (m->mailbox == SY_MAILBOX_EMPTY)
			m->mailbox = SY_MAILBOX_TIMEOUT;
		m->pong_deadline_ns = SY_NEVER;
	}
	sy_task_run(m, shared, now_ns);
	return m->task->failed;
}
