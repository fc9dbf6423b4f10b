/*
 * One file of an address book, from records to JSON, byte for byte in upstream's form: tabs, one value a line, no newline
 * at the end. Nothing that is printed needs escaping: ids, addresses, numbers, times, and a key of hex digits.
 */
#include "transport/files/addrbook_private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/files/rfc3339.h"

#define LINE_MAX_BYTES 256u

static bool reserve(struct addrbook_text *text, size_t more)
{
	if (text->len + more <= text->cap)
		return true;
	size_t cap = text->cap ? text->cap * 2 : 4096;
	char *buf = realloc(text->buf, cap);
	if (!buf)
		return false;
	text->buf = buf;
	text->cap = cap;
	return true;
}

static void __attribute__((format(printf, 2, 3))) say(struct addrbook_text *text, const char *format, ...)
{
	va_list args;
	text->failed = text->failed || !reserve(text, LINE_MAX_BYTES);
	if (text->failed)
		return;
	va_start(args, format);
	int n = vsnprintf(text->buf + text->len, LINE_MAX_BYTES, format, args);
	va_end(args);
	text->len += n > 0 ? (size_t)n : 0;
}

static bool all_zero(const uint8_t ip[16])
{
	static const uint8_t zero[16] = {0};
	return memcmp(ip, zero, 16) == 0;
}

static void say_addr(struct addrbook_text *text, const char *name, const struct sy_netaddr *addr)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	char id[SY_ID_TEXT] = "", ip[INET6_ADDRSTRLEN] = "";
	if (addr->flags & SY_ADDR_HAS_ID)
		sy_id_format(&addr->id, id);
	if (memcmp(addr->ip, prefix, 12) == 0)
		inet_ntop(AF_INET, addr->ip + 12, ip, sizeof(ip));
	else if (!all_zero(addr->ip))
		inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
	say(text, "\t\t\t\"%s\": {\n\t\t\t\t\"id\": \"%s\",\n", name, id);
	say(text, "\t\t\t\t\"ip\": \"%s\",\n\t\t\t\t\"port\": %u\n\t\t\t},\n", ip, (unsigned)addr->port);
}

static void say_buckets(struct addrbook_text *text, const struct sy_book_record *r)
{
	if (r->num_buckets == 0) {
		say(text, "\t\t\t\"buckets\": null,\n");
		return;
	}
	say(text, "\t\t\t\"buckets\": [\n");
	for (unsigned i = 0; i < r->num_buckets && i < 4; i++)
		say(text, "\t\t\t\t%u%s\n", (unsigned)r->buckets[i], i + 1u < r->num_buckets ? "," : "");
	say(text, "\t\t\t],\n");
}

static void say_time(struct addrbook_text *text, const char *name, int64_t unix_s, const char *comma)
{
	char time[TP_RFC3339_TEXT];
	tp_rfc3339_format(unix_s, time);
	say(text, "\t\t\t\"%s\": \"%s\"%s\n", name, time, comma);
}

static void say_entry(struct addrbook_text *text, const struct sy_book_record *r, bool first)
{
	say(text, "%s\t\t{\n", first ? "\n" : ",\n");
	say_addr(text, "addr", &r->addr);
	say_addr(text, "src", &r->src);
	say_buckets(text, r);
	say(text, "\t\t\t\"attempts\": %d,\n\t\t\t\"bucket_type\": %u,\n", (int)r->attempts, (unsigned)r->type);
	say_time(text, "last_attempt", r->last_attempt_s, ",");
	say_time(text, "last_success", r->last_success_s, ",");
	say_time(text, "last_ban_time", r->last_ban_s, "");
	say(text, "\t\t}");
}

static bool is_plain(const char *key)
{
	while (*key && isxdigit((unsigned char)*key))
		key++;
	return *key == '\0';
}

enum sy_err tp_addrbook_print(struct addrbook_text *text, const char *list, struct sy_span snapshot, bool bans, uint32_t *count)
{
	char key[ADDRBOOK_KEY_TEXT + 1];
	uint32_t records;
	*count = 0;
	if (sy_snapshot_open(snapshot, key, &records) != SY_OK || !is_plain(key))
		return SY_CORRUPT;
	say(text, "{\n\t\"key\": \"%s\",\n\t\"%s\": [", key, list);
	for (uint32_t i = 0; i < records; i++) {
		struct sy_book_record r;
		if (sy_snapshot_get(snapshot, i, &r) != SY_OK)
			return SY_CORRUPT;
		if ((r.type == SY_RECORD_BAN) != bans)
			continue;
		say_entry(text, &r, *count == 0);
		*count += 1;
	}
	say(text, *count ? "\n\t]\n}" : "]\n}");
	return text->failed ? SY_NO_MEMORY : SY_OK;
}
