/* Help, made from the tables that the parser reads: it cannot leave an option out. */
#include <string.h>

#include "core/switchyard.h"
#include "sim/cli/cli.h"

#define HELP_WIDTH 100
#define HELP_INDENT 34

/* Puts words from column `indent` on, broken at HELP_WIDTH. */
static void put_wrapped(FILE *to, const char *text, int indent)
{
	int column = indent;

	while (*text != '\0') {
		int word = (int)strcspn(text, " ");

		if (column == indent) {
			column += fprintf(to, "%.*s", word, text);
		} else if (column + 1 + word > HELP_WIDTH) {
			fprintf(to, "\n%*s%.*s", indent, "", word, text);
			column = indent + word;
		} else {
			column += fprintf(to, " %.*s", word, text);
		}
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

static void put_option(FILE *to, const struct cli_option *option)
{
	char left[96];
	char brief[8] = "";

	if (option->brief != 0)
		snprintf(brief, sizeof brief, "-%c, ", option->brief);
	int n = snprintf(left, sizeof left, "  %s--%s%s%s", brief, option->name, option->value == NULL ? "" : " ",
	                 option->value == NULL ? "" : option->value);
	fputs(left, to);
	if (n >= HELP_INDENT - 1) {
		fputc('\n', to);
		n = 0;
	}
	fprintf(to, "%*s", HELP_INDENT - n, "");
	put_wrapped(to, option->help, HELP_INDENT);
}

static void put_overview(FILE *to)
{
	size_t n;
	const struct cli_command *const *commands = cli_commands(&n);

	fputs("switchyard " SY_VERSION ": CometBFT's peer-to-peer protocol, simulated and real\n\nusage: switchyard COMMAND ...\n\n", to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`switchyard help COMMAND` tells all options. Exit codes: 0 all checks held, 1 a check failed,\n"
	      "2 usage, script or file error, 3 internal error.\n",
	      to);
}

void cli_help(FILE *to, const struct cli_command *command)
{
	if (command == NULL) {
		put_overview(to);
		return;
	}
	fprintf(to, "usage: switchyard %s %s\n\n%s\n", command->name, command->usage, command->summary);
	if (command->details != NULL)
		fprintf(to, "\n%s\n", command->details);
	fputc('\n', to);
	size_t n = command->num_options;
	const struct cli_option *options = command->shared_options != NULL ? command->shared_options(&n) : command->options;
	for (size_t i = 0; i < n; i++)
		put_option(to, &options[i]);
	fputs("  -h, --help                      this text\n", to);
}

static int run_help(const struct cli_call *call)
{
	if (call->argc == 0) {
		cli_help(stdout, NULL);
		return CLI_HELD;
	}
	const struct cli_command *command = cli_command(call->argv[0]);
	if (command == NULL || call->argc > 1)
		return cli_fail(CLI_USAGE, "there is no help on \"%.60s\" (see: switchyard help)", call->argv[call->argc - 1]);
	cli_help(stdout, command);
	return CLI_HELD;
}

const struct cli_command cmd_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "tells what there is, or all options of a command",
    .run = run_help,
};
