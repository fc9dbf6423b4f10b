/* The plan: what is kept of each fault, and how a given plan is carried out. */
#include "sim/lua/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BY_SCRIPT "script"
#define PLAN_MAX 100000u /* operations; a run with more is no plan that anybody reads */
#define PLAN_VERSION 1

/* ------------------------------------------------------------------ words */

static const struct plan_word *find_in(const struct plan_word *words, const char *name)
{
	for (; words->name != NULL; words++)
		if (strcmp(words->name, name) == 0)
			return words;
	return NULL;
}

const struct plan_word *plan_word_find(const char *name)
{
	const struct plan_word *word = find_in(faults_words, name);

	word = word != NULL ? word : find_in(lifecycle_words, name);
	word = word != NULL ? word : find_in(machine_words, name);
	return word != NULL ? word : find_in(buggify_words, name);
}

static int on_word(lua_State *L)
{
	return plan_call(L, lua_touserdata(L, lua_upvalueindex(1)));
}

void plan_push_word(lua_State *L, const struct plan_word *word)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)word);
	lua_pushcclosure(L, on_word, 1);
}

/* ------------------------------------------------------------------ what has happened */

static struct plan_op *op_new(struct scenario *s, uint64_t at_ns, const struct plan_word *word, json_t *args, const char *by)
{
	struct plan_op *op = arena_new(&s->host.arena, sizeof *op);

	if (op == NULL || args == NULL) {
		json_decref(args);
		return NULL;
	}
	*op = (struct plan_op){.s = s, .at_ns = at_ns, .word = word, .args = args, .by = by};
	return op;
}

/* Beyond the bound only counted; the arguments of what is nowhere else go. */
static void keep(struct scenario *s, struct plan_op *op, bool planned)
{
	struct plan *p = &s->plan;

	if (p->num_done < PLAN_MAX && vec_grow((void **)&p->done, &p->cap_done, p->num_done + 1, sizeof(struct plan_op *))) {
		p->done[p->num_done++] = op;
		return;
	}
	p->dropped++;
	if (!planned) {
		json_decref(op->args);
		op->args = NULL;
	}
}

static json_t *arguments(lua_State *L)
{
	json_t *args = json_array();

	for (int i = 1; i <= lua_gettop(L); i++)
		json_array_append_new(args, plan_from_lua(L, i));
	return args;
}

/* The given plan's operation that the script asks for now; null: it has none. */
static struct plan_op *asked_for(struct scenario *s, const struct plan_word *word, const json_t *args)
{
	struct plan *p = &s->plan;
	uint64_t now_ns = scenario_now(s);

	for (size_t i = 0; i < p->num_given; i++) {
		struct plan_op *op = p->given[i];

		if (!op->done && op->at_ns == now_ns && op->word == word && strcmp(op->by, BY_SCRIPT) == 0 && json_equal(op->args, args))
			return op;
	}
	return NULL;
}

int plan_call(lua_State *L, const struct plan_word *word)
{
	struct scenario *s = host_scenario(L, word->name);
	int before = lua_gettop(L);

	host_must_act(L, word->name);
	json_t *args = arguments(L);
	struct plan_op *op = s->plan.is_given ? asked_for(s, word, args) : op_new(s, scenario_now(s), word, args, BY_SCRIPT);
	if (s->plan.is_given)
		json_decref(args);
	if (op == NULL)
		return s->plan.is_given ? 0 : luaL_error(L, "%s: out of memory", word->name);
	op->done = true;
	task_cancel(&op->task);
	keep(s, op, s->plan.is_given);
	lua_settop(L, before);
	return word->fn(L);
}

/* ------------------------------------------------------------------ what is to happen */

static int push_node(lua_State *L, struct scenario *s, const char *name)
{
	const struct node *n = name == NULL ? NULL : scenario_node_by_name(s, name);

	if (n == NULL)
		return luaL_error(L, "plan: there is no node '%s'", name == NULL ? "?" : name);
	node_push(L, n);
	return 1;
}

static int carry_out(lua_State *L)
{
	struct plan_op *op = lua_touserdata(L, 1);

	lua_settop(L, 0);
	for (size_t i = 0; i < json_array_size(op->args); i++) {
		const json_t *arg = json_array_get(op->args, i);

		if (i == 0 && op->word->of_node)
			push_node(L, op->s, json_string_value(arg));
		else
			plan_to_lua(L, arg);
	}
	return op->word->fn(L);
}

static void on_due(void *arg)
{
	struct plan_op *op = arg;
	struct host *h = &op->s->host;
	struct frame frame = {.kind = FRAME_SCRIPT, .stream = &op->s->main_stream};

	if (op->done || h->failed || !lua_checkstack(h->sb.L, 20))
		return;
	op->done = true;
	keep(op->s, op, true);
	lua_pushcfunction(h->sb.L, carry_out);
	lua_pushlightuserdata(h->sb.L, op);
	(void)host_call(h, &frame, 1, 0);
}

void plan_add(struct scenario *s, uint64_t at_ns, const struct plan_word *word, json_t *args, const char *by, uint64_t group)
{
	struct plan_op *op = s->plan.is_given ? NULL : op_new(s, at_ns, word, args, by);

	if (s->plan.is_given)
		json_decref(args);
	else if (op == NULL)
		host_breakf(&s->host, "out of memory");
	if (op == NULL)
		return;
	op->group = group;
	struct plan *p = &s->plan;
	if (vec_grow((void **)&p->given, &p->cap_given, p->num_given + 1, sizeof(struct plan_op *)))
		p->given[p->num_given++] = op;
	task_at(s, &op->task, at_ns, SIM_FAULT, on_due, op);
}

/* ------------------------------------------------------------------ a given plan */

bool plan_given(const struct scenario *s)
{
	return s->plan.is_given;
}

static bool wrong(struct scenario *s, size_t number, const char *what, const char *more)
{
	host_breakf(&s->host, "%s: operation %zu: %s%s", s->options.plan, number, what, more);
	return false;
}

static bool read_op(struct scenario *s, size_t number, json_t *o)
{
	const json_t *at = json_object_get(o, "at_ns"), *args = json_object_get(o, "args");
	const char *name = json_string_value(json_object_get(o, "op")), *by = json_string_value(json_object_get(o, "by"));
	const struct plan_word *word = name == NULL ? NULL : plan_word_find(name);
	struct plan *p = &s->plan;

	if (!json_is_integer(at) || json_integer_value(at) < 0)
		return wrong(s, number, "at_ns wants nanoseconds since the run began", "");
	if (word == NULL)
		return wrong(s, number, "there is no fault ", name == NULL ? "without a name (\"op\")" : name);
	if (!json_is_array(args))
		return wrong(s, number, "args wants the list of arguments", "");
	by = by == NULL ? "plan" : arena_text(&s->host.arena, by, strlen(by));
	struct plan_op *op = op_new(s, (uint64_t)json_integer_value(at), word, json_deep_copy(args), by);
	if (op == NULL || by == NULL || !vec_grow((void **)&p->given, &p->cap_given, p->num_given + 1, sizeof(struct plan_op *)))
		return wrong(s, number, "out of memory", "");
	op->group = (uint64_t)json_integer_value(json_object_get(o, "group"));
	p->given[p->num_given++] = op;
	/* What the script is to ask for waits for it: it comes later than all that happens at the same time. */
	task_at(s, &op->task, op->at_ns + (strcmp(by, BY_SCRIPT) == 0), SIM_FAULT, on_due, op);
	return !s->host.failed;
}

static bool read_plan(struct scenario *s, json_t *plan)
{
	json_t *operations = json_object_get(plan, "operations");

	if (json_integer_value(json_object_get(plan, "version")) != PLAN_VERSION || !json_is_array(operations)) {
		host_breakf(&s->host, "%s: no plan of this version (a run writes one into its directory of results)", s->options.plan);
		return false;
	}
	if (json_array_size(operations) > PLAN_MAX) {
		host_breakf(&s->host, "%s: more than %u operations", s->options.plan, PLAN_MAX);
		return false;
	}
	for (size_t i = 0; i < json_array_size(operations); i++)
		if (!read_op(s, i + 1, json_array_get(operations, i)))
			return false;
	return true;
}

bool plan_load(struct scenario *s)
{
	json_error_t error;

	if (s->options.plan == NULL)
		return true;
	s->plan.is_given = true;
	json_t *plan = json_load_file(s->options.plan, JSON_REJECT_DUPLICATES, &error);
	if (plan == NULL) {
		host_breakf(&s->host, "%s:%d: %s", s->options.plan, error.line > 0 ? error.line : 1, error.text);
		return false;
	}
	bool good = read_plan(s, plan);
	json_decref(plan);
	return good;
}

/* ------------------------------------------------------------------ results */

static json_t *op_json(const struct plan_op *op)
{
	json_t *o = json_pack("{s:I, s:s, s:O, s:s}", "at_ns", (json_int_t)op->at_ns, "op", op->word->name, "args", op->args, "by", op->by);

	if (op->group != 0)
		json_object_set_new(o, "group", json_integer((json_int_t)op->group));
	return o;
}

/* "partition(["a"], ["b"])" */
static const char *op_text(struct scenario *s, const struct plan_op *op)
{
	char *args = json_dumps(op->args, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	size_t len = args == NULL ? 0 : strlen(args);
	const char *text = arena_format(&s->host.arena, "%s(%.*s)", op->word->name, len < 2 ? 0 : (int)(len - 2), len < 2 ? "" : args + 1);

	free(args);
	return text == NULL ? op->word->name : text;
}

/* An operation a line: what people read, change and compare. */
static char *plan_text(struct scenario *s)
{
	struct plan *p = &s->plan;
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	fprintf(to, "{\n \"version\": %d, \"name\": \"%s\", \"seed\": \"%" PRIu64 "\",\n \"operations\": [", PLAN_VERSION, s->name,
	        s->options.seed);
	for (size_t i = 0; i < p->num_done; i++) {
		json_t *o = op_json(p->done[i]);
		char *line = json_dumps(o, JSON_REAL_PRECISION(15));

		fprintf(to, "%s\n  %s", i == 0 ? "" : ",", line == NULL ? "{}" : line);
		free(line);
		json_decref(o);
	}
	fputs("\n ]\n}", to);
	return fclose(to) == 0 ? text : NULL;
}

void plan_finish(struct scenario *s)
{
	struct plan *p = &s->plan;
	struct scenario_results *r = &s->results;

	if (p->num_done == 0)
		return;
	p->shown = arena_new(&s->host.arena, p->num_done * sizeof *p->shown);
	for (size_t i = 0; p->shown != NULL && i < p->num_done; i++)
		p->shown[i] = (struct scenario_fault){.time_s = (double)p->done[i]->at_ns / 1e9, .text = op_text(s, p->done[i])};
	p->text = plan_text(s);
	r->faults = p->shown;
	r->num_faults = p->shown == NULL ? 0 : p->num_done;
	r->faults_dropped = p->dropped;
	r->plan = p->text;
}

void plan_free(struct scenario *s)
{
	struct plan *p = &s->plan;

	for (size_t i = 0; i < p->num_done; i++) {
		json_decref(p->done[i]->args);
		p->done[i]->args = NULL;
	}
	for (size_t i = 0; i < p->num_given; i++)
		json_decref(p->given[i]->args);
	free(p->done);
	free(p->given);
	free(p->text);
}
