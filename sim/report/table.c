/* What a run says on a terminal. The last lines are for eyes and scripts: checks, seed, hash, the command. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/report/report.h"

enum tint { PLAIN, GOOD, BAD, DIM, BOLD };

static const char *on(bool colours, enum tint tint)
{
	if (!colours)
		return "";
	switch (tint) {
	case GOOD:
		return "\033[32m";
	case BAD:
		return "\033[1;31m";
	case DIM:
		return "\033[2m";
	case BOLD:
		return "\033[1m";
	case PLAIN:
		return "";
	}
	return "";
}

static const char *off(bool colours)
{
	return colours ? "\033[0m" : "";
}

bool report_colours(FILE *to)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color != NULL && *no_color != '\0')
		return false;
	return isatty(fileno(to)) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

static void put_share(FILE *to, double share)
{
	if (isnan(share))
		fprintf(to, " %8s", "-");
	else
		fprintf(to, " %6.2f %%", share * 100);
}

static void put_channel(FILE *to, const struct scenario_channel *c)
{
	char bytes[REPORT_NUMBER], p50[REPORT_NUMBER], p99[REPORT_NUMBER], gap[REPORT_NUMBER];

	fprintf(to, "  0x%02x %9u %10s", c->id, c->priority, report_bytes(bytes, (double)c->bytes, ""));
	put_share(to, c->share);
	put_share(to, c->ideal);
	fprintf(to, " %10s %10s %11s\n", report_time(p50, c->delay_p50_s), report_time(p99, c->delay_p99_s),
	        report_time(gap, c->longest_gap_s));
}

static void put_measure(FILE *to, const struct scenario_measure *m, bool colours)
{
	char rate[REPORT_NUMBER];

	fprintf(to, "\n%s%s%s, %.6g s to %.6g s: %s", on(colours, BOLD), m->name, off(colours), m->start_s, m->end_s,
	        report_bytes(rate, m->throughput_bytes_s, "/s"));
	if (!isnan(m->utilisation))
		fprintf(to, ", %.1f %% of the link", m->utilisation * 100);
	if (!isnan(m->share_error))
		fprintf(to, ", share error %.2f %%", m->share_error * 100);
	fprintf(to, "\n%s  channel priority %8s %9s %8s %10s %10s %11s%s\n", on(colours, DIM), "bytes", "share", "ideal", "delay p50", "p99",
	        "longest gap", off(colours));
	for (size_t i = 0; i < m->num_channels; i++)
		put_channel(to, &m->channels[i]);
}

static void put_speed(FILE *to, const struct report_run *run)
{
	char virtual_s[REPORT_NUMBER], wall[REPORT_NUMBER], events[REPORT_NUMBER], nodes[REPORT_NUMBER];
	uint64_t n = run->stats == NULL ? 0 : run->stats->events;

	fprintf(to, "%s node%s, ", report_count(nodes, run->results->nodes), run->results->nodes == 1 ? "" : "s");
	if (strcmp(run->transport, "tcp") == 0) {
		fprintf(to, "%s of real time\n", report_time(virtual_s, run->results->virtual_s));
		return;
	}
	fprintf(to, "%s of virtual time in %s, %s events\n", report_time(virtual_s, run->results->virtual_s), report_time(wall, run->wall_s),
	        report_count(events, n));
}

static void put_files(FILE *to, const struct report_run *run, const struct report_plots *plots)
{
	if (run->out == NULL)
		return;
	fprintf(to, "\nresults: %s (summary.json, metrics.csv%s", run->out, run->results->num_faults == 0 ? "" : ", plan.json");
	if (plots != NULL && plots->drawn != 0)
		fprintf(to, ", %u plot%s as PNG and SVG", plots->drawn, plots->drawn == 1 ? "" : "s");
	else if (plots != NULL && plots->written != 0)
		fprintf(to, ", %u plot script%s", plots->written, plots->written == 1 ? "" : "s");
	fputs(")\n", to);
	if (plots != NULL && plots->trouble[0] != '\0')
		fprintf(to, "%s\n", plots->trouble);
}

#define FAULTS_SHOWN 12u

static void put_faults(FILE *to, const struct report_run *run)
{
	const struct scenario_results *r = run->results;
	size_t shown = r->num_faults < FAULTS_SHOWN ? r->num_faults : FAULTS_SHOWN;

	if (r->num_faults == 0)
		return;
	fprintf(to, "faults: %zu\n", r->num_faults);
	for (size_t i = 0; i < shown; i++)
		fprintf(to, "  %10.6f s  %.110s%s\n", r->faults[i].time_s, r->faults[i].text, strlen(r->faults[i].text) > 110 ? "..." : "");
	if (shown < r->num_faults)
		fprintf(to, "  and %zu more (plan.json)\n", r->num_faults - shown);
	if (r->faults_dropped != 0)
		fprintf(to, "  the plan is not complete: %llu operations more\n", (unsigned long long)r->faults_dropped);
}

void report_head(FILE *to, const struct report_run *run, const struct report_plots *plots, bool colours)
{
	const struct scenario_results *r = run->results;

	fprintf(to, "%s%s%s: profile %s, %s, %s crypto\n", on(colours, BOLD), run->name, off(colours), run->profile,
	        strcmp(run->transport, "tcp") == 0 ? "real TCP on loopback" : "simulated", run->crypto);
	if (r->network != NULL && *r->network != '\0')
		fprintf(to, "network: %s\n", r->network);
	put_speed(to, run);
	put_faults(to, run);
	for (size_t i = 0; i < r->num_measures; i++)
		put_measure(to, &r->measures[i], colours);
	if (r->notes != NULL && *r->notes != '\0')
		fprintf(to, "\n%s%s", r->notes, r->notes[strlen(r->notes) - 1] == '\n' ? "" : "\n");
	put_files(to, run, plots);
}

/* A check whose name tells what must not be says so: "held" alone would read as if it had happened. */
static void put_check(FILE *to, const struct scenario_check *c, bool colours)
{
	const char *verdict = !c->decided ? "undecided" : c->held ? "held" : "FAILED";
	enum tint tint = !c->decided ? DIM : c->held ? GOOD : BAD;
	bool bad = c->decided && !c->held;

	fprintf(to, "  %s%-9s%s  %s%s", on(colours, tint), verdict, off(colours), c->kind == SCENARIO_NEVER ? "never: " : "", c->name);
	if (c->detail != NULL && *c->detail != '\0')
		fprintf(to, "%s  (%s%s%s)%s", on(colours, DIM), c->detail, bad ? "; " : "", bad ? c->where : "", off(colours));
	fputc('\n', to);
}

void report_foot(FILE *to, const struct report_run *run, bool colours)
{
	const struct scenario_results *r = run->results;

	fputc('\n', to);
	for (size_t i = 0; i < r->num_checks; i++)
		put_check(to, &r->checks[i], colours);
	if (r->num_checks == 0)
		fputs("  (the scenario checks nothing)\n", to);
	fprintf(to, "seed %llu\n", (unsigned long long)run->seed);
	if (strcmp(run->transport, "tcp") == 0)
		fputs("hash 0000000000000000 (a real network has none)\n", to);
	else
		fprintf(to, "hash %016llx\n", (unsigned long long)run->hash);
	fprintf(to, "repeat with: %s\n", run->repeat);
}
