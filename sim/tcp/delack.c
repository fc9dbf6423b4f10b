/*
 * When to acknowledge (RFC 9293 3.8.6.3, RFC 5681 4.2, as Linux does it): at once for two full segments, in the first
 * sixteen, after gaps and when a gap is filled; else after 40 ms, less often for interactive traffic. While segments come
 * out of order the fourth and later acknowledgements are gathered for a millisecond or a third of the round trip.
 */
#include "sim/tcp/impl.h"

static void quicken(struct sim_tcp *t)
{
	uint64_t window = t->rcv_wnd_end > t->rcv ? t->rcv_wnd_end - t->rcv : 0;
	uint64_t most = min_u64(max_u64(window / (2ull * max_u32(t->rcv_mss, 1)), 2), TCP_QUICKACKS);

	t->quick = max_u32(t->quick, (uint32_t)most);
}

void tcp_quickack(struct sim_tcp *t)
{
	quicken(t);
	t->pingpong = false;
	t->ato_ns = TCP_DELACK_MIN;
}

/* The estimate of the gap between segments, ato, sets how long an acknowledgement may wait. */
void tcp_ack_arrived(struct sim_tcp *t, uint32_t len)
{
	uint64_t now = tcp_now(t), gap = now - t->last_rcv_ns;

	t->ack_due = true;
	if (len >= t->rcv_mss)
		t->rcv_mss = min_u32(len, t->config.mss);
	else if (len != 0)
		t->pushed = true;
	if (t->ato_ns == 0) {
		quicken(t);
		t->ato_ns = TCP_DELACK_MIN;
	} else if (gap <= TCP_DELACK_MIN / 2) {
		t->ato_ns = t->ato_ns / 2 + TCP_DELACK_MIN / 2;
	} else if (gap < t->ato_ns) {
		t->ato_ns = min_u64(t->ato_ns / 2 + gap, t->rto_ns);
	} else if (gap > t->rto_ns) {
		quicken(t); /* the sender may have started again */
	}
	t->last_rcv_ns = now;
}

static void delay(struct sim_tcp *t)
{
	uint64_t ato = t->ato_ns, most = 500 * TCP_MS, rtt = (t->srtt8_us >> 3) * 1000;

	if (ato > TCP_DELACK_MIN) {
		if (t->pingpong || t->pushed)
			most = TCP_DELACK_MAX;
		if (rtt != 0)
			most = min_u64(most, max_u64(rtt, TCP_DELACK_MIN));
		ato = min_u64(ato, most);
	}
	ato = min_u64(ato, TCP_DELACK_MAX);
	if (t->due_ns[TIMER_DELACK] == TCP_NEVER) {
		tcp_timer_coarse(t, TIMER_DELACK, tcp_ticks(t, ato));
	} else if (t->due_ns[TIMER_DELACK] <= tcp_now(t) + ato / 4) {
		tcp_send_ack(t);
	}
}

static void compress(struct sim_tcp *t)
{
	uint64_t rtt = t->rcv_rtt_ns, srtt = t->srtt8_us * 125;

	if (t->compressed >= TCP_COMPRESSED_ACKS) {
		tcp_send_ack(t);
		return;
	}
	if (t->compress_rcv != t->rcv) {
		t->compress_rcv = t->rcv;
		t->dup_acks = 0;
	}
	if (t->dup_acks < TCP_DUPTHRESH) {
		t->dup_acks++;
		tcp_send_ack(t);
		return;
	}
	t->compressed++;
	if (t->due_ns[TIMER_COMPRESS] != TCP_NEVER)
		return;
	rtt = rtt == 0 || (srtt != 0 && srtt < rtt) ? srtt : rtt;
	tcp_timer_exact(t, TIMER_COMPRESS, tcp_now(t) + min_u64(TCP_MS, rtt / 3));
}

void tcp_ack_check(struct sim_tcp *t, bool out_of_order)
{
	bool two = t->rcv - t->wup > t->rcv_mss && t->rcv + tcp_window_choice(t) >= t->rcv_wnd_end;

	if (!t->ack_due && !t->ack_now)
		return;
	if (two || (t->quick != 0 && !t->pingpong) || t->ack_now)
		tcp_send_ack(t);
	else if (out_of_order)
		compress(t);
	else
		delay(t);
}

/* Whatever left carried an acknowledgement. */
void tcp_ack_sent(struct sim_tcp *t)
{
	if (t->ack_due && t->quick != 0 && --t->quick == 0)
		t->ato_ns = TCP_DELACK_MIN;
	t->wup = t->rcv;
	t->ack_due = false;
	t->ack_now = false;
	t->pushed = false;
	t->compressed = 0;
	tcp_timer_stop(t, TIMER_DELACK);
	tcp_timer_stop(t, TIMER_COMPRESS);
}

void tcp_delack_fired(struct sim_tcp *t)
{
	if (!t->ack_due || t->dead)
		return;
	if (!t->pingpong) {
		t->ato_ns = min_u64(t->ato_ns * 2, t->rto_ns);
	} else {
		t->pingpong = false;
		t->ato_ns = TCP_DELACK_MIN;
	}
	tcp_send_ack(t);
}

/* A reader that took all of a short segment, or gave much room back, is answered at once. */
void tcp_ack_after_read(struct sim_tcp *t)
{
	uint64_t promised = t->rcv_wnd_end > t->rcv ? t->rcv_wnd_end - t->rcv : 0;
	bool emptied = sim_tcp_readable(t) == 0;

	if (t->ack_due && (t->rcv - t->wup > t->rcv_mss || (t->pushed && !t->pingpong && emptied)))
		tcp_send_ack(t);
	else if (2 * promised <= (t->config.rcvbuf != 0 ? t->config.rcvbuf : t->rcv_clamp)) {
		uint64_t window = tcp_window_choice(t);

		if (window != 0 && window >= 2 * promised)
			tcp_send_ack(t);
	}
}
