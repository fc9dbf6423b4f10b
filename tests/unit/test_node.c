#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/pipe_net.h"

static enum sy_err on_receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	int *got = self;
	(*got)++;
	return SY_OK;
}
static const struct sy_channel chans[] = {{.id = PN_CHANNEL_A, .priority = 5, .send_queue_capacity = 10}};

static void test_node_two_nodes_exchange_a_message(void **state)
{
	int got_a = 0, got_b = 0;
	struct sy_reactor ra = {.name = "r", .channels = chans, .num_channels = 1, .self = &got_a, .receive = on_receive};
	struct sy_reactor rb = {.name = "r", .channels = chans, .num_channels = 1, .self = &got_b, .receive = on_receive};
	struct pn_net *net = pn_new(1);
	struct pn_node *a = pn_add(net, "a", SY_PROFILE_DEFAULT), *b = pn_add(net, "b", SY_PROFILE_DEFAULT);
	a->reactors = &ra; a->num_reactors = 1;
	b->reactors = &rb; b->num_reactors = 1;
	pn_start(a);
	pn_start(b);
	struct sy_answer d = pn_dial(a, b);
	assert_int_equal(d.err, SY_OK);
	pn_run(net, 1 * PN_S);
	assert_int_equal(pn_peers(a), 1);
	assert_int_equal(pn_peers(b), 1);
	assert_int_equal(pn_send_text(a, pn_peer(a, 0), PN_CHANNEL_A, "hello"), SY_OK);
	pn_run(net, 1 * PN_S);
	assert_int_equal(got_b, 1);
	pn_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_two_nodes_exchange_a_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
