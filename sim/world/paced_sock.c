/* Sockets of the paced transport: names, and bytes that wait until the link would have delivered them. */
#include "sim/world/paced_sock.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ names */

struct paced_sock *paced_find(struct paced *p, uint64_t name)
{
	uint32_t place = (uint32_t)(name & 0xffffu);

	if (place == 0 || place > p->num_socks)
		return NULL;
	struct paced_sock *s = &p->socks[place - 1];
	return s->state != PACED_FREE && s->gen == (uint16_t)(name >> 16) ? s : NULL;
}

static bool grow(struct paced *p)
{
	uint32_t num = p->num_socks == 0 ? 16 : p->num_socks * 2;

	num = num > PACED_SOCKS_MAX ? PACED_SOCKS_MAX : num;
	if (num == p->num_socks)
		return false;
	struct paced_sock *socks = realloc(p->socks, num * sizeof *socks);
	if (socks == NULL)
		return false;
	memset(socks + p->num_socks, 0, (num - p->num_socks) * sizeof *socks);
	p->socks = socks;
	p->num_socks = num;
	return true;
}

struct paced_sock *paced_take(struct paced *p)
{
	uint32_t place = 0;

	while (place < p->num_socks && p->socks[place].state != PACED_FREE)
		place++;
	if (place == p->num_socks && !grow(p))
		return NULL;
	struct paced_sock *s = &p->socks[place];
	*s = (struct paced_sock){.state = PACED_DIALLING, .gen = (uint16_t)(s->gen + 1)};
	return s;
}

void paced_give(struct paced *p, struct paced_sock *s)
{
	paced_drop(p, s);
	*s = (struct paced_sock){.state = PACED_FREE, .gen = s->gen};
}

uint64_t paced_now(const struct paced *p)
{
	return p->inner->ops->now_ns(p->inner);
}

/* ------------------------------------------------------------------ bytes */

static struct paced_chunk *take_chunk(struct paced *p)
{
	struct paced_chunk *c = p->free_chunks;

	if (c == NULL)
		return malloc(sizeof *c);
	p->free_chunks = c->next;
	p->num_free_chunks--;
	return c;
}

static void give_chunk(struct paced *p, struct paced_chunk *c)
{
	if (p->num_free_chunks == PACED_FREE_CHUNKS) {
		free(c);
		return;
	}
	c->next = p->free_chunks;
	p->free_chunks = c;
	p->num_free_chunks++;
}

static void pop_chunk(struct paced *p, struct paced_sock *s)
{
	struct paced_chunk *c = s->head;

	s->head = c->next;
	if (s->head == NULL)
		s->tail = NULL;
	s->held -= c->len - c->at;
	give_chunk(p, c);
}

void paced_drop(struct paced *p, struct paced_sock *s)
{
	while (s->head != NULL)
		pop_chunk(p, s);
}

static uint64_t send_time_ns(uint64_t bytes, uint64_t rate_bits)
{
	/* bytes are at most 64 MiB, so the product stays below 2^63 */
	return rate_bits == 0 ? 0 : bytes * 8u * 1000000000u / rate_bits;
}

/* Bytes that the link has not begun to send: the backlog that a kernel calls unsent. */
static uint64_t unsent(const struct paced *p, const struct paced_sock *s)
{
	uint64_t now_ns = paced_now(p);

	if (s->link.rate_bits == 0 || s->free_ns <= now_ns)
		return 0;
	uint64_t waiting_ns = s->free_ns - now_ns;
	uint64_t bytes = waiting_ns / 1000u * (s->link.rate_bits / 8u) / 1000000u;
	return bytes < s->held ? bytes : s->held;
}

/* What may be on the way beside the send buffer: a round trip's worth, as acknowledged bytes come back only then. */
static uint64_t buffer_size(const struct paced_sock *s)
{
	uint64_t on_the_way = PACED_SEND_BUFFER;

	if (s->link.rate_bits != 0)
		on_the_way = s->link.rate_bits / 8u * (s->link.latency_ns / 1000u) / 500000u;
	else
		on_the_way = PACED_IN_FLIGHT_MAX / 2;
	return PACED_SEND_BUFFER + (on_the_way < PACED_IN_FLIGHT_MAX ? on_the_way : PACED_IN_FLIGHT_MAX);
}

size_t paced_room(const struct paced *p, const struct paced_sock *s)
{
	uint64_t size = buffer_size(s);
	uint64_t room = s->held < size ? size - s->held : 0;

	if (s->inner_full || s->state == PACED_FAILED)
		return 0; /* the far end does not read, or is gone */
	if (s->lowat != 0) {
		uint64_t waiting = unsent(p, s);
		uint64_t wanted = waiting < s->lowat ? s->lowat - waiting : 0;

		room = wanted < room ? wanted : room;
	}
	return (size_t)room;
}

bool paced_has_room_again(const struct paced *p, const struct paced_sock *s)
{
	/* Half of what there may be, so that a writer is not woken for a few bytes at a time. */
	size_t most = s->lowat != 0 && s->lowat < buffer_size(s) ? s->lowat : (size_t)buffer_size(s);

	return paced_room(p, s) >= most / 2;
}

size_t paced_put(struct paced *p, struct paced_sock *s, const uint8_t *bytes, size_t n)
{
	uint64_t now_ns = paced_now(p);
	size_t room = paced_room(p, s), done = 0;

	n = n < room ? n : room;
	while (done < n) {
		struct paced_chunk *c = take_chunk(p);

		if (c == NULL)
			break;
		c->next = NULL;
		c->at = 0;
		c->len = (uint32_t)(n - done < PACED_CHUNK ? n - done : PACED_CHUNK);
		memcpy(c->bytes, bytes + done, c->len);
		s->free_ns = (s->free_ns > now_ns ? s->free_ns : now_ns) + send_time_ns(c->len, s->link.rate_bits);
		c->due_ns = s->free_ns + s->link.latency_ns;
		if (s->tail != NULL)
			s->tail->next = c;
		else
			s->head = c;
		s->tail = c;
		s->held += c->len;
		done += c->len;
	}
	return done;
}

void paced_release(struct paced *p, struct paced_sock *s)
{
	uint64_t now_ns = paced_now(p);

	while (s->head != NULL && s->head->due_ns <= now_ns && !s->inner_full) {
		struct paced_chunk *c = s->head;
		size_t left = c->len - c->at;
		size_t taken = p->inner->ops->write(p->inner, s->inner, c->bytes + c->at, left);

		c->at += (uint32_t)taken;
		s->held -= taken;
		if (taken < left) {
			s->inner_full = true;
			return;
		}
		pop_chunk(p, s);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t paced_next_ns(const struct paced *p, const struct paced_sock *s)
{
	uint64_t next_ns = UINT64_MAX;

	if (s->state == PACED_FREE || s->state == PACED_DIALLING || s->state == PACED_FAILED)
		return UINT64_MAX;
	if (s->state == PACED_ANSWERED)
		return s->answer_ns;
	if (s->head != NULL && !s->inner_full)
		next_ns = s->head->due_ns;
	/* Room comes back as the link sends, before anything has arrived. */
	if (s->want_room && !s->inner_full && s->lowat != 0 && s->held + s->lowat / 2 <= buffer_size(s)) {
		uint64_t half_ns = send_time_ns(s->lowat / 2, s->link.rate_bits);

		next_ns = earlier(next_ns, s->free_ns > half_ns ? s->free_ns - half_ns : 0);
	}
	return next_ns;
}
