/* init, gen-node-key, show-node-id: the files of a home, as CometBFT's commands of these names make and show them. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/settings.h"
#include "transport/files/atomic_file.h"
#include "transport/files/home.h"
#include "transport/files/node_key.h"

static const struct cli_option options[] = {
    {"home", 0, CLI_TEXT, offsetof(struct settings, home), "DIR", "CometBFT's home directory (default: $CMTHOME, else ~/.cometbft)"},
};

/* What the command is told, and the path of the key, which the file may name. False: told. */
static bool begin(struct settings *s, const struct cli_call *call, char key_path[TP_PATH_MAX], int *code)
{
	char error[CLI_ERROR_TEXT];
	struct tp_message msg;

	if (!settings_load(s, call, NULL, error)) {
		*code = cli_usage(call->command, error);
		return false;
	}
	if (tp_home_path(s->home, s->node_key_file, key_path, &msg) != SY_OK) {
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

/* The file's text, which free() frees; null: out of memory. What the file would say is not asked: there is none yet. */
static char *config_text(const struct settings *loaded, size_t *len)
{
	struct settings fresh;
	char *text = NULL;
	FILE *to = open_memstream(&text, len);

	if (to == NULL)
		return NULL;
	settings_init(&fresh, SY_PROFILE_DEFAULT);
	fresh.moniker = loaded->moniker;
	settings_put_template(to, &fresh);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

static enum sy_err write_config(const struct settings *s, struct tp_message *msg)
{
	char path[TP_PATH_MAX];
	size_t len;

	enum sy_err err = tp_home_path(s->home, TP_HOME_CONFIG, path, msg);
	if (err != SY_OK)
		return err;
	if (access(path, F_OK) == 0) {
		printf("found configuration   %s\n", path);
		return SY_OK;
	}
	char *text = config_text(s, &len);
	if (text == NULL)
		return SY_NO_MEMORY;
	err = tp_file_write(path, text, len, 0644, msg);
	free(text);
	if (err == SY_OK)
		printf("made configuration    %s\n", path);
	return err;
}

/* A genesis is the chain's: nothing that could be made here would be right. */
static enum sy_err look_for_genesis(const struct settings *s, struct tp_message *msg)
{
	char path[TP_PATH_MAX];

	enum sy_err err = tp_home_path(s->home, s->genesis_file, path, msg);
	if (err != SY_OK)
		return err;
	if (access(path, F_OK) == 0)
		printf("found genesis         %s\n", path);
	else
		printf("no genesis at         %s; put the chain's there, or name the chain with --network\n", path);
	return SY_OK;
}

static int run_init(const struct cli_call *call)
{
	struct settings s = {0};
	struct tp_node_key key = {0};
	struct tp_message msg = {.text = "out of memory"};
	char key_path[TP_PATH_MAX];
	bool made;
	int code = CLI_HELD;

	if (!begin(&s, call, key_path, &code)) {
		settings_fini(&s);
		return code;
	}
	enum sy_err err = tp_home_make(s.home, &msg);
	if (err == SY_OK)
		err = tp_node_key_load_or_make(key_path, &key, &made, &msg);
	if (err == SY_OK) {
		printf("%s node key        %s\n", made ? "made " : "found", key_path);
		err = write_config(&s, &msg);
	}
	if (err == SY_OK)
		err = look_for_genesis(&s, &msg);
	if (err != SY_OK)
		code = cli_fail(CLI_USAGE, "%s", msg.text);
	tp_node_key_wipe(&key);
	settings_fini(&s);
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
	struct settings s = {0};
	struct tp_node_key key = {0};
	char key_path[TP_PATH_MAX];
	int code = CLI_HELD;

	if (begin(&s, call, key_path, &code))
		code = generate(s.home, key_path, &key);
	tp_node_key_wipe(&key);
	settings_fini(&s);
	return code;
}

static int run_show_node_id(const struct cli_call *call)
{
	struct settings s = {0};
	struct tp_node_key key = {0};
	struct tp_message msg = {.text = ""};
	char key_path[TP_PATH_MAX];
	int code = CLI_HELD;

	if (begin(&s, call, key_path, &code)) {
		if (tp_node_key_load(key_path, &key, &msg) == SY_OK)
			print_id(&key);
		else
			code = cli_fail(CLI_USAGE, "%s", msg.text);
	}
	tp_node_key_wipe(&key);
	settings_fini(&s);
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
