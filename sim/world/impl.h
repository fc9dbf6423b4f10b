/*
 * The inside of a world: what the simulated and the real one have in common, and the table of what they do
 * differently. Only the files of this room include it.
 */
#ifndef SIM_WORLD_IMPL_H
#define SIM_WORLD_IMPL_H

#include "core/book/intern.h"
#include "core/secret/suite.h"
#include "sim/engine/engine.h"
#include "sim/world/recorder.h"
#include "sim/world/world.h"
#include "transport/driver/driver.h"
#include "transport/transport.h"

#define WORLD_WHAT_TEXT 256u
#define WORLD_TIMER_CHUNK 64u /* timers are allocated by the chunk: none in a steady state */

struct world_timer {
	struct sim_event event; /* first: the handler finds the timer by it */
	struct world *w;
	void (*fn)(void *arg);
	void *arg;
	enum sim_class class_;
	struct world_timer *next_free;
};

struct world_chunk {
	struct world_chunk *next;
	struct world_timer timers[WORLD_TIMER_CHUNK];
};

/* A configuration whose texts and lists are its own copies. */
struct world_config {
	struct sy_config p2p;
	char **texts;
	size_t num_texts, cap_texts;
};

/* A node across its starts; core and driver exist while it runs. */
struct world_node {
	struct world *w;
	uint32_t index;
	uint64_t entity;      /* of its name, without the seed */
	uint32_t incarnation; /* starts so far: each has random streams of its own */
	struct sy_env env;
	struct world_config config;
	struct sy_reactor *reactors;
	size_t num_reactors;
	uint8_t secret[64];
	uint32_t keys;               /* that it has had before this one */
	bool key_lost;               /* there will be another one at the next start */
	struct sy_netaddr addr;      /* where others find it */
	struct sy_netaddr listen_at; /* where it listens: the same, but behind a NAT */
	bool hidden;                 /* no port of its NAT leads to it */
	uint8_t home_ip[16];         /* under which others saw it at first */
	const char *region;
	void *host;              /* the backend's: a sim_host, or where a real node lives */
	struct tp_transport *tp; /* while it runs */
	struct sy_node *core;
	struct tp_driver *driver;
	struct tp_store store;
	bool has_cpu_cost; /* a fault has said what a frame costs (and may have taken it back) */
	uint8_t *disk;     /* the saved book; survives stop and crash */
	size_t disk_len, disk_cap;
	bool disk_holds;
	uint32_t disk_faults; /* enum world_disk_fault */
	uint64_t disk_draws;
	uint32_t rare_points, rare_ppm; /* of the driver: buggify */
	uint64_t rare_draws;
	struct sy_netaddr *known; /* to be on the disk at the next start */
	size_t num_known;
	uint64_t past_hash; /* of the incarnations that are over */
	uint32_t entered;   /* how deep we are inside this node's driver, as far as the world can see */
	bool is_stopped;    /* the driver has said so; it is freed when nobody is inside it */
	bool is_starting;
	bool strict_off;           /* addr_book_strict is off whatever the script says: a loopback world is not routable */
	struct world_timer *due;   /* the event that ends it, when it could not be ended at once */
	bool due_is_stop;          /* it is to end in good order */
	struct world_works *works; /* messages that reactors are at work on; world_work.c */
	struct world_raws *raws;   /* of a stranger: no core is made, and the transport is its own; world_raw.c */
	void *user;
};

struct world_ops {
	void (*fini)(struct world *w);
	uint64_t (*now_ns)(const struct world *w);
	enum sy_err (*network)(struct world *w, const struct sim_net_config *config, const char **what);
	/* Gives the node its host: n->addr.ip and port, n->region. */
	enum sy_err (*host_new)(struct world_node *n, const struct world_node_config *config, const char **what);
	void (*host_free)(struct world_node *n);
	/* The transport for one life of the node; its fini ends it. Null when out of memory. */
	struct tp_transport *(*transport)(struct world_node *n);
	void (*rand)(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n);
	bool (*schedule)(struct world *w, struct world_timer *t, uint64_t at_ns);
	void (*unschedule)(struct world *w, struct world_timer *t);
	bool (*run)(struct world *w, uint64_t until_ns, uint64_t wall_end_ns);
	enum sy_err (*cut)(struct world *w, struct world_node *from, struct world_node *to, enum sim_cut cut, const char **what);
	enum sy_err (*heal)(struct world *w, const char **what);
	enum sy_err (*reset)(struct world *w, struct world_node *a, struct world_node *b, const char **what);
	enum sy_err (*link)(struct world *w, struct world_node *from, struct world_node *to, const struct sim_link_params *params,
	                    const char **what);
	enum sy_err (*dns)(struct world *w, const char *name, const struct sy_netaddr *addrs, size_t n, const char **what);
	void (*stats)(const struct world *w, struct world_stats *stats);
	uint64_t (*hash)(const struct world *w);
};

struct world {
	struct world_options options;
	struct world_listener listener;
	const struct world_ops *ops;
	void *backend;
	const struct sy_crypto *crypto;
	struct sy_env env; /* of what no node owns: the address table */
	uint64_t memory;   /* bytes that cores, drivers and the address table hold */
	struct world_node **nodes;
	uint32_t num_nodes, cap_nodes;
	struct world_timer *free_timers;
	struct world_chunk *chunks;
	uint32_t timer_depth; /* inside a timer's function */
	bool running, halted;
	uint64_t script_hash;
	uint64_t frames_sealed, frames_opened;
	char what[WORLD_WHAT_TEXT];
};

/* The two backends; each sets ops and backend. */
enum sy_err world_sim_init(struct world *w, const char **what);
enum sy_err world_tcp_init(struct world *w, const char **what);

/* The engine of a simulated world. */
const struct sim_engine *world_sim_engine(const struct world *w);

void world_sim_half_open(struct world_node *a, struct world_node *b);
/* Its host has another address: n->addr follows, of all that share it, and who keeps them is told. */
SY_MUST enum sy_err world_sim_move(struct world_node *n, const uint8_t *ip);
SY_MUST enum sy_err world_sim_site(struct world *w, const struct sim_site_config *config, const char **what);

/* world_node.c */
uint64_t world_node_hash(const struct world_node *n); /* over all its lives */
void world_node_free(struct world_node *n);
/* Ends a node whose driver nobody is inside; orderly or not. */
void world_node_reap(struct world_node *n);

/* Its key, the first or another one: the secret, the public key, n->addr.id. */
void world_node_make_key(struct world_node *n);
/* Whoever keeps its address is told. */
void world_node_tell_renamed(struct world_node *n);

/* world_work.c */
void world_node_deliver(void *ctx, const struct sy_output *out);
void world_works_end(struct world_node *n); /* the node ends, and what was under way with it */

/* world_raw.c */
void world_raws_lost(struct world_node *n);                /* the machine has lost its power */
SY_MUST enum sy_err world_raws_back(struct world_node *n); /* it has it again: who listened listens. An error of listen */
void world_raws_free(struct world_node *n);

/* world_book.c */
enum sy_err world_node_book_room(void *ctx, size_t size, uint8_t **room);
enum sy_err world_node_save_book(void *ctx, struct sy_span snapshot);
SY_MUST enum sy_err world_node_write_known(struct world_node *n); /* once the node's transport is there */

/* world_faults.c: what its disk makes of a save, and of a load. */
size_t world_disk_written(struct world_node *n, size_t len);
bool world_node_rare(void *ctx, enum tp_rare point);
/* The disk as a start finds it; makes the key that was lost. SY_IO, SY_CORRUPT. */
SY_MUST enum sy_err world_disk_mount(struct world_node *n);

/* world_timer.c */
struct world_timer *world_timer_take(struct world *w);
void world_timer_give(struct world *w, struct world_timer *t);
void world_timers_free(struct world *w);
/* Runs the timer's function; it is in the pool again before, so that the function may take it. */
void world_timer_fire(struct world_timer *t, uint64_t now_ns);

/* Formats into the world's own text and points *what at it; returns err. */
enum sy_err world_say(struct world *w, const char **what, enum sy_err err, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Like realloc with sizes, counted in w->memory. */
void *world_alloc(struct world *w, void *old, size_t old_size, size_t new_size);
/* Wall nanoseconds, monotonic. */
uint64_t world_wall_ns(void);

#endif
