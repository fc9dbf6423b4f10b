/* The environment of a node in a real process: the system's entropy, malloc, real cryptography, a table of addresses. */
#ifndef TP_HOST_ENV_H
#define TP_HOST_ENV_H

#include "core/switchyard.h"

/* n bytes of the system's entropy; waits until there is some, which can happen in the first seconds after a boot. */
void tp_random(void *buf, size_t n);
/*
 * Fills *env in, with a table of addresses of its own. SY_NO_MEMORY. Owns the table: tp_env_close gives it back, after the
 * last node of this environment was freed. *env must stay where it is meanwhile.
 */
SY_MUST enum sy_err tp_env_open(struct sy_env *env);
/* Idempotent; harmless on one that is all zero. */
void tp_env_close(struct sy_env *env);

#endif
