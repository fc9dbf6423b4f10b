/* Memory that lives as long as the scenario: texts, declarations, results. Freed all at once. */
#ifndef SIM_LUA_ARENA_H
#define SIM_LUA_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t bytes, limit; /* in blocks */
};

#define ARENA_LIMIT ((size_t)1 << 30) /* 100,000 nodes take a tenth of it */

void arena_init(struct arena *a); /* limit: ARENA_LIMIT */
void arena_fini(struct arena *a);
/* Zeroed and aligned for anything; null when there is no memory, or beyond the limit. */
void *arena_new(struct arena *a, size_t size);
char *arena_text(struct arena *a, const char *text, size_t len);
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A growing array outside the arena: makes room for one more of `elem` bytes. False when there is no memory; nothing changes then. */
bool vec_grow(void **array, size_t *cap, size_t need, size_t elem);

#endif
