/*
 * What a run leaves behind: summary.json, metrics.csv, plots beside the scripts and data that drew them, and the lines
 * on the terminal. It reads plain data (sim/lua/scenario.h) and never the world. Numbers are written the same in every
 * locale. Source: scenario.md, the command line.
 */
#ifndef SIM_REPORT_REPORT_H
#define SIM_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/lua/scenario.h"

#define REPORT_PATH 4096u       /* PATH_MAX of Linux */
#define REPORT_ERROR_TEXT 4608u /* a path and a phrase */

struct report_param {
	const char *name, *value;
};

/* A finished run. Everything is borrowed. */
struct report_run {
	const char *name; /* of the script, without directory and ending */
	const char *file; /* as it was given */
	uint64_t seed;
	uint64_t hash; /* meaningless over TCP */
	double wall_s;
	const char *profile;   /* "default" ... */
	const char *transport; /* "sim", "tcp" */
	const char *crypto;    /* "real", "null" */
	const char *repeat;    /* the command that repeats the run */
	const char *out;       /* the directory; null: nothing was written */
	const struct world_stats *stats;
	const struct report_param *params;
	size_t num_params;
	const struct scenario_results *results;
};

const char *report_verdict(const struct scenario_results *results); /* "held", "failed", "error" */

/* ------------------------------------------------------------------ files */

struct report_plots {
	uint32_t written;  /* scripts */
	uint32_t drawn;    /* of which PNG and SVG exist */
	char trouble[256]; /* one line when gnuplot is missing or failed; "" otherwise */
};

/*
 * Writes all files of a run into dir, which is made with its parents. draw: run gnuplot as well. Returns false with one
 * line in error (unwritable, disk full); what was written before stays.
 */
bool report_write(const struct report_run *run, const char *dir, bool draw, struct report_plots *plots, char error[REPORT_ERROR_TEXT]);
bool report_make_dir(const char *dir, char error[REPORT_ERROR_TEXT]);

/* One of them each, for report_write and the tests. */
bool report_summary(const struct report_run *run, const char *dir, char error[REPORT_ERROR_TEXT]);
bool report_plan(const struct report_run *run, const char *dir, char error[REPORT_ERROR_TEXT]); /* no file without faults */
bool report_csv(const struct report_run *run, const char *dir, char error[REPORT_ERROR_TEXT]);
bool report_plots(const struct report_run *run, const char *dir, bool draw, struct report_plots *plots, char error[REPORT_ERROR_TEXT]);

/* The run as one JSON object, on one line without line end, or indented. Null when out of memory; free() it. */
char *report_json(const struct report_run *run, bool indented);

/* ------------------------------------------------------------------ the terminal */

/* True when standard output is a terminal that shows colours and NO_COLOR is not set. */
bool report_colours(FILE *to);
/* What was run and how fast, measures. */
void report_head(FILE *to, const struct report_run *run, const struct report_plots *plots, bool colours);
/* The last lines: checks with verdicts, seed, hash, the command. */
void report_foot(FILE *to, const struct report_run *run, bool colours);

/* ------------------------------------------------------------------ numbers */

#define REPORT_NUMBER 40u
/* The shortest decimal that reads back as the same double; "NaN", "inf". */
const char *report_number(char text[REPORT_NUMBER], double value);
/* For people: "1.23 MB", "412 kB/s", "20 ms", "10 min", "1,234,567". */
const char *report_bytes(char text[REPORT_NUMBER], double bytes, const char *per);
const char *report_time(char text[REPORT_NUMBER], double seconds);
const char *report_count(char text[REPORT_NUMBER], uint64_t count);

#endif
