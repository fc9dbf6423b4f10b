/* Settings as people read them: all keys with their origins, and the config.toml that `init` writes. */
#include <inttypes.h>
#include <string.h>

#include "sim/cli/settings.h"

/* A TOML basic string. */
static void put_text(FILE *to, const char *text)
{
	fputc('"', to);
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if ((unsigned char)*text < 32)
			fprintf(to, "\\u%04x", (unsigned)(unsigned char)*text);
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

/* The largest unit that divides it; whole, so that reading it back gives the same. */
static void put_duration(FILE *to, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"h", 3600000000000u}, {"m", 60000000000u}, {"s", 1000000000u}, {"ms", 1000000u}, {"us", 1000u}};

	for (size_t i = 0; ns != 0 && i < sizeof units / sizeof units[0]; i++) {
		if (ns % units[i].ns == 0) {
			fprintf(to, "\"%" PRIu64 "%s\"", ns / units[i].ns, units[i].name);
			return;
		}
	}
	fprintf(to, "\"%" PRIu64 "%s\"", ns, ns == 0 ? "s" : "ns");
}

static void put_texts(FILE *to, const struct cli_texts *texts)
{
	fputc('[', to);
	for (size_t i = 0; i < texts->n; i++) {
		fputs(i == 0 ? "" : ", ", to);
		put_text(to, texts->at[i]);
	}
	fputc(']', to);
}

void settings_put_value(FILE *to, const struct settings *s, const struct cli_option *option)
{
	const void *place = (const char *)s + option->offset;

	switch (option->kind) {
	case CLI_FLAG:
		fputs(*(const bool *)place ? "true" : "false", to);
		return;
	case CLI_TEXT:
	case CLI_CHOICE:
		put_text(to, *(const char *const *)place);
		return;
	case CLI_REPEAT:
		put_texts(to, place);
		return;
	case CLI_U64:
		fprintf(to, "%" PRIu64, *(const uint64_t *)place);
		return;
	case CLI_U32:
		fprintf(to, "%" PRIu32, *(const uint32_t *)place);
		return;
	case CLI_TIME:
	case CLI_GO_DURATION:
		put_duration(to, *(const uint64_t *)place);
		return;
	case CLI_RANGE: /* no key of a node is one */
	case CLI_IDLE:
		return;
	}
}

static void put_origin(FILE *to, const struct settings *s, const struct cli_option *option, size_t i)
{
	char name[SETTINGS_ENV_NAME];

	switch (s->origin[i]) {
	case SETTINGS_DEFAULT:
		fputs("default", to);
		return;
	case SETTINGS_FILE:
		fprintf(to, "%s:%u", s->file, s->line[i]);
		return;
	case SETTINGS_ENV:
		settings_env_name(option, name);
		fprintf(to, "environment, %s", name);
		return;
	case SETTINGS_COMMAND:
		fputs("the command", to);
		return;
	case SETTINGS_FLAG:
		fprintf(to, "--%s", option->name);
		return;
	}
}

void settings_show(FILE *to, const struct settings *s)
{
	size_t n;
	const struct cli_option *options = settings_options(&n);

	for (size_t i = 0; i < n; i++) {
		if (options[i].kind == CLI_IDLE || strcmp(options[i].name, "check-config") == 0)
			continue;
		fprintf(to, "%s = ", options[i].name);
		settings_put_value(to, s, &options[i]);
		fputs("  # ", to);
		put_origin(to, s, &options[i], i);
		fputc('\n', to);
	}
}

/* What is ours is written as comments: a later version's better default then counts. */
static void put_table(FILE *to, const struct settings *s, const char *table, const char *before)
{
	size_t n;
	const struct cli_option *options = settings_options(&n);
	const char *its_table, *key;

	if (*table != '\0')
		fprintf(to, "\n[%s]\n", table);
	for (size_t i = 0; i < n; i++) {
		if (options[i].kind == CLI_IDLE || !settings_file_key(&options[i], &its_table, &key) || strcmp(its_table, table) != 0)
			continue;
		fprintf(to, "\n# %s\n%s%s = ", options[i].help, before, key);
		settings_put_value(to, s, &options[i]);
		fputc('\n', to);
	}
}

void settings_put_template(FILE *to, const struct settings *s)
{
	fputs("# The p2p part of a CometBFT configuration. Times carry their unit, rates are bytes per second.\n", to);
	put_table(to, s, "", "");
	put_table(to, s, "p2p", "");
	put_table(to, s, "instrumentation", "");
	fputs("\n# What follows is Switchyard's own; CometBFT passes over it. Take away the # of a key to change it.\n", to);
	put_table(to, s, "switchyard", "# ");
}
