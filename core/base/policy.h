/*
 * The policy profiles as one table of switches. upstream = CometBFT v0.40.0, upstream-v0.38 = v0.38.26, quirks included;
 * default = ours. Each switch that differs has its number in docs/DEVIATIONS.md. Rooms read switches; none asks for a profile.
 */
#ifndef SY_BASE_POLICY_H
#define SY_BASE_POLICY_H

#include "core/switchyard.h"

struct sy_policy {
	const char *name;

	/* mconn */
	bool seal_late;    /* D-01: packets are chosen when the transport has room; else a 64 KiB write buffer, batches, flush timer */
	bool fair_start;   /* D-02: a channel that wakes has no credit for its silence; else least recently_sent/priority, decay 0.8 per 2 s */
	bool smooth_rates; /* D-03: token bucket; else upstream's gate per 100 ms sample */
	bool pong_needs_ping;  /* D-04: only a pong that answers a ping counts; else any pong stops the pong timer */
	bool receive_slack;    /* D-05: the receive limiter leaves 5 % over the configured rate, so that equal limits at both ends drain */
	uint32_t unsent_lowat; /* D-06: TCP_NOTSENT_LOWAT, bytes; 0 = the kernel's default */
	bool checks_sends; /* D-07: what would be lost or cost the connection is refused (empty, too large) or cut otherwise (last packet) */
	uint32_t batch_packets;     /* 10 */
	uint32_t write_buffer;      /* 65536 */
	uint64_t flush_throttle_ns; /* default of the key: 10 ms, v0.38: 100 ms */

	/* connection establishment */
	bool strict_keys;        /* D-08: ephemeral key of exactly 32 bytes, no small-order node keys */
	bool honour_timeouts;    /* D-09: handshake_timeout and dial_timeout are wired; else 3 s + 3 s, 1 s */
	bool resolve_node_info;  /* upstream looks up a host name in a peer's listen_addr; ours never does (D-10) */
	bool ids_case_sensitive; /* D-11: an upper-case id never matches; ours lowers it */

	/* switch */
	bool
	    tie_break; /* D-12: of simultaneous dials both sides keep the one made by the larger id; else each keeps its first (protocol.md 4.9) */
	bool ban_applies_inbound;    /* D-13 */
	bool outbound_cap_in_switch; /* D-14: never above max_num_outbound_peers, persistent peers aside */
	bool reconnect_forever;      /* D-15: persistent peers are redialled for ever, capped; else 20 x 5 s, then 3^i s, then given up */
	bool reconnect_transient;    /* v0.40: reconnect after transient errors */
	bool reconnect_past_ip_twin; /* D-16: another peer on the same IP does not end the reconnect loop (field finding g) */
	bool reconnect_patiently;    /* D-35: after two connections of less than 10 s the first redial waits 5 s, too */
	bool resolve_on_redial;      /* D-17: names are resolved again at each redial, and all their addresses tried */
	bool refuse_inbound_early;   /* D-18: limits before the handshake, a slot kept for unconditional and persistent peers */
	/* No switch for v0.38.26's closing the socket before peer.Stop (protocol.md 4.3 rule 6): here both are one step, and nothing comes between. */

	/* pex */
	bool keep_learning;           /* D-19: asks for addresses when the outbound slots are full too, until the book stops growing */
	uint32_t requests_per_period; /* D-19: peers asked each period (upstream: 1) */
	uint64_t min_request_gap_ns;  /* D-19: never one peer twice within 12 s */
	bool request_only_on_tick;    /* v0.38.26: requests only when the period elapsed (protocol.md 5.6) */
	bool forgive_poked_requests;  /* D-20: a third request within 10 s is answered when they are over, not punished by a ban */
	bool ban_wrong_id;            /* D-21: wrong-id addresses leave the book at once (finding a) */
	bool skip_too_early_picks;    /* D-22: back-off is looked at while picking (finding h) */
	bool spread_outbound;         /* D-38: of equals, addresses of networks without an outbound peer are dialled first */
	bool prune_attempts;          /* D-23: dial records are bounded and pruned (finding i) */
	bool use_observed_ip;         /* D-24: an inbound peer that advertises 0.0.0.0 is stored under its observed IP */
	bool tick_jitter;             /* D-25: the 30 s tick is jittered */
	bool redials_lost;            /* D-32: with full slots too, peers lost to a fault are tried again and take another's place */
	bool seed_serves_verified;    /* D-26: a seed looks at its addresses itself and serves what answers */
	bool seed_makes_room;         /* D-33: who holds a seed's slot for nothing goes when they get scarce, and after minutes anyway */

	/* book */
	bool demote_works;     /* D-27: an old entry that must make room becomes a new one (finding d) */
	bool reinstate_works;  /* D-28: a banned old address comes back when its ban ends */
	bool learn_new_ip;     /* D-29: a known new id may change its address when the old one fails (finding c) */
	bool bans_per_address; /* D-30: dial failures ban id and address, not every address of the id (finding c) */
	bool bans_persist;     /* D-31 */
	bool own_by_ip;        /* D-37: our IP and port are ours under any id, our id at any address */
};

/* The table of a profile; static, never null. */
const struct sy_policy *sy_policy_of(enum sy_profile profile);

#endif
