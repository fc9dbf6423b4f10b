/*
 * The event queue as a radix wheel. Time only moves forward, so an event is filed by the highest digit (8 bits) in which
 * its time differs from the wheel's base: eight levels of 256 slots cover 64 bits. The earliest event lies in the lowest
 * slot of the lowest level in use. A slot with few events is searched; one with many is dealt out again around its own
 * earliest time, which moves each event a level down at least. Events of the very base time wait in the front, a small
 * heap in total order: it is what keeps thousands of equal times cheap.
 * Measured with tests/bench/phold (instructions an event at 1,024 and at 100,000 pending): 64 slots a level, every slot
 * dealt out: 308 and 372; this: 212 and 239.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "sim/engine/queue.h"

/* SCAN: a slot of up to so many events is searched at each pop; dealing out costs more than looking twice. */
enum { DIGIT_BITS = 8, SLOTS = 1 << DIGIT_BITS, LEVELS = 64 / DIGIT_BITS, WORDS = LEVELS * SLOTS / 64, SCAN = 8, FIRST_NODES = 64 };

/* A queued event's key, beside the event so that dealing out touches no event. Index 0 is nobody. */
struct node {
	uint64_t at_ns;
	uint64_t order;
	struct sim_event *event;
	uint32_t next;
	uint32_t prev; /* in a slot: the node before, 0 at its head; in the front: index in the heap | IN_FRONT; free: unused */
};
#define IN_FRONT 0x80000000u

struct sim_queue {
	uint64_t base_ns;    /* nothing in the wheel is due before or at it */
	uint32_t words_used; /* bit per word of slots_used that is not zero */
	uint32_t front_size;
	uint32_t free_node;
	uint32_t cap; /* nodes and front have room for as many, so that dealing out cannot fail */
	size_t size;
	struct node *nodes;
	uint32_t *front; /* binary heap of node indices */
	uint64_t slots_used[WORDS];
	uint32_t slot[LEVELS * SLOTS];
};

static bool before(const struct node *a, const struct node *b)
{
	return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

struct sim_queue *sim_queue_new(void)
{
	return calloc(1, sizeof(struct sim_queue));
}

void sim_queue_free(struct sim_queue *q)
{
	if (!q) {
		return;
	}
	free(q->nodes);
	free(q->front);
	free(q);
}

size_t sim_queue_size(const struct sim_queue *q)
{
	return q->size;
}

/* --- the front: a heap of what is due at or before the base --- */

static void front_put(struct sim_queue *q, uint32_t at, uint32_t node)
{
	q->front[at] = node;
	q->nodes[node].prev = at | IN_FRONT;
}

static void front_up(struct sim_queue *q, uint32_t at, uint32_t node)
{
	while (at > 0) {
		uint32_t parent = (at - 1) / 2;
		if (!before(&q->nodes[node], &q->nodes[q->front[parent]])) {
			break;
		}
		front_put(q, at, q->front[parent]);
		at = parent;
	}
	front_put(q, at, node);
}

static void front_down(struct sim_queue *q, uint32_t at, uint32_t node)
{
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child >= q->front_size) {
			break;
		}
		if (child + 1 < q->front_size && before(&q->nodes[q->front[child + 1]], &q->nodes[q->front[child]])) {
			child++;
		}
		if (!before(&q->nodes[q->front[child]], &q->nodes[node])) {
			break;
		}
		front_put(q, at, q->front[child]);
		at = child;
	}
	front_put(q, at, node);
}

static void front_remove(struct sim_queue *q, uint32_t at)
{
	uint32_t last = q->front[--q->front_size];
	if (at == q->front_size) {
		return;
	}
	if (at > 0 && before(&q->nodes[last], &q->nodes[q->front[(at - 1) / 2]])) {
		front_up(q, at, last);
	} else {
		front_down(q, at, last);
	}
}

/* --- the wheel --- */

/* Number of a slot among all: level and digit. */
static inline uint32_t slot_of(const struct sim_queue *q, uint64_t at_ns)
{
	uint32_t shift = (uint32_t)(63 ^ __builtin_clzll(at_ns ^ q->base_ns)) & ~(DIGIT_BITS - 1u); /* level * DIGIT_BITS */
	return shift * (SLOTS / DIGIT_BITS) + ((uint32_t)(at_ns >> shift) & (SLOTS - 1));
}

static void slot_used(struct sim_queue *q, uint32_t slot)
{
	q->slots_used[slot / 64] |= 1ull << (slot % 64);
	q->words_used |= 1u << (slot / 64);
}

static void slot_emptied(struct sim_queue *q, uint32_t slot)
{
	q->slot[slot] = 0;
	q->slots_used[slot / 64] &= ~(1ull << (slot % 64));
	if (!q->slots_used[slot / 64]) {
		q->words_used &= ~(1u << (slot / 64));
	}
}

static uint32_t first_slot(const struct sim_queue *q)
{
	uint32_t word = (uint32_t)__builtin_ctz(q->words_used);
	return word * 64 + (uint32_t)__builtin_ctzll(q->slots_used[word]);
}

static inline void wheel_insert(struct sim_queue *q, struct node *n, uint32_t index, uint64_t at_ns)
{
	uint32_t slot = slot_of(q, at_ns);
	uint32_t head = q->slot[slot];
	n->next = head;
	n->prev = 0;
	q->slot[slot] = index;
	if (head) {
		q->nodes[head].prev = index;
	} else {
		slot_used(q, slot);
	}
}

static inline void slot_remove(struct sim_queue *q, uint32_t slot, const struct node *n)
{
	q->nodes[n->next].prev = n->prev; /* node 0 takes the write at the end of a list */
	if (n->prev) {
		q->nodes[n->prev].next = n->next;
	} else if (n->next) {
		q->slot[slot] = n->next;
	} else {
		slot_emptied(q, slot);
	}
}

/* Returns true, so that the push may end with it. */
static __attribute__((noinline)) bool front_insert(struct sim_queue *q, uint32_t index)
{
	front_up(q, q->front_size++, index);
	return true;
}

static inline bool insert(struct sim_queue *q, struct node *n, uint32_t index, uint64_t at_ns)
{
	if (at_ns <= q->base_ns) {
		return front_insert(q, index);
	}
	wheel_insert(q, n, index, at_ns);
	return true;
}

static void detach(struct sim_queue *q, uint32_t index)
{
	if (q->nodes[index].prev & IN_FRONT) {
		front_remove(q, q->nodes[index].prev & ~IN_FRONT);
	} else {
		slot_remove(q, slot_of(q, q->nodes[index].at_ns), &q->nodes[index]);
	}
}

/* --- nodes --- */

static bool grow(struct sim_queue *q)
{
	uint32_t cap = q->cap ? q->cap * 2 : FIRST_NODES;
	if (cap >= IN_FRONT) {
		return false;
	}
	uint32_t *front = realloc(q->front, cap * sizeof *front);
	if (!front) {
		return false;
	}
	q->front = front;
	struct node *nodes = realloc(q->nodes, cap * sizeof *nodes);
	if (!nodes) {
		return false;
	}
	q->nodes = nodes;
	uint32_t first = q->cap ? q->cap : 1;
	memset(&nodes[q->cap], 0, (cap - q->cap) * sizeof *nodes);
	for (uint32_t i = cap; i-- > first;) {
		nodes[i].next = q->free_node;
		q->free_node = i;
	}
	q->cap = cap;
	return true;
}

static inline struct sim_event *release(struct sim_queue *q, uint32_t index)
{
	struct node *n = &q->nodes[index];
	struct sim_event *e = n->event;
	e->place = 0;
	n->next = q->free_node;
	q->free_node = index;
	q->size--;
	return e;
}

/* The push of an event that is queued already, or when no node is free: kept apart, so that the ordinary one is short. */
static __attribute__((noinline)) bool push_again(struct sim_queue *q, struct sim_event *e, uint64_t at_ns, uint64_t order)
{
	sim_queue_cancel(q, e);
	return (q->free_node || grow(q)) && sim_queue_push(q, e, at_ns, order);
}

bool sim_queue_push(struct sim_queue *q, struct sim_event *e, uint64_t at_ns, uint64_t order)
{
	uint32_t index = q->free_node;
	if (e->place || !index) {
		return push_again(q, e, at_ns, order);
	}
	struct node *n = &q->nodes[index];
	q->free_node = n->next;
	q->size++;
	n->event = e;
	n->at_ns = e->at_ns = at_ns;
	n->order = e->order = order;
	e->place = index;
	return insert(q, n, index, at_ns);
}

void sim_queue_cancel(struct sim_queue *q, struct sim_event *e)
{
	if (e->place) {
		uint32_t index = e->place;
		detach(q, index);
		release(q, index);
	}
}

/* --- the next one --- */

/* Moves the base to the earliest time in a slot and files the slot's events around it: those of that time in the front. */
static void deal_out(struct sim_queue *q, uint32_t slot, uint64_t earliest_ns)
{
	uint32_t index = q->slot[slot];
	q->base_ns = earliest_ns;
	slot_emptied(q, slot);
	while (index) {
		struct node *n = &q->nodes[index];
		uint32_t next = n->next;
		insert(q, n, index, n->at_ns);
		index = next;
	}
}

/* The first event of a slot's list in total order, and how many more there are. */
static inline struct node *earliest_in(struct sim_queue *q, uint32_t slot, uint32_t *others)
{
	struct node *min = &q->nodes[q->slot[slot]];
	uint32_t n = 0;
	for (uint32_t i = min->next; i; n++) {
		struct node *other = &q->nodes[i];
		if (before(other, min)) {
			min = other;
		}
		i = other->next;
	}
	*others = n;
	return min;
}

static __attribute__((noinline)) struct sim_event *pop_front(struct sim_queue *q, uint64_t until_ns)
{
	uint32_t index = q->front[0];
	if (q->nodes[index].at_ns > until_ns) {
		return NULL;
	}
	front_remove(q, 0);
	return release(q, index);
}

struct sim_event *sim_queue_pop_due(struct sim_queue *q, uint64_t until_ns)
{
	if (q->front_size) {
		return pop_front(q, until_ns);
	}
	if (!q->words_used) {
		return NULL;
	}
	uint32_t slot = first_slot(q);
	uint32_t others;
	struct node *min = earliest_in(q, slot, &others);
	if (min->at_ns > until_ns) {
		return NULL;
	}
	if (others >= SCAN) {
		deal_out(q, slot, min->at_ns);
		return pop_front(q, until_ns);
	}
	slot_remove(q, slot, min);
	return release(q, (uint32_t)(min - q->nodes));
}

struct sim_event *sim_queue_pop(struct sim_queue *q)
{
	return sim_queue_pop_due(q, UINT64_MAX);
}

struct sim_event *sim_queue_peek(struct sim_queue *q)
{
	if (!q->front_size) {
		if (!q->words_used) {
			return NULL;
		}
		uint32_t slot = first_slot(q);
		uint32_t others;
		struct node *min = earliest_in(q, slot, &others);
		if (others < SCAN) {
			return min->event;
		}
		deal_out(q, slot, min->at_ns);
	}
	return q->nodes[q->front[0]].event;
}
