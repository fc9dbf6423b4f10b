/* All plots of a run, and gnuplot to draw them. A missing gnuplot is told in one line and fails nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/report/plot.h"

#define EXEC_FAILED 127 /* as a shell says it */

static void run_gnuplot(const char *dir, const struct plot_names *names, int errors)
{
	char scripts[PLOT_MAX][PLOT_STEM + 4];
	char *argv[PLOT_MAX + 2];
	char command[] = "gnuplot";
	int nothing = open("/dev/null", O_RDWR);

	argv[0] = command;
	for (size_t i = 0; i < names->n; i++) {
		snprintf(scripts[i], sizeof scripts[i], "%s.gp", names->stem[i]);
		argv[i + 1] = scripts[i];
	}
	argv[names->n + 1] = NULL;
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(errors, 2) < 0 || chdir(dir) != 0)
		_exit(EXEC_FAILED);
	execvp(command, argv);
	_exit(EXEC_FAILED);
}

/* The first line of what gnuplot complains of; the rest is read and dropped, so that it never blocks. */
static void read_complaint(int from, char *line, size_t size)
{
	char bytes[512];
	size_t len = 0;
	bool ended = false;

	for (;;) {
		ssize_t n = read(from, bytes, sizeof bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n' && len != 0)
				ended = true;
			else if (!ended && bytes[i] != '\n' && len + 1 < size)
				line[len++] = bytes[i];
		}
	}
	line[len] = '\0';
}

bool plot_draw(const char *dir, const struct plot_names *names, char trouble[256])
{
	int ends[2], status = 0;
	char line[160];

	if (pipe(ends) != 0) {
		snprintf(trouble, 256, "plots were not drawn: %s", strerror(errno));
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run_gnuplot(dir, names, ends[1]);
	}
	close(ends[1]);
	read_complaint(ends[0], line, sizeof line);
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		snprintf(trouble, 256, "plots were not drawn: no process for gnuplot");
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXEC_FAILED)
		snprintf(trouble, 256, "plots were not drawn: gnuplot is not installed; the scripts (*.gp) and their data are there");
	else
		snprintf(trouble, 256, "plots were not drawn: gnuplot says: %s", line);
	return false;
}

static bool write_series(const struct report_run *run, const char *dir, struct plot_names *names, char error[REPORT_ERROR_TEXT])
{
	for (size_t i = 0; i < run->results->num_series; i++) {
		const struct scenario_series *s = &run->results->series[i];
		/* A line needs two points; without columns there is nothing to draw. */
		const char *stem = s->num_points < 2 || s->num_columns == 0 ? NULL : plot_name(names, "", s->title);

		if (stem != NULL && !plot_series(s, stem, dir, error))
			return false;
	}
	return true;
}

static bool write_channels(const struct report_run *run, const char *dir, struct plot_names *names, char error[REPORT_ERROR_TEXT])
{
	char title[256];

	for (size_t i = 0; i < run->results->num_measures; i++) {
		const struct scenario_measure *m = &run->results->measures[i];
		const char *stem;

		if (!m->plotted || m->num_channels == 0 || m->end_s <= m->start_s)
			continue;
		snprintf(title, sizeof title, "channels %s", m->name);
		stem = plot_name(names, "", title);
		snprintf(title, sizeof title, "%.100s: channels %.100s", run->name, m->name);
		if (stem != NULL && !plot_channels(m, stem, title, dir, error))
			return false;
	}
	return true;
}

bool report_plots(const struct report_run *run, const char *dir, bool draw, struct report_plots *plots, char error[REPORT_ERROR_TEXT])
{
	struct plot_names names = {.n = 0};

	*plots = (struct report_plots){0};
	if (!write_series(run, dir, &names, error) || !write_channels(run, dir, &names, error))
		return false;
	plots->written = (uint32_t)names.n;
	if (draw && names.n != 0 && plot_draw(dir, &names, plots->trouble))
		plots->drawn = plots->written;
	return true;
}

bool report_write(const struct report_run *run, const char *dir, bool draw, struct report_plots *plots, char error[REPORT_ERROR_TEXT])
{
	*plots = (struct report_plots){0};
	return report_make_dir(dir, error) && report_summary(run, dir, error) && report_plan(run, dir, error) && report_csv(run, dir, error) &&
	       report_plots(run, dir, draw, plots, error);
}
