/* The configured lists: persistent peers, unconditional and private ids. Source: protocol.md 0.4, 4.2, 4.6, 4.8. */
#include "core/switch/switch.h"

#include <string.h>

/* False: the id is written in upper case, and upstream's comparison of texts never matches it (protocol.md 1.2). */
static bool usable(const struct sy_switch *sw, bool bad_case)
{
	return !(bad_case && sw->policy->ids_case_sensitive);
}

static enum sy_err parse_id(const char *text, struct sy_id *id, bool *bad_case)
{
	return text && !sy_id_parse(text, strlen(text), id, bad_case) ? SY_OK : SY_INVALID;
}

static enum sy_err parse_unconditional(struct sy_switch *sw, const struct sy_config *config)
{
	size_t n = config->num_unconditional_peer_ids;
	if (n == 0)
		return SY_OK;
	if (n > SY_LIMIT_ID_LIST)
		return SY_INVALID;
	sw->unconditional = sy_mem_new(sw->env, n * sizeof *sw->unconditional);
	if (!sw->unconditional)
		return SY_NO_MEMORY;
	/* The list's whole length counts in upstream's accept cap, so ids that never match are kept as zeros. */
	sw->num_unconditional = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct sy_id id;
		bool bad_case = false;
		if (parse_id(config->unconditional_peer_ids[i], &id, &bad_case))
			return SY_INVALID;
		if (usable(sw, bad_case))
			sw->unconditional[i] = id;
	}
	return SY_OK;
}

static enum sy_err parse_private(struct sy_switch *sw, const struct sy_config *config)
{
	if (config->num_private_peer_ids > SY_LIMIT_ID_LIST)
		return SY_INVALID;
	for (size_t i = 0; i < config->num_private_peer_ids; i++) {
		struct sy_id id;
		bool bad_case = false;
		if (parse_id(config->private_peer_ids[i], &id, &bad_case))
			return SY_INVALID;
		if (usable(sw, bad_case))
			sy_book_add_private(sw->book, &id);
	}
	return SY_OK;
}

static enum sy_err parse_persistent_one(struct sy_switch *sw, const char *text, struct sy_redial *entry)
{
	char host[SY_HOST_TEXT];
	enum sy_err err = text ? sy_netaddr_parse(text, &entry->addr, host) : SY_ADDR_INVALID;
	entry->persistent = true;
	entry->resolved = err == SY_OK;
	if (err != SY_ADDR_NEEDS_DNS)
		return err ? SY_INVALID : SY_OK;
	size_t n = strlen(host) + 1;
	entry->host = sy_mem_new(sw->env, n);
	if (!entry->host)
		return SY_NO_MEMORY;
	memcpy(entry->host, host, n);
	return SY_OK;
}

/* Room in the heap for the loops of all persistent peers, so that none can end for want of memory. */
static enum sy_err reserve_timers(struct sy_switch *sw)
{
	enum sy_err err = SY_OK;
	for (uint32_t i = 0; !err && i < sw->num_persistent; i++)
		err = sy_timers_set(&sw->redial_timers, sw->env, i, SY_PARKED);
	for (uint32_t i = 0; !err && i < sw->num_persistent; i++)
		err = sy_timers_set(&sw->redial_timers, sw->env, i, SY_NEVER);
	return err;
}

static enum sy_err parse_persistent(struct sy_switch *sw, const struct sy_config *config)
{
	size_t n = config->num_persistent_peers;
	if (n > SY_LIMIT_PERSISTENT)
		return SY_INVALID;
	if (!sy_mem_grow(sw->env, (void **)&sw->redials, &sw->redials_cap, (uint32_t)n, sizeof *sw->redials))
		return SY_NO_MEMORY;
	enum sy_err err = SY_OK;
	for (size_t i = 0; !err && i < n; i++) {
		/* Counted first, so that what a failure leaves behind is freed with the others. */
		sw->num_persistent = sw->num_redials = (uint32_t)i + 1;
		err = parse_persistent_one(sw, config->persistent_peers[i], &sw->redials[i]);
	}
	return err ? err : reserve_timers(sw);
}

enum sy_err sy_switch_parse_lists(struct sy_switch *sw, const struct sy_config *config, const char **what)
{
	enum sy_err err;
	*what = "unconditional_peer_ids";
	if ((err = parse_unconditional(sw, config)))
		return err;
	*what = "private_peer_ids";
	if ((err = parse_private(sw, config)))
		return err;
	*what = "persistent_peers";
	if ((err = parse_persistent(sw, config)))
		return err;
	*what = NULL;
	return SY_OK;
}

void sy_switch_free_lists(struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->num_redials; i++)
		if (sw->redials[i].host)
			sy_mem_free(sw->env, sw->redials[i].host, strlen(sw->redials[i].host) + 1);
	sy_mem_free(sw->env, sw->redials, sw->redials_cap * sizeof *sw->redials);
	sy_mem_free(sw->env, sw->unconditional, sw->num_unconditional * sizeof *sw->unconditional);
	sw->redials = NULL;
	sw->unconditional = NULL;
	sw->num_redials = sw->redials_cap = sw->num_unconditional = 0;
}

bool sy_switch_is_unconditional(const struct sy_switch *sw, const struct sy_id *id)
{
	for (uint32_t i = 0; i < sw->num_unconditional; i++)
		if (memcmp(&sw->unconditional[i], id, sizeof *id) == 0)
			return true;
	return false;
}

static bool same_place(const struct sy_netaddr *a, const struct sy_netaddr *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

struct sy_redial *sy_switch_persistent(const struct sy_switch *sw, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < sw->num_persistent; i++) {
		struct sy_redial *r = &sw->redials[i];
		if (!r->gone && r->resolved && memcmp(&r->addr.id, &addr->id, sizeof addr->id) == 0 && same_place(&r->addr, addr) &&
		    usable(sw, (r->addr.flags ^ addr->flags) & SY_ADDR_BAD_CASE))
			return r;
	}
	return NULL;
}

struct sy_redial *sy_switch_persistent_peer(const struct sy_switch *sw, const struct sy_id *id, const struct sy_netaddr *addr)
{
	if (!sw->policy->reconnect_forever)
		return addr->flags ? sy_switch_persistent(sw, addr) : NULL;
	for (uint32_t i = 0; i < sw->num_persistent; i++)
		if (memcmp(&sw->redials[i].addr.id, id, sizeof *id) == 0)
			return &sw->redials[i];
	return NULL;
}
