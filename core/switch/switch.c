#include "core/switch/switch.h"

#include "core/wire/addr_text.h"

#include "core/base/assert.h"

#include <string.h>

/* Pointers of the configuration are borrowed until sy_node_new returns: none is kept. */
static void keep_numbers(struct sy_switch *sw, const struct sy_config *config)
{
	sw->config = *config;
	sw->config.name = NULL;
	sw->config.listen_addr = NULL;
	sw->config.laddr = NULL;
	sw->config.network = NULL;
	sw->config.version = NULL;
	sw->config.moniker = NULL;
	sw->config.tx_index = NULL;
	sw->config.rpc_address = NULL;
	sw->config.extra_channels = NULL;
	sw->config.seeds = NULL;
	sw->config.persistent_peers = NULL;
	sw->config.unconditional_peer_ids = NULL;
	sw->config.private_peer_ids = NULL;
}

enum sy_err sy_switch_init(struct sy_switch *sw, const struct sy_env *env, const struct sy_config *config,
                           const struct sy_reactor *reactors, size_t num_reactors, const char **what)
{
	sw->env = env;
	sw->policy = sy_policy_of(config->profile);
	keep_numbers(sw, config);
	sy_id_from_pubkey(&sw->id, config->pubkey);
	sw->entity = sy_entity_of_bytes(0, config->name, strlen(config->name));
	sy_tracer_init(&sw->tracer);
	sy_table_init(&sw->table);
	sy_timers_init(&sw->slot_timers);
	sy_timers_init(&sw->redial_timers);
	sy_timers_init(&sw->reactor_timers);
	sy_channel_set_init(&sw->channels);
	sw->book = sy_book_new(env, sw->policy, config->addr_book_strict, sw->entity);
	if (!sw->book)
		return SY_NO_MEMORY;
	sw->lists.allow_only = config->allow_list_only;
	sy_book_set_lists(sw->book, &sw->lists);
	enum sy_err err = sy_switch_parse_lists(sw, config, what);
	for (size_t i = 0; !err && i < num_reactors; i++) {
		err = sy_switch_register(sw, &reactors[i]);
		if (err)
			*what = "reactors";
	}
	return err;
}

enum sy_err sy_switch_register(struct sy_switch *sw, const struct sy_reactor *reactor)
{
	if (sw->num_reactors >= SY_LIMIT_REACTORS || !reactor->name)
		return SY_INVALID;
	uint8_t index = (uint8_t)sw->num_reactors;
	for (size_t i = 0; i < reactor->num_channels; i++)
		if (sy_channel_set_add(&sw->channels, &reactor->channels[i], index))
			return SY_INVALID;
	sw->reactors[index] = reactor;
	uint64_t entity = sy_entity_of_bytes(sw->entity, reactor->name, strlen(reactor->name));
	sy_rng_init(&sw->reactor_rng[index], SY_RAND_REACTOR, entity);
	sw->num_reactors++;
	return SY_OK;
}

/* Advertised: what the configuration adds, then the reactors' channels. Source: protocol.md 0.3. */
static enum sy_err advertise(struct sy_switch *sw, const struct sy_config *config)
{
	uint32_t n = 0;
	bool seen[256] = {false};
	for (size_t i = 0; i < config->num_extra_channels; i++) {
		uint8_t id = config->extra_channels[i];
		if (seen[id] || n == SY_LIMIT_CHANNELS)
			return SY_INVALID;
		seen[id] = true;
		sw->info_channels[n++] = id;
	}
	for (uint32_t i = 0; i < sw->channels.count; i++) {
		uint8_t id = sw->channels.channel[i].id;
		if (seen[id])
			continue;
		if (n == SY_LIMIT_CHANNELS)
			return SY_INVALID;
		sw->info_channels[n++] = id;
	}
	sw->info.channels.ptr = sw->info_channels;
	sw->info.channels.len = n;
	return SY_OK;
}

/* Who hears of us behind a proxy or a translator may hear of the inner address, too: it is ours all the same (D-37). */
static enum sy_err own_laddr(struct sy_switch *sw, const struct sy_config *config)
{
	struct sy_netaddr at = {.id = sw->id, .flags = SY_ADDR_HAS_ID};
	char host[SY_HOST_TEXT];
	if (!config->laddr || !sw->policy->own_by_ip)
		return SY_OK;
	struct sy_span text = {(const uint8_t *)config->laddr, strlen(config->laddr)};
	if (sy_addr_parse_hostport(sy_addr_strip_scheme(text), &at, host))
		return SY_INVALID;
	if (sy_netaddr_valid(&at))
		sy_book_add_own(sw->book, &at);
	return SY_OK;
}

enum sy_err sy_switch_seal(struct sy_switch *sw, const struct sy_config *config, const char **what)
{
	*what = "node_info";
	enum sy_err err = sy_switch_copy_texts(sw, config);
	if (err)
		return err;
	*what = "extra_channels";
	if ((err = advertise(sw, config)))
		return err;
	sy_book_set_own_id(sw->book, &sw->id);
	char host[SY_HOST_TEXT];
	err = sy_node_info_validate(&sw->info, &sw->own_addr, host, what);
	if (err == SY_ADDR_NEEDS_DNS)
		memset(&sw->own_addr, 0, sizeof sw->own_addr);
	else if (err)
		return SY_INVALID;
	else
		sy_book_add_own(sw->book, &sw->own_addr);
	*what = "laddr";
	if ((err = own_laddr(sw, config)))
		return err;
	*what = NULL;
	err = sy_conn_shared_init(&sw->conns, sw->env, sw->policy, &sw->channels, config, &sw->info, &sw->id);
	sw->sealed = err == SY_OK;
	return err;
}

static void free_slots(struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->table.cap; i++) {
		struct sy_slot *s = sy_table_at(&sw->table, i);
		if (!s)
			continue;
		sy_conn_fini(&s->conn, &sw->conns);
		sy_table_give(&sw->table, sw->env, s);
	}
}

void sy_switch_fini(struct sy_switch *sw)
{
	const struct sy_env *env = sw->env;
	free_slots(sw);
	sy_switch_free_inbox(sw);
	sy_switch_free_lookups(sw);
	sy_switch_free_lists(sw);
	sy_switch_free_rates(sw);
	sy_lists_fini(&sw->lists, env);
	sy_mem_free(env, sw->peers, sw->peers_cap * sizeof *sw->peers);
	sy_mem_free(env, sw->waits, sw->waits_cap * sizeof *sw->waits);
	sy_mem_free(env, sw->timers, sw->timers_cap * sizeof *sw->timers);
	sy_timers_fini(&sw->slot_timers, env);
	sy_timers_fini(&sw->redial_timers, env);
	sy_timers_fini(&sw->reactor_timers, env);
	if (sw->sealed)
		sy_conn_shared_fini(&sw->conns);
	sy_table_fini(&sw->table, env);
	sy_switch_free_texts(sw);
	if (sw->book)
		sy_book_free(sw->book);
	sy_tracer_fini(&sw->tracer, env);
}

uint64_t sy_switch_wall_s(const struct sy_switch *sw)
{
	return (sw->wall_ns + (sw->now_ns - sw->wall_at_ns)) / SY_SECOND;
}

void sy_switch_trace(struct sy_switch *sw, const struct sy_trace *record)
{
	struct sy_trace r = *record;
	r.now_ns = sw->now_ns;
	sy_tracer_put(&sw->tracer, sw->env, &r);
}

void sy_switch_trace_conn(struct sy_switch *sw, enum sy_trace_kind kind, const struct sy_slot *s, uint64_t a, uint64_t b, enum sy_err err)
{
	struct sy_trace r = {.kind = kind, .err = err, .conn = sy_slot_ref(s), .addr = s->remote, .a = a, .b = b};
	sy_switch_trace(sw, &r);
}
