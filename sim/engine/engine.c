/* The run's heart: the clock, the queue and the sources. */
#include <stdlib.h>

#include "core/base/assert.h"
#include "sim/engine/engine.h"

enum { FIRST_RANKS = 64 };
#define RANK_MASK 0xffffffu
#define MAX_SOURCES (1u << 22) /* a quarter of the ranks, so that a free one is found in a few draws */

/* A rank handed out. */
struct taken {
	uint32_t rank; /* + 1; 0: free */
	uint32_t source;
};

/* The public part first; beside it the ranks handed out (open addressing, at most half full). */
struct engine {
	struct sim_engine pub;
	struct sim_source **sources;
	uint32_t cap;
	struct taken *ranks;
};

struct sim_engine *sim_engine_new(uint64_t seed)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e) {
		return NULL;
	}
	e->pub.seed = seed;
	e->pub.queue = sim_queue_new();
	if (!e->pub.queue) {
		free(e);
		return NULL;
	}
	return &e->pub;
}

void sim_engine_free(struct sim_engine *pub)
{
	if (!pub) {
		return;
	}
	struct engine *e = (struct engine *)pub;
	sim_queue_free(pub->queue);
	free(e->sources);
	free(e->ranks);
	free(e);
}

/* The place of a rank, or the free one where it would stand. */
static struct taken *place_of(struct taken *ranks, uint32_t size, uint32_t rank)
{
	uint32_t i = (uint32_t)sy_mix64(rank) & (size - 1);
	while (ranks[i].rank && ranks[i].rank != rank + 1) {
		i = (i + 1) & (size - 1);
	}
	return &ranks[i];
}

/* Returns false when the rank is taken already. */
static bool claim(struct taken *ranks, uint32_t size, uint32_t rank, uint32_t source)
{
	struct taken *t = place_of(ranks, size, rank);
	if (t->rank) {
		return false;
	}
	*t = (struct taken){rank + 1, source};
	return true;
}

static bool grow(struct engine *e)
{
	uint32_t cap = e->cap ? e->cap * 2 : FIRST_RANKS;
	if (cap > MAX_SOURCES) {
		return false;
	}
	struct sim_source **sources = realloc(e->sources, cap * sizeof(struct sim_source *));
	if (!sources) {
		return false;
	}
	e->sources = sources;
	e->pub.sources = sources;
	struct taken *ranks = calloc((size_t)cap * 2, sizeof *ranks);
	if (!ranks) {
		return false;
	}
	for (uint32_t i = 0; i < e->pub.num_sources; i++) {
		claim(ranks, cap * 2, sources[i]->rank, i);
	}
	free(e->ranks);
	e->ranks = ranks;
	e->cap = cap;
	return true;
}

bool sim_engine_add_source(struct sim_engine *pub, struct sim_source *s, const char *name)
{
	struct engine *e = (struct engine *)pub;
	if (pub->num_sources == e->cap && !grow(e)) {
		return false;
	}
	uint64_t entity = sim_rand_name(name);
	uint64_t attempt = 0;
	do {
		uint64_t u = sim_rand_u64(pub->seed, SIM_RAND_RANK, entity, attempt++);
		s->rank = (uint32_t)u & RANK_MASK;
	} while (!claim(e->ranks, e->cap * 2, s->rank, pub->num_sources));
	s->seq = 0;
	s->shuffle_ppm = 0;
	s->name = name;
	e->sources[pub->num_sources++] = s;
	return true;
}

/* --- another order of equal times --- */

#define ORDER_BITS ((1ull << 60) - 1)

/* What is drawn of a time is the same for all sources, so that turning bits over by it keeps orders apart. */
static uint64_t turned_bits(const struct sim_engine *e, uint64_t at_ns)
{
	return sim_rand_u64(e->seed, SIM_RAND_ORDER, 0, 2 * at_ns) & ORDER_BITS & ~SIM_ORDER_SHUFFLED;
}

/* Out of line, and called last: the ordinary way then saves no registers. */
static __attribute__((noinline)) bool schedule_shuffled(struct sim_engine *e, struct sim_source *s, struct sim_event *event,
                                                        enum sim_class class_, uint64_t at_ns)
{
	uint64_t order = sim_source_order(s, class_);
	if (sim_rand_below(e->seed, SIM_RAND_ORDER, 0, 2 * at_ns + 1, 1000000) < s->shuffle_ppm) {
		order = (order ^ turned_bits(e, at_ns)) | SIM_ORDER_SHUFFLED;
	}
	return sim_queue_push(e->queue, event, at_ns, order);
}

void sim_source_shuffle(struct sim_source *s, uint32_t rate_ppm)
{
	s->shuffle_ppm = rate_ppm;
}

uint32_t sim_engine_source(const struct sim_engine *pub, uint64_t at_ns, uint64_t order)
{
	const struct engine *e = (const struct engine *)pub;
	uint64_t plain = order & SIM_ORDER_SHUFFLED ? order ^ turned_bits(pub, at_ns) : order;
	const struct taken *t = e->cap ? place_of(e->ranks, e->cap * 2, (uint32_t)(plain >> 36) & RANK_MASK) : NULL;
	return t && t->rank ? t->source : UINT32_MAX;
}

bool sim_engine_schedule(struct sim_engine *e, struct sim_source *s, struct sim_event *event, enum sim_class class_, uint64_t at_ns)
{
	SY_ASSERT(at_ns >= e->now_ns);
	if (s->shuffle_ppm) {
		return schedule_shuffled(e, s, event, class_, at_ns);
	}
	return sim_queue_push(e->queue, event, at_ns, sim_source_order(s, class_));
}

void sim_engine_cancel(struct sim_engine *e, struct sim_event *event)
{
	sim_queue_cancel(e->queue, event);
}

bool sim_engine_step(struct sim_engine *e, uint64_t until_ns)
{
	struct sim_event *event = sim_queue_pop_due(e->queue, until_ns);
	if (!event) {
		e->now_ns = until_ns > e->now_ns ? until_ns : e->now_ns;
		return false;
	}
	e->now_ns = event->at_ns;
	e->events++;
	if (e->probe) {
		e->probe->event(e->probe->ctx, event->at_ns, event->order);
	}
	event->handler(event, event->at_ns);
	return true;
}
