/* The inside of pipe_net: pipes, events, and what its three files share. */
#ifndef TESTS_SUPPORT_PIPE_INNER_H
#define TESTS_SUPPORT_PIPE_INNER_H

#include "core/node/record.h"
#include "tests/support/pipe_net.h"

#define PN_NAMES 16

/* One end of a pipe. A raw end has no other: the test is there. */
struct pn_sock {
	struct pn_sock *next; /* of the node */
	struct pn_node *node;
	struct pn_sock *other; /* null: raw, or the other end is closed */
	struct sy_ref ref;
	struct sy_netaddr remote;
	uint8_t *rx;
	size_t rx_len, rx_cap;
	size_t in_flight; /* sent and not taken by the other node */
	bool blocked, eof, closed, raw;
	uint32_t events; /* under way to it: it is freed when closed and none is left */
};

enum pn_kind { EV_BYTES, EV_EOF, EV_RESET, EV_ACCEPT, EV_DIALLED, EV_DIAL_FAILED, EV_RESOLVED };

struct pn_event {
	uint64_t at, seq;
	enum pn_kind kind;
	struct pn_node *node;
	struct pn_sock *sock;
	struct sy_ref ref;
	struct sy_netaddr addr;
	uint8_t ips[PN_NAMES * 16]; /* of a name */
	enum sy_err err;
	uint64_t token;
	uint8_t *bytes;
	size_t len;
};

struct pn_net {
	uint64_t seed, now, latency, seq;
	size_t pipe_bytes;
	bool unblocked; /* a node may write again: everybody gets another turn */
	struct pn_node nodes[PN_NODES];
	uint32_t num_nodes;
	struct pn_event *heap;
	size_t num_events, cap_events;
	struct {
		char name[64];
		uint8_t ip[16];
	} dns[PN_NAMES];
	uint32_t num_dns;
	struct sy_env shared; /* of the table of addresses */
	struct sy_addrs *addrs;
};

/* pipe_env.c */
_Noreturn void pn_die(const char *why);
void *pn_plain_alloc(void *ctx, void *old, size_t old_size, size_t new_size);

void pn_env_fill(struct pn_node *n);

/* pipe_net.c: something happens to a node after a delay. */
struct pn_event *pn_post(struct pn_net *net, uint64_t delay, enum pn_kind kind, struct pn_node *node, struct pn_sock *sock);

/* pipe_node.c: sockets of a node, and everything that it puts out */
struct pn_sock *pn_sock_new(struct pn_node *n, struct sy_ref ref);
void pn_sock_close(struct pn_sock *s, bool flush);
void pn_sweep(struct pn_node *n);
struct sy_answer pn_give(struct pn_node *n, struct sy_input *in); /* an input, logged; nothing is carried out yet */
void pn_pump(struct pn_node *n);
void pn_pump_all(struct pn_net *net);

#endif
