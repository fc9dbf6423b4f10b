/*
 * Environment variables as CometBFT reads them: prefix CMT_, the key in capitals, `_` for `.` and `-`; the `_` behind CMT
 * may be missing (CMTHOME), and such a variable wins over the one with it.
 */
#include <ctype.h>
#include <string.h>

#include "sim/cli/settings.h"

#define PREFIX "CMT"

void settings_env_name(const struct cli_option *option, char name[SETTINGS_ENV_NAME])
{
	char *to = name + snprintf(name, SETTINGS_ENV_NAME, PREFIX "_");

	for (const char *at = option->name; *at != '\0' && to < name + SETTINGS_ENV_NAME - 1; at++)
		*to++ = *at == '.' || *at == '-' ? '_' : (char)toupper((unsigned char)*at);
	*to = '\0';
}

/* The value of NAME in "NAME=value"; null when it is another variable. */
static const char *value_of(const char *text, const char *name)
{
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 && text[len] == '=' ? text + len + 1 : NULL;
}

/* What NAME says; null when it is not set, or empty. */
static const char *look(const char *const *env, const char *name)
{
	for (size_t i = 0; env[i] != NULL; i++) {
		const char *value = value_of(env[i], name);

		if (value != NULL)
			return *value == '\0' ? NULL : value;
	}
	return NULL;
}

/* One key: the name without the first `_`, then with it. */
static bool read_key(struct settings *s, const struct cli_option *option, const char *const *env, char error[CLI_ERROR_TEXT])
{
	char name[SETTINGS_ENV_NAME], brief[SETTINGS_ENV_NAME + 4], wrong[CLI_ERROR_TEXT];

	settings_env_name(option, name);
	snprintf(brief, sizeof brief, PREFIX "%s", name + sizeof PREFIX);
	const char *at = brief, *value = look(env, brief);
	if (value == NULL) {
		at = name;
		value = look(env, name);
	}
	if (value == NULL || settings_set(s, option, SETTINGS_ENV, value, wrong))
		return true;
	/* "--p2p.key wants ..." of a variable */
	snprintf(error, CLI_ERROR_TEXT, "%s: %.500s", at, wrong + 2);
	return false;
}

/* What a variable could say: not what is for one call only, and not what may be given several times. */
static bool is_variable(const struct cli_option *option)
{
	return option->kind != CLI_IDLE && option->kind != CLI_REPEAT && strcmp(option->name, "check-config") != 0;
}

static bool is_known(const char *name, const struct cli_option *options, size_t n)
{
	char known[SETTINGS_ENV_NAME];

	for (size_t i = 0; i < n; i++) {
		settings_env_name(&options[i], known);
		if (strcmp(known, name) == 0)
			return true;
	}
	return false;
}

/* section: "CMT_P2P_"; compared without it, for a long beginning in common makes any two names alike. */
static void warn_nearest(FILE *warn, const char *section, const char *name, const struct cli_option *options, size_t n)
{
	char names[SETTINGS_KEYS_MAX][SETTINGS_ENV_NAME];
	const char *at[SETTINGS_KEYS_MAX];
	size_t count = 0, skip = strlen(section);

	for (size_t i = 0; i < n; i++) {
		settings_env_name(&options[i], names[count]);
		if (!is_variable(&options[i]) || strncmp(names[count], section, skip) != 0)
			continue;
		at[count] = names[count] + skip;
		count++;
	}
	const char *near = cli_nearest(name + skip, at, count);
	fprintf(warn, "switchyard: the environment's %s is no key and is ignored", name);
	if (near != NULL)
		fprintf(warn, "; did you mean %s%s?", section, near);
	fputc('\n', warn);
}

static void warn_unknown(FILE *warn, const char *section, const char *const *env, const struct cli_option *options, size_t n)
{
	for (size_t i = 0; env[i] != NULL; i++) {
		char name[SETTINGS_ENV_NAME];
		size_t len = strcspn(env[i], "=");

		if (strncmp(env[i], section, strlen(section)) != 0)
			continue;
		if (len >= sizeof name)
			len = sizeof name - 1;
		memcpy(name, env[i], len);
		name[len] = '\0';
		if (!is_known(name, options, n))
			warn_nearest(warn, section, name, options, n);
	}
}

bool settings_read_env(struct settings *s, const char *const *env, FILE *warn, char error[CLI_ERROR_TEXT])
{
	size_t n;
	const struct cli_option *options = settings_options(&n);

	for (size_t i = 0; i < n; i++)
		if (is_variable(&options[i]) && !read_key(s, &options[i], env, error))
			return false;
	const char *old = look(env, "TMHOME");
	if (old != NULL && s->home == NULL) {
		if (warn != NULL)
			fprintf(warn, "switchyard: TMHOME is an old name; CMTHOME is the new one\n");
		if (!settings_set(s, cli_find(options, n, "home"), SETTINGS_ENV, old, error))
			return false;
	}
	if (warn == NULL)
		return true;
	warn_unknown(warn, PREFIX "_P2P_", env, options, n);
	warn_unknown(warn, PREFIX "_SWITCHYARD_", env, options, n);
	return true;
}
