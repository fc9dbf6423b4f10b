/*
 * One connection from dial or accept to close: the upgrade (secret handshake, node info, verdicts) and then the way of
 * the bytes between frames and mconn. It decides what a peer must prove, not who may be a peer (that is the switch).
 *
 *   DIALLING ──dialled──> FILTERING ──verdict──> EPHEMERAL ──key──> AUTH ──signature──> NODE_INFO ──valid──> JUDGING ──run──> RUNNING
 *   (accept) ───────────────^                                                            │  ^                              │  │
 *                                                                                        v  │ resolved                     │  └─flush─> FLUSHING
 *   any state ──error, stop──> CLOSED                                                   RESOLVING (upstream only)           └──> CLOSED <──┘
 *
 * Source: protocol.md 2.1-2.6, 3.1, 3.5, 3.10.
 */
#ifndef SY_CONN_CONN_H
#define SY_CONN_CONN_H

#include "core/mconn/mconn.h"
#include "core/secret/frames.h"
#include "core/wire/nodeinfo.h"

enum sy_conn_state {
	SY_CONN_DIALLING = 0, /* the driver was asked to connect */
	SY_CONN_FILTERING,    /* open; connection filters are being asked (passed at once when there are none) */
	SY_CONN_EPHEMERAL,    /* our key is out, theirs is awaited */
	SY_CONN_AUTH,         /* frames are sealed from here on; signatures cross (ours may wait for the signer) */
	SY_CONN_NODE_INFO,    /* node infos cross */
	SY_CONN_RESOLVING,    /* upstream: the peer's host name is looked up */
	SY_CONN_JUDGING,      /* upgraded; the switch decides */
	SY_CONN_RUNNING,      /* a peer */
	SY_CONN_FLUSHING,     /* no new messages; closes when all is written */
	SY_CONN_CLOSED,       /* nothing goes in or out any more */
	SY_CONN_STATES
};
const char *sy_conn_state_name(enum sy_conn_state state);

/* Whose block version becomes ours (block_version_auto): a strict peer takes only its own. */
enum sy_conn_learn {
	SY_CONN_LEARN_NOTHING = 0,
	SY_CONN_LEARN_ANY,     /* nobody was met yet: the first peer's, whoever dialled */
	SY_CONN_LEARN_DIALLED, /* ours is a stranger's who dialled us: whom we dial may correct it, once */
};

/* What the connections of one node share. */
struct sy_conn_shared {
	const struct sy_env *env;
	const struct sy_policy *policy;
	struct sy_mconn_shared mconn;
	struct sy_node_info *our_info;
	enum sy_conn_learn learn;
	const struct sy_id *our_id;
	uint8_t our_pubkey[32];
	uint64_t handshake_timeout_ns; /* each of the two phases */
	uint8_t *info;                 /* our node info as it goes out, delimiter included; there while a connection is upgraded */
	uint32_t info_len;
	struct sy_pool frames;   /* sealed or plain frames that are not complete or not worked off: SY_FRAME_SEALED each */
	struct sy_pool upgrades; /* struct sy_upgrade, while a connection is upgraded */
	uint8_t *opened;         /* SY_FRAME_PLAIN bytes: a frame opened by feed; a message of EV_MESSAGE may point into it */
};
SY_MUST enum sy_err sy_conn_shared_init(struct sy_conn_shared *shared, const struct sy_env *env, const struct sy_policy *policy,
                                        const struct sy_channel_set *channels, const struct sy_config *config,
                                        struct sy_node_info *our_info, const struct sy_id *our_id);
void sy_conn_shared_fini(struct sy_conn_shared *shared);
/* Gives back what is kept for reuse. */
void sy_conn_shared_trim(struct sy_conn_shared *shared);

struct sy_upgrade; /* core/conn/upgrade.h */

struct sy_conn {
	enum sy_conn_state state;
	bool outbound;
	bool eof;                   /* the peer has closed its direction */
	bool gated;                 /* the receive limiter holds `rest` back */
	bool handed;                /* the last message is in the mconn's memory: the next feed lets go of it */
	struct sy_upgrade *upgrade; /* null once running and our node info is out */
	struct sy_mconn *mconn;     /* null until running */
	struct sy_frames frames;
	uint8_t *partial; /* from the pool: an incomplete sealed frame; null when empty */
	uint8_t *rest;    /* from the pool: the frame being worked off; kept over a call when not done (limiter, verdict) */
	uint8_t *backlog; /* sealed bytes that came with a frame that is held back; never without rest_len > 0 */
	uint32_t backlog_at, backlog_len;
	uint16_t partial_len;
	uint16_t rest_at, rest_len; /* plaintext not worked off: rest_len bytes at rest + rest_at */
	uint64_t deadline_ns;       /* of the upgrade's phase */
	uint64_t entity;
	uint16_t peer_channels; /* bit i: the peer advertises our i-th channel */
	int16_t verdict;        /* enum sy_err: refused, but our node info is not out yet */
};
_Static_assert(sizeof(struct sy_conn) <= 200, "the budget of design.md 9");

/* What a step asks for or hands up. */
enum sy_conn_event_kind {
	SY_CONN_EV_NONE = 0, /* all bytes are consumed, or the connection cannot take more now */
	SY_CONN_EV_SIGN,     /* sign `challenge`; then sy_conn_signed */
	SY_CONN_EV_RESOLVE,  /* look `host` up; then sy_conn_resolved */
	SY_CONN_EV_UPGRADED, /* state is JUDGING: identity is set; sy_conn_run or sy_conn_close follows */
	SY_CONN_EV_MESSAGE,  /* channel, message: valid until the next feed of any connection of this node */
};
struct sy_conn_identity {
	struct sy_id id;
	uint8_t pubkey[32];
	struct sy_netaddr reported; /* flags == 0: not an IP literal (or not resolved) */
	struct sy_node_info info;   /* spans valid until sy_conn_run */
};
struct sy_conn_event {
	enum sy_conn_event_kind kind;
	uint8_t challenge[32];
	const char *host;
	const struct sy_conn_identity *identity;
	uint8_t channel;
	struct sy_span message;
};

/* fill.c, for sy_conn_has_output: everything but a running connection that has sent its node info. */
bool sy_conn_has_output_upgrading(const struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns);

/* True when a running connection holds nothing back: a feed without bytes would do nothing. */
static inline bool sy_conn_holds_nothing(const struct sy_conn *c)
{
	return c->state == SY_CONN_RUNNING && !((uintptr_t)c->rest | (uintptr_t)c->partial | (uintptr_t)c->backlog | c->handed);
}

/* Touches nothing but *c. The id that must answer is given to sy_conn_start. */
void sy_conn_init(struct sy_conn *c, bool outbound, uint64_t entity);
/* Gives everything back; idempotent; wipes keys. */
void sy_conn_fini(struct sy_conn *c, struct sy_conn_shared *shared);

/* The socket is open (DIALLING -> FILTERING for outbound; inbound starts there). */
void sy_conn_opened(struct sy_conn *c);
/*
 * Filters have passed: the handshake starts, its deadline with it. dialled_id: the id that must answer, null for inbound.
 * SY_NO_MEMORY (the state is as before).
 */
SY_MUST enum sy_err sy_conn_start(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, const struct sy_id *dialled_id);
/*
 * Takes bytes off the socket. Call with the rest (bytes + consumed) until kind is NONE; after EV_MESSAGE also call
 * once more with the rest, even if that is empty. With NONE all bytes are consumed: what cannot be worked off now
 * (limiter, verdict) is kept, and rest_len is not 0; call with no bytes once expire has passed its time. SY_PEER_*,
 * SY_NO_MEMORY, SY_NONCE_EXHAUSTED, SY_LIMIT (bytes far beyond the read window) end the connection: the caller closes.
 * A verdict against a peer is held back until our node info is out (protocol.md 2.1): fill or expire then tell.
 */
SY_MUST enum sy_err sy_conn_feed(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, const uint8_t *bytes, size_t n,
                                 size_t *consumed, struct sy_conn_event *event);
/* How many socket bytes may come now; 0 while rest holds plaintext, or in a state that reads nothing. */
size_t sy_conn_read_window(const struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns);
/* Ours is ready. Harmless in any state but AUTH. */
void sy_conn_signed(struct sy_conn *c, struct sy_conn_shared *shared, const uint8_t sig[64], uint64_t now_ns);
/* *ip null: the name did not resolve. Returns an error that ends the connection, else the event of the next step is due: call feed with 0 bytes. */
SY_MUST enum sy_err sy_conn_resolved(struct sy_conn *c, struct sy_conn_shared *shared, const uint8_t *ip, uint64_t now_ns);
/*
 * JUDGING: the owner does not want this peer. Returns err when the connection can be closed now; SY_OK: our node info is
 * not out yet, and fill or expire tell err as they tell other verdicts (protocol.md 2.1).
 */
SY_MUST enum sy_err sy_conn_turn_away(struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns, enum sy_err err);
/* JUDGING -> RUNNING: the mconn starts; the upgrade's memory goes back. SY_NO_MEMORY. Plaintext kept over is fed by the next feed. */
SY_MUST enum sy_err sy_conn_run(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns);
void sy_conn_flush(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns); /* RUNNING -> FLUSHING */
void sy_conn_close(struct sy_conn *c, struct sy_conn_shared *shared);                  /* any -> CLOSED; keys are wiped */
/*
 * What a connection that is not upgraded has learnt of the other end: its node info was valid, but it is refused (*verdict:
 * why, also while that is held back). Null: it did not come to that, or it is accepted. Valid until sy_conn_close.
 */
const struct sy_conn_identity *sy_conn_refused(const struct sy_conn *c, enum sy_err reason, enum sy_err *verdict);

/* True when fill would give bytes or a verdict now. */
static inline bool sy_conn_has_output(const struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns)
{
	if (c->upgrade || !c->mconn || c->state == SY_CONN_CLOSED)
		return sy_conn_has_output_upgrading(c, shared, now_ns);
	return sy_mconn_has_output(c->mconn, &shared->mconn, now_ns);
}
/*
 * Whole frames into buf, cap >= SY_FRAME_SEALED. *err is SY_OK, or ends the connection after the bytes returned:
 * SY_NONCE_EXHAUSTED, or the verdict against the peer (SY_PEER_*).
 */
size_t sy_conn_fill(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, uint8_t *buf, size_t cap, enum sy_err *err);
/* FLUSHING and everything handed out by fill. */
bool sy_conn_flushed(const struct sy_conn *c);
uint64_t sy_conn_deadline(const struct sy_conn *c, const struct sy_conn_shared *shared);
/* SY_OK; SY_PEER_HANDSHAKE_TIMEOUT, a verdict, SY_PEER_PONG_TIMEOUT, SY_NO_MEMORY; SY_TIMEOUT: a flush that takes too long. */
SY_MUST enum sy_err sy_conn_expire(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns);

#endif
