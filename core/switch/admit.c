/*
 * From an open socket to the peer set: the table of connections, filters, limits, duplicates, the tie-break.
 * Source: protocol.md 2.1, 2.5, 4.3 to 4.7; D-12, D-13, D-18.
 */
#include "core/switch/switch.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

#include <string.h>

static uint32_t subtract(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

/*
 * Upstream does not accept while as many accepted sockets are open as there are inbound and unconditional peers
 * allowed; silent connections hold its whole cap. Ours bounds handshakes by themselves (D-18).
 */
uint32_t sy_switch_accept_window(const struct sy_switch *sw)
{
	if (sw->state != SY_SWITCH_RUNNING)
		return 0;
	uint32_t room = subtract(SY_LIMIT_CONNS, sw->table.count);
	uint64_t most = (uint64_t)sw->config.max_num_inbound_peers + sw->num_unconditional;
	uint32_t window;
	if (sw->policy->refuse_inbound_early)
		window = sy_switch_yielding(sw) ? 1 : subtract(SY_LIMIT_HANDSHAKES, sw->upgrading);
	else if (most == 0 || most > SY_LIMIT_CONNS)
		window = SY_LIMIT_CONNS;
	else
		window = subtract((uint32_t)most, sw->accepted);
	return window < room ? window : room;
}

/* Is anybody missing who may come in when ordinary peers fill the inbound cap? */
static bool expects_somebody(const struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->num_persistent; i++)
		if (!sy_switch_peer_by_id(sw, &sw->redials[i].addr.id))
			return true;
	for (uint32_t i = 0; i < sw->num_unconditional; i++)
		if (!sy_switch_peer_by_id(sw, &sw->unconditional[i]))
			return true;
	return false;
}

static bool same_conn(const struct sy_switch *sw, const struct sy_slot *self, const struct sy_netaddr *addr)
{
	for (struct sy_slot *s = sy_table_first_ip(&sw->table, addr->ip); s; s = sy_table_next_ip(&sw->table, s))
		if (s != self && (s->flags & SY_SLOT_OPEN) && s->remote.port == addr->port)
			return true;
	return false;
}

/*
 * Does the other connection on the same IP speak against this one? Upstream: always. With the tie-break (D-12) not
 * when both may be ends of a simultaneous dial: then it is judged once both have shown their ids.
 */
static bool twin_counts(const struct sy_switch *sw, const struct sy_slot *other, const struct sy_id *id, bool outbound)
{
	if (!sw->policy->tie_break)
		return true;
	if (id && (other->flags & SY_SLOT_HAS_ID))
		return memcmp(&other->remote.id, id, sizeof *id) != 0;
	return other->conn.outbound == outbound;
}

static bool has_twin(const struct sy_switch *sw, const struct sy_slot *self, const struct sy_netaddr *addr, const struct sy_id *id,
                     bool outbound)
{
	if (sw->config.allow_duplicate_ip)
		return false;
	for (struct sy_slot *s = sy_table_first_ip(&sw->table, addr->ip); s; s = sy_table_next_ip(&sw->table, s))
		if (s != self && (s->flags & SY_SLOT_OPEN) && !(s->flags & SY_SLOT_DEAD) && twin_counts(sw, s, id, outbound))
			return true;
	return false;
}

static enum sy_err may_accept(struct sy_switch *sw, const struct sy_netaddr *remote)
{
	bool early = sw->policy->refuse_inbound_early, full = early && sw->inbound >= sw->config.max_num_inbound_peers;
	bool counted = sw->config.max_inbound_per_ip || sw->config.max_inbound_per_net;
	bool expected = early && (full || counted) && expects_somebody(sw);
	if (sw->state != SY_SWITCH_RUNNING)
		return SY_NOT_RUNNING;
	if (same_conn(sw, NULL, remote))
		return SY_DUPLICATE_CONN;
	if (has_twin(sw, NULL, remote, NULL, false))
		return SY_DUPLICATE_IP;
	if (sy_switch_accept_window(sw) == 0)
		return sw->table.count >= SY_LIMIT_CONNS ? SY_LIMIT : SY_INBOUND_FULL;
	if (full && !expected)
		return SY_INBOUND_FULL;
	enum sy_err err = sy_switch_listed_ip(sw, remote->ip);
	return err ? err : sy_switch_limit_accept(sw, remote, expected);
}

static enum sy_err ask_reactors(struct sy_switch *sw, const struct sy_netaddr *remote)
{
	enum sy_err err = SY_OK;
	for (uint8_t i = 0; i < sw->num_reactors && !err; i++) {
		struct sy_ctx ctx = {sw, i};
		if (sw->reactors[i]->accept)
			err = sw->reactors[i]->accept(sw->reactors[i]->self, &ctx, remote);
	}
	return err;
}

/* Named by what is stable: us, the other end, the time. */
static uint64_t entity_of_inbound(const struct sy_switch *sw, const struct sy_netaddr *remote)
{
	uint64_t entity = sy_entity_of_bytes(sw->entity, remote->ip, sizeof remote->ip);
	return sy_mix64(entity ^ remote->port ^ sw->now_ns << 17);
}

enum sy_err sy_switch_accept(struct sy_switch *sw, const struct sy_netaddr *remote, struct sy_ref *ref)
{
	struct sy_netaddr at = *remote;
	memset(&at.id, 0, sizeof at.id);
	at.flags = 0;
	enum sy_err err = may_accept(sw, &at);
	if (!err)
		err = ask_reactors(sw, &at);
	struct sy_slot *s = err ? NULL : sy_table_take(&sw->table, sw->env, &at);
	if (!err && (!s || sy_timers_set(&sw->slot_timers, sw->env, s->index, SY_PARKED))) {
		if (s)
			sy_table_give(&sw->table, sw->env, s);
		err = SY_NO_MEMORY;
	}
	sw->accept_changed = sw->news = true;
	if (err) {
		sw->accept_told = UINT32_MAX; /* the transport has counted this one against the window: it is to be told again */
		struct sy_trace refused = {.kind = SY_TRACE_REFUSED, .err = err, .addr = at};
		sy_switch_trace(sw, &refused);
		return err;
	}
	sy_switch_make_room(sw);
	sy_conn_init(&s->conn, false, entity_of_inbound(sw, &at));
	s->flags |= SY_SLOT_TOLD | SY_SLOT_SHUT | SY_SLOT_UPGRADING;
	s->traced_state = SY_CONN_FILTERING;
	s->origin = SY_OWNER;
	sw->accepted++;
	sw->upgrading++;
	*ref = sy_slot_ref(s);
	sy_switch_opened(sw, s);
	sy_switch_watch_room(sw);
	return SY_OK;
}

void sy_switch_upgrade_over(struct sy_switch *sw, struct sy_slot *s)
{
	if (!(s->flags & SY_SLOT_UPGRADING))
		return;
	SY_ASSERT(sw->upgrading > 0);
	s->flags &= ~(uint32_t)SY_SLOT_UPGRADING;
	sw->upgrading--;
	sw->accept_changed = sw->news = true;
}

static void start_handshake(struct sy_switch *sw, struct sy_slot *s)
{
	s->flags |= SY_SLOT_OPEN;
	enum sy_err err = sy_conn_start(&s->conn, &sw->conns, sw->now_ns, s->conn.outbound ? &s->remote.id : NULL);
	sy_switch_note_state(sw, s, SY_OK);
	if (err)
		sy_switch_close(sw, s, err);
	else
		sy_switch_touch(sw, s);
}

static void ask_filter(struct sy_switch *sw, struct sy_slot *s, enum sy_slot_out out)
{
	s->flags |= SY_SLOT_ASKED;
	s->asked_until_ns = sw->now_ns + SY_LIMIT_FILTER_NS;
	s->outs |= (uint8_t)out;
	sy_list_push(&sw->table, SY_LIST_OUT, s);
	sy_switch_touch(sw, s);
}

void sy_switch_opened(struct sy_switch *sw, struct sy_slot *s)
{
	const struct sy_id *id = s->conn.outbound ? &s->remote.id : NULL;
	sy_conn_opened(&s->conn);
	sy_switch_note_state(sw, s, SY_OK);
	if (same_conn(sw, s, &s->remote))
		sy_switch_close(sw, s, SY_DUPLICATE_CONN);
	else if (has_twin(sw, s, &s->remote, id, s->conn.outbound))
		sy_switch_close(sw, s, SY_DUPLICATE_IP);
	else if (sw->config.filter_conns)
		ask_filter(sw, s, SY_SLOT_OUT_FILTER_CONN);
	else
		start_handshake(sw, s);
}

/* The id is known from here on, and what of the node info is kept. SY_NO_MEMORY. */
static enum sy_err keep_identity(struct sy_switch *sw, struct sy_slot *s, const struct sy_conn_identity *identity)
{
	const struct sy_span *moniker = &identity->info.moniker, *version = &identity->info.version;
	uint16_t m = (uint16_t)(moniker->len < SY_LIMIT_TEXT ? moniker->len : SY_LIMIT_TEXT);
	uint16_t v = (uint16_t)(version->len < SY_LIMIT_TEXT ? version->len : SY_LIMIT_TEXT);
	memcpy(s->reported_ip, identity->reported.ip, sizeof s->reported_ip);
	s->reported_port = identity->reported.port;
	s->reported_flags = identity->reported.flags;
	s->text = sy_mem_new(sw->env, sizeof *s->text + m + v + 2u);
	if (!s->text)
		return SY_NO_MEMORY;
	s->text->moniker_len = m;
	s->text->version_len = v;
	memcpy(s->text->text, moniker->ptr, m);
	if (v)
		memcpy(s->text->text + m + 1, version->ptr, v);
	if (!s->conn.outbound) {
		s->remote.id = identity->id;
		s->remote.flags = SY_ADDR_HAS_ID;
		sy_table_name(&sw->table, s);
	}
	if (sy_switch_persistent_peer(sw, &identity->id, s->conn.outbound ? &s->remote : &identity->reported))
		s->flags |= SY_SLOT_PERSISTENT;
	if (sy_switch_is_unconditional(sw, &identity->id))
		s->flags |= SY_SLOT_UNCONDITIONAL;
	return SY_OK;
}

/* D-12: both sides keep the connection that the larger id dialled; two of one direction are told apart by nothing. */
static bool prefers(const struct sy_switch *sw, const struct sy_slot *fresh, const struct sy_slot *old)
{
	if (!sw->policy->tie_break || fresh->conn.outbound == old->conn.outbound)
		return false;
	bool we_are_larger = memcmp(&sw->id, &fresh->remote.id, sizeof sw->id) > 0;
	return fresh->conn.outbound == we_are_larger;
}

static enum sy_err judge_inbound(const struct sy_switch *sw, const struct sy_slot *s)
{
	bool known = s->flags & (SY_SLOT_PERSISTENT | SY_SLOT_UNCONDITIONAL);
	if (sw->policy->ban_applies_inbound && !known && sy_book_is_banned(sw->book, &s->remote.id, sy_switch_wall_s(sw)))
		return SY_BANNED;
	if (s->flags & SY_SLOT_UNCONDITIONAL || (sw->policy->refuse_inbound_early && known))
		return SY_OK;
	if (sw->inbound >= sw->config.max_num_inbound_peers)
		return SY_INBOUND_FULL;
	return known ? SY_OK : sy_switch_limit_places(sw, &s->remote, s);
}

/* SY_OK; *old: the peer that has to make room for this one, or null. */
static enum sy_err judge(const struct sy_switch *sw, const struct sy_slot *s, struct sy_slot **old)
{
	*old = NULL;
	if (!sy_switch_running(sw))
		return SY_NOT_RUNNING;
	if (s->conn.outbound && (s->remote.flags & SY_ADDR_BAD_CASE) && sw->policy->ids_case_sensitive)
		return SY_PEER_WRONG_ID;
	enum sy_err err = sy_switch_listed(sw, &s->remote.id, s->remote.ip);
	if (!err && !s->conn.outbound)
		err = judge_inbound(sw, s);
	if (err)
		return err;
	*old = sy_switch_peer_by_id(sw, &s->remote.id);
	if (*old && !prefers(sw, s, *old))
		return SY_DUPLICATE_ID;
	if (sw->policy->tie_break && !sw->config.allow_duplicate_ip)
		for (struct sy_slot *o = sy_table_first_ip(&sw->table, s->remote.ip); o; o = sy_table_next_ip(&sw->table, o))
			if ((o->flags & SY_SLOT_PEER) && memcmp(&o->remote.id, &s->remote.id, sizeof o->remote.id) != 0)
				return SY_DUPLICATE_IP;
	return SY_OK;
}

/* Source: protocol.md 4.3 rules 3 and 8, 4.4. */
static enum sy_err add_peer(struct sy_switch *sw, struct sy_slot *s)
{
	enum sy_err err = sy_conn_run(&s->conn, &sw->conns, sw->now_ns);
	if (err)
		return err;
	sy_switch_note_state(sw, s, SY_OK);
	sy_switch_upgrade_over(sw, s);
	s->connected_at_ns = sw->now_ns;
	sy_switch_call_init_peer(sw, s);
	if ((err = sy_switch_peers_add(sw, s)))
		return err;
	sy_switch_trace_conn(sw, SY_TRACE_PEER_ADDED, s, s->conn.outbound, 0, SY_OK);
	s->outs |= SY_SLOT_OUT_PEER_UP;
	sy_list_push(&sw->table, SY_LIST_OUT, s);
	sy_switch_call_add_peer(sw, s);
	if (s->flags & SY_SLOT_DIALLING)
		sy_switch_dial_over(sw, s, SY_OK);
	sy_switch_touch(sw, s);
	return SY_OK;
}

/* Both node infos cross before a side judges: a peer may learn from ours whom it has reached. Source: protocol.md 2.1. */
static void refuse(struct sy_switch *sw, struct sy_slot *s, enum sy_err why)
{
	enum sy_err now = sy_conn_turn_away(&s->conn, &sw->conns, sw->now_ns, why);
	if (now)
		sy_switch_close(sw, s, now);
	else
		sy_switch_touch(sw, s);
}

static void admit(struct sy_switch *sw, struct sy_slot *s)
{
	struct sy_slot *old;
	enum sy_err err = judge(sw, s, &old);
	if (err) {
		refuse(sw, s, err);
		return;
	}
	if (old)
		sy_switch_close(sw, old, SY_DUPLICATE_ID);
	if ((err = add_peer(sw, s)))
		sy_switch_close(sw, s, err);
}

void sy_switch_judge(struct sy_switch *sw, struct sy_slot *s, const struct sy_conn_identity *identity)
{
	struct sy_slot *old;
	sy_switch_call_node_info(sw, s, identity, SY_OK);
	enum sy_err err = keep_identity(sw, s, identity);
	enum sy_err why = err ? SY_OK : judge(sw, s, &old);
	if (err)
		sy_switch_close(sw, s, err);
	else if (why)
		refuse(sw, s, why);
	else if (sw->config.filter_peers)
		ask_filter(sw, s, SY_SLOT_OUT_FILTER_PEER);
	else
		admit(sw, s);
}

enum sy_err sy_switch_verdict(struct sy_switch *sw, struct sy_slot *s, enum sy_err verdict)
{
	if (!(s->flags & SY_SLOT_ASKED) || (s->flags & SY_SLOT_DEAD))
		return SY_INVALID;
	s->flags &= ~(uint32_t)SY_SLOT_ASKED;
	s->outs &= (uint8_t) ~(SY_SLOT_OUT_FILTER_CONN | SY_SLOT_OUT_FILTER_PEER);
	if (verdict && s->conn.state == SY_CONN_JUDGING)
		refuse(sw, s, SY_FILTERED);
	else if (verdict)
		sy_switch_close(sw, s, SY_FILTERED);
	else if (s->conn.state == SY_CONN_FILTERING)
		start_handshake(sw, s);
	else
		admit(sw, s);
	if (s->conn.state == SY_CONN_RUNNING)
		sy_switch_bytes(sw, s, (struct sy_span){NULL, 0}); /* what came right behind the node info */
	return SY_OK;
}
