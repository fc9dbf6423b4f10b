/* All that a command is told, from the words to the defaults. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/settings.h"
#include "transport/files/home.h"

/* The words of the command line, and which keys they set. */
static bool read_words(struct settings *s, const struct cli_call *call, FILE *warn, char error[CLI_ERROR_TEXT])
{
	struct cli_command command = *call->command;
	struct cli_positional positional;
	size_t n;
	const struct cli_option *options = settings_options(&n);

	if (command.shared_options != NULL)
		command.options = command.shared_options(&command.num_options);
	if (!cli_parse(&command, call->argc, call->argv, s, &positional, error))
		return false;
	for (size_t i = 0; i < command.num_options; i++) {
		const struct cli_option *option = positional.given[i] ? cli_find(options, n, command.options[i].name) : NULL;

		if (option == NULL)
			continue;
		s->origin[option - options] = SETTINGS_FLAG;
		if (option->kind == CLI_IDLE && warn != NULL)
			fprintf(warn, "switchyard: --%s does nothing here\n", option->name);
	}
	return true;
}

/* CometBFT's place when nobody names one. */
static bool find_home(struct settings *s, char error[CLI_ERROR_TEXT])
{
	const char *user = getenv("HOME");
	char path[TP_PATH_MAX];
	struct tp_message msg;

	if (s->home != NULL)
		return true;
	if (user == NULL || *user == '\0') {
		snprintf(error, CLI_ERROR_TEXT, "which home? There is no $HOME; name it with --home");
		return false;
	}
	if (tp_home_path(user, ".cometbft", path, &msg) != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
		return false;
	}
	s->home = settings_keep(s, path);
	return s->home != NULL;
}

static bool read_file(struct settings *s, FILE *warn, char error[CLI_ERROR_TEXT])
{
	char path[TP_PATH_MAX];
	struct tp_message msg;

	if (tp_home_path(s->home, TP_HOME_CONFIG, path, &msg) != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
		return false;
	}
	const char *kept = settings_keep(s, path);
	if (kept == NULL) {
		snprintf(error, CLI_ERROR_TEXT, "out of memory");
		return false;
	}
	return settings_read_file(s, kept, warn, error);
}

/* A host name is a moniker as CometBFT chooses it. */
static bool name_it(struct settings *s)
{
	char host[256] = "";

	gethostname(host, sizeof host - 1);
	if (s->moniker == NULL || *s->moniker == '\0')
		s->moniker = settings_keep(s, *host == '\0' ? "switchyard" : host);
	return s->moniker != NULL;
}

bool settings_load(struct settings *s, const struct cli_call *call, FILE *warn, char error[CLI_ERROR_TEXT])
{
	enum sy_profile profile;

	settings_init(s, SY_PROFILE_DEFAULT);
	if (!read_words(s, call, warn, error) || !settings_read_env(s, (const char *const *)environ, warn, error) || !find_home(s, error) ||
	    !read_file(s, warn, error))
		return false;
	if (sy_profile_parse(s->profile, &profile) != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "there is no profile \"%.60s\"", s->profile);
		return false;
	}
	const char *home = s->home, *chosen = s->profile;
	settings_default(s, profile);
	s->home = home;
	s->profile = chosen;
	if (name_it(s))
		return true;
	snprintf(error, CLI_ERROR_TEXT, "out of memory");
	return false;
}
