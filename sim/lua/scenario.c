/* The life of a scenario: load, run, results. The main script is a thread that gives way in run_for. */
#include "sim/lua/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lua/pages.h"
#include "sim/lua/plan.h"

#define SLICE_NS UINT64_C(100000000)

/* ------------------------------------------------------------------ run_for */

/* run_for(t): the world goes on for t; the script goes on afterwards. */
static int api_run_for(lua_State *L)
{
	struct scenario *s = host_scenario(L, "run_for");
	uint64_t t = unit_check(L, 1, UNIT_TIME, "run_for");
	if (L != s->main)
		return luaL_error(L, "run_for: only the script itself runs the world; in a process use sleep");
	s->run_until_ns = scenario_now(s) + t;
	s->in_run_for = true;
	return lua_yield(L, 0);
}

static const luaL_Reg functions[] = {{"run_for", api_run_for}, {NULL, NULL}};
const struct api_page run_page = {"", functions, NULL};

void run_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}

/* ------------------------------------------------------------------ the host of a scenario */

static uint64_t host_now(struct host *h)
{
	return scenario_now(h->scenario);
}

static const struct sy_node *host_core(const struct node *n)
{
	return n->world ? world_node_core(n->world) : NULL;
}

static struct sy_answer host_input(struct node *n, struct sy_input *in)
{
	return world_node_input(n->world, in);
}

static bool host_random(struct host *h, uint64_t *word)
{
	if (!h->frame.stream)
		return false;
	*word = stream_draw(h->scenario, h->frame.stream);
	return true;
}

static void host_log(struct host *h, const char *who, const char *text)
{
	result_log(h->scenario, who, text);
}

static void host_broken(struct host *h)
{
	if (h->scenario->world)
		world_halt(h->scenario->world);
}

static int open_scenario(lua_State *L)
{
	lua_pushglobaltable(L);
	/* The guard of unknown globals looks on while names are set, not while they are read. */
	params_open(L);
	network_open(L);
	site_open(L);
	group_open(L);
	process_open(L);
	checks_open(L);
	traffic_open(L);
	measure_open(L);
	plot_open(L);
	graph_open(L);
	faults_open(L);
	machine_open(L);
	chaos_open(L);
	churn_open(L);
	stranger_open(L);
	watch_open(L);
	vary_open(L);
	buggify_open(L);
	run_open(L);
	return 0;
}

/* ------------------------------------------------------------------ loading */

static const char *base_name(struct scenario *s, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	size_t n = strlen(base);
	if (n > 4 && strcmp(base + n - 4, ".lua") == 0)
		n -= 4;
	return arena_text(&s->host.arena, base, n);
}

static bool read_params(struct scenario *s, const struct scenario_options *o)
{
	s->param_values = arena_new(&s->host.arena, (o->num_params + 1) * sizeof *s->param_values);
	for (size_t i = 0; s->param_values && i < o->num_params; i++) {
		const char *eq = strchr(o->params[i], '=');
		if (!eq || eq == o->params[i]) {
			host_breakf(&s->host, "-p %s: KEY=VALUE is needed", o->params[i]);
			return false;
		}
		struct param_value *v = &s->param_values[s->num_param_values++];
		v->key = arena_text(&s->host.arena, o->params[i], (size_t)(eq - o->params[i]));
		v->value = arena_text(&s->host.arena, eq + 1, strlen(eq + 1));
		if (!v->key || !v->value)
			return false;
	}
	return s->param_values != NULL;
}

/* A parameter that the script does not know is a slip of the pen. */
static bool params_known(struct scenario *s)
{
	for (size_t i = 0; i < s->num_param_values; i++) {
		if (s->param_values[i].used)
			continue;
		const char **names = arena_new(&s->host.arena, (s->num_params + 1) * sizeof *names);
		for (size_t k = 0; names && k < s->num_params; k++)
			names[k] = s->params[k].name;
		const char *near = names ? keys_nearest(s->param_values[i].key, names) : NULL;
		host_breakf(&s->host, near ? "%s: no parameter '%s'; the nearest known one is '%s'" : "%s: no parameter '%s'; it has none%s",
		            s->options.file, s->param_values[i].key, near ? near : "");
		return false;
	}
	return true;
}

/* Runs the main script until it gives way or ends. False: it broke. */
static bool resume_main(struct scenario *s, enum frame_kind kind)
{
	struct host *h = &s->host;
	h->frame = (struct frame){.kind = kind, .stream = &s->main_stream};
	s->in_run_for = false;
	int results;
	int status = sandbox_resume(&h->sb, s->main, 0, &results);
	h->frame = (struct frame){.kind = FRAME_SCRIPT, .stream = &s->main_stream};
	if (status == LUA_YIELD && s->in_run_for) {
		lua_pop(s->main, results);
		return !h->failed;
	}
	if (status == LUA_YIELD)
		host_breakf(h, "%s: coroutine.yield outside of a coroutine", s->options.file);
	else if (status != LUA_OK)
		host_break(h);
	s->ended = true;
	return !h->failed;
}

static bool start_main(struct scenario *s)
{
	lua_State *L = s->host.sb.L;
	lua_pushcfunction(L, open_scenario);
	if (!sandbox_call(&s->host.sb, L, 0, 0) || !sandbox_load_file(&s->host.sb, L, s->options.file)) {
		host_break(&s->host);
		return false;
	}
	s->main = lua_newthread(L);
	s->main_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_xmove(L, s->main, 1);
	if (!resume_main(s, FRAME_LOAD))
		return false;
	if (s->ended) {
		host_breakf(&s->host, "%s: the script ends without run_for: nothing would run", s->options.file);
		return false;
	}
	return params_known(s);
}

static bool keep_options(struct scenario *s, const struct scenario_options *o)
{
	s->options = *o;
	s->options.file = arena_text(&s->host.arena, o->file, strlen(o->file));
	s->options.params = NULL;
	s->options.plan = o->plan ? arena_text(&s->host.arena, o->plan, strlen(o->plan)) : NULL;
	s->options.num_params = 0;
	s->name = base_name(s, o->file);
	if (!s->options.instruction_limit)
		s->options.instruction_limit = SCENARIO_INSTRUCTIONS;
	if (!s->options.memory_limit)
		s->options.memory_limit = SCENARIO_MEMORY;
	return s->options.file && s->name;
}

static struct scenario *scenario_new(const struct scenario_options *o)
{
	struct scenario *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	struct host *h = &s->host;
	arena_init(&h->arena);
	h->scenario = s;
	h->profile = o->profile;
	h->now_ns = host_now;
	h->core = host_core;
	h->input = host_input;
	h->random = host_random;
	h->log = host_log;
	h->broken = host_broken;
	network_defaults(&s->network.config);
	if (!keep_options(s, o) || !host_init(h, s->options.file, s->options.instruction_limit, (size_t)s->options.memory_limit)) {
		scenario_free(s);
		return NULL;
	}
	return s;
}

enum scenario_status scenario_load(struct scenario **out, const struct scenario_options *options, char error[SCENARIO_ERROR_TEXT])
{
	*out = NULL;
	struct scenario *s = scenario_new(options);
	if (!s) {
		snprintf(error, SCENARIO_ERROR_TEXT, "out of memory");
		return SCENARIO_INTERNAL;
	}
	if (!read_params(s, options) || !plan_load(s) || !start_main(s)) {
		snprintf(error, SCENARIO_ERROR_TEXT, "%s", s->host.failed ? s->host.error : "out of memory");
		enum scenario_status status = s->host.failed ? SCENARIO_ERROR : SCENARIO_INTERNAL;
		scenario_free(s);
		return status;
	}
	*out = s;
	return SCENARIO_OK;
}

void scenario_free(struct scenario *s)
{
	if (!s)
		return;
	/* The nodes go first: their reactors are instances of ours. What they say while they go is not heard. */
	s->host.failed = true;
	s->hooks = NULL;
	if (s->world)
		world_free(s->world);
	s->world = NULL;
	traffics_free(s);
	measures_free(s);
	plots_free(s);
	plan_free(s);
	host_fini(&s->host);
	index_fini(&s->by_id);
	index_fini(&s->by_name);
	free(s->nodes);
	free(s->pending);
	free(s->params);
	free(s->checks);
	free(s->result_checks);
	free(s->rows);
	free(s->logs);
	free(s);
}

/* ------------------------------------------------------------------ running */

static bool report_progress(struct scenario *s, uint64_t until)
{
	if (!s->hooks || !s->hooks->progress)
		return true;
	struct world_stats stats;
	world_stats(s->world, &stats);
	struct scenario_progress p = {.now_ns = scenario_now(s),
	                              .until_ns = until,
	                              .events = stats.events,
	                              .nodes = (uint32_t)s->num_nodes,
	                              .checks = (uint32_t)s->num_checks};
	for (size_t i = 0; i < s->num_checks; i++)
		p.failed += s->result_checks[i].decided && !s->result_checks[i].held;
	return s->hooks->progress(s->hooks->ctx, &p);
}

/* One run_for. *cut: options.until_ns ended it. */
static enum scenario_status run_stretch(struct scenario *s, bool *cut)
{
	uint64_t until = s->run_until_ns;
	uint64_t slice = s->hooks && s->hooks->slice_ns ? s->hooks->slice_ns : SLICE_NS;
	if (s->options.until_ns && s->options.until_ns <= until) {
		*cut = s->options.until_ns < until;
		until = s->options.until_ns;
	}
	while (!s->host.failed && !world_run(s->world, until, slice)) {
		if (!s->host.failed && !report_progress(s, until))
			return SCENARIO_STOPPED;
	}
	return s->host.failed ? SCENARIO_ERROR : SCENARIO_OK;
}

static enum scenario_status run_all(struct scenario *s)
{
	bool cut = false;
	if (!scenario_make_world(s) || !scenario_make_nodes(s))
		return SCENARIO_ERROR;
	if (s->options.buggify_ppm)
		buggify_all(s, s->options.buggify_ppm);
	scenario_begin_tasks(s);
	while (!s->ended && !cut) {
		enum scenario_status status = run_stretch(s, &cut);
		if (status != SCENARIO_OK)
			return status;
		if (!cut && !resume_main(s, FRAME_SCRIPT))
			return SCENARIO_ERROR;
		if (!scenario_make_nodes(s))
			return SCENARIO_ERROR;
	}
	checks_at_end(s, cut);
	return s->host.failed ? SCENARIO_ERROR : SCENARIO_OK;
}

enum scenario_status scenario_run(struct scenario *s, const struct scenario_hooks *hooks, char error[SCENARIO_ERROR_TEXT])
{
	s->hooks = hooks;
	for (size_t i = 0; hooks && hooks->log && i < s->num_logs; i++) /* of the load, when nobody could hear them yet */
		hooks->log(hooks->ctx, 0, s->logs[i].who, s->logs[i].text);
	enum scenario_status status = run_all(s);
	if (status == SCENARIO_ERROR)
		snprintf(error, SCENARIO_ERROR_TEXT, "%s", s->host.error);
	else if (status == SCENARIO_STOPPED)
		snprintf(error, SCENARIO_ERROR_TEXT, "stopped");
	results_finish(s);
	s->hooks = NULL;
	return status;
}

/* ------------------------------------------------------------------ looking */

size_t scenario_params(const struct scenario *s, const struct scenario_param **params)
{
	*params = s->params;
	return s->num_params;
}

const struct scenario_results *scenario_results(const struct scenario *s)
{
	return &s->results;
}

struct world *scenario_world(struct scenario *s)
{
	return s->world;
}

const char *scenario_name(const struct scenario *s)
{
	return s->name;
}

struct scenario_cost scenario_cost(const struct scenario *s)
{
	const struct sandbox *sb = &s->host.sb;
	return (struct scenario_cost){.instructions = sb->instructions_total, .memory = sb->memory, .memory_peak = sb->memory_peak};
}
