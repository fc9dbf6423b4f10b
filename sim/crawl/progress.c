#include "sim/crawl/progress.h"

#include <inttypes.h>
#include <stdio.h>

void crawl_progress(const struct walk *w, uint64_t took_ns)
{
	uint32_t counts[CRAWL_OUTCOMES] = {0};

	for (uint32_t i = 0; i < w->table->n; i++)
		counts[w->table->at[i].outcome]++;
	fprintf(stderr, "\r\033[K%" PRIu64 " s: %u addresses, %u reachable, %u refused, %u unreachable, %u skipped; %u in flight, %u waiting",
	        took_ns / 1000000000u, w->table->n, counts[CRAWL_REACHABLE], counts[CRAWL_REFUSED], counts[CRAWL_UNREACHABLE],
	        counts[CRAWL_SKIPPED], w->busy, w->queued);
	fflush(stderr);
}

void crawl_progress_end(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
