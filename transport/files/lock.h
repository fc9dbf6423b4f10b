/*
 * One process a home. A node holds a lock on the directory of its address book, so that a second node, or an editor of
 * the book, does not undo what the first one saves. The lock is the kernel's and on the directory itself: it leaves no
 * file behind, and goes with its process however that ends. Where a file system knows no such locks nobody is kept out.
 */
#ifndef TP_FILES_LOCK_H
#define TP_FILES_LOCK_H

#include "core/switchyard.h"
#include "transport/files/message.h"

struct tp_lock {
	int fd;
	bool held; /* one that is all zero holds nothing */
};

/* Locks the directory that the file of this path is in, which must exist. SY_IN_USE: somebody else has it; SY_IO, SY_INVALID. */
SY_MUST enum sy_err tp_lock_take(struct tp_lock *lock, const char *path, struct tp_message *msg);
/* Idempotent. */
void tp_lock_give(struct tp_lock *lock);
/* Does a CometBFT node run on this home? It locks its databases, not its address book. False also where that cannot be seen. */
bool tp_lock_comet_runs(const char *home);

#endif
