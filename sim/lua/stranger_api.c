/*
 * stranger { ... }: a host without a node. Its connections carry whatever bytes the script sends, so it can be what no node
 * is: idle, half through a handshake, babbling, deaf, or many. connection: one of them; its handle outlives it.
 */
#include <string.h>

#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"
#include "sim/world/raw.h"

#define CONNECTION_TYPE "connection"
#define KEPT_BYTES 2048u /* of what was received, the first */

struct connection {
	struct handle handle;
	struct node *node;
	struct world_raw *raw; /* null: it is over */
	int ref;               /* keeps the handle while it lives */
	bool inbound, opened;
	enum sy_err why; /* once it is over; SY_OK: the other side has closed it */
	bool by_us;
	struct sy_netaddr remote;
	uint64_t sent, received;
	uint32_t kept;
	uint8_t bytes[KEPT_BYTES];
};

static struct connection *conn_check(lua_State *L)
{
	return luaL_checkudata(L, 1, CONNECTION_TYPE);
}

static struct connection *conn_new(lua_State *L, struct node *n, const struct sy_netaddr *remote)
{
	struct connection *c = host_handle(L, CONNECTION_TYPE, sizeof *c, 0);
	c->node = n;
	c->remote = *remote;
	lua_pushvalue(L, -1);
	c->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return c;
}

/* It is over: the script alone keeps the handle from now on. */
static void conn_over(struct connection *c)
{
	lua_State *L = c->node->host->sb.L;
	c->raw = NULL;
	luaL_unref(L, LUA_REGISTRYINDEX, c->ref);
}

/* ------------------------------------------------------------------ what the world tells */

static void on_opened(void *user)
{
	((struct connection *)user)->opened = true;
}

static void on_bytes(void *user, struct sy_span bytes)
{
	struct connection *c = user;
	size_t room = KEPT_BYTES - c->kept, n = bytes.len < room ? bytes.len : room;
	c->received += bytes.len;
	memcpy(c->bytes + c->kept, bytes.ptr, n);
	c->kept += (uint32_t)n;
}

static void on_ended(void *user, enum sy_err why)
{
	struct connection *c = user;
	c->why = why;
	conn_over(c);
}

struct arrival {
	struct node *node;
	struct world_raw *raw;
	const struct sy_netaddr *remote;
	struct connection *made;
};

static int accept_protected(lua_State *L)
{
	struct arrival *a = lua_touserdata(L, 1);
	struct connection *c = conn_new(L, a->node, a->remote);
	c->raw = a->raw;
	c->inbound = c->opened = true;
	a->made = c;
	return 0;
}

static void *on_accepted(void *ctx, struct world_raw *raw, const struct sy_netaddr *remote)
{
	struct arrival a = {.node = ctx, .raw = raw, .remote = remote};
	struct host *h = a.node->host;
	if (h->failed)
		return NULL;
	lua_checkstack(h->sb.L, 20);
	lua_pushcfunction(h->sb.L, accept_protected);
	lua_pushlightuserdata(h->sb.L, &a);
	return host_call(h, &h->frame, 1, 0) ? a.made : NULL;
}

enum sy_err stranger_begin(struct node *n)
{
	const struct world_raw_events events = {.ctx = n, .opened = on_opened, .bytes = on_bytes, .ended = on_ended, .accepted = on_accepted};
	return world_raw_init(n->world, &events, n->decl->listens);
}

/* ------------------------------------------------------------------ the host */

static struct node *stranger_check(lua_State *L, const char *what)
{
	struct node *n = node_check(L, 1);
	host_scenario(L, what);
	if (!n->decl->is_stranger)
		luaL_error(L, "%s: '%s' is a node, and its connections are its own; a stranger {} has raw ones", what, n->name);
	node_need_address(L, n);
	return n;
}

/* s:connect(to, { reads }): the connection, or nil and why. */
int stranger_connect(lua_State *L)
{
	static const char *const keys[] = {"reads", NULL};
	struct node *n = stranger_check(L, "connect");
	bool reads = true;
	host_must_act(L, "connect");
	if (host_of(L)->frame.kind == FRAME_LOAD || host_of(L)->frame.kind == FRAME_REACTOR)
		return luaL_error(L, "connect: not before run_for and not in a callback of a reactor; use at() or spawn()");
	lua_settop(L, 3);
	struct sy_netaddr to = node_address_check(L, 2, "connect");
	if (!lua_isnil(L, 3)) {
		luaL_checktype(L, 3, LUA_TTABLE);
		keys_check(L, 3, "connect", keys, 0);
		keys_bool(L, 3, "connect", "reads", &reads);
	}
	struct connection *c = conn_new(L, n, &to);
	enum sy_err err = world_raw_dial(n->world, &to, reads, c, &c->raw);
	if (err == SY_OK)
		return 1;
	on_ended(c, err);
	lua_pushnil(L);
	lua_pushstring(L, sy_err_name(err));
	return 2;
}

/* Those that live, in the order of their making. */
int stranger_connections(lua_State *L)
{
	struct node *n = stranger_check(L, "connections");
	lua_Integer i = 0;
	lua_newtable(L);
	for (struct world_raw *raw = world_raw_first(n->world); raw; raw = world_raw_next(raw)) {
		const struct connection *c = world_raw_user(raw);
		if (!c)
			continue;
		lua_rawgeti(L, LUA_REGISTRYINDEX, c->ref);
		lua_rawseti(L, -2, ++i);
	}
	return 1;
}

/* ------------------------------------------------------------------ the connection */

static int m_send(lua_State *L)
{
	struct connection *c = conn_check(L);
	size_t len;
	const char *bytes = luaL_checklstring(L, 2, &len);
	host_must_act(L, "connection:send");
	enum sy_err err = c->raw ? world_raw_send(c->raw, (struct sy_span){(const uint8_t *)bytes, len}) : SY_PEER_CLOSED;
	if (err == SY_OK)
		c->sent += len;
	return node_push_error(L, err);
}

static int end_by_us(lua_State *L, const char *what, bool abort)
{
	struct connection *c = conn_check(L);
	host_must_act(L, what);
	if (!c->raw)
		return 0;
	world_raw_close(c->raw, abort);
	c->by_us = true;
	conn_over(c);
	return 0;
}

static int m_close(lua_State *L)
{
	return end_by_us(L, "connection:close", false);
}

static int m_reset(lua_State *L)
{
	return end_by_us(L, "connection:reset", true);
}

static int m_is_open(lua_State *L)
{
	const struct connection *c = conn_check(L);
	lua_pushboolean(L, c->raw && c->opened);
	return 1;
}

/* "connecting", "open", "closed"; then, when it did not end by us, why. */
static int m_state(lua_State *L)
{
	const struct connection *c = conn_check(L);
	lua_pushstring(L, !c->raw ? "closed" : c->opened ? "open" : "connecting");
	if (c->raw || c->by_us)
		return 1;
	lua_pushstring(L, sy_err_name(c->why == SY_OK ? SY_PEER_CLOSED : c->why));
	return 2;
}

static int m_received(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)conn_check(L)->received);
	return 1;
}

static int m_sent(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)conn_check(L)->sent);
	return 1;
}

static int m_bytes(lua_State *L)
{
	const struct connection *c = conn_check(L);
	lua_pushlstring(L, (const char *)c->bytes, c->kept);
	return 1;
}

static const luaL_Reg methods[] = {{"send", m_send},       {"close", m_close}, {"reset", m_reset},
                                   {"is_open", m_is_open}, {"state", m_state}, {"received", m_received},
                                   {"sent", m_sent},       {"bytes", m_bytes}, {NULL, NULL}};
static const char *const fields[] = {"node", "inbound", "address", NULL};
const struct api_page connection_page = {"connection:", methods, fields};

static int push_field(lua_State *L, const struct connection *c, const char *key)
{
	char text[SY_ADDR_TEXT];
	if (strcmp(key, "node") == 0) {
		node_push(L, c->node);
	} else if (strcmp(key, "inbound") == 0) {
		lua_pushboolean(L, c->inbound);
	} else if (strcmp(key, "address") == 0) {
		sy_netaddr_format_dial(&c->remote, text);
		lua_pushstring(L, text);
	} else {
		return node_unknown_field(L, "connection", key, &connection_page);
	}
	return 1;
}

static int connection_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	return push_field(L, lua_touserdata(L, 1), lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?");
}

/* ------------------------------------------------------------------ declaring */

static int api_stranger(lua_State *L)
{
	return node_declare_one(L, "stranger", stranger_decl_read);
}

static int api_strangers(lua_State *L)
{
	return node_declare_many(L, "strangers", stranger_decl_read);
}

static const luaL_Reg globals[] = {{"stranger", api_stranger}, {"strangers", api_strangers}, {NULL, NULL}};
const struct api_page stranger_page = {"", globals, NULL};

void stranger_open(lua_State *L)
{
	luaL_setfuncs(L, globals, 0);
	sandbox_handle_type(L, CONNECTION_TYPE);
	luaL_newlib(L, methods);
	lua_pushcclosure(L, connection_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}
