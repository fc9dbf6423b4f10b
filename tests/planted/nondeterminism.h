/*
 * Ten ways in which a run may come to depend on what it must not, for a test of the tools that find such things
 * (tests/deep.sh, part planted). Only `make VARIANT=planted` has them; SY_PLANT=1..10 in the environment chooses one.
 */
#ifndef TESTS_PLANTED_NONDETERMINISM_H
#define TESTS_PLANTED_NONDETERMINISM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Called after each draw of a node. The draws of node SY_PLANT_NODE from SY_PLANT_AT_S seconds on come out changed by the
 * chosen mistake; the first time that this happens, the file SY_PLANT_LOG tells the time in nanoseconds.
 */
void sy_planted_bend(const char *node, uint64_t now_ns, void *buf, size_t n);

#endif
