/*
 * PEX: what arrives, and who is thrown out for it; protocol.md 5.4, 5.5 and the inventory of 8.11. Host 0 has a reactor, the
 * others have none.
 */
#include "tests/support/pexworld.h"

static struct sy_config config_of(enum sy_profile profile)
{
	struct sy_config c;
	sy_config_init(&c, profile);
	return c;
}

/* Host 0 runs, 1 to n are by hand and join it inbound (at slots 0 to n - 1 of host 0). */
static void open_with(struct world *w, enum sy_profile profile, uint32_t n)
{
	struct sy_config c = config_of(profile);
	open_world(w, n + 1, 5);
	make_and_start(w, 0, &c);
	for (uint32_t i = 1; i <= n; i++) {
		w->hosts[i].running = true;
		join(w, &w->hosts[i], &w->hosts[0]);
	}
}

static struct host *node(struct world *w)
{
	return &w->hosts[0];
}

static enum sy_err send_bytes(struct world *w, uint32_t slot, const uint8_t *bytes, size_t n)
{
	struct host *h = node(w);
	struct sy_peer p;
	view(h, slot, &p);
	struct sy_message m = {.channel = SY_PEX_CHANNEL, .bytes = {bytes, n}};
	return h->r->receive(h->r->self, &h->ctx, &p, &m);
}

static enum sy_err send_request(struct world *w, uint32_t slot)
{
	return send_bytes(w, slot, (const uint8_t *)SY_PEX_REQUEST_BYTES, 2);
}

static enum sy_err send_addrs(struct world *w, uint32_t slot, uint32_t first, uint32_t n)
{
	static struct sy_netaddr addrs[1200];
	static uint8_t buf[1200 * SY_PEX_ADDR_MAX];
	for (uint32_t i = 0; i < n; i++)
		addrs[i] = test_addr(first + i);
	return send_bytes(w, slot, buf, sy_pex_addrs_encode(addrs, n, buf, sizeof buf));
}

static uint32_t book_size(struct world *w)
{
	return sy_book_counts(node(w)->book).total;
}

static bool banned(struct world *w, uint32_t n)
{
	return sy_book_is_banned(node(w)->book, &w->hosts[n].addr.id, WALL_S + w->now_ns / SEC);
}

static bool traced(struct world *w, enum sy_trace_kind kind, enum sy_err err)
{
	note_traces(w, node(w));
	for (uint32_t i = 0; i < 64; i++)
		if (w->traces[i].kind == kind && w->traces[i].err == err)
			return true;
	return false;
}

static void test_pex_declares_its_channel(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_UPSTREAM, 0);
	const struct sy_reactor *r = node(&w)->r;
	assert_string_equal(r->name, "PEX");
	assert_int_equal(r->num_channels, 1);
	assert_int_equal(r->channels[0].id, 0);
	assert_int_equal(r->channels[0].priority, 1);
	assert_int_equal(r->channels[0].send_queue_capacity, 10);
	assert_int_equal(r->channels[0].recv_message_capacity, 64000);
	close_world(&w);
}

static void test_pex_add_and_remove_peer(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_UPSTREAM, 2);
	assert_int_equal(book_size(&w), 2); /* inbound peers */
	struct host *h = node(&w);
	part(&w, h, 0, SY_PEER_CLOSED);
	assert_int_equal(book_size(&w), 2);
	w.hosts[1].addr = w.hosts[1].advertised = test_addr(77);
	join(&w, h, &w.hosts[1]);
	assert_int_equal(book_size(&w), 2); /* an outbound one is not added, but asked */
	assert_int_equal(h->requests_sent, 1);
	struct sy_peer stranger;
	memset(&stranger, 0, sizeof stranger);
	stranger.ref = (struct sy_ref){50, 3};
	h->r->remove_peer(h->r->self, &h->ctx, &stranger, SY_OK);
	close_world(&w);
}

static void test_pex_peer_that_advertises_nothing_is_stored_only_by_ours(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		open_with(&w, profile, 0);
		struct host other = w.hosts[0];
		other.pex = NULL;
		other.links = NULL;
		other.num_links = 0;
		other.addr = test_addr(9);
		other.advertised = other.addr;
		memset(other.advertised.ip + 12, 0, 4);
		other.advertised.port = 1234;
		join(&w, &other, node(&w));
		assert_int_equal(book_size(&w), profile == SY_PROFILE_DEFAULT);
		struct sy_netaddr a;
		if (sy_book_pick(node(&w)->book, 50, &a)) {
			assert_memory_equal(a.ip, other.addr.ip, 16);
			assert_int_equal(a.port, 1234);
		}
		part(&w, node(&w), 0, SY_STOPPED);
		other.addr = test_addr(10);
		other.advertised.id = other.addr.id;
		other.advertised.port = 0; /* 0.0.0.0:0: it listens nowhere */
		join(&w, &other, node(&w));
		assert_int_equal(book_size(&w), profile == SY_PROFILE_DEFAULT);
		part(&w, node(&w), 0, SY_STOPPED);
		memset(&other.advertised, 0, sizeof other.advertised); /* a name: nothing to go by */
		uint32_t before = book_size(&w);
		join(&w, &other, node(&w));
		assert_int_equal(book_size(&w), before);
		free(other.links);
		node(&w)->num_links = 0;
		free(node(&w)->links);
		node(&w)->links = NULL;
		close_world(&w);
	}
}

static void test_pex_receives_what_it_asked_for(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct world w;
		open_with(&w, profile, 1);
		run_until(&w, 120 * SEC); /* ticks, in which the only peer is asked */
		assert_int_equal(node(&w)->requests_sent, 1);
		assert_int_equal(send_addrs(&w, 0, 100, 1), SY_OK);
		assert_int_equal(book_size(&w), 2);
		assert_int_equal(send_request(&w, 0), SY_OK);
		assert_int_equal(node(&w)->answers_sent, 1);
		assert_true(traced(&w, SY_TRACE_PEX_REQUEST, SY_OK) && traced(&w, SY_TRACE_PEX_ADDRS, SY_OK) &&
		            traced(&w, SY_TRACE_BOOK_ADD, SY_OK));
		close_world(&w);
	}
}

static void test_pex_third_request_is_a_flood_upstream(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_UPSTREAM, 1);
	assert_int_equal(send_request(&w, 0), SY_OK);
	assert_int_equal(send_request(&w, 0), SY_OK);
	assert_int_equal(send_request(&w, 0), SY_PEER_PEX_FLOOD);
	assert_true(banned(&w, 1));
	assert_int_equal(book_size(&w), 0);
	assert_int_equal(node(&w)->answers_sent, 2);
	assert_true(traced(&w, SY_TRACE_BAN, SY_PEER_PEX_FLOOD));
	close_world(&w);
}

static void test_pex_requests_ten_seconds_apart_are_no_flood(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_UPSTREAM, 2);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(send_request(&w, 0), SY_OK);
		w.now_ns += 10 * SEC;
	}
	w.now_ns -= 1; /* the step between: a nanosecond too early */
	assert_int_equal(send_request(&w, 0), SY_PEER_PEX_FLOOD);
	close_world(&w);
}

static void test_pex_early_request_is_answered_later_by_ours(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_DEFAULT, 1);
	uint64_t begin = w.now_ns;
	for (int i = 0; i < 4; i++)
		assert_int_equal(send_request(&w, 0), SY_OK);
	assert_int_equal(node(&w)->answers_sent, 2);
	run_until(&w, begin + 10 * SEC - 1);
	assert_int_equal(node(&w)->answers_sent, 2);
	run_until(&w, begin + 10 * SEC);
	assert_int_equal(node(&w)->answers_sent, 3); /* once, whatever it sent meanwhile */
	run_until(&w, begin + 40 * SEC);
	assert_int_equal(node(&w)->answers_sent, 3);
	assert_false(banned(&w, 1));
	enum sy_err err = SY_OK;
	uint32_t sent = 0;
	for (; err == SY_OK && sent < 100; sent++)
		err = send_request(&w, 0);
	assert_int_equal(err, SY_PEER_PEX_FLOOD);
	assert_int_equal(sent, SY_LIMIT_PEX_EARLY + 2); /* one in time, those forgiven, the last */
	assert_true(banned(&w, 1));
	close_world(&w);
}

static void test_pex_flood_history_goes_with_the_peer(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_UPSTREAM, 1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(send_request(&w, 0), SY_OK);
		assert_int_equal(send_request(&w, 0), SY_OK);
		part(&w, node(&w), 0, SY_PEER_CLOSED);
		join(&w, &w.hosts[1], node(&w));
	}
	assert_false(banned(&w, 1));
	close_world(&w);
}

static void test_pex_unsolicited_list_is_punished(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		open_with(&w, profile, 1);
		run_until(&w, 120 * SEC);
		assert_int_equal(send_addrs(&w, 0, 100, 3), SY_OK);
		assert_int_equal(send_addrs(&w, 0, 200, 3), SY_PEER_PEX_UNSOLICITED);
		assert_int_equal(book_size(&w), 3); /* the second list and its sender are out */
		assert_true(banned(&w, 1));
		close_world(&w);
	}
}

static void test_pex_malformed_messages(void **state)
{
	static const uint8_t bad_ip[] = {0x12, 0x07, 0x0a, 0x05, 0x12, 0x03, 'x', 'y', 'z'};
	static const uint8_t bad_port[] = {0x12, 0x0f, 0x0a, 0x0d, 0x12, 0x07, '1', '.', '2', '.', '3', '.', '4', 0x18, 0x80, 0x80, 0x04};
	static const uint8_t nothing[1] = {0};
	static const uint8_t cut[] = {0x12, 0x09, 0x0a};
	struct world w;
	open_with(&w, SY_PROFILE_UPSTREAM, 4);
	assert_int_equal(send_bytes(&w, 0, bad_ip, sizeof bad_ip), SY_PEER_PEX_BAD_ADDR);
	assert_int_equal(send_bytes(&w, 1, bad_port, sizeof bad_port), SY_PEER_PEX_BAD_ADDR);
	assert_int_equal(send_bytes(&w, 2, nothing, 0), SY_PEER_BAD_MESSAGE);
	assert_int_equal(send_bytes(&w, 3, cut, sizeof cut), SY_PEER_BAD_MESSAGE);
	assert_true(banned(&w, 1) && banned(&w, 2));
	assert_false(banned(&w, 3) || banned(&w, 4));
	close_world(&w);
}

/* 64,000 bytes hold 1,100 addresses like these; nothing makes a sender stop at 250. */
static void test_pex_long_list_is_taken(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_DEFAULT, 1);
	run_until(&w, 60 * SEC);
	assert_int_equal(send_addrs(&w, 0, 100, 1100), SY_OK);
	/* One source reaches 32 new buckets of 65, and does not fill them evenly. */
	assert_in_range(book_size(&w), 900, 1101);
	close_world(&w);
}

static void test_pex_addresses_without_sound_id_are_passed_over(void **state)
{
	static const uint8_t list[] = {0x12, 0x11, 0x0a, 0x0f, 0x0a, 0x02, 'z', 'z', 0x12, 0x07, '9', '.', '2', '.', '3', '.', '4', 0x18, 0x01};
	struct world w;
	open_with(&w, SY_PROFILE_UPSTREAM, 1);
	run_until(&w, 60 * SEC);
	assert_int_equal(send_bytes(&w, 0, list, sizeof list), SY_OK);
	assert_int_equal(book_size(&w), 1);
	close_world(&w);
}

static void test_pex_list_of_a_peer_without_address(void **state)
{
	for (int profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct world w;
		open_with(&w, profile, 1);
		run_until(&w, 60 * SEC);
		memset(&w.hosts[1].advertised, 0, sizeof w.hosts[1].advertised);
		enum sy_err expected = profile == SY_PROFILE_DEFAULT ? SY_OK : SY_PEER_BAD_NODE_INFO;
		assert_int_equal(send_addrs(&w, 0, 100, 3), expected);
		assert_false(banned(&w, 1));
		close_world(&w);
	}
}

static void test_pex_private_peers_stay_out_of_the_book(void **state)
{
	struct world w;
	struct sy_config c = config_of(SY_PROFILE_DEFAULT);
	open_world(&w, 3, 5);
	make_and_start(&w, 0, &c);
	struct sy_id private_id = w.hosts[1].addr.id;
	assert_true(sy_book_add_private(node(&w)->book, &private_id));
	w.hosts[1].running = w.hosts[2].running = true;
	join(&w, &w.hosts[1], node(&w));
	assert_int_equal(book_size(&w), 0);
	join(&w, &w.hosts[2], node(&w));
	run_until(&w, 60 * SEC);
	assert_int_equal(send_addrs(&w, 1, 1, 1), SY_OK);
	assert_false(sy_book_has(node(&w)->book, &private_id));
	close_world(&w);
}

static void test_pex_without_memory_costs_a_peer_at_most(void **state)
{
	for (uint64_t nth = 1; nth < 40; nth++) {
		struct world w;
		open_with(&w, SY_PROFILE_DEFAULT, 0);
		struct host other = {.addr = test_addr(5), .advertised = test_addr(5), .running = true};
		test_env_fail_at(&w.t, nth, true);
		join(&w, &other, node(&w));
		run_until(&w, 60 * SEC);
		enum sy_err err = send_request(&w, 0);
		assert_true(err == SY_OK || err == SY_NO_MEMORY);
		err = send_addrs(&w, 0, 100, 50);
		assert_true(err == SY_OK || err == SY_NO_MEMORY);
		test_env_fail_at(&w.t, 0, false);
		part(&w, node(&w), 0, SY_STOPPED);
		free(other.links);
		close_world(&w);
	}
}

static void test_pex_traces_are_bounded_and_keep_what_matters(void **state)
{
	struct world w;
	open_with(&w, SY_PROFILE_DEFAULT, 1);
	run_until(&w, 60 * SEC);
	assert_int_equal(send_addrs(&w, 0, 100, 200), SY_OK);
	assert_int_equal(send_addrs(&w, 0, 100, 200), SY_PEER_PEX_UNSOLICITED);
	struct sy_trace t;
	uint32_t n = 0, bans = 0, lists = 0;
	for (; sy_pex_next_trace(node(&w)->pex, &t); n++) {
		bans += t.kind == SY_TRACE_BAN;
		lists += t.kind == SY_TRACE_PEX_ADDRS && t.b == 200;
		assert_int_equal(t.now_ns, w.now_ns);
	}
	assert_true(n <= SY_LIMIT_PEX_TRACES);
	assert_int_equal(bans, 1);
	assert_int_equal(lists, 2);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pex_declares_its_channel),
	    cmocka_unit_test(test_pex_add_and_remove_peer),
	    cmocka_unit_test(test_pex_peer_that_advertises_nothing_is_stored_only_by_ours),
	    cmocka_unit_test(test_pex_receives_what_it_asked_for),
	    cmocka_unit_test(test_pex_third_request_is_a_flood_upstream),
	    cmocka_unit_test(test_pex_requests_ten_seconds_apart_are_no_flood),
	    cmocka_unit_test(test_pex_early_request_is_answered_later_by_ours),
	    cmocka_unit_test(test_pex_flood_history_goes_with_the_peer),
	    cmocka_unit_test(test_pex_unsolicited_list_is_punished),
	    cmocka_unit_test(test_pex_malformed_messages),
	    cmocka_unit_test(test_pex_long_list_is_taken),
	    cmocka_unit_test(test_pex_addresses_without_sound_id_are_passed_over),
	    cmocka_unit_test(test_pex_list_of_a_peer_without_address),
	    cmocka_unit_test(test_pex_private_peers_stay_out_of_the_book),
	    cmocka_unit_test(test_pex_without_memory_costs_a_peer_at_most),
	    cmocka_unit_test(test_pex_traces_are_bounded_and_keep_what_matters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
