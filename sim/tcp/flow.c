/*
 * The rig in the coarse fidelity. A round sends a window; it lasts a round trip or as long as the link needs for it. What
 * does not fit pipe and queue is dropped, random losses fall at drawn distances. A round with losses is followed by one of
 * recovery that sends the reduced window, lost segments first; a loss that nothing follows costs a probe or a time-out.
 */
#include <string.h>

#include "sim/tcp/flow_impl.h"
#include "sim/tcp/impl.h"

#define MARK_NS (10 * FLOW_S)
#define PROBE_RTT_EVERY (10 * FLOW_S + 200 * FLOW_MS)

/* One round: what was sent, dropped by the queue, lost in all; where the first and last random losses were, from 1; its length. */
struct round {
	uint64_t sent, dropped, lost, first, last, ns;
};

static uint64_t draw(struct flow *f)
{
	return sim_rand_u64(f->rig->seed, SIM_RAND_LOSS, 2, f->draws++);
}

static bool lost_one(struct flow *f)
{
	return draw(f) < f->rig->link.loss;
}

/* How many segments pass until one is lost: the geometric distribution by its inverse. */
static void draw_distance(struct flow *f)
{
	if (f->rig->link.loss == 0) {
		f->next_loss = UINT64_MAX;
		return;
	}
	int64_t log = sim_log_unit_q32(draw(f));
	f->next_loss = (uint64_t)(log / f->log_keep_q32);
}

/* What of the segments that the queue took is lost at random. */
static void draw_losses(struct flow *f, struct round *r)
{
	uint64_t n = r->sent - r->dropped, at = 0;

	while (f->next_loss < n - at) {
		at += f->next_loss + 1;
		r->last = at;
		r->first = r->first == 0 ? at : r->first;
		r->lost++;
		draw_distance(f);
	}
	if (f->next_loss != UINT64_MAX)
		f->next_loss -= n - at;
	r->lost += r->dropped;
}

/* ------------------------------------------------------------------ reading */

/* Bytes that the reader has by a time within the round, when segments arrive one serialisation after the other. */
static uint64_t arrived(const struct flow *f, uint64_t good, uint64_t at_ns)
{
	uint64_t first = f->now_ns + f->rtt_ns / 2;

	if (at_ns <= first)
		return 0;
	if (f->segment_ns == 0)
		return good * f->rig->tcp.mss;
	return min_u64((at_ns - first) / f->segment_ns, good) * f->rig->tcp.mss;
}

static void account(struct flow *f, uint64_t good)
{
	struct sim_tcp_rig_result *r = f->result;
	uint64_t end = f->rig->until_ns;

	if (f->now_ns < r->mark_ns)
		r->at_mark = f->read_bytes + arrived(f, good, r->mark_ns);
	if (f->now_ns < end)
		r->at_end = f->read_bytes + arrived(f, good, end);
	f->read_bytes += good * f->rig->tcp.mss;
}

static void sample(struct flow *f, uint64_t window, uint64_t round_ns)
{
	const struct sim_tcp_rig *rig = f->rig;
	size_t n = f->result->num_samples;

	if (rig->sample_ns == 0 || n == rig->max_samples || (n != 0 && f->now_ns < rig->samples[n - 1].at_ns + rig->sample_ns))
		return;
	f->result->num_samples++;
	rig->samples[n] = (struct sim_tcp_rig_sample){
	    .at_ns = f->now_ns,
	    .bytes = f->read_bytes,
	    .cwnd = (uint32_t)window,
	    .in_flight = (uint32_t)window,
	    .queue_bytes = window > f->pipe ? (window - f->pipe) * (rig->tcp.mss + SIM_TCP_HEADER) : 0,
	    .srtt_ns = round_ns,
	};
}

/* ------------------------------------------------------------------ rounds */

/* Behind slow start acknowledgements come by two and windows in lumps: a segment more waits for the one before it. */
static uint64_t round_time(const struct flow *f, uint64_t sent)
{
	uint64_t lump = f->cwnd < f->ssthresh ? 1 : 2;

	return max_u64(f->rtt_ns + lump * f->segment_ns, sent * f->segment_ns);
}

/*
 * What does not fit. In slow start two go for each that leaves, on top of what the round before left standing: once the
 * queue is full every second one is dropped.
 */
static uint64_t overflow(struct flow *f, uint64_t sent)
{
	uint64_t queue = f->capacity - f->pipe, standing = f->last_sent > f->pipe ? f->last_sent - f->pipe : 0;
	uint64_t room = standing < queue ? queue - standing : 0;

	if (f->cwnd >= f->ssthresh || f->rig->tcp.cc == SIM_TCP_BBR)
		return sent > f->capacity ? sent - f->capacity : 0;
	return sent > 2 * room ? (sent - 2 * room) / 2 : 0;
}

/* After the last segment of a message nothing follows that would betray a loss: a probe after two round trips does. */
static void finish_late(struct flow *f, const struct round *r)
{
	uint64_t late = r->dropped > 2 ? r->ns + f->rtt_ns : r->ns; /* many come back in two round trips at best */
	uint64_t behind = r->dropped != 0 ? 3 : r->sent - r->last;

	if (behind == 0)
		late = 2 * r->ns + 8 * FLOW_MS;
	else if (behind < 3)
		late = r->ns + f->rtt_ns / 4 + 4 * FLOW_MS;
	while (lost_one(f)) {
		late += max_u64(200 * FLOW_MS, 2 * r->ns) + r->ns;
		f->result->timeouts++;
	}
	f->done_ns = max_u64(f->done_ns, f->now_ns + r->ns - f->rtt_ns / 2 + late);
	f->result->retransmits += (uint32_t)r->lost;
	f->lost_again = 0;
}

static uint64_t rto(const struct flow *f, uint64_t round_ns)
{
	return round_ns + max_u64(200 * FLOW_MS, f->rtt_ns / 2) + 2 * FLOW_MS;
}

static void reduce_avoiding(struct flow *f, const struct round *r)
{
	flow_reduce(f);
	if (r->first == 0)
		return;
	f->same_episode = r->first - 1;
	f->next_window = r->first - 1 + (r->sent - r->first + 1) * (f->cwnd / FLOW_ONE) / r->sent;
}

/*
 * One reduction an episode: what was sent before the first loss was noticed belongs to it. bbr conserves packets in the
 * first round of a recovery and goes on growing in those that follow.
 */
static void reduce(struct flow *f, const struct round *r)
{
	bool same = f->recovering && r->dropped == 0 && r->last <= f->same_episode;

	f->same_episode = 0;
	if (f->rig->tcp.cc == SIM_TCP_BBR) {
		if (f->recovering)
			flow_grow(f, r->sent - r->lost, r->ns);
	} else if (same) {
		return;
	} else if (f->cwnd < f->ssthresh) {
		flow_reduce_starting(f, r->sent, r->first);
	} else {
		reduce_avoiding(f, r);
	}
}

/* Losses of the round: reduce once, repair in the next; or wait when nothing came through that would tell. */
static uint64_t after_losses(struct flow *f, const struct round *r)
{
	f->result->retransmits += (uint32_t)r->lost;
	f->lost_again += r->lost;
	if (r->lost < r->sent) {
		reduce(f, r);
		f->recovering = true;
		return r->ns;
	}
	/* all of it: the probe may come through */
	if (!f->recovering && !lost_one(f)) {
		f->recovering = true;
		flow_reduce(f);
		return 2 * r->ns + 4 * FLOW_MS;
	}
	f->result->timeouts++;
	f->recovering = false;
	flow_timeout(f);
	return rto(f, r->ns);
}

static uint64_t after_success(struct flow *f, const struct round *r)
{
	if (!f->recovering || f->rig->tcp.cc == SIM_TCP_BBR)
		flow_grow(f, r->sent, r->ns);
	f->recovering = false;
	return r->ns;
}

static void step(struct flow *f)
{
	uint64_t window = flow_window(f), wanted = f->left == UINT64_MAX ? UINT64_MAX : f->left + f->lost_again;
	struct round r = {.sent = min_u64(window, wanted)};
	uint64_t again = min_u64(f->lost_again, r.sent);

	r.dropped = overflow(f, r.sent);
	r.ns = round_time(f, r.sent - r.dropped);
	draw_losses(f, &r);
	f->next_window = 0;
	f->last_sent = r.sent - r.dropped;
	sample(f, window, r.ns);
	account(f, r.sent - r.lost);
	if (f->left != UINT64_MAX)
		f->left -= r.sent - again;
	f->lost_again -= again;
	f->done_ns = max_u64(f->done_ns, f->now_ns + f->rtt_ns / 2 + r.sent * f->segment_ns);
	if (r.lost == 0)
		f->now_ns += after_success(f, &r);
	else if (f->left == 0)
		finish_late(f, &r);
	else
		f->now_ns += after_losses(f, &r);
}

/* bbr stops to look for the base round trip every ten seconds. */
static void probe_rtt(struct flow *f)
{
	if (f->rig->tcp.cc != SIM_TCP_BBR || f->now_ns < f->next_probe_ns)
		return;
	f->now_ns += 180 * FLOW_MS + f->rtt_ns;
	f->next_probe_ns = f->now_ns + PROBE_RTT_EVERY;
}

/* ------------------------------------------------------------------ the transfer */

static void connect_up(struct flow *f)
{
	uint64_t wait = FLOW_S;

	while (f->now_ns < f->rig->until_ns) {
		bool syn = lost_one(f);
		bool answer = lost_one(f);

		if (!syn && !answer)
			break;
		f->now_ns += wait + 16 * FLOW_MS;
	}
	f->now_ns += f->rtt_ns;
	f->result->connected = true;
	f->result->connected_ns = f->now_ns;
}

static void prepare(struct flow *f)
{
	const struct sim_tcp_link_config *link = &f->rig->link;
	uint64_t packet_bits = (f->rig->tcp.mss + SIM_TCP_HEADER) * 8ull;

	f->rtt_ns = 2 * sim_dist_base_ns(&link->delay);
	if (link->rate_bits != 0) {
		f->segment_ns = packet_bits * FLOW_S / link->rate_bits;
		f->pipe = max_u64((uint64_t)((unsigned __int128)f->rtt_ns * link->rate_bits / FLOW_S / packet_bits), 1);
		f->capacity = f->pipe + max_u64(sim_tcp_link_queue(link) * 8 / packet_bits, 1);
	} else {
		f->pipe = f->capacity = 1u << 20;
	}
	f->cwnd = 10ull * FLOW_ONE;
	f->ssthresh = UINT64_MAX;
	f->left = UINT64_MAX;
	if (f->rig->bytes != 0)
		f->left = (f->rig->bytes + f->rig->tcp.mss - 1) / f->rig->tcp.mss;
	if (link->loss != 0)
		f->log_keep_q32 = sim_log_unit_q32(UINT64_MAX - link->loss);
	if (f->log_keep_q32 == 0)
		f->log_keep_q32 = -1;
	draw_distance(f);
}

bool sim_tcp_flow_run(const struct sim_tcp_rig *rig, struct sim_tcp_rig_result *result)
{
	struct flow f = {.rig = rig, .result = result};

	memset(result, 0, sizeof *result);
	result->mark_ns = rig->until_ns < 3 * MARK_NS ? rig->until_ns / 3 : MARK_NS;
	prepare(&f);
	connect_up(&f);
	f.next_probe_ns = f.now_ns + 10 * FLOW_S;
	while (f.now_ns < rig->until_ns && (f.left != 0 || f.lost_again != 0)) {
		probe_rtt(&f);
		step(&f);
		result->events++;
	}
	result->finished = rig->bytes != 0 && f.left == 0 && f.lost_again == 0;
	if (result->finished) {
		result->finished_ns = f.done_ns;
		result->at_end = rig->bytes;
		result->at_mark = min_u64(result->at_mark, rig->bytes);
	}
	return true;
}
