/*
 * The environment of tests: an allocator that counts, checks sizes, moves on every resize and fails on demand;
 * randomness that is a function of the seed and the draw's names; the real crypto suite. No table of addresses: a test
 * that needs one sets env.addrs itself.
 */
#ifndef TESTS_SUPPORT_ENV_H
#define TESTS_SUPPORT_ENV_H

#include "core/switchyard.h"

struct test_env {
	struct sy_env env; /* its ctx points at this object: do not copy it */
	uint64_t seed;
	uint64_t allocs;   /* calls that asked for memory, failed ones included */
	uint64_t fail_at;  /* the number of the call that fails, counted from test_env_fail_at; 0 = none */
	bool fail_forever; /* every call from that one on fails */
	uint64_t failed;   /* calls that were made to fail */
	uint64_t live_blocks, live_bytes, peak_bytes;
	uint64_t draws;
};

/* Initialises libsodium too. */
void test_env_init(struct test_env *t, uint64_t seed);
/* Makes the nth allocation from now on fail (nth >= 1), once or with all that follow; nth == 0 stops failing. */
void test_env_fail_at(struct test_env *t, uint64_t nth, bool forever);
/* Fails the running cmocka test when memory is still held. */
void test_env_check_empty(const struct test_env *t);

#endif
