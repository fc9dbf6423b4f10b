/* What may be sent: new data and lost segments, as the congestion window, the peer's window and the pace allow. */
#include "sim/tcp/impl.h"

/* What the kernel counts for a segment of a full MTU when it sizes the buffer, and charges for the head of each in flight. */
#define SEGMENT_MEMORY 4352u
#define HEAD_MEMORY 960u
#define TRAINS 16u   /* of a window: sharing, queues and clocking need a grain */
#define TRAIN_MIN 4u /* segments */
#define TRAIN_MAX 256u

uint64_t tcp_unsent(const struct sim_tcp *t)
{
	return t->queued - t->nxt;
}

bool tcp_has_unsent(const struct sim_tcp *t)
{
	return (t->nxt < t->queued) || (t->fin_wanted && !t->fin_sent);
}

/* Twice the window (bbr: three times), so that a whole one waits while one is in flight. */
static uint64_t wanted_buffer(const struct sim_tcp *t)
{
	uint64_t segments = max_u32(max_u32(t->cwnd, TCP_INITIAL_WINDOW), t->reordering + 1);
	uint64_t windows = t->cc->control != NULL ? 3 : 2;

	return min_u64(windows * segments * SEGMENT_MEMORY, t->config.sndbuf_max);
}

uint64_t tcp_sndbuf(const struct sim_tcp *t)
{
	return t->config.sndbuf != 0 ? t->config.sndbuf : t->sndbuf;
}

/* What the queue takes of it. A fixed buffer is meant in bytes of the stream. */
static uint64_t memory_held(const struct sim_tcp *t)
{
	uint64_t heads = t->config.sndbuf != 0 ? 0 : (uint64_t)t->packets_out * HEAD_MEMORY;

	return t->queued - t->una + heads;
}

/* It grows when the writer could not fill the window, and never shrinks: the first slow start decides its size. */
void tcp_sndbuf_expand(struct sim_tcp *t)
{
	if (t->sndbuf == 0 || (t->write_blocked && tcp_in_flight(t) < t->cwnd))
		t->sndbuf = max_u64(t->sndbuf, wanted_buffer(t));
}

size_t sim_tcp_write_space(const struct sim_tcp *t)
{
	uint64_t held = memory_held(t), room = tcp_sndbuf(t);
	uint64_t unsent = tcp_unsent(t), low = t->config.notsent_lowat;

	if (t->dead || t->fin_wanted || t->state == SIM_TCP_ST_CLOSED || t->state == SIM_TCP_ST_TIME_WAIT)
		return 0;
	room = room > held ? room - held : 0;
	if (low != 0)
		room = min_u64(room, unsent < low ? low - unsent : 0);
	return (size_t)room;
}

/*
 * As the kernel: writable when a third of the buffer is free, and the unsent is below half of its mark. A buffer grows only
 * when it holds the window back.
 */
void tcp_check_writable(struct sim_tcp *t)
{
	uint64_t space;

	if (!t->write_blocked)
		return;
	tcp_sndbuf_expand(t);
	space = sim_tcp_write_space(t);
	if (space == 0 || space < memory_held(t) / 2)
		if (t->config.notsent_lowat == 0 || space < t->config.notsent_lowat / 2)
			return;
	t->write_blocked = false;
	t->pending |= SIM_TCP_WRITABLE;
}

/* A window that nobody used for long falls back (RFC 2861, with Linux's three quarters). */
static void application_limited(struct sim_tcp *t)
{
	if (t->ca == TCP_CA_OPEN && t->cwnd_used < t->cwnd) {
		uint32_t used = max_u32(t->cwnd_used, TCP_INITIAL_WINDOW);

		if (used < t->cwnd) {
			t->ssthresh = max_u32(t->ssthresh, (t->cwnd >> 1) + (t->cwnd >> 2));
			t->cwnd = (t->cwnd + used) >> 1;
		}
		t->cwnd_used = 0;
	}
	t->cwnd_stamp_ns = tcp_now(t);
}

static void validate_cwnd(struct sim_tcp *t, bool limited)
{
	if (t->una >= t->cwnd_usage_end || limited || (!t->cwnd_limited && t->packets_out > t->max_packets_out)) {
		t->cwnd_limited = limited;
		t->max_packets_out = t->packets_out;
		t->cwnd_usage_end = t->nxt;
	}
	if (tcp_is_cwnd_limited(t)) {
		t->cwnd_used = 0;
		t->cwnd_stamp_ns = tcp_now(t);
		return;
	}
	t->cwnd_used = max_u32(t->cwnd_used, t->packets_out);
	if (t->cc->control == NULL && tcp_now(t) - t->cwnd_stamp_ns >= t->rto_ns)
		application_limited(t);
}

/* After idleness the window halves for every RTO that passed, down to the initial one (RFC 2861). */
static void restart_after_idle(struct sim_tcp *t)
{
	uint64_t idle = tcp_now(t) - t->last_send_ns;
	uint32_t cwnd = t->cwnd, floor = min_u32(TCP_INITIAL_WINDOW, t->cwnd);

	if (t->packets_out != 0 || t->last_send_ns == 0 || idle <= t->rto_ns || t->cc->control != NULL)
		return;
	t->ssthresh = t->ssthresh == TCP_INFINITE ? TCP_INFINITE : max_u32(t->ssthresh, (cwnd >> 1) + (cwnd >> 2));
	for (uint64_t left = idle - t->rto_ns; cwnd > floor; left -= min_u64(left, t->rto_ns)) {
		cwnd >>= 1;
		if (left <= t->rto_ns)
			break;
	}
	t->cwnd = max_u32(cwnd, floor);
	t->cwnd_stamp_ns = tcp_now(t);
	t->cwnd_used = 0;
}

/* Segments of a train that leaves the window sixteen steps; trains of two or three cost a small queue more than they save. */
static uint32_t train(const struct sim_tcp *t)
{
	uint32_t segments = t->config.trains ? min_u32(t->cwnd / TRAINS, TRAIN_MAX) : 0;

	return segments < TRAIN_MIN ? 1 : segments;
}

/*
 * Losses cut trains, and each part's acknowledgement would send one as short, for ever: so less than a quarter of a train waits
 * for the next acknowledgement, while there is one to come.
 */
static bool window_full(const struct sim_tcp *t)
{
	uint32_t in_flight = tcp_in_flight(t);

	return in_flight >= t->cwnd || (t->cwnd - in_flight < train(t) / 4 && in_flight >= t->cwnd / 2);
}

/*
 * The length of the next new packet of at most so many segments; 0: none fits the peer's window now, or Nagle holds it back.
 * Whole segments go as far as the window has room for them.
 */
static uint32_t next_length(const struct sim_tcp *t, uint32_t most)
{
	uint64_t room = t->wnd_end > t->nxt ? t->wnd_end - t->nxt : 0;
	uint64_t unsent = tcp_unsent(t), bytes = (uint64_t)min_u32(train(t), most) * t->config.mss;
	if (bytes > room)
		bytes = max_u64(room - room % t->config.mss, t->config.mss);
	uint32_t len = (uint32_t)min_u64(min_u64(unsent, bytes), room);

	if (len < t->config.mss && len < unsent && t->packets_out != 0)
		return 0; /* silly window: wait for more of it */
	if (len < t->config.mss && len == unsent && t->config.nagle && t->packets_out != 0 && !t->fin_wanted)
		return 0;
	return len;
}

/* Puts the next new packet of at most so many segments into flight: how many it stands for, 0 when there is none. */
static uint32_t send_new(struct sim_tcp *t, uint32_t most)
{
	uint32_t len = next_length(t, most);
	bool fin = t->fin_wanted && !t->fin_sent && t->nxt + len == t->queued;

	if (len == 0 && !fin)
		return 0;
	if (tcp_seg_add(t, t->nxt, len, fin ? SEG_FIN : 0) == NULL)
		return 0;
	t->nxt += len + (fin ? 1 : 0);
	t->fin_sent = t->fin_sent || fin;
	tcp_send_segment(t, t->seg_last);
	t->last_send_ns = tcp_now(t);
	return tcp_seg(t, t->seg_last)->count;
}

/* How many segments may go in one burst. */
static uint32_t quota(const struct sim_tcp *t)
{
	uint32_t in_flight = tcp_in_flight(t);

	if (window_full(t))
		return 0;
	if (t->cc->tso_segments == NULL)
		return t->cwnd - in_flight;
	uint32_t burst = max_u32(t->cc->tso_segments(t), train(t));
	return min_u32(min_u32(max_u32(t->cwnd >> 1, 1), t->cwnd - in_flight), burst);
}

static uint32_t send_burst(struct sim_tcp *t, uint32_t most)
{
	uint32_t sent = 0, more = 1;
	uint64_t from = t->nxt;

	while (sent < most && more != 0) {
		more = send_new(t, most - sent);
		sent += more;
	}
	if (sent != 0)
		tcp_pace_sent(t, (uint32_t)(t->nxt - from));
	return sent;
}

static void after_sending(struct sim_tcp *t, uint32_t sent)
{
	bool limited = window_full(t);

	if (tcp_reducing(t))
		t->prr_out += sent;
	if (sent != 0 || limited)
		validate_cwnd(t, limited);
	if (sent == 0)
		return;
	if (!tcp_probe_schedule(t, false) && (t->xmit == XMIT_NONE || t->xmit == XMIT_ZERO_WINDOW))
		tcp_rearm_rto(t);
}

static void before_sending(struct sim_tcp *t)
{
	if (t->packets_out != 0 || t->queued == t->nxt)
		return;
	restart_after_idle(t);
	if (t->cc->restart != NULL)
		t->cc->restart(t);
}

void tcp_push(struct sim_tcp *t)
{
	uint32_t sent = 0;

	if (t->state != SIM_TCP_ST_OPEN || t->dead)
		return;
	before_sending(t);
	while (tcp_has_unsent(t) && !tcp_pace_wait(t)) {
		uint32_t most = quota(t);
		uint32_t burst = most == 0 ? 0 : send_burst(t, most);

		if (burst == 0)
			break;
		sent += burst;
	}
	after_sending(t, sent);
	tcp_zero_window_check(t);
	tcp_check_writable(t);
}

bool tcp_push_one(struct sim_tcp *t)
{
	uint32_t sent = send_burst(t, 1);

	if (sent != 0) {
		if (tcp_reducing(t))
			t->prr_out += sent;
		validate_cwnd(t, window_full(t));
	}
	return sent != 0;
}

/* Sends lost segments again, oldest first, within the window and the pace. */
void tcp_retransmit_queue(struct sim_tcp *t)
{
	bool rearm = false;

	t->rexmit_hint = max_u64(t->rexmit_hint, t->seg_una);
	while (t->rexmit_hint < t->seg_nxt && t->retrans_out < t->lost_out && !tcp_pace_wait(t)) {
		uint64_t n = t->rexmit_hint;
		struct tcp_seg *s = tcp_seg(t, n);

		if (tcp_in_flight(t) >= t->cwnd)
			break;
		bool again = (s->flags & (SEG_LOST | SEG_RETRANS | SEG_SACKED)) == SEG_LOST;
		if (again)
			tcp_seg_split(t, n, t->cwnd - tcp_in_flight(t));
		t->rexmit_hint = (s->flags & SEG_SACKED) ? tcp_seg_missing(t, n) : tcp_seg_next(t, n);
		if (!again)
			continue;
		tcp_retransmit(t, n);
		tcp_pace_sent(t, s->len);
		if (tcp_reducing(t))
			t->prr_out += s->count;
		rearm = rearm || (n == t->seg_una && t->xmit != XMIT_REORDER);
	}
	if (rearm)
		tcp_xmit_timer(t, XMIT_RTO, t->rto_ns << min_u32(t->backoff, 10));
}

/* With an unsent-low-water mark what goes out at once makes room for more. */
size_t sim_tcp_write(struct sim_tcp *t, size_t n)
{
	size_t took = 0, part;

	t->write_blocked = false;
	do {
		part = (size_t)min_u64(n - took, sim_tcp_write_space(t));
		if (part != 0 && t->cc->control != NULL)
			tcp_rate_check_app_limited(t);
		t->queued += part;
		took += part;
		if (part != 0)
			tcp_push(t);
	} while (part != 0 && took < n);
	t->write_blocked = took < n;
	return took;
}

void sim_tcp_want_room(struct sim_tcp *t)
{
	t->write_blocked = true;
}

void sim_tcp_set_lowat(struct sim_tcp *t, uint64_t notsent_lowat)
{
	t->config.notsent_lowat = notsent_lowat;
}
