/* Upstream's flow-rate monitor, in integers: its rates are for status only. Source: protocol.md 3.9. */
#include "core/mconn/internal.h"

#define CLOCK_NS 20000000u
#define SAMPLE_NS 100000000u

enum { EXP_BITS = 32, EXP_DROP = 8, EXP_TICKS_MAX = 1200 };
#define EXP_MINUS_20_MS 4209921245ull /* exp(-0.02) x 2^32 */

uint64_t sy_monitor_clock(uint64_t now_ns)
{
	return (now_ns + CLOCK_NS / 2) / CLOCK_NS * CLOCK_NS;
}

void sy_monitor_init(struct sy_monitor *mon, uint64_t now_ns)
{
	*mon = (struct sy_monitor){.ema = UINT64_MAX, .sample_ns = sy_monitor_clock(now_ns)};
}

bool sy_monitor_sample_over(const struct sy_monitor *mon, uint64_t now_ns)
{
	return now_ns + CLOCK_NS / 2 >= mon->sample_ns + SAMPLE_NS;
}

/* exp(-ticks x 20 ms) with 24 binary places; past 24 s it is nothing. */
static uint64_t decay_of(uint64_t ticks)
{
	if (ticks > EXP_TICKS_MAX)
		return 0;
	uint64_t w = 1ull << EXP_BITS, base = EXP_MINUS_20_MS;
	for (; ticks; ticks >>= 1) {
		if (ticks & 1)
			w = (w >> 1) * base >> (EXP_BITS - 1);
		base = base * base >> EXP_BITS;
	}
	return w >> EXP_DROP;
}

static uint64_t average(uint64_t ema, uint64_t sample, uint64_t w)
{
	if (ema == UINT64_MAX)
		return sample;
	if (ema >= sample)
		return sample + ((ema - sample) * w >> (EXP_BITS - EXP_DROP));
	return sample - ((sample - ema) * w >> (EXP_BITS - EXP_DROP));
}

void sy_monitor_roll(struct sy_monitor *mon, uint64_t now_ns)
{
	uint64_t clock = sy_monitor_clock(now_ns), t = clock - mon->sample_ns;
	SY_ASSERT(t >= SAMPLE_NS);
	uint64_t sample = mon->sample_bytes * SY_NS_PER_S / t;
	mon->ema = average(mon->ema, sample, decay_of(t / CLOCK_NS));
	mon->sample_bytes = 0;
	mon->sample_ns = clock;
}

uint64_t sy_monitor_rate(const struct sy_monitor *mon, uint64_t now_ns)
{
	struct sy_monitor copy = *mon;
	sy_monitor_add(&copy, 0, now_ns);
	return copy.ema == UINT64_MAX ? 0 : copy.ema;
}
