/*
 * The inside of the book, shared by its own files only.
 *
 * Entries lie dense in one array, the new ones first, so that a uniform draw is a draw of a place. A bucket is a list
 * threaded through the entries: an empty one costs three bytes, a reference two, and nothing is allocated to insert.
 * Order of everything here depends on the history of calls alone. Source: protocol.md 6.2.
 */
#ifndef SY_BOOK_STATE_H
#define SY_BOOK_STATE_H

#include "core/book/book.h"
#include "core/book/index.h"
#include "core/book/intern.h"
#include "core/wire/group.h"

#define BOOK_NEW_BUCKETS 256u
#define BOOK_OLD_BUCKETS 64u
#define BOOK_BUCKETS (BOOK_NEW_BUCKETS + BOOK_OLD_BUCKETS) /* old ones are numbered behind the new */
#define BOOK_BUCKET_MAX 65u                                /* upstream's "larger than 64" is asked before inserting: protocol.md 6.1 */
#define BOOK_REFS_MAX 4u                                   /* new buckets an address */
#define BOOK_NEW_PER_GROUP 32u
#define BOOK_OLD_PER_GROUP 4u
#define BOOK_ENTRIES_MAX (BOOK_BUCKETS * BOOK_BUCKET_MAX)
#define BOOK_KEY_TEXT 24u
#define BOOK_NONE UINT16_MAX

enum book_type { BOOK_NEW = 1, BOOK_OLD = 2 };

struct book_entry {
	uint32_t addr, src;            /* interned, a reference each */
	uint32_t last_attempt_s;       /* Unix seconds; the time of creation until the first attempt */
	uint32_t last_success_s;       /* 0: never */
	uint16_t next[BOOK_REFS_MAX];  /* in the list of bucket[k] */
	uint8_t bucket[BOOK_REFS_MAX]; /* of the entry's kind */
	uint16_t attempts;             /* since the last success; stops counting at 65,535 */
	uint8_t num;                   /* buckets that hold it */
	uint8_t type;                  /* enum book_type */
};
_Static_assert(sizeof(struct book_entry) == 32, "the budget is 48 bytes with lookup and slack");

/* A banned id, or one address of it. */
struct book_ban {
	uint32_t addr, src; /* interned, a reference each; src 0: it was not in the book */
	uint32_t until_s;
	uint32_t last_attempt_s;
	uint16_t attempts;
	bool one_addr; /* only this address of the id (D-30) */
	bool was_old;
};

struct sy_book {
	const struct sy_env *env;
	const struct sy_policy *policy;
	struct sy_rng rng;
	uint32_t version;
	bool strict;
	bool own_inside; /* an own address may be among the entries: it was learnt to be ours later */
	char key[BOOK_KEY_TEXT];
	uint8_t sip[16]; /* from the key: the same key gives the same buckets */

	struct book_entry *entries;
	uint32_t cap, num_new, num_old;
	struct sy_index by_id; /* hash of the id's interned index -> place */
	uint16_t heads[BOOK_BUCKETS];
	uint8_t lens[BOOK_BUCKETS];

	struct book_ban *bans;
	uint32_t bans_cap, num_bans;
	struct sy_index bans_by_id;

	const struct sy_lists *lists;

	struct sy_netaddr *own;
	struct sy_id own_id;
	bool has_own_id;
	uint32_t own_cap, num_own;
	struct sy_id *private_ids;
	uint32_t private_cap, num_private;
};

static inline uint32_t book_size(const struct sy_book *b)
{
	return b->num_new + b->num_old;
}
static inline const struct sy_netaddr *book_addr(const struct sy_book *b, uint32_t index)
{
	return sy_addrs_get(b->env->addrs, index);
}
static inline bool book_same_addr(const struct sy_netaddr *a, const struct sy_netaddr *b)
{
	return a->port == b->port && __builtin_memcmp(a, b, offsetof(struct sy_netaddr, port)) == 0 && a->flags == b->flags;
}

/* entries.c: places of entries and their bucket lists. Places change with every attach and detach. */
uint16_t book_id_hash(uint32_t id);
uint32_t book_find_id_index(const struct sy_book *b, uint32_t id);               /* the place, BOOK_NONE: not there */
uint32_t book_find_addr(const struct sy_book *b, const struct sy_netaddr *addr); /* by its id */
SY_MUST bool book_reserve(struct sy_book *b);                                    /* room for one more entry */
uint32_t book_attach(struct sy_book *b, const struct book_entry *e);             /* into no bucket; takes its references */
void book_detach(struct sy_book *b, uint32_t at, struct book_entry *e);          /* out of all buckets; hands its references over */
void book_drop(struct sy_book *b, uint32_t at);                                  /* detach and give the references back */
bool book_in_bucket(const struct sy_book *b, uint32_t at, uint32_t bucket);
void book_link(struct sy_book *b, uint32_t at, uint32_t bucket);
void book_unlink(struct sy_book *b, uint32_t at, uint32_t bucket); /* the entry stays, possibly in no bucket */
uint32_t book_bucket_next(const struct sy_book *b, uint32_t at, uint32_t bucket);
uint32_t book_bucket_oldest(const struct sy_book *b, uint32_t bucket);
/* Makes room in a new bucket that is full; entries may move. Source: protocol.md 6.5. */
void book_expire(struct sy_book *b, uint32_t bucket, uint64_t now_s);
uint32_t book_time(uint64_t s);

/* buckets.c */
void book_set_key(struct sy_book *b, const char key[BOOK_KEY_TEXT]);
uint32_t book_new_bucket(const struct sy_book *b, struct sy_span addr_group, struct sy_span src_group);
struct sy_span book_group(const struct sy_book *b, const struct sy_netaddr *addr, char text[SY_GROUP_TEXT]);

/* add.c: references are the caller's until SY_OK. */
SY_MUST enum sy_err book_add_entry(struct sy_book *b, struct book_entry *e, uint64_t now_s);
bool book_is_private(const struct sy_book *b, const struct sy_id *id);
struct sy_netaddr book_normal(const struct sy_book *b, const struct sy_netaddr *addr);

/* bans.c */
bool book_ban_holds(const struct sy_book *b, uint32_t id, const struct sy_netaddr *addr, uint64_t now_s);
SY_MUST enum sy_err book_ban_put(struct sy_book *b, const struct book_ban *ban); /* takes the references when SY_OK */
void book_bans_clear(struct sy_book *b);

/* book.c */
bool book_is_listed(const struct sy_book *b, const struct sy_netaddr *addr); /* a list refuses it */
void book_entries_clear(struct sy_book *b);

/* pick.c: how many addresses an answer has; k distinct numbers of [0, n) in random order, k <= SY_PEX_SELECTION_MAX + 1 and k <= n <= 65,535. */
#define BOOK_SELECTION_MIN 32u
uint32_t book_selection_size(const struct sy_book *b);
void book_sample(struct sy_book *b, uint32_t n, uint32_t k, uint16_t *out);

/* mark.c: the entry that a dial of this address concerns; BOOK_NONE also when the id has got another address since (D-29). */
uint32_t book_find_dialled(const struct sy_book *b, const struct sy_netaddr *addr);

#endif
