/*
 * Groups: an ordered set of nodes. What a node answers to a group answers to as well: each node does it, in order; the
 * results come as a list.
 */
#include <string.h>

#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"

struct group *group_test(lua_State *L, int index)
{
	return luaL_testudata(L, index, GROUP_TYPE);
}

static struct group *check(lua_State *L)
{
	return luaL_checkudata(L, 1, GROUP_TYPE);
}

void group_push(lua_State *L, const uint32_t *at, size_t n)
{
	struct group *g = host_handle(L, GROUP_TYPE, sizeof *g + n * sizeof *at, 0);
	g->n = (uint32_t)n;
	if (n)
		memcpy(g->at, at, n * sizeof *at);
}

/* Room for n indices, on the stack of L. */
static uint32_t *indices_new(lua_State *L, size_t n)
{
	return lua_newuserdatauv(L, (n + 1) * sizeof(uint32_t), 0);
}

static struct node *member(lua_State *L, const struct group *g, uint32_t i)
{
	return host_of(L)->scenario->nodes[g->at[i]];
}

/* Calls the function at index 2 with the i-th node: one result on the stack. */
static void call_one(lua_State *L, const struct group *g, uint32_t i, int results)
{
	lua_pushvalue(L, 2);
	node_push(L, member(L, g, i));
	lua_call(L, 1, results);
}

static int m_all(lua_State *L)
{
	struct group *g = check(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	for (uint32_t i = 0; i < g->n; i++) {
		call_one(L, g, i, 1);
		if (!lua_toboolean(L, -1)) {
			lua_pushboolean(L, 0);
			lua_pushfstring(L, "%s is the first of which it is not true", member(L, g, i)->name);
			return 2;
		}
		lua_pop(L, 1);
	}
	lua_pushboolean(L, 1);
	return 1;
}

static int m_any(lua_State *L)
{
	struct group *g = check(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	for (uint32_t i = 0; i < g->n; i++) {
		call_one(L, g, i, 1);
		if (lua_toboolean(L, -1)) {
			lua_pushboolean(L, 1);
			return 1;
		}
		lua_pop(L, 1);
	}
	lua_pushboolean(L, 0);
	return 1;
}

static int m_map(lua_State *L)
{
	struct group *g = check(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	lua_createtable(L, (int)g->n, 0);
	for (uint32_t i = 0; i < g->n; i++) {
		call_one(L, g, i, 1);
		lua_rawseti(L, 3, (lua_Integer)i + 1);
	}
	return 1;
}

static int m_each(lua_State *L)
{
	struct group *g = check(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	for (uint32_t i = 0; i < g->n; i++)
		call_one(L, g, i, 0);
	return 0;
}

static int m_count(lua_State *L)
{
	struct group *g = check(L);
	lua_Integer n = 0;
	luaL_checktype(L, 2, LUA_TFUNCTION);
	for (uint32_t i = 0; i < g->n; i++) {
		call_one(L, g, i, 1);
		n += lua_toboolean(L, -1);
		lua_pop(L, 1);
	}
	lua_pushinteger(L, n);
	return 1;
}

static int m_filter(lua_State *L)
{
	struct group *g = check(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	uint32_t *at = indices_new(L, g->n), n = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		call_one(L, g, i, 1);
		if (lua_toboolean(L, -1))
			at[n++] = g->at[i];
		lua_pop(L, 1);
	}
	group_push(L, at, n);
	return 1;
}

static int m_size(lua_State *L)
{
	lua_pushinteger(L, check(L)->n);
	return 1;
}

/* group:slice(i, j): from the i-th to the j-th node, both included. */
static int m_slice(lua_State *L)
{
	struct group *g = check(L);
	lua_Integer i = luaL_checkinteger(L, 2), j = luaL_optinteger(L, 3, g->n);
	i = i < 1 ? 1 : i;
	j = j > (lua_Integer)g->n ? (lua_Integer)g->n : j;
	group_push(L, g->at + (i <= j ? i - 1 : 0), i <= j ? (size_t)(j - i + 1) : 0);
	return 1;
}

static uint64_t draw_below(lua_State *L, uint64_t bound)
{
	lua_getglobal(L, LUA_MATHLIBNAME);
	lua_getfield(L, -1, "random");
	lua_pushinteger(L, (lua_Integer)bound);
	lua_call(L, 1, 1);
	uint64_t v = (uint64_t)lua_tointeger(L, -1) - 1;
	lua_pop(L, 2);
	return v;
}

/* group:random() draws a node, group:random(k) a group of k different ones, in the order of the draw. */
static int m_random(lua_State *L)
{
	struct group *g = check(L);
	luaL_argcheck(L, g->n > 0, 1, "the group is empty");
	if (lua_isnoneornil(L, 2)) {
		node_push(L, member(L, g, (uint32_t)draw_below(L, g->n)));
		return 1;
	}
	lua_Integer k = luaL_checkinteger(L, 2);
	luaL_argcheck(L, k >= 0 && k <= (lua_Integer)g->n, 2, "more than there are");
	uint32_t *at = indices_new(L, g->n);
	memcpy(at, g->at, g->n * sizeof *at);
	for (lua_Integer i = 0; i < k; i++) {
		uint64_t j = (uint64_t)i + draw_below(L, g->n - (uint64_t)i);
		uint32_t swap = at[i];
		at[i] = at[j];
		at[j] = swap;
	}
	group_push(L, at, (size_t)k);
	return 1;
}

/* group:without(x): those that are not in x (a node, group, name or list). */
static int m_without(lua_State *L)
{
	struct group *g = check(L);
	struct node_list list = nodes_check(L, 2, "without");
	uint32_t *at = indices_new(L, g->n), n = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		bool out = false;
		for (size_t k = 0; k < list.n && !out; k++)
			out = list.at[k]->index == g->at[i];
		if (!out)
			at[n++] = g->at[i];
	}
	group_push(L, at, n);
	return 1;
}

static const luaL_Reg methods[] = {{"all", m_all},       {"any", m_any},         {"map", m_map},   {"each", m_each},
                                   {"count", m_count},   {"filter", m_filter},   {"size", m_size}, {"slice", m_slice},
                                   {"random", m_random}, {"without", m_without}, {NULL, NULL}};
const struct api_page group_page = {"group:", methods, NULL};

/* ------------------------------------------------------------------ what a node answers to */

/* Upvalue: the name of a node's method. group:METHOD(...) -> list of first results. */
static int call_each(lua_State *L)
{
	struct group *g = check(L);
	int args = lua_gettop(L);
	lua_createtable(L, (int)g->n, 0);
	for (uint32_t i = 0; i < g->n; i++) {
		node_push(L, member(L, g, i));
		lua_pushvalue(L, lua_upvalueindex(1));
		lua_gettable(L, -2);
		lua_insert(L, -2);
		for (int a = 2; a <= args; a++)
			lua_pushvalue(L, a);
		lua_call(L, args, 1);
		lua_rawseti(L, args + 1, (lua_Integer)i + 1);
	}
	return 1;
}

static bool is_listed(const luaL_Reg *functions, const char *name)
{
	for (; functions->name; functions++)
		if (strcmp(functions->name, name) == 0)
			return true;
	return false;
}

static bool is_field(const char *name)
{
	for (const char *const *f = node_page.fields; *f; f++)
		if (strcmp(*f, name) == 0)
			return true;
	return false;
}

/* group.name and the like: a list, a value a node. */
static int map_field(lua_State *L, const struct group *g)
{
	lua_createtable(L, (int)g->n, 0);
	for (uint32_t i = 0; i < g->n; i++) {
		node_push(L, member(L, g, i));
		lua_pushvalue(L, 2);
		lua_gettable(L, -2);
		lua_rawseti(L, 3, (lua_Integer)i + 1);
		lua_pop(L, 1);
	}
	return 1;
}

/* The nearest of the group's own methods and the nodes'. */
static int unknown_field(lua_State *L, const char *key)
{
	const char *names[64];
	size_t n = 0;
	for (const luaL_Reg *r = methods; r->name; r++)
		names[n++] = r->name;
	for (const luaL_Reg *r = node_page.functions; r->name; r++)
		names[n++] = r->name;
	for (const char *const *f = node_page.fields; *f; f++)
		names[n++] = *f;
	names[n] = NULL;
	return luaL_error(L, "a group has no '%s'; the nearest known name is '%s'", key, keys_nearest(key, names));
}

static int group_index(lua_State *L)
{
	struct group *g = lua_touserdata(L, 1);
	if (lua_isinteger(L, 2)) {
		lua_Integer i = lua_tointeger(L, 2);
		if (i < 1 || i > (lua_Integer)g->n)
			return 0; /* nil ends ipairs */
		node_push(L, member(L, g, (uint32_t)i - 1));
		return 1;
	}
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	lua_settop(L, 2);
	const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
	if (strcmp(key, "book") == 0) {
		book_push(L, NULL, g);
		lua_pushvalue(L, 1);
		lua_setiuservalue(L, -2, 1);
		return 1;
	}
	if (is_listed(node_page.functions, key)) {
		lua_pushcclosure(L, call_each, 1);
		return 1;
	}
	if (is_field(key))
		return map_field(L, g);
	return unknown_field(L, key);
}

static int group_len(lua_State *L)
{
	return m_size(L);
}

static int group_tostring(lua_State *L)
{
	struct group *g = check(L);
	lua_pushfstring(L, "group of %d", (int)g->n);
	return 1;
}

/* ------------------------------------------------------------------ lists of nodes */

static void list_add(lua_State *L, struct node_list *list, size_t *cap, int slot, struct node *n, uint64_t mark)
{
	if (n->list_mark == mark)
		return; /* each once */
	n->list_mark = mark;
	if (list->n == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		struct node **at = lua_newuserdatauv(L, more * sizeof(struct node *), 0);
		for (size_t i = 0; i < list->n; i++)
			at[i] = list->at[i];
		list->at = at;
		*cap = more;
		lua_replace(L, slot);
	}
	list->at[list->n++] = n;
}

static void list_value(lua_State *L, int v, const char *what, struct node_list *list, size_t *cap, int slot, uint64_t mark, int depth)
{
	struct scenario *s = host_of(L)->scenario;
	struct node *n = node_test(L, v);
	struct group *g = group_test(L, v);
	luaL_checkstack(L, 8, "nested lists");
	if (lua_type(L, v) == LUA_TSTRING) {
		n = scenario_node_by_name(s, lua_tostring(L, v));
		if (!n)
			luaL_error(L, "%s: there is no node '%s'", what, lua_tostring(L, v));
	}
	if (n) {
		list_add(L, list, cap, slot, n, mark);
	} else if (g) {
		for (uint32_t i = 0; i < g->n; i++)
			list_add(L, list, cap, slot, s->nodes[g->at[i]], mark);
	} else if (lua_type(L, v) == LUA_TTABLE && depth < 8) {
		lua_Integer count = luaL_len(L, v);
		for (lua_Integer i = 1; i <= count; i++) {
			lua_geti(L, v, i);
			list_value(L, lua_gettop(L), what, list, cap, slot, mark, depth + 1);
			lua_pop(L, 1);
		}
	} else {
		luaL_error(L, "%s: nodes, groups or lists of them are needed, not a %s", what, luaL_typename(L, v));
	}
}

struct node_list nodes_check(lua_State *L, int index, const char *what)
{
	struct scenario *s = host_scenario(L, what);
	struct node_list list = {NULL, 0};
	size_t cap = 0;
	index = lua_absindex(L, index);
	lua_pushnil(L); /* the slot that keeps the list */
	list_value(L, index, what, &list, &cap, lua_gettop(L), ++s->list_marks, 0);
	return list;
}

struct node *nodes_one(lua_State *L, int index, const char *what)
{
	struct node *n = node_test(L, index);
	if (n)
		return n;
	struct node_list list = nodes_check(L, index, what);
	if (list.n != 1)
		luaL_error(L, "%s: one node is needed, not %d", what, (int)list.n);
	n = list.at[0];
	lua_pop(L, 1);
	return n;
}

/* group(a, b, ...): a group of the nodes given, each once. */
static int api_group(lua_State *L)
{
	int args = lua_gettop(L);
	lua_createtable(L, args, 0);
	lua_insert(L, 1);
	for (int i = args; i >= 1; i--)
		lua_rawseti(L, 1, i);
	struct node_list list = nodes_check(L, 1, "group");
	uint32_t *at = indices_new(L, list.n);
	for (size_t i = 0; i < list.n; i++)
		at[i] = list.at[i]->index;
	group_push(L, at, list.n);
	return 1;
}

/* start(a, b, group, ...) */
static int api_start(lua_State *L)
{
	api_group(L);
	lua_getfield(L, -1, "start");
	lua_insert(L, -2);
	lua_call(L, 1, 0);
	return 0;
}

static const luaL_Reg globals[] = {{"group", api_group}, {"start", api_start}, {NULL, NULL}};
const struct api_page group_globals_page = {"", globals, NULL};

void group_open(lua_State *L)
{
	luaL_setfuncs(L, globals, 0);
	sandbox_handle_type(L, GROUP_TYPE);
	luaL_newlib(L, methods);
	lua_pushcclosure(L, group_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, group_len);
	lua_setfield(L, -2, "__len");
	lua_pushcfunction(L, group_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 1);
}
