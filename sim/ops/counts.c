#include "sim/ops/counts.h"

#include "core/conn/conn.h"

/* A handshake is two round trips and some arithmetic; it is ended after 3 s (upstream) or 20 s. */
const uint64_t ops_handshake_bounds_ns[OPS_HANDSHAKE_BOUNDS] = {5000000,   10000000,   25000000,   50000000,   100000000,
                                                                250000000, 1000000000, 3000000000, 10000000000};

#define REASON_VALUE(name, value, text) SY_##name,
static const enum sy_err reasons[OPS_REASONS] = {SY_OK, SY_ERR_LIST(REASON_VALUE)};

enum sy_err ops_reason_at(size_t i)
{
	return reasons[i];
}

size_t ops_reason_index(enum sy_err err)
{
	for (size_t i = 0; i < OPS_REASONS; i++)
		if (reasons[i] == err)
			return i;
	return ops_reason_index(SY_INTERNAL);
}

uint64_t ops_reasons_sum(const struct ops_reasons *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < OPS_REASONS; i++)
		sum += r->n[i];
	return sum;
}

static void count(struct ops_reasons *r, enum sy_err err)
{
	r->n[ops_reason_index(err)]++;
}

static void state(struct ops_counts *c, const struct sy_trace *t)
{
	uint64_t ns;
	size_t way = ops_conns_outbound(&c->conns, t->conn), i = 0;

	if (t->b != SY_CONN_RUNNING || !ops_conns_handshake(&c->conns, t, &ns))
		return;
	while (i < OPS_HANDSHAKE_BOUNDS && ns > ops_handshake_bounds_ns[i])
		i++;
	c->handshakes[way][i]++;
	c->handshakes_ns[way] += ns;
}

static void pex(struct ops_counts *c, const struct sy_trace *t)
{
	size_t way = t->a != OPS_SENT;

	if (t->err != SY_OK) /* it was not sent */
		return;
	if (t->kind == SY_TRACE_PEX_REQUEST) {
		c->pex_requests[way]++;
		return;
	}
	c->pex_answers[way]++;
	c->pex_addrs[way] += t->b;
	if (way == OPS_RECEIVED)
		c->last_answer_ns = t->now_ns;
}

void ops_counts_see(struct ops_counts *c, const struct sy_trace *t)
{
	size_t way = ops_conns_outbound(&c->conns, t->conn);

	ops_conns_see(&c->conns, t);
	switch (t->kind) {
	case SY_TRACE_CONN_STATE:
		state(c, t);
		break;
	case SY_TRACE_PEER_ADDED:
		c->added[t->a != 0]++;
		break;
	case SY_TRACE_PEER_REMOVED:
		count(&c->gone[way], t->err);
		break;
	case SY_TRACE_REFUSED:
		if (!ops_conns_unopened(&c->conns, t->conn))
			count(&c->refused[way], t->err);
		break;
	case SY_TRACE_DIAL_DONE:
		count(&c->dials, t->err);
		break;
	case SY_TRACE_RECONNECT:
		c->reconnects++;
		break;
	case SY_TRACE_PEX_REQUEST:
	case SY_TRACE_PEX_ADDRS:
		pex(c, t);
		break;
	case SY_TRACE_BOOK_GONE:
		count(&c->book_gone, t->err);
		break;
	case SY_TRACE_BAN:
		count(&c->bans, t->err);
		break;
	case SY_TRACE_DROPPED:
		c->dropped[t->a & 0xff]++;
		break;
	case SY_TRACE_DIAL:
	case SY_TRACE_BOOK_ADD: /* not all of them are told */
	case SY_TRACE_MESSAGE:
		break;
	}
}
