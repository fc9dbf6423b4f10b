/*
 * A seed that answers for what it hands out (D-26): it dials what it hears of at once, and again after verify_interval; who
 * answers is asked for addresses and let go. What fails is handed out to nobody, and leaves the book when it goes on failing.
 * Which address is due, and which counts as verified, is the book's to say (core/book/verified.c).
 */
#include "core/base/mem.h"
#include "core/pex/state.h"

#include <string.h>

#define LOOK_NS PEX_SECOND               /* between two looks at the book when nothing else happens */
#define LOOK_AGAIN_NS (100 * 1000000ull) /* and while there is work: a look costs a pass over the book */
#define ANSWER_NS (10 * PEX_SECOND)      /* how long a crawled peer may take to answer */
#define CRAWL_SLACK_NS (5 * PEX_SECOND)  /* verification and crawl come together when their intervals are equal */
#define AWAY 6u                          /* intervals that an address which was let go is kept out of the book */

enum sy_err pex_verify_new(struct sy_pex *pex, const struct sy_config *config, const char **what)
{
	uint64_t interval_s = config->verify_interval_ns / PEX_SECOND;
	if (!interval_s || interval_s > PEX_BAN_S)
		*what = "verify_interval";
	else if (!config->crawl_dials || config->crawl_dials > SY_LIMIT_CRAWL_DIALS)
		*what = "crawl_dials";
	if (*what)
		return SY_INVALID;
	struct pex_verify *v = pex->verify = sy_mem_new(pex->env, sizeof *v);
	if (!v)
		return SY_NO_MEMORY;
	v->interval_s = (uint32_t)interval_s;
	v->crawl_ns = config->crawl_interval_ns;
	v->max = config->crawl_dials;
	return SY_OK;
}

void pex_verify_free(struct sy_pex *pex)
{
	struct pex_verify *v = pex->verify;
	if (!v)
		return;
	pex_records_fini(&v->asked, pex->env);
	pex_records_fini(&v->silent, pex->env);
	pex_records_fini(&v->answered, pex->env);
	sy_mem_free(pex->env, v, sizeof *v);
	pex->verify = NULL;
}

/* False: it was asked lately. */
static bool ask(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct pex_verify *v = pex->verify;
	uint8_t key[PEX_KEY];
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	pex_key_of_id(&peer->id, key);
	struct pex_record *r = pex_records_get(pex, &v->asked, key, SY_LIMIT_DIAL_RECORDS);
	if (!r || (r->count && now_ns - r->last_ns + CRAWL_SLACK_NS < v->crawl_ns))
		return false;
	r->count = 1;
	r->last_ns = now_ns;
	pex_request(pex, ctx, peer->ref);
	return true;
}

static void reached(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	uint64_t now_s = sy_ctx_wall_s(ctx);
	sy_book_mark_verified(pex->book, addr, now_s);
	pex->verify->reached_s = now_s;
}

/* Beyond max_num_outbound_peers a connection only shows that the address answers. */
void pex_verify_peer(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct pex_peer *p)
{
	reached(pex, ctx, &peer->socket_addr);
	pex->counts.reached++;
	if (peer->persistent) {
		ask(pex, ctx, peer);
		return;
	}
	p->flags |= PEX_CRAWLED;
	pex->verify->open++;
	if (sy_ctx_counts(ctx).outbound > pex->max_outbound || !ask(pex, ctx, peer))
		pex_stop_peer(pex, ctx, peer->ref, SY_SEED_DONE);
}

static bool find_peer(const struct sy_ctx *ctx, const struct sy_id *id, struct sy_peer *peer)
{
	for (uint32_t i = 0; sy_ctx_peer_at(ctx, i, peer) == SY_OK; i++)
		if (memcmp(&peer->id, id, sizeof *id) == 0)
			return true;
	return false;
}

/* It is connected, or another one behind its IP: an outbound connection shows that the address answers, an inbound one does not. */
static void meet(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	struct sy_peer peer;
	bool found = find_peer(ctx, &addr->id, &peer);
	if (found && peer.outbound)
		reached(pex, ctx, &peer.socket_addr);
	else
		sy_book_postpone(pex->book, addr, sy_ctx_wall_s(ctx));
	if (found && peer.persistent)
		ask(pex, ctx, &peer);
}

static bool is_dialling(const struct pex_verify *v, const struct sy_id *id)
{
	for (uint32_t i = 0; i < v->dials; i++)
		if (memcmp(&v->dialling[i], id, sizeof *id) == 0)
			return true;
	return false;
}

/* False: nothing is due, or the book was looked at a moment ago; then the next look is soon. */
static bool refill(struct sy_pex *pex, struct sy_ctx *ctx)
{
	struct pex_verify *v = pex->verify;
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	if (v->looked_ns && now_ns - v->looked_ns < LOOK_AGAIN_NS) {
		if (v->queue_len)
			pex_set_timer(ctx, PEX_TIMER_VERIFY, v->looked_ns + LOOK_AGAIN_NS);
		return false;
	}
	v->looked_ns = now_ns;
	v->queue_at = 0;
	size_t due = sy_book_due(pex->book, sy_ctx_wall_s(ctx), v->interval_s, v->queue, SY_BOOK_DUE_MAX);
	v->queue_len = 0;
	for (size_t i = 0; i < due; i++)
		if (!is_dialling(v, &v->queue[i].id))
			v->queue[v->queue_len++] = v->queue[i];
	return v->queue_len != 0;
}

/* From now on others come first, should it still be due. */
static void begun(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	struct pex_verify *v = pex->verify;
	v->dialling[v->dials++] = addr->id;
	sy_book_postpone(pex->book, addr, sy_ctx_wall_s(ctx));
}

/* What stands against any dial, rather than against this address. */
static bool is_ours(enum sy_err err)
{
	return err == SY_LIMIT || err == SY_NO_MEMORY || err == SY_NOT_RUNNING;
}

static void advance(struct sy_pex *pex, struct sy_ctx *ctx)
{
	struct pex_verify *v = pex->verify;
	while (v->dials + v->open < v->max) {
		if (v->queue_at == v->queue_len && !refill(pex, ctx))
			return;
		const struct sy_netaddr *addr = &v->queue[v->queue_at++];
		enum sy_err err = sy_ctx_dial(ctx, addr);
		if (err == SY_OK)
			begun(pex, ctx, addr);
		else if (err == SY_DIALLING_OR_CONNECTED)
			meet(pex, ctx, addr);
		else if (is_ours(err))
			return; /* it is still due at the next look */
		else
			sy_book_postpone(pex->book, addr, sy_ctx_wall_s(ctx)); /* blocked: others are not to wait behind it */
	}
}

/* The slot at the other side is worth more to others: who has not answered by now never will. */
static void hang_up(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	struct sy_peer peer;
	for (uint32_t i = 0; pex->verify->open && sy_ctx_peer_at(ctx, i, &peer) == SY_OK; i++) {
		const struct pex_peer *p = pex_peer_find(pex, peer.ref);
		if (p && p->flags & PEX_CRAWLED && now_ns - peer.connected_at_ns >= ANSWER_NS)
			pex_stop_peer(pex, ctx, peer.ref, SY_TIMEOUT);
	}
}

void pex_verify_tick(struct sy_pex *pex, struct sy_ctx *ctx)
{
	pex_set_timer(ctx, PEX_TIMER_VERIFY, sy_ctx_now_ns(ctx) + LOOK_NS);
	hang_up(pex, ctx);
	advance(pex, ctx);
}

void pex_verify_closed(struct sy_pex *pex, struct sy_ctx *ctx)
{
	pex->verify->open--;
	pex_set_timer(ctx, PEX_TIMER_VERIFY, sy_ctx_now_ns(ctx) + LOOK_AGAIN_NS);
}

/* Out of the book for a while: whoever goes on announcing it does not bring it back at once. */
static void let_go(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err why)
{
	uint64_t away_s = (uint64_t)AWAY * pex->verify->interval_s;
	bool known = sy_book_has(pex->book, &addr->id);
	if (sy_book_ban_address(pex->book, addr, sy_ctx_wall_s(ctx), away_s) != SY_OK || !known)
		return;
	pex->counts.lost++;
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_BOOK_GONE, .err = why, .addr = addr});
}

/* When nobody at all answers, it is our own line that is dead: then nothing leaves the book. */
static bool line_works(const struct sy_pex *pex, const struct sy_ctx *ctx)
{
	return sy_ctx_wall_s(ctx) <= pex->verify->reached_s + pex->verify->interval_s;
}

/* Only what the line and the other end say counts: what we refuse ourselves says nothing about the address. */
static void failed(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err)
{
	if (err == SY_PEER_SELF || !(sy_err_is_transient(err) || sy_err_is_peer_fault(err)))
		return;
	pex->counts.unreached++;
	if (err == SY_PEER_WRONG_ID && pex->policy->ban_wrong_id) {
		pex_give_up(pex, ctx, addr, err, PEX_BAN_S);
		return;
	}
	sy_book_mark_attempt(pex->book, addr, sy_ctx_wall_s(ctx));
	if (sy_err_is_refusal(err) || (sy_book_is_lost(pex->book, addr) && line_works(pex, ctx)))
		let_go(pex, ctx, addr, err);
}

void pex_verify_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err)
{
	struct pex_verify *v = pex->verify;
	for (uint32_t i = 0; i < v->dials; i++) {
		if (memcmp(&v->dialling[i], &addr->id, sizeof addr->id) != 0)
			continue;
		v->dialling[i] = v->dialling[--v->dials];
		if (err)
			failed(pex, ctx, addr, err);
		advance(pex, ctx);
		return;
	}
}
