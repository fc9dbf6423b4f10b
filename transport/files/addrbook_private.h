/* What the reader and the writer of address books share with the file that puts the two together. */
#ifndef TP_FILES_ADDRBOOK_PRIVATE_H
#define TP_FILES_ADDRBOOK_PRIVATE_H

#include <jansson.h>

#include "core/book/snapshot.h"
#include "transport/files/message.h"

#define ADDRBOOK_KEY_TEXT 24

/* A parsed file while its entries are read. */
struct addrbook_file {
	const char *path;
	const char *list; /* the array's key: "addrs" or "bans" */
	const json_t *array;
	size_t count;
	char key[ADDRBOOK_KEY_TEXT + 1];
};

/* Finds key and entries. SY_CORRUPT. */
SY_MUST enum sy_err tp_addrbook_open(struct addrbook_file *file, const json_t *root, struct tp_message *msg);
/* Puts the entries into the snapshot from record `first` on. SY_CORRUPT: the message names entry and key. */
SY_MUST enum sy_err tp_addrbook_read(const struct addrbook_file *file, uint8_t *snapshot, uint32_t first, struct tp_message *msg);

struct addrbook_text {
	char *buf; /* from malloc */
	size_t len, cap;
	bool failed;
};

/* Prints those records that are bans, or those that are none. SY_CORRUPT, SY_NO_MEMORY. */
SY_MUST enum sy_err tp_addrbook_print(struct addrbook_text *text, const char *list, struct sy_span snapshot, bool bans, uint32_t *count);

#endif
