/*
 * The real world: one libuv loop, a real TCP transport a node, all on loopback, in real time. Every node has an address
 * of 127.0.0.0/8 in a /16 of its own as long as they last. Latency and rate are kept by the paced transport.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <uv.h>

#include "sim/net/regions.h"
#include "sim/world/impl.h"
#include "sim/world/paced.h"
#include "transport/tcp/port.h"
#include "transport/tcp/tcp.h"

#define LOOPBACK_NETS 254u /* 127.1.0.0/16 to 127.254.0.0/16, then a second host in each */
#define LOOPBACK_NODES (LOOPBACK_NETS * 255u)
#define DEFAULT_LATENCY_NS 20000000u /* without a network block, as in the simulator */
#define TIMER_MAX_NS 3600000000000u  /* libuv's timer is set again at least once an hour */

struct tcp_world {
	uv_loop_t loop;
	uv_timer_t timer;
	bool loop_made;
	uint64_t epoch_ns;       /* uv_hrtime at time 0 */
	struct sim_queue *queue; /* the world's timers */
	struct sim_source sources[SIM_OBSERVER + 1];
	uint64_t events;
	struct paced_link link; /* between all pairs, when there are no regions */
	int *regions;           /* numbers in sim/net/regions.h */
	size_t num_regions;
	bool said; /* what differs from a simulation was told */
	uint8_t read_buffer[TP_TCP_READ_BUFFER];
};

/* Where a node of this world lives. */
struct tcp_host {
	int region;
	int held; /* a bound socket that keeps the port until the node listens; -1: none */
};

static struct tcp_world *tcp_of(const struct world *w)
{
	return w->backend;
}

static uint64_t tcp_now(const struct world *w)
{
	return uv_hrtime() - tcp_of(w)->epoch_ns;
}

/* ------------------------------------------------------------------ the network */

/* One number for a distribution: real time is not drawn from it, its typical value is kept. */
static uint64_t typical_ns(const struct sim_dist *d)
{
	switch (d->kind) {
	case SIM_DIST_CONSTANT:
	case SIM_DIST_NORMAL:
	case SIM_DIST_LOGNORMAL:
	case SIM_DIST_PARETO:
	case SIM_DIST_TABLE:
		return d->a_ns;
	case SIM_DIST_UNIFORM:
		return d->a_ns + (d->b_ns - d->a_ns) / 2;
	case SIM_DIST_EXPONENTIAL:
		return d->a_ns + d->b_ns;
	}
	return d->a_ns;
}

static enum sy_err read_regions(struct world *w, const struct sim_net_config *config, const char **what)
{
	struct tcp_world *tcp = tcp_of(w);

	if (config->num_regions == 0)
		return SY_OK;
	tcp->regions = calloc(config->num_regions, sizeof *tcp->regions);
	if (tcp->regions == NULL)
		return SY_NO_MEMORY;
	for (size_t i = 0; i < config->num_regions; i++) {
		tcp->regions[i] = sim_region_find(config->regions[i]);
		if (tcp->regions[i] < 0)
			return world_say(w, what, SY_INVALID, "there is no region \"%.60s\"", config->regions[i]);
	}
	tcp->num_regions = config->num_regions;
	return SY_OK;
}

static enum sy_err tcp_network(struct world *w, const struct sim_net_config *config, const char **what)
{
	struct tcp_world *tcp = tcp_of(w);

	if (config->link.loss_ppm != 0)
		return world_say(w, what, SY_INVALID, "loss needs the simulator: real connections keep latency and rate only");
	if (config->uplink_bits != 0 || config->downlink_bits != 0)
		return world_say(w, what, SY_INVALID, "uplink and downlink need the simulator: real connections keep the rate of a pair only");
	tcp->link.latency_ns = typical_ns(&config->link.latency);
	tcp->link.rate_bits = config->link.rate_bits;
	return read_regions(w, config, what);
}

static struct world_node *node_of_ip(const struct world *w, const uint8_t ip[16])
{
	for (uint32_t i = 0; i < w->num_nodes; i++)
		if (memcmp(w->nodes[i]->addr.ip, ip, 16) == 0)
			return w->nodes[i];
	return NULL;
}

static void link_to(void *ctx, const struct sy_netaddr *remote, struct paced_link *link)
{
	const struct world_node *n = ctx;
	const struct tcp_world *tcp = tcp_of(n->w);
	const struct world_node *other = node_of_ip(n->w, remote->ip);

	*link = tcp->link;
	if (tcp->num_regions == 0 || other == NULL)
		return;
	link->latency_ns = sim_region_latency_ns(((const struct tcp_host *)n->host)->region, ((const struct tcp_host *)other->host)->region);
}

/* ------------------------------------------------------------------ hosts */

static void give_address(struct world_node *n)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	memcpy(n->addr.ip, mapped, sizeof mapped);
	n->addr.ip[12] = 127;
	n->addr.ip[13] = (uint8_t)(1 + n->index % LOOPBACK_NETS);
	n->addr.ip[14] = (uint8_t)(n->index / LOOPBACK_NETS);
	n->addr.ip[15] = 1;
}

static void let_port_go(struct tcp_host *host)
{
	if (host->held >= 0)
		close(host->held);
	host->held = -1;
}

static enum sy_err find_region(struct world_node *n, struct tcp_host *host, const char *name, const char **what)
{
	const struct tcp_world *tcp = tcp_of(n->w);

	host->region = -1;
	if (tcp->num_regions == 0)
		return name == NULL ? SY_OK : world_say(n->w, what, SY_INVALID, "the network has no region \"%.60s\"", name);
	host->region = tcp->regions[n->index % tcp->num_regions];
	for (size_t i = 0; name != NULL && i < tcp->num_regions; i++)
		if (strcmp(sim_region_name(tcp->regions[i]), name) == 0)
			host->region = tcp->regions[i];
	n->region = sim_region_name(host->region);
	if (name != NULL && strcmp(n->region, name) != 0)
		return world_say(n->w, what, SY_INVALID, "the network has no region \"%.60s\"", name);
	return SY_OK;
}

static void say_once(struct tcp_world *tcp)
{
	if (!tcp->said)
		fputs("switchyard: real TCP: nodes have addresses of 127.0.0.0/8, addr_book_strict is off\n", stderr);
	tcp->said = true;
}

static enum sy_err tcp_host_new(struct world_node *n, const struct world_node_config *config, const char **what)
{
	if (config->ip != NULL)
		return world_say(n->w, what, SY_INVALID, "a node's ip can be chosen in the simulator only");
	if (n->index >= LOOPBACK_NODES)
		return world_say(n->w, what, SY_LIMIT, "loopback has addresses for %u nodes", LOOPBACK_NODES);
	struct tcp_host *host = calloc(1, sizeof *host);
	if (host == NULL)
		return SY_NO_MEMORY;
	n->host = host;
	host->held = -1;
	n->strict_off = true;
	give_address(n);
	host->held = tp_port_hold(n->addr.ip, &n->addr.port);
	if (host->held < 0)
		return world_say(n->w, what, SY_IO, "no port on 127.%u.%u.1 for node \"%.60s\"", n->addr.ip[13], n->addr.ip[14], config->name);
	say_once(tcp_of(n->w));
	return find_region(n, host, config->region, what);
}

static void tcp_host_free(struct world_node *n)
{
	let_port_go(n->host);
	free(n->host);
	n->host = NULL;
}

static struct tp_transport *tcp_transport(struct world_node *n)
{
	struct tcp_world *tcp = tcp_of(n->w);
	struct tp_tcp_config config = {.loop = &tcp->loop, .bind_ip = n->addr.ip, .read_buffer = tcp->read_buffer};
	struct paced_config pace = {.epoch_ns = tcp->epoch_ns, .ctx = n, .link = link_to};
	struct tp_transport *inner;

	if (tp_tcp_new(&inner, &config) != SY_OK)
		return NULL;
	struct tp_transport *tp = paced_new(inner, &pace);
	if (tp == NULL) {
		inner->ops->fini(inner);
		return NULL;
	}
	let_port_go(n->host);
	return tp;
}

/* Ephemeral keys on real sockets are real: fresh entropy, whatever the seed. */
static void tcp_rand(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t len)
{
	uint8_t *at = buf;

	while (len != 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n <= 0)
			continue; /* interrupted: with a small request that is the only reason */
		at += n;
		len -= (size_t)n;
	}
}

/* ------------------------------------------------------------------ time */

static void on_event(struct sim_event *event, uint64_t now_ns)
{
	world_timer_fire((struct world_timer *)event, now_ns);
}

static bool tcp_schedule(struct world *w, struct world_timer *t, uint64_t at_ns)
{
	struct tcp_world *tcp = tcp_of(w);

	t->event.handler = on_event;
	return sim_queue_push(tcp->queue, &t->event, at_ns, sim_source_order(&tcp->sources[t->class_], t->class_));
}

static void tcp_unschedule(struct world *w, struct world_timer *t)
{
	sim_queue_cancel(tcp_of(w)->queue, &t->event);
}

static void on_uv_timer(uv_timer_t *timer)
{
	/* it has ended uv_run; the world looks at its queue itself */
}

/* Waits for sockets, but no longer than until at_ns. */
static void wait_until(struct world *w, uint64_t at_ns)
{
	struct tcp_world *tcp = tcp_of(w);
	uint64_t now_ns = tcp_now(w);
	uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;

	wait_ns = wait_ns > TIMER_MAX_NS ? TIMER_MAX_NS : wait_ns;
	uv_update_time(&tcp->loop);
	uv_timer_start(&tcp->timer, on_uv_timer, (wait_ns + 999999u) / 1000000u, 0);
	uv_run(&tcp->loop, UV_RUN_ONCE);
	tcp->events++;
}

static bool fire_next(struct world *w, uint64_t until_ns)
{
	struct tcp_world *tcp = tcp_of(w);
	struct sim_event *event = sim_queue_peek(tcp->queue);
	uint64_t now_ns = tcp_now(w);

	if (event == NULL || event->at_ns > now_ns || event->at_ns > until_ns)
		return false;
	sim_queue_pop(tcp->queue);
	tcp->events++;
	event->handler(event, now_ns);
	return true;
}

static bool tcp_run(struct world *w, uint64_t until_ns, uint64_t wall_end_ns)
{
	struct tcp_world *tcp = tcp_of(w);

	while (!w->halted) {
		while (!w->halted && fire_next(w, until_ns))
			continue;
		if (w->halted)
			break;
		if (tcp_now(w) >= until_ns)
			return true;
		uint64_t wall_ns = world_wall_ns();
		if (wall_ns >= wall_end_ns)
			return false;
		struct sim_event *event = sim_queue_peek(tcp->queue);
		uint64_t next_ns = event != NULL && event->at_ns < until_ns ? event->at_ns : until_ns;
		uint64_t slice_ns = wall_end_ns - wall_ns;
		uint64_t now_ns = tcp_now(w);
		wait_until(w, slice_ns < UINT64_MAX - now_ns && now_ns + slice_ns < next_ns ? now_ns + slice_ns : next_ns);
	}
	return false;
}

/* ------------------------------------------------------------------ what only a simulator can */

static enum sy_err refuse(struct world *w, const char *thing, const char **what)
{
	return world_say(w, what, SY_INVALID, "%s needs the simulator: over real TCP the network cannot be broken on purpose", thing);
}

static enum sy_err tcp_cut(struct world *w, struct world_node *from, struct world_node *to, enum sim_cut cut, const char **what)
{
	return refuse(w, "a partition", what);
}

static enum sy_err tcp_heal(struct world *w, const char **what)
{
	return refuse(w, "heal", what);
}

static enum sy_err tcp_reset(struct world *w, struct world_node *a, struct world_node *b, const char **what)
{
	return refuse(w, "a reset", what);
}

static enum sy_err tcp_link(struct world *w, struct world_node *from, struct world_node *to, const struct sim_link_params *params,
                            const char **what)
{
	return refuse(w, "a link of its own", what);
}

static enum sy_err tcp_dns(struct world *w, const char *name, const struct sy_netaddr *addrs, size_t n, const char **what)
{
	return refuse(w, "a name of the script's", what);
}

static void tcp_stats(const struct world *w, struct world_stats *stats)
{
	stats->events = tcp_of(w)->events;
}

static uint64_t tcp_hash(const struct world *w)
{
	return 0;
}

/* ------------------------------------------------------------------ life */

static void tcp_fini(struct world *w)
{
	struct tcp_world *tcp = tcp_of(w);

	if (tcp == NULL)
		return;
	if (tcp->loop_made) {
		uv_close((uv_handle_t *)&tcp->timer, NULL);
		uv_run(&tcp->loop, UV_RUN_DEFAULT);
		uv_loop_close(&tcp->loop);
	}
	if (tcp->queue != NULL)
		sim_queue_free(tcp->queue);
	free(tcp->regions);
	free(tcp);
}

static const struct world_ops tcp_ops = {
    .fini = tcp_fini,
    .now_ns = tcp_now,
    .network = tcp_network,
    .host_new = tcp_host_new,
    .host_free = tcp_host_free,
    .transport = tcp_transport,
    .rand = tcp_rand,
    .schedule = tcp_schedule,
    .unschedule = tcp_unschedule,
    .run = tcp_run,
    .cut = tcp_cut,
    .heal = tcp_heal,
    .reset = tcp_reset,
    .link = tcp_link,
    .dns = tcp_dns,
    .stats = tcp_stats,
    .hash = tcp_hash,
};

enum sy_err world_tcp_init(struct world *w, const char **what)
{
	struct tcp_world *tcp = calloc(1, sizeof *tcp);

	if (tcp == NULL)
		return SY_NO_MEMORY;
	w->ops = &tcp_ops;
	w->backend = tcp;
	tcp->link.latency_ns = DEFAULT_LATENCY_NS;
	for (uint32_t class_ = 0; class_ <= SIM_OBSERVER; class_++)
		tcp->sources[class_].rank = class_;
	tcp->queue = sim_queue_new();
	if (tcp->queue == NULL)
		return SY_NO_MEMORY;
	if (uv_loop_init(&tcp->loop) != 0) {
		if (what != NULL)
			*what = "no event loop: out of descriptors or memory";
		return SY_IO;
	}
	tcp->loop_made = true;
	uv_timer_init(&tcp->loop, &tcp->timer);
	tcp->epoch_ns = uv_hrtime();
	return SY_OK;
}
