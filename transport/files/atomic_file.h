/*
 * Whole files: read with a bound, written so that a reader (or a crash) sees the old bytes or the new ones and nothing
 * between. Source: protocol.md 6.8 (temporary file of the same name pattern, synchronous, renamed).
 */
#ifndef TP_FILES_ATOMIC_FILE_H
#define TP_FILES_ATOMIC_FILE_H

#include "core/switchyard.h"
#include "transport/files/message.h"

#define TP_PATH_MAX 4096u

/*
 * Reads a regular file of at most max bytes. *bytes is from malloc and the caller's, with a NUL behind its *len bytes.
 * Returns SY_NOT_FOUND, SY_LIMIT (longer than max), SY_NO_MEMORY, SY_IO (not readable, not a regular file).
 */
SY_MUST enum sy_err tp_file_read(const char *path, size_t max, char **bytes, size_t *len, struct tp_message *msg);

/*
 * Replaces the file, or makes it, with this mode; a device or a pipe is written to. Returns SY_IO (the file is as it was),
 * SY_INVALID (path too long).
 */
SY_MUST enum sy_err tp_file_write(const char *path, const void *bytes, size_t len, unsigned mode, struct tp_message *msg);

/*
 * Removes from the directory of this path the temporary files that tp_file_write has left there when its process was killed:
 * plain files of this user's under our own names, which no writer holds. Upstream's and all others stay. Returns how many went.
 */
unsigned tp_file_sweep(const char *path);

#endif
