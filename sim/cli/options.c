/* The option parser: words against a command's table. */
#include "sim/cli/cli.h"

#include <string.h>

/* Compares names; `-` and `_` are the same, for CometBFT itself writes both. */
static bool same_name(const char *a, const char *b, size_t b_len)
{
	size_t i = 0;

	for (; i < b_len && a[i] != '\0'; i++) {
		char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];

		if (x != y)
			return false;
	}
	return i == b_len && a[i] == '\0';
}

static const struct cli_option *find_len(const struct cli_option *options, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (same_name(options[i].name, name, len))
			return &options[i];
	return NULL;
}

const struct cli_option *cli_find(const struct cli_option *options, size_t n, const char *name)
{
	return find_len(options, n, name, strlen(name));
}

const struct cli_option *cli_nearest_option(const struct cli_option *options, size_t n, const char *name)
{
	const char *names[CLI_OPTIONS_MAX] = {NULL};
	size_t count = 0;

	for (size_t i = 0; i < n && count < sizeof names / sizeof names[0]; i++)
		names[count++] = options[i].name;
	const char *nearest = cli_nearest(name, names, count);
	return nearest == NULL ? NULL : cli_find(options, n, nearest);
}

/* True when text is one of the words in choices ("a|b|c"). */
static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *at = choices;; at++) {
		const char *end = strchr(at, '|');
		size_t n = end == NULL ? strlen(at) : (size_t)(end - at);

		if (n == len && memcmp(at, text, n) == 0)
			return true;
		if (end == NULL)
			return false;
		at = end;
	}
}

static bool bad_value(const struct cli_option *option, const char *text, const char *wanted, char error[CLI_ERROR_TEXT])
{
	snprintf(error, CLI_ERROR_TEXT, "--%s wants %s, not \"%.80s\"", option->name, wanted, text);
	return false;
}

/* The words for yes and no of Go's parser, which CometBFT's flags and variables go through. */
static bool is_word_of(const char *text, const char *const words[6])
{
	for (size_t i = 0; i < 6; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool set_flag(const struct cli_option *option, const char *text, bool *place, char error[CLI_ERROR_TEXT])
{
	static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"};
	static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};

	*place = is_word_of(text, yes);
	return *place || is_word_of(text, no) || bad_value(option, text, "true or false", error);
}

static bool set_u32(const struct cli_option *option, const char *text, uint32_t *place, char error[CLI_ERROR_TEXT])
{
	uint64_t value;

	if (!cli_parse_u64(text, &value) || value > UINT32_MAX)
		return bad_value(option, text, "a whole number from 0 to 4294967295", error);
	*place = (uint32_t)value;
	return true;
}

static bool add_text(const struct cli_option *option, const char *text, struct cli_texts *texts, char error[CLI_ERROR_TEXT])
{
	if (texts->n == CLI_REPEAT_MAX) {
		snprintf(error, CLI_ERROR_TEXT, "--%s may be given %u times at most", option->name, CLI_REPEAT_MAX);
		return false;
	}
	texts->at[texts->n++] = text;
	return true;
}

bool cli_set(const struct cli_option *option, const char *text, void *args, char error[CLI_ERROR_TEXT])
{
	void *place = (char *)args + option->offset;

	switch (option->kind) {
	case CLI_FLAG:
		return set_flag(option, text, place, error);
	case CLI_TEXT:
		*(const char **)place = text;
		return true;
	case CLI_REPEAT:
		return add_text(option, text, place, error);
	case CLI_U64:
		return cli_parse_u64(text, place) || bad_value(option, text, "a whole number", error);
	case CLI_U32:
		return set_u32(option, text, place, error);
	case CLI_TIME:
		return cli_parse_time(text, 1000000000u, place) || bad_value(option, text, "a time such as 90s, 10m or 1h30m", error);
	case CLI_GO_DURATION:
		return cli_parse_time(text, 0, place) || bad_value(option, text, "a time with its unit, such as 10ms or 1m30s", error);
	case CLI_CHOICE:
		if (!is_choice(option->value, text))
			return bad_value(option, text, option->value, error);
		*(const char **)place = text;
		return true;
	case CLI_IDLE:
		return true;
	case CLI_RANGE:
		return cli_parse_range(text, place) || bad_value(option, text, "a range A..B with A <= B", error);
	}
	return false;
}

struct words {
	int argc, at;
	char **argv;
	bool *given; /* by the index of the option */
};

/* Where the value of an option stands: behind `=`, in the next word, or nowhere because a flag needs none. */
static const char *value_of(const struct cli_option *option, const char *equals, struct words *words)
{
	if (equals != NULL)
		return equals + 1;
	if (option->kind == CLI_FLAG || (option->kind == CLI_IDLE && option->value == NULL))
		return "true";
	return words->at < words->argc ? words->argv[words->at++] : NULL;
}

static bool unknown(const struct cli_command *command, const char *word, size_t len, char error[CLI_ERROR_TEXT])
{
	char name[CLI_NAME_MAX];

	snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), word);
	const struct cli_option *near = cli_nearest_option(command->options, command->num_options, name);
	if (near != NULL)
		snprintf(error, CLI_ERROR_TEXT, "unknown option --%s; did you mean --%s?", name, near->name);
	else
		snprintf(error, CLI_ERROR_TEXT, "unknown option --%s", name);
	return false;
}

static bool parse_long(const struct cli_command *command, const char *word, struct words *words, void *args, char error[CLI_ERROR_TEXT])
{
	const char *equals = strchr(word, '=');
	size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
	const struct cli_option *option = find_len(command->options, command->num_options, word, len);

	if (option == NULL)
		return unknown(command, word, len, error);
	const char *value = value_of(option, equals, words);
	if (value == NULL) {
		snprintf(error, CLI_ERROR_TEXT, "--%s needs a value: %s", option->name, option->value);
		return false;
	}
	words->given[option - command->options] = true;
	return cli_set(option, value, args, error);
}

/* -p VALUE, -pVALUE. */
static bool parse_brief(const struct cli_command *command, const char *word, struct words *words, void *args, char error[CLI_ERROR_TEXT])
{
	for (size_t i = 0; i < command->num_options; i++) {
		const struct cli_option *option = &command->options[i];
		const char *value;

		if (option->brief == 0 || option->brief != word[0])
			continue;
		value = word[1] != '\0' ? word + 1 : value_of(option, NULL, words);
		if (value == NULL) {
			snprintf(error, CLI_ERROR_TEXT, "-%c needs a value: %s", option->brief, option->value);
			return false;
		}
		words->given[i] = true;
		return cli_set(option, value, args, error);
	}
	snprintf(error, CLI_ERROR_TEXT, "unknown option -%.40s", word);
	return false;
}

static bool take_positional(const struct cli_command *command, const char *word, struct cli_positional *positional,
                            char error[CLI_ERROR_TEXT])
{
	if (positional->n >= command->max_positional || positional->n >= CLI_POSITIONAL_MAX) {
		snprintf(error, CLI_ERROR_TEXT, "what is \"%.80s\"? The command is: %s %s", word, command->name, command->usage);
		return false;
	}
	positional->at[positional->n++] = word;
	return true;
}

bool cli_parse(const struct cli_command *command, int argc, char **argv, void *args, struct cli_positional *positional,
               char error[CLI_ERROR_TEXT])
{
	struct words words = {.argc = argc, .argv = argv, .given = positional->given};
	bool only_positional = false;

	memset(positional, 0, sizeof *positional);
	while (words.at < words.argc) {
		const char *word = words.argv[words.at++];
		bool good;

		if (!only_positional && strcmp(word, "--") == 0) {
			only_positional = true;
			continue;
		}
		if (!only_positional && word[0] == '-' && word[1] == '-')
			good = parse_long(command, word + 2, &words, args, error);
		else if (!only_positional && word[0] == '-' && word[1] != '\0')
			good = parse_brief(command, word + 1, &words, args, error);
		else
			good = take_positional(command, word, positional, error);
		if (!good)
			return false;
	}
	if (positional->n < command->min_positional) {
		snprintf(error, CLI_ERROR_TEXT, "something is missing; the command is: %s %s", command->name, command->usage);
		return false;
	}
	return true;
}
