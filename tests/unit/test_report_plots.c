/* Plots: file names, scripts, data; drawing only where gnuplot is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/report/plot.h"
#include "tests/support/report_run.h"

static void test_plot_name_is_a_slug_and_unique(void **state)
{
	struct plot_names names = {.n = 0};

	assert_string_equal(plot_name(&names, "", "Peers over time: 100 %"), "peers-over-time-100");
	assert_string_equal(plot_name(&names, "", "peers OVER time, 100"), "peers-over-time-100-2");
	assert_string_equal(plot_name(&names, "", "../../etc/passwd"), "etc-passwd");
	assert_string_equal(plot_name(&names, "", "\xc3\xa4"), "plot");
	assert_string_equal(plot_name(&names, "", ""), "plot-2");
}

static void test_plot_name_is_bounded_when_title_is_long(void **state)
{
	struct plot_names names = {.n = 0};
	char title[1000];

	memset(title, 'x', sizeof title - 1);
	title[sizeof title - 1] = '\0';
	assert_true(strlen(plot_name(&names, "", title)) < PLOT_STEM);
	assert_true(strlen(plot_name(&names, "", title)) < PLOT_STEM);
}

static void test_plot_name_refuses_when_there_are_too_many(void **state)
{
	struct plot_names names = {.n = 0};

	for (unsigned i = 0; i + 1 < PLOT_MAX; i++)
		assert_non_null(plot_name(&names, "", "same"));
	assert_null(plot_name(&names, "", "same"));
}

static void quoted(const char *text, char out[64])
{
	FILE *to = fmemopen(out, 64, "w");

	plot_quote(to, text);
	fclose(to);
}

static void test_plot_quote_leaves_no_way_out(void **state)
{
	char out[64];

	quoted("it's", out);
	assert_string_equal(out, "'it''s'");
	quoted("a\nsystem('x')", out);
	assert_string_equal(out, "'a system(''x'')'");
}

static void test_report_plots_writes_scripts_and_data(void **state)
{
	struct report_run run;
	struct report_plots plots;
	char dir[256], error[REPORT_ERROR_TEXT];

	test_report_run(&run);
	test_make_dir(dir);
	assert_true(report_plots(&run, dir, false, &plots, error));
	assert_int_equal(plots.written, 2);
	assert_int_equal(plots.drawn, 0);
	char *data = test_read_file(dir, "peers-over-time-it-s-100.dat");
	assert_non_null(data);
	assert_int_equal(strncmp(data, "# time_s\tp5\tp50\tp95\n0\t0\t0\t0\n10\t", 31), 0);
	assert_non_null(strstr(data, "\n30\tNaN\tNaN\tNaN\n"));
	free(data);
	char *script = test_read_file(dir, "channels-a-b.gp");
	assert_non_null(script);
	assert_non_null(strstr(script, "0x30, priority 10"));
	assert_non_null(strstr(script, "delay of messages"));
	free(script);
	test_remove_dir(dir);
}

static void test_report_plots_draws_when_gnuplot_is_there(void **state)
{
	struct report_run run;
	struct report_plots plots;
	char dir[256], error[REPORT_ERROR_TEXT];

	test_report_run(&run);
	test_make_dir(dir);
	assert_true(report_plots(&run, dir, true, &plots, error));
	if (plots.drawn == 0) {
		assert_non_null(strstr(plots.trouble, "gnuplot is not installed"));
	} else {
		static const char *const files[] = {"peers-over-time-it-s-100.png", "peers-over-time-it-s-100.svg", "channels-a-b.png",
		                                    "channels-a-b.svg"};
		for (size_t i = 0; i < 4; i++) {
			char *bytes = test_read_file(dir, files[i]);
			assert_non_null(bytes);
			assert_int_not_equal(bytes[0], '\0');
			free(bytes);
		}
	}
	if (getenv("SY_KEEP_PLOTS") == NULL)
		test_remove_dir(dir);
}

static void test_report_plots_missing_gnuplot_is_one_line(void **state)
{
	struct report_run run;
	struct report_plots plots;
	char dir[256], error[REPORT_ERROR_TEXT];
	char *path = strdup(getenv("PATH"));

	test_report_run(&run);
	test_make_dir(dir);
	setenv("PATH", dir, 1);
	assert_true(report_plots(&run, dir, true, &plots, error));
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(plots.written, 2);
	assert_int_equal(plots.drawn, 0);
	assert_non_null(strstr(plots.trouble, "gnuplot is not installed"));
	assert_null(strchr(plots.trouble, '\n'));
	test_remove_dir(dir);
}

static void test_report_plots_one_point_draws_nothing(void **state)
{
	struct report_run run;
	struct report_plots plots;
	char dir[256], error[REPORT_ERROR_TEXT];

	test_report_run(&run);
	struct scenario_results results = *run.results;
	struct scenario_series series = results.series[0];
	series.num_points = 1;
	results.series = &series;
	results.num_measures = 0;
	run.results = &results;
	test_make_dir(dir);
	assert_true(report_plots(&run, dir, true, &plots, error));
	assert_int_equal(plots.written, 0);
	assert_string_equal(plots.trouble, "");
	test_remove_dir(dir);
}

/* PEX has two bytes and no delays, the second channel has no delays, the fourth is owed a share and starved. */
static void test_report_plots_channel_colours_agree_when_some_are_left_out(void **state)
{
	struct report_run run;
	struct report_plots plots;
	char dir[256], error[REPORT_ERROR_TEXT];

	test_report_run(&run);
	struct scenario_results results = *run.results;
	struct scenario_measure measure = results.measures[0];
	struct scenario_channel channels[4] = {
	    {.id = 0, .bytes = 2, .ideal = 0.0000001}, measure.channels[0], measure.channels[1], {.id = 0x40, .priority = 3, .ideal = 0.2}};
	channels[1].num_delays = 0;
	measure.channels = channels;
	measure.num_channels = 4;
	results.measures = &measure;
	results.num_series = 0;
	run.results = &results;
	test_make_dir(dir);
	assert_true(report_plots(&run, dir, false, &plots, error));
	char *script = test_read_file(dir, "channels-a-b.gp");
	assert_null(strstr(script, "0x00"));
	assert_non_null(strstr(script, "($4/1e+06) with lines linewidth 2 linecolor rgb '#0072b2' title '0x30, priority 10'"));
	assert_non_null(strstr(script, "($6/1e+06) with lines linewidth 2 linecolor rgb '#d55e00' title '0x31, priority 7'"));
	assert_non_null(strstr(script, "($8/1e+06) with lines linewidth 2 linecolor rgb '#009e73' title '0x40, priority 3'"));
	assert_non_null(strstr(script, "($7*100) with lines linewidth 1.5 linecolor rgb '#d55e00'"));
	assert_non_null(strstr(script, "index 0 using ($1*1000):($2*100) with steps linewidth 2 linecolor rgb '#d55e00'"));
	assert_null(strstr(script, "index 1"));
	free(script);
	char *delays = test_read_file(dir, "channels-a-b-delays.dat");
	assert_int_equal(strncmp(delays, "# 0x31:", 7), 0);
	free(delays);
	test_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plot_name_is_a_slug_and_unique),
	    cmocka_unit_test(test_plot_name_is_bounded_when_title_is_long),
	    cmocka_unit_test(test_plot_name_refuses_when_there_are_too_many),
	    cmocka_unit_test(test_plot_quote_leaves_no_way_out),
	    cmocka_unit_test(test_report_plots_writes_scripts_and_data),
	    cmocka_unit_test(test_report_plots_channel_colours_agree_when_some_are_left_out),
	    cmocka_unit_test(test_report_plots_draws_when_gnuplot_is_there),
	    cmocka_unit_test(test_report_plots_missing_gnuplot_is_one_line),
	    cmocka_unit_test(test_report_plots_one_point_draws_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
