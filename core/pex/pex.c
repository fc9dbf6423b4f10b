#include "core/pex/pex.h"

#include "core/base/mem.h"
#include "core/pex/state.h"

#include <string.h>

static const struct sy_channel channels[] = {
    {.id = SY_PEX_CHANNEL, .priority = 1, .send_queue_capacity = 10, .recv_message_capacity = SY_PEX_MESSAGE_MAX},
};

/* With one timer a token the limit is far; without memory the node has worse troubles than a late tick. */
void pex_set_timer(struct sy_ctx *ctx, enum pex_timer timer, uint64_t at_ns)
{
	enum sy_err err = sy_ctx_set_timer(ctx, timer, at_ns);
	(void)err;
}

void pex_run(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	pex->saved_version = sy_book_version(pex->book);
	pex->tick_ns = now_ns;
	pex_set_timer(ctx, PEX_TIMER_TICK, now_ns);
	pex_set_timer(ctx, PEX_TIMER_SAVE, now_ns + PEX_SAVE_NS);
}

static enum sy_err start(void *self, struct sy_ctx *ctx)
{
	struct sy_pex *pex = self;
	enum sy_err err = pex_seeds_start(pex, ctx);
	if (err == SY_OK)
		pex_run(pex, ctx);
	return err;
}

static void save(struct sy_pex *pex, struct sy_ctx *ctx)
{
	if (sy_book_version(pex->book) == pex->saved_version)
		return;
	pex->saved_version = sy_book_version(pex->book);
	sy_ctx_save_book(ctx);
}

static void stop(void *self, struct sy_ctx *ctx)
{
	save(self, ctx);
}

static enum sy_err accept(void *self, struct sy_ctx *ctx, const struct sy_netaddr *from)
{
	struct sy_pex *pex = self;
	return pex->verify ? pex_slots_accept(pex, ctx, from) : SY_OK;
}

static void init_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	/* Without a record its first message ends the connection: see pex_receive. */
	bool kept = pex_peer_init(self, peer->ref);
	(void)kept;
}

static void learn_inbound(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct sy_netaddr addr;
	if (!pex_peer_listens(pex, peer, &addr))
		return;
	bool known = sy_book_has(pex->book, &addr.id);
	if (sy_book_add(pex->book, &addr, &addr, sy_ctx_wall_s(ctx)) == SY_OK && !known)
		pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_BOOK_ADD, .conn = peer->ref, .addr = &addr});
}

/* Source: protocol.md 5.4, and 5.7 for who was crawled. */
static void add_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct sy_pex *pex = self;
	struct pex_peer *p = pex_peer_find(pex, peer->ref);
	if (!p)
		return;
	if (!peer->outbound) {
		learn_inbound(pex, ctx, peer);
		if (pex->verify)
			pex_slots_came(pex, ctx);
		return;
	}
	if (pex->verify) {
		pex_verify_peer(pex, ctx, peer, p);
		return;
	}
	bool crawled = pex_crawl_is_dialling(pex, &peer->id);
	if (crawled)
		p->flags |= PEX_CRAWLED;
	bool curious = pex->policy->keep_learning ? !pex_learning_stalled(pex) : sy_book_needs_more(pex->book);
	if (crawled || curious)
		pex_request(pex, ctx, peer->ref);
}

static void remove_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason)
{
	struct sy_pex *pex = self;
	const struct pex_peer *p = pex_peer_find(pex, peer->ref);
	if (pex->verify && p && p->flags & PEX_CRAWLED)
		pex_verify_closed(pex, ctx);
	else if (pex->verify)
		pex_slots_went(pex, ctx, peer);
	pex_lost_add(pex, ctx, peer, reason);
	pex_peer_forget(pex, peer->ref);
}

static enum sy_err receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	return pex_receive(self, ctx, peer, msg->bytes);
}

/* D-25: up to a tenth more or less, so that nodes that were started together do not tick together for ever. */
static uint64_t next_period(struct sy_pex *pex)
{
	uint64_t tenth = pex->period_ns / 10;
	if (!pex->policy->tick_jitter || !tenth)
		return pex->period_ns;
	return pex->period_ns - tenth + sy_rng_below(&pex->rng, pex->env, 2 * tenth + 1);
}

/* A node that is joining others already waits a random while, so that its slots are not all filled at once. Source: protocol.md 5.6. */
static bool begin_later(struct sy_pex *pex, const struct sy_ctx *ctx)
{
	struct sy_counts counts = sy_ctx_counts(ctx);
	if (pex->seed_mode || counts.outbound + counts.inbound + counts.dialling == 0)
		return false;
	pex->tick_ns = sy_ctx_now_ns(ctx) + sy_rng_below(&pex->rng, pex->env, pex->period_ns ? pex->period_ns : 1);
	return true;
}

static void prune(struct sy_pex *pex, const struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx), day = PEX_BAN_S * PEX_SECOND;
	if (now_ns <= day)
		return;
	if (pex->policy->prune_attempts)
		pex_records_prune(pex, &pex->attempts, now_ns - day);
	if (pex->verify)
		pex_records_prune(pex, &pex->verify->asked, now_ns - day);
}

/* A seed that knows nobody who answers asks its own seeds. */
static void seed_tick(struct sy_pex *pex, struct sy_ctx *ctx, bool first)
{
	uint64_t now_s = sy_ctx_wall_s(ctx);
	sy_book_reinstate(pex->book, now_s);
	pex_slots_tick(pex, ctx);
	if (first || !sy_book_count_verified(pex->book, now_s, pex_fresh_s(pex)))
		pex_seeds_dial(pex, ctx);
	if (first)
		pex_verify_tick(pex, ctx);
}

static void work(struct sy_pex *pex, struct sy_ctx *ctx, bool first)
{
	if (pex->verify)
		seed_tick(pex, ctx, first);
	else if (!pex->seed_mode)
		pex_ensure(pex, ctx, true);
	else if (!first)
		pex_crawl_tick(pex, ctx);
	else if (pex->num_seeds)
		pex_seeds_dial(pex, ctx);
	else
		pex_crawl_begin(pex, ctx);
}

static void tick(struct sy_pex *pex, struct sy_ctx *ctx)
{
	bool first = !pex->begun;
	pex->begun = true;
	if (!first || !begin_later(pex, ctx)) {
		work(pex, ctx, first);
		pex->tick_ns += next_period(pex);
		if (pex->tick_ns <= sy_ctx_now_ns(ctx)) /* the clock has jumped: missed ticks are not made up for */
			pex->tick_ns = sy_ctx_now_ns(ctx) + next_period(pex);
	}
	pex_set_timer(ctx, PEX_TIMER_TICK, pex->tick_ns);
}

static void timer(void *self, struct sy_ctx *ctx, uint64_t token)
{
	struct sy_pex *pex = self;
	switch ((enum pex_timer)token) {
	case PEX_TIMER_TICK:
		tick(pex, ctx);
		break;
	case PEX_TIMER_SAVE:
		save(pex, ctx);
		prune(pex, ctx);
		pex_set_timer(ctx, PEX_TIMER_SAVE, sy_ctx_now_ns(ctx) + PEX_SAVE_NS);
		break;
	case PEX_TIMER_POKE:
		pex_ensure(pex, ctx, false);
		break;
	case PEX_TIMER_VERIFY:
		pex_verify_tick(pex, ctx);
		break;
	case PEX_TIMER_ANSWER:
		pex_answer_owed(pex, ctx);
		break;
	}
}

static void dial_done(void *self, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err)
{
	struct sy_pex *pex = self;
	if (pex_seeds_dialled(pex, ctx, addr, err))
		return;
	if (pex->verify) {
		pex_verify_dialled(pex, ctx, addr, err);
		return;
	}
	if (pex_lost_dialled(pex, addr, err))
		return;
	pex_dialled(pex, ctx, addr, err);
	pex_crawl_dialled(pex, ctx, addr);
	if (err)
		pex_refill(pex, ctx);
}

static void resolved(void *self, struct sy_ctx *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	pex_seeds_resolved(self, ctx, token, addrs, err ? 0 : n);
}

static void fill_reactor(struct sy_pex *pex)
{
	pex->reactor = (struct sy_reactor){
	    .name = "PEX",
	    .channels = channels,
	    .num_channels = sizeof channels / sizeof *channels,
	    .self = pex,
	    .start = start,
	    .stop = stop,
	    .accept = accept,
	    .init_peer = init_peer,
	    .add_peer = add_peer,
	    .remove_peer = remove_peer,
	    .receive = receive,
	    .timer = timer,
	    .dial_done = dial_done,
	    .resolved = resolved,
	};
}

static void configure(struct sy_pex *pex, const struct sy_config *config)
{
	pex->entity = sy_entity_of_bytes(0, config->name, config->name ? strlen(config->name) : 0);
	pex->period_ns = config->ensure_peers_period_ns;
	pex->wait_ns = config->seed_disconnect_wait_ns;
	pex->max_dial_period_ns = config->persistent_peers_max_dial_period_ns;
	pex->max_outbound = config->max_num_outbound_peers;
	pex->max_inbound = config->max_num_inbound_peers;
	pex->seed_mode = config->seed_mode;
	sy_rng_init(&pex->rng, SY_RAND_PEX, pex->entity);
	sy_rng_init(&pex->seeds_rng, SY_RAND_SEEDS, pex->entity);
	sy_rng_bytes(&pex->rng, pex->env, pex->hash_key, sizeof pex->hash_key);
}

static enum sy_err make_seed(struct sy_pex *pex, const struct sy_config *config, const char **what)
{
	if (pex->policy->seed_serves_verified)
		return pex_verify_new(pex, config, what);
	pex->queue = sy_mem_new(pex->env, (SY_PEX_SELECTION_MAX + 1) * sizeof *pex->queue);
	return pex->queue ? SY_OK : SY_NO_MEMORY;
}

enum sy_err sy_pex_new(struct sy_pex **out, const struct sy_env *env, const struct sy_policy *policy, const struct sy_config *config,
                       struct sy_book *book, const char **what)
{
	*out = NULL;
	*what = NULL;
	if (config->ensure_peers_period_ns == 0) {
		*what = "ensure_peers_period";
		return SY_INVALID;
	}
	struct sy_pex *pex = sy_mem_new(env, sizeof *pex);
	if (!pex)
		return SY_NO_MEMORY;
	pex->env = env;
	pex->policy = policy;
	pex->book = book;
	configure(pex, config);
	fill_reactor(pex);
	enum sy_err err = pex_seeds_parse(pex, config);
	if (err == SY_INVALID)
		*what = "seeds";
	if (!err && pex->seed_mode)
		err = make_seed(pex, config, what);
	if (err) {
		sy_pex_free(pex);
		return err;
	}
	*out = pex;
	return SY_OK;
}

void sy_pex_free(struct sy_pex *pex)
{
	if (!pex)
		return;
	const struct sy_env *env = pex->env;
	pex_seeds_fini(pex);
	pex_verify_free(pex);
	pex_records_fini(&pex->attempts, env);
	pex_records_fini(&pex->crawled, env);
	sy_mem_free(env, pex->peers, pex->peers_cap * sizeof *pex->peers);
	sy_mem_free(env, pex->queue, pex->queue ? (SY_PEX_SELECTION_MAX + 1) * sizeof *pex->queue : 0);
	sy_mem_free(env, pex->ring, pex->ring ? SY_LIMIT_PEX_TRACES * sizeof *pex->ring : 0);
	sy_mem_free(env, pex, sizeof *pex);
}

const struct sy_reactor *sy_pex_reactor(struct sy_pex *pex)
{
	return &pex->reactor;
}

struct sy_pex_counts sy_pex_counts(const struct sy_pex *pex, uint64_t now_s)
{
	struct sy_pex_counts counts = pex->counts;
	if (pex->verify) {
		counts.verified = sy_book_count_verified(pex->book, now_s, pex_fresh_s(pex));
		counts.crawling = pex->verify->dials + pex->verify->open;
	}
	return counts;
}
