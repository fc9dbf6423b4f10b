/* From declarations to a world: the network, the nodes, the tasks that waited for it; and what the world tells us. */
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "sim/engine/rand.h"
#include "sim/lua/latency.h"
#include "sim/lua/lifecycle.h"

#define DEFAULT_LATENCY_NS UINT64_C(20000000)

/* ------------------------------------------------------------------ finding nodes */

static uint64_t hash_id(const struct sy_id *id)
{
	uint64_t h;
	memcpy(&h, id->b, sizeof h); /* ids are hashes already; the order of the table is never seen */
	return h;
}

static uint64_t hash_name(const char *name)
{
	return sy_hash_bytes(0, name, strlen(name));
}

static uint64_t id_of(const void *ctx, uint32_t number)
{
	const struct scenario *s = ctx;
	return hash_id(&s->nodes[number]->addr.id);
}

static uint64_t name_of(const void *ctx, uint32_t number)
{
	const struct scenario *s = ctx;
	return hash_name(s->nodes[number]->name);
}

bool scenario_name_node(struct scenario *s, struct node *n)
{
	return index_add(&s->by_name, hash_name(n->name), n->index, name_of, s);
}

bool scenario_id_node(struct scenario *s, struct node *n)
{
	return index_add(&s->by_id, hash_id(&n->addr.id), n->index, id_of, s);
}

struct node *scenario_node_by_id(const struct scenario *s, const struct sy_id *id)
{
	uint32_t at = 0, number;
	while (index_next(&s->by_id, hash_id(id), &at, &number))
		if (memcmp(&s->nodes[number]->addr.id, id, sizeof *id) == 0)
			return s->nodes[number];
	return NULL;
}

struct node *scenario_node_by_name(const struct scenario *s, const char *name)
{
	uint32_t at = 0, number;
	while (index_next(&s->by_name, hash_name(name), &at, &number))
		if (strcmp(s->nodes[number]->name, name) == 0)
			return s->nodes[number];
	return NULL;
}

/* ------------------------------------------------------------------ time and tasks */

uint64_t scenario_now(const struct scenario *s)
{
	return s->world ? world_now_ns(s->world) : 0;
}

static void on_task(void *arg)
{
	struct task *t = arg;
	t->timer = NULL;
	if (!t->s->host.failed)
		t->fn(t->arg);
}

static void task_arm(struct scenario *s, struct task *t)
{
	t->timer = world_at(s->world, t->at_ns, t->class_, on_task, t);
	if (!t->timer)
		host_breakf(&s->host, "out of memory");
}

void task_at(struct scenario *s, struct task *t, uint64_t at_ns, enum sim_class class_, void (*fn)(void *arg), void *arg)
{
	task_cancel(t);
	t->s = s;
	t->at_ns = at_ns;
	t->class_ = class_;
	t->fn = fn;
	t->arg = arg;
	if (s->running) {
		task_arm(s, t);
	} else if (vec_grow((void **)&s->pending, &s->cap_pending, s->num_pending + 1, sizeof(struct task *))) {
		t->pending = true;
		s->pending[s->num_pending++] = t;
	} else {
		host_breakf(&s->host, "out of memory");
	}
}

void task_cancel(struct task *t)
{
	if (t->timer)
		world_cancel(t->s->world, t->timer);
	t->timer = NULL;
	t->pending = false;
}

void scenario_begin_tasks(struct scenario *s)
{
	s->running = true;
	for (size_t i = 0; i < s->num_pending; i++) {
		struct task *t = s->pending[i];
		if (t->pending)
			task_arm(s, t);
		t->pending = false;
	}
	s->num_pending = 0;
}

void stream_init(struct scenario *s, struct stream *st)
{
	st->entity = sy_mix64(++s->num_streams);
	st->counter = 0;
}

uint64_t stream_draw(struct scenario *s, struct stream *st)
{
	return sim_rand_u64(s->options.seed, SIM_RAND_SCRIPT, st->entity, st->counter++);
}

/* ------------------------------------------------------------------ what the world tells */

static bool id_of_output(const struct node *n, const struct sy_output *out, struct sy_id *id)
{
	struct sy_peer p;
	if (out->addr.flags & SY_ADDR_HAS_ID) {
		*id = out->addr.id;
		return true;
	}
	if (!node_peer(n, out->conn, &p))
		return false;
	*id = p.id;
	return true;
}

static void on_peer_up(void *ctx, struct world_node *wn, const struct sy_output *out)
{
	struct scenario *s = ctx;
	struct node *n = world_node_user(wn);
	struct sy_id id;
	s->topology++;
	if (s->host.failed || !id_of_output(n, out, &id))
		return;
	process_peer_up(s, n, &id);
	traffic_peer_up(n, &id, out->conn);
}

static void on_peer_down(void *ctx, struct world_node *wn, const struct sy_output *out)
{
	struct scenario *s = ctx;
	struct node *n = world_node_user(wn);
	struct sy_id id;
	s->topology++;
	if (s->host.failed || !id_of_output(n, out, &id))
		return;
	traffic_peer_down(n, &id);
	flow_peer_down(n, &id);
}

static void on_send_done(void *ctx, struct world_node *wn, uint64_t token, enum sy_err err)
{
	struct scenario *s = ctx;
	if (s->host.failed || traffic_send_done(s, token, err))
		return;
	process_send_done(s, world_node_user(wn), token, err);
}

static void on_trace(void *ctx, struct world_node *wn, const struct sy_trace *trace)
{
	struct scenario *s = ctx;
	struct node *n = world_node_user(wn);
	if (s->host.failed)
		return;
	if (trace->kind == SY_TRACE_MESSAGE && n->taps)
		flow_traced(n, trace);
	if (n->watches)
		watch_told(n, trace);
	if (s->hooks && s->hooks->trace && trace->kind != SY_TRACE_MESSAGE)
		s->hooks->trace(s->hooks->ctx, scenario_now(s), n->name, trace);
}

static void on_started(void *ctx, struct world_node *wn, enum sy_err err)
{
	struct scenario *s = ctx;
	struct node *n = world_node_user(wn);
	char text[160];
	s->topology++;
	if (err == SY_OK)
		return;
	snprintf(text, sizeof text, "does not start: %s", sy_err_text(err));
	result_log(s, n->name, text);
}

static void on_stopped(void *ctx, struct world_node *wn)
{
	struct scenario *s = ctx;
	struct node *n = world_node_user(wn);
	s->topology++;
	if (s->host.failed)
		return;
	/* After a stop nothing is left to be told; a crash tells nobody. */
	traffic_node_gone(n);
	flow_node_gone(n);
	process_node_gone(s, n);
}

/* The index keeps the old id, too: nobody has it any more, so that it finds nobody. */
static void on_renamed(void *ctx, struct world_node *wn)
{
	struct scenario *s = ctx;
	struct node *n = world_node_user(wn);
	struct sy_id old = n->addr.id;
	world_node_address(wn, &n->addr);
	s->topology++;
	if (memcmp(&old, &n->addr.id, sizeof old) != 0 && !scenario_id_node(s, n))
		host_breakf(&s->host, "out of memory");
}

static uint64_t work_ns(void *ctx, const struct world_node *wn, uint8_t channel)
{
	const struct node *n = world_node_user(wn);
	for (size_t i = 0; i < n->num_instances; i++) {
		const struct reactor_class *c = n->instances[i].class_;
		for (size_t k = 0; k < c->num_channels; k++)
			if (c->channels[k].id == channel)
				return c->work_ns[k];
	}
	return 0;
}

/* ------------------------------------------------------------------ making */

static const char *describe_network(struct scenario *s, const struct sim_net_config *c)
{
	char latency[100], rate[40] = "unlimited rate", loss[40] = "no loss";
	latency_format(&c->link.latency, latency, sizeof latency);
	if (c->link.rate_bits)
		unit_format_rate(c->link.rate_bits, rate, sizeof rate);
	if (c->link.loss_ppm)
		snprintf(loss, sizeof loss, "%.6g %% loss", (double)c->link.loss_ppm / 10000);
	const char *stages = c->link.stages.to_bad || c->link.stages.trace_len || c->link.stages.num_drop ? " but bursts and single ones" : "";
	const char *tcp = s->options.world == WORLD_TCP || c->tcp == SIM_TCP_NONE ? "" : ", TCP ";
	const char *cc = *tcp ? cc_names[c->cc] : "";
	const char *text = c->num_regions
	                       ? arena_format(&s->host.arena, "%zu regions, %s%s, %s%s%s", c->num_regions, loss, stages, rate, tcp, cc)
	                       : arena_format(&s->host.arena, "%s one way, %s%s, %s%s%s", latency, loss, stages, rate, tcp, cc);
	return text ? text : "";
}

static bool make_network(struct scenario *s)
{
	struct network_decl *n = &s->network;
	const char *what = NULL;
	if (s->options.tcp_given || !n->tcp_given)
		n->config.tcp = s->options.tcp;
	enum sy_err err = world_network(s->world, &n->config, &what);
	s->results.network = describe_network(s, &n->config);
	if (err == SY_OK)
		return true;
	host_breakf(&s->host, "%s: network: %s", n->where ? n->where : s->options.file, what ? what : sy_err_text(err));
	return false;
}

bool scenario_make_site(struct scenario *s, const struct site_decl *d)
{
	const char *what = NULL;
	enum sy_err err = world_site(s->world, &d->config, &what);
	if (err == SY_OK)
		return true;
	host_breakf(&s->host, "%s: site '%s': %s", d->where, d->config.name, what ? what : sy_err_text(err));
	return false;
}

static bool make_sites(struct scenario *s)
{
	for (const struct site_decl *d = s->sites; d; d = d->next)
		if (!scenario_make_site(s, d))
			return false;
	return true;
}

bool scenario_make_world(struct scenario *s)
{
	if (s->world)
		return true;
	struct world_options o = {.kind = s->options.world,
	                          .seed = s->options.seed,
	                          .tcp = s->options.tcp,
	                          .null_crypto = s->options.null_crypto,
	                          .recorder = s->options.recorder};
	if (s->network.crypto_given && !s->options.crypto_given)
		o.null_crypto = s->network.null_crypto;
	struct world_listener listener = {.ctx = s,
	                                  .peer_up = on_peer_up,
	                                  .peer_down = on_peer_down,
	                                  .send_done = on_send_done,
	                                  .started = on_started,
	                                  .stopped = on_stopped,
	                                  .renamed = on_renamed};
	/* Traces cost time; they are asked for when somebody may listen, which is not known yet while the script loads. */
	if (!s->hooks || s->hooks->trace || s->measures || s->watched)
		listener.trace = on_trace;
	if (s->works)
		listener.work_ns = work_ns;
	const char *what = NULL;
	enum sy_err err = world_new(&s->world, &o, &listener, &what);
	if (err != SY_OK) {
		s->world = NULL;
		host_breakf(&s->host, "%s: %s", s->options.file, what ? what : sy_err_text(err));
		return false;
	}
	return make_network(s) && make_sites(s) && scenario_make_nodes(s);
}

/* The reactors of a node as the core takes them; null without memory. */
static struct sy_reactor *reactor_tables(struct scenario *s, const struct node *n)
{
	struct sy_reactor *r = arena_new(&s->host.arena, (n->num_instances + 1) * sizeof *r);
	for (size_t i = 0; r && i < n->num_instances; i++)
		r[i] = n->instances[i].table;
	return r;
}

static bool make_node(struct scenario *s, struct node *n)
{
	struct world_node_config c = {.name = n->name,
	                              .region = n->decl->region,
	                              .ip = n->decl->has_ip ? n->decl->ip : NULL,
	                              .has_cc = n->decl->has_cc,
	                              .cc = n->decl->cc,
	                              .line = n->decl->line,
	                              .site = n->decl->site,
	                              .forward = n->decl->forward,
	                              .p2p = n->decl->p2p,
	                              .reactors = reactor_tables(s, n),
	                              .num_reactors = n->num_instances};
	const char *what = NULL;
	if (!c.p2p.moniker)
		c.p2p.moniker = n->name;
	if (!c.p2p.version)
		c.p2p.version = SY_VERSION;
	enum sy_err err = c.reactors ? world_node_add(s->world, &c, &n->world, &what) : SY_NO_MEMORY;
	if (err == SY_OK && n->decl->is_stranger)
		err = stranger_begin(n);
	if (err != SY_OK) {
		host_breakf(&s->host, "%s: node '%s': %s", n->decl->where, n->name, what ? what : sy_err_text(err));
		return false;
	}
	world_node_set_user(n->world, n);
	world_node_address(n->world, &n->addr);
	if (!scenario_id_node(s, n)) {
		host_breakf(&s->host, "out of memory");
		return false;
	}
	return true;
}

bool scenario_make_nodes(struct scenario *s)
{
	for (; s->num_made < s->num_nodes; s->num_made++)
		if (!make_node(s, s->nodes[s->num_made]))
			return false;
	return true;
}

void scenario_need_world(lua_State *L, struct scenario *s)
{
	if (!scenario_make_world(s) || !scenario_make_nodes(s))
		luaL_error(L, "%s", s->host.error);
}

void network_defaults(struct sim_net_config *c)
{
	*c = (struct sim_net_config){.link = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = DEFAULT_LATENCY_NS}, .mtu = 1500}};
}
