/*
 * The receiving half: what has come in order, the ranges that came early, the ranges that SACK tells (RFC 2018: the one
 * that changed last comes first), the window and how it grows with what is read.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/tcp/impl.h"

#define RANGES_EXPECTED 2u /* that every acknowledgement has room for, even beside a DSACK */
#define SHORT 128u         /* segments below say nothing of the sender's pace */

/* ------------------------------------------------------------------ the window */

static uint64_t held(const struct sim_tcp *t)
{
	uint64_t sum = t->rcv - t->read - (t->fin_received ? 1 : 0);

	for (uint32_t i = 0; i < t->num_ooo; i++)
		sum += t->ooo[i].to - t->ooo[i].from;
	return sum;
}

static uint64_t buffer(const struct sim_tcp *t)
{
	return t->config.rcvbuf != 0 ? t->config.rcvbuf : t->rcv_clamp;
}

/* Never less than was promised, and nothing at all rather than a silly little (RFC 9293 3.8.6.2.2). */
uint64_t tcp_window_choice(const struct sim_tcp *t)
{
	uint64_t limit = buffer(t), used = held(t);
	uint64_t room = min_u64(used < limit ? limit - used : 0, t->rcv_limit);
	uint64_t promised = t->rcv_wnd_end > t->rcv ? t->rcv_wnd_end - t->rcv : 0;

	if (room < min_u64(t->config.mss, limit / 2))
		room = 0;
	return max_u64(room, promised);
}

uint64_t tcp_window(struct sim_tcp *t)
{
	uint64_t window = tcp_window_choice(t);

	t->rcv_wnd_end = max_u64(t->rcv_wnd_end, t->rcv + window);
	return window;
}

/*
 * The advertised limit follows arriving data two segments for one, so that a window opens as fast as slow start sends.
 * While it grows every segment is acknowledged at once: the sender is to learn of the room.
 */
static void grow_window(struct sim_tcp *t, uint32_t len)
{
	uint64_t limit = buffer(t), used = held(t), most = used < limit ? limit - used : 0;

	if (len < SHORT || t->rcv_limit >= most)
		return;
	t->rcv_limit = min_u64(t->rcv_limit + 2 * max_u64(t->rcv_mss, len), most);
	t->quick |= 1;
}

/* The receiver's own view of a round trip, from the echo of its acknowledgements. The least is kept. */
static void measure_rtt(struct sim_tcp *t, const struct sim_tcp_packet *p)
{
	if (p->len < t->rcv_mss || p->echo_ns == 0 || p->echo_ns == t->rcv_rtt_echo_ns)
		return;
	t->rcv_rtt_echo_ns = p->echo_ns;
	uint64_t rtt = tcp_now(t) + 1 - min_u64(p->echo_ns, tcp_now(t));
	t->rcv_rtt_ns = t->rcv_rtt_ns == 0 ? rtt : min_u64(t->rcv_rtt_ns, rtt);
}

/*
 * Dynamic right-sizing: when the reader took more in a round trip than ever before, the buffer is to hold twice that, as
 * it is known a round trip late, and as much more as a sender in slow start will send by then.
 */
static void grow_buffer(struct sim_tcp *t, uint64_t copied)
{
	uint64_t window = 2 * copied;

	window += 2 * (uint64_t)((unsigned __int128)window * (copied - t->rcv_space) / t->rcv_space);
	t->rcv_space = copied;
	if (t->num_ooo != 0)
		window += t->ooo[t->num_ooo - 1].to - t->rcv;
	t->rcv_clamp = max_u64(t->rcv_clamp, min_u64(window, t->config.rcvbuf_max));
}

/* Once a round trip, as the reader reads. */
static void size_buffer(struct sim_tcp *t)
{
	uint64_t now = tcp_now(t), copied = t->read - t->space_seq;

	if (t->config.rcvbuf != 0 || t->rcv_rtt_ns == 0 || now - t->space_ns < t->rcv_rtt_ns)
		return;
	if (copied > t->rcv_space)
		grow_buffer(t, copied);
	t->space_seq = t->read;
	t->space_ns = now;
}

/* ------------------------------------------------------------------ ranges */

static void remember(struct sim_tcp *t, struct sim_tcp_range range)
{
	uint32_t kept = 0;
	struct sim_tcp_range old[SIM_TCP_SACKS];

	memcpy(old, t->recent, sizeof old);
	t->recent[0] = range;
	for (uint32_t i = 0; i < t->num_recent && kept + 1 < SIM_TCP_SACKS; i++)
		if (old[i].to < range.from || old[i].from > range.to)
			t->recent[++kept] = old[i];
	t->num_recent = kept + 1;
}

/* Ranges that rcv has swallowed are told no more. */
static void forget(struct sim_tcp *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->num_recent; i++)
		if (t->recent[i].to > t->rcv)
			t->recent[kept++] = t->recent[i];
	t->num_recent = kept;
}

static bool room_for_range(struct sim_tcp *t)
{
	if (t->num_ooo < t->cap_ooo)
		return true;
	uint32_t cap = t->cap_ooo == 0 ? 16 : t->cap_ooo * 2;
	if (cap > TCP_RANGES_MAX)
		return false;
	struct sim_tcp_range *grown = realloc(t->ooo, cap * sizeof *grown);
	if (grown == NULL)
		return false;
	t->ooo = grown;
	t->cap_ooo = cap;
	return true;
}

/* The first range that ends at or behind `from`. */
static uint32_t range_at(const struct sim_tcp *t, uint64_t from)
{
	uint32_t low = 0, high = t->num_ooo;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->ooo[middle].to < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Puts an early range in place. */
static void insert(struct sim_tcp *t, struct sim_tcp_range range)
{
	uint32_t at = range_at(t, range.from), end = at;

	if (at < t->num_ooo && t->ooo[at].from <= range.from && t->ooo[at].to >= range.to) {
		t->dsack = range;
		t->dsack_due = true;
		remember(t, t->ooo[at]);
		return;
	}
	while (end < t->num_ooo && t->ooo[end].from <= range.to) {
		range.from = min_u64(range.from, t->ooo[end].from);
		range.to = max_u64(range.to, t->ooo[end].to);
		end++;
	}
	if (end == at) {
		if (!room_for_range(t))
			return; /* as if the packet had been lost */
		memmove(&t->ooo[at + 1], &t->ooo[at], (t->num_ooo - at) * sizeof *t->ooo);
		t->num_ooo++;
	} else {
		memmove(&t->ooo[at + 1], &t->ooo[end], (t->num_ooo - end) * sizeof *t->ooo);
		t->num_ooo -= end - at - 1;
	}
	t->ooo[at] = range;
	remember(t, range);
}

/* Moves rcv over what has become contiguous. */
static void advance(struct sim_tcp *t, uint64_t to)
{
	uint32_t gone = 0;

	t->rcv = to;
	while (gone < t->num_ooo && t->ooo[gone].from <= t->rcv)
		t->rcv = max_u64(t->rcv, t->ooo[gone++].to);
	if (gone != 0) {
		memmove(t->ooo, t->ooo + gone, (t->num_ooo - gone) * sizeof *t->ooo);
		t->num_ooo -= gone;
		forget(t);
		if (t->num_ooo == 0)
			t->ack_now = true;
	}
}

uint32_t tcp_fill_sacks(struct sim_tcp *t, struct sim_tcp_packet *p)
{
	uint32_t n = 0, most = SIM_TCP_SACKS - 1;

	p->dsack = t->dsack_due;
	if (t->dsack_due) {
		p->sack[n++] = t->dsack;
		t->dsack_due = false;
	}
	for (uint32_t i = 0; i < t->num_recent && n < most; i++)
		p->sack[n++] = t->recent[i];
	return n;
}

/* ------------------------------------------------------------------ arrivals */

static void duplicate(struct sim_tcp *t, uint64_t from, uint64_t to)
{
	t->dsack = (struct sim_tcp_range){from, to};
	t->dsack_due = to > from;
	tcp_quickack(t);
	t->ack_due = true;
	tcp_ack_check(t, false);
}

static void take_fin(struct sim_tcp *t)
{
	if (t->fin_received || t->fin_at == TCP_NONE || t->rcv < t->fin_at)
		return;
	t->fin_received = true;
	t->rcv = t->fin_at + 1;
	t->ack_now = true;
	t->pending |= SIM_TCP_PEER_DONE;
	tcp_closing_check(t);
}

static void in_order(struct sim_tcp *t, uint64_t to)
{
	uint64_t before = t->rcv;

	advance(t, to);
	if (t->rcv != before)
		t->pending |= SIM_TCP_READABLE;
	take_fin(t);
}

/*
 * An acknowledgement held back must not push a range out that was never told: one that would become the third or later
 * makes it leave first.
 */
static void release_held_back(struct sim_tcp *t, struct sim_tcp_range range)
{
	uint32_t i = 0;

	while (i < t->num_recent && (t->recent[i].to < range.from || t->recent[i].from > range.to))
		i++;
	if (t->compressed > 0 && i >= RANGES_EXPECTED)
		tcp_send_ack(t);
}

/* What waits behind a gap must not use up the window: the buffer makes room for it. */
static void early(struct sim_tcp *t, struct sim_tcp_range range)
{
	release_held_back(t, range);
	insert(t, range);
	if (t->config.rcvbuf == 0)
		grow_buffer(t, t->rcv_space);
}

/* Data or a FIN. What lies beyond the window is dropped. */
void tcp_receive(struct sim_tcp *t, const struct sim_tcp_packet *p)
{
	uint64_t end = p->seq + p->len;
	bool fin = (p->flags & SIM_TCP_FIN) != 0;

	if (t->fin_received || (end <= t->rcv && !(fin && p->seq <= t->rcv && end == t->rcv))) {
		duplicate(t, p->seq, end + (fin ? 1 : 0));
		return;
	}
	if (end > t->rcv_wnd_end && end > t->rcv + tcp_window_choice(t)) {
		t->ack_now = true;
		tcp_ack_check(t, false);
		return;
	}
	if (fin)
		t->fin_at = end;
	grow_window(t, p->len);
	measure_rtt(t, p);
	tcp_ack_arrived(t, p->len);
	if (p->seq <= t->rcv)
		in_order(t, end);
	else
		early(t, (struct sim_tcp_range){p->seq, end});
	tcp_ack_check(t, t->num_ooo != 0);
}

size_t sim_tcp_readable(const struct sim_tcp *t)
{
	return (size_t)(t->rcv - t->read - (t->fin_received ? 1 : 0));
}

size_t sim_tcp_read(struct sim_tcp *t, size_t n)
{
	size_t took = (size_t)min_u64(n, sim_tcp_readable(t));

	t->read += took;
	if (took != 0 && !t->dead) {
		size_buffer(t);
		tcp_ack_after_read(t);
	}
	return took;
}
