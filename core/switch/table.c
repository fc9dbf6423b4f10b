#include "core/switch/table.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

#include <string.h>

#define SLOTS_KEPT 4u /* slots kept for reuse: peers that come and go allocate nothing */

void sy_table_init(struct sy_table *t)
{
	memset(t, 0, sizeof *t);
	sy_pool_init(&t->slots, sizeof(struct sy_slot), SLOTS_KEPT);
}

void sy_table_fini(struct sy_table *t, const struct sy_env *env)
{
	SY_ASSERT(t->count == 0);
	sy_mem_free(env, t->entries, t->cap * sizeof *t->entries);
	sy_mem_free(env, t->by_id, t->buckets * sizeof *t->by_id);
	sy_mem_free(env, t->by_ip, t->buckets * sizeof *t->by_ip);
	sy_pool_fini(&t->slots, env);
	memset(t, 0, sizeof *t);
}

/* The order within a bucket is that of arrival, so that what is hashed does not show. */
static uint32_t bucket_of(const struct sy_table *t, const uint8_t *key)
{
	uint64_t low = sy_load_u64le(key);
	uint64_t high = sy_load_u64le(key + 8);
	return (uint32_t)sy_mix64(low ^ (high << 1)) & (t->buckets - 1);
}

static void chain_in(struct sy_table *t, struct sy_slot *s, bool id)
{
	uint16_t *head = id ? &t->by_id[bucket_of(t, s->remote.id.b)] : &t->by_ip[bucket_of(t, s->remote.ip)];
	uint16_t *link = id ? &s->chain_id : &s->chain_ip;
	*link = *head;
	*head = (uint16_t)(s->index + 1);
}

static void chain_out(struct sy_table *t, struct sy_slot *s, bool id)
{
	uint16_t *at = id ? &t->by_id[bucket_of(t, s->remote.id.b)] : &t->by_ip[bucket_of(t, s->remote.ip)];
	while (*at != s->index + 1) {
		SY_ASSERT(*at);
		struct sy_slot *other = t->entries[*at - 1];
		at = id ? &other->chain_id : &other->chain_ip;
	}
	*at = id ? s->chain_id : s->chain_ip;
}

/* Twice as many buckets, everything chained anew in the order of slots. */
static bool grow_buckets(struct sy_table *t, const struct sy_env *env)
{
	uint32_t n = t->buckets ? t->buckets * 2 : 4;
	uint16_t *by_id = sy_mem_new(env, n * sizeof *by_id);
	uint16_t *by_ip = sy_mem_new(env, n * sizeof *by_ip);
	if (!by_id || !by_ip) {
		sy_mem_free(env, by_id, n * sizeof *by_id);
		sy_mem_free(env, by_ip, n * sizeof *by_ip);
		return false;
	}
	sy_mem_free(env, t->by_id, t->buckets * sizeof *by_id);
	sy_mem_free(env, t->by_ip, t->buckets * sizeof *by_ip);
	t->by_id = by_id;
	t->by_ip = by_ip;
	t->buckets = n;
	for (uint32_t i = 0; i < t->cap; i++) {
		struct sy_slot *s = t->entries[i];
		if (!s)
			continue;
		chain_in(t, s, false);
		if (s->flags & SY_SLOT_HAS_ID)
			chain_in(t, s, true);
	}
	return true;
}

/* Room for one more: entries and buckets. */
static bool make_room(struct sy_table *t, const struct sy_env *env)
{
	if (t->count >= SY_LIMIT_CONNS)
		return false;
	if (t->count >= t->buckets && !grow_buckets(t, env))
		return false;
	return sy_mem_grow(env, (void **)&t->entries, &t->cap, t->count + 1, sizeof *t->entries);
}

struct sy_slot *sy_table_take(struct sy_table *t, const struct sy_env *env, const struct sy_netaddr *remote)
{
	struct sy_slot *s = make_room(t, env) ? sy_pool_take(&t->slots, env) : NULL;
	if (!s)
		return NULL;
	memset(s, 0, sizeof *s);
	while (t->entries[t->first_free])
		t->first_free++;
	s->index = (uint16_t)t->first_free;
	t->entries[s->index] = s;
	t->count++;
	if (++t->last_gen == 0)
		t->last_gen = 1;
	s->gen = t->last_gen;
	s->remote = *remote;
	chain_in(t, s, false);
	return s;
}

void sy_table_give(struct sy_table *t, const struct sy_env *env, struct sy_slot *s)
{
	for (int kind = 0; kind < SY_LISTS; kind++)
		sy_list_drop(t, (enum sy_list_kind)kind, s);
	chain_out(t, s, false);
	if (s->flags & SY_SLOT_HAS_ID)
		chain_out(t, s, true);
	if (s->text)
		sy_mem_free(env, s->text, sizeof *s->text + s->text->moniker_len + s->text->version_len + 2u);
	t->entries[s->index] = NULL;
	if (s->index < t->first_free)
		t->first_free = s->index;
	SY_ASSERT(t->count > 0);
	t->count--;
	sy_pool_give(&t->slots, env, s);
}

void sy_table_name(struct sy_table *t, struct sy_slot *s)
{
	if (s->flags & SY_SLOT_HAS_ID)
		return;
	s->flags |= SY_SLOT_HAS_ID;
	chain_in(t, s, true);
}

static struct sy_slot *same_id(const struct sy_table *t, uint32_t link, const struct sy_id *id)
{
	for (; link; link = t->entries[link - 1]->chain_id)
		if (memcmp(&t->entries[link - 1]->remote.id, id, sizeof *id) == 0)
			return t->entries[link - 1];
	return NULL;
}

static struct sy_slot *same_ip(const struct sy_table *t, uint32_t link, const uint8_t ip[16])
{
	for (; link; link = t->entries[link - 1]->chain_ip)
		if (memcmp(t->entries[link - 1]->remote.ip, ip, 16) == 0)
			return t->entries[link - 1];
	return NULL;
}

struct sy_slot *sy_table_first_id(const struct sy_table *t, const struct sy_id *id)
{
	return t->buckets ? same_id(t, t->by_id[bucket_of(t, id->b)], id) : NULL;
}

struct sy_slot *sy_table_next_id(const struct sy_table *t, const struct sy_slot *s)
{
	return same_id(t, s->chain_id, &s->remote.id);
}

struct sy_slot *sy_table_first_ip(const struct sy_table *t, const uint8_t ip[16])
{
	return t->buckets ? same_ip(t, t->by_ip[bucket_of(t, ip)], ip) : NULL;
}

struct sy_slot *sy_table_next_ip(const struct sy_table *t, const struct sy_slot *s)
{
	return same_ip(t, s->chain_ip, s->remote.ip);
}

void sy_list_link(struct sy_table *t, enum sy_list_kind kind, struct sy_slot *s)
{
	SY_ASSERT(!sy_list_has(s, kind));
	s->flags |= 1u << kind;
	s->link[kind].next = 0;
	s->link[kind].prev = t->list[kind].tail;
	if (t->list[kind].tail)
		t->entries[t->list[kind].tail - 1]->link[kind].next = (uint16_t)(s->index + 1);
	else
		t->list[kind].head = (uint16_t)(s->index + 1);
	t->list[kind].tail = (uint16_t)(s->index + 1);
}

void sy_list_unlink(struct sy_table *t, enum sy_list_kind kind, struct sy_slot *s)
{
	SY_ASSERT(sy_list_has(s, kind));
	s->flags &= ~(1u << kind);
	uint16_t prev = s->link[kind].prev, next = s->link[kind].next;
	if (prev)
		t->entries[prev - 1]->link[kind].next = next;
	else
		t->list[kind].head = next;
	if (next)
		t->entries[next - 1]->link[kind].prev = prev;
	else
		t->list[kind].tail = prev;
}
