/* A run's heart: virtual time, the queue, the seed, sources and their trace hashes. No threads, no files. */
#ifndef SIM_ENGINE_ENGINE_H
#define SIM_ENGINE_ENGINE_H

#include "core/base/hash.h"
#include "sim/engine/queue.h"
#include "sim/engine/rand.h"

/* Hears of every event before it is worked off. It only looks: what it does must not show in the run. */
struct sim_probe {
	void (*event)(void *ctx, uint64_t at_ns, uint64_t order);
	void *ctx;
};

struct sim_engine {
	uint64_t now_ns;
	uint64_t seed;
	uint64_t events; /* worked off so far */
	struct sim_queue *queue;
	struct sim_source *const *sources; /* registered, in the order of registration */
	uint32_t num_sources;
	const struct sim_probe *probe; /* null: nobody listens */
};

struct sim_engine *sim_engine_new(uint64_t seed);
void sim_engine_free(struct sim_engine *e);
/*
 * Registers a source under a stable name (borrowed); its rank is a function of seed and name, made unique. Returns false
 * when out of memory.
 */
SY_MUST bool sim_engine_add_source(struct sim_engine *e, struct sim_source *s, const char *name);
/* The number of the source (its index in sources) behind the order of an event of this time; UINT32_MAX: none. */
uint32_t sim_engine_source(const struct sim_engine *e, uint64_t at_ns, uint64_t order);
/*
 * From now on, at so many of a million times (drawn), what the source has due at one time is worked off in another order:
 * among other sources' events, and among its own. Classes stay. For sources whose events of one time are independent:
 * hosts, where an object that promises an order (a link, a stream) has one event at most.
 */
void sim_source_shuffle(struct sim_source *s, uint32_t rate_ppm);
/* False when out of memory: nothing was done. Not SY_MUST: where the event may be lost, the caller says what that means and goes on. */
bool sim_engine_schedule(struct sim_engine *e, struct sim_source *s, struct sim_event *event, enum sim_class class_, uint64_t at_ns);
void sim_engine_cancel(struct sim_engine *e, struct sim_event *event);
/* Works off the next event if it is due at or before until_ns; false when there is none (now_ns is then until_ns). */
bool sim_engine_step(struct sim_engine *e, uint64_t until_ns);

#endif
