/*
 * The token bucket (D-03), kept as the time at which it would be full again: one number, no clock of its own, exact to
 * the nanosecond. It holds 64 KiB or 20 ms of the rate, whichever is more. Charges round up, so that a second
 * never carries more than the rate and one bucket.
 */
#include "core/mconn/internal.h"

#define BURST_BYTES 65536u
#define BURST_NS 20000000u

static uint64_t cost_ns(uint64_t bytes, uint64_t rate)
{
	return (bytes * SY_NS_PER_S + rate - 1) / rate;
}

void sy_rate_smooth_init(struct sy_rate *r, uint32_t max_packet)
{
	uint64_t burst = cost_ns(BURST_BYTES, r->rate), packet = cost_ns(max_packet, r->rate);
	r->burst_ns = burst > BURST_NS ? burst : BURST_NS;
	/* A packet goes when the bucket holds a whole one; one larger than the bucket waits until it is full. */
	r->slack_ns = packet < r->burst_ns ? r->burst_ns - packet : 0;
}

uint64_t sy_rate_smooth_allowance(const struct sy_flow *f, const struct sy_rate *r, uint64_t now_ns)
{
	uint64_t used = f->at_ns > now_ns ? f->at_ns - now_ns : 0;
	if (used >= r->burst_ns)
		return 0;
	/* In microseconds: 64 KiB at 1 B/s and 20 ms at 1 TB/s both stay within 64 bits. */
	return (r->burst_ns - used) / 1000 * r->rate / 1000000;
}
