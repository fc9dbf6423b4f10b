#include "core/pex/state.h"

#include <string.h>

/* 2^34 s and more does not fit Go's durations: upstream's back-off turns negative there. Ours stays at 2^33 s, 272 years. */
#define BACKOFF_MAX_LOG2 33u

static struct pex_record *find_record(struct sy_pex *pex, const struct sy_netaddr *addr)
{
	uint8_t key[PEX_KEY];
	pex_key_of_dial(addr, key);
	return pex_records_find(pex, &pex->attempts, key);
}

uint32_t pex_failures(struct sy_pex *pex, const struct sy_netaddr *addr)
{
	const struct pex_record *r = find_record(pex, addr);
	return r ? r->count : 0;
}

static void forget(struct sy_pex *pex, const struct sy_netaddr *addr)
{
	uint8_t key[PEX_KEY];
	pex_key_of_dial(addr, key);
	pex_records_drop(pex, &pex->attempts, key);
}

/* 2^attempts s and up to one second, the same whenever it is asked for. Source: protocol.md 5.6. */
static uint64_t backoff_ns(const struct sy_pex *pex, const struct sy_netaddr *addr, uint32_t attempts)
{
	uint8_t key[PEX_KEY];
	struct sy_rng rng;
	pex_key_of_dial(addr, key);
	sy_rng_init(&rng, SY_RAND_DIAL_JITTER, sy_entity_of_bytes(pex->entity, key, sizeof key));
	rng.counter = attempts;
	uint64_t jitter = sy_rng_below(&rng, pex->env, PEX_SECOND);
	uint32_t log2 = attempts < BACKOFF_MAX_LOG2 ? attempts : BACKOFF_MAX_LOG2;
	return ((uint64_t)PEX_SECOND << log2) + jitter;
}

enum sy_err pex_may_dial(struct sy_pex *pex, const struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	const struct pex_record *r = find_record(pex, addr);
	if (!r)
		return SY_OK;
	bool persistent = sy_ctx_is_persistent(ctx, addr);
	if (!persistent && r->count > PEX_MAX_ATTEMPTS)
		return SY_MAX_ATTEMPTS;
	uint64_t wait = backoff_ns(pex, addr, r->count);
	if (persistent && pex->max_dial_period_ns && wait > pex->max_dial_period_ns)
		wait = pex->max_dial_period_ns;
	return sy_ctx_now_ns(ctx) - r->last_ns < wait ? SY_TOO_EARLY : SY_OK;
}

/* Bans an address that cannot be had: ours only this address of the id (D-30), upstream the id. */
void pex_give_up(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err why, uint64_t for_s)
{
	uint64_t now_s = sy_ctx_wall_s(ctx);
	bool known = sy_book_has(pex->book, &addr->id);
	if (sy_book_ban_address(pex->book, addr, now_s, for_s) != SY_OK)
		return;
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_BAN, .err = why, .addr = addr, .a = now_s + for_s});
	if (known && !sy_book_has(pex->book, &addr->id))
		pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_BOOK_GONE, .err = why, .addr = addr});
}

enum sy_err pex_dial(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	enum sy_err err = pex_may_dial(pex, ctx, addr);
	if (err == SY_MAX_ATTEMPTS) {
		pex_give_up(pex, ctx, addr, err, PEX_BAN_S);
		/* Upstream keeps the count, so the address is banned again at its first dial after the ban. */
		if (pex->policy->prune_attempts)
			forget(pex, addr);
	}
	return err ? err : sy_ctx_dial(ctx, addr);
}

static void note_failure(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	uint8_t key[PEX_KEY];
	pex_key_of_dial(addr, key);
	sy_book_mark_attempt(pex->book, addr, sy_ctx_wall_s(ctx));
	struct pex_record *r = pex_records_get(pex, &pex->attempts, key, SY_LIMIT_DIAL_RECORDS);
	if (!r)
		return;
	r->count++;
	r->last_ns = sy_ctx_now_ns(ctx);
}

/* Source: protocol.md 5.6. What fails with somebody else's id leaves the book at once in ours; upstream dials it 17 times (D-21). */
void pex_dialled(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err)
{
	if (err == SY_OK) {
		forget(pex, addr);
		if (pex->policy->learn_new_ip)
			sy_book_mark_reached(pex->book, addr, sy_ctx_wall_s(ctx));
	} else if (err == SY_PEER_WRONG_ID && pex->policy->ban_wrong_id) {
		pex_give_up(pex, ctx, addr, err, PEX_BAN_S);
		forget(pex, addr);
	} else if (err != SY_DIALLING_OR_CONNECTED) {
		note_failure(pex, ctx, addr);
	}
}
