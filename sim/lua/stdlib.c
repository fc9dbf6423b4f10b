/* The basic library, made deterministic: nothing prints an address, nothing reaches a file but require. */
#include "sim/lua/sandbox.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ text */

const char *sandbox_tostring(lua_State *L, int index, size_t *len)
{
	index = lua_absindex(L, index);
	int type = lua_type(L, index);
	if (luaL_callmeta(L, index, "__tostring")) {
		if (!lua_isstring(L, -1))
			luaL_error(L, "'__tostring' must return a string");
	} else if (type == LUA_TNUMBER && !lua_isinteger(L, index) && isnan(lua_tonumber(L, index))) {
		lua_pushliteral(L, "nan"); /* the sign of a nan differs between processors */
	} else if (type == LUA_TNUMBER || type == LUA_TSTRING) {
		lua_pushvalue(L, index);
	} else if (type == LUA_TBOOLEAN) {
		lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
	} else {
		int name = luaL_getmetafield(L, index, "__name");
		if (name != LUA_TSTRING) {
			lua_pop(L, name == LUA_TNIL ? 0 : 1);
			lua_pushstring(L, luaL_typename(L, index));
		}
	}
	return lua_tolstring(L, -1, len);
}

static int base_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	sandbox_tostring(L, 1, NULL);
	return 1;
}

static int base_print(lua_State *L)
{
	int n = lua_gettop(L);
	luaL_Buffer b;
	luaL_buffinit(L, &b);
	for (int i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, '\t');
		sandbox_tostring(L, i, NULL);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	struct sandbox *sb = sandbox_of(L);
	const char *where = sandbox_where(L, 1);
	if (sb->hooks.print)
		sb->hooks.print(sb->hooks.ctx, where, lua_tostring(L, -2));
	return 0;
}

/* Copies one conversion to the new format, its argument made fit for it. p: behind the '%'. Returns what follows. */
static const char *format_one(lua_State *L, luaL_Buffer *b, const char *p, int *arg)
{
	const char *start = p;
	while (*p && strchr("-+ #0123456789.", *p))
		p++;
	if (p - start > 20)
		luaL_error(L, "format: invalid conversion");
	char conv = *p;
	if (conv == '%' || conv == '\0') {
		luaL_addlstring(b, start, (size_t)(p - start) + (conv != '\0'));
		return conv ? p + 1 : p;
	}
	++*arg;
	if (conv == 'p')
		luaL_error(L, "format: %%p would print an address; it differs from run to run");
	if (conv == 'a' || conv == 'A')
		luaL_error(L, "format: %%a is not available; its digits differ between C libraries");
	if (strchr("eEfFgG", conv) && lua_type(L, *arg) == LUA_TNUMBER && isnan(lua_tonumber(L, *arg))) {
		lua_pushliteral(L, "nan");
		lua_replace(L, *arg);
		while (start < p && (*start == '-' || (*start >= '1' && *start <= '9')))
			luaL_addchar(b, *start++);
		luaL_addchar(b, 's');
		return p + 1;
	}
	luaL_addlstring(b, start, (size_t)(p - start) + 1);
	return p + 1;
}

/* Arguments of %s are turned to text first: pushing text while a buffer is open is not allowed. */
static void format_strings(lua_State *L, const char *p)
{
	int arg = 1;
	while ((p = strchr(p, '%')) != NULL) {
		p++;
		while (*p && strchr("-+ #0123456789.", *p))
			p++;
		if (*p == '\0')
			return;
		if (*p++ == '%')
			continue;
		arg++;
		if (p[-1] == 's' && !lua_isnone(L, arg)) {
			sandbox_tostring(L, arg, NULL);
			lua_replace(L, arg);
		}
	}
}

static int string_format(lua_State *L)
{
	const char *p = luaL_checkstring(L, 1);
	int top = lua_gettop(L);
	format_strings(L, p);
	luaL_Buffer b;
	luaL_buffinit(L, &b);
	int arg = 1;
	for (const char *next; (next = strchr(p, '%')) != NULL;) {
		luaL_addlstring(&b, p, (size_t)(next - p) + 1);
		p = format_one(L, &b, next + 1, &arg);
	}
	luaL_addstring(&b, p);
	luaL_pushresult(&b);
	lua_replace(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, top, 1);
	return 1;
}

/* ------------------------------------------------------------------ code */

static int base_load(lua_State *L)
{
	size_t len;
	if (lua_type(L, 1) != LUA_TSTRING)
		return luaL_error(L, "load: takes text (pieces from a function are not taken)");
	const char *text = lua_tolstring(L, 1, &len);
	const char *name = luaL_optstring(L, 2, "=(load)");
	const char *mode = luaL_optstring(L, 3, "t");
	bool has_env = !lua_isnone(L, 4);
	if (!strchr(mode, 't'))
		return luaL_error(L, "load: only text is loaded, no bytecode");
	if (sandbox_load_text(L, text, len, name) != LUA_OK) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	if (has_env) {
		lua_pushvalue(L, 4);
		lua_setupvalue(L, -2, 1);
	}
	return 1;
}

/* ------------------------------------------------------------------ xpcall */

/*
 * Stands before the script's own handler. An error of the instruction limit is raised inside a hook, where no other
 * hook runs: a handler that loops would never end. Such errors pass it by.
 */
static int before_handler(lua_State *L)
{
	const struct sandbox *sb = sandbox_of(L);
	if (sb->instructions_used > sb->instruction_limit)
		return 1;
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int xpcall_end(lua_State *L, int status, lua_KContext extra)
{
	if (status == LUA_OK || status == LUA_YIELD)
		return lua_gettop(L) - (int)extra;
	lua_pushboolean(L, 0);
	lua_insert(L, -2);
	return 2;
}

static int base_xpcall(lua_State *L)
{
	int args = lua_gettop(L) - 2;
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, before_handler, 1);
	lua_replace(L, 2);
	/* f, handler, args... becomes f, handler, true, f, args...: the first result is there already. */
	lua_pushboolean(L, 1);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2);
	int status = lua_pcallk(L, args, LUA_MULTRET, 2, 2, xpcall_end);
	return xpcall_end(L, status, 2);
}

static int base_setmetatable(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	if (lua_type(L, 2) == LUA_TTABLE) {
		static const char *const refused[] = {"__gc", "__mode"};
		for (int i = 0; i < 2; i++) {
			lua_pushstring(L, refused[i]);
			if (lua_rawget(L, 2) != LUA_TNIL)
				return luaL_error(L, "setmetatable: %s is not available: what it does depends on when garbage is collected", refused[i]);
			lua_pop(L, 1);
		}
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	return 1;
}

/* "a.b" or "a/b" becomes DIR/a/b.lua. False: the name leads outside, or is no name. */
static bool module_path(const struct sandbox *sb, const char *name, char *path, size_t cap)
{
	if (name[0] == '/' || name[0] == '\0' || strstr(name, "..") || strchr(name, '\\'))
		return false;
	size_t n = strlen(name);
	if (n > 4 && strcmp(name + n - 4, ".lua") == 0)
		n -= 4;
	int dir = snprintf(path, cap, "%s", sb->dir);
	if (dir < 0 || (size_t)dir + n + 5 > cap)
		return false;
	for (size_t i = 0; i < n; i++)
		path[(size_t)dir + i] = name[i] == '.' ? '/' : name[i];
	memcpy(path + dir + n, ".lua", 5);
	return true;
}

/* Symbolic links may not lead out of the scenario's directory either. */
static bool is_below(const struct sandbox *sb, const char *path)
{
	char *real = realpath(path, NULL);
	if (!real)
		return true; /* there is no such file: reading it will say so */
	size_t n = sb->real_dir ? strlen(sb->real_dir) : 0;
	bool below = n > 0 && strncmp(real, sb->real_dir, n) == 0 && (real[n] == '/' || sb->real_dir[n - 1] == '/');
	free(real);
	return below;
}

static int base_require(lua_State *L)
{
	struct sandbox *sb = sandbox_of(L);
	const char *name = luaL_checkstring(L, 1);
	char path[PATH_MAX];
	if (!module_path(sb, name, path, sizeof path) || !is_below(sb, path))
		return luaL_error(L, "require: '%s' is not beside or below the scenario", name);
	lua_settop(L, 1);
	lua_pushstring(L, path);
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
		if (lua_islightuserdata(L, -1))
			return luaL_error(L, "require: '%s' requires itself", name);
		return 1;
	}
	lua_pushvalue(L, 2);
	lua_pushlightuserdata(L, sb);
	lua_rawset(L, lua_upvalueindex(1));
	if (!sandbox_load_file(sb, L, path))
		return luaL_error(L, "%s", sb->error);
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -2);
	lua_rawset(L, lua_upvalueindex(1));
	return 1;
}

static int base_absent(lua_State *L)
{
	return luaL_error(L, "%s is not available in a scenario: results must not depend on the machine or the moment (docs/SCENARIOS.md)",
	                  lua_tostring(L, lua_upvalueindex(1)));
}

/* A function that only says why it is not there; t is the table on top. */
static void put_absent(lua_State *L, const char *shown, const char *field)
{
	lua_pushstring(L, shown);
	lua_pushcclosure(L, base_absent, 1);
	lua_setfield(L, -2, field);
}

static void put_wrapped(lua_State *L, const char *field, lua_CFunction f)
{
	lua_getfield(L, -1, field);
	lua_pushcclosure(L, f, 1);
	lua_setfield(L, -2, field);
}

/* The threads of processes and of the script itself are the scheduler's: nobody else may hold, resume or close them. */
static void open_coroutine(lua_State *L)
{
	lua_getfield(L, -1, LUA_COLIBNAME);
	put_absent(L, "coroutine.running", "running");
	lua_pop(L, 1);
}

static void open_string(lua_State *L)
{
	lua_getfield(L, -1, LUA_STRLIBNAME);
	put_wrapped(L, "format", string_format);
	put_absent(L, "string.dump", "dump");
	lua_pop(L, 1);
	/* The metatable of texts: out of reach, and without arithmetic that calls pow. */
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushnil(L);
	lua_setfield(L, -2, "__pow");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 2);
}

void stdlib_open(lua_State *L)
{
	static const char *const absent[] = {"collectgarbage", "dofile", "loadfile", "warn"};
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
		put_absent(L, absent[i], absent[i]);
	lua_pushcfunction(L, base_tostring);
	lua_setfield(L, -2, "tostring");
	lua_pushcfunction(L, base_print);
	lua_setfield(L, -2, "print");
	lua_pushcfunction(L, base_xpcall);
	lua_setfield(L, -2, "xpcall");
	lua_pushcfunction(L, base_load);
	lua_setfield(L, -2, "load");
	put_wrapped(L, "setmetatable", base_setmetatable);
	lua_newtable(L); /* what require has loaded, by path */
	lua_pushcclosure(L, base_require, 1);
	lua_setfield(L, -2, "require");
	open_string(L);
	open_coroutine(L);
}
