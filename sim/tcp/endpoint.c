/* The door of an endpoint: making and freeing it, packets in, events out. Decides nothing itself. */
#include <stdlib.h>

#include "sim/tcp/impl.h"

#define INITIAL_WINDOW 64240u /* 44 segments of 1,460 bytes: what fits the window field of a SYN */
#define INITIAL_RCVBUF 65536u /* half of Linux's default of 131,072; the rest is its overhead */

void sim_tcp_defaults(struct sim_tcp_config *config)
{
	*config = (struct sim_tcp_config){
	    .cc = SIM_TCP_CUBIC,
	    .mss = 1448,
	    .sndbuf_max = 4u << 20,
	    .rcvbuf_max = 6u << 20,
	    .tick_ns = 4 * TCP_MS,
	    .keepalive_interval_ns = 75 * TCP_S,
	    .keepalive_probes = 9,
	    .retries = 15,
	    .syn_retries = 6,
	};
}

static const struct tcp_cc *cc_of(enum sim_tcp_cc cc)
{
	switch (cc) {
	case SIM_TCP_CUBIC:
		return &tcp_cc_cubic;
	case SIM_TCP_RENO:
		return &tcp_cc_reno;
	case SIM_TCP_BBR:
		return &tcp_cc_bbr;
	}
	return &tcp_cc_cubic;
}

struct sim_tcp *sim_tcp_new(struct sim_engine *engine, struct sim_source *source, uint64_t entity, const struct sim_tcp_config *config,
                            const struct sim_tcp_ops *ops, void *user)
{
	struct sim_tcp *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->engine = engine;
	t->source = source;
	t->entity = entity;
	t->config = *config;
	t->ops = ops;
	t->user = user;
	t->cc = cc_of(config->cc);
	t->cwnd = TCP_INITIAL_WINDOW;
	t->ssthresh = TCP_INFINITE;
	t->reordering = TCP_DUPTHRESH;
	t->rack_steps = 1;
	t->rto_ns = TCP_RTO_INITIAL;
	t->order_first = t->order_last = TCP_NONE;
	t->undo_marker = TCP_NONE;
	t->fin_at = TCP_NONE;
	t->rcv_mss = 536 < config->mss ? 536 : config->mss;
	tcp_sndbuf_expand(t);
	t->rcv_space = TCP_INITIAL_WINDOW * config->mss;
	t->rcv_clamp = min_u64(INITIAL_RCVBUF, config->rcvbuf_max);
	t->rcv_limit = min_u64(INITIAL_WINDOW, config->rcvbuf != 0 ? config->rcvbuf : t->rcv_clamp);
	tcp_timers_init(t);
	return t;
}

size_t sim_tcp_memory(void)
{
	return sizeof(struct sim_tcp);
}

void sim_tcp_free(struct sim_tcp *t)
{
	if (t == NULL)
		return;
	sim_engine_cancel(t->engine, &t->event);
	free(t->segs);
	free(t->ooo);
	free(t);
}

/* In the order of the enum; the user may act in each, which may add more. */
void tcp_tell(struct sim_tcp *t)
{
	while (t->pending != 0) {
		uint32_t bit = t->pending & (0u - t->pending);

		t->pending &= ~bit;
		t->ops->event(t->user, (enum sim_tcp_event)bit);
	}
}

/* In the open state: acknowledgement first, as it may free the window that the answer to the data needs. */
static void open_input(struct sim_tcp *t, const struct sim_tcp_packet *p)
{
	bool data = p->len != 0 || (p->flags & SIM_TCP_FIN);

	t->last_heard_ns = tcp_now(t);
	t->keepalive_sent = 0;
	if (p->flags & SIM_TCP_RST) {
		tcp_give_up(t, SIM_TCP_RESET);
		return;
	}
	if (p->flags & SIM_TCP_SYN) { /* our part of the handshake was lost */
		tcp_send_ack(t);
		return;
	}
	if (p->seq <= t->wup || t->echo_ns == 0)
		t->echo_ns = p->ts_ns; /* RFC 7323 4.3: of the segment that the next acknowledgement is for */
	tcp_ack(t, p);
	tcp_closing_check(t);
	if (t->dead)
		return;
	if (p->flags & SIM_TCP_PROBE)
		tcp_send_ack(t);
	else if (data)
		tcp_receive(t, p);
	tcp_push(t);
	tcp_check_writable(t);
	tcp_seg_give_back(t);
}

void sim_tcp_input(struct sim_tcp *t, const struct sim_tcp_packet *p)
{
	if (t->dead || t->state == SIM_TCP_ST_CLOSED)
		return;
	if (t->state == SIM_TCP_ST_TIME_WAIT) {
		if (p->flags & SIM_TCP_RST)
			tcp_give_up(t, SIM_TCP_CLOSED);
		else if (p->flags & SIM_TCP_FIN)
			tcp_send_ack(t); /* ours was lost */
	} else {
		if (t->state != SIM_TCP_ST_OPEN) {
			if (t->state == SIM_TCP_ST_SYN_RCVD && (p->flags & SIM_TCP_ACK) && !(p->flags & SIM_TCP_SYN))
				t->echo_ns = p->ts_ns;
			if (p->flags & SIM_TCP_SYN)
				t->echo_ns = p->ts_ns;
			tcp_conn_input(t, p);
		}
		if (t->state == SIM_TCP_ST_OPEN && !(p->flags & SIM_TCP_SYN))
			open_input(t, p);
	}
	tcp_tell(t);
}

void sim_tcp_info(const struct sim_tcp *t, struct sim_tcp_info *info)
{
	*info = (struct sim_tcp_info){
	    .state = t->state,
	    .fin_sent = t->fin_sent,
	    .fin_acked = t->fin_acked,
	    .fin_received = t->fin_received,
	    .cwnd = t->cwnd,
	    .ssthresh = t->ssthresh,
	    .in_flight = tcp_in_flight(t),
	    .retransmits = t->retransmits,
	    .timeouts = t->timeouts,
	    .probes = t->probes,
	    .srtt_ns = t->srtt8_us * 125,
	    .rto_ns = t->rto_ns,
	    .min_rtt_ns = t->min_rtt_ns,
	    .unsent = tcp_unsent(t) - (t->fin_sent && t->nxt > t->queued ? tcp_unsent(t) : 0),
	    .unacked = min_u64(t->nxt, t->queued) - min_u64(t->una, t->queued),
	    .bytes_acked = min_u64(t->una, t->queued),
	    .bytes_received = t->rcv - (t->fin_received ? 1 : 0),
	    .pacing_bytes_per_s = t->cc->tso_segments != NULL ? t->pacing_rate : 0,
	    .recovery = (unsigned)t->ca,
	};
}
