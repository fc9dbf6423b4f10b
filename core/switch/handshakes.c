/*
 * Which handshake gives way when as many are in flight as may be (D-18): the one that has made no progress for longest, once
 * that is YIELD_NS. Silent strangers would otherwise keep everybody out for as long as a handshake may take; whoever is slow
 * but comes on keeps its place, as each phase of a handshake starts anew.
 */
#include "core/switch/switch.h"

#define YIELD_NS SY_SECOND /* a round trip and a repeated SYN or two fit in */

/* From when on a place may be taken away; SY_NEVER: no handshake, or its owner is being asked. */
static uint64_t yields_at(const struct sy_switch *sw, const struct sy_slot *s)
{
	if (!(s->flags & SY_SLOT_UPGRADING) || (s->flags & SY_SLOT_DEAD) || s->conn.deadline_ns == SY_NEVER)
		return SY_NEVER;
	return s->conn.deadline_ns - sw->conns.handshake_timeout_ns + YIELD_NS;
}

static bool is_full(const struct sy_switch *sw)
{
	return sw->policy->refuse_inbound_early && sw->upgrading >= SY_LIMIT_HANDSHAKES;
}

/* The one that may yield first; of equal ones that of the lower slot. */
static struct sy_slot *longest_idle(const struct sy_switch *sw)
{
	struct sy_slot *first = NULL;
	for (uint32_t i = 0; i < sw->table.cap; i++) {
		struct sy_slot *s = sy_table_at(&sw->table, i);
		if (s && yields_at(sw, s) < (first ? yields_at(sw, first) : SY_NEVER))
			first = s;
	}
	return first;
}

struct sy_slot *sy_switch_yielding(const struct sy_switch *sw)
{
	struct sy_slot *s = is_full(sw) ? longest_idle(sw) : NULL;
	return s && yields_at(sw, s) <= sw->now_ns ? s : NULL;
}

uint64_t sy_switch_yield_ns(const struct sy_switch *sw, const struct sy_slot *s)
{
	uint64_t at = is_full(sw) ? yields_at(sw, s) : SY_NEVER;
	return at > sw->now_ns ? at : SY_NEVER;
}

void sy_switch_make_room(struct sy_switch *sw)
{
	struct sy_slot *s = sy_switch_yielding(sw);
	if (s)
		sy_switch_close(sw, s, SY_LIMIT);
}

void sy_switch_watch_room(struct sy_switch *sw)
{
	struct sy_slot *s = is_full(sw) ? longest_idle(sw) : NULL;
	if (!s)
		return;
	sw->accept_told = UINT32_MAX; /* the window may be 1 again, but the transport has counted the newcomer against it */
	sy_switch_touch(sw, s);
}
