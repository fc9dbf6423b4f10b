/* A direction's rate limit: which of the two limiters, and the gate that both share. */
#include "core/mconn/internal.h"

/* Above this a limit is none: 1 TB/s. It keeps the arithmetic of the limiters within 64 bits. */
#define RATE_UNLIMITED 1000000000000ull

void sy_rate_init(struct sy_rate *r, const struct sy_policy *policy, uint64_t rate, uint32_t max_packet)
{
	*r = (struct sy_rate){.rate = rate > RATE_UNLIMITED ? 0 : rate, .smooth = policy->smooth_rates};
	if (!r->rate)
		return;
	if (r->smooth)
		sy_rate_smooth_init(r, max_packet);
	else
		sy_rate_upstream_init(r);
}

bool sy_flow_gate_limited(struct sy_flow *f, const struct sy_rate *r, bool gated, uint64_t now_ns)
{
	if (r->smooth) {
		if (sy_flow_open(f, r, gated, now_ns))
			return true;
		if (!gated)
			f->limited_ns += sy_flow_wake(f, r) - now_ns;
		return false;
	}
	if (gated && now_ns < f->at_ns)
		return false;
	sy_monitor_add(&f->mon, 0, now_ns);
	if (sy_rate_upstream_open(f, r, now_ns))
		return true;
	sy_rate_upstream_sleep(f, now_ns);
	f->limited_ns += f->at_ns - now_ns;
	return false;
}
