/*
 * HyStart: leaving slow start before the queue overflows (RFC 9406's ancestor, as Linux has it): when acknowledgements
 * have come closely for half a minimal round trip, or when eight samples of a round are an eighth of it (4 to 16 ms) late.
 */
#include "sim/tcp/impl.h"

#define LOW_WINDOW 16u
#define SAMPLES 8u
#define TRAIN_GAP (2 * TCP_MS)
#define DELAY_MIN (4 * TCP_MS)
#define DELAY_MAX (16 * TCP_MS)

void tcp_hystart_reset(struct sim_tcp *t)
{
	struct tcp_hystart *h = &t->hystart;

	h->round_start_ns = tcp_now(t);
	h->last_ack_ns = h->round_start_ns;
	h->end_seq = t->nxt;
	h->rtt_ns = TCP_NEVER;
	h->samples = 0;
}

static void leave(struct sim_tcp *t)
{
	t->hystart.found = true;
	t->ssthresh = t->cwnd;
}

/* What acknowledges a train of the coarse model stands for one acknowledgement for every two of its segments. */
static void watch_train(struct sim_tcp *t, uint32_t acked)
{
	struct tcp_hystart *h = &t->hystart;
	uint64_t now = tcp_now(t), acks = t->config.trains ? max_u32(acked / 2, 1) : 1;

	if (now - h->last_ack_ns > TRAIN_GAP * acks)
		return;
	h->last_ack_ns = now;
	if (now - h->round_start_ns > (t->cubic.delay_min_ns + TCP_MS) / 2)
		leave(t);
}

static void watch_delay(struct sim_tcp *t, uint64_t rtt_ns)
{
	struct tcp_hystart *h = &t->hystart;
	uint64_t slack = min_u64(max_u64(t->cubic.delay_min_ns >> 3, DELAY_MIN), DELAY_MAX);

	h->rtt_ns = min_u64(h->rtt_ns, rtt_ns);
	if (h->samples < SAMPLES)
		h->samples++;
	else if (h->rtt_ns > t->cubic.delay_min_ns + slack)
		leave(t);
}

void tcp_hystart_update(struct sim_tcp *t, uint64_t rtt_ns, uint32_t acked)
{
	if (t->una > t->hystart.end_seq)
		tcp_hystart_reset(t);
	if (t->cwnd < LOW_WINDOW)
		return;
	watch_train(t, acked);
	watch_delay(t, rtt_ns);
}
