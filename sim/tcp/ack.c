/* One acknowledgement from end to end: what it frees, what it says of losses, what the window becomes, what goes out. */
#include "sim/tcp/impl.h"

static void count_acked(struct sim_tcp *t, uint64_t n, struct tcp_ack *a, uint64_t echo_ns)
{
	struct tcp_seg *s = tcp_seg(t, n);

	if (s->flags & SEG_EVER) {
		if (s->flags & SEG_RETRANS)
			t->retrans_out -= s->count;
		a->flags |= ACK_RETRANS;
	} else if (!(s->flags & SEG_SACKED)) {
		a->last_sent_ns = s->sent_ns;
		if (a->first_sent_ns == 0)
			a->first_sent_ns = s->sent_ns;
		if (s->seq < a->prior_sacked)
			a->reordered = min_u64(a->reordered, s->seq);
		if (tcp_seg_end(s) <= t->high)
			a->flags |= ACK_ORIGINAL;
	}
	if (s->flags & SEG_SACKED) {
		t->sacked_out -= s->count;
	} else {
		t->delivered += s->count;
		/* an echo from before its last transmission: the original was answered */
		if (!(s->flags & SEG_EVER) || echo_ns == 0 || echo_ns > s->sent_ns)
			tcp_rack_advance(t, s);
	}
	tcp_rate_delivered(t, s, &a->rs);
	if (s->flags & SEG_LOST)
		t->lost_out -= s->count;
	t->packets_out -= s->count;
	tcp_order_remove(t, n);
	a->acked += s->count;
}

/* Frees what lies below una. Returns whether the time-out starts anew. */
static void clean(struct sim_tcp *t, struct tcp_ack *a, uint64_t echo_ns)
{
	uint32_t prior_sacked = t->sacked_out;

	while (t->seg_una != t->seg_nxt) {
		bool whole = tcp_seg_end(tcp_seg(t, t->seg_una)) <= t->una;

		if (!whole && !tcp_seg_split_at(t, t->seg_una, t->una))
			break;
		count_acked(t, t->seg_una, a, echo_ns);
		t->seg_una = tcp_seg_next(t, t->seg_una);
	}
	t->rexmit_hint = max_u64(t->rexmit_hint, t->seg_una);
	if (a->acked == 1 && prior_sacked == 0 && t->una - a->prior_una < t->config.mss && !(a->flags & ACK_ALERT))
		a->flags |= ACK_DELAYED;
	tcp_rtt_update(t, a, echo_ns);
	if (a->acked != 0) {
		a->flags |= ACK_SET_TIMER;
		if (a->reordered != TCP_NONE && !(a->flags & ACK_RETRANS))
			tcp_reorder_seen(t, a->reordered);
	} else if (t->packets_out != 0 && a->first_sacked_ns != 0) {
		/* SACKs of what was sent after the head was: the head's time-out must not be put off for ever */
		if (a->first_sacked_ns < tcp_seg(t, t->seg_una)->sent_ns)
			a->flags |= ACK_SET_TIMER;
	}
	if (t->cc->acked != NULL)
		t->cc->acked(t, a->rs.rtt_ns, a->acked);
}

static bool dubious(const struct sim_tcp *t, const struct tcp_ack *a)
{
	return !(a->flags & ACK_NOT_DUP) || (a->flags & ACK_ALERT) || t->ca != TCP_CA_OPEN;
}

/* After reordering a window grows with whatever arrives, else only with what advances una. */
static bool may_raise(const struct sim_tcp *t, const struct tcp_ack *a)
{
	if (t->reordering > TCP_DUPTHRESH)
		return (a->flags & (ACK_ADVANCED | ACK_SACKED)) != 0;
	return a->acked != 0;
}

static void control(struct sim_tcp *t, struct tcp_ack *a)
{
	if (t->cc->control != NULL) {
		t->cc->control(t, &a->rs, a->flags);
	} else if (tcp_reducing(t)) {
		tcp_reduce(t, a->rs.acked_sacked, a->rs.losses, a->flags);
	} else if (may_raise(t, a)) {
		t->cc->avoid(t, a->rs.acked_sacked);
	}
}

static void resend(struct sim_tcp *t, const struct tcp_ack *a)
{
	switch (a->rexmit) {
	case REXMIT_NONE:
		return;
	case REXMIT_NEW:
		tcp_push(t);
		if (t->nxt <= t->high)
			return;
		t->frto = false;
		break;
	case REXMIT_LOST:
		break;
	}
	tcp_retransmit_queue(t);
}

static void update_window(struct sim_tcp *t, const struct sim_tcp_packet *p, struct tcp_ack *a)
{
	uint64_t end = p->ack + p->window;

	if (end == t->wnd_end && p->ack == t->una)
		return;
	if (end > t->wnd_end)
		t->wnd_end = end;
	if (p->ack > t->una || p->window > t->max_wnd)
		a->flags |= ACK_WINDOW;
	t->max_wnd = p->window;
	t->zero_probes = 0;
}

void tcp_ack(struct sim_tcp *t, const struct sim_tcp_packet *p)
{
	struct tcp_ack a = {.prior_una = t->una, .reordered = TCP_NONE, .rs = {.interval_ns = -1, .rtt_ns = -1}};
	uint64_t delivered = t->delivered, lost = t->lost;

	if (p->ack > t->nxt)
		return;
	if (p->len != 0)
		a.flags |= ACK_DATA;
	a.rs.prior_in_flight = tcp_in_flight(t);
	if (p->ack >= t->una)
		update_window(t, p, &a);
	if (p->ack > t->una) {
		t->una = p->ack;
		t->rto_count = 0;
		a.flags |= ACK_ADVANCED;
	}
	t->last_echo_ns = p->echo_ns;
	if (t->packets_out == 0)
		return;
	a.prior_sacked = t->sacked_out != 0 ? t->sacked_high : a.prior_una;
	tcp_sack(t, p, &a);
	clean(t, &a, p->echo_ns);
	tcp_rack_dsack(t, &a);
	tcp_probe_acked(t, p->ack, a.flags);
	if (dubious(t, &a)) {
		if (!(a.flags & (ACK_NOT_DUP | ACK_DSACK)))
			a.num_dupack = 1;
		tcp_recover(t, &a);
	}
	if ((a.flags & ACK_SET_TIMER) && !tcp_probe_schedule(t, true))
		tcp_rearm_rto(t);
	a.rs.delayed = (a.flags & ACK_DELAYED) != 0;
	tcp_rate_finish(t, (uint32_t)(t->delivered - delivered), (uint32_t)(t->lost - lost), &a.rs);
	control(t, &a);
	resend(t, &a);
}
