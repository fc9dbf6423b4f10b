/* The command line's parser: options, values, the nearest name, the command that repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "sim/cli/run.h"

struct args {
	bool flag;
	const char *text, *choice;
	struct cli_texts many;
	uint64_t number, time, go;
	uint32_t small;
	struct cli_range range;
};

#define AT(field) offsetof(struct args, field)
static const struct cli_option options[] = {
    {"flag", 0, CLI_FLAG, AT(flag), NULL, ""},
    {"p2p.text", 0, CLI_TEXT, AT(text), "TEXT", ""},
    {"param", 'p', CLI_REPEAT, AT(many), "KEY=VALUE", ""},
    {"number", 'n', CLI_U64, AT(number), "N", ""},
    {"small", 0, CLI_U32, AT(small), "N", ""},
    {"until", 0, CLI_TIME, AT(time), "T", ""},
    {"dial_timeout", 0, CLI_GO_DURATION, AT(go), "T", ""},
    {"kind", 0, CLI_CHOICE, AT(choice), "real|null", ""},
    {"seeds", 0, CLI_RANGE, AT(range), "A..B", ""},
    {"theirs", 0, CLI_IDLE, 0, "ADDRESS", ""},
    {"their-flag", 0, CLI_IDLE, 0, NULL, ""},
};
static const struct cli_command command = {
    .name = "do",
    .usage = "FILE",
    .options = options,
    .num_options = sizeof options / sizeof options[0],
    .min_positional = 1,
    .max_positional = 1,
};

static bool parse(struct args *args, struct cli_positional *positional, char error[CLI_ERROR_TEXT], int argc, ...)
{
	char *argv[16];
	va_list words;

	va_start(words, argc);
	for (int i = 0; i < argc; i++)
		argv[i] = va_arg(words, char *);
	va_end(words);
	memset(args, 0, sizeof *args);
	error[0] = '\0';
	return cli_parse(&command, argc, argv, args, positional, error);
}

static void test_cli_parse_reads_both_spellings(void **state)
{
	struct args a;
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	assert_true(parse(&a, &p, e, 6, "--number", "7", "--kind=null", "file", "--p2p.text=a=b", "--flag"));
	assert_int_equal(a.number, 7);
	assert_string_equal(a.choice, "null");
	assert_string_equal(a.text, "a=b");
	assert_true(a.flag);
	assert_string_equal(p.at[0], "file");
}

static void test_cli_parse_idle_options_take_their_words_and_set_nothing(void **state)
{
	struct args a, none = {0};
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	assert_true(parse(&a, &p, e, 4, "--theirs", "here", "--their_flag", "file"));
	assert_memory_equal(&a, &none, sizeof a);
	assert_string_equal(p.at[0], "file");
	assert_true(p.given[9] && p.given[10] && !p.given[0]);
}

static void test_cli_parse_brief_and_repeated(void **state)
{
	struct args a;
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	assert_true(parse(&a, &p, e, 6, "-p", "a=1", "-pb=2", "--param=c=3", "f", "-n5"));
	assert_int_equal(a.many.n, 3);
	assert_string_equal(a.many.at[1], "b=2");
	assert_int_equal(a.number, 5);
}

static void test_cli_parse_repeat_is_bounded(void **state)
{
	struct args a = {0};
	char e[CLI_ERROR_TEXT];

	for (size_t i = 0; i < CLI_REPEAT_MAX; i++)
		assert_true(cli_set(&options[2], "a=1", &a, e));
	assert_false(cli_set(&options[2], "a=1", &a, e));
	assert_non_null(strstr(e, "64 times"));
}

static void test_cli_parse_dash_and_underscore_are_the_same(void **state)
{
	struct args a;
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	assert_true(parse(&a, &p, e, 3, "--dial-timeout", "3s", "f"));
	assert_true(a.go == 3000000000u);
}

static void test_cli_parse_flag_takes_true_or_false(void **state)
{
	struct args a;
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	assert_true(parse(&a, &p, e, 3, "--flag", "--flag=false", "f"));
	assert_false(a.flag);
	assert_false(parse(&a, &p, e, 2, "--flag=yes", "f"));
	assert_non_null(strstr(e, "--flag wants true or false, not \"yes\""));
}

static void test_cli_parse_unknown_option_names_the_nearest(void **state)
{
	struct args a;
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	assert_false(parse(&a, &p, e, 2, "--untli", "f"));
	assert_string_equal(e, "unknown option --untli; did you mean --until?");
	assert_false(parse(&a, &p, e, 2, "--qqqqqqq", "f"));
	assert_string_equal(e, "unknown option --qqqqqqq");
	assert_false(parse(&a, &p, e, 2, "-x", "f"));
	assert_string_equal(e, "unknown option -x");
}

static void test_cli_parse_refuses_wrong_values(void **state)
{
	static const struct {
		const char *word, *says;
	} cases[] = {
	    {"--number=-1", "--number wants a whole number, not \"-1\""},
	    {"--number=", "--number wants a whole number"},
	    {"--number=18446744073709551616", "--number wants a whole number"},
	    {"--small=4294967296", "--small wants a whole number from 0 to 4294967295"},
	    {"--until=10parsecs", "--until wants a time"},
	    {"--dial_timeout=10", "--dial_timeout wants a time with its unit"},
	    {"--kind=rea", "--kind wants real|null, not \"rea\""},
	    {"--kind=real|null", "--kind wants real|null"},
	    {"--seeds=5..4", "--seeds wants a range"},
	    {"--seeds=5", "--seeds wants a range"},
	};
	struct args a;
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(parse(&a, &p, e, 2, "f", cases[i].word));
		assert_non_null(strstr(e, cases[i].says));
	}
}

static void test_cli_parse_missing_value_and_words(void **state)
{
	struct args a;
	struct cli_positional p;
	char e[CLI_ERROR_TEXT];

	assert_false(parse(&a, &p, e, 2, "f", "--number"));
	assert_non_null(strstr(e, "--number needs a value: N"));
	assert_false(parse(&a, &p, e, 0));
	assert_non_null(strstr(e, "the command is: do FILE"));
	assert_false(parse(&a, &p, e, 2, "f", "g"));
	assert_non_null(strstr(e, "\"g\""));
	assert_true(parse(&a, &p, e, 2, "--", "--number"));
	assert_string_equal(p.at[0], "--number");
}

static void test_cli_parse_time_reads_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
	    {"90", 90000000000u},
	    {"1.5", 1500000000u},
	    {"10ms", 10000000u},
	    {"1m30s", 90000000000u},
	    {"1h", 3600000000000u},
	    {"2min", 120000000000u},
	    {"250us", 250000u},
	    {"7ns", 7},
	    {"0.25s", 250000000u},
	    {"1d", 86400000000000u},
	    {"0", 0},
	};
	static const char *const bad[] = {"", "s", "10x", "1.s", ".5s", "-1s", "1 s", "1s5", "106752d", "1e3", "10m5", "9999999999999999999s"};
	uint64_t ns;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(cli_parse_time(good[i].text, 1000000000u, &ns));
		assert_true(ns == good[i].ns);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(cli_parse_time(bad[i], 1000000000u, &ns));
	assert_true(cli_parse_time("0", 0, &ns));
	assert_false(cli_parse_time("1", 0, &ns));
}

static void test_cli_nearest_counts_swaps_as_one(void **state)
{
	static const char *const words[] = {"seed", "seeds", "send_rate"};

	assert_int_equal(cli_distance("seed", "sede"), 1);
	assert_int_equal(cli_distance("", "abc"), 3);
	assert_int_equal(cli_distance("same", "same"), 0);
	assert_string_equal(cli_nearest("sned_rate", words, 3), "send_rate");
	assert_null(cli_nearest("banana", words, 3));
}

static void test_cli_nearest_is_safe_with_long_words(void **state)
{
	static const char *const words[] = {"seed"};
	char word[500];

	memset(word, 's', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	assert_true(cli_distance(word, "seed") <= CLI_NAME_MAX);
	(void)cli_nearest(word, words, 1);
}

static void test_run_repeat_command_has_all_that_matters(void **state)
{
	struct run_args args = {.program = "switchyard",
	                        .file = "a b.lua",
	                        .profile = "upstream",
	                        .transport = "sim",
	                        .crypto = "null",
	                        .until_ns = 1000,
	                        .out = "elsewhere",
	                        .json = true};
	char text[RUN_COMMAND];

	args.params.at[args.params.n++] = "k=it's";
	run_repeat_command(text, &args, 7);
	assert_string_equal(text, "switchyard run 'a b.lua' --seed 7 --profile upstream --crypto null -p 'k=it'\\''s' --until 1000ns");
}

static void test_cli_every_command_has_help_for_every_option(void **state)
{
	size_t n;
	const struct cli_command *const *commands = cli_commands(&n);

	for (size_t i = 0; i < n; i++) {
		size_t num = commands[i]->num_options;
		const struct cli_option *list = commands[i]->shared_options != NULL ? commands[i]->shared_options(&num) : commands[i]->options;

		assert_non_null(commands[i]->run);
		assert_true(strlen(commands[i]->summary) > 0);
		for (size_t k = 0; k < num; k++) {
			assert_true(strlen(list[k].help) > 0);
			assert_true(list[k].kind == CLI_FLAG || list[k].kind == CLI_IDLE || list[k].value != NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cli_parse_reads_both_spellings),
	    cmocka_unit_test(test_cli_parse_idle_options_take_their_words_and_set_nothing),
	    cmocka_unit_test(test_cli_parse_brief_and_repeated),
	    cmocka_unit_test(test_cli_parse_repeat_is_bounded),
	    cmocka_unit_test(test_cli_parse_dash_and_underscore_are_the_same),
	    cmocka_unit_test(test_cli_parse_flag_takes_true_or_false),
	    cmocka_unit_test(test_cli_parse_unknown_option_names_the_nearest),
	    cmocka_unit_test(test_cli_parse_refuses_wrong_values),
	    cmocka_unit_test(test_cli_parse_missing_value_and_words),
	    cmocka_unit_test(test_cli_parse_time_reads_units),
	    cmocka_unit_test(test_cli_nearest_counts_swaps_as_one),
	    cmocka_unit_test(test_cli_nearest_is_safe_with_long_words),
	    cmocka_unit_test(test_run_repeat_command_has_all_that_matters),
	    cmocka_unit_test(test_cli_every_command_has_help_for_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
