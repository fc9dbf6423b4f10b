/*
 * The null suite: every size and every step of a secret connection without the arithmetic, for scale. It finds damage to
 * what it covers (keys, counters, lengths, the first bytes), wrong keys and wrong signatures, but protects nothing: the
 * real flag is false, so that no driver takes it over sockets. Shape and steps: core/secret/suite.h, protocol.md 2.4, 3.1.
 */
#ifndef SIM_ENGINE_NULL_SUITE_H
#define SIM_ENGINE_NULL_SUITE_H

#include "core/secret/suite.h"

const struct sy_crypto *sim_crypto_null(void); /* static, never null */

#endif
