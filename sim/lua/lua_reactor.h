/*
 * A reactor written in Lua for a real node: `switchyard node --reactor FILE.lua`. The file returns a reactor table, as
 * a scenario's reactor { ... } makes it; the same code runs it in a scenario.
 */
#ifndef SIM_LUA_REACTOR_H
#define SIM_LUA_REACTOR_H

#include "core/switchyard.h"

struct lua_reactor;

#define LUA_REACTOR_ERROR_TEXT 512

/* What the script sees of its node. All of it is required, save log. */
struct lua_reactor_host {
	void *ctx;
	const char *node_name; /* moniker or id; borrowed until lua_reactor_free */
	enum sy_profile profile;
	uint64_t (*now_ns)(void *ctx);            /* monotonic */
	uint64_t (*rand)(void *ctx);              /* 64 random bits: math.random */
	const struct sy_node *(*node)(void *ctx); /* to look at; null while it does not exist */
	void (*log)(void *ctx, const char *who, const char *text);
	/* A callback of the script failed; the text is "file:line: message". The reactor is left alone afterwards: its callbacks do nothing. */
	void (*failed)(void *ctx, const char *error);
};

/*
 * Loads FILE.lua. Returns SY_OK; SY_INVALID with the text in error; SY_NO_MEMORY. Owns *out until lua_reactor_free,
 * which must come after the node that uses it was freed.
 */
SY_MUST enum sy_err lua_reactor_load(struct lua_reactor **out, const char *file, const struct lua_reactor_host *host,
                                     char error[LUA_REACTOR_ERROR_TEXT]);
void lua_reactor_free(struct lua_reactor *r); /* null is harmless */
/* The reactor to register with sy_node_new; valid until lua_reactor_free. */
const struct sy_reactor *lua_reactor_table(const struct lua_reactor *r);

#endif
