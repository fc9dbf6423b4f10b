/* Inboxes: delivery is an output, completion an input; what a full one does. Source: design.md 3. */
#include "tests/support/switch_kit.h"

/* b works channel A off through an inbox of this size and policy. */
static void inbox_pair(struct pair *p, enum sy_inbox_policy policy, uint32_t bytes)
{
	pair_make(p, SY_PROFILE_DEFAULT);
	p->kb.channels[0].inbox = policy;
	p->kb.channels[0].inbox_bytes = bytes;
	pair_start(p);
	p->b->hold_work = true;
	pn_dial(p->a, p->b);
	pn_run(p->net, 300 * PN_MS);
	assert_int_equal(pn_peers(p->b), 1);
}

static void send_some(struct pair *p, int n, size_t len)
{
	static uint8_t bytes[4096];
	for (int i = 0; i < n; i++) {
		struct sy_input in = {.kind = SY_IN_TRY_SEND, .conn = pn_peer(p->a, 0), .channel = PN_CHANNEL_A, .bytes = {bytes, len}};
		assert_int_equal(pn_input(p->a, &in).err, SY_OK);
		pn_run(p->net, 50 * PN_MS);
	}
}

static struct sy_answer work_done(struct pair *p, uint64_t token, enum sy_err err)
{
	struct sy_input in = {.kind = SY_IN_WORK_DONE, .token = token, .err = err};
	return pn_input(p->b, &in);
}

static void test_inbox_receive_runs_when_the_work_is_done(void **state)
{
	(void)state;
	struct pair p;
	inbox_pair(&p, SY_INBOX_STALL, 1u << 20);
	pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "one");
	pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "two");
	pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_B, "inline");
	pn_run(p.net, 500 * PN_MS);
	assert_int_equal(p.b->deliveries, 2);
	assert_string_equal(p.kb.log, "start init add recv:inline");
	assert_int_equal(work_done(&p, p.b->work[0], SY_OK).err, SY_OK);
	assert_int_equal(work_done(&p, p.b->work[1], SY_OK).err, SY_OK);
	assert_string_equal(p.kb.log, "start init add recv:inline recv:one recv:two");
	assert_int_equal(work_done(&p, p.b->work[0], SY_OK).err, SY_NOT_FOUND);
	assert_int_equal(work_done(&p, 123456, SY_OK).err, SY_NOT_FOUND);
	pair_free(&p);
}

static void test_inbox_failed_work_stops_the_peer(void **state)
{
	(void)state;
	struct pair p;
	inbox_pair(&p, SY_INBOX_STALL, 1u << 20);
	send_some(&p, 3, 10);
	assert_int_equal(work_done(&p, p.b->work[0], SY_PEER_REACTOR).err, SY_OK);
	assert_string_equal(p.kb.log, "start init add remove:peer_reactor");
	/* The others are under way: they end, and nobody receives them. */
	assert_int_equal(work_done(&p, p.b->work[1], SY_OK).err, SY_OK);
	assert_int_equal(p.kb.received, 0);
	pair_free(&p);
}

static void test_inbox_full_stalls_the_connection(void **state)
{
	(void)state;
	struct pair p;
	inbox_pair(&p, SY_INBOX_STALL, 3000);
	send_some(&p, 5, 1000);
	assert_int_equal(p.b->deliveries, 3); /* 3 x 1064 pass the bound: no more is read */
	assert_int_equal(sy_node_read_window(p.b->core, pn_peer(p.b, 0)), 0);
	pn_run(p.net, 10 * PN_S);
	assert_int_equal(p.b->deliveries, 3);
	assert_int_equal(pn_peers(p.b), 1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(work_done(&p, p.b->work[i], SY_OK).err, SY_OK);
		pn_run(p.net, 100 * PN_MS);
	}
	assert_int_equal(p.kb.received, 5);
	assert_true(sy_node_read_window(p.b->core, pn_peer(p.b, 0)) > 0);
	pair_free(&p);
}

static void test_inbox_full_drops_the_newest(void **state)
{
	(void)state;
	struct pair p;
	inbox_pair(&p, SY_INBOX_DROP, 3000);
	send_some(&p, 5, 1000);
	assert_int_equal(p.b->deliveries, 2); /* the third would pass the bound */
	work_done(&p, p.b->work[0], SY_OK);
	send_some(&p, 1, 1000);
	assert_int_equal(p.b->deliveries, 3);
	assert_int_equal(pn_peers(p.b), 1);
	pair_free(&p);
}

static void test_inbox_full_disconnects(void **state)
{
	(void)state;
	struct pair p;
	inbox_pair(&p, SY_INBOX_DISCONNECT, 3000);
	send_some(&p, 3, 1000);
	assert_int_equal(pn_peers(p.b), 0);
	assert_int_equal(p.b->last_down, SY_PEER_INBOX_FULL);
	assert_int_equal(work_done(&p, p.b->work[0], SY_OK).err, SY_OK);
	assert_int_equal(p.kb.received, 0);
	pair_free(&p);
}

static void test_inbox_takes_a_message_larger_than_its_bound_when_empty(void **state)
{
	(void)state;
	struct pair p;
	inbox_pair(&p, SY_INBOX_DISCONNECT, 100);
	send_some(&p, 1, 4000);
	assert_int_equal(p.b->deliveries, 1);
	assert_int_equal(pn_peers(p.b), 1);
	pair_free(&p);
}

static void test_inbox_is_forgotten_with_its_peer(void **state)
{
	(void)state;
	struct pair p;
	inbox_pair(&p, SY_INBOX_STALL, 3000);
	size_t before = p.b->memory.bytes;
	send_some(&p, 3, 1000);
	struct sy_input stop = {.kind = SY_IN_STOP};
	pn_input(p.b, &stop);
	assert_true(p.b->stopped);
	for (uint32_t i = 0; i < p.b->num_work; i++)
		assert_int_equal(work_done(&p, p.b->work[i], SY_OK).err, SY_OK);
	assert_int_equal(p.kb.received, 0);
	assert_true(p.b->memory.bytes <= before + sizeof(struct sy_channel_totals)); /* which stay with the node */
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inbox_receive_runs_when_the_work_is_done),
	    cmocka_unit_test(test_inbox_failed_work_stops_the_peer),
	    cmocka_unit_test(test_inbox_full_stalls_the_connection),
	    cmocka_unit_test(test_inbox_full_drops_the_newest),
	    cmocka_unit_test(test_inbox_full_disconnects),
	    cmocka_unit_test(test_inbox_takes_a_message_larger_than_its_bound_when_empty),
	    cmocka_unit_test(test_inbox_is_forgotten_with_its_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
