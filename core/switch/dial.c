/* Dialling: who may be dialled now, and who hears of it. Source: protocol.md 4.8; D-09, D-14, D-32. */
#include "core/switch/switch.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

#include <string.h>

/* D-14: PEX alone keeps the outbound cap upstream. Ours holds whatever a reactor asks; a seed crawls beyond it. */
static bool cap_reached(const struct sy_switch *sw)
{
	return sw->policy->outbound_cap_in_switch && !sw->config.seed_mode &&
	       sw->capped_peers + sw->capped_dials >= sw->config.max_num_outbound_peers;
}

static bool counts_against_cap(const struct sy_switch *sw, const struct sy_netaddr *addr)
{
	return !sy_switch_persistent(sw, addr) && !sy_switch_is_unconditional(sw, &addr->id);
}

static enum sy_err may_dial(const struct sy_switch *sw, const struct sy_netaddr *addr, bool capped)
{
	if (!sy_switch_running(sw))
		return SY_NOT_RUNNING;
	if (!(addr->flags & SY_ADDR_HAS_ID))
		return SY_ADDR_NO_ID;
	if (sy_switch_is_busy(sw, addr))
		return SY_DIALLING_OR_CONNECTED;
	if (sw->dialling >= SY_LIMIT_DIALS)
		return SY_LIMIT;
	if (capped && counts_against_cap(sw, addr) && cap_reached(sw))
		return SY_LIMIT;
	return sy_switch_listed(sw, &addr->id, addr->ip);
}

/* Named by what is stable: us, whom we dial, the time. */
static uint64_t entity_of_dial(const struct sy_switch *sw, const struct sy_netaddr *addr)
{
	uint64_t entity = sy_entity_of_id(sw->entity, &addr->id);
	entity = sy_entity_of_bytes(entity, addr->ip, sizeof addr->ip);
	return sy_mix64(entity ^ addr->port ^ sw->now_ns << 17);
}

static void begin(struct sy_switch *sw, struct sy_slot *s, uint8_t origin)
{
	s->origin = origin;
	s->flags |= SY_SLOT_DIALLING | SY_SLOT_SHUT;
	if (counts_against_cap(sw, &s->remote)) {
		s->flags |= SY_SLOT_CAPPED;
		sw->capped_dials++;
	}
	sw->dialling++;
	sy_table_name(&sw->table, s);
	sy_conn_init(&s->conn, true, entity_of_dial(sw, &s->remote));
	s->traced_state = SY_CONN_DIALLING;
	s->outs |= SY_SLOT_OUT_DIAL;
	sy_list_push(&sw->table, SY_LIST_OUT, s);
	sw->accept_changed = sw->news = true; /* one slot less */
	struct sy_trace r = {.kind = SY_TRACE_DIAL, .conn = sy_slot_ref(s), .addr = s->remote};
	sy_switch_trace(sw, &r);
}

/* SY_LIMIT, SY_NO_MEMORY. */
static enum sy_err dial(struct sy_switch *sw, const struct sy_netaddr *addr, uint8_t origin, struct sy_slot **out)
{
	if (sw->table.count >= SY_LIMIT_CONNS)
		return SY_LIMIT;
	struct sy_slot *s = sy_table_take(&sw->table, sw->env, addr);
	if (!s)
		return SY_NO_MEMORY;
	if (sy_timers_set(&sw->slot_timers, sw->env, s->index, SY_PARKED)) {
		sy_table_give(&sw->table, sw->env, s);
		return SY_NO_MEMORY;
	}
	begin(sw, s, origin);
	*out = s;
	return SY_OK;
}

enum sy_err sy_switch_dial(struct sy_switch *sw, const struct sy_netaddr *addr, uint8_t origin, struct sy_slot **out)
{
	struct sy_slot *s = NULL;
	enum sy_err err = may_dial(sw, addr, origin < SY_LIMIT_REACTORS);
	if (!err)
		err = dial(sw, addr, origin, &s);
	if (out)
		*out = s;
	return err;
}

/* May it make room for another? Not who is expected back or promised a place. */
static bool can_go(const struct sy_slot *s)
{
	return s->flags & SY_SLOT_PEER && s->flags & SY_SLOT_CAPPED && !(s->flags & (SY_SLOT_DEAD | SY_SLOT_PERSISTENT));
}

static uint32_t how_many_can_go(const struct sy_switch *sw, const struct sy_slot *but)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < sw->num_peers; i++) {
		const struct sy_slot *s = sy_table_at(&sw->table, sw->peers[i]);
		n += s != but && can_go(s);
	}
	return n;
}

enum sy_err sy_switch_swap(struct sy_switch *sw, const struct sy_netaddr *addr, uint8_t origin)
{
	struct sy_slot *s;
	enum sy_err err = may_dial(sw, addr, false);
	if (err)
		return err;
	if (sw->capped_dials || sw->capped_peers > sw->config.max_num_outbound_peers || !how_many_can_go(sw, NULL))
		return SY_LIMIT;
	err = dial(sw, addr, origin, &s);
	if (!err)
		s->flags |= SY_SLOT_SWAP;
	return err;
}

/* D-32: the n-th of those that can go, n drawn in the name of the connection that takes the place. */
static void make_room(struct sy_switch *sw, const struct sy_slot *for_)
{
	uint32_t n = how_many_can_go(sw, for_);
	if (sw->capped_peers <= sw->config.max_num_outbound_peers || !n)
		return;
	struct sy_rng rng;
	sy_rng_init(&rng, SY_RAND_SWAP, for_->conn.entity);
	uint64_t nth = sy_rng_below(&rng, sw->env, n);
	for (uint32_t i = 0; i < sw->num_peers; i++) {
		struct sy_slot *s = sy_table_at(&sw->table, sw->peers[i]);
		if (s != for_ && can_go(s) && nth-- == 0) {
			sy_switch_ask_stop(sw, s, SY_STOPPED, false);
			return;
		}
	}
}

void sy_switch_dial_over(struct sy_switch *sw, struct sy_slot *s, enum sy_err err)
{
	SY_ASSERT(s->flags & SY_SLOT_DIALLING && sw->dialling > 0);
	s->flags &= ~(uint32_t)SY_SLOT_DIALLING;
	sw->dialling--;
	if (s->flags & SY_SLOT_CAPPED)
		sw->capped_dials--;
	struct sy_trace r = {.kind = SY_TRACE_DIAL_DONE, .err = err, .conn = sy_slot_ref(s), .addr = s->remote};
	sy_switch_trace(sw, &r);
	if (err == SY_PEER_SELF) {
		/* Source: protocol.md 4.8, 8.8: the address is one of ours. */
		sy_book_add_own(sw->book, &s->remote);
		sy_book_remove(sw->book, &s->remote.id);
	}
	if (err == SY_OK && s->flags & SY_SLOT_SWAP)
		make_room(sw, s);
	sy_switch_redial_outcome(sw, s, err);
	if (s->origin < sw->num_reactors && sw->reactors[s->origin]->dial_done) {
		struct sy_ctx ctx = {sw, s->origin};
		struct sy_netaddr addr = s->remote;
		sw->reactors[s->origin]->dial_done(sw->reactors[s->origin]->self, &ctx, &addr, err);
	}
}
