/*
 * The segments in flight: a ring by segment number, sorted by sequence; through those that are not SACKed runs a list in
 * the order of transmission, which is what RACK walks. SACKed runs are skipped by pointers that are shortened as they are
 * followed, so that an acknowledgement never walks the window.
 */
#include <stdlib.h>

#include "sim/tcp/impl.h"

static bool grow(struct sim_tcp *t)
{
	uint64_t cap = t->cap == 0 ? 4 : t->cap * 2;

	if (cap > TCP_MAX_SEGMENTS)
		return false;
	struct tcp_seg *segs = malloc(cap * sizeof *segs);
	if (segs == NULL)
		return false;
	for (uint64_t n = t->seg_una; n != t->seg_nxt; n++)
		segs[n & (cap - 1)] = *tcp_seg(t, n);
	free(t->segs);
	t->segs = segs;
	t->cap = cap;
	return true;
}

#define SMALL_BOARD 8u /* kept when empty */

void tcp_seg_give_back(struct sim_tcp *t)
{
	if (t->seg_una != t->seg_nxt || t->cap <= SMALL_BOARD)
		return;
	free(t->segs);
	t->segs = NULL;
	t->cap = 0;
}

struct tcp_seg *tcp_seg_add(struct sim_tcp *t, uint64_t seq, uint32_t len, uint32_t flags)
{
	if (t->seg_nxt - t->seg_una == t->cap && !grow(t))
		return NULL;
	struct tcp_seg *s = tcp_seg(t, t->seg_nxt++);
	*s = (struct tcp_seg){.seq = seq, .len = len, .flags = (uint16_t)flags, .count = tcp_count(t, len), .prev = TCP_NONE, .next = TCP_NONE};
	t->packets_out += s->count;
	return s;
}

uint64_t tcp_seg_find(const struct sim_tcp *t, uint64_t seq)
{
	uint64_t low = t->seg_una, high = t->seg_nxt;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (tcp_seg_end(tcp_seg(t, middle)) <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t tcp_seg_missing(struct sim_tcp *t, uint64_t n)
{
	uint64_t end = n;

	while (end < t->seg_nxt && (tcp_seg(t, end)->flags & SEG_SACKED))
		end = max_u64(tcp_seg(t, end)->skip, end + 1);
	while (n < end) {
		struct tcp_seg *s = tcp_seg(t, n);
		uint64_t next = max_u64(s->skip, n + 1);

		s->skip = end;
		n = next;
	}
	return end;
}

void tcp_order_append(struct sim_tcp *t, uint64_t n)
{
	struct tcp_seg *s = tcp_seg(t, n);

	s->prev = t->order_last;
	s->next = TCP_NONE;
	s->flags |= SEG_LISTED;
	if (t->order_last != TCP_NONE)
		tcp_seg(t, t->order_last)->next = n;
	else
		t->order_first = n;
	t->order_last = n;
}

void tcp_order_remove(struct sim_tcp *t, uint64_t n)
{
	struct tcp_seg *s = tcp_seg(t, n);

	if (!(s->flags & SEG_LISTED))
		return;
	s->flags &= (uint16_t)~SEG_LISTED;
	if (s->prev != TCP_NONE)
		tcp_seg(t, s->prev)->next = s->next;
	else
		t->order_first = s->next;
	if (s->next != TCP_NONE)
		tcp_seg(t, s->next)->prev = s->prev;
	else
		t->order_last = s->prev;
}

/* A segment that was sent again stays lost until it is acknowledged; when that copy is lost too, it counts once more. */
void tcp_mark_lost(struct sim_tcp *t, uint64_t n, struct tcp_ack *a)
{
	struct tcp_seg *s = tcp_seg(t, n);

	if (s->flags & SEG_SACKED)
		return;
	t->rexmit_hint = min_u64(t->rexmit_hint, n);
	if (!(s->flags & SEG_LOST)) {
		s->flags |= SEG_LOST;
		t->lost_out += s->count;
		t->lost += s->count;
	}
	if (s->flags & SEG_RETRANS) {
		s->flags &= (uint16_t)~SEG_RETRANS;
		t->retrans_out -= s->count;
		t->lost += s->count;
		if (a != NULL)
			a->flags |= ACK_LOST_RETRANS;
	}
}

/* RFC 8985 tells equal times apart by sequence; here a whole window may go in one instant, retransmissions among it. */
bool tcp_sent_after(uint64_t ns1, uint64_t ns2, uint64_t tx1, uint64_t tx2)
{
	return ns1 > ns2 || (ns1 == ns2 && tx1 > tx2);
}
