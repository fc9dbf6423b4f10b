/* What the files of faults share: one fault, from its arguments to what it does. */
#ifndef SIM_LUA_FAULTS_H
#define SIM_LUA_FAULTS_H

#include "sim/lua/plan.h"

enum fault_kind { FAULT_CUT, FAULT_HEAL, FAULT_RESET, FAULT_HALF_OPEN, FAULT_LINK, FAULT_DIAL, FAULT_NODE };

struct fault {
	struct scenario *s;
	enum fault_kind kind;
	const char *what, *where;
	struct node **a, **b;
	size_t num_a, num_b;
	enum sim_cut cut;
	bool one_way;
	bool has_params;
	struct sim_link_params params;
	enum sy_err (*each)(struct fault *f, struct node *n, const char **what); /* FAULT_NODE: done to each of a */
	bool has_ip;
	uint8_t ip[16];
	int64_t value, other; /* what it is done with */
	struct task task;
};

struct fault *fault_new(lua_State *L, enum fault_kind kind, const char *what);
/* The nodes of two stack places, b 0: only one. */
void fault_sides(lua_State *L, struct fault *f, int a, int b);
/* Does it now, or at the beginning of the run. Returns the number of results, 0. */
int fault_act(lua_State *L, struct fault *f);

#endif
