/* init, gen-node-key, show-node-id: the files of a home, as CometBFT's commands of these names make and show them. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/home.h"
#include "transport/files/atomic_file.h"
#include "transport/files/home.h"
#include "transport/files/node_key.h"

struct home_args {
	struct settings settings; /* for its home and its texts */
};

static const struct cli_option options[] = {
    {"home", 0, CLI_TEXT, offsetof(struct home_args, settings.home), "DIR", "CometBFT's home directory (default: ~/.cometbft)"},
};

const char *cli_default_home(struct settings *s)
{
	const char *home = getenv("HOME");
	char *text = NULL;

	if (home == NULL || *home == '\0' || s->num_texts == SETTINGS_TEXTS_MAX)
		return NULL;
	if (asprintf(&text, "%s/.cometbft", home) < 0)
		return NULL;
	return s->texts[s->num_texts++] = text;
}

/* Parses the words and finds the path of the key. False: told. */
static bool begin(struct home_args *args, const struct cli_call *call, char key_path[TP_PATH_MAX], int *code)
{
	struct cli_positional positional;
	char error[CLI_ERROR_TEXT];
	struct tp_message msg;

	settings_init(&args->settings, SY_PROFILE_DEFAULT);
	if (!cli_parse(call->command, call->argc, call->argv, args, &positional, error)) {
		*code = cli_usage(call->command, error);
		return false;
	}
	if (args->settings.home == NULL)
		args->settings.home = cli_default_home(&args->settings);
	if (args->settings.home == NULL) {
		*code = cli_usage(call->command, "which home? There is no $HOME; name it with --home");
		return false;
	}
	if (tp_home_path(args->settings.home, TP_HOME_NODE_KEY, key_path, &msg) != SY_OK) {
		*code = cli_fail(CLI_USAGE, "%s", msg.text);
		return false;
	}
	return true;
}

static void print_id(const struct tp_node_key *key)
{
	char id[SY_ID_TEXT];

	sy_id_format(&key->id, id);
	printf("%s\n", id);
}

/* ------------------------------------------------------------------ init */

/* What CometBFT's template says of p2p, less its comments; everything else keeps its defaults there and is unused here. */
static const char config_text[] = "# The p2p part of a CometBFT configuration. Times carry their unit, rates are bytes per second.\n"
                                  "moniker = \"%s\"\n"
                                  "genesis_file = \"config/genesis.json\"\n"
                                  "node_key_file = \"config/node_key.json\"\n"
                                  "log_level = \"info\"\n"
                                  "\n"
                                  "[p2p]\n"
                                  "laddr = \"tcp://0.0.0.0:26656\"\n"
                                  "external_address = \"\"\n"
                                  "seeds = \"\"\n"
                                  "persistent_peers = \"\"\n"
                                  "addr_book_file = \"config/addrbook.json\"\n"
                                  "addr_book_strict = true\n"
                                  "max_num_inbound_peers = 40\n"
                                  "max_num_outbound_peers = 10\n"
                                  "unconditional_peer_ids = \"\"\n"
                                  "persistent_peers_max_dial_period = \"0s\"\n"
                                  "flush_throttle_timeout = \"10ms\"\n"
                                  "max_packet_msg_payload_size = 1024\n"
                                  "send_rate = 5120000\n"
                                  "recv_rate = 5120000\n"
                                  "pex = true\n"
                                  "seed_mode = false\n"
                                  "private_peer_ids = \"\"\n"
                                  "allow_duplicate_ip = false\n"
                                  "handshake_timeout = \"20s\"\n"
                                  "dial_timeout = \"3s\"\n";

/* A host name is a moniker as CometBFT chooses it; what could end the string is left out. */
static void moniker(char name[65])
{
	char host[65] = "";
	size_t n = 0;

	gethostname(host, sizeof host - 1);
	for (size_t i = 0; host[i] != '\0'; i++)
		if (host[i] != '"' && host[i] != '\\' && (unsigned char)host[i] >= 32)
			name[n++] = host[i];
	name[n] = '\0';
}

static enum sy_err write_config(const char *home, struct tp_message *msg)
{
	char path[TP_PATH_MAX], text[sizeof config_text + 64], name[65];

	enum sy_err err = tp_home_path(home, TP_HOME_CONFIG, path, msg);
	if (err != SY_OK)
		return err;
	if (access(path, F_OK) == 0) {
		printf("found configuration   %s\n", path);
		return SY_OK;
	}
	moniker(name);
	int len = snprintf(text, sizeof text, config_text, name);
	err = tp_file_write(path, text, (size_t)len, 0644, msg);
	if (err == SY_OK)
		printf("made configuration    %s\n", path);
	return err;
}

static int run_init(const struct cli_call *call)
{
	struct home_args args;
	struct tp_node_key key = {0};
	struct tp_message msg = {.text = ""};
	char key_path[TP_PATH_MAX];
	bool made;
	int code = CLI_HELD;

	if (!begin(&args, call, key_path, &code)) {
		settings_fini(&args.settings);
		return code;
	}
	enum sy_err err = tp_home_make(args.settings.home, &msg);
	if (err == SY_OK)
		err = tp_node_key_load_or_make(key_path, &key, &made, &msg);
	if (err == SY_OK) {
		printf("%s node key        %s\n", made ? "made " : "found", key_path);
		err = write_config(args.settings.home, &msg);
	}
	if (err != SY_OK)
		code = cli_fail(CLI_USAGE, "%s", msg.text);
	tp_node_key_wipe(&key);
	settings_fini(&args.settings);
	return code;
}

/* ------------------------------------------------------------------ gen-node-key, show-node-id */

static int generate(const char *home, const char *key_path, struct tp_node_key *key)
{
	struct tp_message msg = {.text = "no cryptography"};

	if (access(key_path, F_OK) == 0)
		return cli_fail(CLI_USAGE, "there is a node key already: %s", key_path);
	enum sy_err err = tp_home_make(home, &msg);
	if (err == SY_OK)
		err = tp_node_key_generate(key);
	if (err == SY_OK)
		err = tp_node_key_save(key_path, key, &msg);
	if (err != SY_OK)
		return cli_fail(CLI_USAGE, "%s", msg.text);
	print_id(key);
	return CLI_HELD;
}

static int run_gen_node_key(const struct cli_call *call)
{
	struct home_args args;
	struct tp_node_key key = {0};
	char key_path[TP_PATH_MAX];
	int code = CLI_HELD;

	if (begin(&args, call, key_path, &code))
		code = generate(args.settings.home, key_path, &key);
	tp_node_key_wipe(&key);
	settings_fini(&args.settings);
	return code;
}

static int run_show_node_id(const struct cli_call *call)
{
	struct home_args args;
	struct tp_node_key key = {0};
	struct tp_message msg = {.text = ""};
	char key_path[TP_PATH_MAX];
	int code = CLI_HELD;

	if (begin(&args, call, key_path, &code)) {
		if (tp_node_key_load(key_path, &key, &msg) == SY_OK)
			print_id(&key);
		else
			code = cli_fail(CLI_USAGE, "%s", msg.text);
	}
	tp_node_key_wipe(&key);
	settings_fini(&args.settings);
	return code;
}

#define COMMAND(variable, words, does, function)           \
	const struct cli_command variable = {                  \
	    .name = words,                                     \
	    .usage = "[--home DIR]",                           \
	    .summary = does,                                   \
	    .options = options,                                \
	    .num_options = sizeof options / sizeof options[0], \
	    .run = function,                                   \
	}

COMMAND(cmd_init, "init", "makes a home: config.toml and a node key, where they are missing", run_init);
COMMAND(cmd_gen_node_key, "gen-node-key", "makes a node key and prints its id; an existing key stays", run_gen_node_key);
COMMAND(cmd_show_node_id, "show-node-id", "prints the id of the home's node key", run_show_node_id);
