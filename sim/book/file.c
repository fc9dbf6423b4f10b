#include "sim/book/book.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/policy.h"
#include "transport/files/addrbook_json.h"
#include "transport/host/env.h"

#define BACKUP_MAX ((size_t)64 << 20) /* as much as a book may have */

/* ------------------------------------------------------------------ records */

static bool take_snapshot(struct book_file *f, struct sy_span bytes)
{
	uint32_t n;

	if (sy_snapshot_open(bytes, f->key, &n) != SY_OK)
		return false;
	struct sy_book_record *at = calloc(n + 1u, sizeof *at);
	if (at == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (sy_snapshot_get(bytes, i, &at[i]) != SY_OK) {
			free(at);
			return false;
		}
	free(f->at);
	f->at = at;
	f->n = n;
	return true;
}

/* From malloc. */
static uint8_t *make_snapshot(const struct book_file *f, size_t *len)
{
	*len = sy_snapshot_size(f->n);
	uint8_t *bytes = malloc(*len);
	if (bytes == NULL)
		return NULL;
	sy_snapshot_begin(bytes, f->key, f->n);
	for (uint32_t i = 0; i < f->n; i++)
		sy_snapshot_put(bytes, i, &f->at[i]);
	return bytes;
}

void book_free(struct book_file *f)
{
	free(f->at);
	f->at = NULL;
	f->n = 0;
}

uint32_t book_keep(struct book_file *f, bool (*keep)(const struct sy_book_record *r, void *arg), void *arg)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++)
		if (keep(&f->at[i], arg))
			f->at[n++] = f->at[i];
	uint32_t gone = f->n - n;
	f->n = n;
	return gone;
}

uint32_t book_entries(const struct book_file *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++)
		n += f->at[i].type != SY_RECORD_BAN;
	return n;
}

struct sy_book_record *book_find(const struct book_file *f, const struct sy_id *id)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->at[i].type != SY_RECORD_BAN && memcmp(&f->at[i].addr.id, id, sizeof *id) == 0)
			return &f->at[i];
	return NULL;
}

/* ------------------------------------------------------------------ files */

bool book_load(struct book_file *f, const char *path, bool must_be_there, char error[BOOK_ERROR_TEXT])
{
	struct tp_message msg;
	uint8_t *bytes = NULL;
	size_t len;

	memset(f, 0, sizeof *f);
	snprintf(f->path, sizeof f->path, "%s", path);
	enum sy_err err = tp_addrbook_load(path, &bytes, &len, &msg);
	if (err == SY_NOT_FOUND && !must_be_there)
		return true;
	if (err == SY_NOT_FOUND)
		snprintf(error, BOOK_ERROR_TEXT, "there is no address book %.500s", path);
	else if (err != SY_OK)
		snprintf(error, BOOK_ERROR_TEXT, "%.600s", msg.text);
	else if (!take_snapshot(f, (struct sy_span){bytes, len}))
		snprintf(error, BOOK_ERROR_TEXT, "%.500s: out of memory", path);
	else {
		free(bytes);
		return true;
	}
	free(bytes);
	return false;
}

/* A copy beside it, of the same mode as books have. What is not there needs none. */
static enum sy_err back_up(const char *path, struct tp_message *msg)
{
	char copy[TP_PATH_MAX], *bytes;
	size_t len;
	int n = snprintf(copy, sizeof copy, "%s.bak", path);

	if (n < 0 || (size_t)n >= sizeof copy) {
		tp_message_set(msg, "the path is too long: %.200s...", path);
		return SY_INVALID;
	}
	enum sy_err err = tp_file_read(path, BACKUP_MAX, &bytes, &len, msg);
	if (err != SY_OK)
		return err == SY_NOT_FOUND ? SY_OK : err;
	err = tp_file_write(copy, bytes, len, 0644, msg);
	free(bytes);
	return err;
}

bool book_save(const struct book_file *f, char error[BOOK_ERROR_TEXT])
{
	struct tp_message msg = {.text = "out of memory"};
	char bans[TP_PATH_MAX];
	size_t len;
	uint8_t *bytes = make_snapshot(f, &len);
	enum sy_err err = bytes == NULL ? SY_NO_MEMORY : back_up(f->path, &msg);

	if (err == SY_OK)
		err = tp_addrbook_bans_path(f->path, bans, &msg);
	if (err == SY_OK)
		err = back_up(bans, &msg);
	if (err == SY_OK)
		err = tp_addrbook_save(f->path, (struct sy_span){bytes, len}, &msg);
	free(bytes);
	if (err != SY_OK)
		snprintf(error, BOOK_ERROR_TEXT, "%.600s", msg.text);
	return err == SY_OK;
}

/* ------------------------------------------------------------------ the core's book */

enum sy_err book_core_open(struct book_core *c, const struct book_file *f, bool strict)
{
	size_t len;
	uint64_t entity;

	memset(c, 0, sizeof *c);
	enum sy_err err = tp_env_open(&c->env);
	if (err != SY_OK)
		return err;
	tp_random(&entity, sizeof entity);
	c->book = sy_book_new(&c->env, sy_policy_of(SY_PROFILE_DEFAULT), strict, entity);
	uint8_t *bytes = c->book == NULL ? NULL : make_snapshot(f, &len);
	err = bytes == NULL ? SY_NO_MEMORY : SY_OK;
	if (err == SY_OK && f->key[0] != '\0')
		err = sy_book_load(c->book, (struct sy_span){bytes, len}, &c->dropped);
	free(bytes);
	if (err == SY_OK)
		return SY_OK;
	sy_book_free(c->book);
	tp_env_close(&c->env);
	return err;
}

enum sy_err book_core_close(struct book_core *c, struct book_file *f, bool keep)
{
	size_t len = keep ? sy_book_save(c->book, NULL, 0) : 0;
	uint8_t *bytes = keep ? malloc(len) : NULL;
	enum sy_err err = keep && bytes == NULL ? SY_NO_MEMORY : SY_OK;

	if (bytes != NULL && (sy_book_save(c->book, bytes, len) != len || !take_snapshot(f, (struct sy_span){bytes, len})))
		err = SY_NO_MEMORY;
	free(bytes);
	sy_book_free(c->book);
	tp_env_close(&c->env);
	return err;
}
