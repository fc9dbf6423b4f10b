/* Reno: slow start by what is acknowledged, one segment a round trip beyond (RFC 5681, RFC 3465), and what all controls share. */
#include "sim/tcp/impl.h"

/* Returns what is left of acked when the threshold was reached. */
uint32_t tcp_slow_start(struct sim_tcp *t, uint32_t acked)
{
	uint64_t grown = min_u64((uint64_t)t->cwnd + acked, t->ssthresh);
	uint32_t used = (uint32_t)grown - t->cwnd;

	t->cwnd = (uint32_t)grown;
	return acked - used;
}

/* One segment for every w that are acknowledged. */
void tcp_avoid_additive(struct sim_tcp *t, uint32_t w, uint32_t acked)
{
	if (t->cwnd_cnt >= w) {
		t->cwnd_cnt = 0;
		t->cwnd++;
	}
	t->cwnd_cnt += acked;
	if (t->cwnd_cnt >= w) {
		uint32_t more = t->cwnd_cnt / w;

		t->cwnd_cnt -= more * w;
		t->cwnd += more;
	}
}

void tcp_undo_to_prior(struct sim_tcp *t)
{
	t->cwnd = max_u32(t->cwnd, t->prior_cwnd);
}

/* RFC 7661 in Linux's form: a window that was not filled does not grow; in slow start half filled is enough. */
bool tcp_is_cwnd_limited(const struct sim_tcp *t)
{
	if (t->cwnd_limited)
		return true;
	return tcp_in_slow_start(t) && t->cwnd < 2 * t->max_packets_out;
}

static uint32_t reno_ssthresh(struct sim_tcp *t)
{
	return max_u32(t->cwnd / 2, 2);
}

static void reno_avoid(struct sim_tcp *t, uint32_t acked)
{
	if (!tcp_is_cwnd_limited(t))
		return;
	if (tcp_in_slow_start(t)) {
		acked = tcp_slow_start(t, acked);
		if (acked == 0)
			return;
	}
	tcp_avoid_additive(t, t->cwnd, acked);
}

const struct tcp_cc tcp_cc_reno = {
    .ssthresh = reno_ssthresh,
    .avoid = reno_avoid,
    .undo = tcp_undo_to_prior,
};
