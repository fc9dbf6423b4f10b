/*
 * The slots of a node's connections: stable in memory, named by slot and generation, found by id and by IP, and linked
 * into first-in-first-out lists of what is ready. Nothing here decides anything. Source: protocol.md 2.5, 4.5.
 */
#ifndef SY_SWITCH_TABLE_H
#define SY_SWITCH_TABLE_H

#include "core/conn/conn.h"

/* Lists that a slot can be in, each at most once. */
enum sy_list_kind {
	SY_LIST_OUT = 0, /* has outputs to hand out */
	SY_LIST_WRITE,   /* has bytes for the wire */
	SY_LIST_READ,    /* its read window has opened again */
	SY_LIST_STOP,    /* is to be stopped */
	SY_LIST_DIRTY,   /* deadline and readiness are to be worked out again */
	SY_LISTS
};

enum sy_slot_flag {
	/* bits 0 to SY_LISTS - 1: is in that list */
	SY_SLOT_PEER = 1 << 8,     /* is in the peer set */
	SY_SLOT_INITED = 1 << 9,   /* reactors have seen init_peer and are owed remove_peer */
	SY_SLOT_OPEN = 1 << 10,    /* counts as a connection of the table: it passed the filters */
	SY_SLOT_BLOCKED = 1 << 11, /* the socket has no room */
	SY_SLOT_PERSISTENT = 1 << 12,
	SY_SLOT_UNCONDITIONAL = 1 << 13,
	SY_SLOT_DIALLING = 1 << 14,   /* the outcome of its dial is still owed to somebody */
	SY_SLOT_DEAD = 1 << 15,       /* over; only its last outputs keep the slot */
	SY_SLOT_SHUT = 1 << 16,       /* its read window was 0 when it was last looked at */
	SY_SLOT_ASKED = 1 << 17,      /* a filter was asked; its verdict is awaited */
	SY_SLOT_STOP_FLUSH = 1 << 18, /* the stop in SY_LIST_STOP is a flush stop */
	SY_SLOT_HAS_ID = 1 << 19,     /* is in the index of ids */
	SY_SLOT_TOLD = 1 << 20,       /* the owner knows the connection: a close is due */
	SY_SLOT_UPGRADING = 1 << 22,  /* accepted and not a peer yet: counts as a handshake in flight */
	SY_SLOT_SWAP = 1 << 23,       /* a dial beyond the outbound cap: when it succeeds, another peer makes room */
	SY_SLOT_CAPPED = 1 << 21,     /* an ordinary outbound connection that counts against the outbound cap */
};

/* What a slot has to hand out, in this order. */
enum sy_slot_out {
	SY_SLOT_OUT_DIAL = 1 << 0,
	SY_SLOT_OUT_FILTER_CONN = 1 << 1,
	SY_SLOT_OUT_SIGN = 1 << 2,
	SY_SLOT_OUT_FILTER_PEER = 1 << 3,
	SY_SLOT_OUT_PEER_UP = 1 << 4,
	SY_SLOT_OUT_PEER_DOWN = 1 << 5,
	SY_SLOT_OUT_CLOSE = 1 << 6,
};

/* In place of a reactor's index. */
#define SY_OWNER 0xff            /* whoever owns the node: its Sends, its dials, and what came from outside */
#define SY_ORIGIN_RECONNECT 0xfe /* the loop of persistent peers */

/* Moniker and version of a peer, both with a NUL, in one allocation. */
struct sy_peer_text {
	uint16_t moniker_len, version_len;
	char text[];
};

/* Small on purpose: a node has many (design.md 9). Links are 16 bits wide, and what is needed one after the other shares its place. */
struct sy_slot {
	struct sy_conn conn;
	uint32_t gen;
	uint32_t flags; /* enum sy_slot_flag */
	uint16_t index;
	uint16_t place;           /* in the peer set */
	uint8_t outs;             /* enum sy_slot_out */
	uint8_t origin;           /* who dialled: a reactor's index, SY_OWNER or SY_ORIGIN_RECONNECT */
	uint8_t traced_state;     /* the state last told */
	uint8_t close_flush;      /* written bytes are still due */
	struct sy_netaddr remote; /* outbound: as dialled; inbound: ip and port, the id once it is known */
	union {
		uint8_t challenge[32]; /* while it is to be signed */
		struct {
			uint8_t reported_ip[16]; /* once the peer is known; its id is remote.id */
			uint16_t reported_port;
			uint8_t reported_flags; /* enum sy_addr_flag; 0: no address */
			union {
				uint64_t asked_until_ns;  /* with SY_SLOT_ASKED: when the filter's time is over */
				uint64_t connected_at_ns; /* of a peer */
			};
		};
	};
	struct sy_peer_text *text;
	struct {
		uint16_t prev, next; /* index + 1; 0 ends the list */
	} link[SY_LISTS];
	uint16_t chain_id, chain_ip; /* next in the index's bucket: index + 1 */
	int16_t reason;              /* enum sy_err: why it ends */
	uint16_t sends_waiting;      /* results that the mconn still owes */
	uint16_t stalled;            /* bit i: the inbox of our i-th channel is full and this connection fills it */
};

_Static_assert(SY_LIMIT_CONNS < UINT16_MAX, "links are 16 bits wide");
_Static_assert(sizeof(struct sy_slot) <= sizeof(struct sy_conn) + 136, "the budget of design.md 9");

struct sy_table {
	struct sy_slot **entries;
	uint32_t cap, count;
	uint32_t first_free; /* no entry before it is free */
	uint32_t last_gen;
	struct {
		uint16_t head, tail; /* index + 1 */
	} list[SY_LISTS];
	uint16_t *by_id, *by_ip; /* buckets, `buckets` of each: index + 1 */
	uint32_t buckets;        /* a power of two, or 0 */
	struct sy_pool slots;
};

void sy_table_init(struct sy_table *t);
/* All slots have been freed. */
void sy_table_fini(struct sy_table *t, const struct sy_env *env);

/* A zeroed slot with index, generation and remote's ip and port in the index of IPs. Null: no memory, or SY_LIMIT_CONNS are in use. */
struct sy_slot *sy_table_take(struct sy_table *t, const struct sy_env *env, const struct sy_netaddr *remote);
/* Out of all lists and indexes; its text is freed. */
void sy_table_give(struct sy_table *t, const struct sy_env *env, struct sy_slot *s);
/* The slot that the ref means, null when it is stale. Dead slots are still found. */
static inline struct sy_slot *sy_table_find(const struct sy_table *t, struct sy_ref ref)
{
	struct sy_slot *s = ref.slot < t->cap ? t->entries[ref.slot] : NULL;
	return s && s->gen == ref.gen ? s : NULL;
}
/* The slot at an index, null when it is free. For walks in the order of slots: 0 <= i < t->cap. */
static inline struct sy_slot *sy_table_at(const struct sy_table *t, uint32_t i)
{
	return t->entries[i];
}
static inline struct sy_ref sy_slot_ref(const struct sy_slot *s)
{
	struct sy_ref ref = {s->index, s->gen};
	return ref;
}

/* Enters the id (remote.id) in the index; nothing happens when it is there. */
void sy_table_name(struct sy_table *t, struct sy_slot *s);
/* Walks of an index: the first slot with this id or IP, then the next one. Null at the end. */
struct sy_slot *sy_table_first_id(const struct sy_table *t, const struct sy_id *id);
struct sy_slot *sy_table_next_id(const struct sy_table *t, const struct sy_slot *s);
struct sy_slot *sy_table_first_ip(const struct sy_table *t, const uint8_t ip[16]);
struct sy_slot *sy_table_next_ip(const struct sy_table *t, const struct sy_slot *s);

static inline struct sy_slot *sy_list_head(const struct sy_table *t, enum sy_list_kind kind)
{
	return t->list[kind].head ? t->entries[t->list[kind].head - 1] : NULL;
}
static inline bool sy_list_has(const struct sy_slot *s, enum sy_list_kind kind)
{
	return s->flags & (1u << kind);
}
void sy_list_link(struct sy_table *t, enum sy_list_kind kind, struct sy_slot *s);
void sy_list_unlink(struct sy_table *t, enum sy_list_kind kind, struct sy_slot *s);
/* Appends; nothing happens when it is in the list. */
static inline void sy_list_push(struct sy_table *t, enum sy_list_kind kind, struct sy_slot *s)
{
	if (!sy_list_has(s, kind))
		sy_list_link(t, kind, s);
}
/* Takes out; nothing happens when it is not in the list. */
static inline void sy_list_drop(struct sy_table *t, enum sy_list_kind kind, struct sy_slot *s)
{
	if (sy_list_has(s, kind))
		sy_list_unlink(t, kind, s);
}

#endif
