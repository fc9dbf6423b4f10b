/*
 * One file of an address book, from JSON to records. What Go would refuse to parse is an error; what Go would parse and
 * then stumble over (no buckets, an id that is none) becomes a record that the core drops and counts.
 */
#include "transport/files/addrbook_private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "transport/files/rfc3339.h"

/* Where in the file the reader is, for its messages. */
struct place {
	const struct addrbook_file *file;
	uint32_t index;
	const char *part; /* "" or "addr." or "src." */
	struct tp_message *msg;
};

static enum sy_err wrong(const struct place *at, const char *key, const char *expected)
{
	tp_message_set(at->msg,
	               "%s: %s[%u].%s%s: expected %s. Correct it, restore the file from a backup, or remove it to begin with an empty book",
	               at->file->path, at->file->list, at->index, at->part, key, expected);
	return SY_CORRUPT;
}

/* ---- pieces; a key that is missing or null is Go's zero value ---- */

static bool absent(const json_t *value)
{
	return !value || json_is_null(value);
}

static enum sy_err read_int(const struct place *at, const json_t *entry, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(entry, key);
	*out = 0;
	if (absent(value))
		return SY_OK;
	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= min && *out <= max ? SY_OK : wrong(at, key, "an integer in range");
}

static enum sy_err read_time(const struct place *at, const json_t *entry, const char *key, int64_t *unix_s)
{
	const json_t *value = json_object_get(entry, key);
	*unix_s = 0;
	if (absent(value) || (json_is_string(value) && tp_rfc3339_parse(json_string_value(value), unix_s)))
		return SY_OK;
	return wrong(at, key, "a time like 2026-08-04T06:24:08.123Z");
}

static bool parse_ip(const char *text, uint8_t ip[16])
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	if (text[0] == '\0')
		return true; /* Go writes no address so: the record keeps none */
	if (inet_pton(AF_INET6, text, ip) == 1)
		return true;
	memcpy(ip, prefix, sizeof(prefix));
	return inet_pton(AF_INET, text, ip + 12) == 1;
}

static enum sy_err read_id(const struct place *at, const json_t *value, struct sy_netaddr *addr)
{
	bool bad_case = false;
	if (absent(value))
		return SY_OK;
	if (!json_is_string(value))
		return wrong(at, "id", "a text");
	if (sy_id_parse(json_string_value(value), json_string_length(value), &addr->id, &bad_case) == SY_OK)
		addr->flags = (uint8_t)(SY_ADDR_HAS_ID | (bad_case ? SY_ADDR_BAD_CASE : 0));
	return SY_OK;
}

static enum sy_err read_addr(struct place at, const json_t *entry, const char *key, const char *part, struct sy_netaddr *addr)
{
	const json_t *value = json_object_get(entry, key);
	memset(addr, 0, sizeof(*addr));
	if (absent(value))
		return SY_OK;
	if (!json_is_object(value))
		return wrong(&at, key, "an object with id, ip and port");
	at.part = part;
	const json_t *ip = json_object_get(value, "ip");
	if (!absent(ip) && (!json_is_string(ip) || !parse_ip(json_string_value(ip), addr->ip)))
		return wrong(&at, "ip", "an IP address");
	int64_t port;
	enum sy_err err = read_int(&at, value, "port", 0, UINT16_MAX, &port);
	addr->port = (uint16_t)port;
	return err != SY_OK ? err : read_id(&at, json_object_get(value, "id"), addr);
}

/* More buckets than there can be, or one that no book has, leave none: the core drops such an entry. */
static enum sy_err read_buckets(const struct place *at, const json_t *entry, struct sy_book_record *record)
{
	const json_t *value = json_object_get(entry, "buckets");
	if (absent(value))
		return SY_OK;
	if (!json_is_array(value))
		return wrong(at, "buckets", "a list of integers");
	size_t n = json_array_size(value);
	bool usable = n <= 4;
	for (size_t i = 0; i < n; i++) {
		const json_t *bucket = json_array_get(value, i);
		json_int_t v = json_integer_value(bucket);
		if (!json_is_integer(bucket))
			return wrong(at, "buckets", "a list of integers");
		usable = usable && v >= 0 && v <= UINT16_MAX;
		if (usable)
			record->buckets[i] = (uint16_t)v;
	}
	record->num_buckets = usable ? (uint8_t)n : 0;
	return SY_OK;
}

/* Anything but a known type becomes a new entry without buckets. A ban can only come from the file of bans. */
static enum sy_err read_type(const struct place *at, const json_t *entry, struct sy_book_record *record)
{
	int64_t type;
	enum sy_err err = read_int(at, entry, "bucket_type", 0, UINT8_MAX, &type);
	if (err != SY_OK)
		return err;
	bool is_ban_file = strcmp(at->file->list, "bans") == 0;
	bool known = is_ban_file ? type == SY_RECORD_BAN : type == SY_RECORD_NEW || type == SY_RECORD_OLD;
	record->type = (uint8_t)(is_ban_file ? SY_RECORD_BAN : known ? type : SY_RECORD_NEW);
	if (!known && !is_ban_file)
		record->num_buckets = 0;
	return SY_OK;
}

static enum sy_err read_entry(const struct place *at, const json_t *entry, struct sy_book_record *record)
{
	int64_t attempts = 0;
	memset(record, 0, sizeof(*record));
	if (!json_is_object(entry))
		return wrong(at, "addr", "an entry like those upstream writes");
	enum sy_err err = read_addr(*at, entry, "addr", "addr.", &record->addr);
	if (err == SY_OK)
		err = read_addr(*at, entry, "src", "src.", &record->src);
	if (err == SY_OK)
		err = read_buckets(at, entry, record);
	if (err == SY_OK)
		err = read_type(at, entry, record);
	if (err == SY_OK)
		err = read_int(at, entry, "attempts", INT32_MIN, INT32_MAX, &attempts);
	if (err == SY_OK)
		err = read_time(at, entry, "last_attempt", &record->last_attempt_s);
	if (err == SY_OK)
		err = read_time(at, entry, "last_success", &record->last_success_s);
	if (err == SY_OK)
		err = read_time(at, entry, "last_ban_time", &record->last_ban_s);
	record->attempts = (int32_t)attempts;
	return err;
}

/* ---- the file ---- */

static bool is_key(const char *text)
{
	size_t n = 0;
	while (text[n] && isxdigit((unsigned char)text[n]))
		n++;
	return text[n] == '\0' && n == ADDRBOOK_KEY_TEXT;
}

enum sy_err tp_addrbook_open(struct addrbook_file *file, const json_t *root, struct tp_message *msg)
{
	const char *key = json_string_value(json_object_get(root, "key"));
	file->array = json_object_get(root, file->list);
	if (!key || !is_key(key)) {
		tp_message_set(msg, "%s: key: expected %d hex digits. Restore the file from a backup, or remove it to begin with an empty book",
		               file->path, ADDRBOOK_KEY_TEXT);
		return SY_CORRUPT;
	}
	if (!absent(file->array) && !json_is_array(file->array)) {
		tp_message_set(msg, "%s: %s: expected a list of entries", file->path, file->list);
		return SY_CORRUPT;
	}
	memcpy(file->key, key, sizeof(file->key));
	file->count = json_array_size(file->array); /* 0 when it is null */
	return SY_OK;
}

enum sy_err tp_addrbook_read(const struct addrbook_file *file, uint8_t *snapshot, uint32_t first, struct tp_message *msg)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct place at = {.file = file, .index = (uint32_t)i, .part = "", .msg = msg};
		struct sy_book_record record;
		enum sy_err err = read_entry(&at, json_array_get(file->array, i), &record);
		if (err != SY_OK)
			return err;
		sy_snapshot_put(snapshot, first + (uint32_t)i, &record);
	}
	return SY_OK;
}
