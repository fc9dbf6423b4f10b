/* Sending from other threads, with whole nodes over loopback sockets. */
#include "tests/support/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/support/drive_kit.h"
#include "tests/support/net_world.h"
#include "transport/tcp/mailbox.h"
#include "transport/tcp/tcp.h"

#define TOKENS 1000000u

struct rig {
	uv_loop_t loop;
	uv_timer_t pulse;
	uint64_t began_ns;
	struct dk_node a, b;
	struct tp_mailbox *mailbox;
	uint32_t others_done; /* sends of the owner */
};

struct sender {
	struct rig *r;
	pthread_t thread;
	struct sy_ref peer;
	uint8_t channel;
	uint32_t count, size;
	uint64_t timeout_ns; /* 0: try_send */
	uint32_t results[6]; /* SY_OK, SY_TIMEOUT, SY_QUEUE_FULL or SY_AGAIN, SY_NO_PEER, SY_NOT_RUNNING, others */
	atomic_bool over;
};

static void on_send_done(void *ctx, uint64_t token, enum sy_err err)
{
	struct rig *r = (struct rig *)((char *)ctx - offsetof(struct rig, a));
	if (!tp_mailbox_send_done(r->mailbox, token, err))
		r->others_done++;
}

static void on_pulse(uv_timer_t *timer)
{
	(void)timer;
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct sy_netaddr ip = net_v4(127, 0, 0, 1, 0);
	struct tp_transport *ta, *tb;
	uv_loop_init(&r->loop);
	uv_timer_init(&r->loop, &r->pulse);
	uv_timer_start(&r->pulse, on_pulse, 2, 2);
	r->began_ns = uv_hrtime();
	const struct tp_tcp_config config = {.loop = &r->loop};
	assert_int_equal(tp_tcp_new(&ta, &config), SY_OK);
	assert_int_equal(tp_tcp_new(&tb, &config), SY_OK);
	dk_init(&r->a, "a", ta, &ip, SY_PROFILE_DEFAULT);
	dk_init(&r->b, "b", tb, &ip, SY_PROFILE_DEFAULT);
	r->a.driver_config.hooks.send_done = on_send_done;
	r->a.config.send_rate = r->a.config.recv_rate = r->b.config.send_rate = r->b.config.recv_rate = 0;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	tp_mailbox_close(r->mailbox);
	dk_free(&r->a);
	dk_free(&r->b);
	uv_close((uv_handle_t *)&r->pulse, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	int busy = uv_loop_close(&r->loop);
	free(r);
	return busy;
}

#define UNTIL(r, condition)                                   \
	do {                                                      \
		while (!(condition)) {                                \
			uv_run(&(r)->loop, UV_RUN_ONCE);                  \
			if (uv_hrtime() - (r)->began_ns > 30 * DK_SECOND) \
				fail_msg("%s: never true", #condition);       \
		}                                                     \
	} while (0)

static void join(struct rig *r, uint32_t slots)
{
	assert_int_equal(dk_start(&r->a), SY_OK);
	assert_int_equal(dk_start(&r->b), SY_OK);
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	UNTIL(r, r->a.ups == 1 && r->b.ups == 1);
	assert_int_equal(tp_mailbox_new(&r->mailbox, &r->loop, r->a.driver, slots, TOKENS), SY_OK);
}

static unsigned column(enum sy_err err)
{
	return err == SY_OK                              ? 0
	       : err == SY_TIMEOUT                       ? 1
	       : err == SY_QUEUE_FULL || err == SY_AGAIN ? 2
	       : err == SY_NO_PEER                       ? 3
	       : err == SY_NOT_RUNNING                   ? 4
	                                                 : 5;
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	uint8_t *bytes = calloc(1, s->size);
	for (uint32_t i = 0; i < s->count; i++) {
		struct sy_span span = {bytes, s->size};
		enum sy_err err = s->timeout_ns ? tp_mailbox_send(s->r->mailbox, s->peer, s->channel, span, s->timeout_ns)
		                                : tp_mailbox_try_send(s->r->mailbox, s->peer, s->channel, span);
		s->results[column(err)]++;
	}
	free(bytes);
	atomic_store(&s->over, true);
	return NULL;
}

static void begin(struct rig *r, struct sender *s, uint8_t channel, uint32_t count, uint32_t size, uint64_t timeout_ns)
{
	*s = (struct sender){.r = r, .peer = r->a.peer, .channel = channel, .count = count, .size = size, .timeout_ns = timeout_ns};
	assert_int_equal(pthread_create(&s->thread, NULL, send_all, s), 0);
}

static void finish(struct rig *r, struct sender *s)
{
	UNTIL(r, atomic_load(&s->over));
	pthread_join(s->thread, NULL);
}

static void test_mailbox_sends_of_many_threads_arrive(void **state)
{
	struct rig *r = *state;
	struct sender s[4];
	join(r, 2); /* fewer slots than threads: they wait for each other too */
	for (unsigned i = 0; i < 4; i++)
		begin(r, &s[i], DK_CHANNEL, 100, 100 + i, 20 * DK_SECOND);
	for (unsigned i = 0; i < 4; i++) {
		finish(r, &s[i]);
		assert_int_equal(s[i].results[0], 100);
	}
	UNTIL(r, r->b.messages == 400);
	assert_int_equal(r->b.received, 100 * (100 + 101 + 102 + 103));
	assert_int_equal(r->others_done, 0);
}

static void test_mailbox_try_send_never_waits_for_room(void **state)
{
	struct rig *r = *state;
	struct sender s[2];
	join(r, 1);
	for (unsigned i = 0; i < 2; i++)
		begin(r, &s[i], DK_CHANNEL, 200, 1000, 0);
	for (unsigned i = 0; i < 2; i++) {
		finish(r, &s[i]);
		assert_int_equal(s[i].results[0] + s[i].results[2], 200);
	}
	UNTIL(r, r->b.messages == s[0].results[0] + s[1].results[0]);
}

static void test_mailbox_send_times_out_where_nothing_moves(void **state)
{
	struct rig *r = *state;
	struct sender fill, s;
	r->b.work_later = true;
	join(r, 4);
	begin(r, &fill, DK_INBOX, 2000, 60000, 0); /* more than queue, buffers and inbox hold */
	finish(r, &fill);
	assert_true(fill.results[2] > 0);
	begin(r, &s, DK_INBOX, 120, 60000, DK_SECOND / 500);
	finish(r, &s);
	assert_true(s.results[1] > 0);
	assert_int_equal(s.results[0] + s.results[1], 120);
}

static void test_mailbox_tells_that_there_is_no_such_peer(void **state)
{
	struct rig *r = *state;
	struct sender s;
	join(r, 4);
	begin(r, &s, 0x77, 1, 10, DK_SECOND);
	finish(r, &s);
	assert_int_equal(s.results[5], 1); /* no such channel */
	r->a.peer.gen += 100;
	begin(r, &s, DK_CHANNEL, 3, 10, DK_SECOND);
	finish(r, &s);
	assert_int_equal(s.results[3], 3);
}

static void test_mailbox_close_wakes_everybody(void **state)
{
	struct rig *r = *state;
	struct sender s[3];
	join(r, 1);
	struct tp_mailbox *mb = r->mailbox;
	for (unsigned i = 0; i < 3; i++)
		begin(r, &s[i], DK_CHANNEL, 1, 10, 3600 * DK_SECOND);
	/* The loop stands still: one waits for its answer and two wait for the slot. */
	while (tp_mailbox_waiting(mb) < 3)
		sched_yield();
	tp_mailbox_close(mb);
	r->mailbox = NULL;
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(s[i].thread, NULL);
		assert_int_equal(s[i].results[4], 1);
	}
}

static void test_mailbox_new_checks_its_size(void **state)
{
	struct rig *r = *state;
	struct tp_mailbox *mb = NULL;
	assert_int_equal(tp_mailbox_new(&mb, &r->loop, NULL, 0, 0), SY_INVALID);
	assert_int_equal(tp_mailbox_new(&mb, &r->loop, NULL, TP_MAILBOX_SLOTS_MAX + 1, 0), SY_INVALID);
	assert_null(mb);
	assert_false(tp_mailbox_send_done(NULL, 1, SY_OK));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_mailbox_sends_of_many_threads_arrive),
	    CASE(test_mailbox_try_send_never_waits_for_room),
	    CASE(test_mailbox_send_times_out_where_nothing_moves),
	    CASE(test_mailbox_tells_that_there_is_no_such_peer),
	    CASE(test_mailbox_close_wakes_everybody),
	    CASE(test_mailbox_new_checks_its_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
