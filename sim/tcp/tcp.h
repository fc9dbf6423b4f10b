/*
 * A model of Linux's TCP between a simulated socket and the link: sequence ranges, not bytes, travel. One endpoint is
 * one object; it takes packets, writes, reads and its own timer, and hands packets to its user, who carries them over
 * links of his own (rig.c does, and so may the virtual network). Time, order and randomness are the engine's.
 *
 *   user --write--> [unsent | in flight] --packet--> link --packet--> [out of order | unread] --read--> user
 *
 * Sequence numbers are 64-bit offsets in the stream, starting at 0; a SYN takes none, a FIN takes one behind the last
 * byte. Content stays with the sender's user (sim_tcp_stream) until the receiver's user reads it in order.
 * Sources: RFC 9293 (states), 5681, 6298, 6582, 6675, 6937 (PRR), 8985 (RACK-TLP), 9406 (HyStart), 9438 (CUBIC), 5682
 * (F-RTO), 2883 (DSACK), 7323 (timestamps); where Linux 6.18 differs, the file says so and follows Linux.
 */
#ifndef SIM_TCP_TCP_H
#define SIM_TCP_TCP_H

#include "sim/engine/engine.h"

enum sim_tcp_cc { SIM_TCP_CUBIC = 0, SIM_TCP_RENO, SIM_TCP_BBR };

#define SIM_TCP_SACKS 4u   /* ranges a packet carries: three with timestamps, four when the first is a DSACK */
#define SIM_TCP_HEADER 52u /* IPv4, TCP and timestamps */
#define SIM_TCP_SYN_LENGTH 60u

/* Flags of a packet. */
enum { SIM_TCP_SYN = 1, SIM_TCP_ACK = 2, SIM_TCP_FIN = 4, SIM_TCP_RST = 8, SIM_TCP_PROBE = 16 };

struct sim_tcp_range {
	uint64_t from, to; /* to is not included */
};

struct sim_tcp_packet {
	uint64_t seq, ack;
	uint64_t window;         /* bytes behind ack that the receiver takes */
	uint64_t ts_ns, echo_ns; /* the sender's clock; what it echoes, 0: nothing yet */
	struct sim_tcp_range sack[SIM_TCP_SACKS];
	uint32_t len;   /* payload */
	uint16_t count; /* segments of the kernel's that it stands for; 0 counts as one */
	uint16_t mss;   /* payload of each of several but the last; then a link may cut it */
	uint8_t num_sacks;
	uint8_t flags;
	bool dsack; /* sack[0] is a range received twice */
};

/* Length of the IP packet. */
uint32_t sim_tcp_length(const struct sim_tcp_packet *p);
uint32_t sim_tcp_segments(const struct sim_tcp_packet *p);
struct sim_tcp_packet sim_tcp_cut(const struct sim_tcp_packet *p, uint32_t from, uint32_t n); /* n of its segments, the whole or a part */

struct sim_tcp_config {
	enum sim_tcp_cc cc;
	uint32_t mss;            /* payload of a full segment; 1448 at an MTU of 1500 with timestamps */
	uint64_t sndbuf, rcvbuf; /* bytes, fixed; 0: autotuned up to the maximum */
	uint64_t sndbuf_max, rcvbuf_max;
	uint64_t notsent_lowat;                       /* writable only while less than this is unsent; 0: no mark */
	uint64_t tick_ns;                             /* grain of the coarse timers, the kernel's jiffy; 0: exact */
	uint64_t keepalive_ns, keepalive_interval_ns; /* 0: no keepalive */
	uint32_t keepalive_probes;
	bool keepalive_asleep; /* it begins when sim_tcp_keepalive says so */
	uint32_t retries;      /* time-outs in a row before the connection is given up; 15 */
	uint32_t syn_retries;  /* 6 */
	bool nagle;            /* else TCP_NODELAY */
	bool trains;           /* coarse: a packet may stand for up to a sixteenth of the window */
};
/* Linux's defaults with buffers that autotune up to 4 and 6 MiB. */
void sim_tcp_defaults(struct sim_tcp_config *config);

/* What an endpoint tells its user, each at most once per call into it, in this order. */
enum sim_tcp_event {
	SIM_TCP_CONNECTED = 1, /* the handshake is over */
	SIM_TCP_READABLE = 2,  /* more bytes in order */
	SIM_TCP_WRITABLE = 4,  /* space again after sim_tcp_write took less than all */
	SIM_TCP_PEER_DONE = 8, /* the peer's FIN, in order */
	SIM_TCP_CLOSED = 16,   /* both directions are finished, or the time-wait is over */
	SIM_TCP_RESET = 32,    /* the peer aborted */
	SIM_TCP_TIMEOUT = 64,  /* gave up: SYN, retransmissions or keepalive unanswered */
};

struct sim_tcp;
struct sim_tcp_ops {
	/* Takes a packet for the link; the packet is borrowed. Must not call into the endpoint. */
	void (*transmit)(void *user, const struct sim_tcp_packet *p);
	/* May read, write and close; must not free the endpoint. */
	void (*event)(void *user, enum sim_tcp_event what);
};

/*
 * entity names the connection and the side for randomness (grain of timers, cycles of bbr). config is copied. Returns
 * null when out of memory. The engine, the source (its sequence orders the endpoint's timers) and ops are borrowed.
 */
struct sim_tcp *sim_tcp_new(struct sim_engine *engine, struct sim_source *source, uint64_t entity, const struct sim_tcp_config *config,
                            const struct sim_tcp_ops *ops, void *user);
size_t sim_tcp_memory(void);          /* of an idle endpoint, bytes */
void sim_tcp_free(struct sim_tcp *t); /* null is harmless; no packet is sent */

void sim_tcp_connect(struct sim_tcp *t);                                  /* sends the SYN */
bool sim_tcp_accept(struct sim_tcp *t, const struct sim_tcp_packet *syn); /* a fresh endpoint answers a SYN; false: it is not fresh */
/* The RST with which a host answers what belongs to no endpoint of it; false: an RST is not answered. */
bool sim_tcp_refuse(const struct sim_tcp_packet *p, struct sim_tcp_packet *rst);
void sim_tcp_input(struct sim_tcp *t, const struct sim_tcp_packet *p); /* a packet arrives */

size_t sim_tcp_write(struct sim_tcp *t, size_t n); /* how many bytes it took */
size_t sim_tcp_write_space(const struct sim_tcp *t);
void sim_tcp_want_room(struct sim_tcp *t);                         /* WRITABLE is to be told once there is room, as after a short write */
void sim_tcp_set_lowat(struct sim_tcp *t, uint64_t notsent_lowat); /* from now on */
size_t sim_tcp_readable(const struct sim_tcp *t);                  /* bytes in order, unread */
size_t sim_tcp_read(struct sim_tcp *t, size_t n);                  /* consumes at most n: how many it was */
/*
 * Has keepalive begin, in the phase in which it would be if all probes so far had been answered, or stop. A user who knows
 * whether probes would be answered spares itself those that would.
 */
void sim_tcp_keepalive(struct sim_tcp *t, bool on);
void sim_tcp_shutdown(struct sim_tcp *t); /* FIN behind what is queued */
void sim_tcp_abort(struct sim_tcp *t);    /* RST; both queues are dropped */

enum sim_tcp_state {
	SIM_TCP_ST_CLOSED = 0, /* nothing yet, or nothing more */
	SIM_TCP_ST_SYN_SENT,
	SIM_TCP_ST_SYN_RCVD,
	SIM_TCP_ST_OPEN, /* of RFC 9293's states ESTABLISHED to LAST_ACK: the FINs are told apart by the flags below */
	SIM_TCP_ST_TIME_WAIT,
};

/* For measures and plots; read-only. */
struct sim_tcp_info {
	enum sim_tcp_state state;
	bool fin_sent, fin_acked, fin_received;
	uint32_t cwnd, ssthresh, in_flight, retransmits, timeouts, probes; /* segments; counts. ssthresh UINT32_MAX: none yet */
	uint64_t srtt_ns, rto_ns, min_rtt_ns;
	uint64_t unsent, unacked, bytes_acked, bytes_received; /* bytes */
	uint64_t pacing_bytes_per_s;                           /* 0: not paced */
	unsigned recovery;                                     /* 0 open, 1 disorder, 2 reduced window, 3 recovery, 4 loss */
};
void sim_tcp_info(const struct sim_tcp *t, struct sim_tcp_info *info);

/* ------------------------------------------------------------------ content */

/*
 * The bytes of one direction: the writer's user appends what sim_tcp_write took, the reader's user takes what sim_tcp_read
 * consumed. For users that need content; measures of rates do not.
 */
struct sim_tcp_chunk;
struct sim_tcp_stream {
	struct sim_tcp_chunk *first, *last;
	size_t bytes;
};
bool sim_tcp_stream_append(struct sim_tcp_stream *s, const void *bytes, size_t n); /* false: out of memory, nothing changed */
size_t sim_tcp_stream_take(struct sim_tcp_stream *s, void *buf, size_t n);         /* buf null: drops them */
void sim_tcp_stream_fini(struct sim_tcp_stream *s);                                /* idempotent */

#endif
