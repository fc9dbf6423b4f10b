/*
 * Block and allow lists where the switch decides: before a handshake by the address alone, then by id and address, for
 * both directions. Source: D-36.
 */
#include "core/switch/switch.h"

#include <string.h>

/* Named by the configuration: whoever names them means it, so allow_list_only does not concern them. A rule against them does. */
static bool is_named(const struct sy_switch *sw, const struct sy_id *id)
{
	for (uint32_t i = 0; i < sw->num_persistent; i++)
		if (memcmp(&sw->redials[i].addr.id, id, sizeof *id) == 0)
			return true;
	return sy_switch_is_unconditional(sw, id);
}

enum sy_err sy_switch_listed_ip(const struct sy_switch *sw, const uint8_t ip[16])
{
	const struct sy_lists *l = &sw->lists;
	if (!sy_lists_refuses(l, NULL, ip) || sy_lists_allow_ids(l))
		return SY_OK;
	bool by_id = !sy_lists_blocks(l, NULL, ip) && (sw->num_persistent || sw->num_unconditional);
	return by_id ? SY_OK : SY_BLOCKED;
}

enum sy_err sy_switch_listed(const struct sy_switch *sw, const struct sy_id *id, const uint8_t ip[16])
{
	if (!sy_lists_refuses(&sw->lists, id, ip))
		return SY_OK;
	return sy_lists_blocks(&sw->lists, id, ip) || !is_named(sw, id) ? SY_BLOCKED : SY_OK;
}

/* Whether the lists refuse a connection, as far as it is known. */
static bool is_refused(const struct sy_switch *sw, const struct sy_slot *s)
{
	if (s->conn.outbound || s->flags & SY_SLOT_HAS_ID)
		return sy_switch_listed(sw, &s->remote.id, s->remote.ip) != SY_OK;
	return sy_switch_listed_ip(sw, s->remote.ip) != SY_OK;
}

enum sy_err sy_switch_take_lists(struct sy_switch *sw, struct sy_span rules, uint32_t *gone)
{
	enum sy_err err = sy_lists_load(&sw->lists, sw->env, rules);
	if (err)
		return err;
	*gone = sy_book_purge(sw->book);
	for (uint32_t i = 0; i < sw->table.cap; i++) {
		struct sy_slot *s = sy_table_at(&sw->table, i);
		if (s && !(s->flags & SY_SLOT_DEAD) && is_refused(sw, s))
			sy_switch_ask_stop(sw, s, SY_BLOCKED, false);
	}
	return SY_OK;
}
