/* The inside of the paced transport: its sockets and what they hold. */
#ifndef SIM_WORLD_PACED_SOCK_H
#define SIM_WORLD_PACED_SOCK_H

#include "sim/world/paced.h"

/* Bytes that will be due together. */
struct paced_chunk {
	struct paced_chunk *next;
	uint64_t due_ns;
	uint32_t at, len;
	uint8_t bytes[PACED_CHUNK];
};

enum paced_state {
	PACED_FREE = 0,
	PACED_DIALLING, /* the inner dial is under way */
	PACED_ANSWERED, /* it succeeded; the round trip is not over yet */
	PACED_OPEN,
	PACED_FAILED, /* the driver knows that the connection is gone; it has yet to close */
	PACED_ENDING, /* closed by the driver; what was written is still delivered */
};

struct paced_sock {
	enum paced_state state;
	uint16_t gen;
	bool want_room;  /* a writable event is due */
	bool inner_full; /* the inner transport owes a writable event */
	tp_sock inner;
	uint64_t cookie; /* the driver's */
	struct paced_link link;
	uint32_t lowat;
	uint64_t answer_ns; /* PACED_ANSWERED: when the driver is told */
	uint64_t free_ns;   /* when the link has sent all that was written */
	uint64_t held;      /* bytes in chunks */
	struct paced_chunk *head, *tail;
};

struct paced {
	struct tp_transport tp; /* first */
	struct tp_transport *inner;
	struct paced_config config;
	struct tp_events events;
	struct paced_sock *socks;
	uint32_t num_socks;
	struct paced_chunk *free_chunks;
	uint32_t num_free_chunks;
	uint64_t outer_wake_ns, inner_wake_ns;
	uint32_t inside; /* events under way; fini inside one leaves the memory to the end of the last */
	bool finished;
};

#define PACED_FREE_CHUNKS 64u
#define PACED_SOCKS_MAX 65535u /* a name holds 16 bits of place */

/* A name: generation above, place + 1 below. */
static inline tp_sock paced_name(const struct paced *p, const struct paced_sock *s)
{
	return ((tp_sock)s->gen << 16) | (tp_sock)(s - p->socks + 1);
}

struct paced_sock *paced_find(struct paced *p, uint64_t name); /* null: stale */
struct paced_sock *paced_take(struct paced *p);                /* null: full or out of memory */
void paced_give(struct paced *p, struct paced_sock *s);
uint64_t paced_now(const struct paced *p);

/* How many bytes a write would take now. */
size_t paced_room(const struct paced *p, const struct paced_sock *s);
/* Queues up to n bytes behind the others; returns how many. */
size_t paced_put(struct paced *p, struct paced_sock *s, const uint8_t *bytes, size_t n);
/* Hands what is due to the inner transport. */
void paced_release(struct paced *p, struct paced_sock *s);
/* When this socket wants to be looked at again; UINT64_MAX: not by itself. */
uint64_t paced_next_ns(const struct paced *p, const struct paced_sock *s);
/* True when enough has left to tell the driver. */
bool paced_has_room_again(const struct paced *p, const struct paced_sock *s);
void paced_drop(struct paced *p, struct paced_sock *s); /* all that is queued */

#endif
