/* Another C library's qsort: equal elements come out in another order. For LD_PRELOAD. */
#include <stdlib.h>
#include <string.h>

static void swap(char *a, char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = a[i];

		a[i] = b[i];
		b[i] = c;
	}
}

static void sift(char *base, size_t root, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	while (2 * root + 1 < n) {
		size_t child = 2 * root + 1;

		if (child + 1 < n && compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + root * size, base + child * size) >= 0)
			return;
		swap(base + root * size, base + child * size, size);
		root = child;
	}
}

void qsort(void *elements, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	char *base = elements;

	for (size_t i = n / 2; i-- > 0;)
		sift(base, i, n, size, compare);
	for (size_t end = n; end-- > 1;) {
		swap(base, base + end * size, size);
		sift(base, 0, end, size, compare);
	}
}
