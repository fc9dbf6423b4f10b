#include "core/book/snapshot.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

#include <string.h>

/*
 * Layout, little-endian:
 *   head    "SYBK" | version u32 | key 24 | count u32                                              36 bytes
 *   record  addr 39 | src 39 | buckets 4 x u16 | num u8 | type u8 | attempts i32 | 3 x i64        116 bytes
 *   addr    id 20 | ip 16 | port u16 | flags u8
 */
#define HEAD_BYTES 36u
#define RECORD_BYTES 116u
#define KEY_TEXT 24u

static const uint8_t magic[4] = {'S', 'Y', 'B', 'K'};

static inline uint8_t *put_le(uint8_t *p, uint64_t v, size_t n)
{
	uint8_t bytes[8];
	sy_store_u64le(bytes, v);
	memcpy(p, bytes, n);
	return p + n;
}

static const uint8_t *get_le(const uint8_t *p, uint64_t *v, int n)
{
	*v = 0;
	for (int i = 0; i < n; i++)
		*v |= (uint64_t)*p++ << (8 * i);
	return p;
}

static uint8_t *put_addr(uint8_t *p, const struct sy_netaddr *a)
{
	memcpy(p, a->id.b, SY_ID_BYTES);
	memcpy(p + SY_ID_BYTES, a->ip, sizeof a->ip);
	p = put_le(p + SY_ID_BYTES + sizeof a->ip, a->port, 2);
	*p++ = a->flags;
	return p;
}

static const uint8_t *get_addr(const uint8_t *p, struct sy_netaddr *a)
{
	uint64_t v;
	memset(a, 0, sizeof *a);
	memcpy(a->id.b, p, SY_ID_BYTES);
	memcpy(a->ip, p + SY_ID_BYTES, sizeof a->ip);
	p = get_le(p + SY_ID_BYTES + sizeof a->ip, &v, 2);
	a->port = (uint16_t)v;
	a->flags = *p++ & (SY_ADDR_HAS_ID | SY_ADDR_BAD_CASE);
	return p;
}

size_t sy_snapshot_size(uint32_t records)
{
	return HEAD_BYTES + (size_t)records * RECORD_BYTES;
}

void sy_snapshot_begin(uint8_t *buf, const char key[24], uint32_t records)
{
	memcpy(buf, magic, sizeof magic);
	put_le(buf + 4, SY_SNAPSHOT_VERSION, 4);
	memcpy(buf + 8, key, KEY_TEXT);
	put_le(buf + 32, records, 4);
}

void sy_snapshot_put(uint8_t *buf, uint32_t n, const struct sy_book_record *record)
{
	uint8_t *p = buf + sy_snapshot_size(n);
	p = put_addr(p, &record->addr);
	p = put_addr(p, &record->src);
	for (int i = 0; i < 4; i++)
		p = put_le(p, record->buckets[i], 2);
	*p++ = record->num_buckets;
	*p++ = record->type;
	p = put_le(p, (uint32_t)record->attempts, 4);
	p = put_le(p, (uint64_t)record->last_attempt_s, 8);
	p = put_le(p, (uint64_t)record->last_success_s, 8);
	p = put_le(p, (uint64_t)record->last_ban_s, 8);
	SY_ASSERT(p == buf + sy_snapshot_size(n + 1));
}

enum sy_err sy_snapshot_open(struct sy_span bytes, char key[25], uint32_t *records)
{
	if (bytes.len < HEAD_BYTES || memcmp(bytes.ptr, magic, sizeof magic) != 0)
		return SY_CORRUPT;
	uint64_t version, count;
	get_le(bytes.ptr + 4, &version, 4);
	get_le(bytes.ptr + 32, &count, 4);
	if (version != SY_SNAPSHOT_VERSION || bytes.len - HEAD_BYTES != count * RECORD_BYTES)
		return SY_CORRUPT;
	memcpy(key, bytes.ptr + 8, KEY_TEXT);
	key[KEY_TEXT] = 0;
	*records = (uint32_t)count;
	return SY_OK;
}

enum sy_err sy_snapshot_get(struct sy_span bytes, uint32_t n, struct sy_book_record *record)
{
	if (bytes.len < sy_snapshot_size(n) || bytes.len - sy_snapshot_size(n) < RECORD_BYTES)
		return SY_CORRUPT;
	const uint8_t *p = bytes.ptr + sy_snapshot_size(n);
	uint64_t v;
	memset(record, 0, sizeof *record);
	p = get_addr(p, &record->addr);
	p = get_addr(p, &record->src);
	for (int i = 0; i < 4; i++) {
		p = get_le(p, &v, 2);
		record->buckets[i] = (uint16_t)v;
	}
	record->num_buckets = *p++;
	record->type = *p++;
	p = get_le(p, &v, 4);
	record->attempts = (int32_t)(uint32_t)v;
	p = get_le(p, &v, 8);
	record->last_attempt_s = (int64_t)v;
	p = get_le(p, &v, 8);
	record->last_success_s = (int64_t)v;
	get_le(p, &v, 8);
	record->last_ban_s = (int64_t)v;
	return SY_OK;
}
