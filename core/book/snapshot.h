/*
 * The book as a flat sequence of records: what crosses the door when it is saved or loaded. Files are JSON in
 * CometBFT's format (transport/files); what an entry means and which are refused is decided here.
 */
#ifndef SY_BOOK_SNAPSHOT_H
#define SY_BOOK_SNAPSHOT_H

#include "core/book/book.h"

#define SY_SNAPSHOT_VERSION 1u

enum sy_record_type { SY_RECORD_NEW = 1, SY_RECORD_OLD = 2, SY_RECORD_BAN = 3 };

/*
 * What buckets[0] of a ban says (num_buckets is 1); 0, or no bucket, in a file made by hand: the whole id, and nothing comes
 * back when the ban ends.
 */
enum sy_ban_flag {
	SY_BAN_ONE_ADDR = 1, /* only this address of the id (D-30) */
	SY_BAN_WAS_OLD = 2,
	SY_BAN_FROM_BOOK = 4, /* it was in the book, and returns there; src is set */
};

struct sy_book_record {
	struct sy_netaddr addr, src;
	uint16_t buckets[4];
	uint8_t num_buckets;
	uint8_t type;                           /* enum sy_record_type: 1 new, 2 old; 3: a ban, not an entry (side file) */
	int32_t attempts;                       /* the book counts to 65,535 */
	int64_t last_attempt_s, last_success_s; /* Unix seconds; 0: Go's zero time */
	int64_t last_ban_s;                     /* of a ban: when it ends. The book keeps none of an entry and saves 0 */
};

/* Codec, fixed little-endian layout: magic "SYBK", version, 24 characters of key, count, records. */
size_t sy_snapshot_size(uint32_t records);
void sy_snapshot_begin(uint8_t *buf, const char key[24], uint32_t records);
void sy_snapshot_put(uint8_t *buf, uint32_t n, const struct sy_book_record *record);
/* SY_CORRUPT: wrong magic, version or length. */
SY_MUST enum sy_err sy_snapshot_open(struct sy_span bytes, char key[25], uint32_t *records);
SY_MUST enum sy_err sy_snapshot_get(struct sy_span bytes, uint32_t n, struct sy_book_record *record);

/* The whole book, bans included where they persist (D-31). With buf == null the size needed; 0 when cap is too small. */
size_t sy_book_save(const struct sy_book *book, uint8_t *buf, size_t cap);
/*
 * Into an empty book (else SY_INVALID); the key comes from the snapshot. Entries that make no sense (no bucket, index out of
 * range, bucket full, invalid, private or own address, duplicate id) and bans where they do not persist are dropped and counted in
 * *dropped. SY_CORRUPT, SY_NO_MEMORY: the book is empty.
 */
SY_MUST enum sy_err sy_book_load(struct sy_book *book, struct sy_span bytes, uint32_t *dropped);

#endif
