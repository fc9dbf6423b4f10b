#include "tests/support/env.h"

#include "core/base/hash.h"
#include "core/base/sodium.h"
#include "core/secret/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD 16 /* keeps malloc's alignment */
#define MARK 0x5cb10c5a11f00d42ull

static void wrong(const char *what, size_t told, uint64_t kept)
{
	fprintf(stderr, "test_env: %s: told %zu, allocated %llu\n", what, told, (unsigned long long)kept);
	abort();
}

static void release(struct test_env *t, uint8_t *old, size_t old_size)
{
	uint64_t head[2];
	memcpy(head, old - HEAD, sizeof head);
	if (head[1] != MARK)
		wrong("not an allocated block", old_size, 0);
	if (head[0] != old_size)
		wrong("a block is given back with a wrong size", old_size, head[0]);
	memset(old - HEAD, 0xdd, HEAD + old_size);
	free(old - HEAD);
	t->live_blocks--;
	t->live_bytes -= old_size;
}

static bool must_fail(struct test_env *t)
{
	t->allocs++;
	if (t->fail_at == 0)
		return false;
	if (t->fail_at > 1) {
		t->fail_at--;
		return false;
	}
	if (!t->fail_forever)
		t->fail_at = 0;
	t->failed++;
	return true;
}

static void *test_alloc(void *ctx, void *old, size_t old_size, size_t new_size)
{
	struct test_env *t = ctx;
	if (!old && old_size)
		wrong("a size without a block", old_size, 0);
	if (new_size == 0) {
		if (old)
			release(t, old, old_size);
		return NULL;
	}
	if (must_fail(t) || new_size > SIZE_MAX - HEAD)
		return NULL;
	uint8_t *block = malloc(HEAD + new_size);
	if (!block)
		return NULL;
	uint64_t head[2] = {new_size, MARK};
	memcpy(block, head, sizeof head);
	memset(block + HEAD, 0xaa, new_size);
	t->live_blocks++;
	t->live_bytes += new_size;
	if (t->live_bytes > t->peak_bytes)
		t->peak_bytes = t->live_bytes;
	if (old) {
		memcpy(block + HEAD, old, old_size < new_size ? old_size : new_size);
		release(t, old, old_size);
	}
	return block + HEAD;
}

static void test_rand(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	struct test_env *t = ctx;
	uint64_t key = sy_hash_u64(sy_hash_u64(sy_hash_u64(t->seed, (uint64_t)purpose), entity), counter);
	uint8_t *out = buf;
	t->draws++;
	for (size_t i = 0; i < n; i++) {
		uint64_t word = sy_mix64(sy_mix64(key + i / 8 * 0x9e3779b97f4a7c15ull) + key);
		out[i] = (uint8_t)(word >> (8 * (i % 8)));
	}
}

void test_env_init(struct test_env *t, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	t->seed = seed;
	t->env.ctx = t;
	t->env.rand = test_rand;
	t->env.alloc = test_alloc;
	t->env.crypto = sy_crypto_real();
	if (sy_sodium_init() != SY_OK)
		abort();
}

void test_env_fail_at(struct test_env *t, uint64_t nth, bool forever)
{
	t->fail_at = nth;
	t->fail_forever = forever;
}

void test_env_check_empty(const struct test_env *t)
{
	assert_int_equal(t->live_blocks, 0);
	assert_int_equal(t->live_bytes, 0);
}
