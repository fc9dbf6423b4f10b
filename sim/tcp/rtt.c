/*
 * Round-trip times: RFC 6298's estimator with Linux's changes (the deviation is the maximum within a round trip, shrinks
 * slowly and never falls below 200 ms, so that the time-out is srtt + max(4 rttvar, 200 ms)). A sample per
 * acknowledgement; Karn's rule by timestamps. Kept in whole microseconds scaled by 8 and 4, as the estimator rounds.
 */
#include "sim/tcp/impl.h"

#define RTT_MIN_US 1u

static void first_sample(struct sim_tcp *t, uint64_t us)
{
	t->srtt8_us = us << 3;
	t->mdev4_us = us << 1;
	t->rttvar_us = max_u64(t->mdev4_us, TCP_RTO_MIN / 1000);
	t->mdev_max_us = t->rttvar_us;
	t->rtt_end = t->nxt;
}

/* Deviation: a sample below the mean that would widen it counts an eighth, so that a falling RTT does not raise the RTO. */
static void next_sample(struct sim_tcp *t, uint64_t us)
{
	int64_t off = (int64_t)us - (int64_t)(t->srtt8_us >> 3);
	int64_t deviation;

	t->srtt8_us = (uint64_t)((int64_t)t->srtt8_us + off);
	if (off < 0) {
		deviation = -off - (int64_t)(t->mdev4_us >> 2);
		if (deviation > 0)
			deviation >>= 3;
	} else {
		deviation = off - (int64_t)(t->mdev4_us >> 2);
	}
	t->mdev4_us = (uint64_t)((int64_t)t->mdev4_us + deviation);
	if (t->mdev4_us > t->mdev_max_us) {
		t->mdev_max_us = t->mdev4_us;
		t->rttvar_us = max_u64(t->rttvar_us, t->mdev_max_us);
	}
	if (t->una <= t->rtt_end)
		return;
	if (t->mdev_max_us < t->rttvar_us)
		t->rttvar_us -= (t->rttvar_us - t->mdev_max_us) >> 2;
	t->rtt_end = t->nxt;
	t->mdev_max_us = TCP_RTO_MIN / 1000;
}

void tcp_rtt_sample(struct sim_tcp *t, uint64_t rtt_ns)
{
	uint64_t us = max_u64(rtt_ns / 1000, RTT_MIN_US);

	if (t->srtt8_us == 0)
		first_sample(t, us);
	else
		next_sample(t, us);
	t->rto_ns = min_u64(tcp_ticks(t, ((t->srtt8_us >> 3) + t->rttvar_us) * 1000), TCP_RTO_MAX);
	t->backoff = 0;
}

/* The oldest newly acknowledged segment feeds the estimator, the newest the congestion control. */
void tcp_rtt_update(struct sim_tcp *t, struct tcp_ack *a, uint64_t echo_ns)
{
	uint64_t now = tcp_now(t);
	int64_t first = -1, last = -1;

	if (a->first_sent_ns != 0 && !(a->flags & ACK_RETRANS)) {
		first = (int64_t)(now - a->first_sent_ns);
		last = (int64_t)(now - a->last_sent_ns);
	}
	if (a->first_sacked_ns != 0) {
		if (first < 0)
			first = (int64_t)(now - a->first_sacked_ns);
		last = (int64_t)(now - a->last_sacked_ns);
	}
	if (first < 0 && echo_ns != 0 && (a->flags & ACK_ADVANCED)) {
		first = (int64_t)(now + 1 - min_u64(echo_ns, now + 1));
		last = first;
	}
	a->rs.rtt_ns = last;
	if (first < 0)
		return;
	if (last >= 0 && (t->min_rtt_ns == 0 || (uint64_t)last < t->min_rtt_ns))
		t->min_rtt_ns = max_u64((uint64_t)last, 1000);
	tcp_rtt_sample(t, (uint64_t)first);
}
