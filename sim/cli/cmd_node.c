/* node, seed: a real node in a CometBFT home. */
#include <stdlib.h>

#include "sim/cli/real_node.h"

static bool load(struct settings *s, const struct cli_call *call, bool seed, char error[CLI_ERROR_TEXT])
{
	const struct cli_option *option = settings_find("p2p", "seed_mode");

	return settings_load(s, call, stderr, error) && (!seed || settings_set(s, option, SETTINGS_COMMAND, "true", error));
}

static int check(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	settings_show(stdout, n->settings);
	int code = real_node_check(n, error);
	if (code == CLI_HELD)
		printf("# good: %s of chain %s\n", n->has_key ? n->id : "a node without a key yet",
		       n->settings->network != NULL ? n->settings->network : n->chain_id);
	return code;
}

static int run_with(const struct cli_call *call, bool seed)
{
	struct settings settings = {0};
	struct real_node *n = calloc(1, sizeof *n);
	char error[CLI_ERROR_TEXT] = "";
	int code = CLI_USAGE;

	if (n == NULL)
		return cli_fail(CLI_INTERNAL, "out of memory");
	if (!load(&settings, call, seed, error)) {
		settings_fini(&settings);
		free(n);
		return cli_usage(call->command, error);
	}
	n->settings = &settings;
	n->log.json = strcmp(settings.log_format, "json") == 0;
	n->call = call;
	if (!node_log_parse(settings.log_level, &n->log.level))
		settings_blame(&settings, "log_level", error,
		               "log_level wants debug, info, warn, error or none, or a list such as p2p:debug,*:error, not \"%.60s\"",
		               settings.log_level);
	else if (sy_profile_parse(settings.profile, &n->profile) == SY_OK)
		code = settings.check_config ? check(n, error) : real_node_run(n, error);
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

#define NODE_DETAILS                                                                                                  \
	"The home directory is a CometBFT home: options win over environment variables (CMT_P2P_LADDR and so on, and\n"   \
	"CMTHOME), those over config/config.toml, that over the defaults. The node key, the address book and the chain\n" \
	"id (config/genesis.json) are CometBFT's files, too. The first line printed\n"                                    \
	"is id@host:port, once the node listens. SIGTERM and SIGINT stop it in good order: peers are told, the\n"         \
	"address book is saved, the exit code is 0. SIGHUP reads the block and allow lists and the log level again."

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
