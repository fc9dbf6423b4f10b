#include "sim/crawl/crawl.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/sodium.h"
#include "transport/host/env.h"

#define FIRST_PLACES 256u

const char *crawl_outcome_name(enum crawl_outcome outcome)
{
	static const char *const names[] = {"not_tried", "reachable", "refused", "unreachable", "skipped"};
	return outcome < CRAWL_OUTCOMES ? names[outcome] : "?";
}

enum sy_err crawl_table_init(struct crawl_table *t, uint32_t max)
{
	*t = (struct crawl_table){.max = max, .index_cap = 2 * FIRST_PLACES};
	tp_random(t->key, sizeof t->key); /* peers choose the ids: they shall not choose the places, too */
	t->index = calloc(t->index_cap, sizeof *t->index);
	return t->index == NULL ? SY_NO_MEMORY : SY_OK;
}

void crawl_table_fini(struct crawl_table *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		free(t->at[i].host);
		free(t->at[i].info);
	}
	free(t->at);
	free(t->index);
	*t = (struct crawl_table){0};
}

/* ---- the index: open addressing by id, so that the addresses of one id stand in a row ---- */

static uint32_t slot_of(const struct crawl_table *t, const struct sy_id *id)
{
	return (uint32_t)sy_siphash(t->key, id->b, sizeof id->b) & (t->index_cap - 1);
}

/* The next place of this id from *slot on, UINT32_MAX at the end; *slot is then a free one. */
static uint32_t next_of_id(const struct crawl_table *t, const struct sy_id *id, uint32_t *slot)
{
	for (; t->index[*slot] != 0; *slot = (*slot + 1) & (t->index_cap - 1)) {
		uint32_t place = t->index[*slot] - 1;

		if (memcmp(&t->at[place].addr.id, id, sizeof *id) != 0)
			continue;
		*slot = (*slot + 1) & (t->index_cap - 1);
		return place;
	}
	return UINT32_MAX;
}

static bool grow_index(struct crawl_table *t)
{
	uint32_t cap = t->index_cap * 2, *old = t->index, *index = calloc(cap, sizeof *index);

	if (index == NULL)
		return false;
	t->index = index;
	t->index_cap = cap;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t slot = slot_of(t, &t->at[i].addr.id);

		while (index[slot] != 0)
			slot = (slot + 1) & (cap - 1);
		index[slot] = i + 1;
	}
	free(old);
	return true;
}

static bool grow(struct crawl_table *t)
{
	if (t->n < t->cap)
		return true;
	uint32_t cap = t->cap == 0 ? FIRST_PLACES : t->cap * 2;
	struct crawl_found *at = realloc(t->at, cap * sizeof *at);
	if (at == NULL)
		return false;
	t->at = at;
	t->cap = cap;
	return true;
}

uint32_t crawl_table_find(const struct crawl_table *t, const struct sy_netaddr *addr)
{
	uint32_t slot = slot_of(t, &addr->id), place;

	while ((place = next_of_id(t, &addr->id, &slot)) != UINT32_MAX)
		if (t->at[place].addr.port == addr->port && memcmp(t->at[place].addr.ip, addr->ip, sizeof addr->ip) == 0)
			return place;
	return UINT32_MAX;
}

uint32_t crawl_table_add(struct crawl_table *t, const struct sy_netaddr *addr, bool *added)
{
	uint32_t place = crawl_table_find(t, addr), of_id = 0;

	*added = false;
	if (place != UINT32_MAX)
		return place;
	for (uint32_t slot = slot_of(t, &addr->id); next_of_id(t, &addr->id, &slot) != UINT32_MAX;)
		of_id++;
	if (of_id >= CRAWL_PER_ID || t->n >= t->max || !grow(t) || (2 * (t->n + 1) > t->index_cap && !grow_index(t))) {
		t->dropped++;
		return UINT32_MAX;
	}
	struct crawl_found *f = &t->at[t->n];
	*f = (struct crawl_found){.addr = *addr, .connect_ns = CRAWL_NO_TIME, .handshake_ns = CRAWL_NO_TIME, .answer_ns = CRAWL_NO_TIME};
	f->addr.flags = SY_ADDR_HAS_ID;
	uint32_t slot = slot_of(t, &addr->id);
	while (t->index[slot] != 0)
		slot = (slot + 1) & (t->index_cap - 1);
	t->index[slot] = t->n + 1;
	*added = true;
	return t->n++;
}

bool crawl_table_answered(const struct crawl_table *t, const struct sy_id *id)
{
	uint32_t slot = slot_of(t, id), place;

	while ((place = next_of_id(t, id, &slot)) != UINT32_MAX)
		if (t->at[place].answered)
			return true;
	return false;
}

/* ---- what is shown of a node ---- */

static void keep_text(char *to, size_t cap, struct sy_span text)
{
	size_t n = text.len < cap - 1 ? text.len : cap - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = text.ptr[i] >= 32 && text.ptr[i] < 127 ? (char)text.ptr[i] : '?';
	to[n] = '\0';
}

void crawl_found_info(struct crawl_found *f, const struct sy_node_info *info)
{
	if (f->info == NULL)
		f->info = calloc(1, sizeof *f->info);
	struct crawl_info *k = f->info;
	if (k == NULL)
		return;
	k->p2p_version = info->p2p_version;
	k->block_version = info->block_version;
	k->app_version = info->app_version;
	keep_text(k->network, sizeof k->network, info->network);
	keep_text(k->version, sizeof k->version, info->version);
	keep_text(k->moniker, sizeof k->moniker, info->moniker);
	keep_text(k->listen_addr, sizeof k->listen_addr, info->listen_addr);
	keep_text(k->rpc_address, sizeof k->rpc_address, info->rpc_address);
	keep_text(k->tx_index, sizeof k->tx_index, info->tx_index);
	k->num_channels = (uint8_t)(info->channels.len < sizeof k->channels ? info->channels.len : sizeof k->channels);
	if (k->num_channels != 0)
		memcpy(k->channels, info->channels.ptr, k->num_channels);
}

/* ---- order ---- */

static int compare(const struct crawl_found *a, const struct crawl_found *b)
{
	int by = memcmp(&a->addr.id, &b->addr.id, sizeof a->addr.id);

	if (by == 0)
		by = memcmp(a->addr.ip, b->addr.ip, sizeof a->addr.ip);
	return by != 0 ? by : (int)a->addr.port - (int)b->addr.port;
}

/* No two are equal, so it does not matter that qsort may change the order of equals. */
static int by_address(const void *a, const void *b, void *table)
{
	const struct crawl_table *t = table;

	return compare(&t->at[*(const uint32_t *)a], &t->at[*(const uint32_t *)b]);
}

uint32_t *crawl_table_sorted(const struct crawl_table *t)
{
	uint32_t *places = malloc((t->n + 1) * sizeof *places);

	if (places == NULL)
		return NULL;
	for (uint32_t i = 0; i < t->n; i++)
		places[i] = i;
	qsort_r(places, t->n, sizeof *places, by_address, (void *)t);
	return places;
}
