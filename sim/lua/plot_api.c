/*
 * plot {}: a function looked at again and again. It returns a number (a line), a list of numbers (percentiles of them,
 * or the mean), or a table of named numbers (a line each). plot.channels(flow) asks for the plots of a measure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lua/pages.h"

#define EVERY_NS UINT64_C(1000000000)
#define LIST_MAX 1000000

struct plot {
	struct plot *next;
	struct scenario *s;
	const char *title;
	int fn_ref;
	uint64_t every_ns, after_ns, until_ns;
	size_t num_percentiles;
	double percentiles[SCENARIO_MAX_COLUMNS];
	size_t num_columns;
	const char *columns[SCENARIO_MAX_COLUMNS];
	const char *metrics[SCENARIO_MAX_COLUMNS]; /* their names in metrics.csv */
	double *values[SCENARIO_MAX_COLUMNS];
	double *time_s;
	size_t num_points, cap_points;
	uint64_t dropped;
	struct task task;
};

/* ------------------------------------------------------------------ points */

/* Makes room for one more point of all columns; a new one is all NaN. */
static bool point_add(struct plot *p)
{
	if (p->num_points == SCENARIO_MAX_POINTS) {
		p->dropped++;
		return false;
	}
	size_t cap = p->cap_points ? p->cap_points * 2 : 64;
	for (size_t c = 0; p->num_points == p->cap_points && c <= SCENARIO_MAX_COLUMNS; c++) {
		double **at = c == SCENARIO_MAX_COLUMNS ? &p->time_s : &p->values[c];
		if (c < SCENARIO_MAX_COLUMNS && c >= p->num_columns)
			continue;
		double *grown = realloc(*at, cap * sizeof *grown);
		if (!grown)
			return false;
		*at = grown;
	}
	if (p->num_points == p->cap_points)
		p->cap_points = cap;
	for (size_t c = 0; c < p->num_columns; c++)
		p->values[c][p->num_points] = NAN;
	p->time_s[p->num_points++] = (double)scenario_now(p->s) / 1e9;
	return true;
}

/* The column of this name; a new one has NaN for the points so far. SCENARIO_MAX_COLUMNS: too many, or no memory. */
static size_t column_of(struct plot *p, const char *name)
{
	for (size_t c = 0; c < p->num_columns; c++)
		if (strcmp(p->columns[c], name) == 0)
			return c;
	const char *kept = p->num_columns < SCENARIO_MAX_COLUMNS ? arena_text(&p->s->host.arena, name, strlen(name)) : NULL;
	double *values = kept ? malloc((p->cap_points ? p->cap_points : 1) * sizeof *values) : NULL;
	if (!values)
		return SCENARIO_MAX_COLUMNS;
	for (size_t i = 0; i < p->num_points; i++)
		values[i] = NAN;
	p->columns[p->num_columns] = kept;
	p->metrics[p->num_columns] = strcmp(name, "value") == 0 ? p->title : arena_format(&p->s->host.arena, "%s: %s", p->title, name);
	p->values[p->num_columns] = values;
	return p->num_columns++;
}

static void put(struct plot *p, const char *column, double value)
{
	size_t c = column_of(p, column);
	if (c == SCENARIO_MAX_COLUMNS) {
		p->dropped++;
		return;
	}
	p->values[c][p->num_points - 1] = value;
	result_row(p->s, "", "", "", p->metrics[c], value);
}

/* A number whose order as an integer is the order of the doubles: no comparison is undecided, NaN comes last or first by its sign. */
static uint64_t rank_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static void swap(double *a, double *b)
{
	double kept = *a;
	*a = *b;
	*b = kept;
}

/* Moves what belongs at place k of the sorted array there, smaller ones before it, greater ones behind it: sorting all would be waste. */
static double select_place(double *at, size_t n, size_t k)
{
	size_t from = 0, to = n;
	while (to - from > 1) {
		uint64_t pivot = rank_of(at[from + (to - from) / 2]);
		size_t less = from, i = from, more = to;
		while (i < more) {
			uint64_t rank = rank_of(at[i]);
			if (rank < pivot)
				swap(&at[less++], &at[i++]);
			else if (rank > pivot)
				swap(&at[i], &at[--more]);
			else
				i++;
		}
		if (k >= less && k < more)
			break;
		if (k < less)
			to = less;
		else
			from = more;
	}
	return at[k];
}

static void put_list(struct plot *p, double *at, size_t n)
{
	if (n == 0)
		return;
	if (p->num_percentiles == 0) {
		double sum = 0;
		for (size_t i = 0; i < n; i++)
			sum += at[i];
		put(p, "mean", sum / (double)n);
		return;
	}
	for (size_t i = 0; i < p->num_percentiles; i++) {
		size_t k = (size_t)((double)n * p->percentiles[i] / 100);
		char name[32];
		snprintf(name, sizeof name, "p%.6g", p->percentiles[i]);
		put(p, name, select_place(at, n, k < n ? k : n - 1));
	}
}

/* ------------------------------------------------------------------ looking */

static double number_at(lua_State *L, int index, const struct plot *p)
{
	if (lua_type(L, index) == LUA_TBOOLEAN)
		return lua_toboolean(L, index);
	if (lua_type(L, index) != LUA_TNUMBER)
		luaL_error(L, "plot \"%s\": the function returns a number, a list of numbers or a table of named ones", p->title);
	return lua_tonumber(L, index);
}

static void take_list(lua_State *L, struct plot *p)
{
	lua_Integer n = luaL_len(L, -1);
	luaL_argcheck(L, n <= LIST_MAX, 1, "too many numbers");
	double *at = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *at, 0);
	lua_insert(L, -2);
	for (lua_Integer i = 0; i < n; i++) {
		lua_geti(L, -1, i + 1);
		at[i] = number_at(L, -1, p);
		lua_pop(L, 1);
	}
	put_list(p, at, (size_t)n);
}

/* Columns come in the order of pairs: sorted by name. */
static void take_named(lua_State *L, struct plot *p)
{
	int t = lua_gettop(L);
	lua_getglobal(L, "pairs");
	lua_pushvalue(L, t);
	lua_call(L, 1, 1);
	for (;;) {
		lua_pushvalue(L, -1);
		lua_call(L, 0, 2);
		if (lua_isnil(L, -2))
			return;
		double v = number_at(L, -1, p);
		put(p, sandbox_tostring(L, -2, NULL), v);
		lua_pop(L, 3);
	}
}

/* Upvalue-free: the plot is the argument, its function is called here, under protection. */
static int look_protected(lua_State *L)
{
	struct plot *p = lua_touserdata(L, 1);
	lua_rawgeti(L, LUA_REGISTRYINDEX, p->fn_ref);
	lua_call(L, 0, 1);
	if (lua_isnil(L, -1) || !point_add(p))
		return 0;
	if (lua_type(L, -1) != LUA_TTABLE) {
		double v = number_at(L, -1, p);
		put(p, "value", v);
		return 0;
	}
	lua_geti(L, -1, 1);
	bool list = !lua_isnil(L, -1);
	lua_pop(L, 1);
	if (list || p->num_percentiles)
		take_list(L, p);
	else
		take_named(L, p);
	return 0;
}

static void on_look(void *arg)
{
	struct plot *p = arg;
	struct scenario *s = p->s;
	lua_State *L = s->host.sb.L;
	struct frame frame = {.kind = FRAME_OBSERVER};
	if (s->host.failed || !lua_checkstack(L, 20))
		return;
	lua_pushcfunction(L, look_protected);
	lua_pushlightuserdata(L, p);
	if (!host_call(&s->host, &frame, 1, 0))
		return;
	uint64_t next = scenario_now(s) + p->every_ns;
	if (next <= p->until_ns)
		task_at(s, &p->task, next, SIM_OBSERVER, on_look, p);
}

/* ------------------------------------------------------------------ declaring */

static const char *const keys[] = {"every", "after", "before", "percentiles", NULL};

static void read_percentiles(lua_State *L, struct plot *p)
{
	if (lua_getfield(L, 1, "percentiles") == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	luaL_checktype(L, -1, LUA_TTABLE);
	lua_Integer n = luaL_len(L, -1);
	if (n < 1 || n > (lua_Integer)SCENARIO_MAX_COLUMNS)
		luaL_error(L, "plot: percentiles is a list of 1 to %d numbers", (int)SCENARIO_MAX_COLUMNS);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_geti(L, -1, i);
		lua_Number v = lua_tonumber(L, -1);
		if (!lua_isnumber(L, -1) || !(v >= 0 && v <= 100))
			luaL_error(L, "plot: percentiles lie between 0 and 100");
		p->percentiles[p->num_percentiles++] = v;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* plot is a table that is called: the first argument is itself. */
static int api_plot(lua_State *L)
{
	struct scenario *s = host_scenario(L, "plot");
	lua_remove(L, 1);
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_act(L, "plot");
	keys_check(L, 1, "plot", keys, 2);
	struct plot *p = host_new(L, sizeof *p);
	p->s = s;
	p->every_ns = EVERY_NS;
	p->until_ns = UINT64_MAX;
	keys_unit(L, 1, "plot", "every", UNIT_TIME, &p->every_ns);
	keys_unit(L, 1, "plot", "after", UNIT_TIME, &p->after_ns);
	keys_unit(L, 1, "plot", "before", UNIT_TIME, &p->until_ns);
	if (p->every_ns == 0)
		return luaL_error(L, "plot: every is more than 0");
	read_percentiles(L, p);
	if (lua_geti(L, 1, 1) != LUA_TSTRING || lua_geti(L, 1, 2) != LUA_TFUNCTION)
		return luaL_error(L, "plot: { \"title\", function() ... end } is needed");
	p->title = host_keep(L, lua_tostring(L, -2));
	p->fn_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	if (s->last_plot)
		s->last_plot->next = p;
	else
		s->plots = p;
	s->last_plot = p;
	uint64_t now = scenario_now(s);
	task_at(s, &p->task, p->after_ns > now ? p->after_ns : now, SIM_OBSERVER, on_look, p);
	return 0;
}

static int api_channels(lua_State *L)
{
	measure_set_plotted(L, 1);
	return 0;
}

/* metric(name, value, { node, peer, channel }): a row of metrics.csv. Observers may write it: it only records. */
static int api_metric(lua_State *L)
{
	static const char *const known[] = {"node", "peer", "channel", NULL};
	struct scenario *s = host_scenario(L, "metric");
	const char *name = host_keep(L, luaL_checkstring(L, 1));
	lua_Number value = luaL_checknumber(L, 2);
	const char *at[3] = {"", "", ""};
	if (!lua_isnoneornil(L, 3)) {
		luaL_checktype(L, 3, LUA_TTABLE);
		keys_check(L, 3, "metric", known, 0);
		for (int i = 0; i < 3; i++) {
			if (lua_getfield(L, 3, known[i]) != LUA_TNIL) {
				if (i == 2 && lua_isinteger(L, -1))
					at[i] = arena_format(&s->host.arena, "0x%02x", (unsigned)lua_tointeger(L, -1) & 0xff);
				else
					at[i] = host_keep(L, sandbox_tostring(L, -1, NULL));
			}
		}
	}
	result_row(s, at[0], at[1], at[2] ? at[2] : "", name, value);
	return 0;
}

static const luaL_Reg functions[] = {{"channels", api_channels}, {NULL, NULL}};
static const luaL_Reg globals[] = {{"metric", api_metric}, {NULL, NULL}};
const struct api_page plot_page = {"plot.", functions, keys};
const struct api_page plot_globals_page = {"", globals, NULL};

void plot_open(lua_State *L)
{
	luaL_setfuncs(L, globals, 0);
	luaL_newlib(L, functions);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, api_plot);
	lua_setfield(L, -2, "__call");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_setfield(L, -2, "plot");
}

/* ------------------------------------------------------------------ results */

void plots_finish(struct scenario *s)
{
	size_t n = 0;
	for (struct plot *p = s->plots; p; p = p->next)
		n++;
	struct scenario_series *list = n ? arena_new(&s->host.arena, n * sizeof *list) : NULL;
	size_t k = 0;
	for (struct plot *p = s->plots; p && list; p = p->next) {
		list[k++] = (struct scenario_series){.title = p->title,
		                                     .every_ns = p->every_ns,
		                                     .percentiles = p->num_percentiles > 0,
		                                     .num_columns = p->num_columns,
		                                     .columns = p->columns,
		                                     .num_points = p->num_points,
		                                     .time_s = p->time_s,
		                                     .values = (const double *const *)p->values,
		                                     .dropped = p->dropped};
	}
	s->results.series = list;
	s->results.num_series = k;
}

void plots_free(struct scenario *s)
{
	for (struct plot *p = s->plots; p; p = p->next) {
		for (size_t c = 0; c < p->num_columns; c++)
			free(p->values[c]);
		free(p->time_s);
	}
	s->plots = NULL;
}
