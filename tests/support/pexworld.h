/*
 * A world of PEX reactors without switch, sockets or bytes: this file defines all the sy_ctx functions, in place of the
 * switch's, so that the reactors run on a small event queue. One program only may include it, and must not use a node. Dials take 50 ms,
 * messages 25 ms; a host that does not answer costs 1 s.
 */
#ifndef TESTS_SUPPORT_PEXWORLD_H
#define TESTS_SUPPORT_PEXWORLD_H

#include "core/base/limits.h"
#include "core/book/intern.h"
#include "core/pex/pex.h"
#include "core/wire/pexmsg.h"
#include "tests/support/addrs.h"
#include "tests/support/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull
#define SEC 1000000000ull
#define WALL_S 1700000000ull

struct host;

struct link {
	struct host *to; /* null: free */
	uint32_t gen;
	uint32_t peer; /* its slot at the other side */
	bool outbound, up, stopping, crooked;
	enum sy_err reason;
	uint64_t since_ns;
	struct sy_netaddr addr;
};

struct sy_ctx {
	struct world *w;
	struct host *h;
};

struct host {
	struct sy_ctx ctx;
	struct sy_pex *pex;
	const struct sy_reactor *r;
	struct sy_book *book;
	struct sy_netaddr addr, advertised;
	bool running, dead;
	bool blocked; /* nobody is let dial it */
	uint32_t max_inbound;
	struct link *links;
	uint32_t num_links, inbound, outbound, dialling;
	struct sy_id dials[512];
	uint64_t timers[8];
	struct sy_netaddr persistent; /* flags 0: none */
	uint64_t requests_sent, answers_sent, dials_made, saves, seed_dials;
	uint64_t bytes_sent;
	enum sy_err started, last_reason;
	bool start_told;
	char asked_name[SY_HOST_TEXT];
	uint64_t asked_token;
	uint32_t lookups;
};

enum event_kind { EV_TIMER, EV_DIALLED, EV_MESSAGE, EV_STOP, EV_CALL };

struct event {
	uint64_t at_ns, seq;
	enum event_kind kind;
	struct host *h;
	uint32_t slot, gen;
	struct sy_netaddr addr;
	uint64_t token;
	uint8_t *bytes;
	size_t len;
	void (*call)(struct world *w, void *arg);
	void *arg;
};

struct world {
	struct test_env t;
	struct host *hosts;
	uint32_t num_hosts;
	uint64_t now_ns, seq, events;
	struct event **heap;
	size_t heap_len, heap_cap;
	struct sy_trace traces[64]; /* the last ones of host 0 */
	uint32_t num_traces;
};

static inline bool ev_less(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static inline struct event *ev_push(struct world *w, enum event_kind kind, struct host *h, uint64_t at_ns)
{
	struct event *e = calloc(1, sizeof *e);
	assert_non_null(e);
	e->kind = kind;
	e->h = h;
	e->at_ns = at_ns;
	e->seq = w->seq++;
	if (w->heap_len == w->heap_cap) {
		w->heap_cap = w->heap_cap ? w->heap_cap * 2 : 1024;
		w->heap = realloc(w->heap, w->heap_cap * sizeof *w->heap);
		assert_non_null(w->heap);
	}
	size_t i = w->heap_len++;
	for (; i && ev_less(e, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = e;
	return e;
}

static inline struct event *ev_pop(struct world *w)
{
	struct event *top = w->heap[0], *last = w->heap[--w->heap_len];
	size_t i = 0;
	for (;;) {
		size_t c = 2 * i + 1;
		if (c >= w->heap_len)
			break;
		if (c + 1 < w->heap_len && ev_less(w->heap[c + 1], w->heap[c]))
			c++;
		if (!ev_less(w->heap[c], last))
			break;
		w->heap[i] = w->heap[c];
		i = c;
	}
	w->heap[i] = last;
	return top;
}

/* What a peer looks like from here. */
static inline void view(const struct host *h, uint32_t slot, struct sy_peer *p)
{
	const struct link *l = &h->links[slot];
	memset(p, 0, sizeof *p);
	p->ref = (struct sy_ref){slot, l->gen};
	p->id = l->to->addr.id;
	p->outbound = l->outbound;
	p->persistent = h->persistent.flags && memcmp(&h->persistent.id, &p->id, sizeof p->id) == 0;
	p->socket_addr = l->to->addr;
	if (!l->outbound)
		p->socket_addr.port = 40000;
	p->reported_addr = l->to->advertised;
	p->connected_at_ns = l->since_ns;
	p->moniker = p->version = "";
}

uint64_t sy_ctx_now_ns(const struct sy_ctx *ctx)
{
	return ctx->w->now_ns;
}

uint64_t sy_ctx_wall_s(const struct sy_ctx *ctx)
{
	return WALL_S + ctx->w->now_ns / SEC;
}

struct sy_counts sy_ctx_counts(const struct sy_ctx *ctx)
{
	struct sy_counts c = {ctx->h->outbound, ctx->h->inbound, ctx->h->dialling, ctx->h->outbound + ctx->h->inbound};
	return c;
}

enum sy_err sy_ctx_peer_at(const struct sy_ctx *ctx, uint32_t n, struct sy_peer *peer)
{
	for (uint32_t i = 0; i < ctx->h->num_links; i++) {
		if (ctx->h->links[i].up && n-- == 0) {
			view(ctx->h, i, peer);
			return SY_OK;
		}
	}
	return SY_NO_PEER;
}

enum sy_err sy_ctx_peer(const struct sy_ctx *ctx, struct sy_ref ref, struct sy_peer *peer)
{
	if (ref.slot >= ctx->h->num_links || !ctx->h->links[ref.slot].up || ctx->h->links[ref.slot].gen != ref.gen)
		return SY_NO_PEER;
	view(ctx->h, ref.slot, peer);
	return SY_OK;
}

static inline bool connected(const struct host *h, const struct sy_id *id)
{
	for (uint32_t i = 0; i < h->num_links; i++)
		if (h->links[i].up && memcmp(&h->links[i].to->addr.id, id, sizeof *id) == 0)
			return true;
	return false;
}

bool sy_ctx_is_dialling_or_connected(const struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < ctx->h->dialling; i++)
		if (memcmp(&ctx->h->dials[i], &addr->id, sizeof addr->id) == 0)
			return true;
	return connected(ctx->h, &addr->id);
}

bool sy_ctx_is_persistent(const struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	return ctx->h->persistent.flags && memcmp(&ctx->h->persistent, addr, sizeof *addr) == 0;
}

enum sy_err sy_ctx_try_send(struct sy_ctx *ctx, struct sy_ref peer, uint8_t channel, struct sy_span bytes)
{
	struct host *h = ctx->h;
	assert_int_equal(channel, SY_PEX_CHANNEL);
	assert_true(bytes.len > 0 && bytes.len <= SY_PEX_MESSAGE_MAX);
	struct link *l = &h->links[peer.slot];
	if (peer.slot >= h->num_links || l->gen != peer.gen || !l->to)
		return SY_NO_PEER;
	*(bytes.len == 2 && bytes.ptr[0] == 0x0a ? &h->requests_sent : &h->answers_sent) += 1;
	h->bytes_sent += bytes.len;
	struct event *e = ev_push(ctx->w, EV_MESSAGE, l->to, ctx->w->now_ns + 25 * MS);
	e->slot = l->peer;
	e->gen = l->to->links ? l->to->links[l->peer].gen : 0;
	e->bytes = malloc(bytes.len);
	assert_non_null(e->bytes);
	memcpy(e->bytes, bytes.ptr, bytes.len);
	e->len = bytes.len;
	return SY_OK;
}

static inline void ask_stop(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason, uint64_t delay_ns)
{
	struct link *l = &ctx->h->links[peer.slot];
	if (peer.slot >= ctx->h->num_links || l->gen != peer.gen || !l->up || l->stopping)
		return;
	l->stopping = true;
	l->reason = reason;
	struct event *e = ev_push(ctx->w, EV_STOP, ctx->h, ctx->w->now_ns + delay_ns);
	e->slot = peer.slot;
	e->gen = peer.gen;
}

void sy_ctx_stop_peer(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason)
{
	ask_stop(ctx, peer, reason, 0);
}

void sy_ctx_flush_stop_peer(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason)
{
	ask_stop(ctx, peer, reason, 25 * MS + MS / 2);
}

static inline struct host *host_of(struct world *w, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < w->num_hosts; i++)
		if (memcmp(w->hosts[i].addr.ip, addr->ip, sizeof addr->ip) == 0 && w->hosts[i].addr.port == addr->port)
			return &w->hosts[i];
	return NULL;
}

enum sy_err sy_ctx_dial(struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	struct host *h = ctx->h;
	if (sy_ctx_is_dialling_or_connected(ctx, addr))
		return SY_DIALLING_OR_CONNECTED;
	assert_true(h->dialling < 512);
	/* Hosts stand in the order of their addresses: no search for the many. */
	uint32_t guess = (uint32_t)addr->id.b[0] | (uint32_t)addr->id.b[1] << 8;
	struct host *to = guess < ctx->w->num_hosts ? &ctx->w->hosts[guess] : NULL;
	if (!to || memcmp(to->addr.ip, addr->ip, 16) != 0)
		to = host_of(ctx->w, addr);
	if (to && to->blocked)
		return SY_BLOCKED;
	h->dials[h->dialling++] = addr->id;
	h->dials_made++;
	bool answers = to && to->running && !to->dead;
	struct event *e = ev_push(ctx->w, EV_DIALLED, h, ctx->w->now_ns + (answers ? 50 * MS : SEC));
	e->addr = *addr;
	e->token = answers ? (uint64_t)(to - ctx->w->hosts) + 1 : 0;
	return SY_OK;
}

/* The fake switch has no cap of its own: room is made by whoever looks at the counts. */
enum sy_err sy_ctx_swap(struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	return sy_ctx_dial(ctx, addr);
}

enum sy_err sy_ctx_set_timer(struct sy_ctx *ctx, uint64_t token, uint64_t at_ns)
{
	assert_true(token < 8);
	ctx->h->timers[token] = at_ns;
	if (at_ns != UINT64_MAX) {
		struct event *e = ev_push(ctx->w, EV_TIMER, ctx->h, at_ns > ctx->w->now_ns ? at_ns : ctx->w->now_ns);
		e->token = token;
	}
	return SY_OK;
}

enum sy_err sy_ctx_resolve(struct sy_ctx *ctx, const char *host, uint64_t token)
{
	strncpy(ctx->h->asked_name, host, sizeof ctx->h->asked_name - 1);
	ctx->h->asked_token = token;
	ctx->h->lookups++;
	return SY_OK;
}

void sy_ctx_started(struct sy_ctx *ctx, enum sy_err err)
{
	ctx->h->started = err;
	ctx->h->start_told = true;
}

void sy_ctx_save_book(struct sy_ctx *ctx)
{
	ctx->h->saves++;
}

/* Not called by core/pex. They are here so that nothing pulls the switch's own out of the archive. */
enum sy_err sy_ctx_send(struct sy_ctx *ctx, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns, uint64_t token)
{
	return SY_NO_PEER;
}

uint32_t sy_ctx_broadcast(struct sy_ctx *ctx, uint8_t channel, struct sy_span bytes)
{
	return 0;
}

void sy_ctx_rand(struct sy_ctx *ctx, void *buf, size_t n)
{
	memset(buf, 0, n);
}

static inline uint32_t take_link(struct host *h, struct host *to, bool outbound, uint64_t now_ns)
{
	uint32_t slot = 0;
	while (slot < h->num_links && h->links[slot].to)
		slot++;
	if (slot == h->num_links) {
		h->links = realloc(h->links, (slot + 1) * sizeof *h->links);
		assert_non_null(h->links);
		memset(&h->links[slot], 0, sizeof *h->links);
		h->num_links++;
	}
	struct link *l = &h->links[slot];
	uint32_t gen = l->gen + 1;
	memset(l, 0, sizeof *l);
	l->to = to;
	l->gen = gen;
	l->outbound = outbound;
	l->up = true;
	l->since_ns = now_ns;
	*(outbound ? &h->outbound : &h->inbound) += 1;
	return slot;
}

static inline void announce(struct host *h, uint32_t slot, bool add)
{
	struct sy_peer p;
	view(h, slot, &p);
	if (add)
		h->r->add_peer(h->pex ? h->r->self : NULL, &h->ctx, &p);
	else
		h->r->init_peer(h->r->self, &h->ctx, &p);
}

/* Connects a to b. The links as seen from a. */
static inline uint32_t join(struct world *w, struct host *a, struct host *b)
{
	uint32_t at_b = take_link(b, a, false, w->now_ns);
	uint32_t at_a = take_link(a, b, true, w->now_ns);
	a->links[at_a].peer = at_b;
	b->links[at_b].peer = at_a;
	for (int add = 0; add < 2; add++) {
		if (b->pex)
			announce(b, at_b, add);
		if (a->pex)
			announce(a, at_a, add);
	}
	return at_a;
}

static inline void drop_side(struct host *h, uint32_t slot, enum sy_err reason)
{
	struct link *l = &h->links[slot];
	struct sy_peer p;
	view(h, slot, &p);
	if (h->pex)
		h->r->remove_peer(h->r->self, &h->ctx, &p, reason);
	*(l->outbound ? &h->outbound : &h->inbound) -= 1;
	l->up = false;
	l->to = NULL;
	h->last_reason = reason;
}

static inline void part(struct world *w, struct host *h, uint32_t slot, enum sy_err reason)
{
	struct link *l = &h->links[slot];
	struct host *to = l->to;
	uint32_t other = l->peer;
	drop_side(h, slot, reason);
	drop_side(to, other, SY_PEER_CLOSED);
}

static inline void on_dialled(struct world *w, struct event *e)
{
	struct host *h = e->h;
	struct host *to = e->token ? &w->hosts[e->token - 1] : NULL;
	uint32_t i = 0;
	while (memcmp(&h->dials[i], &e->addr.id, sizeof e->addr.id) != 0)
		i++;
	if (!h->running)
		return;
	enum sy_err err = SY_OK;
	if (!to || to->dead || !to->running)
		err = SY_DIAL_TIMEOUT;
	else if (memcmp(&to->addr.id, &e->addr.id, sizeof e->addr.id) != 0)
		err = SY_PEER_WRONG_ID;
	else if (to == h)
		err = SY_PEER_SELF;
	else if (connected(h, &to->addr.id))
		err = SY_DUPLICATE_ID;
	else if (to->inbound >= to->max_inbound)
		err = SY_PEER_HANDSHAKE_TIMEOUT;
	if (err == SY_OK)
		join(w, h, to);
	h->dials[i] = h->dials[--h->dialling];
	h->r->dial_done(h->r->self, &h->ctx, &e->addr, err);
}

static inline void on_message(struct world *w, struct event *e)
{
	struct host *h = e->h;
	if (!h->pex || e->slot >= h->num_links || !h->links[e->slot].up || h->links[e->slot].gen != e->gen || h->links[e->slot].stopping)
		return;
	struct sy_peer p;
	view(h, e->slot, &p);
	struct sy_message m = {.channel = SY_PEX_CHANNEL, .bytes = {e->bytes, e->len}};
	enum sy_err err = h->r->receive(h->r->self, &h->ctx, &p, &m);
	if (err)
		sy_ctx_stop_peer(&h->ctx, p.ref, err);
}

static inline void note_traces(struct world *w, struct host *h)
{
	struct sy_trace t;
	while (h->pex && sy_pex_next_trace(h->pex, &t))
		if (h == w->hosts)
			w->traces[w->num_traces++ % 64] = t;
}

static inline void handle(struct world *w, struct event *e)
{
	struct host *h = e->h;
	switch (e->kind) {
	case EV_TIMER:
		if (h->running && h->timers[e->token] == e->at_ns) {
			h->timers[e->token] = UINT64_MAX;
			h->r->timer(h->r->self, &h->ctx, e->token);
		}
		break;
	case EV_DIALLED:
		on_dialled(w, e);
		break;
	case EV_MESSAGE:
		on_message(w, e);
		break;
	case EV_STOP:
		if (h->links[e->slot].up && h->links[e->slot].gen == e->gen)
			part(w, h, e->slot, h->links[e->slot].reason);
		break;
	case EV_CALL:
		e->call(w, e->arg);
		break;
	}
	if (h)
		note_traces(w, h);
}

static inline void run_until(struct world *w, uint64_t until_ns)
{
	while (w->heap_len && w->heap[0]->at_ns <= until_ns) {
		struct event *e = ev_pop(w);
		w->now_ns = e->at_ns;
		w->events++;
		handle(w, e);
		free(e->bytes);
		free(e);
	}
	w->now_ns = until_ns;
}

static inline void open_world(struct world *w, uint32_t hosts, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	test_env_init(&w->t, seed);
	w->t.env.addrs = sy_addrs_new(&w->t.env, SY_LIMIT_INTERNED, false);
	w->hosts = calloc(hosts, sizeof *w->hosts);
	w->num_hosts = hosts;
	for (uint32_t i = 0; i < hosts; i++) {
		struct host *h = &w->hosts[i];
		h->ctx = (struct sy_ctx){w, h};
		h->addr = h->advertised = test_addr(i);
		h->max_inbound = 40;
		for (int k = 0; k < 8; k++)
			h->timers[k] = UINT64_MAX;
	}
	w->now_ns = SEC;
}

/* Makes the reactor of a host; start_host starts it. */
static inline enum sy_err make_host(struct world *w, uint32_t n, const struct sy_config *config, const char **what)
{
	struct host *h = &w->hosts[n];
	char name[16];
	struct sy_config c = *config;
	snprintf(name, sizeof name, "n%u", n);
	c.name = name;
	h->book = sy_book_new(&w->t.env, sy_policy_of(c.profile), c.addr_book_strict, sy_entity_of_bytes(0, name, strlen(name)));
	assert_non_null(h->book);
	sy_book_add_own(h->book, &h->addr);
	h->max_inbound = c.max_num_inbound_peers;
	enum sy_err err = sy_pex_new(&h->pex, &w->t.env, sy_policy_of(c.profile), &c, h->book, what);
	h->r = h->pex ? sy_pex_reactor(h->pex) : NULL;
	return err;
}

static inline void start_host(struct host *h)
{
	h->running = true;
	h->started = h->r->start(h->r->self, &h->ctx);
}

static inline void make_and_start(struct world *w, uint32_t n, const struct sy_config *config)
{
	const char *what;
	assert_int_equal(make_host(w, n, config, &what), SY_OK);
	start_host(&w->hosts[n]);
}

static inline void close_world(struct world *w)
{
	while (w->heap_len) {
		struct event *e = ev_pop(w);
		free(e->bytes);
		free(e);
	}
	free(w->heap);
	for (uint32_t i = 0; i < w->num_hosts; i++) {
		sy_pex_free(w->hosts[i].pex);
		sy_book_free(w->hosts[i].book);
		free(w->hosts[i].links);
	}
	free(w->hosts);
	sy_addrs_free(w->t.env.addrs, &w->t.env);
	test_env_check_empty(&w->t);
}

#endif
