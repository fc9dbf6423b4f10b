/*
 * The inside of sim/lua: what the rooms of the scenario language share. Only files of this folder include it.
 *
 *   host      whose Lua it is: a scenario (a world of nodes) or one real node with a reactor in Lua
 *   frame     what a call into the script may do: load, script, process, reactor, observer
 *   node      a handle of a node; group; peer
 *   task      something that happens at a time; kept until the world exists
 */
#ifndef SIM_LUA_HOST_H
#define SIM_LUA_HOST_H

#include "core/base/limits.h"
#include "core/switchyard.h"
#include "sim/lua/arena.h"
#include "sim/lua/index.h"
#include "sim/lua/keys.h"
#include "sim/lua/sandbox.h"
#include "sim/lua/scenario.h"
#include "sim/lua/units.h"

struct host;
struct node;
struct tap;
struct load;

/* ------------------------------------------------------------------ frames */

enum frame_kind {
	FRAME_LOAD,     /* the main script, before its first run_for */
	FRAME_SCRIPT,   /* the main script afterwards, at and every */
	FRAME_PROCESS,  /* a spawned process: the only one that may wait */
	FRAME_REACTOR,  /* a callback of a reactor: sends through its own node only */
	FRAME_OBSERVER, /* a check, measure, plot or watch: reads only */
};

/* Random draws are keyed by who draws, so that a draw more in one place moves no other. */
struct stream {
	uint64_t entity, counter;
};

struct frame {
	enum frame_kind kind;
	struct stream *stream;   /* null: no draws */
	struct node *node;       /* FRAME_REACTOR: whose callback */
	struct sy_ctx *ctx;      /* FRAME_REACTOR */
	struct process *process; /* FRAME_PROCESS */
};

struct host {
	struct sandbox sb;
	struct frame frame;
	struct arena arena;
	struct scenario *scenario; /* null in a real node */
	enum sy_profile profile;
	const void *node_type;          /* the metatable of nodes, which the registry holds */
	uint64_t messages;              /* that reactors in Lua received */
	bool failed;                    /* the script broke: nothing of it is called any more */
	char error[SANDBOX_ERROR_TEXT]; /* why: the first reason; others may follow while calls unwind */
	void *ops_ctx;
	uint64_t (*now_ns)(struct host *h);
	const struct sy_node *(*core)(const struct node *n);            /* null while it does not run */
	struct sy_answer (*input)(struct node *n, struct sy_input *in); /* null: no inputs beside callbacks */
	bool (*random)(struct host *h, uint64_t *word);
	void (*log)(struct host *h, const char *who, const char *text);
	void (*broken)(struct host *h); /* called once when failed becomes true */
};

static inline struct host *host_of(lua_State *L)
{
	return sandbox_of(L)->hooks.ctx;
}
/* Sets host->sb up with the API that scenarios and real nodes share. arena and function pointers are set before. */
bool host_init(struct host *h, const char *file, uint64_t instructions, size_t memory);
void host_fini(struct host *h);
/* Calls the function below its arguments in this frame. False: the script broke; host->failed. Results are on the stack otherwise. */
bool host_call(struct host *h, const struct frame *frame, int nargs, int nresults);
/* The script broke, with sb.error set: it is kept as the reason. */
void host_break(struct host *h);
void host_breakf(struct host *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Raises an error when the present frame may only read. */
void host_must_act(lua_State *L, const char *what);
/* Raises an error outside of scenarios. Returns the scenario. */
struct scenario *host_scenario(lua_State *L, const char *what);
/* Raises an error outside the load (declarations that come too late). */
void host_must_load(lua_State *L, const char *what);
/* Raises an error where the network is a real one. */
void host_must_simulate(lua_State *L, const char *what);
/* "file:line" of the caller, kept in the arena; each place once. */
const char *host_where(lua_State *L);
char *host_keep(lua_State *L, const char *text);                                  /* in the arena */
void *host_new(lua_State *L, size_t size);                                        /* in the arena, zeroed; raises an error without memory */
void host_grow(lua_State *L, void *array, size_t *cap, size_t need, size_t elem); /* vec_grow that raises; array: pointer to the pointer */
/* Text for a metric row or a name of a stream. */
uint64_t host_entity(const char *a, const char *b);

/* A kind of handle: pushes a new userdata with its metatable. */
void *host_handle(lua_State *L, const char *type, size_t size, int uservalues);

/* One page of the reference: a table or kind of object and its functions. prefix: "" for globals. */
struct api_page {
	const char *prefix; /* "node:", "graph.", "" */
	const luaL_Reg *functions;
	const char *const *fields; /* what is read without a call; may be null */
};
/* The n-th page, null past the end: for the test of docs/SCENARIOS.md. */
const struct api_page *api_page(size_t n);

/* ------------------------------------------------------------------ reactors */

enum callback { CB_START, CB_STOP, CB_INIT_PEER, CB_ADD_PEER, CB_REMOVE_PEER, CB_RECEIVE, CB_FILTER, CB_TIMER, CB_COUNT };

struct reactor_class {
	const char *name;
	const char *where;
	int table_ref;
	struct sy_channel channels[SY_LIMIT_CHANNELS];
	uint64_t work_ns[SY_LIMIT_CHANNELS]; /* how long a message of its inbox is worked at */
	size_t num_channels;
};

/* A class at one node. self in Lua is a table whose metatable leads to the class. */
struct instance {
	struct reactor_class *class_;
	struct node *node;
	int self_ref;
	bool has[CB_COUNT];
	struct stream stream;
	struct sy_reactor table;
};

/* Reads the class at index (a table that reactor {} has made), null when it is none. */
struct reactor_class *reactor_at(lua_State *L, int index);
/* Fills in one instance of the class for the node, self table included. Raises Lua errors. */
void instance_init(lua_State *L, struct instance *in, struct reactor_class *class_, struct node *node);
/* A new self, as after a restart. The instance is the argument, a light userdata. */
int instance_reset_protected(lua_State *L);
/* What a message that arrived means to measures; set by scenarios. */
void flow_delivered(struct node *to, const struct sy_id *from, uint8_t channel, size_t bytes);

/* ------------------------------------------------------------------ nodes, groups, peers */

#define NODE_TYPE "node"
#define GROUP_TYPE "group"
#define PEER_TYPE "peer"
#define BOOK_TYPE "book"

/* A peer that is named in a configuration: a node of the scenario, the name of one, or an address. */
struct peer_name {
	struct node *node;
	const char *text;
};
struct peer_names {
	struct peer_name *at;
	size_t n;
};

struct node_decl {
	struct sy_config p2p; /* lists and texts that name nodes are filled in when the node is made */
	struct peer_names seeds, persistent_peers, unconditional_peer_ids, private_peer_ids;
	struct peer_names book; /* what its address book holds at the first start */
	uint8_t ip[16];
	bool has_ip;
	const char *region; /* null: none given */
	bool has_cc;
	enum sim_tcp_cc cc;
	struct sim_line line; /* its own */
	const char *site;     /* null: none */
	uint16_t forward;
	bool is_stranger, listens; /* stranger {}: no node is behind it */
	const char *where;
};

struct node {
	struct handle handle; /* serial orders pairs; nodes in the order of their making */
	struct host *host;
	struct world_node *world; /* null until made */
	uint32_t index;
	uint32_t mark; /* scratch of graph_api.c: place in the group, plus one */
	const char *name;
	struct node_decl *decl;
	const struct node_decl *settled_of; /* what settled was made of; null: not yet */
	const struct sy_config *settled;    /* its configuration, with the names in it as addresses */
	struct instance *instances;
	size_t num_instances;
	struct sy_netaddr addr; /* once made */
	struct tap *taps;       /* measures of what arrives here */
	struct load *loads;     /* traffic that starts here */
	struct watch *watches;  /* who hears what it tells of itself */
	int ref;                /* keeps the handle */
	int peers_ref;          /* its peer handles, by slot */
	bool was_started;
	uint32_t life;      /* how many starts it has seen: what was a peer in another life is none now */
	uint64_t list_mark; /* of the last list of nodes that it is in */
};

struct group {
	struct handle handle;
	uint32_t n;
	uint32_t at[]; /* indices of nodes */
};

struct peer {
	struct handle handle;
	struct node *node; /* whose peer it is */
	struct sy_ref ref;
	uint32_t life; /* of the node; ref means nothing in another one */
	struct sy_id id;
	bool outbound, persistent, unconditional;
	struct sy_netaddr addr;
	char id_text[SY_ID_TEXT];
};

struct node *node_check(lua_State *L, int index); /* a node, else an argument error */
struct node *node_test(lua_State *L, int index);  /* null when it is none */
struct group *group_test(lua_State *L, int index);
struct peer *peer_check(lua_State *L, int index);
struct peer *peer_test(lua_State *L, int index);
void node_push(lua_State *L, const struct node *n);
/* Makes the handle of a node and registers it with the scenario, or the only one of a real node. */
struct node *node_new(lua_State *L, const char *name);
void node_init_book(lua_State *L, struct node *n);
void group_push(lua_State *L, const uint32_t *at, size_t n); /* copies */
/* The peer's handle; equal as long as the connection lives. */
void peer_push(lua_State *L, struct node *n, const struct sy_peer *p);
/* Pushes the peer of n that is (node, peer handle, id or name) at index; false and nothing pushed when there is none. */
bool peer_find(lua_State *L, struct node *n, int index, struct sy_peer *p);

/* Looking at a node: through the context inside its own callback. */
struct sy_counts node_counts(const struct node *n);
bool node_peer_at(const struct node *n, uint32_t i, struct sy_peer *p);
bool node_peer(const struct node *n, struct sy_ref ref, struct sy_peer *p);
bool node_running(const struct node *n);
void node_need_address(lua_State *L, struct node *n); /* n->addr is known afterwards, or an error is raised */
/* The error of an input, in words; SY_NOT_RUNNING when the node does not run. */
struct sy_answer node_input(lua_State *L, struct node *n, struct sy_input *in, const char *what);

/* A list of nodes out of an argument: a node, a group, a name, or tables of these. In the order given, each once. */
struct node_list {
	struct node **at; /* in a userdata that is pushed on the stack */
	size_t n;
};
struct node_list nodes_check(lua_State *L, int index, const char *what);
/* The one node of an argument: a node or a name. */
struct node *nodes_one(lua_State *L, int index, const char *what);
/* A list of nodes that cannot be asked for what `key` means. */
int node_get_field(lua_State *L, struct node *n, const char *key);
/* Declarations: node {} and nodes {}. */
struct node_decl *node_decl_read(lua_State *L, int t, const char *what, bool many);
struct node_decl *stranger_decl_read(lua_State *L, int t, const char *what, bool many);
/* The Lua functions of such declarations: one node that is returned, or `count` of them in a group. */
typedef struct node_decl *(*node_decl_reader)(lua_State *L, int t, const char *what, bool many);
int node_declare_one(lua_State *L, const char *what, node_decl_reader read);
int node_declare_many(lua_State *L, const char *what, node_decl_reader read);
void node_decl_instances(lua_State *L, struct node *n, int t, const char *what);

/* ------------------------------------------------------------------ the scenario */

struct process;

/* Something that happens once at a time. Kept in a list until the world exists. */
struct task {
	struct scenario *s;
	uint64_t at_ns;
	enum sim_class class_;
	void (*fn)(void *arg);
	void *arg;
	struct world_timer *timer; /* while it is scheduled */
	bool pending;
};

struct param_value {
	const char *key, *value;
	bool used;
};

struct check {
	enum scenario_check_kind kind;
	const char *name, *where;
	int fn_ref;
	uint64_t after_ns, within_ns, every_ns; /* within: UINT64_MAX when there is none */
	uint64_t looks;
	bool done;
	struct task task;
	size_t result; /* place in results */
};

struct site_decl {
	struct sim_site_config config;
	uint8_t ip[16];
	const char *where;
	struct site_decl *next;
};

struct network_decl {
	bool given;
	struct sim_net_config config;
	const char **regions;
	const char *where;
	bool tcp_given;
	bool null_crypto, crypto_given;
};

struct traffic;
struct measure;
struct plot;

/* plan.h: the operations that were carried out, and those that are to be. */
struct plan_op;
struct plan {
	struct plan_op **done;
	size_t num_done, cap_done;
	uint64_t dropped;
	bool is_given; /* --plan: only what it has is carried out */
	struct plan_op **given;
	size_t num_given, cap_given;
	uint64_t drawers; /* chaos and churn so far: each has random streams of its own */
	struct scenario_fault *shown;
	char *text;
};

struct scenario {
	struct host host;
	struct scenario_options options;
	const char *name;
	struct world *world;
	const struct scenario_hooks *hooks;
	struct network_decl network;
	struct site_decl *sites, **last_site;

	struct node **nodes;
	size_t num_nodes, cap_nodes, num_made;
	bool making;
	bool works;   /* some channel's messages take time */
	bool watched; /* some node has watches: its world traces */
	struct index by_id, by_name;
	uint64_t topology;   /* counts changes of the peer graph */
	uint64_t list_marks; /* lists of nodes read so far */

	bool running;          /* scenario_run has begun: tasks go to the world */
	struct task **pending; /* tasks before that */
	size_t num_pending, cap_pending;

	lua_State *main; /* the script's thread */
	int main_ref;
	bool in_run_for;
	uint64_t run_until_ns;
	bool ended;
	struct stream main_stream;
	uint64_t num_streams;

	struct process *processes; /* alive */
	uint64_t last_token;

	struct param_value *param_values;
	size_t num_param_values;
	struct scenario_param *params;
	size_t num_params, cap_params;

	struct check **checks;
	size_t num_live_checks, cap_live_checks;
	struct load **loads; /* by serial, which is part of their tokens */
	size_t num_loads, cap_loads;
	struct traffic *traffics;
	struct measure *measures, *last_measure;
	struct plot *plots, *last_plot;

	struct plan plan;

	/* results */
	struct scenario_results results;
	struct scenario_check *result_checks;
	size_t num_checks, cap_checks;
	struct scenario_row *rows;
	size_t num_rows, cap_rows;
	struct scenario_log *logs;
	size_t num_logs, cap_logs;
	uint64_t rows_dropped, logs_dropped;
	bool finished;
};

/* make.c: the world and its nodes. */
uint64_t scenario_now(const struct scenario *s);
bool scenario_make_world(struct scenario *s);               /* false: host.failed */
void scenario_need_world(lua_State *L, struct scenario *s); /* raises the error */
bool scenario_make_site(struct scenario *s, const struct site_decl *d);
bool scenario_make_nodes(struct scenario *s); /* those not made yet */
struct node *scenario_node_by_id(const struct scenario *s, const struct sy_id *id);
struct node *scenario_node_by_name(const struct scenario *s, const char *name);
bool scenario_name_node(struct scenario *s, struct node *n); /* registers n, the last of s->nodes, under its name */
bool scenario_id_node(struct scenario *s, struct node *n);   /* ... under its id, once it is made */
/* The network without a network block. */
void network_defaults(struct sim_net_config *c);
/* From now on tasks go to the world; those that waited go there now. */
void scenario_begin_tasks(struct scenario *s);
/* Schedules t; before the world exists it is kept. */
void task_at(struct scenario *s, struct task *t, uint64_t at_ns, enum sim_class class_, void (*fn)(void *arg), void *arg);
void task_cancel(struct task *t);
void stream_init(struct scenario *s, struct stream *st);
uint64_t stream_draw(struct scenario *s, struct stream *st);

/* results.c */
struct scenario_check *result_check(struct scenario *s, enum scenario_check_kind kind, const char *name, const char *where);
void result_decide(struct scenario *s, struct scenario_check *c, bool held, const char *detail);
void result_row(struct scenario *s, const char *node, const char *peer, const char *channel, const char *metric, double value);
void result_log(struct scenario *s, const char *who, const char *text);
void results_finish(struct scenario *s);

/* process.c */
void process_peer_up(struct scenario *s, struct node *n, const struct sy_id *id);
bool process_send_done(struct scenario *s, struct node *n, uint64_t token, enum sy_err err);
/* The node has ended: whoever waits in its Sends goes on with SY_NOT_RUNNING. */
void process_node_gone(struct scenario *s, struct node *n);
int process_wait_peer(lua_State *L, struct node *n, const struct sy_id *id, uint64_t timeout_ns); /* stack: 1 the node, 2 the other */
int process_send(lua_State *L, struct node *n, struct sy_ref ref, const struct sy_id *id, uint8_t channel, struct sy_span bytes,
                 uint64_t timeout_ns);
bool process_may_wait(lua_State *L, const char *what); /* raises an error when not */
void processes_free(struct scenario *s);

/* checks.c */
void checks_at_end(struct scenario *s, bool cut);

/* watch_api.c: a node has told something. */
void watch_told(struct node *n, const struct sy_trace *trace);

/* traffic.c: the artificial load. ref: the peer that came up. */
void traffic_peer_up(struct node *n, const struct sy_id *id, struct sy_ref ref);
void traffic_peer_down(struct node *n, const struct sy_id *id);
void traffic_node_gone(struct node *n);
bool traffic_send_done(struct scenario *s, uint64_t token, enum sy_err err); /* false: the token is none of its own */
void traffics_free(struct scenario *s);

/*
 * measure.c. A message was asked to be sent: delays and gaps count from now; token tells it from others when it is
 * taken back (0: the last one asked for). saturated: the sender always has more.
 */
void flow_asked(struct node *from, const struct sy_id *to, uint8_t channel, size_t bytes, uint64_t token, bool saturated);
void flow_refused(struct node *from, const struct sy_id *to, uint8_t channel, uint64_t token);
void flow_peer_down(struct node *n, const struct sy_id *id);
void flow_node_gone(struct node *n);
void flow_traced(struct node *to, const struct sy_trace *trace);
void measures_finish(struct scenario *s);
void measures_free(struct scenario *s);
void measure_set_plotted(lua_State *L, int index);

/* plot_api.c */
void plots_finish(struct scenario *s);
void plots_free(struct scenario *s);

/* The rooms' entries into the globals table on top of the stack. */
void params_open(lua_State *L);
void network_open(lua_State *L);
void site_open(lua_State *L);
void node_open(lua_State *L);
void group_open(lua_State *L);
void peer_open(lua_State *L);
void reactor_open(lua_State *L);
void process_open(lua_State *L);
void checks_open(lua_State *L);
void traffic_open(lua_State *L);
void measure_open(lua_State *L);
void plot_open(lua_State *L);
void graph_open(lua_State *L);
void faults_open(lua_State *L);
void machine_open(lua_State *L);
void chaos_open(lua_State *L);
void churn_open(lua_State *L);
void stranger_open(lua_State *L);
void watch_open(lua_State *L);
void vary_open(lua_State *L);
void buggify_open(lua_State *L);
void run_open(lua_State *L);
void globals_open(lua_State *L); /* log, now, seed, profile; the guard of unknown globals */

#endif
