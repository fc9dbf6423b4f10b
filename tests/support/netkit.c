#include <stdlib.h>
#include <string.h>

#include "tests/support/netkit.h"

static void note(struct netkit_user *u)
{
	u->event_ns = u->engine->now_ns;
}

static void came(struct netkit_user *u, tp_sock sock)
{
	note(u);
	assert_true(u->num_socks < MAX_SOCKS);
	u->at[u->num_socks] = u->engine->now_ns;
	u->sock[u->num_socks++] = sock;
	u->tp->ops->read_window(u->tp, sock, u->window);
}

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct netkit_user *u = ctx;
	if (u->refuse) {
		return 0;
	}
	u->remote = *remote;
	came(u, sock);
	return (uint64_t)u->num_socks;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	came(ctx, sock);
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct netkit_user *u = ctx;
	note(u);
	u->failed_dials++;
	u->err = err;
}

void netkit_push(struct netkit_user *u)
{
	static const uint8_t zeros[65536];
	while (u->to_write) {
		size_t room = u->tp->ops->room(u->tp, u->sock[0]);
		size_t n = u->to_write < sizeof zeros ? u->to_write : sizeof zeros;
		n = n < room ? n : room;
		if (!n) {
			return;
		}
		assert_int_equal(u->tp->ops->write(u->tp, u->sock[0], zeros, n), n);
		u->to_write -= n;
	}
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct netkit_user *u = ctx;
	u->first_ns = u->got ? u->first_ns : u->engine->now_ns;
	u->last_ns = u->engine->now_ns;
	u->got += bytes.len;
	for (size_t i = 0; i < bytes.len; i++) {
		u->sum = u->sum * 31 + bytes.ptr[i];
	}
	if (u->echo) {
		assert_int_equal(u->tp->ops->write(u->tp, u->sock[cookie - 1], bytes.ptr, bytes.len), bytes.len);
	}
	if (u->close_on_bytes) {
		u->tp->ops->close(u->tp, u->sock[0], TP_CLOSE_ABORT);
	}
}

static void on_eof(void *ctx, uint64_t cookie)
{
	struct netkit_user *u = ctx;
	note(u);
	u->eofs++;
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct netkit_user *u = ctx;
	note(u);
	u->failed++;
	u->err = err;
}

static void on_writable(void *ctx, uint64_t cookie)
{
	struct netkit_user *u = ctx;
	note(u);
	u->writables++;
	netkit_push(u);
}

static void on_wake(void *ctx)
{
	struct netkit_user *u = ctx;
	note(u);
	u->wakes++;
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct netkit_user *u = ctx;
	note(u);
	u->resolves++;
	u->err = err;
	u->num_addrs = n;
	if (n) {
		u->remote = addrs[0];
	}
}

void netkit_attach(struct netkit_user *u)
{
	const struct tp_events events = {u,      on_accepted, on_dialled,  on_dial_failed, on_bytes,
	                                 on_eof, on_failed,   on_writable, on_wake,        on_resolved};
	u->tp->ops->attach(u->tp, &events);
}

static void user_init(struct netkit *w, struct netkit_user *u, const char *name, int region)
{
	memset(u, 0, sizeof *u);
	u->engine = w->engine;
	u->host = sim_host_new(w->net, name, region, NULL);
	assert_non_null(u->host);
	u->tp = sim_host_transport(u->host);
	u->window = SIZE_MAX;
	netkit_attach(u);
}

void netkit_listen(struct netkit_user *u)
{
	struct sy_netaddr at, bound;
	sim_host_address(u->host, &at);
	at.port = PORT;
	assert_int_equal(u->tp->ops->listen(u->tp, &at, &bound), SY_OK);
	assert_int_equal(bound.port, PORT);
	u->tp->ops->accept_window(u->tp, MAX_SOCKS);
}

struct sim_net_config netkit_config(void)
{
	return (struct sim_net_config){.link = {.latency = {.kind = SIM_DIST_CONSTANT, .a_ns = 20 * MS}}};
}

struct netkit *netkit_make(uint64_t seed, const struct sim_net_config *config)
{
	struct netkit *w = calloc(1, sizeof *w);
	const char *what = NULL;
	w->engine = sim_engine_new(seed);
	assert_int_equal(sim_net_new(&w->net, w->engine, config, &what), SY_OK);
	user_init(w, &w->a, "a", -1);
	user_init(w, &w->b, "b", -1);
	user_init(w, &w->c, "c", -1);
	netkit_listen(&w->b);
	return w;
}

void netkit_drop(struct netkit *w)
{
	sim_net_free(w->net);
	sim_engine_free(w->engine);
	free(w);
}

void netkit_run(struct netkit *w, uint64_t until_ns)
{
	uint64_t bound = w->engine->events + 3000000;
	while (sim_engine_step(w->engine, until_ns)) {
		assert_true(w->engine->events < bound);
	}
}

void netkit_dial(struct netkit_user *from, struct netkit_user *to, uint64_t timeout_ns)
{
	struct sy_netaddr addr;
	sim_host_address(to->host, &addr);
	addr.port = PORT;
	assert_int_equal(from->tp->ops->dial(from->tp, (uint64_t)from->num_socks + 1, &addr, timeout_ns), SY_OK);
}

struct netkit *netkit_connected(uint64_t seed, const struct sim_net_config *config)
{
	struct netkit *w = netkit_make(seed, config);
	netkit_dial(&w->a, &w->b, 0);
	netkit_run(w, 100 * MS);
	return w;
}

size_t netkit_send(struct netkit_user *u, int i, size_t n)
{
	uint8_t *bytes = malloc(n + 1);
	for (size_t k = 0; k < n; k++) {
		bytes[k] = (uint8_t)(k * 7 + 3);
	}
	size_t done = u->tp->ops->write(u->tp, u->sock[i], bytes, n);
	free(bytes);
	return done;
}
