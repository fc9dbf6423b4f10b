/* From where inbound connections may come, and how often (D-34). */
#include "core/base/limits.h"
#include "tests/support/switch_kit.h"

struct hub {
	struct pn_net *net;
	struct pn_node *hub, *spoke;
	struct kit kits[2];
};

/* A hub that lets several peers have one IP, and another node at 99.0.0.200; neither is started. */
static void hub_make(struct hub *h, enum sy_profile profile)
{
	h->net = pn_new(3);
	h->hub = pn_add(h->net, "hub", profile);
	h->spoke = pn_add(h->net, "spoke", profile);
	kit_init(&h->kits[0], "kit");
	kit_init(&h->kits[1], "kit");
	kit_install(&h->kits[0], h->hub);
	kit_install(&h->kits[1], h->spoke);
	pn_set_ip(h->spoke, 99, 0, 0, 200);
	h->hub->config.allow_duplicate_ip = true;
}

static void hub_start(struct hub *h)
{
	pn_start(h->hub);
	pn_start(h->spoke);
}

/* Somebody connects to the hub; nothing more is heard of him. */
static enum sy_err knock(struct hub *h, const uint8_t ip[16], uint16_t port)
{
	return pn_raw_open_from(h->hub, ip, port).err;
}

static enum sy_err knock4(struct hub *h, uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	const uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [12] = a, [13] = b, [14] = c, [15] = d};
	return knock(h, ip, port);
}

static void test_limits_per_ip_and_network(void **state)
{
	(void)state;
	struct hub h;
	hub_make(&h, SY_PROFILE_DEFAULT);
	h.hub->config.max_inbound_per_ip = 2;
	h.hub->config.max_inbound_per_net = 3;
	hub_start(&h);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 1), SY_OK);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 2), SY_OK);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 3), SY_IP_FULL);
	assert_int_equal(h.hub->last_refused, SY_IP_FULL);
	assert_int_equal(knock4(&h, 99, 1, 1, 2, 3), SY_OK);
	assert_int_equal(knock4(&h, 99, 1, 1, 3, 4), SY_NET_FULL);
	assert_int_equal(h.hub->last_refused, SY_NET_FULL);
	assert_int_equal(knock4(&h, 99, 1, 2, 1, 5), SY_OK);
	pn_run(h.net, 30 * PN_S); /* they time out, and their places are free again */
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 6), SY_OK);
	pn_free(h.net);
}

static void test_limits_take_an_ipv6_host_for_one_address(void **state)
{
	(void)state;
	static const uint8_t one[16] = {0x26, 1, 0, 1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1}, same64[16] = {0x26, 1, 0, 1, 0, 2, 0, 3, 9};
	static const uint8_t same48[16] = {0x26, 1, 0, 1, 0, 2, 0, 4}, same47[16] = {0x26, 1, 0, 1, 0, 3, 0, 3};
	struct hub h;
	hub_make(&h, SY_PROFILE_DEFAULT);
	h.hub->config.max_inbound_per_ip = 1;
	h.hub->config.max_inbound_per_net = 2;
	hub_start(&h);
	assert_int_equal(knock(&h, one, 1), SY_OK);
	assert_int_equal(knock(&h, same64, 1), SY_IP_FULL);
	assert_int_equal(knock(&h, same48, 1), SY_OK);
	const uint8_t third[16] = {0x26, 1, 0, 1, 0, 2, 0, 5};
	assert_int_equal(knock(&h, third, 1), SY_NET_FULL);
	assert_int_equal(knock(&h, same47, 1), SY_OK);
	pn_free(h.net);
}

/* Behind a proxy everybody has its address. */
static void test_limits_leave_unroutable_addresses_alone(void **state)
{
	(void)state;
	struct hub h;
	hub_make(&h, SY_PROFILE_DEFAULT);
	h.hub->config.max_inbound_per_ip = h.hub->config.max_inbound_per_net = h.hub->config.accept_rate_per_ip = 1;
	hub_start(&h);
	for (uint16_t port = 1; port < 5; port++) {
		assert_int_equal(knock4(&h, 127, 0, 0, 1, port), SY_OK);
		assert_int_equal(knock4(&h, 10, 0, 0, 1, port), SY_OK);
	}
	pn_free(h.net);
}

static void test_limits_are_off_unless_asked_for(void **state)
{
	(void)state;
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM, SY_PROFILE_UPSTREAM_V038};
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		struct hub h;
		hub_make(&h, profiles[i]);
		hub_start(&h);
		for (uint16_t port = 1; port < 12; port++)
			assert_int_equal(knock4(&h, 99, 1, 1, 1, port), SY_OK);
		pn_free(h.net);
	}
}

static void test_limits_of_an_address_refill_with_time(void **state)
{
	(void)state;
	struct hub h;
	hub_make(&h, SY_PROFILE_DEFAULT);
	h.hub->config.accept_rate_per_ip = 3;
	hub_start(&h);
	for (uint16_t port = 1; port < 4; port++)
		assert_int_equal(knock4(&h, 99, 1, 1, 1, port), SY_OK);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 4), SY_RATE_LIMITED);
	assert_int_equal(knock4(&h, 99, 1, 1, 2, 4), SY_OK); /* another address has a bucket of its own */
	pn_run(h.net, 19 * PN_S);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 5), SY_RATE_LIMITED);
	pn_run(h.net, 2 * PN_S);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 6), SY_OK);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 7), SY_RATE_LIMITED);
	pn_run(h.net, 61 * PN_S);
	for (uint16_t port = 8; port < 11; port++)
		assert_int_equal(knock4(&h, 99, 1, 1, 1, port), SY_OK);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 11), SY_RATE_LIMITED);
	pn_free(h.net);
}

static void test_limits_of_all_addresses_together(void **state)
{
	(void)state;
	struct hub h;
	hub_make(&h, SY_PROFILE_DEFAULT);
	h.hub->config.accept_rate = 2;
	hub_start(&h);
	assert_int_equal(knock4(&h, 99, 1, 1, 1, 1), SY_OK);
	assert_int_equal(knock4(&h, 99, 2, 1, 1, 1), SY_OK);
	assert_int_equal(knock4(&h, 99, 3, 1, 1, 1), SY_RATE_LIMITED);
	assert_int_equal(knock4(&h, 127, 0, 0, 1, 1), SY_RATE_LIMITED); /* this one spares the machine, so it counts everybody */
	pn_run(h.net, 600 * PN_MS);
	assert_int_equal(knock4(&h, 99, 3, 1, 1, 1), SY_OK);
	assert_int_equal(knock4(&h, 99, 4, 1, 1, 1), SY_RATE_LIMITED);
	pn_free(h.net);
}

/* More addresses than the table has places: who comes again and again is still known, for the least used ones go. */
static void test_limits_table_is_bounded(void **state)
{
	(void)state;
	struct hub h;
	hub_make(&h, SY_PROFILE_DEFAULT);
	h.hub->config.accept_rate_per_ip = 60;
	h.hub->config.max_num_inbound_peers = SY_LIMIT_CONNS;
	hub_start(&h);
	for (uint16_t port = 1; port < 40; port++)
		(void)knock4(&h, 99, 1, 1, 1, port);
	pn_run(h.net, 25 * PN_S);
	for (uint32_t i = 0; i < 4 * SY_LIMIT_RATE_IPS; i++) {
		enum sy_err err = knock4(&h, 99, 2, (uint8_t)(i >> 8), (uint8_t)i, 1);
		assert_true(err == SY_OK || err == SY_INBOUND_FULL || err == SY_LIMIT);
	}
	pn_free(h.net);
}

/* field.md finding f: who is expected cannot be locked out by who fills the places of his network. */
static void locked_out(bool unconditional)
{
	struct hub h;
	char id[SY_ID_TEXT];
	const char *list[1] = {id};
	hub_make(&h, SY_PROFILE_DEFAULT);
	sy_id_format(&h.spoke->addr.id, id);
	h.hub->config.max_inbound_per_net = 3;
	h.hub->config.unconditional_peer_ids = list;
	h.hub->config.num_unconditional_peer_ids = unconditional ? 1 : 0;
	hub_start(&h);
	for (uint8_t i = 1; i < 4; i++)
		assert_int_equal(knock4(&h, 99, 0, 0, i, 1), SY_OK);
	assert_int_equal(pn_dial(h.spoke, h.hub).err, SY_OK);
	pn_run(h.net, 1 * PN_S);
	assert_int_equal(pn_peers(h.hub), unconditional ? 1 : 0);
	pn_free(h.net);
}

static void test_limits_let_unconditional_peers_in(void **state)
{
	(void)state;
	locked_out(false);
	locked_out(true);
}

/* A persistent peer's address is known before its id is: nothing that others do from there keeps it out. */
static void test_limits_let_a_persistent_peers_address_in(void **state)
{
	(void)state;
	struct hub h;
	char text[SY_ADDR_TEXT];
	const char *list[1] = {text};
	hub_make(&h, SY_PROFILE_DEFAULT);
	sy_netaddr_format(&h.spoke->addr, text);
	h.hub->config.max_inbound_per_ip = h.hub->config.accept_rate_per_ip = 1;
	h.hub->config.persistent_peers = list;
	h.hub->config.num_persistent_peers = 1;
	pn_start(h.hub); /* the other one is not up yet: it will dial in */
	for (uint16_t port = 1; port < 4; port++)
		assert_int_equal(knock4(&h, 99, 0, 0, 200, port), SY_OK);
	pn_free(h.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limits_per_ip_and_network),
	    cmocka_unit_test(test_limits_take_an_ipv6_host_for_one_address),
	    cmocka_unit_test(test_limits_leave_unroutable_addresses_alone),
	    cmocka_unit_test(test_limits_are_off_unless_asked_for),
	    cmocka_unit_test(test_limits_of_an_address_refill_with_time),
	    cmocka_unit_test(test_limits_of_all_addresses_together),
	    cmocka_unit_test(test_limits_table_is_bounded),
	    cmocka_unit_test(test_limits_let_unconditional_peers_in),
	    cmocka_unit_test(test_limits_let_a_persistent_peers_address_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
