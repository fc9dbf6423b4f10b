/* The process as Prometheus' own clients tell of it, from /proc. */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sim/ops/metrics.h"

static void cpu(struct prom *p)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return;
	ops_open(p, OPS_CPU);
	prom_seconds(p, NULL, 0, (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

static void descriptors(struct prom *p)
{
	struct rlimit limit;
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (dir != NULL) {
		for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
			n += e->d_name[0] != '.';
		closedir(dir);
		ops_open(p, OPS_FDS);
		prom_u64(p, NULL, 0, n - 1); /* without the directory's own */
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		ops_open(p, OPS_FDS_MAX);
		prom_u64(p, NULL, 0, limit.rlim_cur);
	}
}

static void memory(struct prom *p)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return;
	if (fscanf(f, "%lu %lu", &size, &resident) == 2) {
		uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

		ops_open(p, OPS_VIRTUAL);
		prom_u64(p, NULL, 0, size * page);
		ops_open(p, OPS_RESIDENT);
		prom_u64(p, NULL, 0, resident * page);
	}
	fclose(f);
}

void ops_metrics_process(struct prom *p)
{
	cpu(p);
	descriptors(p);
	memory(p);
}
