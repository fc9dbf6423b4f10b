/* Files and directories of a report, with errors that name the path and the reason. */
#include "sim/report/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool fail(char error[REPORT_ERROR_TEXT], const char *verb, const char *path)
{
	snprintf(error, REPORT_ERROR_TEXT, "cannot %s %s: %s", verb, path, strerror(errno));
	return false;
}

static bool make_one(const char *path, char error[REPORT_ERROR_TEXT])
{
	struct stat status;

	if (mkdir(path, 0777) == 0)
		return true;
	if (errno != EEXIST && errno != EISDIR)
		return fail(error, "make directory", path);
	if (stat(path, &status) != 0)
		return fail(error, "make directory", path);
	if (!S_ISDIR(status.st_mode)) {
		errno = ENOTDIR;
		return fail(error, "make directory", path);
	}
	return true;
}

bool report_make_dir(const char *dir, char error[REPORT_ERROR_TEXT])
{
	char path[REPORT_PATH];
	size_t len = strlen(dir);

	if (len == 0 || len >= sizeof path) {
		errno = len == 0 ? ENOENT : ENAMETOOLONG;
		return fail(error, "make directory", len == 0 ? "\"\"" : "of that name");
	}
	memcpy(path, dir, len + 1);
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (!make_one(path, error))
			return false;
		path[i] = '/';
	}
	return make_one(path, error);
}

bool report_open(struct report_file *file, const char *dir, const char *name, char error[REPORT_ERROR_TEXT])
{
	int n = snprintf(file->path, sizeof file->path, "%s/%s", dir, name);

	file->stream = NULL;
	if (n < 0 || (size_t)n >= sizeof file->path) {
		errno = ENAMETOOLONG;
		return fail(error, "write", name);
	}
	file->stream = fopen(file->path, "w");
	return file->stream != NULL || fail(error, "write", file->path);
}

bool report_close(struct report_file *file, char error[REPORT_ERROR_TEXT])
{
	bool good = true;

	if (file->stream == NULL)
		return true;
	/* The flush comes first, so that errno is of the write that failed. */
	if (fflush(file->stream) != 0 || ferror(file->stream) != 0)
		good = fail(error, "write", file->path);
	if (fclose(file->stream) != 0 && good)
		good = fail(error, "write", file->path);
	file->stream = NULL;
	return good;
}
