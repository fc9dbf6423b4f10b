/* Connections that we open: connect without waiting, a deadline, the source address. */
#include "transport/tcp/tcp_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* The port is chosen at connect, where only the pair of addresses must be unique: many nodes of one machine run out otherwise. */
static int bind_source(int fd, int family, const uint8_t ip[16])
{
	struct sockaddr_storage ss;
	int on = 1;
	socklen_t len = tp_tcp_to_sockaddr(&ss, ip, 0);
	if (ss.ss_family != family)
		return 0; /* our address is of the other family: the kernel chooses */
	(void)setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&ss, len);
}

/* Returns 0 or an errno; *fd is a socket in either case, or -1. */
static int connect_begin(const struct tp_tcp *tcp, const struct sy_netaddr *to, int *fd)
{
	struct sockaddr_storage ss;
	socklen_t len = tp_tcp_to_sockaddr(&ss, to->ip, to->port);
	*fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	tp_tcp_set_options(*fd);
	if (tcp->has_bind_ip && bind_source(*fd, ss.ss_family, tcp->bind_ip) != 0)
		return errno;
	if (connect(*fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS && errno != EINTR)
		return errno;
	return 0;
}

/*
 * The kernel refuses some dials on the spot, others later; the caller sees the first as an answer and the second as an
 * event. A refusal is an event in both cases.
 */
enum sy_err tp_tcp_op_dial(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns)
{
	struct tp_tcp *tcp = (struct tp_tcp *)tp;
	int fd;
	if (tcp->dialling.count >= SY_LIMIT_DIALS)
		return SY_LIMIT;
	int error = connect_begin(tcp, to, &fd);
	enum sy_err err = error ? tp_tcp_dial_err(error) : SY_OK;
	if (err != SY_OK && err != SY_DIAL_REFUSED) {
		if (fd >= 0)
			close(fd);
		return err == SY_DIAL_TIMEOUT ? SY_UNREACHABLE : err;
	}
	struct tcp_socket *s = tp_tcp_socket_new(tcp, fd, TCP_DIALLING);
	if (!s)
		return SY_NO_MEMORY;
	s->cookie = cookie;
	s->err = err;
	s->deadline_ns = err != SY_OK ? 0 : uv_hrtime() + (timeout_ns ? timeout_ns : TCP_DIAL_PATIENCE_NS);
	tp_tcp_list_move(&tcp->dialling, s);
	if (err == SY_OK)
		tp_tcp_socket_arm(s);
	tp_tcp_chores_at(tcp, s->deadline_ns);
	return SY_OK;
}

void tp_tcp_op_dial_cancel(struct tp_transport *tp, uint64_t cookie)
{
	struct tcp_socket *s = ((struct tp_tcp *)tp)->dialling.head;
	while (s && s->cookie != cookie)
		s = s->next;
	if (s)
		tp_tcp_socket_destroy(s);
}

static void dial_fails(struct tcp_socket *s, enum sy_err err)
{
	struct tp_tcp *tcp = s->tcp;
	uint64_t cookie = s->cookie;
	tp_tcp_socket_destroy(s);
	tcp->events.dial_failed(tcp->events.ctx, cookie, err);
}

/* On one machine a dial to a closed port can be given that very port as its source, and TCP then connects it to itself. */
static bool connected_to_itself(int fd)
{
	struct sockaddr_storage a, b;
	struct sy_netaddr here, there;
	socklen_t a_len = sizeof(a), b_len = sizeof(b);
	if (getsockname(fd, (struct sockaddr *)&a, &a_len) != 0 || getpeername(fd, (struct sockaddr *)&b, &b_len) != 0)
		return false;
	tp_tcp_from_sockaddr(&here, (struct sockaddr *)&a);
	tp_tcp_from_sockaddr(&there, (struct sockaddr *)&b);
	return memcmp(here.ip, there.ip, 16) == 0 && here.port == there.port;
}

void tp_tcp_dial_ready(struct tcp_socket *s)
{
	struct tp_tcp *tcp = s->tcp;
	int error = 0;
	socklen_t len = sizeof(error);
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0) {
		dial_fails(s, tp_tcp_dial_err(error));
		return;
	}
	if (connected_to_itself(s->fd)) {
		dial_fails(s, SY_DIAL_REFUSED);
		return;
	}
	if (!tp_tcp_socket_open(s)) {
		dial_fails(s, SY_NO_MEMORY);
		return;
	}
	s->busy = true;
	tcp->events.dialled(tcp->events.ctx, s->cookie, s->name);
	s->busy = false;
	tp_tcp_socket_arm(s);
}

uint64_t tp_tcp_dials_chores(struct tp_tcp *tcp, uint64_t now_ns)
{
	/* An event may end other dials, so each search begins anew; dials are few and time out rarely. */
	for (;;) {
		uint64_t next_ns = UINT64_MAX;
		struct tcp_socket *s = tcp->dialling.head;
		while (s && s->deadline_ns > now_ns) {
			next_ns = s->deadline_ns < next_ns ? s->deadline_ns : next_ns;
			s = s->next;
		}
		if (!s || tcp->finished)
			return next_ns;
		dial_fails(s, s->err != SY_OK ? s->err : SY_DIAL_TIMEOUT);
	}
}
