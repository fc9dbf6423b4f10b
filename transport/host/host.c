/* A host's life. Its memory goes with the last of its handles, as libuv wants it. */
#include "transport/host/host_private.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/host/listen.h"

void tp_host_config_init(struct tp_host_config *config, enum sy_profile profile)
{
	memset(config, 0, sizeof *config);
	sy_config_init(&config->node, profile);
	config->node.network = NULL;
	config->node.listen_addr = NULL;
	config->listen = "tcp://0.0.0.0:26656";
}

/* ---- handles ---- */

static void on_patience(uv_timer_t *timer)
{
	struct tp_host *host = timer->data;
	host->impatient = true;
	uv_stop(host->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct tp_host *host = signal->data;
	if (host->stopping)
		on_patience(&host->handles[HOST_PATIENCE].timer);
	else
		tp_host_stop(host);
}

static void watch(struct tp_host *host, enum host_handle which, int number)
{
	uv_signal_init(host->loop, &host->handles[which].signal);
	host->handles[which].any.data = host;
	host->open_handles++;
	if (!host->config.leave_signals)
		uv_signal_start(&host->handles[which].signal, on_signal, number);
	uv_unref(&host->handles[which].any); /* a loop with nothing else to wait for ends */
}

static enum sy_err open_loop(struct tp_host *host, struct tp_message *msg)
{
	host->loop = host->config.loop != NULL ? host->config.loop : &host->own_loop;
	if (host->config.loop == NULL) {
		if (uv_loop_init(&host->own_loop) != 0) {
			tp_message_set(msg, "no event loop: out of descriptors or memory");
			return SY_LIMIT;
		}
		host->own_loop_made = true;
	}
	watch(host, HOST_TERM, SIGTERM);
	watch(host, HOST_INT, SIGINT);
	uv_timer_init(host->loop, &host->handles[HOST_PATIENCE].timer);
	host->handles[HOST_PATIENCE].any.data = host;
	host->open_handles++;
	return SY_OK;
}

/* The last one takes the memory with it, unless the loop itself is in it. */
static void on_closed(uv_handle_t *handle)
{
	struct tp_host *host = handle->data;
	if (--host->open_handles == 0 && !host->own_loop_made)
		free(host);
}

static void close_handles(struct tp_host *host)
{
	if (host->open_handles == 0) { /* the loop could not be made */
		free(host);
		return;
	}
	for (unsigned i = 0; i < HOST_HANDLES; i++)
		uv_close(&host->handles[i].any, on_closed);
	if (!host->own_loop_made)
		return;
	while (uv_run(&host->own_loop, UV_RUN_DEFAULT) != 0)
		continue; /* a uv_stop that nobody has answered ends the first turn at once */
	uv_loop_close(&host->own_loop);
	free(host);
}

/* ---- life ---- */

enum sy_err tp_host_new(struct tp_host **out, const struct tp_host_config *config, struct tp_message *msg)
{
	struct tp_host *host = calloc(1, sizeof *host);
	if (host == NULL) {
		tp_message_set(msg, "out of memory");
		return SY_NO_MEMORY;
	}
	host->config = *config;
	host->held_port = -1;
	enum sy_err err = open_loop(host, msg);
	if (err == SY_OK)
		err = tp_host_open(host, msg);
	if (err == SY_OK)
		*out = host;
	else
		tp_host_free(host);
	return err;
}

static enum sy_err explain(enum sy_err err, const char *what, struct tp_message *msg)
{
	tp_message_set(msg, "%.300s: %s", what, sy_err_text(err));
	return err;
}

enum sy_err tp_host_start(struct tp_host *host, struct tp_message *msg)
{
	struct sy_netaddr bound;

	tp_host_let_port_go(host);
	enum sy_err err = tp_driver_start(host->driver, &bound);
	if (err != SY_OK && host->config.listen != NULL && bound.port == 0) {
		tp_message_set(msg, "cannot listen on %.300s: %s", host->config.listen, tp_listen_fault(err));
		return err;
	}
	if (err != SY_OK)
		return explain(err, "the node does not start", msg);
	if (host->start_err != SY_OK)
		return explain(host->start_err, "the node does not start", msg);
	host->started = true;
	if (host->config.listen == NULL)
		return SY_OK;
	bound.id = host->key.id;
	bound.flags = SY_ADDR_HAS_ID;
	sy_netaddr_format(&bound, host->address);
	return SY_OK;
}

enum sy_err tp_host_run(struct tp_host *host, struct tp_message *msg)
{
	if (!host->stopped && !host->impatient && host->start_err == SY_OK)
		uv_run(host->loop, UV_RUN_DEFAULT);
	if (host->start_err != SY_OK)
		return explain(host->start_err, "the node does not start", msg);
	if (host->stopped)
		return SY_OK;
	if (host->impatient)
		return explain(SY_TIMEOUT, "the node was ended before it had stopped", msg);
	return explain(SY_AGAIN, "the loop was stopped, or has nothing to wait for", msg);
}

void tp_host_stop(struct tp_host *host)
{
	if (!host->started || host->stopping)
		return;
	host->stopping = true;
	uv_timer_start(&host->handles[HOST_PATIENCE].timer, on_patience, TP_HOST_PATIENCE_MS, 0);
	tp_driver_stop(host->driver);
}

void tp_host_free(struct tp_host *host)
{
	if (host == NULL)
		return;
	tp_host_let_port_go(host);
	tp_driver_free(host->driver);
	tp_lock_give(&host->lock);
	if (host->tp != NULL)
		host->tp->ops->fini(host->tp);
	sy_node_free(host->node);
	tp_env_close(&host->env);
	tp_node_key_wipe(&host->key);
	close_handles(host);
}

/* ---- looking ---- */

const char *tp_host_address(const struct tp_host *host)
{
	return host->address;
}

uv_loop_t *tp_host_loop(struct tp_host *host)
{
	return host->loop;
}

struct tp_driver *tp_host_driver(struct tp_host *host)
{
	return host->driver;
}

struct sy_node *tp_host_node(struct tp_host *host)
{
	return host->node;
}
