/* Pings, pongs and the pong timer. Source: protocol.md 3.5, 3.7, D-04. */
#include "core/mconn/internal.h"

void sy_ping_tick(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	SY_ASSERT(now_ns >= m->next_ping_ns);
	/* Ticks that nobody looked at are dropped, as a ticker with one slot drops them. */
	m->next_ping_ns += (1 + (now_ns - m->next_ping_ns) / shared->ping_interval_ns) * shared->ping_interval_ns;
}

void sy_ping_sent(struct sy_mconn *m, uint64_t now_ns)
{
	m->ping_out = true;
	m->ping_sent_ns = now_ns;
}

void sy_ping_got_ping(struct sy_mconn *m, uint64_t now_ns)
{
	/* Further pings while one waits for its pong are answered by that pong. */
	if (!m->stopping)
		m->control |= SY_DUE_PONG;
	if (m->task)
		sy_task_wake(m->task, now_ns);
}

void sy_ping_got_pong(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	if (!m->ping_out && shared->policy->pong_needs_ping)
		return;
	if (m->ping_out)
		m->rtt_ns = now_ns - m->ping_sent_ns;
	m->ping_out = false;
	if (!m->task) {
		m->pong_deadline_ns = SY_NEVER;
		return;
	}
	/* The mailbox has one slot, and a pong never waits for it: with a time-out in it, the pong is lost. */
	if (m->mailbox == SY_MAILBOX_EMPTY)
		m->mailbox = SY_MAILBOX_PONG;
	sy_task_wake(m->task, now_ns);
}

enum sy_err sy_ping_expire(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns)
{
	if (now_ns >= m->pong_deadline_ns)
		return SY_PEER_PONG_TIMEOUT;
	if (now_ns >= m->next_ping_ns) {
		/* The time runs from here, not from the ping's departure: a peer that takes no bytes is dead as well. */
		m->control |= SY_DUE_PING;
		m->pong_deadline_ns = now_ns + shared->pong_timeout_ns;
		sy_ping_tick(m, shared, now_ns);
	}
	return SY_OK;
}
