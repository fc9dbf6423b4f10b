/* Pairs of hosts that have connections, the parameters of their directions, and the pipes that serialise. */
#include <stdlib.h>
#include <string.h>

#include "sim/net/segment.h"

enum { DEFAULT_MTU = 1500, MIN_MTU = 68 };
#define BATCH_NS 1000000u         /* waiting streams are served a millisecond's worth at a time */
#define MAX_DELAY_NS (1ull << 55) /* a year */

/* --- parameters --- */

static bool staged(const struct sim_link_stages *s)
{
	return s->to_bad || s->trace_len || s->num_drop || s->duplicate || s->reorder || s->codel_target_ns;
}

static const char *latency_wrong(const struct sim_dist *d)
{
	if (d->kind == SIM_DIST_UNIFORM && d->b_ns < d->a_ns) {
		return "latency: the range runs backwards";
	}
	if (d->a_ns > MAX_DELAY_NS) {
		return "latency is longer than a year";
	}
	if (d->b_ns > MAX_DELAY_NS) {
		return "latency: the second parameter is out of range";
	}
	if (d->kind != SIM_DIST_TABLE) {
		return NULL;
	}
	for (uint32_t i = 0; i < d->table_len; i++) {
		if (d->table_ns[i] > MAX_DELAY_NS || (i && d->table_ns[i] < d->table_ns[i - 1])) {
			return "latency: the table does not ascend, or is longer than a year";
		}
	}
	return d->table_len ? NULL : "latency: the table is empty";
}

enum sy_err link_params_check(enum sim_tcp_model tcp, const struct sim_link_params *p, const char **what)
{
	const char *wrong = latency_wrong(&p->latency);
	if (p->loss_ppm > 1000000) {
		wrong = "loss is more than all";
	} else if (p->mtu && p->mtu < MIN_MTU) {
		wrong = "mtu is below 68 bytes";
	} else if (tcp == SIM_TCP_NONE && (p->overtake || staged(&p->stages))) {
		wrong = "bursts, loss_trace, drop, duplicate, reorder, overtake and codel act on packets, which tcp = \"none\" does not have";
	}
	if (wrong && what) {
		*what = wrong;
	}
	return wrong ? SY_INVALID : SY_OK;
}

const char *sim_link_wrong(const struct sim_net *net, const struct sim_link_params *params)
{
	const char *what = NULL;
	return link_params_check(net->tcp, params, &what) == SY_OK ? NULL : what;
}

uint64_t transmit_ns(uint64_t rate_bits, uint64_t bytes)
{
	return rate_bits ? (uint64_t)((unsigned __int128)bytes * 8000000000ull / rate_bits) : 0;
}

static uint64_t bytes_in(uint64_t rate_bits, uint64_t ns)
{
	unsigned __int128 bytes = (unsigned __int128)rate_bits * ns / 8000000000ull;
	return bytes > UINT32_MAX ? UINT32_MAX : (uint64_t)bytes;
}

static int64_t log_keep(uint32_t loss_ppm)
{
	uint64_t keep_q32 = ((uint64_t)(1000000 - loss_ppm) << 32) / 1000000;
	return loss_ppm ? sim_log_q32(keep_q32) : 0;
}

/* Queue and window, which follow from rate and delay. */
static void kind_bounds(struct kind *k)
{
	k->window = OPEN_WINDOW;
	if (k->rate_bits) {
		uint64_t bdp = bytes_in(k->rate_bits, 2 * k->base_ns);
		uint64_t queue = k->wire.queue_bytes ? k->wire.queue_bytes : bdp > MIN_QUEUE_BYTES ? bdp : MIN_QUEUE_BYTES;
		k->queue_ns = transmit_ns(k->rate_bits, queue);
		k->window = RECV_BUFFER + queue + bdp; /* the pipe is the bound, not the window */
	}
}

void kind_make(struct kind *k, const struct sim_link_params *p)
{
	uint32_t mtu = p->mtu ? p->mtu : DEFAULT_MTU;
	memset(k, 0, sizeof *k);
	k->latency = p->latency;
	k->base_ns = sim_dist_base_ns(&p->latency);
	k->rate_bits = p->rate_bits;
	k->loss_ppm = p->loss_ppm;
	k->log_keep_q32 = log_keep(p->loss_ppm);
	k->plain = p->latency.kind == SIM_DIST_CONSTANT && !p->rate_bits && !p->loss_ppm;
	k->mss = mtu - SIM_TCP_HEADER;
	k->wire = (struct sim_tcp_link_config){.rate_bits = p->rate_bits, .queue_bytes = p->queue_bytes, .delay = p->latency};
	k->wire.reorder = p->overtake;
	k->stages = p->stages;
	k->wire.stages = staged(&p->stages) ? &k->stages : NULL;
	k->wire.loss = p->loss_ppm >= 1000000 ? UINT64_MAX : (uint64_t)(((unsigned __int128)p->loss_ppm << 64) / 1000000);
	k->piece = p->rate_bits || p->loss_ppm ? mtu : LARGE_BYTES;
	k->piece = k->piece > LARGE_BYTES ? LARGE_BYTES : k->piece;
	kind_bounds(k);
}

/* The same on a longer way. Its stages point to itself. */
static void kind_lengthen(struct kind *k, const struct kind *from, uint64_t more_ns)
{
	*k = *from;
	k->latency.plus_ns += more_ns;
	k->base_ns += more_ns;
	k->wire.delay = k->latency;
	k->wire.stages = from->wire.stages ? &k->stages : NULL;
	kind_bounds(k);
}

/* --- pipes --- */

static void pipe_event(struct sim_event *event, uint64_t now_ns);

struct pipe *pipe_new(struct sim_engine *engine, struct sim_source *source, uint64_t rate_bits, uint64_t queue_ns)
{
	struct pipe *p = calloc(1, sizeof *p);
	if (p) {
		p->engine = engine;
		p->source = source;
		p->rate_bits = rate_bits;
		p->queue_ns = queue_ns;
		p->event.handler = pipe_event;
	}
	return p;
}

void pipe_free(struct pipe *p)
{
	if (p) {
		sim_engine_cancel(p->engine, &p->event);
		free(p);
	}
}

static uint64_t backlog_ns(const struct pipe *p, uint64_t now_ns)
{
	return p->busy_ns > now_ns ? p->busy_ns - now_ns : 0;
}

/* An empty pipe takes anything; else the packet must fit its queue, and who waits comes first. */
static bool admits(const struct pipe *p, uint32_t n, uint64_t now_ns)
{
	uint64_t backlog = backlog_ns(p, now_ns);
	if (p->first && !p->serving) {
		return false;
	}
	return !backlog || backlog + transmit_ns(p->rate_bits, n) <= p->queue_ns;
}

/* When the queue has drained by a batch; for a packet that is larger than the queue, when it is empty. */
static void call_back(struct pipe *p, uint64_t now_ns)
{
	uint64_t batch = p->queue_ns / 4 < BATCH_NS ? p->queue_ns / 4 : BATCH_NS;
	uint64_t keep = p->queue_ns - batch;
	uint64_t backlog = backlog_ns(p, now_ns);
	uint64_t wait = backlog > keep ? backlog - keep : 0;
	uint64_t least = transmit_ns(p->rate_bits, DEFAULT_MTU);
	wait = wait < least ? least : wait;
	wait = wait > backlog ? backlog : wait;
	/* Without memory for the event who waits is served at the next one's arrival. */
	(void)sim_engine_schedule(p->engine, p->source, &p->event, SIM_DELIVERY, now_ns + wait + !wait);
}

static void wait_in(struct pipe *p, struct end *to, uint16_t flag, uint64_t now_ns)
{
	to->in.flags |= flag;
	to->in.next_waiting = NULL;
	if (p->last) {
		p->last->in.next_waiting = to;
	} else {
		p->first = to;
	}
	p->last = to;
	if (!p->serving && !sim_event_queued(&p->event)) {
		call_back(p, now_ns);
	}
}

static uint64_t pass(struct pipe *p, uint32_t n, uint64_t *start_ns)
{
	*start_ns = p->busy_ns > *start_ns ? p->busy_ns : *start_ns;
	p->busy_ns = *start_ns + transmit_ns(p->rate_bits, n);
	return p->busy_ns;
}

enum { WAY_UPLINK, WAY_SITE, WAY_PAIR, WAY_PIPES };
static const uint16_t way_waits[WAY_PIPES] = {S_WAIT_UPLINK, S_WAIT_SITE, S_WAIT_PAIR};

/* The pipes of a stream's way, from its sender on; null where there is none. */
static void way_of(struct end *to, struct pipe *way[WAY_PIPES])
{
	const struct sim_host *from = peer_of(to)->host;
	const struct sim_site *site = site_before(from, to->host);
	way[WAY_UPLINK] = from->uplink;
	way[WAY_SITE] = site ? site->pipe : NULL;
	way[WAY_PAIR] = half_to(to)->pipe;
}

bool pipes_take(struct end *to, uint32_t n, uint64_t now_ns, uint64_t *sent_ns)
{
	struct pipe *way[WAY_PIPES];
	way_of(to, way);
	for (int i = WAY_PIPES; i-- > 0;) {
		if (way[i] && !admits(way[i], n, now_ns)) {
			wait_in(way[i], to, way_waits[i], now_ns);
			return false;
		}
	}
	/* Bytes cut through: the later pipe starts when the first byte has passed the earlier one. */
	uint64_t start = now_ns, end = now_ns;
	for (int i = 0; i < WAY_PIPES; i++) {
		if (way[i]) {
			uint64_t own_end = pass(way[i], n, &start);
			way[i]->busy_ns = own_end > end ? own_end : end;
			end = way[i]->busy_ns;
		}
	}
	*sent_ns = end;
	return true;
}

static struct pipe *waiting_in(struct end *to)
{
	struct pipe *way[WAY_PIPES];
	if (!(to->in.flags & S_WAITS)) {
		return NULL;
	}
	way_of(to, way);
	for (int i = 0; i < WAY_PIPES; i++) {
		if (to->in.flags & way_waits[i]) {
			return way[i];
		}
	}
	return NULL;
}

void pipes_leave(struct end *to)
{
	struct pipe *p = waiting_in(to);
	if (!p) {
		return;
	}
	struct end *before = NULL;
	struct end *at = p->first;
	while (at != to) {
		before = at;
		at = at->in.next_waiting;
	}
	if (before) {
		before->in.next_waiting = to->in.next_waiting;
	} else {
		p->first = to->in.next_waiting;
	}
	p->last = p->last == to ? before : p->last;
	to->in.flags &= (uint16_t)~S_WAITS;
}

/* Serves who waits, a chunk each in turn, until the queue is full again. */
static void pipe_event(struct sim_event *event, uint64_t now_ns)
{
	struct pipe *p = (struct pipe *)event;
	p->serving = true;
	while (p->first) {
		struct end *to = p->first;
		uint16_t flag = to->in.flags & S_WAITS;
		pipes_leave(to);
		if (stream_pump_one(to)) {
			wait_in(p, to, flag, now_ns);
		} else if (to->in.flags & flag) {
			break; /* there was no room for it, so there is none for the others */
		}
	}
	p->serving = false;
	if (p->first) {
		call_back(p, now_ns);
	}
}

/* --- pairs --- */

static const struct kind *kind_between(const struct sim_net *net, const struct sim_host *from, const struct sim_host *to)
{
	const struct kind *own = (const struct kind *)(uintptr_t)sim_map_get(&net->overrides, pair_key(from, to));
	if (own && !own->off) {
		return own;
	}
	if (from == to) {
		return &net->loopback;
	}
	if (from->site && from->site == to->site) {
		return &from->site->inside;
	}
	return net->num_regions ? &net->kinds[(size_t)from->region * net->num_regions + (size_t)to->region] : net->kinds;
}

static bool half_set_link(struct sim_net *net, struct half *h, const struct kind *k, struct sim_host *to)
{
	if (h->link) {
		sim_tcp_link_configure(h->link, &k->wire);
	} else {
		h->link = segment_link(net, to, k);
	}
	h->kind = k;
	return h->link != NULL;
}

/* What the lines on the way add, of the hosts and of the sites that it leaves and enters. */
static uint64_t lines_ns(const struct sim_host *from, const struct sim_host *to)
{
	const struct sim_site *out = site_before(from, to), *in = site_before(to, from);
	return from == to ? 0 : from->line.latency_ns + to->line.latency_ns + (out ? out->line.latency_ns : 0) + (in ? in->line.latency_ns : 0);
}

static struct kind *longer_of(const struct sim_net *net, const struct sim_host *from, const struct sim_host *to)
{
	return (struct kind *)(uintptr_t)sim_map_get(&net->longer, pair_key(from, to));
}

/* The parameters of a direction, on its whole way. Null: out of memory. */
static const struct kind *whole_kind(struct sim_net *net, const struct sim_host *from, const struct sim_host *to)
{
	const struct kind *k = kind_between(net, from, to);
	uint64_t more_ns = lines_ns(from, to);
	if (!more_ns) {
		return k;
	}
	struct kind *longer = longer_of(net, from, to);
	if (!longer) {
		longer = malloc(sizeof *longer);
		if (!longer || !sim_map_put(&net->longer, pair_key(from, to), (uintptr_t)longer)) {
			free(longer);
			return NULL;
		}
	}
	kind_lengthen(longer, k, more_ns);
	return longer;
}

static void forget_longer(struct sim_net *net, const struct sim_host *from, const struct sim_host *to)
{
	struct kind *longer = longer_of(net, from, to);
	if (longer) {
		sim_map_remove(&net->longer, pair_key(from, to));
		free(longer);
	}
}

static bool half_set_pipe(struct half *h, const struct kind *k, struct sim_host *from)
{
	if (k->rate_bits && !h->pipe) {
		h->pipe = pipe_new(from->net->engine, &from->source, k->rate_bits, k->queue_ns);
	} else if (h->pipe) {
		/* A pipe that is no longer needed runs so fast that it is not noticed: streams may wait in it. */
		h->pipe->rate_bits = k->rate_bits ? k->rate_bits : UINT64_MAX;
		h->pipe->queue_ns = k->queue_ns;
	}
	h->kind = k;
	return h->pipe || !k->rate_bits;
}

/* Gives a direction its parameters; a pipe that is there keeps what it has taken. Returns false when out of memory. */
static bool half_set(struct pair *p, unsigned half)
{
	struct half *h = &p->half[half];
	struct sim_host *from = p->host[half], *to = p->host[1 - half];
	const struct kind *k = whole_kind(from->net, from, to);
	if (!k) {
		return false;
	}
	return from->net->tcp != SIM_TCP_NONE ? half_set_link(from->net, h, k, to) : half_set_pipe(h, k, from);
}

struct pair *pair_find(struct sim_net *net, const struct sim_host *a, const struct sim_host *b)
{
	uint64_t key = a->index < b->index ? pair_key(a, b) : pair_key(b, a);
	return (struct pair *)(uintptr_t)sim_map_get(&net->pairs, key);
}

static void pair_free(struct sim_net *net, struct pair *p)
{
	for (unsigned half = 0; half < 2; half++) {
		if (net->tcp != SIM_TCP_NONE) {
			sim_tcp_link_free(p->half[half].link);
		} else {
			pipe_free(p->half[half].pipe);
		}
		forget_longer(net, p->host[half], p->host[1 - half]);
	}
	free(p);
}

static struct pair *pair_new(struct sim_net *net, struct sim_host *low, struct sim_host *high)
{
	struct pair *p = calloc(1, sizeof *p);
	if (!p) {
		return NULL;
	}
	p->host[0] = low;
	p->host[1] = high;
	bool ok = half_set(p, 0) && half_set(p, 1);
	p->half[0].cut = (uint8_t)cut_between(net, low, high);
	p->half[1].cut = (uint8_t)cut_between(net, high, low);
	if (!ok || !sim_map_put(&net->pairs, pair_key(low, high), (uintptr_t)p)) {
		pair_free(net, p);
		return NULL;
	}
	net->stats.links_in_use++;
	return p;
}

struct pair *pair_take(struct sim_net *net, struct sim_host *a, struct sim_host *b)
{
	struct pair *p = pair_find(net, a, b);
	if (p) {
		return p;
	}
	return a->index < b->index ? pair_new(net, a, b) : pair_new(net, b, a);
}

void pair_drop(struct sim_net *net, struct pair *p)
{
	SY_ASSERT(!p->conns);
	sim_map_remove(&net->pairs, pair_key(p->host[0], p->host[1]));
	net->stats.links_in_use--;
	pair_free(net, p);
}

/* The object of a pair's own parameters, made when there is none yet. Null: out of memory. */
static struct kind *own_kind(struct sim_net *net, uint64_t key)
{
	struct kind *k = (struct kind *)(uintptr_t)sim_map_get(&net->overrides, key);
	if (k) {
		return k;
	}
	struct kind **all = realloc(net->own_kinds, (net->num_own_kinds + 1) * sizeof(struct kind *));
	if (!all) {
		return NULL;
	}
	net->own_kinds = all;
	k = calloc(1, sizeof *k);
	if (!k || !sim_map_put(&net->overrides, key, (uintptr_t)k)) {
		free(k);
		return NULL;
	}
	all[net->num_own_kinds++] = k;
	return k;
}

enum sy_err sim_link_set(struct sim_net *net, struct sim_host *from, struct sim_host *to, const struct sim_link_params *params)
{
	enum sy_err err = params ? link_params_check(net->tcp, params, NULL) : SY_OK;
	if (err != SY_OK) {
		return err;
	}
	uint64_t key = pair_key(from, to);
	if (params) {
		struct kind *k = own_kind(net, key);
		if (!k) {
			return SY_NO_MEMORY;
		}
		kind_make(k, params);
	} else {
		struct kind *k = (struct kind *)(uintptr_t)sim_map_get(&net->overrides, key);
		if (k) {
			k->off = true;
		}
	}
	net_hash(net, key);
	struct pair *p = pair_find(net, from, to);
	if (!p) {
		return SY_OK;
	}
	unsigned half = from == p->host[0] ? 0 : 1;
	if (!half_set(p, half)) {
		return SY_NO_MEMORY;
	}
	for (struct conn *c = p->conns; c; c = c->next) {
		if (net->tcp != SIM_TCP_NONE) {
			segment_path(c);
			continue;
		}
		for (int side = 0; side < 2; side++) {
			if (c->end[side].half == half) {
				c->end[side].in.flags &= (uint16_t)~S_LOSS_DRAWN;
			}
		}
	}
	return SY_OK;
}
