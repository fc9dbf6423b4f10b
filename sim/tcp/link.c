/* The rig's link: what a packet goes through on its way. */
#include "sim/tcp/link.h"

#include <stdlib.h>

#define NS 1000000000ull
#define LEAST_QUEUE 45000u

struct carried {
	struct sim_tcp_packet packet;
	uint64_t at_ns;
};

struct sim_tcp_link {
	struct sim_event event; /* first: the next arrival */
	struct sim_engine *engine;
	struct sim_source *source;
	struct sim_tcp_link_config config;
	sim_tcp_deliver *deliver;
	void *user;
	uint64_t entity, queue_bytes;
	uint64_t busy_ns;   /* until when the serialiser works */
	uint64_t busy_rest; /* of a nanosecond, in 1 / rate_bits: so that no time is lost by rounding */
	uint64_t last_at_ns;
	struct carried *ring;
	uint64_t head, tail, cap;
	struct sim_tcp_link_stats stats;
};

uint64_t sim_tcp_link_queue(const struct sim_tcp_link_config *config)
{
	if (config->queue_bytes != 0)
		return config->queue_bytes;
	uint64_t bdp = (uint64_t)((unsigned __int128)config->rate_bits * 2 * config->delay_ns / (8 * NS));
	return bdp > LEAST_QUEUE ? bdp : LEAST_QUEUE;
}

static void arrive(struct sim_event *event, uint64_t now_ns)
{
	struct sim_tcp_link *l = (struct sim_tcp_link *)event;
	struct sim_tcp_packet p = l->ring[l->head++ & (l->cap - 1)].packet;

	if (l->head != l->tail)
		(void)sim_engine_schedule(l->engine, l->source, event, SIM_DELIVERY, l->ring[l->head & (l->cap - 1)].at_ns);
	l->deliver(l->user, &p);
}

struct sim_tcp_link *sim_tcp_link_new(struct sim_engine *engine, struct sim_source *source, uint64_t entity,
                                      const struct sim_tcp_link_config *config, sim_tcp_deliver *deliver, void *user)
{
	struct sim_tcp_link *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->event.handler = arrive;
	l->engine = engine;
	l->source = source;
	l->entity = entity;
	l->config = *config;
	l->deliver = deliver;
	l->user = user;
	l->queue_bytes = sim_tcp_link_queue(config);
	return l;
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
	uint64_t cap = l->cap == 0 ? 64 : l->cap * 2;
	struct carried *ring = malloc(cap * sizeof *ring);

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
	if (l->busy_ns <= now_ns || l->config.rate_bits == 0)
		return 0;
	return (uint64_t)(((unsigned __int128)(l->busy_ns - now_ns) * l->config.rate_bits + 8 * NS - 1) / (8 * NS));
}

static void serialise(struct sim_tcp_link *l, uint64_t now, uint32_t length)
{
	if (l->busy_ns < now) {
		l->busy_ns = now;
		l->busy_rest = 0;
	}
	if (l->config.rate_bits == 0)
		return;
	unsigned __int128 work = (unsigned __int128)length * 8 * NS + l->busy_rest;
	l->busy_ns += (uint64_t)(work / l->config.rate_bits);
	l->busy_rest = (uint64_t)(work % l->config.rate_bits);
}

static bool lost(struct sim_tcp_link *l)
{
	uint64_t draw = sim_rand_u64(l->engine->seed, SIM_RAND_LOSS, l->entity, l->stats.packets);

	l->stats.packets++;
	if (draw >= l->config.loss)
		return false;
	l->stats.lost++;
	return true;
}

static uint64_t jitter(struct sim_tcp_link *l)
{
	if (l->config.jitter_ns == 0)
		return 0;
	return sim_rand_below(l->engine->seed, SIM_RAND_LATENCY, l->entity, l->stats.packets, l->config.jitter_ns + 1);
}

/* In the order of arrival: whoever overtakes moves to the front of those that arrive later. */
static void put(struct sim_tcp_link *l, const struct sim_tcp_packet *p, uint64_t at)
{
	uint64_t n = l->tail++;

	for (; n > l->head && l->ring[(n - 1) & (l->cap - 1)].at_ns > at; n--)
		l->ring[n & (l->cap - 1)] = l->ring[(n - 1) & (l->cap - 1)];
	l->ring[n & (l->cap - 1)] = (struct carried){*p, at};
	if (n != l->head || sim_engine_schedule(l->engine, l->source, &l->event, SIM_DELIVERY, at))
		return;
	l->head++; /* no memory: as if it had been lost */
	l->stats.dropped++;
}

void sim_tcp_link_send(struct sim_tcp_link *l, const struct sim_tcp_packet *p)
{
	uint64_t now = l->engine->now_ns;
	uint32_t length = sim_tcp_length(p);

	if (lost(l))
		return;
	if (sim_tcp_link_backlog(l, now) + length > l->queue_bytes || (l->tail - l->head == l->cap && !grow(l))) {
		l->stats.dropped++;
		return;
	}
	serialise(l, now, length);
	l->stats.bytes += length;
	uint64_t at = l->busy_ns + l->config.delay_ns + jitter(l);
	if (!l->config.reorder && at < l->last_at_ns)
		at = l->last_at_ns;
	l->last_at_ns = at;
	put(l, p, at);
}

void sim_tcp_link_stats(const struct sim_tcp_link *l, struct sim_tcp_link_stats *stats)
{
	*stats = l->stats;
}
