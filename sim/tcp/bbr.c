/*
 * BBR, version 1, as in Linux mainline (draft-cardwell-iccrg-bbr-congestion-control-00 and what the kernel changed since):
 * pacing at gain x bandwidth, window of gain x bandwidth x minimal RTT. This file turns the model into window and pace.
 * Bandwidths are packets per microsecond with 24 fractional bits, gains have 8.
 */
#include <string.h>

#include "sim/tcp/impl.h"

#define ONE 256u
#define HIGH_GAIN 739u /* 2 / ln 2 */
#define BW_SHIFT 24
#define MARGIN_PERCENT 1u /* paced below the estimate */
#define MIN_WINDOW 4u
#define MIN_TSO_RATE (1200000u / 8u)
#define TSO_MAX_BYTES 65535u

uint64_t tcp_bbr_max_bw(const struct sim_tcp *t)
{
	return t->bbr.bw[0].value;
}

uint64_t tcp_bbr_bw(const struct sim_tcp *t)
{
	return t->bbr.lt_use ? t->bbr.lt_bw : tcp_bbr_max_bw(t);
}

/* Bytes of payload a second: what a pace counts, too. */
static uint64_t rate_of(const struct sim_tcp *t, uint64_t bw, uint32_t gain)
{
	unsigned __int128 rate = (unsigned __int128)bw * t->config.mss * gain;

	rate >>= 8;
	rate = rate * (1000000u / 100 * (100 - MARGIN_PERCENT));
	return (uint64_t)(rate >> BW_SHIFT);
}

static void rate_from_rtt(struct sim_tcp *t)
{
	uint64_t rtt_us = 1000;

	if (t->srtt8_us != 0) {
		rtt_us = max_u64(t->srtt8_us >> 3, 1);
		t->bbr.seen_rtt = true;
	}
	t->pacing_rate = rate_of(t, ((uint64_t)t->cwnd << BW_SHIFT) / rtt_us, HIGH_GAIN);
}

static void set_pace(struct sim_tcp *t, uint64_t bw, uint32_t gain)
{
	uint64_t rate = rate_of(t, bw, gain);

	if (!t->bbr.seen_rtt && t->srtt8_us != 0)
		rate_from_rtt(t);
	if (t->bbr.full_reached || rate > t->pacing_rate)
		t->pacing_rate = rate;
}

/* A millisecond of segments, two at least unless the path is slow. */
static uint32_t tso_segments(const struct sim_tcp *t)
{
	uint64_t bytes = min_u64(t->pacing_rate >> 10, TSO_MAX_BYTES - 320);
	uint32_t least = t->pacing_rate < MIN_TSO_RATE ? 1 : 2;

	return min_u32(max_u32((uint32_t)(bytes / t->config.mss), least), 0x7f);
}

uint32_t tcp_bbr_bdp(const struct sim_tcp *t, uint64_t bw, uint32_t gain)
{
	if (t->bbr.min_rtt_ns == TCP_NEVER)
		return TCP_INITIAL_WINDOW;
	unsigned __int128 packets = (unsigned __int128)bw * (t->bbr.min_rtt_ns / 1000) * gain >> 8;
	return (uint32_t)((packets + (1u << BW_SHIFT) - 1) >> BW_SHIFT);
}

/* Room for bursts on both ends and for delayed acknowledgements; even, as those come by two. */
uint32_t tcp_bbr_budget(const struct sim_tcp *t, uint32_t cwnd)
{
	cwnd += 3 * tso_segments(t);
	cwnd = (cwnd + 1) & ~1u;
	if (t->bbr.mode == BBR_PROBE_BW && t->bbr.cycle == 0)
		cwnd += 2;
	return cwnd;
}

uint32_t tcp_bbr_inflight(const struct sim_tcp *t, uint64_t bw, uint32_t gain)
{
	return tcp_bbr_budget(t, tcp_bbr_bdp(t, bw, gain));
}

/* More window for paths that gather acknowledgements, at most 100 ms of bandwidth. */
static uint32_t aggregation(const struct sim_tcp *t)
{
	if (!t->bbr.full_reached)
		return 0;
	uint64_t most = tcp_bbr_bw(t) * 100000u >> BW_SHIFT;
	return (uint32_t)min_u64(max_u32(t->bbr.extra_acked[0], t->bbr.extra_acked[1]), most);
}

void tcp_bbr_save_cwnd(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	if (b->prev_ca < TCP_CA_RECOVERY && b->mode != BBR_PROBE_RTT)
		b->prior_cwnd = t->cwnd;
	else
		b->prior_cwnd = max_u32(b->prior_cwnd, t->cwnd);
}

/* In the first round of a recovery packets are conserved; afterwards the window before it comes back. True: cwnd is final. */
static bool recover_or_restore(struct sim_tcp *t, const struct tcp_rate *rs, uint32_t *cwnd)
{
	struct tcp_bbr *b = &t->bbr;
	enum tcp_ca prev = (enum tcp_ca)b->prev_ca;

	*cwnd = t->cwnd;
	if (rs->losses > 0)
		*cwnd = *cwnd > rs->losses ? *cwnd - rs->losses : 1;
	if (t->ca == TCP_CA_RECOVERY && prev != TCP_CA_RECOVERY) {
		b->packet_conservation = true;
		b->next_round_delivered = t->delivered;
		*cwnd = tcp_in_flight(t) + rs->acked_sacked;
	} else if (prev >= TCP_CA_RECOVERY && t->ca < TCP_CA_RECOVERY) {
		*cwnd = max_u32(*cwnd, b->prior_cwnd);
		b->packet_conservation = false;
	}
	b->prev_ca = (uint8_t)t->ca;
	if (!b->packet_conservation)
		return false;
	*cwnd = max_u32(*cwnd, tcp_in_flight(t) + rs->acked_sacked);
	return true;
}

static void set_cwnd(struct sim_tcp *t, const struct tcp_rate *rs, uint64_t bw, uint32_t gain)
{
	uint32_t cwnd = t->cwnd, target;

	if (rs->acked_sacked != 0 && !recover_or_restore(t, rs, &cwnd)) {
		target = tcp_bbr_budget(t, tcp_bbr_bdp(t, bw, gain) + aggregation(t));
		if (t->bbr.full_reached)
			cwnd = min_u32(cwnd + rs->acked_sacked, target);
		else if (cwnd < target || t->delivered < TCP_INITIAL_WINDOW)
			cwnd += rs->acked_sacked;
		cwnd = max_u32(cwnd, MIN_WINDOW);
	}
	t->cwnd = cwnd;
	if (t->bbr.mode == BBR_PROBE_RTT)
		t->cwnd = min_u32(t->cwnd, MIN_WINDOW);
}

static void bbr_control(struct sim_tcp *t, const struct tcp_rate *rs, uint32_t flags)
{
	tcp_bbr_model(t, rs);
	uint64_t bw = tcp_bbr_bw(t);
	set_pace(t, bw, t->bbr.pacing_gain);
	set_cwnd(t, rs, bw, t->bbr.cwnd_gain);
}

static void bbr_init(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	memset(b, 0, sizeof *b);
	b->min_rtt_ns = t->min_rtt_ns != 0 ? t->min_rtt_ns : TCP_NEVER;
	b->min_rtt_at_ns = tcp_tick_time(t);
	b->pacing_gain = b->cwnd_gain = HIGH_GAIN;
	b->ack_epoch_ns = tcp_now(t);
	t->ssthresh = TCP_INFINITE;
	rate_from_rtt(t);
	tcp_bbr_policer_reset(t);
}

/* BBR does not answer to losses; it only remembers the window to come back to. */
static uint32_t bbr_ssthresh(struct sim_tcp *t)
{
	tcp_bbr_save_cwnd(t);
	return t->ssthresh;
}

static void bbr_undo(struct sim_tcp *t)
{
	t->bbr.full_bw = 0;
	t->bbr.full_count = 0;
	tcp_bbr_policer_reset(t);
}

static void bbr_on_loss(struct sim_tcp *t)
{
	struct tcp_rate rs = {.losses = 1};

	t->bbr.prev_ca = TCP_CA_LOSS;
	t->bbr.full_bw = 0;
	t->bbr.round_start = true;
	tcp_bbr_policer(t, &rs);
}

static void bbr_restart(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	if (t->app_limited == 0)
		return;
	b->idle_restart = true;
	b->ack_epoch_ns = tcp_now(t);
	b->ack_epoch_acked = 0;
	if (b->mode == BBR_PROBE_BW)
		set_pace(t, tcp_bbr_bw(t), ONE);
	else if (b->mode == BBR_PROBE_RTT)
		tcp_bbr_probe_rtt_check(t);
}

const struct tcp_cc tcp_cc_bbr = {
    .init = bbr_init,
    .ssthresh = bbr_ssthresh,
    .control = bbr_control,
    .on_loss = bbr_on_loss,
    .undo = bbr_undo,
    .restart = bbr_restart,
    .tso_segments = tso_segments,
};
