/* Real sockets on loopback addresses as a network to test against: each endpoint lives at 127.n.0.1. */
#include "tests/support/net_world.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#include "transport/tcp/tcp.h"

#define PATIENCE_NS 30000000000ull /* a test that waits longer for the kernel has failed */
#define FILLERS 4

struct net_world {
	uv_loop_t loop;
	uv_timer_t pulse; /* a step returns although nothing happens */
	uint64_t began_ns;
	struct tp_transport *ends[NET_ENDPOINTS];
	int deaf, fillers[FILLERS]; /* a listener with a full backlog */
};

static void on_pulse(uv_timer_t *timer)
{
	(void)timer;
}

static struct net_world *tcp_make(void)
{
	struct net_world *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	uv_loop_init(&w->loop);
	uv_timer_init(&w->loop, &w->pulse);
	uv_timer_start(&w->pulse, on_pulse, 5, 5);
	w->began_ns = uv_hrtime();
	w->deaf = -1;
	return w;
}

static void tcp_free(struct net_world *w)
{
	for (unsigned i = 0; i < NET_ENDPOINTS; i++) {
		if (w->ends[i])
			w->ends[i]->ops->fini(w->ends[i]);
	}
	if (w->deaf >= 0) {
		close(w->deaf);
		for (unsigned i = 0; i < FILLERS; i++)
			close(w->fillers[i]);
	}
	uv_close((uv_handle_t *)&w->pulse, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&w->loop) != 0)
		abort(); /* a handle was left behind */
	free(w);
}

static void tcp_address(struct net_world *w, unsigned i, struct sy_netaddr *at)
{
	(void)w;
	*at = net_v4(127, (uint8_t)(i + 1), 0, 1, 0);
}

static struct tp_transport *tcp_endpoint(struct net_world *w, unsigned i)
{
	struct sy_netaddr at;
	tcp_address(w, i, &at);
	struct tp_tcp_config config = {.loop = &w->loop, .bind_ip = at.ip};
	if (!w->ends[i] && tp_tcp_new(&w->ends[i], &config) != SY_OK)
		return NULL;
	return w->ends[i];
}

static void tcp_forget(struct net_world *w, unsigned i)
{
	w->ends[i] = NULL;
}

static bool tcp_step(struct net_world *w)
{
	uv_run(&w->loop, UV_RUN_ONCE);
	return uv_hrtime() - w->began_ns < PATIENCE_NS;
}

/* Once its backlog is full, a listener on this machine drops further SYNs. */
static void tcp_nowhere(struct net_world *w, struct sy_netaddr *at)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	w->deaf = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(w->deaf, (struct sockaddr *)&in, len) != 0 || listen(w->deaf, 0) != 0 ||
	    getsockname(w->deaf, (struct sockaddr *)&in, &len) != 0)
		abort();
	for (unsigned i = 0; i < FILLERS; i++) {
		w->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(w->fillers[i], (struct sockaddr *)&in, len);
	}
	*at = net_v4(127, 0, 0, 1, ntohs(in.sin_port));
}

const struct net_kind net_tcp = {
    .name = "tcp",
    .make = tcp_make,
    .free = tcp_free,
    .endpoint = tcp_endpoint,
    .forget = tcp_forget,
    .address = tcp_address,
    .step = tcp_step,
    .nowhere = tcp_nowhere,
    .bounds_dials = true,
};
