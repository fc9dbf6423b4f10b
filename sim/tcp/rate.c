/*
 * Delivery rate samples (the estimation that BBR brought, draft-cheng-iccrg-delivery-rate-estimation): what was delivered
 * between the sending of a segment and its acknowledgement, over the longer of the times that sending and acknowledging took.
 */
#include "sim/tcp/impl.h"

void tcp_rate_sent(struct sim_tcp *t, struct tcp_seg *s)
{
	if (t->packets_out == 0 || (t->packets_out == s->count && !(s->flags & SEG_EVER))) {
		t->first_tx_ns = s->sent_ns;
		t->delivered_ns = s->sent_ns;
	}
	s->tx_first_ns = t->first_tx_ns;
	s->tx_delivered_ns = t->delivered_ns;
	s->tx_delivered = t->delivered;
	s->flags |= SEG_COUNTED;
	if (t->app_limited != 0)
		s->flags |= SEG_APP_LIMITED;
	else
		s->flags &= (uint16_t)~SEG_APP_LIMITED;
}

/* Of all segments that an acknowledgement delivers, the one sent last makes the sample. */
void tcp_rate_delivered(struct sim_tcp *t, struct tcp_seg *s, struct tcp_rate *rs)
{
	if (!(s->flags & SEG_COUNTED))
		return;
	if (rs->prior_ns == 0 || tcp_sent_after(s->sent_ns, t->first_tx_ns, s->tx, rs->last_tx)) {
		rs->prior_delivered = s->tx_delivered;
		rs->prior_ns = s->tx_delivered_ns;
		rs->app_limited = (s->flags & SEG_APP_LIMITED) != 0;
		rs->last_tx = s->tx;
		t->first_tx_ns = s->sent_ns;
		rs->interval_ns = (int64_t)(s->sent_ns - s->tx_first_ns);
	}
	s->flags &= (uint16_t)~SEG_COUNTED;
}

void tcp_rate_finish(struct sim_tcp *t, uint32_t delivered, uint32_t lost, struct tcp_rate *rs)
{
	uint64_t now = tcp_now(t);

	if (t->app_limited != 0 && t->delivered > t->app_limited)
		t->app_limited = 0;
	if (delivered != 0)
		t->delivered_ns = now;
	rs->acked_sacked = delivered;
	rs->losses = lost;
	if (rs->prior_ns == 0) {
		rs->delivered = -1;
		rs->interval_ns = -1;
		return;
	}
	rs->delivered = (int64_t)(t->delivered - rs->prior_delivered);
	int64_t acking = (int64_t)(now - rs->prior_ns);
	if (acking > rs->interval_ns)
		rs->interval_ns = acking;
	if (rs->interval_ns < (int64_t)t->min_rtt_ns)
		rs->interval_ns = -1; /* sent and acknowledged faster than the path can: a burst that was held back somewhere */
}

void tcp_rate_check_app_limited(struct sim_tcp *t)
{
	if (t->queued - t->nxt < t->config.mss && tcp_in_flight(t) < t->cwnd && t->lost_out <= t->retrans_out)
		t->app_limited = max_u64(t->delivered + tcp_in_flight(t), 1);
}
