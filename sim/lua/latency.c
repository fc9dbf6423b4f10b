#include "sim/lua/latency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGMA_MAX 4.0
#define SHAPE_MAX 100.0

struct shape {
	const char *name;
	enum sim_dist_kind kind;
	const char *a, *b; /* names of the parameters */
	bool b_is_number;  /* sigma, shape: no unit */
};

static const struct shape shapes[] = {
    {"constant", SIM_DIST_CONSTANT, "delay", NULL, false},       {"uniform", SIM_DIST_UNIFORM, "from", "to", false},
    {"normal", SIM_DIST_NORMAL, "mean", "deviation", false},     {"lognormal", SIM_DIST_LOGNORMAL, "median", "sigma", true},
    {"exponential", SIM_DIST_EXPONENTIAL, "min", "mean", false}, {"pareto", SIM_DIST_PARETO, "min", "shape", true},
};
static const char *const shape_names[] = {"constant", "uniform", "normal", "lognormal", "exponential", "pareto", "table", NULL};
#define VALUES_MAX 100000

static const struct shape *find_shape(lua_State *L, const char *what, const char *name, size_t len)
{
	char word[32];
	snprintf(word, sizeof word, "%.*s", (int)(len < 31 ? len : 31), name);
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		if (strcmp(shapes[i].name, word) == 0)
			return &shapes[i];
	luaL_error(L, "%s: latency: unknown distribution '%s'; the nearest known one is '%s'", what, word, keys_nearest(word, shape_names));
	return NULL;
}

static uint64_t plain_number(lua_State *L, int index, const char *what, const struct shape *sh)
{
	lua_Number v = lua_tonumber(L, index), max = sh->kind == SIM_DIST_PARETO ? SHAPE_MAX : SIGMA_MAX;
	if (!lua_isnumber(L, index) || !(v > 0 && v <= max))
		luaL_error(L, "%s: latency: %s of a %s distribution is a number above 0, at most %f", what, sh->b, sh->name, max);
	return (uint64_t)(v * 4294967296.0);
}

/* Parameters at stack places a and b (b may hold nil when the shape has none). */
static void set_shape(lua_State *L, const char *what, const struct shape *sh, int a, int b, struct sim_dist *d)
{
	const char *label = lua_pushfstring(L, "%s: latency: %s", what, sh->a);
	d->kind = sh->kind;
	d->a_ns = unit_check(L, a, UNIT_TIME, label);
	d->b_ns = 0;
	if (sh->b && sh->b_is_number) {
		d->b_ns = plain_number(L, b, what, sh);
	} else if (sh->b) {
		label = lua_pushfstring(L, "%s: latency: %s", what, sh->b);
		d->b_ns = unit_check(L, b, UNIT_TIME, label);
		lua_pop(L, 1);
	}
	if (sh->kind == SIM_DIST_UNIFORM && d->b_ns < d->a_ns)
		luaL_error(L, "%s: latency: 'to' is less than 'from'", what);
	lua_pop(L, 1);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y; /* equal ones are alike */
}

/* { "table", values = { "10ms", "12ms", ... } }: as measured, in any order. */
static void from_values(lua_State *L, int t, const char *what, struct sim_dist *d)
{
	static const char *const known[] = {"values", "max", NULL};
	const char *label = lua_pushfstring(L, "%s: latency", what);
	keys_check(L, t, label, known, 1);
	lua_Integer n = lua_getfield(L, t, "values") == LUA_TTABLE ? luaL_len(L, -1) : 0;
	if (n < 1 || n > VALUES_MAX)
		luaL_error(L, "%s: latency: values is a list of 1 to %d times", what, VALUES_MAX);
	uint64_t *values = host_new(L, (size_t)n * sizeof *values);
	for (lua_Integer i = 0; i < n; i++) {
		lua_geti(L, -1, i + 1);
		values[i] = unit_check(L, lua_gettop(L), UNIT_TIME, label);
		lua_pop(L, 1);
	}
	qsort(values, (size_t)n, sizeof *values, by_size);
	*d = (struct sim_dist){.kind = SIM_DIST_TABLE, .a_ns = values[n / 2], .table_ns = values, .table_len = (uint32_t)n};
	lua_pop(L, 1);
	keys_unit(L, t, label, "max", UNIT_TIME, &d->max_ns);
	lua_pop(L, 1);
}

static void from_table(lua_State *L, int t, const char *what, struct sim_dist *d)
{
	if (lua_geti(L, t, 1) != LUA_TSTRING)
		luaL_error(L, "%s: latency: the first value of the table names a distribution", what);
	size_t len;
	const char *name = lua_tolstring(L, -1, &len);
	if (strcmp(name, "table") == 0) {
		from_values(L, t, what, d);
		lua_pop(L, 1);
		return;
	}
	const struct shape *sh = find_shape(L, what, name, len);
	const char *const known[] = {sh->a, "max", sh->b, NULL};
	const char *label = lua_pushfstring(L, "%s: latency", what);
	keys_check(L, t, label, known, 1);
	lua_getfield(L, t, sh->a);
	if (sh->b)
		lua_getfield(L, t, sh->b);
	else
		lua_pushnil(L);
	set_shape(L, what, sh, lua_gettop(L) - 1, lua_gettop(L), d);
	d->max_ns = 0;
	keys_unit(L, t, label, "max", UNIT_TIME, &d->max_ns);
	lua_pop(L, 4);
}

/* "normal(40ms, 5ms)": the parameters go to the stack as texts. */
static void from_call(lua_State *L, const char *text, const char *open, const char *what, struct sim_dist *d)
{
	const struct shape *sh = find_shape(L, what, text, (size_t)(open - text));
	const char *close = strrchr(open, ')'), *comma = strchr(open, ',');
	if (!close || close[1] != '\0' || (comma != NULL) != (sh->b != NULL))
		luaL_error(L, "%s: latency: '%s' reads %s(%s%s%s)", what, text, sh->name, sh->a, sh->b ? ", " : "", sh->b ? sh->b : "");
	const char *a_end = comma ? comma : close;
	lua_pushlstring(L, open + 1, (size_t)(a_end - open - 1));
	if (comma) {
		comma++;
		while (*comma == ' ')
			comma++;
		lua_pushlstring(L, comma, (size_t)(close - comma));
	} else {
		lua_pushnil(L);
	}
	d->max_ns = 0;
	set_shape(L, what, sh, lua_gettop(L) - 1, lua_gettop(L), d);
	lua_pop(L, 2);
}

void latency_check(lua_State *L, int index, const char *what, struct sim_dist *d)
{
	if (lua_type(L, index) == LUA_TTABLE) {
		from_table(L, index, what, d);
		return;
	}
	const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
	const char *open = text ? strchr(text, '(') : NULL;
	if (open) {
		from_call(L, text, open, what, d);
		return;
	}
	const char *label = lua_pushfstring(L, "%s: latency", what);
	*d = (struct sim_dist){.kind = SIM_DIST_CONSTANT, .a_ns = unit_check(L, index, UNIT_TIME, label)};
	lua_pop(L, 1);
}

void latency_format(const struct sim_dist *d, char *buf, size_t cap)
{
	char a[40], b[40];
	unit_format_time(d->a_ns, a, sizeof a);
	if (d->kind == SIM_DIST_CONSTANT) {
		snprintf(buf, cap, "%s", a);
		return;
	}
	if (d->kind == SIM_DIST_TABLE) {
		snprintf(buf, cap, "table of %u, median %s", d->table_len, a);
		return;
	}
	const struct shape *sh = &shapes[0];
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		if (shapes[i].kind == d->kind)
			sh = &shapes[i];
	if (sh->b_is_number)
		snprintf(b, sizeof b, "%.3g", (double)d->b_ns / 4294967296.0);
	else
		unit_format_time(d->b_ns, b, sizeof b);
	snprintf(buf, cap, "%s(%s, %s)", sh->name, a, b);
}
