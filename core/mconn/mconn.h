/*
 * One connection's messages: channels, the scheduler, rates, pings, packets. A byte machine: messages go in and a
 * stream of packets comes out (drain); a stream of packets goes in and messages come out (feed); time goes in and the
 * next deadline comes out. It knows neither frames nor peers. Source: protocol.md 3.2-3.10, D-01 to D-07.
 */
#ifndef SY_MCONN_MCONN_H
#define SY_MCONN_MCONN_H

#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/base/policy.h"
#include "core/switchyard.h"

/* The channels of a node in the order of registration, with defaults filled in. Shared by all connections. */
struct sy_channel_set {
	uint32_t count;
	struct sy_channel channel[SY_LIMIT_CHANNELS];
	uint8_t reactor[SY_LIMIT_CHANNELS]; /* index of the owner */
	uint8_t index_of[256];              /* by channel id: index + 1; 0 = unknown */
};
void sy_channel_set_init(struct sy_channel_set *set);
/* SY_INVALID: duplicate id or priority 0; SY_LIMIT. Fills in defaults. */
SY_MUST enum sy_err sy_channel_set_add(struct sy_channel_set *set, const struct sy_channel *channel, uint8_t reactor);

/* One direction's rate limit with what follows from it, computed once. rate == 0: unlimited. Source: protocol.md 3.9, D-03, D-05. */
struct sy_rate {
	uint64_t rate;         /* bytes per second, slack included */
	uint64_t slack_ns;     /* smooth: how far the bucket may be drained before a packet has to wait */
	uint64_t burst_ns;     /* smooth: the whole bucket */
	uint64_t sample_limit; /* upstream: bytes that close the gate of a sample */
	bool smooth;
};

/* What the connections of one node share. */
struct sy_mconn_shared {
	const struct sy_env *env;
	const struct sy_policy *policy;
	const struct sy_channel_set *channels;
	struct sy_payload_heap payloads;
	struct sy_pool packets;        /* partial packets while receiving */
	struct sy_pool blocks;         /* send queues and waiting Sends: 64 bytes each */
	struct sy_pool write_buffers;  /* upstream's 64 KiB */
	uint64_t send_rate, recv_rate; /* bytes per second, 0 = unlimited */
	struct sy_rate send_limit, recv_limit;
	uint64_t ping_interval_ns, pong_timeout_ns;
	uint64_t flush_throttle_ns;
	uint32_t max_payload;             /* max_packet_msg_payload_size, at least 1: the node refuses 0 */
	uint32_t packet_limit;            /* payload of a packet that is accepted: protocol.md 3.4 */
	struct sy_node_totals ended;      /* of connections that have ended */
	struct sy_channel_totals *totals; /* one a channel; null before the first message. Bytes: of connections that have ended */
};
void sy_mconn_shared_init(struct sy_mconn_shared *shared, const struct sy_env *env, const struct sy_policy *policy,
                          const struct sy_channel_set *channels, const struct sy_config *config);
void sy_mconn_shared_fini(struct sy_mconn_shared *shared);
/* Gives back what the pools keep for reuse. */
void sy_mconn_shared_trim(struct sy_mconn_shared *shared);

struct sy_mconn; /* opaque; at most 320 bytes with ten channels that nothing was sent or received on, 40 more for each other one */

/* Null when there is no memory. Nothing in it is random: equals go in the order of registration. */
struct sy_mconn *sy_mconn_new(struct sy_mconn_shared *shared, uint64_t now_ns);
void sy_mconn_free(struct sy_mconn *m, struct sy_mconn_shared *shared);

/*
 * Sending. `payload` is borrowed: a reference of its own is taken when it is queued. Nothing is packed inside the
 * call. A message that is being packed has left the queue: a channel of capacity n holds n messages beside it.
 * SY_OK, SY_QUEUE_FULL, SY_NO_CHANNEL, SY_MESSAGE_SIZE (empty, or more than the channel's receive capacity: D-07; never
 * in upstream), SY_NO_MEMORY, SY_NO_PEER (after sy_mconn_flush_stop).
 */
SY_MUST enum sy_err sy_mconn_try_send(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t channel, struct sy_payload *payload,
                                      uint64_t now_ns);
/* The same for bytes that are in no payload yet: a copy is made when there is room for it, as a full queue should cost little. */
SY_MUST enum sy_err sy_mconn_try_send_bytes(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t channel, struct sy_span bytes,
                                            uint64_t now_ns);
/*
 * SY_OK: queued at once; SY_AGAIN: it waits, the result comes from sy_mconn_next_sent with the token; SY_QUEUE_FULL:
 * too many wait already; else as try_send. Waiters of a channel are served in order.
 */
SY_MUST enum sy_err sy_mconn_send(struct sy_mconn *m, struct sy_mconn_shared *shared, uint8_t channel, struct sy_payload *payload,
                                  uint64_t now_ns, uint64_t deadline_ns, uint64_t token);
struct sy_mconn_sent {
	uint64_t token;
	enum sy_err err; /* SY_OK, SY_TIMEOUT, SY_NO_PEER */
};
bool sy_mconn_next_sent(struct sy_mconn *m, struct sy_mconn_shared *shared, struct sy_mconn_sent *sent);
/* Fails every waiter with SY_NO_PEER (they come out of next_sent); called when the connection ends. */
void sy_mconn_cancel(struct sy_mconn *m, struct sy_mconn_shared *shared);
bool sy_mconn_can_send(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint8_t channel);

/*
 * True when drain would give bytes now. With seal_late: pings, pongs, or a channel with data and the send limiter
 * open; in upstream: the write buffer is being flushed.
 */
bool sy_mconn_has_output(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns);
/* Writes up to cap bytes of the packet stream (packets may be cut anywhere; the rest comes with the next call). Returns how many. */
size_t sy_mconn_drain(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, uint8_t *buf, size_t cap);

/* Receiving. */
struct sy_mconn_in {
	size_t consumed;
	bool message; /* one is complete: channel and bytes are set, valid until the next call; call again with the rest */
	uint8_t channel;
	struct sy_span bytes;
	bool gated; /* the receive limiter stopped it before all was consumed: come back at sy_mconn_recv_open_at */
};
/*
 * Returns SY_OK; SY_PEER_BAD_PACKET, SY_PEER_PACKET_TOO_LONG, SY_PEER_UNKNOWN_PACKET, SY_PEER_UNKNOWN_CHANNEL,
 * SY_PEER_MESSAGE_TOO_LONG (also when all half-received messages together exceed SY_LIMIT_RECV_BYTES_PER_PEER); SY_NO_MEMORY.
 * The connection must end with any of them. A message that came whole in one packet points into `bytes`.
 */
SY_MUST enum sy_err sy_mconn_feed(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t n,
                                  struct sy_mconn_in *in);
/* When the receive limiter opens: 0 = open now. */
uint64_t sy_mconn_recv_open_at(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns);
/* The same after feed was gated; SY_NEVER when it was not. */
uint64_t sy_mconn_recv_wake(const struct sy_mconn *m, const struct sy_mconn_shared *shared);
/* How many bytes the receive limiter would take now; SIZE_MAX when there is no limit. */
size_t sy_mconn_recv_allowance(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns);

/*
 * The next time at which sy_mconn_expire has something to do (ping, pong timeout, flush, limiter, Send time-outs). In
 * upstream it is the time of the call itself after a send or a feed that woke the send task: call expire at once.
 */
uint64_t sy_mconn_deadline(const struct sy_mconn *m, const struct sy_mconn_shared *shared);
/* Afterwards has_output and next_sent may have something new. SY_OK, SY_PEER_PONG_TIMEOUT, SY_NO_MEMORY (upstream: no write buffer). */
SY_MUST enum sy_err sy_mconn_expire(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns);

/* FlushStop: no new messages; drain gives all that is queued; sy_mconn_flushed tells when it is out. */
void sy_mconn_flush_stop(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns);
bool sy_mconn_flushed(const struct sy_mconn *m);

void sy_mconn_status(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns, struct sy_conn_status *status);
/* Without the bytes of connections that live: sy_mconn_channel_status has those. SY_NOT_FOUND past the last channel. */
SY_MUST enum sy_err sy_mconn_channel_totals(const struct sy_mconn_shared *shared, uint32_t n, struct sy_channel_totals *totals);
SY_MUST enum sy_err sy_mconn_channel_status(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns, uint32_t n,
                                            struct sy_channel_status *status);

#endif
