/* Persistent peers and the loop that gets them back. Source: protocol.md 4.8, 4.9, 8.8; D-15 to D-17. */
#include "tests/support/switch_kit.h"

#include <stdio.h>

static const char *const *one(struct pair *p, const char **list, const char *text)
{
	list[0] = text;
	p->a->config.persistent_peers = list;
	p->a->config.num_persistent_peers = 1;
	return list;
}

static void test_reconnect_persistent_peer_is_dialled_within_three_seconds(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct pair p;
		const char *list[1];
		pair_make(&p, profile);
		one(&p, list, p.b->addr_text);
		pair_start(&p);
		pn_run(p.net, 4 * PN_S);
		assert_int_equal(pn_peers(p.a), 1);
		assert_int_equal(p.a->dials, 1);
		struct sy_peer peer;
		assert_int_equal(sy_node_peer_at(p.a->core, 0, &peer), SY_OK);
		assert_true(peer.persistent);
		assert_true(peer.outbound);
		assert_true(sy_node_book_has(p.a->core, &p.b->addr.id));
		assert_true(p.a->saves > 0);
		assert_int_equal(sy_node_deadline(p.a->core) > pn_now(p.net) + 10 * PN_S, true);
		pair_free(&p);
	}
}

static void test_reconnect_after_a_reset_is_immediate(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct pair p;
		const char *list[1];
		pair_make(&p, profile);
		one(&p, list, p.b->addr_text);
		pair_start(&p);
		pn_run(p.net, 4 * PN_S);
		struct sy_ref before = pn_peer(p.a, 0);
		pn_reset(p.a, p.b);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(pn_peers(p.a), 1);
		assert_false(sy_ref_equal(before, pn_peer(p.a, 0)));
		assert_string_equal(p.ka.log, "start init add remove:peer_reset init add");
		pair_free(&p);
	}
}

/* The other side hangs up as soon as it has us, as a seed does. How often we come in a minute. */
static uint32_t visits(enum sy_profile profile)
{
	struct pair p;
	const char *list[1];
	pair_make(&p, profile);
	one(&p, list, p.b->addr_text);
	pair_start(&p);
	for (int i = 0; i < 6000; i++) {
		pn_run(p.net, 10 * PN_MS);
		if (pn_peers(p.b))
			pn_stop_peer(p.b, pn_peer(p.b, 0), SY_STOPPED);
	}
	uint32_t dials = p.a->dials;
	pair_free(&p);
	return dials;
}

static void test_reconnect_to_who_hangs_up_at_once_is_patient_in_default_only(void **state)
{
	(void)state;
	uint32_t ours = visits(SY_PROFILE_DEFAULT);
	assert_in_range(ours, 2 + 57 / 8, 2 + 60 / 5); /* at start, at once, then every 5 to 8 s */
	assert_true(visits(SY_PROFILE_UPSTREAM) > 20 * ours);
}

static void test_reconnect_not_after_a_graceful_stop(void **state)
{
	(void)state;
	struct pair p;
	const char *list[1];
	pair_make(&p, SY_PROFILE_DEFAULT);
	one(&p, list, p.b->addr_text);
	pair_start(&p);
	pn_run(p.net, 4 * PN_S);
	pn_stop_peer(p.a, pn_peer(p.a, 0), SY_STOPPED);
	pn_run(p.net, 100 * PN_S);
	assert_int_equal(pn_peers(p.a), 0);
	assert_int_equal(p.a->dials, 1);
	pair_free(&p);
}

/* The gaps between dials while nobody answers. Upstream: at start, at once again, 19 times 5 to 8 s, 13 to 19 s, then 3^i s. */
static void test_reconnect_gaps_between_dials(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		const char *list[1];
		pair_make(&p, profile);
		one(&p, list, p.b->addr_text);
		pn_start(p.a);
		uint64_t begun = pn_now(p.net);
		pn_run(p.net, 200000 * PN_S);
		const uint64_t *at = p.a->dial_times;
		assert_true(at[0] - begun < 3 * PN_S);
		assert_true(at[1] - at[0] <= 20 * PN_MS);
		for (int i = 1; i < 20; i++)
			assert_in_range(at[i + 1] - at[i], 5 * PN_S, 8 * PN_S + 20 * PN_MS);
		if (profile == SY_PROFILE_UPSTREAM) {
			assert_in_range(at[21] - at[20], 8 * PN_S, 14 * PN_S + 20 * PN_MS);
			uint64_t wait = 9;
			for (int i = 21; i < 30; i++, wait *= 3)
				assert_in_range(at[i + 1] - at[i], wait * PN_S, (wait + 3) * PN_S + 20 * PN_MS);
			assert_int_equal(p.a->dials, 31); /* given up */
		} else {
			assert_in_range(at[21] - at[20], 3 * PN_S, 6 * PN_S + 20 * PN_MS);
			assert_in_range(at[24] - at[23], 60 * PN_S, 63 * PN_S + 20 * PN_MS);
			assert_in_range(at[60] - at[59], 60 * PN_S, 63 * PN_S + 20 * PN_MS);
			assert_true(p.a->dials > 3000); /* for ever */
		}
		pair_free(&p);
	}
}

static void test_reconnect_cap_of_the_configuration(void **state)
{
	(void)state;
	struct pair p;
	const char *list[1];
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.a->config.persistent_peers_max_dial_period_ns = 10 * PN_S;
	one(&p, list, p.b->addr_text);
	pn_start(p.a);
	pn_run(p.net, 1000 * PN_S);
	const uint64_t *at = p.a->dial_times;
	for (int i = 25; i < 40; i++)
		assert_in_range(at[i + 1] - at[i], 9 * PN_S, 13 * PN_S + 20 * PN_MS);
	pair_free(&p);
}

static void test_reconnect_to_an_inbound_persistent_peer(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		const char *list[1];
		pair_make(&p, profile);
		one(&p, list, p.b->addr_text);
		pn_start(p.b);
		pn_start(p.a);
		/* b comes first: a's own dial then finds it connected. */
		pn_dial(p.b, p.a);
		pn_run(p.net, 5 * PN_S);
		struct sy_peer peer;
		assert_int_equal(sy_node_peer_at(p.a->core, 0, &peer), SY_OK);
		assert_true(peer.persistent);
		pn_reset(p.a, p.b);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(sy_node_peer_at(p.a->core, 0, &peer), SY_OK);
		assert_true(peer.outbound);
		pair_free(&p);
	}
}

/* protocol.md 9.2, 5: b advertises 0.0.0.0, so upstream does not know it for its persistent peer. */
static void test_reconnect_to_an_inbound_peer_that_hides_its_address(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		const char *list[1];
		pair_make(&p, profile);
		one(&p, list, p.b->addr_text);
		p.b->config.listen_addr = "tcp://0.0.0.0:26656";
		pair_start(&p);
		struct sy_answer d = pn_dial(p.b, p.a);
		assert_int_equal(d.err, SY_OK);
		pn_run(p.net, 5 * PN_S);
		struct sy_peer peer;
		assert_int_equal(sy_node_peer_at(p.a->core, 0, &peer), SY_OK);
		if (peer.outbound) { /* a was quicker */
			pair_free(&p);
			continue;
		}
		pn_reset(p.a, p.b);
		pn_run(p.net, 5 * PN_S);
		assert_int_equal(pn_peers(p.a), profile == SY_PROFILE_DEFAULT ? 1 : 0);
		pair_free(&p);
	}
}

static void test_reconnect_after_a_transient_error(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct pair p;
		pair_connect(&p, profile);
		struct sy_ref before = pn_peer(p.a, 0);
		pn_stop_peer(p.a, before, SY_TIMEOUT);
		assert_int_equal(pn_peers(p.a), 0);
		pn_run(p.net, 2 * PN_S);
		assert_int_equal(pn_peers(p.a), profile == SY_PROFILE_UPSTREAM_V038 ? 0 : 1);
		pair_free(&p);
		/* A fault of an ordinary peer leads to nothing. */
		pair_connect(&p, profile);
		pn_stop_peer(p.a, pn_peer(p.a, 0), SY_PEER_BAD_MESSAGE);
		pn_run(p.net, 100 * PN_S);
		assert_int_equal(pn_peers(p.a), 0);
		pair_free(&p);
	}
}

static void make_name(char *text, size_t cap, const struct pn_node *n)
{
	char id[SY_ID_TEXT];
	sy_id_format(&n->addr.id, id);
	snprintf(text, cap, "%s@b.example:26656", id);
}

static void test_reconnect_name_moves_with_its_host(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		const char *list[1];
		char text[128];
		pair_make(&p, profile);
		make_name(text, sizeof text, p.b);
		one(&p, list, text);
		pn_dns(p.net, "b.example", p.b->addr.ip);
		pair_start(&p);
		pn_run(p.net, 4 * PN_S);
		assert_int_equal(pn_peers(p.a), 1);
		assert_int_equal(p.a->resolves, 1);
		/* b comes back elsewhere, and its name with it. */
		pn_crash(p.b);
		pn_set_ip(p.b, 12, 34, 56, 78);
		pn_dns(p.net, "b.example", p.b->addr.ip);
		pn_start(p.b);
		pn_run(p.net, 60 * PN_S);
		assert_int_equal(pn_peers(p.a), profile == SY_PROFILE_DEFAULT ? 1 : 0);
		pair_free(&p);
	}
}

/* Three addresses, the last of which answers: each failed dial moves on, and the one that answered is kept to. */
static void test_reconnect_goes_through_all_addresses_of_a_name(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		const char *list[1];
		char text[128];
		bool ours = profile == SY_PROFILE_DEFAULT;
		pair_make(&p, profile);
		make_name(text, sizeof text, p.b);
		one(&p, list, text);
		for (uint8_t i = 0; i < 2; i++) {
			uint8_t dead[16] = {[10] = 0xff, [11] = 0xff, [12] = 99, [15] = i};
			pn_dns_also(p.net, "b.example", dead);
		}
		pn_dns_also(p.net, "b.example", p.b->addr.ip);
		pair_start(&p);
		pn_run(p.net, 60 * PN_S);
		assert_int_equal(pn_peers(p.a), ours ? 1 : 0);
		assert_true(p.a->dials == 3 || !ours);
		pn_reset(p.a, p.b);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(pn_peers(p.a), ours ? 1 : 0);
		assert_true(p.a->dials == 4 || !ours);
		pair_free(&p);
	}
}

static void test_reconnect_name_that_does_not_resolve_at_start(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		const char *list[1];
		char text[128];
		pair_make(&p, profile);
		make_name(text, sizeof text, p.b);
		one(&p, list, text);
		pair_start(&p);
		pn_run(p.net, 10 * PN_S);
		assert_int_equal(p.a->dials, 0);
		pn_dns(p.net, "b.example", p.b->addr.ip);
		pn_run(p.net, 60 * PN_S);
		assert_int_equal(pn_peers(p.a), profile == SY_PROFILE_DEFAULT ? 1 : 0);
		assert_true(profile == SY_PROFILE_DEFAULT || p.a->resolves == 1);
		pair_free(&p);
	}
}

/* D-16: another peer on the same IP ends upstream's loop for good (field finding g). */
static void test_reconnect_past_a_twin_on_the_same_ip(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		struct kit kc;
		const char *list[1];
		pair_make(&p, profile);
		struct pn_node *c = pn_add(p.net, "c", profile);
		kit_init(&kc, "kit");
		kit_install(&kc, c);
		c->addr.port = 26657;
		pn_set_ip(c, 11, 2, 0, 1); /* b's */
		one(&p, list, p.b->addr_text);
		pn_start(p.a);
		pn_start(c);
		pn_dial(p.a, c);
		pn_run(p.net, 30 * PN_S);
		pn_start(p.b);
		pn_stop_peer(p.a, pn_peer_of(p.a, c), SY_STOPPED);
		pn_run(p.net, 20 * PN_S);
		assert_int_equal(sy_ref_is_null(pn_peer_of(p.a, p.b)), profile == SY_PROFILE_UPSTREAM);
		pair_free(&p);
	}
}

static void test_reconnect_loop_ends_with_the_node(void **state)
{
	(void)state;
	struct pair p;
	const char *list[1];
	pair_make(&p, SY_PROFILE_DEFAULT);
	one(&p, list, p.b->addr_text);
	pn_start(p.a);
	pn_run(p.net, 30 * PN_S);
	struct sy_input stop = {.kind = SY_IN_STOP};
	pn_input(p.a, &stop);
	assert_true(p.a->stopped);
	assert_int_equal(sy_node_deadline(p.a->core), UINT64_MAX);
	uint32_t dials = p.a->dials;
	pn_run(p.net, 1000 * PN_S);
	assert_int_equal(p.a->dials, dials);
	pair_free(&p);
}

static void test_reconnect_malformed_lists_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "nonsense", "127.0.0.1:26656", "deadbeef@127.0.0.1:1"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct pair p;
		const char *list[1], *what = NULL;
		pair_make(&p, SY_PROFILE_DEFAULT);
		one(&p, list, bad[i]);
		assert_int_equal(pn_make(p.a, &what), SY_INVALID);
		assert_string_equal(what, "persistent_peers");
		pair_free(&p);
	}
	for (int private_ids = 0; private_ids < 2; private_ids++) {
		struct pair p;
		const char *list[1] = {"xyz"}, *what = NULL;
		pair_make(&p, SY_PROFILE_DEFAULT);
		p.a->config.unconditional_peer_ids = p.a->config.private_peer_ids = list;
		if (private_ids)
			p.a->config.num_private_peer_ids = 1;
		else
			p.a->config.num_unconditional_peer_ids = 1;
		assert_int_equal(pn_make(p.a, &what), SY_INVALID);
		assert_string_equal(what, private_ids ? "private_peer_ids" : "unconditional_peer_ids");
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reconnect_persistent_peer_is_dialled_within_three_seconds),
	    cmocka_unit_test(test_reconnect_after_a_reset_is_immediate),
	    cmocka_unit_test(test_reconnect_to_who_hangs_up_at_once_is_patient_in_default_only),
	    cmocka_unit_test(test_reconnect_not_after_a_graceful_stop),
	    cmocka_unit_test(test_reconnect_gaps_between_dials),
	    cmocka_unit_test(test_reconnect_cap_of_the_configuration),
	    cmocka_unit_test(test_reconnect_to_an_inbound_persistent_peer),
	    cmocka_unit_test(test_reconnect_to_an_inbound_peer_that_hides_its_address),
	    cmocka_unit_test(test_reconnect_after_a_transient_error),
	    cmocka_unit_test(test_reconnect_name_moves_with_its_host),
	    cmocka_unit_test(test_reconnect_goes_through_all_addresses_of_a_name),
	    cmocka_unit_test(test_reconnect_name_that_does_not_resolve_at_start),
	    cmocka_unit_test(test_reconnect_past_a_twin_on_the_same_ip),
	    cmocka_unit_test(test_reconnect_loop_ends_with_the_node),
	    cmocka_unit_test(test_reconnect_malformed_lists_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
