/* node, seed: a real node in a CometBFT home. config.toml first, then the command line over it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/home.h"
#include "sim/cli/real_node.h"

/* Takes the words twice: once to know home and profile, then again over what the file there says. */
static bool read_settings(struct settings *s, const struct cli_call *call, bool seed, char error[CLI_ERROR_TEXT])
{
	struct cli_command command = *call->command;
	struct cli_positional positional;
	enum sy_profile profile;
	char path[TP_PATH_MAX];
	struct tp_message msg;

	command.options = settings_options(&command.num_options);
	settings_init(s, SY_PROFILE_DEFAULT);
	if (!cli_parse(&command, call->argc, call->argv, s, &positional, error))
		return false;
	const char *home = s->home;
	if (sy_profile_parse(s->profile, &profile) != SY_OK)
		return false;
	settings_init(s, profile);
	if (home == NULL && (home = cli_default_home(s)) == NULL) {
		snprintf(error, CLI_ERROR_TEXT, "which home? There is no $HOME; name it with --home");
		return false;
	}
	if (tp_home_path(home, TP_HOME_CONFIG, path, &msg) != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
		return false;
	}
	if (!settings_read_file(s, path, stderr, error))
		return false;
	s->seed_mode = s->seed_mode || seed;
	if (!cli_parse(&command, call->argc, call->argv, s, &positional, error))
		return false;
	s->home = home;
	return true;
}

static int run_with(const struct cli_call *call, bool seed)
{
	struct settings settings = {0};
	struct real_node *n = calloc(1, sizeof *n);
	char error[CLI_ERROR_TEXT] = "", host[256] = "switchyard";
	int code = CLI_USAGE;

	if (n == NULL)
		return cli_fail(CLI_INTERNAL, "out of memory");
	if (!read_settings(&settings, call, seed, error)) {
		settings_fini(&settings);
		free(n);
		return cli_usage(call->command, error);
	}
	gethostname(host, sizeof host - 1);
	if (settings.moniker == NULL)
		settings.moniker = host;
	n->settings = &settings;
	if (!node_log_parse(settings.log_level, &n->log.level))
		snprintf(error, sizeof error, "log_level wants debug, info, error or none, not \"%.60s\"", settings.log_level);
	else if (sy_profile_parse(settings.profile, &n->profile) == SY_OK)
		code = real_node_run(n, error);
	if (code != CLI_HELD)
		cli_fail((enum cli_exit)code, "%s", error);
	settings_fini(&settings);
	free(n);
	return code;
}

static int run_node(const struct cli_call *call)
{
	return run_with(call, false);
}

static int run_seed(const struct cli_call *call)
{
	return run_with(call, true);
}

#define NODE_DETAILS                                                                                                \
	"The home directory is a CometBFT home: config/config.toml is read first, options win over it. The node key,\n" \
	"the address book and the chain id (config/genesis.json) are CometBFT's files, too. The first line printed\n"   \
	"is id@host:port, once the node listens. SIGTERM and SIGINT stop it in good order: peers are told, the\n"       \
	"address book is saved, the exit code is 0."

const struct cli_command cmd_node = {
    .name = "node",
    .usage = "--home DIR [option]...",
    .summary = "runs a real node",
    .details = NODE_DETAILS,
    .shared_options = settings_options,
    .run = run_node,
};

const struct cli_command cmd_seed = {
    .name = "seed",
    .usage = "--home DIR [option]...",
    .summary = "runs a real node in seed mode: it crawls the network and serves addresses",
    .details = NODE_DETAILS,
    .shared_options = settings_options,
    .run = run_seed,
};
