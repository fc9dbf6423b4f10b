/*
 * Merlin transcripts over STROBE-128: what was said is absorbed under labels, challenges are squeezed out. The state is
 * secret once a secret was appended; wipe it with sy_mem_wipe. Source: protocol.md 2.4.4.
 */
#ifndef SY_SECRET_MERLIN_H
#define SY_SECRET_MERLIN_H

#include "core/switchyard.h"

struct sy_merlin {
	uint8_t state[200];
	uint8_t pos, pos_begin, flags;
};

/* Labels are NUL-terminated texts. */
void sy_merlin_init(struct sy_merlin *m, const char *label);
void sy_merlin_append(struct sy_merlin *m, const char *label, const void *bytes, uint32_t n);
void sy_merlin_extract(struct sy_merlin *m, const char *label, void *out, uint32_t n);

#endif
