/*
 * Pacing inside the connection, for the controls that want it: bursts of a millisecond's worth, the first ten segments
 * free. A late timer earns up to half of a burst's time back, as the kernel allows itself.
 */
#include "sim/tcp/impl.h"

#define UNPACED_SEGMENTS 10u

bool tcp_pace_wait(struct sim_tcp *t)
{
	if (t->cc->tso_segments == NULL || t->pace_ns <= tcp_now(t))
		return false;
	tcp_timer_exact(t, TIMER_PACE, t->pace_ns);
	return true;
}

void tcp_pace_sent(struct sim_tcp *t, uint32_t bytes)
{
	uint64_t now = tcp_now(t);

	if (t->cc->tso_segments == NULL)
		return;
	uint64_t credit = now > t->pace_ns ? now - t->pace_ns : 0;
	t->pace_ns = max_u64(t->pace_ns, now);
	if (t->pacing_rate == 0 || t->segs_sent < UNPACED_SEGMENTS)
		return;
	uint64_t len_ns = (uint64_t)bytes * TCP_S / t->pacing_rate;
	t->pace_ns += len_ns - min_u64(len_ns / 2, credit);
}
