/* The simulated world: the event engine, the virtual network, and a host a node. Everything is a function of the seed. */
#include <stdlib.h>
#include <string.h>

#include "sim/engine/engine.h"
#include "sim/engine/rand.h"
#include "sim/world/impl.h"
#ifdef SY_PLANTED
#include "tests/planted/nondeterminism.h"
#endif

struct sim_world {
	struct sim_engine *engine;
	struct sim_net *net;
	/* Three sources, so that an observer more or less leaves the script's order alone. */
	struct sim_source faults, script, observers;
	struct sim_probe probe; /* where a record is kept */
	char **regions;
	size_t num_regions;
};

#define DEFAULT_LATENCY_NS 20000000u /* without a network block: 20 ms, no loss, unlimited rate */
#define SIM_PORT 26656u              /* CometBFT's p2p port */

static struct sim_world *sim_of(const struct world *w)
{
	return w->backend;
}

static uint64_t sim_now(const struct world *w)
{
	return sim_of(w)->engine->now_ns;
}

static bool keep_regions(struct sim_world *sim, const struct sim_net_config *config)
{
	if (config->num_regions == 0)
		return true;
	sim->regions = calloc(config->num_regions, sizeof *sim->regions);
	if (sim->regions == NULL)
		return false;
	for (; sim->num_regions < config->num_regions; sim->num_regions++) {
		sim->regions[sim->num_regions] = strdup(config->regions[sim->num_regions]);
		if (sim->regions[sim->num_regions] == NULL)
			return false;
	}
	return true;
}

static enum sy_err sim_network(struct world *w, const struct sim_net_config *config, const char **what)
{
	struct sim_world *sim = sim_of(w);

	if (sim->net != NULL)
		return world_say(w, what, SY_INVALID, "the network is described once, before the first node");
	if (!keep_regions(sim, config))
		return SY_NO_MEMORY;
	return sim_net_new(&sim->net, sim->engine, config, what);
}

static enum sy_err default_network(struct world *w, const char **what)
{
	struct sim_net_config config = {
	    .tcp = w->options.tcp,
	    .link = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = DEFAULT_LATENCY_NS}, .mtu = 1500},
	};

	return sim_network(w, &config, what);
}

static enum sy_err region_index(struct world *w, const char *name, int *index, const char **what)
{
	struct sim_world *sim = sim_of(w);

	*index = -1;
	if (name == NULL)
		return SY_OK;
	for (size_t i = 0; i < sim->num_regions; i++) {
		if (strcmp(sim->regions[i], name) == 0) {
			*index = (int)i;
			return SY_OK;
		}
	}
	return world_say(w, what, SY_INVALID, "the network has no region \"%.60s\"", name);
}

/* Where it is found and where it listens, as its host has it now. */
static void take_address(struct world_node *n)
{
	struct sy_netaddr at;

	n->hidden = !sim_host_outside(n->host, &at);
	memcpy(n->addr.ip, at.ip, sizeof at.ip);
	n->addr.port = at.port != 0 ? at.port : SIM_PORT;
	sim_host_address(n->host, &n->listen_at);
	n->listen_at.port = SIM_PORT;
}

static enum sy_err place_host(struct world_node *n, const struct world_node_config *config, const char **what)
{
	struct sim_site *site = config->site == NULL ? NULL : sim_site_find(sim_of(n->w)->net, config->site);
	enum sy_err err = SY_OK;

	if (config->site != NULL && site == NULL)
		return world_say(n->w, what, SY_INVALID, "there is no site \"%.60s\"; it is described before its nodes", config->site);
	if (config->line.latency_ns != 0 || config->line.up_bits != 0 || config->line.down_bits != 0 || config->line.queue_bytes != 0)
		err = sim_host_line(n->host, &config->line);
	if (err == SY_OK && site != NULL)
		err = sim_site_join(site, n->host, config->ip != NULL, config->forward, SIM_PORT);
	if (err == SY_IN_USE)
		return world_say(n->w, what, err, "port %u of site \"%.60s\" leads to another node already", config->forward, config->site);
	if (err == SY_INVALID)
		return world_say(n->w, what, err, "site \"%.60s\" has no ports that could lead to it; its nat = true is missing", config->site);
	if (err == SY_LIMIT)
		return world_say(n->w, what, err, "site \"%.60s\" has no private address left", config->site);
	return err;
}

static enum sy_err sim_host_add(struct world_node *n, const struct world_node_config *config, const char **what)
{
	struct world *w = n->w;
	struct sim_world *sim = sim_of(w);
	int region;

	enum sy_err err = sim->net == NULL ? default_network(w, what) : SY_OK;
	if (err == SY_OK)
		err = region_index(w, config->region, &region, what);
	if (err != SY_OK)
		return err;
	struct sim_host *host = sim_host_new(sim->net, config->name, region, config->ip);
	if (host == NULL)
		return world_say(w, what, SY_NO_MEMORY, "no host for node \"%.60s\": out of memory, or its address is taken", config->name);
	if (config->has_cc)
		sim_host_set_cc(host, config->cc);
	n->host = host;
	n->region = sim_host_region(host);
	err = place_host(n, config, what);
	if (err != SY_OK)
		return err;
	take_address(n);
	memcpy(n->home_ip, sim_host_public_ip(host), sizeof n->home_ip);
	return SY_OK;
}

static void sim_host_gone(struct world_node *n)
{
	n->host = NULL; /* hosts belong to the network and go with it */
}

static struct tp_transport *sim_transport(struct world_node *n)
{
	return sim_host_transport(n->host);
}

/* Streams are keyed by the seed, the node's name, its incarnation, and what the node itself names. */
static void sim_rand_of_node(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t len)
{
	const struct world_node *n = ctx;
	uint64_t of_node = sy_hash_u64(n->entity, n->incarnation);

	sim_rand_bytes(n->w->options.seed, (uint32_t)purpose, sy_hash_u64(of_node, entity), counter, buf, len);
#ifdef SY_PLANTED /* a test build with a known mistake: tests/planted/nondeterminism.c */
	sy_planted_bend(n->config.p2p.name, sim_now(n->w), buf, len);
#endif
	if (n->w->options.recorder != NULL)
		recorder_draw(n->w->options.recorder, n, (uint32_t)purpose, sy_hash_bytes(sy_hash_u64(entity, counter), buf, len));
}

static void on_event(struct sim_event *event, uint64_t now_ns)
{
	world_timer_fire((struct world_timer *)event, now_ns);
}

static struct sim_source *source_of(struct sim_world *sim, enum sim_class class_)
{
	if (class_ == SIM_FAULT)
		return &sim->faults;
	return class_ == SIM_OBSERVER ? &sim->observers : &sim->script;
}

static bool sim_schedule(struct world *w, struct world_timer *t, uint64_t at_ns)
{
	struct sim_world *sim = sim_of(w);

	t->event.handler = on_event;
	return sim_engine_schedule(sim->engine, source_of(sim, t->class_), &t->event, t->class_, at_ns);
}

static void sim_unschedule(struct world *w, struct world_timer *t)
{
	sim_engine_cancel(sim_of(w)->engine, &t->event);
}

#define EVENTS_BETWEEN_LOOKS 256u /* how often the wall clock is read */

static bool sim_run(struct world *w, uint64_t until_ns, uint64_t wall_end_ns)
{
	struct sim_engine *engine = sim_of(w)->engine;

	if (w->options.recorder != NULL)
		recorder_outside(w->options.recorder);
	for (uint32_t n = 1; !w->halted; n++) {
		if (!sim_engine_step(engine, until_ns))
			return true;
		if (n % EVENTS_BETWEEN_LOOKS == 0 && wall_end_ns != UINT64_MAX && world_wall_ns() >= wall_end_ns)
			return false;
	}
	return false;
}

static enum sy_err sim_do_cut(struct world *w, struct world_node *from, struct world_node *to, enum sim_cut cut, const char **what)
{
	sim_net_cut(sim_of(w)->net, from->host, to->host, cut);
	return SY_OK;
}

static enum sy_err sim_do_heal(struct world *w, const char **what)
{
	if (sim_of(w)->net != NULL)
		sim_net_heal(sim_of(w)->net);
	return SY_OK;
}

static enum sy_err sim_do_reset(struct world *w, struct world_node *a, struct world_node *b, const char **what)
{
	sim_net_reset(sim_of(w)->net, a->host, b->host);
	return SY_OK;
}

void world_sim_half_open(struct world_node *a, struct world_node *b)
{
	sim_net_half_open(sim_of(a->w)->net, a->host, b->host);
}

enum sy_err world_sim_move(struct world_node *n, const uint8_t *ip)
{
	enum sy_err err = sim_host_move(n->host, ip);

	for (uint32_t i = 0; err == SY_OK && i < n->w->num_nodes; i++) {
		struct world_node *other = n->w->nodes[i];
		struct sy_netaddr before = other->addr;

		take_address(other);
		if (memcmp(before.ip, other->addr.ip, sizeof before.ip) != 0)
			world_node_tell_renamed(other);
	}
	return err;
}

enum sy_err world_sim_site(struct world *w, const struct sim_site_config *config, const char **what)
{
	struct sim_site *site;
	enum sy_err err = sim_of(w)->net == NULL ? default_network(w, what) : SY_OK;

	if (err != SY_OK)
		return err;
	err = sim_site_new(&site, sim_of(w)->net, config);
	return err == SY_IN_USE ? world_say(w, what, err, "there is a site \"%.60s\" already, or its address is taken", config->name) : err;
}

static enum sy_err sim_do_link(struct world *w, struct world_node *from, struct world_node *to, const struct sim_link_params *params,
                               const char **what)
{
	const char *wrong = params != NULL ? sim_link_wrong(sim_of(w)->net, params) : NULL;

	if (wrong != NULL)
		return world_say(w, what, SY_INVALID, "%s", wrong);
	return sim_link_set(sim_of(w)->net, from->host, to->host, params);
}

static enum sy_err sim_do_dns(struct world *w, const char *name, const struct sy_netaddr *addrs, size_t n, const char **what)
{
	enum sy_err err = sim_of(w)->net == NULL ? default_network(w, what) : SY_OK;

	return err != SY_OK ? err : sim_net_dns_set(sim_of(w)->net, name, addrs, n);
}

static void sim_stats(const struct world *w, struct world_stats *stats)
{
	const struct sim_world *sim = sim_of(w);

	stats->events = sim->engine->events;
	if (sim->net == NULL)
		return;
	sim_net_stats(sim->net, &stats->net);
	stats->node_memory += stats->net.sockets * sim_net_socket_memory(sim->net);
}

static uint64_t sim_hash(const struct world *w)
{
	return sim_of(w)->net == NULL ? 0 : sim_net_hash(sim_of(w)->net);
}

static void sim_fini(struct world *w)
{
	struct sim_world *sim = sim_of(w);

	if (sim == NULL)
		return;
	if (sim->net != NULL)
		sim_net_free(sim->net);
	if (sim->engine != NULL)
		sim_engine_free(sim->engine);
	for (size_t i = 0; i < sim->num_regions; i++)
		free(sim->regions[i]);
	free(sim->regions);
	free(sim);
}

static const struct world_ops sim_ops = {
    .fini = sim_fini,
    .now_ns = sim_now,
    .network = sim_network,
    .host_new = sim_host_add,
    .host_free = sim_host_gone,
    .transport = sim_transport,
    .rand = sim_rand_of_node,
    .schedule = sim_schedule,
    .unschedule = sim_unschedule,
    .run = sim_run,
    .cut = sim_do_cut,
    .heal = sim_do_heal,
    .reset = sim_do_reset,
    .link = sim_do_link,
    .dns = sim_do_dns,
    .stats = sim_stats,
    .hash = sim_hash,
};

const struct sim_engine *world_sim_engine(const struct world *w)
{
	return sim_of(w)->engine;
}

static void on_probe(void *ctx, uint64_t at_ns, uint64_t order)
{
	const struct world *w = ctx;

	recorder_event(w->options.recorder, w, at_ns, order);
}

enum sy_err world_sim_init(struct world *w, const char **what)
{
	struct sim_world *sim = calloc(1, sizeof *sim);

	if (sim == NULL)
		return SY_NO_MEMORY;
	w->ops = &sim_ops;
	w->backend = sim;
	sim->engine = sim_engine_new(w->options.seed);
	if (sim->engine == NULL || !sim_engine_add_source(sim->engine, &sim->faults, "faults") ||
	    !sim_engine_add_source(sim->engine, &sim->script, "script") || !sim_engine_add_source(sim->engine, &sim->observers, "observers"))
		return SY_NO_MEMORY;
	sim->probe = (struct sim_probe){.event = on_probe, .ctx = w};
	sim->engine->probe = w->options.recorder != NULL ? &sim->probe : NULL;
	return SY_OK;
}
