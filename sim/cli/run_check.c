/*
 * --check-determinism: the same run twice, each in a process of its own, their records compared while they are written.
 * What must not matter is made different in the second: addresses (a new process has its own), what fresh memory holds,
 * the environment, the time zone, the time of day, and what an earlier run of the same process may have left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/cli/compare.h"
#include "sim/cli/run.h"

#define SELF "/proc/self/exe"

static void differ_from_first(void)
{
	setenv(RUN_SECOND, "1", 1);
	setenv("MALLOC_PERTURB_", "165", 1);
	setenv("TZ", "Elsewhere-13:45", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("SWITCHYARD_PADDING", "moves the stack by some bytes that are no multiple of its usual alignment", 1);
}

/* Becomes `switchyard run` with this record; the command line is the one that we were called with. */
static void become(const struct cli_call *call, int record, bool second)
{
	char path[32];
	char **argv = calloc((size_t)call->argc + 6, sizeof *argv);
	int n = 0;

	if (argv == NULL)
		_exit(CLI_INTERNAL);
	snprintf(path, sizeof path, "/dev/fd/%d", record);
	argv[n++] = (char *)(uintptr_t)call->program;
	argv[n++] = (char *)(uintptr_t) "run";
	for (int i = 0; i < call->argc; i++)
		argv[n++] = call->argv[i];
	argv[n++] = (char *)(uintptr_t) "--check-determinism=false";
	argv[n++] = (char *)(uintptr_t) "--record";
	argv[n++] = path;
	if (second) {
		int nothing = open("/dev/null", O_RDWR);

		if (nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0 || dup2(nothing, STDERR_FILENO) < 0)
			_exit(CLI_INTERNAL);
		differ_from_first();
	}
	execv(SELF, argv);
	_exit(CLI_INTERNAL);
}

static FILE *start(const struct cli_call *call, bool second, FILE *other, pid_t *pid)
{
	int ends[2];

	if (pipe(ends) != 0)
		return NULL;
	fflush(stdout);
	*pid = fork();
	if (*pid == 0) {
		close(ends[0]);
		if (other != NULL)
			close(fileno(other));
		become(call, ends[1], second);
	}
	close(ends[1]);
	FILE *from = *pid < 0 ? NULL : fdopen(ends[0], "rb");
	if (from == NULL)
		close(ends[0]);
	return from;
}

/* Our reading end is closed already: a child that still writes ends by that. */
static int code_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CLI_INTERNAL;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_INTERNAL;
}

static int verdict(const struct compare *c, int first, bool json)
{
	FILE *to = json ? stderr : stdout;

	switch (c->verdict) {
	case COMPARE_ALIKE:
		fprintf(to, "deterministic: ");
		compare_print(to, c, "the first run", "the second run");
		return first;
	case COMPARE_DIFFERENT:
		fprintf(to, "NOT deterministic: ");
		compare_print(to, c, "the first run", "the second run");
		return cli_fail(CLI_INTERNAL, "two runs with the same seed differ");
	case COMPARE_UNREADABLE:
		break;
	}
	return first >= CLI_USAGE ? first : cli_fail(CLI_INTERNAL, "the two runs could not be compared: %s", c->trouble);
}

int run_check_determinism(const struct cli_call *call, bool json)
{
	pid_t pids[2] = {-1, -1};
	struct compare c;
	int first = CLI_INTERNAL;

	FILE *a = start(call, false, NULL, &pids[0]);
	FILE *b = a == NULL ? NULL : start(call, true, a, &pids[1]);
	if (b != NULL)
		compare_records(a, b, "the first run", "the second run", &c);
	bool compared = b != NULL;
	if (a != NULL)
		fclose(a);
	if (b != NULL)
		fclose(b);
	if (pids[0] > 0)
		first = code_of(pids[0]);
	if (pids[1] > 0)
		(void)code_of(pids[1]);
	return compared ? verdict(&c, first, json) : cli_fail(CLI_INTERNAL, "cannot start the two runs: %s", strerror(errno));
}
