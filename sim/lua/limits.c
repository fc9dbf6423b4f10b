/* What a script may use: instructions of one call into it, and bytes. */
#include "sim/lua/sandbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Remembers where the script was when memory ran out: Lua runs no handler for that error, and the stack is gone afterwards. */
static void memory_note(struct sandbox *sb)
{
	sb->memory_hit = true;
	lua_Debug ar;
	snprintf(sb->memory_where, sizeof sb->memory_where, "?");
	for (int level = 0; sb->running && lua_getstack(sb->running, level, &ar); level++) {
		if (lua_getinfo(sb->running, "Sl", &ar) && ar.currentline > 0) {
			snprintf(sb->memory_where, sizeof sb->memory_where, "%s:%d", ar.short_src, ar.currentline);
			return;
		}
	}
}

void *limits_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
	struct sandbox *sb = ud;
	size_t old = ptr ? old_size : 0; /* for a new block old_size is a type tag */
	if (new_size == 0) {
		free(ptr);
		sb->memory -= old;
		return NULL;
	}
	if (new_size > old && sb->memory - old + new_size > sb->memory_limit) {
		memory_note(sb);
		return NULL;
	}
	void *p = realloc(ptr, new_size);
	if (!p)
		return NULL;
	sb->memory = sb->memory - old + new_size;
	if (sb->memory > sb->memory_peak)
		sb->memory_peak = sb->memory;
	return p;
}

/*
 * Counts, and ends a call that ran too long. Once the limit is passed every further instruction of the thread fails,
 * so that a pcall around the loop only delays the end by what it does outside.
 */
static void count_hook(lua_State *L, lua_Debug *ar)
{
	struct sandbox *sb = sandbox_of(L);
	sb->instructions_used += (uint64_t)lua_gethookcount(L);
	if (sb->instructions_used <= sb->instruction_limit)
		return;
	lua_sethook(L, count_hook, LUA_MASKCOUNT, 1);
	lua_getinfo(L, "Sl", ar);
	char text[160];
	snprintf(text, sizeof text, "%s:%d: the script ran %" PRIu64 " instructions without giving way", ar->short_src, ar->currentline,
	         sb->instruction_limit);
	lua_pushstring(L, text);
	lua_error(L);
}

void limits_begin(struct sandbox *sb, lua_State *L)
{
	if (sb->depth++ == 0)
		sb->instructions_used = 0;
	/* Setting a hook again would start its count again, and short calls would never be counted. */
	if (lua_gethook(L) != count_hook || lua_gethookcount(L) != SANDBOX_HOOK_STEP)
		lua_sethook(L, count_hook, LUA_MASKCOUNT, SANDBOX_HOOK_STEP);
}

void limits_end(struct sandbox *sb)
{
	if (--sb->depth == 0)
		sb->instructions_total += sb->instructions_used;
}
