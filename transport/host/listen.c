#include "transport/host/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define NO_ID "0000000000000000000000000000000000000000"

static bool look_up(const char *host, uint8_t ip[16])
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	if (list->ai_family == AF_INET6) {
		memcpy(ip, &((struct sockaddr_in6 *)list->ai_addr)->sin6_addr, 16);
	} else {
		memset(ip, 0, 10);
		ip[10] = ip[11] = 0xff;
		memcpy(ip + 12, &((struct sockaddr_in *)list->ai_addr)->sin_addr, 4);
	}
	freeaddrinfo(list);
	return true;
}

enum sy_err tp_listen_parse(const char *text, struct sy_netaddr *addr)
{
	const char *bare = strstr(text, "://");
	char full[sizeof NO_ID + SY_HOST_TEXT + 16], host[SY_HOST_TEXT];

	bare = bare == NULL ? text : bare + 3;
	int n = snprintf(full, sizeof full, NO_ID "@%s%s", bare[0] == ':' ? "0.0.0.0" : "", bare);
	if (n < 0 || (size_t)n >= sizeof full)
		return SY_ADDR_INVALID;
	enum sy_err err = sy_netaddr_parse(full, addr, host);
	addr->flags = 0;
	if (err == SY_ADDR_NEEDS_DNS)
		return look_up(host, addr->ip) ? SY_OK : SY_DNS;
	return err == SY_OK ? SY_OK : SY_ADDR_INVALID;
}

const char *tp_listen_fault(enum sy_err err)
{
	return err == SY_UNREACHABLE ? "this machine has no such address" : sy_err_text(err);
}
