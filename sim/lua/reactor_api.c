/*
 * Reactors in Lua. reactor {} makes a class: a table of functions and channels. Each node has an instance: self, a
 * table that leads to the class, with self.node. Callbacks only look and queue.
 */
#include <stdio.h>
#include <string.h>

#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"

static const char classes_key; /* registry: class table -> struct reactor_class */

static const char *const callback_names[CB_COUNT + 1] = {"start",   "stop",   "init_peer", "add_peer", "remove_peer",
                                                         "receive", "filter", "timer",     NULL};
static const char *const class_keys[] = {"name", "channels", NULL};
static const char *const channel_keys[] = {"id",
                                           "priority",
                                           "send_queue_capacity",
                                           "send_queue_bytes",
                                           "recv_buffer_capacity",
                                           "recv_message_capacity",
                                           "message",
                                           "inbox",
                                           "inbox_bytes",
                                           "work",
                                           NULL};

/* ------------------------------------------------------------------ the class */

static void read_u32(lua_State *L, int t, const char *key, uint64_t min, uint64_t max, uint32_t *out)
{
	uint64_t v;
	if (keys_uint(L, t, "reactor: channel", key, min, max, &v))
		*out = (uint32_t)v;
}

static void read_size(lua_State *L, int t, const char *key, uint64_t max, uint32_t *out)
{
	uint64_t v;
	if (!keys_unit(L, t, "reactor: channel", key, UNIT_SIZE, &v))
		return;
	if (v > max)
		luaL_error(L, "reactor: channel: %s is at most %I bytes", key, (LUAI_UACINT)max);
	*out = (uint32_t)v;
}

static void read_channel(lua_State *L, int t, struct sy_channel *ch, uint64_t *work_ns)
{
	static const char *const messages[] = {"bytes", NULL};
	static const char *const inboxes[] = {"inline", "stall", "drop", "disconnect", NULL};
	uint64_t id;
	int choice = 0;
	keys_check(L, t, "reactor: channel", channel_keys, 0);
	if (!keys_uint(L, t, "reactor: channel", "id", 0, 255, &id))
		luaL_error(L, "reactor: channel: id is missing");
	*ch = (struct sy_channel){.id = (uint8_t)id, .priority = 1};
	read_u32(L, t, "priority", 1, 1000000, &ch->priority);
	read_u32(L, t, "send_queue_capacity", 1, 1000000, &ch->send_queue_capacity);
	read_size(L, t, "send_queue_bytes", SY_LIMIT_SEND_QUEUE_BYTES, &ch->send_queue_bytes);
	read_size(L, t, "recv_buffer_capacity", SY_LIMIT_RECV_BYTES_PER_PEER, &ch->recv_buffer_capacity);
	read_size(L, t, "recv_message_capacity", SY_LIMIT_RECV_BYTES_PER_PEER, &ch->recv_message_capacity);
	keys_choice(L, t, "reactor: channel", "message", messages, &choice);
	if (keys_choice(L, t, "reactor: channel", "inbox", inboxes, &choice))
		ch->inbox = (enum sy_inbox_policy)choice;
	read_size(L, t, "inbox_bytes", UINT32_MAX, &ch->inbox_bytes);
	if (!keys_unit(L, t, "reactor: channel", "work", UNIT_TIME, work_ns))
		return;
	if (ch->inbox == SY_INBOX_INLINE)
		luaL_error(L, "reactor: channel: work needs an inbox");
	host_scenario(L, "work")->works = true;
}

static void read_channels(lua_State *L, int t, struct reactor_class *c)
{
	int type = lua_getfield(L, t, "channels");
	if (type == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	if (type != LUA_TTABLE)
		luaL_error(L, "reactor: channels is a list of tables");
	int list = lua_gettop(L);
	lua_Integer n = luaL_len(L, list);
	if (n > (lua_Integer)SY_LIMIT_CHANNELS)
		luaL_error(L, "reactor: at most %d channels", (int)SY_LIMIT_CHANNELS);
	for (lua_Integer i = 1; i <= n; i++) {
		if (lua_geti(L, list, i) != LUA_TTABLE)
			luaL_error(L, "reactor: channels is a list of tables");
		read_channel(L, list + 1, &c->channels[c->num_channels], &c->work_ns[c->num_channels]);
		for (size_t k = 0; k < c->num_channels; k++)
			if (c->channels[k].id == c->channels[c->num_channels].id)
				luaL_error(L, "reactor: two channels have the id %d", (int)c->channels[k].id);
		c->num_channels++;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* Functions stand beside the keys: only those that are no functions are looked at. */
static void check_class_keys(lua_State *L, int t)
{
	const char *unknown = NULL;
	lua_pushnil(L);
	while (lua_next(L, t)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
		if (!key) {
			luaL_error(L, "reactor: takes no values without a key");
			return;
		}
		if (!lua_isfunction(L, -1) && strcmp(key, "name") != 0 && strcmp(key, "channels") != 0 && (!unknown || strcmp(key, unknown) < 0))
			unknown = key;
		lua_pop(L, 1);
	}
	if (unknown)
		luaL_error(L, "reactor: unknown key '%s'; the nearest known one is '%s'", unknown, keys_nearest(unknown, class_keys));
}

static void push_classes(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &classes_key);
}

struct reactor_class *reactor_at(lua_State *L, int index)
{
	index = lua_absindex(L, index);
	push_classes(L);
	lua_pushvalue(L, index);
	lua_rawget(L, -2);
	struct reactor_class *c = lua_touserdata(L, -1);
	lua_pop(L, 2);
	return c;
}

static int api_reactor(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_act(L, "reactor");
	check_class_keys(L, 1);
	struct reactor_class *c = host_new(L, sizeof *c);
	const char *name = NULL;
	if (!keys_text(L, 1, "reactor", "name", &name) || name[0] == '\0')
		return luaL_error(L, "reactor: name is missing");
	c->name = host_keep(L, name);
	c->where = host_where(L);
	read_channels(L, 1, c);
	lua_pushvalue(L, 1);
	c->table_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	push_classes(L);
	lua_pushvalue(L, 1);
	lua_pushlightuserdata(L, c);
	lua_rawset(L, -3);
	lua_pop(L, 1);
	lua_settop(L, 1);
	return 1;
}

/* ------------------------------------------------------------------ callbacks */

struct call {
	struct instance *in;
	struct sy_ctx *ctx;
	enum callback which;
	const struct sy_peer *peer;
	const struct sy_message *msg;
	enum sy_err err;
	uint64_t token;
};

/* The function, self, and the callback's arguments are pushed here, under protection. */
static int run_callback(lua_State *L)
{
	const struct call *c = lua_touserdata(L, 1);
	int args = 1;
	lua_rawgeti(L, LUA_REGISTRYINDEX, c->in->self_ref);
	lua_getfield(L, -1, callback_names[c->which]);
	lua_insert(L, -2);
	if (c->peer) {
		peer_push(L, c->in->node, c->peer);
		args++;
	}
	if (c->msg) {
		lua_pushinteger(L, c->msg->channel);
		lua_pushlstring(L, (const char *)c->msg->bytes.ptr, c->msg->bytes.len);
		args += 2;
	}
	if (c->which == CB_REMOVE_PEER) {
		lua_pushstring(L, sy_err_name(c->err));
		args++;
	} else if (c->which == CB_TIMER) {
		lua_pushinteger(L, (lua_Integer)c->token);
		args++;
	}
	lua_call(L, args, 1);
	return 1;
}

/* False: the callback returned false. */
static bool call_back(struct call *c)
{
	struct host *h = c->in->node->host;
	if (!c->in->has[c->which] || h->failed)
		return true;
	struct frame frame = {.kind = FRAME_REACTOR, .stream = &c->in->stream, .node = c->in->node, .ctx = c->ctx};
	lua_State *L = h->sb.L;
	if (!lua_checkstack(L, 20))
		return true;
	lua_pushcfunction(L, run_callback);
	lua_pushlightuserdata(L, c);
	if (!host_call(h, &frame, 1, 1))
		return true;
	bool refused = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
	lua_pop(L, 1);
	return !refused;
}

static enum sy_err on_start(void *self, struct sy_ctx *ctx)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_START};
	return call_back(&c) ? SY_OK : SY_PEER_REACTOR;
}

static void on_stop(void *self, struct sy_ctx *ctx)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_STOP};
	call_back(&c);
}

static void on_init_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_INIT_PEER, .peer = peer};
	call_back(&c);
}

static void on_add_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_ADD_PEER, .peer = peer};
	call_back(&c);
}

static void on_remove_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_REMOVE_PEER, .peer = peer, .err = reason};
	call_back(&c);
}

static enum sy_err on_receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_RECEIVE, .peer = peer, .msg = msg};
	c.in->node->host->messages++;
	if (c.in->node->taps)
		flow_delivered(c.in->node, &peer->id, msg->channel, msg->bytes.len);
	return call_back(&c) ? SY_OK : SY_PEER_REACTOR;
}

static enum sy_err on_filter(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_FILTER, .peer = peer, .msg = msg};
	return call_back(&c) ? SY_OK : SY_PEER_REACTOR;
}

static void on_timer(void *self, struct sy_ctx *ctx, uint64_t token)
{
	struct call c = {.in = self, .ctx = ctx, .which = CB_TIMER, .token = token};
	call_back(&c);
}

/* ------------------------------------------------------------------ instances */

static struct instance *self_check(lua_State *L, const char *what)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getmetatable(L, 1);
	if (!lua_istable(L, -1) || lua_rawgetp(L, -1, &classes_key) != LUA_TLIGHTUSERDATA)
		luaL_error(L, "%s: call it on self, an instance of a reactor", what);
	struct instance *in = lua_touserdata(L, -1);
	lua_pop(L, 2);
	const struct frame *f = &in->node->host->frame;
	if (f->kind != FRAME_REACTOR || f->node != in->node)
		luaL_error(L, "%s: only in a callback of this reactor", what);
	return in;
}

/* self:set_timer(token, delay): Class:timer(token) is called after the delay. */
static int m_set_timer(lua_State *L)
{
	struct instance *in = self_check(L, "set_timer");
	lua_Integer token = luaL_checkinteger(L, 2);
	uint64_t delay = unit_check(L, 3, UNIT_TIME, "set_timer: delay");
	struct sy_ctx *ctx = in->node->host->frame.ctx;
	if (sy_ctx_set_timer(ctx, (uint64_t)token, sy_ctx_now_ns(ctx) + delay) != SY_OK)
		return luaL_error(L, "set_timer: at most %d timers", (int)SY_LIMIT_REACTOR_TIMERS);
	return 0;
}

static int m_clear_timer(lua_State *L)
{
	struct instance *in = self_check(L, "clear_timer");
	lua_Integer token = luaL_checkinteger(L, 2);
	if (sy_ctx_set_timer(in->node->host->frame.ctx, (uint64_t)token, UINT64_MAX) != SY_OK)
		return 0;
	return 0;
}

static const luaL_Reg instance_methods[] = {{"set_timer", m_set_timer}, {"clear_timer", m_clear_timer}, {NULL, NULL}};
static const char *const instance_fields[] = {"node", NULL};
const struct api_page instance_page = {"self:", instance_methods, instance_fields};

/* Upvalue: the class table. A field of the class, else a method of instances. */
static int instance_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_gettable(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
	for (const luaL_Reg *r = instance_methods; r->name; r++) {
		if (strcmp(r->name, key) == 0) {
			lua_pushcfunction(L, r->func);
			return 1;
		}
	}
	return 0;
}

static void push_metatable(lua_State *L, struct instance *in)
{
	lua_createtable(L, 0, 3);
	lua_rawgeti(L, LUA_REGISTRYINDEX, in->class_->table_ref);
	lua_pushcclosure(L, instance_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pushlightuserdata(L, in);
	lua_rawsetp(L, -2, &classes_key);
}

/* Which callbacks the class has by now: functions are defined after reactor {} was called. */
static void find_callbacks(lua_State *L, struct instance *in)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, in->class_->table_ref);
	for (int i = 0; i < CB_COUNT; i++) {
		in->has[i] = lua_getfield(L, -1, callback_names[i]) == LUA_TFUNCTION;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void reset(lua_State *L, struct instance *in)
{
	lua_createtable(L, 0, 4);
	node_push(L, in->node);
	lua_setfield(L, -2, "node");
	push_metatable(L, in);
	lua_setmetatable(L, -2);
	node_push(L, in->node);
	lua_getiuservalue(L, -1, 1);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, in->class_->name);
	lua_pop(L, 2);
	luaL_unref(L, LUA_REGISTRYINDEX, in->self_ref);
	in->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	find_callbacks(L, in);
}

/* The first start keeps what the script has put into node.reactors.NAME; a restart begins anew. */
int instance_reset_protected(lua_State *L)
{
	struct instance *in = lua_touserdata(L, 1);
	if (in->node->was_started)
		reset(L, in);
	else
		find_callbacks(L, in);
	return 0;
}

void instance_init(lua_State *L, struct instance *in, struct reactor_class *class_, struct node *node)
{
	*in = (struct instance){.class_ = class_, .node = node, .self_ref = LUA_NOREF};
	in->stream.entity = host_entity(node->name, class_->name);
	in->table = (struct sy_reactor){.name = class_->name,
	                                .channels = class_->channels,
	                                .num_channels = class_->num_channels,
	                                .self = in,
	                                .start = on_start,
	                                .stop = on_stop,
	                                .init_peer = on_init_peer,
	                                .add_peer = on_add_peer,
	                                .remove_peer = on_remove_peer,
	                                .receive = on_receive,
	                                .filter = on_filter,
	                                .timer = on_timer};
	reset(L, in);
}

static const luaL_Reg functions[] = {{"reactor", api_reactor}, {NULL, NULL}};
const struct api_page reactor_page = {"", functions, callback_names};

void reactor_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
