/* A node's state as Prometheus reads it. */
#ifndef SIM_OPS_METRICS_H
#define SIM_OPS_METRICS_H

#include "sim/ops/families.h"
#include "sim/ops/ops.h"

/* All of them, in the order of OPS_FAMILY_LIST. */
void ops_metrics(struct ops *ops, struct ops_text *to);

/* metrics_peers.c: with peer_id as a label, for OPS_PEER_SERIES peers at most; and what all peers add up to. */
void ops_metrics_upstream(struct ops *ops, struct prom *p);
void ops_metrics_peers(const struct ops *ops, struct prom *p);
/* metrics_process.c: what /proc tells; what it does not tell is left out. */
void ops_metrics_process(struct prom *p);

static inline void ops_open(struct prom *p, enum ops_family family)
{
	prom_open(p, &ops_families[family]);
}

#endif
