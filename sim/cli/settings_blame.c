/* One line about a key that cannot be taken as it is: where it was set, what it says, what it may say. */
#include <stdarg.h>
#include <string.h>

#include "sim/cli/settings.h"

static const struct cli_option *key_of(const struct settings *s, const char *name, enum settings_origin *origin, size_t *i)
{
	size_t n;
	const struct cli_option *options = settings_options(&n), *option = cli_find(options, n, name);

	*i = option == NULL ? 0 : (size_t)(option - options);
	*origin = option == NULL ? SETTINGS_DEFAULT : s->origin[*i];
	return option;
}

/* "FILE:LINE: " or "VARIABLE: "; words and defaults have no place that the name of the key would not tell. */
static int put_place(const struct settings *s, const char *name, char *to, size_t size)
{
	enum settings_origin origin;
	size_t i;
	char variable[SETTINGS_ENV_NAME];
	const struct cli_option *option = key_of(s, name, &origin, &i);

	*to = '\0';
	if (origin == SETTINGS_FILE)
		return snprintf(to, size, "%.340s:%u: ", s->file, s->line[i]);
	if (origin != SETTINGS_ENV)
		return 0;
	settings_env_name(option, variable);
	return snprintf(to, size, "%s: ", variable);
}

void settings_blame(const struct settings *s, const char *name, char error[CLI_ERROR_TEXT], const char *format, ...)
{
	int n = put_place(s, name, error, CLI_ERROR_TEXT);
	va_list args;

	va_start(args, format);
	vsnprintf(error + n, CLI_ERROR_TEXT - (size_t)n, format, args);
	va_end(args);
}

/* " = VALUE", as config.toml has it. */
static void value_text(const struct settings *s, const struct cli_option *option, char to[SETTINGS_VALUE_TEXT])
{
	FILE *file = fmemopen(to, SETTINGS_VALUE_TEXT, "w");

	*to = '\0';
	if (file == NULL)
		return;
	settings_put_value(file, s, option);
	fclose(file);
	to[SETTINGS_VALUE_TEXT - 1] = '\0'; /* what was too long is cut */
}

void settings_refuse(const struct settings *s, const char *name, const char *other, const char *wants, char error[CLI_ERROR_TEXT])
{
	enum settings_origin origin, its_origin = SETTINGS_DEFAULT;
	size_t i;
	char value[SETTINGS_VALUE_TEXT], its[SETTINGS_VALUE_TEXT] = "";
	const struct cli_option *option = key_of(s, name, &origin, &i), *another = NULL;

	value_text(s, option, value);
	if (other != NULL) {
		another = key_of(s, other, &its_origin, &i);
		value_text(s, another, its);
	}
	bool default_is_hit = origin == SETTINGS_DEFAULT && its_origin != SETTINGS_DEFAULT;
	settings_blame(s, default_is_hit ? other : name, error, "%s = %s: wants %s%s%s%s%s", name, value, wants, other == NULL ? "" : "; ",
	               other == NULL ? "" : other, other == NULL ? "" : " = ", its);
}
