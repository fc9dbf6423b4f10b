/*
 * The segments in flight: a ring by segment number, sorted by sequence; through those that are not SACKed runs a list in
 * the order of transmission, which is what RACK walks. SACKed runs are skipped by pointers that are shortened as they are
 * followed, so that an acknowledgement never walks the window.
 *
 * A train takes as many numbers as it has segments and lives in the slot of the first, so that it can be cut where a loss
 * has cut it without moving another. Which slots are such beginnings a bitmap tells.
 */
#include <stdlib.h>

#include "sim/tcp/impl.h"

#define WORD 64u

static void set_head(uint64_t *heads, uint64_t cap, uint64_t n)
{
	uint64_t at = n & (cap - 1);

	heads[at / WORD] |= 1ull << at % WORD;
}

/* A train has taken these numbers; what began there a lap ago is gone. */
static void add_head(struct sim_tcp *t, uint64_t n, uint32_t count)
{
	if (t->heads == NULL)
		return;
	set_head(t->heads, t->cap, n);
	for (uint64_t covered = n + 1; covered != n + count; covered++) {
		uint64_t at = covered & (t->cap - 1);

		t->heads[at / WORD] &= ~(1ull << at % WORD);
	}
}

/* Where the train with this number begins. */
static uint64_t head_of(const struct sim_tcp *t, uint64_t n)
{
	if (t->heads == NULL)
		return n;
	for (;;) {
		uint64_t at = n & (t->cap - 1), up_to_it = t->heads[at / WORD] << (WORD - 1 - at % WORD);

		if (up_to_it != 0)
			return n - (uint64_t)__builtin_clzll(up_to_it);
		n -= at % WORD + 1;
	}
}

static bool grow(struct sim_tcp *t, uint64_t least)
{
	uint64_t cap = t->cap == 0 ? 4 : t->cap * 2;

	while (cap < least)
		cap *= 2;
	if (cap > TCP_MAX_SEGMENTS)
		return false;
	uint64_t words = t->config.trains ? (cap + WORD - 1) / WORD : 0;
	struct tcp_seg *segs = malloc(cap * sizeof *segs + words * sizeof *t->heads);
	if (segs == NULL)
		return false;
	uint64_t *heads = words == 0 ? NULL : (uint64_t *)(segs + cap);
	for (uint64_t i = 0; i < words; i++)
		heads[i] = 0;
	for (uint64_t n = t->seg_una; n != t->seg_nxt; n = tcp_seg_next(t, n)) {
		segs[n & (cap - 1)] = *tcp_seg(t, n);
		if (heads != NULL)
			set_head(heads, cap, n);
	}
	free(t->segs);
	t->segs = segs;
	t->heads = heads;
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
	t->heads = NULL;
	t->cap = 0;
}

struct tcp_seg *tcp_seg_add(struct sim_tcp *t, uint64_t seq, uint32_t len, uint32_t flags)
{
	uint16_t count = tcp_count(t, len);
	uint64_t wanted = t->seg_nxt - t->seg_una + count;

	if (wanted > t->cap && !grow(t, wanted))
		return NULL;
	struct tcp_seg *s = tcp_seg(t, t->seg_nxt);
	*s = (struct tcp_seg){.seq = seq, .len = len, .flags = (uint16_t)flags, .count = count, .prev = TCP_NONE, .next = TCP_NONE};
	add_head(t, t->seg_nxt, count);
	t->seg_last = t->seg_nxt;
	t->seg_nxt += count;
	t->packets_out += count;
	return s;
}

/* The rest comes behind the first part in the order of transmission, too. */
static void order_behind(struct sim_tcp *t, uint64_t n, uint64_t rest)
{
	struct tcp_seg *s = tcp_seg(t, n);

	if (!(s->flags & SEG_LISTED))
		return;
	if (s->next != TCP_NONE)
		tcp_seg(t, s->next)->prev = rest;
	else
		t->order_last = rest;
	tcp_seg(t, rest)->prev = n;
	s->next = rest;
}

void tcp_seg_split(struct sim_tcp *t, uint64_t n, uint32_t segments)
{
	struct tcp_seg *s = tcp_seg(t, n);
	uint64_t rest = n + segments;

	if (segments == 0 || segments >= s->count)
		return;
	struct tcp_seg *r = tcp_seg(t, rest);
	*r = *s;
	s->len = segments * t->config.mss;
	s->count = (uint16_t)segments;
	s->skip = rest;
	s->flags &= (uint16_t)~SEG_FIN;
	r->seq += s->len;
	r->len -= s->len;
	r->count -= s->count;
	r->tx += segments;
	set_head(t->heads, t->cap, rest);
	order_behind(t, n, rest);
	if (t->seg_last == n)
		t->seg_last = rest;
}

bool tcp_seg_split_at(struct sim_tcp *t, uint64_t n, uint64_t seq)
{
	const struct tcp_seg *s = tcp_seg(t, n);
	uint64_t offset = seq > s->seq ? seq - s->seq : 0, segments = offset / t->config.mss;

	if (segments == 0 || segments >= s->count || offset % t->config.mss != 0)
		return false;
	tcp_seg_split(t, n, (uint32_t)segments);
	return true;
}

uint64_t tcp_seg_find(const struct sim_tcp *t, uint64_t seq)
{
	uint64_t low = t->seg_una, high = t->seg_nxt;

	while (low < high) {
		uint64_t middle = head_of(t, low + (high - low) / 2);

		if (tcp_seg_end(tcp_seg(t, middle)) <= seq)
			low = tcp_seg_next(t, middle);
		else
			high = middle;
	}
	return low;
}

uint64_t tcp_seg_missing(struct sim_tcp *t, uint64_t n)
{
	uint64_t end = n;

	while (end < t->seg_nxt && (tcp_seg(t, end)->flags & SEG_SACKED))
		end = tcp_seg(t, end)->skip;
	while (n < end) {
		struct tcp_seg *s = tcp_seg(t, n);
		uint64_t next = s->skip;

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
