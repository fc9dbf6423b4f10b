/* The in-memory network: its clock, the order of its events, endpoints, dials and look-ups. */
#include "transport/pair/pair_private.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_SECOND 1000000000ull
#define PAIR_WALL_AT_START (1700000000ull * PAIR_SECOND)
#define PAIR_DIAL_PATIENCE (127ull * PAIR_SECOND) /* Linux: six SYNs unanswered */
#define PAIR_LOOKUPS 64u

static struct pair_end *end_of(struct tp_transport *tp)
{
	return (struct pair_end *)tp;
}

/* ---- the queue of what is due ---- */

void tp_pair_ready(struct tp_pair_net *net, struct pair_item *item)
{
	if (item->queued)
		return;
	item->queued = true;
	item->prev = net->ready.prev;
	item->next = &net->ready;
	item->prev->next = item;
	net->ready.prev = item;
}

static void unqueue(struct pair_item *item)
{
	if (!item->queued)
		return;
	item->queued = false;
	item->prev->next = item->next;
	item->next->prev = item->prev;
}

void tp_pair_forget(struct tp_pair_net *net, struct pair_item *item)
{
	unqueue(item);
	if (net->current == item)
		net->current = NULL;
}

/* ---- dials ---- */

static struct pair_end *listener_at(const struct tp_pair_net *net, const struct sy_netaddr *to, bool *host_exists)
{
	*host_exists = false;
	for (struct pair_end *e = net->ends; e; e = e->next) {
		if (memcmp(e->ip.ip, to->ip, 16) != 0)
			continue;
		*host_exists = true;
		if (e->listening && e->bound.port == to->port)
			return e;
	}
	return NULL;
}

static void dial_free(struct pair_dial *d)
{
	struct pair_dial **at = &d->end->dials;
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	tp_pair_forget(d->end->net, &d->item);
	free(d);
}

static void dial_fails(struct pair_dial *d, enum sy_err err)
{
	const struct tp_events *ev = &d->end->events;
	uint64_t cookie = d->cookie;
	dial_free(d);
	ev->dial_failed(ev->ctx, cookie, err);
}

/* The kernel answers for the listener: a dial succeeds when the backlog has room, whether or not it is accepted later. */
static void dial_run(struct pair_dial *d)
{
	struct pair_end *from = d->end;
	if (d->tried) {
		dial_fails(d, SY_DIAL_TIMEOUT);
		return;
	}
	bool host_exists;
	struct pair_end *to = listener_at(from->net, &d->to, &host_exists);
	if (!to && host_exists) {
		dial_fails(d, SY_DIAL_REFUSED);
		return;
	}
	if (!to || to->backlog_len >= TP_PAIR_BACKLOG) {
		d->tried = true;
		return;
	}
	struct pair_sock *s = tp_pair_connect(from, to, &d->to);
	if (!s) {
		dial_fails(d, SY_NO_MEMORY);
		return;
	}
	s->cookie = d->cookie;
	dial_free(d);
	from->events.dialled(from->events.ctx, s->cookie, s->name);
}

static enum sy_err op_dial(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns)
{
	struct pair_end *end = end_of(tp);
	uint32_t under_way = 0;
	for (const struct pair_dial *other = end->dials; other; other = other->next)
		under_way++;
	if (under_way >= SY_LIMIT_DIALS)
		return SY_LIMIT;
	struct pair_dial *d = calloc(1, sizeof(*d));
	if (!d)
		return SY_NO_MEMORY;
	d->item.kind = PAIR_DIAL;
	d->end = end;
	d->cookie = cookie;
	d->to = *to;
	d->deadline_ns = end->net->now_ns + (timeout_ns ? timeout_ns : PAIR_DIAL_PATIENCE);
	d->order = end->net->orders++;
	d->next = end->dials;
	end->dials = d;
	tp_pair_ready(end->net, &d->item);
	return SY_OK;
}

static void op_dial_cancel(struct tp_transport *tp, uint64_t cookie)
{
	for (struct pair_dial *d = end_of(tp)->dials; d; d = d->next) {
		if (d->cookie == cookie) {
			dial_free(d);
			return;
		}
	}
}

/* ---- look-ups ---- */

static const struct pair_name *name_find(const struct tp_pair_net *net, const char *host)
{
	const struct pair_name *n = net->names;
	while (n && strcmp(n->host, host) != 0)
		n = n->next;
	return n;
}

bool tp_pair_dns_set(struct tp_pair_net *net, const char *name, const struct sy_netaddr *addrs, size_t n)
{
	if (n > SY_LIMIT_RESOLVED || strlen(name) >= SY_HOST_TEXT)
		return false;
	struct pair_name *entry = (struct pair_name *)name_find(net, name);
	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return false;
		memcpy(entry->host, name, strlen(name) + 1);
		entry->next = net->names;
		net->names = entry;
	}
	if (n > 0)
		memcpy(entry->addrs, addrs, n * sizeof(*addrs));
	entry->n = n;
	return true;
}

static void lookup_free(struct pair_lookup *l)
{
	struct pair_lookup **at = &l->end->lookups;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->end->num_lookups--;
	tp_pair_forget(l->end->net, &l->item);
	free(l);
}

static void lookup_run(struct pair_lookup *l)
{
	const struct tp_events *ev = &l->end->events;
	const struct pair_name *name = name_find(l->end->net, l->host);
	uint64_t token = l->token;
	lookup_free(l);
	if (name && name->n > 0)
		ev->resolved(ev->ctx, token, name->addrs, name->n, SY_OK);
	else
		ev->resolved(ev->ctx, token, NULL, 0, SY_DNS);
}

static enum sy_err op_resolve(struct tp_transport *tp, uint64_t token, const char *host)
{
	struct pair_end *end = end_of(tp);
	size_t len = strlen(host);
	if (len == 0 || len >= SY_HOST_TEXT)
		return SY_INVALID;
	if (end->num_lookups >= PAIR_LOOKUPS)
		return SY_LIMIT;
	struct pair_lookup *l = calloc(1, sizeof(*l));
	if (!l)
		return SY_NO_MEMORY;
	l->item.kind = PAIR_LOOKUP;
	l->end = end;
	l->token = token;
	memcpy(l->host, host, len + 1);
	l->next = end->lookups;
	end->lookups = l;
	end->num_lookups++;
	tp_pair_ready(end->net, &l->item);
	return SY_OK;
}

/* ---- the other operations ---- */

static uint64_t op_now(struct tp_transport *tp)
{
	return end_of(tp)->net->now_ns;
}

static uint64_t op_wall(struct tp_transport *tp)
{
	const struct tp_pair_net *net = end_of(tp)->net;
	return net->now_ns + net->wall_minus_now_ns;
}

static void op_attach(struct tp_transport *tp, const struct tp_events *events)
{
	end_of(tp)->events = *events;
}

static uint16_t free_port(const struct tp_pair_net *net, const struct sy_netaddr *ip)
{
	struct sy_netaddr at = *ip;
	bool host_exists;
	for (uint32_t port = 26656; port <= UINT16_MAX; port++) {
		at.port = (uint16_t)port;
		if (!listener_at(net, &at, &host_exists))
			return at.port;
	}
	return 0;
}

static bool is_wildcard(const struct sy_netaddr *at)
{
	static const uint8_t v6[16] = {0};
	static const uint8_t v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
	return memcmp(at->ip, v6, 16) == 0 || memcmp(at->ip, v4, 16) == 0;
}

static enum sy_err op_listen(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound)
{
	struct pair_end *end = end_of(tp);
	struct sy_netaddr here = end->ip;
	bool host_exists;
	if (!is_wildcard(at) && memcmp(at->ip, here.ip, 16) != 0)
		return SY_UNREACHABLE;
	here.port = at->port ? at->port : free_port(end->net, &here);
	if (here.port == 0 || listener_at(end->net, &here, &host_exists))
		return SY_IN_USE;
	if (end->listening)
		return SY_INVALID;
	end->listening = true;
	end->bound = *bound = here;
	return SY_OK;
}

static void op_accept_window(struct tp_transport *tp, uint32_t n)
{
	struct pair_end *end = end_of(tp);
	end->accept_window = n;
	if (n > 0 && end->backlog)
		tp_pair_ready(end->net, &end->accept);
}

static void op_unsent_lowat(struct tp_transport *tp, tp_sock sock, uint32_t bytes)
{
	(void)tp, (void)sock, (void)bytes; /* there is no kernel that could hoard bytes */
}

static size_t op_room(struct tp_transport *tp, tp_sock sock)
{
	struct pair_sock *s = tp_pair_sock_find(end_of(tp)->net, end_of(tp), sock);
	return s ? tp_pair_sock_room(s) : 0;
}

static size_t op_write(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n)
{
	struct pair_sock *s = tp_pair_sock_find(end_of(tp)->net, end_of(tp), sock);
	return s ? tp_pair_sock_write(s, bytes, n) : 0;
}

static void op_read_window(struct tp_transport *tp, tp_sock sock, size_t n)
{
	struct pair_sock *s = tp_pair_sock_find(end_of(tp)->net, end_of(tp), sock);
	if (s)
		tp_pair_sock_window(s, n);
}

static void op_close(struct tp_transport *tp, tp_sock sock, enum tp_close how)
{
	struct pair_sock *s = tp_pair_sock_find(end_of(tp)->net, end_of(tp), sock);
	if (s && s->cookie != 0)
		tp_pair_sock_close(s, how);
}

static void op_wake_at(struct tp_transport *tp, uint64_t at_ns)
{
	struct pair_end *end = end_of(tp);
	end->wake_ns = at_ns;
	unqueue(&end->wake);
}

static void op_fini(struct tp_transport *tp)
{
	struct pair_end *end = end_of(tp);
	while (end->dials)
		dial_free(end->dials);
	while (end->lookups)
		lookup_free(end->lookups);
	while (end->backlog)
		tp_pair_sock_close(end->backlog, TP_CLOSE_ABORT);
	while (end->socks)
		tp_pair_sock_close(end->socks, TP_CLOSE_ABORT);
	end->listening = false;
	end->accept_window = 0;
	end->wake_ns = UINT64_MAX;
	tp_pair_forget(end->net, &end->accept);
	tp_pair_forget(end->net, &end->wake);
	end->events = (struct tp_events){0};
}

static const struct tp_ops pair_ops = {
    .name = "pair",
    .now_ns = op_now,
    .wall_ns = op_wall,
    .attach = op_attach,
    .listen = op_listen,
    .accept_window = op_accept_window,
    .dial = op_dial,
    .dial_cancel = op_dial_cancel,
    .unsent_lowat = op_unsent_lowat,
    .room = op_room,
    .write = op_write,
    .read_window = op_read_window,
    .close = op_close,
    .wake_at = op_wake_at,
    .resolve = op_resolve,
    .fini = op_fini,
};

/* ---- the network ---- */

struct tp_pair_net *tp_pair_net_new(void)
{
	struct tp_pair_net *net = calloc(1, sizeof(*net));
	if (!net)
		return NULL;
	net->scratch = malloc(TP_PAIR_BUFFER);
	net->ready.prev = net->ready.next = &net->ready;
	net->ends_tail = &net->ends;
	net->now_ns = PAIR_SECOND;
	net->wall_minus_now_ns = PAIR_WALL_AT_START - PAIR_SECOND;
	net->buffer = net->max_write = net->max_read = TP_PAIR_BUFFER;
	struct sy_netaddr localhost = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};
	if (!net->scratch || !tp_pair_dns_set(net, "localhost", &localhost, 1)) {
		tp_pair_net_free(net);
		return NULL;
	}
	return net;
}

void tp_pair_net_free(struct tp_pair_net *net)
{
	if (!net)
		return;
	for (struct pair_end *e = net->ends; e; e = e->next)
		op_fini(&e->tp);
	while (net->ends) {
		struct pair_end *e = net->ends;
		net->ends = e->next;
		free(e);
	}
	while (net->names) {
		struct pair_name *n = net->names;
		net->names = n->next;
		free(n);
	}
	free(net->socks);
	free(net->scratch);
	free(net);
}

struct tp_transport *tp_pair_endpoint(struct tp_pair_net *net, const struct sy_netaddr *ip)
{
	struct pair_end *end = calloc(1, sizeof(*end));
	if (!end)
		return NULL;
	end->tp.ops = &pair_ops;
	end->net = net;
	memcpy(end->ip.ip, ip->ip, 16);
	end->wake_ns = UINT64_MAX;
	end->accept.kind = PAIR_ACCEPT;
	end->wake.kind = PAIR_WAKE;
	*net->ends_tail = end;
	net->ends_tail = &end->next;
	return &end->tp;
}

void tp_pair_limits(struct tp_pair_net *net, size_t buffer, size_t max_write, size_t max_read)
{
	net->buffer = buffer > 0 && buffer <= TP_PAIR_BUFFER ? buffer : net->buffer;
	net->max_write = max_write > 0 ? max_write : net->max_write;
	net->max_read = max_read > 0 && max_read <= TP_PAIR_BUFFER ? max_read : net->max_read;
}

uint64_t tp_pair_now_ns(const struct tp_pair_net *net)
{
	return net->now_ns;
}

void tp_pair_set_wall(struct tp_pair_net *net, uint64_t wall_ns)
{
	net->wall_minus_now_ns = wall_ns - net->now_ns; /* may wrap; it unwraps when added */
}

/* ---- time ---- */

struct pair_due {
	uint64_t at_ns, order;
	struct pair_end *waker;
	struct pair_dial *dial;
};

/* The next timer: dials before wakes at equal times, dials by age, wakes in the order of the endpoints. */
static struct pair_due next_timer(const struct tp_pair_net *net)
{
	struct pair_due due = {.at_ns = UINT64_MAX, .order = UINT64_MAX};
	for (struct pair_end *e = net->ends; e; e = e->next) {
		for (struct pair_dial *d = e->dials; d; d = d->next) {
			if (d->tried && !d->item.queued && (d->deadline_ns < due.at_ns || (d->deadline_ns == due.at_ns && d->order < due.order)))
				due = (struct pair_due){.at_ns = d->deadline_ns, .order = d->order, .dial = d};
		}
		if (e->wake_ns < due.at_ns)
			due = (struct pair_due){.at_ns = e->wake_ns, .order = UINT64_MAX, .waker = e};
	}
	return due;
}

/* Puts the timers that are due into the queue, behind what is there. */
static void collect_timers(struct tp_pair_net *net)
{
	for (;;) {
		struct pair_due due = next_timer(net);
		if (due.at_ns > net->now_ns)
			return;
		if (due.waker) {
			due.waker->wake_ns = UINT64_MAX;
			tp_pair_ready(net, &due.waker->wake);
		} else if (due.dial) {
			tp_pair_ready(net, &due.dial->item);
		}
	}
}

static void run_end(struct pair_item *item)
{
	if (item->kind == PAIR_ACCEPT) {
		tp_pair_accept_run((struct pair_end *)((char *)item - offsetof(struct pair_end, accept)));
	} else {
		struct pair_end *end = (struct pair_end *)((char *)item - offsetof(struct pair_end, wake));
		end->events.wake(end->events.ctx);
	}
}

static bool item_due(const struct pair_item *item)
{
	if (item->kind == PAIR_SOCK)
		return tp_pair_sock_due((const struct pair_sock *)item);
	if (item->kind == PAIR_ACCEPT) {
		const struct pair_end *end = (const struct pair_end *)((const char *)item - offsetof(struct pair_end, accept));
		return end->backlog && end->accept_window > 0;
	}
	return false;
}

static void run_item(struct tp_pair_net *net, struct pair_item *item)
{
	enum pair_kind kind = item->kind;
	net->current = item;
	switch (kind) {
	case PAIR_SOCK:
		tp_pair_sock_run((struct pair_sock *)item);
		break;
	case PAIR_ACCEPT:
	case PAIR_WAKE:
		run_end(item);
		break;
	case PAIR_DIAL:
		dial_run((struct pair_dial *)item);
		break;
	case PAIR_LOOKUP:
		lookup_run((struct pair_lookup *)item);
		break;
	}
	/* Dials and look-ups are over by now, and so is what was closed or ended meanwhile. */
	bool alive = net->current == item && (kind == PAIR_SOCK || kind == PAIR_ACCEPT);
	if (alive && item_due(item))
		tp_pair_ready(net, item);
	net->current = NULL;
}

bool tp_pair_step(struct tp_pair_net *net, uint64_t until_ns)
{
	collect_timers(net);
	for (;;) {
		struct pair_item *item = net->ready.next;
		if (item != &net->ready) {
			unqueue(item);
			run_item(net, item);
			return true;
		}
		uint64_t next_ns = next_timer(net).at_ns;
		if (next_ns > until_ns) {
			net->now_ns = until_ns > net->now_ns ? until_ns : net->now_ns;
			return false;
		}
		net->now_ns = next_ns > net->now_ns ? next_ns : net->now_ns;
		collect_timers(net);
	}
}
