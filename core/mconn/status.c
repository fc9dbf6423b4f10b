/* What can be seen of a connection. Source: protocol.md 3.9. */
#include "core/mconn/internal.h"

static uint64_t average(uint64_t bytes, uint64_t age_ns)
{
	uint64_t ms = age_ns / 1000000;
	return ms ? bytes * 1000 / ms : 0;
}

/* A wait that has not ended yet was counted up to its end; what lies ahead does not count. */
static uint64_t limited(const struct sy_flow *f, const struct sy_rate *r, bool gated, uint64_t now_ns)
{
	if (!gated || !r->rate || sy_flow_wake(f, r) <= now_ns)
		return f->limited_ns;
	uint64_t ahead = sy_flow_wake(f, r) - now_ns;
	return f->limited_ns > ahead ? f->limited_ns - ahead : 0;
}

void sy_mconn_status(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns, struct sy_conn_status *status)
{
	uint64_t age = now_ns - m->born_ns;
	*status = (struct sy_conn_status){
	    .age_ns = age,
	    .sent_bytes = m->send.mon.bytes,
	    .received_bytes = m->recv.mon.bytes,
	    .send_rate_now = sy_monitor_rate(&m->send.mon, now_ns),
	    .send_rate_avg = average(m->send.mon.bytes, age),
	    .recv_rate_now = sy_monitor_rate(&m->recv.mon, now_ns),
	    .recv_rate_avg = average(m->recv.mon.bytes, age),
	    .send_limited_ns = limited(&m->send, &shared->send_limit, m->send_gated, now_ns),
	    .recv_limited_ns = limited(&m->recv, &shared->recv_limit, m->recv_gated, now_ns),
	    .ping_rtt_ns = m->rtt_ns,
	    .num_channels = m->num_channels,
	};
}

enum sy_err sy_mconn_channel_status(const struct sy_mconn *m, const struct sy_mconn_shared *shared, uint64_t now_ns, uint32_t n,
                                    struct sy_channel_status *status)
{
	if (n >= m->num_channels)
		return SY_NOT_FOUND;
	const struct sy_channel *desc = &shared->channels->channel[n];
	const struct sy_chan *c = m->channel[n];
	const struct sy_sendq *q = sy_chan_queue(m, n);
	*status = (struct sy_channel_status){
	    .id = desc->id,
	    .priority = desc->priority,
	    .queued_messages = q ? q->count : 0,
	    .queued_bytes = q ? q->bytes - q->offset : 0,
	    .send_queue_capacity = desc->send_queue_capacity,
	    .recently_sent = sy_sched_upstream_recent(m, n, now_ns),
	    .sent_bytes = c ? c->sent_bytes : 0,
	    .received_bytes = c ? c->received_bytes : 0,
	};
	return SY_OK;
}
