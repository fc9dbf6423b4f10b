#include "core/pex/state.h"
#include "core/wire/pexmsg.h"

#include <string.h>

/* What this node hands out. Source: protocol.md 5.5, D-26. */
static size_t select_addrs(struct sy_pex *pex, bool to_newcomer, struct sy_netaddr *out)
{
	if (pex->seed_mode && pex->policy->seed_serves_verified)
		return sy_book_selection_verified(pex->book, out);
	return to_newcomer ? sy_book_selection_biased(pex->book, 30, out) : sy_book_selection(pex->book, out);
}

static void answer(struct sy_pex *pex, struct sy_ctx *ctx, struct sy_ref peer, bool to_newcomer)
{
	struct sy_netaddr addrs[SY_PEX_SELECTION_MAX + 1];
	uint8_t buf[16 + (SY_PEX_SELECTION_MAX + 1) * SY_PEX_ADDR_MAX];
	size_t n = select_addrs(pex, to_newcomer, addrs);
	size_t len = sy_pex_addrs_encode(addrs, n, buf, sizeof buf);
	enum sy_err err = sy_ctx_try_send(ctx, peer, SY_PEX_CHANNEL, (struct sy_span){buf, len});
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_PEX_ADDRS, .err = err, .conn = peer, .a = 0, .b = n});
}

/* A seed answers a newcomer once and hangs up. Source: protocol.md 5.5. */
static enum sy_err seed_request(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct pex_peer *p)
{
	if (p->heard)
		return SY_OK;
	p->heard = 1;
	answer(pex, ctx, peer->ref, true);
	sy_ctx_flush_stop_peer(ctx, peer->ref, SY_SEED_DONE);
	return SY_OK;
}

static uint64_t flood_gap_ns(const struct sy_pex *pex)
{
	return pex->period_ns / 3;
}

static uint64_t due_ns(const struct sy_pex *pex, const struct pex_peer *p)
{
	return p->heard_ns + flood_gap_ns(pex);
}

/* Sends what is owed and due, and sets the timer to what is due next. */
void pex_answer_owed(struct sy_pex *pex, struct sy_ctx *ctx)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx), next = UINT64_MAX;
	for (uint32_t slot = 0; slot < pex->peers_cap; slot++) {
		struct pex_peer *p = &pex->peers[slot];
		if (!p->gen || !(p->flags & PEX_OWED))
			continue;
		if (due_ns(pex, p) <= now_ns) {
			p->flags &= (uint8_t)~PEX_OWED;
			p->early = 0;
			p->heard_ns = now_ns;
			answer(pex, ctx, (struct sy_ref){slot, p->gen}, false);
		} else if (due_ns(pex, p) < next) {
			next = due_ns(pex, p);
		}
	}
	pex_set_timer(ctx, PEX_TIMER_ANSWER, next);
}

/*
 * v0.40 wakes itself with an answer and asks again at once (protocol.md 5.6). Upstream bans for it; ours answers when the gap is
 * over, so that such a node neither spins nor is lost. Who goes on asking meanwhile is a flood all the same. Source: D-20.
 */
static enum sy_err too_early(struct sy_pex *pex, struct sy_ctx *ctx, struct pex_peer *p)
{
	if (!pex->policy->forgive_poked_requests || p->early >= SY_LIMIT_PEX_EARLY)
		return SY_PEER_PEX_FLOOD;
	p->early++;
	if (!(p->flags & PEX_OWED)) {
		p->flags |= PEX_OWED;
		pex_answer_owed(pex, ctx);
	}
	return SY_OK;
}

/* The first request counts for nothing and the second is always allowed. Source: protocol.md 5.5. */
static enum sy_err receive_request(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct pex_peer *p)
{
	uint64_t now_ns = sy_ctx_now_ns(ctx);
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_PEX_REQUEST, .conn = peer->ref, .a = 1});
	if (pex->seed_mode && !peer->outbound)
		return seed_request(pex, ctx, peer, p);
	if (p->heard < 3)
		p->heard++;
	if (p->heard == 3 && (p->flags & PEX_OWED || now_ns < due_ns(pex, p)))
		return too_early(pex, ctx, p);
	if (p->heard > 1)
		p->heard_ns = now_ns;
	answer(pex, ctx, peer->ref, false);
	return SY_OK;
}

/* Who told us: what the peer advertises. Ours makes do with the socket's address when that is a name. */
static bool source_of(const struct sy_pex *pex, const struct sy_peer *peer, struct sy_netaddr *src)
{
	if (pex_peer_listens(pex, peer, src))
		return true;
	*src = peer->socket_addr;
	src->id = peer->id;
	src->flags |= SY_ADDR_HAS_ID;
	return pex->policy->use_observed_ip;
}

#define BATCH SY_BOOK_EXPECT_MAX

static uint32_t add_batch(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addrs, size_t n, const struct sy_netaddr *src)
{
	uint64_t now_s = sy_ctx_wall_s(ctx);
	uint32_t fresh = 0;
	sy_book_expect(pex->book, addrs, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t before = sy_book_counts(pex->book).total;
		enum sy_err err = sy_book_add(pex->book, &addrs[i], src, now_s);
		if (err || sy_book_counts(pex->book).total == before)
			continue; /* known, or refused: nothing that a reader of the trace waits for */
		fresh++;
		pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_BOOK_ADD, .addr = &addrs[i]});
	}
	return fresh;
}

static uint32_t add_all(struct sy_pex *pex, struct sy_ctx *ctx, struct sy_pex_reader *reader, const struct sy_netaddr *src)
{
	struct sy_netaddr batch[BATCH];
	uint32_t fresh = 0;
	for (bool more = true; more;) {
		size_t n = 0;
		while (n < BATCH && (more = sy_pex_next(reader, &batch[n])))
			n++;
		fresh += add_batch(pex, ctx, batch, n, src);
	}
	return fresh;
}

/* A crawler of ours has what it came for: the slot at the other side is worth more to others (D-26). */
static void end_crawl(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, const struct pex_peer *p)
{
	if (pex->policy->seed_serves_verified && p->flags & PEX_CRAWLED && !peer->persistent)
		sy_ctx_stop_peer(ctx, peer->ref, SY_SEED_DONE);
}

static enum sy_err receive_addrs(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct pex_peer *p,
                                 struct sy_pex_reader *reader)
{
	struct sy_netaddr src;
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_PEX_ADDRS, .conn = peer->ref, .a = 1, .b = reader->count});
	if (!(p->flags & PEX_ASKED)) {
		pex_ban(pex, ctx, &peer->socket_addr, SY_PEER_PEX_UNSOLICITED);
		return SY_PEER_PEX_UNSOLICITED;
	}
	p->flags &= (uint8_t)~PEX_ASKED;
	if (!source_of(pex, peer, &src))
		return SY_PEER_BAD_NODE_INFO;
	uint32_t got = reader->count;
	uint32_t fresh = add_all(pex, ctx, reader, &src);
	pex_learned(pex, got, fresh);
	end_crawl(pex, ctx, peer, p);
	if (!pex->seed_mode && pex_seeds_has(pex, &src))
		pex_poke(pex, ctx);
	return SY_OK;
}

enum sy_err pex_receive(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct sy_span bytes)
{
	struct sy_pex_reader reader;
	struct pex_peer *p = pex_peer_find(pex, peer->ref);
	if (!p)
		return SY_NO_MEMORY; /* there was none for its record */
	enum sy_err err = sy_pex_parse(bytes, &reader);
	if (err == SY_PEER_PEX_BAD_ADDR)
		pex_ban(pex, ctx, &peer->socket_addr, err);
	if (err)
		return err;
	switch (reader.kind) {
	case SY_PEX_REQUEST:
		err = receive_request(pex, ctx, peer, p);
		if (err)
			pex_ban(pex, ctx, &peer->socket_addr, err);
		return err;
	case SY_PEX_ADDRS:
		return receive_addrs(pex, ctx, peer, p, &reader);
	}
	return SY_PEER_BAD_MESSAGE;
}
