#include "sim/book/book.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "transport/files/rfc3339.h"

/* ------------------------------------------------------------------ order */

static int by_address(const struct sy_book_record *a, const struct sy_book_record *b)
{
	int by = memcmp(a->addr.ip, b->addr.ip, sizeof a->addr.ip);

	if (by == 0)
		by = (int)a->addr.port - (int)b->addr.port;
	return by != 0 ? by : memcmp(&a->addr.id, &b->addr.id, sizeof a->addr.id);
}

/* The largest first: the most attempts, the latest time. */
static int by_number(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

struct sorting {
	const struct book_file *f;
	enum book_order order;
};

static int compare(const void *x, const void *y, void *arg)
{
	const struct sorting *s = arg;
	const struct sy_book_record *a = &s->f->at[*(const uint32_t *)x], *b = &s->f->at[*(const uint32_t *)y];
	int by = 0;

	switch (s->order) {
	case BOOK_BY_ADDRESS:
		break;
	case BOOK_BY_ID:
		by = memcmp(&a->addr.id, &b->addr.id, sizeof a->addr.id);
		break;
	case BOOK_BY_ATTEMPTS:
		by = by_number(a->attempts, b->attempts);
		break;
	case BOOK_BY_ATTEMPT:
		by = by_number(a->last_attempt_s, b->last_attempt_s);
		break;
	case BOOK_BY_SUCCESS:
		by = by_number(a->last_success_s, b->last_success_s);
		break;
	}
	if (by == 0)
		by = by_address(a, b);
	return by != 0 ? by : (*(const uint32_t *)x > *(const uint32_t *)y) - (*(const uint32_t *)x < *(const uint32_t *)y);
}

uint32_t *book_sorted(const struct book_file *f, const struct book_filter *filter, enum book_order order, uint32_t *n)
{
	uint32_t *places = malloc((f->n + 1u) * sizeof *places);
	struct sorting sorting = {f, order};

	*n = 0;
	for (uint32_t i = 0; places != NULL && i < f->n; i++)
		if (book_matches(filter, &f->at[i]))
			places[(*n)++] = i;
	if (places != NULL)
		qsort_r(places, *n, sizeof *places, compare, &sorting);
	return places;
}

/* ------------------------------------------------------------------ a table */

static const char *type_name(const struct sy_book_record *r)
{
	return r->type == SY_RECORD_BAN ? "ban" : r->type == SY_RECORD_OLD ? "old" : "new";
}

/* "3d04h", "05h12m", "07m", "never": how long ago. */
static void put_ago(char text[16], int64_t then_s, uint64_t now_s)
{
	if (then_s <= 0) {
		snprintf(text, 16, "never");
		return;
	}
	uint64_t s = (uint64_t)then_s < now_s ? now_s - (uint64_t)then_s : 0, days = s / 86400;
	if (days > 99999)
		snprintf(text, 16, "long ago");
	else if (days > 0)
		snprintf(text, 16, "%ud%02uh", (unsigned)days, (unsigned)(s / 3600 % 24));
	else if (s >= 3600)
		snprintf(text, 16, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(text, 16, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
}

static void show_row(FILE *to, const struct sy_book_record *r, uint64_t now_s)
{
	char addr[SY_ADDR_TEXT], src[SY_ID_TEXT], attempt[16], success[16], until[TP_RFC3339_TEXT];

	sy_netaddr_format(&r->addr, addr);
	sy_id_format(&r->src.id, src);
	if (r->type == SY_RECORD_BAN) {
		tp_rfc3339_format(r->last_ban_s, until);
		fprintf(to, "%-64s %-4s %s until %s%s\n", addr, "ban", r->buckets[0] & SY_BAN_ONE_ADDR ? "this address" : "the whole id", until,
		        r->last_ban_s <= (int64_t)now_s ? " (over)" : "");
		return;
	}
	put_ago(attempt, r->last_attempt_s, now_s);
	put_ago(success, r->last_success_s, now_s);
	fprintf(to, "%-64s %-4s %8d %9s %9s %.8s\n", addr, type_name(r), r->attempts, attempt, success, src);
}

void book_show(FILE *to, const struct book_file *f, const struct book_filter *filter, enum book_order order, uint32_t limit)
{
	uint32_t n, *places = book_sorted(f, filter, order, &n);

	if (places == NULL)
		return;
	if (n != 0 && !filter->only_banned)
		fprintf(to, "%-64s %-4s %8s %9s %9s %s\n", "address", "type", "attempts", "tried", "reached", "told by");
	for (uint32_t i = 0; i < n && i < limit; i++)
		show_row(to, &f->at[places[i]], filter->now_s);
	if (n > limit)
		fprintf(to, "... and %u more\n", n - limit);
	free(places);
}

void book_export(FILE *to, const struct book_file *f, const struct book_filter *filter, enum book_order order)
{
	char addr[SY_ADDR_TEXT];
	uint32_t n, *places = book_sorted(f, filter, order, &n);

	for (uint32_t i = 0; places != NULL && i < n; i++) {
		sy_netaddr_format(&f->at[places[i]].addr, addr);
		fprintf(to, "%s\n", addr);
	}
	free(places);
}

/* ------------------------------------------------------------------ JSON */

static json_t *time_or_null(int64_t s)
{
	char text[TP_RFC3339_TEXT];

	if (s <= 0)
		return json_null();
	tp_rfc3339_format(s, text);
	return json_string(text);
}

static json_t *record_json(const struct sy_book_record *r)
{
	json_t *o = json_object(), *buckets = json_array();
	char id[SY_ID_TEXT], dial[SY_ADDR_TEXT], src[SY_ADDR_TEXT];

	sy_id_format(&r->addr.id, id);
	sy_netaddr_format_dial(&r->addr, dial);
	sy_netaddr_format(&r->src, src);
	for (unsigned k = 0; r->type != SY_RECORD_BAN && k < r->num_buckets; k++)
		json_array_append_new(buckets, json_integer(r->buckets[k]));
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "address", json_string(dial));
	json_object_set_new(o, "type", json_string(type_name(r)));
	json_object_set_new(o, "attempts", json_integer(r->attempts));
	json_object_set_new(o, "last_attempt", time_or_null(r->last_attempt_s));
	json_object_set_new(o, "last_success", time_or_null(r->last_success_s));
	json_object_set_new(o, "banned_until", time_or_null(r->type == SY_RECORD_BAN ? r->last_ban_s : 0));
	json_object_set_new(o, "whole_id", r->type == SY_RECORD_BAN ? json_boolean(!(r->buckets[0] & SY_BAN_ONE_ADDR)) : json_null());
	json_object_set_new(o, "buckets", buckets);
	json_object_set_new(o, "told_by", r->src.flags != 0 ? json_string(src) : json_null());
	return o;
}

bool book_show_json(FILE *to, const struct book_file *f, const struct book_filter *filter, enum book_order order, uint32_t limit)
{
	uint32_t n, *places = book_sorted(f, filter, order, &n);
	json_t *list = json_array();

	for (uint32_t i = 0; places != NULL && i < n && i < limit; i++)
		json_array_append_new(list, record_json(&f->at[places[i]]));
	bool good = places != NULL && json_dumpf(list, to, JSON_INDENT(1)) == 0 && fputc('\n', to) != EOF;
	json_decref(list);
	free(places);
	return good;
}
