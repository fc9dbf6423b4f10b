/*
 * Start-time fair queueing (D-02). Each channel has a virtual start time for its next packet; the earliest goes first
 * and moves the channel's time on by size / priority. A channel that wakes begins at the virtual time of the packet
 * chosen last: it gets its share from now on and no credit for its silence.
 */
#include "core/mconn/internal.h"

/* Virtual time is bytes at priority 1 with 24 binary places. */
enum { FRACTION_BITS = 24 };
#define RENORMALISE_AT (1ull << 62)

/* Times only matter against each other, so they are moved back together long before they could wrap. */
static void renormalise(struct sy_mconn *m)
{
	for (uint32_t i = 0; i < m->num_channels; i++) {
		struct sy_chan *c = m->channel[i];
		if (c)
			c->tag = c->tag > m->vtime ? c->tag - m->vtime : 0;
	}
	m->vtime = 0;
}

int sy_sched_fair_among(struct sy_mconn *m)
{
	uint32_t mask = m->active;
	SY_ASSERT(mask);
	int best = __builtin_ctz(mask);
	/* In order of registration and by strict comparison: the first of equals wins. */
	for (mask &= mask - 1; mask; mask &= mask - 1) {
		int i = __builtin_ctz(mask);
		if (m->channel[i]->tag < m->channel[best]->tag)
			best = i;
	}
	return best;
}

void sy_sched_fair_charge(struct sy_mconn *m, uint32_t i, uint32_t priority, size_t size)
{
	SY_ASSERT(priority > 0);
	m->vtime = m->channel[i]->tag;
	m->channel[i]->tag += ((uint64_t)size << FRACTION_BITS) / priority;
	if (m->vtime >= RENORMALISE_AT)
		renormalise(m);
}
