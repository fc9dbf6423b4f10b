/*
 * What a connection needs only while it is upgraded: the handshake, messages being put together, what the peer has
 * proved, and how much of ours is out. Source: protocol.md 2.1, 2.4, 2.6.
 */
#ifndef SY_CONN_UPGRADE_H
#define SY_CONN_UPGRADE_H

#include "core/conn/conn.h"
#include "core/secret/handshake.h"

#define SY_UPGRADE_SMALL 320u                           /* an honest message fits: 34, 102, about 140 bytes */
#define SY_UPGRADE_MESSAGE_MAX (SY_NODE_INFO_MAX + 10u) /* the largest payload and the longest delimiter */

/* Our messages go out in this order. */
enum sy_upgrade_out {
	SY_UPGRADE_OUT_EPHEMERAL = 0, /* at once */
	SY_UPGRADE_OUT_AUTH,          /* once keys and signature are there */
	SY_UPGRADE_OUT_INFO,          /* once the peer is authenticated; the dialler that learns a block version hears the other's first */
	SY_UPGRADE_OUT_DONE,
};

struct sy_upgrade {
	struct sy_handshake handshake;
	struct sy_conn_identity identity;
	struct sy_id dialled;
	bool has_dialled;
	bool signature_ready, verified;
	bool heard;    /* the node info has come, good or not */
	bool valid;    /* the node info is: identity is filled in */
	bool accepted; /* and it fits: only the event is due */
	enum sy_upgrade_out out;
	uint32_t info_at; /* bytes of our node info that are out */
	uint8_t signature[64];
	char host[SY_HOST_TEXT];
	uint32_t len, cap; /* of the message being put together, delimiter included */
	uint8_t *message;  /* `small`, or memory of its own */
	uint8_t small[SY_UPGRADE_SMALL];
};

/* SY_NO_MEMORY. Draws the ephemeral key of entity. */
SY_MUST enum sy_err sy_upgrade_new(struct sy_upgrade **out, struct sy_conn_shared *shared, uint64_t entity, const struct sy_id *dialled);
void sy_upgrade_free(struct sy_upgrade *u, struct sy_conn_shared *shared); /* wipes; null is harmless */
void sy_upgrade_wipe(struct sy_upgrade *u);                                /* secrets only; the identity stays */

/*
 * Collects one delimited message, not a byte more. Returns SY_OK with *payload once complete (valid until the next
 * call), SY_AGAIN when all bytes are used and more are needed, SY_PARSE (longer than max, or no delimiter), SY_NO_MEMORY.
 */
SY_MUST enum sy_err sy_upgrade_collect(struct sy_upgrade *u, struct sy_conn_shared *shared, uint32_t max, const uint8_t *bytes, size_t n,
                                       size_t *used, struct sy_span *payload);
/* The peer's AuthSigMessage. SY_PEER_BAD_AUTH, SY_PEER_KEY_TYPE, SY_PEER_BAD_SIGNATURE, SY_PEER_WRONG_ID. */
SY_MUST enum sy_err sy_upgrade_auth(struct sy_upgrade *u, const struct sy_conn_shared *shared, struct sy_span payload);
/* The peer's node info: decodes and validates. SY_OK, SY_ADDR_NEEDS_DNS (upstream only: u->host), SY_PEER_BAD_NODE_INFO. */
SY_MUST enum sy_err sy_upgrade_info(struct sy_upgrade *u, const struct sy_conn_shared *shared, struct sy_span payload);
/*
 * Steps 8 to 10 of protocol.md 2.1: SY_PEER_NODE_INFO_ID, SY_PEER_SELF, SY_PEER_BLOCK_VERSION, SY_PEER_NETWORK,
 * SY_PEER_NO_COMMON_CHANNEL. Where a block version is learnt, theirs becomes ours if all else fits; SY_NO_MEMORY.
 */
SY_MUST enum sy_err sy_upgrade_judge(struct sy_upgrade *u, struct sy_conn_shared *shared);
/* Which of our channels the peer has. */
uint16_t sy_upgrade_channels(const struct sy_upgrade *u, const struct sy_conn_shared *shared);

/* True when fill has something of ours to write. */
bool sy_upgrade_has_output(const struct sy_upgrade *u, const struct sy_conn *c, const struct sy_conn_shared *shared);
/* Writes what is due of our messages, each from a frame of its own. Returns the bytes; *err: SY_NONCE_EXHAUSTED. */
size_t sy_upgrade_fill(struct sy_upgrade *u, struct sy_conn *c, struct sy_conn_shared *shared, uint8_t *buf, size_t cap, enum sy_err *err);

/* feed.c, for conn.c: gives back what is kept of the peer's bytes. */
void sy_conn_drop_input(struct sy_conn *c, struct sy_conn_shared *shared);
/* conn.c: the one place where the state changes. */
void sy_conn_set_state(struct sy_conn *c, enum sy_conn_state state);
/* conn.c: both sides are authenticated: node infos cross, with a time of their own. */
void sy_conn_begin_info(struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns);

#endif
