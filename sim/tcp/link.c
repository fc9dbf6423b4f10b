/* What a packet goes through on its way: loss, queue and serialiser, delay; stages.c decides about the rarer things. */
#include "sim/tcp/link.h"

#include <stdlib.h>

#define NS 1000000000ull
#define LEAST_QUEUE 45000u

struct carried {
	struct sim_tcp_packet packet;
	void *to;
	uint64_t at_ns;
};

struct sim_tcp_link {
	struct sim_event event; /* first: the next arrival */
	struct sim_engine *engine;
	struct sim_source *source;
	struct sim_tcp_link_config config;
	sim_tcp_deliver *deliver;
	struct sim_tcp_wire wire;
	struct sim_link_state state;
	uint64_t last_at_ns;
	struct carried *ring;
	uint64_t head, tail, cap;
	struct sim_tcp_link_stats stats;
};

/* ------------------------------------------------------------------ the serialiser */

uint64_t sim_tcp_wire_backlog(const struct sim_tcp_wire *w, uint64_t now_ns)
{
	if (w->busy_ns <= now_ns || w->rate_bits == 0)
		return 0;
	uint64_t left = w->busy_ns - now_ns;
	if (left < UINT64_MAX / 2 / w->rate_bits)
		return (left * w->rate_bits + 8 * NS - 1) / (8 * NS);
	return (uint64_t)(((unsigned __int128)left * w->rate_bits + 8 * NS - 1) / (8 * NS));
}

bool sim_tcp_wire_pass(struct sim_tcp_wire *w, uint64_t at_ns, uint32_t length, uint64_t *out_ns)
{
	if (w->rate_bits == 0) {
		*out_ns = at_ns;
		return true;
	}
	if (sim_tcp_wire_backlog(w, at_ns) + length > w->queue_bytes)
		return false;
	if (w->busy_ns < at_ns) {
		w->busy_ns = at_ns;
		w->busy_rest = 0;
	}
	uint64_t work = length * 8 * NS + w->busy_rest; /* a length of 65,535 leaves room for 17 Tbit/s */
	w->busy_ns += work / w->rate_bits;
	w->busy_rest = work % w->rate_bits;
	*out_ns = w->busy_ns;
	return true;
}

/* How many segments of a packet the queue has room for. */
static uint32_t fitting(const struct sim_tcp_wire *w, uint64_t at_ns, const struct sim_tcp_packet *p)
{
	uint64_t backlog = sim_tcp_wire_backlog(w, at_ns), each = (uint64_t)p->mss + SIM_TCP_HEADER;
	uint64_t room = w->queue_bytes > backlog ? w->queue_bytes - backlog : 0;

	if (w->rate_bits == 0 || sim_tcp_length(p) <= room)
		return sim_tcp_segments(p);
	uint32_t rest = sim_tcp_length(p) - sim_tcp_segments(p) * SIM_TCP_HEADER - p->len; /* the SACKs */
	return p->count <= 1 || room < rest ? 0 : (uint32_t)((room - rest) / each);
}

uint32_t sim_tcp_wire_take(struct sim_tcp_wire *w, uint64_t at_ns, struct sim_tcp_packet *p, uint64_t *out_ns)
{
	uint32_t n = fitting(w, at_ns, p);

	if (n == 0)
		return 0;
	*p = sim_tcp_cut(p, 0, n);
	return sim_tcp_wire_pass(w, at_ns, sim_tcp_length(p), out_ns) ? n : 0;
}

/* ------------------------------------------------------------------ making */

uint64_t sim_tcp_link_queue(const struct sim_tcp_link_config *config)
{
	if (config->queue_bytes != 0)
		return config->queue_bytes;
	uint64_t rtt = 2 * sim_dist_base_ns(&config->delay);
	uint64_t bdp = (uint64_t)((unsigned __int128)config->rate_bits * rtt / (8 * NS));
	return bdp > LEAST_QUEUE ? bdp : LEAST_QUEUE;
}

#define SMALL_RING 8u /* kept when empty */

/* An idle link holds no memory for packets. */
static void give_back(struct sim_tcp_link *l)
{
	if (l->head != l->tail || l->cap <= SMALL_RING)
		return;
	free(l->ring);
	l->ring = NULL;
	l->cap = 0;
}

static void arrive(struct sim_event *event, uint64_t now_ns)
{
	struct sim_tcp_link *l = (struct sim_tcp_link *)event;
	struct carried c = l->ring[l->head++ & (l->cap - 1)];

	if (l->head != l->tail)
		(void)sim_engine_schedule(l->engine, l->source, event, SIM_DELIVERY, l->ring[l->head & (l->cap - 1)].at_ns);
	else
		give_back(l);
	l->deliver(c.to, &c.packet);
}

struct sim_tcp_link *sim_tcp_link_new(struct sim_engine *engine, struct sim_source *source, const struct sim_tcp_link_config *config,
                                      sim_tcp_deliver *deliver)
{
	struct sim_tcp_link *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->event.handler = arrive;
	l->engine = engine;
	l->source = source;
	l->deliver = deliver;
	sim_tcp_link_configure(l, config);
	return l;
}

void sim_tcp_link_configure(struct sim_tcp_link *l, const struct sim_tcp_link_config *config)
{
	l->config = *config;
	l->wire.rate_bits = config->rate_bits;
	l->wire.queue_bytes = sim_tcp_link_queue(config);
}

size_t sim_tcp_link_memory(void)
{
	return sizeof(struct sim_tcp_link);
}

void sim_tcp_link_free(struct sim_tcp_link *l)
{
	if (l == NULL)
		return;
	sim_engine_cancel(l->engine, &l->event);
	free(l->ring);
	free(l);
}

static bool grow(struct sim_tcp_link *l)
{
	uint64_t cap = l->cap == 0 ? 4 : l->cap * 2;
	struct carried *ring = calloc(cap, sizeof *ring);

	if (ring == NULL)
		return false;
	for (uint64_t n = l->head; n != l->tail; n++)
		ring[n & (cap - 1)] = l->ring[n & (l->cap - 1)];
	free(l->ring);
	l->ring = ring;
	l->cap = cap;
	return true;
}

uint64_t sim_tcp_link_backlog(const struct sim_tcp_link *l, uint64_t now_ns)
{
	return sim_tcp_wire_backlog(&l->wire, now_ns);
}

/* ------------------------------------------------------------------ losing */

/* The chance that one of n segments is lost: 1 - (1 - p)^n, times 2^64. */
static uint64_t loss_of(uint64_t p, uint32_t n)
{
	uint64_t keep = UINT64_MAX, factor = UINT64_MAX - p;

	if (n <= 1)
		return n == 0 ? 0 : p;
	for (; n != 0; n >>= 1) {
		if (n & 1)
			keep = (uint64_t)((unsigned __int128)keep * factor >> 64);
		factor = (uint64_t)((unsigned __int128)factor * factor >> 64);
	}
	return UINT64_MAX - keep;
}

/* How many of n segments pass before the first that is lost: one draw decides, by the distribution of that number. */
static uint32_t passing_alone(uint64_t p, uint64_t u, uint32_t n)
{
	uint32_t low = 0, high = n;

	if (u >= loss_of(p, n))
		return n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (u < loss_of(p, middle + 1))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* What decides about independent loss; without any, a number above every chance of it. */
static uint64_t loss_draw(const struct sim_tcp_link *l, const struct sim_tcp_lane *lane)
{
	return l->config.loss == 0 ? UINT64_MAX : sim_rand_u64(l->engine->seed, SIM_RAND_LOSS, lane->entity, lane->packets);
}

/* Where a stage decides about each packet, a train is looked at segment by segment. */
static uint32_t passing_stages(struct sim_tcp_link *l, struct sim_tcp_lane *lane, uint32_t n, bool data)
{
	uint32_t passed = 0;

	for (bool lost = false; passed < n && !lost; passed += !lost) {
		lane->segments += data;
		const struct sim_link_draw d = {l->engine->seed, lane->entity, lane->packets, data ? lane->segments : 0};
		bool alone = loss_draw(l, lane) < l->config.loss;
		lost = sim_link_loses(l->config.stages, &l->state, &d, l->stats.packets++) || alone;
		lane->packets++;
	}
	return passed;
}

/* How many of the next n segments pass before one that is lost; n: all. */
static uint32_t passing(struct sim_tcp_link *l, struct sim_tcp_lane *lane, uint32_t n, bool data)
{
	if (l->config.stages != NULL)
		return passing_stages(l, lane, n, data);
	uint32_t passed = passing_alone(l->config.loss, loss_draw(l, lane), n);
	uint32_t seen = passed + (passed < n);
	lane->segments += data ? seen : 0;
	l->stats.packets += seen;
	lane->packets++;
	return passed;
}

/* ------------------------------------------------------------------ sending */

/* Draws of a second copy stand beside those of packets. */
static uint64_t delay_ns(const struct sim_tcp_link *l, const struct sim_link_draw *d, bool copy)
{
	return sim_dist_draw_ns(&l->config.delay, d->seed, copy ? SIM_RAND_DUPLICATE : SIM_RAND_LATENCY, d->entity,
	                        d->packets + (copy ? 1ull << 40 : 0));
}

/* In the order of arrival: whoever overtakes moves to the front of those that arrive later. */
static bool put(struct sim_tcp_link *l, const struct sim_tcp_packet *p, void *to, uint64_t at)
{
	if (l->tail - l->head == l->cap && !grow(l))
		return false;
	uint64_t n = l->tail++;

	for (; n > l->head && l->ring[(n - 1) & (l->cap - 1)].at_ns > at; n--)
		l->ring[n & (l->cap - 1)] = l->ring[(n - 1) & (l->cap - 1)];
	l->ring[n & (l->cap - 1)] = (struct carried){*p, to, at};
	if (n != l->head && sim_event_queued(&l->event))
		return true;
	uint64_t next = l->ring[l->head & (l->cap - 1)].at_ns;
	/* without memory for the event a later packet's sending schedules it anew */
	(void)sim_engine_schedule(l->engine, l->source, &l->event, SIM_DELIVERY, next > l->engine->now_ns ? next : l->engine->now_ns);
	return true;
}

/* Takes from a train what CoDel drops: one segment each time that it wants one. The number that is left. */
static uint32_t spared(struct sim_tcp_link *l, const struct sim_tcp_packet *p, uint32_t from, uint32_t n, uint64_t at_ns)
{
	const struct sim_link_stages *stages = l->config.stages;
	uint64_t leave = l->wire.busy_ns > at_ns ? l->wire.busy_ns : at_ns, backlog = sim_tcp_wire_backlog(&l->wire, at_ns);

	if (stages == NULL)
		return n;
	while (n != 0) {
		struct sim_tcp_packet piece = sim_tcp_cut(p, from, n);

		if (!sim_link_codel_drops(stages, &l->state, at_ns, leave, backlog + sim_tcp_length(&piece)))
			break;
		from++;
		n--;
	}
	return n;
}

/* Puts a packet on its way behind the serialiser, in its place unless it may leave it. False: no memory. */
static bool propagate(struct sim_tcp_link *l, const struct sim_tcp_packet *p, void *to, uint64_t at, uint64_t late_ns)
{
	if (!l->config.reorder && at < l->last_at_ns)
		at = l->last_at_ns;
	if (!put(l, p, to, at + late_ns))
		return false;
	l->last_at_ns = at;
	return true;
}

/* Segments of a packet that nothing has lost, from one on: the queue's end, the wire, the delay. */
static void carry(struct sim_tcp_link *l, const struct sim_tcp_lane *lane, const struct sim_link_draw *d,
                  const struct sim_tcp_packet *piece, uint64_t at_ns, struct sim_tcp_fate *fate)
{
	const struct sim_link_stages *stages = l->config.stages;
	uint32_t whole = sim_tcp_segments(piece);
	uint64_t out;

	uint32_t left = spared(l, piece, 0, whole, at_ns);
	struct sim_tcp_packet p = sim_tcp_cut(piece, whole - left, left);
	uint32_t n = left == 0 ? 0 : sim_tcp_wire_take(&l->wire, at_ns, &p, &out);
	fate->dropped += whole - n;
	if (n == 0)
		return;
	uint64_t late = stages != NULL ? sim_link_late_ns(stages, d) : 0;
	if (!propagate(l, &p, lane->to, out + delay_ns(l, d, false), late)) {
		fate->dropped += n;
		return;
	}
	l->stats.bytes += sim_tcp_length(&p);
	fate->carried++;
	fate->arrival_ns = l->last_at_ns + late;
	if (stages != NULL && sim_link_duplicates(stages, d) && propagate(l, &p, lane->to, out + delay_ns(l, d, true), 0))
		fate->doubled++;
}

struct sim_tcp_fate sim_tcp_link_send(struct sim_tcp_link *l, struct sim_tcp_lane *lane, const struct sim_tcp_packet *p, uint64_t at_ns)
{
	uint32_t count = sim_tcp_segments(p);
	struct sim_tcp_fate fate = {0};

	for (uint32_t at = 0; at < count; at++) {
		const struct sim_link_draw d = {l->engine->seed, lane->entity, lane->packets, 0};
		uint32_t n = passing(l, lane, count - at, p->len != 0);

		if (n != 0) {
			struct sim_tcp_packet piece = sim_tcp_cut(p, at, n);

			carry(l, lane, &d, &piece, at_ns, &fate);
		}
		at += n;
		fate.lost += at < count;
	}
	l->stats.lost += fate.lost;
	l->stats.dropped += fate.dropped;
	return fate;
}

void sim_tcp_link_stats(const struct sim_tcp_link *l, struct sim_tcp_link_stats *stats)
{
	*stats = l->stats;
}
