/* The keys of a link, in network { ... } and link { ... }. */
#include "sim/lua/latency.h"

#include <string.h>

#define TRACE_MAX 1000000u
#define DROPS_MAX 10000

static const char *const link_keys[] = {LINK_KEYS, NULL};
const char *const cc_names[] = {"cubic", "reno", "bbr", NULL};

const char *const *link_param_keys(void)
{
	return link_keys;
}

/* A fraction as a probability times 2^64. */
static bool read_chance(lua_State *L, int t, const char *what, const char *key, uint64_t *out)
{
	uint64_t ppm;
	if (!keys_unit(L, t, what, key, UNIT_FRACTION, &ppm))
		return false;
	*out = ppm >= 1000000 ? UINT64_MAX : (uint64_t)(((unsigned __int128)ppm << 64) / 1000000);
	return true;
}

/* bursts = { enter = "1%", leave = "25%", loss = "100%", loss_between = "0%" } */
static void read_bursts(lua_State *L, int t, const char *what, struct sim_link_stages *s)
{
	static const char *const known[] = {"enter", "leave", "loss", "loss_between", NULL};
	int type = lua_getfield(L, t, "bursts");
	if (type == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	const char *label = lua_pushfstring(L, "%s: bursts", what);
	int b = lua_gettop(L) - 1;
	if (type != LUA_TTABLE)
		luaL_error(L, "%s is a table: enter, leave, loss, loss_between", label);
	keys_check(L, b, label, known, 0);
	s->loss_bad = UINT64_MAX;
	s->loss_good = 0;
	bool given = read_chance(L, b, label, "enter", &s->to_bad);
	if (!read_chance(L, b, label, "leave", &s->to_good) || !given || s->to_good == 0)
		luaL_error(L, "%s needs enter and leave: the chances, packet by packet, that a burst begins and ends", label);
	read_chance(L, b, label, "loss", &s->loss_bad);
	read_chance(L, b, label, "loss_between", &s->loss_good);
	lua_pop(L, 2);
}

/* loss_trace = "...x..": a character a packet. */
static void read_trace(lua_State *L, int t, const char *what, struct sim_link_stages *s)
{
	const char *trace;
	if (!keys_text(L, t, what, "loss_trace", &trace))
		return;
	size_t len = strlen(trace);
	if (len == 0 || len > TRACE_MAX || strspn(trace, ".x") != len)
		luaL_error(L, "%s: loss_trace is a text of '.' (comes through) and 'x' (is lost), at most a million", what);
	s->trace = host_keep(L, trace);
	s->trace_len = (uint32_t)len;
}

/* drop = { 3, 4 }: these data segments of each connection. */
static void read_drops(lua_State *L, int t, const char *what, struct sim_link_stages *s)
{
	int type = lua_getfield(L, t, "drop");
	lua_Integer n = type == LUA_TTABLE ? luaL_len(L, -1) : 0, before = 0;
	if (type != LUA_TNIL && (type != LUA_TTABLE || n > DROPS_MAX))
		luaL_error(L, "%s: drop is a list of numbers of segments, from 1", what);
	uint32_t *drop = n != 0 ? host_new(L, (size_t)n * sizeof *drop) : NULL;
	for (lua_Integer i = 0; drop != NULL && i < n; i++) {
		lua_geti(L, -1, i + 1);
		lua_Integer v = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
		if (v <= before || v > UINT32_MAX)
			luaL_error(L, "%s: drop is an ascending list of numbers of segments, from 1", what);
		drop[i] = (uint32_t)(before = v);
		lua_pop(L, 1);
	}
	if (type != LUA_TNIL) {
		s->drop = drop;
		s->num_drop = (uint32_t)n;
	}
	lua_pop(L, 1);
}

/* codel = true, or { target = "5ms", interval = "100ms" } */
static void read_codel(lua_State *L, int t, const char *what, struct sim_link_stages *s)
{
	static const char *const known[] = {"target", "interval", NULL};
	int type = lua_getfield(L, t, "codel");
	if (type != LUA_TNIL) {
		bool on = type == LUA_TTABLE || lua_toboolean(L, -1);
		if (type != LUA_TTABLE && type != LUA_TBOOLEAN)
			luaL_error(L, "%s: codel is true, false or a table: target, interval", what);
		s->codel_target_ns = on ? 5000000 : 0;
		s->codel_interval_ns = 100000000;
	}
	if (type == LUA_TTABLE) {
		int c = lua_gettop(L);
		const char *label = lua_pushfstring(L, "%s: codel", what);
		keys_check(L, c, label, known, 0);
		keys_unit(L, c, label, "target", UNIT_TIME, &s->codel_target_ns);
		keys_unit(L, c, label, "interval", UNIT_TIME, &s->codel_interval_ns);
		if (s->codel_target_ns == 0 || s->codel_interval_ns < s->codel_target_ns)
			luaL_error(L, "%s: 0 < target <= interval", label);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_stages(lua_State *L, int t, const char *what, struct sim_link_params *p)
{
	struct sim_link_stages *s = &p->stages;
	read_bursts(L, t, what, s);
	read_trace(L, t, what, s);
	read_drops(L, t, what, s);
	read_codel(L, t, what, s);
	read_chance(L, t, what, "duplicate", &s->duplicate);
	bool chance = read_chance(L, t, what, "reorder", &s->reorder);
	bool by = keys_unit(L, t, what, "reorder_by", UNIT_TIME, &s->reorder_by_ns);
	if (s->reorder != 0 && (chance || by) && s->reorder_by_ns == 0)
		luaL_error(L, "%s: reorder needs reorder_by: how late such a packet is", what);
	keys_bool(L, t, what, "overtake", &p->overtake);
}

void link_params_read(lua_State *L, int t, const char *what, struct sim_link_params *p)
{
	uint64_t v;
	if (lua_getfield(L, t, "latency") != LUA_TNIL)
		latency_check(L, lua_gettop(L), what, &p->latency);
	lua_pop(L, 1);
	keys_unit(L, t, what, "rate", UNIT_RATE, &p->rate_bits);
	if (keys_unit(L, t, what, "loss", UNIT_FRACTION, &v))
		p->loss_ppm = (uint32_t)v;
	keys_unit(L, t, what, "queue", UNIT_SIZE, &p->queue_bytes);
	if (keys_unit(L, t, what, "mtu", UNIT_SIZE, &v)) {
		if (v < 576 || v > 65535)
			luaL_error(L, "%s: mtu lies between 576 and 65535 bytes", what);
		p->mtu = (uint32_t)v;
	}
	read_stages(L, t, what, p);
}
