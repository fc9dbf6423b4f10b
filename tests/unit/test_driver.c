/* The driver with whole nodes over the in-memory network: what it carries, and what it survives. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/drive_kit.h"
#include "tests/support/net_world.h"
#include "transport/pair/pair.h"

struct rig {
	struct tp_pair_net *net;
	struct dk_node a, b;
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct sy_netaddr ip_a = net_v4(12, 1, 0, 1, 0), ip_b = net_v4(13, 1, 0, 1, 0);
	r->net = tp_pair_net_new();
	dk_init(&r->a, "a", tp_pair_endpoint(r->net, &ip_a), &ip_a, SY_PROFILE_DEFAULT);
	dk_init(&r->b, "b", tp_pair_endpoint(r->net, &ip_b), &ip_b, SY_PROFILE_DEFAULT);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	dk_free(&r->a);
	dk_free(&r->b);
	tp_pair_net_free(r->net);
	free(r);
	return 0;
}

#define UNTIL(r, condition)                                              \
	do {                                                                 \
		uint64_t limit_ns_ = tp_pair_now_ns((r)->net) + 600 * DK_SECOND; \
		while (!(condition)) {                                           \
			if (!tp_pair_step((r)->net, limit_ns_))                      \
				fail_msg("%s: never true", #condition);                  \
		}                                                                \
	} while (0)

static void idle(struct rig *r, uint64_t ns)
{
	uint64_t until_ns = tp_pair_now_ns(r->net) + ns;
	while (tp_pair_step(r->net, until_ns))
		;
}

static void join(struct rig *r)
{
	assert_int_equal(dk_start(&r->a), SY_OK);
	assert_int_equal(dk_start(&r->b), SY_OK);
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	UNTIL(r, r->a.ups == 1 && r->b.ups == 1);
}

static uint8_t *pattern(size_t n)
{
	uint8_t *bytes = malloc(n);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 8));
	return bytes;
}

/* ---- the ordinary life ---- */

static void test_driver_joins_exchanges_and_stops(void **state)
{
	struct rig *r = *state;
	join(r);
	assert_true(r->a.started && r->b.started);
	assert_int_equal(r->a.started_err, SY_OK);
	assert_int_equal(dk_try_send(&r->a, DK_CHANNEL, "ping", 4), SY_OK);
	assert_int_equal(dk_try_send(&r->b, DK_CHANNEL, "pong!", 5), SY_OK);
	UNTIL(r, r->b.received == 4 && r->a.received == 5);
	assert_true(r->a.traces > 0);
	tp_driver_stop(r->a.driver);
	UNTIL(r, r->a.stopped && r->b.downs == 1);
	assert_int_equal(r->a.downs, 1);
	assert_int_equal(r->b.last_down, SY_PEER_CLOSED);
	tp_driver_stop(r->b.driver);
	UNTIL(r, r->b.stopped);
}

static void test_driver_counts_frames_on_both_ends_alike(void **state)
{
	struct rig *r = *state;
	uint8_t *bytes = pattern(100000);
	join(r);
	assert_int_equal(dk_try_send(&r->a, DK_CHANNEL, bytes, 100000), SY_OK);
	UNTIL(r, r->b.received == 100000);
	assert_int_equal(r->a.frames_out, r->b.frames_in);
	assert_int_equal(r->b.frames_out, r->a.frames_in);
	assert_true(r->a.frames_out >= 98 && r->a.frames_out < 110);
	free(bytes);
}

static void big_message(struct rig *r, size_t len)
{
	uint8_t *bytes = pattern(len);
	uint64_t digest = dk_digest(r->b.digest, bytes, len);
	assert_int_equal(dk_try_send(&r->a, DK_CHANNEL, bytes, len), SY_OK);
	UNTIL(r, r->b.messages == 1);
	assert_int_equal(r->b.received, len);
	assert_int_equal(r->b.digest, digest);
	free(bytes);
}

static void test_driver_keeps_bytes_whole_over_short_writes(void **state)
{
	struct rig *r = *state;
	tp_pair_limits(r->net, 3000, 777, 500);
	join(r);
	big_message(r, 1000000);
	idle(r, DK_SECOND);
	assert_true(tp_driver_memory(r->a.driver) < 4096);
}

static void test_driver_keeps_bytes_whole_where_not_one_frame_fits(void **state)
{
	struct rig *r = *state;
	tp_pair_limits(r->net, 100, 60, 7);
	join(r);
	big_message(r, 20000);
}

static void test_driver_keeps_bytes_whole_in_large_batches(void **state)
{
	struct rig *r = *state;
	struct sy_netaddr ip = net_v4(12, 1, 0, 1, 0);
	struct tp_transport *tp = r->a.tp;
	tp_pair_limits(r->net, 70000, 30000, 50000);
	r->a.driver = NULL;
	sy_addrs_free(r->a.memory.env.addrs, &r->a.memory.env);
	dk_init(&r->a, "a", tp, &ip, SY_PROFILE_UPSTREAM);
	join(r);
	big_message(r, 3000000);
}

static void test_driver_idle_connection_fits_its_budget(void **state)
{
	struct rig *r = *state;
	assert_int_equal(dk_start(&r->a), SY_OK);
	size_t before = tp_driver_memory(r->a.driver);
	assert_int_equal(dk_start(&r->b), SY_OK);
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	UNTIL(r, r->a.ups == 1 && r->b.ups == 1);
	idle(r, 10 * DK_SECOND);
	size_t growth = tp_driver_memory(r->a.driver) - before;
	assert_true(growth <= 8 * 48); /* the table starts with eight */
}

static void test_driver_idle_nodes_wake_for_nothing_but_pings(void **state)
{
	struct rig *r = *state;
	join(r);
	idle(r, 10 * DK_SECOND);
	unsigned steps = 0;
	uint64_t until_ns = tp_pair_now_ns(r->net) + 30 * DK_SECOND; /* pings are a minute apart */
	while (tp_pair_step(r->net, until_ns))
		steps++;
	assert_true(steps <= 4);
}

/* ---- ends of many kinds ---- */

static void test_driver_crash_resets_the_other_side(void **state)
{
	struct rig *r = *state;
	join(r);
	dk_free(&r->a);
	UNTIL(r, r->b.downs == 1);
	assert_int_equal(r->b.last_down, SY_PEER_RESET);
}

static void test_driver_crash_while_dialling_leaves_nothing(void **state)
{
	struct rig *r = *state;
	assert_int_equal(dk_start(&r->a), SY_OK);
	r->b.at = net_v4(99, 1, 1, 1, 26656);
	r->b.at.id = r->b.id;
	r->b.at.flags = SY_ADDR_HAS_ID;
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	tp_pair_step(r->net, tp_pair_now_ns(r->net));
	dk_free(&r->a);
	idle(r, 10 * DK_SECOND);
}

static void test_driver_flush_stop_delivers_what_was_queued(void **state)
{
	struct rig *r = *state;
	uint8_t *bytes = pattern(30000);
	tp_pair_limits(r->net, 1500, 1500, 1500);
	join(r);
	assert_int_equal(dk_try_send(&r->a, DK_CHANNEL, bytes, 30000), SY_OK);
	struct sy_input in = {.kind = SY_IN_FLUSH_STOP_PEER, .conn = r->a.peer, .err = SY_STOPPED};
	assert_int_equal(tp_driver_input(r->a.driver, &in).err, SY_OK);
	UNTIL(r, r->a.downs == 1 && r->b.downs == 1);
	assert_int_equal(r->b.received, 30000);
	free(bytes);
}

/* The last frames wait in the driver. With a place to keep them the end is orderly, behind them; without, it is a reset. */
static void test_driver_close_without_room_for_the_rest_is_a_reset(void **state)
{
	(void)state;
	for (int room = 0; room < 2; room++) {
		void *inner;
		setup(&inner);
		struct rig *r = inner;
		uint8_t *bytes = pattern(30000);
		tp_pair_limits(r->net, 1500, 1500, 1500);
		join(r);
		assert_int_equal(dk_try_send(&r->a, DK_CHANNEL, bytes, 30000), SY_OK);
		struct sy_input in = {.kind = SY_IN_STOP_PEER, .conn = r->a.peer, .err = SY_STOPPED};
		test_env_fail_at(&r->a.memory, !room, true);
		assert_int_equal(tp_driver_input(r->a.driver, &in).err, SY_OK);
		test_env_fail_at(&r->a.memory, 0, false);
		assert_int_equal(tp_driver_farewells_refused(r->a.driver), !room);
		UNTIL(r, r->b.downs == 1);
		assert_int_equal(r->b.last_down, room ? SY_PEER_CLOSED : SY_PEER_RESET);
		free(bytes);
		teardown(&inner);
	}
}

static void test_driver_dial_that_is_refused_is_told(void **state)
{
	struct rig *r = *state;
	assert_int_equal(dk_start(&r->a), SY_OK);
	r->b.at = net_v4(13, 1, 0, 1, 1);
	r->b.at.id = r->b.id;
	r->b.at.flags = SY_ADDR_HAS_ID;
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	idle(r, DK_SECOND);
	assert_int_equal(r->a.ups, 0);
	assert_int_equal(sy_node_counts(r->a.core).dialling, 0);
}

static void test_driver_start_tells_that_a_port_is_in_use(void **state)
{
	struct rig *r = *state;
	assert_int_equal(dk_start(&r->a), SY_OK);
	struct sy_netaddr ip = net_v4(12, 1, 0, 1, r->a.at.port);
	struct dk_node other;
	dk_init(&other, "o", tp_pair_endpoint(r->net, &ip), &ip, SY_PROFILE_DEFAULT);
	assert_int_equal(dk_start(&other), SY_IN_USE);
	assert_false(other.started);
	dk_free(&other);
}

static void test_driver_without_listening_dials_all_the_same(void **state)
{
	struct rig *r = *state;
	r->a.driver_config.no_listen = true;
	join(r);
	assert_int_equal(r->a.at.port, 0);
}

/* ---- hooks ---- */

static void test_driver_signature_may_come_later(void **state)
{
	struct rig *r = *state;
	uint8_t sig[64];
	r->a.sign_later = true;
	assert_int_equal(dk_start(&r->a), SY_OK);
	assert_int_equal(dk_start(&r->b), SY_OK);
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	UNTIL(r, r->a.signs == 1);
	idle(r, DK_SECOND);
	assert_int_equal(r->a.ups, 0);
	dk_sign(&r->a, sig);
	tp_driver_signed(r->a.driver, r->a.asked, sig);
	UNTIL(r, r->a.ups == 1 && r->b.ups == 1);
}

static void test_driver_signer_that_fails_ends_the_handshake(void **state)
{
	struct rig *r = *state;
	r->a.sign_later = true;
	assert_int_equal(dk_start(&r->a), SY_OK);
	assert_int_equal(dk_start(&r->b), SY_OK);
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	UNTIL(r, r->a.signs == 1);
	tp_driver_signed(r->a.driver, r->a.asked, NULL);
	idle(r, DK_SECOND);
	assert_int_equal(r->a.ups, 0);
	assert_int_equal(sy_node_counts(r->a.core).dialling, 0);
	tp_driver_signed(r->a.driver, r->a.asked, NULL); /* the connection is gone: nobody minds */
}

static void test_driver_without_a_signer_joins_nobody(void **state)
{
	struct rig *r = *state;
	r->a.driver_config.hooks.sign = NULL;
	assert_int_equal(dk_start(&r->a), SY_OK);
	assert_int_equal(dk_start(&r->b), SY_OK);
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	idle(r, 10 * DK_SECOND);
	assert_int_equal(r->a.ups + r->b.ups, 0);
}

static void test_driver_filters_may_answer_later_and_refuse(void **state)
{
	struct rig *r = *state;
	r->b.config.filter_conns = r->b.config.filter_peers = true;
	r->b.filter_later = true;
	assert_int_equal(dk_start(&r->a), SY_OK);
	assert_int_equal(dk_start(&r->b), SY_OK);
	assert_int_equal(dk_dial(&r->a, &r->b), SY_OK);
	UNTIL(r, r->b.filters == 1);
	idle(r, DK_SECOND / 10);
	assert_int_equal(r->b.signs, 0);
	tp_driver_verdict(r->b.driver, r->b.asked, SY_OK);
	UNTIL(r, r->b.filters == 2);
	tp_driver_verdict(r->b.driver, r->b.asked, SY_FILTERED);
	idle(r, DK_SECOND);
	assert_int_equal(r->b.ups, 0);
	assert_int_equal(r->b.refused, SY_FILTERED);
}

static void test_driver_filters_inside_the_hook_pass(void **state)
{
	struct rig *r = *state;
	r->a.config.filter_conns = r->b.config.filter_conns = r->b.config.filter_peers = true;
	join(r);
	assert_int_equal(r->b.filters, 2);
	assert_int_equal(r->a.filters, 1);
}

static void test_driver_save_that_fails_is_told_and_tried_again(void **state)
{
	struct rig *r = *state;
	join(r);
	r->a.save_err = SY_IO;
	tp_driver_save_book(r->a.driver);
	assert_int_equal(r->a.saves, 1);
	assert_int_equal(r->a.save_failures, 1);
	r->a.save_err = SY_OK;
	tp_driver_save_book(r->a.driver);
	assert_int_equal(r->a.saves, 2);
	assert_int_equal(r->a.save_failures, 1);
	test_env_fail_at(&r->a.memory, 1, false);
	tp_driver_save_book(r->a.driver);
	assert_int_equal(r->a.saves, 2);
	assert_int_equal(r->a.save_failures, 2);
}

static void test_driver_save_goes_into_the_room_of_the_store(void **state)
{
	struct rig *r = *state;
	uint8_t room[4096];
	join(r);
	dk_store_room(&r->a, room, sizeof room);
	test_env_fail_at(&r->a.memory, 1, false); /* no memory is asked for */
	tp_driver_save_book(r->a.driver);
	assert_int_equal(r->a.saves, 1);
	assert_true(r->a.room_used > 0 && memcmp(room, "SYBK", 4) == 0);
	r->a.room_err = SY_IO;
	tp_driver_save_book(r->a.driver);
	assert_int_equal(r->a.saves, 1);
	assert_int_equal(r->a.save_failures, 1);
}

static void test_driver_save_that_fails_is_tried_later_and_at_the_end(void **state)
{
	struct rig *r = *state;
	join(r);
	r->a.save_err = SY_IO;
	tp_driver_save_book(r->a.driver);
	idle(r, 100 * DK_SECOND);
	assert_int_equal(r->a.saves, 1);
	idle(r, 25 * DK_SECOND);
	assert_int_equal(r->a.saves, 2);
	r->a.save_err = SY_OK;
	tp_driver_stop(r->a.driver);
	UNTIL(r, r->a.stopped);
	assert_int_equal(r->a.saves, 3);
	idle(r, 200 * DK_SECOND);
	assert_int_equal(r->a.saves, 3);
}

static void test_driver_save_happens_at_the_stop_when_the_book_has_changed(void **state)
{
	struct rig *r = *state;
	char text[SY_ADDR_TEXT];
	const char *peers[1] = {text};
	assert_int_equal(dk_start(&r->b), SY_OK);
	sy_netaddr_format(&r->b.at, text);
	r->a.config.pex = true;
	r->a.config.persistent_peers = peers;
	r->a.config.num_persistent_peers = 1;
	assert_int_equal(dk_start(&r->a), SY_OK);
	UNTIL(r, r->a.ups == 1);
	uint32_t before = r->a.saves;
	assert_true(sy_node_book_has(r->a.core, &r->b.id));
	tp_driver_stop(r->a.driver);
	UNTIL(r, r->a.stopped);
	assert_true(r->a.saves > before);
}

/* A stalled inbox takes what was read already, one window at most; the rest stays with the sender. */
static void test_driver_work_done_later_stalls_only_the_sender(void **state)
{
	struct rig *r = *state;
	uint8_t *bytes = pattern(2500);
	r->b.work_later = true;
	tp_pair_limits(r->net, 20000, 0, 0);
	join(r);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(dk_try_send(&r->a, DK_INBOX, bytes, 2500), SY_OK);
	idle(r, 5 * DK_SECOND);
	assert_true(r->b.deliveries >= 1 && r->b.deliveries < 60);
	assert_int_equal(r->b.messages, 0);
	assert_int_equal(dk_try_send(&r->b, DK_CHANNEL, "back", 4), SY_OK);
	UNTIL(r, r->a.received == 4);
	r->b.work_later = false;
	for (uint32_t i = 0; i < r->b.num_work; i++)
		tp_driver_work_done(r->b.driver, r->b.work[i], SY_OK);
	UNTIL(r, r->b.messages == 100);
	assert_int_equal(r->b.received, 250000);
	free(bytes);
}

static void test_driver_without_a_worker_works_at_once(void **state)
{
	struct rig *r = *state;
	r->b.driver_config.hooks.deliver = NULL;
	join(r);
	assert_int_equal(dk_try_send(&r->a, DK_INBOX, "abc", 3), SY_OK);
	UNTIL(r, r->b.messages == 1);
	assert_int_equal(r->b.received, 3);
}

static void send_in_hook(struct dk_node *n, const struct sy_output *out)
{
	(void)out;
	assert_int_equal(dk_try_send(n, DK_CHANNEL, "hello", 5), SY_OK);
	assert_int_equal(dk_send(n, DK_CHANNEL, "world", 5, DK_SECOND, 7), SY_OK);
}

static void test_driver_takes_inputs_from_inside_hooks(void **state)
{
	struct rig *r = *state;
	r->a.on_peer_up = send_in_hook;
	join(r);
	UNTIL(r, r->b.messages == 2 && r->a.sends_done == 1);
	assert_int_equal(r->a.last_send, SY_OK);
}

static void send_in_receive(struct dk_node *n, const struct sy_peer *peer, const struct sy_message *msg)
{
	(void)msg;
	n->peer = peer->ref;
	assert_int_equal(dk_try_send(n, DK_CHANNEL, "no", 2), SY_AGAIN);
}

static void test_driver_refuses_inputs_from_inside_the_node(void **state)
{
	struct rig *r = *state;
	r->b.on_receive = send_in_receive;
	join(r);
	assert_int_equal(dk_try_send(&r->a, DK_CHANNEL, "x", 1), SY_OK);
	UNTIL(r, r->b.messages == 1);
	idle(r, DK_SECOND);
	assert_int_equal(r->a.messages, 0);
}

static void test_driver_tells_how_a_waiting_send_ends(void **state)
{
	struct rig *r = *state;
	uint8_t *bytes = pattern(2000000);
	join(r);
	r->b.tp->ops->fini(r->b.tp); /* a machine that is there but does not answer would be worse; this one is gone */
	assert_int_equal(dk_try_send(&r->a, DK_CHANNEL, bytes, 2000000), SY_OK);
	for (unsigned i = 0; i < 12; i++)
		(void)dk_send(&r->a, DK_CHANNEL, bytes, 2000000, DK_SECOND, i);
	UNTIL(r, r->a.downs == 1);
	idle(r, 2 * DK_SECOND);
	assert_true(r->a.sends_done > 0);
	assert_int_equal(dk_send(&r->a, DK_CHANNEL, bytes, 10, DK_SECOND, 1), SY_NO_PEER);
	free(bytes);
}

/* ---- names and memory ---- */

static void test_driver_resolves_the_names_of_persistent_peers(void **state)
{
	struct rig *r = *state;
	char text[128];
	const char *peers[1] = {text};
	struct sy_netaddr ip = net_v4(13, 1, 0, 1, 0);
	assert_true(tp_pair_dns_set(r->net, "b.example", &ip, 1));
	assert_int_equal(dk_start(&r->b), SY_OK);
	snprintf(text, sizeof(text), "%s@b.example:%u", r->b.ids, (unsigned)r->b.at.port);
	r->a.config.persistent_peers = peers;
	r->a.config.num_persistent_peers = 1;
	assert_int_equal(dk_start(&r->a), SY_OK);
	UNTIL(r, r->a.ups == 1 && r->b.ups == 1);
}

/* Each allocation in turn fails; whatever that costs, nothing crashes and nothing is left behind. */
static void test_driver_survives_every_failing_allocation(void **state)
{
	uint8_t *bytes = pattern(30000);
	(void)state;
	for (uint64_t nth = 1; nth < 400; nth += nth < 40 ? 1 : 7) {
		void *inner;
		setup(&inner);
		struct rig *r = inner;
		tp_pair_limits(r->net, 5000, 2000, 3000);
		assert_int_equal(dk_start(&r->b), SY_OK);
		test_env_fail_at(&r->a.memory, nth, false);
		test_env_fail_at(&r->b.memory, nth, false);
		if (dk_start(&r->a) == SY_OK && dk_dial(&r->a, &r->b) == SY_OK) {
			idle(r, DK_SECOND);
			if (r->a.ups == 1 && dk_try_send(&r->a, DK_CHANNEL, bytes, 30000) == SY_OK)
				idle(r, DK_SECOND);
		}
		if (r->a.driver && r->a.started)
			tp_driver_stop(r->a.driver);
		idle(r, 10 * DK_SECOND);
		teardown(&inner);
	}
	free(bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_driver_joins_exchanges_and_stops),
	    CASE(test_driver_counts_frames_on_both_ends_alike),
	    CASE(test_driver_keeps_bytes_whole_over_short_writes),
	    CASE(test_driver_keeps_bytes_whole_where_not_one_frame_fits),
	    CASE(test_driver_keeps_bytes_whole_in_large_batches),
	    CASE(test_driver_idle_connection_fits_its_budget),
	    CASE(test_driver_idle_nodes_wake_for_nothing_but_pings),
	    CASE(test_driver_crash_resets_the_other_side),
	    CASE(test_driver_crash_while_dialling_leaves_nothing),
	    CASE(test_driver_flush_stop_delivers_what_was_queued),
	    cmocka_unit_test(test_driver_close_without_room_for_the_rest_is_a_reset),
	    CASE(test_driver_dial_that_is_refused_is_told),
	    CASE(test_driver_start_tells_that_a_port_is_in_use),
	    CASE(test_driver_without_listening_dials_all_the_same),
	    CASE(test_driver_signature_may_come_later),
	    CASE(test_driver_signer_that_fails_ends_the_handshake),
	    CASE(test_driver_without_a_signer_joins_nobody),
	    CASE(test_driver_filters_may_answer_later_and_refuse),
	    CASE(test_driver_filters_inside_the_hook_pass),
	    CASE(test_driver_save_that_fails_is_told_and_tried_again),
	    CASE(test_driver_save_goes_into_the_room_of_the_store),
	    CASE(test_driver_save_that_fails_is_tried_later_and_at_the_end),
	    CASE(test_driver_save_happens_at_the_stop_when_the_book_has_changed),
	    CASE(test_driver_work_done_later_stalls_only_the_sender),
	    CASE(test_driver_without_a_worker_works_at_once),
	    CASE(test_driver_takes_inputs_from_inside_hooks),
	    CASE(test_driver_refuses_inputs_from_inside_the_node),
	    CASE(test_driver_tells_how_a_waiting_send_ends),
	    CASE(test_driver_resolves_the_names_of_persistent_peers),
	    cmocka_unit_test(test_driver_survives_every_failing_allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
