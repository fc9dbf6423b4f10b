/* Names to addresses, by getaddrinfo on libuv's threads. */
#include "transport/tcp/tcp_private.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* Outlives its transport when that ends first: a look-up on a thread cannot be called back. */
struct tcp_lookup {
	uv_getaddrinfo_t req; /* first */
	struct tp_tcp *tcp;   /* null: nobody waits any more */
	struct tcp_lookup *prev, *next;
	uint64_t token;
};

static void lookup_unlink(struct tcp_lookup *l)
{
	*(l->prev ? &l->prev->next : &l->tcp->lookups) = l->next;
	if (l->next)
		l->next->prev = l->prev;
	l->tcp->num_lookups--;
}

static bool has(const struct sy_netaddr *addrs, size_t n, const struct sy_netaddr *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (memcmp(addrs[i].ip, addr->ip, 16) == 0)
			return true;
	}
	return false;
}

static size_t collect(const struct addrinfo *res, struct sy_netaddr addrs[SY_LIMIT_RESOLVED])
{
	size_t n = 0;
	for (; res && n < SY_LIMIT_RESOLVED; res = res->ai_next) {
		struct sy_netaddr addr;
		if (res->ai_family != AF_INET && res->ai_family != AF_INET6)
			continue;
		tp_tcp_from_sockaddr(&addr, res->ai_addr);
		addr.port = 0;
		if (!has(addrs, n, &addr))
			addrs[n++] = addr;
	}
	return n;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *res)
{
	struct tcp_lookup *l = (struct tcp_lookup *)req;
	struct tp_tcp *tcp = l->tcp;
	uint64_t token = l->token;
	struct sy_netaddr addrs[SY_LIMIT_RESOLVED];
	size_t n = status == 0 ? collect(res, addrs) : 0;
	uv_freeaddrinfo(res);
	if (tcp)
		lookup_unlink(l);
	free(l);
	if (tcp)
		tcp->events.resolved(tcp->events.ctx, token, n ? addrs : NULL, n, n ? SY_OK : SY_DNS);
}

enum sy_err tp_tcp_op_resolve(struct tp_transport *tp, uint64_t token, const char *host)
{
	struct tp_tcp *tcp = (struct tp_tcp *)tp;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	size_t len = strlen(host);
	if (len == 0 || len >= SY_HOST_TEXT)
		return SY_INVALID;
	if (tcp->num_lookups >= TCP_LOOKUPS)
		return SY_LIMIT;
	struct tcp_lookup *l = calloc(1, sizeof(*l));
	if (!l)
		return SY_NO_MEMORY;
	int status = uv_getaddrinfo(tcp->loop, &l->req, on_resolved, host, NULL, &hints);
	if (status != 0) {
		free(l);
		return status == UV_ENOMEM ? SY_NO_MEMORY : SY_INVALID; /* the name cannot be written in the form of the DNS */
	}
	l->tcp = tcp;
	l->token = token;
	l->next = tcp->lookups;
	if (l->next)
		l->next->prev = l;
	tcp->lookups = l;
	tcp->num_lookups++;
	return SY_OK;
}

void tp_tcp_lookups_end(struct tp_tcp *tcp)
{
	while (tcp->lookups) {
		struct tcp_lookup *l = tcp->lookups;
		lookup_unlink(l);
		l->tcp = NULL;
		(void)uv_cancel((uv_req_t *)&l->req); /* fails when it runs already; either way on_resolved frees it */
	}
}
