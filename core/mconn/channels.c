/* The set of channels that a node has, and their state in a connection. Source: protocol.md 3.3 for the defaults. */
#include "core/mconn/internal.h"

#include <string.h>

enum { DEFAULT_QUEUE = 1, DEFAULT_RECV_BUFFER = 4096, DEFAULT_INBOX = 1 << 20 };

void sy_channel_set_init(struct sy_channel_set *set)
{
	memset(set, 0, sizeof *set);
}

static uint32_t queue_bytes(const struct sy_channel *c)
{
	uint64_t bytes = (uint64_t)c->send_queue_capacity * c->recv_message_capacity;
	return bytes > SY_LIMIT_SEND_QUEUE_BYTES ? SY_LIMIT_SEND_QUEUE_BYTES : (uint32_t)bytes;
}

enum sy_err sy_channel_set_add(struct sy_channel_set *set, const struct sy_channel *channel, uint8_t reactor)
{
	if (channel->priority == 0 || set->index_of[channel->id])
		return SY_INVALID;
	if (set->count == SY_LIMIT_CHANNELS)
		return SY_LIMIT;
	struct sy_channel *c = &set->channel[set->count];
	*c = *channel;
	if (!c->send_queue_capacity)
		c->send_queue_capacity = DEFAULT_QUEUE;
	if (!c->recv_buffer_capacity)
		c->recv_buffer_capacity = DEFAULT_RECV_BUFFER;
	if (!c->recv_message_capacity)
		c->recv_message_capacity = SY_DEFAULT_RECV_MESSAGE;
	if (!c->inbox_bytes)
		c->inbox_bytes = DEFAULT_INBOX;
	if (!c->send_queue_bytes)
		c->send_queue_bytes = queue_bytes(c);
	set->reactor[set->count] = reactor;
	set->count++;
	set->index_of[channel->id] = (uint8_t)set->count;
	return SY_OK;
}

struct sy_chan *sy_chan_new(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i)
{
	SY_ASSERT(i < m->num_channels && !m->channel[i]);
	if (!sy_totals_ready(shared))
		return NULL;
	m->channel[i] = sy_mem_new(shared->env, sizeof *m->channel[i]);
	return m->channel[i];
}
