/* watch { x, events, fn }: fn hears what nodes tell of themselves as it happens, and only reads, as a check does. */
#include <string.h>

#include "sim/lua/pages.h"

struct watch {
	struct watch *next; /* of the same node, in the order of declaration */
	int fn_ref;
	uint32_t kinds; /* a bit a kind of record */
};

static const struct {
	const char *name;
	enum sy_trace_kind kind;
} events[] = {{"dial", SY_TRACE_DIAL},
              {"dialled", SY_TRACE_DIAL_DONE},
              {"peer_added", SY_TRACE_PEER_ADDED},
              {"peer_removed", SY_TRACE_PEER_REMOVED},
              {"refused", SY_TRACE_REFUSED},
              {"reconnect", SY_TRACE_RECONNECT},
              {"request", SY_TRACE_PEX_REQUEST},
              {"addresses", SY_TRACE_PEX_ADDRS},
              {"book_gone", SY_TRACE_BOOK_GONE},
              {"ban", SY_TRACE_BAN}};
#define NUM_EVENTS (sizeof events / sizeof events[0])

static const char *name_of(enum sy_trace_kind kind)
{
	for (size_t i = 0; i < NUM_EVENTS; i++)
		if (events[i].kind == kind)
			return events[i].name;
	return NULL;
}

/* ------------------------------------------------------------------ telling */

static void put_text(lua_State *L, const char *key, const char *text)
{
	lua_pushstring(L, text);
	lua_setfield(L, -2, key);
}

static void put_number(lua_State *L, const char *key, lua_Number value)
{
	lua_pushnumber(L, value);
	lua_setfield(L, -2, key);
}

static void put_bool(lua_State *L, const char *key, bool value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, key);
}

static void put_address(lua_State *L, const struct sy_netaddr *addr)
{
	static const uint8_t none[16];
	char text[SY_ADDR_TEXT];
	if (addr->flags & SY_ADDR_HAS_ID) {
		sy_id_format(&addr->id, text);
		put_text(L, "id", text);
		sy_netaddr_format(addr, text);
	} else if (addr->port != 0 || memcmp(addr->ip, none, sizeof none) != 0) {
		sy_netaddr_format_dial(addr, text);
	} else {
		return;
	}
	put_text(L, "address", text);
}

/* What is particular to the kind. */
static void put_own(lua_State *L, const struct sy_trace *t)
{
	if (t->kind == SY_TRACE_PEER_ADDED)
		put_bool(L, "outbound", t->a != 0);
	if (t->kind == SY_TRACE_PEX_REQUEST || t->kind == SY_TRACE_PEX_ADDRS)
		put_bool(L, "sent", t->a == 0);
	if (t->kind == SY_TRACE_PEX_ADDRS)
		put_number(L, "count", (lua_Number)t->b);
	if (t->kind == SY_TRACE_RECONNECT) {
		put_number(L, "attempt", (lua_Number)t->a);
		put_number(L, "wait", (lua_Number)t->b / 1e9);
	}
}

struct telling {
	const struct watch *watch;
	const struct node *node;
	const struct sy_trace *trace;
};

static int tell_protected(lua_State *L)
{
	const struct telling *t = lua_touserdata(L, 1);
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->watch->fn_ref);
	node_push(L, t->node);
	lua_createtable(L, 0, 6);
	put_text(L, "event", name_of(t->trace->kind));
	put_text(L, "why", t->trace->err == SY_OK ? "ok" : sy_err_name(t->trace->err));
	put_address(L, &t->trace->addr);
	put_own(L, t->trace);
	lua_call(L, 2, 0);
	return 0;
}

void watch_told(struct node *n, const struct sy_trace *trace)
{
	const struct frame frame = {.kind = FRAME_OBSERVER};
	struct host *h = n->host;
	for (const struct watch *w = n->watches; w && !h->failed; w = w->next) {
		struct telling t = {w, n, trace};
		if (!(w->kinds >> trace->kind & 1) || !lua_checkstack(h->sb.L, 20))
			continue;
		lua_pushcfunction(h->sb.L, tell_protected);
		lua_pushlightuserdata(h->sb.L, &t);
		(void)host_call(h, &frame, 1, 0);
	}
}

/* ------------------------------------------------------------------ declaring */

static uint32_t kind_check(lua_State *L, int index)
{
	const char *names[NUM_EVENTS + 1] = {NULL};
	const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "?";
	for (size_t i = 0; i < NUM_EVENTS; i++) {
		names[i] = events[i].name;
		if (strcmp(text, events[i].name) == 0)
			return 1u << events[i].kind;
	}
	luaL_error(L, "watch: events: no event '%s'; the nearest known one is '%s'", text, keys_nearest(text, names));
	return 0;
}

/* One name or a list of them. */
static uint32_t kinds_check(lua_State *L)
{
	uint32_t kinds = 0;
	int type = lua_getfield(L, 1, "events");
	if (type == LUA_TNIL)
		luaL_error(L, "watch: events is missing: one name or a list of them");
	if (type != LUA_TTABLE) {
		kinds = kind_check(L, lua_gettop(L));
	} else {
		for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
			kinds |= kind_check(L, lua_gettop(L));
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return kinds;
}

static void add(lua_State *L, struct node *n, int fn_ref, uint32_t kinds)
{
	struct watch **last = &n->watches;
	while (*last)
		last = &(*last)->next;
	*last = host_new(L, sizeof **last);
	**last = (struct watch){.fn_ref = fn_ref, .kinds = kinds};
}

static int api_watch(lua_State *L)
{
	static const char *const keys[] = {"events", NULL};
	host_must_load(L, "watch");
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	keys_check(L, 1, "watch", keys, 2);
	uint32_t kinds = kinds_check(L);
	if (lua_geti(L, 1, 1) == LUA_TNIL || lua_geti(L, 1, 2) != LUA_TFUNCTION)
		return luaL_error(L, "watch: { nodes, events = ..., function(node, event) ... end } is needed");
	int fn_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	struct node_list list = nodes_check(L, 2, "watch");
	for (size_t i = 0; i < list.n; i++)
		add(L, list.at[i], fn_ref, kinds);
	host_of(L)->scenario->watched = true;
	return 0;
}

static const luaL_Reg functions[] = {{"watch", api_watch}, {NULL, NULL}};
const struct api_page watch_page = {"", functions, NULL};

void watch_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
