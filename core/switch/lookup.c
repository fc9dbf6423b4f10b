/* Names that are being looked up: for persistent peers, for reactors, for connections. Tokens carry a generation. */
#include "core/switch/switch.h"

#include "core/base/assert.h"

#include <string.h>

static uint64_t token_of(const struct sy_switch *sw, const struct sy_lookup *l)
{
	return (uint64_t)l->gen << 32 | (uint32_t)(l - sw->lookups);
}

/* SY_LIMIT, SY_NO_MEMORY. */
static enum sy_err take(struct sy_switch *sw, struct sy_lookup **out)
{
	if (sw->lookup_free) {
		*out = &sw->lookups[sw->lookup_free - 1];
		sw->lookup_free = (*out)->next;
		return SY_OK;
	}
	if (sw->num_lookups >= SY_LIMIT_LOOKUPS)
		return SY_LIMIT;
	if (!sy_mem_grow(sw->env, (void **)&sw->lookups, &sw->lookups_cap, sw->num_lookups + 1, sizeof *sw->lookups))
		return SY_NO_MEMORY;
	*out = &sw->lookups[sw->num_lookups++];
	return SY_OK;
}

static void give(struct sy_switch *sw, struct sy_lookup *l)
{
	sy_mem_free(sw->env, l->host, l->host_len + 1u);
	l->host = NULL;
	l->who = SY_LOOKUP_FREE;
	l->next = sw->lookup_free;
	sw->lookup_free = (uint32_t)(l - sw->lookups) + 1;
}

static void ask(struct sy_switch *sw, struct sy_lookup *l)
{
	uint32_t link = (uint32_t)(l - sw->lookups) + 1;
	l->next = 0;
	sw->news = true;
	if (sw->lookup_tail)
		sw->lookups[sw->lookup_tail - 1].next = link;
	else
		sw->lookup_head = link;
	sw->lookup_tail = link;
}

/* SY_INVALID (no host name), SY_LIMIT, SY_NO_MEMORY. */
enum sy_err sy_switch_lookup(struct sy_switch *sw, const struct sy_lookup *what, const char *host)
{
	size_t n = strlen(host);
	if (n == 0 || n >= SY_HOST_TEXT)
		return SY_INVALID;
	char *copy = sy_mem_new(sw->env, n + 1);
	if (!copy)
		return SY_NO_MEMORY;
	struct sy_lookup *l;
	enum sy_err err = take(sw, &l);
	if (err) {
		sy_mem_free(sw->env, copy, n + 1);
		return err;
	}
	memcpy(copy, host, n);
	uint32_t gen = l->gen + 1;
	*l = *what;
	l->gen = gen;
	l->host = copy;
	l->host_len = (uint8_t)n;
	ask(sw, l);
	return SY_OK;
}

bool sy_switch_next_lookup(struct sy_switch *sw, uint64_t *token, char host[SY_HOST_TEXT])
{
	if (!sw->lookup_head)
		return false;
	struct sy_lookup *l = &sw->lookups[sw->lookup_head - 1];
	sw->lookup_head = l->next;
	if (!sw->lookup_head)
		sw->lookup_tail = 0;
	l->asked = true;
	*token = token_of(sw, l);
	memcpy(host, l->host, l->host_len + 1u);
	return true;
}

static size_t split(struct sy_span ips, struct sy_netaddr out[SY_LIMIT_RESOLVED])
{
	size_t n = ips.len / 16;
	if (n > SY_LIMIT_RESOLVED)
		n = SY_LIMIT_RESOLVED;
	memset(out, 0, SY_LIMIT_RESOLVED * sizeof *out);
	for (size_t i = 0; i < n; i++)
		memcpy(out[i].ip, ips.ptr + 16 * i, 16);
	return n;
}

static void tell_reactor(struct sy_switch *sw, const struct sy_lookup *l, struct sy_span ips, enum sy_err err)
{
	struct sy_netaddr addrs[SY_LIMIT_RESOLVED];
	size_t n = split(ips, addrs);
	const struct sy_reactor *r = sw->reactors[l->reactor];
	struct sy_ctx ctx = {sw, l->reactor};
	if (r->resolved)
		r->resolved(r->self, &ctx, l->token, addrs, n, n ? SY_OK : err ? err : SY_DNS);
}

static void tell_conn(struct sy_switch *sw, struct sy_ref conn, const uint8_t *ip)
{
	struct sy_slot *s = sy_table_find(&sw->table, conn);
	if (!s || s->conn.state != SY_CONN_RESOLVING)
		return;
	enum sy_err err = sy_conn_resolved(&s->conn, &sw->conns, ip, sw->now_ns);
	sy_switch_note_state(sw, s, err);
	if (err)
		sy_switch_close(sw, s, err);
	else
		sy_switch_bytes(sw, s, (struct sy_span){NULL, 0});
}

void sy_switch_resolved(struct sy_switch *sw, uint64_t token, struct sy_span ips, enum sy_err err)
{
	uint32_t index = (uint32_t)token;
	if (index >= sw->num_lookups || sw->lookups[index].who == SY_LOOKUP_FREE || !sw->lookups[index].asked ||
	    sw->lookups[index].gen != token >> 32)
		return;
	struct sy_lookup l = sw->lookups[index];
	if (err)
		ips.len = 0;
	const uint8_t *first = ips.len >= 16 ? ips.ptr : NULL;
	give(sw, &sw->lookups[index]);
	switch (l.who) {
	case SY_LOOKUP_FREE:
		break;
	case SY_LOOKUP_PERSISTENT:
		sy_switch_redial_resolved(sw, l.persistent, ips);
		break;
	case SY_LOOKUP_REACTOR:
		tell_reactor(sw, &l, ips, err);
		break;
	case SY_LOOKUP_CONN:
		tell_conn(sw, l.conn, first);
		break;
	}
}

void sy_switch_free_lookups(struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->num_lookups; i++)
		if (sw->lookups[i].host)
			sy_mem_free(sw->env, sw->lookups[i].host, sw->lookups[i].host_len + 1u);
	sy_mem_free(sw->env, sw->lookups, sw->lookups_cap * sizeof *sw->lookups);
	sw->lookups = NULL;
	sw->num_lookups = sw->lookups_cap = sw->lookup_free = sw->lookup_head = sw->lookup_tail = 0;
}
