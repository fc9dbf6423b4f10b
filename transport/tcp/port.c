/* Holding a port: a bound socket that does not listen. */
#include "transport/tcp/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t to_sockaddr(struct sockaddr_storage *at, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	memset(at, 0, sizeof *at);
	if (memcmp(ip, mapped, sizeof mapped) == 0) {
		struct sockaddr_in *in = (struct sockaddr_in *)at;

		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, ip + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)at;
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, ip, 16);
	return sizeof *in6;
}

static uint16_t port_of(const struct sockaddr_storage *at)
{
	return ntohs(at->ss_family == AF_INET ? ((const struct sockaddr_in *)at)->sin_port : ((const struct sockaddr_in6 *)at)->sin6_port);
}

int tp_port_hold(const uint8_t ip[16], uint16_t *port)
{
	struct sockaddr_storage at;
	socklen_t len = to_sockaddr(&at, ip);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&at, len) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		close(fd);
		return -1;
	}
	*port = port_of(&at);
	return fd;
}
