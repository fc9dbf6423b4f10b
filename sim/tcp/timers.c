/*
 * One event an endpoint carries all its timers. A deadline that moves later leaves the event where it is: it fires, sees
 * that nothing is due and goes back, so that acknowledgements seldom touch the queue.
 *
 * Coarse timers run on ticks as the kernel's wheel does: never early, at the first tick behind the deadline for up to 63
 * ticks, on every 8th tick up to 504, every 64th beyond. The grain delays a time-out by up to 13 %, which measured delays
 * of lost SYNs show.
 */
#include "sim/tcp/impl.h"

/* Without memory for a timer the connection cannot go on: that is told as one that got no answer. */
static void schedule(struct sim_tcp *t, uint64_t at_ns)
{
	if (!sim_engine_schedule(t->engine, t->source, &t->event, SIM_TIMER, max_u64(at_ns, tcp_now(t))))
		tcp_give_up(t, SIM_TCP_TIMEOUT);
}

static void arm(struct sim_tcp *t)
{
	uint64_t at = TCP_NEVER;

	for (int i = 0; i < TIMERS; i++)
		at = min_u64(at, t->due_ns[i]);
	if (at == TCP_NEVER || (sim_event_queued(&t->event) && t->event.at_ns <= at))
		return;
	schedule(t, at);
}

static void xmit_fired(struct sim_tcp *t)
{
	enum tcp_xmit what = t->xmit;

	if (what != XMIT_REORDER)
		t->xmit = XMIT_NONE; /* which one stood tells tcp_rearm_rto where the time-out began */
	switch (what) {
	case XMIT_NONE:
		break;
	case XMIT_RTO:
		tcp_rto_fired(t);
		break;
	case XMIT_PROBE:
		tcp_probe_send(t);
		break;
	case XMIT_REORDER:
		tcp_rack_timeout(t);
		break;
	case XMIT_ZERO_WINDOW:
		tcp_zero_window_fired(t);
		break;
	}
}

static void pace_fired(struct sim_tcp *t)
{
	if (t->lost_out > t->retrans_out)
		tcp_retransmit_queue(t);
	tcp_push(t);
}

static void fire(struct sim_tcp *t, enum tcp_timer which)
{
	switch (which) {
	case TIMER_XMIT:
		xmit_fired(t);
		break;
	case TIMER_DELACK:
		tcp_delack_fired(t);
		break;
	case TIMER_COMPRESS:
		if (t->compressed > 0)
			tcp_send_ack(t);
		break;
	case TIMER_PACE:
		pace_fired(t);
		break;
	case TIMER_KEEPALIVE:
		tcp_keepalive_fired(t);
		break;
	case TIMER_STATE:
		tcp_state_fired(t);
		break;
	case TIMERS:
		break;
	}
}

static void fired(struct sim_event *event, uint64_t now_ns)
{
	struct sim_tcp *t = (struct sim_tcp *)event;

	for (int i = 0; i < TIMERS; i++) {
		if (t->due_ns[i] > now_ns)
			continue;
		t->due_ns[i] = TCP_NEVER;
		fire(t, (enum tcp_timer)i);
	}
	arm(t);
	tcp_tell(t);
}

void tcp_timers_init(struct sim_tcp *t)
{
	t->event.handler = fired;
	for (int i = 0; i < TIMERS; i++)
		t->due_ns[i] = TCP_NEVER;
	if (t->config.tick_ns != 0)
		t->tick_phase_ns = sim_rand_below(t->engine->seed, SIM_RAND_SYN, t->entity, 0, t->config.tick_ns);
}

void tcp_timer_exact(struct sim_tcp *t, enum tcp_timer which, uint64_t at_ns)
{
	t->due_ns[which] = at_ns;
	if (!sim_event_queued(&t->event) || t->event.at_ns > at_ns)
		schedule(t, at_ns);
}

uint64_t tcp_ticks(const struct sim_tcp *t, uint64_t ns)
{
	uint64_t tick = t->config.tick_ns;

	return tick == 0 ? ns : (ns + tick - 1) / tick * tick;
}

uint64_t tcp_tick_time(const struct sim_tcp *t)
{
	uint64_t tick = t->config.tick_ns, now = tcp_now(t) + t->tick_phase_ns;

	return tick == 0 ? now : now - now % tick;
}

/* The level of the wheel: each is eight times as coarse as the one below and begins 63 of its slots away. */
static uint64_t wheel(uint64_t now_ticks, uint64_t delta_ticks)
{
	unsigned shift = 0;

	while (shift < 24 && delta_ticks >= 63ull << shift)
		shift += 3;
	return (((now_ticks + delta_ticks) >> shift) + 1) << shift;
}

void tcp_timer_coarse(struct sim_tcp *t, enum tcp_timer which, uint64_t delay_ns)
{
	uint64_t tick = t->config.tick_ns;

	if (tick == 0) {
		tcp_timer_exact(t, which, tcp_now(t) + delay_ns);
		return;
	}
	uint64_t ticks = wheel((tcp_now(t) + t->tick_phase_ns) / tick, (delay_ns + tick - 1) / tick);
	tcp_timer_exact(t, which, ticks * tick - t->tick_phase_ns);
}

void tcp_timer_stop(struct sim_tcp *t, enum tcp_timer which)
{
	t->due_ns[which] = TCP_NEVER;
}

void tcp_xmit_timer(struct sim_tcp *t, enum tcp_xmit what, uint64_t delay_ns)
{
	t->xmit = what;
	if (what == XMIT_NONE)
		tcp_timer_stop(t, TIMER_XMIT);
	else
		tcp_timer_coarse(t, TIMER_XMIT, delay_ns);
}
