/* The inside of a measure: measure.c fills it, flow_api.c reads it. */
#ifndef SIM_LUA_FLOW_H
#define SIM_LUA_FLOW_H

#include "sim/lua/host.h"

struct samples {
	uint64_t *at; /* SCENARIO_MAX_DELAYS, when there are any */
	size_t n;
	uint64_t seen, max_ns;
};

/* A channel, all pairs of the measure together. */
struct line {
	uint8_t id;
	uint32_t priority;
	const char *reactor;
	bool saturated;
	uint64_t bytes, messages; /* delivered since the start */
	uint64_t offered;         /* asked for since the start */
	uint64_t unasked;         /* delivered that nobody was seen to ask for */
	uint64_t gap_ns;          /* the longest that is over */
	uint64_t bin_ns;
	uint64_t *bins; /* SCENARIO_MAX_BINS, when there are any */
	struct samples delays;
};

struct asked {
	uint64_t at_ns, token;
	uint32_t bytes;
};

/* A channel of one pair. */
struct way {
	struct way *next;
	struct line *line;
	struct asked *ring; /* under way, oldest first */
	uint32_t head, count, cap;
	uint64_t since_ns; /* of the present gap, while count > 0 */
};

/* A pair, in the receiver's list. */
struct tap {
	struct tap *next, *next_of_measure;
	struct measure *m;
	struct node *from;
	struct way *ways;
};

struct measure {
	struct measure *next;
	struct scenario *s;
	const char *name, *from, *to;
	bool plotted;
	uint64_t start_ns, end_ns, bin_ns, rate_bits; /* looks from start to end */
	uint32_t num_pairs;
	struct tap *taps;
	bool wanted[256];
	struct line *by_id[256];
	struct samples delays;
};

void flow_open(lua_State *L);
void flow_push(lua_State *L, struct measure *m);
/* The time as far as the measure looks: never past its end. */
uint64_t measure_now(const struct measure *m);

#endif
