/*
 * A world: the clock, the network and the nodes that a scenario acts on. Two of them, one interface: simulated
 * (world_sim.c: engine, virtual network, disks in memory) and real (world_tcp.c: libuv, loopback sockets). The Lua
 * host, the measures and the command line know only this header.
 */
#ifndef SIM_WORLD_WORLD_H
#define SIM_WORLD_WORLD_H

#include "core/switchyard.h"
#include "sim/engine/queue.h"
#include "sim/net/rough.h"
#include "sim/world/recorder.h"

struct world;
struct world_node;

enum world_kind { WORLD_SIM, WORLD_TCP };

struct world_options {
	enum world_kind kind;
	uint64_t seed;
	bool null_crypto; /* refused (SY_INVALID) with WORLD_TCP */
	enum sim_tcp_model tcp;
	struct recorder *recorder; /* null: no record is kept; simulated worlds only. Borrowed */
};

/* What the owner of the world hears. Called from the world's loop; may call back into the world. */
struct world_listener {
	void *ctx;
	void (*peer_up)(void *ctx, struct world_node *n, const struct sy_output *out);
	void (*peer_down)(void *ctx, struct world_node *n, const struct sy_output *out);
	void (*send_done)(void *ctx, struct world_node *n, uint64_t token, enum sy_err err);
	void (*trace)(void *ctx, struct world_node *n, const struct sy_trace *trace);
	void (*started)(void *ctx, struct world_node *n, enum sy_err err);
	void (*stopped)(void *ctx, struct world_node *n);
	/* How long a message of this channel's inbox is worked at; null: no time. */
	uint64_t (*work_ns)(void *ctx, const struct world_node *n, uint8_t channel);
	void (*renamed)(void *ctx, struct world_node *n); /* its id or its address is another one; it does not run, or hears nothing of it */
};

SY_MUST enum sy_err world_new(struct world **out, const struct world_options *options, const struct world_listener *listener,
                              const char **what);
void world_free(struct world *w);
enum world_kind world_kind(const struct world *w);
uint64_t world_seed(const struct world *w);
bool world_null_crypto(const struct world *w);
/* Nanoseconds since the run began. */
uint64_t world_now_ns(const struct world *w);
/* The network; once, before the first node. In WORLD_TCP rate and latency are kept by a paced relay in the transport; loss is refused: SY_INVALID, *what says so. */
SY_MUST enum sy_err world_network(struct world *w, const struct sim_net_config *config, const char **what);

/* Hosts behind one line, and perhaps a NAT: before the nodes that are in it. The name is borrowed as long as the world lives. */
SY_MUST enum sy_err world_site(struct world *w, const struct sim_site_config *config, const char **what);

/* Calls fn once at at_ns (at or after it in a real world). class: SIM_FAULT, SIM_SCRIPT or SIM_OBSERVER. Null when out of memory. */
struct world_timer;
SY_MUST struct world_timer *world_at(struct world *w, uint64_t at_ns, enum sim_class class_, void (*fn)(void *arg), void *arg);
void world_cancel(struct world *w, struct world_timer *t); /* before it has fired; frees it */

/* Runs until until_ns, until world_halt, or (for the sake of progress) until the wall deadline; returns true when until_ns was reached. */
bool world_run(struct world *w, uint64_t until_ns, uint64_t wall_slice_ns);
void world_halt(struct world *w);

struct world_node_config {
	const char *name;     /* unique, stable */
	const char *region;   /* null: round-robin when the network has regions */
	const uint8_t *ip;    /* null: one is given */
	struct sim_line line; /* its own; all 0: the network's */
	const char *site;     /* null: none */
	uint16_t forward;     /* behind a NAT: the port of its site's address that leads to it; 0: none */
	bool has_cc;          /* cc instead of the network's; a real world takes the kernel's */
	enum sim_tcp_cc cc;
	struct sy_config p2p;              /* name, pubkey, listen_addr are filled in by the world; texts are copied */
	const struct sy_reactor *reactors; /* copied; `self` must outlive the node */
	size_t num_reactors;
};

/* Makes a node with a key of its own (a function of seed and name in the simulator); it does not run yet. */
SY_MUST enum sy_err world_node_add(struct world *w, const struct world_node_config *config, struct world_node **out, const char **what);
/* id@ip:port, known from the beginning; what it is now. */
void world_node_address(const struct world_node *n, struct sy_netaddr *addr);
const char *world_node_name(const struct world_node *n);
const char *world_node_region(const struct world_node *n);
uint32_t world_node_index(const struct world_node *n); /* in the order of adding */
uint32_t world_node_count(const struct world *w);
struct world_node *world_node_at(struct world *w, uint32_t index);
void world_node_set_user(struct world_node *n, void *user);
void *world_node_user(const struct world_node *n);
/* SY_INVALID when it runs; also after stop or crash: a restart with what its disk holds. */
SY_MUST enum sy_err world_node_start(struct world_node *n);
void world_node_stop(struct world_node *n);      /* orderly; the book is saved */
void world_node_crash(struct world_node *n);     /* at once; nothing is saved */
void world_node_lose_disk(struct world_node *n); /* the saved address book is gone */
/* Its disk holds a book of these addresses at the next start, each told by itself. SY_INVALID: it runs, or there is a book already. */
SY_MUST enum sy_err world_node_knows(struct world_node *n, const struct sy_netaddr *addrs, size_t count);
/* Replaces the configuration of a node that does not run (peers whose addresses were not known yet, other keys after a restart); texts are copied. SY_INVALID. */
SY_MUST enum sy_err world_node_configure(struct world_node *n, const struct sy_config *p2p, const char **what);
bool world_node_running(const struct world_node *n);
/* The core, to look at; null when it does not run. */
struct sy_node *world_node_core(const struct world_node *n);
/* An input of the owner: sends, stops, dials. SY_NOT_RUNNING. */
struct sy_answer world_node_input(struct world_node *n, struct sy_input *in);

/* Faults; SY_INVALID in a real world, *what says that only a simulator can. */
SY_MUST enum sy_err world_cut(struct world *w, struct world_node *from, struct world_node *to, enum sim_cut cut, const char **what);
SY_MUST enum sy_err world_heal(struct world *w, const char **what);
SY_MUST enum sy_err world_reset(struct world *w, struct world_node *a, struct world_node *b, const char **what);
SY_MUST enum sy_err world_link(struct world *w, struct world_node *from, struct world_node *to, const struct sim_link_params *params,
                               const char **what);
SY_MUST enum sy_err world_dns(struct world *w, const char *name, const struct sy_netaddr *addrs, size_t n, const char **what);

/* The same, of one node (world_faults.c). */
SY_MUST enum sy_err world_half_open(struct world_node *a, struct world_node *b, const char **what);
SY_MUST enum sy_err world_node_rough(struct world_node *n, enum sim_rough_kind kind, int64_t value, const char **what);
/* Nobody can connect to it. */
SY_MUST enum sy_err world_node_hide(struct world_node *n, bool hidden, const char **what);
/* Off: the machine is gone at once and says nothing; its connections are half open. On: the node may start again. */
SY_MUST enum sy_err world_node_power(struct world_node *n, bool on, const char **what);
/* Points of the transport (enum sim_rare) and of the driver (enum tp_rare, from bit 16), and how often each strikes. */
SY_MUST enum sy_err world_node_buggify(struct world_node *n, uint32_t points, uint32_t rate_ppm, const char **what);
/* What its disk does; each until it is set to 0. */
enum world_disk_fault {
	WORLD_DISK_FULL = 1,       /* a save of the address book fails: SY_IO */
	WORLD_DISK_TORN = 2,       /* a save says that it is done, and has written a part */
	WORLD_DISK_UNREADABLE = 4, /* nothing can be read: a start finds neither key nor book and fails, SY_IO */
	WORLD_DISK_BAD_KEY = 8,    /* the file of the node key makes no sense: a start fails, SY_CORRUPT */
};
SY_MUST enum sy_err world_node_disk(struct world_node *n, uint32_t faults, const char **what);
/* The file of the node key is gone: at its next start it makes another key, and has another id. */
SY_MUST enum sy_err world_node_lose_key(struct world_node *n, const char **what);
/*
 * Its machine has another address from now on (null: one is drawn); behind a NAT that is the NAT's, and all behind it move.
 * A running node hears nothing of it and goes on to advertise what it did. home: the address of the beginning. SY_IN_USE.
 */
SY_MUST enum sy_err world_node_move(struct world_node *n, const uint8_t *ip, bool home, const char **what);
/* Some bytes of the saved book are other ones from now on; their places are drawn. */
SY_MUST enum sy_err world_node_rot(struct world_node *n, const char **what);

/* Random words for the script: a stream of its own. */
uint64_t world_rand(struct world *w, enum sim_purpose purpose, uint64_t entity, uint64_t counter);

struct world_stats {
	uint64_t events;
	uint64_t frames_sealed, frames_opened;
	uint64_t node_memory; /* bytes held by cores, drivers, sockets, links */
	struct sim_net_stats net;
};
void world_stats(const struct world *w, struct world_stats *stats);
/* The trace hash of the run so far: every source's rolling hash in source order. Observers leave no mark on it. 0 in a real world. */
uint64_t world_hash(const struct world *w);

#endif
