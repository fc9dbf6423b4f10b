/* A reactor that writes down what it sees and does what a test tells it. */
#ifndef TESTS_SUPPORT_SWITCH_KIT_H
#define TESTS_SUPPORT_SWITCH_KIT_H

#include "tests/support/pipe_net.h"
#include "tests/support/unit.h"

struct kit {
	struct sy_reactor reactor;
	struct sy_channel channels[2];
	char log
	    [8192]; /* words: start stop accept:<port> init add remove:<reason> recv:<text> filter timer:<n> dialled:<err> resolved:<n> sent:<err> */
	size_t log_len;
	uint32_t received, added, removed, timers;
	enum sy_err last_dial, last_resolved, last_sent;
	uint64_t last_timer_ns;
	enum sy_err start_err, accept_err, receive_err, filter_err; /* what the callbacks answer */
	bool quiet;                                                 /* does not log messages */
	/* Called inside the callbacks of the same name, when set. */
	void (*on_receive)(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg);
	void (*on_init)(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer);
	void (*on_add)(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer);
	void (*on_remove)(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer);
	void (*on_start)(struct kit *k, struct sy_ctx *ctx);
	void (*on_timer)(struct kit *k, struct sy_ctx *ctx, uint64_t token);
	void (*on_sent)(struct kit *k, struct sy_ctx *ctx, uint64_t token);
	void *user;
	uint64_t number;
};

/* A reactor with channels PN_CHANNEL_A (priority 5, queue of 10) and PN_CHANNEL_B (priority 1, queue of 2). */
void kit_init(struct kit *k, const char *name);
/* Gives the node this one reactor. */
void kit_install(struct kit *k, struct pn_node *n);
/* A network of two nodes with a kit each, started; they are not connected. */
struct pair {
	struct pn_net *net;
	struct pn_node *a, *b;
	struct kit ka, kb;
};
void pair_make(struct pair *p, enum sy_profile profile);
void pair_start(struct pair *p);
/* pair_make, pair_start, a dials b, both are peers. */
void pair_connect(struct pair *p, enum sy_profile profile);
void pair_free(struct pair *p);

#endif
