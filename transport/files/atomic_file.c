#include "transport/files/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEMP_TRIES 100u /* names tried when others write beside us */

/*
 * Upstream's pattern, so that whoever cleans up after it cleans up after us. Its suffix is a number, with 0 for a minus: it
 * never begins with 00, ours always does. Source: protocol.md 6.8; libs/tempfile/tempfile.go.
 */
#define TEMP_PREFIX "write-file-atomic-00"
#define TEMP_DIGITS 18u

/* ---- reading ---- */

static enum sy_err read_all(int fd, char *buf, size_t cap, size_t *len)
{
	*len = 0;
	while (*len < cap) {
		ssize_t n = read(fd, buf + *len, cap - *len);
		if (n == 0)
			return SY_OK;
		if (n < 0 && errno != EINTR)
			return SY_IO;
		*len += n > 0 ? (size_t)n : 0;
	}
	return SY_LIMIT; /* it has grown while it was read */
}

static enum sy_err read_open(int fd, const char *path, size_t max, char **bytes, size_t *len, struct tp_message *msg)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		tp_message_set(msg, "%s: not a regular file", path);
		return SY_IO;
	}
	if (st.st_size < 0 || (uint64_t)st.st_size > max) {
		tp_message_set(msg, "%s: %lld bytes are more than the %zu that such a file may have", path, (long long)st.st_size, max);
		return SY_LIMIT;
	}
	size_t cap = (size_t)st.st_size + 1;
	char *buf = malloc(cap + 1);
	if (!buf) {
		tp_message_set(msg, "%s: out of memory for its %zu bytes", path, cap - 1);
		return SY_NO_MEMORY;
	}
	enum sy_err err = read_all(fd, buf, cap, len);
	if (err != SY_OK) {
		tp_message_set(msg, "%s: cannot be read: %s", path, err == SY_IO ? strerror(errno) : "it changes while it is read");
		free(buf);
		return SY_IO;
	}
	buf[*len] = '\0';
	*bytes = buf;
	return SY_OK;
}

enum sy_err tp_file_read(const char *path, size_t max, char **bytes, size_t *len, struct tp_message *msg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe in its place must not hold us up */
	if (fd < 0) {
		enum sy_err err = errno == ENOENT ? SY_NOT_FOUND : SY_IO;
		tp_message_set(msg, "%s: %s%s", path, strerror(errno), errno == EACCES ? ": it must be readable for the user that runs this" : "");
		return err;
	}
	enum sy_err err = read_open(fd, path, max, bytes, len, msg);
	close(fd);
	return err;
}

/* ---- writing ---- */

static size_t dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Locked while it is written, which tells a writer at work from one that was killed. False: a sweeper was faster. */
static bool lock_temp(int fd)
{
	struct stat st;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno != EWOULDBLOCK; /* a file system without locks: nothing is swept there */
	return fstat(fd, &st) == 0 && st.st_nlink != 0;
}

/* The digits only need to be unused. */
static int open_temp(const char *path, unsigned mode, char temp[TP_PATH_MAX])
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	for (unsigned i = 0; i < TEMP_TRIES; i++) {
		unsigned long long digits = (unsigned long long)ts.tv_nsec * 1000003u + (unsigned long long)getpid() * 101u + i;
		snprintf(temp, TP_PATH_MAX, "%.*s" TEMP_PREFIX "%0*llu", (int)dir_len(path), path, (int)TEMP_DIGITS, digits);
		int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd < 0 && errno != EEXIST)
			return -1;
		if (fd >= 0 && lock_temp(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno != EINTR)
			return false;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/*
 * The mode is set again because the process's umask has cut the first one. The file is renamed before it is closed, as the
 * lock goes with its descriptor: what fsync has said is all that close could say.
 */
static bool replace_with(int fd, const char *temp, const char *path, const void *bytes, size_t len, unsigned mode)
{
	bool ok = fchmod(fd, (mode_t)mode) == 0 && write_all(fd, bytes, len) && fsync(fd) == 0 && rename(temp, path) == 0;
	int error = errno;
	close(fd);
	errno = ok ? 0 : error;
	return ok;
}

/* The directory that a path is in. */
static int open_dir(const char *path)
{
	char dir[TP_PATH_MAX];
	size_t n = dir_len(path);
	snprintf(dir, sizeof(dir), "%.*s", n ? (int)n : 1, n ? path : ".");
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The new name is in the directory, which has to reach the disk as well. Not every file system can be asked for that. */
static void sync_dir(const char *path)
{
	int fd = open_dir(path);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

/* A device or a pipe is written to, never replaced: a rename onto /dev/null would leave a plain file in its place. */
static enum sy_err write_through(const char *path, const void *bytes, size_t len, struct tp_message *msg)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	bool ok = fd >= 0 && write_all(fd, bytes, len);
	int error = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		ok = false;
		error = errno;
	}
	if (!ok)
		tp_message_set(msg, "%s: cannot be written: %s", path, strerror(error));
	return ok ? SY_OK : SY_IO;
}

enum sy_err tp_file_write(const char *path, const void *bytes, size_t len, unsigned mode, struct tp_message *msg)
{
	char temp[TP_PATH_MAX];
	struct stat st;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return write_through(path, bytes, len, msg);
	if (dir_len(path) + 48 > sizeof(temp)) {
		tp_message_set(msg, "the path is too long: %.200s...", path);
		return SY_INVALID;
	}
	int fd = open_temp(path, mode, temp);
	if (fd < 0) {
		tp_message_set(msg, "%s: cannot be written: no temporary file beside it: %s", path, strerror(errno));
		return SY_IO;
	}
	if (replace_with(fd, temp, path, bytes, len, mode)) {
		sync_dir(path);
		return SY_OK;
	}
	tp_message_set(msg, "%s: cannot be written: %s. The file is as it was", path, strerror(errno));
	unlink(temp);
	return SY_IO;
}

/* ---- what a kill has left behind ---- */

static bool is_ours(const char *name)
{
	const char *digits = name + strlen(TEMP_PREFIX);
	return strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0 && strlen(digits) == TEMP_DIGITS &&
	       strspn(digits, "0123456789") == TEMP_DIGITS;
}

/* A plain file of this user's that no writer holds. */
static bool is_left(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static bool sweep_one(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool gone = fd >= 0 && is_left(fd) && unlinkat(dir, name, 0) == 0;
	if (fd >= 0)
		close(fd);
	return gone;
}

unsigned tp_file_sweep(const char *path)
{
	unsigned gone = 0;
	int dir = open_dir(path);
	DIR *list = dir < 0 ? NULL : fdopendir(dir);
	if (!list) {
		if (dir >= 0)
			close(dir);
		return 0;
	}
	for (const struct dirent *e = readdir(list); e; e = readdir(list))
		gone += is_ours(e->d_name) && sweep_one(dir, e->d_name);
	closedir(list);
	return gone;
}
