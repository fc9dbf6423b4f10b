/* Strangers: hosts of a world whose connections a script drives byte by byte. They use a transport as a driver does. */
#include "sim/world/raw.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "sim/world/impl.h"

#define READ_WINDOW (1024u * 1024)

struct world_raw {
	struct world_raws *of;
	struct world_raw *next, *before; /* in the order of their making */
	void *user;                      /* null: the owner has closed it, the rest of the queue still goes out */
	uint64_t cookie;                 /* slot + 1, and above it a number of its own */
	tp_sock sock;                    /* 0: not open yet */
	bool reads;
	uint8_t *queue; /* what the socket has not taken */
	size_t queued, cap;
};

struct world_raws {
	struct world_node *n;
	struct world_raw_events events;
	bool listens, attached;
	struct world_raw *first, *last;
	struct world_raw **slots;
	uint32_t num_slots, count, free_from; /* no slot below free_from is free */
	uint64_t made;
};

static const struct tp_ops *ops_of(const struct world_raws *all)
{
	return all->n->tp->ops;
}

/* ------------------------------------------------------------------ the table */

static struct world_raw *find(const struct world_raws *all, uint64_t cookie)
{
	uint64_t slot = (cookie & UINT32_MAX) - 1;
	struct world_raw *raw = slot < all->num_slots ? all->slots[slot] : NULL;

	return raw != NULL && raw->cookie == cookie ? raw : NULL;
}

static bool room_for_slot(struct world_raws *all)
{
	while (all->free_from < all->num_slots && all->slots[all->free_from] != NULL)
		all->free_from++;
	if (all->free_from < all->num_slots)
		return true;
	uint32_t num = all->num_slots == 0 ? 16 : all->num_slots * 2;
	struct world_raw **slots = realloc(all->slots, num * sizeof(struct world_raw *));
	if (slots == NULL)
		return false;
	memset(slots + all->num_slots, 0, (num - all->num_slots) * sizeof(struct world_raw *));
	all->slots = slots;
	all->num_slots = num;
	return true;
}

static struct world_raw *take(struct world_raws *all, bool reads)
{
	struct world_raw *raw = room_for_slot(all) ? calloc(1, sizeof *raw) : NULL;

	if (raw == NULL)
		return NULL;
	raw->of = all;
	raw->reads = reads;
	raw->cookie = ++all->made << 32 | (all->free_from + 1);
	raw->before = all->last;
	*(all->last != NULL ? &all->last->next : &all->first) = raw;
	all->last = raw;
	all->slots[all->free_from] = raw;
	all->count++;
	return raw;
}

static void give(struct world_raws *all, struct world_raw *raw)
{
	uint32_t slot = (uint32_t)(raw->cookie & UINT32_MAX) - 1;

	if (raw->before != NULL)
		raw->before->next = raw->next;
	else
		all->first = raw->next;
	if (raw->next != NULL)
		raw->next->before = raw->before;
	else
		all->last = raw->before;
	all->slots[slot] = NULL;
	all->free_from = slot < all->free_from ? slot : all->free_from;
	all->count--;
	free(raw->queue);
	free(raw);
}

static struct world_raw *head(const struct world_raws *all)
{
	SY_ASSERT(all->first == NULL || all->first->before == NULL);
	return all->first;
}

/* The socket is closed or was never there. */
static void end(struct world_raws *all, struct world_raw *raw, enum sy_err why)
{
	void *user = raw->user;

	give(all, raw);
	if (user != NULL)
		all->events.ended(user, why);
}

/* ------------------------------------------------------------------ bytes out */

static void flush(struct world_raw *raw)
{
	const struct tp_ops *ops = ops_of(raw->of);

	if (raw->queued != 0) {
		size_t taken = ops->write(raw->of->n->tp, raw->sock, raw->queue, raw->queued);

		memmove(raw->queue, raw->queue + taken, raw->queued - taken);
		raw->queued -= taken;
	}
	if (raw->queued == 0 && raw->user == NULL) {
		ops->close(raw->of->n->tp, raw->sock, TP_CLOSE_FLUSH);
		give(raw->of, raw);
	}
}

enum sy_err world_raw_send(struct world_raw *raw, struct sy_span bytes)
{
	size_t need = raw->queued + bytes.len;

	if (bytes.len > WORLD_RAW_QUEUE - raw->queued)
		return SY_QUEUE_FULL;
	if (need > raw->cap) {
		uint8_t *queue = realloc(raw->queue, need);

		if (queue == NULL)
			return SY_NO_MEMORY;
		raw->queue = queue;
		raw->cap = need;
	}
	if (bytes.len != 0)
		memcpy(raw->queue + raw->queued, bytes.ptr, bytes.len);
	raw->queued = need;
	if (raw->sock != 0)
		flush(raw);
	return SY_OK;
}

void world_raw_close(struct world_raw *raw, bool abort)
{
	struct world_raws *all = raw->of;

	raw->user = NULL;
	if (raw->sock != 0 && abort) {
		ops_of(all)->close(all->n->tp, raw->sock, TP_CLOSE_ABORT);
		give(all, raw);
	} else if (raw->sock != 0) {
		flush(raw);
	} else if (abort || raw->queued == 0) {
		ops_of(all)->dial_cancel(all->n->tp, raw->cookie);
		give(all, raw);
	}
}

/* ------------------------------------------------------------------ what the transport says */

static void opened(struct world_raw *raw, tp_sock sock)
{
	raw->sock = sock;
	ops_of(raw->of)->read_window(raw->of->n->tp, sock, raw->reads ? READ_WINDOW : 0);
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct world_raws *all = ctx;
	struct world_raw *raw = all->count < WORLD_RAW_MAX ? take(all, true) : NULL;

	ops_of(all)->accept_window(all->n->tp, WORLD_RAW_MAX);
	if (raw == NULL)
		return 0;
	raw->user = all->events.accepted(all->events.ctx, raw, remote);
	if (raw->user == NULL) {
		give(all, raw);
		return 0;
	}
	opened(raw, sock);
	return raw->cookie;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	struct world_raw *raw = find(ctx, cookie);

	if (raw == NULL)
		return;
	opened(raw, sock);
	if (raw->user != NULL)
		raw->of->events.opened(raw->user);
	if (find(ctx, cookie) == raw) /* the owner may have closed it */
		flush(raw);
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct world_raw *raw = find(ctx, cookie);

	if (raw != NULL)
		end(raw->of, raw, err);
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct world_raw *raw = find(ctx, cookie);

	if (raw == NULL)
		return;
	ops_of(raw->of)->read_window(raw->of->n->tp, raw->sock, READ_WINDOW);
	if (raw->user != NULL)
		raw->of->events.bytes(raw->user, bytes);
}

static void over(void *ctx, uint64_t cookie, enum tp_close how, enum sy_err why)
{
	struct world_raw *raw = find(ctx, cookie);

	if (raw == NULL)
		return;
	ops_of(raw->of)->close(raw->of->n->tp, raw->sock, how);
	end(raw->of, raw, why);
}

static void on_eof(void *ctx, uint64_t cookie)
{
	over(ctx, cookie, TP_CLOSE_FLUSH, SY_OK);
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	over(ctx, cookie, TP_CLOSE_ABORT, err);
}

static void on_writable(void *ctx, uint64_t cookie)
{
	struct world_raw *raw = find(ctx, cookie);

	if (raw != NULL)
		flush(raw);
}

static void on_wake(void *ctx)
{
	/* it sets no alarm */
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	/* it looks no name up */
}

/* ------------------------------------------------------------------ life */

static enum sy_err attach(struct world_raws *all)
{
	const struct tp_events events = {.ctx = all,
	                                 .accepted = on_accepted,
	                                 .dialled = on_dialled,
	                                 .dial_failed = on_dial_failed,
	                                 .bytes = on_bytes,
	                                 .eof = on_eof,
	                                 .failed = on_failed,
	                                 .writable = on_writable,
	                                 .wake = on_wake,
	                                 .resolved = on_resolved};
	struct world_node *n = all->n;
	struct sy_netaddr bound;

	if (all->attached)
		return SY_OK;
	if (n->tp == NULL)
		n->tp = n->w->ops->transport(n);
	if (n->tp == NULL)
		return SY_NO_MEMORY;
	n->tp->ops->attach(n->tp, &events);
	all->attached = true;
	if (!all->listens)
		return SY_OK;
	n->tp->ops->accept_window(n->tp, WORLD_RAW_MAX);
	return n->tp->ops->listen(n->tp, &n->listen_at, &bound);
}

enum sy_err world_raw_init(struct world_node *n, const struct world_raw_events *events, bool listens)
{
	if (n->raws != NULL || n->core != NULL)
		return SY_INVALID;
	n->raws = calloc(1, sizeof *n->raws);
	if (n->raws == NULL)
		return SY_NO_MEMORY;
	*n->raws = (struct world_raws){.n = n, .events = *events, .listens = listens};
	return attach(n->raws);
}

enum sy_err world_raw_dial(struct world_node *n, const struct sy_netaddr *to, bool reads, void *user, struct world_raw **out)
{
	struct world_raws *all = n->raws;
	enum sy_err err = all->count == WORLD_RAW_MAX ? SY_LIMIT : attach(all);

	*out = NULL;
	if (err != SY_OK)
		return err;
	struct world_raw *raw = take(all, reads);
	if (raw == NULL)
		return SY_NO_MEMORY;
	err = n->tp->ops->dial(n->tp, raw->cookie, to, 0);
	if (err != SY_OK) {
		give(all, raw);
		return err;
	}
	raw->user = user;
	*out = raw;
	return SY_OK;
}

void world_raws_lost(struct world_node *n)
{
	if (n->raws == NULL)
		return;
	n->raws->attached = false;
	for (struct world_raw *raw; (raw = head(n->raws)) != NULL;)
		end(n->raws, raw, SY_STOPPED);
}

enum sy_err world_raws_back(struct world_node *n)
{
	return n->raws == NULL ? SY_OK : attach(n->raws);
}

void world_raws_free(struct world_node *n)
{
	if (n->raws == NULL)
		return;
	for (struct world_raw *raw; (raw = head(n->raws)) != NULL;)
		give(n->raws, raw);
	free(n->raws->slots);
	free(n->raws);
	n->raws = NULL;
}

uint32_t world_raw_count(const struct world_node *n)
{
	return n->raws == NULL ? 0 : n->raws->count;
}

struct world_raw *world_raw_first(const struct world_node *n)
{
	return n->raws == NULL ? NULL : n->raws->first;
}

struct world_raw *world_raw_next(const struct world_raw *raw)
{
	return raw->next;
}

void *world_raw_user(const struct world_raw *raw)
{
	return raw->user;
}
