/* diff: where two recorded runs part. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sim/cli/cli.h"
#include "sim/cli/compare.h"

struct diff_args {
	bool json;
};

static const struct cli_option options[] = {
    {"json", 0, CLI_FLAG, offsetof(struct diff_args, json), NULL, "prints one JSON object"},
};

static int compare_files(const struct cli_positional *files, const struct diff_args *args)
{
	FILE *a = fopen(files->at[0], "rb"), *b = a == NULL ? NULL : fopen(files->at[1], "rb");
	int code = CLI_USAGE;

	if (b == NULL) {
		code = cli_fail(CLI_USAGE, "%s: %s", files->at[a == NULL ? 0 : 1], strerror(errno));
	} else {
		struct compare c;

		compare_records(a, b, files->at[0], files->at[1], &c);
		if (args->json)
			compare_json(stdout, &c);
		else if (c.verdict != COMPARE_UNREADABLE)
			compare_print(stdout, &c, files->at[0], files->at[1]);
		code = c.verdict == COMPARE_ALIKE       ? CLI_HELD
		       : c.verdict == COMPARE_DIFFERENT ? CLI_CHECK_FAILED
		                                        : cli_fail(CLI_USAGE, "%s; records are written by run --record", c.trouble);
	}
	if (b != NULL)
		fclose(b);
	if (a != NULL)
		fclose(a);
	return code;
}

static int run_diff(const struct cli_call *call)
{
	struct diff_args args = {0};
	struct cli_positional files;
	char error[CLI_ERROR_TEXT];

	if (!cli_parse(call->command, call->argc, call->argv, &args, &files, error))
		return cli_usage(call->command, error);
	return compare_files(&files, &args);
}

const struct cli_command cmd_diff = {
    .name = "diff",
    .usage = "A B",
    .summary = "finds the first difference of two recorded runs",
    .details = "A and B were written by `switchyard run --record`, by any build on any machine. Tells the time, the node and\n"
               "the kind of the first thing that differs, and the event that it happened in.\n"
               "Exit code: 0 alike, 1 different, 2 a file is no record or breaks off.",
    .options = options,
    .num_options = sizeof options / sizeof options[0],
    .min_positional = 2,
    .max_positional = 2,
    .run = run_diff,
};
