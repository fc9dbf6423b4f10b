/* Connections that others open: one listener, accepting only what its driver has room for. */
#include "transport/tcp/tcp_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_ready(uv_poll_t *handle, int status, int events);

static void listener_arm(struct tcp_listener *l)
{
	bool wanted = l->tcp->accept_window > 0 && l->paused_until_ns == 0;
	if (wanted == l->armed)
		return;
	l->armed = wanted;
	if (wanted)
		uv_poll_start(&l->poll, UV_READABLE, on_ready);
	else
		uv_poll_stop(&l->poll);
}

/* Descriptors or memory are used up: whoever waits keeps waiting in the backlog while the others here finish. */
static void listener_pause(struct tcp_listener *l)
{
	l->paused_until_ns = uv_hrtime() + TCP_ACCEPT_PAUSE_NS;
	tp_tcp_chores_at(l->tcp, l->paused_until_ns);
}

static void take(struct tp_tcp *tcp, int fd, const struct sockaddr *from)
{
	struct sy_netaddr remote;
	struct tcp_socket *s = tp_tcp_socket_new(tcp, fd, TCP_DIALLING);
	if (!s)
		return;
	if (!tp_tcp_socket_open(s)) {
		tp_tcp_socket_destroy(s);
		return;
	}
	tp_tcp_set_options(fd);
	tp_tcp_from_sockaddr(&remote, from);
	tcp->accept_window--;
	s->busy = true;
	uint64_t cookie = tcp->events.accepted(tcp->events.ctx, s->name, &remote);
	s->busy = false;
	if (s->gone || s->state == TCP_LINGERING)
		return;
	s->cookie = cookie;
	if (cookie == 0)
		tp_tcp_socket_destroy(s);
	else
		tp_tcp_socket_arm(s);
}

/* False: nobody waits, or nobody can be taken now. */
static bool accept_one(struct tcp_listener *l)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		take(l->tcp, fd, (struct sockaddr *)&from);
		return true;
	}
	if (tp_tcp_out_of_descriptors(errno))
		listener_pause(l);
	/* What else goes wrong here went wrong with the one connection (it was reset while it waited): the next may be fine. */
	return errno == ECONNABORTED || errno == EINTR || errno == EPROTO || errno == ENETUNREACH || errno == EHOSTUNREACH;
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
	struct tcp_listener *l = (struct tcp_listener *)handle;
	struct tp_tcp *tcp = l->tcp;
	for (uint32_t i = 0; i < TCP_ACCEPT_BATCH && !tcp->finished && tcp->accept_window > 0; i++) {
		if (!accept_one(l))
			break;
	}
	if (tcp->finished)
		return;
	if (status < 0)
		l->armed = false; /* libuv has stopped the poll */
	listener_arm(l);
}

/* The IPv6 wildcard on a machine without IPv6 is the wildcard all the same. */
static int listen_socket(const struct sy_netaddr *at, struct sockaddr_storage *ss, socklen_t *len)
{
	static const uint8_t any[16] = {0}, any4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
	*len = tp_tcp_to_sockaddr(ss, at->ip, at->port);
	int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && memcmp(at->ip, any, 16) == 0) {
		*len = tp_tcp_to_sockaddr(ss, any4, at->port);
		fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	return fd;
}

static int bind_and_listen(int fd, struct sockaddr_storage *ss, socklen_t len)
{
	int on = 1, off = 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)ss, len) != 0 || listen(fd, TCP_BACKLOG) != 0)
		return errno;
	len = sizeof(*ss);
	return getsockname(fd, (struct sockaddr *)ss, &len) != 0 ? errno : 0;
}

static enum sy_err listener_new(struct tp_tcp *tcp, int fd, const struct sockaddr_storage *at)
{
	struct tcp_listener *l = calloc(1, sizeof(*l));
	if (!l || uv_poll_init_socket(tcp->loop, &l->poll, fd) != 0) {
		free(l);
		return SY_NO_MEMORY;
	}
	tp_tcp_handle_opened(tcp);
	l->tcp = tcp;
	l->fd = fd;
	l->at = *at;
	tcp->listener = l;
	listener_arm(l);
	return SY_OK;
}

/* Listening a second time is refused; where the port is the same, as what it is. */
static enum sy_err second_listener(const struct tcp_listener *l, const struct sy_netaddr *at)
{
	struct sy_netaddr here;
	tp_tcp_from_sockaddr(&here, (const struct sockaddr *)&l->at);
	return at->port == here.port ? SY_IN_USE : SY_INVALID;
}

enum sy_err tp_tcp_op_listen(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound)
{
	struct tp_tcp *tcp = (struct tp_tcp *)tp;
	struct sockaddr_storage ss;
	socklen_t len;
	if (tcp->listener)
		return second_listener(tcp->listener, at);
	int fd = listen_socket(at, &ss, &len);
	if (fd < 0)
		return tp_tcp_listen_err(errno);
	int error = bind_and_listen(fd, &ss, len);
	enum sy_err err = error ? tp_tcp_listen_err(error) : listener_new(tcp, fd, &ss);
	if (err != SY_OK) {
		close(fd);
		return err;
	}
	tp_tcp_from_sockaddr(bound, (struct sockaddr *)&ss);
	return SY_OK;
}

void tp_tcp_op_accept_window(struct tp_transport *tp, uint32_t n)
{
	struct tp_tcp *tcp = (struct tp_tcp *)tp;
	tcp->accept_window = n;
	if (tcp->listener)
		listener_arm(tcp->listener);
}

uint64_t tp_tcp_listen_chores(struct tp_tcp *tcp, uint64_t now_ns)
{
	struct tcp_listener *l = tcp->listener;
	if (!l || l->paused_until_ns == 0)
		return UINT64_MAX;
	if (l->paused_until_ns > now_ns)
		return l->paused_until_ns;
	l->paused_until_ns = 0;
	listener_arm(l);
	return UINT64_MAX;
}

static void on_closed(uv_handle_t *handle)
{
	struct tcp_listener *l = (struct tcp_listener *)handle;
	struct tp_tcp *tcp = l->tcp;
	free(l);
	tp_tcp_handle_closed(tcp);
}

void tp_tcp_listen_end(struct tp_tcp *tcp)
{
	struct tcp_listener *l = tcp->listener;
	if (!l)
		return;
	tcp->listener = NULL;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	close(l->fd);
}
