#include "sim/lua/host.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

static const char places_key; /* registry: "file:line" -> its text in the arena */

static void on_print(void *ctx, const char *where, const char *text)
{
	struct host *h = ctx;
	if (h->log)
		h->log(h, where, text);
}

static bool on_random(void *ctx, uint64_t *word, const char **why)
{
	struct host *h = ctx;
	if (h->frame.kind == FRAME_OBSERVER) {
		*why = "a check, measure, plot or watch only reads; a draw here would change what follows";
		return false;
	}
	if (h->random && h->random(h, word))
		return true;
	*why = "there is no source of randomness here";
	return false;
}

static int open_shared(lua_State *L)
{
	lua_pushglobaltable(L);
	node_open(L);
	peer_open(L);
	reactor_open(L);
	globals_open(L);
	return 0;
}

bool host_init(struct host *h, const char *file, uint64_t instructions, size_t memory)
{
	struct sandbox_hooks hooks = {.ctx = h, .print = on_print, .random = on_random};
	if (!sandbox_init(&h->sb, file, instructions, memory, &hooks))
		return false;
	lua_pushcfunction(h->sb.L, open_shared);
	return sandbox_call(&h->sb, h->sb.L, 0, 0);
}

void host_fini(struct host *h)
{
	sandbox_fini(&h->sb);
	arena_fini(&h->arena);
}

void host_break(struct host *h)
{
	if (h->failed)
		return;
	memcpy(h->error, h->sb.error, sizeof h->error);
	h->failed = true;
	if (h->broken)
		h->broken(h);
}

void host_breakf(struct host *h, const char *format, ...)
{
	if (h->failed)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(h->sb.error, sizeof h->sb.error, format, args);
	va_end(args);
	host_break(h);
}

bool host_call(struct host *h, const struct frame *frame, int nargs, int nresults)
{
	struct frame before = h->frame;
	h->frame = *frame;
	bool ok = sandbox_call(&h->sb, h->sb.L, nargs, nresults);
	h->frame = before;
	if (!ok)
		host_break(h);
	return ok;
}

void host_must_act(lua_State *L, const char *what)
{
	if (host_of(L)->frame.kind == FRAME_OBSERVER)
		luaL_error(L, "%s: a check, measure, plot or watch only reads", what);
}

struct scenario *host_scenario(lua_State *L, const char *what)
{
	struct scenario *s = host_of(L)->scenario;
	if (!s)
		luaL_error(L, "%s: only a scenario can do this, not a real node", what);
	return s;
}

void host_must_load(lua_State *L, const char *what)
{
	host_scenario(L, what);
	if (host_of(L)->frame.kind != FRAME_LOAD)
		luaL_error(L, "%s: comes too late; it stands before the first run_for", what);
}

void host_must_simulate(lua_State *L, const char *what)
{
	if (host_scenario(L, what)->options.world == WORLD_TCP)
		luaL_error(L, "%s: only a simulated network can do this; real connections (--transport tcp) cannot", what);
}

char *host_keep(lua_State *L, const char *text)
{
	char *kept = arena_text(&host_of(L)->arena, text, strlen(text));
	if (!kept)
		luaL_error(L, "out of memory");
	return kept;
}

const char *host_where(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &places_key) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &places_key);
	}
	const char *text = sandbox_where(L, 1), *where;
	lua_pushvalue(L, -1);
	if (lua_rawget(L, -3) == LUA_TLIGHTUSERDATA) {
		where = lua_touserdata(L, -1);
	} else {
		where = host_keep(L, text);
		lua_pushvalue(L, -2);
		lua_pushlightuserdata(L, (void *)(uintptr_t)where);
		lua_rawset(L, -5);
	}
	lua_pop(L, 3);
	return where;
}

void *host_new(lua_State *L, size_t size)
{
	void *p = arena_new(&host_of(L)->arena, size);
	if (!p)
		luaL_error(L, "out of memory");
	return p;
}

void host_grow(lua_State *L, void *array, size_t *cap, size_t need, size_t elem)
{
	if (!vec_grow(array, cap, need, elem))
		luaL_error(L, "out of memory");
}

uint64_t host_entity(const char *a, const char *b)
{
	uint64_t h = sy_hash_bytes(0x5c7197, a, strlen(a));
	return sy_hash_bytes(h, b, strlen(b));
}

void *host_handle(lua_State *L, const char *type, size_t size, int uservalues)
{
	struct handle *p = lua_newuserdatauv(L, size, uservalues);
	memset(p, 0, size);
	p->serial = ++sandbox_of(L)->serial;
	sandbox_handle_type(L, type);
	lua_setmetatable(L, -2);
	return p;
}
