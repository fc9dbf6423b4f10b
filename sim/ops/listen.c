#include "sim/ops/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 16 /* those that wait for one of the few connections */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static socklen_t to_sockaddr(const struct sy_netaddr *addr, struct sockaddr_storage *at)
{
	memset(at, 0, sizeof *at);
	if (memcmp(addr->ip, mapped, sizeof mapped) == 0) {
		struct sockaddr_in *in = (struct sockaddr_in *)at;

		in->sin_family = AF_INET;
		in->sin_port = htons(addr->port);
		memcpy(&in->sin_addr, addr->ip + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)at;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(addr->port);
	memcpy(&in6->sin6_addr, addr->ip, 16);
	return sizeof *in6;
}

static enum sy_err why(int number)
{
	if (number == EADDRINUSE)
		return SY_IN_USE;
	return number == EADDRNOTAVAIL || number == EAFNOSUPPORT ? SY_UNREACHABLE : SY_IO;
}

enum sy_err ops_listen(const struct sy_netaddr *addr, int *fd, struct sy_netaddr *bound)
{
	struct sockaddr_storage at;
	socklen_t len = to_sockaddr(addr, &at);
	int on = 1, s = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (s < 0)
		return why(errno);
	/* a restart need not wait for the last one's connections; two listeners on one port are refused all the same */
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(s, (const struct sockaddr *)&at, len) != 0 ||
	    listen(s, BACKLOG) != 0 || getsockname(s, (struct sockaddr *)&at, &len) != 0) {
		enum sy_err err = why(errno);

		close(s);
		return err;
	}
	*bound = *addr;
	bound->port =
	    ntohs(at.ss_family == AF_INET ? ((const struct sockaddr_in *)&at)->sin_port : ((const struct sockaddr_in6 *)&at)->sin6_port);
	*fd = s;
	return SY_OK;
}
