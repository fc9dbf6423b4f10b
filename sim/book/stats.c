/* A book in figures: how much of it is any good, and whether one network has taken it over. */
#include "sim/book/book.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/group.h"

#define NEW_BUCKETS 256u /* protocol.md 6.1 */
#define OLD_BUCKETS 64u
#define GROUPS_SHOWN 10u
#define AGES 5u

static const char *const age_names[AGES] = {"within an hour", "within a day", "within a week", "longer ago", "never"};

struct group {
	char name[SY_GROUP_TEXT];
	uint32_t n;
};

struct stats {
	uint32_t entries, new_entries, old_entries, bans, bans_over, failing, no_bucket;
	uint32_t ages[AGES]; /* of the last success */
	uint32_t buckets_used[2], fullest[2];
	uint32_t num_groups;
	struct group *groups; /* the largest first */
};

static unsigned age_class(int64_t last_s, uint64_t now_s)
{
	if (last_s <= 0)
		return AGES - 1;
	uint64_t age_s = (uint64_t)last_s < now_s ? now_s - (uint64_t)last_s : 0;
	return age_s <= 3600 ? 0 : age_s <= 86400 ? 1 : age_s <= 7 * 86400 ? 2 : 3;
}

static void count_records(struct stats *s, const struct book_file *f, uint64_t now_s)
{
	uint32_t lens[2][NEW_BUCKETS] = {{0}};

	for (uint32_t i = 0; i < f->n; i++) {
		const struct sy_book_record *r = &f->at[i];
		bool old = r->type == SY_RECORD_OLD;

		if (r->type == SY_RECORD_BAN) {
			s->bans++;
			s->bans_over += r->last_ban_s <= (int64_t)now_s;
			continue;
		}
		s->entries++;
		s->new_entries += !old;
		s->old_entries += old;
		s->failing += r->attempts > 0;
		s->no_bucket += r->num_buckets == 0;
		s->ages[age_class(r->last_success_s, now_s)]++;
		for (unsigned k = 0; k < r->num_buckets; k++)
			if (r->buckets[k] < (old ? OLD_BUCKETS : NEW_BUCKETS))
				lens[old][r->buckets[k]]++;
	}
	for (unsigned kind = 0; kind < 2; kind++)
		for (uint32_t b = 0; b < NEW_BUCKETS; b++) {
			s->buckets_used[kind] += lens[kind][b] != 0;
			s->fullest[kind] = lens[kind][b] > s->fullest[kind] ? lens[kind][b] : s->fullest[kind];
		}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static int by_size(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : by_name(a, b);
}

/* One group an entry, sorted, then the equal ones put together. */
static bool count_groups(struct stats *s, const struct book_file *f)
{
	struct group *g = calloc(s->entries + 1u, sizeof *g);
	uint32_t n = 0;

	if (g == NULL)
		return false;
	for (uint32_t i = 0; i < f->n; i++) {
		if (f->at[i].type == SY_RECORD_BAN)
			continue;
		g[n].name[sy_addr_group(&f->at[i].addr, false, g[n].name)] = '\0';
		g[n++].n = 1;
	}
	qsort(g, n, sizeof *g, by_name);
	for (uint32_t i = 0; i < n; i++) {
		if (s->num_groups != 0 && strcmp(g[s->num_groups - 1].name, g[i].name) == 0)
			g[s->num_groups - 1].n++;
		else
			g[s->num_groups++] = g[i];
	}
	qsort(g, s->num_groups, sizeof *g, by_size);
	s->groups = g;
	return true;
}

/* ------------------------------------------------------------------ output */

static void put_table(FILE *to, const struct stats *s)
{
	static const char *const kinds[] = {"new", "old"};
	static const uint32_t buckets[] = {NEW_BUCKETS, OLD_BUCKETS};

	fprintf(to, "entries   %u: %u new, %u old; %u whose last attempt failed\n", s->entries, s->new_entries, s->old_entries, s->failing);
	fprintf(to, "bans      %u, of which %u are over\n", s->bans, s->bans_over);
	for (unsigned kind = 0; kind < 2; kind++)
		fprintf(to, "buckets   %s: %u of %u used, the fullest has %u\n", kinds[kind], s->buckets_used[kind], buckets[kind],
		        s->fullest[kind]);
	if (s->no_bucket != 0)
		fprintf(to, "          %u entries stand in none: a node drops them when it loads the book\n", s->no_bucket);
	fputs("reached  ", to);
	for (unsigned i = 0; i < AGES; i++)
		fprintf(to, "%s %s %u", i == 0 ? "" : ",", age_names[i], s->ages[i]);
	fprintf(to, "\ngroups    %u; the largest:\n", s->num_groups);
	for (uint32_t i = 0; i < s->num_groups && i < GROUPS_SHOWN; i++)
		fprintf(to, "          %-24s %u\n", s->groups[i].name, s->groups[i].n);
}

static bool put_json(FILE *to, const struct stats *s)
{
	json_t *ages = json_object(), *groups = json_object();

	for (unsigned i = 0; i < AGES; i++)
		json_object_set_new(ages, age_names[i], json_integer(s->ages[i]));
	for (uint32_t i = 0; i < s->num_groups && i < GROUPS_SHOWN; i++)
		json_object_set_new(groups, s->groups[i].name, json_integer(s->groups[i].n));
	json_t *o = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:i, s:o}", "entries", s->entries, "new", s->new_entries,
	                      "old", s->old_entries, "failing", s->failing, "bans", s->bans, "bans_over", s->bans_over, "new_buckets_used",
	                      s->buckets_used[0], "old_buckets_used", s->buckets_used[1], "new_bucket_fullest", s->fullest[0],
	                      "old_bucket_fullest", s->fullest[1], "reached", ages, "groups", s->num_groups, "largest_groups", groups);
	bool good = o != NULL && json_dumpf(o, to, JSON_INDENT(1)) == 0 && fputc('\n', to) != EOF;
	json_decref(o);
	return good;
}

bool book_stats(FILE *to, const struct book_file *f, uint64_t now_s, bool json)
{
	struct stats s = {0};
	bool good = true;

	count_records(&s, f, now_s);
	if (!count_groups(&s, f))
		return false;
	if (json)
		good = put_json(to, &s);
	else
		put_table(to, &s);
	free(s.groups);
	return good;
}
