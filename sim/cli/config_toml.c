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

/* Keys outside [p2p] that concern us. */
static bool is_top_key(const char *key)
{
	static const char *const keys[] = {"moniker", "log_level", "node_key_file", "genesis_file"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* Keys of [p2p] that CometBFT has or had and that change nothing here. */
static bool is_idle_key(const char *key)
{
	static const char *const keys[] = {"upnp", "test_dial_fail", "test_fuzz"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static enum toml_kind wanted(enum cli_kind kind)
{
	switch (kind) {
	case CLI_FLAG:
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

static void warn_unknown(const struct config_reader *r, const char *table, const char *key, unsigned line)
{
	char name[2 * TOML_NAME];
	size_t n, skip = strlen(table) + 1;
	const struct cli_option *options = settings_options(&n);

	if (r->warn == NULL)
		return;
	snprintf(name, sizeof name, "%s.%s", table, key);
	const struct cli_option *near = cli_nearest_option(options, n, name);
	fprintf(r->warn, "switchyard: %s:%u: unknown key \"%s\" in [%s] is ignored", r->path, line, key, table);
	if (near != NULL && strncmp(near->name, name, skip) == 0)
		fprintf(r->warn, "; did you mean \"%s\"?", near->name + skip);
	fputc('\n', r->warn);
}

static const char *keep_text(struct settings *s, const char *text)
{
	char *copy = s->num_texts == SETTINGS_TEXTS_MAX ? NULL : strdup(text);

	if (copy != NULL)
		s->texts[s->num_texts++] = copy;
	return copy;
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
	const char *text = keep_text(r->settings, value->text);
	if (text == NULL) {
		snprintf(error, TOML_ERROR_TEXT, "out of memory");
		return false;
	}
	if (cli_set(option, text, r->settings, wrong))
		return true;
	/* the parser of options says "--p2p.key wants ..."; in a file the key stands without the dashes */
	snprintf(error, TOML_ERROR_TEXT, "%.255s", wrong + 2);
	return false;
}

/* The sections whose keys are all ours to know; CometBFT itself passes over sections that it does not know. */
static bool is_our_table(const char *table)
{
	return strcmp(table, "p2p") == 0 || strcmp(table, "switchyard") == 0;
}

static bool on_key(void *ctx, const char *table, const char *key, const struct toml_value *value, unsigned line,
                   char error[TOML_ERROR_TEXT])
{
	struct config_reader *r = ctx;
	char name[2 * TOML_NAME];
	size_t n;
	const struct cli_option *options = settings_options(&n);
	bool ours = is_our_table(table);

	if (!ours && (table[0] != '\0' || !is_top_key(key)))
		return true;
	snprintf(name, sizeof name, "%s%s%s", table, ours ? "." : "", key);
	const struct cli_option *option = cli_find(options, n, name);
	if (option == NULL) {
		if (!is_idle_key(key))
			warn_unknown(r, table, key, line);
		return true;
	}
	bool *seen = &r->seen[option - options];
	if (*seen) {
		snprintf(error, TOML_ERROR_TEXT, "%s is set twice", key);
		return false;
	}
	*seen = true;
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
