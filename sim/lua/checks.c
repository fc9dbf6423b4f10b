/*
 * What must hold: always, eventually, never, at_end. Looked at in class SIM_OBSERVER, each second unless `every` says
 * otherwise, and at the end. `within` counts from `after`, else from 0.
 */
#include <stdio.h>
#include <string.h>

#include "sim/lua/pages.h"

#define EVERY_NS UINT64_C(1000000000)

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

/* Runs the check's function. *note: what it returned second, or "". False: the script broke. */
static bool look(struct check *c, struct scenario *s, bool *value, char *note, size_t cap)
{
	lua_State *L = s->host.sb.L;
	struct frame frame = {.kind = FRAME_OBSERVER};
	note[0] = '\0';
	if (s->host.failed || !lua_checkstack(L, 20))
		return false;
	lua_rawgeti(L, LUA_REGISTRYINDEX, c->fn_ref);
	if (!host_call(&s->host, &frame, 0, 2))
		return false;
	*value = lua_toboolean(L, -2);
	if (lua_type(L, -1) == LUA_TSTRING)
		snprintf(note, cap, ": %s", lua_tostring(L, -1));
	lua_pop(L, 2);
	c->looks++;
	return true;
}

static void decide(struct check *c, struct scenario *s, bool held, const char *text, const char *note)
{
	char detail[300];
	snprintf(detail, sizeof detail, "%s%s", text, note);
	c->done = true;
	task_cancel(&c->task);
	result_decide(s, &s->result_checks[c->result], held, detail);
}

/* Whether what was seen decides the check now. */
static void judge(struct check *c, struct scenario *s, bool value, const char *note)
{
	char text[160];
	double now = seconds(scenario_now(s));
	switch (c->kind) {
	case SCENARIO_ALWAYS:
		snprintf(text, sizeof text, "first failed at %.9g s", now);
		if (!value)
			decide(c, s, false, text, note);
		return;
	case SCENARIO_NEVER:
		snprintf(text, sizeof text, "first happened at %.9g s", now);
		if (value)
			decide(c, s, false, text, note);
		return;
	case SCENARIO_EVENTUALLY:
		snprintf(text, sizeof text, "held from %.9g s", now);
		if (value)
			decide(c, s, true, text, "");
		return;
	case SCENARIO_AT_END:
	case SCENARIO_WAIT:
		return;
	}
}

static uint64_t deadline(const struct check *c)
{
	return c->within_ns > UINT64_MAX - c->after_ns ? UINT64_MAX : c->after_ns + c->within_ns;
}

/* The time of `within` is over: what stands now stands. */
static void judge_deadline(struct check *c, struct scenario *s, const char *note)
{
	char text[160];
	if (c->done)
		return;
	if (c->kind == SCENARIO_EVENTUALLY) {
		snprintf(text, sizeof text, "did not hold within %.9g s%s", seconds(c->within_ns), c->after_ns ? " of its beginning" : "");
		decide(c, s, false, text, note);
	} else {
		snprintf(text, sizeof text, "held at %llu looks", (unsigned long long)c->looks);
		decide(c, s, true, text, "");
	}
}

static void on_look(void *arg)
{
	struct check *c = arg;
	struct scenario *s = c->task.s;
	uint64_t now = scenario_now(s);
	bool value;
	char note[128];
	if (c->done || !look(c, s, &value, note, sizeof note))
		return;
	judge(c, s, value, note);
	if (!c->done && now >= deadline(c))
		judge_deadline(c, s, note);
	if (c->done)
		return;
	uint64_t next = now + c->every_ns;
	task_at(s, &c->task, next < deadline(c) ? next : deadline(c), SIM_OBSERVER, on_look, c);
}

/* ------------------------------------------------------------------ the end */

static void end_one(struct scenario *s, struct check *c, bool cut)
{
	struct scenario_check *r = &s->result_checks[c->result];
	uint64_t now = scenario_now(s);
	bool value = false;
	char note[128] = "", text[160];
	if (c->done)
		return;
	bool began = c->kind == SCENARIO_AT_END || now >= c->after_ns;
	if (began && !(cut && c->kind == SCENARIO_AT_END)) {
		if (!look(c, s, &value, note, sizeof note))
			return;
		judge(c, s, value, note);
		if (c->done)
			return;
	}
	bool open = c->kind == SCENARIO_AT_END || !began || (c->kind == SCENARIO_EVENTUALLY && deadline(c) > now);
	if (cut && open) {
		decide(c, s, true, "not decided: the run was cut by --until", "");
		r->decided = false;
	} else if (c->kind == SCENARIO_AT_END) {
		decide(c, s, value, value ? "held at the end" : "did not hold at the end", value ? "" : note);
	} else if (c->kind == SCENARIO_EVENTUALLY) {
		decide(c, s, false, began ? "did not hold by the end" : "the run ended before it began", note);
	} else if (!began) {
		decide(c, s, false, "the run ended before it began", "");
	} else {
		snprintf(text, sizeof text, "held at %llu looks%s", (unsigned long long)c->looks,
		         cut && deadline(c) > now ? "; --until cut the run" : "");
		decide(c, s, true, text, "");
	}
}

void checks_at_end(struct scenario *s, bool cut)
{
	for (size_t i = 0; i < s->num_live_checks; i++)
		end_one(s, s->checks[i], cut);
}

/* ------------------------------------------------------------------ declaring */

static const char *const keys[] = {"within", "after", "every", NULL};
static const char *const end_keys[] = {NULL};

static void read_times(lua_State *L, struct check *c, const char *what)
{
	keys_check(L, 1, what, c->kind == SCENARIO_AT_END ? end_keys : keys, 2);
	c->every_ns = EVERY_NS;
	c->within_ns = UINT64_MAX;
	if (c->kind == SCENARIO_AT_END)
		return;
	keys_unit(L, 1, what, "after", UNIT_TIME, &c->after_ns);
	keys_unit(L, 1, what, "within", UNIT_TIME, &c->within_ns);
	keys_unit(L, 1, what, "every", UNIT_TIME, &c->every_ns);
	if (c->every_ns == 0)
		luaL_error(L, "%s: every is more than 0", what);
}

/* at time 0 nothing has happened yet: a check without `after` looks first after `every`. */
static void begin(struct scenario *s, struct check *c)
{
	uint64_t now = scenario_now(s), first = c->after_ns ? c->after_ns : c->every_ns;
	if (c->kind == SCENARIO_AT_END)
		return;
	while (first < now)
		first = now - (now - first) % c->every_ns + ((now - first) % c->every_ns ? c->every_ns : 0);
	if (first > deadline(c))
		first = deadline(c) > now ? deadline(c) : now;
	task_at(s, &c->task, first, SIM_OBSERVER, on_look, c);
}

static int declare(lua_State *L, enum scenario_check_kind kind)
{
	const char *what = scenario_check_kind_name(kind);
	struct scenario *s = host_scenario(L, what);
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_act(L, what);
	struct check *c = host_new(L, sizeof *c);
	c->kind = kind;
	c->task.s = s;
	read_times(L, c, what);
	if (lua_geti(L, 1, 1) != LUA_TSTRING || lua_geti(L, 1, 2) != LUA_TFUNCTION)
		return luaL_error(L, "%s: { \"what must hold\", function() ... end } is needed", what);
	c->name = host_keep(L, lua_tostring(L, -2));
	c->where = host_where(L);
	c->fn_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	struct scenario_check *r = result_check(s, kind, c->name, c->where);
	if (!r)
		return luaL_error(L, "%s: at most %d checks", what, (int)SCENARIO_MAX_CHECKS);
	c->result = (size_t)(r - s->result_checks);
	host_grow(L, &s->checks, &s->cap_live_checks, s->num_live_checks + 1,
	          sizeof s->checks[0]); /* NOLINT(bugprone-sizeof-expression): an array of pointers */
	s->checks[s->num_live_checks++] = c;
	begin(s, c);
	return 0;
}

static int api_always(lua_State *L)
{
	return declare(L, SCENARIO_ALWAYS);
}

static int api_eventually(lua_State *L)
{
	return declare(L, SCENARIO_EVENTUALLY);
}

static int api_never(lua_State *L)
{
	return declare(L, SCENARIO_NEVER);
}

static int api_at_end(lua_State *L)
{
	return declare(L, SCENARIO_AT_END);
}

static const luaL_Reg functions[] = {
    {"always", api_always}, {"eventually", api_eventually}, {"never", api_never}, {"at_end", api_at_end}, {NULL, NULL}};
const struct api_page checks_page = {"", functions, keys};

void checks_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
