/* The connections of the in-memory network: two sockets that hold each other's bytes. */
#include "transport/pair/pair_private.h"

#include <stdlib.h>
#include <string.h>

static bool bytes_append(struct pair_bytes *b, const uint8_t *bytes, size_t n)
{
	if (b->at + b->len + n > b->cap && b->at > 0) {
		memmove(b->buf, b->buf + b->at, b->len);
		b->at = 0;
	}
	if (b->len + n > b->cap) {
		size_t cap = b->cap ? b->cap : 512;
		while (cap < b->len + n)
			cap *= 2;
		uint8_t *buf = realloc(b->buf, cap);
		if (!buf)
			return false;
		b->buf = buf;
		b->cap = cap;
	}
	memcpy(b->buf + b->at + b->len, bytes, n);
	b->len += n;
	return true;
}

static void bytes_drop(struct pair_bytes *b)
{
	free(b->buf);
	*b = (struct pair_bytes){0};
}

static void bytes_take(struct pair_bytes *b, uint8_t *out, size_t n)
{
	memcpy(out, b->buf + b->at, n);
	b->at += n;
	b->len -= n;
	if (b->len == 0)
		bytes_drop(b);
}

/* ---- names ---- */

static bool name_give(struct tp_pair_net *net, struct pair_sock *s)
{
	uint32_t i = 0;
	while (i < net->num_socks && net->socks[i].sock)
		i++;
	if (i == UINT16_MAX)
		return false;
	if (i == net->cap_socks) {
		uint32_t cap = net->cap_socks ? net->cap_socks * 2 : 16;
		void *socks = realloc(net->socks, cap * sizeof(*net->socks));
		if (!socks)
			return false;
		net->socks = socks;
		net->cap_socks = cap;
	}
	if (i == net->num_socks)
		net->socks[net->num_socks++].gen = 0;
	net->socks[i].sock = s;
	s->name = ((uint32_t)++net->socks[i].gen << 16) | (i + 1);
	return true;
}

struct pair_sock *tp_pair_sock_find(const struct tp_pair_net *net, const struct pair_end *end, tp_sock name)
{
	uint32_t i = (name & 0xffff) - 1;
	if (i >= net->num_socks || !net->socks[i].sock)
		return NULL;
	struct pair_sock *s = net->socks[i].sock;
	return s->name == name && s->end == end ? s : NULL;
}

/* ---- life ---- */

static struct pair_sock *sock_new(struct pair_end *end, const struct sy_netaddr *remote)
{
	struct pair_sock *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->item.kind = PAIR_SOCK;
	s->end = end;
	s->remote = *remote;
	s->remote.id = (struct sy_id){{0}};
	s->remote.flags = 0;
	if (!name_give(end->net, s)) {
		free(s);
		return NULL;
	}
	return s;
}

static void sock_free(struct pair_sock *s)
{
	struct tp_pair_net *net = s->end->net;
	tp_pair_forget(net, &s->item);
	net->socks[(s->name & 0xffff) - 1].sock = NULL;
	bytes_drop(&s->in);
	free(s);
}

struct pair_sock *tp_pair_connect(struct pair_end *from, struct pair_end *to, const struct sy_netaddr *at)
{
	struct sy_netaddr source = from->ip;
	source.port = from->last_port = (uint16_t)(from->last_port < 49152 || from->last_port == 65535 ? 49152 : from->last_port + 1);
	struct pair_sock *near = sock_new(from, at);
	if (!near)
		return NULL;
	struct pair_sock *far = sock_new(to, &source);
	if (!far) {
		sock_free(near);
		return NULL;
	}
	near->other = far;
	far->other = near;
	near->next = from->socks;
	from->socks = near;
	struct pair_sock **tail = &to->backlog;
	while (*tail)
		tail = &(*tail)->next;
	*tail = far;
	to->backlog_len++;
	if (to->accept_window > 0)
		tp_pair_ready(to->net, &to->accept);
	return near;
}

static void unlink_sock(struct pair_sock **list, struct pair_sock *s)
{
	while (*list != s)
		list = &(*list)->next;
	*list = s->next;
}

/* Tells the side that stays; its bytes are kept after a flush and lost after a reset. */
static void part(struct pair_sock *stays, enum tp_close how)
{
	stays->other = NULL;
	if (how == TP_CLOSE_FLUSH) {
		stays->eof = true;
	} else {
		stays->err = SY_PEER_RESET;
		bytes_drop(&stays->in);
	}
	if (tp_pair_sock_due(stays))
		tp_pair_ready(stays->end->net, &stays->item);
}

void tp_pair_sock_close(struct pair_sock *s, enum tp_close how)
{
	if (s->other)
		part(s->other, how);
	if (s->cookie == 0 && s->end->backlog_len > 0) {
		unlink_sock(&s->end->backlog, s);
		s->end->backlog_len--;
	} else {
		unlink_sock(&s->end->socks, s);
	}
	sock_free(s);
}

void tp_pair_accept_run(struct pair_end *end)
{
	struct tp_pair_net *net = end->net;
	struct pair_sock *s = end->backlog;
	if (!s || end->accept_window == 0)
		return;
	end->backlog = s->next;
	end->backlog_len--;
	end->accept_window--;
	s->next = end->socks;
	end->socks = s;
	s->cookie = UINT64_MAX; /* a name of its own until the driver has given one */
	tp_sock name = s->name;
	struct sy_netaddr remote = s->remote;
	uint64_t cookie = end->events.accepted(end->events.ctx, name, &remote);
	s = tp_pair_sock_find(net, end, name); /* the driver may have closed it, or everything */
	if (!s)
		return;
	if (cookie == 0) {
		tp_pair_sock_close(s, TP_CLOSE_ABORT);
		return;
	}
	s->cookie = cookie;
	if (tp_pair_sock_due(s))
		tp_pair_ready(net, &s->item);
}

/* ---- what is due ---- */

static size_t room_of(const struct pair_sock *s)
{
	const struct tp_pair_net *net = s->end->net;
	if (s->err != SY_OK)
		return 0;
	if (!s->other)
		return net->buffer; /* nobody reads any more: what is written vanishes */
	size_t held = s->other->in.len;
	return held < net->buffer ? net->buffer - held : 0;
}

bool tp_pair_sock_due(const struct pair_sock *s)
{
	if (s->cookie == 0)
		return false;
	if (s->err != SY_OK)
		return !s->err_told;
	return (s->want_room && room_of(s) > 0) || (s->in.len > 0 && s->window > 0) ||
	       (s->eof && !s->eof_told && s->in.len == 0 && s->window > 0);
}

static void run_bytes(struct pair_sock *s)
{
	struct pair_end *end = s->end;
	struct tp_pair_net *net = end->net;
	size_t n = s->in.len;
	n = n > s->window ? s->window : n;
	n = n > net->max_read ? net->max_read : n;
	bytes_take(&s->in, net->scratch, n);
	s->window -= n;
	if (s->other && tp_pair_sock_due(s->other))
		tp_pair_ready(net, &s->other->item);
	end->events.bytes(end->events.ctx, s->cookie, (struct sy_span){net->scratch, n});
}

/* Room comes before bytes: a writable event is owed once for each short write, so bytes have their turn. */
void tp_pair_sock_run(struct pair_sock *s)
{
	const struct tp_events *ev = &s->end->events;
	if (!tp_pair_sock_due(s))
		return;
	if (s->err != SY_OK) {
		s->err_told = true;
		ev->failed(ev->ctx, s->cookie, s->err);
	} else if (s->want_room && room_of(s) > 0) {
		s->want_room = false;
		ev->writable(ev->ctx, s->cookie);
	} else if (s->in.len > 0) {
		run_bytes(s);
	} else {
		s->eof_told = true;
		ev->eof(ev->ctx, s->cookie);
	}
}

/* ---- operations ---- */

size_t tp_pair_sock_room(struct pair_sock *s)
{
	size_t room = room_of(s);
	if (room == 0)
		s->want_room = true;
	return room;
}

static void fail(struct pair_sock *s, enum sy_err err)
{
	s->err = err;
	if (s->other)
		part(s->other, TP_CLOSE_ABORT);
	s->other = NULL;
	tp_pair_ready(s->end->net, &s->item);
}

size_t tp_pair_sock_write(struct pair_sock *s, const uint8_t *bytes, size_t n)
{
	struct tp_pair_net *net = s->end->net;
	if (s->err != SY_OK)
		return 0;
	size_t room = room_of(s);
	size_t took = n > room ? room : n;
	took = took > net->max_write ? net->max_write : took;
	if (took > 0 && s->other && !bytes_append(&s->other->in, bytes, took)) {
		fail(s, SY_NO_MEMORY);
		return 0;
	}
	if (took > 0 && s->other && tp_pair_sock_due(s->other))
		tp_pair_ready(net, &s->other->item);
	if (took < n) {
		s->want_room = true;
		if (tp_pair_sock_due(s))
			tp_pair_ready(net, &s->item);
	}
	return took;
}

void tp_pair_sock_window(struct pair_sock *s, size_t n)
{
	s->window = n;
	if (tp_pair_sock_due(s))
		tp_pair_ready(s->end->net, &s->item);
}
