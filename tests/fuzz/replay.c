/*
 * The main function of a target in ordinary test runs: every kept input, and prefixes of it, for what is cut short is what
 * a stranger can always send. The program's name, test_fuzz_NAME, is whose corpus that is.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/lua_kit.h"

#define PREFIXES 48u

/* In memory of its own size, so that whoever reads on is seen. */
static void run(const char *bytes, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	FUZZ_HOLDS(copy != NULL);
	memcpy(copy, bytes, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void replay(const char *path)
{
	static char bytes[1u << 20];
	FILE *file = fopen(path, "rb");

	FUZZ_HOLDS(file != NULL);
	size_t n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	for (size_t i = 1; i < PREFIXES; i++)
		run(bytes, n * i / PREFIXES);
	run(bytes, n);
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "test_fuzz_");
	char below[128], dir[512], path[1024];
	struct dirent **list;

	FUZZ_HOLDS(name != NULL);
	name += strlen("test_fuzz_");
	snprintf(below, sizeof below, "tests/fuzz/corpus/%s", name);
	snprintf(dir, sizeof dir, "%s", lua_kit_path(below));
	int n = scandir(dir, &list, visible, alphasort);
	FUZZ_HOLDS(n > 0);
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
		fprintf(stderr, "# %s\n", path); /* the last line, if it does not come back */
		replay(path);
		printf("ok %d - %s: %s\n", i + 1, name, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}
