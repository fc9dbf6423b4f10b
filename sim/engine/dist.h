/* Distributions of durations, drawn without libm. What a draw is depends on (seed, purpose, entity, counter) only. */
#ifndef SIM_ENGINE_DIST_H
#define SIM_ENGINE_DIST_H

#include "sim/engine/rand.h"

enum sim_dist_kind {
	SIM_DIST_CONSTANT = 0,
	SIM_DIST_UNIFORM,
	SIM_DIST_NORMAL,
	SIM_DIST_LOGNORMAL,
	SIM_DIST_EXPONENTIAL,
	SIM_DIST_PARETO,
	SIM_DIST_TABLE
};

/*
 * Nanoseconds. Constant: a; uniform: a..b; normal: mean a, deviation b; lognormal: median a, sigma b (Q32 in b);
 * exponential: minimum a, mean of the rest b; pareto: minimum a, shape in b (Q32); table: measured values in ascending
 * order, borrowed: a draw lies on the line between two neighbours (table_len >= 1; a is their median).
 */
struct sim_dist {
	enum sim_dist_kind kind;
	uint64_t a_ns, b_ns;
	uint64_t max_ns;  /* 0: no cap */
	uint64_t plus_ns; /* on top of every draw, whatever the cap */
	const uint64_t *table_ns;
	uint32_t table_len;
};

uint64_t sim_dist_base_ns(const struct sim_dist *d); /* a typical one */
uint64_t sim_dist_draw_ns(const struct sim_dist *d, uint64_t seed, enum sim_purpose purpose, uint64_t entity, uint64_t counter);

#endif
