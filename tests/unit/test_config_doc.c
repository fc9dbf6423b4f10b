/* docs/CONFIG.md has every key, with the default and the variable that the program knows, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/settings.h"
#include "transport/files/atomic_file.h"

#define DOC "docs/CONFIG.md"

static char *read_doc(void)
{
	char *text = NULL;
	size_t len;
	struct tp_message msg;

	if (tp_file_read(DOC, 1u << 20, &text, &len, &msg) != SY_OK)
		fail_msg("%s (tests run in the project's root)", msg.text);
	return text;
}

/* "| `p2p.pex` | `true` | `CMT_P2P_PEX` |", as the row of a key begins. */
static char *row_of(const struct settings *s, const struct cli_option *option)
{
	char *row, env[SETTINGS_ENV_NAME];
	size_t len;
	FILE *to = open_memstream(&row, &len);

	settings_env_name(option, env);
	fprintf(to, "\n| `%s` | `", option->name);
	settings_put_value(to, s, option);
	fprintf(to, "` | `%s` |", env);
	fclose(to);
	return row;
}

/* For one call only: they are told of in the text. */
static bool is_row(const struct cli_option *option)
{
	return option->kind != CLI_IDLE && option->kind != CLI_REPEAT && strcmp(option->name, "check-config") != 0;
}

static void test_config_doc_has_every_key(void **state)
{
	struct settings s;
	size_t n;
	const struct cli_option *options = settings_options(&n);
	char *doc = read_doc();

	settings_init(&s, SY_PROFILE_DEFAULT);
	for (size_t i = 0; i < n; i++) {
		char *row = is_row(&options[i]) ? row_of(&s, &options[i]) : NULL;

		if (row != NULL && strstr(doc, row) == NULL)
			fail_msg(DOC " lacks a row that begins with:%s", row);
		free(row);
	}
	free(doc);
}

static void test_config_doc_has_every_flag_that_is_passed_over(void **state)
{
	size_t n;
	const struct cli_option *options = settings_options(&n);
	char *doc = read_doc(), word[80];

	for (size_t i = 0; i < n; i++) {
		snprintf(word, sizeof word, "`--%s`", options[i].name);
		if (options[i].kind == CLI_IDLE && strstr(doc, word) == NULL)
			fail_msg(DOC " does not name %s", word);
	}
	free(doc);
}

static void test_config_doc_has_no_other_key(void **state)
{
	size_t n;
	const struct cli_option *options = settings_options(&n);
	char *doc = read_doc();

	for (size_t at = 0; doc[at] != '\0'; at++) {
		char name[CLI_NAME_MAX] = "";
		const char *row = doc + at;
		size_t len = strncmp(row, "\n| `", 4) == 0 ? strcspn(row + 4, "`") : 0;

		if (len == 0)
			continue;
		assert_true(len < sizeof name);
		memcpy(name, row + 4, len);
		const struct cli_option *option = cli_find(options, n, name);
		if (option == NULL || !is_row(option))
			fail_msg(DOC " has a row for `%s`, which is no key", name);
	}
	free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config_doc_has_every_key),
	    cmocka_unit_test(test_config_doc_has_every_flag_that_is_passed_over),
	    cmocka_unit_test(test_config_doc_has_no_other_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
