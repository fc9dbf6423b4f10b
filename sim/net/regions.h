/* The regions of the world and typical one-way delays between them, after what the large clouds' networks show. */
#ifndef SIM_NET_REGIONS_H
#define SIM_NET_REGIONS_H

#include <stdint.h>

#define SIM_REGIONS 14
#define SIM_REGION_INSIDE_NS 1000000u /* within one region */

/* Number of a region by name; -1 when there is none of this name. */
int sim_region_find(const char *name);
/* Name of a region; null beyond the last. Static. */
const char *sim_region_name(int region);
/* One way, nanoseconds. Symmetric. */
uint64_t sim_region_latency_ns(int from, int to);

#endif
