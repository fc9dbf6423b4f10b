#include "tests/support/temp_dir.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int temp_dir_setup(void **state)
{
	struct temp_dir *dir = calloc(1, sizeof(*dir));
	const char *root = getenv("TMPDIR");
	if (!dir)
		return -1;
	snprintf(dir->path, sizeof(dir->path), "%s/switchyard-test-XXXXXX", root ? root : "/tmp");
	*state = dir;
	return mkdtemp(dir->path) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

int temp_dir_teardown(void **state)
{
	struct temp_dir *dir = *state;
	int failed = nftw(dir->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(dir);
	return failed;
}

const char *temp_path(const struct temp_dir *dir, const char *name, char out[512])
{
	snprintf(out, 512, "%s/%s", dir->path, name);
	return out;
}

void temp_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(text, 1, strlen(text), f) != strlen(text) || fclose(f) != 0)
		abort();
}

char *temp_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = calloc(1, 1 << 20);
	if (!f || !text) {
		free(text);
		return NULL;
	}
	size_t n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

unsigned temp_mode(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (unsigned)(st.st_mode & 07777) : 0;
}

size_t temp_count(const char *path)
{
	size_t n = 0;
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}
