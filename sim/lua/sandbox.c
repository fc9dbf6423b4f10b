#include "sim/lua/sandbox.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char handle_mark; /* its address is the key that marks our metatables */

/* ------------------------------------------------------------------ errors */

/* True when the text begins with "file:number: ". */
static bool has_position(const char *text)
{
	const char *colon = strchr(text, ':');
	while (colon) {
		const char *p = colon + 1;
		while (*p >= '0' && *p <= '9')
			p++;
		if (p > colon + 1 && p[0] == ':' && p[1] == ' ')
			return colon > text && !memchr(text, '\n', (size_t)(colon - text));
		colon = strchr(colon + 1, ':');
		if (colon && colon - text > 120)
			return false;
	}
	return false;
}

const char *sandbox_where(lua_State *L, int level)
{
	lua_Debug ar;
	for (; lua_getstack(L, level, &ar); level++) {
		if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0)
			return lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
	}
	return lua_pushstring(L, "?");
}

/* The error at the top of L becomes a line of text in its place. */
static void error_to_text(lua_State *L, int level)
{
	size_t len;
	const char *text = sandbox_tostring(L, -1, &len);
	if (!has_position(text)) {
		const char *where = sandbox_where(L, level);
		lua_pushfstring(L, "%s: %s", where, text);
		lua_replace(L, -4);
		lua_pop(L, 2);
	} else {
		lua_replace(L, -2);
	}
}

static int message_handler(lua_State *L)
{
	error_to_text(L, 1);
	return 1;
}

static void take_error(struct sandbox *sb, lua_State *L, int status)
{
	if (status == LUA_ERRMEM) {
		snprintf(sb->error, sizeof sb->error, "%s: the script uses more than %zu MiB of memory", sb->memory_hit ? sb->memory_where : "?",
		         sb->memory_limit >> 20);
	} else {
		const char *text = lua_tostring(L, -1);
		snprintf(sb->error, sizeof sb->error, "%s", text ? text : "?: error in the error handler");
	}
	lua_pop(L, 1);
}

/* ------------------------------------------------------------------ calls */

bool sandbox_call(struct sandbox *sb, lua_State *L, int nargs, int nresults)
{
	int base = lua_gettop(L) - nargs;
	if (!lua_checkstack(L, 10)) {
		snprintf(sb->error, sizeof sb->error, "?: calls are nested too deeply");
		lua_settop(L, base - 1);
		return false;
	}
	lua_pushcfunction(L, message_handler);
	lua_insert(L, base);
	lua_State *before = sb->running;
	sb->running = L;
	limits_begin(sb, L);
	int status = lua_pcall(L, nargs, nresults, base);
	limits_end(sb);
	sb->running = before;
	if (status != LUA_OK)
		take_error(sb, L, status);
	lua_remove(L, base);
	return status == LUA_OK;
}

static int text_of_error(lua_State *L)
{
	lua_State *co = lua_touserdata(L, 1);
	const char *text = sandbox_tostring(L, 2, NULL);
	if (!has_position(text))
		lua_pushfstring(L, "%s: %s", sandbox_where(co, 0), text);
	return 1;
}

int sandbox_resume(struct sandbox *sb, lua_State *co, int nargs, int *nresults)
{
	lua_State *before = sb->running;
	sb->running = co;
	limits_begin(sb, co);
	int status = lua_resume(co, before, nargs, nresults);
	limits_end(sb);
	sb->running = before;
	if (status == LUA_OK || status == LUA_YIELD)
		return status;
	if (status == LUA_ERRMEM) {
		take_error(sb, co, status);
		return status;
	}
	/* The dead thread's stack still stands: the position is taken from it. */
	lua_State *L = sb->L;
	lua_pushcfunction(L, text_of_error);
	lua_pushlightuserdata(L, co);
	lua_xmove(co, L, 1);
	int again = lua_pcall(L, 2, 1, 0);
	take_error(sb, L, again);
	return status;
}

/* ------------------------------------------------------------------ loading */

int sandbox_load_text(lua_State *L, const char *text, size_t len, const char *chunkname)
{
	char bad[SANDBOX_ERROR_TEXT];
	const char *name = chunkname[0] == '@' || chunkname[0] == '=' ? chunkname + 1 : "text";
	if (scan_text(text, len, name, bad, sizeof bad)) {
		lua_pushstring(L, bad);
		return LUA_ERRSYNTAX;
	}
	return luaL_loadbufferx(L, text, len, chunkname, "t");
}

#define SCRIPT_BYTES_MAX (4u << 20)

static char *read_file(const char *path, size_t *len, const char **why)
{
	*why = "cannot be read";
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	char *text = malloc(SCRIPT_BYTES_MAX + 1);
	size_t n = text ? fread(text, 1, SCRIPT_BYTES_MAX + 1, f) : 0;
	bool bad = !text || ferror(f);
	fclose(f);
	if (!bad && n <= SCRIPT_BYTES_MAX) {
		*len = n;
		return text;
	}
	if (!bad)
		*why = "is larger than 4 MiB";
	free(text);
	return NULL;
}

/* Lua cuts names of more than 59 bytes; of those the file's own name says more than the middle of its path. */
static const char *shown_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strlen(path) > LUA_IDSIZE - 4 && slash ? slash + 1 : path;
}

struct load_args {
	const char *text;
	size_t len;
	const char *path;
};

static int load_protected(lua_State *L)
{
	const struct load_args *a = lua_touserdata(L, 1);
	lua_pushfstring(L, "@%s", shown_name(a->path));
	const char *text = a->text;
	size_t len = a->len;
	if (len > 0 && text[0] == '#') { /* "#!": a line that Lua's own file loader skips, too */
		const char *nl = memchr(text, '\n', len);
		len = nl ? (size_t)(text + len - nl) : 0;
		text = nl ? nl : text + a->len;
	}
	if (sandbox_load_text(L, text, len, lua_tostring(L, -1)) != LUA_OK)
		lua_error(L);
	return 1;
}

bool sandbox_load_file(struct sandbox *sb, lua_State *L, const char *path)
{
	const char *why;
	struct load_args a = {.path = path};
	char *text = read_file(path, &a.len, &why);
	if (!text) {
		snprintf(sb->error, sizeof sb->error, "%s: the file %s", path, why);
		return false;
	}
	a.text = text;
	lua_pushcfunction(L, load_protected);
	lua_pushlightuserdata(L, &a);
	bool ok = sandbox_call(sb, L, 1, 1);
	free(text);
	return ok;
}

/* ------------------------------------------------------------------ handles */

void sandbox_handle_type(lua_State *L, const char *name)
{
	if (!luaL_newmetatable(L, name))
		return;
	lua_pushboolean(L, 1);
	lua_rawsetp(L, -2, &handle_mark);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
}

const struct handle *sandbox_handle(lua_State *L, int index)
{
	if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
		return NULL;
	bool ours = lua_rawgetp(L, -1, &handle_mark) == LUA_TBOOLEAN;
	lua_pop(L, 2);
	return ours ? lua_touserdata(L, index) : NULL;
}

/* ------------------------------------------------------------------ life */

static int open_all(lua_State *L)
{
	static const luaL_Reg libs[] = {
	    {LUA_GNAME, luaopen_base},       {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},
	    {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine},
	};
	for (size_t i = 0; i < sizeof libs / sizeof libs[0]; i++) {
		luaL_requiref(L, libs[i].name, libs[i].func, 1);
		lua_pop(L, 1);
	}
	lua_pushglobaltable(L);
	stdlib_open(L);
	order_open(L);
	mathlib_open(L);
	lua_pop(L, 1);
	return 0;
}

static char *directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	size_t n = slash ? (size_t)(slash - file) + 1 : 2;
	char *dir = malloc(n + 1);
	if (dir) {
		memcpy(dir, slash ? file : "./", n);
		dir[n] = '\0';
	}
	return dir;
}

bool sandbox_init(struct sandbox *sb, const char *file, uint64_t instructions, size_t memory, const struct sandbox_hooks *hooks)
{
	memset(sb, 0, sizeof *sb);
	sb->hooks = *hooks;
	sb->instruction_limit = instructions;
	sb->memory_limit = memory;
	sb->dir = directory_of(file);
	sb->real_dir = sb->dir ? realpath(sb->dir, NULL) : NULL; /* null when there is no such place: require finds nothing then */
	sb->L = sb->dir ? lua_newstate(limits_alloc, sb) : NULL;
	if (!sb->L) {
		sandbox_fini(sb);
		return false;
	}
	*(struct sandbox **)lua_getextraspace(sb->L) = sb;
	lua_pushcfunction(sb->L, open_all);
	if (!sandbox_call(sb, sb->L, 0, 0)) {
		sandbox_fini(sb);
		return false;
	}
	return true;
}

void sandbox_fini(struct sandbox *sb)
{
	if (sb->L)
		lua_close(sb->L);
	free(sb->dir);
	free(sb->real_dir);
	sb->L = NULL;
	sb->dir = NULL;
	sb->real_dir = NULL;
}
