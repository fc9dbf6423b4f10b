/*
 * Writes a run's record (sim/world/record.h) while the run goes on: each event of the engine with the source that it
 * belongs to, what nodes drew and told in it, and the hashes that it changed. It only looks: a recorded run has the hash
 * of an unrecorded one. Observers' events are left out, as they are from the hash.
 */
#ifndef SIM_WORLD_RECORDER_H
#define SIM_WORLD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/switchyard.h"

struct recorder;
struct world;
struct world_node;

/* Borrows to. about: one line that says which run it is. Null when out of memory. */
struct recorder *recorder_new(FILE *to, const char *about);
void recorder_free(struct recorder *r); /* null is harmless */
/* Writes what the last event has changed and the run's hash. False: something could not be written. */
SY_MUST bool recorder_end(struct recorder *r, const struct world *w);

/* What the world tells. */
void recorder_event(struct recorder *r, const struct world *w, uint64_t at_ns, uint64_t order);
void recorder_draw(struct recorder *r, const struct world_node *n, uint32_t purpose, uint64_t mark);
void recorder_trace(struct recorder *r, const struct world_node *n, const struct sy_trace *trace);
/* Something acted outside of any event: all nodes may have changed. */
void recorder_outside(struct recorder *r);

#endif
