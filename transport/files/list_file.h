/* Block and allow list files: an id or a network (IP or CIDR) a line; # begins a comment. Source: D-36. */
#ifndef TP_FILES_LIST_FILE_H
#define TP_FILES_LIST_FILE_H

#include "core/book/lists.h"
#include "transport/files/message.h"

/* Rules being collected for SY_IN_LISTS. All zeros is empty; tp_rules_free gives them back. */
struct tp_rules {
	uint8_t *bytes;
	size_t len, cap;
};

/*
 * Adds a file's rules: "40 hex digits", "192.0.2.7", "192.0.2.0/24", "2001:db8::/32". Bits behind the prefix must be zero,
 * because a network that is not what it says is a slip. Returns SY_NOT_FOUND, SY_IO, SY_PARSE ("FILE:LINE: ..."), SY_LIMIT
 * (more than SY_LIMIT_LIST_RULES with those already there; "FILE:LINE: ..."), SY_NO_MEMORY; *rules is as before then.
 */
SY_MUST enum sy_err tp_rules_read(struct tp_rules *rules, const char *path, bool allow, struct tp_message *msg);
void tp_rules_free(struct tp_rules *rules);

#endif
