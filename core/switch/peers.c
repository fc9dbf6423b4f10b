/* The peer set and its counts. Source: protocol.md 4.2, 4.5, 4.6, 4.8. */
#include "core/switch/switch.h"

#include "core/base/assert.h"

#include <string.h>

struct sy_netaddr sy_switch_reported(const struct sy_slot *s)
{
	struct sy_netaddr addr = {.port = s->reported_port, .flags = s->reported_flags};
	if (addr.flags)
		addr.id = s->remote.id;
	memcpy(addr.ip, s->reported_ip, sizeof addr.ip);
	return addr;
}

void sy_switch_view(const struct sy_switch *sw, const struct sy_slot *s, struct sy_peer *peer)
{
	/* Read once: what is written could lie anywhere, as far as the compiler knows. */
	uint32_t flags = s->flags;
	const struct sy_peer_text *text = s->text;
	peer->ref = sy_slot_ref(s);
	peer->id = s->remote.id;
	peer->outbound = s->conn.outbound;
	peer->persistent = flags & SY_SLOT_PERSISTENT;
	peer->unconditional = flags & SY_SLOT_UNCONDITIONAL;
	peer->socket_addr = s->remote;
	peer->reported_addr.id = s->remote.id;
	memcpy(peer->reported_addr.ip, s->reported_ip, sizeof s->reported_ip);
	peer->reported_addr.port = s->reported_port;
	peer->reported_addr.flags = s->reported_flags;
	peer->reported_addr.zero = 0;
	peer->moniker = peer->version = "";
	if (text) {
		peer->moniker = text->text;
		peer->version = text->text + text->moniker_len + 1;
	}
	peer->connected_at_ns = s->connected_at_ns;
}

struct sy_counts sy_switch_counts(const struct sy_switch *sw)
{
	struct sy_counts counts = {.outbound = sw->outbound, .inbound = sw->inbound, .dialling = sw->dialling, .total = sw->num_peers};
	return counts;
}

struct sy_slot *sy_switch_peer(const struct sy_switch *sw, struct sy_ref ref)
{
	struct sy_slot *s = sy_table_find(&sw->table, ref);
	return s && (s->flags & (SY_SLOT_PEER | SY_SLOT_INITED)) ? s : NULL;
}

struct sy_slot *sy_switch_peer_by_id(const struct sy_switch *sw, const struct sy_id *id)
{
	for (struct sy_slot *s = sy_table_first_id(&sw->table, id); s; s = sy_table_next_id(&sw->table, s))
		if (s->flags & SY_SLOT_PEER)
			return s;
	return NULL;
}

struct sy_slot *sy_switch_dialling_id(const struct sy_switch *sw, const struct sy_id *id)
{
	for (struct sy_slot *s = sy_table_first_id(&sw->table, id); s; s = sy_table_next_id(&sw->table, s))
		if (s->flags & SY_SLOT_DIALLING)
			return s;
	return NULL;
}

bool sy_switch_peer_has_ip(const struct sy_switch *sw, const uint8_t ip[16])
{
	for (struct sy_slot *s = sy_table_first_ip(&sw->table, ip); s; s = sy_table_next_ip(&sw->table, s))
		if (s->flags & SY_SLOT_PEER)
			return true;
	return false;
}

bool sy_switch_is_busy(const struct sy_switch *sw, const struct sy_netaddr *addr)
{
	if (sy_switch_dialling_id(sw, &addr->id) || sy_switch_peer_by_id(sw, &addr->id))
		return true;
	return !sw->config.allow_duplicate_ip && sy_switch_peer_has_ip(sw, addr->ip);
}

static void count(struct sy_switch *sw, const struct sy_slot *s, int by)
{
	if (s->flags & SY_SLOT_CAPPED)
		sw->capped_peers += (uint32_t)by;
	if (s->flags & SY_SLOT_UNCONDITIONAL)
		return;
	if (s->conn.outbound)
		sw->outbound += (uint32_t)by;
	else
		sw->inbound += (uint32_t)by;
}

enum sy_err sy_switch_peers_add(struct sy_switch *sw, struct sy_slot *s)
{
	SY_ASSERT(!(s->flags & SY_SLOT_PEER));
	if (!sy_mem_grow(sw->env, (void **)&sw->peers, &sw->peers_cap, sw->num_peers + 1, sizeof *sw->peers))
		return SY_NO_MEMORY;
	s->place = (uint16_t)sw->num_peers;
	sw->peers[sw->num_peers++] = s->index;
	s->flags |= SY_SLOT_PEER;
	count(sw, s, 1);
	return SY_OK;
}

/* The last one moves into the hole, as upstream's list does. */
void sy_switch_peers_remove(struct sy_switch *sw, struct sy_slot *s)
{
	SY_ASSERT(s->flags & SY_SLOT_PEER && sw->peers[s->place] == s->index);
	uint16_t last = sw->peers[--sw->num_peers];
	sw->peers[s->place] = last;
	sy_table_at(&sw->table, last)->place = s->place;
	s->flags &= ~(uint32_t)SY_SLOT_PEER;
	count(sw, s, -1);
}
