/* A plot of the script's over time: a line a column, or bands between percentiles around the middle one. */
#include <math.h>

#include "sim/report/plot.h"

static bool write_data(const struct scenario_series *s, const char *stem, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;
	char name[PLOT_STEM + 8], number[REPORT_NUMBER];

	snprintf(name, sizeof name, "%s.dat", stem);
	if (!report_open(&file, dir, name, error))
		return false;
	fputs("# time_s", file.stream);
	for (size_t c = 0; c < s->num_columns; c++)
		fprintf(file.stream, "\t%s", s->columns[c]);
	fputc('\n', file.stream);
	for (size_t p = 0; p < s->num_points; p++) {
		fputs(report_number(number, s->time_s[p]), file.stream);
		for (size_t c = 0; c < s->num_columns; c++)
			fprintf(file.stream, "\t%s", report_number(number, s->values[c][p]));
		fputc('\n', file.stream);
	}
	return report_close(&file, error);
}

/* Bands from the outside in: the first column against the last, and so on; what is left in the middle is a line. */
static void put_percentiles(FILE *to, const struct scenario_series *s, const char *stem, double divisor)
{
	size_t bands = s->num_columns / 2;

	fputs("plot ", to);
	for (size_t b = 0; b < bands; b++) {
		size_t high = s->num_columns - 1 - b;

		fprintf(to, "'%s.dat' using ($1/%g):%zu:%zu with filledcurves linecolor rgb '%s' title '%s to %s', \\\n", stem, divisor, b + 2,
		        high + 2, plot_colour(0), s->columns[b], s->columns[high]);
		fprintf(to, "'' using ($1/%g):%zu with lines linewidth 0.7 linecolor rgb '%s' notitle, \\\n", divisor, b + 2, plot_colour(0));
		fprintf(to, "'' using ($1/%g):%zu with lines linewidth 0.7 linecolor rgb '%s' notitle%s", divisor, high + 2, plot_colour(0),
		        b + 1 < bands || s->num_columns % 2 != 0 ? ", \\\n" : "\n");
	}
	if (s->num_columns % 2 != 0)
		fprintf(to, "'%s.dat' using ($1/%g):%zu with lines linewidth 2.5 linecolor rgb '%s' title '%s'\n", stem, divisor, bands + 2,
		        plot_colour(bands == 0 ? 0 : 1), s->columns[bands]);
}

static void put_lines(FILE *to, const struct scenario_series *s, const char *stem, double divisor)
{
	fputs("plot ", to);
	for (size_t c = 0; c < s->num_columns; c++) {
		fprintf(to, "'%s.dat' using ($1/%g):%zu with lines linewidth 2 linecolor rgb '%s' ", stem, divisor, c + 2, plot_colour(c));
		if (s->num_columns == 1) {
			fputs("notitle", to);
		} else {
			fputs("title ", to);
			plot_quote(to, s->columns[c]);
		}
		fputs(c + 1 < s->num_columns ? ", \\\n" : "\n", to);
	}
}

/* Counts begin at zero; a quantity may also be negative, then the axis finds its own way. */
static bool is_positive(const struct scenario_series *s)
{
	for (size_t c = 0; c < s->num_columns; c++)
		for (size_t p = 0; p < s->num_points; p++)
			if (s->values[c][p] < 0)
				return false;
	return true;
}

bool plot_series(const struct scenario_series *s, const char *stem, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;
	char name[PLOT_STEM + 8];
	struct plot_axis axis = plot_time_axis(s->num_points == 0 ? 0 : s->time_s[s->num_points - 1]);

	snprintf(name, sizeof name, "%s.gp", stem);
	if (!write_data(s, stem, dir, error) || !report_open(&file, dir, name, error))
		return false;
	plot_begin(file.stream, stem, s->title, 600);
	fprintf(file.stream, "set xlabel 'time, %s'\n", axis.unit);
	fputs("set ylabel ", file.stream);
	plot_quote(file.stream, s->num_columns == 1 ? s->columns[0] : s->percentiles ? "percentiles" : "value");
	fputc('\n', file.stream);
	if (is_positive(s))
		fputs("set yrange [0:*]\n", file.stream);
	fputs("set offsets 0, 0, graph 0.05, 0\n", file.stream);
	if (s->percentiles)
		put_percentiles(file.stream, s, stem, axis.divisor);
	else
		put_lines(file.stream, s, stem, axis.divisor);
	plot_end(file.stream);
	return report_close(&file, error);
}
