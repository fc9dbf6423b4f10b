/*
 * chaos { ... }: faults drawn from the seed, as operations of the plan. Each draw is keyed by the block's number, the
 * operation's and the draw's, so that another block, or another word in the list of another block, moves nothing here.
 */
#include <string.h>

#include "core/base/hash.h"
#include "sim/engine/rand.h"
#include "sim/lua/chaos.h"
#include "sim/lua/pages.h"

#define DRAWS_PER_OP 64u
#define MAX_OPS 10000u
#define MAX_WORDS 64u

/* One block while it draws. */
struct chaos {
	struct scenario *s;
	uint64_t number; /* of the block, from 1 */
	struct node_list nodes;
	const struct plan_word *words[MAX_WORDS];
	uint64_t weights[MAX_WORDS];
	size_t num_words;
	uint64_t after_ns, before_ns, every_ns, least_ns, most_ns, count;
	const char *by;
	uint64_t group; /* of the operation under way */
	uint64_t draws; /* in it */
};

/* ------------------------------------------------------------------ draws */

static uint64_t draw(struct chaos *c)
{
	uint64_t counter = c->group * DRAWS_PER_OP + c->draws++ % DRAWS_PER_OP;

	return sim_rand_u64(c->s->options.seed, SIM_RAND_FAULT, sy_mix64(c->number), counter);
}

uint64_t chaos_below(struct chaos *c, uint64_t bound)
{
	return (uint64_t)((unsigned __int128)draw(c) * bound >> 64);
}

static uint64_t wait_ns(struct chaos *c)
{
	int64_t mean_q32 = sim_exponential_q32(draw(c));

	return (uint64_t)((unsigned __int128)c->every_ns * (uint64_t)mean_q32 >> 32) + 1;
}

uint64_t chaos_duration_ns(struct chaos *c)
{
	return c->least_ns + chaos_below(c, c->most_ns - c->least_ns + 1);
}

static const struct plan_word *draw_word(struct chaos *c)
{
	uint64_t sum = 0, at;

	for (size_t i = 0; i < c->num_words; i++)
		sum += c->weights[i];
	at = chaos_below(c, sum);
	for (size_t i = 0; i < c->num_words; i++) {
		if (at < c->weights[i])
			return c->words[i];
		at -= c->weights[i];
	}
	return c->words[0];
}

/* ------------------------------------------------------------------ arguments */

json_t *chaos_time(uint64_t ns)
{
	char text[40];

	snprintf(text, sizeof text, "%lluns", (unsigned long long)ns);
	return json_string(text);
}

const char *chaos_node(struct chaos *c)
{
	return c->nodes.at[chaos_below(c, c->nodes.n)]->name;
}

/* Two different ones; with a single node twice the same. */
static void draw_pair(struct chaos *c, const char **a, const char **b)
{
	uint64_t i = chaos_below(c, c->nodes.n);
	uint64_t k = c->nodes.n < 2 ? i : (i + 1 + chaos_below(c, c->nodes.n - 1)) % c->nodes.n;

	*a = c->nodes.at[i]->name;
	*b = c->nodes.at[k]->name;
}

/* Everybody else of the block. */
static json_t *others(struct chaos *c, const char *but)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->nodes.n; i++)
		if (strcmp(c->nodes.at[i]->name, but) != 0)
			json_array_append_new(list, json_string(c->nodes.at[i]->name));
	return list;
}

static void add(struct chaos *c, uint64_t at_ns, const char *word, json_t *args)
{
	plan_add(c->s, at_ns, plan_word_find(word), args, c->by, c->group);
}

/* What ends the fault, if it does not end by itself. */
static void add_end(struct chaos *c, uint64_t at_ns, const char *word, json_t *args)
{
	uint64_t lasts_ns = chaos_duration_ns(c);

	add(c, at_ns + lasts_ns, word, args);
}

/* ------------------------------------------------------------------ shapes */

/* Half of the nodes against the others: each node's side is drawn. */
static void halves(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	json_t *sides[2] = {json_array(), json_array()};
	uint64_t coins = 0;

	for (size_t i = 0; i < c->nodes.n; i++) {
		if (i % 64 == 0)
			coins = draw(c);
		json_array_append_new(sides[coins >> (i % 64) & 1], json_string(c->nodes.at[i]->name));
	}
	json_t *end = json_pack("[O, O]", sides[0], sides[1]);
	add(c, at_ns, w->name, json_pack("[o, o]", sides[0], sides[1]));
	add_end(c, at_ns, "heal", end);
}

/* One node and all others, in both directions or in one. */
static void one_and_others(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *name = chaos_node(c);
	uint64_t way = chaos_below(c, 3);
	json_t *one = json_pack("[s]", name), *rest = others(c, name);
	json_t *end = json_pack("[O, O]", one, rest);

	if (way == 0)
		add(c, at_ns, w->name, json_pack("[o, o, {s:b}]", one, rest, "one_way", 1));
	else if (way == 1)
		add(c, at_ns, w->name, json_pack("[o, o, {s:b}]", rest, one, "one_way", 1));
	else
		add(c, at_ns, w->name, json_pack("[o, o]", one, rest));
	add_end(c, at_ns, "heal", end);
}

static void one_pair(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *a, *b;

	draw_pair(c, &a, &b);
	add(c, at_ns, w->name, json_pack("[[s], [s]]", a, b));
	add_end(c, at_ns, "heal", json_pack("[[s], [s]]", a, b));
}

/* No end: a reset is over at once. */
static void one_pair_at_once(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *a, *b;

	draw_pair(c, &a, &b);
	add(c, at_ns, w->name, json_pack("[[s], [s]]", a, b));
}

/* The link of a node to all others becomes bad for a while: slow, lossy, or narrow. */
static void bad_link(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *name = chaos_node(c);
	uint64_t ms = 1 + chaos_below(c, 1000), kind = chaos_below(c, 3), percent = 1 + chaos_below(c, 20), kbit = 64 + chaos_below(c, 4000);
	char value[40];
	json_t *args = json_pack("{s:[s], s:o}", "from", name, "to", others(c, name));
	json_t *end = json_deep_copy(args);

	snprintf(value, sizeof value,
	         kind == 0   ? "%llums"
	         : kind == 1 ? "%llu%%"
	                     : "%llukbit",
	         (unsigned long long)(kind == 0   ? ms
	                              : kind == 1 ? percent
	                                          : kbit));
	json_object_set_new(args, kind == 0 ? "latency" : kind == 1 ? "loss" : "rate", json_string(value));
	add(c, at_ns, w->name, json_pack("[o]", args));
	add_end(c, at_ns, w->name, json_pack("[o]", end));
}

static void one_restart(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *name = chaos_node(c);
	uint64_t crash = chaos_below(c, 4), disk = chaos_below(c, 4);

	add(c, at_ns, w->name,
	    json_pack("[s, {s:o, s:b, s:b}]", name, "after", chaos_time(chaos_duration_ns(c)), "crash", crash != 0, "lose_disk", disk == 0));
}

/* Another identity: the key is lost while it is away. */
static void one_key(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *name = chaos_node(c);

	add(c, at_ns, w->name, json_pack("[s]", name));
	add(c, at_ns, "restart", json_pack("[s, {s:o, s:b}]", name, "after", chaos_time(chaos_duration_ns(c)), "crash", 1));
}

/* Away to an address that is drawn, and home. */
static void one_move(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *name = chaos_node(c);

	add(c, at_ns, w->name, json_pack("[s]", name));
	add_end(c, at_ns, w->name, json_pack("[s, {s:b}]", name, "home", 1));
}

/* One direction of a pair. */
static void one_hold(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *a, *b;

	draw_pair(c, &a, &b);
	add(c, at_ns, w->name, json_pack("[[s], [s]]", a, b));
	add_end(c, at_ns, "release", json_pack("[[s], [s]]", a, b));
}

/* A node's fault that another word ends. */
static void until(struct chaos *c, uint64_t at_ns, const struct plan_word *w, const char *end)
{
	const char *name = chaos_node(c);

	add(c, at_ns, w->name, json_pack("[s]", name));
	add_end(c, at_ns, end, json_pack("[s]", name));
}

static void one_pause(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	until(c, at_ns, w, "resume");
}

static void one_hidden(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	until(c, at_ns, w, "reachable");
}

static void one_power(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	until(c, at_ns, w, "power_on");
}

/* A node's fault with one option, which the same word without it ends. */
static void with_option(struct chaos *c, uint64_t at_ns, const struct plan_word *w, const char *key, json_t *value)
{
	const char *name = chaos_node(c);

	add(c, at_ns, w->name, json_pack("[s, {s:o}]", name, key, value));
	add_end(c, at_ns, w->name, json_pack("[s]", name));
}

static void one_cpu(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	with_option(c, at_ns, w, "per_frame", chaos_time(1000000 + chaos_below(c, 49000000)));
}

static void one_slow(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	json_int_t bits = 800;

	bits += (json_int_t)chaos_below(c, 80000);
	with_option(c, at_ns, w, "rate", json_integer(bits));
}

static void one_short(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	json_int_t bytes = 1;

	bytes += (json_int_t)chaos_below(c, 2000);
	with_option(c, at_ns, w, "most", json_integer(bytes));
}

/* Steps stay: there is no end. A drift has one. */
static void one_clock(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const char *name = chaos_node(c);
	uint64_t steps = chaos_below(c, 2), back = chaos_below(c, 2), size = chaos_below(c, 10000);
	json_t *value = steps ? chaos_time(size * 1000000000u) : json_real((double)size / 1e6);

	add(c, at_ns, w->name, json_pack("[s, {s:o, s:b}]", name, steps ? "step" : "drift", value, steps ? "back" : "slow", (int)back));
	if (!steps)
		add_end(c, at_ns, w->name, json_pack("[s]", name));
}

static void one_disk(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	with_option(c, at_ns, w, chaos_below(c, 2) ? "full" : "torn", json_true());
}

static void one_rot(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	add(c, at_ns, w->name, json_pack("[s]", chaos_node(c)));
}

static void nothing(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
}

/* By plan_word.drawn. */
static const struct shape {
	const char *name;
	void (*add)(struct chaos *c, uint64_t at_ns, const struct plan_word *w);
} shapes[] = {
    {"halves", halves},     {"others", one_and_others}, {"pair", one_pair}, {"once", one_pair_at_once},
    {"link", bad_link},     {"restart", one_restart},   {"hold", one_hold}, {"pause", one_pause},
    {"cpu", one_cpu},       {"clock", one_clock},       {"slow", one_slow}, {"short", one_short},
    {"hidden", one_hidden}, {"power", one_power},       {"disk", one_disk}, {"rot", one_rot},
    {"key", one_key},       {"move", one_move},         {NULL, nothing},
};

static void add_one(struct chaos *c, uint64_t at_ns, const struct plan_word *w)
{
	const struct shape *shape = shapes;

	while (shape->name != NULL && strcmp(shape->name, w->drawn) != 0)
		shape++;
	shape->add(c, at_ns, w);
}

/* ------------------------------------------------------------------ the block */

static void take_word(lua_State *L, struct chaos *c, const char *name, uint64_t weight)
{
	const struct plan_word *w = plan_word_find(name);

	if (w == NULL || w->drawn == NULL)
		luaL_error(L, "chaos: ops: '%s' is no fault that can be drawn", name);
	if (c->num_words == MAX_WORDS)
		luaL_error(L, "chaos: ops: more than %d", (int)MAX_WORDS);
	c->words[c->num_words] = w;
	c->weights[c->num_words++] = weight;
}

static void take_all(struct chaos *c, const struct plan_word *w)
{
	for (; w->name != NULL; w++) {
		if (w->drawn != NULL && !w->only_named && c->num_words < MAX_WORDS) {
			c->words[c->num_words] = w;
			c->weights[c->num_words++] = 1;
		}
	}
}

/* { "crash", "reset" }, or weights: { crash = 3, reset = 1 }. */
static void read_ops(lua_State *L, struct chaos *c, int t)
{
	if (lua_getfield(L, t, "ops") == LUA_TNIL) {
		take_all(c, faults_words);
		take_all(c, lifecycle_words);
		take_all(c, machine_words);
		lua_pop(L, 1);
		return;
	}
	luaL_checktype(L, -1, LUA_TTABLE);
	lua_getglobal(L, "pairs"); /* the sandbox's: in order */
	lua_pushvalue(L, -2);
	lua_call(L, 1, 3);
	for (;;) {
		lua_pushvalue(L, -3);
		lua_pushvalue(L, -3);
		lua_pushvalue(L, -3);
		lua_call(L, 2, 2);
		if (lua_isnil(L, -2))
			break;
		if (lua_type(L, -2) == LUA_TSTRING)
			take_word(L, c, lua_tostring(L, -2), (uint64_t)luaL_checkinteger(L, -1));
		else
			take_word(L, c, luaL_checkstring(L, -1), 1);
		lua_pop(L, 1);
		lua_replace(L, -2);
	}
	lua_settop(L, t);
}

static void read_duration(lua_State *L, struct chaos *c, int t)
{
	c->least_ns = UINT64_C(1000000000);
	c->most_ns = UINT64_C(60000000000);
	if (lua_getfield(L, t, "duration") == LUA_TTABLE) {
		lua_rawgeti(L, -1, 1);
		lua_rawgeti(L, -2, 2);
		c->least_ns = unit_check(L, lua_gettop(L) - 1, UNIT_TIME, "chaos: duration");
		c->most_ns = unit_check(L, lua_gettop(L), UNIT_TIME, "chaos: duration");
	} else if (!lua_isnil(L, -1)) {
		c->least_ns = c->most_ns = unit_check(L, lua_gettop(L), UNIT_TIME, "chaos: duration");
	}
	lua_settop(L, t);
	if (c->most_ns < c->least_ns)
		luaL_error(L, "chaos: duration: the range runs backwards");
}

static void read_nodes(lua_State *L, struct chaos *c, int t)
{
	if (lua_getfield(L, t, "nodes") != LUA_TNIL) {
		c->nodes = nodes_check(L, lua_gettop(L), "chaos: nodes"); /* stays on the stack, and with it the list */
		return;
	}
	c->nodes = (struct node_list){c->s->nodes, c->s->num_nodes};
}

static void read_block(lua_State *L, struct chaos *c, int t)
{
	static const char *const keys[] = {"nodes", "ops", "every", "duration", "after", "before", "count", NULL};

	keys_check(L, t, "chaos", keys, 0);
	c->every_ns = UINT64_C(30000000000);
	c->count = MAX_OPS;
	keys_unit(L, t, "chaos", "every", UNIT_TIME, &c->every_ns);
	keys_unit(L, t, "chaos", "after", UNIT_TIME, &c->after_ns);
	keys_uint(L, t, "chaos", "count", 1, MAX_OPS, &c->count);
	if (!keys_unit(L, t, "chaos", "before", UNIT_TIME, &c->before_ns))
		luaL_error(L, "chaos: before: the time at which no more faults begin is needed");
	luaL_argcheck(L, c->every_ns > 0, t, "every must be more than 0");
	read_duration(L, c, t);
	read_ops(L, c, t);
	read_nodes(L, c, t);
	if (c->num_words == 0)
		luaL_error(L, "chaos: ops: none is given");
	if (c->nodes.n == 0)
		luaL_error(L, "chaos: nodes: there are none yet; the block stands after their declarations");
}

static int api_chaos(lua_State *L)
{
	struct chaos c = {.s = host_scenario(L, "chaos")};

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_load(L, "chaos");
	host_must_simulate(L, "chaos");
	read_block(L, &c, 1);
	c.number = ++c.s->plan.drawers;
	c.by = arena_format(&c.s->host.arena, "chaos %llu", (unsigned long long)c.number);
	if (c.by == NULL)
		return luaL_error(L, "chaos: out of memory");
	uint64_t at_ns = c.after_ns;
	for (uint64_t i = 1; i <= c.count; i++) {
		c.group = c.number * MAX_OPS + i;
		c.draws = 0;
		at_ns += wait_ns(&c);
		if (at_ns >= c.before_ns)
			break;
		add_one(&c, at_ns, draw_word(&c));
	}
	return 0;
}

static const luaL_Reg functions[] = {{"chaos", api_chaos}, {NULL, NULL}};
const struct api_page chaos_page = {"", functions, NULL};

void chaos_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
