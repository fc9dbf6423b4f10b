/* site { ... }: hosts behind one line, such as a data centre, or behind one NAT. Nodes say that they are in it. */
#include "sim/lua/latency.h"
#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"

#define INSIDE_NS UINT64_C(1000000) /* as within a region */

static const char *const keys[] = {"name", LINE_KEYS, "inside", "nat", "ip", NULL};

static void no_longer_than_a_year(lua_State *L, const char *what, const char *key, uint64_t ns)
{
	if (ns >= UINT64_C(1) << 55)
		luaL_error(L, "%s: %s is longer than a year", what, key);
}

void line_read(lua_State *L, int t, const char *what, struct sim_line *line)
{
	keys_unit(L, t, what, "latency", UNIT_TIME, &line->latency_ns);
	keys_unit(L, t, what, "uplink", UNIT_RATE, &line->up_bits);
	keys_unit(L, t, what, "downlink", UNIT_RATE, &line->down_bits);
	keys_unit(L, t, what, "queue", UNIT_SIZE, &line->queue_bytes);
	no_longer_than_a_year(L, what, "latency", line->latency_ns);
}

static struct site_decl *read_site(lua_State *L)
{
	struct site_decl *d = host_new(L, sizeof *d);
	const char *name = NULL, *ip = NULL;
	if (!keys_text(L, 1, "site", "name", &name))
		luaL_error(L, "site: name is missing");
	*d = (struct site_decl){.where = host_where(L), .config = {.name = host_keep(L, name), .inside_ns = INSIDE_NS}};
	line_read(L, 1, "site", &d->config.line);
	keys_unit(L, 1, "site", "inside", UNIT_TIME, &d->config.inside_ns);
	no_longer_than_a_year(L, "site", "inside", d->config.inside_ns);
	keys_bool(L, 1, "site", "nat", &d->config.nat);
	if (keys_text(L, 1, "site", "ip", &ip)) {
		if (!d->config.nat)
			luaL_error(L, "site: ip is the public address of a NAT; nat = true is missing");
		ip_check(L, ip, "site", d->ip);
		d->config.ip = d->ip;
	}
	return d;
}

static int api_site(lua_State *L)
{
	struct scenario *s = host_scenario(L, "site");
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_load(L, "site");
	host_must_simulate(L, "site");
	keys_check(L, 1, "site", keys, 0);
	struct site_decl *d = read_site(L);
	if (!s->last_site)
		s->last_site = &s->sites;
	*s->last_site = d;
	s->last_site = &d->next;
	if (s->world && !scenario_make_site(s, d))
		return luaL_error(L, "%s", s->host.error);
	return 0;
}

static const luaL_Reg functions[] = {{"site", api_site}, {NULL, NULL}};
const struct api_page site_page = {"", functions, keys};

void site_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
