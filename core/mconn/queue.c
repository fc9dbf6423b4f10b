/* Send queues: a short ring first, then a chain of blocks; both from one pool. */
#include "core/mconn/internal.h"

#include <string.h>

/* Field by field: the ring's slots are set when they are filled. */
static struct sy_sendq *sendq_new(struct sy_mconn_shared *shared)
{
	struct sy_sendq *q = sy_block_take(shared);
	if (!q)
		return NULL;
	q->first = q->last = NULL;
	q->count = q->bytes = q->offset = 0;
	q->pulled = false;
	q->ring_head = q->ring_count = q->first_at = q->last_at = 0;
	return q;
}

static bool chain_push(struct sy_sendq *q, struct sy_mconn_shared *shared, struct sy_payload *payload)
{
	if (!q->last || q->last_at == SY_BLOCK_SLOTS) {
		struct sy_block *block = sy_block_take(shared);
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
		sy_block_give(shared, block);
	}
	return payload;
}

static void ring_push(struct sy_sendq *q, struct sy_payload *payload)
{
	uint32_t at = q->ring_head + q->ring_count;
	q->ring[at < SY_SENDQ_SLOTS ? at : at - SY_SENDQ_SLOTS] = payload;
	q->ring_count++;
}

static enum sy_err sendq_push(struct sy_sendq *q, struct sy_mconn_shared *shared, struct sy_payload *payload)
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

static void sendq_pop(struct sy_sendq *q, struct sy_mconn_shared *shared)
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

void sy_sendq_free(struct sy_sendq *q, struct sy_mconn_shared *shared)
{
	if (!q)
		return;
	while (q->count)
		sendq_pop(q, shared);
	SY_ASSERT(!q->first);
	sy_block_give(shared, q);
}

/* The first message of a channel that slept: it needs no block beside the queue's own. */
static struct sy_sendq *wake(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, struct sy_payload *payload)
{
	struct sy_sendq *q = sendq_new(shared);
	if (!q)
		return NULL;
	q->ring[0] = sy_payload_ref(payload);
	q->ring_count = 1;
	q->count = 1;
	q->bytes = payload->len;
	m->active |= (uint16_t)(1u << i);
	if (shared->policy->fair_start)
		sy_sched_fair_wake(m, i);
	return q;
}

enum sy_err sy_mconn_push(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, struct sy_payload *payload)
{
	struct sy_chan *c = sy_chan_ready(m, shared, i);
	if (!c)
		return SY_NO_MEMORY;
	if (c->out)
		return sendq_push(c->out, shared, payload);
	c->out = wake(m, shared, i, payload);
	return c->out ? SY_OK : SY_NO_MEMORY;
}

void sy_mconn_pop(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i)
{
	struct sy_chan *c = m->channel[i];
	sendq_pop(c->out, shared);
	if (m->waiting >> i & 1)
		sy_waits_admit(m, shared, i);
	if (c->out->count)
		return;
	m->active &= (uint16_t) ~(1u << i);
	sy_block_give(shared, c->out);
	c->out = NULL;
}
