/* Packets that leave: segments, bare acknowledgements, RST. Whatever leaves carries the newest acknowledgement. */
#include "sim/tcp/impl.h"

uint32_t sim_tcp_segments(const struct sim_tcp_packet *p)
{
	return p->count > 1 ? p->count : 1;
}

struct sim_tcp_packet sim_tcp_cut(const struct sim_tcp_packet *p, uint32_t from, uint32_t n)
{
	struct sim_tcp_packet piece = *p;

	if (n >= sim_tcp_segments(p))
		return piece;
	piece.seq += (uint64_t)from * p->mss;
	piece.len -= from * p->mss;
	piece.count = (uint16_t)n;
	if (from + n < p->count) { /* the last of a train may be short, and takes the FIN */
		piece.len = n * p->mss;
		piece.flags &= (uint8_t)~SIM_TCP_FIN;
	}
	return piece;
}

uint32_t sim_tcp_length(const struct sim_tcp_packet *p)
{
	if (p->flags & SIM_TCP_SYN)
		return SIM_TCP_SYN_LENGTH;
	return SIM_TCP_HEADER * sim_tcp_segments(p) + p->len + (p->num_sacks == 0 ? 0 : 4 + 8u * p->num_sacks);
}

static void fill(struct sim_tcp *t, struct sim_tcp_packet *p, unsigned flags, uint64_t seq)
{
	p->seq = seq;
	p->ack = t->rcv;
	p->flags = (uint8_t)flags;
	p->window = tcp_window(t);
	p->ts_ns = tcp_now(t) + 1; /* 0 stands for none */
	p->echo_ns = t->echo_ns;
	p->num_sacks = (uint8_t)tcp_fill_sacks(t, p);
}

void tcp_send_flags(struct sim_tcp *t, unsigned flags, uint64_t seq)
{
	struct sim_tcp_packet p = {0};

	fill(t, &p, flags, seq);
	if (flags & SIM_TCP_ACK)
		tcp_ack_sent(t);
	t->ops->transmit(t->user, &p);
}

void tcp_send_ack(struct sim_tcp *t)
{
	tcp_send_flags(t, SIM_TCP_ACK, t->nxt);
}

void tcp_send_segment(struct sim_tcp *t, uint64_t n)
{
	struct tcp_seg *s = tcp_seg(t, n);
	struct sim_tcp_packet p = {.len = s->len, .count = s->count, .mss = (uint16_t)t->config.mss};

	s->sent_ns = tcp_now(t);
	s->tx = t->segs_sent + 1;
	t->segs_sent += s->count;
	tcp_rate_sent(t, s);
	tcp_order_remove(t, n);
	tcp_order_append(t, n);
	fill(t, &p, SIM_TCP_ACK | ((s->flags & SEG_FIN) ? SIM_TCP_FIN : 0), s->seq);
	tcp_ack_sent(t);
	t->ops->transmit(t->user, &p);
}

void tcp_retransmit(struct sim_tcp *t, uint64_t n)
{
	struct tcp_seg *s = tcp_seg(t, n);

	s->flags |= SEG_EVER;
	if (!(s->flags & SEG_RETRANS)) {
		s->flags |= SEG_RETRANS;
		t->retrans_out += s->count;
	}
	tcp_send_segment(t, n);
	if (t->retrans_stamp_ns == 0)
		t->retrans_stamp_ns = tcp_now(t) + 1;
	t->undo_retrans = t->undo_retrans < 0 ? s->count : t->undo_retrans + s->count;
	t->retransmits += s->count;
}
