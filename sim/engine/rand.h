/*
 * Counter-based randomness of a run: a pure function of (seed, purpose, entity, counter). No state, so a draw more or
 * less shifts no other. Samplers are integer or fixed point: no libm. Source: design of the simulator, docs/SIMULATOR.md.
 */
#ifndef SIM_ENGINE_RAND_H
#define SIM_ENGINE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Purposes of the simulator, beside core's (enum sy_purpose, below 1000). */
enum sim_purpose {
	SIM_RAND_RANK = 1000,
	SIM_RAND_KEY,
	SIM_RAND_LATENCY,
	SIM_RAND_LOSS,
	SIM_RAND_SYN,
	SIM_RAND_REGION,
	SIM_RAND_START,
	SIM_RAND_SCRIPT,
	SIM_RAND_FAULT,
	SIM_RAND_ADDRESS,
	SIM_RAND_GRAPH,
	SIM_RAND_BURST,
	SIM_RAND_DUPLICATE,
	SIM_RAND_REORDER,
	SIM_RAND_ROUGH,   /* entity: the host; what is done to its process */
	SIM_RAND_BUGGIFY, /* which hosts and points it is */
	SIM_RAND_DISK,
	SIM_RAND_ORDER, /* of events of equal time */
};

uint64_t sim_rand_u64(uint64_t seed, uint32_t purpose, uint64_t entity, uint64_t counter);
void sim_rand_bytes(uint64_t seed, uint32_t purpose, uint64_t entity, uint64_t counter, void *buf, size_t n);
/* Uniform in [0, bound), bound >= 1, without bias. */
uint64_t sim_rand_below(uint64_t seed, uint32_t purpose, uint64_t entity, uint64_t counter, uint64_t bound);
/* The entity of a thing with a stable name. */
uint64_t sim_rand_name(const char *name);

/* Fixed point with 32 fractional bits, from a uniform 64-bit draw. */
int64_t sim_exponential_q32(uint64_t u);               /* mean 1 */
int64_t sim_pareto_q32(uint64_t u, int64_t shape_q32); /* minimum 1, shape >= 1/8; cut at e^20 */
int64_t sim_normal_q32(uint64_t u1, uint64_t u2);      /* mean 0, deviation 1 */
int64_t sim_exp_q32(int64_t x);                        /* e^x, x within [-20, 20] (clamped) */
int64_t sim_log_q32(uint64_t x_q32);                   /* ln x, x > 0 (0 counts as 2^-32) */
int64_t sim_log_unit_q32(uint64_t u);                  /* ln((u + 1) / 2^64): never positive; finer than sim_log_q32 for small u */
int64_t sim_cos_turn_q32(uint64_t u);                  /* cosine of u / 2^64 of a full turn */
uint64_t sim_sqrt_u64(uint64_t x);                     /* floor */

#endif
