/*
 * Option tables: { key = value }. An unknown key is an error that names the nearest known one; values come in with
 * their unit. All of these raise Lua errors, "WHAT: key: message"; `t` is an absolute stack index.
 */
#ifndef SIM_LUA_KEYS_H
#define SIM_LUA_KEYS_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/lua/units.h"

/* The name of the list (ended by null) that is nearest to word by edits; null only for an empty list. */
const char *keys_nearest(const char *word, const char *const *names);
/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b; words are looked at to 63 bytes. */
unsigned keys_distance(const char *a, const char *b);
/* Refuses keys that are not in names, and items beyond the first `items` of the list part. */
void keys_check(lua_State *L, int t, const char *what, const char *const *names, int items);

/* Each returns false and leaves *out alone when the key is absent. */
bool keys_bool(lua_State *L, int t, const char *what, const char *key, bool *out);
bool keys_uint(lua_State *L, int t, const char *what, const char *key, uint64_t min, uint64_t max, uint64_t *out);
bool keys_unit(lua_State *L, int t, const char *what, const char *key, enum unit_kind kind, uint64_t *out);
bool keys_text(lua_State *L, int t, const char *what, const char *key, const char **out); /* lives as long as the table holds it */
/* One of the texts of the list; *out is its place. */
bool keys_choice(lua_State *L, int t, const char *what, const char *key, const char *const *choices, int *out);

/* The quantity at a stack index; label goes before the message. */
uint64_t unit_check(lua_State *L, int index, enum unit_kind kind, const char *label);
/* The same, `otherwise` when there is none or nil. */
uint64_t unit_opt(lua_State *L, int index, enum unit_kind kind, const char *label, uint64_t otherwise);

#endif
