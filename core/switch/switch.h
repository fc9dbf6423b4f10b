/*
 * The switch: who may be a peer, dialling, reconnecting, the peer set, the reactors. It takes the events that the door
 * hands it, drives connections, and calls reactors, whose callbacks can only queue. What must leave the node is state
 * on slots and records, found through lists; the door (core/node) hands it out.
 *
 *   event ──> admit, dial, route, ... ──> connection ──> reactors (callbacks through struct sy_ctx)
 *                                                             │
 *   sy_switch_finish: stops, results of sends, readiness <────┘  until nothing is left
 *
 * Source: protocol.md 2.1, 2.5, 4.
 */
#ifndef SY_SWITCH_SWITCH_H
#define SY_SWITCH_SWITCH_H

#include "core/base/rng.h"
#include "core/base/timers.h"
#include "core/book/book.h"
#include "core/switch/table.h"
#include "core/switch/trace.h"

#define SY_SECOND 1000000000ull
#define SY_MILLISECOND 1000000ull
#define SY_PARKED (SY_NEVER - 1) /* a live slot without deadline stays in the heap, so that setting one needs no memory */

/*
 * NEW ──start──> STARTING ──all reactors decided──> RUNNING ──stop──> STOPPED
 *                   └──a reactor refused──> FAILED ──stop──> STOPPED
 */
enum sy_switch_state {
	SY_SWITCH_NEW = 0,
	SY_SWITCH_STARTING, /* reactors are being started; peers may be dialled, none is accepted */
	SY_SWITCH_RUNNING,
	SY_SWITCH_FAILED,  /* a reactor refused to start */
	SY_SWITCH_STOPPED, /* never starts again */
	SY_SWITCH_STATES
};

/* A look-up of a name under way or to be asked for. */
enum sy_lookup_for { SY_LOOKUP_FREE = 0, SY_LOOKUP_PERSISTENT, SY_LOOKUP_REACTOR, SY_LOOKUP_CONN };
struct sy_lookup {
	enum sy_lookup_for who;
	uint32_t gen;        /* makes tokens of old look-ups stale */
	uint32_t next;       /* to be asked for, or free: index + 1 */
	uint32_t persistent; /* index */
	uint8_t reactor;
	uint8_t host_len;
	bool asked;     /* handed out; only then may it be answered */
	uint64_t token; /* the reactor's */
	struct sy_ref conn;
	char *host; /* owned; host_len + 1 bytes */
};

/* The result of a Send that somebody waits for. */
struct sy_send_wait {
	uint64_t token; /* the caller's */
	uint32_t next;  /* index + 1 */
	int16_t err;
	uint8_t owner; /* a reactor's index or SY_OWNER */
	uint8_t used;
};

struct sy_reactor_timer {
	uint64_t token;
	uint8_t reactor;
	uint8_t used;
};

/* A message of a channel with an inbox, from arrival to the end of its work. */
struct sy_inbox_item {
	struct sy_ref conn;
	uint8_t *bytes; /* owned */
	uint32_t len;
	uint32_t gen;
	uint32_t next;   /* to be handed out, or free: index + 1 */
	uint8_t channel; /* index of the channel */
	uint8_t used;
};

/* The loop that dials a persistent peer, or another one that went with a transient error. Source: protocol.md 4.8, 4.9. */
enum sy_redial_state { SY_REDIAL_IDLE = 0, SY_REDIAL_WAITING, SY_REDIAL_RESOLVING, SY_REDIAL_DIALLING };
struct sy_redial {
	struct sy_netaddr addr;
	char *host; /* owned: the name configured; null: addr was given */
	enum sy_redial_state state;
	uint32_t attempts; /* dials of the loop that failed */
	uint32_t draws;    /* counter of its random stream */
	uint32_t turn;     /* dials that failed so far: which of a name's addresses is next (D-17) */
	bool persistent;   /* in the list; else the entry is free when idle */
	bool resolved;     /* addr.ip is known */
	bool initial;      /* the dial at start, before the loop proper */
	bool was_short;    /* its last connection was of no use (D-35) */
	bool gone;         /* upstream: the name did not resolve, so the peer is not in the list */
};

/* How often an address connects: when its bucket is full again. Source: D-34. */
struct sy_ip_rate {
	uint8_t ip[16]; /* IPv6: the /64 */
	uint64_t full_at_ns;
};

struct sy_switch {
	const struct sy_env *env;
	const struct sy_policy *policy;
	struct sy_config config; /* numbers only: its pointers are null */
	uint64_t entity;         /* of the node */
	uint64_t now_ns;
	uint64_t wall_ns, wall_at_ns; /* the wall clock at a time */
	enum sy_switch_state state;
	struct sy_id id;
	struct sy_netaddr own_addr; /* flags == 0: our listen address is a name */
	struct sy_book *book;
	struct sy_lists lists; /* whom the configuration refuses or allows */
	struct sy_tracer tracer;

	struct sy_node_info info; /* of ours; spans into texts */
	uint8_t info_channels[SY_LIMIT_CHANNELS];
	char *texts;
	uint32_t texts_len;

	struct sy_channel_set channels;
	uint32_t inbox_used[SY_LIMIT_CHANNELS]; /* bytes */
	struct sy_conn_shared conns;

	const struct sy_reactor *reactors[SY_LIMIT_REACTORS];
	struct sy_rng reactor_rng[SY_LIMIT_REACTORS];
	uint32_t num_reactors;
	uint32_t started;   /* reactors whose start has returned SY_OK or SY_AGAIN */
	uint32_t undecided; /* bit i: reactor i answered SY_AGAIN */

	struct sy_table table;
	struct sy_slot *touched;  /* the first slot to be settled; the others are in SY_LIST_DIRTY */
	uint64_t last_message_ns; /* when a message was sent or came last: buffers are kept for reuse for a while after it */
	uint16_t *peers;          /* dense: indexes of slots */
	uint32_t peers_cap, num_peers;
	uint32_t outbound, inbound; /* peers without unconditional ones */
	uint32_t capped_peers;      /* outbound peers that count against the cap of D-14 */
	uint32_t dialling, capped_dials;
	uint32_t accepted;  /* inbound connections that are not closed yet */
	uint32_t upgrading; /* of them: not peers yet */

	struct sy_id *unconditional;
	uint32_t num_unconditional;
	struct sy_redial *redials;
	uint32_t redials_cap, num_redials;
	uint32_t num_persistent; /* the first entries of redials */

	struct sy_ip_rate *rates;   /* SY_LIMIT_RATE_IPS, from the first connection on that is counted */
	uint64_t accept_full_at_ns; /* the same of all addresses together */

	struct sy_timers slot_timers;
	struct sy_timers redial_timers;
	struct sy_timers reactor_timers;
	struct sy_reactor_timer *timers;
	uint32_t timers_cap, num_timers;

	struct sy_lookup *lookups;
	uint32_t lookups_cap, num_lookups, lookup_free, lookup_head, lookup_tail;
	struct sy_send_wait *waits;
	uint32_t waits_cap, num_waits, wait_free;
	uint32_t owner_sends, reactor_sends; /* in waits; SY_LIMIT_SENDS each */
	uint32_t owner_head, owner_tail;     /* results for the owner */
	uint32_t reactor_head, reactor_tail; /* results for reactors */
	struct sy_inbox_item *inbox;
	uint32_t inbox_cap, num_inbox, inbox_free, inbox_head, inbox_tail;

	uint32_t accept_told; /* the accept window as last handed out */
	bool news;            /* something of the node's own, not of a slot, may be there to hand out */
	bool accept_changed;
	bool save_book;
	bool tell_started, tell_stopped;
	bool sealed; /* conns is there */
	int16_t started_err;
};

/* What a callback sees: the switch, and whose callback it is. */
struct sy_ctx {
	struct sy_switch *sw;
	uint8_t reactor;
};

/* switch.c: the object, its clock, and the end of every input */
SY_MUST enum sy_err sy_switch_init(struct sy_switch *sw, const struct sy_env *env, const struct sy_config *config,
                                   const struct sy_reactor *reactors, size_t num_reactors, const char **what);
/* PEX is added last and needs the switch's book. */
SY_MUST enum sy_err sy_switch_register(struct sy_switch *sw, const struct sy_reactor *reactor);
/* After the last reactor: the node info and all that depends on the channels. */
SY_MUST enum sy_err sy_switch_seal(struct sy_switch *sw, const struct sy_config *config, const char **what);
void sy_switch_fini(struct sy_switch *sw);
static inline bool sy_switch_running(const struct sy_switch *sw)
{
	return sw->state == SY_SWITCH_STARTING || sw->state == SY_SWITCH_RUNNING;
}
uint64_t sy_switch_wall_s(const struct sy_switch *sw);
void sy_switch_trace(struct sy_switch *sw, const struct sy_trace *record); /* now_ns is filled in */
void sy_switch_trace_conn(struct sy_switch *sw, enum sy_trace_kind kind, const struct sy_slot *s, uint64_t a, uint64_t b, enum sy_err err);

/* texts.c: what of the configuration outlives it */
SY_MUST enum sy_err sy_switch_copy_texts(struct sy_switch *sw, const struct sy_config *config);
void sy_switch_free_texts(struct sy_switch *sw);
/* names.c: lists of ids and addresses */
SY_MUST enum sy_err sy_switch_parse_lists(struct sy_switch *sw, const struct sy_config *config, const char **what);
void sy_switch_free_lists(struct sy_switch *sw);
bool sy_switch_is_unconditional(const struct sy_switch *sw, const struct sy_id *id);
/* The entry of the persistent list that the address is, null when none. Source: protocol.md 4.2. */
struct sy_redial *sy_switch_persistent(const struct sy_switch *sw, const struct sy_netaddr *addr);
/*
 * The entry of a peer, by the address that was dialled or that it reports; with reconnect_forever (D-15) by its id alone:
 * it may have been found elsewhere, or hide its address, and is to be got back all the same.
 */
struct sy_redial *sy_switch_persistent_peer(const struct sy_switch *sw, const struct sy_id *id, const struct sy_netaddr *addr);

/* ready.c: deadlines, ready lists, the end of an input */
/* Settles it at the end of the input. Most inputs touch one slot only: that one needs no list. */
static inline void sy_switch_touch(struct sy_switch *sw, struct sy_slot *s)
{
	if (s->flags & SY_SLOT_DEAD || sw->touched == s)
		return;
	if (!sw->touched)
		sw->touched = s;
	else
		sy_list_push(&sw->table, SY_LIST_DIRTY, s);
}
void sy_switch_settle(struct sy_switch *sw, struct sy_slot *s);
void sy_switch_settle_deadline(struct sy_switch *sw, struct sy_slot *s); /* blocked: nothing but time moves it on */
/* After a fill: reading is as it was, unless the connection is still being upgraded. */
void sy_switch_settle_filled(struct sy_switch *sw, struct sy_slot *s);
void sy_switch_trace_state(struct sy_switch *sw, struct sy_slot *s, enum sy_err err);
static inline void sy_switch_note_state(struct sy_switch *sw, struct sy_slot *s, enum sy_err err)
{
	if (s->traced_state != (uint8_t)s->conn.state)
		sy_switch_trace_state(sw, s, err);
}
/* Stops, results of reactors' sends, touched slots, until nothing is left; at the end of every input. */
void sy_switch_finish(struct sy_switch *sw);
/* Everything that is due now. */
void sy_switch_tick(struct sy_switch *sw);
uint64_t sy_switch_deadline(const struct sy_switch *sw);
size_t sy_switch_read_window(const struct sy_switch *sw, const struct sy_slot *s);

/* peers.c */
/* id@listen_addr of its node info; flags == 0: none. */
struct sy_netaddr sy_switch_reported(const struct sy_slot *s);
void sy_switch_view(const struct sy_switch *sw, const struct sy_slot *s, struct sy_peer *peer);
struct sy_counts sy_switch_counts(const struct sy_switch *sw);
struct sy_slot *sy_switch_peer(const struct sy_switch *sw, struct sy_ref ref); /* a peer, or null */
struct sy_slot *sy_switch_peer_by_id(const struct sy_switch *sw, const struct sy_id *id);
struct sy_slot *sy_switch_dialling_id(const struct sy_switch *sw, const struct sy_id *id);
bool sy_switch_peer_has_ip(const struct sy_switch *sw, const uint8_t ip[16]);
/* Takes the slot into the set and counts it. SY_NO_MEMORY. */
SY_MUST enum sy_err sy_switch_peers_add(struct sy_switch *sw, struct sy_slot *s);
void sy_switch_peers_remove(struct sy_switch *sw, struct sy_slot *s);
/* True when dialling it would be refused as dialling or connected. Source: protocol.md 4.8. */
bool sy_switch_is_busy(const struct sy_switch *sw, const struct sy_netaddr *addr);

/* admit.c: from accept or dial to the peer set */
SY_MUST enum sy_err sy_switch_accept(struct sy_switch *sw, const struct sy_netaddr *remote, struct sy_ref *ref);
/* The socket is open: filters, then the handshake. */
void sy_switch_opened(struct sy_switch *sw, struct sy_slot *s);
/* With all handshakes in flight that there may be: one whose place can be given away now (D-18); else null. */
struct sy_slot *sy_switch_yielding(const struct sy_switch *sw);
/* When this one can be, if that is later than now and all are in flight; else SY_NEVER. */
uint64_t sy_switch_yield_ns(const struct sy_switch *sw, const struct sy_slot *s);
/* Ends the one that yields, if there is one. */
void sy_switch_make_room(struct sy_switch *sw);
/* With all in flight: whose turn it is will be looked at when it comes. */
void sy_switch_watch_room(struct sy_switch *sw);
/* A filter's verdict. SY_INVALID when none is awaited. */
SY_MUST enum sy_err sy_switch_verdict(struct sy_switch *sw, struct sy_slot *s, enum sy_err verdict);
/* The connection is upgraded: limits, duplicates, filters; then it is a peer or closed. */
void sy_switch_judge(struct sy_switch *sw, struct sy_slot *s, const struct sy_conn_identity *identity);
/* An accepted connection is no handshake in flight any more: a peer, or over. */
void sy_switch_upgrade_over(struct sy_switch *sw, struct sy_slot *s);
uint32_t sy_switch_accept_window(const struct sy_switch *sw);

/* limits.c: D-34 */
/* A connection has come: SY_OK, SY_IP_FULL, SY_NET_FULL, SY_RATE_LIMITED. Counts it where it passes. */
SY_MUST enum sy_err sy_switch_limit_accept(struct sy_switch *sw, const struct sy_netaddr *remote, bool expects_somebody);
/* Are there places for it, self not counted? SY_OK, SY_IP_FULL, SY_NET_FULL. */
SY_MUST enum sy_err sy_switch_limit_places(const struct sy_switch *sw, const struct sy_netaddr *remote, const struct sy_slot *self);
void sy_switch_free_rates(struct sy_switch *sw);
/* listed.c: D-36 */
/* A connection from there: SY_BLOCKED when it can be told without its id. */
SY_MUST enum sy_err sy_switch_listed_ip(const struct sy_switch *sw, const uint8_t ip[16]);
SY_MUST enum sy_err sy_switch_listed(const struct sy_switch *sw, const struct sy_id *id, const uint8_t ip[16]);
SY_MUST enum sy_err sy_switch_take_lists(struct sy_switch *sw, struct sy_span rules, uint32_t *gone);

/* dial.c */
/* SY_NOT_RUNNING, SY_ADDR_NO_ID, SY_DIALLING_OR_CONNECTED, SY_LIMIT, SY_BLOCKED, SY_NO_MEMORY: nothing was begun. *out may be null. */
SY_MUST enum sy_err sy_switch_dial(struct sy_switch *sw, const struct sy_netaddr *addr, uint8_t origin, struct sy_slot **out);
/* A reactor's dial beyond the cap, one at a time (D-32). As sy_switch_dial; SY_LIMIT when no peer could make room. */
SY_MUST enum sy_err sy_switch_swap(struct sy_switch *sw, const struct sy_netaddr *addr, uint8_t origin);
/* Tells whoever waits for the dial of this slot. */
void sy_switch_dial_over(struct sy_switch *sw, struct sy_slot *s, enum sy_err err);

/* reconnect.c */
void sy_switch_dial_persistent(struct sy_switch *sw); /* at start */
/* A peer was lost: begins the loop if the rules say so. */
void sy_switch_reconnect(struct sy_switch *sw, const struct sy_slot *s, enum sy_err reason);
/* The outcome of a dial of this slot's address, whoever dialled. */
void sy_switch_redial_outcome(struct sy_switch *sw, const struct sy_slot *s, enum sy_err err);
void sy_switch_redial_due(struct sy_switch *sw, uint32_t index);
void sy_switch_redial_resolved(struct sy_switch *sw, uint32_t index, struct sy_span ips);
void sy_switch_redials_stop(struct sy_switch *sw);

/* lookup.c */
SY_MUST enum sy_err sy_switch_lookup(struct sy_switch *sw, const struct sy_lookup *what, const char *host);
void sy_switch_resolved(struct sy_switch *sw, uint64_t token, struct sy_span ips, enum sy_err err);
/* The next look-up to be asked for. False: none. */
bool sy_switch_next_lookup(struct sy_switch *sw, uint64_t *token, char host[SY_HOST_TEXT]);
void sy_switch_free_lookups(struct sy_switch *sw);

/* reactors.c: calling them, in the order of registration */
void sy_switch_start(struct sy_switch *sw, uint64_t wall_ns);
void sy_switch_reactor_decided(struct sy_switch *sw, uint8_t reactor, enum sy_err err);
void sy_switch_call_stop(struct sy_switch *sw);
void sy_switch_call_init_peer(struct sy_switch *sw, struct sy_slot *s);
void sy_switch_call_add_peer(struct sy_switch *sw, struct sy_slot *s);
void sy_switch_call_remove_peer(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason);
/* Of the slot's other end, once; err: why it is refused. */
void sy_switch_call_node_info(struct sy_switch *sw, const struct sy_slot *s, const struct sy_conn_identity *identity, enum sy_err err);
void sy_switch_call_timer(struct sy_switch *sw, uint32_t timer);
SY_MUST enum sy_err sy_switch_set_timer(struct sy_switch *sw, uint8_t reactor, uint64_t token, uint64_t at_ns);

/* route.c: bytes to messages to reactors */
void sy_switch_bytes(struct sy_switch *sw, struct sy_slot *s, struct sy_span bytes);
void sy_switch_eof(struct sy_switch *sw, struct sy_slot *s);
/* Decodes and hands over. An error is the peer's end. */
SY_MUST enum sy_err sy_switch_receive(struct sy_switch *sw, struct sy_slot *s, uint32_t channel, struct sy_span bytes);
/* inbox.c */
SY_MUST enum sy_err sy_switch_inbox_put(struct sy_switch *sw, struct sy_slot *s, uint32_t channel, struct sy_span bytes);
struct sy_delivery {
	uint64_t token;
	struct sy_ref conn;
	uint8_t reactor, channel;
	struct sy_span bytes;
};
bool sy_switch_next_delivery(struct sy_switch *sw, struct sy_delivery *d);
SY_MUST enum sy_err sy_switch_work_done(struct sy_switch *sw, uint64_t token, enum sy_err err);
void sy_switch_inbox_forget(struct sy_switch *sw, const struct sy_slot *s); /* what was not handed out is dropped */
void sy_switch_free_inbox(struct sy_switch *sw);

/* send.c, broadcast.c */
SY_MUST enum sy_err sy_switch_try_send(struct sy_switch *sw, struct sy_ref peer, uint8_t channel, struct sy_span bytes);
SY_MUST enum sy_err sy_switch_send(struct sy_switch *sw, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns,
                                   uint8_t owner, uint64_t token);
/* SY_OK, SY_NO_PEER, SY_NO_CHANNEL: may this be sent to it at all? */
SY_MUST enum sy_err sy_switch_may_send(const struct sy_switch *sw, const struct sy_slot *s, uint8_t channel);
bool sy_switch_can_send(const struct sy_switch *sw, struct sy_ref peer, uint8_t channel);
/* How many peers took it; 0 also when there is no memory for the copy: nobody has it then. */
uint32_t sy_switch_broadcast(struct sy_switch *sw, uint8_t channel, struct sy_span bytes);
void sy_switch_collect_sends(struct sy_switch *sw, struct sy_slot *s); /* results out of the mconn */
bool sy_switch_next_send_done(struct sy_switch *sw, uint64_t *token, enum sy_err *err);
/* Calls send_done once; false when nothing is due. */
bool sy_switch_call_send_done(struct sy_switch *sw);

/* stop.c */
/* Asks for a stop after the callback: the first reason stays, a flush stop gives way to a stop. */
void sy_switch_ask_stop(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason, bool flush);
void sy_switch_work_stops(struct sy_switch *sw);
static inline void sy_switch_run_stops(struct sy_switch *sw)
{
	if (sw->table.list[SY_LIST_STOP].head)
		sy_switch_work_stops(sw);
}
/* Ends a connection now, whatever it is. Not from inside a callback. */
void sy_switch_close(struct sy_switch *sw, struct sy_slot *s, enum sy_err reason);
void sy_switch_stop(struct sy_switch *sw);
/* The slot's last output is out. */
void sy_switch_release(struct sy_switch *sw, struct sy_slot *s);

#endif
