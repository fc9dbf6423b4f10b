/* Nodes: node {}, nodes {}, and what a node answers to. */
#include <stdio.h>
#include <string.h>

#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"

#define NODE_COUNT_MAX 100000
#define NODE_NAME_MAX 63

/* ------------------------------------------------------------------ handles */

/* As luaL_testudata, without a look-up of the type's name: looks call it for each node, each second. */
struct node *node_test(lua_State *L, int index)
{
	void *p = lua_touserdata(L, index);
	if (!p || !lua_getmetatable(L, index))
		return NULL;
	const void *type = lua_topointer(L, -1);
	lua_pop(L, 1);
	return type == host_of(L)->node_type ? p : NULL;
}

struct node *node_check(lua_State *L, int index)
{
	struct node *n = node_test(L, index);
	return n ? n : luaL_checkudata(L, index, NODE_TYPE); /* for its message */
}

void node_push(lua_State *L, const struct node *n)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, n->ref);
}

struct node *node_new(lua_State *L, const char *name)
{
	struct host *h = host_of(L);
	struct node *n = host_handle(L, NODE_TYPE, sizeof *n, 2);
	n->host = h;
	n->name = name;
	lua_newtable(L); /* its reactors by name */
	lua_setiuservalue(L, -2, 1);
	book_push(L, n, NULL);
	lua_setiuservalue(L, -2, 2);
	lua_newtable(L);
	n->peers_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_pushvalue(L, -1);
	n->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return n;
}

/* ------------------------------------------------------------------ looking */

static bool own_callback(const struct node *n)
{
	return n->host->frame.kind == FRAME_REACTOR && n->host->frame.node == n && n->host->frame.ctx;
}

bool node_running(const struct node *n)
{
	return own_callback(n) || n->host->core(n) != NULL;
}

struct sy_counts node_counts(const struct node *n)
{
	if (own_callback(n))
		return sy_ctx_counts(n->host->frame.ctx);
	const struct sy_node *core = n->host->core(n);
	return core ? sy_node_counts(core) : (struct sy_counts){0};
}

bool node_peer_at(const struct node *n, uint32_t i, struct sy_peer *p)
{
	if (own_callback(n))
		return sy_ctx_peer_at(n->host->frame.ctx, i, p) == SY_OK;
	const struct sy_node *core = n->host->core(n);
	return core && sy_node_peer_at(core, i, p) == SY_OK;
}

bool node_peer(const struct node *n, struct sy_ref ref, struct sy_peer *p)
{
	if (own_callback(n))
		return sy_ctx_peer(n->host->frame.ctx, ref, p) == SY_OK;
	const struct sy_node *core = n->host->core(n);
	return core && sy_node_peer(core, ref, p) == SY_OK;
}

static bool peer_by_id(const struct node *n, const struct sy_id *id, struct sy_peer *p)
{
	if (!own_callback(n)) {
		const struct sy_node *core = n->host->core(n);
		return core && sy_node_peer_by_id(core, id, p) == SY_OK;
	}
	for (uint32_t i = 0; node_peer_at(n, i, p); i++)
		if (memcmp(&p->id, id, sizeof *id) == 0)
			return true;
	return false;
}

/* Makes n->addr known: a node of a scenario is made for it, a real one knows its id once it exists. */
void node_need_address(lua_State *L, struct node *n)
{
	const struct sy_node *core = n->host->core(n);
	if (n->host->scenario && !n->world)
		scenario_need_world(L, n->host->scenario);
	if (n->host->scenario)
		return;
	if (!core) {
		luaL_error(L, "the node does not run yet");
		return;
	}
	n->addr.id = *sy_node_id(core);
	n->addr.flags = SY_ADDR_HAS_ID;
}

/* The id that a node, a peer, a name or an id in text stands for. */
static struct sy_id id_check(lua_State *L, int index)
{
	struct host *h = host_of(L);
	struct node *other = node_test(L, index);
	struct peer *peer = peer_test(L, index);
	struct sy_id id = {{0}};
	if (peer)
		return peer->id;
	if (!other && lua_type(L, index) == LUA_TSTRING) {
		size_t len;
		const char *text = lua_tolstring(L, index, &len);
		if (len == SY_ID_TEXT - 1 && sy_id_parse(text, len, &id, NULL) == SY_OK)
			return id;
		other = h->scenario ? scenario_node_by_name(h->scenario, text) : NULL;
		if (!other && h->scenario)
			luaL_error(L, "there is no node '%s'", text);
	}
	if (!other) {
		luaL_argerror(L, index, "a node, a peer or an id is needed");
		return id;
	}
	node_need_address(L, other);
	return other->addr.id;
}

bool peer_find(lua_State *L, struct node *n, int index, struct sy_peer *p)
{
	struct sy_id id = id_check(L, index);
	return peer_by_id(n, &id, p);
}

static int m_num_peers(lua_State *L)
{
	static const char *const known[] = {"outbound", "inbound", "dialling", NULL};
	struct node *n = node_check(L, 1);
	struct sy_counts c = node_counts(n);
	if (lua_isnoneornil(L, 2)) {
		lua_pushinteger(L, c.total);
		return 1;
	}
	switch (luaL_checkoption(L, 2, NULL, known)) {
	case 0:
		lua_pushinteger(L, c.outbound);
		return 1;
	case 1:
		lua_pushinteger(L, c.inbound);
		return 1;
	default:
		lua_pushinteger(L, c.dialling);
		return 1;
	}
}

/* What PEX has done since the node started; a node that does not run has done nothing. */
static int m_pex_counts(lua_State *L)
{
	const struct node *n = node_check(L, 1);
	const struct sy_node *core = n->host->core(n);
	struct sy_pex_counts c = core ? sy_node_pex_counts(core) : (struct sy_pex_counts){0};
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {{"asked", c.asked},
	              {"requests", c.requests},
	              {"lists_sent", c.lists_sent},
	              {"addrs_sent", c.addrs_sent},
	              {"lists_received", c.lists_received},
	              {"addrs_new", c.addrs_new},
	              {"reached", c.reached},
	              {"unreached", c.unreached},
	              {"lost", c.lost},
	              {"made_room", c.made_room}};

	lua_createtable(L, 0, (int)(sizeof counts / sizeof counts[0]));
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		lua_pushinteger(L, (lua_Integer)counts[i].value);
		lua_setfield(L, -2, counts[i].name);
	}
	return 1;
}

/* Whether the peer on top of the stack passes the filter at index 2: none, a direction, or a function. */
static bool passes(lua_State *L, const struct sy_peer *p, int direction)
{
	if (direction == 0)
		return p->outbound;
	if (direction == 1)
		return !p->outbound;
	if (direction == 2)
		return p->persistent;
	if (lua_isnoneornil(L, 2))
		return true;
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -2);
	lua_call(L, 1, 1);
	bool keep = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return keep;
}

static int m_peers(lua_State *L)
{
	static const char *const known[] = {"outbound", "inbound", "persistent", NULL};
	struct node *n = node_check(L, 1);
	int direction = lua_type(L, 2) == LUA_TSTRING ? luaL_checkoption(L, 2, NULL, known) : -1;
	if (direction < 0 && !lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	lua_newtable(L);
	struct sy_peer p;
	lua_Integer found = 0;
	for (uint32_t i = 0; node_peer_at(n, i, &p); i++) {
		peer_push(L, n, &p);
		if (passes(L, &p, direction))
			lua_rawseti(L, 3, ++found);
		else
			lua_pop(L, 1);
	}
	return 1;
}

static int m_has_peer(lua_State *L)
{
	struct sy_peer p;
	lua_pushboolean(L, peer_find(L, node_check(L, 1), 2, &p));
	return 1;
}

static int m_peer(lua_State *L)
{
	struct node *n = node_check(L, 1);
	struct sy_peer p;
	if (!peer_find(L, n, 2, &p))
		return 0;
	peer_push(L, n, &p);
	return 1;
}

static int m_wait_peer(lua_State *L)
{
	struct node *n = node_check(L, 1);
	struct sy_id id = id_check(L, 2);
	uint64_t timeout = unit_opt(L, 3, UNIT_TIME, "wait_peer: timeout", UINT64_MAX);
	host_scenario(L, "wait_peer");
	lua_settop(L, 2);
	return process_wait_peer(L, n, &id, timeout);
}

/* ------------------------------------------------------------------ acting */

struct sy_answer node_input(lua_State *L, struct node *n, struct sy_input *in, const char *what)
{
	struct host *h = n->host;
	host_must_act(L, what);
	if (h->frame.kind == FRAME_REACTOR)
		luaL_error(L, "%s: a callback of %s's reactor acts through its own node only", what, h->frame.node->name);
	if (!h->input) {
		luaL_error(L, "%s: only inside a callback of the reactor", what);
		return (struct sy_answer){.err = SY_NOT_RUNNING};
	}
	if (!h->core(n))
		return (struct sy_answer){.err = SY_NOT_RUNNING};
	return h->input(n, in);
}

int node_push_error(lua_State *L, enum sy_err err)
{
	if (err == SY_OK) {
		lua_pushboolean(L, 1);
		return 1;
	}
	lua_pushboolean(L, 0);
	lua_pushstring(L, sy_err_name(err));
	return 2;
}

uint8_t node_channel_check(lua_State *L, int index)
{
	lua_Integer ch = luaL_checkinteger(L, index);
	luaL_argcheck(L, ch >= 0 && ch <= 255, index, "a channel id lies between 0 and 0xff");
	return (uint8_t)ch;
}

static int m_broadcast(lua_State *L)
{
	struct node *n = node_check(L, 1);
	uint8_t channel = node_channel_check(L, 2);
	size_t len;
	const char *bytes = luaL_checklstring(L, 3, &len);
	struct sy_span span = {(const uint8_t *)bytes, len};
	if (own_callback(n)) {
		lua_pushinteger(L, sy_ctx_broadcast(n->host->frame.ctx, channel, span));
		return 1;
	}
	struct sy_input in = {.kind = SY_IN_BROADCAST, .channel = channel, .bytes = span};
	lua_pushinteger(L, (lua_Integer)node_input(L, n, &in, "broadcast").value);
	return 1;
}

struct sy_netaddr node_address_check(lua_State *L, int index, const char *what)
{
	struct sy_netaddr addr;
	if (lua_type(L, index) == LUA_TSTRING && strchr(lua_tostring(L, index), '@')) {
		if (sy_netaddr_parse(lua_tostring(L, index), &addr, NULL) != SY_OK)
			luaL_error(L, "%s: '%s' is no id@ip:port", what, lua_tostring(L, index));
		return addr;
	}
	struct node *other = nodes_one(L, index, what);
	node_need_address(L, other);
	return other->addr;
}

static int m_dial(lua_State *L)
{
	struct node *n = node_check(L, 1);
	struct sy_netaddr addr = node_address_check(L, 2, "dial");
	if (own_callback(n))
		return node_push_error(L, sy_ctx_dial(n->host->frame.ctx, &addr));
	struct sy_input in = {.kind = SY_IN_DIAL, .addr = addr};
	return node_push_error(L, node_input(L, n, &in, "dial").err);
}

static int m_mark_good(lua_State *L)
{
	struct node *n = node_check(L, 1);
	struct sy_peer p;
	struct sy_input in = {.kind = SY_IN_MARK_GOOD};
	if (!peer_find(L, n, 2, &p))
		return node_push_error(L, SY_NO_PEER);
	in.conn = p.ref;
	return node_push_error(L, node_input(L, n, &in, "mark_good").err);
}

static int m_save_book(lua_State *L)
{
	struct sy_input in = {.kind = SY_IN_SAVE_BOOK};
	return node_push_error(L, node_input(L, node_check(L, 1), &in, "save_book").err);
}

/* ------------------------------------------------------------------ fields */

static const luaL_Reg methods[] = {{"num_peers", m_num_peers},
                                   {"peers", m_peers},
                                   {"has_peer", m_has_peer},
                                   {"peer", m_peer},
                                   {"wait_peer", m_wait_peer},
                                   {"start", lifecycle_start},
                                   {"stop", lifecycle_stop},
                                   {"crash", lifecycle_crash},
                                   {"restart", lifecycle_restart},
                                   {"lose_disk", lifecycle_lose_disk},
                                   {"lose_key", lifecycle_lose_key},
                                   {"configure", lifecycle_configure},
                                   {"dial", m_dial},
                                   {"broadcast", m_broadcast},
                                   {"mark_good", m_mark_good},
                                   {"save_book", m_save_book},
                                   {"pex_counts", m_pex_counts},
                                   {"connect", stranger_connect},
                                   {"connections", stranger_connections},
                                   {NULL, NULL}};
static const char *const fields[] = {"name", "id", "address", "ip", "region", "profile", "running", "index", "book", "reactors", NULL};
const struct api_page node_page = {"node:", methods, fields};

/* A real node knows its id; under which address others see it is not known to it: nil. */
static int push_address(lua_State *L, struct node *n, const char *key)
{
	char text[SY_ADDR_TEXT];
	if (!n->host->scenario && (!n->host->core(n) || strcmp(key, "id") != 0)) {
		lua_pushnil(L);
		return 1;
	}
	node_need_address(L, n);
	struct sy_netaddr addr = n->addr;
	if (strcmp(key, "id") == 0) {
		sy_id_format(&addr.id, text);
	} else if (strcmp(key, "address") == 0) {
		sy_netaddr_format(&addr, text);
	} else {
		sy_netaddr_format_dial(&addr, text);
		char *colon = strrchr(text, ':');
		if (colon)
			*colon = '\0';
	}
	lua_pushstring(L, text);
	return 1;
}

static int push_region(lua_State *L, struct node *n)
{
	if (n->host->scenario && !n->world)
		scenario_need_world(L, n->host->scenario);
	const char *region = n->world ? world_node_region(n->world) : "";
	lua_pushstring(L, region ? region : "");
	return 1;
}

/* The handle is at index 1. Returns 1 with the value (or nil) pushed, 0: there is no such field. */
int node_get_field(lua_State *L, struct node *n, const char *key)
{
	if (strcmp(key, "name") == 0) {
		lua_pushstring(L, n->name);
	} else if (strcmp(key, "id") == 0 || strcmp(key, "address") == 0 || strcmp(key, "ip") == 0) {
		return push_address(L, n, key);
	} else if (strcmp(key, "region") == 0) {
		return push_region(L, n);
	} else if (strcmp(key, "profile") == 0) {
		lua_pushstring(L, sy_profile_name(n->decl ? n->decl->p2p.profile : n->host->profile));
	} else if (strcmp(key, "running") == 0) {
		lua_pushboolean(L, node_running(n));
	} else if (strcmp(key, "index") == 0) {
		lua_pushinteger(L, (lua_Integer)n->index + 1);
	} else if (strcmp(key, "book") == 0) {
		lua_getiuservalue(L, 1, 2);
	} else if (strcmp(key, "reactors") == 0) {
		lua_getiuservalue(L, 1, 1);
	} else {
		return 0;
	}
	return 1;
}

/* An error that names the nearest method or field. */
int node_unknown_field(lua_State *L, const char *type, const char *key, const struct api_page *page)
{
	const char *names[64];
	size_t n = 0;
	for (const luaL_Reg *r = page->functions; r && r->name && n < 60; r++)
		names[n++] = r->name;
	for (const char *const *f = page->fields; f && *f && n < 62; f++)
		names[n++] = *f;
	names[n] = NULL;
	return luaL_error(L, "a %s has no '%s'; the nearest known name is '%s'", type, key, keys_nearest(key, names));
}

static int node_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	struct node *n = lua_touserdata(L, 1);
	const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
	return node_get_field(L, n, key) ? 1 : node_unknown_field(L, "node", key, &node_page);
}

static int node_tostring(lua_State *L)
{
	lua_pushstring(L, node_check(L, 1)->name);
	return 1;
}

/* ------------------------------------------------------------------ declaring */

static void check_name(lua_State *L, const struct scenario *s, const char *what, const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
	if (n == 0 || name[n] != '\0' || n > NODE_NAME_MAX)
		luaL_error(L, "%s: name '%s': 1 to %d letters, digits, '_', '-', '.'", what, name, NODE_NAME_MAX);
	struct node *other = scenario_node_by_name(s, name);
	if (other)
		luaL_error(L, "%s: '%s' is there already, made at %s", what, name, other->decl->where);
}

static struct node *declare(lua_State *L, struct scenario *s, const char *what, const char *name, struct node_decl *d)
{
	check_name(L, s, what, name);
	if (s->num_nodes == NODE_COUNT_MAX)
		luaL_error(L, "%s: at most %d nodes", what, NODE_COUNT_MAX);
	host_grow(L, &s->nodes, &s->cap_nodes, s->num_nodes + 1, sizeof(struct node *));
	struct node *n = node_new(L, name);
	n->decl = d;
	n->index = (uint32_t)s->num_nodes;
	node_decl_instances(L, n, 1, what);
	s->nodes[s->num_nodes++] = n;
	if (!scenario_name_node(s, n))
		luaL_error(L, "out of memory");
	return n;
}

static void may_declare(lua_State *L, const char *what)
{
	host_must_act(L, what);
	if (host_of(L)->frame.kind == FRAME_REACTOR)
		luaL_error(L, "%s: not in a callback of a reactor", what);
}

int node_declare_one(lua_State *L, const char *what, node_decl_reader read)
{
	struct scenario *s = host_scenario(L, what);
	may_declare(L, what);
	lua_settop(L, 1);
	struct node_decl *d = read(L, 1, what, false);
	const char *name = NULL;
	if (!keys_text(L, 1, what, "name", &name))
		return luaL_error(L, "%s: name is missing", what);
	declare(L, s, what, host_keep(L, name), d);
	if (s->world && !scenario_make_nodes(s))
		return luaL_error(L, "%s", s->host.error);
	return 1;
}

int node_declare_many(lua_State *L, const char *what, node_decl_reader read)
{
	struct scenario *s = host_scenario(L, what);
	may_declare(L, what);
	lua_settop(L, 1);
	struct node_decl *d = read(L, 1, what, true);
	const char *name = "n";
	uint64_t count;
	keys_text(L, 1, what, "name", &name);
	if (!keys_uint(L, 1, what, "count", 0, NODE_COUNT_MAX, &count))
		return luaL_error(L, "%s: count is missing", what);
	uint32_t *at = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *at, 0);
	for (uint64_t i = 0; i < count; i++) {
		char text[NODE_NAME_MAX + 16];
		snprintf(text, sizeof text, "%.64s%u", name, (unsigned)i + 1);
		at[i] = declare(L, s, what, host_keep(L, text), d)->index;
		lua_pop(L, 1);
	}
	if (s->world && !scenario_make_nodes(s))
		return luaL_error(L, "%s", s->host.error);
	group_push(L, at, (size_t)count);
	return 1;
}

static int api_node(lua_State *L)
{
	return node_declare_one(L, "node", node_decl_read);
}

static int api_nodes(lua_State *L)
{
	return node_declare_many(L, "nodes", node_decl_read);
}

static const luaL_Reg globals[] = {{"node", api_node}, {"nodes", api_nodes}, {NULL, NULL}};
static const luaL_Reg no_globals[] = {{NULL, NULL}};
const struct api_page node_globals_page = {"", globals, NULL};

void node_open(lua_State *L)
{
	luaL_setfuncs(L, host_of(L)->scenario ? globals : no_globals, 0);
	sandbox_handle_type(L, NODE_TYPE);
	host_of(L)->node_type = lua_topointer(L, -1);
	luaL_newlib(L, methods);
	lua_pushcclosure(L, node_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, node_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 1);
	book_open(L);
}
