/* The command that repeats a run: everything that may change its result, and nothing else. */
#include <string.h>

#include "sim/cli/run.h"

struct text {
	char *at;
	size_t len, size;
};

static void put_char(struct text *t, char c)
{
	if (t->len + 1 < t->size)
		t->at[t->len++] = c;
	t->at[t->len] = '\0';
}

static bool is_plain(const char *word)
{
	size_t plain = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%");

	return plain != 0 && word[plain] == '\0';
}

static void put_word(struct text *t, const char *word)
{
	bool plain = is_plain(word);

	if (t->len != 0)
		put_char(t, ' ');
	if (!plain)
		put_char(t, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'') {
			put_char(t, '\'');
			put_char(t, '\\');
			put_char(t, '\'');
		}
		put_char(t, *word);
	}
	if (!plain)
		put_char(t, '\'');
}

static void put_option(struct text *t, const char *option, const char *value)
{
	put_word(t, option);
	put_word(t, value);
}

void run_repeat_command(char text[RUN_COMMAND], const struct run_args *args, uint64_t seed)
{
	struct text t = {.at = text, .size = RUN_COMMAND};
	char number[40];

	text[0] = '\0';
	put_word(&t, args->program);
	put_word(&t, "run");
	put_word(&t, args->file);
	snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
	put_option(&t, "--seed", number);
	if (strcmp(args->profile, "default") != 0)
		put_option(&t, "--profile", args->profile);
	if (strcmp(args->transport, "sim") != 0)
		put_option(&t, "--transport", args->transport);
	if (args->crypto != NULL)
		put_option(&t, "--crypto", args->crypto);
	if (args->tcp != NULL)
		put_option(&t, "--tcp", args->tcp);
	for (size_t i = 0; i < args->params.n; i++)
		put_option(&t, "-p", args->params.at[i]);
	if (args->buggify != NULL)
		put_option(&t, "--buggify", args->buggify);
	if (args->plan != NULL)
		put_option(&t, "--plan", args->plan);
	if (args->until_ns != 0) {
		snprintf(number, sizeof number, "%lluns", (unsigned long long)args->until_ns);
		put_option(&t, "--until", number);
	}
}
