/*
 * Tail loss probes (RFC 8985, section 7): when nothing is heard for two round trips, new data or the last segment goes
 * out, so that SACKs start a recovery instead of a time-out.
 */
#include "sim/tcp/impl.h"

/* advancing: una has just moved, so the time-out starts anew and cannot be due before it. */
bool tcp_probe_schedule(struct sim_tcp *t, bool advancing)
{
	uint64_t wait, rto = t->rto_ns;

	if (t->packets_out == 0 || (t->ca != TCP_CA_OPEN && t->ca != TCP_CA_CWR))
		return false;
	if (t->srtt8_us == 0)
		wait = TCP_RTO_INITIAL;
	else
		wait = (t->srtt8_us >> 2) * 1000 + (t->packets_out == 1 ? TCP_RTO_MIN : TCP_TIMEOUT_MIN);
	if (!advancing)
		rto = tcp_rto_left(t);
	if (rto > 0)
		wait = min_u64(wait, rto);
	tcp_xmit_timer(t, XMIT_PROBE, tcp_ticks(t, wait));
	return true;
}

/* The segment sent last in sequence, if it is not being repaired already. */
static bool resend_last(struct sim_tcp *t)
{
	if (t->packets_out == 0)
		return false;
	const struct tcp_seg *s = tcp_seg(t, t->seg_last);
	if (s->flags & SEG_SACKED)
		return false;
	tcp_seg_split(t, t->seg_last, s->count - 1u);
	tcp_retransmit(t, t->seg_last);
	t->tlp_retrans = true;
	return true;
}

void tcp_probe_send(struct sim_tcp *t)
{
	/* One probe at a time; another one waits for the answer to the first, or for the RTO. */
	if (t->tlp_high == 0) {
		bool sent = false;

		t->tlp_retrans = false;
		if (tcp_has_unsent(t))
			sent = tcp_push_one(t);
		if (!sent)
			sent = resend_last(t);
		if (sent) {
			t->tlp_high = t->nxt;
			t->probes++;
		}
	}
	tcp_rearm_rto(t);
}

/* A probe that repaired a loss is a sign of congestion like any other: one reduction, at once and complete. */
void tcp_probe_acked(struct sim_tcp *t, uint64_t ack, uint32_t flags)
{
	if (t->tlp_high == 0 || ack < t->tlp_high)
		return;
	if (!t->tlp_retrans || (flags & ACK_DSACK)) {
		t->tlp_high = 0;
	} else if (ack > t->tlp_high) {
		tcp_reduce_init(t);
		tcp_set_ca(t, TCP_CA_CWR);
		tcp_reduce_end(t);
		tcp_keep_open(t);
	} else if (!(flags & (ACK_NOT_DUP | ACK_SACKED))) {
		t->tlp_high = 0; /* the duplicate and the original both arrived */
	}
}
