/* The two files of a book together. addrbook_read.c parses one file, addrbook_write.c prints one. */
#include "transport/files/addrbook_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/files/addrbook_private.h"

#define BOOK_MAX ((size_t)64 << 20) /* a full book of 20,800 entries has about 10 MiB */

enum sy_err tp_addrbook_bans_path(const char *path, char bans[TP_PATH_MAX], struct tp_message *msg)
{
	static const char ending[] = ".json";
	size_t len = strlen(path), cut = sizeof(ending) - 1;
	size_t stem = len > cut && strcmp(path + len - cut, ending) == 0 ? len - cut : len;
	if (len + sizeof(".bans.json") <= TP_PATH_MAX) {
		snprintf(bans, TP_PATH_MAX, "%.*s.bans.json", (int)stem, path);
		return SY_OK;
	}
	tp_message_set(msg, "the path is too long: %.200s...", path);
	return SY_INVALID;
}

/* *root stays null when there is no such file. */
static enum sy_err load_json(const char *path, json_t **root, struct tp_message *msg)
{
	char *text;
	size_t len;
	json_error_t error;
	*root = NULL;
	enum sy_err err = tp_file_read(path, BOOK_MAX, &text, &len, msg);
	if (err != SY_OK)
		return err == SY_NOT_FOUND ? SY_OK : err;
	*root = json_loadb(text, len, 0, &error);
	free(text);
	if (*root)
		return SY_OK;
	if (len == 0)
		tp_message_set(msg, "%s: the file is empty. Restore it from a backup, or remove it to begin with an empty book", path);
	else
		tp_message_set(msg, "%s: line %d, column %d: %s. Restore it from a backup, or remove it to begin with an empty book", path,
		               error.line, error.column, error.text);
	return SY_PARSE;
}

static enum sy_err load_both(const char *path, const char *bans_path, json_t *book, json_t *bans, uint8_t **snapshot, size_t *len,
                             struct tp_message *msg)
{
	struct addrbook_file files[2] = {{.path = path, .list = "addrs"}, {.path = bans_path, .list = "bans"}};
	enum sy_err err = book ? tp_addrbook_open(&files[0], book, msg) : SY_OK;
	if (err == SY_OK && bans)
		err = tp_addrbook_open(&files[1], bans, msg);
	if (err != SY_OK)
		return err;
	size_t total = files[0].count + files[1].count;
	*len = sy_snapshot_size((uint32_t)total);
	*snapshot = malloc(*len);
	if (!*snapshot) {
		tp_message_set(msg, "%s: out of memory for its %zu entries", path, total);
		return SY_NO_MEMORY;
	}
	sy_snapshot_begin(*snapshot, book ? files[0].key : files[1].key, (uint32_t)total);
	err = tp_addrbook_read(&files[0], *snapshot, 0, msg);
	if (err == SY_OK)
		err = tp_addrbook_read(&files[1], *snapshot, (uint32_t)files[0].count, msg);
	if (err != SY_OK) {
		free(*snapshot);
		*snapshot = NULL;
	}
	return err;
}

enum sy_err tp_addrbook_load(const char *path, uint8_t **snapshot, size_t *len, struct tp_message *msg)
{
	char bans_path[TP_PATH_MAX];
	json_t *book = NULL, *bans = NULL;
	*snapshot = NULL;
	enum sy_err err = tp_addrbook_bans_path(path, bans_path, msg);
	if (err == SY_OK)
		err = load_json(path, &book, msg);
	if (err == SY_OK)
		err = load_json(bans_path, &bans, msg);
	if (err == SY_OK && !book && !bans) {
		tp_message_set(msg, "%s: no such file", path);
		err = SY_NOT_FOUND;
	}
	if (err == SY_OK)
		err = load_both(path, bans_path, book, bans, snapshot, len, msg);
	json_decref(book);
	json_decref(bans);
	return err;
}

/* One file with the records of its kind; *count: how many. */
static enum sy_err save_one(const char *path, const char *list, struct sy_span snapshot, bool bans, bool keep_empty, struct tp_message *msg)
{
	struct addrbook_text text = {0};
	uint32_t count = 0;
	enum sy_err err = tp_addrbook_print(&text, list, snapshot, bans, &count);
	if (err == SY_CORRUPT)
		tp_message_set(msg, "%s: not saved: the snapshot is broken", path);
	else if (err != SY_OK)
		tp_message_set(msg, "%s: not saved: out of memory", path);
	else if (count > 0 || keep_empty)
		err = tp_file_write(path, text.buf, text.len, 0644, msg);
	else if (unlink(path) != 0 && errno != ENOENT) {
		tp_message_set(msg, "%s: cannot be removed: %s", path, strerror(errno));
		err = SY_IO;
	}
	free(text.buf);
	return err;
}

enum sy_err tp_addrbook_save(const char *path, struct sy_span snapshot, struct tp_message *msg)
{
	char bans_path[TP_PATH_MAX];
	enum sy_err err = tp_addrbook_bans_path(path, bans_path, msg);
	if (err == SY_OK)
		err = save_one(path, "addrs", snapshot, false, true, msg);
	if (err == SY_OK)
		err = save_one(bans_path, "bans", snapshot, true, false, msg);
	return err;
}
