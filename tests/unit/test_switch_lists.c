/* Whom lists keep out, in both directions, before a connection and after it (D-36). */
#include "core/book/lists.h"
#include "tests/support/switch_kit.h"

/* Gives a node one rule on the other's id or address; its answer. */
static struct sy_answer list(struct pn_node *n, enum sy_rule_kind kind, const struct pn_node *other, uint32_t bits)
{
	uint8_t rule[SY_RULE_BYTES];
	struct sy_input in = {.kind = SY_IN_LISTS, .bytes = {rule, sizeof rule}};
	if (kind == SY_RULE_BLOCK_ID || kind == SY_RULE_ALLOW_ID)
		sy_rule_of_id(rule, kind, &other->addr.id);
	else
		sy_rule_of_net(rule, kind, other->addr.ip, bits);
	return pn_input(n, &in);
}

static const enum sy_rule_kind blocks[] = {SY_RULE_BLOCK_ID, SY_RULE_BLOCK_NET};

static void test_switch_lists_keep_inbound_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		struct pair p;
		pair_make(&p, SY_PROFILE_DEFAULT);
		pair_start(&p);
		assert_int_equal(list(p.b, blocks[i], p.a, 112).err, SY_OK);
		assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
		pn_run(p.net, 2 * PN_S);
		assert_int_equal(pn_peers(p.b), 0);
		assert_int_equal(p.b->last_refused, SY_BLOCKED);
		pair_free(&p);
	}
}

static void test_switch_lists_refuse_dials(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		struct pair p;
		pair_make(&p, SY_PROFILE_DEFAULT);
		pair_start(&p);
		assert_int_equal(list(p.a, blocks[i], p.b, 128).err, SY_OK);
		assert_int_equal(pn_dial(p.a, p.b).err, SY_BLOCKED);
		struct sy_input none = {.kind = SY_IN_LISTS};
		assert_int_equal(pn_input(p.a, &none).err, SY_OK);
		assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
		pair_free(&p);
	}
}

static void test_switch_lists_stop_who_is_a_peer_already(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct pair p;
		pair_connect(&p, SY_PROFILE_DEFAULT);
		struct pn_node *n = side ? p.b : p.a, *other = side ? p.a : p.b;
		assert_int_equal(pn_peers(n), 1);
		assert_int_equal(list(n, blocks[side], other, 112).err, SY_OK);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(pn_peers(n), 0);
		assert_int_equal(n->last_close, SY_BLOCKED);
		pair_free(&p);
	}
}

static void test_switch_lists_allowing_wins(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	pair_start(&p);
	uint8_t rules[2 * SY_RULE_BYTES];
	sy_rule_of_net(rules, SY_RULE_BLOCK_NET, p.a->addr.ip, 104);
	sy_rule_of_id(rules + SY_RULE_BYTES, SY_RULE_ALLOW_ID, &p.a->addr.id);
	struct sy_input in = {.kind = SY_IN_LISTS, .bytes = {rules, sizeof rules}};
	assert_int_equal(pn_input(p.b, &in).err, SY_OK);
	/* A stranger of that network is let in until he has shown his id, for it might be the allowed one. */
	assert_int_equal(pn_raw_open_from(p.b, p.a->addr.ip, 9).err, SY_OK);
	assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
	pn_run(p.net, 1 * PN_S);
	p.b->config.allow_duplicate_ip = true;
	pair_free(&p);
}

/* Nobody is allowed by name: only whom the configuration names, and he whatever list there is. */
static void test_switch_lists_allow_only(void **state)
{
	(void)state;
	for (int named = 0; named < 2; named++) {
		struct pair p;
		char id[SY_ID_TEXT];
		const char *ids[1] = {id};
		pair_make(&p, SY_PROFILE_DEFAULT);
		sy_id_format(&p.a->addr.id, id);
		p.b->config.allow_list_only = true;
		p.b->config.unconditional_peer_ids = ids;
		p.b->config.num_unconditional_peer_ids = (size_t)named;
		pair_start(&p);
		assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(pn_peers(p.b), named);
		if (!named) {
			assert_int_equal(list(p.b, SY_RULE_ALLOW_NET, p.a, 112).err, SY_OK);
			assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
			pn_run(p.net, 1 * PN_S);
			assert_int_equal(pn_peers(p.b), 1);
		} else { /* a rule against him is a rule */
			assert_int_equal(list(p.b, SY_RULE_BLOCK_ID, p.a, 0).err, SY_OK);
			pn_run(p.net, 1 * PN_S);
			assert_int_equal(pn_peers(p.b), 0);
		}
		pair_free(&p);
	}
}

static void test_switch_lists_that_are_none_change_nothing(void **state)
{
	(void)state;
	static const uint8_t junk[SY_RULE_BYTES] = {9};
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	struct sy_input in = {.kind = SY_IN_LISTS, .bytes = {junk, sizeof junk}};
	assert_int_equal(pn_input(p.a, &in).err, SY_PARSE);
	in.bytes.len = 3;
	assert_int_equal(pn_input(p.a, &in).err, SY_PARSE);
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(pn_peers(p.a), 1);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_switch_lists_keep_inbound_out),
	    cmocka_unit_test(test_switch_lists_refuse_dials),
	    cmocka_unit_test(test_switch_lists_stop_who_is_a_peer_already),
	    cmocka_unit_test(test_switch_lists_allowing_wins),
	    cmocka_unit_test(test_switch_lists_allow_only),
	    cmocka_unit_test(test_switch_lists_that_are_none_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
