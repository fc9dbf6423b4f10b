/* The inside of the plots: a script and its data beside each other, drawn as PNG and SVG by gnuplot. */
#ifndef SIM_REPORT_PLOT_H
#define SIM_REPORT_PLOT_H

#include "sim/report/file.h"

#define PLOT_STEM 64u /* longest file name without ending */
#define PLOT_MAX 256u /* plots of one run: a name each must be found */
#define PLOT_COLOURS 8u

/* The names given so far: two plots of one title get two files. */
struct plot_names {
	char stem[PLOT_MAX][PLOT_STEM];
	size_t n;
};
/* A file name of small letters, digits and dashes that no plot of this run has; null when there are too many. */
const char *plot_name(struct plot_names *names, const char *prefix, const char *title);

/* A text in gnuplot's single quotes. */
void plot_quote(FILE *to, const char *text);
/* The n-th colour, "#0072b2": told apart by the colour-blind, too. */
const char *plot_colour(size_t n);

/* How a span of time is best labelled. */
struct plot_axis {
	double divisor;
	const char *unit;
};
struct plot_axis plot_time_axis(double longest_s);
struct plot_axis plot_byte_axis(double most_bytes_s);

/* The head of a script: both terminals in turn, the common look. plot_end closes what plot_begin opened. */
void plot_begin(FILE *to, const char *stem, const char *title, unsigned height);
void plot_end(FILE *to);

bool plot_series(const struct scenario_series *series, const char *stem, const char *dir, char error[REPORT_ERROR_TEXT]);
bool plot_channels(const struct scenario_measure *measure, const char *stem, const char *title, const char *dir,
                   char error[REPORT_ERROR_TEXT]);

/* Runs gnuplot in dir on these scripts. False, with one line in trouble, when it is missing or complains. */
bool plot_draw(const char *dir, const struct plot_names *names, char trouble[256]);

#endif
