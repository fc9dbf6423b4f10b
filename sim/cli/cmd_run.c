/* run: the options of a run and what may not be combined. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/run.h"

static const struct cli_option options[] = {
    {"seed", 0, CLI_U64, offsetof(struct run_args, seed), "N", "the seed of all randomness (default 1)"},
    {"param", 'p', CLI_REPEAT, offsetof(struct run_args, params), "KEY=VALUE", "sets a parameter of the script; may be repeated"},
    {"profile", 0, CLI_CHOICE, offsetof(struct run_args, profile), "default|upstream|upstream-v0.38",
     "the policies of nodes that name none (default: default)"},
    {"transport", 0, CLI_CHOICE, offsetof(struct run_args, transport), "sim|tcp",
     "the simulator, or real sockets on loopback in real time (default: sim)"},
    {"crypto", 0, CLI_CHOICE, offsetof(struct run_args, crypto), "real|null",
     "null keeps every size and step but skips the arithmetic; simulator only (default: real, or what the script says)"},
    {"tcp", 0, CLI_CHOICE, offsetof(struct run_args, tcp), "segment|flow|none",
     "the simulator's model of TCP: every packet as Linux sends it (segment, the default), trains of them (flow), or delay, rate and loss "
     "only (none)"},
    {"seeds", 0, CLI_RANGE, offsetof(struct run_args, seeds), "A..B", "runs every seed from A to B, each in a process of its own"},
    {"jobs", 'j', CLI_U32, offsetof(struct run_args, jobs), "N", "processes at once with --seeds (default: one a processor)"},
    {"until", 0, CLI_TIME, offsetof(struct run_args, until_ns), "T",
     "ends the run at this time at the latest: 90s, 10m; a bare number is seconds"},
    {"out", 0, CLI_TEXT, offsetof(struct run_args, out), "DIR",
     "where the results go (default: out/NAME-SEED); with --seeds the directory above NAME-SEED"},
    {"plan", 0, CLI_TEXT, offsetof(struct run_args, plan), "FILE",
     "the faults of this plan (plan.json of another run) happen, and no others; simulator only"},
    {"buggify", 0, CLI_TEXT, offsetof(struct run_args, buggify), "RATE",
     "rare but legal behaviour (short reads and writes, late events and timers, ...) strikes every node this often: 2%, 0.01; simulator "
     "only"},
    {"record", 0, CLI_TEXT, offsetof(struct run_args, record), "FILE",
     "records every event of the run for `switchyard diff`; simulator only, about 60 bytes an event"},
    {"check-determinism", 0, CLI_FLAG, offsetof(struct run_args, check_determinism), NULL,
     "runs twice, in two processes under different conditions, and reports the first event that differs (exit 3)"},
    {"json", 0, CLI_FLAG, offsetof(struct run_args, json), NULL, "prints one JSON object (with --seeds one a line, then the counts)"},
    {"quiet", 0, CLI_FLAG, offsetof(struct run_args, quiet), NULL, "leaves out what the script logs"},
};

/* What can be said before the script is read. */
static const char *check_args(const struct run_args *args)
{
	if (strcmp(args->transport, "tcp") == 0 && args->crypto != NULL && strcmp(args->crypto, "null") == 0)
		return "--crypto null cannot be used over real sockets";
	if (strcmp(args->transport, "tcp") == 0 && args->tcp != NULL)
		return "--tcp chooses a model of the simulator; --transport tcp has the real thing";
	if (strcmp(args->transport, "tcp") == 0 && (args->record != NULL || args->check_determinism))
		return "--record and --check-determinism look at simulated runs; real ones never repeat";
	uint64_t ppm;
	if (args->buggify != NULL && !run_parse_rate(args->buggify, &ppm))
		return "--buggify wants a fraction above 0 and up to 1: 2%, 0.01";
	if (strcmp(args->transport, "tcp") == 0 && args->buggify != NULL)
		return "--buggify changes the simulated network; --transport tcp has a real one";
	if (strcmp(args->transport, "tcp") == 0 && args->plan != NULL)
		return "--plan has faults, and only a simulated network has those";
	if (args->seeds.given && (args->record != NULL || args->check_determinism))
		return "--record and --check-determinism look at one seed; use --seed";
	if (args->record != NULL && args->check_determinism)
		return "--check-determinism keeps its records to itself; leave out --record";
	if (args->jobs == 0)
		return "-j wants at least 1";
	for (size_t i = 0; i < args->params.n; i++)
		if (strchr(args->params.at[i], '=') == NULL || args->params.at[i][0] == '=')
			return "-p wants KEY=VALUE";
	return NULL;
}

static uint32_t processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (uint32_t)n;
}

static int run_run(const struct cli_call *call)
{
	struct run_args args = {.program = call->program, .seed = 1, .profile = "default", .transport = "sim", .jobs = processors()};
	struct cli_positional positional;
	char error[CLI_ERROR_TEXT];

	if (!cli_parse(call->command, call->argc, call->argv, &args, &positional, error))
		return cli_usage(call->command, error);
	const char *wrong = check_args(&args);
	if (wrong != NULL)
		return cli_usage(call->command, wrong);
	args.file = positional.at[0];
	if (args.seeds.given)
		return run_sweep(&args);
	if (args.check_determinism)
		return run_check_determinism(call, args.json);
	bool second = getenv(RUN_SECOND) != NULL;
	struct run_ends ends = {
	    .draw_always = true, .no_files = second, .progress = isatty(STDERR_FILENO) == 1, .json = args.json ? stdout : NULL};
	if (second)
		run_warm_up(&args, args.seed + 1);
	return run_once(&args, args.seed, &ends);
}

const struct cli_command cmd_run = {
    .name = "run",
    .usage = "FILE [option]...",
    .summary = "runs a scenario and tells whether its checks held",
    .details = "FILE is a Lua script. Results go to out/NAME-SEED/: summary.json, metrics.csv, and each plot as PNG\n"
               "and SVG beside the gnuplot script and data that drew it. The last lines are each check with its\n"
               "verdict, the seed, the hash of the run and the command that repeats it: equal runs have equal hashes.\n"
               "Exit code: 0 all checks held, 1 a check failed, 2 usage, script or file error, 3 internal error.",
    .options = options,
    .num_options = sizeof options / sizeof options[0],
    .min_positional = 1,
    .max_positional = 1,
    .run = run_run,
};
