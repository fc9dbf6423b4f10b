/*
 * The address book: who was heard of, from whom, and whether it was ever reached. Source: protocol.md 6, D-27 to D-31.
 * Times are Unix seconds. Memory: at most 48 bytes an entry beside the interned address, all shares counted.
 */
#ifndef SY_BOOK_BOOK_H
#define SY_BOOK_BOOK_H

#include "core/base/policy.h"
#include "core/base/rng.h"
#include "core/book/lists.h"
#include "core/switchyard.h"

struct sy_book;

#define SY_BOOK_NEED_MORE 1000u

/* `entity` names the random streams; the key is drawn unless a snapshot brings one. Null when there is no memory. */
struct sy_book *sy_book_new(const struct sy_env *env, const struct sy_policy *policy, bool strict, uint64_t entity);
void sy_book_free(struct sy_book *book);

/* Our id, before anything is loaded: in default it is ours at any address (D-37). */
void sy_book_set_own_id(struct sy_book *book, const struct sy_id *id);
void sy_book_add_own(struct sy_book *book, const struct sy_netaddr *addr); /* "our addresses"; past SY_LIMIT_OWN_ADDRS an early one goes */
bool sy_book_is_own(const struct sy_book *book, const struct sy_netaddr *addr);
/* Whom the book refuses; borrowed, may be null. What is in it already goes by sy_book_purge, which returns how many went. */
void sy_book_set_lists(struct sy_book *book, const struct sy_lists *lists);
uint32_t sy_book_purge(struct sy_book *book);
bool sy_book_add_private(struct sy_book *book, const struct sy_id *id); /* false: no room (SY_LIMIT_ID_LIST) or no memory */

/*
 * SY_OK (added, one more bucket, or another address of a known id: D-29), SY_ADDR_KNOWN (nothing changed), SY_ADDR_INVALID,
 * SY_BANNED, SY_BLOCKED, SY_ADDR_PRIVATE, SY_ADDR_PRIVATE_SRC, SY_ADDR_OWN, SY_ADDR_UNROUTABLE, SY_NO_MEMORY, SY_LIMIT; checks in the order
 * of protocol.md 6.5.
 */
SY_MUST enum sy_err sy_book_add(struct sy_book *book, const struct sy_netaddr *addr, const struct sy_netaddr *src, uint64_t now_s);
/*
 * Says which addresses (at most SY_BOOK_EXPECT_MAX at once) will be added next. Changes nothing; it lets their cache misses
 * overlap, which are most of what adding a known address costs when a process holds thousands of books.
 */
#define SY_BOOK_EXPECT_MAX 32u
void sy_book_expect(const struct sy_book *book, const struct sy_netaddr *addrs, size_t n);
/* Both for addresses that are interned (an append-only table): the result is that of sy_book_add, with less to look up. */
SY_MUST enum sy_err sy_book_add_known(struct sy_book *book, uint32_t index, uint32_t src, uint64_t now_s);
void sy_book_expect_known(const struct sy_book *book, const uint32_t *indices, size_t n);
void sy_book_remove(struct sy_book *book, const struct sy_id *id);
void sy_book_mark_attempt(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s);
void sy_book_mark_good(struct sy_book *book, const struct sy_id *id, uint64_t now_s);
/* The address answered with its id: it counts as reached and is not given up for hearsay (D-29). It stays new or old. */
void sy_book_mark_reached(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s);
/* The same by a seed, which looks at all of its addresses: it becomes an old one, which no flood of new ones pushes out (D-26). */
void sy_book_mark_verified(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s);
/*
 * Bans the id for what it did. SY_OK, SY_NOT_FOUND when the id is not in the book (upstream; D-13 bans it all the same in
 * default), SY_NO_MEMORY, SY_LIMIT. Past SY_LIMIT_BANS the ban that ends first makes room.
 */
SY_MUST enum sy_err sy_book_mark_bad(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s, uint64_t for_s);
/* Bans for failed dials: only this address of the id (D-30), the id in upstream. Errors as above. */
SY_MUST enum sy_err sy_book_ban_address(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s, uint64_t for_s);
/* Ends the bans that are over; what they took out of the book returns. */
void sy_book_reinstate(struct sy_book *book, uint64_t now_s);

bool sy_book_has(const struct sy_book *book, const struct sy_id *id);
bool sy_book_is_good(const struct sy_book *book, const struct sy_id *id);
bool sy_book_is_banned(const struct sy_book *book, const struct sy_id *id, uint64_t now_s);
bool sy_book_needs_more(const struct sy_book *book); /* size < SY_BOOK_NEED_MORE */
struct sy_book_counts sy_book_counts(const struct sy_book *book);
uint32_t sy_book_version(const struct sy_book *book); /* changes whenever what sy_book_save writes may have changed */

/* bias: percent towards new addresses, clamped. False: none. */
SY_MUST bool sy_book_pick(struct sy_book *book, uint32_t bias, struct sy_netaddr *addr);
/* out holds SY_PEX_SELECTION_MAX + 1. Return how many. */
size_t sy_book_selection(struct sy_book *book, struct sy_netaddr *out);
size_t sy_book_selection_biased(struct sy_book *book, uint32_t bias, struct sy_netaddr *out);
/* The same as interned indices, valid until the book changes. */
size_t sy_book_select(struct sy_book *book, uint32_t *out);
size_t sy_book_select_biased(struct sy_book *book, uint32_t bias, uint32_t *out);
void sy_book_each(const struct sy_book *book, void (*visit)(void *arg, const struct sy_netaddr *addr, bool old), void *arg);

/*
 * Verification (D-26), for seeds: one look at each entry a call. An address is fresh for fresh_s after it answered, aged for
 * SY_BOOK_AGED times as long; with SY_BOOK_ENOUGH of the two nothing else is handed out, the fresh ones first. With fewer, what
 * was reached longer ago and what was not tried fill up; what failed only when nothing was verified at all.
 */
#define SY_BOOK_AGED 6u
#define SY_BOOK_ENOUGH 32u
size_t sy_book_select_verified(struct sy_book *book, uint64_t now_s, uint32_t fresh_s, uint32_t *out);
uint32_t sy_book_count_verified(const struct sy_book *book, uint64_t now_s, uint32_t fresh_s); /* fresh and aged ones */
/*
 * Which addresses are to be dialled now, at most max of them (max <= SY_BOOK_DUE_MAX), what has waited longest first, and in
 * turn one that answered before and one that did not, so that a flood of new ones does not keep the others from being looked at. Due: at
 * once when never tried; interval_s after a success; after the n-th failure 2^(n-1) minutes, at most interval_s.
 */
#define SY_BOOK_DUE_MAX 32u
size_t sy_book_due(const struct sy_book *book, uint64_t now_s, uint32_t interval_s, struct sy_netaddr *out, size_t max);
/* It is being dialled, or cannot be for a reason of ours: others come first from now on. */
void sy_book_postpone(struct sy_book *book, const struct sy_netaddr *addr, uint64_t now_s);
/* Did it fail so often that a seed lets it go: three times, or ten times when it had answered before? */
bool sy_book_is_lost(const struct sy_book *book, const struct sy_netaddr *addr);

/* Exposed for the vectors of protocol.md 6.3 with SipHash in place of HighwayHash: bucket indices are in range and stable for a key. */
uint32_t sy_book_new_bucket(const struct sy_book *book, const struct sy_netaddr *addr, const struct sy_netaddr *src);
uint32_t sy_book_old_bucket(const struct sy_book *book, const struct sy_netaddr *addr);

#endif
