/* `switchyard run`: one run, or a sweep of seeds in processes of their own. */
#ifndef SIM_CLI_RUN_H
#define SIM_CLI_RUN_H

#include "sim/cli/cli.h"
#include "sim/report/report.h"

struct run_args {
	const char *program;
	const char *file;
	uint64_t seed;
	struct cli_texts params;
	const char *profile, *transport, *crypto, *tcp; /* crypto, tcp: null when not given */
	struct cli_range seeds;
	uint32_t jobs;
	uint64_t until_ns;   /* 0: when the script says */
	const char *out;     /* null: out/NAME-SEED */
	const char *plan;    /* null: the script's own faults */
	const char *buggify; /* null: no rare behaviour beside the script's */
	const char *record;  /* null: no record of the run */
	bool json, quiet, check_determinism;
};

#define RUN_COMMAND 4096u /* longest command line that is printed */

/* The command that repeats a run with this seed; words that a shell would read are quoted. */
void run_repeat_command(char text[RUN_COMMAND], const struct run_args *args, uint64_t seed);

/* "2%", "0.01": parts per million, 1 to 1,000,000. */
bool run_parse_rate(const char *text, uint64_t *ppm);

/* What one run is to leave behind. */
struct run_ends {
	bool draw_always; /* draw plots whatever the verdict; else only when it did not hold */
	bool in_sweep;    /* --out is the directory above NAME-SEED */
	bool progress;    /* a line that moves on standard error */
	bool no_files;    /* write and draw nothing */
	FILE *plan;       /* the plan of the run's faults goes there, if there were any; may be null */
	FILE *json;       /* the JSON object goes there; null: ordinary output */
};

/* Runs once, reports, returns the exit code. */
int run_once(const struct run_args *args, uint64_t seed, const struct run_ends *ends);
/* Runs for a few virtual seconds and forgets it: whatever a run leaves behind in the process is there afterwards. */
void run_warm_up(const struct run_args *args, uint64_t seed);
/* --check-determinism. The exit code: that of the run, CLI_INTERNAL when its repetition differs. */
int run_check_determinism(const struct cli_call *call, bool json);
#define RUN_SECOND "SWITCHYARD_SECOND_RUN" /* set in its second process: that one warms up, and leaves nothing behind */
/* All seeds of args->seeds; returns the worst exit code. */
int run_sweep(const struct run_args *args);
/* Reads the script without running it on, so that its errors are told once. CLI_HELD or the exit code. */
int run_check_script(const struct run_args *args, uint64_t seed);

#endif
