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

/* What of n segments is lost at random, and the positions of the first and last, counted from 1. */
static uint64_t draw_losses(struct flow *f, uint64_t n, uint64_t *first, uint64_t *last)
{
	uint64_t lost = 0, at = 0;

	while (f->next_loss < n - at) {
		at += f->next_loss + 1;
		*last = at;
		*first = lost++ == 0 ? at : *first;
		draw_distance(f);
	}
	if (f->next_loss != UINT64_MAX)
		f->next_loss -= n - at;
	return lost;
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

static uint64_t round_time(const struct flow *f, uint64_t sent)
{
	return max_u64(f->rtt_ns + f->segment_ns, sent * f->segment_ns);
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
static void finish_late(struct flow *f, uint64_t behind, uint64_t dropped, uint64_t round_ns)
{
	uint64_t late = dropped > 2 ? round_ns + f->rtt_ns : round_ns; /* many come back in two round trips at best */

	if (behind == 0)
		late = 2 * round_ns + 8 * FLOW_MS;
	else if (behind < 3)
		late = round_ns + f->rtt_ns / 4 + 4 * FLOW_MS;
	while (lost_one(f)) {
		late += max_u64(200 * FLOW_MS, 2 * round_ns) + round_ns;
		f->result->timeouts++;
	}
	f->done_ns = max_u64(f->done_ns, f->now_ns + round_ns - f->rtt_ns / 2 + late);
}

static uint64_t rto(const struct flow *f, uint64_t round_ns)
{
	return round_ns + max_u64(200 * FLOW_MS, f->rtt_ns / 2) + 2 * FLOW_MS;
}

/* bbr conserves packets in the first round of a recovery and goes on growing in those that follow. */
static void reduce(struct flow *f, uint64_t sent, uint64_t lost, uint64_t first, uint64_t round_ns)
{
	if (f->rig->tcp.cc == SIM_TCP_BBR) {
		if (f->recovering)
			flow_grow(f, sent - lost, round_ns);
	} else if (f->cwnd < f->ssthresh) {
		flow_reduce_starting(f, sent, first);
	} else {
		flow_reduce(f);
	}
}

/* Losses of the round: reduce once, repair in the next; or wait when nothing came through that would tell. */
static uint64_t after_losses(struct flow *f, uint64_t sent, uint64_t lost, uint64_t first, uint64_t round_ns)
{
	bool was_recovering = f->recovering;

	f->result->retransmits += (uint32_t)lost;
	f->lost_again = lost;
	if (lost >= sent) {
		/* all of it: the probe may come through */
		if (!was_recovering && !lost_one(f)) {
			f->recovering = true;
			flow_reduce(f);
			return 2 * round_ns + 4 * FLOW_MS;
		}
		f->result->timeouts++;
		f->recovering = false;
		flow_timeout(f);
		return rto(f, round_ns);
	}
	reduce(f, sent, lost, first, round_ns);
	f->recovering = true;
	return round_ns;
}

static void step(struct flow *f)
{
	uint64_t window = flow_window(f), sent = min_u64(window, f->lost_again > UINT64_MAX - f->left ? UINT64_MAX : f->left + f->lost_again);
	uint64_t again = min_u64(f->lost_again, sent), first = 0, last = 0, dropped = overflow(f, sent);
	uint64_t round_ns = round_time(f, sent - dropped), lost = draw_losses(f, sent - dropped, &first, &last) + dropped;

	f->next_window = 0;
	f->last_sent = sent - dropped;
	sample(f, window, round_ns);
	account(f, sent - lost);
	if (f->left != UINT64_MAX)
		f->left -= sent - again;
	f->lost_again -= again;
	f->done_ns = max_u64(f->done_ns, f->now_ns + f->rtt_ns / 2 + sent * f->segment_ns);
	if (lost != 0) {
		if (f->left == 0) {
			finish_late(f, dropped != 0 ? 3 : sent - last, dropped, round_ns);
			f->result->retransmits += (uint32_t)lost;
			f->lost_again = 0;
		} else {
			uint64_t more = f->lost_again;

			round_ns = after_losses(f, sent, lost, first, round_ns);
			f->lost_again += more;
		}
	} else {
		if (!f->recovering || f->rig->tcp.cc == SIM_TCP_BBR)
			flow_grow(f, sent, round_ns);
		f->recovering = false;
	}
	f->now_ns += round_ns;
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

	f->rtt_ns = 2 * link->delay_ns + link->jitter_ns;
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
