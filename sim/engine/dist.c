/* Draws from distributions of durations. */
#include "sim/engine/dist.h"

#define LONGEST_NS (1ull << 60) /* 36 years: sums of it with a time do not overflow */

static uint64_t scale(uint64_t ns, int64_t q32)
{
	if (q32 <= 0) {
		return 0;
	}
	unsigned __int128 product = (unsigned __int128)ns * (uint64_t)q32 >> 32;
	return product > LONGEST_NS ? LONGEST_NS : (uint64_t)product;
}

uint64_t sim_dist_base_ns(const struct sim_dist *d)
{
	switch (d->kind) {
	case SIM_DIST_UNIFORM:
		return d->plus_ns + d->a_ns / 2 + d->b_ns / 2;
	case SIM_DIST_EXPONENTIAL:
		return d->plus_ns + d->a_ns + d->b_ns;
	case SIM_DIST_CONSTANT:
	case SIM_DIST_NORMAL:
	case SIM_DIST_LOGNORMAL:
	case SIM_DIST_PARETO:
	case SIM_DIST_TABLE:
		break;
	}
	return d->plus_ns + d->a_ns;
}

static uint64_t uniform(const struct sim_dist *d, uint64_t u)
{
	uint64_t span = d->b_ns > d->a_ns ? d->b_ns - d->a_ns : 0;
	return d->a_ns + (uint64_t)((unsigned __int128)u * (span + 1) >> 64);
}

static uint64_t normal(const struct sim_dist *d, int64_t z)
{
	if (z >= 0) {
		return d->a_ns + scale(d->b_ns, z);
	}
	uint64_t less = scale(d->b_ns, -z);
	return less < d->a_ns ? d->a_ns - less : 0;
}

/* The inverse of the distribution that the values draw, straight between neighbours. */
static uint64_t tabled(const struct sim_dist *d, uint64_t u)
{
	unsigned __int128 place = (unsigned __int128)u * (d->table_len - 1);
	uint32_t i = (uint32_t)(place >> 64);
	uint64_t low = d->table_ns[i], high = d->table_ns[i + 1 < d->table_len ? i + 1 : i];

	return low + (uint64_t)((unsigned __int128)(uint64_t)place * (high - low) >> 64);
}

static int64_t product_q32(int64_t a, int64_t b)
{
	__int128 p = ((__int128)a * b) >> 32;
	return p > INT64_MAX ? INT64_MAX : p < INT64_MIN ? INT64_MIN : (int64_t)p;
}

uint64_t sim_dist_draw_ns(const struct sim_dist *d, uint64_t seed, enum sim_purpose purpose, uint64_t entity, uint64_t counter)
{
	if (d->kind == SIM_DIST_CONSTANT) {
		return d->plus_ns + d->a_ns;
	}
	uint64_t u1 = sim_rand_u64(seed, purpose, entity, counter * 2);
	uint64_t u2 = sim_rand_u64(seed, purpose, entity, counter * 2 + 1);
	uint64_t ns = d->a_ns;
	switch (d->kind) {
	case SIM_DIST_CONSTANT:
		break;
	case SIM_DIST_UNIFORM:
		ns = uniform(d, u1);
		break;
	case SIM_DIST_NORMAL:
		ns = normal(d, sim_normal_q32(u1, u2));
		break;
	case SIM_DIST_LOGNORMAL:
		ns = scale(d->a_ns, sim_exp_q32(product_q32((int64_t)d->b_ns, sim_normal_q32(u1, u2))));
		break;
	case SIM_DIST_EXPONENTIAL:
		ns = d->a_ns + scale(d->b_ns, sim_exponential_q32(u1));
		break;
	case SIM_DIST_PARETO:
		ns = scale(d->a_ns, sim_pareto_q32(u1, (int64_t)d->b_ns));
		break;
	case SIM_DIST_TABLE:
		ns = tabled(d, u1);
		break;
	}
	uint64_t cap = d->max_ns ? d->max_ns : LONGEST_NS;
	return d->plus_ns + (ns < cap ? ns : cap);
}
