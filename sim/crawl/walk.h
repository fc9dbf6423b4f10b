/* The reactor of a crawl: what is in flight, what waits. */
#ifndef SIM_CRAWL_WALK_H
#define SIM_CRAWL_WALK_H

#include "sim/crawl/crawl.h"

/*
 * FREE ──dial──> DIALLING ──connected──> SHAKING ──added──> ASKED ──answer──> LINGERING ──it or we hang up──> FREE
 *                   └──────────────────────┴──failed, refused──────────────────────────────────────────────────^
 */
enum walk_state { WALK_FREE = 0, WALK_DIALLING, WALK_SHAKING, WALK_ASKED, WALK_LINGERING };

/* One of the dials or connections in flight. */
struct walk_worker {
	enum walk_state state;
	uint32_t found; /* place */
	struct sy_ref ref;
	uint64_t since_ns, deadline_ns; /* of the state; no deadline in DIALLING and SHAKING: the node has its own */
};

struct walk {
	const struct crawl_config *config;
	struct crawl_table *table;
	struct walk_worker workers[CRAWL_WORKERS_MAX];
	uint32_t num_workers, busy;
	uint32_t *queue; /* places that wait: a ring as large as the table may become */
	uint32_t queue_cap, queue_head, queued;
	uint32_t lookups;
	bool learn;    /* no network is known yet: the first node info tells */
	bool stopping; /* nothing new is begun */
	struct crawl_info learnt;
	bool has_learnt;
	struct sy_channel channel;
	struct sy_reactor reactor;
	void *owner;
	void (*over)(void *owner); /* nothing waits and nothing is in flight, or a network was learnt: called inside a callback */
};

/* SY_NO_MEMORY. Everything but the table is the walk's; the configuration and the table are borrowed. */
SY_MUST enum sy_err walk_init(struct walk *w, const struct crawl_config *config, struct crawl_table *table);
void walk_fini(struct walk *w);
/* Before the node of a further network starts: what is not tried waits again. */
void walk_begin_again(struct walk *w);
/* Tells of a connection that is open: by trace. */
void walk_connected(struct walk *w, const struct sy_netaddr *addr, uint64_t now_ns);

#endif
