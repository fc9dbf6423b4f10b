#include "sim/ops/conns.h"

#include "core/conn/conn.h"

static bool has_slot(struct sy_ref ref)
{
	return !sy_ref_is_null(ref) && ref.slot < SY_LIMIT_CONNS;
}

void ops_conns_see(struct ops_conns *conns, const struct sy_trace *t)
{
	if (!has_slot(t->conn))
		return;
	if (t->kind == SY_TRACE_DIAL)
		conns->slot[t->conn.slot].dial_gen = t->conn.gen;
	if (t->kind != SY_TRACE_CONN_STATE)
		return;
	if (t->a == SY_CONN_DIALLING && t->b == SY_CONN_CLOSED)
		conns->unopened = t->conn;
	if (t->a < SY_CONN_EPHEMERAL && t->b >= SY_CONN_EPHEMERAL) {
		conns->slot[t->conn.slot].began_gen = t->conn.gen;
		conns->slot[t->conn.slot].began_ns = t->now_ns;
	}
}

bool ops_conns_outbound(const struct ops_conns *conns, struct sy_ref ref)
{
	return has_slot(ref) && conns->slot[ref.slot].dial_gen == ref.gen;
}

bool ops_conns_unopened(const struct ops_conns *conns, struct sy_ref ref)
{
	return has_slot(ref) && sy_ref_equal(conns->unopened, ref);
}

bool ops_conns_handshake(const struct ops_conns *conns, const struct sy_trace *t, uint64_t *ns)
{
	if (!has_slot(t->conn) || conns->slot[t->conn.slot].began_gen != t->conn.gen)
		return false;
	*ns = t->now_ns - conns->slot[t->conn.slot].began_ns;
	return true;
}
