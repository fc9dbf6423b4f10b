/* plot.channels: bytes per second by channel, shares against the ideal, and how long messages were under way. */
#include <math.h>

#include "sim/report/plot.h"

#define NEGLIGIBLE 1e-3 /* of the bytes: a channel below it is in the table and in metrics.csv, not in the plot */
#define CHANNELS_MAX 256u

/* The channels that are drawn, by their place in the measure; a channel's colour is that of its place in here. */
struct drawn {
	size_t n;
	size_t at[CHANNELS_MAX];
};

static uint64_t bytes_of(const struct scenario_measure *m)
{
	uint64_t total = 0;

	for (size_t i = 0; i < m->num_channels; i++)
		total += m->channels[i].bytes;
	return total;
}

/* A channel that starves has next to no bytes, too: what should have had more is drawn. */
static void choose(const struct scenario_measure *m, struct drawn *drawn)
{
	double least = NEGLIGIBLE * (double)bytes_of(m);

	drawn->n = 0;
	for (size_t i = 0; i < m->num_channels && i < CHANNELS_MAX; i++)
		if ((double)m->channels[i].bytes >= least || m->channels[i].ideal >= NEGLIGIBLE)
			drawn->at[drawn->n++] = i;
}

static size_t bins_of(const struct scenario_measure *m)
{
	size_t most = 0;

	for (size_t i = 0; i < m->num_channels; i++)
		most = m->channels[i].num_bins > most ? m->channels[i].num_bins : most;
	return most;
}

static uint64_t bin(const struct scenario_channel *c, size_t n)
{
	return n < c->num_bins ? c->bin_bytes[n] : 0;
}

static uint64_t bin_total(const struct scenario_measure *m, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < m->num_channels; i++)
		total += bin(&m->channels[i], n);
	return total;
}

/* Bytes per second of one bin; the last one may be cut short by the end of the measure. */
static double bin_rate(const struct scenario_measure *m, size_t n, uint64_t bytes)
{
	double from = m->start_s + (double)n * m->bin_s;
	double width = m->end_s - from < m->bin_s ? m->end_s - from : m->bin_s;

	return width < m->bin_s / 10 ? NAN : (double)bytes / width;
}

static void put_bin(FILE *to, const struct scenario_measure *m, size_t n)
{
	char number[REPORT_NUMBER];
	uint64_t total = bin_total(m, n);

	fputs(report_number(number, m->start_s + ((double)n + 0.5) * m->bin_s), to);
	for (size_t i = 0; i < m->num_channels; i++) {
		uint64_t bytes = bin(&m->channels[i], n);

		fprintf(to, "\t%s", report_number(number, bin_rate(m, n, bytes)));
		fprintf(to, "\t%s", report_number(number, total == 0 ? NAN : (double)bytes / (double)total));
	}
	fputc('\n', to);
}

static bool write_rates(const struct scenario_measure *m, const char *stem, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;
	char name[PLOT_STEM + 8];

	snprintf(name, sizeof name, "%s.dat", stem);
	if (!report_open(&file, dir, name, error))
		return false;
	fputs("# time_s", file.stream);
	for (size_t i = 0; i < m->num_channels; i++)
		fprintf(file.stream, "\t0x%02x bytes/s\t0x%02x share", m->channels[i].id, m->channels[i].id);
	fputc('\n', file.stream);
	size_t bins = bins_of(m);
	for (size_t n = 0; n < bins; n++)
		put_bin(file.stream, m, n);
	return report_close(&file, error);
}

/*
 * One block a channel, two empty lines between: gnuplot's index. Gnuplot does not count a block without points, so that
 * a channel without samples has none.
 */
static bool write_delays(const struct scenario_measure *m, const struct drawn *drawn, const char *stem, const char *dir,
                         char error[REPORT_ERROR_TEXT])
{
	struct report_file file;
	char name[PLOT_STEM + 16], number[REPORT_NUMBER];

	snprintf(name, sizeof name, "%s-delays.dat", stem);
	if (!report_open(&file, dir, name, error))
		return false;
	for (size_t k = 0; k < drawn->n; k++) {
		const struct scenario_channel *c = &m->channels[drawn->at[k]];

		if (c->num_delays == 0)
			continue;
		fprintf(file.stream, "# 0x%02x: delay_s\tshare of the messages that took no longer\n", c->id);
		for (size_t n = 0; n < c->num_delays; n++) {
			fputs(report_number(number, c->delay_s[n]), file.stream);
			fprintf(file.stream, "\t%s\n", report_number(number, (double)(n + 1) / (double)c->num_delays));
		}
		fputs("\n\n", file.stream);
	}
	return report_close(&file, error);
}

static double most_rate(const struct scenario_measure *m)
{
	double most = 0;

	for (size_t i = 0; i < m->num_channels; i++) {
		for (size_t n = 0; n < m->channels[i].num_bins; n++) {
			double rate = bin_rate(m, n, m->channels[i].bin_bytes[n]);

			most = rate > most ? rate : most;
		}
	}
	return most;
}

static void put_rates(FILE *to, const struct scenario_measure *m, const struct drawn *drawn, const char *stem, struct plot_axis time)
{
	struct plot_axis bytes = plot_byte_axis(most_rate(m));

	fprintf(to, "set origin 0, 0.46\nset size 1, 0.49\nset title 'delivered by channel'\nset xlabel 'time, %s'\nset ylabel '%s'\n",
	        time.unit, bytes.unit);
	fputs("set yrange [0:*]\nset format y '%g'\nset offsets 0, 0, graph 0.08, 0\nset key outside right top vertical Left reverse\nplot ",
	      to);
	for (size_t k = 0; k < drawn->n; k++) {
		const struct scenario_channel *c = &m->channels[drawn->at[k]];

		fprintf(to, "'%s.dat' using ($1/%g):($%zu/%g) with lines linewidth 2 linecolor rgb '%s' title '0x%02x, priority %u'%s", stem,
		        time.divisor, 2 + 2 * drawn->at[k], bytes.divisor, plot_colour(k), c->id, c->priority, k + 1 < drawn->n ? ", \\\n" : "\n");
	}
}

static void put_shares(FILE *to, const struct scenario_measure *m, const struct drawn *drawn, const char *stem, struct plot_axis time)
{
	fprintf(to, "set origin 0, 0\nset size 0.5, 0.46\nset title 'share (dashed: the ideal)'\nset xlabel 'time, %s'\nset ylabel '%%'\n",
	        time.unit);
	fputs("unset key\nset yrange [0:*]\nset offsets 0, 0, graph 0.08, 0\nplot ", to);
	for (size_t k = 0; k < drawn->n; k++) {
		const struct scenario_channel *c = &m->channels[drawn->at[k]];

		fprintf(to, "'%s.dat' using ($1/%g):($%zu*100) with lines linewidth 1.5 linecolor rgb '%s' notitle, \\\n", stem, time.divisor,
		        3 + 2 * drawn->at[k], plot_colour(k));
		fprintf(to, "%.6f with lines linewidth 1.2 dashtype 2 linecolor rgb '#222222' notitle%s", isnan(c->ideal) ? 0 : c->ideal * 100,
		        k + 1 < drawn->n ? ", \\\n" : "\n");
	}
}

struct span {
	double least, most;
	bool any;
};

static struct span delay_span(const struct scenario_measure *m, const struct drawn *drawn)
{
	struct span span = {0};

	for (size_t k = 0; k < drawn->n; k++) {
		const struct scenario_channel *c = &m->channels[drawn->at[k]];

		if (c->num_delays == 0)
			continue;
		double least = c->delay_s[0], most = c->delay_s[c->num_delays - 1];
		span.least = !span.any || least < span.least ? least : span.least;
		span.most = !span.any || most > span.most ? most : span.most;
		span.any = true;
	}
	return span;
}

static void put_delays(FILE *to, const struct scenario_measure *m, const struct drawn *drawn, const char *stem)
{
	struct span span = delay_span(m, drawn);
	/* Orders of magnitude want a logarithmic axis; within one, a linear axis from zero shows more. */
	bool wide = span.least > 0 && span.most / span.least > 10;
	bool seconds = span.most >= 2;
	size_t block = 0;

	if (!span.any)
		return;
	fprintf(to, "set origin 0.5, 0\nset size 0.5, 0.46\nset title 'delay of messages'\nset xlabel '%s'\n",
	        seconds ? "seconds" : "milliseconds");
	fprintf(to, "set ylabel '%% of the messages'\n%sset format x '%%g'\nset yrange [0:102]\nset xrange [%s:*]\nset offsets\nplot ",
	        wide ? "set logscale x\n" : "", wide ? "*" : "0");
	for (size_t k = 0; k < drawn->n; k++) {
		if (m->channels[drawn->at[k]].num_delays == 0)
			continue;
		fprintf(to, "%s'%s-delays.dat' index %zu using ($1*%d):($2*100) with steps linewidth 2 linecolor rgb '%s' notitle",
		        block == 0 ? "" : ", \\\n", stem, block, seconds ? 1 : 1000, plot_colour(k));
		block++;
	}
	fputs("\nunset logscale x\nset xrange [*:*]\n", to);
}

bool plot_channels(const struct scenario_measure *m, const char *stem, const char *title, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;
	char name[PLOT_STEM + 8];
	struct plot_axis time = plot_time_axis(m->end_s);
	struct drawn drawn;

	choose(m, &drawn);
	snprintf(name, sizeof name, "%s.gp", stem);
	if (!write_rates(m, stem, dir, error) || !write_delays(m, &drawn, stem, dir, error) || !report_open(&file, dir, name, error))
		return false;
	plot_begin(file.stream, stem, "", 900);
	fputs("set multiplot title ", file.stream);
	plot_quote(file.stream, title);
	fputs(" font ',16'\n", file.stream);
	put_rates(file.stream, m, &drawn, stem, time);
	put_shares(file.stream, m, &drawn, stem, time);
	put_delays(file.stream, m, &drawn, stem);
	fputs("unset multiplot\n", file.stream);
	plot_end(file.stream);
	return report_close(&file, error);
}
