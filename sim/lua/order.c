/*
 * Iteration in an order that depends on the keys alone: numbers ascending, texts by their bytes, false before true,
 * then nodes, groups and peers in the order of their making. Tables and functions as keys have no such order: pairs
 * says so. And a stable sort: stock table.sort picks pivots by the clock.
 */
#include "sim/lua/sandbox.h"

#include <stdlib.h>
#include <string.h>

enum key_rank { RANK_NUMBER, RANK_TEXT, RANK_BOOL, RANK_HANDLE };

struct order_key {
	enum key_rank rank;
	bool integer;
	lua_Integer i; /* also the boolean */
	lua_Number n;
	const char *text; /* lives in the table that is walked */
	size_t len;
	uint64_t serial;
	lua_Integer place; /* in the list of keys */
};

static void key_read(lua_State *L, int index, struct order_key *k)
{
	memset(k, 0, sizeof *k);
	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
		k->rank = RANK_NUMBER;
		k->integer = lua_isinteger(L, index);
		k->i = k->integer ? lua_tointeger(L, index) : 0;
		k->n = lua_tonumber(L, index);
		return;
	case LUA_TSTRING:
		k->rank = RANK_TEXT;
		k->text = lua_tolstring(L, index, &k->len);
		return;
	case LUA_TBOOLEAN:
		k->rank = RANK_BOOL;
		k->i = lua_toboolean(L, index);
		return;
	default:
		break;
	}
	const struct handle *h = sandbox_handle(L, index);
	if (!h) {
		luaL_error(L, "pairs: a %s as a key has no order that is the same in every run; keep such keys in a list as well and walk that",
		           luaL_typename(L, index));
		return;
	}
	k->rank = RANK_HANDLE;
	k->serial = h->serial;
}

static int compare_numbers(const struct order_key *a, const struct order_key *b)
{
	if (a->integer && b->integer)
		return (a->i > b->i) - (a->i < b->i);
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return (int)b->integer - (int)a->integer; /* beyond 2^53 a float may look equal to an integer: the integer first */
}

static int key_compare(const struct order_key *a, const struct order_key *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	switch (a->rank) {
	case RANK_NUMBER:
		return compare_numbers(a, b);
	case RANK_TEXT: {
		size_t n = a->len < b->len ? a->len : b->len;
		int c = memcmp(a->text, b->text, n);
		return c ? c : (a->len > b->len) - (a->len < b->len);
	}
	case RANK_BOOL:
		return (int)(a->i - b->i);
	case RANK_HANDLE:
		return (a->serial > b->serial) - (a->serial < b->serial);
	}
	return 0;
}

static int key_compare_void(const void *a, const void *b)
{
	return key_compare(a, b); /* keys of one table are never equal, so qsort has no ties to break */
}

/* Upvalues: the table, its keys in order, how far we are. */
static int pairs_step(lua_State *L)
{
	lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));
	for (;;) {
		at++;
		lua_settop(L, 0);
		if (lua_rawgeti(L, lua_upvalueindex(2), at) == LUA_TNIL)
			break;
		lua_pushvalue(L, 1);
		if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
			continue; /* taken out meanwhile */
		lua_pushinteger(L, at);
		lua_replace(L, lua_upvalueindex(3));
		return 2;
	}
	lua_pushnil(L);
	return 1;
}

/* Pushes the list of the keys of the table at index 1, in order. */
static void push_ordered_keys(lua_State *L)
{
	size_t n = 0, cap = 0;
	lua_newtable(L);
	int list = lua_gettop(L);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		lua_pop(L, 1);
		lua_pushvalue(L, -1);
		lua_rawseti(L, list, (lua_Integer)++n);
	}
	cap = n ? n : 1;
	struct order_key *keys = lua_newuserdatauv(L, cap * sizeof *keys, 0);
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, list, (lua_Integer)i + 1);
		key_read(L, -1, &keys[i]);
		keys[i].place = (lua_Integer)i + 1;
		lua_pop(L, 1);
	}
	qsort(keys, n, sizeof *keys, key_compare_void);
	lua_createtable(L, (int)n, 0);
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, list, keys[i].place);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_replace(L, list);
	lua_settop(L, list);
}

static int order_pairs(lua_State *L)
{
	luaL_checkany(L, 1);
	if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(L, 1);
		lua_call(L, 1, 3);
		return 3;
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_pushvalue(L, 1);
	push_ordered_keys(L);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, pairs_step, 3);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

/* The least key that is greater than the one given: a walk of the whole table each time. pairs is the faster way. */
static int order_next(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	struct order_key after, best, k;
	bool from_start = lua_isnil(L, 2), found = false;
	if (!from_start)
		key_read(L, 2, &after);
	lua_pushnil(L); /* 3: the best key so far */
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		lua_pop(L, 1);
		key_read(L, -1, &k);
		if ((!from_start && key_compare(&k, &after) <= 0) || (found && key_compare(&k, &best) >= 0))
			continue;
		best = k;
		found = true;
		lua_pushvalue(L, -1);
		lua_replace(L, 3);
	}
	if (!found) {
		lua_pushnil(L);
		return 1;
	}
	lua_settop(L, 3);
	lua_pushvalue(L, 3);
	lua_rawget(L, 1);
	return 2;
}

/* ------------------------------------------------------------------ sorting */

#define SORT_ARRAY 1
#define SORT_LESS 2
#define SORT_COPY 3
#define SORT_MAX 10000000

/* True when element b must come before element a; both are places in the copy. */
static bool sort_before(lua_State *L, lua_Integer b, lua_Integer a)
{
	bool before;
	if (lua_isnil(L, SORT_LESS)) {
		lua_rawgeti(L, SORT_COPY, b);
		lua_rawgeti(L, SORT_COPY, a);
		before = lua_compare(L, -2, -1, LUA_OPLT);
		lua_pop(L, 2);
		return before;
	}
	lua_pushvalue(L, SORT_LESS);
	lua_rawgeti(L, SORT_COPY, b);
	lua_rawgeti(L, SORT_COPY, a);
	lua_call(L, 2, 1);
	before = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return before;
}

static void sort_merge(lua_State *L, const lua_Integer *from, lua_Integer *to, lua_Integer lo, lua_Integer mid, lua_Integer hi)
{
	lua_Integer a = lo, b = mid;
	for (lua_Integer i = lo; i < hi; i++) {
		if (a < mid && (b >= hi || !sort_before(L, from[b], from[a])))
			to[i] = from[a++];
		else
			to[i] = from[b++];
	}
}

/* Bottom-up merge sort: stable, and the comparisons asked are a function of the answers alone. */
static int order_sort(lua_State *L)
{
	lua_Integer n = luaL_len(L, SORT_ARRAY);
	luaL_argcheck(L, n < SORT_MAX, 1, "array too big");
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	lua_createtable(L, (int)n, 0);
	lua_Integer *from = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *from, 0);
	lua_Integer *to = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *to, 0);
	for (lua_Integer i = 0; i < n; i++) {
		lua_geti(L, SORT_ARRAY, i + 1);
		lua_rawseti(L, SORT_COPY, i + 1);
		from[i] = i + 1;
	}
	for (lua_Integer width = 1; width < n; width *= 2) {
		for (lua_Integer lo = 0; lo < n; lo += 2 * width) {
			lua_Integer mid = lo + width < n ? lo + width : n;
			lua_Integer hi = mid + width < n ? mid + width : n;
			sort_merge(L, from, to, lo, mid, hi);
		}
		lua_Integer *swap = from;
		from = to;
		to = swap;
	}
	for (lua_Integer i = 0; i < n; i++) {
		lua_rawgeti(L, SORT_COPY, from[i]);
		lua_seti(L, SORT_ARRAY, i + 1);
	}
	return 0;
}

void order_open(lua_State *L)
{
	lua_pushcfunction(L, order_pairs);
	lua_setfield(L, -2, "pairs");
	lua_pushcfunction(L, order_next);
	lua_setfield(L, -2, "next");
	lua_getfield(L, -1, LUA_TABLIBNAME);
	lua_pushcfunction(L, order_sort);
	lua_setfield(L, -2, "sort");
	lua_pop(L, 1);
}
