#include "core/book/lists.h"

#include "core/base/limits.h"
#include "core/base/mem.h"

#include <string.h>

#define KEY 20u /* bytes behind kind and bits */
#define ID_BITS 160u

static bool is_id(uint8_t kind)
{
	return kind == SY_RULE_BLOCK_ID || kind == SY_RULE_ALLOW_ID;
}

/* The first bits of from, the rest zero. */
static void cut(uint8_t to[KEY], const uint8_t *from, size_t n, uint32_t bits)
{
	memset(to, 0, KEY);
	memcpy(to, from, n);
	for (uint32_t i = 0; i < KEY; i++) {
		if (i * 8 >= bits)
			to[i] = 0;
		else if (i * 8 + 8 > bits)
			to[i] &= (uint8_t)(0xff << (i * 8 + 8 - bits));
	}
}

void sy_rule_of_id(uint8_t rule[SY_RULE_BYTES], enum sy_rule_kind kind, const struct sy_id *id)
{
	rule[0] = (uint8_t)kind;
	rule[1] = ID_BITS;
	memcpy(rule + 2, id->b, sizeof id->b);
}

void sy_rule_of_net(uint8_t rule[SY_RULE_BYTES], enum sy_rule_kind kind, const uint8_t ip[16], uint32_t bits)
{
	rule[0] = (uint8_t)kind;
	rule[1] = (uint8_t)bits;
	cut(rule + 2, ip, 16, bits);
}

static bool is_rule(const uint8_t *rule)
{
	uint8_t key[KEY];
	if (rule[0] < SY_RULE_BLOCK_ID || rule[0] >= SY_RULE_KINDS)
		return false;
	if (is_id(rule[0]))
		return rule[1] == ID_BITS;
	cut(key, rule + 2, KEY, rule[1]);
	return rule[1] <= 128 && memcmp(key, rule + 2, KEY) == 0;
}

/* ------------------------------------------------------------------ sorting: a heap, in place, the same everywhere */

static int compare(const uint8_t *rules, uint32_t a, uint32_t b)
{
	return memcmp(rules + (size_t)a * SY_RULE_BYTES, rules + (size_t)b * SY_RULE_BYTES, SY_RULE_BYTES);
}

static void swap(uint8_t *rules, uint32_t a, uint32_t b)
{
	uint8_t kept[SY_RULE_BYTES], *x = rules + (size_t)a * SY_RULE_BYTES, *y = rules + (size_t)b * SY_RULE_BYTES;
	memcpy(kept, x, sizeof kept);
	memcpy(x, y, sizeof kept);
	memcpy(y, kept, sizeof kept);
}

static void sink(uint8_t *rules, uint32_t at, uint32_t n)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && compare(rules, child, child + 1) < 0)
			child++;
		if (compare(rules, at, child) >= 0)
			return;
		swap(rules, at, child);
	}
}

static void sort(uint8_t *rules, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sink(rules, i, n);
	for (uint32_t end = n; end-- > 1;) {
		swap(rules, 0, end);
		sink(rules, 0, end);
	}
}

static uint32_t without_doubles(uint8_t *rules, uint32_t n)
{
	uint32_t kept = n ? 1 : 0;
	for (uint32_t i = 1; i < n; i++) {
		if (compare(rules, i, kept - 1) == 0)
			continue;
		memmove(rules + (size_t)kept * SY_RULE_BYTES, rules + (size_t)i * SY_RULE_BYTES, SY_RULE_BYTES);
		kept++;
	}
	return kept;
}

/* ------------------------------------------------------------------ loading */

static enum sy_err check(struct sy_span bytes)
{
	if (bytes.len % SY_RULE_BYTES)
		return SY_PARSE;
	if (bytes.len / SY_RULE_BYTES > SY_LIMIT_LIST_RULES)
		return SY_LIMIT;
	for (size_t at = 0; at < bytes.len; at += SY_RULE_BYTES)
		if (!is_rule(bytes.ptr + at))
			return SY_PARSE;
	return SY_OK;
}

static enum sy_err make_runs(struct sy_lists *l, const struct sy_env *env)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *rule = l->rules + (size_t)i * SY_RULE_BYTES;
		struct sy_list_run *last = l->num_runs ? &l->runs[l->num_runs - 1] : NULL;
		if (last && last->kind == rule[0] && last->bits == rule[1]) {
			last->n++;
			continue;
		}
		void *runs = l->runs;
		bool grown = sy_mem_grow(env, &runs, &l->runs_cap, l->num_runs + 1, sizeof *l->runs);
		l->runs = runs;
		if (!grown)
			return SY_NO_MEMORY;
		l->runs[l->num_runs++] = (struct sy_list_run){.kind = rule[0], .bits = rule[1], .from = i, .n = 1};
	}
	return SY_OK;
}

enum sy_err sy_lists_load(struct sy_lists *lists, const struct sy_env *env, struct sy_span bytes)
{
	struct sy_lists fresh = {0};
	enum sy_err err = check(bytes);
	if (err)
		return err;
	fresh.cap = fresh.n = (uint32_t)(bytes.len / SY_RULE_BYTES);
	fresh.rules = fresh.n ? sy_mem_new(env, bytes.len) : NULL;
	if (fresh.n && !fresh.rules)
		return SY_NO_MEMORY;
	if (fresh.n)
		memcpy(fresh.rules, bytes.ptr, bytes.len);
	sort(fresh.rules, fresh.n);
	fresh.n = without_doubles(fresh.rules, fresh.n);
	err = make_runs(&fresh, env);
	if (err) {
		sy_lists_fini(&fresh, env);
		return err;
	}
	fresh.allow_only = lists->allow_only;
	sy_lists_fini(lists, env);
	*lists = fresh;
	return SY_OK;
}

void sy_lists_fini(struct sy_lists *lists, const struct sy_env *env)
{
	sy_mem_free(env, lists->rules, (size_t)lists->cap * SY_RULE_BYTES);
	sy_mem_free(env, lists->runs, lists->runs_cap * sizeof *lists->runs);
	*lists = (struct sy_lists){0};
}

/* ------------------------------------------------------------------ looking */

static bool in_run(const struct sy_lists *l, const struct sy_list_run *run, const uint8_t *key, size_t n)
{
	uint8_t wanted[KEY];
	uint32_t low = run->from, high = run->from + run->n;
	cut(wanted, key, n, run->bits);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = memcmp(wanted, l->rules + (size_t)middle * SY_RULE_BYTES + 2, KEY);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool has(const struct sy_lists *l, enum sy_rule_kind ids, enum sy_rule_kind nets, const struct sy_id *id, const uint8_t *ip)
{
	for (uint32_t i = 0; i < l->num_runs; i++) {
		const struct sy_list_run *run = &l->runs[i];
		if (id && run->kind == ids && in_run(l, run, id->b, sizeof id->b))
			return true;
		if (ip && run->kind == nets && in_run(l, run, ip, 16))
			return true;
	}
	return false;
}

bool sy_lists_allows(const struct sy_lists *lists, const struct sy_id *id, const uint8_t ip[16])
{
	return has(lists, SY_RULE_ALLOW_ID, SY_RULE_ALLOW_NET, id, ip);
}

bool sy_lists_blocks(const struct sy_lists *lists, const struct sy_id *id, const uint8_t ip[16])
{
	return has(lists, SY_RULE_BLOCK_ID, SY_RULE_BLOCK_NET, id, ip) && !sy_lists_allows(lists, id, ip);
}

bool sy_lists_refuses(const struct sy_lists *lists, const struct sy_id *id, const uint8_t ip[16])
{
	if (!lists->n && !lists->allow_only)
		return false;
	return sy_lists_blocks(lists, id, ip) || (lists->allow_only && !sy_lists_allows(lists, id, ip));
}

bool sy_lists_allow_ids(const struct sy_lists *lists)
{
	for (uint32_t i = 0; i < lists->num_runs; i++)
		if (lists->runs[i].kind == SY_RULE_ALLOW_ID)
			return true;
	return false;
}
