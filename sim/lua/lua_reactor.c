#include "sim/lua/lua_reactor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lua/host.h"

struct lua_reactor {
	struct host host;
	struct lua_reactor_host hooks;
	struct node *node;
	struct instance instance;
	const char *file;
};

static struct lua_reactor *of(const struct host *h)
{
	return h->ops_ctx;
}

static uint64_t on_now(struct host *h)
{
	return of(h)->hooks.now_ns(of(h)->hooks.ctx);
}

static const struct sy_node *on_core(const struct node *n)
{
	struct lua_reactor *r = of(n->host);
	return n == r->node ? r->hooks.node(r->hooks.ctx) : NULL;
}

static bool on_random(struct host *h, uint64_t *word)
{
	*word = of(h)->hooks.rand(of(h)->hooks.ctx);
	return true;
}

static void on_log(struct host *h, const char *who, const char *text)
{
	if (of(h)->hooks.log)
		of(h)->hooks.log(of(h)->hooks.ctx, who, text);
}

static void on_broken(struct host *h)
{
	if (of(h)->hooks.failed)
		of(h)->hooks.failed(of(h)->hooks.ctx, h->error);
}

/* Runs the file and makes the instance of what it returns. Stack: 1 the reactor, as light userdata; 2 the file's function. */
static int load_protected(lua_State *L)
{
	struct lua_reactor *r = lua_touserdata(L, 1);
	lua_call(L, 0, 1);
	struct reactor_class *c = reactor_at(L, -1);
	if (!c)
		return luaL_error(L, "%s: the file does not return a reactor: return reactor { name = ..., channels = ... }", r->file);
	r->node = node_new(L, r->hooks.node_name);
	r->node->instances = &r->instance;
	r->node->num_instances = 1;
	instance_init(L, &r->instance, c, r->node);
	return 0;
}

static bool load(struct lua_reactor *r, const char *file)
{
	lua_State *L = r->host.sb.L;
	r->host.frame = (struct frame){.kind = FRAME_LOAD};
	lua_pushcfunction(L, load_protected);
	lua_pushlightuserdata(L, r);
	if (!sandbox_load_file(&r->host.sb, L, file)) {
		lua_pop(L, 2);
		return false;
	}
	return sandbox_call(&r->host.sb, L, 2, 0);
}

enum sy_err lua_reactor_load(struct lua_reactor **out, const char *file, const struct lua_reactor_host *host,
                             char error[LUA_REACTOR_ERROR_TEXT])
{
	*out = NULL;
	snprintf(error, LUA_REACTOR_ERROR_TEXT, "out of memory");
	struct lua_reactor *r = calloc(1, sizeof *r);
	if (!r)
		return SY_NO_MEMORY;
	r->hooks = *host;
	r->file = file;
	struct host *h = &r->host;
	arena_init(&h->arena);
	h->ops_ctx = r;
	h->profile = host->profile;
	h->now_ns = on_now;
	h->core = on_core;
	h->random = on_random;
	h->log = on_log;
	h->broken = on_broken;
	if (!host_init(h, file, SCENARIO_INSTRUCTIONS, (size_t)SCENARIO_MEMORY)) {
		lua_reactor_free(r);
		return SY_NO_MEMORY;
	}
	if (!load(r, file)) {
		snprintf(error, LUA_REACTOR_ERROR_TEXT, "%s", h->sb.error);
		lua_reactor_free(r);
		return SY_INVALID;
	}
	*out = r;
	return SY_OK;
}

void lua_reactor_free(struct lua_reactor *r)
{
	if (!r)
		return;
	host_fini(&r->host);
	free(r);
}

const struct sy_reactor *lua_reactor_table(const struct lua_reactor *r)
{
	return &r->instance.table;
}
