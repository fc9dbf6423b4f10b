/*
 * The sandbox: one Lua 5.4 state in which equal scripts give equal results on every machine, and which cannot reach
 * the machine. What is different from stock Lua is in docs/SCENARIOS.md, "The sandbox".
 *
 * Who owns a sandbox calls into it through sandbox_call and sandbox_resume only: they keep the limits, and turn every
 * failure into one line "file:line: message" in sb->error.
 */
#ifndef SIM_LUA_SANDBOX_H
#define SIM_LUA_SANDBOX_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANDBOX_ERROR_TEXT 512
#define SANDBOX_HOOK_STEP 1000 /* instructions between looks at the limit */

struct sandbox_hooks {
	void *ctx;
	/* A line of print or log. where: "file:line". */
	void (*print)(void *ctx, const char *where, const char *text);
	/* 64 random bits; false: not here, *why says so. */
	bool (*random)(void *ctx, uint64_t *word, const char **why);
};

struct sandbox {
	lua_State *L;       /* the main thread */
	lua_State *running; /* whose code runs now, for positions */
	struct sandbox_hooks hooks;
	uint64_t instruction_limit, instructions_used, instructions_total;
	size_t memory, memory_peak, memory_limit;
	bool memory_hit;
	char memory_where[96];
	unsigned depth;  /* of calls into the script */
	uint64_t serial; /* the last creation number of a handle */
	char *dir;       /* where require looks, with a final '/' */
	char *real_dir;  /* the same, resolved */
	char error[SANDBOX_ERROR_TEXT];
};

/* Makes the state and its safe libraries. file: the script's path (for require). False: out of memory. */
bool sandbox_init(struct sandbox *sb, const char *file, uint64_t instructions, size_t memory, const struct sandbox_hooks *hooks);
void sandbox_fini(struct sandbox *sb); /* idempotent */

static inline struct sandbox *sandbox_of(lua_State *L)
{
	return *(struct sandbox **)lua_getextraspace(L);
}

/* Reads a script file and leaves its function on the stack of L. False: sb->error says why. */
bool sandbox_load_file(struct sandbox *sb, lua_State *L, const char *path);
/* Checks and compiles text; as lua_load: LUA_OK and a function, else a message, on the stack. */
int sandbox_load_text(lua_State *L, const char *text, size_t len, const char *chunkname);

/* lua_pcall with limits. False: sb->error. Function and arguments are gone from the stack either way. */
bool sandbox_call(struct sandbox *sb, lua_State *L, int nargs, int nresults);
/* lua_resume with limits. LUA_OK: finished, LUA_YIELD; else sb->error. *nresults values lie on the stack of co. */
int sandbox_resume(struct sandbox *sb, lua_State *co, int nargs, int *nresults);

/* "file:line" of the nearest Lua function at or above `level`, "?" when there is none. Pushes it. */
const char *sandbox_where(lua_State *L, int level);

/* tostring without addresses: pushes the text. */
const char *sandbox_tostring(lua_State *L, int index, size_t *len);

/* Handles are the userdata of this project; they begin with their creation number, by which pairs orders them. */
struct handle {
	uint64_t serial;
};
/* Makes (or finds) the metatable of a kind of handle, protected from the script, and pushes it. */
void sandbox_handle_type(lua_State *L, const char *name);
/* The handle at index, or null when it is no handle. */
const struct handle *sandbox_handle(lua_State *L, int index);

/* The parts. Each opens into the table or globals on top of the stack and leaves it there. */
void *limits_alloc(void *ud, void *ptr, size_t old_size, size_t new_size);
void limits_begin(struct sandbox *sb, lua_State *L);
void limits_end(struct sandbox *sb);
void order_open(lua_State *L);   /* pairs, next, table.sort */
void mathlib_open(lua_State *L); /* math */
void stdlib_open(lua_State *L);  /* tostring, print, string.format, load, require, ... */
/* Null when the text may be compiled; else why not, as "file:line: message" in buf. */
const char *scan_text(const char *text, size_t len, const char *name, char *buf, size_t cap);

#endif
