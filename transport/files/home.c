#include "transport/files/home.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum sy_err tp_home_path(const char *home, const char *name, char path[TP_PATH_MAX], struct tp_message *msg)
{
	size_t home_len = strlen(home);
	const char *slash = home_len > 0 && home[home_len - 1] != '/' ? "/" : "";
	int n = name[0] == '/' ? snprintf(path, TP_PATH_MAX, "%s", name) : snprintf(path, TP_PATH_MAX, "%s%s%s", home, slash, name);
	if (n >= 0 && (unsigned)n < TP_PATH_MAX)
		return SY_OK;
	tp_message_set(msg, "the path is too long: %.200s...", home);
	return SY_INVALID;
}

/* Why EEXIST is no directory. */
static const char *in_place(const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) != 0)
		return "a link that leads nowhere is in its place";
	return "a file is in its place";
}

static enum sy_err make_dir(const char *path, struct tp_message *msg)
{
	struct stat st;
	if (mkdir(path, 0700) == 0)
		return SY_OK;
	int error = errno;
	if (error == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return SY_OK;
	tp_message_set(msg, "%s: cannot be made a directory: %s", path, error == EEXIST ? in_place(path) : strerror(error));
	return SY_IO;
}

static enum sy_err make_dirs(char *path, struct tp_message *msg)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		enum sy_err err = make_dir(path, msg);
		*slash = '/';
		if (err != SY_OK)
			return err;
	}
	return make_dir(path, msg);
}

enum sy_err tp_home_make(const char *home, struct tp_message *msg)
{
	static const char *const dirs[] = {"config", "data"};
	char path[TP_PATH_MAX];
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		enum sy_err err = tp_home_path(home, dirs[i], path, msg);
		if (err == SY_OK)
			err = make_dirs(path, msg);
		if (err != SY_OK)
			return err;
	}
	return SY_OK;
}
