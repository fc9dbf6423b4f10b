/*
 * Upstream's gate: open while fewer than a tenth of the rate was counted in the current sample of 100 ms; who finds it
 * closed sleeps until the sample ends, on a clock rounded to 20 ms. Source: protocol.md 3.9.
 */
#include "core/mconn/internal.h"

#define SAMPLE_NS 100000000u
#define MIN_SLEEP_NS 5000000u

void sy_rate_upstream_init(struct sy_rate *r)
{
	uint64_t limit = (r->rate + 5) / 10;
	r->sample_limit = limit ? limit : 1;
}

bool sy_rate_upstream_open(const struct sy_flow *f, const struct sy_rate *r, uint64_t now_ns)
{
	return f->mon.sample_bytes < r->sample_limit || sy_monitor_sample_over(&f->mon, now_ns);
}

void sy_rate_upstream_sleep(struct sy_flow *f, uint64_t now_ns)
{
	uint64_t end = f->mon.sample_ns + SAMPLE_NS, clock = sy_monitor_clock(now_ns);
	uint64_t left = end > clock ? end - clock : 0;
	f->at_ns = now_ns + (left > MIN_SLEEP_NS ? left : MIN_SLEEP_NS);
}

uint64_t sy_rate_upstream_allowance(const struct sy_flow *f, const struct sy_rate *r, uint64_t now_ns)
{
	if (sy_monitor_sample_over(&f->mon, now_ns))
		return r->sample_limit;
	return f->mon.sample_bytes < r->sample_limit ? r->sample_limit - f->mon.sample_bytes : 0;
}
