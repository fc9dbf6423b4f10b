/*
 * An address book's file, down to the core, and back: what the core keeps of it is written, and the written file holds what
 * the core has.
 */
#include <stdlib.h>
#include <unistd.h>

#include "core/base/policy.h"
#include "core/book/book.h"
#include "core/book/intern.h"
#include "core/book/snapshot.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/env.h"
#include "transport/files/addrbook_json.h"
#include "transport/files/addrbook_private.h"

static struct sy_book *open_book(struct test_env *t, uint8_t how)
{
	test_env_init(t, 1);
	t->env.addrs = sy_addrs_new(&t->env, 4096, true);
	FUZZ_HOLDS(t->env.addrs != NULL);
	return sy_book_new(&t->env, sy_policy_of(how & 1 ? SY_PROFILE_UPSTREAM : SY_PROFILE_DEFAULT), how & 2, 7);
}

static void close_book(struct test_env *t, struct sy_book *book)
{
	sy_book_free(book);
	sy_addrs_free(t->env.addrs, &t->env);
	FUZZ_HOLDS(t->live_blocks == 0);
}

/* The file of a book that was read, read again. */
static void back(struct sy_book *book, uint8_t how)
{
	struct addrbook_text text = {0};
	struct test_env t;
	size_t len;
	uint32_t count, dropped;
	struct sy_netaddr any;
	uint8_t *snapshot, *again;
	struct tp_message msg;
	char path[FUZZ_PATH];
	int fd;

	len = sy_book_save(book, NULL, 0);
	snapshot = malloc(len);
	FUZZ_HOLDS(snapshot != NULL);
	FUZZ_HOLDS(sy_book_save(book, snapshot, len) == len);
	FUZZ_HOLDS(tp_addrbook_print(&text, "addrs", (struct sy_span){snapshot, len}, false, &count) == SY_OK);
	FUZZ_HOLDS(count == sy_book_counts(book).new_addrs + sy_book_counts(book).old_addrs);
	fuzz_file((struct fuzz_in){(const uint8_t *)text.buf, text.len}, &fd, path);
	FUZZ_HOLDS(tp_addrbook_load(path, &again, &len, &msg) == SY_OK);
	close(fd);
	struct sy_book *other = open_book(&t, how);
	FUZZ_HOLDS(sy_book_load(other, (struct sy_span){again, len}, &dropped) == SY_OK && dropped == 0);
	FUZZ_HOLDS(sy_book_counts(other).new_addrs + sy_book_counts(other).old_addrs == count);
	FUZZ_HOLDS(sy_book_pick(other, 50, &any) == (count != 0));
	close_book(&t, other);
	free(again);
	free(snapshot);
	free(text.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	uint8_t how = fuzz_byte(&in), *snapshot;
	struct tp_message msg = {.text = ""};
	struct test_env t;
	char path[FUZZ_PATH];
	size_t len;
	uint32_t dropped;
	int fd;

	fuzz_file(in, &fd, path);
	enum sy_err err = tp_addrbook_load(path, &snapshot, &len, &msg);
	close(fd);
	FUZZ_HOLDS(err == SY_OK || ((err == SY_PARSE || err == SY_CORRUPT) && msg.text[0] != '\0'));
	if (err != SY_OK)
		return 0;
	struct sy_book *book = open_book(&t, how);
	err = sy_book_load(book, (struct sy_span){snapshot, len}, &dropped);
	FUZZ_HOLDS(err == SY_OK || err == SY_CORRUPT);
	if (err == SY_OK)
		back(book, how);
	close_book(&t, book);
	free(snapshot);
	return 0;
}
