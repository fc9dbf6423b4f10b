/*
 * What the files of this room share: the connection's struct and the steps that cross a file's border. Nobody else
 * includes it. The layout is packed by hand: ten channels must fit 320 bytes, 720 once all were used (design.md 9).
 */
#ifndef SY_MCONN_INTERNAL_H
#define SY_MCONN_INTERNAL_H

#include "core/base/assert.h"
#include "core/base/timers.h"
#include "core/mconn/mconn.h"
#include "core/wire/packet.h"

#include <string.h>

#define SY_NS_PER_S 1000000000ull
#define SY_BLOCK_BYTES 64u
#define SY_BLOCK_SLOTS 7u
#define SY_SENDQ_SLOTS 3u

/* One link of a long send queue: its own block of the pool. */
struct sy_block {
	struct sy_block *next;
	struct sy_payload *slot[SY_BLOCK_SLOTS];
};

/*
 * A channel's send queue while it holds anything: the first messages in a small ring of its own, the others in a chain
 * of blocks behind it, so that a queue grows and shrinks without copying and an empty one costs nothing.
 */
struct sy_sendq {
	struct sy_block *first, *last;
	uint32_t count; /* messages, the one being packed included */
	uint32_t bytes;
	uint32_t offset; /* bytes of the head that are in finished packets */
	bool pulled;     /* the head is being packed: it has left the queue as far as capacity goes */
	uint8_t ring_head, ring_count;
	uint8_t first_at, last_at; /* next slot to take of first, next free one of last */
	struct sy_payload *ring[SY_SENDQ_SLOTS];
};

/* A channel of a connection, made by its first message: the idle connections of a large node have used few of theirs. */
struct sy_chan {
	struct sy_sendq *out;   /* null when nothing is queued */
	uint64_t tag;           /* fair scheduler: virtual start time of the next packet */
	uint64_t recently_sent; /* upstream's decaying counter, bytes */
	uint64_t sent_bytes, received_bytes;
};

/* Upstream's flow-rate monitor as far as anything of it can be seen. Source: protocol.md 3.9. */
struct sy_monitor {
	uint64_t bytes;        /* in all */
	uint64_t ema;          /* bytes per second; UINT64_MAX before the first sample has ended */
	uint64_t sample_ns;    /* start of the sample, a multiple of 20 ms */
	uint32_t sample_bytes; /* saturates */
};

/* One direction: what was counted, and the limiter's state. */
struct sy_flow {
	struct sy_monitor mon;
	uint64_t at_ns;      /* smooth: when the bucket is full again; upstream: when the sleeper wakes */
	uint64_t limited_ns; /* time spent waiting so far */
};

/* A message that comes in several packets. Its channel has at most one; a connection keeps a short list of them. */
struct sy_reassembly {
	struct sy_reassembly *next;
	uint32_t len, cap;
	uint8_t index;
	uint8_t bytes[];
};

/* Sends that wait for room, and results that wait to be fetched. */
struct sy_waiter {
	struct sy_waiter *next;
	struct sy_payload *payload;
	uint64_t token, deadline_ns;
	enum sy_err err;
	uint8_t index;
};
struct sy_waits {
	struct sy_waiter *waiting, *waiting_last;
	struct sy_waiter *done, *done_last;
	uint64_t next_deadline_ns; /* not later than the earliest deadline */
	uint8_t count[SY_LIMIT_CHANNELS];
};

/* The packet being written. Its header is built again from these when it was cut. */
struct sy_cut {
	uint8_t kind; /* enum sy_packet_kind; NONE: between packets */
	uint8_t index;
	bool eof;
	uint8_t header_at;  /* bytes of the header that are out */
	uint32_t len, left; /* data bytes, and those not out yet */
};

/*
 * Upstream's send task, protocol.md 3.7: it does one thing at a time, and two things make it sleep: its limiter and
 * a write that the transport has not taken yet.
 */
struct sy_task {
	uint8_t *buffer;      /* the write buffer; from the pool, null when empty */
	uint64_t flush_at_ns; /* the flush throttle; SY_NEVER when not armed */
	uint64_t woken_ns;    /* there is something to look at since then; SY_NEVER: nothing */
	uint32_t len, at;     /* bytes in the buffer; bytes of them that the transport has taken */
	uint32_t batch_left;  /* packets left of the batch under way */
	uint32_t batch_bytes;
	bool flushing;      /* the buffer is being written: the task sleeps until all is out */
	bool in_batch;      /* the batch was begun and is not accounted yet */
	bool send_due;      /* the send wake-up is signalled */
	enum sy_err failed; /* the task has ended with this; expire tells */
};

enum { SY_DUE_PONG = 1, SY_DUE_PING = 2 };
enum { SY_MAILBOX_EMPTY = 0, SY_MAILBOX_PONG, SY_MAILBOX_TIMEOUT };

struct sy_mconn {
	struct sy_flow send, recv;
	uint64_t born_ns;
	uint64_t next_ping_ns, ping_sent_ns, pong_deadline_ns, rtt_ns;
	uint64_t next_decay_ns;
	uint64_t vtime; /* fair scheduler: virtual start time of the packet chosen last */
	struct sy_waits *waits;
	struct sy_reassembly *halves;    /* messages not complete */
	struct sy_reassembly *delivered; /* handed up by the last feed; freed by the next */
	struct sy_task *task;            /* upstream only: behind the channels, in the same allocation */
	uint8_t *partial;                /* a packet cut by the end of the input */
	uint32_t partial_len, partial_cap;
	uint32_t held;    /* bytes that reassembly holds */
	uint16_t active;  /* bit i: channel i has something queued */
	uint16_t waiting; /* bit i: a Send waits for channel i */
	struct sy_cut cut;
	uint8_t control; /* enum of SY_DUE_*: pings and pongs that are to go out */
	bool ping_out;   /* a ping is on its way and not answered */
	bool stopping, send_gated, recv_gated;
	uint8_t mailbox; /* upstream: one slot for pongs and the pong timer */
	uint8_t num_channels;
	struct sy_chan *channel[]; /* null: nothing was sent or received on it */
};
_Static_assert(sizeof(struct sy_mconn) + 10 * sizeof(struct sy_chan *) <= 320 && sizeof(struct sy_chan) <= 40, "the budget of design.md 9");
_Static_assert(sizeof(struct sy_sendq) <= SY_BLOCK_BYTES && sizeof(struct sy_block) <= SY_BLOCK_BYTES, "one pool for both");
_Static_assert(sizeof(struct sy_waiter) <= SY_BLOCK_BYTES && sizeof(struct sy_waits) <= SY_BLOCK_BYTES, "and for waiters");

static inline void *sy_block_take(struct sy_mconn_shared *shared)
{
	return sy_pool_take(&shared->blocks, shared->env);
}
static inline void sy_block_give(struct sy_mconn_shared *shared, void *block)
{
	sy_pool_give(&shared->blocks, shared->env, block);
}

/* channels.c */
SY_MUST struct sy_chan *sy_chan_new(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i);
/* Null when there is no memory. */
static inline struct sy_chan *sy_chan_ready(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i)
{
	return m->channel[i] ? m->channel[i] : sy_chan_new(m, shared, i);
}
/* Null: nothing is queued. */
static inline struct sy_sendq *sy_chan_queue(const struct sy_mconn *m, uint32_t i)
{
	return m->channel[i] ? m->channel[i]->out : NULL;
}

/* queue.c */
static inline bool sy_sendq_room(const struct sy_sendq *q, const struct sy_channel *desc, size_t len)
{
	/* A message larger than the whole bound passes when it is alone: it could never be sent otherwise. */
	return q->count == 0 || (q->count - q->pulled < desc->send_queue_capacity && q->bytes + (uint64_t)len <= desc->send_queue_bytes);
}
void sy_sendq_free(struct sy_sendq *q, struct sy_mconn_shared *shared);
static inline struct sy_payload *sy_sendq_head(const struct sy_sendq *q)
{
	return q->ring[q->ring_head];
}
/* Takes the head off channel i, which goes to sleep when that was its last message and no waiter has another. */
void sy_mconn_pop(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i);
/* Queues without asking whether there is room. SY_NO_MEMORY. */
SY_MUST enum sy_err sy_mconn_push(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, struct sy_payload *payload);

/* waiters.c */
SY_MUST enum sy_err sy_waits_add(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, struct sy_payload *payload,
                                 uint64_t deadline_ns, uint64_t token);
/* Room may have appeared on channel i: waiters move up. */
void sy_waits_admit(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i);
void sy_waits_expire(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns);
void sy_waits_free(struct sy_mconn *m, struct sy_mconn_shared *shared);

/* sched_fair.c, sched_upstream.c: the channel whose packet comes next; -1: none. */
int sy_sched_fair_among(struct sy_mconn *m);
static inline int sy_sched_fair_choose(struct sy_mconn *m)
{
	uint32_t mask = m->active;
	/* One channel alone is the usual case. */
	return mask & (mask - 1) ? sy_sched_fair_among(m) : mask ? __builtin_ctz(mask) : -1;
}
/* The size of the packet chosen: moves the channel's virtual time on. */
void sy_sched_fair_charge(struct sy_mconn *m, uint32_t i, uint32_t priority, size_t size);
static inline void sy_sched_fair_wake(struct sy_mconn *m, uint32_t i)
{
	if (m->channel[i]->tag < m->vtime)
		m->channel[i]->tag = m->vtime;
}
int sy_sched_upstream_choose(struct sy_mconn *m, struct sy_mconn_shared *shared);
/* recently_sent decays by 0.8 at each tick of 2 s since the connection began: computed when somebody looks. */
void sy_sched_upstream_decay(struct sy_mconn *m, uint64_t now_ns);
uint64_t sy_sched_upstream_recent(const struct sy_mconn *m, uint32_t i, uint64_t now_ns);

/* monitor.c */
void sy_monitor_init(struct sy_monitor *mon, uint64_t now_ns);
void sy_monitor_roll(struct sy_monitor *mon, uint64_t now_ns);
bool sy_monitor_sample_over(const struct sy_monitor *mon, uint64_t now_ns);
static inline void sy_monitor_add(struct sy_monitor *mon, size_t n, uint64_t now_ns)
{
	mon->bytes += n;
	if (__builtin_add_overflow(mon->sample_bytes, n, &mon->sample_bytes))
		mon->sample_bytes = UINT32_MAX;
	/* 100 ms on a clock that is rounded to 20 ms. */
	if (now_ns + 10000000u >= mon->sample_ns + 100000000u)
		sy_monitor_roll(mon, now_ns);
}
uint64_t sy_monitor_clock(uint64_t now_ns);
/* What the moving average is at now, without changing anything. */
uint64_t sy_monitor_rate(const struct sy_monitor *mon, uint64_t now_ns);

/* rate_smooth.c, rate_upstream.c, rate.c */
void sy_rate_init(struct sy_rate *r, const struct sy_policy *policy, uint64_t rate, uint32_t max_packet);
void sy_rate_smooth_init(struct sy_rate *r, uint32_t max_packet);
static inline void sy_rate_smooth_charge(struct sy_flow *f, const struct sy_rate *r, size_t n, uint64_t now_ns)
{
	uint64_t from = f->at_ns > now_ns ? f->at_ns : now_ns;
	f->at_ns = from + (n * SY_NS_PER_S + r->rate - 1) / r->rate;
}
uint64_t sy_rate_smooth_allowance(const struct sy_flow *f, const struct sy_rate *r, uint64_t now_ns);
void sy_rate_upstream_init(struct sy_rate *r);
bool sy_rate_upstream_open(const struct sy_flow *f, const struct sy_rate *r, uint64_t now_ns);
/* Goes to sleep: sets at_ns. */
void sy_rate_upstream_sleep(struct sy_flow *f, uint64_t now_ns);
uint64_t sy_rate_upstream_allowance(const struct sy_flow *f, const struct sy_rate *r, uint64_t now_ns);
static inline bool sy_flow_open(const struct sy_flow *f, const struct sy_rate *r, bool gated, uint64_t now_ns)
{
	if (!r->rate)
		return true;
	if (r->smooth)
		return f->at_ns <= now_ns + r->slack_ns;
	return gated ? now_ns >= f->at_ns && sy_rate_upstream_open(f, r, now_ns) : sy_rate_upstream_open(f, r, now_ns);
}
bool sy_flow_gate_limited(struct sy_flow *f, const struct sy_rate *r, bool gated, uint64_t now_ns);
/* Asks to go on: false means sleep until sy_flow_wake. gated: it was refused before, and the wait is counted. */
static inline bool sy_flow_gate(struct sy_flow *f, const struct sy_rate *r, bool gated, uint64_t now_ns)
{
	if (!r->rate || (r->smooth && f->at_ns <= now_ns + r->slack_ns))
		return true;
	return sy_flow_gate_limited(f, r, gated, now_ns);
}
static inline uint64_t sy_flow_wake(const struct sy_flow *f, const struct sy_rate *r)
{
	return r->smooth ? f->at_ns - r->slack_ns : f->at_ns;
}
static inline void sy_flow_charge(struct sy_flow *f, const struct sy_rate *r, size_t n, uint64_t now_ns)
{
	if (r->rate && r->smooth)
		sy_rate_smooth_charge(f, r, n, now_ns);
	sy_monitor_add(&f->mon, n, now_ns);
}

/* ping.c */
void sy_ping_got_ping(struct sy_mconn *m, uint64_t now_ns);
void sy_ping_got_pong(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns);
/* A ping goes out at this moment. */
void sy_ping_sent(struct sy_mconn *m, uint64_t now_ns);
/* default: the ping falls due and with it the pong's deadline. SY_PEER_PONG_TIMEOUT. */
SY_MUST enum sy_err sy_ping_expire(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns);
/* The next ping tick after now. */
void sy_ping_tick(struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns);

/* packet_out.c: packets of the stream, whoever asks for them. */
/* Begins the next packet of channel i; returns its size on the stream, not charged to any limiter yet. */
size_t sy_cut_begin(struct sy_mconn *m, struct sy_mconn_shared *shared, uint32_t i, uint64_t now_ns);
void sy_cut_begin_control(struct sy_mconn *m, enum sy_packet_kind kind);
/* Writes what fits of the packet begun; at its end the message is taken off its queue. */
size_t sy_cut_write(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t *buf, size_t cap);

/* write_buffer.c: upstream's send task. */
void sy_task_init(struct sy_task *t);
void sy_task_fini(struct sy_task *t, struct sy_mconn_shared *shared);
void sy_task_wake(struct sy_task *t, uint64_t now_ns);
void sy_task_run(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns);
size_t sy_task_drain(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, uint8_t *buf, size_t cap);
uint64_t sy_task_deadline(const struct sy_mconn *m, const struct sy_mconn_shared *shared);
SY_MUST enum sy_err sy_task_expire(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns);

/* totals.c */
/* False when there is no memory. */
bool sy_totals_ready(struct sy_mconn_shared *shared);
void sy_totals_fini(struct sy_mconn_shared *shared);
/* The connection is over: what it has counted is added. */
void sy_totals_end(const struct sy_mconn *m, struct sy_mconn_shared *shared);
#define SY_WAIT_SHORT_NS 1000000u /* the first of sy_wait_bounds_ns */
/* A message goes into its first packet. */
static inline void sy_totals_waited(struct sy_channel_totals *t, uint64_t ns)
{
	uint32_t i = 0;
	t->wait_ns += ns;
	if (ns > SY_WAIT_SHORT_NS) /* most are not, and the first bound as a constant costs less than the table */
		while (i < SY_WAIT_BOUNDS && ns > sy_wait_bounds_ns[i])
			i++;
	t->waits[i]++;
}

/* recv.c */
void sy_recv_free(struct sy_mconn *m, struct sy_mconn_shared *shared);

#endif
