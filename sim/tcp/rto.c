/* The retransmission time-out (RFC 6298) with exponential backoff, and the probes of a closed window. */
#include "sim/tcp/impl.h"

static uint64_t backed_off(const struct sim_tcp *t)
{
	return min_u64(t->rto_ns << min_u32(t->backoff, 16), TCP_RTO_MAX);
}

uint64_t tcp_rto_left(const struct sim_tcp *t)
{
	if (t->packets_out == 0)
		return backed_off(t);
	uint64_t due = tcp_seg(t, t->seg_una)->sent_ns + backed_off(t), now = tcp_now(t);
	return due > now ? due - now : 0;
}

/* What replaces a waiting probe or reordering timer goes on where the time-out of the oldest segment stood. */
void tcp_rearm_rto(struct sim_tcp *t)
{
	uint64_t wait = backed_off(t);

	if (t->packets_out == 0) {
		tcp_xmit_timer(t, XMIT_NONE, 0);
		return;
	}
	if (t->xmit == XMIT_PROBE || t->xmit == XMIT_REORDER)
		wait = max_u64(tcp_rto_left(t), 1000);
	tcp_xmit_timer(t, XMIT_RTO, tcp_ticks(t, wait));
}

void tcp_rto_fired(struct sim_tcp *t)
{
	if (t->packets_out == 0 || t->dead)
		return;
	if (t->rto_count >= t->config.retries) {
		tcp_give_up(t, SIM_TCP_TIMEOUT);
		return;
	}
	t->timeouts++;
	tcp_enter_loss(t);
	t->rto_count++;
	tcp_seg_split(t, t->seg_una, 1);
	tcp_retransmit(t, t->seg_una);
	if (tcp_reducing(t))
		t->prr_out += tcp_seg(t, t->seg_una)->count;
	t->backoff++;
	tcp_xmit_timer(t, XMIT_RTO, tcp_ticks(t, backed_off(t)));
}

/* A peer without room must be asked again: its window update may be lost (RFC 9293 3.8.6.1). */
void tcp_zero_window_check(struct sim_tcp *t)
{
	bool closed = t->packets_out == 0 && tcp_has_unsent(t) && t->wnd_end <= t->nxt && t->nxt < t->queued;

	if (closed && t->xmit == XMIT_NONE)
		tcp_xmit_timer(t, XMIT_ZERO_WINDOW, tcp_ticks(t, max_u64(backed_off(t), TCP_RTO_MIN)));
	else if (!closed && t->xmit == XMIT_ZERO_WINDOW) {
		tcp_xmit_timer(t, XMIT_NONE, 0);
		t->backoff = 0;
	}
}

void tcp_zero_window_fired(struct sim_tcp *t)
{
	if (t->zero_probes >= t->config.retries) {
		tcp_give_up(t, SIM_TCP_TIMEOUT);
		return;
	}
	t->zero_probes++;
	t->probes++;
	if (t->backoff < 16)
		t->backoff++;
	tcp_send_flags(t, SIM_TCP_ACK | SIM_TCP_PROBE, t->una == 0 ? 0 : t->una - 1);
	tcp_zero_window_check(t);
}
