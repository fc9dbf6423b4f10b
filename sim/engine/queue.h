/*
 * The event queue: a total order of (time, class, rank of the source, the source's sequence number), whatever the
 * order of insertion. Budget: at most 250 instructions for pop, dispatch and push together, at 1,024 and at 100,000
 * pending. Time never runs back.
 */
#ifndef SIM_ENGINE_QUEUE_H
#define SIM_ENGINE_QUEUE_H

#include "core/switchyard.h"

/* In the order in which equal times are worked off. */
enum sim_class { SIM_FAULT = 0, SIM_DELIVERY, SIM_TIMER, SIM_SCRIPT, SIM_OBSERVER };

struct sim_event;
typedef void sim_handler(struct sim_event *event, uint64_t now_ns);

/*
 * An event is part of the object that it belongs to (intrusive): nothing is allocated to schedule it. It is in the
 * queue at most once; scheduling it again moves it.
 */
struct sim_event {
	uint64_t at_ns;
	uint64_t order; /* class, rank, sequence: packed by sim_source_order */
	sim_handler *handler;
	uint32_t place; /* the queue's own: 0 = not queued */
};

/* A source of events (a host, a link direction, the script): its rank is drawn from the seed and its name. */
struct sim_source {
	uint32_t rank;        /* 24 bits, unique within a run (sim_engine hands them out) */
	uint32_t shuffle_ppm; /* how often equal times go in another order than by rank and sequence, parts per million; 0: never */
	uint64_t seq;
	const char *name; /* as it was registered: borrowed */
};
/* class 4 bits | rank 24 bits | shuffled 1 bit | sequence 35 bits. */
#define SIM_ORDER_SHUFFLED (1ull << 35)
#define SIM_ORDER_SEQ (SIM_ORDER_SHUFFLED - 1)
static inline uint64_t sim_source_order(struct sim_source *s, enum sim_class class_)
{
	return ((uint64_t)class_ << 60) | ((uint64_t)s->rank << 36) | (s->seq++ & SIM_ORDER_SEQ);
}

static inline enum sim_class sim_order_class(uint64_t order)
{
	return (enum sim_class)(order >> 60);
}

struct sim_queue;
struct sim_queue *sim_queue_new(void);
void sim_queue_free(struct sim_queue *q); /* events still in it are not touched: their owners may be gone */
/* at_ns >= the time of the last event popped. Returns false when there is no memory. */
SY_MUST bool sim_queue_push(struct sim_queue *q, struct sim_event *e, uint64_t at_ns, uint64_t order);
void sim_queue_cancel(struct sim_queue *q, struct sim_event *e); /* harmless when not queued */
static inline bool sim_event_queued(const struct sim_event *e)
{
	return e->place != 0;
}
/* The next event without taking it; null when empty. */
struct sim_event *sim_queue_peek(struct sim_queue *q);
struct sim_event *sim_queue_pop(struct sim_queue *q);
/*
 * Pops the next event if its time is at or before until_ns; else null, and the queue stays as it is. To be preferred to
 * peek: peeking commits the queue to the time of the event that it shows, so that whatever is pushed before that time
 * afterwards goes through a heap (right, but slower).
 */
struct sim_event *sim_queue_pop_due(struct sim_queue *q, uint64_t until_ns);
size_t sim_queue_size(const struct sim_queue *q);

#endif
