/*
 * Faults between nodes: partition, isolate, blackhole, refuse, heal, reset, link, dns, connect. Before the run they
 * are kept for its beginning; in callbacks of at and in processes they happen at once.
 */
#include <stdio.h>
#include <string.h>

#include "sim/lua/latency.h"
#include "sim/lua/lifecycle.h"
#include "sim/lua/faults.h"
#include "sim/lua/pages.h"

/* ------------------------------------------------------------------ carrying out */

static enum sy_err one_direction(struct fault *f, struct node *from, struct node *to, const char **what)
{
	struct world *w = f->s->world;
	switch (f->kind) {
	case FAULT_CUT:
		return world_cut(w, from->world, to->world, f->cut, what);
	case FAULT_LINK:
		return world_link(w, from->world, to->world, f->has_params ? &f->params : NULL, what);
	case FAULT_RESET:
		return world_reset(w, from->world, to->world, what);
	case FAULT_DIAL: {
		struct sy_input in = {.kind = SY_IN_DIAL, .addr = to->addr};
		if (!f->s->host.core(from))
			return SY_NOT_RUNNING;
		return f->s->host.input(from, &in).err;
	}
	case FAULT_HALF_OPEN:
		return world_half_open(from->world, to->world, what);
	case FAULT_HEAL:
	case FAULT_NODE:
		return SY_OK;
	}
	return SY_OK;
}

static bool both_directions(const struct fault *f)
{
	return (f->kind == FAULT_CUT || f->kind == FAULT_LINK) && !f->one_way;
}

/* Whether an answer of the world ends the run: peers that are there already are no reason. */
static bool is_wrong(const struct fault *f, enum sy_err err)
{
	return err != SY_OK && !(f->kind == FAULT_DIAL && err == SY_DIALLING_OR_CONNECTED);
}

static enum sy_err each_node(struct fault *f, const char **what)
{
	for (size_t i = 0; i < f->num_a; i++) {
		enum sy_err err = f->each(f, f->a[i], what);
		if (err != SY_OK)
			return err;
	}
	return SY_OK;
}

static enum sy_err carry_out(struct fault *f, const char **what)
{
	if (f->kind == FAULT_HEAL && !f->num_a)
		return world_heal(f->s->world, what);
	if (f->kind == FAULT_NODE)
		return each_node(f, what);
	for (size_t i = 0; i < f->num_a; i++) {
		for (size_t k = 0; k < f->num_b; k++) {
			if (f->a[i] == f->b[k])
				continue;
			enum sy_err err = one_direction(f, f->a[i], f->b[k], what);
			if (is_wrong(f, err))
				return err;
			err = both_directions(f) ? one_direction(f, f->b[k], f->a[i], what) : SY_OK;
			if (is_wrong(f, err))
				return err;
		}
	}
	return SY_OK;
}

static const char *fault_text(struct fault *f)
{
	const char *a = f->num_a == 1 ? f->a[0]->name : NULL, *b = f->num_b == 1 ? f->b[0]->name : NULL;
	struct arena *ar = &f->s->host.arena;
	const char *left = a ? a : arena_format(ar, "%zu nodes", f->num_a);
	const char *right = b ? b : arena_format(ar, "%zu nodes", f->num_b);
	if (f->kind == FAULT_NODE)
		return arena_format(ar, "%s: %s", f->what, left ? left : "");
	return arena_format(ar, f->num_a ? "%s: %s %s %s" : "%s", f->what, left ? left : "", f->one_way ? "->" : "-", right ? right : "");
}

static void on_fault(void *arg)
{
	struct fault *f = arg;
	const char *what = NULL;
	if (f->s->host.failed)
		return;
	enum sy_err err = carry_out(f, &what);
	if (err != SY_OK && !f->s->host.failed)
		host_breakf(&f->s->host, "%s: %s: %s", f->where, f->what, what ? what : sy_err_text(err));
	const char *text = f->kind == FAULT_DIAL || strcmp(f->what, "rare") == 0 ? NULL : fault_text(f);
	if (text && err == SY_OK)
		result_log(f->s, f->where, text);
}

int fault_act(lua_State *L, struct fault *f)
{
	struct scenario *s = f->s;
	host_must_act(L, f->what);
	if (s->host.frame.kind == FRAME_REACTOR)
		return luaL_error(L, "%s: not in a callback of a reactor", f->what);
	if (f->kind != FAULT_DIAL)
		host_must_simulate(L, f->what);
	if (s->host.frame.kind == FRAME_LOAD) {
		task_at(s, &f->task, 0, f->kind == FAULT_DIAL ? SIM_SCRIPT : SIM_FAULT, on_fault, f);
		return 0;
	}
	on_fault(f);
	return s->host.failed ? luaL_error(L, "%s", s->host.error) : 0;
}

/* ------------------------------------------------------------------ arguments */

static struct node **keep_list(lua_State *L, struct node_list list)
{
	struct node **at = host_new(L, (list.n + 1) * sizeof(struct node *));
	if (list.n)
		memcpy(at, list.at, list.n * sizeof(struct node *));
	return at;
}

void fault_sides(lua_State *L, struct fault *f, int a, int b)
{
	struct node_list list = nodes_check(L, a, f->what);
	f->a = keep_list(L, list);
	f->num_a = list.n;
	if (b == 0)
		return;
	list = nodes_check(L, b, f->what);
	f->b = keep_list(L, list);
	f->num_b = list.n;
}

struct fault *fault_new(lua_State *L, enum fault_kind kind, const char *what)
{
	struct scenario *s = host_scenario(L, what);
	struct fault *f = host_new(L, sizeof *f);
	f->s = s;
	f->kind = kind;
	f->what = what;
	f->where = host_where(L);
	if (strcmp(f->where, "?") == 0)
		f->where = "plan"; /* nobody in the script has asked for it */
	return f;
}

static void read_one_way(lua_State *L, int t, struct fault *f)
{
	static const char *const keys[] = {"one_way", NULL};
	if (lua_isnoneornil(L, t))
		return;
	luaL_checktype(L, t, LUA_TTABLE);
	keys_check(L, t, f->what, keys, 0);
	keys_bool(L, t, f->what, "one_way", &f->one_way);
}

static int cut(lua_State *L, const char *what, enum sim_cut kind)
{
	struct fault *f = fault_new(L, FAULT_CUT, what);
	f->cut = kind;
	lua_settop(L, 3);
	fault_sides(L, f, 1, 2);
	read_one_way(L, 3, f);
	return fault_act(L, f);
}

static int api_partition(lua_State *L)
{
	return cut(L, "partition", SIM_CUT_HOLD);
}

static int api_blackhole(lua_State *L)
{
	return cut(L, "blackhole", SIM_CUT_BLACKHOLE);
}

static int api_refuse(lua_State *L)
{
	return cut(L, "refuse", SIM_CUT_REFUSE);
}

static int api_syn_drop(lua_State *L)
{
	return cut(L, "syn_drop", SIM_CUT_SYN);
}

/* hold(a, b): what a sends to b waits until release. */
static int held(lua_State *L, const char *what, enum sim_cut kind)
{
	struct fault *f = fault_new(L, FAULT_CUT, what);
	f->cut = kind;
	f->one_way = true;
	lua_settop(L, 2);
	fault_sides(L, f, 1, 2);
	return fault_act(L, f);
}

static int api_hold(lua_State *L)
{
	return held(L, "hold", SIM_CUT_HOLD);
}

static int api_release(lua_State *L)
{
	return held(L, "release", SIM_CUT_NONE);
}

static int api_half_open(lua_State *L)
{
	struct fault *f = fault_new(L, FAULT_HALF_OPEN, "half_open");
	lua_settop(L, 2);
	fault_sides(L, f, 1, 2);
	return fault_act(L, f);
}

/* isolate(x): held off from everybody else. */
static int api_isolate(lua_State *L)
{
	struct fault *f = fault_new(L, FAULT_CUT, "isolate");
	f->cut = SIM_CUT_HOLD;
	lua_settop(L, 1);
	fault_sides(L, f, 1, 0);
	f->b = host_new(L, (f->s->num_nodes + 1) * sizeof(struct node *));
	for (size_t i = 0; i < f->s->num_nodes; i++) {
		bool inside = false;
		for (size_t k = 0; k < f->num_a && !inside; k++)
			inside = f->a[k] == f->s->nodes[i];
		if (!inside)
			f->b[f->num_b++] = f->s->nodes[i];
	}
	return fault_act(L, f);
}

/* heal(): every cut; heal(a, b): those between the two. */
static int api_heal(lua_State *L)
{
	if (lua_gettop(L) == 0)
		return fault_act(L, fault_new(L, FAULT_HEAL, "heal"));
	return cut(L, "heal", SIM_CUT_NONE);
}

static int api_reset(lua_State *L)
{
	struct fault *f = fault_new(L, FAULT_RESET, "reset");
	lua_settop(L, 2);
	fault_sides(L, f, 1, 2);
	return fault_act(L, f);
}

/* connect(a, b): a dials b; the two may be groups. */
static int api_connect(lua_State *L)
{
	struct fault *f = fault_new(L, FAULT_DIAL, "connect");
	lua_settop(L, 2);
	fault_sides(L, f, 1, 2);
	return fault_act(L, f);
}

/* link { from, to, latency, rate, loss, queue, mtu, one_way }: other links than the network's between the two. */
static int api_link(lua_State *L)
{
	static const char *const keys[] = {"from", "to", "one_way", LINK_KEYS, NULL};
	struct fault *f = fault_new(L, FAULT_LINK, "link");
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	keys_check(L, 1, "link", keys, 0);
	f->params = f->s->network.config.link;
	f->has_params = false;
	for (const char *const *k = link_param_keys(); *k; k++) {
		f->has_params |= lua_getfield(L, 1, *k) != LUA_TNIL;
		lua_pop(L, 1);
	}
	link_params_read(L, 1, "link", &f->params);
	keys_bool(L, 1, "link", "one_way", &f->one_way);
	lua_getfield(L, 1, "from");
	lua_getfield(L, 1, "to");
	fault_sides(L, f, 2, 3);
	return fault_act(L, f);
}

/* ------------------------------------------------------------------ names */

#define DNS_MAX 64

/* dns("seed.example", { a, b }): what the simulated name service answers from now on. */
static int api_dns(lua_State *L)
{
	struct scenario *s = host_scenario(L, "dns");
	const char *name = luaL_checkstring(L, 1), *what = NULL;
	struct sy_netaddr addrs[DNS_MAX];
	host_must_act(L, "dns");
	struct node_list list = nodes_check(L, 2, "dns");
	luaL_argcheck(L, list.n <= DNS_MAX, 2, "too many addresses");
	scenario_need_world(L, s);
	for (size_t i = 0; i < list.n; i++)
		addrs[i] = list.at[i]->addr;
	enum sy_err err = world_dns(s->world, name, addrs, list.n, &what);
	if (err != SY_OK)
		return luaL_error(L, "dns: %s", what ? what : sy_err_text(err));
	return 0;
}

const struct plan_word faults_words[] = {
    {.name = "partition", .fn = api_partition, .drawn = "halves"},
    {.name = "blackhole", .fn = api_blackhole, .drawn = "others"},
    {.name = "refuse", .fn = api_refuse, .drawn = "pair"},
    {.name = "isolate", .fn = api_isolate},
    {.name = "heal", .fn = api_heal},
    {.name = "reset", .fn = api_reset, .drawn = "once"},
    {.name = "link", .fn = api_link, .drawn = "link"},
    {.name = "syn_drop", .fn = api_syn_drop, .drawn = "others"},
    {.name = "hold", .fn = api_hold, .drawn = "hold"},
    {.name = "release", .fn = api_release},
    {.name = "half_open", .fn = api_half_open, .drawn = "once"},
    {.name = "dns", .fn = api_dns},
    {.name = NULL},
};

/* For the reference; those that are faults are set as words of the plan. */
static const luaL_Reg functions[] = {{"partition", api_partition},
                                     {"blackhole", api_blackhole},
                                     {"refuse", api_refuse},
                                     {"isolate", api_isolate},
                                     {"heal", api_heal},
                                     {"reset", api_reset},
                                     {"connect", api_connect},
                                     {"link", api_link},
                                     {"dns", api_dns},
                                     {"syn_drop", api_syn_drop},
                                     {"hold", api_hold},
                                     {"release", api_release},
                                     {"half_open", api_half_open},
                                     {NULL, NULL}};
const struct api_page faults_page = {"", functions, NULL};

void faults_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
	for (const struct plan_word *w = faults_words; w->name != NULL; w++) {
		plan_push_word(L, w);
		lua_setfield(L, -2, w->name);
	}
}
