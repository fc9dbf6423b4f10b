#include "core/pex/state.h"

#include <string.h>

static bool picked_before(const struct sy_netaddr *picked, uint32_t n, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < n; i++)
		if (memcmp(&picked[i].id, &addr->id, sizeof addr->id) == 0)
			return true;
	return false;
}

/* One draw. False: nothing of use. */
static bool draw(struct sy_pex *pex, const struct sy_ctx *ctx, uint32_t bias, const struct sy_netaddr *picked, uint32_t n,
                 struct sy_netaddr *addr)
{
	return sy_book_pick(pex->book, bias, addr) && !picked_before(picked, n, addr) && !sy_ctx_is_dialling_or_connected(ctx, addr);
}

/* Source: protocol.md 5.6. Also takes addresses that are then found to be in back-off, so a stale book leaves slots empty. */
static uint32_t pick_upstream(struct sy_pex *pex, const struct sy_ctx *ctx, uint32_t want, uint32_t bias, struct sy_netaddr *picked)
{
	uint32_t n = 0;
	for (uint32_t tries = 3 * want; tries && n < want; tries--)
		n += draw(pex, ctx, bias, picked, n, &picked[n]);
	return n;
}

/* Whom to try first: who failed least (D-22); among equals a network that has no outbound peer yet (D-38). */
static uint32_t rank_of(struct sy_pex *pex, const struct pex_nets *nets, const struct sy_netaddr *addr)
{
	uint32_t failures = pex_failures(pex, addr);
	return 2 * (failures < UINT16_MAX ? failures : UINT16_MAX) + pex_nets_has(nets, addr);
}

/* For each place ten draws at most: the first address that nothing speaks against, else the best that may be dialled now. */
static uint32_t pick_ready(struct sy_pex *pex, const struct sy_ctx *ctx, uint32_t want, uint32_t bias, struct sy_netaddr *picked)
{
	struct pex_nets nets;
	uint32_t n = 0;
	pex_nets_init(&nets, pex, ctx);
	for (uint32_t place = 0; place < want; place++) {
		uint32_t least = UINT32_MAX;
		for (int tries = 10; tries && least; tries--) {
			struct sy_netaddr addr;
			if (!draw(pex, ctx, bias, picked, n, &addr))
				continue;
			uint32_t rank = rank_of(pex, &nets, &addr);
			if (rank >= least || (rank > 1 && pex_may_dial(pex, ctx, &addr) == SY_TOO_EARLY))
				continue;
			least = rank;
			picked[n] = addr;
		}
		if (least == UINT32_MAX)
			continue;
		if (pex->policy->spread_outbound)
			pex_nets_add(&nets, &picked[n]);
		n++;
	}
	return n;
}

/* An address that cannot be dialled after all is met again at the next tick. */
static uint32_t pick_and_dial(struct sy_pex *pex, struct sy_ctx *ctx, uint32_t want, uint32_t outbound)
{
	struct sy_netaddr picked[SY_LIMIT_DIALS];
	uint32_t bias = (outbound < 8 ? outbound : 8) * 10 + 10;
	if (want > SY_LIMIT_DIALS)
		want = SY_LIMIT_DIALS;
	uint32_t n = pex->policy->skip_too_early_picks ? pick_ready(pex, ctx, want, bias, picked) : pick_upstream(pex, ctx, want, bias, picked);
	for (uint32_t i = 0; i < n; i++) {
		enum sy_err err = pex_dial(pex, ctx, &picked[i]);
		if (err == SY_NOT_RUNNING)
			break;
	}
	return n;
}

/* A node that has all it can get must not dial its seeds every half a minute. */
static bool seeds_help(const struct sy_pex *pex, const struct sy_counts *counts)
{
	if (!pex->policy->keep_learning)
		return sy_book_needs_more(pex->book);
	if (counts->outbound + counts->dialling == 0)
		return true;
	return sy_book_needs_more(pex->book) && (!pex_learning_stalled(pex) || pex->learning.quiet_periods == 0);
}

/* Who is asked: ours on its own schedule, at ticks; upstream one peer while the book is small. */
static void ask(struct sy_pex *pex, struct sy_ctx *ctx, bool elapsed)
{
	if (pex->policy->keep_learning) {
		if (elapsed)
			pex_ask_some(pex, ctx);
		return;
	}
	if (sy_book_needs_more(pex->book) && (elapsed || !pex->policy->request_only_on_tick))
		pex_ask_one(pex, ctx);
}

/* Source: protocol.md 5.6. elapsed: a tick, not a poke. */
void pex_ensure(struct sy_pex *pex, struct sy_ctx *ctx, bool elapsed)
{
	struct sy_counts counts = sy_ctx_counts(ctx);
	uint32_t busy = counts.outbound + counts.dialling;
	if (busy >= pex->max_outbound) {
		if (elapsed)
			pex_lost_try(pex, ctx);
		if (pex->policy->keep_learning)
			ask(pex, ctx, elapsed);
		return;
	}
	uint32_t picked = pick_and_dial(pex, ctx, pex->max_outbound - busy, counts.outbound);
	if (sy_book_needs_more(pex->book) || pex->policy->reinstate_works)
		sy_book_reinstate(pex->book, sy_ctx_wall_s(ctx));
	ask(pex, ctx, elapsed);
	if (!picked && seeds_help(pex, &counts))
		pex_seeds_dial(pex, ctx);
}

/* Slots that a failed dial left empty are not left so until the next tick: a book of dead addresses would keep them for an hour. */
#define RETRY_NS (5 * PEX_SECOND)

void pex_refill(struct sy_pex *pex, struct sy_ctx *ctx)
{
	struct sy_counts counts = sy_ctx_counts(ctx);
	if (pex->policy->skip_too_early_picks && !pex->seed_mode && counts.dialling == 0 && counts.outbound < pex->max_outbound)
		pex_set_timer(ctx, PEX_TIMER_POKE, sy_ctx_now_ns(ctx) + RETRY_NS);
}

#define POKE_LATER_NS (100 * 1000000ull) /* long enough for a seed's goodbye to follow its answer */
#define POKE_RACE_NS (1 * 1000000ull)    /* its goodbye comes with its answer, not after it */

/*
 * Upstream's poke wakes another routine, while the seed that has answered hangs up: whether its slot is counted as taken is a
 * race. Of 240 real nodes a third found it free (10 outbound peers after start-up instead of 9). A longer wait would matter
 * behind a peer in `seeds` that is not in seed mode: the sooner a lone node has asked thrice, the likelier it is banned before
 * the next one comes (tests/fidelity/pex.py). Ours waits for the goodbye, so that the slot is never lost. Source: protocol.md 5.5.
 */
void pex_poke(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	if (pex->policy->keep_learning)
		pex_set_timer(ctx, PEX_TIMER_POKE, now_ns + POKE_LATER_NS);
	else if (sy_rng_chance(&pex->rng, pex->env, 1, 3))
		pex_set_timer(ctx, PEX_TIMER_POKE, now_ns + POKE_RACE_NS);
	else
		pex_ensure(pex, ctx, false);
}
