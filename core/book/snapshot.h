/*
 * The book as a flat sequence of records: what crosses the door when it is saved or loaded. Files are JSON in
 * CometBFT's format (transport/files); what an entry means and which are refused is decided here.
 */
#ifndef SY_BOOK_SNAPSHOT_H
#define SY_BOOK_SNAPSHOT_H

#include "core/book/book.h"

#define SY_SNAPSHOT_VERSION 1u

struct sy_book_record {
	struct sy_netaddr addr, src;
	uint16_t buckets[4];
	uint8_t num_buckets;
	uint8_t type;          /* 1 new, 2 old; 3: a ban, not an entry (side file) */
	int32_t attempts;
	int64_t last_attempt_s, last_success_s, last_ban_s; /* Unix seconds; 0: Go's zero time */
};

/* Codec, fixed little-endian layout: magic "SYBK", version, 24 characters of key, count, records. */
size_t sy_snapshot_size(uint32_t records);
void sy_snapshot_begin(uint8_t *buf, const char key[24], uint32_t records);
void sy_snapshot_put(uint8_t *buf, uint32_t n, const struct sy_book_record *record);
/* SY_CORRUPT: wrong magic, version or length. */
SY_MUST enum sy_err sy_snapshot_open(struct sy_span bytes, char key[25], uint32_t *records);
SY_MUST enum sy_err sy_snapshot_get(struct sy_span bytes, uint32_t n, struct sy_book_record *record);

/* The whole book, bans included. With buf == null the size needed. */
size_t sy_book_save(const struct sy_book *book, uint8_t *buf, size_t cap);
/*
 * Into an empty book. Entries that make no sense (no bucket, index out of range, invalid address, duplicate id) are
 * dropped and counted in *dropped. SY_CORRUPT leaves the book empty. SY_NO_MEMORY.
 */
SY_MUST enum sy_err sy_book_load(struct sy_book *book, struct sy_span bytes, uint32_t *dropped);

#endif
