/*
 * A sweep: every seed in a process of its own, a few at a time. A child runs, writes its files, and sends its JSON object
 * through a pipe; the parent prints in the order of the seeds, whatever order they end in.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/cli/run.h"

#define SWEEP_SEEDS_MAX 1000000u /* a record each in memory */
#define SWEEP_JOBS_MAX 256u      /* descriptors of one process */

struct outcome {
	char *json; /* until it was printed; a failing seed's is kept for the list */
	int code;
	bool done;
};

struct job {
	pid_t pid; /* 0: free */
	int from;  /* the read end of the child's pipe */
	uint64_t index;
	char *text;
	size_t len, cap;
};

struct sweep {
	const struct run_args *args;
	struct outcome *outcomes;
	uint64_t count, next, printed, done;
	uint64_t by_code[4];
	struct job *jobs;
	uint32_t num_jobs, running;
	double began_s;
	bool progress;
};

static double wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t seed_of(const struct sweep *s, uint64_t index)
{
	return s->args->seeds.from + index;
}

static void clear_progress(const struct sweep *s)
{
	if (s->progress)
		fputs("\r\033[K", stderr);
}

static void show_progress(const struct sweep *s)
{
	if (!s->progress)
		return;
	unsigned long long failed = s->done - s->by_code[CLI_HELD];
	fprintf(stderr, "\r\033[K%llu of %llu seeds, %llu failed", (unsigned long long)s->done, (unsigned long long)s->count, failed);
	fflush(stderr);
}

/* ------------------------------------------------------------------ children */

static void child(const struct sweep *s, uint64_t index, int to)
{
	FILE *json = fdopen(to, "w");
	int nothing = open("/dev/null", O_RDWR);
	struct run_ends ends = {.in_sweep = true, .json = json};

	/* The object says what went wrong; a hundred children must not all write to the terminal. */
	if (json == NULL || nothing < 0 || dup2(nothing, STDERR_FILENO) < 0)
		_exit(CLI_INTERNAL);
	int code = run_once(s->args, seed_of(s, index), &ends);
	if (fclose(json) != 0)
		code = CLI_INTERNAL;
	_exit(code);
}

static bool start_job(struct sweep *s, struct job *job)
{
	int ends[2];

	fflush(stdout); /* what is buffered must not be printed by the child as well */
	fflush(stderr);
	if (pipe(ends) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child(s, s->next, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return false;
	}
	*job = (struct job){.pid = pid, .from = ends[0], .index = s->next++};
	s->running++;
	return true;
}

static bool keep(struct job *job, const char *bytes, size_t n)
{
	if (job->len + n + 1 > job->cap) {
		size_t cap = (job->cap + n + 1) * 2;
		char *text = realloc(job->text, cap);

		if (text == NULL)
			return false;
		job->text = text;
		job->cap = cap;
	}
	memcpy(job->text + job->len, bytes, n);
	job->len += n;
	job->text[job->len] = '\0';
	return true;
}

/* A child that could not speak for itself. */
static char *epitaph(const struct sweep *s, uint64_t index, int status)
{
	char text[RUN_COMMAND * 2], repeat[RUN_COMMAND], reason[64];

	run_repeat_command(repeat, s->args, seed_of(s, index));
	if (WIFSIGNALED(status))
		snprintf(reason, sizeof reason, "the run was ended by signal %d", WTERMSIG(status));
	else
		snprintf(reason, sizeof reason, "the run said nothing and exited with %d", WEXITSTATUS(status));
	json_t *object = json_pack("{s:s, s:o, s:s, s:s}", "verdict", "error", "seed",
	                           json_sprintf("%llu", (unsigned long long)seed_of(s, index)), "error", reason, "repeat", repeat);
	char *json = json_dumps(object, 0);
	json_decref(object);
	snprintf(text, sizeof text, "%s\n", json == NULL ? "{}" : json);
	free(json);
	return strdup(text);
}

static void end_job(struct sweep *s, struct job *job)
{
	struct outcome *outcome = &s->outcomes[job->index];
	int status = 0;

	close(job->from);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	bool spoke = WIFEXITED(status) && WEXITSTATUS(status) <= CLI_INTERNAL && job->len != 0;
	outcome->code = spoke ? WEXITSTATUS(status) : CLI_INTERNAL;
	outcome->json = spoke ? job->text : epitaph(s, job->index, status);
	if (!spoke)
		free(job->text);
	outcome->done = true;
	s->by_code[outcome->code]++;
	s->done++;
	s->running--;
	*job = (struct job){0};
}

/* Reads what a child has sent; its end closes the pipe. */
static void read_job(struct sweep *s, struct job *job)
{
	char bytes[16384];
	ssize_t n = read(job->from, bytes, sizeof bytes);

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0 && keep(job, bytes, (size_t)n))
		return;
	end_job(s, job);
}

static void wait_for_some(struct sweep *s)
{
	struct pollfd fds[SWEEP_JOBS_MAX];
	struct job *jobs[SWEEP_JOBS_MAX];
	nfds_t n = 0;

	for (uint32_t i = 0; i < s->num_jobs; i++) {
		if (s->jobs[i].pid == 0)
			continue;
		jobs[n] = &s->jobs[i];
		fds[n++] = (struct pollfd){.fd = s->jobs[i].from, .events = POLLIN};
	}
	if (poll(fds, n, -1) <= 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents != 0)
			read_job(s, jobs[i]);
}

/* ------------------------------------------------------------------ the parent's words */

static void print_ready(struct sweep *s)
{
	for (; s->printed < s->count && s->outcomes[s->printed].done; s->printed++) {
		struct outcome *o = &s->outcomes[s->printed];

		if (s->args->json && o->json != NULL) {
			clear_progress(s);
			fputs(o->json, stdout);
			fflush(stdout);
		}
		if (s->args->json || o->code == CLI_HELD) {
			free(o->json);
			o->json = NULL;
		}
	}
}

/* Why a seed failed: its first failing check, or the error. */
static void put_reason(const char *json)
{
	json_t *object = json == NULL ? NULL : json_loads(json, 0, NULL);
	json_t *checks = json_object_get(object, "checks"), *c;
	const char *error = json_string_value(json_object_get(object, "error"));
	size_t i;

	if (error != NULL)
		printf(" %s", error);
	json_array_foreach(checks, i, c)
	{
		if (error != NULL || json_boolean_value(json_object_get(c, "held")))
			continue;
		const char *name = json_string_value(json_object_get(c, "name")), *detail = json_string_value(json_object_get(c, "detail"));
		printf(" %s (%s)", name == NULL ? "?" : name, detail == NULL ? "" : detail);
		break;
	}
	json_decref(object);
}

static void put_failing(const struct sweep *s)
{
	char repeat[RUN_COMMAND];

	for (uint64_t i = 0; i < s->count; i++) {
		const struct outcome *o = &s->outcomes[i];

		if (!o->done || o->code == CLI_HELD)
			continue;
		printf("seed %llu:", (unsigned long long)seed_of(s, i));
		put_reason(o->json);
		run_repeat_command(repeat, s->args, seed_of(s, i));
		printf("\n  %s\n", repeat);
	}
}

static void put_counts(const struct sweep *s, double took_s)
{
	unsigned long long held = s->by_code[CLI_HELD], failed = s->by_code[CLI_CHECK_FAILED];
	unsigned long long errors = s->by_code[CLI_USAGE] + s->by_code[CLI_INTERNAL];

	if (s->args->json) {
		json_t *object = json_pack("{s:I, s:I, s:I, s:I, s:f}", "seeds", (json_int_t)s->done, "held", (json_int_t)held, "failed",
		                           (json_int_t)failed, "errors", (json_int_t)errors, "wall_s", took_s);
		json_dumpf(object, stdout, JSON_REAL_PRECISION(6));
		fputc('\n', stdout);
		json_decref(object);
		return;
	}
	printf("%llu seeds: %llu held, %llu failed, %llu errors; %.1f s\n", (unsigned long long)s->done, held, failed, errors, took_s);
}

static int worst(const struct sweep *s)
{
	for (int code = CLI_INTERNAL; code > CLI_HELD; code--)
		if (s->by_code[code] != 0)
			return code;
	return CLI_HELD;
}

static bool work_off(struct sweep *s)
{
	while (s->done < s->count) {
		for (uint32_t i = 0; i < s->num_jobs && s->next < s->count; i++)
			if (s->jobs[i].pid == 0 && !start_job(s, &s->jobs[i]) && s->running == 0)
				return false;
		wait_for_some(s);
		print_ready(s);
		show_progress(s);
	}
	return true;
}

static void sweep_free(struct sweep *s)
{
	for (uint64_t i = 0; s->outcomes != NULL && i < s->count; i++)
		free(s->outcomes[i].json);
	free(s->outcomes);
	free(s->jobs);
}

int run_sweep(const struct run_args *args)
{
	struct sweep s = {
	    .args = args, .count = args->seeds.to - args->seeds.from, .began_s = wall_s(), .progress = isatty(STDERR_FILENO) == 1};

	if (s.count >= SWEEP_SEEDS_MAX)
		return cli_fail(CLI_USAGE, "--seeds: at most %u seeds at once", SWEEP_SEEDS_MAX);
	s.count++;
	int code = run_check_script(args, args->seeds.from);
	if (code != CLI_HELD)
		return code;
	s.num_jobs = args->jobs > SWEEP_JOBS_MAX ? SWEEP_JOBS_MAX : args->jobs;
	s.outcomes = calloc(s.count, sizeof *s.outcomes);
	s.jobs = calloc(s.num_jobs, sizeof *s.jobs);
	bool good = s.outcomes != NULL && s.jobs != NULL && work_off(&s);
	clear_progress(&s);
	if (good) {
		if (!args->json)
			put_failing(&s);
		put_counts(&s, wall_s() - s.began_s);
	}
	sweep_free(&s);
	return good ? worst(&s) : cli_fail(CLI_INTERNAL, "no processes to run the seeds in");
}
