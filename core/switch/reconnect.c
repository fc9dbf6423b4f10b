/*
 * The loop that gets persistent peers back (and others that went with a transient error). Source: protocol.md 4.8, 4.9;
 * D-15 to D-17, D-35.
 *
 *   IDLE ──start──> WAITING ──due──> (RESOLVING ──>) DIALLING ──added──> IDLE
 *    ^                 ^                  └──failed──┴──failed──┐
 *    └──given up───────┴────────────────────────────────────────┘
 */
#include "core/switch/switch.h"

#include "core/base/assert.h"

#include <string.h>

#define STEADY_ATTEMPTS 20u  /* 5 s apart */
#define GROWING_ATTEMPTS 10u /* then 3^i s apart; upstream gives up after them */
#define STEADY_WAIT_NS (5 * SY_SECOND)
#define DEFAULT_CAP_NS (60 * SY_SECOND) /* D-15, unless persistent_peers_max_dial_period says otherwise */
#define JITTER_MS 3000u
#define SHORT_LIFE_NS (10 * SY_SECOND) /* of a connection that was of no use (D-35) */

static uint32_t index_of(const struct sy_switch *sw, const struct sy_redial *r)
{
	return (uint32_t)(r - sw->redials);
}

static uint64_t jitter(struct sy_switch *sw, struct sy_redial *r)
{
	uint64_t entity = sy_entity_of_id(sw->entity, &r->addr.id);
	struct sy_rng rng;
	sy_rng_init(&rng, r->initial ? SY_RAND_DIAL_JITTER : SY_RAND_RECONNECT, entity);
	rng.counter = r->draws;
	uint64_t ms = sy_rng_below(&rng, sw->env, JITTER_MS);
	r->draws = rng.counter;
	return ms * SY_MILLISECOND;
}

/* Entries beyond the list's exist for one loop only; the highest idle ones go. */
static void trim(struct sy_switch *sw)
{
	while (sw->num_redials > sw->num_persistent && sw->redials[sw->num_redials - 1].state == SY_REDIAL_IDLE)
		sw->num_redials--;
}

static void end(struct sy_switch *sw, struct sy_redial *r)
{
	r->state = SY_REDIAL_IDLE;
	r->initial = false;
	r->attempts = 0;
	enum sy_err none = sy_timers_set(&sw->redial_timers, sw->env, index_of(sw, r), SY_NEVER);
	SY_ASSERT(none == SY_OK);
	trim(sw);
}

static void trace_wait(struct sy_switch *sw, const struct sy_redial *r, uint64_t wait_ns)
{
	struct sy_trace t = {.kind = SY_TRACE_RECONNECT, .addr = r->addr, .a = r->attempts, .b = wait_ns};
	sy_switch_trace(sw, &t);
}

/* Timers of the list have their room; another loop ends when there is no memory for its timer. */
static void wait_for(struct sy_switch *sw, struct sy_redial *r, uint64_t wait_ns)
{
	r->state = SY_REDIAL_WAITING;
	if (sy_timers_set(&sw->redial_timers, sw->env, index_of(sw, r), sw->now_ns + wait_ns)) {
		end(sw, r);
		return;
	}
	trace_wait(sw, r, wait_ns);
}

static uint64_t power_wait(uint32_t i, uint64_t cap_ns)
{
	uint64_t s = 1;
	for (uint32_t k = 0; k < i && s * SY_SECOND < cap_ns; k++)
		s *= 3;
	return s * SY_SECOND < cap_ns ? s * SY_SECOND : cap_ns;
}

static uint64_t cap_of(const struct sy_switch *sw)
{
	if (!sw->policy->reconnect_forever)
		return SY_NEVER / 2;
	return sw->config.persistent_peers_max_dial_period_ns ? sw->config.persistent_peers_max_dial_period_ns : DEFAULT_CAP_NS;
}

/* The wait before the next dial, when `attempts` dials of the loop have failed; SY_NEVER: give up. */
static uint64_t next_wait(struct sy_switch *sw, struct sy_redial *r)
{
	uint32_t n = r->attempts;
	if (!sw->policy->reconnect_forever && n >= STEADY_ATTEMPTS + GROWING_ATTEMPTS)
		return SY_NEVER;
	uint64_t wait = jitter(sw, r);
	if (n < STEADY_ATTEMPTS)
		return wait + STEADY_WAIT_NS;
	uint32_t i = n - STEADY_ATTEMPTS + 1;
	wait += power_wait(i > 30 ? 30 : i, cap_of(sw));
	if (n == STEADY_ATTEMPTS && !sw->policy->reconnect_forever) {
		/* Upstream sleeps after its 20th dial too, before the growing waits begin. */
		uint64_t again = jitter(sw, r);
		wait += STEADY_WAIT_NS + again;
	}
	return wait;
}

/* The loop proper begins with a dial at once. */
static void begin(struct sy_switch *sw, struct sy_redial *r)
{
	r->initial = false;
	r->attempts = 0;
	wait_for(sw, r, 0);
}

static void failed(struct sy_switch *sw, struct sy_redial *r)
{
	if (r->initial) {
		begin(sw, r);
		return;
	}
	r->attempts++;
	uint64_t wait = next_wait(sw, r);
	if (wait == SY_NEVER)
		end(sw, r);
	else
		wait_for(sw, r, wait);
}

/* Who hung up twice as soon as we had come, such as a seed that has answered, does so again: upstream comes back at once, for ever. */
static void begin_later(struct sy_switch *sw, struct sy_redial *r)
{
	r->initial = false;
	r->attempts = 0;
	uint64_t wait = jitter(sw, r);
	wait_for(sw, r, wait + STEADY_WAIT_NS);
}

static struct sy_redial *by_id(const struct sy_switch *sw, const struct sy_id *id)
{
	for (uint32_t i = 0; i < sw->num_redials; i++)
		if (memcmp(&sw->redials[i].addr.id, id, sizeof *id) == 0)
			return &sw->redials[i];
	return NULL;
}

/* The running loop of this id, or null. Upstream: one an id. */
static struct sy_redial *running_loop(const struct sy_switch *sw, const struct sy_id *id)
{
	for (uint32_t i = 0; i < sw->num_redials; i++)
		if (sw->redials[i].state != SY_REDIAL_IDLE && memcmp(&sw->redials[i].addr.id, id, sizeof *id) == 0)
			return &sw->redials[i];
	return NULL;
}

/* An entry for a peer that is not in the list. Null: no room; then nobody redials it. */
static struct sy_redial *extra_entry(struct sy_switch *sw, const struct sy_netaddr *addr)
{
	struct sy_redial *r = by_id(sw, &addr->id);
	if (!r) {
		if (sw->num_redials >= SY_LIMIT_PERSISTENT + SY_LIMIT_DIALS ||
		    !sy_mem_grow(sw->env, (void **)&sw->redials, &sw->redials_cap, sw->num_redials + 1, sizeof *sw->redials))
			return NULL;
		r = &sw->redials[sw->num_redials++];
		memset(r, 0, sizeof *r);
	}
	if (!r->host)
		r->addr = *addr;
	r->resolved = true;
	return r;
}

static void dial(struct sy_switch *sw, struct sy_redial *r)
{
	enum sy_err err = sy_switch_dial(sw, &r->addr, SY_ORIGIN_RECONNECT, NULL);
	if (!err) {
		r->state = SY_REDIAL_DIALLING;
		return;
	}
	bool ours = sy_switch_peer_by_id(sw, &r->addr.id) || sy_switch_dialling_id(sw, &r->addr.id);
	if (err == SY_NOT_RUNNING || ours || (err == SY_DIALLING_OR_CONNECTED && !sw->policy->reconnect_past_ip_twin))
		end(sw, r);
	else
		failed(sw, r);
}

static void resolve(struct sy_switch *sw, struct sy_redial *r)
{
	struct sy_lookup what = {.who = SY_LOOKUP_PERSISTENT, .persistent = index_of(sw, r)};
	r->state = SY_REDIAL_RESOLVING;
	if (sy_switch_lookup(sw, &what, r->host))
		failed(sw, r);
}

void sy_switch_redial_due(struct sy_switch *sw, uint32_t index)
{
	if (index >= sw->num_redials || sw->redials[index].state != SY_REDIAL_WAITING)
		return;
	struct sy_redial *r = &sw->redials[index];
	bool again = r->host && sw->policy->resolve_on_redial && !r->initial;
	if (!sy_switch_running(sw))
		end(sw, r);
	else if (!r->resolved || again)
		resolve(sw, r);
	else
		dial(sw, r);
}

/* Source: protocol.md 4.8: our own address as source, so that the book gossips them; then a save. */
static void into_book(struct sy_switch *sw, const struct sy_netaddr *addr)
{
	if (!sw->own_addr.flags || memcmp(&addr->id, &sw->id, sizeof sw->id) == 0)
		return;
	enum sy_err err = sy_book_add(sw->book, addr, &sw->own_addr, sy_switch_wall_s(sw));
	if (err == SY_OK)
		sw->save_book = sw->news = true;
}

static void begin_initial(struct sy_switch *sw, struct sy_redial *r)
{
	if (memcmp(&r->addr.id, &sw->id, sizeof sw->id) == 0)
		return;
	into_book(sw, &r->addr);
	r->initial = true;
	uint64_t wait = jitter(sw, r);
	wait_for(sw, r, wait);
}

/*
 * Each failed dial moves on to the next address of the name; one that connects is kept to (D-17). Upstream looks up once, before
 * any dial, and so has the first. ips: whole addresses of 16 bytes. Null: there is none.
 */
static const uint8_t *answer_in_turn(const struct sy_redial *r, struct sy_span ips)
{
	size_t n = ips.len / 16;
	if (n > SY_LIMIT_RESOLVED)
		n = SY_LIMIT_RESOLVED;
	return n ? ips.ptr + 16 * (r->turn % n) : NULL;
}

void sy_switch_redial_resolved(struct sy_switch *sw, uint32_t index, struct sy_span ips)
{
	if (index >= sw->num_redials || sw->redials[index].state != SY_REDIAL_RESOLVING)
		return;
	struct sy_redial *r = &sw->redials[index];
	bool first = !r->resolved;
	const uint8_t *ip = answer_in_turn(r, ips);
	if (ip) {
		memcpy(r->addr.ip, ip, sizeof r->addr.ip);
		r->resolved = true;
		if (first && r->initial)
			begin_initial(sw, r);
		else
			dial(sw, r);
	} else if (!sw->policy->resolve_on_redial) {
		/* Upstream resolves once: a name that fails then is no persistent peer (protocol.md 4.8). */
		r->gone = true;
		end(sw, r);
	} else {
		failed(sw, r);
	}
}

void sy_switch_dial_persistent(struct sy_switch *sw)
{
	for (uint32_t i = 0; i < sw->num_persistent; i++) {
		struct sy_redial *r = &sw->redials[i];
		if (r->resolved) {
			begin_initial(sw, r);
			continue;
		}
		r->initial = true;
		resolve(sw, r);
	}
}

static bool is_graceful(enum sy_err reason)
{
	return reason == SY_STOPPED || reason == SY_SEED_DONE;
}

void sy_switch_reconnect(struct sy_switch *sw, const struct sy_slot *s, enum sy_err reason)
{
	bool persistent = s->flags & SY_SLOT_PERSISTENT;
	/* Upstream wraps the reason in an error type of its own; here the band "try again" says the same. */
	bool transient = sw->policy->reconnect_transient && sy_err_is_transient(reason);
	if (!sy_switch_running(sw) || is_graceful(reason) || !(persistent || transient))
		return;
	if (running_loop(sw, &s->remote.id))
		return;
	struct sy_netaddr addr = s->conn.outbound ? s->remote : sy_switch_reported(s);
	struct sy_redial *r = persistent ? by_id(sw, &s->remote.id) : NULL;
	if (!r && addr.flags)
		r = extra_entry(sw, &addr);
	if (!r)
		return;
	bool again = r->was_short;
	r->was_short = sw->now_ns - s->connected_at_ns < SHORT_LIFE_NS;
	if (again && r->was_short && sw->policy->reconnect_patiently)
		begin_later(sw, r);
	else
		begin(sw, r);
}

/* Does a failed dial begin the loop? Only of persistent peers, and not when we dialled ourselves. */
static struct sy_redial *wanted_after(struct sy_switch *sw, const struct sy_slot *s, enum sy_err err)
{
	if (err == SY_PEER_SELF || is_graceful(err) || !sy_switch_running(sw))
		return NULL;
	return sy_switch_persistent(sw, &s->remote);
}

void sy_switch_redial_outcome(struct sy_switch *sw, const struct sy_slot *s, enum sy_err err)
{
	struct sy_redial *r = running_loop(sw, &s->remote.id);
	bool of_loop = r && r->state == SY_REDIAL_DIALLING && s->origin == SY_ORIGIN_RECONNECT;
	bool hopeless = !sy_switch_running(sw) || (err == SY_PEER_SELF && (sw->policy->reconnect_forever || (r && r->initial)));
	if (of_loop && (!err || hopeless)) {
		end(sw, r);
	} else if (of_loop) {
		r->turn++;
		failed(sw, r);
	} else if (!r && err && (r = wanted_after(sw, s, err))) {
		begin(sw, r);
	}
}

void sy_switch_redials_stop(struct sy_switch *sw)
{
	for (uint32_t i = sw->num_redials; i-- > 0;)
		end(sw, &sw->redials[i]);
}
