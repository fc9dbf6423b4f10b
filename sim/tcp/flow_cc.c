/* The window of the coarse fidelity from round to round: reno, cubic with HyStart, bbr's bandwidth. */
#include "sim/tcp/flow_impl.h"
#include "sim/tcp/impl.h"

static bool is(const struct flow *f, enum sim_tcp_cc cc)
{
	return f->rig->tcp.cc == cc;
}

uint64_t flow_window(const struct flow *f)
{
	uint64_t window = f->next_window != 0 ? f->next_window : f->cwnd / FLOW_ONE;

	return window == 0 ? 1 : window;
}

/* ------------------------------------------------------------------ slow start */

/*
 * HyStart as acknowledgements would show it: a train as long as half a round trip when they are closer than 2 ms, else a
 * queue an eighth of the round trip deep. Returns the window at which slow start ends, or UINT64_MAX.
 */
static uint64_t hystart(const struct flow *f, uint64_t sent)
{
	uint64_t train_ns = sent * f->segment_ns, half = (f->rtt_ns + FLOW_MS) / 2;
	uint64_t slack = min_u64(max_u64(f->rtt_ns / 8, 4 * FLOW_MS), 16 * FLOW_MS);

	if (!is(f, SIM_TCP_CUBIC) || f->segment_ns == 0)
		return UINT64_MAX;
	if (f->segment_ns <= 2 * FLOW_MS && train_ns > half)
		return max_u64(sent + half / f->segment_ns, 16);
	if (train_ns > f->rtt_ns + slack)
		return sent + 8;
	return UINT64_MAX;
}

static void slow_start(struct flow *f, uint64_t sent)
{
	uint64_t end = hystart(f, sent);

	f->cwnd += sent * FLOW_ONE;
	if (end != UINT64_MAX && f->cwnd >= end * FLOW_ONE) {
		f->cwnd = end * FLOW_ONE;
		f->ssthresh = f->cwnd;
	}
	if (f->cwnd > f->ssthresh)
		f->cwnd = f->ssthresh;
}

/* ------------------------------------------------------------------ congestion avoidance */

static void start_epoch(struct flow *f)
{
	f->in_epoch = true;
	f->epoch_ns = f->now_ns;
	f->friendly = f->cwnd;
	f->k = 0;
	f->origin = f->cwnd;
	if (f->last_max > f->cwnd) {
		f->k = tcp_cube_root((uint64_t)(((unsigned __int128)(f->last_max - f->cwnd) << 24) / 410));
		f->origin = f->last_max;
	}
}

static uint64_t cubic_target(const struct flow *f, uint64_t round_ns)
{
	uint64_t at = (f->now_ns + round_ns - f->epoch_ns + f->rtt_ns) * 128 / (FLOW_S / 8);
	uint64_t off = at < f->k ? f->k - at : at - f->k;
	uint64_t delta = (uint64_t)((unsigned __int128)off * off * off * 410 >> 24);

	if (at >= f->k)
		return f->origin + delta;
	return delta < f->origin ? f->origin - delta : 0;
}

static void cubic_grow(struct flow *f, uint64_t sent, uint64_t round_ns)
{
	uint64_t window = flow_window(f);

	if (!f->in_epoch)
		start_epoch(f);
	uint64_t target = cubic_target(f, round_ns), grow = FLOW_ONE / 100;
	if (target > f->cwnd)
		grow = target - f->cwnd;
	if (f->last_max == 0)
		grow = max_u64(grow, f->cwnd / 20);
	f->friendly += FLOW_ONE * 8 / 15 * sent / window;
	if (f->friendly > f->cwnd)
		grow = max_u64(grow, f->friendly - f->cwnd);
	f->cwnd += min_u64(grow, f->cwnd / 2);
}

/* ------------------------------------------------------------------ bbr */

/*
 * Start-up doubles what it delivers, a round later than slow start, up to its gain of 2.89 times the pipe; three rounds
 * there tell it that the pipe is full. Then the window is twice the pipe.
 */
static void bbr_grow(struct flow *f, uint64_t sent)
{
	uint64_t most = f->pipe * 739 / 256 + 6, cruise = min_u64(2 * f->pipe + 6, f->capacity);

	f->rounds++;
	if (f->full)
		return;
	f->cwnd += (f->rounds == 2 ? sent * 3 / 4 : sent * 19 / 20) * FLOW_ONE;
	if (f->cwnd >= most * FLOW_ONE) {
		f->cwnd = most * FLOW_ONE;
		f->full = ++f->full_rounds >= 3;
	}
	if (f->full)
		f->cwnd = cruise * FLOW_ONE;
}

void flow_grow(struct flow *f, uint64_t sent, uint64_t round_ns)
{
	if (is(f, SIM_TCP_BBR))
		bbr_grow(f, sent);
	else if (f->cwnd < f->ssthresh)
		slow_start(f, sent);
	else if (is(f, SIM_TCP_CUBIC))
		cubic_grow(f, sent, round_ns);
	else
		f->cwnd += FLOW_ONE * sent / flow_window(f);
}

void flow_reduce(struct flow *f)
{
	uint64_t cwnd = f->cwnd;

	if (is(f, SIM_TCP_BBR))
		return;
	if (is(f, SIM_TCP_RENO)) {
		f->ssthresh = cwnd / 2;
	} else {
		f->last_max = cwnd < f->last_max ? cwnd * 1741 / 2048 : cwnd;
		f->ssthresh = cwnd * 717 / 1024;
		f->in_epoch = false;
	}
	f->ssthresh = max_u64(f->ssthresh / FLOW_ONE, 2) * FLOW_ONE;
	f->cwnd = f->ssthresh;
}

/*
 * What came before a random loss still doubles itself, what comes behind it is halved in proportion. A full queue (first
 * is 0) is noticed when as much again has been sent as pipe and queue hold.
 */
void flow_reduce_starting(struct flow *f, uint64_t sent, uint64_t first)
{
	uint64_t before = min_u64(first - 1, sent);

	if (first == 0) {
		f->cwnd = min_u64(f->cwnd + sent * FLOW_ONE, 2 * f->capacity * FLOW_ONE);
	} else {
		f->cwnd += before * FLOW_ONE;
		f->same_episode = 2 * before;
		f->next_window = 2 * before + (sent - before) * (is(f, SIM_TCP_RENO) ? 512 : 717) / 1024;
	}
	flow_reduce(f);
}

void flow_timeout(struct flow *f)
{
	flow_reduce(f);
	if (is(f, SIM_TCP_BBR))
		return;
	f->cwnd = FLOW_ONE;
	f->next_window = 0;
	f->last_max = 0;
	f->in_epoch = false;
}
