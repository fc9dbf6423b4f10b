/*
 * BBR's sense for token-bucket policers: two intervals between losses, each with a fifth of its packets lost and about the
 * same rate, make it pace at that rate for 48 rounds.
 */
#include "sim/tcp/impl.h"

#define INTERVAL_ROUNDS 4u
#define INTERVAL_MOST (4 * INTERVAL_ROUNDS)
#define LOSS_THRESHOLD 50u /* of 256 */
#define RATIO_SHIFT 3      /* an eighth apart is the same rate */
#define DIFFERENCE 500u    /* bytes a second apart is the same rate, too: 4 kbit/s */
#define USE_ROUNDS 48u
#define ONE 256u
#define BW_SHIFT 24

static void start_interval(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	b->lt_last_ns = t->delivered_ns;
	b->lt_last_delivered = t->delivered;
	b->lt_last_lost = t->lost;
	b->lt_rounds = 0;
}

void tcp_bbr_policer_reset(struct sim_tcp *t)
{
	t->bbr.lt_bw = 0;
	t->bbr.lt_use = false;
	t->bbr.lt_sampling = false;
	start_interval(t);
}

static uint64_t bytes_per_s(const struct sim_tcp *t, uint64_t bw)
{
	return (uint64_t)((unsigned __int128)bw * t->config.mss * 990000u >> BW_SHIFT);
}

static void interval_done(struct sim_tcp *t, uint64_t bw)
{
	struct tcp_bbr *b = &t->bbr;

	if (b->lt_bw != 0) {
		uint64_t diff = bw > b->lt_bw ? bw - b->lt_bw : b->lt_bw - bw;

		if (diff <= b->lt_bw >> RATIO_SHIFT || bytes_per_s(t, diff) <= DIFFERENCE) {
			b->lt_bw = (bw + b->lt_bw) >> 1;
			b->lt_use = true;
			b->pacing_gain = ONE;
			b->lt_rounds = 0;
			return;
		}
	}
	b->lt_bw = bw;
	start_interval(t);
}

/* While the rate is in use it is only counted how long; true: nothing else to do. */
static bool in_use(struct sim_tcp *t)
{
	struct tcp_bbr *b = &t->bbr;

	if (!b->lt_use)
		return false;
	if (b->mode == BBR_PROBE_BW && b->round_start && ++b->lt_rounds >= USE_ROUNDS) {
		tcp_bbr_policer_reset(t);
		tcp_bbr_reset_mode(t);
	}
	return true;
}

void tcp_bbr_policer(struct sim_tcp *t, const struct tcp_rate *rs)
{
	struct tcp_bbr *b = &t->bbr;

	if (in_use(t))
		return;
	if (!b->lt_sampling) {
		if (rs->losses == 0)
			return;
		start_interval(t);
		b->lt_sampling = true;
	}
	if (rs->app_limited) {
		tcp_bbr_policer_reset(t);
		return;
	}
	if (b->round_start)
		b->lt_rounds++;
	if (b->lt_rounds < INTERVAL_ROUNDS)
		return;
	if (b->lt_rounds > INTERVAL_MOST) {
		tcp_bbr_policer_reset(t);
		return;
	}
	uint64_t lost = t->lost - b->lt_last_lost, delivered = t->delivered - b->lt_last_delivered;
	/* an interval ends with a loss: that is when the bucket is empty */
	if (rs->losses == 0 || delivered == 0 || lost << 8 < LOSS_THRESHOLD * delivered)
		return;
	uint64_t ms = (t->delivered_ns - b->lt_last_ns) / TCP_MS;
	if ((int64_t)(t->delivered_ns - b->lt_last_ns) < (int64_t)TCP_MS)
		return;
	interval_done(t, (delivered << BW_SHIFT) / (ms * 1000));
}
