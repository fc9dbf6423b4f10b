#include "tests/support/report_run.h"

#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS 60

static void fill_series(struct scenario_series *s)
{
	static const char *const columns[] = {"p5", "p50", "p95"};
	static double time_s[POINTS], value[3][POINTS];
	static const double *const values[] = {value[0], value[1], value[2]};

	for (int i = 0; i < POINTS; i++) {
		time_s[i] = i * 10;
		for (int c = 0; c < 3; c++)
			value[c][i] = i == 3 ? NAN : (double)i * (c + 1) / (i + 10) * 10;
	}
	*s = (struct scenario_series){.title = "peers over time: it's 100 %",
	                              .every_ns = 1000000000,
	                              .percentiles = true,
	                              .num_columns = 3,
	                              .columns = columns,
	                              .num_points = POINTS,
	                              .time_s = time_s,
	                              .values = values};
}

static void fill_channel(struct scenario_channel *c, int n, uint64_t *bins, double *delays)
{
	for (int i = 0; i < POINTS; i++) {
		bins[i] = (uint64_t)((10 - 3 * n) * 100000 + (i * 7919 % 13) * 1000);
		delays[i] = 0.02 + 0.001 * i * (n + 1);
		c->bytes += bins[i];
	}
	c->id = (uint8_t)(0x30 + n);
	c->priority = (uint32_t)(10 - 3 * n);
	c->reactor = "bulk";
	c->messages = 100;
	c->ideal = n == 0 ? 10.0 / 17 : 7.0 / 17;
	c->share = c->ideal + 0.001;
	c->longest_gap_s = 0.125;
	c->num_bins = POINTS;
	c->bin_bytes = bins;
	c->num_delays = POINTS;
	c->delay_s = delays;
	c->delays_seen = POINTS;
	c->delay_p50_s = delays[POINTS / 2];
	c->delay_p90_s = NAN;
	c->delay_p99_s = c->delay_max_s = delays[POINTS - 1];
}

static void fill_measure(struct scenario_measure *m)
{
	static struct scenario_channel channels[2];
	static uint64_t bins[2][POINTS];
	static double delays[2][POINTS];

	memset(channels, 0, sizeof channels);
	for (int n = 0; n < 2; n++)
		fill_channel(&channels[n], n, bins[n], delays[n]);
	*m = (struct scenario_measure){.name = "a -> b",
	                               .from = "a",
	                               .to = "b",
	                               .plotted = true,
	                               .start_s = 5,
	                               .end_s = 5 + POINTS * 0.5,
	                               .bin_s = 0.5,
	                               .link_rate_bits = 20e6,
	                               .throughput_bytes_s = 2.4e6,
	                               .utilisation = 0.96,
	                               .share_error = 0.002,
	                               .num_channels = 2,
	                               .channels = channels};
}

void test_report_run(struct report_run *run)
{
	static const struct scenario_check checks[] = {
	    {"every node finds \"all\"", SCENARIO_EVENTUALLY, true, true, 41.5, "held from 41.5 s", "x.lua:3"},
	    {"waits", SCENARIO_NEVER, false, true, 12, "first at 12 s", "x.lua:9"},
	};
	static const struct scenario_row rows[] = {
	    {1, "a", "b", "0x30", "bytes", 1234567},
	    {1.5, "say \"hi\", you", "", "", "peers", 0.1},
	    {2, "a", "", "", "ratio", NAN},
	};
	static const struct report_param params[] = {{"nodes", "200"}};
	static struct world_stats stats = {.events = 1234567, .node_memory = 4096};
	static struct scenario_series series;
	static struct scenario_measure measure;
	static struct scenario_results results;

	fill_series(&series);
	fill_measure(&measure);
	results = (struct scenario_results){.verdict = SCENARIO_FAILED,
	                                    .virtual_s = 600,
	                                    .nodes = 2,
	                                    .messages = 10,
	                                    .num_checks = 2,
	                                    .num_failed = 1,
	                                    .checks = checks,
	                                    .num_series = 1,
	                                    .series = &series,
	                                    .num_measures = 1,
	                                    .measures = &measure,
	                                    .num_rows = 3,
	                                    .rows = rows,
	                                    .network = "20 ms, no loss, unlimited rate",
	                                    .notes = ""};
	*run = (struct report_run){.name = "sample",
	                           .file = "scenarios/sample.lua",
	                           .seed = UINT64_MAX,
	                           .hash = 0x0123456789abcdef,
	                           .wall_s = 0.25,
	                           .profile = "default",
	                           .transport = "sim",
	                           .crypto = "real",
	                           .repeat = "switchyard run scenarios/sample.lua --seed 18446744073709551615",
	                           .out = "out/sample",
	                           .stats = &stats,
	                           .params = params,
	                           .num_params = 1,
	                           .results = &results};
}

void test_make_dir(char dir[256])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, 256, "%.200s/switchyard-test-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		abort();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	return remove(path);
}

void test_remove_dir(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *test_read_file(const char *dir, const char *name)
{
	char path[512];
	char *text = NULL;
	size_t size = 0;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0)
		text = strdup("");
	fclose(file);
	return text;
}
