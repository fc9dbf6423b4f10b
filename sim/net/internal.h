/*
 * What the files of the virtual network share. From the bottom:
 *
 *   map.c chunks.c regions.c          hash map, pooled bytes, delays between regions
 *   links.c                           pairs of hosts in use, their parameters, the pipes that serialise
 *   tcp_none.c                        one direction of a connection: what is unsent, on the link, unread
 *   conns.c                           connections as a whole: made, ended, given back
 *   tcp_segment.c segment.h           the same with endpoints of sim/tcp and the packets between them
 *   dial.c                            three steps to connect, retries, the backlog
 *   deliver.c                         what happens at one end when its event is due
 *   hosts.c addresses.c sites.c       hosts and where they are: addresses, lines, NATs
 *   sockets.c dns.c                   the transport interface, names
 *   rough.c rough_set.c               what a host does to its process: pauses, late events, clocks, short reads
 *   faults.c net.c                    cuts, resets; making and freeing it all, numbers
 *
 * A connection is one object with two ends; end[0] has dialled. The stream *towards* an end lies in that end (`in`), so
 * the bytes that A writes are found in B's end from the write until the delivery. Each end has one event in the queue at
 * most: its earliest arrival or notice.
 *
 *   end:   DIALLING -> OPEN -> FAILED          (the user's, until it closes)
 *          SYN -> BACKLOG -> OPEN
 *          any -> CLOSED (flushes) -> GONE     (the kernel's)
 */
#ifndef SIM_NET_INTERNAL_H
#define SIM_NET_INTERNAL_H

#include "core/base/assert.h"
#include "sim/net/map.h"
#include "sim/net/net.h"
#include "sim/tcp/link.h"

#define SIM_NEVER UINT64_MAX

enum {
	SEND_BUFFER = 262144,    /* bytes of a socket not yet on the link: design.md 5 */
	RECV_BUFFER = 262144,    /* unread bytes at which the window closes */
	OPEN_WINDOW = 4194304,   /* bytes on the way while the reader keeps up and no rate bounds them: kernels tune up to 6 MB */
	MIN_QUEUE_BYTES = 45000, /* of a bottleneck, 30 packets */
	MAX_CHUNKS = 8192,       /* of a stream: 4 MiB in frames of 1,044 bytes take 4,018 */
	SMALL_BYTES = 1504,      /* a packet of 1,500 */
	LARGE_BYTES = 16384,
	MAX_SOCKETS = 65534, /* of a host: ports */
	MAX_BACKLOG = 128,
	MAX_LISTENERS = 4,
	MAX_LOOKUPS = 64, /* of a host, under way */
	MAX_HOSTS = 1 << 20,
};

/* Bytes on their way; from a pool of the net. */
struct chunk {
	struct chunk *next;
	uint64_t at_ns;    /* when it arrives; meaningful once it is on the link */
	uint32_t len, off; /* off: already delivered */
	uint32_t cap;      /* room for bytes: SMALL_BYTES or LARGE_BYTES */
	uint8_t downlinks; /* lines towards the receiver that have been counted: its site's, its own */
	uint8_t bytes[];
};

/* A direction's parameters with what follows from them. */
struct kind {
	struct sim_dist latency;
	uint64_t base_ns; /* a typical delay */
	uint64_t rate_bits;
	uint64_t queue_ns;    /* time that the full queue takes */
	uint64_t window;      /* bytes that may be under way */
	int64_t log_keep_q32; /* ln(1 - loss), 0 or negative */
	uint32_t loss_ppm;
	uint32_t piece; /* bytes of a chunk at most: a packet where packets matter */
	bool plain;     /* constant delay, no rate, no loss: what is written at one time may be one chunk */
	uint32_t mss;   /* payload of a full segment */
	struct sim_link_stages stages;
	struct sim_tcp_link_config wire; /* the same for packets */
	bool off;                        /* an override that was taken back; it stays for the next one of its pair */
};

struct end;

/* Serialises bytes at a rate: the bottleneck of a pair's direction, or a host's uplink. */
struct pipe {
	struct sim_event event; /* there is room again */
	struct sim_engine *engine;
	struct sim_source *source; /* whose event that is */
	uint64_t rate_bits;
	uint64_t busy_ns; /* until when what it has taken keeps it busy */
	uint64_t queue_ns;
	struct end *first, *last; /* streams that wait for room, served in turn */
	bool serving;
};

struct half {
	const struct kind *kind;
	union {
		struct pipe *pipe;         /* tcp = "none"; null: unlimited rate */
		struct sim_tcp_link *link; /* packets */
	};
	uint8_t cut; /* enum sim_cut */
};

/* Two hosts with connections; half[0] leads from host[0]. */
struct pair {
	struct sim_host *host[2]; /* the older first; the same twice for a host with itself */
	struct conn *conns;
	struct half half[2];
};

enum stream_flag {
	S_OPEN_PENDING = 1 << 0, /* the handshake's last packet waits for the cut to heal */
	S_OPEN_SENT = 1 << 1,
	S_FIN_PENDING = 1 << 2, /* follows when nothing is unsent */
	S_FIN_SENT = 1 << 3,
	S_FIN_ARRIVED = 1 << 4,
	S_FIN_TOLD = 1 << 5,
	S_RST_PENDING = 1 << 6,
	S_RST_SENT = 1 << 7,
	S_RST_ARRIVED = 1 << 8,
	S_DEAD = 1 << 9,         /* bytes have vanished in a black hole: nothing comes through any more */
	S_BLOCKED = 1 << 10,     /* the window is closed; the reader will tell */
	S_WAIT_PAIR = 1 << 11,   /* in the list of the pair's pipe */
	S_WAIT_UPLINK = 1 << 12, /* in the list of the sender's uplink */
	S_LOSS_DRAWN = 1 << 13,  /* until_loss is valid */
	S_WAIT_SITE = 1 << 14,   /* in the list of the line of the sender's site */
};
#define S_WAITS (S_WAIT_PAIR | S_WAIT_UPLINK | S_WAIT_SITE)

/* One direction: unread (arrived), flying (on the link), unsent, in one list in this order. */
struct stream {
	union {
		struct {
			struct chunk *head;
			struct chunk *flying; /* first on the link; null: none */
			struct chunk *unsent; /* first not on it; null: none */
		};
		struct { /* while the end dials */
			uint64_t deadline_ns;
			uint64_t retry_ns;
			uint64_t answer_ns;
		} dial;
	};
	struct chunk *tail;
	uint64_t last_ns; /* arrival of the last thing put on the link: nothing overtakes it */
	struct end *next_waiting;
	uint32_t unread_bytes, flying_bytes, unsent_bytes;
	uint32_t packets;    /* counter of the delay's stream of draws */
	uint32_t losses;     /* counter of the loss's */
	uint32_t until_loss; /* packets that still pass */
	uint16_t chunks;
	uint16_t flags; /* enum stream_flag */
};

enum segment_flag {
	SEG_PEER_DONE = 1 << 0, /* the peer's FIN has arrived */
	SEG_EOF_TOLD = 1 << 1,
	SEG_MUTE = 1 << 2,      /* what it sends is not heard: a machine without power, a dial given up */
	SEG_DEAD = 1 << 3,      /* a black hole has swallowed something: nothing comes through any more */
	SEG_ORPHAN = 1 << 4,    /* closed, and no process is left that lingers for it */
	SEG_RESET_DUE = 1 << 5, /* a reset is to be taken */
};

/* An endpoint, and the stream and the packets that lead to it. */
struct segment {
	struct sim_tcp *tcp;           /* null: not yet, or no more */
	struct sim_tcp_stream content; /* written by the peer, not read here yet */
	struct sim_tcp_lane lane;
	uint64_t deadline_ns; /* of a dial, of a socket that lingers */
	uint32_t flying;      /* packets on links towards it */
	uint16_t flags;       /* enum segment_flag */
};

enum end_state { END_DIALLING, END_SYN, END_BACKLOG, END_OPEN, END_FAILED, END_CLOSED, END_GONE };

struct end {
	struct sim_event event;
	union {
		struct stream in;   /* tcp = "none" */
		struct segment seg; /* "segment", "flow" */
	};
	struct sim_host *host; /* null: nobody has the address */
	union {
		uint64_t cookie;
		struct end *next_backlog;
	};
	uint64_t notice_ns; /* something local is due: a step of the dial, room to write, a window opened */
	size_t window;      /* bytes that the reader still takes */
	uint32_t lowat;
	uint16_t slot; /* in the host's table + 1; 0: none */
	uint8_t state; /* enum end_state */
	bool side : 1; /* 1: has been dialled */
	bool half : 1; /* which half of the pair leads here */
	bool want_write : 1;
};

struct conn {
	struct end end[2];
	struct pair *pair; /* null: to nowhere */
	struct conn *next; /* of the pair, or free */
	uint64_t key;      /* names of both hosts and the count of connections between them */
	uint16_t from_port, to_port;
	uint8_t pins;        /* handlers at work on it */
	uint8_t attempt : 5; /* SYNs sent */
	bool mapped : 1;     /* the dialler is seen under the public address of its site */
	bool refused : 1;    /* the answer on its way to the dialler is a refusal */
	bool dead : 1;       /* to be given back when nobody works on it */
	uint8_t moves[2];    /* of its hosts when it began, modulo 256 */
};

struct socket_slot {
	struct end *end; /* null: free, and next is the next free one + 1 */
	uint16_t gen;
	uint16_t next;
};

struct lookup {
	struct sim_event event;
	struct sim_host *host;
	struct lookup *next;
	uint64_t token;
	char name[];
};

struct sim_host {
	struct tp_transport tp; /* first: the driver's handle */
	struct sim_net *net;
	struct sim_source source;
	struct tp_events events;
	struct sim_event wake;
	uint64_t entity; /* of its name */
	char *name;
	uint8_t ip[16];
	uint32_t moves; /* how often its address has changed */
	uint32_t index;
	int region; /* of the network's list; -1 */
	bool attached, off, hidden;
	uint16_t listeners[MAX_LISTENERS]; /* ports; 0: none */
	uint16_t next_port;
	uint32_t accept_window;
	uint32_t backlog_len; /* half open and waiting */
	struct end *backlog_first, *backlog_last;
	struct socket_slot *slots;
	uint32_t num_slots, cap_slots, used_slots;
	uint16_t free_slot; /* + 1; 0: none */
	uint16_t num_lookups;
	struct lookup *lookups;
	struct pipe *uplink; /* tcp = "none"; null: unlimited */
	uint64_t at_work_ns; /* until when it is at work on what it wrote; segment */
	uint64_t down_bits, down_busy_ns;
	struct sim_tcp_wire up;       /* of packets; unlimited where there is an up_link */
	struct sim_tcp_link *up_link; /* the same where a site's line follows, which takes packets in the order of their coming */
	struct sim_tcp_link *down;    /* null: unlimited */
	struct sim_site *site;        /* null: none */
	struct sim_line line;         /* its own */
	bool narrow_in, narrow_out;   /* tcp = "none": a line has a rate, its own or its site's */
	uint16_t forward;             /* the port under which it is found outside of its NAT; 0: none */
	uint16_t forward_to;
	enum sim_tcp_cc cc;
	struct rough *rough; /* between the process and its sockets; null: nothing was done to it */
};

struct sim_site {
	struct sim_net *net;
	struct sim_source source;
	const char *name;
	struct sim_line line;
	struct kind inside; /* between its hosts */
	struct pipe *pipe;  /* up; tcp = "none" */
	uint64_t down_busy_ns;
	struct sim_tcp_link *up, *down; /* of packets; null: unlimited */
	uint64_t entity;
	uint32_t index, num_hosts;
	bool nat;
	uint8_t ip[16];
	uint16_t next_port; /* of what it maps */
	uint32_t moves;
};

struct cut_entry {
	uint32_t from, to;
	uint8_t cut;
};

struct dns_name {
	struct sy_netaddr *addrs;
	size_t n;
	char *name;
};

struct sim_net {
	struct sim_engine *engine;
	enum sim_tcp_model tcp;
	enum sim_tcp_cc cc;
	uint64_t sndbuf, rcvbuf; /* 0: autotuned */
	uint64_t notsent_lowat, frame_ns, handshake_ns;
	uint64_t uplink_bits, downlink_bits;
	struct kind *kinds; /* regions x regions, or one */
	struct kind loopback;
	int *regions; /* numbers of sim/net/regions.h */
	size_t num_regions;
	struct sim_host **hosts;
	uint32_t num_hosts, cap_hosts;
	struct sim_map by_ip, by_name; /* host index + 1 */
	struct sim_site **sites;
	uint32_t num_sites;
	struct sim_map by_site_ip, by_site_name; /* site index + 1 */
	struct sim_map pairs;                    /* ordered pair -> struct pair */
	struct sim_map dials;                    /* ordered pair -> connections so far */
	struct sim_map overrides;                /* ordered pair -> struct kind of its own */
	struct sim_map longer;                   /* ordered pair in use whose latency lines add to -> struct kind of its whole way */
	struct sim_map cut_index;                /* ordered pair -> index in cuts + 1 */
	struct sim_map dns_index;                /* hash of the name -> index in dns + 1 */
	struct cut_entry *cuts;
	size_t num_cuts, cap_cuts;
	struct dns_name *dns;
	size_t num_dns;
	struct kind **own_kinds; /* the overrides, to be freed: one an ordered pair at most, as each is used again */
	size_t num_own_kinds;
	struct conn *free_conns;
	struct chunk *free_small, *free_large;
	uint32_t groups_taken;
	uint64_t groups[1024]; /* bit per /16 in use */
	uint64_t hash;
	struct sim_net_stats stats;
};

static inline struct end *peer_of(const struct end *e)
{
	return e->side ? (struct end *)(uintptr_t)(e - 1) : (struct end *)(uintptr_t)(e + 1);
}
static inline struct conn *conn_of(const struct end *e)
{
	return (struct conn *)(uintptr_t)(e - e->side);
}
static inline struct half *half_to(const struct end *e)
{
	return &conn_of(e)->pair->half[e->half];
}
static inline struct sim_net *net_of(const struct end *e)
{
	return e->host->net;
}
static inline bool is_segment(const struct end *e)
{
	return net_of(e)->tcp != SIM_TCP_NONE;
}
/* The site whose line leads from a host to another, or back; null: none. */
static inline struct sim_site *site_before(const struct sim_host *inside, const struct sim_host *outside)
{
	return inside->site && (!outside || inside->site != outside->site) ? inside->site : NULL;
}
static inline bool behind_nat(const struct sim_host *h)
{
	return h->site && h->site->nat;
}
/* Whether an address that changes is not the connection's affair: it stays within a host, or behind a NAT. */
static inline bool stays_inside(const struct end *e)
{
	const struct sim_host *a = e->host, *b = peer_of(e)->host;
	return a == b || (b && behind_nat(a) && a->site == b->site && !conn_of(e)->mapped);
}
/* Whether the end's host has another address by now: what is sent to it goes where nobody is. */
static inline bool end_away(const struct end *e)
{
	return e->host && conn_of(e)->moves[e->side] != (uint8_t)e->host->moves && !stays_inside(e);
}
/* Whether an end is away: nothing that is sent comes through any more, either way. */
static inline bool conn_lost(const struct conn *c)
{
	return end_away(&c->end[0]) || end_away(&c->end[1]);
}
/* Whether what opens a connection is dropped on its way to this end. */
static inline bool syn_vanishes(const struct end *to)
{
	bool hidden = to->host->hidden && peer_of(to)->host != to->host;
	return half_to(to)->cut == SIM_CUT_SYN || hidden || conn_lost(conn_of(to));
}
static inline uint64_t pair_key(const struct sim_host *a, const struct sim_host *b)
{
	return (uint64_t)a->index << 32 | b->index;
}
static inline void net_hash(struct sim_net *net, uint64_t value)
{
	net->hash = sy_hash_u64(net->hash, value);
}

/* chunks.c */
struct chunk *chunk_take(struct sim_net *net, bool large); /* null: out of memory */
void chunk_give(struct sim_net *net, struct chunk *c);
void chunks_fini(struct sim_net *net);

/* links.c */
void kind_make(struct kind *k, const struct sim_link_params *params);
SY_MUST enum sy_err link_params_check(enum sim_tcp_model tcp, const struct sim_link_params *params, const char **what);
struct pair *pair_find(struct sim_net *net, const struct sim_host *a, const struct sim_host *b);
struct pair *pair_take(struct sim_net *net, struct sim_host *a, struct sim_host *b); /* finds or makes; null: out of memory */
void pair_drop(struct sim_net *net, struct pair *p);                                 /* when no connection is left */
struct pipe *pipe_new(struct sim_engine *engine, struct sim_source *source, uint64_t rate_bits, uint64_t queue_ns);
void pipe_free(struct pipe *p);
/* Takes a stream's next n bytes if there is room in all pipes of its way, and tells when the last one serialises them; else the stream waits. */
bool pipes_take(struct end *to, uint32_t n, uint64_t now_ns, uint64_t *sent_ns);
void pipes_leave(struct end *to); /* stops waiting */
uint64_t transmit_ns(uint64_t rate_bits, uint64_t bytes);

/* tcp_none.c: `to` is the end that the stream leads to */
bool stream_express(struct end *to, const uint8_t *bytes, size_t n);  /* the short way; false: not open, nothing done */
size_t stream_append(struct end *to, const uint8_t *bytes, size_t n); /* how many it took */
void stream_pump(struct end *to);                                     /* puts on the link what may go */
bool stream_pump_one(struct end *to);                                 /* one chunk; false: nothing more to send now */
void stream_open(struct end *to, uint64_t now_ns);                    /* the handshake's last packet */
void stream_finish(struct end *to);                                   /* FIN after what is unsent */
void stream_reset(struct end *to);                                    /* RST now; what is unsent is dropped */
void stream_kill(struct end *to);                                     /* drops what is unsent; nothing comes through any more */
void stream_lose(struct end *to);                                     /* the same, and what is under way is lost, too */
void stream_drop_unread(struct end *to);                              /* drops what has arrived */
void stream_purge(struct end *to);                                    /* drops all bytes */
uint64_t stream_delay_ns(struct end *to, enum sim_purpose purpose, uint64_t counter);

/* conns.c */
struct conn *conn_new(struct sim_net *net, struct sim_host *from, struct sim_host *to, uint64_t unknown); /* null: out of memory */
bool conn_settle(struct conn *c); /* gives it back when nobody can see it any more; true: it is gone */
SY_MUST bool end_slot_take(struct end *e);
tp_sock end_sock(const struct end *e);
void end_notice(struct end *e, uint64_t at_ns);
void end_arm(struct end *e);                       /* schedules its event for the next thing due */
void end_arm_first(struct end *e, uint64_t at_ns); /* the same when nothing was on the link before what arrives at that time */
void end_abort(struct end *e);                     /* RST to the other side; the end is gone */
void end_vanish(struct end *e);                    /* without a word to anybody */
void end_close(struct end *e, enum tp_close how);
void end_fail(struct end *e, enum sy_err err);        /* tells the user */
void end_let_go(struct end *e, enum end_state state); /* its user no longer holds it */
void conns_fini(struct sim_net *net);
void end_tell_window(struct end *e); /* bytes were read, or will never be */
void backlog_remove(struct end *e);
void backlog_kick(struct sim_host *h); /* has the first one accepted, if the window allows */

/* dial.c */
SY_MUST enum sy_err dial_start(struct sim_host *h, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns);
void dial_client(struct end *e, uint64_t now_ns);
void dial_server(struct end *e, uint64_t now_ns);
void dial_accept(struct end *e);
void backlog_add(struct end *e); /* connected: it waits for the accept window */
bool host_listens(const struct sim_host *h, uint16_t port);

/* deliver.c */
void end_event(struct sim_event *event, uint64_t now_ns);

/* addresses.c */
uint64_t ip_key(const uint8_t ip[16]);
struct sim_host *host_by_ip(const struct sim_net *net, const uint8_t ip[16]);
bool ip_taken(const struct sim_net *net, const uint8_t ip[16]); /* by a host or a site */
bool ip_draw(const struct sim_net *net, uint64_t entity, uint64_t how_manieth,
             uint8_t ip[16]);                                          /* a free public one; false: none is found */
void ip_take(struct sim_net *net, const uint8_t ip[16]);               /* its /16 is in use */
SY_MUST bool host_readdress(struct sim_host *h, const uint8_t ip[16]); /* false: no memory */

/* sites.c */
uint64_t line_queue_ns(uint64_t rate_bits, uint64_t queue_bytes);
uint64_t line_queue_bytes(uint64_t rate_bits, uint64_t queue_bytes);
SY_MUST bool host_wire(struct sim_host *h, const struct sim_line *line); /* its lines, as they are needed; false: no memory */
void host_unwire(struct sim_host *h);
/* Whom a dial reaches; *port becomes that of the listener, *mapped whether it leaves the dialler's NAT. Null: nobody. */
struct sim_host *host_dialled(struct sim_host *from, const uint8_t ip[16], uint16_t *port, bool *mapped);
uint16_t site_take_port(struct sim_site *site);
SY_MUST enum sy_err site_move(struct sim_site *site, const uint8_t *ip);
void sites_fini(struct sim_net *net);

/* hosts.c, sockets.c, dns.c */
void host_moved(struct sim_host *h); /* its address, as others see it, is another one: its connections are lost */
void host_free(struct sim_host *h);
void host_stop(struct sim_host *h, bool silent);
const struct tp_ops *sim_tp_ops(void);
SY_MUST enum sy_err dns_start(struct sim_host *h, uint64_t token, const char *name);
void dns_drop(struct sim_host *h);
void dns_fini(struct sim_net *net);

/* rough.c */
struct rough;
void rough_stop(struct sim_host *h);          /* the process is gone */
struct rough *rough_take(struct sim_host *h); /* finds or makes; null: out of memory */
void rough_free(struct sim_host *h);

/* faults.c */
enum sim_cut cut_between(const struct sim_net *net, const struct sim_host *from, const struct sim_host *to);
void pair_pump(struct pair *p, unsigned half);

#endif
