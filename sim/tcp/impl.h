/*
 * What the files of the TCP model share. From the bottom:
 *
 *   scoreboard.c           the segments in flight: ring, order of transmission, marks
 *   timers.c rtt.c         one event an endpoint for all its timers; round-trip times
 *   reno.c cubic.c hystart.c bbr.c bbr_model.c bbr_policer.c pacing.c rate.c   how much may be in flight, and how fast
 *   output.c               packets: segments, acknowledgements, RST
 *   sender.c tlp.c rto.c recovery.c rack.c sack.c ack.c   the sending half
 *   receiver.c delack.c    the receiving half
 *   conn.c endpoint.c      opening and closing; the door
 *
 * Words are the RFCs': una, nxt, wnd as in RFC 9293; pipe is called in_flight; times are nanoseconds.
 */
#ifndef SIM_TCP_IMPL_H
#define SIM_TCP_IMPL_H

#include "sim/tcp/tcp.h"

#define TCP_NEVER UINT64_MAX
#define TCP_NONE UINT64_MAX
#define TCP_MS 1000000ull
#define TCP_S 1000000000ull
#define TCP_INFINITE UINT32_MAX /* ssthresh before the first loss */

#define TCP_INITIAL_WINDOW 10u      /* RFC 6928 */
#define TCP_RTO_INITIAL (1 * TCP_S) /* RFC 6298 2.1 */
#define TCP_RTO_MIN (200 * TCP_MS)  /* Linux; the RFC says 1 s */
#define TCP_RTO_MAX (120 * TCP_S)
#define TCP_DELACK_MIN (40 * TCP_MS)
#define TCP_DELACK_MAX (200 * TCP_MS)
#define TCP_TIMEOUT_MIN (2 * TCP_MS) /* slack of the probe and reordering timers */
#define TCP_QUICKACKS 16u
#define TCP_DUPTHRESH 3u
#define TCP_MAX_REORDERING 300u
#define TCP_COMPRESSED_ACKS 44u /* SACKs held back at most */
#define TCP_TIME_WAIT (60 * TCP_S)
#define TCP_SYN_LINEAR 4u       /* retries of a SYN before they back off */
#define TCP_MAX_SEGMENTS 65536u /* in flight: 64 MiB of full segments and some */
#define TCP_RANGES_MAX 16384u   /* out-of-order ranges kept: every fourth segment of the largest flight; more are as good as lost */

/* Marks of a segment. */
enum {
	SEG_SACKED = 1,
	SEG_LOST = 2,
	SEG_RETRANS = 4,
	SEG_EVER = 8,
	SEG_FIN = 16,
	SEG_APP_LIMITED = 32,
	SEG_LISTED = 64,
	SEG_COUNTED = 128
};

struct tcp_seg {
	uint64_t seq;
	uint64_t sent_ns, tx;                                /* the last time; the how-manieth transmission that was */
	uint64_t prev, next;                                 /* in the order of transmission, by segment number */
	uint64_t skip;                                       /* of a SACKed one: no segment between this and `skip` is missing */
	uint64_t tx_delivered, tx_first_ns, tx_delivered_ns; /* of the rate sample */
	uint32_t len;
	uint16_t flags;
	uint16_t count; /* segments of the kernel's that it stands for: 1, or a train of the coarse model, which takes as many numbers */
};

enum tcp_ca { TCP_CA_OPEN = 0, TCP_CA_DISORDER, TCP_CA_CWR, TCP_CA_RECOVERY, TCP_CA_LOSS };
enum tcp_timer { TIMER_XMIT = 0, TIMER_DELACK, TIMER_COMPRESS, TIMER_PACE, TIMER_KEEPALIVE, TIMER_STATE, TIMERS };
enum tcp_xmit { XMIT_NONE = 0, XMIT_RTO, XMIT_PROBE, XMIT_REORDER, XMIT_ZERO_WINDOW };
enum tcp_rexmit { REXMIT_NONE = 0, REXMIT_LOST, REXMIT_NEW };

/* What one acknowledgement was found to do. */
enum {
	ACK_DATA = 1,     /* it came with data */
	ACK_WINDOW = 2,   /* the window changed */
	ACK_ADVANCED = 4, /* una moved */
	ACK_RETRANS = 8,  /* of what was retransmitted */
	ACK_SACKED = 16,  /* new SACKs */
	ACK_DSACK = 32,
	ACK_ORIGINAL = 64, /* something not retransmitted and sent before the recovery */
	ACK_LOST_RETRANS = 128,
	ACK_SET_TIMER = 256,
	ACK_DELAYED = 512, /* perhaps by a delayed acknowledgement */
	ACK_NOT_DUP = ACK_DATA | ACK_WINDOW | ACK_ADVANCED,
	ACK_ALERT = ACK_SACKED | ACK_DSACK,
};

/* A rate sample (the delivery rate estimation of BBR). Times are ns, negative: unknown. */
struct tcp_rate {
	uint64_t prior_ns, prior_delivered, last_tx;
	int64_t interval_ns, rtt_ns;
	int64_t delivered; /* negative: no sample */
	uint32_t losses, acked_sacked, prior_in_flight;
	bool app_limited, delayed;
};

struct tcp_ack {
	uint32_t flags;
	uint64_t prior_una, prior_sacked;     /* una, and the end of the highest SACKed, before */
	uint64_t first_sent_ns, last_sent_ns; /* of what was newly acknowledged and never retransmitted; 0: none */
	uint64_t first_sacked_ns, last_sacked_ns;
	uint64_t reordered; /* lowest original sequence number found late; TCP_NONE */
	uint32_t acked, num_dupack;
	enum tcp_rexmit rexmit;
	struct tcp_rate rs;
};

struct tcp_cubic {
	uint32_t cnt, last_max, last_cwnd, origin, ack_cnt, tcp_cwnd;
	uint64_t last_ns, epoch_ns, k; /* k in 1/1024 s; epoch_ns 0: none */
	uint64_t delay_min_ns;
};
struct tcp_hystart {
	uint64_t round_start_ns, last_ack_ns, rtt_ns, end_seq;
	uint32_t samples;
	bool found;
};

enum bbr_mode { BBR_STARTUP = 0, BBR_DRAIN, BBR_PROBE_BW, BBR_PROBE_RTT };
struct bbr_max {
	uint32_t round;
	uint64_t value;
};
struct tcp_bbr {
	uint64_t min_rtt_ns, min_rtt_at_ns, probe_rtt_done_ns, cycle_ns, ack_epoch_ns;
	uint64_t next_round_delivered;
	struct bbr_max bw[3]; /* the best three of the window, Q24 packets per us */
	uint64_t full_bw;
	uint64_t lt_bw, lt_last_ns, lt_last_delivered, lt_last_lost;
	uint64_t draws;
	uint32_t round, prior_cwnd, extra_acked[2], ack_epoch_acked;
	uint32_t extra_rounds, lt_rounds;
	uint16_t pacing_gain, cwnd_gain;
	uint8_t mode, prev_ca, cycle, full_count, extra_index;
	bool round_start, idle_restart, probe_round_done, packet_conservation, full_reached, seen_rtt, lt_sampling, lt_use;
};

struct tcp_cc {
	void (*init)(struct sim_tcp *t);
	uint32_t (*ssthresh)(struct sim_tcp *t);
	void (*avoid)(struct sim_tcp *t, uint32_t acked);                              /* null: control does it all */
	void (*acked)(struct sim_tcp *t, int64_t rtt_ns, uint32_t acked);              /* may be null */
	void (*control)(struct sim_tcp *t, const struct tcp_rate *rs, uint32_t flags); /* null: window by avoid and PRR */
	void (*on_loss)(struct sim_tcp *t);                                            /* a time-out; may be null */
	void (*undo)(struct sim_tcp *t);                                               /* may be null */
	void (*restart)(struct sim_tcp *t);                                            /* first data after idleness; may be null */
	uint32_t (*tso_segments)(const struct sim_tcp *t);                             /* null: not paced */
};
extern const struct tcp_cc tcp_cc_reno, tcp_cc_cubic, tcp_cc_bbr;

struct sim_tcp {
	struct sim_event event; /* first: its handler finds the endpoint */
	struct sim_engine *engine;
	struct sim_source *source;
	const struct sim_tcp_ops *ops;
	void *user;
	const struct tcp_cc *cc;
	uint64_t entity;
	struct sim_tcp_config config;
	enum sim_tcp_state state;
	uint32_t pending; /* events to be told */
	bool dead;

	/* timers */
	uint64_t due_ns[TIMERS];
	uint64_t tick_phase_ns;
	enum tcp_xmit xmit;

	/* opening and closing */
	uint64_t syn_ns;
	uint32_t syn_count;
	bool fin_wanted, fin_sent, fin_acked, fin_received;
	uint64_t fin_at; /* of the peer; TCP_NONE: not seen */

	/* sending: una <= nxt <= queued */
	uint64_t una, nxt, queued, wnd_end, max_wnd;
	uint64_t seg_una, seg_nxt, cap;
	struct tcp_seg *segs;
	uint64_t *heads;                  /* behind segs: a bit a number, set where a train begins; null without trains */
	uint64_t seg_last;                /* the number of the newest, if any is in flight */
	uint64_t order_first, order_last; /* unSACKed segments in the order of transmission */
	uint64_t rexmit_hint;             /* no lost and unsent-again segment before it */
	uint64_t sacked_high;             /* end of the highest SACKed segment */
	uint32_t packets_out, sacked_out, lost_out, retrans_out;
	bool write_blocked;
	uint64_t sndbuf; /* bytes of kernel memory, autotuned */
	uint64_t last_send_ns;
	uint64_t segs_sent;
	uint32_t retransmits, timeouts, probes;

	/* window */
	uint32_t cwnd, cwnd_cnt, ssthresh, max_packets_out;
	uint64_t cwnd_usage_end;
	bool cwnd_limited;
	uint32_t cwnd_used;
	uint64_t cwnd_stamp_ns;

	/* recovery */
	enum tcp_ca ca;
	uint64_t high, tlp_high; /* nxt when the recovery, the probe began; tlp_high 0: none */
	bool tlp_retrans, frto;
	uint32_t prior_cwnd, prior_ssthresh, prr_delivered, prr_out;
	uint64_t undo_marker; /* TCP_NONE: no undo */
	int64_t undo_retrans;
	uint64_t retrans_stamp_ns; /* of the first retransmission; 0: none */
	uint64_t last_echo_ns;
	uint32_t reordering;
	bool reord_seen;
	uint64_t rack_sent_ns, rack_tx;
	uint64_t rack_rtt_ns;
	bool rack_advanced, rack_dsack_seen;
	uint32_t rack_steps, rack_persist;
	uint64_t rack_last_delivered;

	/* round trips */
	uint64_t srtt8_us, mdev4_us, mdev_max_us, rttvar_us, rtt_end;
	uint64_t min_rtt_ns, rto_ns;
	uint32_t backoff, rto_count;

	/* delivery */
	uint64_t delivered, lost, delivered_ns, first_tx_ns, app_limited;
	uint64_t pace_ns, pacing_rate; /* when the next may go; bytes per second */
	union {
		struct {
			struct tcp_cubic cubic;
			struct tcp_hystart hystart;
		};
		struct tcp_bbr bbr;
	};

	/* receiving: read <= rcv */
	uint64_t rcv, read, wup, rcv_wnd_end;
	struct sim_tcp_range *ooo; /* in order, apart */
	uint32_t num_ooo, cap_ooo;
	struct sim_tcp_range recent[SIM_TCP_SACKS]; /* newest first */
	uint32_t num_recent;
	struct sim_tcp_range dsack;
	bool dsack_due;
	uint64_t echo_ns;
	uint64_t rcv_limit, rcv_clamp;                                        /* what is advertised at most now, and may be */
	uint64_t rcv_space, space_seq, space_ns, rcv_rtt_ns, rcv_rtt_echo_ns; /* most read in a round trip; where the current one began */
	uint32_t rcv_mss;
	/* when to acknowledge */
	uint64_t ato_ns, last_rcv_ns;
	uint32_t quick;
	bool ack_due, ack_now, pushed, pingpong;
	uint64_t compress_rcv;
	uint32_t compressed, dup_acks;
	/* keepalive and zero window */
	uint64_t last_heard_ns;
	uint32_t keepalive_sent, zero_probes;
};

static inline uint64_t tcp_now(const struct sim_tcp *t)
{
	return t->engine->now_ns;
}
static inline struct tcp_seg *tcp_seg(const struct sim_tcp *t, uint64_t n)
{
	return &t->segs[n & (t->cap - 1)];
}
static inline uint64_t tcp_seg_next(const struct sim_tcp *t, uint64_t n)
{
	return n + tcp_seg(t, n)->count;
}
/* Segments of the kernel's in so many bytes; a FIN without any counts as one. */
static inline uint16_t tcp_count(const struct sim_tcp *t, uint32_t len)
{
	return (uint16_t)(len <= t->config.mss ? 1 : (len + t->config.mss - 1) / t->config.mss);
}
static inline uint64_t tcp_seg_end(const struct tcp_seg *s)
{
	return s->seq + s->len + ((s->flags & SEG_FIN) != 0);
}
static inline uint32_t tcp_in_flight(const struct sim_tcp *t)
{
	return t->packets_out - (t->sacked_out + t->lost_out) + t->retrans_out;
}
static inline bool tcp_in_slow_start(const struct sim_tcp *t)
{
	return t->cwnd < t->ssthresh;
}
static inline bool tcp_reducing(const struct sim_tcp *t)
{
	return t->ca == TCP_CA_CWR || t->ca == TCP_CA_RECOVERY;
}
static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}
static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* scoreboard.c */
struct tcp_seg *tcp_seg_add(struct sim_tcp *t, uint64_t seq, uint32_t len, uint32_t flags); /* null: out of memory, or too many */
void tcp_seg_give_back(struct sim_tcp *t);                                                  /* the memory of a board without segments */
uint64_t tcp_seg_find(const struct sim_tcp *t, uint64_t seq);         /* the first that ends behind seq; seg_nxt: none */
uint64_t tcp_seg_missing(struct sim_tcp *t, uint64_t n);              /* the first at or behind n that is not SACKed */
void tcp_seg_split(struct sim_tcp *t, uint64_t n, uint32_t segments); /* a train, behind so many; no more than it has: nothing happens */
bool tcp_seg_split_at(struct sim_tcp *t, uint64_t n, uint64_t seq);   /* false: seq is no border within the train */
void tcp_order_append(struct sim_tcp *t, uint64_t n);
void tcp_order_remove(struct sim_tcp *t, uint64_t n);
void tcp_mark_lost(struct sim_tcp *t, uint64_t n, struct tcp_ack *a); /* a may be null */
bool tcp_sent_after(uint64_t ns1, uint64_t ns2, uint64_t tx1, uint64_t tx2);

/* timers.c */
void tcp_timers_init(struct sim_tcp *t);
void tcp_timer_exact(struct sim_tcp *t, enum tcp_timer which, uint64_t at_ns);
void tcp_timer_coarse(struct sim_tcp *t, enum tcp_timer which, uint64_t delay_ns); /* at the next tick of the wheel */
void tcp_timer_stop(struct sim_tcp *t, enum tcp_timer which);
void tcp_xmit_timer(struct sim_tcp *t, enum tcp_xmit what, uint64_t delay_ns);
uint64_t tcp_ticks(const struct sim_tcp *t, uint64_t ns); /* rounded up to whole ticks, as time */
uint64_t tcp_tick_time(const struct sim_tcp *t);          /* now at the last tick */

/* rtt.c */
void tcp_rtt_sample(struct sim_tcp *t, uint64_t rtt_ns);
void tcp_rtt_update(struct sim_tcp *t, struct tcp_ack *a, uint64_t echo_ns);

/* rate.c */
void tcp_rate_sent(struct sim_tcp *t, struct tcp_seg *s);
void tcp_rate_delivered(struct sim_tcp *t, struct tcp_seg *s, struct tcp_rate *rs);
void tcp_rate_finish(struct sim_tcp *t, uint32_t delivered, uint32_t lost, struct tcp_rate *rs);
void tcp_rate_check_app_limited(struct sim_tcp *t);

/* reno.c, cubic.c, hystart.c, pacing.c */
uint32_t tcp_slow_start(struct sim_tcp *t, uint32_t acked);
void tcp_avoid_additive(struct sim_tcp *t, uint32_t w, uint32_t acked);
void tcp_undo_to_prior(struct sim_tcp *t);
bool tcp_is_cwnd_limited(const struct sim_tcp *t);
void tcp_hystart_reset(struct sim_tcp *t);
void tcp_hystart_update(struct sim_tcp *t, uint64_t rtt_ns, uint32_t acked);
bool tcp_pace_wait(struct sim_tcp *t); /* true: not yet; the timer is set */
void tcp_pace_sent(struct sim_tcp *t, uint32_t bytes);
uint64_t tcp_cube_root(uint64_t x);

/* bbr.c, bbr_model.c, bbr_policer.c */
uint64_t tcp_bbr_bw(const struct sim_tcp *t);
uint64_t tcp_bbr_max_bw(const struct sim_tcp *t);
uint32_t tcp_bbr_inflight(const struct sim_tcp *t, uint64_t bw, uint32_t gain);
uint32_t tcp_bbr_bdp(const struct sim_tcp *t, uint64_t bw, uint32_t gain);
uint32_t tcp_bbr_budget(const struct sim_tcp *t, uint32_t cwnd);
void tcp_bbr_save_cwnd(struct sim_tcp *t);
void tcp_bbr_reset_mode(struct sim_tcp *t);
void tcp_bbr_model(struct sim_tcp *t, const struct tcp_rate *rs);
void tcp_bbr_probe_rtt_check(struct sim_tcp *t);
void tcp_bbr_policer(struct sim_tcp *t, const struct tcp_rate *rs);
void tcp_bbr_policer_reset(struct sim_tcp *t);

/* output.c */
void tcp_send_ack(struct sim_tcp *t);
void tcp_send_flags(struct sim_tcp *t, unsigned flags, uint64_t seq);
void tcp_send_segment(struct sim_tcp *t, uint64_t n); /* the first time or again */
void tcp_retransmit(struct sim_tcp *t, uint64_t n);

/* sender.c */
void tcp_push(struct sim_tcp *t);     /* new data as the windows allow */
bool tcp_push_one(struct sim_tcp *t); /* one segment beyond cwnd, of the probe */
void tcp_retransmit_queue(struct sim_tcp *t);
uint64_t tcp_unsent(const struct sim_tcp *t);
bool tcp_has_unsent(const struct sim_tcp *t); /* bytes or a FIN */
uint64_t tcp_sndbuf(const struct sim_tcp *t);
void tcp_sndbuf_expand(struct sim_tcp *t);
void tcp_check_writable(struct sim_tcp *t);

/* tlp.c, rto.c */
bool tcp_probe_schedule(struct sim_tcp *t, bool advancing);
void tcp_probe_send(struct sim_tcp *t);
void tcp_probe_acked(struct sim_tcp *t, uint64_t ack, uint32_t flags);
void tcp_rearm_rto(struct sim_tcp *t);
uint64_t tcp_rto_left(const struct sim_tcp *t); /* until the RTO of the oldest segment; 0: over */
void tcp_rto_fired(struct sim_tcp *t);
void tcp_zero_window_fired(struct sim_tcp *t);
void tcp_zero_window_check(struct sim_tcp *t);

/* recovery.c, rack.c, sack.c, ack.c */
void tcp_recover(struct sim_tcp *t, struct tcp_ack *a);
void tcp_enter_recovery(struct sim_tcp *t);
void tcp_enter_loss(struct sim_tcp *t);
void tcp_reduce_init(struct sim_tcp *t);
void tcp_reduce(struct sim_tcp *t, uint32_t newly_acked, uint32_t newly_lost, uint32_t flags);
void tcp_reduce_end(struct sim_tcp *t);
void tcp_keep_open(struct sim_tcp *t);
void tcp_set_ca(struct sim_tcp *t, enum tcp_ca ca);
void tcp_rack_advance(struct sim_tcp *t, const struct tcp_seg *s);
void tcp_rack_mark_lost(struct sim_tcp *t, struct tcp_ack *a);
void tcp_rack_timeout(struct sim_tcp *t);
void tcp_rack_dsack(struct sim_tcp *t, const struct tcp_ack *a);
uint64_t tcp_rack_left(const struct sim_tcp *t, const struct tcp_seg *s, uint64_t window_ns); /* 0: lost */
void tcp_sack(struct sim_tcp *t, const struct sim_tcp_packet *p, struct tcp_ack *a);
void tcp_reorder_seen(struct sim_tcp *t, uint64_t low);
void tcp_ack(struct sim_tcp *t, const struct sim_tcp_packet *p);

/* receiver.c, delack.c */
void tcp_receive(struct sim_tcp *t, const struct sim_tcp_packet *p);
uint64_t tcp_window(struct sim_tcp *t); /* to be advertised; moves the promised edge */
uint64_t tcp_window_choice(const struct sim_tcp *t);
void tcp_ack_check(struct sim_tcp *t, bool out_of_order);
void tcp_ack_sent(struct sim_tcp *t);
void tcp_ack_arrived(struct sim_tcp *t, uint32_t len); /* data came: how eager to be */
void tcp_quickack(struct sim_tcp *t);
void tcp_delack_fired(struct sim_tcp *t);
void tcp_ack_after_read(struct sim_tcp *t);
uint32_t tcp_fill_sacks(struct sim_tcp *t, struct sim_tcp_packet *p);

/* conn.c */
void tcp_conn_input(struct sim_tcp *t, const struct sim_tcp_packet *p); /* while opening */
void tcp_state_fired(struct sim_tcp *t);
void tcp_keepalive_fired(struct sim_tcp *t);
void tcp_keepalive_arm(struct sim_tcp *t);
void tcp_closing_check(struct sim_tcp *t);
void tcp_give_up(struct sim_tcp *t, enum sim_tcp_event why);
void tcp_tell(struct sim_tcp *t); /* the pending events */

#endif
