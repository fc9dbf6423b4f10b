/*
 * Address books outside a node: read, shown, edited, written. Where an entry belongs is decided by the core's own book; what
 * needs no place (removing, pruning, looking) works on the records of the file.
 *
 *   file.c  file to records and back      edit.c  what changes them      merge.c  two books into one
 *   text.c  lists of id@host:port         show.c  tables and JSON        stats.c  groups, buckets, ages
 */
#ifndef SIM_BOOK_BOOK_H
#define SIM_BOOK_BOOK_H

#include <stdio.h>

#include "core/book/snapshot.h"
#include "core/switchyard.h"
#include "transport/files/atomic_file.h"

#define BOOK_ERROR_TEXT 640u

struct book_file {
	char path[TP_PATH_MAX];
	char key[25];              /* empty: the book is new, and the core draws one */
	struct sy_book_record *at; /* owned; entries, then bans */
	uint32_t n;
};

/* file.c. False with a line in error. A book that is not there is empty, unless it must be there. */
bool book_load(struct book_file *f, const char *path, bool must_be_there, char error[BOOK_ERROR_TEXT]);
/* Writes book and bans, each at once or not at all; what was there before stays beside them with ".bak" at the end. */
bool book_save(const struct book_file *f, char error[BOOK_ERROR_TEXT]);
void book_free(struct book_file *f);
/* Leaves out the records for which keep says no. Returns how many went. */
uint32_t book_keep(struct book_file *f, bool (*keep)(const struct sy_book_record *r, void *arg), void *arg);
/* How many records are no bans. */
uint32_t book_entries(const struct book_file *f);
/* The entry (not a ban) of this id, or null. */
struct sy_book_record *book_find(const struct book_file *f, const struct sy_id *id);

/* The core's book while it holds a file's records. */
struct book_core {
	struct sy_env env;
	struct sy_book *book;
	uint32_t dropped; /* records that made no sense to it */
};
/* Puts the records in. SY_NO_MEMORY, SY_CORRUPT, SY_LIMIT. */
SY_MUST enum sy_err book_core_open(struct book_core *c, const struct book_file *f, bool strict);
/* Takes them out again, unless keep is false, and ends it. SY_NO_MEMORY: the file is as it was. */
SY_MUST enum sy_err book_core_close(struct book_core *c, struct book_file *f, bool keep);

/* What an edit did. */
struct book_counts {
	uint32_t added, known, refused, removed;
	uint32_t dropped; /* records of the file that make no sense to the core and went */
	enum sy_err last_refused;
};

/* edit.c */
SY_MUST enum sy_err book_add(struct book_file *f, const struct sy_netaddr *addrs, uint32_t n, bool strict, uint64_t now_s,
                             struct book_counts *counts);
/* One address, or with no ip the whole id. */
SY_MUST enum sy_err book_ban(struct book_file *f, const struct sy_netaddr *who, bool strict, uint64_t now_s, uint64_t for_s);
/* Ends the bans of this id; what they took out of the book returns. counts->removed: how many. */
SY_MUST enum sy_err book_unban(struct book_file *f, const struct sy_id *id, bool strict, uint64_t now_s, struct book_counts *counts);

/* Which entries a command means; all conditions hold. */
struct book_filter {
	bool only_new, only_old, only_banned;
	bool failing;          /* the last attempt came after the last success, or there was none of either */
	bool never;            /* never reached */
	bool reached;          /* reached at least once */
	uint32_t attempts;     /* at least so many since the last success; 0: any */
	uint64_t older_than_s; /* neither reached nor tried since; 0: any */
	uint64_t now_s;
};
bool book_matches(const struct book_filter *filter, const struct sy_book_record *r);
bool book_filter_is_empty(const struct book_filter *filter);

/* merge.c: what `from` knows goes into f: of one id the address that answered last; the longer of two bans. */
SY_MUST enum sy_err book_merge(struct book_file *f, const struct book_file *from, bool strict, uint64_t now_s, struct book_counts *counts);

/* text.c: id@ip:port, one a line or separated by commas; # begins a comment. *addrs from malloc. False: error names the line. */
bool book_read_list(const char *path, struct sy_netaddr **addrs, uint32_t *n, char error[BOOK_ERROR_TEXT]);
/* "id@ip:port"; a name is no address. */
bool book_read_addr(const char *text, struct sy_netaddr *addr, char error[BOOK_ERROR_TEXT]);

/* show.c, stats.c */
enum book_order { BOOK_BY_ADDRESS = 0, BOOK_BY_ID, BOOK_BY_ATTEMPTS, BOOK_BY_ATTEMPT, BOOK_BY_SUCCESS };
void book_show(FILE *to, const struct book_file *f, const struct book_filter *filter, enum book_order order, uint32_t limit);
bool book_show_json(FILE *to, const struct book_file *f, const struct book_filter *filter, enum book_order order, uint32_t limit);
void book_export(FILE *to, const struct book_file *f, const struct book_filter *filter, enum book_order order);
bool book_stats(FILE *to, const struct book_file *f, uint64_t now_s, bool json);
/* The places of what matches, in order. From malloc, *n of them; null: no memory. */
uint32_t *book_sorted(const struct book_file *f, const struct book_filter *filter, enum book_order order, uint32_t *n);

#endif
