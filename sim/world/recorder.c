/* What is written into a run's record, and when. */
#include "sim/world/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "sim/engine/engine.h"
#include "sim/world/record.h"
#include "sim/world/impl.h"

#define NOBODY UINT32_MAX

struct recorder {
	FILE *to;
	bool failed;
	uint64_t at_ns; /* of the event under way */
	uint32_t who;   /* its source */
	bool everybody; /* it may have changed any node; else only that of its source */
	uint64_t net, script;
	uint64_t *hashes;  /* by node: the last one written */
	uint32_t *sources; /* by node: the number of its source */
	uint32_t num_nodes;
	uint8_t *named; /* by source: its name was written */
	uint32_t cap_named;
};

struct recorder *recorder_new(FILE *to, const char *about)
{
	struct recorder *r = calloc(1, sizeof *r);
	struct sim_item item = {.kind = SIM_ITEM_ABOUT};

	if (r == NULL)
		return NULL;
	r->to = to;
	r->who = NOBODY;
	r->everybody = true;
	snprintf(item.text, sizeof item.text, "%s", about);
	r->failed = !sim_record_begin(to) || !sim_item_write(to, &item);
	return r;
}

void recorder_free(struct recorder *r)
{
	if (r == NULL)
		return;
	free(r->hashes);
	free(r->sources);
	free(r->named);
	free(r);
}

static void put(struct recorder *r, const struct sim_item *item)
{
	if (!r->failed && !sim_item_write(r->to, item))
		r->failed = true;
}

/* ------------------------------------------------------------------ who is who */

static bool room_for_name(struct recorder *r, uint32_t who)
{
	if (who < r->cap_named)
		return true;
	uint32_t cap = who + 64 - who % 64;
	uint8_t *named = realloc(r->named, cap);
	if (named == NULL)
		return false;
	memset(named + r->cap_named, 0, cap - r->cap_named);
	r->named = named;
	r->cap_named = cap;
	return true;
}

static void put_name(struct recorder *r, const struct sim_engine *engine, uint32_t who)
{
	if (who >= engine->num_sources)
		return;
	if (!room_for_name(r, who)) {
		r->failed = true;
		return;
	}
	if (r->named[who])
		return;
	r->named[who] = 1;
	struct sim_item item = {.kind = SIM_ITEM_NAME, .who = who, .at_ns = r->at_ns};
	snprintf(item.text, sizeof item.text, "%s", engine->sources[who]->name);
	put(r, &item);
}

/* The source named as the node is; sources are made in the order of the nodes, so that the search begins near its end. */
static uint32_t source_of_node(const struct sim_engine *engine, const struct world_node *n, uint32_t near)
{
	for (uint32_t i = 0; i < engine->num_sources; i++) {
		uint32_t at = (near + i) % engine->num_sources;

		if (strcmp(engine->sources[at]->name, n->config.p2p.name) == 0)
			return at;
	}
	return NOBODY;
}

static bool know_nodes(struct recorder *r, const struct world *w)
{
	if (r->num_nodes == w->num_nodes)
		return true;
	uint64_t *hashes = realloc(r->hashes, w->num_nodes * sizeof *hashes);
	r->hashes = hashes != NULL ? hashes : r->hashes;
	uint32_t *sources = realloc(r->sources, w->num_nodes * sizeof *sources);
	r->sources = sources != NULL ? sources : r->sources;
	if (hashes == NULL || sources == NULL)
		return false;
	for (uint32_t near = 0; r->num_nodes < w->num_nodes; r->num_nodes++) {
		near = source_of_node(world_sim_engine(w), w->nodes[r->num_nodes], near);
		r->hashes[r->num_nodes] = 0;
		r->sources[r->num_nodes] = near;
		near = near == NOBODY ? 0 : near + 1;
	}
	return true;
}

static uint32_t who_is(struct recorder *r, const struct world_node *n)
{
	if (!know_nodes(r, n->w) || n->index >= r->num_nodes)
		return NOBODY;
	put_name(r, world_sim_engine(n->w), r->sources[n->index]);
	return r->sources[n->index];
}

/* ------------------------------------------------------------------ what an event has changed */

static void look_at_node(struct recorder *r, const struct world_node *n)
{
	uint64_t hash = world_node_hash(n);

	if (r->hashes[n->index] == hash)
		return;
	r->hashes[n->index] = hash;
	put(r, &(struct sim_item){.kind = SIM_ITEM_NODE, .who = who_is(r, n), .at_ns = r->at_ns, .value = hash});
}

static void look(struct recorder *r, const struct world *w)
{
	if (!know_nodes(r, w)) {
		r->failed = true;
		return;
	}
	for (uint32_t i = 0; i < w->num_nodes; i++)
		if (r->everybody || r->sources[i] == r->who)
			look_at_node(r, w->nodes[i]);
	uint64_t net = w->ops->hash(w);
	if (r->net != net)
		put(r, &(struct sim_item){.kind = SIM_ITEM_NET, .who = r->who, .at_ns = r->at_ns, .value = net});
	if (r->script != w->script_hash)
		put(r, &(struct sim_item){.kind = SIM_ITEM_SCRIPT, .who = r->who, .at_ns = r->at_ns, .value = w->script_hash});
	r->net = net;
	r->script = w->script_hash;
	r->everybody = false;
}

void recorder_event(struct recorder *r, const struct world *w, uint64_t at_ns, uint64_t order)
{
	enum sim_class class_ = sim_order_class(order);
	const struct sim_engine *engine = world_sim_engine(w);

	look(r, w);
	r->at_ns = at_ns;
	r->who = sim_engine_source(engine, at_ns, order);
	if (class_ == SIM_OBSERVER)
		return;
	r->everybody = r->everybody || class_ == SIM_FAULT || class_ == SIM_SCRIPT;
	put_name(r, engine, r->who);
	put(r, &(struct sim_item){
	           .kind = SIM_ITEM_EVENT, .class_ = (uint8_t)class_, .who = r->who, .at_ns = at_ns, .value = order & 0xfffffffffull});
}

void recorder_draw(struct recorder *r, const struct world_node *n, uint32_t purpose, uint64_t mark)
{
	put(r, &(struct sim_item){.kind = SIM_ITEM_DRAW, .detail = (uint16_t)purpose, .who = who_is(r, n), .at_ns = r->at_ns, .value = mark});
}

void recorder_trace(struct recorder *r, const struct world_node *n, const struct sy_trace *t)
{
	uint64_t h = sy_hash_u64((uint64_t)t->err, (uint64_t)t->conn.slot << 32 | t->conn.gen);

	h = sy_hash_u64(sy_hash_u64(h, t->a), t->b);
	h = sy_hash_bytes(h, t->addr.ip, sizeof t->addr.ip);
	h = sy_hash_bytes(h, t->addr.id.b, sizeof t->addr.id.b);
	put(r, &(struct sim_item){.kind = SIM_ITEM_TRACE, .detail = (uint16_t)t->kind, .who = who_is(r, n), .at_ns = r->at_ns, .value = h});
}

void recorder_outside(struct recorder *r)
{
	r->everybody = true;
}

bool recorder_end(struct recorder *r, const struct world *w)
{
	r->everybody = true;
	look(r, w);
	put(r, &(struct sim_item){.kind = SIM_ITEM_END, .who = NOBODY, .at_ns = w->ops->now_ns(w), .value = world_hash(w)});
	return fflush(r->to) == 0 && !r->failed;
}
