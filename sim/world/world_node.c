/*
 * A node of a world: made once, started and ended as often as the script likes. Its driver may be ended only when
 * nobody is inside it; where the world cannot know that, the end is an event of its own at the same time.
 *
 *   made --start--> running --stop--> stopping --(driver: stopped)--> made
 *                      |                  |
 *                      +----- crash ------+---> made
 */
#include <stdlib.h>
#include <string.h>

#include "sim/engine/rand.h"
#include "sim/world/config.h"

/* ------------------------------------------------------------------ what the driver says */

static void on_send_done(void *ctx, uint64_t token, enum sy_err err)
{
	struct world_node *n = ctx;

	n->entered++;
	if (n->w->listener.send_done != NULL)
		n->w->listener.send_done(n->w->listener.ctx, n, token, err);
	n->entered--;
}

static void on_peer_up(void *ctx, const struct sy_output *out)
{
	struct world_node *n = ctx;

	n->entered++;
	if (n->w->listener.peer_up != NULL)
		n->w->listener.peer_up(n->w->listener.ctx, n, out);
	n->entered--;
}

static void on_peer_down(void *ctx, const struct sy_output *out)
{
	struct world_node *n = ctx;

	n->entered++;
	if (n->w->listener.peer_down != NULL)
		n->w->listener.peer_down(n->w->listener.ctx, n, out);
	n->entered--;
}

static void on_trace(void *ctx, const struct sy_trace *trace)
{
	struct world_node *n = ctx;

	n->entered++;
	if (n->w->options.recorder != NULL)
		recorder_trace(n->w->options.recorder, n, trace);
	if (n->w->listener.trace != NULL)
		n->w->listener.trace(n->w->listener.ctx, n, trace);
	n->entered--;
}

static void on_started(void *ctx, enum sy_err err)
{
	struct world_node *n = ctx;

	n->entered++;
	if (n->w->listener.started != NULL)
		n->w->listener.started(n->w->listener.ctx, n, err);
	n->entered--;
}

static void on_due(void *arg)
{
	struct world_node *n = arg;
	bool stop = n->due_is_stop && !n->is_stopped;

	n->due = NULL;
	n->due_is_stop = false;
	if (stop)
		world_node_stop(n);
	else
		world_node_reap(n);
}

/* Ends the node in an event of its own. */
static void end_later(struct world_node *n, bool in_good_order)
{
	n->due_is_stop = in_good_order && (n->due == NULL || n->due_is_stop);
	if (n->due == NULL)
		n->due = world_at(n->w, n->w->ops->now_ns(n->w), SIM_FAULT, on_due, n);
}

static void on_stopped(void *ctx)
{
	struct world_node *n = ctx;

	n->is_stopped = true;
	end_later(n, false);
}

static void on_worked(void *ctx, uint32_t frames_out, uint32_t frames_in)
{
	struct world_node *n = ctx;

	n->w->frames_sealed += frames_out;
	n->w->frames_opened += frames_in;
	if (n->has_cpu_cost) /* last: nothing has to outlive this call, which each message makes twice */
		sim_host_worked(n->host, frames_out + frames_in);
}

static bool sign(void *ctx, struct sy_ref conn, const uint8_t challenge[32], uint8_t sig[64])
{
	struct world_node *n = ctx;

	n->w->crypto->sign(sig, n->secret, challenge);
	if (n->w->options.kind == WORLD_SIM) /* the one moment that each side of each handshake has */
		sim_host_shook_hands(n->host);
	return true;
}

/* ------------------------------------------------------------------ making */

void world_node_make_key(struct world_node *n)
{
	uint8_t seed[32];

	sim_rand_bytes(n->w->options.seed, SIM_RAND_KEY, n->entity, n->keys, seed, sizeof seed);
	n->w->crypto->keypair(n->config.p2p.pubkey, n->secret, seed);
	memset(seed, 0, sizeof seed);
	sy_id_from_pubkey(&n->addr.id, n->config.p2p.pubkey);
	n->addr.flags = SY_ADDR_HAS_ID;
}

static bool copy_reactors(struct world_node *n, const struct sy_reactor *reactors, size_t num)
{
	if (num == 0)
		return true;
	n->reactors = malloc(num * sizeof *n->reactors);
	if (n->reactors == NULL)
		return false;
	memcpy(n->reactors, reactors, num * sizeof *n->reactors);
	n->num_reactors = num;
	return true;
}

static bool room_for_node(struct world *w)
{
	if (w->num_nodes < w->cap_nodes)
		return true;
	uint32_t cap = w->cap_nodes == 0 ? 16 : w->cap_nodes * 2;
	struct world_node **nodes = realloc(w->nodes, cap * sizeof(struct world_node *));
	if (nodes == NULL)
		return false;
	w->nodes = nodes;
	w->cap_nodes = cap;
	return true;
}

/* Names are compared by their hash first: with thousands of nodes the loop stays short enough. */
static bool name_is_taken(const struct world *w, uint64_t entity, const char *name)
{
	for (uint32_t i = 0; i < w->num_nodes; i++)
		if (w->nodes[i]->entity == entity && strcmp(w->nodes[i]->config.p2p.name, name) == 0)
			return true;
	return false;
}

static void *alloc_of_node(void *ctx, void *old, size_t old_size, size_t new_size)
{
	return world_alloc(((struct world_node *)ctx)->w, old, old_size, new_size);
}

/* Nobody has told a node behind a NAT what its address is outside: it says 0.0.0.0, as CometBFT does unless it is configured. */
static bool advertise(const struct world_node *n, struct world_config *config)
{
	struct sy_netaddr any = {.ip = {[10] = 0xff, [11] = 0xff}, .port = n->addr.port};

	return world_config_advertise(config, n->hidden ? &any : &n->addr);
}

static enum sy_err fill_node(struct world_node *n, const struct world_node_config *config, const char **what)
{
	struct world *w = n->w;

	n->env = (struct sy_env){.ctx = n, .rand = w->ops->rand, .alloc = alloc_of_node, .crypto = w->crypto, .addrs = w->env.addrs};
	n->store = (struct tp_store){.ctx = n, .save_book = world_node_save_book, .book_room = world_node_book_room};
	if (!world_config_copy(&n->config, &config->p2p, config->name) || !copy_reactors(n, config->reactors, config->num_reactors))
		return SY_NO_MEMORY;
	enum sy_err err = w->ops->host_new(n, config, what);
	if (err != SY_OK)
		return err;
	if (n->listen_at.port == 0)
		n->listen_at = n->addr;
	world_node_make_key(n);
	return advertise(n, &n->config) ? SY_OK : SY_NO_MEMORY;
}

enum sy_err world_node_add(struct world *w, const struct world_node_config *config, struct world_node **out, const char **what)
{
	uint64_t entity = sy_hash_bytes(0, config->name, strlen(config->name));

	*out = NULL;
	if (config->name[0] == '\0')
		return world_say(w, what, SY_INVALID, "a node needs a name");
	if (name_is_taken(w, entity, config->name))
		return world_say(w, what, SY_INVALID, "there is a node named \"%.60s\" already", config->name);
	struct world_node *n = room_for_node(w) ? calloc(1, sizeof *n) : NULL;
	if (n == NULL)
		return world_say(w, what, SY_NO_MEMORY, "out of memory");
	n->w = w;
	n->index = w->num_nodes;
	n->entity = entity;
	enum sy_err err = fill_node(n, config, what);
	if (err != SY_OK) {
		world_node_free(n);
		return err;
	}
	w->nodes[w->num_nodes++] = n;
	*out = n;
	return SY_OK;
}

enum sy_err world_node_configure(struct world_node *n, const struct sy_config *p2p, const char **what)
{
	struct world_config fresh;

	if (n->core != NULL)
		return world_say(n->w, what, SY_INVALID, "node \"%.60s\" runs; its configuration cannot change now", n->config.p2p.name);
	bool good = world_config_copy(&fresh, p2p, n->config.p2p.name) && advertise(n, &fresh);
	if (!good) {
		world_config_free(&fresh);
		return world_say(n->w, what, SY_NO_MEMORY, "out of memory");
	}
	memcpy(fresh.p2p.pubkey, n->config.p2p.pubkey, sizeof fresh.p2p.pubkey);
	world_config_free(&n->config);
	n->config = fresh;
	return SY_OK;
}

void world_node_free(struct world_node *n)
{
	world_raws_free(n);
	world_node_reap(n);
	if (n->host != NULL)
		n->w->ops->host_free(n);
	world_config_free(&n->config);
	free(n->reactors);
	free(n->disk);
	free(n->known);
	memset(n->secret, 0, sizeof n->secret);
	free(n);
}

/* ------------------------------------------------------------------ starting and ending */

/* True when no frame below us on the stack can be inside this node's driver. */
static bool nobody_is_inside(const struct world_node *n)
{
	return n->entered == 0 && (n->w->timer_depth != 0 || !n->w->running);
}

void world_node_reap(struct world_node *n)
{
	bool ran = n->core != NULL;

	if (n->due != NULL) {
		world_cancel(n->w, n->due);
		n->due = NULL;
	}
	world_works_end(n);
	if (ran)
		n->past_hash = sy_hash_u64(n->past_hash, sy_node_trace_hash(n->core));
	/* Of a process that was killed the kernel ends what it leaves open: its driver has no say in how. */
	if (n->tp != NULL && !n->is_stopped && n->w->options.kind == WORLD_SIM)
		n->tp->ops->fini(n->tp);
	if (n->driver != NULL) {
		tp_driver_free(n->driver);
		n->driver = NULL;
	}
	if (n->tp != NULL) {
		n->tp->ops->fini(n->tp);
		n->tp = NULL;
	}
	sy_node_free(n->core);
	n->core = NULL;
	n->is_stopped = false;
	n->due_is_stop = false;
	if (ran && !n->is_starting && n->w->listener.stopped != NULL)
		n->w->listener.stopped(n->w->listener.ctx, n);
}

static enum sy_err make_core(struct world_node *n)
{
	struct tp_driver_config config = {
	    .listen = n->listen_at,
	    .store = &n->store,
	    .hooks = {.ctx = n,
	              .sign = sign,
	              .send_done = on_send_done,
	              .peer_up = on_peer_up,
	              .peer_down = on_peer_down,
	              .started = on_started,
	              .stopped = on_stopped,
	              .worked = on_worked},
	};
	const char *what = NULL;

	n->tp = n->w->ops->transport(n);
	if (n->tp == NULL)
		return SY_NO_MEMORY;
	n->config.p2p.addr_book_strict = n->config.p2p.addr_book_strict && !n->strict_off;
	if (n->w->listener.trace != NULL || n->w->options.recorder != NULL)
		config.hooks.trace = on_trace;
	if (n->w->listener.work_ns != NULL)
		config.hooks.deliver = world_node_deliver;
	if (n->rare_points != 0)
		config.hooks.rare = world_node_rare;
	enum sy_err err = sy_node_new(&n->core, &n->env, &n->config.p2p, n->reactors, n->num_reactors, &what);
	if (err != SY_OK)
		return err;
	return tp_driver_new(&n->driver, &n->env, n->core, n->tp, &config);
}

static enum sy_err load_and_start(struct world_node *n)
{
	struct sy_netaddr bound;
	enum sy_err err = world_node_write_known(n);

	if (err != SY_OK)
		return err;
	if (n->disk_holds) {
		struct sy_input in = {.kind = SY_IN_BOOK, .bytes = {n->disk, n->disk_len}};
		struct sy_answer answer = tp_driver_input(n->driver, &in);

		/* A book that does not load is lost, as a file would be; the node starts without it. */
		if (answer.err != SY_OK)
			world_node_lose_disk(n);
	}
	return tp_driver_start(n->driver, &bound);
}

enum sy_err world_node_start(struct world_node *n)
{
	if (n->core != NULL && n->is_stopped && nobody_is_inside(n))
		world_node_reap(n);
	if (n->core != NULL || n->raws != NULL)
		return SY_INVALID;
	enum sy_err err = world_disk_mount(n);
	if (err != SY_OK)
		return err;
	n->incarnation++;
	n->is_starting = true;
	n->entered++;
	err = make_core(n);
	if (err == SY_OK)
		err = load_and_start(n);
	n->entered--;
	if (err != SY_OK)
		world_node_reap(n);
	n->is_starting = false;
	return err;
}

void world_node_stop(struct world_node *n)
{
	if (n->core == NULL || n->is_stopped)
		return;
	/* From inside the node the driver takes no inputs: the stop is put off until everybody has left it. */
	if (!nobody_is_inside(n)) {
		end_later(n, true);
		return;
	}
	n->entered++;
	tp_driver_stop(n->driver);
	n->entered--;
	if (n->is_stopped)
		world_node_reap(n);
}

void world_node_crash(struct world_node *n)
{
	if (n->core == NULL)
		return;
	if (nobody_is_inside(n))
		world_node_reap(n);
	else
		end_later(n, false);
}

/* ------------------------------------------------------------------ looking and asking */

void world_node_address(const struct world_node *n, struct sy_netaddr *addr)
{
	*addr = n->addr;
}

void world_node_tell_renamed(struct world_node *n)
{
	if (n->w->listener.renamed != NULL)
		n->w->listener.renamed(n->w->listener.ctx, n);
}

const char *world_node_name(const struct world_node *n)
{
	return n->config.p2p.name;
}

const char *world_node_region(const struct world_node *n)
{
	return n->region == NULL ? "" : n->region;
}

uint32_t world_node_index(const struct world_node *n)
{
	return n->index;
}

void world_node_set_user(struct world_node *n, void *user)
{
	n->user = user;
}

void *world_node_user(const struct world_node *n)
{
	return n->user;
}

bool world_node_running(const struct world_node *n)
{
	return n->core != NULL && !n->is_stopped && n->due == NULL;
}

uint64_t world_node_hash(const struct world_node *n)
{
	return sy_hash_u64(sy_hash_u64(0, n->past_hash), n->core == NULL ? 0 : sy_node_trace_hash(n->core));
}

struct sy_node *world_node_core(const struct world_node *n)
{
	return n->core;
}

struct sy_answer world_node_input(struct world_node *n, struct sy_input *in)
{
	if (!world_node_running(n))
		return (struct sy_answer){.err = SY_NOT_RUNNING};
	n->entered++;
	struct sy_answer answer = tp_driver_input(n->driver, in);
	n->entered--;
	return answer;
}
