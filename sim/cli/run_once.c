/* One run: the scenario is read, run, reported. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/cli/run.h"
#include "sim/lua/units.h"

static double wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ while it runs */

struct live {
	double began_s;
	bool shown; /* a progress line stands on the terminal */
	bool progress, log;
};

static void clear_line(struct live *live)
{
	if (live->shown)
		fputs("\r\033[K", stderr);
	live->shown = false;
}

static bool on_progress(void *ctx, const struct scenario_progress *p)
{
	struct live *live = ctx;
	char now[REPORT_NUMBER], until[REPORT_NUMBER], events[REPORT_NUMBER], nodes[REPORT_NUMBER];
	double wall = wall_s() - live->began_s;

	if (!live->progress)
		return true;
	fprintf(stderr, "\r\033[K%s of %s  (%.1f s, %s events/s, %s nodes, %u checks", report_time(now, (double)p->now_ns / 1e9),
	        report_time(until, (double)p->until_ns / 1e9), wall,
	        report_count(events, (uint64_t)((double)p->events / (wall > 0 ? wall : 1))), report_count(nodes, p->nodes), p->checks);
	fprintf(stderr, p->failed == 0 ? ")" : ", %u FAILED)", p->failed);
	fflush(stderr);
	live->shown = true;
	return true;
}

static void on_log(void *ctx, uint64_t time_ns, const char *who, const char *text)
{
	struct live *live = ctx;

	clear_line(live);
	if (live->log)
		printf("%10.6f  %s: %s\n", (double)time_ns / 1e9, who, text);
}

/* ------------------------------------------------------------------ options and results */

static enum sim_tcp_model tcp_model(const char *word)
{
	if (word != NULL && strcmp(word, "none") == 0)
		return SIM_TCP_NONE;
	return word != NULL && strcmp(word, "flow") == 0 ? SIM_TCP_FLOW : SIM_TCP_SEGMENT;
}

bool run_parse_rate(const char *text, uint64_t *ppm)
{
	char error[UNIT_ERROR_TEXT];
	char *end;
	double number = strtod(text, &end);
	bool bare = *end == '\0' && text[0] != '\0';

	if (bare ? !unit_number(UNIT_FRACTION, number, ppm, error) : !unit_parse(UNIT_FRACTION, text, strlen(text), ppm, error))
		return false;
	return *ppm >= 1 && *ppm <= 1000000;
}

static bool fill_options(struct scenario_options *o, const struct run_args *args, uint64_t seed)
{
	*o = (struct scenario_options){
	    .file = args->file,
	    .seed = seed,
	    .params = args->params.at,
	    .num_params = args->params.n,
	    .world = strcmp(args->transport, "tcp") == 0 ? WORLD_TCP : WORLD_SIM,
	    .null_crypto = args->crypto != NULL && strcmp(args->crypto, "null") == 0,
	    .crypto_given = args->crypto != NULL,
	    .tcp = tcp_model(args->tcp),
	    .tcp_given = args->tcp != NULL,
	    .until_ns = args->until_ns,
	    .plan = args->plan,
	};
	if (args->buggify != NULL && !run_parse_rate(args->buggify, &o->buggify_ppm))
		return false;
	return sy_profile_parse(args->profile, &o->profile) == SY_OK;
}

static int exit_of(enum scenario_status status, const struct scenario_results *results)
{
	switch (status) {
	case SCENARIO_OK:
	case SCENARIO_STOPPED:
		break;
	case SCENARIO_ERROR:
		return CLI_USAGE;
	case SCENARIO_INTERNAL:
		return CLI_INTERNAL;
	}
	return results->verdict == SCENARIO_HELD ? CLI_HELD : results->verdict == SCENARIO_FAILED ? CLI_CHECK_FAILED : CLI_USAGE;
}

static void put_json(FILE *to, const struct report_run *run)
{
	char *json = report_json(run, false);

	if (json != NULL)
		fprintf(to, "%s\n", json);
	free(json);
}

/* A run that did not come to be: an object all the same, for who reads objects. */
static int refuse(const struct run_args *args, uint64_t seed, const struct run_ends *ends, enum scenario_status status, const char *error)
{
	struct scenario_results results = {.verdict = SCENARIO_BROKEN, .error = error};
	char repeat[RUN_COMMAND];

	if (ends->json != NULL) {
		run_repeat_command(repeat, args, seed);
		struct report_run run = {.file = args->file,
		                         .seed = seed,
		                         .profile = args->profile,
		                         .transport = args->transport,
		                         .crypto = args->crypto == NULL ? "real" : args->crypto,
		                         .repeat = repeat,
		                         .results = &results};
		put_json(ends->json, &run);
	}
	return cli_fail(status == SCENARIO_INTERNAL ? CLI_INTERNAL : CLI_USAGE, "%s", error);
}

static void out_dir(char dir[REPORT_PATH], const struct run_args *args, const char *name, uint64_t seed, bool in_sweep)
{
	if (args->out != NULL && !in_sweep)
		snprintf(dir, REPORT_PATH, "%s", args->out);
	else
		snprintf(dir, REPORT_PATH, "%s/%s-%llu", args->out == NULL ? "out" : args->out, name, (unsigned long long)seed);
}

static size_t fill_params(const struct scenario *s, struct report_param *params, size_t max)
{
	const struct scenario_param *p;
	size_t n = scenario_params(s, &p);

	n = n > max ? max : n;
	for (size_t i = 0; i < n; i++)
		params[i] = (struct report_param){p[i].name, p[i].value};
	return n;
}

#define PARAMS_SHOWN 64u

static int report(const struct run_args *args, const struct run_ends *ends, const struct report_run *run, int code)
{
	struct report_plots plots;
	struct scenario_results results = *run->results;
	struct report_run told = *run;
	char error[REPORT_ERROR_TEXT];
	bool colours = report_colours(stdout);

	plots = (struct report_plots){0};
	if (ends->plan != NULL && run->results->plan != NULL)
		fputs(run->results->plan, ends->plan);
	bool written = ends->no_files || report_write(run, run->out, ends->draw_always || code != CLI_HELD, &plots, error);
	if (!written) {
		/* In a sweep the object is all that is heard of a run: it must say why its files are not there. */
		results.verdict = SCENARIO_BROKEN;
		results.error = error;
	}
	told.results = &results;
	if (ends->json != NULL) {
		put_json(ends->json, &told);
	} else {
		report_head(stdout, &told, &plots, colours);
		report_foot(stdout, &told, colours);
	}
	return written ? code : cli_fail(CLI_USAGE, "%s", error);
}

static int run_loaded(struct scenario *s, const struct run_args *args, uint64_t seed, const struct run_ends *ends)
{
	struct live live = {.began_s = wall_s(), .progress = ends->progress, .log = ends->json == NULL && !args->quiet};
	struct scenario_hooks hooks = {.ctx = &live, .progress = ends->progress ? on_progress : NULL, .log = live.log ? on_log : NULL};
	struct report_param params[PARAMS_SHOWN];
	struct world_stats stats = {0};
	char error[SCENARIO_ERROR_TEXT], repeat[RUN_COMMAND], dir[REPORT_PATH];

	enum scenario_status status = scenario_run(s, &hooks, error);
	double took_s = wall_s() - live.began_s;
	clear_line(&live);
	struct world *w = scenario_world(s);
	if (w != NULL)
		world_stats(w, &stats);
	run_repeat_command(repeat, args, seed);
	out_dir(dir, args, scenario_name(s), seed, ends->in_sweep);
	struct report_run run = {
	    .out = dir,
	    .name = scenario_name(s),
	    .file = args->file,
	    .seed = seed,
	    .hash = w == NULL ? 0 : world_hash(w),
	    .wall_s = took_s,
	    .profile = args->profile,
	    .transport = args->transport,
	    .crypto = w != NULL && world_null_crypto(w) ? "null" : "real",
	    .repeat = repeat,
	    .stats = &stats,
	    .params = params,
	    .num_params = fill_params(s, params, PARAMS_SHOWN),
	    .results = scenario_results(s),
	};
	int code = report(args, ends, &run, exit_of(status, run.results));
	if (status == SCENARIO_ERROR || status == SCENARIO_INTERNAL)
		return cli_fail((enum cli_exit)code, "%s", error);
	return code;
}

static int load_and_run(const struct run_args *args, uint64_t seed, const struct run_ends *ends, struct recorder *recorder)
{
	struct scenario_options options;
	struct scenario *s;
	char error[SCENARIO_ERROR_TEXT];

	if (!fill_options(&options, args, seed))
		return cli_fail(CLI_INTERNAL, "profile %s is not known", args->profile);
	options.recorder = recorder;
	enum scenario_status status = scenario_load(&s, &options, error);
	if (status != SCENARIO_OK)
		return refuse(args, seed, ends, status, error);
	int code = run_loaded(s, args, seed, ends);
	if (recorder != NULL && scenario_world(s) != NULL && !recorder_end(recorder, scenario_world(s)))
		code = cli_fail(CLI_USAGE, "%s: the record cannot be written", args->record);
	scenario_free(s);
	return code;
}

static int recorded(const struct run_args *args, uint64_t seed, const struct run_ends *ends)
{
	FILE *to = fopen(args->record, "wb");
	char about[RUN_COMMAND];

	if (to == NULL)
		return cli_fail(CLI_USAGE, "%s: %s", args->record, strerror(errno));
	run_repeat_command(about, args, seed);
	const char *arguments = strstr(about, " run ");
	struct recorder *recorder = recorder_new(to, arguments == NULL ? about : arguments + 5);
	int code = recorder == NULL ? cli_fail(CLI_INTERNAL, "out of memory") : load_and_run(args, seed, ends, recorder);
	recorder_free(recorder);
	return fclose(to) == 0 || code != CLI_HELD ? code : cli_fail(CLI_USAGE, "%s: the record cannot be written", args->record);
}

int run_once(const struct run_args *args, uint64_t seed, const struct run_ends *ends)
{
	return args->record != NULL ? recorded(args, seed, ends) : load_and_run(args, seed, ends, NULL);
}

#define WARM_UP_NS UINT64_C(3000000000)

void run_warm_up(const struct run_args *args, uint64_t seed)
{
	struct scenario_options options;
	struct scenario *s;
	char error[SCENARIO_ERROR_TEXT];

	if (!fill_options(&options, args, seed))
		return;
	options.until_ns = args->until_ns != 0 && args->until_ns < WARM_UP_NS ? args->until_ns : WARM_UP_NS;
	if (scenario_load(&s, &options, error) != SCENARIO_OK)
		return; /* the run itself will say what is wrong */
	enum scenario_status ended = scenario_run(s, NULL, error);
	(void)ended;
	scenario_free(s);
}

int run_check_script(const struct run_args *args, uint64_t seed)
{
	struct scenario_options options;
	struct scenario *s;
	char error[SCENARIO_ERROR_TEXT];

	if (!fill_options(&options, args, seed))
		return cli_fail(CLI_INTERNAL, "profile %s is not known", args->profile);
	enum scenario_status status = scenario_load(&s, &options, error);
	if (status != SCENARIO_OK)
		return cli_fail(status == SCENARIO_INTERNAL ? CLI_INTERNAL : CLI_USAGE, "%s", error);
	scenario_free(s);
	return CLI_HELD;
}
