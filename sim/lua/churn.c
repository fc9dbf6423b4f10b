/*
 * churn { ... }: nodes that come and go, drawn from the seed as operations of the plan. A node's sessions and absences are
 * keyed by its name, so that another node in the group moves nobody's.
 */
#include <string.h>

#include "core/base/hash.h"
#include "sim/engine/dist.h"
#include "sim/engine/rand.h"
#include "sim/lua/latency.h"
#include "sim/lua/pages.h"
#include "sim/lua/plan.h"

#define MAX_SESSIONS 10000u /* of a node */
#define ONE_PPM 1000000u

struct churn {
	struct scenario *s;
	const char *by;
	uint64_t number, groups;
	struct sim_dist session, downtime;
	uint64_t after_ns, before_ns;
	uint64_t crash_ppm, lose_disk_ppm;
	uint64_t period_ns, swing_ppm;  /* of the day; swing 0: none */
	uint64_t burst, burst_every_ns; /* arrivals; burst 0: all run already */
};

/* ------------------------------------------------------------------ draws */

struct life {
	uint64_t entity, counter;
};

static uint64_t draw_dist(struct churn *c, struct life *l, const struct sim_dist *d)
{
	return sim_dist_draw_ns(d, c->s->options.seed, SIM_RAND_FAULT, l->entity, l->counter++ << 1);
}

static bool coin(struct churn *c, struct life *l, uint64_t ppm)
{
	return sim_rand_below(c->s->options.seed, SIM_RAND_FAULT, l->entity, l->counter++ << 1 | 1, ONE_PPM) < ppm;
}

/*
 * How long a session that begins now lasts: at noon as drawn, at midnight shorter by the swing, in between in proportion. Noon
 * is the middle of each period.
 */
static uint64_t of_the_day(const struct churn *c, uint64_t at_ns, uint64_t session_ns)
{
	if (c->swing_ppm == 0)
		return session_ns;
	uint64_t phase = at_ns % c->period_ns, half = c->period_ns / 2;
	uint64_t from_noon = phase > half ? phase - half : half - phase;
	uint64_t cut_ppm = (uint64_t)((unsigned __int128)c->swing_ppm * from_noon / (half == 0 ? 1 : half));

	return (uint64_t)((unsigned __int128)session_ns * (ONE_PPM - cut_ppm) / ONE_PPM);
}

/* ------------------------------------------------------------------ a node's life */

static json_t *time_text(uint64_t ns)
{
	char text[40];

	snprintf(text, sizeof text, "%lluns", (unsigned long long)ns);
	return json_string(text);
}

static void add(struct churn *c, uint64_t at_ns, const char *word, json_t *args)
{
	plan_add(c->s, at_ns, plan_word_find(word), args, c->by, c->number << 32 | ++c->groups);
}

static void live(struct churn *c, const struct node *n, uint64_t at_ns)
{
	struct life l = {.entity = sy_hash_u64(host_entity(n->name, "churn"), c->number)};

	for (uint32_t i = 0; i < MAX_SESSIONS; i++) {
		at_ns += of_the_day(c, at_ns, draw_dist(c, &l, &c->session)) + 1;
		if (at_ns >= c->before_ns)
			return;
		uint64_t down_ns = draw_dist(c, &l, &c->downtime);
		bool crash = coin(c, &l, c->crash_ppm);
		bool lose_disk = coin(c, &l, c->lose_disk_ppm);
		add(c, at_ns, "restart",
		    json_pack("[s, {s:o, s:b, s:b}]", n->name, "after", time_text(down_ns), "crash", crash, "lose_disk", lose_disk));
		at_ns += down_ns;
	}
}

static void live_all(struct churn *c, const struct node_list *nodes)
{
	for (size_t i = 0; i < nodes->n; i++) {
		uint64_t at_ns = c->after_ns + (c->burst == 0 ? 0 : i / c->burst * c->burst_every_ns);

		if (c->burst != 0 && at_ns < c->before_ns)
			add(c, at_ns, "arrive", json_pack("[s]", nodes->at[i]->name));
		live(c, nodes->at[i], at_ns);
	}
}

/* ------------------------------------------------------------------ a trace */

/* { node, from, to }: it arrives, and leaves by a crash. */
static void read_visit(lua_State *L, struct churn *c, int t)
{
	lua_rawgeti(L, t, 1);
	const struct node *n = nodes_one(L, lua_gettop(L), "churn: trace");
	lua_rawgeti(L, t, 2);
	uint64_t from_ns = unit_check(L, lua_gettop(L), UNIT_TIME, "churn: trace");
	lua_rawgeti(L, t, 3);
	uint64_t to_ns = unit_opt(L, lua_gettop(L), UNIT_TIME, "churn: trace", UINT64_MAX);
	if (to_ns <= from_ns)
		luaL_error(L, "churn: trace: '%s' leaves before it comes", n->name);
	add(c, from_ns, "arrive", json_pack("[s]", n->name));
	if (to_ns != UINT64_MAX)
		add(c, to_ns, "crash", json_pack("[s]", n->name));
	lua_settop(L, t);
}

static bool read_trace(lua_State *L, struct churn *c)
{
	if (lua_getfield(L, 1, "trace") == LUA_TNIL) {
		lua_pop(L, 1);
		return false;
	}
	luaL_checktype(L, -1, LUA_TTABLE);
	int list = lua_gettop(L);
	for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, list); i++) {
		lua_rawgeti(L, list, i);
		luaL_checktype(L, -1, LUA_TTABLE);
		read_visit(L, c, lua_gettop(L));
		lua_settop(L, list);
	}
	lua_settop(L, 1);
	return true;
}

/* ------------------------------------------------------------------ the block */

static void read_dist(lua_State *L, const char *key, struct sim_dist *d)
{
	if (lua_getfield(L, 1, key) == LUA_TNIL)
		luaL_error(L, "churn: %s is needed: a time or a distribution", key);
	latency_check(L, lua_gettop(L), "churn", d);
	lua_settop(L, 1);
}

/* day = { period, swing }, arrivals = { burst, every }. */
static void read_pair(lua_State *L, const char *key, const char *a, enum unit_kind kind, uint64_t *first, const char *b, uint64_t *second)
{
	const char *const keys[] = {a, b, NULL};

	if (lua_getfield(L, 1, key) != LUA_TNIL) {
		luaL_checktype(L, 2, LUA_TTABLE);
		keys_check(L, 2, key, keys, 0);
		bool has_first = kind == UNIT_SIZE ? keys_uint(L, 2, key, a, 1, 1000000, first) : keys_unit(L, 2, key, a, kind, first);
		if (!has_first || !keys_unit(L, 2, key, b, kind == UNIT_SIZE ? UNIT_TIME : UNIT_FRACTION, second))
			luaL_error(L, "churn: %s: %s and %s are needed", key, a, b);
	}
	lua_settop(L, 1);
}

static void read_block(lua_State *L, struct churn *c)
{
	read_dist(L, "session", &c->session);
	read_dist(L, "downtime", &c->downtime);
	c->crash_ppm = ONE_PPM;
	keys_unit(L, 1, "churn", "after", UNIT_TIME, &c->after_ns);
	keys_unit(L, 1, "churn", "crash", UNIT_FRACTION, &c->crash_ppm);
	keys_unit(L, 1, "churn", "lose_disk", UNIT_FRACTION, &c->lose_disk_ppm);
	if (!keys_unit(L, 1, "churn", "before", UNIT_TIME, &c->before_ns))
		luaL_error(L, "churn: before: the time at which no more sessions end is needed");
	read_pair(L, "day", "period", UNIT_TIME, &c->period_ns, "swing", &c->swing_ppm);
	read_pair(L, "arrivals", "burst", UNIT_SIZE, &c->burst, "every", &c->burst_every_ns);
	if (c->swing_ppm > ONE_PPM || (c->swing_ppm != 0 && c->period_ns == 0))
		luaL_error(L, "churn: day: swing is at most 1, and period more than 0");
}

static int api_churn(lua_State *L)
{
	static const char *const keys[] = {"nodes",     "session", "downtime", "after", "before", "crash",
	                                   "lose_disk", "day",     "arrivals", "trace", NULL};
	struct churn c = {.s = host_scenario(L, "churn")};

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_load(L, "churn");
	host_must_simulate(L, "churn");
	keys_check(L, 1, "churn", keys, 0);
	c.number = ++c.s->plan.drawers;
	c.by = arena_format(&c.s->host.arena, "churn %llu", (unsigned long long)c.number);
	if (c.by == NULL)
		return luaL_error(L, "churn: out of memory");
	if (read_trace(L, &c))
		return 0;
	read_block(L, &c);
	lua_getfield(L, 1, "nodes");
	struct node_list nodes = nodes_check(L, 2, "churn: nodes");
	live_all(&c, &nodes);
	return 0;
}

static const luaL_Reg functions[] = {{"churn", api_churn}, {NULL, NULL}};
const struct api_page churn_page = {"", functions, NULL};

void churn_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
