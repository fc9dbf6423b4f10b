/*
 * Opening and closing (RFC 9293 3.5 and 3.6): SYNs with retries, FINs in both directions, RST, time-wait, keepalive.
 *
 *   CLOSED -connect-> SYN_SENT -SYN|ACK-> OPEN -both FINs acknowledged-> CLOSED, or TIME_WAIT for who closed first
 *   CLOSED -accept--> SYN_RCVD -ACK-----> OPEN          any -RST, gave up-> CLOSED
 *
 * A SYN is retried after 1 s four times, then with doubling waits, as Linux 6.5 and later do; its answer from the start.
 */
#include "sim/tcp/impl.h"

void tcp_give_up(struct sim_tcp *t, enum sim_tcp_event why)
{
	if (t->dead)
		return;
	t->dead = true;
	t->state = SIM_TCP_ST_CLOSED;
	for (int i = 0; i < TIMERS; i++)
		tcp_timer_stop(t, (enum tcp_timer)i);
	t->pending |= why;
}

static uint64_t syn_wait(const struct sim_tcp *t)
{
	uint32_t doublings = t->syn_count - 1;

	if (t->state == SIM_TCP_ST_SYN_SENT)
		doublings = doublings > TCP_SYN_LINEAR ? doublings - TCP_SYN_LINEAR : 0;
	return min_u64(TCP_RTO_INITIAL << min_u32(doublings, 16), TCP_RTO_MAX);
}

static void send_syn(struct sim_tcp *t)
{
	t->syn_count++;
	t->syn_ns = tcp_now(t);
	tcp_send_flags(t, SIM_TCP_SYN | (t->state == SIM_TCP_ST_SYN_RCVD ? SIM_TCP_ACK : 0), 0);
	tcp_timer_coarse(t, TIMER_STATE, syn_wait(t));
}

void sim_tcp_connect(struct sim_tcp *t)
{
	if (t->state != SIM_TCP_ST_CLOSED || t->dead)
		return;
	t->state = SIM_TCP_ST_SYN_SENT;
	send_syn(t);
}

bool sim_tcp_accept(struct sim_tcp *t, const struct sim_tcp_packet *syn)
{
	if (t->state != SIM_TCP_ST_CLOSED || t->dead || !(syn->flags & SIM_TCP_SYN))
		return false;
	t->state = SIM_TCP_ST_SYN_RCVD;
	t->echo_ns = syn->ts_ns;
	t->wnd_end = min_u64(syn->window, 65535);
	send_syn(t);
	return true;
}

/* A handshake that took more than one retry starts from one segment (RFC 6298 5.7, RFC 5681 3.1). */
static void open_now(struct sim_tcp *t, const struct sim_tcp_packet *p)
{
	uint64_t now = tcp_now(t);

	t->state = SIM_TCP_ST_OPEN;
	tcp_timer_stop(t, TIMER_STATE);
	t->wnd_end = p->ack + p->window;
	t->max_wnd = p->window;
	if (p->echo_ns != 0 && p->echo_ns <= now) {
		uint64_t rtt = t->syn_count == 1 ? now - t->syn_ns : now + 1 - p->echo_ns;

		t->min_rtt_ns = max_u64(rtt, 1000);
		tcp_rtt_sample(t, rtt);
	}
	t->cwnd = t->syn_count > 2 ? 1 : TCP_INITIAL_WINDOW;
	t->cwnd_stamp_ns = now;
	t->delivered_ns = now;
	t->last_heard_ns = now;
	t->space_ns = now;
	if (t->cc->init != NULL)
		t->cc->init(t);
	t->pending |= SIM_TCP_CONNECTED;
	tcp_keepalive_arm(t);
}

void tcp_conn_input(struct sim_tcp *t, const struct sim_tcp_packet *p)
{
	if (p->flags & SIM_TCP_RST) {
		tcp_give_up(t, SIM_TCP_RESET);
	} else if (t->state == SIM_TCP_ST_SYN_SENT) {
		if (!(p->flags & SIM_TCP_SYN))
			return;
		if (!(p->flags & SIM_TCP_ACK)) { /* both sides called each other */
			t->state = SIM_TCP_ST_SYN_RCVD;
			send_syn(t);
			return;
		}
		open_now(t, p);
		tcp_send_ack(t);
	} else if (t->state == SIM_TCP_ST_SYN_RCVD) {
		if (p->flags & SIM_TCP_ACK)
			open_now(t, p);
		else if (p->flags & SIM_TCP_SYN)
			tcp_send_flags(t, SIM_TCP_SYN | SIM_TCP_ACK, 0);
	}
}

static bool handshaking(const struct sim_tcp *t)
{
	return t->state == SIM_TCP_ST_SYN_SENT || t->state == SIM_TCP_ST_SYN_RCVD;
}

void tcp_state_fired(struct sim_tcp *t)
{
	if (t->state == SIM_TCP_ST_TIME_WAIT) {
		tcp_give_up(t, SIM_TCP_CLOSED);
	} else if (handshaking(t)) {
		if (t->syn_count > t->config.syn_retries)
			tcp_give_up(t, SIM_TCP_TIMEOUT);
		else
			send_syn(t);
	}
}

/* Both FINs are through: who sent the first one waits for stray packets, the other is done. */
void tcp_closing_check(struct sim_tcp *t)
{
	if (!t->fin_acked && t->fin_sent && t->una == t->queued + 1)
		t->fin_acked = true;
	if (!t->fin_acked || !t->fin_received || t->state != SIM_TCP_ST_OPEN)
		return;
	t->state = SIM_TCP_ST_TIME_WAIT;
	for (int i = 0; i < TIMERS; i++)
		tcp_timer_stop(t, (enum tcp_timer)i);
	if (t->ack_now || t->ack_due) {
		tcp_send_ack(t); /* their FIN came last: ours was the active close */
		tcp_timer_coarse(t, TIMER_STATE, TCP_TIME_WAIT);
	} else {
		tcp_give_up(t, SIM_TCP_CLOSED);
	}
}

void sim_tcp_shutdown(struct sim_tcp *t)
{
	if (t->dead || t->fin_wanted || t->state == SIM_TCP_ST_CLOSED)
		return;
	t->fin_wanted = true;
	tcp_push(t);
	tcp_tell(t);
}

void sim_tcp_abort(struct sim_tcp *t)
{
	if (t->dead)
		return;
	if (t->state != SIM_TCP_ST_CLOSED)
		tcp_send_flags(t, SIM_TCP_RST | SIM_TCP_ACK, t->nxt);
	tcp_give_up(t, SIM_TCP_CLOSED);
	t->pending = 0; /* its user knows */
}

bool sim_tcp_refuse(const struct sim_tcp_packet *p, struct sim_tcp_packet *rst)
{
	if (p->flags & SIM_TCP_RST)
		return false;
	*rst = (struct sim_tcp_packet){.seq = p->ack, .ack = p->seq + p->len, .echo_ns = p->ts_ns, .flags = SIM_TCP_RST | SIM_TCP_ACK};
	return true;
}

void tcp_keepalive_arm(struct sim_tcp *t)
{
	if (t->config.keepalive_ns != 0 && t->state == SIM_TCP_ST_OPEN && !t->config.keepalive_asleep)
		tcp_timer_coarse(t, TIMER_KEEPALIVE, t->config.keepalive_ns);
}

void sim_tcp_keepalive(struct sim_tcp *t, bool on)
{
	uint64_t period = t->config.keepalive_ns, idle = tcp_now(t) - t->last_heard_ns;

	if (t->dead || t->state != SIM_TCP_ST_OPEN || period == 0 || on == (t->due_ns[TIMER_KEEPALIVE] != TCP_NEVER))
		return;
	t->keepalive_sent = 0;
	if (!on) {
		tcp_timer_stop(t, TIMER_KEEPALIVE);
		return;
	}
	t->last_heard_ns += idle / period * period;
	tcp_timer_coarse(t, TIMER_KEEPALIVE, period - idle % period);
}

/* Armed once and looked at when it fires: a busy connection pays nothing for it. */
void tcp_keepalive_fired(struct sim_tcp *t)
{
	uint64_t idle = tcp_now(t) - t->last_heard_ns, wait = t->config.keepalive_interval_ns;

	if (t->dead || t->state != SIM_TCP_ST_OPEN)
		return;
	if (t->packets_out != 0 || idle < t->config.keepalive_ns) {
		t->keepalive_sent = 0;
		wait = idle < t->config.keepalive_ns ? t->config.keepalive_ns - idle : t->config.keepalive_ns;
	} else if (t->keepalive_sent >= t->config.keepalive_probes) {
		tcp_send_flags(t, SIM_TCP_RST | SIM_TCP_ACK, t->nxt);
		tcp_give_up(t, SIM_TCP_TIMEOUT);
		return;
	} else {
		t->keepalive_sent++;
		tcp_send_flags(t, SIM_TCP_ACK | SIM_TCP_PROBE, t->nxt == 0 ? 0 : t->nxt - 1);
	}
	tcp_timer_coarse(t, TIMER_KEEPALIVE, wait);
}
