/* What every script has: log, now, seed, profile; and the guard that makes a misspelt global an error. */
#include "sim/lua/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int api_log(lua_State *L)
{
	struct host *h = host_of(L);
	int n = lua_gettop(L);
	luaL_checkany(L, 1);
	if (n == 1) {
		sandbox_tostring(L, 1, NULL);
	} else {
		lua_getglobal(L, LUA_STRLIBNAME);
		lua_getfield(L, -1, "format");
		lua_insert(L, 1);
		lua_pop(L, 1);
		lua_call(L, n, 1);
	}
	const char *text = lua_tostring(L, -1);
	const char *who = h->frame.kind == FRAME_REACTOR ? h->frame.node->name : sandbox_where(L, 1);
	if (h->log)
		h->log(h, who, text);
	return 0;
}

static int api_now(lua_State *L)
{
	struct host *h = host_of(L);
	lua_pushnumber(L, (lua_Number)h->now_ns(h) / 1e9);
	return 1;
}

static int api_seed(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)host_scenario(L, "seed")->options.seed);
	return 1;
}

static int api_profile(lua_State *L)
{
	lua_pushstring(L, sy_profile_name(host_of(L)->profile));
	return 1;
}

/* Durations and sizes as numbers, for arithmetic in scripts. */
static int api_seconds(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)unit_check(L, 1, UNIT_TIME, "seconds") / 1e9);
	return 1;
}

static int api_bytes(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)unit_check(L, 1, UNIT_SIZE, "bytes"));
	return 1;
}

static int api_bits(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)unit_check(L, 1, UNIT_RATE, "bits"));
	return 1;
}

/* ------------------------------------------------------------------ unknown globals */

#define GLOBALS_MAX 256

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The functions and tables of the language; a script's own globals are among them. */
static const char *nearest_global(lua_State *L, const char *name)
{
	const char *names[GLOBALS_MAX + 1];
	size_t n = 0;
	lua_pushglobaltable(L);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (lua_type(L, -2) == LUA_TSTRING && n < GLOBALS_MAX)
			names[n++] = lua_tostring(L, -2);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	names[n] = NULL;
	/* The table's own order differs from run to run; of equally near names the first by bytes is taken. */
	qsort(names, n, sizeof names[0], compare_names);
	return keys_nearest(name, names);
}

static int unknown_global(lua_State *L)
{
	static const char *const machine[] = {"os", "io", "debug", "package"};
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
	for (size_t i = 0; i < sizeof machine / sizeof machine[0]; i++) {
		if (strcmp(name, machine[i]) == 0)
			return luaL_error(L, "%s is not available in a scenario: results must not depend on the machine (docs/SCENARIOS.md)", name);
	}
	return luaL_error(L, "unknown name '%s'; the nearest known one is '%s'", name, nearest_global(L, name));
}

/* Bytes that the cores, drivers, sockets and links of the run hold now. */
static int api_memory(lua_State *L)
{
	const struct scenario *s = host_scenario(L, "memory");
	struct world_stats stats = {0};
	if (s->world)
		world_stats(s->world, &stats);
	lua_pushinteger(L, (lua_Integer)stats.node_memory);
	return 1;
}

static const luaL_Reg functions[] = {{"memory", api_memory}, {"log", api_log},         {"now", api_now},
                                     {"seed", api_seed},     {"profile", api_profile}, {"seconds", api_seconds},
                                     {"bytes", api_bytes},   {"bits", api_bits},       {NULL, NULL}};
const struct api_page globals_page = {"", functions, NULL};

void globals_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
	lua_newtable(L);
	lua_pushcfunction(L, unknown_global);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
}
