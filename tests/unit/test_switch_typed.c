/* Channels with a message type: decoding before receive, encoding by sy_try_send_message. Source: protocol.md 4.2. */
#include "testmsg.pb-c.h"
#include "tests/support/switch_kit.h"

static void typed_pair(struct pair *p, enum sy_inbox_policy inbox)
{
	pair_make(p, SY_PROFILE_DEFAULT);
	p->ka.channels[0].message_type = p->kb.channels[0].message_type = &testmsg__tree__descriptor;
	p->kb.channels[0].inbox = inbox;
	p->ka.quiet = p->kb.quiet = true;
	pair_start(p);
	pn_dial(p->a, p->b);
	pn_run(p->net, 1 * PN_S);
	assert_int_equal(pn_peers(p->b), 1);
}

static void look_at_tree(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	(void)ctx;
	(void)peer;
	const Testmsg__Tree *tree = (const Testmsg__Tree *)(const void *)msg->decoded;
	assert_non_null(tree);
	assert_string_equal(tree->name, "oak");
	k->number += tree->n_numbers;
}

static void test_typed_message_is_decoded_before_receive(void **state)
{
	(void)state;
	static const enum sy_inbox_policy policies[] = {SY_INBOX_INLINE, SY_INBOX_STALL};
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		struct pair p;
		uint64_t numbers[3] = {1, 2, 1ull << 40};
		Testmsg__Tree oak = TESTMSG__TREE__INIT;
		typed_pair(&p, policies[i]);
		p.kb.on_receive = look_at_tree;
		oak.name = (char[]){"oak"};
		oak.numbers = numbers;
		oak.n_numbers = 3;
		struct sy_ref peer = pn_peer(p.a, 0);
		assert_int_equal(sy_try_send_message(p.a->core, pn_now(p.net), peer, PN_CHANNEL_A, (const ProtobufCMessage *)&oak), SY_OK);
		assert_int_equal(sy_try_send_message(p.a->core, pn_now(p.net), peer, PN_CHANNEL_B, (const ProtobufCMessage *)&oak), SY_INVALID);
		Testmsg__PexRequest other = TESTMSG__PEX_REQUEST__INIT;
		assert_int_equal(sy_try_send_message(p.a->core, pn_now(p.net), peer, PN_CHANNEL_A, (const ProtobufCMessage *)&other), SY_INVALID);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(p.kb.received, 1);
		assert_int_equal(p.kb.number, 3);
		pair_free(&p);
	}
}

static void test_typed_message_that_does_not_parse_ends_the_peer(void **state)
{
	(void)state;
	static const enum sy_inbox_policy policies[] = {SY_INBOX_INLINE, SY_INBOX_STALL};
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		struct pair p;
		typed_pair(&p, policies[i]);
		assert_int_equal(pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "\xff\xff\xff"), SY_OK);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(p.kb.received, 0);
		assert_string_equal(p.kb.log, "start init add remove:peer_bad_message");
		assert_int_equal(p.b->last_close_flush, 0);
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_typed_message_is_decoded_before_receive),
	    cmocka_unit_test(test_typed_message_that_does_not_parse_ends_the_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
