/* Send queues: a short ring first, then a chain of blocks; both from one pool. */
#include "core/mconn/internal.h"

#include <string.h>

struct sy_sendq *sy_sendq_new(struct sy_mconn_shared *shared)
{
	struct sy_sendq *q = sy_pool_take(&shared->blocks, shared->env);
	if (q)
		memset(q, 0, sizeof *q);
	return q;
}

void sy_sendq_free(struct sy_sendq *q, struct sy_mconn_shared *shared)
{
	if (!q)
		return;
	while (q->count)
		sy_sendq_pop(q, shared);
	SY_ASSERT(!q->first);
	sy_pool_give(&shared->blocks, shared->env, q);
}

static bool chain_push(struct sy_sendq *q, struct sy_mconn_shared *shared, struct sy_payload *payload)
{
	if (!q->last || q->last_at == SY_BLOCK_SLOTS) {
		struct sy_block *block = sy_pool_take(&shared->blocks, shared->env);
		if (!block)
			return false;
		block->next = NULL;
		if (q->last)
			q->last->next = block;
		else
			q->first = block;
		q->first_at = q->last ? q->first_at : 0;
		q->last = block;
		q->last_at = 0;
	}
	q->last->slot[q->last_at++] = payload;
	return true;
}

static struct sy_payload *chain_pop(struct sy_sendq *q, struct sy_mconn_shared *shared)
{
	struct sy_block *block = q->first;
	struct sy_payload *payload = block->slot[q->first_at++];
	bool empty = block == q->last && q->first_at == q->last_at;
	if (empty || q->first_at == SY_BLOCK_SLOTS) {
		q->first = block->next;
		q->first_at = 0;
		if (empty)
			q->first = q->last = NULL;
		sy_pool_give(&shared->blocks, shared->env, block);
	}
	return payload;
}

static void ring_push(struct sy_sendq *q, struct sy_payload *payload)
{
	uint32_t at = q->ring_head + q->ring_count;
	q->ring[at < SY_SENDQ_SLOTS ? at : at - SY_SENDQ_SLOTS] = payload;
	q->ring_count++;
}

enum sy_err sy_sendq_push(struct sy_sendq *q, struct sy_mconn_shared *shared, struct sy_payload *payload)
{
	if (q->ring_count < SY_SENDQ_SLOTS) {
		SY_ASSERT(!q->first);
		ring_push(q, payload);
	} else if (!chain_push(q, shared, payload)) {
		return SY_NO_MEMORY;
	}
	sy_payload_ref(payload);
	q->count++;
	q->bytes += payload->len;
	return SY_OK;
}

void sy_sendq_pop(struct sy_sendq *q, struct sy_mconn_shared *shared)
{
	SY_ASSERT(q->count > 0 && q->ring_count > 0);
	struct sy_payload *head = sy_sendq_head(q);
	q->ring_head = q->ring_head + 1u < SY_SENDQ_SLOTS ? q->ring_head + 1 : 0;
	q->ring_count--;
	q->count--;
	q->bytes -= head->len;
	q->offset = 0;
	q->pulled = false;
	if (q->first)
		ring_push(q, chain_pop(q, shared));
	sy_payload_unref(&shared->payloads, shared->env, head);
}

enum sy_err sy_mconn_push(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, struct sy_payload *payload)
{
	struct sy_chan *c = &m->channel[i];
	if (!c->out) {
		c->out = sy_sendq_new(shared);
		if (!c->out)
			return SY_NO_MEMORY;
	}
	bool slept = c->out->count == 0;
	enum sy_err err = sy_sendq_push(c->out, shared, payload);
	SY_ASSERT(!err || !slept); /* the first message needs no block beside the queue's own */
	if (!err && slept && !(m->active >> i & 1)) {
		m->active |= (uint16_t)(1u << i);
		if (shared->policy->fair_start)
			sy_sched_fair_wake(m, i);
	}
	return err;
}

void sy_mconn_pop(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i)
{
	struct sy_chan *c = &m->channel[i];
	sy_sendq_pop(c->out, shared);
	if (m->waiting >> i & 1)
		sy_waits_admit(m, shared, i);
	if (c->out->count)
		return;
	m->active &= (uint16_t)~(1u << i);
	sy_sendq_free(c->out, shared);
	c->out = NULL;
}
