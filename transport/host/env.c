#include "transport/host/env.h"

#include <stdlib.h>
#include <sys/random.h>

#include "core/base/limits.h"
#include "core/book/intern.h"
#include "core/secret/suite.h"

void tp_random(void *buf, size_t n)
{
	uint8_t *at = buf;
	while (n != 0) {
		ssize_t got = getrandom(at, n, 0);
		if (got <= 0)
			continue; /* interrupted by a signal: the only reason there is */
		at += got;
		n -= (size_t)got;
	}
}

static void env_rand(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	tp_random(buf, n);
}

static void *env_alloc(void *ctx, void *old, size_t old_size, size_t new_size)
{
	if (new_size == 0) {
		free(old);
		return NULL;
	}
	return realloc(old, new_size);
}

enum sy_err tp_env_open(struct sy_env *env)
{
	*env = (struct sy_env){.rand = env_rand, .alloc = env_alloc, .crypto = sy_crypto_real()};
	env->addrs = sy_addrs_new(env, SY_LIMIT_INTERNED, true);
	return env->addrs == NULL ? SY_NO_MEMORY : SY_OK;
}

void tp_env_close(struct sy_env *env)
{
	if (env->addrs != NULL)
		sy_addrs_free(env->addrs, env);
	env->addrs = NULL;
}
