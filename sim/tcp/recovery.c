/*
 * The state of recovery: open, disorder, window being reduced, fast recovery, loss (RFC 5681, 6582, 6675), the window in
 * recovery by proportional rate reduction (RFC 6937), undoing what turns out to be needless (RFC 4015, 2883, 5682).
 */
#include "sim/tcp/impl.h"

void tcp_set_ca(struct sim_tcp *t, enum tcp_ca ca)
{
	t->ca = ca;
}

static uint32_t left_out(const struct sim_tcp *t)
{
	return t->sacked_out + t->lost_out;
}

/* ------------------------------------------------------------------ the window while it shrinks */

void tcp_reduce_init(struct sim_tcp *t)
{
	t->high = t->nxt;
	t->tlp_high = 0;
	t->cwnd_cnt = 0;
	t->prior_cwnd = t->cwnd;
	t->prr_delivered = 0;
	t->prr_out = 0;
	t->ssthresh = t->cc->ssthresh(t);
}

/* Above the threshold: in proportion to what is delivered. Below: as fast as slow start when una moves, else packet for packet. */
void tcp_reduce(struct sim_tcp *t, uint32_t newly_acked, uint32_t newly_lost, uint32_t flags)
{
	int64_t in_flight = tcp_in_flight(t), delta = (int64_t)t->ssthresh - in_flight, count;

	if (newly_acked == 0 || t->prior_cwnd == 0)
		return;
	t->prr_delivered += newly_acked;
	if (delta < 0) {
		uint64_t share = ((uint64_t)t->ssthresh * t->prr_delivered + t->prior_cwnd - 1) / t->prior_cwnd;

		count = (int64_t)share - t->prr_out;
	} else {
		count = (int64_t)t->prr_delivered - t->prr_out;
		if (count < newly_acked)
			count = newly_acked;
		if ((flags & ACK_ADVANCED) && newly_lost == 0)
			count++;
		if (count > delta)
			count = delta;
	}
	if (count < (t->prr_out == 0))
		count = t->prr_out == 0; /* the first retransmission always goes */
	t->cwnd = (uint32_t)(in_flight + count);
}

void tcp_reduce_end(struct sim_tcp *t)
{
	if (t->cc->control != NULL)
		return;
	if (t->ssthresh < TCP_INFINITE && (t->ca == TCP_CA_CWR || t->undo_marker != TCP_NONE)) {
		t->cwnd = t->ssthresh;
		t->cwnd_stamp_ns = tcp_now(t);
	}
}

/* ------------------------------------------------------------------ undo */

static void undo_init(struct sim_tcp *t)
{
	t->undo_marker = t->una;
	t->undo_retrans = t->retrans_out + (t->tlp_high != 0 && t->tlp_retrans ? 1 : 0);
	if (t->undo_retrans == 0)
		t->undo_retrans = -1; /* 0 stands for: all of them were needless */
}

/* An echo from before the first retransmission: the original came after all (Eifel detection, RFC 3522). */
static bool answered_original(const struct sim_tcp *t)
{
	return t->retrans_stamp_ns != 0 && t->last_echo_ns != 0 && t->last_echo_ns < t->retrans_stamp_ns;
}

static bool may_undo(const struct sim_tcp *t)
{
	return t->undo_marker != TCP_NONE && (t->undo_retrans == 0 || answered_original(t));
}

static void undo_reduction(struct sim_tcp *t, bool unmark_lost)
{
	if (unmark_lost) {
		for (uint64_t n = t->seg_una; n != t->seg_nxt; n = tcp_seg_next(t, n)) {
			struct tcp_seg *s = tcp_seg(t, n);

			if ((s->flags & SEG_LOST) && !(s->flags & (SEG_LISTED | SEG_SACKED)))
				tcp_order_append(t, n);
			s->flags &= (uint16_t)~SEG_LOST;
		}
		t->lost_out = 0;
	}
	if (t->prior_ssthresh != 0) {
		if (t->cc->undo != NULL)
			t->cc->undo(t);
		t->ssthresh = max_u32(t->ssthresh, t->prior_ssthresh);
	}
	t->cwnd_stamp_ns = tcp_now(t);
	t->undo_marker = TCP_NONE;
	t->rack_advanced = true;
}

static bool try_undo_recovery(struct sim_tcp *t)
{
	if (may_undo(t))
		undo_reduction(t, false);
	else if (t->rack_persist > 0)
		t->rack_persist--;
	tcp_set_ca(t, TCP_CA_OPEN);
	return false;
}

static bool try_undo_dsack(struct sim_tcp *t)
{
	if (t->undo_marker == TCP_NONE || t->undo_retrans != 0)
		return false;
	t->rack_persist = min_u32(16, t->rack_persist + 1);
	undo_reduction(t, false);
	return true;
}

static bool any_retrans(const struct sim_tcp *t)
{
	return t->retrans_out != 0 || (t->packets_out != 0 && (tcp_seg(t, t->seg_una)->flags & SEG_EVER));
}

static bool try_undo_loss(struct sim_tcp *t, bool frto)
{
	if (!frto && !may_undo(t))
		return false;
	undo_reduction(t, true);
	t->rto_count = 0;
	tcp_set_ca(t, TCP_CA_OPEN);
	return true;
}

/* The hole was filled by its original, late: nothing was lost. */
static bool try_undo_partial(struct sim_tcp *t, const struct tcp_ack *a)
{
	if (t->undo_marker == TCP_NONE || !answered_original(t))
		return false;
	tcp_reorder_seen(t, a->prior_una);
	if (t->retrans_out != 0)
		return true;
	if (!any_retrans(t))
		t->retrans_stamp_ns = 0;
	undo_reduction(t, true);
	tcp_keep_open(t);
	return true;
}

/* ------------------------------------------------------------------ states */

void tcp_keep_open(struct sim_tcp *t)
{
	enum tcp_ca ca = left_out(t) != 0 || any_retrans(t) ? TCP_CA_DISORDER : TCP_CA_OPEN;

	if (t->ca != ca)
		t->high = t->nxt;
	tcp_set_ca(t, ca);
}

static void try_to_open(struct sim_tcp *t)
{
	if (!any_retrans(t))
		t->retrans_stamp_ns = 0;
	if (t->ca != TCP_CA_CWR)
		tcp_keep_open(t);
}

void tcp_enter_recovery(struct sim_tcp *t)
{
	t->retrans_stamp_ns = any_retrans(t) ? t->retrans_stamp_ns : 0;
	t->prior_ssthresh = 0;
	undo_init(t);
	if (!tcp_reducing(t)) {
		t->prior_ssthresh = max_u32(t->ssthresh, (t->cwnd >> 1) + (t->cwnd >> 2));
		tcp_reduce_init(t);
	}
	tcp_set_ca(t, TCP_CA_RECOVERY);
}

/* After a time-out all is lost that had time to arrive; the window starts again from one. */
void tcp_enter_loss(struct sim_tcp *t)
{
	bool fresh = t->ca < TCP_CA_RECOVERY;

	for (uint64_t n = tcp_seg_missing(t, t->seg_una); n < t->seg_nxt; n = tcp_seg_missing(t, tcp_seg_next(t, n))) {
		if (n != t->seg_una && tcp_rack_left(t, tcp_seg(t, n), 0) > 0)
			continue;
		tcp_mark_lost(t, n, NULL);
		tcp_order_remove(t, n);
	}
	if (t->ca <= TCP_CA_DISORDER || t->una >= t->high || (t->ca == TCP_CA_LOSS && t->rto_count == 0)) {
		t->prior_ssthresh = max_u32(t->ssthresh, (t->cwnd >> 1) + (t->cwnd >> 2));
		t->prior_cwnd = t->cwnd;
		t->ssthresh = t->cc->ssthresh(t);
		undo_init(t);
	}
	t->cwnd = tcp_in_flight(t) + 1;
	t->cwnd_cnt = 0;
	t->cwnd_stamp_ns = tcp_now(t);
	tcp_set_ca(t, TCP_CA_LOSS);
	t->high = t->nxt;
	t->tlp_high = 0;
	t->frto = fresh || t->rto_count > 0;
	if (t->cc->on_loss != NULL)
		t->cc->on_loss(t);
}

/* In loss: F-RTO (RFC 5682) first tries whether new data is answered, which tells a late acknowledgement from a loss. */
static void process_loss(struct sim_tcp *t, struct tcp_ack *a)
{
	bool recovered = t->una >= t->high;

	if ((a->flags & ACK_ADVANCED) && try_undo_loss(t, false))
		return;
	if (t->frto) {
		if ((a->flags & ACK_ORIGINAL) && try_undo_loss(t, true))
			return;
		if (t->nxt > t->high) {
			if ((a->flags & ACK_SACKED) || a->num_dupack != 0)
				t->frto = false;
		} else if ((a->flags & ACK_ADVANCED) && !recovered) {
			t->high = t->nxt;
			if (tcp_has_unsent(t) && t->wnd_end > t->nxt) {
				a->rexmit = REXMIT_NEW;
				return;
			}
			t->frto = false;
		}
	}
	if (recovered) {
		(void)try_undo_recovery(t);
		return;
	}
	a->rexmit = REXMIT_LOST;
}

/* What ends when una passes the point where it began. */
static void leave_if_done(struct sim_tcp *t)
{
	if (t->ca == TCP_CA_OPEN) {
		t->retrans_stamp_ns = 0;
	} else if (t->una >= t->high) {
		if (t->ca == TCP_CA_CWR && t->una != t->high) {
			tcp_reduce_end(t);
			tcp_set_ca(t, TCP_CA_OPEN);
		} else if (t->ca == TCP_CA_RECOVERY) {
			(void)try_undo_recovery(t);
			/* tcp_reduce_end asks for undo_marker: an undone reduction keeps its window */
			tcp_reduce_end(t);
		}
	}
}

/* In recovery; returns false when there is nothing more to decide. */
static bool in_recovery(struct sim_tcp *t, struct tcp_ack *a)
{
	if ((a->flags & ACK_ADVANCED) && try_undo_partial(t, a))
		return false;
	if (try_undo_dsack(t))
		try_to_open(t);
	tcp_rack_mark_lost(t, a);
	if (t->ca != TCP_CA_RECOVERY) {
		if (t->lost_out == 0)
			return false;
		tcp_enter_recovery(t);
	}
	return true;
}

/* In loss; true: go on as if open, because the state changed or a retransmission was lost. */
static bool in_loss(struct sim_tcp *t, struct tcp_ack *a)
{
	process_loss(t, a);
	tcp_rack_mark_lost(t, a);
	return t->ca == TCP_CA_OPEN || (a->flags & ACK_LOST_RETRANS) != 0;
}

/* Works off an acknowledgement that is not the plain one of an open connection. */
void tcp_recover(struct sim_tcp *t, struct tcp_ack *a)
{
	leave_if_done(t);
	if (t->ca == TCP_CA_RECOVERY) {
		if (!in_recovery(t, a))
			return;
	} else {
		if (t->ca == TCP_CA_LOSS) {
			if (!in_loss(t, a))
				return;
		} else {
			if (t->ca <= TCP_CA_DISORDER)
				(void)try_undo_dsack(t);
			tcp_rack_mark_lost(t, a);
		}
		if (t->lost_out == 0) {
			try_to_open(t);
			return;
		}
		tcp_enter_recovery(t);
	}
	a->rexmit = REXMIT_LOST;
}
