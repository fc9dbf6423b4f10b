/* A directory of a test's own that is removed with all that is in it. */
#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H

#include <stddef.h>

struct temp_dir {
	char path[256];
};

/* cmocka fixtures: *state is a struct temp_dir. */
int temp_dir_setup(void **state);
int temp_dir_teardown(void **state);

/* path/name, in a buffer of the caller's. */
const char *temp_path(const struct temp_dir *dir, const char *name, char out[512]);
void temp_write(const char *path, const char *text);
/* The whole file, from malloc; null when it is not there. */
char *temp_read(const char *path);
unsigned temp_mode(const char *path);
/* How many entries the directory has. */
size_t temp_count(const char *path);

#endif
