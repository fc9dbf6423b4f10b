#include "core/pex/state.h"
#include "core/book/intern.h"
#include "core/wire/pexmsg.h"

#include <string.h>

/* What this node hands out, as interned indices. Source: protocol.md 5.5, D-26. */
static size_t select_addrs(struct sy_pex *pex, const struct sy_ctx *ctx, bool to_newcomer, uint32_t *out)
{
	if (pex->verify)
		return sy_book_select_verified(pex->book, sy_ctx_wall_s(ctx), pex_fresh_s(pex), out);
	return to_newcomer ? sy_book_select_biased(pex->book, 30, out) : sy_book_select(pex->book, out);
}

/* Entries whose bytes are kept are copied: which is all of them in the simulator. */
static struct sy_span encode(const struct sy_addrs *addrs, const uint32_t *indices, size_t n, uint8_t *buf, size_t cap)
{
	struct sy_pex_writer w = sy_pex_writer_of(buf, cap);
	for (size_t i = 0; i < n; i++) {
		struct sy_span entry = sy_addrs_entry(addrs, indices[i]);
		if (entry.len)
			sy_pex_put_entry(&w, entry);
		else
			sy_pex_put(&w, sy_addrs_get(addrs, indices[i]));
	}
	return sy_pex_message(&w);
}

static void answer(struct sy_pex *pex, struct sy_ctx *ctx, struct sy_ref peer, bool to_newcomer)
{
	uint32_t indices[SY_PEX_SELECTION_MAX + 1];
	uint8_t buf[16 + (SY_PEX_SELECTION_MAX + 1) * SY_PEX_ADDR_MAX];
	size_t n = select_addrs(pex, ctx, to_newcomer, indices);
	struct sy_span message = encode(pex->env->addrs, indices, n, buf, sizeof buf);
	enum sy_err err = sy_ctx_try_send(ctx, peer, SY_PEX_CHANNEL, message);
	pex->counts.lists_sent += !err;
	pex->counts.addrs_sent += err ? 0 : n;
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_PEX_ADDRS, .err = err, .conn = peer, .a = 0, .b = n});
}

/* A seed answers a newcomer once and hangs up. Source: protocol.md 5.5. */
static enum sy_err seed_request(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct pex_peer *p)
{
	if (p->heard)
		return SY_OK;
	p->heard = 1;
	if (pex->verify)
		pex_slots_asked(pex, ctx, peer);
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
	pex->counts.requests++;
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

/* What a message of addresses said: to be parsed, or known[0 .. count - 1] when the process knows each of its entries by the bytes. */
struct list {
	struct sy_pex_reader reader;
	uint32_t known[SY_PEX_SELECTION_MAX + 1];
	bool all_known;
};

/* Entries that are kept are valid; a list of those alone needs no other look. False: read it in the general way. */
static bool look_up(const struct sy_pex *pex, struct sy_span bytes, struct list *list)
{
	struct sy_span rest, entry;
	uint32_t n = 0;
	if (!sy_pex_list(bytes, &rest))
		return false;
	while (n < SY_PEX_SELECTION_MAX + 1 && sy_pex_next_entry(&rest, &entry)) {
		list->known[n] = sy_addrs_find_entry(pex->env->addrs, entry);
		if (!list->known[n++])
			return false;
	}
	list->reader = (struct sy_pex_reader){.kind = SY_PEX_ADDRS, .count = n};
	return !rest.len;
}

/* Known, or refused: nothing that a reader of the trace waits for. */
static uint32_t tell_new(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, uint32_t before)
{
	if (sy_book_counts(pex->book).total == before)
		return 0;
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_BOOK_ADD, .addr = addr});
	return 1;
}

static uint32_t add_batch(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addrs, size_t n, const struct sy_netaddr *src)
{
	uint64_t now_s = sy_ctx_wall_s(ctx);
	uint32_t fresh = 0;
	sy_book_expect(pex->book, addrs, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t before = sy_book_counts(pex->book).total;
		enum sy_err err = sy_book_add(pex->book, &addrs[i], src, now_s);
		fresh += err ? 0 : tell_new(pex, ctx, &addrs[i], before);
	}
	return fresh;
}

static uint32_t add_known(struct sy_pex *pex, struct sy_ctx *ctx, const uint32_t *known, uint32_t n, uint32_t src)
{
	uint64_t now_s = sy_ctx_wall_s(ctx);
	uint32_t fresh = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (i % BATCH == 0)
			sy_book_expect_known(pex->book, known + i, n - i < BATCH ? n - i : BATCH);
		uint32_t before = sy_book_counts(pex->book).total;
		enum sy_err err = sy_book_add_known(pex->book, known[i], src, now_s);
		fresh += err ? 0 : tell_new(pex, ctx, sy_addrs_get(pex->env->addrs, known[i]), before);
	}
	return fresh;
}

/* The address that the bytes of a kept entry stand for. */
static bool next_known(const struct sy_pex *pex, struct list *list, uint32_t *at, struct sy_netaddr *addr)
{
	if (*at == list->reader.count)
		return false;
	*addr = *sy_addrs_get(pex->env->addrs, list->known[(*at)++]);
	return true;
}

static uint32_t add_all(struct sy_pex *pex, struct sy_ctx *ctx, struct list *list, const struct sy_netaddr *src)
{
	struct sy_netaddr batch[BATCH];
	uint32_t fresh = 0, at = 0;
	uint32_t teller = list->all_known ? sy_addrs_find(pex->env->addrs, src) : 0;
	if (teller)
		return add_known(pex, ctx, list->known, list->reader.count, teller);
	for (bool more = true; more;) {
		size_t n = 0;
		while (n < BATCH && (more = list->all_known ? next_known(pex, list, &at, &batch[n]) : sy_pex_next(&list->reader, &batch[n])))
			n++;
		fresh += add_batch(pex, ctx, batch, n, src);
	}
	return fresh;
}

/* A crawler of ours has what it came for: the slot at the other side is worth more to others (D-26). */
static void end_crawl(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, const struct pex_peer *p)
{
	if (pex->verify && p->flags & PEX_CRAWLED)
		pex_stop_peer(pex, ctx, peer->ref, SY_SEED_DONE);
}

static enum sy_err receive_addrs(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct pex_peer *p, struct list *list)
{
	struct sy_netaddr src;
	pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_PEX_ADDRS, .conn = peer->ref, .a = 1, .b = list->reader.count});
	if (!(p->flags & PEX_ASKED)) {
		pex_ban(pex, ctx, &peer->socket_addr, SY_PEER_PEX_UNSOLICITED);
		return SY_PEER_PEX_UNSOLICITED;
	}
	p->flags &= (uint8_t)~PEX_ASKED;
	if (!source_of(pex, peer, &src))
		return SY_PEER_BAD_NODE_INFO;
	uint32_t got = list->reader.count;
	uint32_t fresh = add_all(pex, ctx, list, &src);
	pex_learned(pex, got, fresh);
	pex->counts.lists_received++;
	pex->counts.addrs_new += fresh;
	pex->counts.crawled_ns = sy_ctx_now_ns(ctx);
	end_crawl(pex, ctx, peer, p);
	if (!pex->seed_mode && pex_seeds_has(pex, &src))
		pex_poke(pex, ctx);
	return SY_OK;
}

enum sy_err pex_receive(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_peer *peer, struct sy_span bytes)
{
	struct list list;
	struct pex_peer *p = pex_peer_find(pex, peer->ref);
	if (!p)
		return SY_NO_MEMORY; /* there was none for its record */
	list.all_known = look_up(pex, bytes, &list);
	enum sy_err err = list.all_known ? SY_OK : sy_pex_parse(bytes, &list.reader);
	if (err == SY_PEER_PEX_BAD_ADDR)
		pex_ban(pex, ctx, &peer->socket_addr, err);
	if (err)
		return err;
	switch (list.reader.kind) {
	case SY_PEX_REQUEST:
		err = receive_request(pex, ctx, peer, p);
		if (err)
			pex_ban(pex, ctx, &peer->socket_addr, err);
		return err;
	case SY_PEX_ADDRS:
		return receive_addrs(pex, ctx, peer, p, &list);
	}
	return SY_PEER_BAD_MESSAGE;
}
