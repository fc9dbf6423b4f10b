/*
 * Faults of a node's machine, process and disk: pause, cpu, clock, slow_reader, short_io, dns_server, power, reachability,
 * disk. Each takes the nodes that it happens to; without its options it takes back what was there.
 */
#include "sim/lua/faults.h"
#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"

/* The options are at index 2, or absent. */
static bool has_options(lua_State *L, const char *what, const char *const *keys)
{
	lua_settop(L, 2);
	if (lua_isnil(L, 2))
		return false;
	luaL_checktype(L, 2, LUA_TTABLE);
	keys_check(L, 2, what, keys, 0);
	return true;
}

static struct fault *on_nodes(lua_State *L, const char *what, enum sy_err (*each)(struct fault *f, struct node *n, const char **what))
{
	struct fault *f = fault_new(L, FAULT_NODE, what);
	f->each = each;
	lua_settop(L, 2);
	fault_sides(L, f, 1, 0);
	return f;
}

/* ------------------------------------------------------------------ the process */

static enum sy_err rough(struct fault *f, struct node *n, const char **what)
{
	return world_node_rough(n->world, (enum sim_rough_kind)f->other, f->value, what);
}

static struct fault *rough_new(lua_State *L, const char *what, enum sim_rough_kind kind, uint64_t value)
{
	struct fault *f = on_nodes(L, what, rough);
	f->other = (int64_t)kind;
	f->value = value > INT64_MAX ? INT64_MAX : (int64_t)value;
	return f;
}

static int api_pause(lua_State *L)
{
	return fault_act(L, rough_new(L, "pause", SIM_ROUGH_PAUSE, 0));
}

static int api_resume(lua_State *L)
{
	return fault_act(L, rough_new(L, "resume", SIM_ROUGH_RESUME, 0));
}

/* One option with a unit, 0 without options. */
static int with_unit(lua_State *L, const char *what, enum sim_rough_kind kind, const char *key, enum unit_kind unit, uint64_t divisor)
{
	const char *const keys[] = {key, NULL};
	uint64_t value = 0;
	if (has_options(L, what, keys) && !keys_unit(L, 2, what, key, unit, &value))
		return luaL_error(L, "%s: %s is needed", what, key);
	return fault_act(L, rough_new(L, what, kind, value / divisor));
}

static int api_cpu(lua_State *L)
{
	return with_unit(L, "cpu", SIM_ROUGH_CPU, "per_frame", UNIT_TIME, 1);
}

static int api_slow_reader(lua_State *L)
{
	return with_unit(L, "slow_reader", SIM_ROUGH_SLOW_READER, "rate", UNIT_RATE, 8);
}

static int api_short_io(lua_State *L)
{
	return with_unit(L, "short_io", SIM_ROUGH_SHORT_IO, "most", UNIT_SIZE, 1);
}

/* clock(x, { step, back }) or clock(x, { drift, slow }); without options no drift. */
static int api_clock(lua_State *L)
{
	static const char *const keys[] = {"step", "back", "drift", "slow", NULL};
	uint64_t step = 0, drift = 0;
	bool back = false, slow = false;
	bool given = has_options(L, "clock", keys);
	bool steps = given && keys_unit(L, 2, "clock", "step", UNIT_TIME, &step);
	bool drifts = given && keys_unit(L, 2, "clock", "drift", UNIT_FRACTION, &drift);
	if (given) {
		keys_bool(L, 2, "clock", "back", &back);
		keys_bool(L, 2, "clock", "slow", &slow);
	}
	if (given && steps == drifts)
		return luaL_error(L, "clock: either step or drift is needed");
	struct fault *f = rough_new(L, "clock", steps ? SIM_ROUGH_CLOCK_STEP : SIM_ROUGH_CLOCK_DRIFT, steps ? step : drift);
	f->value = (steps ? back : slow) ? -f->value : f->value;
	return fault_act(L, f);
}

/* dns_server(x, { hang = true }), { delay }, { fail = true }: what the node's look-ups meet. */
static int api_dns_server(lua_State *L)
{
	static const char *const keys[] = {"hang", "delay", "fail", NULL};
	bool hang = false, fail = false;
	uint64_t delay = 0;
	if (has_options(L, "dns_server", keys)) {
		keys_bool(L, 2, "dns_server", "hang", &hang);
		keys_bool(L, 2, "dns_server", "fail", &fail);
		keys_unit(L, 2, "dns_server", "delay", UNIT_TIME, &delay);
	}
	if (hang + fail + (delay != 0) > 1)
		return luaL_error(L, "dns_server: one of hang, delay, fail");
	enum sim_rough_kind kind = hang ? SIM_ROUGH_DNS_HANG : fail ? SIM_ROUGH_DNS_FAIL : SIM_ROUGH_DNS_DELAY;
	return fault_act(L, rough_new(L, "dns_server", kind, fail ? 1 : delay));
}

/* ------------------------------------------------------------------ the machine */

static enum sy_err hide(struct fault *f, struct node *n, const char **what)
{
	return world_node_hide(n->world, f->value != 0, what);
}

/* Nobody can connect to it: it is behind a NAT or a firewall. */
static int api_unreachable(lua_State *L)
{
	struct fault *f = on_nodes(L, "unreachable", hide);
	f->value = 1;
	return fault_act(L, f);
}

static int api_reachable(lua_State *L)
{
	return fault_act(L, on_nodes(L, "reachable", hide));
}

static enum sy_err power_off(struct fault *f, struct node *n, const char **what)
{
	f->s->topology++;
	return world_node_power(n->world, false, what);
}

static enum sy_err power_on(struct fault *f, struct node *n, const char **what)
{
	enum sy_err err = world_node_power(n->world, true, what);
	if (err == SY_OK && n->was_started && !world_node_running(n->world) && !lifecycle_begin(n, f->where))
		return SY_NO_MEMORY;
	return err;
}

static int api_power_off(lua_State *L)
{
	return fault_act(L, on_nodes(L, "power_off", power_off));
}

static int api_power_on(lua_State *L)
{
	return fault_act(L, on_nodes(L, "power_on", power_on));
}

static enum sy_err move(struct fault *f, struct node *n, const char **what)
{
	return world_node_move(n->world, f->has_ip ? f->ip : NULL, f->value != 0, what);
}

/* move(x): another address, drawn; move(x, { ip = "192.0.2.1" }); move(x, { home = true }): the one that it had at first. */
static int api_move(lua_State *L)
{
	static const char *const keys[] = {"ip", "home", NULL};
	const char *ip = NULL;
	bool home = false;
	if (has_options(L, "move", keys)) {
		keys_bool(L, 2, "move", "home", &home);
		keys_text(L, 2, "move", "ip", &ip);
	}
	if (ip && home)
		return luaL_error(L, "move: either ip or home");
	struct fault *f = on_nodes(L, "move", move);
	f->value = home;
	f->has_ip = ip != NULL;
	if (ip)
		ip_check(L, ip, "move", f->ip);
	return fault_act(L, f);
}

/* ------------------------------------------------------------------ the disk */

static enum sy_err set_disk(struct fault *f, struct node *n, const char **what)
{
	return world_node_disk(n->world, (uint32_t)f->value, what);
}

/* disk(x, { full, torn, unreadable, bad_key }); without options it is well again. */
static int api_disk(lua_State *L)
{
	static const char *const keys[] = {"full", "torn", "unreadable", "bad_key", NULL};
	bool full = false, torn = false, unreadable = false, bad_key = false;
	if (has_options(L, "disk", keys)) {
		keys_bool(L, 2, "disk", "full", &full);
		keys_bool(L, 2, "disk", "torn", &torn);
		keys_bool(L, 2, "disk", "unreadable", &unreadable);
		keys_bool(L, 2, "disk", "bad_key", &bad_key);
	}
	struct fault *f = on_nodes(L, "disk", set_disk);
	f->value = (full ? WORLD_DISK_FULL : 0) | (torn ? WORLD_DISK_TORN : 0) | (unreadable ? WORLD_DISK_UNREADABLE : 0) |
	           (bad_key ? WORLD_DISK_BAD_KEY : 0);
	return fault_act(L, f);
}

static enum sy_err rot(struct fault *f, struct node *n, const char **what)
{
	return world_node_rot(n->world, what);
}

static int api_rot(lua_State *L)
{
	return fault_act(L, on_nodes(L, "rot", rot));
}

const struct plan_word machine_words[] = {
    {.name = "pause", .fn = api_pause, .drawn = "pause"},
    {.name = "resume", .fn = api_resume},
    {.name = "cpu", .fn = api_cpu, .drawn = "cpu"},
    {.name = "clock", .fn = api_clock, .drawn = "clock"},
    {.name = "slow_reader", .fn = api_slow_reader, .drawn = "slow"},
    {.name = "short_io", .fn = api_short_io, .drawn = "short"},
    {.name = "dns_server", .fn = api_dns_server},
    {.name = "unreachable", .fn = api_unreachable, .drawn = "hidden"},
    {.name = "reachable", .fn = api_reachable},
    {.name = "power_off", .fn = api_power_off, .drawn = "power"},
    {.name = "power_on", .fn = api_power_on},
    {.name = "move", .fn = api_move, .drawn = "move", .only_named = true},
    {.name = "disk", .fn = api_disk, .drawn = "disk"},
    {.name = "rot", .fn = api_rot, .drawn = "rot"},
    {.name = NULL},
};

static const luaL_Reg functions[] = {{"pause", api_pause},
                                     {"resume", api_resume},
                                     {"cpu", api_cpu},
                                     {"clock", api_clock},
                                     {"slow_reader", api_slow_reader},
                                     {"short_io", api_short_io},
                                     {"dns_server", api_dns_server},
                                     {"unreachable", api_unreachable},
                                     {"reachable", api_reachable},
                                     {"power_off", api_power_off},
                                     {"power_on", api_power_on},
                                     {"move", api_move},
                                     {"disk", api_disk},
                                     {"rot", api_rot},
                                     {NULL, NULL}};
const struct api_page machine_page = {"", functions, NULL};

void machine_open(lua_State *L)
{
	for (const struct plan_word *w = machine_words; w->name != NULL; w++) {
		plan_push_word(L, w);
		lua_setfield(L, -2, w->name);
	}
}
