/*
 * RACK (RFC 8985, section 6): a segment is lost when one sent after it has arrived and its own time, a round trip and the
 * reordering window, is over.
 */
#include "sim/tcp/impl.h"

/* A retransmission that was answered faster than any round trip was answered for its original: it tells nothing. */
void tcp_rack_advance(struct sim_tcp *t, const struct tcp_seg *s)
{
	uint64_t rtt = tcp_now(t) - s->sent_ns;

	if ((s->flags & SEG_EVER) && t->min_rtt_ns != 0 && rtt < t->min_rtt_ns)
		return;
	t->rack_advanced = true;
	t->rack_rtt_ns = rtt;
	if (tcp_sent_after(s->sent_ns, t->rack_sent_ns, s->tx, t->rack_tx)) {
		t->rack_sent_ns = s->sent_ns;
		t->rack_tx = s->tx;
	}
}

/* None before reordering was seen once enough is SACKed; else a quarter of the minimal RTT, wider as DSACKs ask. */
static uint64_t reorder_window(const struct sim_tcp *t)
{
	if (!t->reord_seen && (t->ca >= TCP_CA_RECOVERY || t->sacked_out >= t->reordering))
		return 0;
	return min_u64(t->min_rtt_ns / 4 * t->rack_steps, t->srtt8_us * 1000 >> 6);
}

uint64_t tcp_rack_left(const struct sim_tcp *t, const struct tcp_seg *s, uint64_t window_ns)
{
	uint64_t due = s->sent_ns + t->rack_rtt_ns + window_ns, now = tcp_now(t);

	return due > now ? due - now : 0;
}

/* Walks the order of transmission up to what RACK knows to have arrived; returns how long the slowest may still take. */
static uint64_t detect(struct sim_tcp *t, struct tcp_ack *a)
{
	uint64_t window = reorder_window(t), wait = 0;

	for (uint64_t n = t->order_first; n != TCP_NONE;) {
		struct tcp_seg *s = tcp_seg(t, n);
		uint64_t next = s->next;

		if (!tcp_sent_after(t->rack_sent_ns, s->sent_ns, t->rack_tx, s->tx))
			break;
		if (!(s->flags & SEG_LOST) || (s->flags & SEG_RETRANS)) {
			uint64_t left = tcp_rack_left(t, s, window);

			if (left == 0) {
				tcp_mark_lost(t, n, a);
				tcp_order_remove(t, n);
			}
			wait = max_u64(wait, left);
		}
		n = next;
	}
	return wait;
}

void tcp_rack_mark_lost(struct sim_tcp *t, struct tcp_ack *a)
{
	if (!t->rack_advanced)
		return;
	t->rack_advanced = false;
	uint64_t wait = detect(t, a);
	if (wait == 0)
		return;
	tcp_xmit_timer(t, XMIT_REORDER, tcp_ticks(t, wait + TCP_TIMEOUT_MIN));
	a->flags &= ~(uint32_t)ACK_SET_TIMER;
}

void tcp_rack_timeout(struct sim_tcp *t)
{
	uint32_t before = tcp_in_flight(t);

	(void)detect(t, NULL);
	if (tcp_in_flight(t) != before) {
		if (t->ca != TCP_CA_RECOVERY) {
			tcp_enter_recovery(t);
			if (t->cc->control == NULL)
				tcp_reduce(t, 1, 0, 0);
		}
		tcp_retransmit_queue(t);
	}
	if (t->xmit != XMIT_RTO)
		tcp_rearm_rto(t);
}

/* A DSACK says that the window was too small: it widens by a quarter of the RTT, for sixteen recoveries. */
void tcp_rack_dsack(struct sim_tcp *t, const struct tcp_ack *a)
{
	if ((a->flags & ACK_DSACK) && t->rack_last_delivered <= a->rs.prior_delivered && a->rs.prior_ns != 0) {
		t->rack_steps = min_u32(t->rack_steps + 1, 255);
		t->rack_persist = 16;
		t->rack_last_delivered = t->delivered;
	} else if (t->rack_persist == 0) {
		t->rack_steps = 1;
	}
}
