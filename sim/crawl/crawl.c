/* A crawl's life: one loop, one node a network, an end by itself, by time or by signal. */
#include "sim/crawl/crawl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/conn/conn.h"
#include "sim/crawl/progress.h"
#include "sim/crawl/walk.h"
#include "transport/host/host.h"

#define NO_NETWORK "unknown" /* what we say of ourselves until somebody has told */
#define PROGRESS_MS 200u

enum crawl_timer { TIMER_END, TIMER_UNTIL, TIMER_PROGRESS, TIMERS };

struct crawl {
	const struct crawl_config *config;
	struct crawl_result *r;
	struct walk walk;
	uv_loop_t loop;
	uv_signal_t term, intr;
	uv_timer_t timers[TIMERS];
	uint64_t began_ns;
	struct tp_host *host; /* null between two networks */
	bool ended;           /* by signal or time */
};

/* ------------------------------------------------------------------ the end */

static void stop(struct crawl *c)
{
	c->walk.stopping = true;
	if (c->host != NULL)
		tp_host_stop(c->host);
}

static void on_end(uv_timer_t *timer)
{
	stop(timer->data);
}

/* From inside a reactor's callback: the node is stopped when the loop comes round. */
static void walk_over(void *owner)
{
	struct crawl *c = owner;

	uv_timer_start(&c->timers[TIMER_END], on_end, 0, 0);
}

static void end_early(struct crawl *c, enum crawl_end why)
{
	if (c->ended) {
		uv_stop(&c->loop); /* asked twice: without goodbyes */
		return;
	}
	c->ended = true;
	c->r->end = why;
	stop(c);
}

static void on_until(uv_timer_t *timer)
{
	end_early(timer->data, CRAWL_TIME_UP);
}

static void on_signal(uv_signal_t *handle, int number)
{
	end_early(handle->data, CRAWL_INTERRUPTED);
}

static void on_progress(uv_timer_t *timer)
{
	const struct crawl *c = timer->data;

	crawl_progress(&c->walk, uv_hrtime() - c->began_ns);
}

/* ------------------------------------------------------------------ the loop and its handles */

static void watch(struct crawl *c, uv_signal_t *handle, int number)
{
	uv_signal_init(&c->loop, handle);
	handle->data = c;
	uv_signal_start(handle, on_signal, number);
	uv_unref((uv_handle_t *)handle);
}

static bool open_loop(struct crawl *c)
{
	if (uv_loop_init(&c->loop) != 0)
		return false;
	watch(c, &c->term, SIGTERM);
	watch(c, &c->intr, SIGINT);
	for (int i = 0; i < TIMERS; i++) {
		uv_timer_init(&c->loop, &c->timers[i]);
		c->timers[i].data = c;
	}
	if (c->config->until_ns != 0)
		uv_timer_start(&c->timers[TIMER_UNTIL], on_until, c->config->until_ns / 1000000u + 1, 0);
	if (c->config->progress)
		uv_timer_start(&c->timers[TIMER_PROGRESS], on_progress, PROGRESS_MS, PROGRESS_MS);
	uv_unref((uv_handle_t *)&c->timers[TIMER_UNTIL]);
	uv_unref((uv_handle_t *)&c->timers[TIMER_PROGRESS]);
	return true;
}

static void run_to_the_end(uv_loop_t *loop)
{
	while (uv_run(loop, UV_RUN_DEFAULT) != 0)
		continue;
}

static void close_loop(struct crawl *c)
{
	uv_close((uv_handle_t *)&c->term, NULL);
	uv_close((uv_handle_t *)&c->intr, NULL);
	for (int i = 0; i < TIMERS; i++)
		uv_close((uv_handle_t *)&c->timers[i], NULL);
	run_to_the_end(&c->loop);
	uv_loop_close(&c->loop);
}

/* ------------------------------------------------------------------ one network */

static void on_trace(void *ctx, const struct sy_trace *trace)
{
	struct crawl *c = ctx;

	if (trace->kind == SY_TRACE_CONN_STATE && trace->b == SY_CONN_FILTERING)
		walk_connected(&c->walk, &trace->addr, trace->now_ns);
}

static void configure(struct crawl *c, struct tp_host_config *host)
{
	struct sy_config *node = &host->node;

	tp_host_config_init(host, SY_PROFILE_DEFAULT);
	host->listen = NULL;
	host->loop = &c->loop;
	host->leave_signals = true;
	host->reactors = &c->walk.reactor;
	host->num_reactors = 1;
	host->hooks = (struct tp_driver_hooks){.ctx = c, .trace = on_trace};
	node->network = c->r->network[0] == '\0' ? NO_NETWORK : c->r->network;
	if (c->r->block_version != 0)
		node->block_version = c->r->block_version;
	node->moniker = "switchyard-crawl";
	node->version = "switchyard-" SY_VERSION;
	node->tx_index = "off";
	node->rpc_address = "";
	node->pex = false;
	node->allow_duplicate_ip = true;
	node->max_num_outbound_peers = SY_LIMIT_CONNS;
	node->dial_timeout_ns = c->config->dial_timeout_ns;
	node->handshake_timeout_ns = c->config->handshake_timeout_ns;
}

static enum sy_err run_network(struct crawl *c, struct tp_message *msg)
{
	struct tp_host_config config;

	configure(c, &config);
	enum sy_err err = tp_host_new(&c->host, &config, msg);
	if (err == SY_OK)
		err = tp_host_start(c->host, msg);
	if (err == SY_OK && tp_host_run(c->host, msg) == SY_NO_MEMORY) /* however else it ended: what was found is there */
		err = SY_NO_MEMORY;
	struct tp_host *host = c->host;
	c->host = NULL;
	tp_host_free(host);
	run_to_the_end(&c->loop);
	return err;
}

static void learn(struct crawl *c)
{
	c->walk.has_learnt = false;
	memcpy(c->r->network, c->walk.learnt.network, sizeof c->r->network);
	if (c->r->block_version == 0)
		c->r->block_version = c->walk.learnt.block_version;
	walk_begin_again(&c->walk);
}

static enum sy_err run_all(struct crawl *c, struct tp_message *msg)
{
	enum sy_err err;

	if (!open_loop(c)) {
		tp_message_set(msg, "no event loop: out of descriptors or memory");
		return SY_LIMIT;
	}
	do {
		if (c->walk.has_learnt)
			learn(c);
		err = run_network(c, msg);
	} while (err == SY_OK && c->walk.has_learnt && !c->ended);
	close_loop(c);
	if (c->config->progress)
		crawl_progress_end();
	return err;
}

/* ------------------------------------------------------------------ the whole */

static void count(struct crawl_result *r)
{
	for (uint32_t i = 0; i < r->table.n; i++)
		r->counts[r->table.at[i].outcome]++;
}

enum sy_err crawl_run(const struct crawl_config *config, struct crawl_result *r, char error[CRAWL_ERROR_TEXT])
{
	struct crawl *c = calloc(1, sizeof *c);
	struct tp_message msg = {.text = "out of memory"};

	*r = (struct crawl_result){.block_version = config->block_version, .began_s = (int64_t)time(NULL)};
	if (config->network != NULL)
		snprintf(r->network, sizeof r->network, "%s", config->network);
	enum sy_err err = c == NULL ? SY_NO_MEMORY : crawl_table_init(&r->table, config->max_addresses);
	if (err == SY_OK)
		err = walk_init(&c->walk, config, &r->table);
	if (err == SY_OK) {
		c->config = config;
		c->r = r;
		c->began_ns = uv_hrtime();
		c->walk.owner = c;
		c->walk.over = walk_over;
		err = run_all(c, &msg);
		r->took_ns = uv_hrtime() - c->began_ns;
		walk_fini(&c->walk);
		count(r);
	}
	free(c);
	if (err != SY_OK)
		snprintf(error, CRAWL_ERROR_TEXT, "%s", msg.text);
	return err;
}

void crawl_result_fini(struct crawl_result *r)
{
	crawl_table_fini(&r->table);
}
