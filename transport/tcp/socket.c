/* Open connections: names, the events that the loop is asked for, reading, writing, closing. */
#include "transport/tcp/tcp_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void on_poll(uv_poll_t *handle, int status, int events);

/* ---- lists ---- */

static void list_remove(struct tcp_socket *s)
{
	if (!s->list)
		return;
	*(s->prev ? &s->prev->next : &s->list->head) = s->next;
	*(s->next ? &s->next->prev : &s->list->tail) = s->prev;
	s->list->count--;
	s->prev = s->next = NULL;
	s->list = NULL;
}

void tp_tcp_list_move(struct tcp_list *to, struct tcp_socket *s)
{
	list_remove(s);
	if (!to)
		return;
	s->list = to;
	s->prev = to->tail;
	*(to->tail ? &to->tail->next : &to->head) = s;
	to->tail = s;
	to->count++;
}

/* ---- names: the slot's index plus one in the low half, its generation in the high half ---- */

static bool slots_grow(struct tp_tcp *tcp)
{
	uint32_t cap = tcp->cap_slots ? tcp->cap_slots * 2 : 16;
	struct tcp_slot *slots = realloc(tcp->slots, cap * sizeof(*slots));
	if (!slots)
		return false;
	tcp->slots = slots;
	tcp->cap_slots = cap;
	return true;
}

/* Free slots are used in the order in which they became free, so that a name comes back as late as possible. */
static bool name_give(struct tcp_socket *s)
{
	struct tp_tcp *tcp = s->tcp;
	uint32_t i;
	if (tcp->free_slot) {
		i = tcp->free_slot - 1;
		tcp->free_slot = tcp->slots[i].next_free;
		if (!tcp->free_slot)
			tcp->free_slot_tail = 0;
	} else {
		if (tcp->num_slots == UINT16_MAX || (tcp->num_slots == tcp->cap_slots && !slots_grow(tcp)))
			return false;
		i = tcp->num_slots++;
		tcp->slots[i].gen = 0;
	}
	tcp->slots[i].socket = s;
	s->name = ((uint32_t)++tcp->slots[i].gen << 16) | (i + 1);
	return true;
}

static void name_take_back(struct tcp_socket *s)
{
	struct tp_tcp *tcp = s->tcp;
	if (s->name == 0)
		return;
	uint32_t i = (s->name & 0xffff) - 1;
	tcp->slots[i].socket = NULL;
	tcp->slots[i].next_free = 0;
	*(tcp->free_slot_tail ? &tcp->slots[tcp->free_slot_tail - 1].next_free : &tcp->free_slot) = i + 1;
	tcp->free_slot_tail = i + 1;
	s->name = 0;
}

struct tcp_socket *tp_tcp_socket_find(const struct tp_tcp *tcp, tp_sock name)
{
	uint32_t i = (name & 0xffff) - 1;
	if (i >= tcp->num_slots || !tcp->slots[i].socket)
		return NULL;
	struct tcp_socket *s = tcp->slots[i].socket;
	return s->name == name ? s : NULL;
}

/* ---- life ---- */

struct tcp_socket *tp_tcp_socket_new(struct tp_tcp *tcp, int fd, enum tcp_state state)
{
	struct tcp_socket *s = calloc(1, sizeof(*s));
	if (!s || uv_poll_init_socket(tcp->loop, &s->poll, fd) != 0) {
		free(s);
		close(fd);
		return NULL;
	}
	tp_tcp_handle_opened(tcp);
	s->tcp = tcp;
	s->fd = fd;
	s->state = (uint8_t)state;
	return s;
}

bool tp_tcp_socket_open(struct tcp_socket *s)
{
	if (!name_give(s))
		return false;
	s->state = TCP_OPEN;
	tp_tcp_list_move(&s->tcp->open, s);
	return true;
}

static void on_closed(uv_handle_t *handle)
{
	struct tcp_socket *s = (struct tcp_socket *)handle;
	struct tp_tcp *tcp = s->tcp;
	free(s);
	tp_tcp_handle_closed(tcp);
}

void tp_tcp_socket_destroy(struct tcp_socket *s)
{
	name_take_back(s);
	tp_tcp_list_move(NULL, s);
	s->gone = true;
	uv_close((uv_handle_t *)&s->poll, on_closed);
	close(s->fd);
}

/* ---- what the loop is asked for ---- */

/*
 * While nothing is wanted a hang-up is still watched for, so that a reset is noticed behind a closed window; once it
 * was seen the poll would tell of it for ever.
 */
static int wanted_events(const struct tcp_socket *s)
{
	switch ((enum tcp_state)s->state) {
	case TCP_DIALLING:
		return UV_WRITABLE;
	case TCP_OPEN: {
		int events = (s->window > 0 && !s->eof ? UV_READABLE : 0) | (s->want_room ? UV_WRITABLE : 0);
		return events ? events : s->hangup_seen ? 0 : UV_DISCONNECT;
	}
	case TCP_LINGERING:
		return UV_READABLE;
	case TCP_FAILING:
	case TCP_FAILED:
		return 0;
	}
	return 0;
}

void tp_tcp_socket_arm(struct tcp_socket *s)
{
	if (s->busy || s->gone)
		return;
	int events = wanted_events(s);
	if (events == s->armed)
		return;
	s->armed = (uint8_t)events;
	if (events)
		uv_poll_start(&s->poll, events, on_poll);
	else
		uv_poll_stop(&s->poll);
}

/* ---- failing ---- */

/* From inside an operation: the event waits for the chores. */
static void fail_later(struct tcp_socket *s, enum sy_err err)
{
	if (s->state != TCP_OPEN)
		return;
	s->state = TCP_FAILING;
	s->err = err;
	tp_tcp_list_move(&s->tcp->failing, s);
	tp_tcp_socket_arm(s);
	tp_tcp_chores_at(s->tcp, 0);
}

static void fail_now(struct tcp_socket *s, enum sy_err err)
{
	struct tp_tcp *tcp = s->tcp;
	s->state = TCP_FAILED;
	tp_tcp_list_move(&tcp->open, s);
	tp_tcp_socket_arm(s);
	tcp->events.failed(tcp->events.ctx, s->cookie, err);
}

static int pending_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	return error;
}

/* ---- reading ---- */

static bool has_read_buffer(struct tp_tcp *tcp)
{
	if (!tcp->read_buffer)
		tcp->read_buffer = tcp->own_read_buffer = malloc(TP_TCP_READ_BUFFER);
	return tcp->read_buffer != NULL;
}

/* One receive and its event. Returns true when there may be more to read at once. */
static bool read_some(struct tcp_socket *s)
{
	struct tp_tcp *tcp = s->tcp;
	if (!has_read_buffer(tcp)) {
		fail_now(s, SY_NO_MEMORY);
		return false;
	}
	size_t cap = s->window < TP_TCP_READ_BUFFER ? s->window : TP_TCP_READ_BUFFER;
	ssize_t n = recv(s->fd, tcp->read_buffer, cap, 0);
	if (n > 0) {
		s->window -= (size_t)n;
		tcp->events.bytes(tcp->events.ctx, s->cookie, (struct sy_span){tcp->read_buffer, (size_t)n});
		return (size_t)n == cap;
	}
	if (n == 0) {
		s->eof = true;
		tcp->events.eof(tcp->events.ctx, s->cookie);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		fail_now(s, tp_tcp_conn_err(errno));
	}
	return false;
}

/* Throws away what a peer still sends to a socket that was closed, until it ends too. */
static void linger(struct tcp_socket *s)
{
	if (!has_read_buffer(s->tcp)) {
		tp_tcp_socket_destroy(s);
		return;
	}
	ssize_t n = recv(s->fd, s->tcp->read_buffer, TP_TCP_READ_BUFFER, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		tp_tcp_socket_destroy(s);
}

static bool readable(const struct tcp_socket *s)
{
	return !s->gone && s->state == TCP_OPEN && s->window > 0 && !s->eof;
}

static void open_ready(struct tcp_socket *s, int events)
{
	struct tp_tcp *tcp = s->tcp;
	if ((events & UV_WRITABLE) && s->want_room) {
		s->want_room = false;
		tcp->events.writable(tcp->events.ctx, s->cookie);
	}
	if ((events & UV_READABLE) && readable(s))
		read_some(s);
	if ((events & UV_DISCONNECT) && !s->gone)
		s->hangup_seen = true;
}

/* libuv has stopped the poll for good. What the kernel still holds is delivered first, as far as the window goes. */
static void open_broken(struct tcp_socket *s)
{
	while (readable(s) && read_some(s))
		;
	if (!s->gone && s->state == TCP_OPEN) {
		int error = pending_error(s->fd);
		fail_now(s, error ? tp_tcp_conn_err(error) : SY_PEER_RESET);
	}
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct tcp_socket *s = (struct tcp_socket *)handle;
	if (s->state == TCP_DIALLING) {
		tp_tcp_dial_ready(s);
		return;
	}
	if (s->state == TCP_LINGERING) {
		if (status < 0)
			tp_tcp_socket_destroy(s);
		else
			linger(s);
		return;
	}
	s->busy = true;
	if (status < 0) {
		s->armed = 0;
		open_broken(s);
	} else if (s->state == TCP_OPEN) {
		open_ready(s, events);
	}
	s->busy = false;
	tp_tcp_socket_arm(s);
}

/* ---- operations ---- */

static struct tp_tcp *tp_tcp_of(struct tp_transport *tp)
{
	return (struct tp_tcp *)tp;
}

void tp_tcp_op_unsent_lowat(struct tp_transport *tp, tp_sock sock, uint32_t bytes)
{
	struct tcp_socket *s = tp_tcp_socket_find(tp_tcp_of(tp), sock);
	if (!s)
		return;
	s->lowat = bytes;
	tp_tcp_set_unsent_lowat(s->fd, bytes);
}

/* The kernel tells only by refusing. Until it does, offer what one batch may be. */
size_t tp_tcp_op_room(struct tp_transport *tp, tp_sock sock)
{
	const struct tcp_socket *s = tp_tcp_socket_find(tp_tcp_of(tp), sock);
	if (!s || s->state != TCP_OPEN || s->want_room)
		return 0;
	return s->lowat == 0 || s->lowat > SY_FILL_MAX ? SY_FILL_MAX : s->lowat < SY_FRAME_SEALED ? SY_FRAME_SEALED : s->lowat;
}

size_t tp_tcp_op_write(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n)
{
	struct tcp_socket *s = tp_tcp_socket_find(tp_tcp_of(tp), sock);
	if (!s || s->state != TCP_OPEN || n == 0)
		return 0;
	ssize_t took = s->want_room ? 0 : send(s->fd, bytes, n, MSG_NOSIGNAL);
	if (took < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			fail_later(s, tp_tcp_conn_err(errno));
			return 0;
		}
		took = 0;
	}
	if ((size_t)took < n && !s->want_room) {
		s->want_room = true;
		tp_tcp_socket_arm(s);
	}
	return (size_t)took;
}

void tp_tcp_op_read_window(struct tp_transport *tp, tp_sock sock, size_t n)
{
	struct tcp_socket *s = tp_tcp_socket_find(tp_tcp_of(tp), sock);
	if (!s)
		return;
	s->window = n;
	if (s->state == TCP_OPEN)
		tp_tcp_socket_arm(s);
}

/*
 * After a flush the descriptor stays until the peer has ended too: closing it with unread bytes would send a reset, and
 * that may overtake what was written.
 */
static void linger_begin(struct tcp_socket *s)
{
	struct tp_tcp *tcp = s->tcp;
	if (tcp->lingering.count >= TCP_LINGERING_MAX)
		tp_tcp_socket_destroy(tcp->lingering.head);
	name_take_back(s);
	s->state = TCP_LINGERING;
	s->busy = false;
	s->deadline_ns = uv_hrtime() + TCP_LINGER_NS;
	tp_tcp_list_move(&tcp->lingering, s);
	tp_tcp_socket_arm(s);
	tp_tcp_chores_at(tcp, s->deadline_ns);
}

void tp_tcp_op_close(struct tp_transport *tp, tp_sock sock, enum tp_close how)
{
	struct tcp_socket *s = tp_tcp_socket_find(tp_tcp_of(tp), sock);
	if (!s)
		return;
	if (how == TP_CLOSE_FLUSH && s->state == TCP_OPEN && shutdown(s->fd, SHUT_WR) == 0 && !s->eof) {
		linger_begin(s);
		return;
	}
	if (how == TP_CLOSE_ABORT)
		tp_tcp_set_reset_on_close(s->fd);
	tp_tcp_socket_destroy(s);
}

/* ---- chores ---- */

uint64_t tp_tcp_sockets_chores(struct tp_tcp *tcp, uint64_t now_ns)
{
	while (tcp->failing.head && !tcp->finished)
		fail_now(tcp->failing.head, tcp->failing.head->err);
	while (tcp->lingering.head && tcp->lingering.head->deadline_ns <= now_ns)
		tp_tcp_socket_destroy(tcp->lingering.head);
	return tcp->lingering.head ? tcp->lingering.head->deadline_ns : UINT64_MAX;
}
