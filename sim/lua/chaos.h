/* What draws faults from the seed: one block of chaos. */
#ifndef SIM_LUA_CHAOS_H
#define SIM_LUA_CHAOS_H

#include "sim/lua/plan.h"

struct chaos;

/* Each is a draw of the operation under way. */
uint64_t chaos_below(struct chaos *c, uint64_t bound); /* bound >= 1 */
uint64_t chaos_duration_ns(struct chaos *c);           /* within the block's `duration` */
const char *chaos_node(struct chaos *c);               /* one of the block's nodes */
json_t *chaos_time(uint64_t ns);                       /* as the language writes it */

#endif
