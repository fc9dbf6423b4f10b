/*
 * shrink: the smallest plan of faults with which a run still fails as it did. Operations that make no sense alone (a cut and
 * its end) go together. Each try is a run in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/cli/run.h"

struct shrink_args {
	struct run_args run;
	uint64_t runs;
	const char *keep;
};

static const struct cli_option options[] = {
    {"seed", 0, CLI_U64, offsetof(struct shrink_args, run.seed), "N", "the seed of the run that fails (default 1)"},
    {"param", 'p', CLI_REPEAT, offsetof(struct shrink_args, run.params), "KEY=VALUE", "as in run"},
    {"profile", 0, CLI_CHOICE, offsetof(struct shrink_args, run.profile), "default|upstream|upstream-v0.38", "as in run"},
    {"crypto", 0, CLI_CHOICE, offsetof(struct shrink_args, run.crypto), "real|null", "as in run"},
    {"tcp", 0, CLI_CHOICE, offsetof(struct shrink_args, run.tcp), "segment|flow|none", "as in run"},
    {"until", 0, CLI_TIME, offsetof(struct shrink_args, run.until_ns), "T", "as in run"},
    {"buggify", 0, CLI_TEXT, offsetof(struct shrink_args, run.buggify), "RATE", "as in run"},
    {"plan", 0, CLI_TEXT, offsetof(struct shrink_args, run.plan), "FILE", "begins with this plan (default: that of the run)"},
    {"runs", 0, CLI_U64, offsetof(struct shrink_args, runs), "N", "runs at most (default 500)"},
    {"keep", 0, CLI_TEXT, offsetof(struct shrink_args, keep), "FILE", "where the plan goes (default shrunk.json)"},
};

/* What a try came to. */
struct tried {
	int code;
	char *failed; /* the first check that failed; null: none */
	char *plan;   /* its text; null: there were no faults */
};

static void tried_fini(struct tried *t)
{
	free(t->failed);
	free(t->plan);
}

/* ------------------------------------------------------------------ one run */

static void child(const struct run_args *args, FILE *json, FILE *plan)
{
	int nothing = open("/dev/null", O_RDWR);
	struct run_ends ends = {.no_files = true, .json = json, .plan = plan};

	if (nothing < 0 || dup2(nothing, STDERR_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
		_exit(CLI_INTERNAL);
	int code = run_once(args, args->seed, &ends);
	_exit(fflush(json) == 0 && fflush(plan) == 0 ? code : CLI_INTERNAL);
}

static char *whole(FILE *from)
{
	long size = fseek(from, 0, SEEK_END) == 0 ? ftell(from) : -1;
	char *text = size <= 0 ? NULL : malloc((size_t)size + 1);

	rewind(from);
	if (text == NULL || fread(text, 1, (size_t)size, from) != (size_t)size) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}

static char *first_failed(const char *text)
{
	json_t *run = text == NULL ? NULL : json_loads(text, 0, NULL), *check;
	char *name = NULL;
	size_t i;

	json_array_foreach(json_object_get(run, "checks"), i, check)
	{
		if (name == NULL && json_is_true(json_object_get(check, "decided")) && json_is_false(json_object_get(check, "held")))
			name = strdup(json_string_value(json_object_get(check, "name")));
	}
	json_decref(run);
	return name;
}

static struct tried try_run(const struct run_args *args)
{
	struct tried t = {.code = CLI_INTERNAL};
	FILE *json = tmpfile(), *plan = tmpfile();
	int status;

	fflush(stdout);
	fflush(stderr);
	pid_t pid = json == NULL || plan == NULL ? -1 : fork();
	if (pid == 0)
		child(args, json, plan);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status)) {
		char *text = whole(json);

		t.code = WEXITSTATUS(status);
		t.failed = first_failed(text);
		t.plan = whole(plan);
		free(text);
	}
	if (json != NULL)
		fclose(json);
	if (plan != NULL)
		fclose(plan);
	return t;
}

/* ------------------------------------------------------------------ plans */

struct shrink {
	struct run_args run; /* its plan is `path` */
	char path[64];       /* of the plan that is tried */
	json_t *head;        /* the plan without operations */
	json_t **units;      /* arrays of operations that stand and fall together */
	bool *out;           /* by unit */
	size_t num_units, left;
	const char *failed; /* the check that must fail */
	uint64_t runs, max_runs;
};

static json_t *plan_of(const struct shrink *s)
{
	json_t *operations = json_array(), *op, *plan = json_copy(s->head);
	size_t i;

	for (size_t u = 0; u < s->num_units; u++) {
		if (s->out[u])
			continue;
		json_array_foreach(s->units[u], i, op) json_array_append(operations, op);
	}
	json_object_set_new(plan, "operations", operations);
	return plan;
}

static bool same_group(const json_t *unit, const json_t *op)
{
	const json_t *first = json_array_get(unit, 0), *group = json_object_get(op, "group");

	return group != NULL && json_equal(json_object_get(first, "group"), group) &&
	       json_equal(json_object_get(first, "by"), json_object_get(op, "by"));
}

static bool split(struct shrink *s, const char *text)
{
	json_t *op;
	size_t i;

	s->head = json_loads(text, 0, NULL);
	json_t *operations = json_object_get(s->head, "operations");
	s->units = calloc(json_array_size(operations) + 1, sizeof *s->units);
	s->out = calloc(json_array_size(operations) + 1, sizeof *s->out);
	if (s->units == NULL || s->out == NULL)
		return false;
	json_array_foreach(operations, i, op)
	{
		size_t u = 0;

		while (u < s->num_units && !same_group(s->units[u], op))
			u++;
		if (u == s->num_units)
			s->units[s->num_units++] = json_array();
		json_array_append(s->units[u], op);
	}
	s->left = s->num_units;
	return true;
}

/* Operations by time, and those of one time in the order that they had. */
static int by_time(const json_t *a, const json_t *b)
{
	json_int_t x = json_integer_value(json_object_get(a, "at_ns")), y = json_integer_value(json_object_get(b, "at_ns"));

	return (x > y) - (x < y);
}

static void sort_by_time(json_t *operations)
{
	for (size_t i = 1; i < json_array_size(operations); i++) {
		json_t *op = json_incref(json_array_get(operations, i));
		size_t k = i;

		while (k > 0 && by_time(json_array_get(operations, k - 1), op) > 0)
			k--;
		if (k != i) {
			json_array_remove(operations, i);
			json_array_insert(operations, k, op);
		}
		json_decref(op);
	}
}

static bool write_plan(const struct shrink *s, const char *path)
{
	json_t *plan = plan_of(s);

	sort_by_time(json_object_get(plan, "operations"));
	bool good = json_dump_file(plan, path, JSON_REAL_PRECISION(15) | JSON_INDENT(1)) == 0;
	json_decref(plan);
	return good;
}

/* ------------------------------------------------------------------ the search */

static bool still_fails(struct shrink *s)
{
	s->runs++;
	if (!write_plan(s, s->path))
		return false;
	struct tried t = try_run(&s->run);
	bool same = t.code == CLI_CHECK_FAILED && t.failed != NULL && strcmp(t.failed, s->failed) == 0;

	tried_fini(&t);
	return same;
}

/* Takes `n` units out from the k-th that is in; puts them back when the run no longer fails. */
static bool without(struct shrink *s, size_t from, size_t n)
{
	size_t taken = 0;
	bool *before = malloc((s->num_units + 1) * sizeof *before);

	if (before == NULL)
		return false;
	memcpy(before, s->out, s->num_units * sizeof *before);
	for (size_t u = 0, seen = 0; u < s->num_units && taken < n; u++) {
		if (s->out[u] || seen++ < from)
			continue;
		s->out[u] = true;
		taken++;
	}
	bool fails = taken != 0 && still_fails(s);
	if (fails)
		s->left -= taken;
	else
		memcpy(s->out, before, s->num_units * sizeof *before);
	free(before);
	return fails;
}

static void search(struct shrink *s)
{
	size_t n = s->left; /* at first all: it may fail without any */

	while (n != 0 && s->left != 0 && s->runs < s->max_runs) {
		bool any = false;

		for (size_t from = 0; from < s->left && s->runs < s->max_runs;) {
			if (without(s, from, n))
				any = true;
			else
				from += n;
		}
		if (n == 1 && !any)
			return;
		n = n == 1 ? 1 : (n + 1) / 2;
	}
}

static int report(struct shrink *s, const struct shrink_args *args)
{
	char repeat[RUN_COMMAND];
	struct run_args again = args->run;

	if (!write_plan(s, args->keep))
		return cli_fail(CLI_USAGE, "%s: cannot be written", args->keep);
	again.plan = args->keep;
	run_repeat_command(repeat, &again, again.seed);
	printf("fails: %s\n%zu of %zu faults are left after %llu runs%s (%s)\nrepeat with: %s\n", s->failed, s->left, s->num_units,
	       (unsigned long long)s->runs, s->runs >= s->max_runs ? ", the most that were allowed" : "", args->keep, repeat);
	return CLI_HELD;
}

static int shrink(struct shrink *s, const struct shrink_args *args)
{
	struct tried first = try_run(&args->run);
	int code;

	s->failed = first.failed;
	s->max_runs = args->runs;
	int file = mkstemp(s->path);
	if (first.code > CLI_CHECK_FAILED)
		code = cli_fail(CLI_USAGE, "%s: the run breaks; `switchyard run` says why", args->run.file);
	else if (first.code != CLI_CHECK_FAILED || first.failed == NULL)
		code = cli_fail(CLI_USAGE, "%s: with seed %llu no check fails: there is nothing to shrink", args->run.file,
		                (unsigned long long)args->run.seed);
	else if (first.plan == NULL)
		code = cli_fail(CLI_USAGE, "%s: the run fails without any fault", args->run.file);
	else if (file < 0 || !split(s, first.plan))
		code = cli_fail(CLI_INTERNAL, "%s: %s", s->path, strerror(errno));
	else if (!still_fails(s))
		code = cli_fail(CLI_INTERNAL, "%s: the plan of the run does not repeat its failure", args->run.file);
	else {
		search(s);
		code = report(s, args);
	}
	if (file >= 0) {
		close(file);
		unlink(s->path);
	}
	for (size_t u = 0; u < s->num_units; u++)
		json_decref(s->units[u]);
	free(s->units);
	free(s->out);
	json_decref(s->head);
	tried_fini(&first);
	return code;
}

static int run_shrink(const struct cli_call *call)
{
	struct shrink_args args = {
	    .run = {.program = call->program, .seed = 1, .profile = "default", .transport = "sim", .jobs = 1, .quiet = true},
	    .runs = 500,
	    .keep = "shrunk.json",
	};
	struct cli_positional positional;
	char error[CLI_ERROR_TEXT];
	uint64_t ppm;

	if (!cli_parse(call->command, call->argc, call->argv, &args, &positional, error))
		return cli_usage(call->command, error);
	if (args.run.buggify != NULL && !run_parse_rate(args.run.buggify, &ppm))
		return cli_usage(call->command, "--buggify wants a fraction above 0 and up to 1: 2%, 0.01");
	args.run.file = positional.at[0];
	struct shrink s = {.run = args.run, .path = "/tmp/switchyard-plan-XXXXXX"};
	s.run.plan = s.path;
	return shrink(&s, &args);
}

const struct cli_command cmd_shrink = {
    .name = "shrink",
    .usage = "FILE [option]...",
    .summary = "finds the smallest plan of faults with which a run still fails",
    .details = "Runs FILE with the seed; a check must fail. Then faults are left out of its plan, half of them first, single\n"
               "ones last, as long as the same check fails. What is left is written as a plan, and the last line is the\n"
               "command that runs with it. Exit code: 0 done, 2 the run does not fail, or not by its faults.",
    .options = options,
    .num_options = sizeof options / sizeof options[0],
    .min_positional = 1,
    .max_positional = 1,
    .run = run_shrink,
};
