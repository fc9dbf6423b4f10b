/*
 * A real node's life: made from files, run by a uv loop, stopped by a signal. The first SIGTERM or SIGINT stops it in
 * good order and saves the book; a second one, or PATIENCE_MS, ends it at once.
 */
#include "sim/cli/real_node.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/secret/suite.h"
#include "transport/files/addrbook_json.h"
#include "transport/host/env.h"
#include "transport/host/listen.h"
#include "transport/tcp/tcp.h"

#define PATIENCE_MS 5000u

/* ------------------------------------------------------------------ what the driver says */

static bool sign(void *ctx, struct sy_ref conn, const uint8_t challenge[32], uint8_t sig[64])
{
	struct real_node *n = ctx;

	n->env.crypto->sign(sig, n->key.secret, challenge);
	return true;
}

static void on_started(void *ctx, enum sy_err err)
{
	struct real_node *n = ctx;

	n->start_err = err;
	if (err != SY_OK)
		uv_stop(&n->loop);
}

static void on_stopped(void *ctx)
{
	struct real_node *n = ctx;

	n->stopped = true;
	uv_stop(&n->loop);
}

static void on_trace(void *ctx, const struct sy_trace *trace)
{
	struct real_node *n = ctx;

	uint64_t version = sy_node_block_version(n->core);

	if (version != n->block_version)
		node_log(&n->log, NODE_LOG_INFO, "the network's block version is %" PRIu64, version);
	n->block_version = version;
	ops_see(&n->ops, trace);
	if (n->listening) /* the first line of a node is where it listens */
		node_log_trace(&n->log, &n->ops.counts.conns, trace);
}

/* The driver tries again after upstream's period, as the line says, and at the stop. */
static void on_save_failed(void *ctx, enum sy_err err)
{
	struct real_node *n = ctx;

	if (!n->told_at_stop) /* the stop tries twice */
		node_log(&n->log, NODE_LOG_ERROR, "the address book is not saved: %s%s",
		         *n->unsaved.text != '\0' ? n->unsaved.text : sy_err_text(err),
		         n->stopping ? "" : "; it is tried again in two minutes and at the stop");
	n->told_at_stop = n->stopping;
	*n->unsaved.text = '\0';
}

static enum sy_err save_book(void *ctx, struct sy_span snapshot)
{
	struct real_node *n = ctx;

	return tp_addrbook_save(n->book_path, snapshot, &n->unsaved);
}

/* ------------------------------------------------------------------ reactors in Lua */

static uint64_t script_now(void *ctx)
{
	return uv_hrtime();
}

static uint64_t script_rand(void *ctx)
{
	uint64_t word;

	tp_random(&word, sizeof word);
	return word;
}

static const struct sy_node *script_node(void *ctx)
{
	return ((struct real_node *)ctx)->core;
}

static void script_log(void *ctx, const char *who, const char *text)
{
	node_log(&((struct real_node *)ctx)->log, NODE_LOG_INFO, "%s: %s", who, text);
}

static void script_failed(void *ctx, const char *error)
{
	node_log(&((struct real_node *)ctx)->log, NODE_LOG_ERROR, "%s (this reactor does nothing from now on)", error);
}

static bool load_scripts(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	const struct lua_reactor_host host = {
	    .ctx = n,
	    .node_name = n->settings->moniker,
	    .profile = n->profile,
	    .now_ns = script_now,
	    .rand = script_rand,
	    .node = script_node,
	    .log = script_log,
	    .failed = script_failed,
	};
	char why[LUA_REACTOR_ERROR_TEXT];

	for (size_t i = 0; i < n->settings->reactors.n; i++) {
		if (n->num_scripts == REAL_NODE_REACTORS) {
			snprintf(error, CLI_ERROR_TEXT, "--reactor may be given %u times at most", REAL_NODE_REACTORS);
			return false;
		}
		if (lua_reactor_load(&n->scripts[n->num_scripts], n->settings->reactors.at[i], &host, why) != SY_OK) {
			snprintf(error, CLI_ERROR_TEXT, "%s", why);
			return false;
		}
		n->reactors[n->num_scripts] = *lua_reactor_table(n->scripts[n->num_scripts]);
		n->num_scripts++;
	}
	return true;
}

/* ------------------------------------------------------------------ signals */

static void on_patience(uv_timer_t *timer)
{
	struct real_node *n = timer->data;

	node_log(&n->log, NODE_LOG_ERROR, "peers took too long to say goodbye");
	uv_stop(&n->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct real_node *n = handle->data;

	if (n->stopping) {
		uv_stop(&n->loop);
		return;
	}
	n->stopping = n->ops.stopping = true;
	ops_notify_say(&n->notify, "STOPPING=1");
	node_log(&n->log, NODE_LOG_INFO, "stopping: signal %d", number);
	uv_timer_start(&n->patience, on_patience, PATIENCE_MS, 0);
	tp_driver_stop(n->driver);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	struct real_node *n = handle->data;

	if (!n->stopping)
		real_node_reload(n);
}

static void watch(struct real_node *n, uv_signal_t *handle, int number, uv_signal_cb what)
{
	uv_signal_init(&n->loop, handle);
	handle->data = n;
	uv_signal_start(handle, what, number);
}

/* ------------------------------------------------------------------ making */

/* A key that is not there yet is made by the start, not by the check: until then the node is nobody. */
static enum sy_err find_key(struct real_node *n, struct tp_message *msg)
{
	bool made;
	enum sy_err err =
	    n->checking ? tp_node_key_load(n->key_path, &n->key, msg) : tp_node_key_load_or_make(n->key_path, &n->key, &made, msg);

	n->has_key = err == SY_OK;
	return n->checking && err == SY_NOT_FOUND ? SY_OK : err;
}

/* Under the lock: what a process that was killed while it saved has left beside the book and the key. */
static void sweep(struct real_node *n)
{
	unsigned gone = tp_file_sweep(n->book_path) + tp_file_sweep(n->key_path);

	if (gone != 0)
		node_log(&n->log, NODE_LOG_INFO, "files that a kill has left behind are removed: %u", gone);
}

static bool load_files(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	const struct settings *s = n->settings;
	struct tp_message msg = {.text = ""};

	if ((!n->checking && tp_home_make(s->home, &msg) != SY_OK) || tp_home_path(s->home, s->node_key_file, n->key_path, &msg) != SY_OK ||
	    tp_home_path(s->home, s->addr_book_file, n->book_path, &msg) != SY_OK ||
	    (!n->checking && tp_lock_take(&n->lock, n->book_path, &msg) != SY_OK) || find_key(n, &msg) != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
		return false;
	}
	sy_id_format(&n->key.id, n->id);
	if (!n->checking)
		sweep(n);
	return true;
}

/* The channels of scripts are theirs; what is left is as much as a node info has room for. Returns how many reactors there are. */
static size_t add_sink(struct real_node *n, bool pex)
{
	size_t taken = pex ? 1 : 0;

	for (size_t i = 0; i < n->num_scripts; i++)
		for (size_t k = 0; k < n->reactors[i].num_channels; k++, taken++)
			tp_sink_leave(&n->sink, n->reactors[i].channels[k].id);
	while (n->sink.num_channels != 0 && n->sink.num_channels + taken > TP_SINK_CHANNELS)
		tp_sink_leave(&n->sink, n->sink.channels[n->sink.num_channels - 1].id);
	n->reactors[n->num_scripts] = ops_infos_reactor(&n->ops.infos);
	if (n->sink.num_channels == 0)
		return n->num_scripts + 1;
	n->reactors[n->num_scripts + 1] = tp_sink_reactor(&n->sink);
	return n->num_scripts + 2;
}

static bool make_core(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	struct sy_config config;
	const char *what = NULL;

	if (!real_node_configure(n, &config, error) || !load_scripts(n, error))
		return false;
	enum sy_err err = tp_env_open(&n->env);
	if (err == SY_OK)
		err = sy_node_new(&n->core, &n->env, &config, n->reactors, add_sink(n, config.pex), &what);
	if (err == SY_OK) {
		n->block_version = config.block_version;
		return true;
	}
	real_node_refused(n->settings, what, err, error);
	return false;
}

static bool make_driver(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	struct tp_tcp_config tcp = {.loop = &n->loop};
	struct tp_driver_config config = {
	    .listen = n->listen,
	    .store = &n->store,
	    .hooks = {.ctx = n, .sign = sign, .started = on_started, .stopped = on_stopped, .trace = on_trace, .save_failed = on_save_failed},
	};

	n->store = (struct tp_store){.ctx = n, .save_book = save_book};
	if (uv_loop_init(&n->loop) != 0) {
		snprintf(error, CLI_ERROR_TEXT, "no event loop: out of descriptors or memory");
		return false;
	}
	n->loop_made = true;
	watch(n, &n->term, SIGTERM, on_signal);
	watch(n, &n->intr, SIGINT, on_signal);
	watch(n, &n->hup, SIGHUP, on_hangup);
	uv_timer_init(&n->loop, &n->patience);
	n->patience.data = n;
	if (tp_tcp_new(&n->tp, &tcp) == SY_OK && tp_driver_new(&n->driver, &n->env, n->core, n->tp, &config) == SY_OK)
		return true;
	snprintf(error, CLI_ERROR_TEXT, "out of memory");
	return false;
}

struct sy_answer real_node_give(struct real_node *n, struct sy_input *in)
{
	return n->driver != NULL ? tp_driver_input(n->driver, in) : sy_node_input(n->core, in);
}

/* A book that cannot be read ends the start, as upstream does it: it is better looked at than lost. */
static bool load_book(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	struct tp_message msg;
	uint8_t *bytes;
	size_t len;
	enum sy_err err = tp_addrbook_load(n->book_path, &bytes, &len, &msg);

	if (err == SY_NOT_FOUND)
		return true;
	if (err != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
		return false;
	}
	struct sy_input in = {.kind = SY_IN_BOOK, .bytes = {bytes, len}};
	err = real_node_give(n, &in).err;
	free(bytes);
	if (err == SY_OK)
		return true;
	snprintf(error, CLI_ERROR_TEXT, "%.400s: %s", n->book_path, sy_err_text(err));
	return false;
}

/* A name is not looked at: what it stands for is seen by those who look it up. */
static void warn_of_address(struct real_node *n)
{
	struct sy_netaddr told;
	const char *external = n->settings->external_address;
	bool local = !n->settings->pex || !n->settings->addr_book_strict;

	if (local || !real_node_advertised(n, &told) || sy_netaddr_routable(&told))
		return;
	node_log(&n->log, NODE_LOG_WARN,
	         "%s %.200s is what peers are told, and nobody can dial it from other networks: set external_address = \"PUBLIC-IP:PORT\" "
	         "in [p2p], or addr_book_strict = false in a private network",
	         *external != '\0' ? "p2p.external_address" : "p2p.laddr", n->listen_text);
}

/* What may be done about an address that is refused. */
static const char *listen_advice(const struct sy_netaddr *listen, enum sy_err err)
{
	if (err == SY_IN_USE)
		return ": end who has it, or name another port with p2p.laddr";
	if (err == SY_UNREACHABLE)
		return "; p2p.laddr wants one of its own, or 0.0.0.0 for all";
	return err == SY_IO && listen->port < 1024 ? ": ports below 1024 want CAP_NET_BIND_SERVICE" : "";
}

static bool start(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	struct sy_netaddr bound;
	char where[SY_ADDR_TEXT], dial[SY_ADDR_TEXT];

	if (n->held_port >= 0)
		close(n->held_port);
	n->held_port = -1;
	enum sy_err err = tp_driver_start(n->driver, &bound);
	sy_netaddr_format_dial(&n->listen, dial);
	if (err != SY_OK && bound.port != 0) {
		snprintf(error, CLI_ERROR_TEXT, "the node does not start: %s", sy_err_text(err));
		return false;
	}
	if (err != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "cannot listen on %s: %s%s", dial, tp_listen_fault(err), listen_advice(&n->listen, err));
		return false;
	}
	bound.id = n->key.id;
	bound.flags = SY_ADDR_HAS_ID;
	sy_netaddr_format(&bound, where);
	printf("%s\n", where);
	fflush(stdout);
	n->listening = n->ops.listening = true;
	warn_of_address(n);
	ops_notify_ready(&n->notify, &n->loop);
	return true;
}

/* ------------------------------------------------------------------ ending */

static void close_loop(struct real_node *n)
{
	if (!n->loop_made)
		return;
	uv_close((uv_handle_t *)&n->term, NULL);
	uv_close((uv_handle_t *)&n->intr, NULL);
	uv_close((uv_handle_t *)&n->hup, NULL);
	uv_close((uv_handle_t *)&n->patience, NULL);
	uv_run(&n->loop, UV_RUN_DEFAULT);
	uv_loop_close(&n->loop);
}

static void fini(struct real_node *n)
{
	ops_notify_close(&n->notify);
	ops_stop(&n->ops);
	tp_driver_free(n->driver);
	tp_lock_give(&n->lock);
	node_log_flush(&n->log);
	if (n->tp != NULL)
		n->tp->ops->fini(n->tp);
	sy_node_free(n->core);
	for (size_t i = 0; i < n->num_scripts; i++)
		lua_reactor_free(n->scripts[i]);
	tp_env_close(&n->env);
	close_loop(n);
	real_node_unconfigure(n);
	tp_node_key_wipe(&n->key);
	node_log_close(&n->log);
}

static int run(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	if (!load_files(n, error) || !real_node_judge_ops(n->settings, error) || !make_core(n, error) || !real_node_descriptors(n, error) ||
	    !make_driver(n, error) || !real_node_watch(n, error) || !real_node_lists(n, error) || !load_book(n, error) ||
	    !real_node_serve(n, error) || !start(n, error))
		return CLI_USAGE;
	if (n->start_err == SY_OK)
		uv_run(&n->loop, UV_RUN_DEFAULT);
	if (n->start_err != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "the node does not start: %s", sy_err_text(n->start_err));
		return CLI_USAGE;
	}
	if (n->stopped)
		return CLI_HELD;
	snprintf(error, CLI_ERROR_TEXT, "the node was ended before it had stopped");
	return CLI_INTERNAL;
}

int real_node_check(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	n->held_port = -1;
	n->checking = true;
	bool good = load_files(n, error) && real_node_judge_ops(n->settings, error) && make_core(n, error) && real_node_descriptors(n, error) &&
	            real_node_lists(n, error) && load_book(n, error);
	fini(n);
	return good ? CLI_HELD : CLI_USAGE;
}

int real_node_run(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	n->held_port = -1;
	signal(SIGPIPE, SIG_IGN); /* a peer that hangs up is an error of write, not the end of the process */
	signal(SIGHUP, SIG_IGN);  /* until it can be obeyed: nothing was read yet that would have to be read again */
	node_log_open(&n->log, STDERR_FILENO);
	int code = run(n, error);
	fini(n);
	return code;
}
