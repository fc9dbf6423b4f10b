/* What only real sockets have: address families, descriptors that run out, look-ups on threads. */
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/net_world.h"
#include "transport/tcp/tcp.h"

#define SECOND 1000000000ull

/* Records what happens; cookies are the index of the connection plus one. */
struct end {
	struct tp_transport *tp;
	tp_sock socks[600];
	struct sy_netaddr remotes[600];
	uint32_t accepted, dialled, dial_failed, failed, eof, resolved;
	enum sy_err err;
	size_t received;
};

struct rig {
	uv_loop_t loop;
	uv_timer_t pulse;
	uint64_t began_ns;
	struct end a, b;
};

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct end *e = ctx;
	e->socks[e->accepted] = sock;
	e->remotes[e->accepted++] = *remote;
	return e->accepted;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	struct end *e = ctx;
	e->socks[cookie - 1] = sock;
	e->dialled++;
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct end *e = ctx;
	(void)cookie;
	e->dial_failed++;
	e->err = err;
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	(void)cookie;
	((struct end *)ctx)->received += bytes.len;
}

static void on_eof(void *ctx, uint64_t cookie)
{
	(void)cookie;
	((struct end *)ctx)->eof++;
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct end *e = ctx;
	(void)cookie;
	e->failed++;
	e->err = err;
}

static void on_cookie(void *ctx, uint64_t cookie)
{
	(void)ctx, (void)cookie;
}

static void on_wake(void *ctx)
{
	(void)ctx;
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	(void)token, (void)addrs, (void)n, (void)err;
	((struct end *)ctx)->resolved++;
}

static void on_pulse(uv_timer_t *timer)
{
	(void)timer;
}

static void make(struct rig *r, struct end *e, const uint8_t *bind_ip)
{
	const struct tp_tcp_config config = {.loop = &r->loop, .bind_ip = bind_ip};
	const struct tp_events events = {
	    .ctx = e,
	    .accepted = on_accepted,
	    .dialled = on_dialled,
	    .dial_failed = on_dial_failed,
	    .bytes = on_bytes,
	    .eof = on_eof,
	    .failed = on_failed,
	    .writable = on_cookie,
	    .wake = on_wake,
	    .resolved = on_resolved,
	};
	memset(e, 0, sizeof(*e));
	assert_int_equal(tp_tcp_new(&e->tp, &config), SY_OK);
	e->tp->ops->attach(e->tp, &events);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	uv_loop_init(&r->loop);
	uv_timer_init(&r->loop, &r->pulse);
	uv_timer_start(&r->pulse, on_pulse, 2, 2);
	r->began_ns = uv_hrtime();
	make(r, &r->a, NULL);
	make(r, &r->b, NULL);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	if (r->a.tp)
		r->a.tp->ops->fini(r->a.tp);
	if (r->b.tp)
		r->b.tp->ops->fini(r->b.tp);
	uv_close((uv_handle_t *)&r->pulse, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	int busy = uv_loop_close(&r->loop);
	free(r);
	return busy;
}

#define UNTIL(r, condition)                                \
	do {                                                   \
		while (!(condition)) {                             \
			uv_run(&(r)->loop, UV_RUN_ONCE);               \
			if (uv_hrtime() - (r)->began_ns > 30 * SECOND) \
				fail_msg("%s: never true", #condition);    \
		}                                                  \
	} while (0)

static const struct sy_netaddr v6_loopback = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

static bool have_v6(void)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool have = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
	if (fd >= 0)
		close(fd);
	return have;
}

static void listen_on(struct end *e, const struct sy_netaddr *at, struct sy_netaddr *bound)
{
	assert_int_equal(e->tp->ops->listen(e->tp, at, bound), SY_OK);
	e->tp->ops->accept_window(e->tp, 500);
}

static void test_tcp_speaks_ipv6(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound;
	if (!have_v6())
		skip();
	listen_on(&r->b, &v6_loopback, &bound);
	assert_memory_equal(bound.ip, v6_loopback.ip, 16);
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 1, &bound, SECOND), SY_OK);
	UNTIL(r, r->a.dialled == 1 && r->b.accepted == 1);
	assert_memory_equal(r->b.remotes[0].ip, v6_loopback.ip, 16);
}

static void test_tcp_wildcard_takes_both_families(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound, any = {0}, v4 = net_v4(127, 0, 0, 1, 0), v6 = v6_loopback;
	if (!have_v6())
		skip();
	listen_on(&r->b, &any, &bound);
	v4.port = v6.port = bound.port;
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 1, &v4, SECOND), SY_OK);
	UNTIL(r, r->b.accepted == 1);
	assert_memory_equal(r->b.remotes[0].ip, v4.ip, 16);
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 2, &v6, SECOND), SY_OK);
	UNTIL(r, r->b.accepted == 2);
	assert_memory_equal(r->b.remotes[1].ip, v6.ip, 16);
}

static void test_tcp_port_is_in_use_across_transports(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound, second, at = net_v4(127, 0, 0, 1, 0);
	listen_on(&r->b, &at, &bound);
	assert_int_equal(r->a.tp->ops->listen(r->a.tp, &bound, &second), SY_IN_USE);
	assert_int_equal(r->b.tp->ops->listen(r->b.tp, &at, &second), SY_INVALID);
	listen_on(&r->a, &at, &second); /* a refusal leaves it free to listen elsewhere */
}

static void test_tcp_source_address_of_the_other_family_is_ignored(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound, own = net_v4(127, 9, 0, 1, 0);
	if (!have_v6())
		skip();
	r->a.tp->ops->fini(r->a.tp);
	make(r, &r->a, own.ip);
	listen_on(&r->b, &v6_loopback, &bound);
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 1, &bound, SECOND), SY_OK);
	UNTIL(r, r->a.dialled == 1);
}

static void test_tcp_source_address_that_is_not_ours_is_unreachable(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound, foreign = net_v4(203, 0, 113, 5, 0), at = net_v4(127, 0, 0, 1, 0);
	r->a.tp->ops->fini(r->a.tp);
	make(r, &r->a, foreign.ip);
	listen_on(&r->b, &at, &bound);
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 1, &bound, SECOND), SY_UNREACHABLE);
}

static void test_tcp_reset_is_noticed_behind_a_closed_window(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound, at = net_v4(127, 0, 0, 1, 0);
	listen_on(&r->b, &at, &bound);
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 1, &bound, SECOND), SY_OK);
	UNTIL(r, r->a.dialled == 1 && r->b.accepted == 1);
	r->a.tp->ops->close(r->a.tp, r->a.socks[0], TP_CLOSE_ABORT);
	UNTIL(r, r->b.failed == 1);
	assert_int_equal(r->b.err, SY_PEER_RESET);
}

static void test_tcp_options_are_set(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound, at = net_v4(127, 0, 0, 1, 0);
	int found = 0;
	listen_on(&r->b, &at, &bound);
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 1, &bound, SECOND), SY_OK);
	UNTIL(r, r->a.dialled == 1 && r->b.accepted == 1);
	r->a.tp->ops->unsent_lowat(r->a.tp, r->a.socks[0], 12345);
	r->b.tp->ops->unsent_lowat(r->b.tp, r->b.socks[0], 12345);
	for (int fd = 0; fd < 256; fd++) {
		int lowat = 0, nodelay = 0, keepalive = 0;
		socklen_t len = sizeof(int);
		if (getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, &len) != 0 || lowat != 12345)
			continue;
		getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len);
		getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keepalive, &len);
		found += nodelay && keepalive;
	}
	assert_int_equal(found, 2);
}

/* ---- descriptors ---- */

/* Leaves this many descriptors to be had; returns the limit before. */
static struct rlimit leave_descriptors(unsigned left)
{
	struct rlimit before, now;
	int fds[64], n = 0;
	for (unsigned i = 0; i < left; i++)
		fds[n++] = open("/dev/null", O_RDONLY);
	getrlimit(RLIMIT_NOFILE, &before);
	now = before;
	now.rlim_cur = (rlim_t)fds[n - 1] + 1;
	while (n > 0)
		close(fds[--n]);
	setrlimit(RLIMIT_NOFILE, &now);
	return before;
}

static void test_tcp_dial_without_descriptors_is_a_limit(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr bound, at = net_v4(127, 0, 0, 1, 0);
	enum sy_err err = SY_OK;
	listen_on(&r->b, &at, &bound);
	r->b.tp->ops->accept_window(r->b.tp, 0);
	struct rlimit before = leave_descriptors(3);
	for (uint64_t i = 1; i <= 10 && err == SY_OK; i++)
		err = r->a.tp->ops->dial(r->a.tp, i, &bound, SECOND);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(err, SY_LIMIT);
	assert_int_equal(r->a.tp->ops->dial(r->a.tp, 11, &bound, SECOND), SY_OK);
}

static void test_tcp_accept_without_descriptors_waits(void **state)
{
	struct rig *r = *state;
	if (getenv("SY_UNDER_VALGRIND")) /* it keeps descriptors of its own below the limit */
		skip();
	struct sy_netaddr bound, at = net_v4(127, 0, 0, 1, 0);
	listen_on(&r->b, &at, &bound);
	r->b.tp->ops->accept_window(r->b.tp, 0);
	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(r->a.tp->ops->dial(r->a.tp, i, &bound, SECOND), SY_OK);
	UNTIL(r, r->a.dialled == 4);
	struct rlimit before = leave_descriptors(2);
	r->b.tp->ops->accept_window(r->b.tp, 10);
	UNTIL(r, r->b.accepted == 2);
	for (unsigned i = 0; i < 20; i++)
		uv_run(&r->loop, UV_RUN_ONCE);
	assert_int_equal(r->b.accepted, 2);
	setrlimit(RLIMIT_NOFILE, &before);
	UNTIL(r, r->b.accepted == 4);
	assert_int_equal(r->a.failed + r->a.eof, 0);
}

/* ---- the end ---- */

static void test_tcp_fini_with_a_lookup_under_way_is_silent(void **state)
{
	struct rig *r = *state;
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(r->a.tp->ops->resolve(r->a.tp, i, "localhost"), SY_OK);
	r->a.tp->ops->fini(r->a.tp);
	r->a.tp = NULL;
	assert_int_equal(r->b.tp->ops->resolve(r->b.tp, 1, "localhost"), SY_OK);
	UNTIL(r, r->b.resolved == 1);
	assert_int_equal(r->a.resolved, 0);
}

static void test_tcp_lookups_are_bounded(void **state)
{
	struct rig *r = *state;
	uint32_t taken = 0;
	while (taken < 1000 && r->a.tp->ops->resolve(r->a.tp, taken, "localhost") == SY_OK)
		taken++;
	assert_true(taken >= 16 && taken < 1000);
	UNTIL(r, r->a.resolved == taken);
	assert_int_equal(r->a.tp->ops->resolve(r->a.tp, 1, "localhost"), SY_OK);
	UNTIL(r, r->a.resolved == taken + 1);
}

static void test_tcp_new_needs_a_loop(void **state)
{
	struct tp_transport *tp = NULL;
	const struct tp_tcp_config config = {0};
	(void)state;
	assert_int_equal(tp_tcp_new(&tp, &config), SY_INVALID);
	assert_true(tp_tcp_socket_memory() <= 512);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_tcp_speaks_ipv6),
	    CASE(test_tcp_wildcard_takes_both_families),
	    CASE(test_tcp_port_is_in_use_across_transports),
	    CASE(test_tcp_source_address_of_the_other_family_is_ignored),
	    CASE(test_tcp_source_address_that_is_not_ours_is_unreachable),
	    CASE(test_tcp_reset_is_noticed_behind_a_closed_window),
	    CASE(test_tcp_options_are_set),
	    CASE(test_tcp_dial_without_descriptors_is_a_limit),
	    CASE(test_tcp_accept_without_descriptors_waits),
	    CASE(test_tcp_fini_with_a_lookup_under_way_is_silent),
	    CASE(test_tcp_lookups_are_bounded),
	    CASE(test_tcp_new_needs_a_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
