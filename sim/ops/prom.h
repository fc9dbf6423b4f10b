/*
 * Prometheus' text format, version 0.0.4: families with HELP and TYPE, samples with labels. A family is opened once,
 * then its samples follow; a family without samples is not written.
 */
#ifndef SIM_OPS_PROM_H
#define SIM_OPS_PROM_H

#include <stdint.h>

#include "sim/ops/text.h"

#define PROM_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define PROM_NAME_MAX 96u /* namespace, subsystem, name */

enum prom_type { PROM_COUNTER, PROM_GAUGE, PROM_HISTOGRAM };

/* A kind of metric: what docs/METRICS.md has a line for. */
struct prom_family {
	const char *name;   /* without the prefix */
	const char *labels; /* the names of its labels, for people: "peer_id, chID"; "" for none */
	const char *help;
	enum prom_type type;
	bool upstream; /* CometBFT's: <namespace>_p2p_NAME; else as it stands */
};

struct prom_label {
	const char *name, *value;
};

/* A histogram whose upper bounds are given in nanoseconds and whose unit is the second, as Prometheus wants it. */
struct prom_histogram {
	const uint64_t *bounds_ns; /* n of them, ascending */
	const uint64_t *counts;    /* n + 1, each of its bucket alone; the last one is above all bounds */
	size_t n;
	uint64_t sum_ns;
};

struct prom {
	struct ops_text *to;
	const char *prefix;               /* CometBFT's namespace and subsystem: "cometbft_p2p_" */
	const struct prom_family *family; /* the one open */
	bool announced;                   /* its HELP and TYPE are out */
};

void prom_open(struct prom *p, const struct prom_family *family);
/* Labels: n pairs; values are escaped. */
void prom_u64(struct prom *p, const struct prom_label *labels, size_t n, uint64_t value);
/* Nanoseconds, written as seconds with nine places: the same text for the same value everywhere. */
void prom_seconds(struct prom *p, const struct prom_label *labels, size_t n, uint64_t ns);
void prom_histogram(struct prom *p, const struct prom_label *labels, size_t n, const struct prom_histogram *h);

#endif
