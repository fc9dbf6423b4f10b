/* What all connections of a node have in common to tell: bytes of those that ended, and how long messages waited. */
#include "core/mconn/internal.h"

/* From what a vote may wait without harm to what no timeout of a round survives. */
const uint64_t sy_wait_bounds_ns[SY_WAIT_BOUNDS] = {SY_WAIT_SHORT_NS, 5000000, 25000000, 100000000, 500000000, 2500000000, 10000000000};

bool sy_totals_ready(struct sy_mconn_shared *shared)
{
	if (!shared->totals)
		shared->totals = sy_mem_new(shared->env, shared->channels->count * sizeof *shared->totals);
	return shared->totals;
}

void sy_totals_fini(struct sy_mconn_shared *shared)
{
	sy_mem_free(shared->env, shared->totals, shared->channels->count * sizeof *shared->totals);
	shared->totals = NULL;
}

void sy_totals_end(const struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	shared->ended.sent_bytes += m->send.mon.bytes;
	shared->ended.received_bytes += m->recv.mon.bytes;
	shared->ended.send_limited_ns += m->send.limited_ns;
	shared->ended.recv_limited_ns += m->recv.limited_ns;
	for (uint32_t i = 0; i < m->num_channels; i++) {
		if (!m->channel[i])
			continue;
		shared->totals[i].sent_bytes += m->channel[i]->sent_bytes;
		shared->totals[i].received_bytes += m->channel[i]->received_bytes;
	}
}

enum sy_err sy_mconn_channel_totals(const struct sy_mconn_shared *shared, uint32_t n, struct sy_channel_totals *totals)
{
	if (n >= shared->channels->count)
		return SY_NOT_FOUND;
	*totals = shared->totals ? shared->totals[n] : (struct sy_channel_totals){0};
	totals->id = shared->channels->channel[n].id;
	return SY_OK;
}
