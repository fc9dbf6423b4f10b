/* The mistakes, each as small as it can be. What every one does with its value is the same: the node's draw changes. */
#include "tests/planted/nondeterminism.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/base/hash.h"

/* 1. Something is placed by where it lies in memory. */
static uint64_t by_address(const void *object)
{
	return (uintptr_t)object >> 4;
}

/* 2. A field is read that nobody has set. */
static uint64_t unset_field(void)
{
	volatile uint8_t *object = malloc(4096);
	uint64_t value = object == NULL ? 0 : object[2048];

	free((void *)(uintptr_t)object);
	return value;
}

/* 3. The machine's clock instead of the run's. */
static uint64_t wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* 4. Two draws among the arguments of one call: compilers take them in different orders. */
static uint64_t draw(uint64_t *counter)
{
	return sy_mix64(++*counter);
}

static __attribute__((noinline)) uint64_t less(uint64_t a, uint64_t b)
{
	return a - b;
}

static uint64_t two_draws(void)
{
	uint64_t counter = 0;

	return less(draw(&counter), draw(&counter));
}

/* 5. A table is walked in the order in which its keys, which are pointers, were hashed. */
static uint64_t table_order(const void *object)
{
	const char *table[64] = {NULL};
	const char *keys = object;
	uint64_t order = 0;

	for (uint64_t i = 0; i < 8; i++) {
		uint64_t at = sy_mix64((uintptr_t)(keys + i)) % 64;

		while (table[at] != NULL)
			at = (at + 1) % 64;
		table[at] = keys + i;
	}
	for (int at = 0; at < 64; at++)
		if (table[at] != NULL)
			order = order * 8 + (uint64_t)(table[at] - keys);
	return order;
}

/* 6. A sort that leaves the order of equals to the C library. */
static int all_equal(const void *a, const void *b)
{
	return 0;
}

static uint64_t sort_with_ties(void)
{
	uint8_t items[] = {1, 2, 3, 4, 5, 6, 7, 8};

	qsort(items, sizeof items, 1, all_equal);
	return sy_load_u64le(items);
}

/* 7. A char that holds a byte above 127: it is negative on some machines. */
static uint64_t char_sign(const char *name)
{
	char c = (char)(name[0] | 0x80);

	return c < 0 ? 1 : 2;
}

/* 8. Entropy of the machine. */
static uint64_t entropy(void)
{
	uint64_t value = 0;

	return getrandom(&value, sizeof value, 0) == sizeof value ? value : 0;
}

/* 9. A counter that outlives the run. */
static uint64_t survivor(void)
{
	static uint64_t calls;

	return ++calls;
}

/* 10. The environment: a date in local time. */
static uint64_t local_hour(void)
{
	time_t epoch = 0;
	struct tm local;

	return localtime_r(&epoch, &local) == NULL ? 0 : (uint64_t)(local.tm_hour * 60 + local.tm_min) + 1;
}

static uint64_t mistake(int which, const char *node)
{
	switch (which) {
	case 1:
		return by_address(node);
	case 2:
		return unset_field();
	case 3:
		return wall_clock();
	case 4:
		return two_draws();
	case 5:
		return table_order(node);
	case 6:
		return sort_with_ties();
	case 7:
		return char_sign(node);
	case 8:
		return entropy();
	case 9:
		return survivor();
	case 10:
		return local_hour();
	}
	return 0;
}

static uint64_t number(const char *name)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static void tell(uint64_t now_ns)
{
	static int told;
	const char *file = getenv("SY_PLANT_LOG");
	FILE *to = told || file == NULL ? NULL : fopen(file, "w");

	told = 1;
	if (to != NULL) {
		fprintf(to, "%llu\n", (unsigned long long)now_ns);
		fclose(to);
	}
}

void sy_planted_bend(const char *node, uint64_t now_ns, void *buf, size_t n)
{
	int which = (int)number("SY_PLANT");
	uint64_t value = which == 0 ? 0 : mistake(which, node);
	const char *chosen = getenv("SY_PLANT_NODE");
	uint8_t *bytes = buf;

	if (which == 0 || chosen == NULL || strcmp(chosen, node) != 0 || now_ns < number("SY_PLANT_AT_S") * 1000000000u)
		return;
	tell(now_ns);
	value = sy_mix64(value);
	for (size_t i = 0; i < n; i++)
		bytes[i] ^= (uint8_t)(value >> 8 * (i % 8));
}
