#include "transport/files/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "transport/files/atomic_file.h"
#include "transport/files/home.h"

enum sy_err tp_lock_take(struct tp_lock *lock, const char *path, struct tp_message *msg)
{
	char dir[TP_PATH_MAX];
	const char *slash = strrchr(path, '/');
	int n = slash == NULL ? snprintf(dir, sizeof dir, ".") : snprintf(dir, sizeof dir, "%.*s", (int)(slash - path) + 1, path);

	*lock = (struct tp_lock){0};
	if (n < 0 || (size_t)n >= sizeof dir) {
		tp_message_set(msg, "the path is too long: %.200s...", path);
		return SY_INVALID;
	}
	lock->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock->fd < 0) {
		tp_message_set(msg, "%s: %s", dir, strerror(errno));
		return SY_IO;
	}
	lock->held = true;
	if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return SY_OK;
	tp_lock_give(lock);
	tp_message_set(msg, "%s is in use by another node, or by a command that edits the address book", dir);
	return SY_IN_USE;
}

void tp_lock_give(struct tp_lock *lock)
{
	if (lock->held)
		close(lock->fd);
	*lock = (struct tp_lock){0};
}

/* LevelDB and its kin lock a file by flock, Pebble and RocksDB by fcntl. A shared lock for a moment shows either. */
static bool is_locked(const char *path)
{
	struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	locked = locked || (fcntl(fd, F_GETLK, &range) == 0 && range.l_type != F_UNLCK);
	close(fd);
	return locked;
}

bool tp_lock_comet_runs(const char *home)
{
	static const char *const files[] = {"data/blockstore.db/LOCK", "data/state.db/LOCK"};
	char path[TP_PATH_MAX];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (tp_home_path(home, files[i], path, NULL) == SY_OK && is_locked(path))
			return true;
	return false;
}
