/* Peers: a handle is one connection of one node; it stays the same value as long as the connection lives. */
#include <string.h>

#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"

#define SEND_TIMEOUT_NS UINT64_C(10000000000) /* protocol.md 0.5: blocking Send */

struct peer *peer_test(lua_State *L, int index)
{
	return luaL_testudata(L, index, PEER_TYPE);
}

struct peer *peer_check(lua_State *L, int index)
{
	return luaL_checkudata(L, index, PEER_TYPE);
}

static struct peer *peer_new(lua_State *L, struct node *n, const struct sy_peer *p)
{
	struct peer *h = host_handle(L, PEER_TYPE, sizeof *h, 0);
	h->node = n;
	h->ref = p->ref;
	h->life = n->life;
	h->id = p->id;
	h->outbound = p->outbound;
	h->persistent = p->persistent;
	h->unconditional = p->unconditional;
	h->addr = p->socket_addr;
	sy_id_format(&p->id, h->id_text);
	return h;
}

void peer_push(lua_State *L, struct node *n, const struct sy_peer *p)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, n->peers_ref);
	if (lua_rawgeti(L, -1, p->ref.slot) == LUA_TUSERDATA) {
		const struct peer *h = lua_touserdata(L, -1);
		if (h->life == n->life && sy_ref_equal(h->ref, p->ref)) {
			lua_remove(L, -2);
			return;
		}
	}
	lua_pop(L, 1);
	peer_new(L, n, p);
	lua_pushvalue(L, -1);
	lua_rawseti(L, -3, p->ref.slot);
	lua_remove(L, -2);
}

/* Its connection; of one that went with an earlier life of its node the null reference, which means nobody. */
static struct sy_ref ref_of(const struct peer *p)
{
	return p->life == p->node->life ? p->ref : (struct sy_ref){0};
}

/* ------------------------------------------------------------------ sending */

static struct sy_ctx *own_ctx(const struct peer *p)
{
	const struct frame *f = &p->node->host->frame;
	return f->kind == FRAME_REACTOR && f->node == p->node ? f->ctx : NULL;
}

static int try_send(lua_State *L, struct peer *p, uint8_t channel, struct sy_span span, const char *what)
{
	struct sy_ctx *ctx = own_ctx(p);
	enum sy_err err;
	flow_asked(p->node, &p->id, channel, span.len, 0, false);
	if (ctx) {
		err = sy_ctx_try_send(ctx, ref_of(p), channel, span);
	} else {
		struct sy_input in = {.kind = SY_IN_TRY_SEND, .conn = ref_of(p), .channel = channel, .bytes = span};
		err = node_input(L, p->node, &in, what).err;
	}
	if (err != SY_OK)
		flow_refused(p->node, &p->id, channel, 0);
	return node_push_error(L, err);
}

static int m_try_send(lua_State *L)
{
	struct peer *p = peer_check(L, 1);
	uint8_t channel = node_channel_check(L, 2);
	size_t len;
	const char *bytes = luaL_checklstring(L, 3, &len);
	host_must_act(L, "peer:try_send");
	return try_send(L, p, channel, (struct sy_span){(const uint8_t *)bytes, len}, "peer:try_send");
}

/* Waits in a process; in a callback of a reactor it queues or fails. */
static int m_send(lua_State *L)
{
	struct peer *p = peer_check(L, 1);
	uint8_t channel = node_channel_check(L, 2);
	size_t len;
	const char *bytes = luaL_checklstring(L, 3, &len);
	struct sy_span span = {(const uint8_t *)bytes, len};
	uint64_t timeout = unit_opt(L, 4, UNIT_TIME, "peer:send: timeout", SEND_TIMEOUT_NS);
	host_must_act(L, "peer:send");
	if (p->node->host->frame.kind == FRAME_REACTOR)
		return try_send(L, p, channel, span, "peer:send");
	process_may_wait(L, "peer:send");
	return process_send(L, p->node, ref_of(p), &p->id, channel, span, timeout);
}

/* ------------------------------------------------------------------ ending */

/* A reason by its name, "peer_reactor"; without one the peer is stopped in good order. */
static enum sy_err reason_check(lua_State *L, int index)
{
	static const enum sy_err reasons[] = {
#define REASON(name, value, text) (enum sy_err)(value),
	    SY_ERR_LIST(REASON)
#undef REASON
	};
	if (lua_isnoneornil(L, index))
		return SY_STOPPED;
	const char *text = luaL_checkstring(L, index);
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (strcmp(sy_err_name(reasons[i]), text) == 0)
			return reasons[i];
	return SY_PEER_REACTOR; /* any other words: the reactor's own reason */
}

static int end_peer(lua_State *L, enum sy_in_kind kind, const char *what,
                    void (*own)(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason))
{
	struct peer *p = peer_check(L, 1);
	enum sy_err reason = reason_check(L, 2);
	host_must_act(L, what);
	struct sy_ctx *ctx = own_ctx(p);
	if (ctx) {
		own(ctx, ref_of(p), reason);
		return 0;
	}
	struct sy_input in = {.kind = kind, .conn = ref_of(p), .err = reason};
	return node_push_error(L, node_input(L, p->node, &in, what).err);
}

static int m_stop(lua_State *L)
{
	return end_peer(L, SY_IN_STOP_PEER, "peer:stop", sy_ctx_stop_peer);
}

static int m_flush_stop(lua_State *L)
{
	return end_peer(L, SY_IN_FLUSH_STOP_PEER, "peer:flush_stop", sy_ctx_flush_stop_peer);
}

static int m_mark_good(lua_State *L)
{
	struct peer *p = peer_check(L, 1);
	struct sy_input in = {.kind = SY_IN_MARK_GOOD, .conn = ref_of(p)};
	host_must_act(L, "peer:mark_good");
	return node_push_error(L, node_input(L, p->node, &in, "peer:mark_good").err);
}

/* ------------------------------------------------------------------ looking */

static int m_is_running(lua_State *L)
{
	struct peer *p = peer_check(L, 1);
	struct sy_peer now;
	lua_pushboolean(L, node_peer(p->node, ref_of(p), &now));
	return 1;
}

static int m_can_send(lua_State *L)
{
	struct peer *p = peer_check(L, 1);
	const struct sy_node *core = p->node->host->core(p->node);
	lua_pushboolean(L, core && sy_can_send(core, ref_of(p), node_channel_check(L, 2)));
	return 1;
}

static void put_integer(lua_State *L, const char *key, uint64_t v)
{
	lua_pushinteger(L, (lua_Integer)v);
	lua_setfield(L, -2, key);
}

static void put_seconds(lua_State *L, const char *key, uint64_t ns)
{
	lua_pushnumber(L, (lua_Number)ns / 1e9);
	lua_setfield(L, -2, key);
}

/* A list, one table a channel. Empty once the peer is gone. */
static int m_channels(lua_State *L)
{
	struct peer *p = peer_check(L, 1);
	const struct sy_node *core = p->node->host->core(p->node);
	struct sy_channel_status st;
	lua_newtable(L);
	for (uint32_t i = 0; core && sy_node_channel_status(core, ref_of(p), i, &st) == SY_OK; i++) {
		lua_createtable(L, 0, 8);
		put_integer(L, "id", st.id);
		put_integer(L, "priority", st.priority);
		put_integer(L, "queued_messages", st.queued_messages);
		put_integer(L, "queued_bytes", st.queued_bytes);
		put_integer(L, "send_queue_capacity", st.send_queue_capacity);
		put_integer(L, "recently_sent", st.recently_sent);
		put_integer(L, "sent_bytes", st.sent_bytes);
		put_integer(L, "received_bytes", st.received_bytes);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* What the connection has done so far; nil once the peer is gone. */
static int m_status(lua_State *L)
{
	struct peer *p = peer_check(L, 1);
	const struct sy_node *core = p->node->host->core(p->node);
	struct sy_conn_status st;
	if (!core || sy_node_conn_status(core, ref_of(p), &st) != SY_OK)
		return 0;
	lua_createtable(L, 0, 10);
	put_seconds(L, "age", st.age_ns);
	put_integer(L, "sent_bytes", st.sent_bytes);
	put_integer(L, "received_bytes", st.received_bytes);
	put_integer(L, "send_rate", st.send_rate_now);
	put_integer(L, "recv_rate", st.recv_rate_now);
	put_integer(L, "send_rate_avg", st.send_rate_avg);
	put_integer(L, "recv_rate_avg", st.recv_rate_avg);
	put_seconds(L, "send_limited", st.send_limited_ns);
	put_seconds(L, "recv_limited", st.recv_limited_ns);
	put_seconds(L, "ping_rtt", st.ping_rtt_ns);
	return 1;
}

/* ------------------------------------------------------------------ fields */

static const luaL_Reg methods[] = {{"send", m_send},           {"try_send", m_try_send},
                                   {"stop", m_stop},           {"flush_stop", m_flush_stop},
                                   {"mark_good", m_mark_good}, {"is_running", m_is_running},
                                   {"can_send", m_can_send},   {"channels", m_channels},
                                   {"status", m_status},       {NULL, NULL}};
static const char *const fields[] = {"id",      "outbound", "persistent", "unconditional", "address",
                                     "moniker", "version",  "node",       "name",          NULL};
const struct api_page peer_page = {"peer:", methods, fields};

/* Of the connection's other side: what its node info says; nil once it is gone. */
static int push_info(lua_State *L, const struct peer *p, const char *key)
{
	struct sy_peer now;
	if (!node_peer(p->node, ref_of(p), &now))
		return 0;
	lua_pushstring(L, strcmp(key, "moniker") == 0 ? now.moniker : now.version);
	return 1;
}

/* The node of the scenario behind the peer, or its name; nil when it is none of ours. */
static int push_other(lua_State *L, const struct peer *p, const char *key)
{
	struct scenario *s = p->node->host->scenario;
	struct node *other = s ? scenario_node_by_id(s, &p->id) : NULL;
	if (!other)
		return 0;
	if (strcmp(key, "node") == 0)
		node_push(L, other);
	else
		lua_pushstring(L, other->name);
	return 1;
}

static int push_field(lua_State *L, const struct peer *p, const char *key)
{
	if (strcmp(key, "id") == 0) {
		lua_pushstring(L, p->id_text);
	} else if (strcmp(key, "outbound") == 0) {
		lua_pushboolean(L, p->outbound);
	} else if (strcmp(key, "persistent") == 0) {
		lua_pushboolean(L, p->persistent);
	} else if (strcmp(key, "unconditional") == 0) {
		lua_pushboolean(L, p->unconditional);
	} else if (strcmp(key, "address") == 0) {
		char text[SY_ADDR_TEXT];
		sy_netaddr_format(&p->addr, text);
		lua_pushstring(L, text);
	} else if (strcmp(key, "moniker") == 0 || strcmp(key, "version") == 0) {
		return push_info(L, p, key);
	} else if (strcmp(key, "node") == 0 || strcmp(key, "name") == 0) {
		return push_other(L, p, key);
	} else {
		return node_unknown_field(L, "peer", key, &peer_page);
	}
	return 1;
}

static int peer_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	return push_field(L, lua_touserdata(L, 1), lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?");
}

static int peer_tostring(lua_State *L)
{
	lua_pushstring(L, peer_check(L, 1)->id_text);
	return 1;
}

void peer_open(lua_State *L)
{
	sandbox_handle_type(L, PEER_TYPE);
	luaL_newlib(L, methods);
	lua_pushcclosure(L, peer_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, peer_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 1);
}
