/* summary.json, metrics.csv, the terminal's lines, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/report_run.h"

static void test_report_number_reads_back(void **state)
{
	static const double values[] = {0, 1, 0.1, -2.5, 1e300, 1.0 / 3, 12345678901234.5, 5e-324};
	char text[REPORT_NUMBER];

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		assert_true(strtod(report_number(text, values[i]), NULL) == values[i]);
	assert_string_equal(report_number(text, 0.1), "0.1");
	assert_string_equal(report_number(text, NAN), "NaN");
	assert_string_equal(report_number(text, -INFINITY), "-inf");
}

static void test_report_numbers_for_people(void **state)
{
	char text[REPORT_NUMBER];

	assert_string_equal(report_bytes(text, 0, ""), "0 B");
	assert_string_equal(report_bytes(text, 999, ""), "999 B");
	assert_string_equal(report_bytes(text, 999.6, ""), "1 kB");
	assert_string_equal(report_bytes(text, 27590656, "/s"), "27.6 MB/s");
	assert_string_equal(report_time(text, 0), "0 s");
	assert_string_equal(report_time(text, 0.02), "20 ms");
	assert_string_equal(report_time(text, 600), "10 min");
	assert_string_equal(report_time(text, NAN), "-");
	assert_string_equal(report_count(text, 0), "0");
	assert_string_equal(report_count(text, 999), "999");
	assert_string_equal(report_count(text, 1234567), "1,234,567");
	assert_string_equal(report_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void test_report_json_has_what_is_promised(void **state)
{
	static const char *const keys[] = {"verdict", "seed", "hash", "virtual_s", "wall_s", "events", "checks", "out", "profile", "transport"};
	struct report_run run;

	test_report_run(&run);
	char *text = report_json(&run, false);
	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	json_t *object = json_loads(text, 0, NULL);
	assert_non_null(object);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_non_null(json_object_get(object, keys[i]));
	assert_string_equal(json_string_value(json_object_get(object, "seed")), "18446744073709551615");
	assert_string_equal(json_string_value(json_object_get(object, "hash")), "0123456789abcdef");
	assert_string_equal(json_string_value(json_object_get(object, "verdict")), "failed");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "stats"), "messages")), 10);
	json_t *check = json_array_get(json_object_get(object, "checks"), 1);
	assert_false(json_boolean_value(json_object_get(check, "held")));
	assert_true(json_real_value(json_object_get(check, "at_s")) == 12);
	assert_string_equal(json_string_value(json_object_get(check, "detail")), "first at 12 s");
	json_t *channel = json_array_get(json_object_get(json_array_get(json_object_get(object, "measures"), 0), "channels"), 0);
	assert_true(json_is_null(json_object_get(channel, "delay_p90_s"))); /* NaN */
	json_decref(object);
	free(text);
}

static void test_report_json_survives_text_that_is_not_utf8(void **state)
{
	struct report_run run;

	test_report_run(&run);
	run.file = "\xff\xfe";
	char *text = report_json(&run, true);
	assert_non_null(text);
	json_t *object = json_loads(text, 0, NULL);
	assert_non_null(object);
	json_decref(object);
	free(text);
}

static void test_report_csv_quotes_and_keeps_numbers(void **state)
{
	struct report_run run;
	char dir[256], error[REPORT_ERROR_TEXT];

	test_report_run(&run);
	test_make_dir(dir);
	assert_true(report_csv(&run, dir, error));
	char *text = test_read_file(dir, "metrics.csv");
	static const char head[] = "time_s,node,peer,channel,metric,value\n"
	                           "1,a,b,0x30,bytes,1234567\n"
	                           "1.5,\"say \"\"hi\"\", you\",,,peers,0.1\n"
	                           "2,a,,,ratio,NaN\n";
	assert_int_equal(strncmp(text, head, sizeof head - 1), 0);
	assert_non_null(strstr(text, ",a,b,0x30,share,0.589"));
	assert_non_null(strstr(text, "peers over time: it's 100 %: p50,"));
	free(text);
	test_remove_dir(dir);
}

static void test_report_csv_is_the_same_in_another_locale(void **state)
{
	struct report_run run;
	char a[256], b[256], error[REPORT_ERROR_TEXT];

	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
		skip();
	test_report_run(&run);
	test_make_dir(a);
	test_make_dir(b);
	assert_true(report_csv(&run, a, error));
	setlocale(LC_ALL, "C");
	assert_true(report_csv(&run, b, error));
	char *one = test_read_file(a, "metrics.csv"), *two = test_read_file(b, "metrics.csv");
	assert_string_equal(one, two);
	free(one);
	free(two);
	test_remove_dir(a);
	test_remove_dir(b);
}

static void test_report_write_names_what_cannot_be_written(void **state)
{
	struct report_run run;
	struct report_plots plots;
	char dir[256], path[512], error[REPORT_ERROR_TEXT];

	test_report_run(&run);
	test_make_dir(dir);
	snprintf(path, sizeof path, "%s/a/b/c", dir);
	assert_true(report_write(&run, path, false, &plots, error));
	snprintf(path, sizeof path, "%s/a/b/c/summary.json/d", dir);
	assert_false(report_write(&run, path, false, &plots, error));
	assert_non_null(strstr(error, "summary.json"));
	assert_non_null(strstr(error, "Not a directory"));
	assert_false(report_write(&run, "", false, &plots, error));
	test_remove_dir(dir);
}

static void test_report_write_tells_of_a_full_disk(void **state)
{
	struct report_run run;
	char dir[256], path[512], error[REPORT_ERROR_TEXT];

	test_report_run(&run);
	test_make_dir(dir);
	snprintf(path, sizeof path, "%s/summary.json", dir);
	if (symlink("/dev/full", path) != 0)
		skip();
	assert_false(report_summary(&run, dir, error));
	assert_non_null(strstr(error, "summary.json: No space left on device"));
	test_remove_dir(dir);
}

static char *foot(const struct report_run *run, bool colours)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	report_foot(to, run, colours);
	fclose(to);
	return text;
}

static void test_report_foot_ends_with_seed_hash_command(void **state)
{
	struct report_run run;

	test_report_run(&run);
	char *text = foot(&run, false);
	assert_string_equal(text, "\n"
	                          "  held       every node finds \"all\"  (held from 41.5 s)\n"
	                          "  FAILED     never: waits  (first at 12 s; x.lua:9)\n"
	                          "seed 18446744073709551615\n"
	                          "hash 0123456789abcdef\n"
	                          "repeat with: switchyard run scenarios/sample.lua --seed 18446744073709551615\n");
	free(text);
	text = foot(&run, true);
	assert_non_null(strstr(text, "\033[1;31mFAILED   \033[0m"));
	free(text);
}

static void test_report_foot_says_undecided_whatever_held_says(void **state)
{
	static const struct scenario_check checks[] = {
	    {"a", SCENARIO_ALWAYS, false, false, 2, "not decided: x.lua:4: boom", "x.lua:3"},
	    {"b", SCENARIO_NEVER, true, false, 2, "not decided: the run was cut by --until", "x.lua:9"},
	};
	struct report_run run;

	test_report_run(&run);
	struct scenario_results results = *run.results;
	results.checks = checks;
	run.results = &results;
	char *text = foot(&run, false);
	assert_non_null(strstr(text, "  undecided  a  (not decided: x.lua:4: boom)\n"));
	assert_non_null(strstr(text, "  undecided  never: b  (not decided: the run was cut by --until)\n"));
	free(text);
}

static void test_report_head_shows_measures(void **state)
{
	struct report_run run;
	struct report_plots plots = {.written = 2, .drawn = 2};
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	test_report_run(&run);
	report_head(to, &run, &plots, false);
	fclose(to);
	assert_non_null(strstr(text, "a -> b, 5 s to 35 s: 2.4 MB/s, 96.0 % of the link, share error 0.20 %"));
	assert_non_null(strstr(text, "results: out/sample (summary.json, metrics.csv, 2 plots as PNG and SVG)"));
	assert_null(strchr(text, '\033'));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_report_number_reads_back),
	    cmocka_unit_test(test_report_numbers_for_people),
	    cmocka_unit_test(test_report_json_has_what_is_promised),
	    cmocka_unit_test(test_report_json_survives_text_that_is_not_utf8),
	    cmocka_unit_test(test_report_csv_quotes_and_keeps_numbers),
	    cmocka_unit_test(test_report_csv_is_the_same_in_another_locale),
	    cmocka_unit_test(test_report_write_names_what_cannot_be_written),
	    cmocka_unit_test(test_report_write_tells_of_a_full_disk),
	    cmocka_unit_test(test_report_foot_ends_with_seed_hash_command),
	    cmocka_unit_test(test_report_foot_says_undecided_whatever_held_says),
	    cmocka_unit_test(test_report_head_shows_measures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
