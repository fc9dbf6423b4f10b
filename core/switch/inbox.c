/*
 * Inboxes: messages of channels whose work is done outside, bounded in bytes over all peers of a channel. A full one
 * stalls, drops or disconnects. With STALL the messages that were read already are still taken, so that it can pass its
 * bound by what one read window brings for each connection. Source: design.md 3.
 */
#include "core/switch/switch.h"

#include "core/base/assert.h"

#include <string.h>

enum item_state { ITEM_FREE = 0, ITEM_WAITS, ITEM_HANDED, ITEM_FORGOTTEN };

static uint64_t cost_of(uint32_t len)
{
	return (uint64_t)len + SY_LIMIT_INBOX_OVERHEAD;
}

static bool would_overflow(const struct sy_switch *sw, uint32_t channel, uint32_t len)
{
	uint64_t used = sw->inbox_used[channel];
	return used > 0 && used + cost_of(len) > sw->channels.channel[channel].inbox_bytes;
}

static struct sy_inbox_item *take(struct sy_switch *sw)
{
	if (sw->inbox_free) {
		struct sy_inbox_item *item = &sw->inbox[sw->inbox_free - 1];
		sw->inbox_free = item->next;
		return item;
	}
	if (!sy_mem_grow(sw->env, (void **)&sw->inbox, &sw->inbox_cap, sw->num_inbox + 1, sizeof *sw->inbox))
		return NULL;
	return &sw->inbox[sw->num_inbox++];
}

static uint32_t link_of(const struct sy_switch *sw, const struct sy_inbox_item *item)
{
	return (uint32_t)(item - sw->inbox) + 1;
}

static void give(struct sy_switch *sw, struct sy_inbox_item *item)
{
	item->used = ITEM_FREE;
	item->next = sw->inbox_free;
	sw->inbox_free = link_of(sw, item);
}

/* Peers that were not read because of this channel are read again. */
static void reopen(struct sy_switch *sw, uint32_t channel)
{
	if (sw->inbox_used[channel] >= sw->channels.channel[channel].inbox_bytes)
		return;
	for (uint32_t i = 0; i < sw->num_peers; i++) {
		struct sy_slot *s = sy_table_at(&sw->table, sw->peers[i]);
		if (!(s->stalled & 1u << channel))
			continue;
		s->stalled &= (uint16_t) ~(1u << channel);
		sy_switch_touch(sw, s);
	}
}

static void free_bytes(struct sy_switch *sw, struct sy_inbox_item *item)
{
	sy_mem_free(sw->env, item->bytes, item->len);
	item->bytes = NULL;
	SY_ASSERT(sw->inbox_used[item->channel] >= cost_of(item->len));
	sw->inbox_used[item->channel] -= (uint32_t)cost_of(item->len);
	if (sw->channels.channel[item->channel].inbox == SY_INBOX_STALL)
		reopen(sw, item->channel);
}

static void queue(struct sy_switch *sw, struct sy_inbox_item *item)
{
	item->next = 0;
	sw->news = true;
	if (sw->inbox_tail)
		sw->inbox[sw->inbox_tail - 1].next = link_of(sw, item);
	else
		sw->inbox_head = link_of(sw, item);
	sw->inbox_tail = link_of(sw, item);
}

static enum sy_err keep(struct sy_switch *sw, struct sy_slot *s, uint32_t channel, struct sy_span bytes)
{
	if (bytes.len > UINT32_MAX / 2 || sw->inbox_used[channel] > UINT32_MAX / 2)
		return SY_LIMIT;
	uint8_t *copy = NULL;
	if (bytes.len && !(copy = sy_mem_new(sw->env, bytes.len)))
		return SY_NO_MEMORY;
	struct sy_inbox_item *item = take(sw);
	if (!item) {
		sy_mem_free(sw->env, copy, bytes.len);
		return SY_NO_MEMORY;
	}
	if (copy)
		memcpy(copy, bytes.ptr, bytes.len);
	item->conn = sy_slot_ref(s);
	item->bytes = copy;
	item->len = (uint32_t)bytes.len;
	item->gen++;
	item->channel = (uint8_t)channel;
	item->used = ITEM_WAITS;
	sw->inbox_used[channel] += (uint32_t)cost_of(item->len);
	queue(sw, item);
	return SY_OK;
}

enum sy_err sy_switch_inbox_put(struct sy_switch *sw, struct sy_slot *s, uint32_t channel, struct sy_span bytes)
{
	const struct sy_channel *ch = &sw->channels.channel[channel];
	bool full = would_overflow(sw, channel, (uint32_t)bytes.len);
	if (full && ch->inbox == SY_INBOX_DISCONNECT)
		return SY_PEER_INBOX_FULL;
	if (full && ch->inbox == SY_INBOX_DROP) {
		sy_switch_trace_conn(sw, SY_TRACE_DROPPED, s, ch->id, bytes.len, SY_PEER_INBOX_FULL);
		return SY_OK;
	}
	enum sy_err err = keep(sw, s, channel, bytes);
	if (!err && ch->inbox == SY_INBOX_STALL && sw->inbox_used[channel] >= ch->inbox_bytes)
		s->stalled |= (uint16_t)(1u << channel);
	return err;
}

bool sy_switch_next_delivery(struct sy_switch *sw, struct sy_delivery *d)
{
	while (sw->inbox_head) {
		struct sy_inbox_item *item = &sw->inbox[sw->inbox_head - 1];
		sw->inbox_head = item->next;
		if (!sw->inbox_head)
			sw->inbox_tail = 0;
		if (item->used == ITEM_FORGOTTEN) {
			give(sw, item);
			continue;
		}
		item->used = ITEM_HANDED;
		d->token = (uint64_t)item->gen << 32 | (uint32_t)(item - sw->inbox);
		d->conn = item->conn;
		d->reactor = sw->channels.reactor[item->channel];
		d->channel = sw->channels.channel[item->channel].id;
		d->bytes.ptr = item->bytes;
		d->bytes.len = item->len;
		return true;
	}
	return false;
}

/* SY_NOT_FOUND: no such work is under way. */
enum sy_err sy_switch_work_done(struct sy_switch *sw, uint64_t token, enum sy_err err)
{
	uint32_t index = (uint32_t)token;
	if (index >= sw->num_inbox || sw->inbox[index].used != ITEM_HANDED || sw->inbox[index].gen != token >> 32)
		return SY_NOT_FOUND;
	struct sy_inbox_item *item = &sw->inbox[index];
	struct sy_slot *s = sy_switch_peer(sw, item->conn);
	if (s && !(s->flags & SY_SLOT_DEAD)) {
		if (!err)
			err = sy_switch_receive(sw, s, item->channel, (struct sy_span){item->bytes, item->len});
		if (err)
			sy_switch_close(sw, s, err);
	}
	/* Receive queues no message into an inbox, so the item is where it was. */
	free_bytes(sw, item);
	give(sw, item);
	return SY_OK;
}

void sy_switch_inbox_forget(struct sy_switch *sw, const struct sy_slot *s)
{
	for (uint32_t link = sw->inbox_head; link; link = sw->inbox[link - 1].next) {
		struct sy_inbox_item *item = &sw->inbox[link - 1];
		if (item->used != ITEM_WAITS || !sy_ref_equal(item->conn, sy_slot_ref(s)))
			continue;
		free_bytes(sw, item);
		item->used = ITEM_FORGOTTEN;
	}
}

void sy_switch_free_inbox(struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->num_inbox; i++)
		sy_mem_free(sw->env, sw->inbox[i].bytes, sw->inbox[i].len);
	sy_mem_free(sw->env, sw->inbox, sw->inbox_cap * sizeof *sw->inbox);
	sw->inbox = NULL;
	sw->num_inbox = sw->inbox_cap = sw->inbox_head = sw->inbox_tail = sw->inbox_free = 0;
}
