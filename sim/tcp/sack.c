/* What the SACK ranges of an acknowledgement say (RFC 2018, 2883, 6675): new arrivals, duplicates, reordering. */
#include "sim/tcp/impl.h"

static void untag(struct sim_tcp *t, struct tcp_seg *s, struct tcp_ack *a)
{
	if (s->flags & SEG_RETRANS) {
		/* One that is not marked lost may still have its copy under way. */
		if (s->flags & SEG_LOST) {
			t->lost_out -= s->count;
			t->retrans_out -= s->count;
			s->flags &= (uint16_t) ~(SEG_LOST | SEG_RETRANS);
		}
		return;
	}
	if (!(s->flags & SEG_EVER)) {
		if (s->seq < a->prior_sacked)
			a->reordered = min_u64(a->reordered, s->seq);
		if (tcp_seg_end(s) <= t->high)
			a->flags |= ACK_ORIGINAL;
		if (a->first_sacked_ns == 0)
			a->first_sacked_ns = s->sent_ns;
		a->last_sacked_ns = s->sent_ns;
	}
	if (s->flags & SEG_LOST) {
		s->flags &= (uint16_t)~SEG_LOST;
		t->lost_out -= s->count;
	}
}

static void sacked(struct sim_tcp *t, uint64_t n, struct tcp_ack *a)
{
	struct tcp_seg *s = tcp_seg(t, n);

	tcp_rack_advance(t, s);
	tcp_rate_delivered(t, s, &a->rs);
	untag(t, s, a);
	tcp_order_remove(t, n);
	s->flags |= SEG_SACKED;
	s->skip = tcp_seg_next(t, n);
	a->flags |= ACK_SACKED;
	t->sacked_out += s->count;
	t->delivered += s->count;
}

static void mark_range(struct sim_tcp *t, struct sim_tcp_range range, struct tcp_ack *a)
{
	uint64_t high = t->sacked_high;

	if (range.to <= t->una || range.from >= range.to || range.to > t->nxt)
		return;
	uint64_t n = tcp_seg_find(t, max_u64(range.from, t->una));
	for (n = tcp_seg_missing(t, n); n < t->seg_nxt; n = tcp_seg_missing(t, tcp_seg_next(t, n))) {
		struct tcp_seg *s = tcp_seg(t, n);

		if (s->seq < range.from) {
			(void)tcp_seg_split_at(t, n, range.from);
			continue;
		}
		if (tcp_seg_end(s) > range.to && !tcp_seg_split_at(t, n, range.to))
			break;
		sacked(t, n, a);
		high = max_u64(high, tcp_seg_end(s));
	}
	t->sacked_high = high;
}

/* The range below una or inside another one was received twice: a retransmission was needless. */
static void duplicate(struct sim_tcp *t, struct sim_tcp_range range, struct tcp_ack *a)
{
	a->flags |= ACK_DSACK;
	if (t->undo_marker != TCP_NONE && t->undo_retrans > 0 && range.to > t->undo_marker) {
		uint64_t mss = t->config.mss;

		t->undo_retrans -= (int64_t)max_u64((range.to - range.from + mss - 1) / mss, 1);
		if (t->undo_retrans < 0)
			t->undo_retrans = 0;
	}
	t->rack_dsack_seen = true;
}

void tcp_reorder_seen(struct sim_tcp *t, uint64_t low)
{
	uint64_t mss = t->config.mss;

	if (t->sacked_high <= low)
		return;
	uint64_t distance = (t->sacked_high - low + mss - 1) / mss;
	if (distance > t->reordering)
		t->reordering = (uint32_t)min_u64(distance, TCP_MAX_REORDERING);
	t->reord_seen = true;
}

void tcp_sack(struct sim_tcp *t, const struct sim_tcp_packet *p, struct tcp_ack *a)
{
	unsigned first = 0;

	if (p->num_sacks == 0)
		return;
	if (t->sacked_out == 0)
		t->sacked_high = t->una;
	if (p->dsack) {
		duplicate(t, p->sack[0], a);
		first = 1;
	}
	for (unsigned i = p->num_sacks; i-- > first;)
		mark_range(t, p->sack[i], a);
}
