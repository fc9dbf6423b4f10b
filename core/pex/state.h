/*
 * The inside of PEX, shared by its own files only. One file a concern:
 *   pex.c       the reactor's table, life, timers      messages.c  what arrives, the flood rule
 *   peers.c     what is kept of a peer                 requests.c  whom to ask, and how often (D-19)
 *   records.c   a table of keyed times                 dialling.c  attempts and back-off
 *   ensure.c    the tick of an ordinary node           crawl.c     the tick of a seed
 *   seeds.c     configured seeds                       ring.c      trace records
 *   lost.c      peers lost to a fault (D-32)            verify.c    a seed that answers for what it hands out (D-26)
 *   slots.c     a seed's inbound slots (D-33)           spread.c    outbound peers of many networks (D-38)
 */
#ifndef SY_PEX_STATE_H
#define SY_PEX_STATE_H

#include "core/base/limits.h"
#include "core/pex/pex.h"

#define PEX_SECOND 1000000000ull
#define PEX_BAN_S (24u * 3600u)
#define PEX_MAX_ATTEMPTS 16u
#define PEX_SAVE_NS (120 * PEX_SECOND)

enum pex_timer { PEX_TIMER_TICK = 1, PEX_TIMER_SAVE, PEX_TIMER_ANSWER, PEX_TIMER_POKE, PEX_TIMER_VERIFY };

enum pex_peer_flag {
	PEX_ASKED = 1,   /* we have asked and wait for the list */
	PEX_OWED = 2,    /* it asked too early and gets its list later (D-20) */
	PEX_CRAWLED = 4, /* a connection of the crawler */
	PEX_LEAVING = 8, /* it was asked to go */
};

/* What is kept of a connected peer, at the index of its slot; gen 0: nobody. Gone with the connection. */
struct pex_peer {
	uint32_t gen;
	uint8_t flags;
	uint8_t heard;     /* requests received, counted to 3 */
	uint8_t early;     /* requests received while one is owed */
	uint8_t tried;     /* we have asked it at least once */
	uint64_t asked_ns; /* when we asked last */
	uint64_t heard_ns; /* of the request that the flood rule counts from */
};

/* Times and counts by a key of 20 bytes: an id, or ip and port. count 0: the slot is free. */
#define PEX_KEY 20u
struct pex_record {
	uint8_t key[PEX_KEY];
	uint32_t count;
	uint64_t last_ns;
};
struct pex_records {
	struct pex_record *slots;
	uint32_t cap, used;
};

struct pex_seed {
	struct sy_netaddr addr; /* ip of zeros while it is not resolved */
	char *host;             /* null: the text had an IP */
	uint32_t lookups;       /* done so far */
	uint32_t answers;       /* addresses that the last one brought */
	bool resolved;
};

#define PEX_ANSWERS 6u    /* answers that the yield is judged by */
#define PEX_YIELD_HIGH 7u /* percent new: from here on learning goes at full pace */
#define PEX_PAUSE_MAX 10u /* periods between two requests when nothing is new */
/* What the last answers brought (D-19). */
struct pex_learning {
	uint16_t got[PEX_ANSWERS], fresh[PEX_ANSWERS];
	uint8_t next, filled;
	uint8_t quiet_periods; /* since we asked last while nothing was new */
	uint8_t pause;         /* periods to let pass before the next one is asked */
};

#define PEX_LOST 6u
/* Outbound peers that a fault took away, oldest first (D-32). */
struct pex_lost {
	struct sy_netaddr addr[PEX_LOST];
	uint64_t tried_ns[PEX_LOST];
	uint8_t n;
};

/* What a seed of ours looks at, beside the book (D-26). */
struct pex_verify {
	struct sy_netaddr queue[SY_BOOK_DUE_MAX]; /* to be dialled next */
	uint32_t queue_len, queue_at;
	struct sy_id dialling[SY_LIMIT_CRAWL_DIALS];
	uint32_t dials, max; /* dials under way; dials and connections at once */
	uint32_t open;       /* connections that came of them */
	uint32_t interval_s;
	uint64_t crawl_ns;           /* between two requests to one id */
	struct pex_records answered; /* ip -> answers since last_ns: who comes back for more all the time has to wait (D-33) */
	uint64_t reached_s;          /* when anybody answered last, Unix seconds */
	uint64_t looked_ns;          /* when the queue was filled last */
	struct pex_records asked;    /* id -> when it was asked for addresses */
	struct pex_records silent;   /* ip -> when it lost its slot for saying nothing; count: for how many seconds that counts (D-33) */
};

enum pex_seed_stage { PEX_SEEDS_IDLE, PEX_SEEDS_LOOKUP, PEX_SEEDS_DIAL };

struct sy_pex {
	const struct sy_env *env;
	const struct sy_policy *policy;
	struct sy_book *book;
	struct sy_reactor reactor;
	struct sy_rng rng, seeds_rng;
	uint64_t entity;
	uint64_t period_ns, wait_ns, max_dial_period_ns;
	uint64_t tick_ns; /* when the next tick is due */
	uint32_t max_outbound, max_inbound;
	uint32_t saved_version;
	bool seed_mode, begun;
	uint8_t hash_key[16];

	struct pex_peer *peers;
	uint32_t peers_cap;
	struct pex_records attempts; /* ip and port -> failed dials */
	struct pex_records crawled;  /* id -> last crawled */
	struct pex_learning learning;

	struct pex_seed *seeds;
	uint32_t num_seeds;
	uint32_t lookups_left; /* of those that the start waits for */
	uint8_t order[SY_LIMIT_SEEDS];
	uint8_t order_at; /* place in order of the seed being tried */
	uint8_t tried;    /* of its addresses, how many failed in this round */
	enum pex_seed_stage stage;

	struct pex_lost lost;

	struct sy_netaddr *queue; /* the crawl's list: SY_PEX_SELECTION_MAX + 1, allocated in seed mode */
	uint32_t queue_len, queue_at;
	bool crawl_dials; /* one at a time */
	struct sy_id crawling;
	bool crawl_again; /* a tick came while the crawl was going on */

	struct pex_verify *verify; /* a seed of ours; null: any other node */
	struct sy_pex_counts counts;

	struct sy_trace *ring; /* SY_LIMIT_PEX_TRACES, allocated at the first record */
	uint32_t ring_head, ring_len;
};
_Static_assert(sizeof(struct sy_pex) <= 1024, "a node without connections is to fit 8 KiB");

/* peers.c */
SY_MUST bool pex_peer_init(struct sy_pex *pex, struct sy_ref ref);
struct pex_peer *pex_peer_find(struct sy_pex *pex, struct sy_ref ref);
void pex_peer_forget(struct sy_pex *pex, struct sy_ref ref);
/* Where the peer says that it listens, as others could dial it. False when it says nothing usable. Source: protocol.md 5.4, D-24. */
SY_MUST bool pex_peer_listens(const struct sy_pex *pex, const struct sy_peer *peer, struct sy_netaddr *addr);

/* records.c */
void pex_records_fini(struct pex_records *r, const struct sy_env *env);
struct pex_record *pex_records_find(struct sy_pex *pex, struct pex_records *r, const uint8_t key[PEX_KEY]);
/* Finds or makes one; past max the oldest goes. Null when there is no memory. A new one has count 0: the caller sets it. */
struct pex_record *pex_records_get(struct sy_pex *pex, struct pex_records *r, const uint8_t key[PEX_KEY], uint32_t max);
void pex_records_drop(struct sy_pex *pex, struct pex_records *r, const uint8_t key[PEX_KEY]);
void pex_records_prune(struct sy_pex *pex, struct pex_records *r, uint64_t before_ns);
void pex_key_of_id(const struct sy_id *id, uint8_t key[PEX_KEY]);
void pex_key_of_dial(const struct sy_netaddr *addr, uint8_t key[PEX_KEY]);

/* messages.c */
SY_MUST enum sy_err pex_receive(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct sy_span bytes);
void pex_answer_owed(struct sy_pex *pex, struct sy_ctx *ctx);

/* requests.c */
void pex_request(struct sy_pex *pex, struct sy_ctx *ctx, struct sy_ref peer);
void pex_ask_one(struct sy_pex *pex, struct sy_ctx *ctx);  /* a random peer */
void pex_ask_some(struct sy_pex *pex, struct sy_ctx *ctx); /* as many as learning calls for */
bool pex_learning_stalled(const struct sy_pex *pex);
void pex_learned(struct sy_pex *pex, uint32_t got, uint32_t fresh);

/* dialling.c. Dials that failed since the last success; then: SY_OK, SY_TOO_EARLY, SY_MAX_ATTEMPTS. */
void pex_give_up(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err why, uint64_t for_s);
uint32_t pex_failures(struct sy_pex *pex, const struct sy_netaddr *addr);
SY_MUST enum sy_err pex_may_dial(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_netaddr *addr);
/* As above, SY_DIALLING_OR_CONNECTED, and what sy_ctx_dial says. dial_done follows SY_OK. Bans after too many attempts. */
SY_MUST enum sy_err pex_dial(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr);
void pex_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err);

/* ensure.c */
void pex_ensure(struct sy_pex *pex, struct sy_ctx *ctx, bool elapsed);
void pex_poke(struct sy_pex *pex, struct sy_ctx *ctx);   /* a seed has answered */
void pex_refill(struct sy_pex *pex, struct sy_ctx *ctx); /* a dial has failed */

/* lost.c (D-32) */
void pex_lost_add(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason);
void pex_lost_try(struct sy_pex *pex, struct sy_ctx *ctx);                                 /* at a tick with full slots */
bool pex_lost_dialled(struct sy_pex *pex, const struct sy_netaddr *addr, enum sy_err err); /* true: it was one of them and failed */

/* crawl.c: upstream's seeds */
void pex_crawl_begin(struct sy_pex *pex, struct sy_ctx *ctx);
void pex_crawl_tick(struct sy_pex *pex, struct sy_ctx *ctx);
void pex_crawl_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr);
bool pex_crawl_is_dialling(const struct sy_pex *pex, const struct sy_id *id);

/* verify.c: of a seed of ours only */
SY_MUST enum sy_err pex_verify_new(struct sy_pex *pex, const struct sy_config *config, const char **what);
void pex_verify_free(struct sy_pex *pex);
void pex_verify_tick(struct sy_pex *pex, struct sy_ctx *ctx);                                                 /* each second */
void pex_verify_peer(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct pex_peer *p); /* an outbound one came */
void pex_verify_closed(struct sy_pex *pex, struct sy_ctx *ctx);                                               /* a crawled one went */
void pex_verify_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err);

static inline uint32_t pex_fresh_s(const struct sy_pex *pex)
{
	return 2 * pex->verify->interval_s; /* one look may be late */
}

/* slots.c: of a seed of ours only */
SY_MUST enum sy_err pex_slots_accept(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_netaddr *from);
void pex_slots_came(struct sy_pex *pex, struct sy_ctx *ctx); /* an inbound one */
void pex_slots_asked(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_peer *peer);
void pex_slots_went(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_peer *peer);
void pex_slots_tick(struct sy_pex *pex, struct sy_ctx *ctx);

/* seeds.c */
SY_MUST enum sy_err pex_seeds_parse(struct sy_pex *pex, const struct sy_config *config);
void pex_seeds_fini(struct sy_pex *pex);
/* SY_OK, SY_AGAIN while names are looked up. */
SY_MUST enum sy_err pex_seeds_start(struct sy_pex *pex, struct sy_ctx *ctx);
void pex_seeds_resolved(struct sy_pex *pex, struct sy_ctx *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n);
void pex_seeds_dial(struct sy_pex *pex, struct sy_ctx *ctx);
bool pex_seeds_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err); /* true: it was ours */
bool pex_seeds_has(const struct sy_pex *pex, const struct sy_netaddr *addr);

/* pex.c */
void pex_set_timer(struct sy_ctx *ctx, enum pex_timer timer, uint64_t at_ns);
void pex_stop_peer(struct sy_pex *pex, struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason); /* once */
void pex_run(struct sy_pex *pex, struct sy_ctx *ctx);                                               /* the start is over: the first tick */

/* ring.c */
struct pex_event {
	enum sy_trace_kind kind;
	enum sy_err err;
	struct sy_ref conn;
	const struct sy_netaddr *addr; /* may be null */
	uint64_t a, b;
};
void pex_trace(struct sy_pex *pex, const struct sy_ctx *ctx, struct pex_event event);
void pex_ban(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err why); /* the id, for what it did */

static inline bool pex_same_addr(const struct sy_netaddr *a, const struct sy_netaddr *b)
{
	return __builtin_memcmp(a, b, offsetof(struct sy_netaddr, port)) == 0 && a->port == b->port;
}

/* spread.c: the networks of the outbound peers and of what was picked; a hash each, as it only orders choices. */
struct pex_nets {
	uint64_t hash[SY_LIMIT_DIALS];
	uint32_t n;
};
void pex_nets_init(struct pex_nets *nets, const struct sy_pex *pex, const struct sy_ctx *ctx);
void pex_nets_add(struct pex_nets *nets, const struct sy_netaddr *addr);
bool pex_nets_has(const struct pex_nets *nets, const struct sy_netaddr *addr);

#endif
