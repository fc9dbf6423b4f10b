/* Calling reactors, always in the order of registration; their start, their timers. Source: protocol.md 4.3. */
#include "core/switch/switch.h"

#include "core/base/assert.h"

/* All are started; the node runs when the last one has decided. Source: protocol.md 4.3 rule 2, 4.11, 5.3. */
static void decided(struct sy_switch *sw)
{
	if (sw->state != SY_SWITCH_STARTING || sw->undecided || sw->started < sw->num_reactors)
		return;
	sw->state = SY_SWITCH_RUNNING;
	sw->tell_started = sw->news = true;
	sw->started_err = SY_OK;
	sw->accept_changed = sw->news = true;
	sy_switch_dial_persistent(sw);
}

/* A reactor that does not start ends the start of the node; those that run keep running until the stop, as upstream's do. */
static void refused(struct sy_switch *sw, enum sy_err err)
{
	sw->state = SY_SWITCH_FAILED;
	sw->tell_started = sw->news = true;
	sw->started_err = (int16_t)err;
	sw->undecided = 0;
}

void sy_switch_start(struct sy_switch *sw, uint64_t wall_ns)
{
	SY_ASSERT(sw->state == SY_SWITCH_NEW);
	sw->wall_ns = wall_ns;
	sw->wall_at_ns = sw->now_ns;
	sw->state = SY_SWITCH_STARTING;
	for (uint32_t i = 0; i < sw->num_reactors && sw->state == SY_SWITCH_STARTING; i++) {
		const struct sy_reactor *r = sw->reactors[i];
		struct sy_ctx ctx = {sw, (uint8_t)i};
		/* Set before the call: a reactor may take its answer back at once with sy_ctx_started. */
		sw->undecided |= 1u << i;
		enum sy_err err = r->start ? r->start(r->self, &ctx) : SY_OK;
		if (err && err != SY_AGAIN) {
			refused(sw, err);
			return;
		}
		sw->started++;
		if (!err)
			sw->undecided &= ~(1u << i);
	}
	decided(sw);
}

void sy_switch_reactor_decided(struct sy_switch *sw, uint8_t reactor, enum sy_err err)
{
	if (sw->state != SY_SWITCH_STARTING || !(sw->undecided & 1u << reactor))
		return;
	sw->undecided &= ~(1u << reactor);
	if (err)
		refused(sw, err);
	else
		decided(sw);
}

void sy_switch_call_stop(struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->started; i++) {
		const struct sy_reactor *r = sw->reactors[i];
		struct sy_ctx ctx = {sw, (uint8_t)i};
		if (r->stop)
			r->stop(r->self, &ctx);
	}
	sw->started = 0;
}

void sy_switch_call_init_peer(struct sy_switch *sw, struct sy_slot *s)
{
	struct sy_peer peer;
	s->flags |= SY_SLOT_INITED;
	sy_switch_view(sw, s, &peer);
	for (uint32_t i = 0; i < sw->num_reactors; i++) {
		const struct sy_reactor *r = sw->reactors[i];
		struct sy_ctx ctx = {sw, (uint8_t)i};
		if (r->init_peer)
			r->init_peer(r->self, &ctx, &peer);
	}
}

void sy_switch_call_add_peer(struct sy_switch *sw, struct sy_slot *s)
{
	struct sy_peer peer;
	sy_switch_view(sw, s, &peer);
	for (uint32_t i = 0; i < sw->num_reactors; i++) {
		const struct sy_reactor *r = sw->reactors[i];
		struct sy_ctx ctx = {sw, (uint8_t)i};
		if (r->add_peer)
			r->add_peer(r->self, &ctx, &peer);
	}
}

void sy_switch_call_remove_peer(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason)
{
	struct sy_peer peer;
	sy_switch_view(sw, s, &peer);
	for (uint32_t i = 0; i < sw->num_reactors; i++) {
		const struct sy_reactor *r = sw->reactors[i];
		struct sy_ctx ctx = {sw, (uint8_t)i};
		if (r->remove_peer)
			r->remove_peer(r->self, &ctx, &peer, reason);
	}
	s->flags &= ~(uint32_t)SY_SLOT_INITED;
}

void sy_switch_call_node_info(struct sy_switch *sw, const struct sy_slot *s, const struct sy_conn_identity *identity, enum sy_err err)
{
	struct sy_netaddr addr = s->remote;
	addr.id = identity->id;
	addr.flags |= SY_ADDR_HAS_ID;
	for (uint32_t i = 0; i < sw->num_reactors; i++) {
		const struct sy_reactor *r = sw->reactors[i];
		struct sy_ctx ctx = {sw, (uint8_t)i};
		if (r->node_info)
			r->node_info(r->self, &ctx, &addr, &identity->info, err);
	}
}

void sy_switch_call_timer(struct sy_switch *sw, uint32_t timer)
{
	SY_ASSERT(timer < sw->num_timers && sw->timers[timer].used);
	struct sy_reactor_timer t = sw->timers[timer];
	sw->timers[timer].used = false;
	const struct sy_reactor *r = sw->reactors[t.reactor];
	struct sy_ctx ctx = {sw, t.reactor};
	if (r->timer)
		r->timer(r->self, &ctx, t.token);
}

/* The reactor's timer with this token, or a free place (*mine: how many it has); UINT32_MAX: neither is there yet. */
static uint32_t find_timer(const struct sy_switch *sw, uint8_t reactor, uint64_t token, bool *found, uint32_t *mine)
{
	uint32_t place = UINT32_MAX;
	*found = false;
	*mine = 0;
	for (uint32_t i = 0; i < sw->num_timers; i++) {
		const struct sy_reactor_timer *t = &sw->timers[i];
		if (!t->used && place == UINT32_MAX)
			place = i;
		if (!t->used || t->reactor != reactor)
			continue;
		(*mine)++;
		if (t->token == token) {
			*found = true;
			return i;
		}
	}
	return place;
}

enum sy_err sy_switch_set_timer(struct sy_switch *sw, uint8_t reactor, uint64_t token, uint64_t at_ns)
{
	bool found;
	uint32_t mine;
	uint32_t i = find_timer(sw, reactor, token, &found, &mine);
	if (at_ns == SY_NEVER) {
		if (!found)
			return SY_OK;
		sw->timers[i].used = false;
		return sy_timers_set(&sw->reactor_timers, sw->env, i, SY_NEVER);
	}
	if (!found && mine >= SY_LIMIT_REACTOR_TIMERS)
		return SY_LIMIT;
	if (i == UINT32_MAX) {
		i = sw->num_timers;
		if (!sy_mem_grow(sw->env, (void **)&sw->timers, &sw->timers_cap, i + 1, sizeof *sw->timers))
			return SY_NO_MEMORY;
		sw->num_timers++;
		sw->timers[i].used = false;
	}
	enum sy_err err = sy_timers_set(&sw->reactor_timers, sw->env, i, at_ns);
	if (err)
		return err;
	sw->timers[i] = (struct sy_reactor_timer){.token = token, .reactor = reactor, .used = true};
	return SY_OK;
}
