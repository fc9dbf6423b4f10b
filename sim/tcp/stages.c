/* Stages of a link that are functions of draws and of a small state: no events, no memory. */
#include "sim/tcp/stages.h"

#define FULL_PACKET 1500u /* CoDel leaves a queue alone that holds no more */

static bool happens(uint64_t probability, uint64_t u)
{
	return u < probability || probability == UINT64_MAX;
}

static bool in_burst(const struct sim_link_stages *s, struct sim_link_state *state, const struct sim_link_draw *d)
{
	uint64_t step = sim_rand_u64(d->seed, SIM_RAND_BURST, d->entity, 2 * d->packets);
	uint64_t loss = sim_rand_u64(d->seed, SIM_RAND_BURST, d->entity, 2 * d->packets + 1);

	if (happens(state->bad ? s->to_good : s->to_bad, step))
		state->bad = !state->bad;
	return happens(state->bad ? s->loss_bad : s->loss_good, loss);
}

static bool listed(const struct sim_link_stages *s, uint64_t segment)
{
	for (uint32_t i = 0; i < s->num_drop && s->drop[i] <= segment; i++)
		if (s->drop[i] == segment)
			return true;
	return false;
}

bool sim_link_loses(const struct sim_link_stages *s, struct sim_link_state *state, const struct sim_link_draw *d, uint64_t link_packets)
{
	bool burst = s->to_bad != 0 && in_burst(s, state, d);
	bool traced = s->trace_len != 0 && s->trace[link_packets % s->trace_len] == 'x';

	return burst || traced || (d->segment != 0 && listed(s, d->segment));
}

/* interval / sqrt(count), with 16 binary places of the root. */
static uint64_t control_law(const struct sim_link_stages *s, uint64_t from_ns, uint32_t count)
{
	uint64_t root = sim_sqrt_u64((uint64_t)count << 32);

	return from_ns + (uint64_t)(((unsigned __int128)s->codel_interval_ns << 16) / root);
}

/* Whether the queue has been too long for an interval. */
static bool too_long(const struct sim_link_stages *s, struct sim_link_state *state, uint64_t at_ns, uint64_t leave_ns, uint64_t backlog)
{
	if (leave_ns - at_ns < s->codel_target_ns || backlog <= FULL_PACKET) {
		state->first_above_ns = 0;
		return false;
	}
	if (state->first_above_ns == 0) {
		state->first_above_ns = leave_ns + s->codel_interval_ns;
		return false;
	}
	return leave_ns >= state->first_above_ns;
}

static void begin_dropping(const struct sim_link_stages *s, struct sim_link_state *state, uint64_t leave_ns)
{
	uint32_t delta = state->count - state->last_count;

	state->dropping = true;
	state->count = delta > 1 && leave_ns - state->drop_next_ns < 16 * s->codel_interval_ns ? delta : 1;
	state->last_count = state->count;
	state->drop_next_ns = control_law(s, leave_ns, state->count);
}

bool sim_link_codel_drops(const struct sim_link_stages *s, struct sim_link_state *state, uint64_t at_ns, uint64_t leave_ns,
                          uint64_t backlog)
{
	if (s->codel_target_ns == 0)
		return false;
	bool ok_to_drop = too_long(s, state, at_ns, leave_ns, backlog);
	if (!state->dropping) {
		if (ok_to_drop)
			begin_dropping(s, state, leave_ns);
		return ok_to_drop;
	}
	state->dropping = ok_to_drop;
	if (!ok_to_drop || leave_ns < state->drop_next_ns)
		return false;
	state->count++;
	state->drop_next_ns = control_law(s, state->drop_next_ns, state->count);
	return true;
}

bool sim_link_duplicates(const struct sim_link_stages *s, const struct sim_link_draw *d)
{
	return s->duplicate != 0 && happens(s->duplicate, sim_rand_u64(d->seed, SIM_RAND_DUPLICATE, d->entity, d->packets));
}

uint64_t sim_link_late_ns(const struct sim_link_stages *s, const struct sim_link_draw *d)
{
	if (s->reorder == 0 || !happens(s->reorder, sim_rand_u64(d->seed, SIM_RAND_REORDER, d->entity, d->packets)))
		return 0;
	return s->reorder_by_ns;
}
