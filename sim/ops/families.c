#include "sim/ops/families.h"

#define ROW(id, is_upstream, kind, its_name, its_labels, its_help) \
	{.name = its_name, .labels = its_labels, .help = its_help, .type = PROM_##kind, .upstream = is_upstream},

const struct prom_family ops_families[OPS_FAMILIES] = {OPS_FAMILY_LIST(ROW)};
