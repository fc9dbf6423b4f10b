/* Arguments of faults as data: from Lua to JSON and back. */
#include "sim/lua/plan.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8

static json_t *from_group(lua_State *L, const struct group *g)
{
	struct scenario *s = host_of(L)->scenario;
	json_t *list = json_array();

	for (uint32_t i = 0; i < g->n; i++)
		json_array_append_new(list, json_string(s->nodes[g->at[i]]->name));
	return list;
}

static bool is_list(lua_State *L, int t)
{
	lua_Integer n = (lua_Integer)lua_rawlen(L, t), seen = 0;

	lua_pushnil(L);
	while (lua_next(L, t)) {
		lua_pop(L, 1);
		seen++;
	}
	return seen == n;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lua walks a table in an order that differs from run to run: members go by their names. Takes the object. */
static json_t *in_order(json_t *object)
{
	const char **keys = malloc((json_object_size(object) + 1) * sizeof *keys), *key;
	json_t *sorted = json_object(), *value;
	size_t n = 0;

	if (keys == NULL || sorted == NULL) {
		free(keys);
		json_decref(sorted);
		json_decref(object);
		return NULL;
	}
	json_object_foreach(object, key, value) keys[n++] = key;
	qsort(keys, n, sizeof *keys, compare_keys);
	for (size_t i = 0; i < n; i++)
		json_object_set(sorted, keys[i], json_object_get(object, keys[i]));
	free(keys);
	json_decref(object);
	return sorted;
}

static json_t *from_value(lua_State *L, int index, int depth);

static json_t *from_table(lua_State *L, int t, int depth)
{
	json_t *value;

	luaL_checkstack(L, 8, NULL);
	if (is_list(L, t)) {
		value = json_array();
		for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, t); i++) {
			lua_rawgeti(L, t, i);
			json_array_append_new(value, from_value(L, lua_gettop(L), depth + 1));
			lua_pop(L, 1);
		}
		return value;
	}
	value = json_object();
	lua_pushnil(L);
	while (lua_next(L, t)) {
		char key[64];

		if (lua_isinteger(L, -2))
			snprintf(key, sizeof key, "%lld", (long long)lua_tointeger(L, -2));
		else
			snprintf(key, sizeof key, "%s", lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?");
		json_object_set_new(value, key, from_value(L, lua_gettop(L), depth + 1));
		lua_pop(L, 1);
	}
	return in_order(value);
}

/* What is no data becomes null: the fault's own function will have said what it thinks of it. */
static json_t *from_value(lua_State *L, int index, int depth)
{
	const struct node *n = node_test(L, index);
	const struct group *g = n != NULL ? NULL : group_test(L, index);

	if (n != NULL)
		return json_string(n->name);
	if (g != NULL)
		return from_group(L, g);
	switch (lua_type(L, index)) {
	case LUA_TBOOLEAN:
		return json_boolean(lua_toboolean(L, index));
	case LUA_TNUMBER:
		return lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index)) : json_real(lua_tonumber(L, index));
	case LUA_TSTRING:
		return json_string(lua_tostring(L, index));
	case LUA_TTABLE:
		return depth < DEPTH_MAX ? from_table(L, index, depth) : json_null();
	}
	return json_null();
}

json_t *plan_from_lua(lua_State *L, int index)
{
	return from_value(L, lua_absindex(L, index), 0);
}

static void to_key(lua_State *L, const char *key)
{
	char *end;
	long long number = strtoll(key, &end, 10);

	if (key[0] != '\0' && *end == '\0')
		lua_pushinteger(L, number);
	else
		lua_pushstring(L, key);
}

static void to_table(lua_State *L, const json_t *value)
{
	const char *key;
	json_t *member;

	lua_newtable(L);
	for (size_t i = 0; i < json_array_size(value); i++) {
		plan_to_lua(L, json_array_get(value, i));
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, member)
		{
			to_key(L, key);
			plan_to_lua(L, member);
			lua_rawset(L, -3);
		}
	}
}

void plan_to_lua(lua_State *L, const json_t *value)
{
	luaL_checkstack(L, 8, "the plan is nested too deeply");
	switch (json_typeof(value)) {
	case JSON_STRING:
		lua_pushlstring(L, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		lua_pushinteger(L, json_integer_value(value));
		break;
	case JSON_REAL:
		lua_pushnumber(L, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		lua_pushboolean(L, json_is_true(value));
		break;
	case JSON_NULL:
		lua_pushnil(L);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		to_table(L, value);
		break;
	}
}
