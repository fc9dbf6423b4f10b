/* The look that all plots share: names, colours, axes, the head of a script. */
#include <string.h>

#include "sim/report/plot.h"

static size_t slug(char stem[PLOT_STEM], const char *prefix, const char *title)
{
	size_t n = 0;
	const char *const parts[] = {prefix, title};

	for (size_t p = 0; p < 2; p++) {
		for (const char *at = parts[p]; *at != '\0' && n < PLOT_STEM - 8; at++) {
			char c = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;

			if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
				stem[n++] = c;
			else if (n != 0 && stem[n - 1] != '-')
				stem[n++] = '-';
		}
	}
	while (n != 0 && stem[n - 1] == '-')
		n--;
	if (n == 0) {
		memcpy(stem, "plot", 4);
		n = 4;
	}
	stem[n] = '\0';
	return n;
}

static bool is_taken(const struct plot_names *names, const char *stem)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->stem[i], stem) == 0)
			return true;
	return false;
}

const char *plot_name(struct plot_names *names, const char *prefix, const char *title)
{
	char *stem = names->stem[names->n];

	if (names->n + 1 >= PLOT_MAX)
		return NULL;
	size_t len = slug(stem, prefix, title);
	for (unsigned again = 2; is_taken(names, stem); again++)
		snprintf(stem + len, PLOT_STEM - len, "-%u", again % 1000);
	names->n++;
	return stem;
}

void plot_quote(FILE *to, const char *text)
{
	fputc('\'', to);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\'')
			fputc('\'', to);
		/* A line end would end the command: texts come from scripts of users. */
		fputc(c < 32 || c == 127 ? ' ' : c, to);
	}
	fputc('\'', to);
}

const char *plot_colour(size_t n)
{
	/* Okabe and Ito's palette without its yellow, which nobody can read on white. */
	static const char *const colours[PLOT_COLOURS] = {
	    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#555555",
	};

	return colours[n % PLOT_COLOURS];
}

struct plot_axis plot_time_axis(double longest_s)
{
	if (longest_s >= 3 * 3600.0)
		return (struct plot_axis){3600, "hours"};
	return longest_s >= 300 ? (struct plot_axis){60, "minutes"} : (struct plot_axis){1, "seconds"};
}

struct plot_axis plot_byte_axis(double most_bytes_s)
{
	if (most_bytes_s >= 1e9)
		return (struct plot_axis){1e9, "GB/s"};
	if (most_bytes_s >= 1e6)
		return (struct plot_axis){1e6, "MB/s"};
	return most_bytes_s >= 1e3 ? (struct plot_axis){1e3, "kB/s"} : (struct plot_axis){1, "B/s"};
}

void plot_begin(FILE *to, const char *stem, const char *title, unsigned height)
{
	fprintf(to,
	        "# Draws %s.png and %s.svg from the data beside it. In this directory: gnuplot %s.gp\n"
	        "reset\n"
	        "set encoding utf8\n"
	        "set datafile missing 'NaN'\n"
	        "set datafile separator '\\t'\n"
	        "set decimalsign '.'\n"
	        "do for [kind in 'png svg'] {\n"
	        "if (kind eq 'svg') {\n"
	        "set terminal svg size 1200,%u font 'sans,14' linewidth 1.2 background '#ffffff' noenhanced\n"
	        "} else {\n"
	        "if (strstrt(GPVAL_TERMINALS, ' pngcairo ') > 0) {\n"
	        "set terminal pngcairo size 1200,%u font 'sans,12' linewidth 1.5 background '#ffffff' noenhanced\n"
	        "} else {\n"
	        "set terminal png size 1200,%u medium background '#ffffff' noenhanced\n"
	        "} }\n"
	        "set output '%s.'.kind\n"
	        "set border 3 linecolor rgb '#444444'\n"
	        "set tics nomirror out textcolor rgb '#222222'\n"
	        "set grid linecolor rgb '#dddddd' linetype 1 linewidth 0.6\n"
	        "set key outside right top vertical Left reverse samplen 1.5 spacing 1.2\n"
	        "set style fill transparent solid 0.25 noborder\n",
	        stem, stem, stem, height, height, height, stem);
	fputs("set title ", to);
	plot_quote(to, title);
	fputc('\n', to);
}

void plot_end(FILE *to)
{
	fputs("unset output\n}\n", to);
}
