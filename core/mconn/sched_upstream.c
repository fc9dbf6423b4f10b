/* Upstream's choice: the least recently_sent / priority in single precision. Source: protocol.md 3.8. */
#include "core/mconn/internal.h"

#define DECAY_INTERVAL_NS (2 * SY_NS_PER_S)

/*
 * Each look at a channel takes the next message off its queue when none is being packed, as upstream's isSendPending
 * does. A message without bytes that was not chosen at once is taken for none: it is lost (D-07).
 */
static bool pull(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i)
{
	struct sy_sendq *q = m->channel[i]->out;
	if (q->pulled && q->offset == sy_sendq_head(q)->len && !shared->policy->checks_sends) {
		sy_mconn_pop(m, shared, i);
		q = m->channel[i]->out;
		if (!q)
			return false;
	}
	if (!q->pulled) {
		q->pulled = true;
		if (m->waiting >> i & 1)
			sy_waits_admit(m, shared, i);
	}
	return true;
}

int sy_sched_upstream_choose(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	int best = -1;
	float least = 0;
	for (uint32_t mask = m->active; mask; mask &= mask - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(mask);
		if (!pull(m, shared, i))
			continue;
		float ratio = (float)(int64_t)m->channel[i]->recently_sent / (float)shared->channels->channel[i].priority;
		if (best < 0 || ratio < least) {
			best = (int)i;
			least = ratio;
		}
	}
	return best;
}

static uint64_t ticks_due(const struct sy_mconn *m, uint64_t now_ns)
{
	return now_ns < m->next_decay_ns ? 0 : 1 + (now_ns - m->next_decay_ns) / DECAY_INTERVAL_NS;
}

/* The truncation makes every counter zero after finitely many steps; a 64-bit one after fewer than 256. */
static uint64_t decayed(uint64_t recent, uint64_t ticks)
{
	for (; ticks && recent; ticks--)
		recent = (uint64_t)(int64_t)((double)(int64_t)recent * 0.8);
	return recent;
}

void sy_sched_upstream_decay(struct sy_mconn *m, uint64_t now_ns)
{
	uint64_t ticks = ticks_due(m, now_ns);
	if (!ticks)
		return;
	for (uint32_t i = 0; i < m->num_channels; i++)
		if (m->channel[i])
			m->channel[i]->recently_sent = decayed(m->channel[i]->recently_sent, ticks);
	m->next_decay_ns += ticks * DECAY_INTERVAL_NS;
}

uint64_t sy_sched_upstream_recent(const struct sy_mconn *m, uint32_t i, uint64_t now_ns)
{
	return m->channel[i] ? decayed(m->channel[i]->recently_sent, ticks_due(m, now_ns)) : 0;
}
