/*
 * The address book's file: CometBFT's JSON to a snapshot (core/book/snapshot.h) and back. Which entries make sense is
 * decided by the core when it loads the snapshot; here only what is no address book is refused.
 *
 * Bans, which upstream forgets, are kept beside it: addrbook.json has addrbook.bans.json, in the same form. It exists only
 * while there are bans. Source: protocol.md 6.8, D-31.
 */
#ifndef TP_FILES_ADDRBOOK_JSON_H
#define TP_FILES_ADDRBOOK_JSON_H

#include "core/switchyard.h"
#include "transport/files/atomic_file.h"

/*
 * Reads both files. *snapshot is from malloc and the caller's. Returns SY_NOT_FOUND (neither file is there), SY_PARSE (no
 * JSON: truncated, empty), SY_CORRUPT (JSON, but no address book), SY_LIMIT, SY_IO, SY_NO_MEMORY. The files stay as they are.
 */
SY_MUST enum sy_err tp_addrbook_load(const char *path, uint8_t **snapshot, size_t *len, struct tp_message *msg);
/*
 * Writes the book and its bans, each at once or not at all, mode 0644. Returns SY_IO, SY_CORRUPT (not a snapshot),
 * SY_NO_MEMORY, SY_INVALID (path too long): a file that was not written is as it was.
 */
SY_MUST enum sy_err tp_addrbook_save(const char *path, struct sy_span snapshot, struct tp_message *msg);
/* The side file's name: ".json" at the end becomes ".bans.json". SY_INVALID: too long. */
SY_MUST enum sy_err tp_addrbook_bans_path(const char *path, char bans[TP_PATH_MAX], struct tp_message *msg);

#endif
