/*
 * The virtual network: hosts with addresses, the links between them, sockets, faults. Each host is a tp_transport.
 * Links are pipelines (rate and queue, delay, loss, policy); state exists only for pairs that are in use.
 */
#ifndef SIM_NET_NET_H
#define SIM_NET_NET_H

#include "core/switchyard.h"
#include "sim/engine/dist.h"
#include "sim/engine/engine.h"
#include "sim/tcp/stages.h"
#include "transport/transport.h"

struct sim_net;
struct sim_host;
struct sim_site;

/* Flow is segment with packets that stand for trains of segments. */
enum sim_tcp_model { SIM_TCP_NONE = 0, SIM_TCP_SEGMENT, SIM_TCP_FLOW };

struct sim_link_params {
	struct sim_dist latency; /* one way */
	uint64_t rate_bits;      /* per direction of a pair, bits per second; 0: unlimited */
	uint32_t loss_ppm;       /* of MTU-sized packets, parts per million */
	uint64_t
	    queue_bytes; /* the bottleneck's queue; nothing is dropped: what finds it full stays in the sender's buffer. 0: max(1 BDP, 45,000) */
	uint32_t mtu;    /* 1500 */
	/* What acts on packets, so not with SIM_TCP_NONE. What the stages point to is borrowed until the network is freed. */
	bool overtake; /* a latency that varies lets packets overtake one another */
	struct sim_link_stages stages;
};

struct sim_net_config {
	enum sim_tcp_model tcp;
	enum sim_tcp_cc cc;          /* of all hosts, unless they say otherwise; segment and flow */
	uint64_t sndbuf, rcvbuf;     /* bytes, fixed; 0: autotuned as Linux does it; segment */
	uint64_t notsent_lowat;      /* bytes; of sockets whose owner asks for none, as the sysctl; 0: none; segment */
	uint64_t frame_ns;           /* CPU time of a sealed frame's worth of bytes written, in which its host writes nothing else; segment */
	uint64_t handshake_ns;       /* CPU time of a handshake on each side, in which its host does nothing else */
	struct sim_link_params link; /* between all pairs, unless regions say otherwise */
	const char *const *regions;  /* names; null: none. The matrix of sim/net/regions.h gives the latencies */
	size_t num_regions;
	uint64_t uplink_bits, downlink_bits; /* per host; 0: unlimited */
};

SY_MUST enum sy_err sim_net_new(struct sim_net **out, struct sim_engine *engine, const struct sim_net_config *config, const char **what);
void sim_net_free(struct sim_net *net);

/* A host named for its node; region < 0: assigned round-robin when there are regions. ip null: a public IPv4 in a /16 of its own. */
struct sim_host *sim_host_new(struct sim_net *net, const char *name, int region, const uint8_t *ip);
struct tp_transport *
sim_host_transport(struct sim_host *host); /* one attached driver at a time; fini of the transport = the process died */
void sim_host_address(const struct sim_host *host, struct sy_netaddr *addr); /* ip only */
/* Congestion control of the connections that it makes or accepts from now on. */
void sim_host_set_cc(struct sim_host *host, enum sim_tcp_cc cc);
/* Off: the host vanishes at once and says nothing; its connections are half open, its sockets gone. On: it may attach again. */
void sim_host_power(struct sim_host *host, bool on);
uint32_t sim_host_index(const struct sim_host *host);
const char *sim_host_name(const struct sim_host *host);
const char *sim_host_region(const struct sim_host *host); /* "" when there are none */
uint64_t sim_host_random_entity(const struct sim_host *host);
/*
 * The line that joins a host to the network, or a site of hosts: its latency adds to that of every link that crosses it,
 * its rates are shared by all that crosses it.
 */
struct sim_line {
	uint64_t latency_ns;         /* one way */
	uint64_t up_bits, down_bits; /* per second; 0: unlimited, for a host: what the network says */
	uint64_t queue_bytes;        /* of either direction; 0: 50 ms of its rate, at least 45,000 */
};
/* Before the host has connections. SY_NO_MEMORY. */
SY_MUST enum sy_err sim_host_line(struct sim_host *host, const struct sim_line *line);

/* Hosts behind one line: a data centre, a home. With nat they share one public address, and have private ones. */
struct sim_site_config {
	const char *name; /* borrowed while the network lives */
	struct sim_line line;
	uint64_t inside_ns; /* latency between its hosts, one way; nothing else bounds them */
	bool nat;
	const uint8_t *ip; /* with nat: the public address; null: one is drawn */
};
/* SY_IN_USE (the name, the address), SY_LIMIT, SY_NO_MEMORY. The site belongs to the network. */
SY_MUST enum sy_err sim_site_new(struct sim_site **out, struct sim_net *net, const struct sim_site_config *config);
/*
 * Before the host has connections. With nat the host gets a private address unless it keeps its own, and nobody outside
 * reaches it but through `forward`, a port of the public address (0: none) that leads to `port` of the host. SY_IN_USE (the port),
 * SY_INVALID (a port without a NAT), SY_LIMIT (4,094 addresses), SY_NO_MEMORY.
 */
SY_MUST enum sy_err sim_site_join(struct sim_site *site, struct sim_host *host, bool keep_ip, uint16_t forward, uint16_t port);
/* The address under which others see what it sends. */
const uint8_t *sim_host_public_ip(const struct sim_host *host);
struct sim_site *sim_site_find(const struct sim_net *net, const char *name); /* null: there is none */
/* Where others find what listens at the host: behind a NAT the public address and the forwarded port, else port 0, any. False: nowhere outside. */
bool sim_host_outside(const struct sim_host *host, struct sy_netaddr *addr);

/* Names for the simulated DNS. */
SY_MUST enum sy_err sim_net_dns_set(struct sim_net *net, const char *name, const struct sy_netaddr *addrs, size_t n);

/* What is wrong with the parameters of a link in this network; null: nothing. */
const char *sim_link_wrong(const struct sim_net *net, const struct sim_link_params *params);
/* Links between two hosts, this direction only; null params: back to the network's. */
SY_MUST enum sy_err sim_link_set(struct sim_net *net, struct sim_host *from, struct sim_host *to, const struct sim_link_params *params);

/* Faults, at once. They belong to class SIM_FAULT events of the caller. */
enum sim_cut {
	SIM_CUT_NONE = 0,
	SIM_CUT_HOLD,      /* partition: bytes are held and come after heal; SYNs are lost */
	SIM_CUT_BLACKHOLE, /* bytes and SYNs vanish for ever; connections hang */
	SIM_CUT_REFUSE,    /* new connections are refused; old ones live */
	SIM_CUT_SYN,       /* what opens a connection vanishes; old ones live */
};
void sim_net_cut(struct sim_net *net, struct sim_host *from, struct sim_host *to, enum sim_cut cut); /* one direction */
void sim_net_heal(struct sim_net *net);                                                              /* all cuts */
/* Resets every connection between the two. */
void sim_net_reset(struct sim_net *net, struct sim_host *a, struct sim_host *b);

/* The connections between the two are lost at a's end alone: b does not know, until it sends and is answered by a reset. */
void sim_net_half_open(struct sim_net *net, struct sim_host *a, struct sim_host *b);
/* Nobody can connect to a hidden host (it is behind a NAT or a firewall); it dials as before, and what lives, lives on. */
void sim_host_hide(struct sim_host *host, bool hidden);
/*
 * The host has another address from now on (null: a public one is drawn): it is found and listens there. Its connections
 * know nothing of it; what they send goes nowhere, both ways. Names that were set stay. Behind a NAT it is the public
 * address of all that changes. SY_IN_USE: somebody has the address, perhaps itself; SY_LIMIT: none is free; SY_NO_MEMORY.
 */
SY_MUST enum sy_err sim_host_move(struct sim_host *host, const uint8_t *ip);

/* Counters for measures (read-only). */
struct sim_net_stats {
	uint64_t bytes_sent, bytes_delivered, segments_lost, segments_dropped /* by full queues */, connects, connects_failed, resets;
	uint64_t links_in_use, sockets;
};
void sim_net_stats(const struct sim_net *net, struct sim_net_stats *stats);
/* Rolling hash of faults and network decisions (draws, losses), for the run's trace hash. */
uint64_t sim_net_hash(const struct sim_net *net);
/* Bytes of memory for one idle connection end: socket and its share of the link. For budgets. */
size_t sim_net_socket_memory(const struct sim_net *net);

#endif
