#include "sim/lua/keys.h"

#include <string.h>

#define WORD_MAX 63u

unsigned keys_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, WORD_MAX), m = strnlen(b, WORD_MAX);
	unsigned rows[3][WORD_MAX + 1] = {{0}};
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[n % 3][m];
}

const char *keys_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned least = 0;
	for (; *names; names++) {
		unsigned d = keys_distance(word, *names);
		if (!best || d < least) {
			best = *names;
			least = d;
		}
	}
	return best;
}

static bool is_known(const char *key, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(key, *names) == 0)
			return true;
	return false;
}

static void check_item(lua_State *L, const char *what, int items)
{
	int whole;
	lua_Integer i = lua_tointegerx(L, -2, &whole);
	if (lua_type(L, -2) != LUA_TNUMBER)
		luaL_error(L, "%s: a %s is no key", what, luaL_typename(L, -2));
	if (!whole || i < 1 || i > items)
		luaL_error(L, items ? "%s: takes no more than %d values without a key" : "%s: takes no values without a key", what, items);
}

void keys_check(lua_State *L, int t, const char *what, const char *const *names, int items)
{
	/* Of several unknown keys the first by bytes is named: the table's own order differs from run to run. */
	const char *unknown = NULL;
	lua_pushnil(L);
	while (lua_next(L, t)) {
		if (lua_type(L, -2) == LUA_TSTRING) {
			const char *key = lua_tostring(L, -2);
			if (!is_known(key, names) && (!unknown || strcmp(key, unknown) < 0))
				unknown = key;
		} else {
			check_item(L, what, items);
		}
		lua_pop(L, 1);
	}
	if (!unknown)
		return;
	const char *near = keys_nearest(unknown, names);
	if (near)
		luaL_error(L, "%s: unknown key '%s'; the nearest known one is '%s'", what, unknown, near);
	luaL_error(L, "%s: unknown key '%s'; it takes none", what, unknown);
}

static bool get(lua_State *L, int t, const char *key)
{
	if (lua_getfield(L, t, key) != LUA_TNIL)
		return true;
	lua_pop(L, 1);
	return false;
}

bool keys_bool(lua_State *L, int t, const char *what, const char *key, bool *out)
{
	if (!get(L, t, key))
		return false;
	if (!lua_isboolean(L, -1))
		luaL_error(L, "%s: %s is true or false, not a %s", what, key, luaL_typename(L, -1));
	*out = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return true;
}

bool keys_uint(lua_State *L, int t, const char *what, const char *key, uint64_t min, uint64_t max, uint64_t *out)
{
	if (!get(L, t, key))
		return false;
	int whole;
	lua_Integer v = lua_tointegerx(L, -1, &whole);
	if (lua_type(L, -1) != LUA_TNUMBER || !whole)
		luaL_error(L, "%s: %s is a whole number", what, key);
	if (v < 0 || (uint64_t)v < min || (uint64_t)v > max)
		luaL_error(L, "%s: %s lies between %I and %I", what, key, (LUAI_UACINT)min, (LUAI_UACINT)max);
	*out = (uint64_t)v;
	lua_pop(L, 1);
	return true;
}

uint64_t unit_check(lua_State *L, int index, enum unit_kind kind, const char *label)
{
	char error[UNIT_ERROR_TEXT];
	uint64_t value = 0;
	size_t len;
	bool ok;
	if (lua_type(L, index) == LUA_TNUMBER) {
		ok = unit_number(kind, lua_tonumber(L, index), &value, error);
	} else if (lua_type(L, index) == LUA_TSTRING) {
		const char *text = lua_tolstring(L, index, &len);
		ok = unit_parse(kind, text, len, &value, error);
	} else {
		luaL_error(L, "%s: a number or a text with a unit is needed, not a %s", label, luaL_typename(L, index));
		return 0;
	}
	if (!ok)
		luaL_error(L, "%s: %s", label, error);
	return value;
}

uint64_t unit_opt(lua_State *L, int index, enum unit_kind kind, const char *label, uint64_t otherwise)
{
	return lua_isnoneornil(L, index) ? otherwise : unit_check(L, index, kind, label);
}

bool keys_unit(lua_State *L, int t, const char *what, const char *key, enum unit_kind kind, uint64_t *out)
{
	if (!get(L, t, key))
		return false;
	const char *label = lua_pushfstring(L, "%s: %s", what, key);
	*out = unit_check(L, -2, kind, label);
	lua_pop(L, 2);
	return true;
}

bool keys_text(lua_State *L, int t, const char *what, const char *key, const char **out)
{
	if (!get(L, t, key))
		return false;
	if (lua_type(L, -1) != LUA_TSTRING)
		luaL_error(L, "%s: %s is a text, not a %s", what, key, luaL_typename(L, -1));
	*out = lua_tostring(L, -1);
	lua_pop(L, 1);
	return true;
}

bool keys_choice(lua_State *L, int t, const char *what, const char *key, const char *const *choices, int *out)
{
	const char *text;
	if (!keys_text(L, t, what, key, &text))
		return false;
	for (int i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0) {
			*out = i;
			return true;
		}
	}
	luaL_error(L, "%s: %s: unknown '%s'; the nearest known one is '%s'", what, key, text, keys_nearest(text, choices));
	return false;
}
