/* Sends that wait for room in a channel's queue: bounded, served in order, each with a deadline. Source: protocol.md 3.6. */
#include "core/mconn/internal.h"

#include <string.h>

static bool waits_ready(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	if (m->waits)
		return true;
	m->waits = sy_block_take(shared);
	if (!m->waits)
		return false;
	memset(m->waits, 0, sizeof *m->waits);
	m->waits->next_deadline_ns = SY_NEVER;
	return true;
}

static void waits_release_empty(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	if (!m->waits || m->waits->waiting || m->waits->done)
		return;
	sy_block_give(shared, m->waits);
	m->waits = NULL;
}

enum sy_err sy_waits_add(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, struct sy_payload *payload, uint64_t deadline_ns,
                         uint64_t token)
{
	if (m->waits && m->waits->count[i] >= SY_LIMIT_SEND_WAITERS)
		return SY_QUEUE_FULL;
	struct sy_waiter *w = sy_block_take(shared);
	if (!w)
		return SY_NO_MEMORY;
	if (!waits_ready(m, shared)) {
		sy_block_give(shared, w);
		return SY_NO_MEMORY;
	}
	*w = (struct sy_waiter){.payload = sy_payload_ref(payload), .token = token, .deadline_ns = deadline_ns, .index = (uint8_t)i};
	if (m->waits->waiting)
		m->waits->waiting_last->next = w;
	else
		m->waits->waiting = w;
	m->waits->waiting_last = w;
	m->waits->count[i]++;
	m->waiting |= (uint16_t)(1u << i);
	if (deadline_ns < m->waits->next_deadline_ns)
		m->waits->next_deadline_ns = deadline_ns;
	return SY_AGAIN;
}

/* Moves the waiter that *link points at to the results; `before` is the one in front of it, or null. */
static void waits_finish(struct sy_mconn *m, struct sy_mconn_shared *shared, struct sy_waiter **link, struct sy_waiter *before,
                         enum sy_err err)
{
	struct sy_waits *s = m->waits;
	struct sy_waiter *w = *link;
	*link = w->next;
	if (s->waiting_last == w)
		s->waiting_last = before;
	if (--s->count[w->index] == 0)
		m->waiting &= (uint16_t) ~(1u << w->index);
	sy_payload_unref(&shared->payloads, shared->env, w->payload);
	w->payload = NULL;
	w->next = NULL;
	w->err = err;
	if (s->done)
		s->done_last->next = w;
	else
		s->done = w;
	s->done_last = w;
}

void sy_waits_admit(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i)
{
	const struct sy_channel *desc = &shared->channels->channel[i];
	struct sy_waiter **link = &m->waits->waiting, *before = NULL;
	while (*link) {
		struct sy_waiter *w = *link;
		if (w->index != i) {
			before = w;
			link = &w->next;
			continue;
		}
		if (!sy_sendq_room(m->channel[i]->out, desc, w->payload->len))
			return;
		/* Without memory it stays where it is: the next message that leaves tries again. */
		if (sy_mconn_push(m, shared, i, w->payload))
			return;
		waits_finish(m, shared, link, before, SY_OK);
	}
}

static void finish_until(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, enum sy_err err)
{
	struct sy_waiter **link = &m->waits->waiting, *before = NULL;
	uint64_t next = SY_NEVER;
	while (*link) {
		struct sy_waiter *w = *link;
		if (w->deadline_ns <= now_ns) {
			waits_finish(m, shared, link, before, err);
			continue;
		}
		next = w->deadline_ns < next ? w->deadline_ns : next;
		before = w;
		link = &w->next;
	}
	m->waits->next_deadline_ns = next;
}

void sy_waits_expire(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	if (m->waits && m->waits->next_deadline_ns <= now_ns)
		finish_until(m, shared, now_ns, SY_TIMEOUT);
}

void sy_mconn_cancel(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	if (m->waits)
		finish_until(m, shared, SY_NEVER, SY_NO_PEER);
}

bool sy_mconn_next_sent(struct sy_mconn *m, struct sy_mconn_shared *shared, struct sy_mconn_sent *sent)
{
	struct sy_waiter *w = m->waits ? m->waits->done : NULL;
	if (!w)
		return false;
	m->waits->done = w->next;
	*sent = (struct sy_mconn_sent){.token = w->token, .err = w->err};
	sy_block_give(shared, w);
	waits_release_empty(m, shared);
	return true;
}

void sy_waits_free(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	struct sy_mconn_sent sent;
	sy_mconn_cancel(m, shared);
	while (sy_mconn_next_sent(m, shared, &sent))
		;
	SY_ASSERT(!m->waits);
}
