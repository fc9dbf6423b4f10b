#include "core/base/mem.h"
#include "core/pex/state.h"

#include <string.h>

/* A long list of addresses must not push out what was asked and who was banned: its records take half of the ring at most. */
static bool gives_way(const struct sy_pex *pex, enum sy_trace_kind kind)
{
	return kind == SY_TRACE_BOOK_ADD && pex->ring_len >= SY_LIMIT_PEX_TRACES / 2;
}

void pex_trace(struct sy_pex *pex, const struct sy_ctx *ctx, struct pex_event event)
{
	if (!pex->ring)
		pex->ring = sy_mem_new(pex->env, SY_LIMIT_PEX_TRACES * sizeof *pex->ring);
	if (!pex->ring || gives_way(pex, event.kind))
		return;
	if (pex->ring_len == SY_LIMIT_PEX_TRACES) {
		pex->ring_head = (pex->ring_head + 1) % SY_LIMIT_PEX_TRACES;
		pex->ring_len--;
	}
	struct sy_trace *t = &pex->ring[(pex->ring_head + pex->ring_len++) % SY_LIMIT_PEX_TRACES];
	memset(t, 0, sizeof *t);
	t->now_ns = sy_ctx_now_ns(ctx);
	t->kind = event.kind;
	t->err = event.err;
	t->conn = event.conn;
	if (event.addr)
		t->addr = *event.addr;
	t->a = event.a;
	t->b = event.b;
}

bool sy_pex_next_trace(struct sy_pex *pex, struct sy_trace *trace)
{
	if (!pex->ring_len)
		return false;
	*trace = pex->ring[pex->ring_head];
	pex->ring_head = (pex->ring_head + 1) % SY_LIMIT_PEX_TRACES;
	pex->ring_len--;
	return true;
}

void pex_ban(struct sy_pex *pex, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err why)
{
	uint64_t now_s = sy_ctx_wall_s(ctx);
	if (sy_book_mark_bad(pex->book, addr, now_s, PEX_BAN_S) == SY_OK)
		pex_trace(pex, ctx, (struct pex_event){.kind = SY_TRACE_BAN, .err = why, .addr = addr, .a = now_s + PEX_BAN_S});
}
