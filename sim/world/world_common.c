/* What both kinds of world share: making one, looking at it, its memory. */
#include "sim/world/impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/engine/null_suite.h"
#include "sim/engine/rand.h"

uint64_t world_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

enum sy_err world_say(struct world *w, const char **what, enum sy_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->what, sizeof w->what, format, args);
	va_end(args);
	if (what != NULL)
		*what = w->what;
	return err;
}

/* Every byte that a core or driver holds passes here, so that the budgets are counted, not guessed. */
void *world_alloc(struct world *w, void *old, size_t old_size, size_t new_size)
{
	void *ptr = NULL;

	if (new_size != 0) {
		ptr = realloc(old, new_size);
		if (ptr == NULL)
			return NULL;
	} else {
		free(old);
	}
	w->memory += new_size;
	w->memory -= old == NULL ? 0 : old_size;
	return ptr;
}

static void *alloc_of_world(void *ctx, void *old, size_t old_size, size_t new_size)
{
	return world_alloc(ctx, old, old_size, new_size);
}

/* For the address table's own needs; a world's nodes are its script's, so that the seed is random enough. */
static void rand_of_world(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	const struct world *w = ctx;

	sim_rand_bytes(w->options.seed, (uint32_t)purpose, entity, counter, buf, n);
}

enum sy_err world_new(struct world **out, const struct world_options *options, const struct world_listener *listener, const char **what)
{
	*out = NULL;
	if (options->kind == WORLD_TCP && options->null_crypto) {
		if (what != NULL)
			*what = "null crypto cannot be used over real sockets";
		return SY_INVALID;
	}
	struct world *w = calloc(1, sizeof *w);
	if (w == NULL)
		return SY_NO_MEMORY;
	w->options = *options;
	w->listener = *listener;
	w->crypto = options->null_crypto ? sim_crypto_null() : sy_crypto_real();
	w->env = (struct sy_env){.ctx = w, .rand = rand_of_world, .alloc = alloc_of_world, .crypto = w->crypto};
	/* Append-only in a simulation: an index never comes to mean another address. */
	w->env.addrs = sy_addrs_new(&w->env, SY_LIMIT_INTERNED, options->kind == WORLD_TCP);
	enum sy_err err = w->env.addrs == NULL ? SY_NO_MEMORY : options->kind == WORLD_SIM ? world_sim_init(w, what) : world_tcp_init(w, what);
	if (err != SY_OK) {
		world_free(w);
		return err;
	}
	*out = w;
	return SY_OK;
}

void world_free(struct world *w)
{
	if (w == NULL)
		return;
	/* The owner is on its way out: it hears nothing of the nodes that end here. */
	w->listener = (struct world_listener){0};
	for (uint32_t i = 0; i < w->num_nodes; i++)
		world_node_free(w->nodes[i]);
	free(w->nodes);
	if (w->ops != NULL)
		w->ops->fini(w);
	if (w->env.addrs != NULL)
		sy_addrs_free(w->env.addrs, &w->env);
	world_timers_free(w);
	free(w);
}

enum world_kind world_kind(const struct world *w)
{
	return w->options.kind;
}

uint64_t world_seed(const struct world *w)
{
	return w->options.seed;
}

bool world_null_crypto(const struct world *w)
{
	return w->options.null_crypto;
}

uint64_t world_now_ns(const struct world *w)
{
	return w->ops->now_ns(w);
}

enum sy_err world_network(struct world *w, const struct sim_net_config *config, const char **what)
{
	if (w->num_nodes != 0)
		return world_say(w, what, SY_INVALID, "the network is described once, before the first node");
	return w->ops->network(w, config, what);
}

bool world_run(struct world *w, uint64_t until_ns, uint64_t wall_slice_ns)
{
	uint64_t wall_ns = world_wall_ns();
	bool endless = wall_slice_ns == 0 || wall_slice_ns > UINT64_MAX - wall_ns;

	w->running = true;
	bool reached = w->ops->run(w, until_ns, endless ? UINT64_MAX : wall_ns + wall_slice_ns);
	w->running = false;
	return reached;
}

void world_halt(struct world *w)
{
	w->halted = true;
}

uint32_t world_node_count(const struct world *w)
{
	return w->num_nodes;
}

struct world_node *world_node_at(struct world *w, uint32_t index)
{
	return index < w->num_nodes ? w->nodes[index] : NULL;
}

uint64_t world_rand(struct world *w, enum sim_purpose purpose, uint64_t entity, uint64_t counter)
{
	return sim_rand_u64(w->options.seed, (uint32_t)purpose, entity, counter);
}

void world_stats(const struct world *w, struct world_stats *stats)
{
	*stats = (struct world_stats){
	    .frames_sealed = w->frames_sealed,
	    .frames_opened = w->frames_opened,
	    .node_memory = w->memory,
	};
	w->ops->stats(w, stats);
}

static uint64_t hash_of_nodes(const struct world *w, uint64_t h)
{
	for (uint32_t i = 0; i < w->num_nodes; i++) {
		const struct world_node *n = w->nodes[i];

		h = sy_hash_u64(h, n->past_hash);
		h = sy_hash_u64(h, n->core == NULL ? 0 : sy_node_trace_hash(n->core));
	}
	return h;
}

uint64_t world_hash(const struct world *w)
{
	if (w->options.kind != WORLD_SIM)
		return 0;
	uint64_t h = hash_of_nodes(w, 0);
	h = sy_hash_u64(h, w->ops->hash(w));
	return sy_hash_u64(h, w->script_hash);
}

enum sy_err world_cut(struct world *w, struct world_node *from, struct world_node *to, enum sim_cut cut, const char **what)
{
	return w->ops->cut(w, from, to, cut, what);
}

enum sy_err world_heal(struct world *w, const char **what)
{
	return w->ops->heal(w, what);
}

enum sy_err world_reset(struct world *w, struct world_node *a, struct world_node *b, const char **what)
{
	return w->ops->reset(w, a, b, what);
}

enum sy_err world_link(struct world *w, struct world_node *from, struct world_node *to, const struct sim_link_params *params,
                       const char **what)
{
	return w->ops->link(w, from, to, params, what);
}

enum sy_err world_dns(struct world *w, const char *name, const struct sy_netaddr *addrs, size_t n, const char **what)
{
	return w->ops->dns(w, name, addrs, n, what);
}
