/* A node's own copy of its configuration. */
#ifndef SIM_WORLD_CONFIG_H
#define SIM_WORLD_CONFIG_H

#include "sim/world/impl.h"

/* Copies from, texts and lists included, under this name. False when out of memory; world_config_free is due all the same. */
bool world_config_copy(struct world_config *c, const struct sy_config *from, const char *name);
/* Advertises addr unless the script names another address. */
bool world_config_advertise(struct world_config *c, const struct sy_netaddr *addr);
void world_config_free(struct world_config *c);

#endif
