/*
 * CUBIC (RFC 9438) as Linux computes it: C = 0.4 as 410 / 1024, beta = 717 / 1024, time in 1/1024 s counted in ticks,
 * fast convergence, the Reno-friendly estimate, at most half a segment of growth per segment acknowledged.
 */
#include <string.h>

#include "sim/tcp/impl.h"

#define BETA 717u
#define BETA_ONE 1024u
#define C_SCALED 410u /* C = 0.4 in units of 1/1024 */
#define FRIENDLY 15u  /* 8 (1 + beta) / (3 (1 - beta)): the estimate's acknowledgements per segment, by 8 */
#define CUBE_SHIFT 40 /* 10 bits of C and 3 * 10 of time */

/* Floor of the cube root: Newton from above, which never falls below the root. */
uint64_t tcp_cube_root(uint64_t x)
{
	if (x == 0)
		return 0;
	unsigned bits = 64u - (unsigned)__builtin_clzll(x);
	uint64_t r = 1ull << ((bits + 2) / 3);

	for (;;) {
		uint64_t next = (2 * r + x / (r * r)) / 3;

		if (next >= r)
			return r;
		r = next;
	}
}

static void cubic_init(struct sim_tcp *t)
{
	memset(&t->cubic, 0, sizeof t->cubic);
	t->hystart.found = false;
	tcp_hystart_reset(t);
}

static uint32_t cubic_ssthresh(struct sim_tcp *t)
{
	struct tcp_cubic *c = &t->cubic;

	c->epoch_ns = 0;
	if (t->cwnd < c->last_max)
		c->last_max = (uint32_t)((uint64_t)t->cwnd * (BETA_ONE + BETA) / (2 * BETA_ONE));
	else
		c->last_max = t->cwnd;
	return max_u32((uint32_t)((uint64_t)t->cwnd * BETA / BETA_ONE), 2);
}

static void start_epoch(struct sim_tcp *t, uint64_t now, uint32_t acked)
{
	struct tcp_cubic *c = &t->cubic;

	c->epoch_ns = now;
	c->ack_cnt = acked;
	c->tcp_cwnd = t->cwnd;
	if (c->last_max <= t->cwnd) {
		c->k = 0;
		c->origin = t->cwnd;
	} else {
		c->k = tcp_cube_root((1ull << CUBE_SHIFT) / C_SCALED * (c->last_max - t->cwnd));
		c->origin = c->last_max;
	}
}

/* Where the curve stands a minimal round trip from now, and how many acknowledgements a segment of growth takes. */
static void follow_curve(struct sim_tcp *t, uint64_t now)
{
	struct tcp_cubic *c = &t->cubic;
	uint64_t at = (now - c->epoch_ns + tcp_ticks(t, c->delay_min_ns)) * 128 / (TCP_S / 8);
	uint64_t off = at < c->k ? c->k - at : at - c->k;
	unsigned __int128 cube = (unsigned __int128)off * off * off * C_SCALED;
	uint64_t delta = (uint64_t)(cube >> CUBE_SHIFT);
	uint64_t target = at < c->k ? (delta < c->origin ? c->origin - delta : 0) : c->origin + delta;

	if (target > t->cwnd)
		c->cnt = (uint32_t)(t->cwnd / (target - t->cwnd));
	else
		c->cnt = 100 * t->cwnd;
	if (c->last_max == 0 && c->cnt > 20)
		c->cnt = 20;
}

static void stay_friendly(struct sim_tcp *t)
{
	struct tcp_cubic *c = &t->cubic;
	uint32_t step = t->cwnd * FRIENDLY >> 3;

	while (c->ack_cnt > step) {
		c->ack_cnt -= step;
		c->tcp_cwnd++;
	}
	if (c->tcp_cwnd > t->cwnd)
		c->cnt = min_u32(c->cnt, t->cwnd / (c->tcp_cwnd - t->cwnd));
}

static void update(struct sim_tcp *t, uint32_t acked)
{
	struct tcp_cubic *c = &t->cubic;
	uint64_t now = tcp_tick_time(t);

	c->ack_cnt += acked;
	if (c->last_cwnd == t->cwnd && now - c->last_ns <= TCP_S / 32)
		return;
	if (c->epoch_ns == 0 || now != c->last_ns) {
		c->last_cwnd = t->cwnd;
		c->last_ns = now;
		if (c->epoch_ns == 0)
			start_epoch(t, max_u64(now, 1), acked);
		follow_curve(t, max_u64(now, 1));
	}
	stay_friendly(t);
	c->cnt = max_u32(c->cnt, 2);
}

static void cubic_avoid(struct sim_tcp *t, uint32_t acked)
{
	if (!tcp_is_cwnd_limited(t))
		return;
	if (tcp_in_slow_start(t)) {
		acked = tcp_slow_start(t, acked);
		if (acked == 0)
			return;
	}
	update(t, acked);
	tcp_avoid_additive(t, t->cubic.cnt, acked);
}

static void cubic_acked(struct sim_tcp *t, int64_t rtt_ns, uint32_t acked)
{
	struct tcp_cubic *c = &t->cubic;

	if (rtt_ns < 0)
		return;
	/* In the first second of an epoch the queue of the recovery still empties: its delays say nothing. */
	if (c->epoch_ns != 0 && tcp_tick_time(t) - c->epoch_ns < TCP_S)
		return;
	uint64_t rtt = max_u64((uint64_t)rtt_ns, 1000);
	if (c->delay_min_ns == 0 || rtt < c->delay_min_ns)
		c->delay_min_ns = rtt;
	if (!t->hystart.found && tcp_in_slow_start(t))
		tcp_hystart_update(t, rtt, acked);
}

/* Time without data is not time for the curve to grow. */
static void cubic_restart(struct sim_tcp *t)
{
	struct tcp_cubic *c = &t->cubic;
	uint64_t now = tcp_tick_time(t);

	if (c->epoch_ns != 0 && t->last_send_ns != 0)
		c->epoch_ns = min_u64(c->epoch_ns + (tcp_now(t) - t->last_send_ns), now);
}

const struct tcp_cc tcp_cc_cubic = {
    .init = cubic_init,
    .ssthresh = cubic_ssthresh,
    .avoid = cubic_avoid,
    .acked = cubic_acked,
    .on_loss = cubic_init,
    .undo = tcp_undo_to_prior,
    .restart = cubic_restart,
};
