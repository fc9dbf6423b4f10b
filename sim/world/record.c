/* Records of runs: items to bytes and back. */
#include <string.h>

#include "core/base/hash.h"
#include "sim/world/record.h"

#define ITEM_BYTES 24u

static const char magic[8] = {'S', 'Y', 'R', 'U', 'N', 0, 1, '\n'};

static bool has_text(enum sim_item_kind kind)
{
	return kind == SIM_ITEM_ABOUT || kind == SIM_ITEM_NAME;
}

bool sim_record_begin(FILE *to)
{
	return fwrite(magic, sizeof magic, 1, to) == 1;
}

bool sim_item_write(FILE *to, const struct sim_item *item)
{
	size_t len = has_text(item->kind) ? strnlen(item->text, SIM_ITEM_TEXT - 1) : 0;
	uint16_t detail = has_text(item->kind) ? (uint16_t)len : item->detail;
	uint8_t b[ITEM_BYTES];
	sy_store_u64le(b, (uint64_t)item->who << 32 | (uint64_t)detail << 16 | (uint64_t)item->class_ << 8 | (uint64_t)item->kind);
	sy_store_u64le(b + 8, item->at_ns);
	sy_store_u64le(b + 16, item->value);
	return fwrite(b, sizeof b, 1, to) == 1 && (len == 0 || fwrite(item->text, len, 1, to) == 1);
}

enum sim_item_read sim_record_open(FILE *from)
{
	char found[sizeof magic];
	bool ours = fread(found, sizeof found, 1, from) == 1 && memcmp(found, magic, sizeof magic) == 0;
	return ours ? SIM_READ_ITEM : SIM_READ_BAD;
}

enum sim_item_read sim_item_read(FILE *from, struct sim_item *item)
{
	uint8_t b[ITEM_BYTES];
	size_t n = fread(b, 1, sizeof b, from);
	if (n != sizeof b) {
		return n == 0 && feof(from) ? SIM_READ_END : SIM_READ_BAD;
	}
	uint64_t head = sy_load_u64le(b);
	uint8_t kind = (uint8_t)head;
	if (kind < SIM_ITEM_ABOUT || kind > SIM_ITEM_END) {
		return SIM_READ_BAD;
	}
	item->kind = (enum sim_item_kind)kind;
	item->class_ = (uint8_t)(head >> 8);
	item->detail = (uint16_t)(head >> 16);
	item->who = (uint32_t)(head >> 32);
	item->at_ns = sy_load_u64le(b + 8);
	item->value = sy_load_u64le(b + 16);
	item->text[0] = '\0';
	if (!has_text(item->kind)) {
		return SIM_READ_ITEM;
	}
	if (item->detail >= SIM_ITEM_TEXT || fread(item->text, 1, item->detail, from) != item->detail) {
		return SIM_READ_BAD;
	}
	item->text[item->detail] = '\0';
	return SIM_READ_ITEM;
}
