/* Hosts of a virtual network with drivers that note what they hear: a, b (which listens) and c. */
#ifndef TESTS_SUPPORT_NETKIT_H
#define TESTS_SUPPORT_NETKIT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/net/net.h"

#define MS 1000000ull
#define SECOND 1000000000ull
enum { PORT = 26656, MAX_SOCKS = 300 };

/* A host with a driver that notes what it hears. */
struct netkit_user {
	struct sim_host *host;
	struct tp_transport *tp;
	struct sim_engine *engine;
	tp_sock sock[MAX_SOCKS]; /* in the order of their coming */
	uint64_t at[MAX_SOCKS];
	int num_socks;
	int failed_dials, failed, eofs, writables, wakes, resolves;
	enum sy_err err;
	uint64_t event_ns;          /* of the last event but bytes */
	uint64_t first_ns, last_ns; /* of bytes */
	size_t got;
	uint32_t sum;  /* order-sensitive */
	size_t window; /* given to new sockets */
	bool echo, close_on_bytes, refuse;
	struct sy_netaddr remote;
	size_t num_addrs;
	size_t to_write; /* still to be written, by writable events */
};

struct netkit {
	struct sim_engine *engine;
	struct sim_net *net;
	struct netkit_user a, b, c;
};

/* A link of 20 ms without rate and loss. */
struct sim_net_config netkit_config(void);
struct netkit *netkit_make(uint64_t seed, const struct sim_net_config *config);
/* a and b connected at 40 ms, accepted at 60 ms; the time is 100 ms then. */
struct netkit *netkit_connected(uint64_t seed, const struct sim_net_config *config);
void netkit_drop(struct netkit *w);
void netkit_run(struct netkit *w, uint64_t until_ns);
void netkit_attach(struct netkit_user *u);
void netkit_listen(struct netkit_user *u);
void netkit_dial(struct netkit_user *from, struct netkit_user *to, uint64_t timeout_ns);
/* Writes n bytes of a known pattern to the i-th socket; how many it took. */
size_t netkit_send(struct netkit_user *u, int i, size_t n);
/* Writes what is left of to_write to the first socket, as far as there is room. */
void netkit_push(struct netkit_user *u);

#endif
