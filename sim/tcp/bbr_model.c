/*
 * BBR's model of the path: the highest delivery rate of ten round trips, the lowest RTT of ten seconds, the cycle of gains,
 * when start-up has filled the pipe, and the extra acknowledged of paths that gather acknowledgements.
 */
#include "sim/tcp/impl.h"

#define ONE 256u
#define HIGH_GAIN 739u
#define DRAIN_GAIN 88u
#define CWND_GAIN 512u
#define CYCLE 8u
#define BW_SHIFT 24
#define BW_ROUNDS (CYCLE + 2)
#define MIN_RTT_WINDOW (10 * TCP_S)
#define PROBE_RTT_TIME (200 * TCP_MS)
#define MIN_WINDOW 4u
#define FULL_ROUNDS 3u
#define EXTRA_ROUNDS 5u
#define EXTRA_RESET (1u << 20)
#define EXTRA_MOST 0xfffffu

/* ------------------------------------------------------------------ bandwidth: a windowed maximum that keeps three */

/* Parts of the window without a better value: the second and third best move up, so that none outlives it. */
static void age(struct bbr_max *best, struct bbr_max now)
{
	uint32_t old = now.round - best[0].round;

	if (old > BW_ROUNDS) {
		best[0] = best[1];
		best[1] = best[2];
		best[2] = now;
		if (now.round - best[0].round > BW_ROUNDS) {
			best[0] = best[1];
			best[1] = best[2];
			best[2] = now;
		}
	} else if (best[1].round == best[0].round && old > BW_ROUNDS / 4) {
		best[2] = best[1] = now;
	} else if (best[2].round == best[1].round && old > BW_ROUNDS / 2) {
		best[2] = now;
	}
}

static void running_max(struct bbr_max *best, uint32_t round, uint64_t value)
{
	struct bbr_max now = {round, value};

	if (value >= best[0].value || round - best[2].round > BW_ROUNDS) {
		best[0] = best[1] = best[2] = now;
		return;
	}
	if (value >= best[1].value)
		best[2] = best[1] = now;
	else if (value >= best[2].value)
		best[2] = now;
	age(best, now);
}

static void update_bw(struct sim_tcp *t, const struct tcp_rate *rs)
{
	struct tcp_bbr *b = &t->bbr;

	b->round_start = false;
	if (rs->delivered < 0 || rs->interval_ns <= 0)
		return;
	if (rs->prior_delivered >= b->next_round_delivered) {
		b->next_round_delivered = t->delivered;
		b->round++;
		b->round_start = true;
		b->packet_conservation = false;
	}
	tcp_bbr_policer(t, rs);
	uint64_t bw = ((uint64_t)rs->delivered << BW_SHIFT) / max_u64((uint64_t)rs->interval_ns / 1000, 1);
	if (!rs->app_limited || bw >= tcp_bbr_max_bw(t))
		running_max(b->bw, b->round, bw);
}

/* ------------------------------------------------------------------ gathered acknowledgements */

static void update_aggregation(struct sim_tcp *t, const struct tcp_rate *rs)
{
	struct tcp_bbr *b = &t->bbr;

	if (rs->acked_sacked == 0 || rs->delivered < 0 || rs->interval_ns <= 0)
		return;
	if (b->round_start) {
		b->extra_rounds = min_u32(b->extra_rounds + 1, 31);
		if (b->extra_rounds >= EXTRA_ROUNDS) {
			b->extra_rounds = 0;
			b->extra_index ^= 1;
			b->extra_acked[b->extra_index] = 0;
		}
	}
	uint64_t epoch_us = (t->delivered_ns - b->ack_epoch_ns) / 1000;
	uint64_t expected = (uint64_t)((unsigned __int128)tcp_bbr_bw(t) * epoch_us >> BW_SHIFT);
	if (b->ack_epoch_acked <= expected || b->ack_epoch_acked + rs->acked_sacked >= EXTRA_RESET) {
		b->ack_epoch_acked = 0;
		b->ack_epoch_ns = t->delivered_ns;
		expected = 0;
	}
	b->ack_epoch_acked = min_u32(EXTRA_MOST, b->ack_epoch_acked + rs->acked_sacked);
	uint32_t extra = (uint32_t)min_u64(b->ack_epoch_acked - expected, t->cwnd);
	b->extra_acked[b->extra_index] = max_u32(b->extra_acked[b->extra_index], extra);
}

/* ------------------------------------------------------------------ the cycle of gains */

/* What will be in flight when the next burst may go: what is sent later than now has left room by then. */
static uint32_t in_net(const struct sim_tcp *t, uint32_t in_flight)
{
	uint64_t now = tcp_now(t), at = max_u64(t->pace_ns, now);
	uint64_t delivered = tcp_bbr_bw(t) * ((at - now) / 1000) >> BW_SHIFT;

	if (t->bbr.pacing_gain > ONE)
		in_flight += t->cc->tso_segments(t);
	return delivered >= in_flight ? 0 : in_flight - (uint32_t)delivered;
}

static bool phase_over(const struct sim_tcp *t, const struct tcp_rate *rs)
{
	const struct tcp_bbr *b = &t->bbr;
	bool full = t->delivered_ns - b->cycle_ns > b->min_rtt_ns;

	if (b->pacing_gain == ONE)
		return full;
	uint32_t in_flight = in_net(t, rs->prior_in_flight);
	if (b->pacing_gain > ONE)
		return full && (rs->losses != 0 || in_flight >= tcp_bbr_inflight(t, tcp_bbr_max_bw(t), b->pacing_gain));
	return full || in_flight <= tcp_bbr_inflight(t, tcp_bbr_max_bw(t), ONE);
}

static void next_phase(struct sim_tcp *t)
{
	t->bbr.cycle = (t->bbr.cycle + 1) % CYCLE;
	t->bbr.cycle_ns = t->delivered_ns;
}

/* Starts the cycle anywhere but in the phase that drains, drawn so that flows do not march in step. */
static void start_probe_bw(struct sim_tcp *t)
{
	uint64_t draw = sim_rand_below(t->engine->seed, SIM_RAND_SYN, t->entity, 1 + t->bbr.draws++, CYCLE - 1);

	t->bbr.mode = BBR_PROBE_BW;
	t->bbr.cycle = (uint8_t)(CYCLE - 1 - draw);
	next_phase(t);
}

void tcp_bbr_reset_mode(struct sim_tcp *t)
{
	if (t->bbr.full_reached)
		start_probe_bw(t);
	else
		t->bbr.mode = BBR_STARTUP;
}

/* The pipe is full when three rounds in a row brought less than a quarter more. */
static void check_full(struct sim_tcp *t, const struct tcp_rate *rs)
{
	struct tcp_bbr *b = &t->bbr;

	if (b->full_reached || !b->round_start || rs->app_limited)
		return;
	if (tcp_bbr_max_bw(t) >= b->full_bw * 5 / 4) {
		b->full_bw = tcp_bbr_max_bw(t);
		b->full_count = 0;
		return;
	}
	b->full_count++;
	b->full_reached = b->full_count >= FULL_ROUNDS;
}

static void check_drain(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	if (b->mode == BBR_STARTUP && b->full_reached) {
		b->mode = BBR_DRAIN;
		t->ssthresh = tcp_bbr_inflight(t, tcp_bbr_max_bw(t), ONE);
	}
	if (b->mode == BBR_DRAIN && in_net(t, tcp_in_flight(t)) <= tcp_bbr_inflight(t, tcp_bbr_max_bw(t), ONE))
		start_probe_bw(t);
}

/* ------------------------------------------------------------------ minimal RTT */

void tcp_bbr_probe_rtt_check(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	if (b->probe_rtt_done_ns == 0 || tcp_tick_time(t) <= b->probe_rtt_done_ns)
		return;
	b->min_rtt_at_ns = tcp_tick_time(t);
	t->cwnd = max_u32(t->cwnd, b->prior_cwnd);
	tcp_bbr_reset_mode(t);
}

static void in_probe_rtt(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	t->app_limited = max_u64(t->delivered + tcp_in_flight(t), 1);
	if (b->probe_rtt_done_ns == 0 && tcp_in_flight(t) <= MIN_WINDOW) {
		b->probe_rtt_done_ns = tcp_tick_time(t) + PROBE_RTT_TIME;
		b->probe_round_done = false;
		b->next_round_delivered = t->delivered;
	} else if (b->probe_rtt_done_ns != 0) {
		if (b->round_start)
			b->probe_round_done = true;
		if (b->probe_round_done)
			tcp_bbr_probe_rtt_check(t);
	}
}

static void update_min_rtt(struct sim_tcp *t, const struct tcp_rate *rs)
{
	struct tcp_bbr *b = &t->bbr;
	uint64_t now = tcp_tick_time(t);
	bool expired = now > b->min_rtt_at_ns + MIN_RTT_WINDOW;

	if (rs->rtt_ns >= 0 && ((uint64_t)rs->rtt_ns < b->min_rtt_ns || (expired && !rs->delayed))) {
		b->min_rtt_ns = max_u64((uint64_t)rs->rtt_ns, 1000);
		b->min_rtt_at_ns = now;
	}
	if (expired && !b->idle_restart && b->mode != BBR_PROBE_RTT) {
		b->mode = BBR_PROBE_RTT;
		tcp_bbr_save_cwnd(t);
		b->probe_rtt_done_ns = 0;
	}
	if (b->mode == BBR_PROBE_RTT)
		in_probe_rtt(t);
	if (rs->delivered > 0)
		b->idle_restart = false;
}

/* ------------------------------------------------------------------ gains */

static void update_gains(struct sim_tcp *t)
{
	static const uint16_t cycle[CYCLE] = {320, 192, ONE, ONE, ONE, ONE, ONE, ONE};
	struct tcp_bbr *b = &t->bbr;

	switch ((enum bbr_mode)b->mode) {
	case BBR_STARTUP:
		b->pacing_gain = b->cwnd_gain = HIGH_GAIN;
		break;
	case BBR_DRAIN:
		b->pacing_gain = DRAIN_GAIN;
		b->cwnd_gain = HIGH_GAIN;
		break;
	case BBR_PROBE_BW:
		b->pacing_gain = b->lt_use ? ONE : cycle[b->cycle];
		b->cwnd_gain = CWND_GAIN;
		break;
	case BBR_PROBE_RTT:
		b->pacing_gain = b->cwnd_gain = ONE;
		break;
	}
}

void tcp_bbr_model(struct sim_tcp *t, const struct tcp_rate *rs)
{
	update_bw(t, rs);
	update_aggregation(t, rs);
	if (t->bbr.mode == BBR_PROBE_BW && phase_over(t, rs))
		next_phase(t);
	check_full(t, rs);
	check_drain(t);
	update_min_rtt(t, rs);
	update_gains(t);
}
