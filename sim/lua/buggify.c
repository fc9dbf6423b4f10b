/*
 * buggify { rate, nodes, points }: rare but legal behaviour of transport and driver, made frequent. Which points a node
 * has is drawn (each with one half) unless the block names them; each is an operation of the plan, `rare(node, {...})`.
 */
#include <string.h>

#include "core/base/hash.h"
#include "sim/engine/rand.h"
#include "sim/lua/faults.h"
#include "sim/lua/pages.h"
#include "transport/driver/driver.h"

#define DRIVER_SHIFT 16u
#define DEFAULT_PPM 20000u

static const struct rare_point {
	const char *name;
	uint32_t bit;
} points[] = {
    {"short_write", 1u << SIM_RARE_SHORT_WRITE},
    {"short_read", 1u << SIM_RARE_SHORT_READ},
    {"no_room", 1u << SIM_RARE_NO_ROOM},
    {"spurious", 1u << SIM_RARE_SPURIOUS},
    {"late_event", 1u << SIM_RARE_LATE_EVENT},
    {"late_timer", 1u << SIM_RARE_LATE_TIMER},
    {"one_frame", 1u << (DRIVER_SHIFT + TP_RARE_ONE_FRAME)},
    {"save_fails", 1u << (DRIVER_SHIFT + TP_RARE_SAVE_FAILS)},
    {"order", 1u << SIM_RARE_ORDER},
};

#define NUM_POINTS (sizeof points / sizeof points[0])

static uint32_t read_points(lua_State *L, int t, const char *what)
{
	uint32_t bits = 0;

	if (lua_getfield(L, t, "points") == LUA_TNIL) {
		lua_pop(L, 1);
		return 0;
	}
	luaL_checktype(L, -1, LUA_TTABLE);
	for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, -1); i++) {
		size_t k = 0;

		lua_rawgeti(L, -1, i);
		const char *name = luaL_checkstring(L, -1);
		while (k < NUM_POINTS && strcmp(points[k].name, name) != 0)
			k++;
		if (k == NUM_POINTS)
			luaL_error(L, "%s: points: there is no '%s'", what, name);
		bits |= points[k].bit;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return bits;
}

/* ------------------------------------------------------------------ the operation */

static enum sy_err set_rare(struct fault *f, struct node *n, const char **what)
{
	return world_node_buggify(n->world, (uint32_t)f->value, (uint32_t)f->other, what);
}

/* rare(x, { rate, points }); without options no more. */
static int api_rare(lua_State *L)
{
	static const char *const keys[] = {"rate", "points", NULL};
	uint64_t rate_ppm = 0;
	uint32_t bits = 0;
	struct fault *f = fault_new(L, FAULT_NODE, "rare");

	lua_settop(L, 2);
	if (!lua_isnil(L, 2)) {
		luaL_checktype(L, 2, LUA_TTABLE);
		keys_check(L, 2, "rare", keys, 0);
		rate_ppm = DEFAULT_PPM;
		keys_unit(L, 2, "rare", "rate", UNIT_FRACTION, &rate_ppm);
		bits = read_points(L, 2, "rare");
	}
	f->each = set_rare;
	f->value = bits;
	f->other = (int64_t)rate_ppm;
	fault_sides(L, f, 1, 0);
	return fault_act(L, f);
}

const struct plan_word buggify_words[] = {{.name = "rare", .fn = api_rare}, {.name = NULL}};

/* ------------------------------------------------------------------ the block */

static uint32_t draw_points(struct scenario *s, const struct node *n)
{
	uint64_t coins = sim_rand_u64(s->options.seed, SIM_RAND_BUGGIFY, host_entity(n->name, "points"), 0);
	uint32_t bits = 0;

	for (size_t i = 0; i < NUM_POINTS; i++)
		bits |= coins >> i & 1 ? points[i].bit : 0;
	return bits;
}

static void add_node(struct scenario *s, const struct node *n, uint32_t bits, uint64_t rate_ppm)
{
	json_t *names = json_array();

	bits = bits != 0 ? bits : draw_points(s, n);
	for (size_t i = 0; i < NUM_POINTS; i++)
		if (bits & points[i].bit)
			json_array_append_new(names, json_string(points[i].name));
	plan_add(s, 0, &buggify_words[0], json_pack("[s, {s:f, s:o}]", n->name, "rate", (double)rate_ppm / 1e6, "points", names), "buggify", 0);
}

void buggify_all(struct scenario *s, uint64_t rate_ppm)
{
	for (size_t i = 0; i < s->num_nodes; i++)
		add_node(s, s->nodes[i], 0, rate_ppm);
}

static int api_buggify(lua_State *L)
{
	static const char *const keys[] = {"rate", "nodes", "points", NULL};
	struct scenario *s = host_scenario(L, "buggify");
	uint64_t rate_ppm = DEFAULT_PPM;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_load(L, "buggify");
	host_must_simulate(L, "buggify");
	keys_check(L, 1, "buggify", keys, 0);
	keys_unit(L, 1, "buggify", "rate", UNIT_FRACTION, &rate_ppm);
	uint32_t bits = read_points(L, 1, "buggify");
	struct node_list list = {s->nodes, s->num_nodes};
	if (lua_getfield(L, 1, "nodes") != LUA_TNIL)
		list = nodes_check(L, lua_gettop(L), "buggify: nodes");
	if (list.n == 0)
		return luaL_error(L, "buggify: nodes: there are none yet; the block stands after their declarations");
	for (size_t i = 0; i < list.n; i++)
		add_node(s, list.at[i], bits, rate_ppm);
	return 0;
}

static const luaL_Reg functions[] = {{"buggify", api_buggify}, {"rare", api_rare}, {NULL, NULL}};
const struct api_page buggify_page = {"", functions, NULL};

void buggify_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
	plan_push_word(L, &buggify_words[0]);
	lua_setfield(L, -2, "rare");
}
