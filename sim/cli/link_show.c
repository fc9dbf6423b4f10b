/* How the link command shows what it measured: a JSON object, or a table and a plot in letters. */
#include <jansson.h>
#include <stdio.h>

#include "sim/cli/link.h"

#define PLOT_WIDTH 72
#define PLOT_HEIGHT 10

/* ------------------------------------------------------------------ JSON */

static void add_bulk(json_t *object, const struct link_args *args, const struct link_results *results)
{
	json_t *all = json_array(), *late = json_array();

	for (uint32_t i = 0; i < args->runs; i++) {
		json_array_append_new(all, json_real(results->run[i].mbit_all));
		json_array_append_new(late, json_real(results->run[i].mbit_late));
	}
	json_object_set_new(object, "goodput_mbit_0_30", all);
	json_object_set_new(object, "goodput_mbit_10_30", late);
}

static void add_delivery(json_t *object, const struct link_args *args, const struct link_results *results)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < args->runs; i++)
		json_array_append_new(list, results->run[i].delivered ? json_real(results->run[i].delivery_s) : json_null());
	json_object_set_new(object, "delivery_s", list);
}

void link_json(const struct link_args *args, const struct link_results *results)
{
	json_t *object = json_object(), *retransmits = json_array();

	if (args->bytes == 0)
		add_bulk(object, args, results);
	else
		add_delivery(object, args, results);
	for (uint32_t i = 0; i < args->runs; i++)
		json_array_append_new(retransmits, json_integer(results->run[i].retransmits));
	json_object_set_new(object, "retransmits", retransmits);
	json_object_set_new(object, "cpu_s", json_real(results->cpu_s));
	json_dumpf(object, stdout, JSON_REAL_PRECISION(9));
	fputc('\n', stdout);
	json_decref(object);
}

/* ------------------------------------------------------------------ table and plot */

static double rate_at(const struct link_results *results, size_t i)
{
	const struct sim_tcp_rig_sample *s = &results->samples[i];
	uint64_t bytes = i == 0 ? s->bytes : s->bytes - s[-1].bytes, ns = i == 0 ? s->at_ns : s->at_ns - s[-1].at_ns;

	return ns == 0 ? 0 : (double)bytes * 8e3 / (double)ns;
}

static double cwnd_at(const struct link_results *results, size_t i)
{
	return results->samples[i].cwnd;
}

typedef double link_value(const struct link_results *results, size_t i);

/* The mean of the samples that fall into each column. */
static void columns(const struct link_results *results, link_value *value, double column[PLOT_WIDTH], double *most)
{
	*most = 0;
	for (size_t c = 0; c < PLOT_WIDTH; c++) {
		size_t from = c * results->num_samples / PLOT_WIDTH, to = (c + 1) * results->num_samples / PLOT_WIDTH;
		double sum = 0;

		to = to > from ? to : from + 1;
		for (size_t i = from; i < to; i++)
			sum += value(results, i);
		column[c] = sum / (double)(to - from);
		*most = column[c] > *most ? column[c] : *most;
	}
}

static void plot(const struct link_results *results, link_value *value, const char *title)
{
	double column[PLOT_WIDTH], most;

	if (results->num_samples == 0)
		return;
	columns(results, value, column, &most);
	printf("\n%s\n", title);
	for (int row = PLOT_HEIGHT; row > 0; row--) {
		double low = most * (row - 1) / PLOT_HEIGHT, step = most / PLOT_HEIGHT;

		printf("%10.3g |", low + step);
		for (size_t c = 0; c < PLOT_WIDTH; c++)
			fputc(column[c] >= low + step * 0.75 ? '#' : column[c] > low + step * 0.25 ? '.' : ' ', stdout);
		fputc('\n', stdout);
	}
	printf("%10s +", "");
	for (int c = 0; c < PLOT_WIDTH; c++)
		fputc('-', stdout);
	printf("\n%10s  0%*.3g s\n", "", PLOT_WIDTH - 3, (double)results->samples[results->num_samples - 1].at_ns / 1e9);
}

static void rows(const struct link_args *args, const struct link_results *results)
{
	if (args->bytes == 0)
		printf("%6s %16s %16s %12s %9s\n", "seed", "goodput, Mbit/s", "from a third on", "retransmits", "timeouts");
	else
		printf("%6s %16s %12s %9s\n", "seed", "delivered after", "retransmits", "timeouts");
	for (uint32_t i = 0; i < args->runs; i++) {
		const struct link_run *r = &results->run[i];

		printf("%6llu ", (unsigned long long)args->seed + i);
		if (args->bytes == 0)
			printf("%16.4f %16.4f", r->mbit_all, r->mbit_late);
		else if (r->delivered)
			printf("%14.4f s", r->delivery_s);
		else
			printf("%16s", "never");
		printf(" %12u %9u\n", r->retransmits, r->timeouts);
	}
}

void link_table(const struct link_args *args, const struct sim_tcp_rig *rig, const struct link_results *results)
{
	printf("%s over %s, RTT %g ms, loss %s, queue %llu bytes, %s fidelity\n\n", args->cc, args->rate, (double)args->rtt_ns / 1e6,
	       args->loss, (unsigned long long)sim_tcp_link_queue(&rig->link), args->tcp);
	rows(args, results);
	plot(results, rate_at, "Mbit/s read, first run");
	plot(results, cwnd_at, "congestion window in segments, first run");
	printf("\n%.3f s of CPU\n", results->cpu_s);
}

bool link_samples(const char *path, const struct link_results *results)
{
	FILE *to = fopen(path, "w");

	if (to == NULL)
		return false;
	fputs("t_s,mbit,cwnd,in_flight,queue_bytes,srtt_ms\n", to);
	for (size_t i = 0; i < results->num_samples; i++) {
		const struct sim_tcp_rig_sample *s = &results->samples[i];

		fprintf(to, "%.6f,%.6f,%u,%u,%llu,%.3f\n", (double)s->at_ns / 1e9, rate_at(results, i), s->cwnd, s->in_flight,
		        (unsigned long long)s->queue_bytes, (double)s->srtt_ns / 1e6);
	}
	bool written = ferror(to) == 0;
	return fclose(to) == 0 && written;
}
