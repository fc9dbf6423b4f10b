/* vary { ... } and swizzle { ... }: links that change over time, and nodes held and let go in drawn orders, as operations of the plan. */
#include <string.h>

#include "core/base/hash.h"
#include "sim/engine/rand.h"
#include "sim/lua/pages.h"
#include "sim/lua/plan.h"

#define MAX_STEPS 100000u
#define MAX_NODES 1000u

struct drawer {
	struct scenario *s;
	const char *by;
	uint64_t number, counter, group;
	uint64_t after_ns, before_ns, every_ns;
};

static uint64_t below(struct drawer *d, uint64_t bound)
{
	return sim_rand_below(d->s->options.seed, SIM_RAND_FAULT, sy_mix64(d->number), d->counter++, bound);
}

static void add(struct drawer *d, uint64_t at_ns, const char *word, json_t *args)
{
	plan_add(d->s, at_ns, plan_word_find(word), args, d->by, d->number << 32 | d->group);
}

static struct drawer begin(lua_State *L, const char *what, const char *const *keys)
{
	struct drawer d = {.s = host_scenario(L, what)};

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_load(L, what);
	host_must_simulate(L, what);
	keys_check(L, 1, what, keys, 0);
	d.number = ++d.s->plan.drawers;
	d.by = arena_format(&d.s->host.arena, "%s %llu", what, (unsigned long long)d.number);
	d.every_ns = UINT64_C(1000000000);
	keys_unit(L, 1, what, "after", UNIT_TIME, &d.after_ns);
	keys_unit(L, 1, what, "every", UNIT_TIME, &d.every_ns);
	if (!keys_unit(L, 1, what, "before", UNIT_TIME, &d.before_ns) || d.before_ns <= d.after_ns)
		luaL_error(L, "%s: before: a time behind after is needed", what);
	if (d.by == NULL || d.every_ns == 0)
		luaL_error(L, "%s: every must be more than 0", what);
	return d;
}

/* ------------------------------------------------------------------ vary */

/* What a link's key goes between. */
struct range {
	const char *key, *unit;
	enum unit_kind kind;
	uint64_t from, to;
	bool given;
};

static void read_range(lua_State *L, struct range *r)
{
	if (lua_getfield(L, 1, r->key) != LUA_TNIL) {
		luaL_checktype(L, 2, LUA_TTABLE);
		lua_rawgeti(L, 2, 1);
		lua_rawgeti(L, 2, 2);
		r->from = unit_check(L, 3, r->kind, "vary");
		r->to = unit_check(L, 4, r->kind, "vary");
		r->given = true;
		if (r->to < r->from)
			luaL_error(L, "vary: %s: the range runs backwards", r->key);
	}
	lua_settop(L, 1);
}

static json_t *ends(lua_State *L)
{
	bool one_way = false;
	json_t *o = json_object();

	keys_bool(L, 1, "vary", "one_way", &one_way);
	for (int i = 0; i < 2; i++) {
		lua_getfield(L, 1, i == 0 ? "from" : "to");
		struct node_list list = nodes_check(L, 2, "vary");
		json_t *names = json_array();
		for (size_t k = 0; k < list.n; k++)
			json_array_append_new(names, json_string(list.at[k]->name));
		json_object_set_new(o, i == 0 ? "from" : "to", names);
		lua_settop(L, 1);
	}
	if (one_way)
		json_object_set_new(o, "one_way", json_true());
	return o;
}

/* vary { from, to, one_way, every, after, before, rate = { a, b }, latency, loss }: each period another link, drawn. */
static int api_vary(lua_State *L)
{
	static const char *const keys[] = {"from", "to", "one_way", "every", "after", "before", "rate", "latency", "loss", NULL};
	struct range ranges[] = {
	    {"rate", "bit", UNIT_RATE, 0, 0, false}, {"latency", "ns", UNIT_TIME, 0, 0, false}, {"loss", "ppm", UNIT_FRACTION, 0, 0, false}};
	struct drawer d = begin(L, "vary", keys);

	for (int i = 0; i < 3; i++)
		read_range(L, &ranges[i]);
	if (!ranges[0].given && !ranges[1].given && !ranges[2].given)
		return luaL_error(L, "vary: one of rate, latency, loss is needed: { from, to }");
	json_t *both = ends(L);
	uint64_t at_ns = d.after_ns;
	for (uint32_t n = 0; n < MAX_STEPS && at_ns < d.before_ns; n++, at_ns += d.every_ns) {
		json_t *args = json_deep_copy(both);

		for (int i = 0; i < 3; i++) {
			char value[48];

			if (!ranges[i].given)
				continue;
			uint64_t drawn = ranges[i].from + below(&d, ranges[i].to - ranges[i].from + 1);
			snprintf(value, sizeof value, "%llu%s", (unsigned long long)drawn, ranges[i].unit);
			json_object_set_new(args, ranges[i].key, json_string(value));
		}
		d.group++;
		add(&d, at_ns, "link", json_pack("[o]", args));
	}
	d.group++;
	add(&d, d.before_ns, "link", json_pack("[o]", both));
	return 0;
}

/* ------------------------------------------------------------------ swizzle */

/* A drawn order of 0 .. n-1. */
static void shuffle(struct drawer *d, uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = (uint32_t)below(d, i), kept = order[i - 1];

		order[i - 1] = order[k];
		order[k] = kept;
	}
}

static json_t *against_all(const struct node_list *nodes, uint32_t which)
{
	json_t *rest = json_array();

	for (uint32_t i = 0; i < nodes->n; i++)
		if (i != which)
			json_array_append_new(rest, json_string(nodes->at[i]->name));
	return json_pack("[[s], o]", nodes->at[which]->name, rest);
}

/*
 * swizzle { nodes, after, before }: some of the nodes are cut off from the others one after another in the first half of the
 * time, and let go one after another, in another order, in the second. What is sent meanwhile comes then.
 */
static int api_swizzle(lua_State *L)
{
	static const char *const keys[] = {"nodes", "after", "before", "every", NULL};
	uint32_t order[MAX_NODES];
	struct drawer d = begin(L, "swizzle", keys);

	lua_getfield(L, 1, "nodes");
	struct node_list nodes = nodes_check(L, 2, "swizzle: nodes");
	if (nodes.n < 2 || nodes.n > MAX_NODES)
		return luaL_error(L, "swizzle: nodes: two to %d", (int)MAX_NODES);
	uint32_t n = 1 + (uint32_t)below(&d, nodes.n - 1);
	uint64_t step_ns = (d.before_ns - d.after_ns) / (2 * (uint64_t)n);
	uint32_t chosen[MAX_NODES];
	shuffle(&d, chosen, (uint32_t)nodes.n);
	for (uint32_t i = 0; i < n; i++) {
		d.group = i + 1;
		add(&d, d.after_ns + i * step_ns, "partition", against_all(&nodes, chosen[i]));
	}
	shuffle(&d, order, n);
	for (uint32_t i = 0; i < n; i++) {
		d.group = order[i] + 1;
		add(&d, d.after_ns + (n + i) * step_ns, "heal", against_all(&nodes, chosen[order[i]]));
	}
	return 0;
}

static const luaL_Reg functions[] = {{"vary", api_vary}, {"swizzle", api_swizzle}, {NULL, NULL}};
const struct api_page vary_page = {"", functions, NULL};

void vary_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
