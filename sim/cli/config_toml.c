/* CometBFT's config.toml into settings. Sections and keys that a p2p node does not need are passed over. */
#include <stdlib.h>
#include <string.h>

#include "sim/cli/settings.h"
#include "sim/cli/toml.h"
#include "transport/files/atomic_file.h"

#define CONFIG_MAX (1024u * 1024u) /* CometBFT's own is 25 KiB */

struct config_reader {
	struct settings *settings;
	const char *path;
	FILE *warn;
	bool seen[SETTINGS_KEYS_MAX]; /* the table's i-th key has been set */
};

static enum toml_kind wanted(enum cli_kind kind)
{
	switch (kind) {
	case CLI_FLAG:
	case CLI_IDLE: /* those of [p2p] are switches */
		return TOML_BOOL;
	case CLI_U64:
	case CLI_U32:
		return TOML_INTEGER;
	case CLI_TEXT:
	case CLI_REPEAT:
	case CLI_TIME:
	case CLI_GO_DURATION:
	case CLI_CHOICE:
	case CLI_RANGE:
		return TOML_STRING;
	}
	return TOML_STRING;
}

/* The table's key nearest to a name that is none; null when none is near. */
static const char *nearest_key(const char *table, const char *name)
{
	const char *keys[SETTINGS_KEYS_MAX], *its_table;
	size_t n, count = 0;
	const struct cli_option *options = settings_options(&n);

	for (size_t i = 0; i < n; i++)
		if (settings_file_key(&options[i], &its_table, &keys[count]) && strcmp(its_table, table) == 0)
			count++;
	return cli_nearest(name, keys, count);
}

static void warn_unknown(const struct config_reader *r, const char *table, const char *key, unsigned line)
{
	if (r->warn == NULL)
		return;
	fprintf(r->warn, "switchyard: %s:%u: unknown key \"%s\" in [%s] is ignored", r->path, line, key, table);
	const char *near = nearest_key(table, key);
	if (near != NULL)
		fprintf(r->warn, "; did you mean \"%s\"?", near);
	fputc('\n', r->warn);
}

static bool set(struct config_reader *r, const struct cli_option *option, const char *key, const struct toml_value *value,
                char error[TOML_ERROR_TEXT])
{
	char wrong[CLI_ERROR_TEXT];

	if (value->kind != wanted(option->kind)) {
		snprintf(error, TOML_ERROR_TEXT, "%s wants %s, not %s", key, toml_kind_name(wanted(option->kind)), toml_kind_name(value->kind));
		return false;
	}
	if (value->kind == TOML_INTEGER && value->integer < 0) {
		snprintf(error, TOML_ERROR_TEXT, "%s cannot be negative", key);
		return false;
	}
	const char *text = settings_keep(r->settings, value->text);
	if (text == NULL) {
		snprintf(error, TOML_ERROR_TEXT, "out of memory");
		return false;
	}
	if (settings_set(r->settings, option, SETTINGS_FILE, text, wrong))
		return true;
	/* the parser of options says "--p2p.key wants ..."; in a file the key stands without the dashes */
	snprintf(error, TOML_ERROR_TEXT, "%.255s", wrong + 2);
	return false;
}

/* The sections whose keys are all ours to know; CometBFT itself passes over sections that it does not know. */
static bool is_our_table(const char *table)
{
	return strcmp(table, "p2p") == 0 || strcmp(table, "instrumentation") == 0 || strcmp(table, "switchyard") == 0;
}

/* Switched on it would be missed: the rest of what CometBFT does with the file goes without saying. */
static void warn_idle(const struct config_reader *r, const struct cli_option *option, const struct toml_value *value, unsigned line)
{
	if (r->warn != NULL && value->boolean)
		fprintf(r->warn, "switchyard: %s:%u: %s does nothing here\n", r->path, line, option->name);
}

/* Their wire protocol is another one: a node that was told to speak it would meet nobody. */
static bool is_libp2p(const char *table, const char *key, const struct toml_value *value)
{
	return strcmp(table, "p2p.libp2p") == 0 && strcmp(key, "enabled") == 0 && value->kind == TOML_BOOL && value->boolean;
}

static bool on_key(void *ctx, const char *table, const char *key, const struct toml_value *value, unsigned line,
                   char error[TOML_ERROR_TEXT])
{
	struct config_reader *r = ctx;
	size_t n;
	const struct cli_option *options = settings_options(&n), *option = settings_find(table, key);

	if (is_libp2p(table, key, value)) {
		snprintf(error, TOML_ERROR_TEXT, "enabled: CometBFT's libp2p transport is another protocol, which is not spoken here");
		return false;
	}
	if (option == NULL) {
		if (is_our_table(table))
			warn_unknown(r, table, key, line);
		return true;
	}
	if (r->seen[option - options]) {
		snprintf(error, TOML_ERROR_TEXT, "%s is set twice", key);
		return false;
	}
	r->seen[option - options] = true;
	r->settings->line[option - options] = line;
	if (option->kind == CLI_IDLE)
		warn_idle(r, option, value, line);
	return set(r, option, key, value, error);
}

bool settings_read_file(struct settings *s, const char *path, FILE *warn, char error[CLI_ERROR_TEXT])
{
	struct config_reader r = {.settings = s, .path = path, .warn = warn};
	struct tp_message msg;
	char *text, why[TOML_ERROR_TEXT];
	size_t len;
	unsigned line;

	enum sy_err err = tp_file_read(path, CONFIG_MAX, &text, &len, &msg);
	if (err == SY_NOT_FOUND)
		return true;
	if (err != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
		return false;
	}
	s->file = path;
	bool good = strlen(text) == len;
	if (!good)
		snprintf(error, CLI_ERROR_TEXT, "%.500s: is no text", path);
	else if (!toml_read(text, on_key, &r, &line, why)) {
		snprintf(error, CLI_ERROR_TEXT, "%.340s:%u: %.255s", path, line, why);
		good = false;
	}
	free(text);
	return good;
}
