/* Addresses between the kernel's form and ours, errno to errors, and the options of a socket. */
#include "transport/tcp/tcp_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

socklen_t tp_tcp_to_sockaddr(struct sockaddr_storage *ss, const uint8_t ip[16], uint16_t port)
{
	memset(ss, 0, sizeof(*ss));
	if (memcmp(ip, v4_prefix, 12) == 0) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, ip + 12, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, ip, 16);
	return sizeof(*in6);
}

void tp_tcp_from_sockaddr(struct sy_netaddr *addr, const struct sockaddr *sa)
{
	memset(addr, 0, sizeof(*addr));
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
		memcpy(addr->ip, v4_prefix, 12);
		memcpy(addr->ip + 12, &in->sin_addr, 4);
		addr->port = ntohs(in->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
		memcpy(addr->ip, &in6->sin6_addr, 16);
		addr->port = ntohs(in6->sin6_port);
	}
}

enum sy_err tp_tcp_conn_err(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
	case ECONNABORTED:
	case ETIMEDOUT: /* keep-alive or retransmission gave up: nobody is there any more */
	case ECONNREFUSED:
		return SY_PEER_RESET;
	case ENOMEM:
	case ENOBUFS:
		return SY_NO_MEMORY;
	}
	return SY_IO;
}

bool tp_tcp_out_of_descriptors(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

enum sy_err tp_tcp_dial_err(int error)
{
	if (tp_tcp_out_of_descriptors(error))
		return SY_LIMIT;
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
		return SY_DIAL_REFUSED;
	case ETIMEDOUT:
		return SY_DIAL_TIMEOUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case EACCES: /* a broadcast address, or forbidden by the firewall */
	case EPERM:
	case EINVAL: /* a link-local address without its interface, a multicast address */
		return SY_UNREACHABLE;
	}
	return SY_IO;
}

enum sy_err tp_tcp_listen_err(int error)
{
	if (tp_tcp_out_of_descriptors(error))
		return SY_LIMIT;
	if (error == EADDRINUSE)
		return SY_IN_USE;
	if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT)
		return SY_UNREACHABLE;
	return SY_IO;
}

/* An option that the kernel refuses costs speed, not correctness, so nobody is told. */
static void set_int(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/* As Go sets up its sockets: no Nagle, keep-alive probes from 15 s on, 15 s apart. Source: protocol.md 2.1. */
void tp_tcp_set_options(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
#endif
}

void tp_tcp_set_unsent_lowat(int fd, uint32_t bytes)
{
#ifdef TCP_NOTSENT_LOWAT
	set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes > INT32_MAX ? INT32_MAX : (int)bytes);
#endif
}

void tp_tcp_set_reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}
