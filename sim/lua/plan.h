/*
 * The plan of a run's faults: every fault is an operation with a time, a word of the language and its arguments. What a
 * run has carried out is its plan; it can be kept as JSON, and given to another run, which then carries out this plan and
 * nothing else: what its script asks for happens where the plan has it (at the same time, with the same arguments), what
 * the script does not ask for happens all the same, and what the plan does not have does not happen.
 *
 *   { "version": 1, "operations": [ { "at_ns": 10000000000, "op": "partition", "args": [["a"], ["b"]], "by": "script" } ] }
 *
 * Nodes stand as names, groups as lists of them. "by" is who asked: "script", or what has drawn it ("chaos 1"); "group" (a
 * number) joins operations that make no sense alone, such as a cut and its end.
 */
#ifndef SIM_LUA_PLAN_H
#define SIM_LUA_PLAN_H

#include <jansson.h>

#include "sim/lua/host.h"

/* A word of the language that is a fault. */
struct plan_word {
	const char *name;
	lua_CFunction fn;
	bool of_node;      /* a method: its first argument is a node */
	const char *drawn; /* the shape that chaos gives it (chaos.c); null: it does not draw it */
	bool only_named;   /* chaos draws it only where ops names it: who names the node, or knows its address, is not told of the new one */
};
extern const struct plan_word faults_words[], lifecycle_words[], machine_words[], buggify_words[]; /* ended by a null name */
const struct plan_word *plan_word_find(const char *name);                                          /* null: there is none */

struct plan_op {
	struct scenario *s;
	uint64_t at_ns;
	const struct plan_word *word;
	json_t *args; /* an array */
	const char *by;
	uint64_t group; /* 0: none */
	bool done;
	struct task task;
};

/* What a fault's function in Lua is: keeps it in the plan, or looks whether the given plan has it. Returns what fn returns. */
int plan_call(lua_State *L, const struct plan_word *word);
/* A closure that is plan_call with this word. */
void plan_push_word(lua_State *L, const struct plan_word *word);
/* Reads options.plan, if there is one. False: host.failed. */
bool plan_load(struct scenario *s);
bool plan_given(const struct scenario *s);
/* Adds an operation that was drawn: it will happen at this time. Takes args. Nothing happens when a plan was given. */
void plan_add(struct scenario *s, uint64_t at_ns, const struct plan_word *word, json_t *args, const char *by, uint64_t group);
/* buggify.c: points are drawn for every node, as --buggify does. */
void buggify_all(struct scenario *s, uint64_t rate_ppm);
/* What was carried out, into the results. */
void plan_finish(struct scenario *s);
void plan_free(struct scenario *s);

/* plan_json.c. Both raise Lua errors: values that are no data. */
json_t *plan_from_lua(lua_State *L, int index);
void plan_to_lua(lua_State *L, const json_t *value);

#endif
