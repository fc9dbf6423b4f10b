/* param(name, default, help, { min, max, choices }): what a run may be asked to change by -p KEY=VALUE. */
#include "sim/lua/host.h"

#include <stdio.h>
#include <string.h>

struct spec {
	const char *name, *help;
	enum scenario_param_kind kind;
	const char *given; /* null: the default */
	bool has_min, has_max;
	lua_Number min, max;
};

static struct param_value *find_value(struct scenario *s, const char *name)
{
	struct param_value *last = NULL;
	for (size_t i = 0; i < s->num_param_values; i++) {
		if (strcmp(s->param_values[i].key, name) == 0) {
			s->param_values[i].used = true;
			last = &s->param_values[i];
		}
	}
	return last;
}

static void read_bounds(lua_State *L, struct spec *sp, struct scenario_param *p)
{
	static const char *const known[] = {"min", "max", "choices", NULL};
	if (lua_isnoneornil(L, 4))
		return;
	luaL_checktype(L, 4, LUA_TTABLE);
	keys_check(L, 4, "param", known, 0);
	if (lua_getfield(L, 4, "min") != LUA_TNIL) {
		sp->min = luaL_checknumber(L, -1);
		sp->has_min = true;
		p->min = host_keep(L, sandbox_tostring(L, -1, NULL));
	}
	if (lua_getfield(L, 4, "max") != LUA_TNIL) {
		sp->max = luaL_checknumber(L, -1);
		sp->has_max = true;
		p->max = host_keep(L, sandbox_tostring(L, -1, NULL));
	}
	lua_settop(L, 4);
	if ((sp->has_min || sp->has_max) && sp->kind != SCENARIO_PARAM_NUMBER)
		luaL_error(L, "param: %s: min and max are for numbers", sp->name);
}

/* choices = { "a", "b" } is joined by bars for the listing. */
static void read_choices(lua_State *L, struct scenario_param *p)
{
	if (lua_type(L, 4) != LUA_TTABLE || lua_getfield(L, 4, "choices") == LUA_TNIL)
		return;
	luaL_Buffer b;
	int t = lua_gettop(L);
	lua_Integer n = luaL_len(L, t);
	luaL_buffinit(L, &b);
	for (lua_Integer i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, '|');
		lua_geti(L, t, i);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	p->choices = host_keep(L, lua_tostring(L, -1));
}

static bool is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);
	for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
		if (strncmp(p, value, n) == 0 && (p[n] == '|' || p[n] == '\0'))
			return true;
	}
	return false;
}

/* Pushes the value: the text of the command line turned into the type of the default. */
static void push_value(lua_State *L, const struct spec *sp)
{
	if (!sp->given) {
		lua_pushvalue(L, 2);
		return;
	}
	switch (sp->kind) {
	case SCENARIO_PARAM_NUMBER:
		if (lua_stringtonumber(L, sp->given) == 0)
			luaL_error(L, "param: -p %s=%s: a number is needed", sp->name, sp->given);
		return;
	case SCENARIO_PARAM_TEXT:
		lua_pushstring(L, sp->given);
		return;
	case SCENARIO_PARAM_BOOL:
		if (strcmp(sp->given, "true") != 0 && strcmp(sp->given, "false") != 0)
			luaL_error(L, "param: -p %s=%s: true or false is needed", sp->name, sp->given);
		lua_pushboolean(L, sp->given[0] == 't');
		return;
	}
}

static void check_value(lua_State *L, const struct spec *sp, const struct scenario_param *p)
{
	if (sp->has_min && lua_tonumber(L, -1) < sp->min)
		luaL_error(L, "param: %s=%s: the least value is %s", sp->name, p->value, p->min);
	if (sp->has_max && lua_tonumber(L, -1) > sp->max)
		luaL_error(L, "param: %s=%s: the greatest value is %s", sp->name, p->value, p->max);
	if (p->choices && !is_choice(p->choices, p->value))
		luaL_error(L, "param: %s=%s: it is one of %s", sp->name, p->value, p->choices);
}

static enum scenario_param_kind kind_of(lua_State *L, int index)
{
	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
		return SCENARIO_PARAM_NUMBER;
	case LUA_TBOOLEAN:
		return SCENARIO_PARAM_BOOL;
	case LUA_TSTRING:
		return SCENARIO_PARAM_TEXT;
	default:
		luaL_error(L, "param: the default is a number, a text, or true or false");
		return SCENARIO_PARAM_TEXT;
	}
}

static int api_param(lua_State *L)
{
	struct scenario *s = host_scenario(L, "param");
	host_must_load(L, "param");
	lua_settop(L, 4);
	struct spec sp = {.name = host_keep(L, luaL_checkstring(L, 1)), .kind = kind_of(L, 2)};
	sp.help = host_keep(L, luaL_optstring(L, 3, ""));
	for (size_t i = 0; i < s->num_params; i++)
		if (strcmp(s->params[i].name, sp.name) == 0)
			return luaL_error(L, "param: '%s' is there already", sp.name);
	struct scenario_param p = {.name = sp.name, .help = sp.help, .kind = sp.kind};
	read_bounds(L, &sp, &p);
	read_choices(L, &p);
	p.default_value = host_keep(L, sandbox_tostring(L, 2, NULL));
	struct param_value *v = find_value(s, sp.name);
	sp.given = v ? v->value : NULL;
	p.given = v != NULL;
	lua_settop(L, 4);
	push_value(L, &sp);
	p.value = host_keep(L, sandbox_tostring(L, -1, NULL));
	lua_settop(L, 5);
	check_value(L, &sp, &p);
	host_grow(L, &s->params, &s->cap_params, s->num_params + 1, sizeof p);
	s->params[s->num_params++] = p;
	return 1;
}

static const luaL_Reg functions[] = {{"param", api_param}, {NULL, NULL}};
const struct api_page params_page = {"", functions, NULL};

void params_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
