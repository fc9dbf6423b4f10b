#include "sim/crawl/walk.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/wire/pexmsg.h"

#define SECOND 1000000000ull
#define PEX_CHANNEL 0x00
#define LINGER_MIN_NS (SECOND / 2) /* how long somebody who has answered is given to hang up itself */
#define LINGER_MAX_NS (2 * SECOND)
#define TIMER_DEADLINES 1u
#define TRIES_MAX 64u /* addresses looked at for one that is not being dialled or connected under its id already */

/* ------------------------------------------------------------------ who waits, who works */

static void enqueue(struct walk *w, uint32_t place)
{
	SY_ASSERT(w->queued < w->queue_cap);
	w->queue[(w->queue_head + w->queued++) % w->queue_cap] = place;
}

static uint32_t dequeue(struct walk *w)
{
	uint32_t place = w->queue[w->queue_head];

	SY_ASSERT(w->queued > 0);
	w->queue_head = (w->queue_head + 1) % w->queue_cap;
	w->queued--;
	return place;
}

static struct walk_worker *worker_of(struct walk *w, const struct sy_netaddr *addr)
{
	uint32_t place = crawl_table_find(w->table, addr);

	for (uint32_t i = 0; place != UINT32_MAX && i < w->num_workers; i++)
		if (w->workers[i].state != WALK_FREE && w->workers[i].found == place)
			return &w->workers[i];
	return NULL;
}

static struct crawl_found *found_of(struct walk *w, const struct walk_worker *k)
{
	return &w->table->at[k->found];
}

static void enter(struct walk_worker *k, enum walk_state state, uint64_t now_ns, uint64_t for_ns)
{
	k->state = state;
	k->since_ns = now_ns;
	k->deadline_ns = for_ns == 0 ? UINT64_MAX : now_ns + for_ns;
}

static void set_timer(struct walk *w, struct sy_ctx *ctx)
{
	uint64_t first_ns = UINT64_MAX;

	for (uint32_t i = 0; i < w->num_workers; i++)
		if (w->workers[i].state != WALK_FREE && w->workers[i].deadline_ns < first_ns)
			first_ns = w->workers[i].deadline_ns;
	enum sy_err err = sy_ctx_set_timer(ctx, TIMER_DEADLINES, first_ns);
	if (err != SY_OK && !w->stopping) { /* no memory: without time-outs the crawl would not end */
		w->stopping = true;
		w->over(w->owner);
	}
}

/* ------------------------------------------------------------------ dialling */

/* What came of a dial that ended before there was a node info. */
static enum crawl_outcome outcome_of(const struct crawl_found *f, enum sy_err err)
{
	if (f->info != NULL)
		return err == SY_PEER_NETWORK || err == SY_PEER_BLOCK_VERSION ? CRAWL_REFUSED : CRAWL_REACHABLE;
	if (err == SY_STOPPED || err == SY_NOT_RUNNING)
		return CRAWL_NOT_TRIED;
	return f->connect_ns == CRAWL_NO_TIME ? CRAWL_UNREACHABLE : CRAWL_REFUSED;
}

static void finish(struct walk *w, struct sy_ctx *ctx, struct walk_worker *k, enum sy_err err);

static bool begin(struct walk *w, struct sy_ctx *ctx, struct walk_worker *k, uint32_t place)
{
	enum sy_err err = sy_ctx_dial(ctx, &w->table->at[place].addr);

	if (err == SY_DIALLING_OR_CONNECTED || err == SY_LIMIT || err == SY_NO_MEMORY) {
		enqueue(w, place); /* later: another address of this id is being looked at */
		return false;
	}
	k->found = place;
	w->busy++;
	enter(k, WALK_DIALLING, sy_ctx_now_ns(ctx), 0);
	if (err != SY_OK)
		finish(w, ctx, k, err);
	return true;
}

static void begin_more(struct walk *w, struct sy_ctx *ctx)
{
	uint32_t tries = w->queued < TRIES_MAX ? w->queued : TRIES_MAX;

	for (uint32_t i = 0; i < w->num_workers && !w->stopping; i++)
		while (w->workers[i].state == WALK_FREE && tries > 0 && w->queued > 0)
			tries -= begin(w, ctx, &w->workers[i], dequeue(w)) ? 0 : 1;
}

/* After every event: new dials, the next time-out, the end. */
static void go_on(struct walk *w, struct sy_ctx *ctx)
{
	if (!w->stopping)
		begin_more(w, ctx);
	set_timer(w, ctx);
	if (!w->stopping && w->busy == 0 && w->queued == 0 && w->lookups == 0) {
		w->stopping = true;
		w->over(w->owner);
	}
}

static void finish(struct walk *w, struct sy_ctx *ctx, struct walk_worker *k, enum sy_err err)
{
	struct crawl_found *f = found_of(w, k);

	if (f->outcome == CRAWL_NOT_TRIED)
		f->outcome = outcome_of(f, err);
	if (f->outcome != CRAWL_NOT_TRIED && !f->answered && err != SY_STOPPED)
		f->err = err;
	k->state = WALK_FREE;
	w->busy--;
}

/* ------------------------------------------------------------------ addresses */

/* What others say is tried only where a stranger may be meant: nobody shall make us look around in a network of our own. */
static enum sy_err why_skipped(const struct walk *w, const struct sy_netaddr *addr)
{
	if (!sy_netaddr_valid(addr) || addr->port == 0)
		return SY_ADDR_INVALID;
	return w->config->strict && !sy_netaddr_routable(addr) ? SY_ADDR_UNROUTABLE : SY_OK;
}

static void add(struct walk *w, const struct sy_netaddr *addr, uint32_t from)
{
	bool added;
	uint32_t place = crawl_table_add(w->table, addr, &added);

	if (place == UINT32_MAX)
		return;
	struct crawl_found *f = &w->table->at[place];
	f->told += from != UINT32_MAX;
	if (!added)
		return;
	if (from != UINT32_MAX) {
		f->told_by = from + 1;
		f->depth = w->table->at[from].depth + 1;
	}
	f->err = from == UINT32_MAX ? SY_OK : why_skipped(w, addr);
	if (f->err != SY_OK)
		f->outcome = CRAWL_SKIPPED;
	else
		enqueue(w, place);
}

static void add_named(struct walk *w, const struct sy_netaddr *addr, const char *host, enum sy_err err)
{
	uint32_t before = w->table->n;

	add(w, addr, UINT32_MAX);
	if (w->table->n == before)
		return;
	struct crawl_found *f = &w->table->at[before];
	f->host = strdup(host);
	if (err == SY_OK)
		return;
	f->outcome = CRAWL_UNREACHABLE;
	f->err = err;
	w->queued--; /* the last one that was put in: it has no address to dial */
}

static void start_with(struct walk *w, struct sy_ctx *ctx, uint32_t number)
{
	struct sy_netaddr addr;
	char host[SY_HOST_TEXT];
	enum sy_err err = sy_netaddr_parse(w->config->starts[number], &addr, host);

	if (err == SY_OK)
		add(w, &addr, UINT32_MAX);
	if (err != SY_ADDR_NEEDS_DNS)
		return;
	err = sy_ctx_resolve(ctx, host, number);
	if (err == SY_OK)
		w->lookups++;
	else
		add_named(w, &addr, host, err);
}

static void on_resolved(void *self, struct sy_ctx *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct walk *w = self;
	struct sy_netaddr addr;
	char host[SY_HOST_TEXT];

	w->lookups--;
	if (sy_netaddr_parse(w->config->starts[token], &addr, host) != SY_ADDR_NEEDS_DNS)
		return;
	for (size_t i = 0; i < n; i++) {
		memcpy(addr.ip, addrs[i].ip, sizeof addr.ip);
		add_named(w, &addr, host, SY_OK);
	}
	if (n == 0)
		add_named(w, &addr, host, err);
	go_on(w, ctx);
}

static enum sy_err on_start(void *self, struct sy_ctx *ctx)
{
	struct walk *w = self;

	for (uint32_t i = 0; i < w->config->num_starts; i++)
		start_with(w, ctx, i);
	for (size_t i = 0; i < w->config->num_book; i++)
		add(w, &w->config->book[i], UINT32_MAX);
	go_on(w, ctx);
	return SY_OK;
}

/* ------------------------------------------------------------------ one connection */

void walk_connected(struct walk *w, const struct sy_netaddr *addr, uint64_t now_ns)
{
	struct walk_worker *k = worker_of(w, addr);

	if (k == NULL || k->state != WALK_DIALLING)
		return;
	found_of(w, k)->connect_ns = now_ns - k->since_ns;
	enter(k, WALK_SHAKING, now_ns, 0);
}

/* The first node of all says what network this is: the crawl begins again as one of its own. */
static void learn(struct walk *w, const struct crawl_info *info)
{
	w->learnt = *info;
	w->has_learnt = true;
	w->stopping = true;
	w->over(w->owner);
}

static void on_node_info(void *self, struct sy_ctx *ctx, const struct sy_netaddr *addr, const struct sy_node_info *info, enum sy_err err)
{
	struct walk *w = self;
	struct walk_worker *k = worker_of(w, addr);

	if (k == NULL || w->stopping)
		return;
	struct crawl_found *f = found_of(w, k);
	crawl_found_info(f, info);
	if (f->info == NULL)
		return;
	if (k->state == WALK_SHAKING)
		f->handshake_ns = sy_ctx_now_ns(ctx) - k->since_ns;
	f->outcome = outcome_of(f, err);
	if (w->learn)
		learn(w, f->info);
}

static void on_add_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	struct walk *w = self;
	struct walk_worker *k = worker_of(w, &peer->socket_addr);

	if (k == NULL || w->stopping || crawl_table_answered(w->table, &peer->id)) {
		sy_ctx_stop_peer(ctx, peer->ref, SY_STOPPED); /* nobody is asked twice */
		return;
	}
	k->ref = peer->ref;
	enter(k, WALK_ASKED, sy_ctx_now_ns(ctx), w->config->answer_timeout_ns);
	enum sy_err err = sy_ctx_try_send(ctx, peer->ref, PEX_CHANNEL, sy_span_of(SY_PEX_REQUEST_BYTES, sizeof SY_PEX_REQUEST_BYTES - 1));
	if (err != SY_OK)
		sy_ctx_stop_peer(ctx, peer->ref, err);
	set_timer(w, ctx);
}

static uint64_t linger_ns(const struct crawl_found *f)
{
	uint64_t ns = 4 * f->connect_ns;

	if (f->connect_ns == CRAWL_NO_TIME || ns < LINGER_MIN_NS)
		return LINGER_MIN_NS;
	return ns > LINGER_MAX_NS ? LINGER_MAX_NS : ns;
}

static void take_answer(struct walk *w, struct sy_ctx *ctx, struct walk_worker *k, struct sy_pex_reader *reader)
{
	struct sy_netaddr addr;
	uint32_t place = k->found;

	w->table->at[place].answered = true;
	w->table->at[place].answer_ns = sy_ctx_now_ns(ctx) - k->since_ns;
	w->table->at[place].gave = reader->count;
	while (sy_pex_next(reader, &addr))
		if (addr.flags & SY_ADDR_HAS_ID)
			add(w, &addr, place);
	enter(k, WALK_LINGERING, sy_ctx_now_ns(ctx), linger_ns(&w->table->at[place]));
}

static enum sy_err on_receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct walk *w = self;
	struct walk_worker *k = worker_of(w, &peer->socket_addr);
	struct sy_pex_reader reader;
	enum sy_err err = sy_pex_parse(msg->bytes, &reader);

	if (err != SY_OK)
		return err;
	if (reader.kind == SY_PEX_REQUEST || k == NULL || w->stopping)
		return SY_OK; /* we know nobody whom we would vouch for */
	if (k->state != WALK_ASKED)
		return SY_PEER_PEX_UNSOLICITED;
	take_answer(w, ctx, k, &reader);
	go_on(w, ctx);
	return SY_OK;
}

static void on_remove_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason)
{
	struct walk *w = self;
	struct walk_worker *k = worker_of(w, &peer->socket_addr);

	if (k == NULL)
		return;
	if (k->state == WALK_LINGERING && (reason == SY_PEER_CLOSED || reason == SY_PEER_RESET))
		found_of(w, k)->hung_up = true;
	finish(w, ctx, k, reason);
	go_on(w, ctx);
}

static void on_dial_done(void *self, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err)
{
	struct walk *w = self;
	struct walk_worker *k = worker_of(w, addr);

	if (err == SY_OK || k == NULL)
		return; /* a peer: its end comes later */
	finish(w, ctx, k, err);
	go_on(w, ctx);
}

static void on_timer(void *self, struct sy_ctx *ctx, uint64_t token)
{
	struct walk *w = self;
	uint64_t now_ns = sy_ctx_now_ns(ctx);

	for (uint32_t i = 0; i < w->num_workers; i++) {
		struct walk_worker *k = &w->workers[i];

		if (k->state == WALK_FREE || k->deadline_ns > now_ns)
			continue;
		if (k->state == WALK_ASKED)
			found_of(w, k)->err = SY_TIMEOUT;
		k->deadline_ns = UINT64_MAX;
		sy_ctx_stop_peer(ctx, k->ref, SY_STOPPED);
	}
	set_timer(w, ctx);
}

/* ------------------------------------------------------------------ life */

enum sy_err walk_init(struct walk *w, const struct crawl_config *config, struct crawl_table *table)
{
	*w = (struct walk){.config = config, .table = table, .num_workers = config->workers, .queue_cap = table->max + 1};
	w->learn = config->network == NULL;
	w->channel = (struct sy_channel){.id = PEX_CHANNEL, .priority = 1, .recv_message_capacity = SY_PEX_MESSAGE_MAX};
	w->reactor = (struct sy_reactor){
	    .name = "crawl",
	    .channels = &w->channel,
	    .num_channels = 1,
	    .self = w,
	    .start = on_start,
	    .node_info = on_node_info,
	    .add_peer = on_add_peer,
	    .remove_peer = on_remove_peer,
	    .receive = on_receive,
	    .timer = on_timer,
	    .dial_done = on_dial_done,
	    .resolved = on_resolved,
	};
	w->queue = malloc(w->queue_cap * sizeof *w->queue);
	return w->queue == NULL ? SY_NO_MEMORY : SY_OK;
}

void walk_fini(struct walk *w)
{
	free(w->queue);
	w->queue = NULL;
}

void walk_begin_again(struct walk *w)
{
	memset(w->workers, 0, sizeof w->workers);
	w->busy = w->lookups = 0;
	w->queued = w->queue_head = 0;
	w->learn = w->stopping = false;
	for (uint32_t i = 0; i < w->table->n; i++) {
		struct crawl_found *f = &w->table->at[i];
		bool other_network = f->outcome == CRAWL_REFUSED && f->info != NULL;

		if (f->outcome != CRAWL_NOT_TRIED && !other_network && f->outcome != CRAWL_REACHABLE)
			continue;
		f->outcome = CRAWL_NOT_TRIED;
		f->err = SY_OK;
		enqueue(w, i);
	}
}
