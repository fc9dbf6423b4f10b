/* The table of commands, and the way from a command line to one of them. */
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/cli.h"

static const struct cli_command *const commands[] = {
    &cmd_run,          &cmd_diff,  &cmd_shrink, &cmd_node, &cmd_seed,    &cmd_init, &cmd_gen_node_key,
    &cmd_show_node_id, &cmd_crawl, &cmd_book,   &cmd_link, &cmd_version, &cmd_help,
};

const struct cli_command *const *cli_commands(size_t *n)
{
	*n = sizeof commands / sizeof commands[0];
	return commands;
}

const struct cli_command *cli_command(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int cli_fail(enum cli_exit code, const char *format, ...)
{
	va_list args;

	fflush(stdout); /* so that the line stands behind what was said before, also in one file */
	fputs("switchyard: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int cli_usage(const struct cli_command *command, const char *error)
{
	return cli_fail(CLI_USAGE, "%s (see: switchyard help %s)", error, command->name);
}

static int unknown_command(const char *name)
{
	const char *names[sizeof commands / sizeof commands[0]];

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		names[i] = commands[i]->name;
	const char *near = cli_nearest(name, names, sizeof commands / sizeof commands[0]);
	if (near != NULL)
		return cli_fail(CLI_USAGE, "unknown command \"%.60s\"; did you mean \"%s\"?", name, near);
	return cli_fail(CLI_USAGE, "unknown command \"%.60s\" (see: switchyard help)", name);
}

/* --help or -h anywhere before a `--`: a command line that asks for help does nothing else. */
static bool help_asked(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

/* What was printed may not have arrived: a full disk or a closed pipe is an error as any other. */
static int closed_well(int code)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return code;
	return cli_fail(CLI_USAGE, "cannot write to standard output");
}

int cli_main(int argc, char **argv)
{
	signal(SIGXFSZ, SIG_IGN); /* a file at its largest is an error of write, as a full disk is */
	if (argc < 2) {
		cli_help(stderr, NULL);
		return CLI_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0)
		name = "version";
	const struct cli_command *command = cli_command(name);
	if (command == NULL)
		return unknown_command(name);
	struct cli_call call = {.command = command, .program = argv[0], .argc = argc - 2, .argv = argv + 2};
	if (help_asked(call.argc, call.argv)) {
		cli_help(stdout, command);
		return closed_well(CLI_HELD);
	}
	return closed_well(command->run(&call));
}
