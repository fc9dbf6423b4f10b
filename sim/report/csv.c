/* metrics.csv: one row a value: what was sampled of nodes, then plots, then measures. RFC 4180 where a field needs quotes; plain line ends. */
#include <string.h>

#include "sim/report/file.h"

static void put_field(FILE *to, const char *field)
{
	if (strpbrk(field, ",\"\r\n") == NULL) {
		fputs(field, to);
		return;
	}
	fputc('"', to);
	for (; *field != '\0'; field++) {
		if (*field == '"')
			fputc('"', to);
		fputc(*field, to);
	}
	fputc('"', to);
}

static void put_row(FILE *to, const struct scenario_row *row)
{
	char number[REPORT_NUMBER];
	const char *const fields[] = {row->node, row->peer, row->channel, row->metric};

	fputs(report_number(number, row->time_s), to);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		fputc(',', to);
		put_field(to, fields[i] == NULL ? "" : fields[i]);
	}
	fprintf(to, ",%s\n", report_number(number, row->value));
}

static void put_value(FILE *to, double time_s, const struct scenario_measure *m, const char *channel, const char *metric, double value)
{
	const struct scenario_row row = {time_s, m->from, m->to, channel, metric, value};

	put_row(to, &row);
}

/* What a measure says of a channel at its end; the names are those of summary.json. */
static void put_channel(FILE *to, const struct scenario_measure *m, const struct scenario_channel *c)
{
	char id[8];

	snprintf(id, sizeof id, "0x%02x", c->id);
	for (size_t i = 0; i < c->num_bins && m->bin_s > 0; i++)
		put_value(to, m->start_s + (double)i * m->bin_s, m, id, "delivered_bytes", (double)c->bin_bytes[i]);
	put_value(to, m->end_s, m, id, "bytes", (double)c->bytes);
	put_value(to, m->end_s, m, id, "messages", (double)c->messages);
	put_value(to, m->end_s, m, id, "share", c->share);
	put_value(to, m->end_s, m, id, "ideal", c->ideal);
	put_value(to, m->end_s, m, id, "longest_gap_s", c->longest_gap_s);
	put_value(to, m->end_s, m, id, "delay_p50_s", c->delay_p50_s);
	put_value(to, m->end_s, m, id, "delay_p90_s", c->delay_p90_s);
	put_value(to, m->end_s, m, id, "delay_p99_s", c->delay_p99_s);
	put_value(to, m->end_s, m, id, "delay_max_s", c->delay_max_s);
}

static void put_measure(FILE *to, const struct scenario_measure *m)
{
	for (size_t i = 0; i < m->num_channels; i++)
		put_channel(to, m, &m->channels[i]);
	put_value(to, m->end_s, m, "", "throughput_bytes_s", m->throughput_bytes_s);
	put_value(to, m->end_s, m, "", "utilisation", m->utilisation);
	put_value(to, m->end_s, m, "", "share_error", m->share_error);
}

/* A plot's points: its title and column together name the metric. */
static void put_series(FILE *to, const struct scenario_series *s)
{
	char metric[256];

	for (size_t c = 0; c < s->num_columns; c++) {
		snprintf(metric, sizeof metric, "%.160s%s%.80s", s->title, s->num_columns == 1 ? "" : ": ",
		         s->num_columns == 1 ? "" : s->columns[c]);
		for (size_t p = 0; p < s->num_points; p++) {
			const struct scenario_row row = {s->time_s[p], "", "", "", metric, s->values[c][p]};

			put_row(to, &row);
		}
	}
}

bool report_csv(const struct report_run *run, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;

	if (!report_open(&file, dir, "metrics.csv", error))
		return false;
	fputs("time_s,node,peer,channel,metric,value\n", file.stream);
	for (size_t i = 0; i < run->results->num_rows; i++)
		put_row(file.stream, &run->results->rows[i]);
	for (size_t i = 0; i < run->results->num_series; i++)
		put_series(file.stream, &run->results->series[i]);
	for (size_t i = 0; i < run->results->num_measures; i++)
		put_measure(file.stream, &run->results->measures[i]);
	return report_close(&file, error);
}
