/*
 * A tiny network for tests: nodes joined by byte pipes in virtual time, everything in one process and deterministic.
 * Every byte takes `latency_ns`; pipes lose nothing, and hold `pipe_bytes` that the other node has not taken yet.
 * Nodes are kept in an array and hold what a test wants to look at.
 */
#ifndef TESTS_SUPPORT_PIPE_NET_H
#define TESTS_SUPPORT_PIPE_NET_H

#include "core/book/intern.h"
#include "core/secret/suite.h"
#include "core/switchyard.h"

#define PN_MS 1000000ull
#define PN_S 1000000000ull
#define PN_NODES 64
#define PN_CHANNEL_A 0x20
#define PN_CHANNEL_B 0x21

struct pn_net;
struct pn_sock;

/* Memory that is counted, and that fails on demand. */
struct pn_memory {
	size_t bytes, peak;
	uint64_t allocations, failed;
	uint64_t fail_at;   /* the n-th allocation from now fails; 0: none */
	bool fail_for_ever; /* and all after it */
};

struct pn_node {
	struct pn_net *net;
	char name[32];
	struct sy_netaddr addr; /* id@ip:port, from the beginning */
	char addr_text[SY_ADDR_TEXT];
	uint8_t secret[64];
	struct sy_config config; /* to be edited between pn_add and pn_start */
	const struct sy_reactor *reactors;
	size_t num_reactors;
	struct sy_env env;
	struct pn_memory memory;
	struct sy_node *core; /* null: not running */
	uint64_t started_at, wall_ns;

	bool frozen;          /* takes no bytes: a process that hangs */
	bool unreachable;     /* dials of it time out */
	bool hold_signatures; /* SY_OUT_SIGN is left unanswered */
	bool hold_verdicts;   /* filters are left unanswered */
	bool hold_work;       /* deliveries are left unanswered */
	enum sy_err verdict;  /* answer to filters otherwise */

	/* what came out */
	uint32_t ups, downs, closes, dials, sends_done, deliveries, saves, resolves;
	enum sy_err last_down, last_close, last_send, started_err;
	uint64_t last_close_flush;
	bool started, stopped;
	uint32_t accept_window;
	struct sy_ref last_filter;
	uint64_t work[16]; /* tokens of deliveries held */
	uint32_t num_work;
	enum sy_err last_refused; /* by trace */
	uint32_t refused;
	enum sy_err last_dial; /* by trace: the outcome of the last dial */
	uint32_t dials_over;
	uint64_t dial_times[64]; /* when SY_OUT_DIAL came */
	void (*on_output)(struct pn_node *n, const struct sy_output *out);
	void (*on_trace)(struct pn_node *n, const struct sy_trace *trace);
	void *user;

	/* a log of everything done to the node (core/node/record.h), when asked for before pn_start */
	bool record;
	uint8_t *log;
	size_t log_len, log_cap;
	uint32_t ephemeral_port;
	struct pn_sock *socks;
	uint32_t backlog;
	bool pumping;
};

struct pn_net *pn_new(uint64_t seed);
void pn_free(struct pn_net *net);
void pn_latency(struct pn_net *net, uint64_t latency_ns);
void pn_pipe_bytes(struct pn_net *net, size_t bytes);
const struct sy_crypto *pn_crypto(void);
uint64_t pn_now(const struct pn_net *net);
/* The name resolves to this address from now on; a name that was never set does not resolve. */
void pn_dns(struct pn_net *net, const char *name, const uint8_t ip[16]);
void pn_dns_also(struct pn_net *net, const char *name, const uint8_t ip[16]); /* one more address, behind those it has */

/* A node that does not run yet: PEX off, its own /16, profile default. Its config may be edited until pn_start. */
struct pn_node *pn_add(struct pn_net *net, const char *name, enum sy_profile profile);
/* The same with the key and address of another one (a twin, or a restart elsewhere). */
void pn_same_key(struct pn_node *n, const struct pn_node *as);
void pn_set_ip(struct pn_node *n, uint8_t a, uint8_t b, uint8_t c, uint8_t d);
enum sy_err pn_make(struct pn_node *n, const char **what); /* sy_node_new alone */
void pn_start(struct pn_node *n);                          /* and SY_IN_START */
void pn_crash(struct pn_node *n);                          /* gone at once; its sockets are reset */
void pn_run(struct pn_net *net, uint64_t for_ns);

/* Inputs, stamped with the time; what they lead to at once is carried out. */
struct sy_answer pn_input(struct pn_node *n, struct sy_input *in);
struct sy_answer pn_dial(struct pn_node *from, const struct pn_node *to);
enum sy_err pn_send_text(struct pn_node *from, struct sy_ref peer, uint8_t channel, const char *text);
void pn_stop_peer(struct pn_node *n, struct sy_ref peer, enum sy_err reason);
/* The n-th peer, {0, 0} when there is none; the peer with the other node's id. */
struct sy_ref pn_peer(const struct pn_node *n, uint32_t index);
struct sy_ref pn_peer_of(const struct pn_node *n, const struct pn_node *other);
uint32_t pn_peers(const struct pn_node *n);
/* Resets all connections between the two. */
void pn_reset(struct pn_node *a, struct pn_node *b);

/* A raw connection into a node: the test plays the other side byte by byte. Nothing answers but the node. */
struct sy_answer pn_raw_open(struct pn_node *n, uint8_t last_octet, uint16_t port);
struct sy_answer pn_raw_open_from(struct pn_node *n, const uint8_t ip[16], uint16_t port);
enum sy_err pn_raw_bytes(struct pn_node *n, struct sy_ref conn, const void *bytes, size_t len);
/* What the node has for the wire of a raw connection; at most cap bytes. */
size_t pn_raw_read(struct pn_node *n, struct sy_ref conn, uint8_t *buf, size_t cap);

#endif
