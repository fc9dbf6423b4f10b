/*
 * Random operations on a handful of hosts, also from inside callbacks: dials, writes, closes, windows, cuts, resets, other
 * addresses, dying processes and machines. Whatever happens, what a reader gets is the beginning of what was written, events keep to the
 * contract of the transport, nothing is left over, and the same seed gives the same hash.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/net/net.h"

#define MS 1000000ull
#define SECOND 1000000000ull
enum { HOSTS = 5, SOCKS = 60, PORT = 26656 };

enum sock_state { NONE, DIALLING, UP, ENDED, FAILED };

struct host;
struct sock {
	struct host *host;
	tp_sock name;
	enum sock_state state;
	bool accepted, eof;
	uint16_t port;   /* of the dialler: written first on the stream, finds the other side's stream */
	uint64_t stream; /* identity of what it writes */
	uint64_t sent;
	uint64_t from; /* identity of what it reads; 0: not known yet */
	uint64_t got;
	uint8_t header[8];
};

struct chaos;
struct host {
	struct chaos *chaos;
	struct sim_host *host;
	struct tp_transport *tp;
	struct sock socks[SOCKS];
	bool up;
	bool inside; /* a callback: operations must not deliver */
};

struct chaos {
	struct sim_engine *engine;
	struct sim_net *net;
	struct host hosts[HOSTS];
	uint64_t seed, draws;
	uint64_t streams;
	uint64_t delivered;
	bool in_op;
	bool gentle; /* nothing that loses bytes without a word: at the end all that was written must have come */
	bool quiet;  /* the time of that end: nobody does anything any more */
};

static uint64_t draw(struct chaos *c, uint64_t bound)
{
	return sim_rand_below(c->seed, SIM_RAND_SCRIPT, 99, c->draws++, bound);
}

static uint8_t byte_at(uint64_t stream, uint64_t pos)
{
	return pos < 8 ? (uint8_t)(stream >> (8 * pos)) : (uint8_t)(stream * 31 + pos * 7 + (pos >> 8));
}

static struct sock *free_sock(struct host *h)
{
	for (int i = 0; i < SOCKS; i++) {
		if (h->socks[i].state == NONE) {
			memset(&h->socks[i], 0, sizeof h->socks[i]);
			h->socks[i].host = h;
			h->socks[i].stream = ++h->chaos->streams;
			return &h->socks[i];
		}
	}
	return NULL;
}

static struct sock *of_cookie(struct host *h, uint64_t cookie)
{
	assert_in_range(cookie, 1, SOCKS);
	assert_false(h->chaos->in_op); /* no event from inside an operation */
	assert_true(h->up);
	return &h->socks[cookie - 1];
}

static uint64_t cookie_of(const struct sock *s)
{
	return (uint64_t)(s - s->host->socks) + 1;
}

static void write_some(struct sock *s)
{
	struct chaos *c = s->host->chaos;
	const struct tp_ops *ops = s->host->tp->ops;
	uint8_t bytes[40000];
	size_t n = draw(c, 3) ? draw(c, 1500) : draw(c, sizeof bytes);
	for (size_t i = 0; i < n; i++) {
		bytes[i] = byte_at(s->stream, s->sent + i);
	}
	c->in_op = true;
	size_t room = draw(c, 2) ? ops->room(s->host->tp, s->name) : 0;
	size_t done = ops->write(s->host->tp, s->name, bytes, n);
	c->in_op = false;
	assert_true(done <= n);
	assert_true(done >= (room < n ? room : n));
	assert_true(s->state == UP || s->state == ENDED || done == 0);
	s->sent += done;
}

static void close_sock(struct sock *s)
{
	struct chaos *c = s->host->chaos;
	c->in_op = true;
	s->host->tp->ops->close(s->host->tp, s->name, draw(c, 2) ? TP_CLOSE_ABORT : TP_CLOSE_FLUSH);
	c->in_op = false;
	s->state = NONE;
}

static void host_down(struct host *h, bool power)
{
	h->chaos->in_op = true;
	if (power) {
		sim_host_power(h->host, false);
	}
	h->tp->ops->fini(h->tp);
	h->chaos->in_op = false;
	h->up = false;
	memset(h->socks, 0, sizeof h->socks);
}

static void window_some(struct sock *s)
{
	struct chaos *c = s->host->chaos;
	static const size_t windows[] = {0, 1, 1000, 100000, SIZE_MAX};
	c->in_op = true;
	s->host->tp->ops->read_window(s->host->tp, s->name, c->quiet ? SIZE_MAX : windows[draw(c, 5)]);
	c->in_op = false;
}

static void play(struct sock *s)
{
	struct chaos *c = s->host->chaos;
	if (c->quiet) {
		return;
	}
	switch (draw(c, 12)) {
	case 0:
		close_sock(s);
		break;
	case 1:
		window_some(s);
		break;
	case 2:
		s->host->tp->ops->unsent_lowat(s->host->tp, s->name, (uint32_t)draw(c, 3) * 8192);
		break;
	case 3:
		if (!draw(c, 60)) {
			host_down(s->host, !c->gentle && draw(c, 2));
		}
		break;
	default:
		write_some(s);
	}
}

static uint64_t on_accepted(void *ctx, tp_sock name, const struct sy_netaddr *remote)
{
	struct host *h = ctx;
	struct sock *s = free_sock(h);
	assert_true(h->up);
	if (!s || !draw(h->chaos, 20)) {
		return 0;
	}
	s->name = name;
	s->state = UP;
	s->accepted = true;
	window_some(s);
	uint64_t cookie = cookie_of(s);
	if (!draw(h->chaos, 4)) {
		play(s);
	}
	return cookie;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock name)
{
	struct sock *s = of_cookie(ctx, cookie);
	assert_int_equal(s->state, DIALLING);
	s->name = name;
	s->state = UP;
	window_some(s);
	play(s);
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct sock *s = of_cookie(ctx, cookie);
	assert_int_equal(s->state, DIALLING);
	assert_true(err == SY_DIAL_REFUSED || err == SY_DIAL_TIMEOUT);
	s->state = NONE;
}

static void check_bytes(struct sock *s, struct sy_span bytes)
{
	for (size_t i = 0; i < bytes.len; i++, s->got++) {
		if (s->got < 8) {
			s->from |= (uint64_t)bytes.ptr[i] << (8 * s->got);
		} else if (bytes.ptr[i] != byte_at(s->from, s->got)) {
			fail_msg("byte %llu of stream %llu is wrong", (unsigned long long)s->got, (unsigned long long)s->from);
		}
	}
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct sock *s = of_cookie(ctx, cookie);
	assert_int_equal(s->state, UP);
	assert_true(bytes.len > 0);
	struct chaos *c = s->host->chaos;
	c->delivered += bytes.len;
	check_bytes(s, bytes);
	if (!draw(c, 3)) {
		play(s);
	}
}

static void on_eof(void *ctx, uint64_t cookie)
{
	struct sock *s = of_cookie(ctx, cookie);
	assert_int_equal(s->state, UP);
	s->state = ENDED;
	play(s);
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	struct sock *s = of_cookie(ctx, cookie);
	assert_true(s->state == UP || s->state == ENDED);
	assert_int_equal(err, SY_PEER_RESET);
	s->state = FAILED;
	if (draw(s->host->chaos, 2)) {
		close_sock(s);
	}
}

static void on_writable(void *ctx, uint64_t cookie)
{
	struct sock *s = of_cookie(ctx, cookie);
	assert_true(s->state == UP || s->state == ENDED);
	play(s);
}

static void on_wake(void *ctx)
{
	assert_true(((struct host *)ctx)->up);
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	assert_true(((struct host *)ctx)->up);
}

static void host_up(struct host *h)
{
	const struct tp_events events = {h,      on_accepted, on_dialled,  on_dial_failed, on_bytes,
	                                 on_eof, on_failed,   on_writable, on_wake,        on_resolved};
	struct sy_netaddr at = {.ip = {[10] = 0xff, [11] = 0xff}, .port = PORT};
	sim_host_power(h->host, true);
	h->tp->ops->attach(h->tp, &events);
	assert_int_equal(h->tp->ops->listen(h->tp, &at, NULL), SY_OK);
	h->tp->ops->accept_window(h->tp, 1 + (uint32_t)draw(h->chaos, 40));
	h->up = true;
}

static void dial_some(struct host *h)
{
	struct chaos *c = h->chaos;
	struct sock *s = free_sock(h);
	struct sy_netaddr to;
	const struct sim_host *target = c->hosts[draw(c, HOSTS)].host;
	if (draw(c, 2) || !sim_host_outside(target, &to)) {
		sim_host_address(target, &to);
	}
	to.port = !draw(c, 10) ? 1 : to.port ? to.port : PORT;
	to.ip[15] ^= (uint8_t)(draw(c, 15) == 0);
	if (s && h->tp->ops->dial(h->tp, cookie_of(s), &to, draw(c, 2) ? draw(c, 9 * SECOND) + 1 : 0) == SY_OK) {
		s->state = DIALLING;
	}
}

static void fault(struct chaos *c)
{
	struct sim_host *a = c->hosts[draw(c, HOSTS)].host;
	struct sim_host *b = c->hosts[draw(c, HOSTS)].host;
	c->in_op = true;
	if (!c->gentle && !draw(c, 8)) {
		assert_int_equal(sim_host_move(a, NULL), SY_OK);
	}
	switch (draw(c, 6)) {
	case 0:
		sim_net_reset(c->net, a, b);
		break;
	case 1:
	case 2:
		sim_net_heal(c->net);
		break;
	case 3: {
		struct sim_link_params p = {.latency = {.a_ns = draw(c, 100) * MS}, .rate_bits = draw(c, 2) * 1000000 * draw(c, 50)};
		p.loss_ppm = (uint32_t)(draw(c, 2) * draw(c, 100000));
		assert_int_equal(sim_link_set(c->net, a, b, draw(c, 3) ? &p : NULL), SY_OK);
		break;
	}
	default: {
		enum sim_cut cut = (enum sim_cut)draw(c, 4);
		sim_net_cut(c->net, a, b, cut == SIM_CUT_BLACKHOLE && c->gentle ? SIM_CUT_HOLD : cut);
	}
	}
	c->in_op = false;
}

static void step(struct chaos *c)
{
	struct host *h = &c->hosts[draw(c, HOSTS)];
	struct sock *s = &h->socks[draw(c, SOCKS)];
	if (!h->up) {
		if (!draw(c, 4)) {
			host_up(h);
		}
	} else if (!draw(c, 400)) {
		host_down(h, !c->gentle && draw(c, 2));
	} else if (s->state == UP || s->state == ENDED || s->state == FAILED) {
		play(s);
	} else if (s->state == DIALLING && !draw(c, 8)) {
		h->tp->ops->dial_cancel(h->tp, cookie_of(s));
		s->state = NONE;
	} else if (!draw(c, 20)) {
		fault(c);
	} else if (!draw(c, 4)) {
		dial_some(h);
	} else if (!draw(c, 10)) {
		h->tp->ops->wake_at(h->tp, c->engine->now_ns + draw(c, SECOND));
		(void)h->tp->ops->resolve(h->tp, 1, "h1");
		h->tp->ops->accept_window(h->tp, (uint32_t)draw(c, 40));
	}
}

static const struct sock *writer_of(const struct chaos *c, uint64_t stream)
{
	for (int i = 0; i < HOSTS; i++) {
		for (int k = 0; k < SOCKS; k++) {
			if (c->hosts[i].socks[k].stream == stream) {
				return &c->hosts[i].socks[k];
			}
		}
	}
	return NULL;
}

/* Cuts heal, readers read: whatever was held must come. */
static void all_must_come(struct chaos *c)
{
	c->quiet = true;
	sim_net_heal(c->net);
	for (int i = 0; i < HOSTS; i++) {
		struct host *h = &c->hosts[i];
		for (int k = 0; k < SOCKS; k++) {
			if (h->up && h->socks[k].state != NONE && h->socks[k].state != DIALLING) {
				h->tp->ops->read_window(h->tp, h->socks[k].name, SIZE_MAX);
			}
		}
	}
	uint64_t end = c->engine->now_ns + 100000 * SECOND;
	while (sim_engine_step(c->engine, end)) {
	}
	for (int i = 0; i < HOSTS; i++) {
		for (int k = 0; k < SOCKS; k++) {
			const struct sock *s = &c->hosts[i].socks[k];
			const struct sock *w = s->state == UP && s->got >= 8 ? writer_of(c, s->from) : NULL;
			assert_true(!w || w->state != UP || w->sent == s->got);
		}
	}
}

static void close_all(struct chaos *c)
{
	for (int i = 0; i < HOSTS; i++) {
		struct host *h = &c->hosts[i];
		for (int k = 0; h->up && k < SOCKS; k++) {
			if (h->socks[k].state == UP || h->socks[k].state == ENDED || h->socks[k].state == FAILED) {
				close_sock(&h->socks[k]);
			}
		}
		if (h->up) {
			host_down(h, false);
		}
	}
	sim_net_heal(c->net);
	while (sim_engine_step(c->engine, c->engine->now_ns + 100000 * SECOND) && sim_queue_size(c->engine->queue)) {
	}
}

/* h0 and h1 behind a NAT, one of them forwarded; h2 and h3 behind one line; h4 has a line of its own. */
static void add_sites(struct chaos *c)
{
	struct sim_line narrow = {.latency_ns = 2 * MS, .up_bits = 5000000, .down_bits = 6000000}, own = {.latency_ns = MS, .up_bits = 4000000};
	struct sim_site_config home = {.name = "home", .line = narrow, .inside_ns = MS, .nat = true};
	struct sim_site_config place = {.name = "place", .line = narrow, .inside_ns = MS};
	struct sim_site *site;
	assert_int_equal(sim_site_new(&site, c->net, &home), SY_OK);
	assert_int_equal(sim_site_join(site, c->hosts[0].host, false, 0, PORT), SY_OK);
	assert_int_equal(sim_site_join(site, c->hosts[1].host, false, 4000, PORT), SY_OK);
	assert_int_equal(sim_site_new(&site, c->net, &place), SY_OK);
	assert_int_equal(sim_site_join(site, c->hosts[2].host, false, 0, PORT), SY_OK);
	assert_int_equal(sim_host_line(c->hosts[3].host, &own), SY_OK);
	assert_int_equal(sim_site_join(site, c->hosts[3].host, false, 0, PORT), SY_OK);
	assert_int_equal(sim_host_line(c->hosts[4].host, &own), SY_OK);
}

enum links { PLAIN, LIMITED, SITES };

static uint64_t run_with(enum sim_tcp_model tcp, uint64_t seed, int steps, enum links links)
{
	bool limits = links == LIMITED;
	struct sim_net_config config = {.tcp = tcp, .link = {.latency = {.kind = SIM_DIST_EXPONENTIAL, .a_ns = 5 * MS, .b_ns = 10 * MS}}};
	if (limits) {
		config.link = (struct sim_link_params){.latency = {.a_ns = 10 * MS}, .rate_bits = 4000000, .loss_ppm = 5000};
		config.uplink_bits = 6000000;
		config.downlink_bits = 7000000;
	}
	struct chaos *c = calloc(1, sizeof *c);
	c->seed = seed;
	c->gentle = seed % 2;
	c->engine = sim_engine_new(seed);
	assert_int_equal(sim_net_new(&c->net, c->engine, &config, NULL), SY_OK);
	for (int i = 0; i < HOSTS; i++) {
		char name[16];
		snprintf(name, sizeof name, "h%d", i);
		c->hosts[i].chaos = c;
		c->hosts[i].host = sim_host_new(c->net, name, -1, NULL);
		c->hosts[i].tp = sim_host_transport(c->hosts[i].host);
	}
	if (links == SITES) {
		add_sites(c);
	}
	for (int i = 0; i < HOSTS; i++) {
		host_up(&c->hosts[i]);
	}
	for (int i = 0; i < steps; i++) {
		step(c);
		uint64_t until = c->engine->now_ns + draw(c, 20 * MS);
		uint64_t bound = c->engine->events + 200000;
		while (sim_engine_step(c->engine, until)) {
			assert_true(c->engine->events < bound);
		}
	}
	assert_true(c->delivered > 100000);
	if (c->gentle) {
		all_must_come(c);
	}
	uint64_t hash = sim_net_hash(c->net);
	close_all(c);
	struct sim_net_stats stats;
	sim_net_stats(c->net, &stats);
	assert_int_equal(stats.sockets, 0);
	assert_int_equal(stats.links_in_use, 0);
	sim_net_free(c->net);
	sim_engine_free(c->engine);
	free(c);
	return hash;
}

static uint64_t run(uint64_t seed, int steps, enum links links)
{
	return run_with(SIM_TCP_NONE, seed, steps, links);
}

static void test_net_survives_chaos_on_plain_links(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		(void)run(seed, 4000, PLAIN);
	}
}

static void test_net_survives_chaos_on_limited_links(void **state)
{
	for (uint64_t seed = 100; seed <= 112; seed++) {
		(void)run(seed, 4000, LIMITED);
	}
}

static void test_net_survives_chaos_behind_lines_and_nats(void **state)
{
	for (uint64_t seed = 200; seed <= 208; seed++) {
		(void)run(seed, 4000, SITES);
	}
}

static void test_net_survives_chaos_of_packets(void **state)
{
	for (uint64_t seed = 300; seed <= 305; seed++) {
		(void)run_with(SIM_TCP_SEGMENT, seed, 3000, LIMITED);
		(void)run_with(SIM_TCP_SEGMENT, seed, 3000, SITES);
		(void)run_with(SIM_TCP_FLOW, seed, 3000, SITES);
	}
}

static void test_net_chaos_is_repeatable(void **state)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		assert_int_equal(run(seed, 2000, seed % SITES), run(seed, 2000, seed % SITES));
		assert_int_equal(run(seed, 2000, SITES), run(seed, 2000, SITES));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_net_survives_chaos_on_plain_links),
	    cmocka_unit_test(test_net_survives_chaos_on_limited_links),
	    cmocka_unit_test(test_net_survives_chaos_behind_lines_and_nats),
	    cmocka_unit_test(test_net_survives_chaos_of_packets),
	    cmocka_unit_test(test_net_chaos_is_repeatable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
