/* Who may be a peer: limits, duplicates, filters, simultaneous dials, refusals. Source: protocol.md 2.5, 4.4 to 4.9, 8.7, 8.8. */
#include "core/base/limits.h"
#include "tests/support/switch_kit.h"

#include <stdio.h>

#define SPOKES 9

/* A hub and nodes around it, all with kits, none connected. */
struct star {
	struct pn_net *net;
	struct pn_node *hub, *spoke[SPOKES];
	struct kit kits[SPOKES + 1];
};

static void star_make(struct star *s, enum sy_profile profile)
{
	s->net = pn_new(3);
	s->hub = pn_add(s->net, "hub", profile);
	kit_init(&s->kits[SPOKES], "kit");
	kit_install(&s->kits[SPOKES], s->hub);
	for (int i = 0; i < SPOKES; i++) {
		char name[16];
		snprintf(name, sizeof name, "s%d", i);
		s->spoke[i] = pn_add(s->net, name, profile);
		kit_init(&s->kits[i], "kit");
		kit_install(&s->kits[i], s->spoke[i]);
	}
}

static void star_start(struct star *s)
{
	pn_start(s->hub);
	for (int i = 0; i < SPOKES; i++)
		pn_start(s->spoke[i]);
}

static void star_dial(struct star *s, int from, int to)
{
	for (int i = from; i < to; i++) {
		assert_int_equal(pn_dial(s->spoke[i], s->hub).err, SY_OK);
		pn_run(s->net, 200 * PN_MS);
	}
}

/* protocol.md 8.8 TestSwitchAcceptRoutine, with the tiny limits of this test. */
static void inbound_limit(enum sy_profile profile)
{
	struct star s;
	char ids[2][SY_ID_TEXT];
	const char *list[2] = {ids[0], ids[1]};
	star_make(&s, profile);
	for (int i = 0; i < 2; i++)
		sy_id_format(&s.spoke[6 + i]->addr.id, ids[i]);
	s.hub->config.max_num_inbound_peers = 5;
	s.hub->config.unconditional_peer_ids = list;
	s.hub->config.num_unconditional_peer_ids = 2;
	star_start(&s);
	star_dial(&s, 0, 5);
	assert_int_equal(pn_peers(s.hub), 5);
	star_dial(&s, 5, 6);
	assert_int_equal(pn_peers(s.hub), 5);
	assert_int_equal(s.hub->last_refused, SY_INBOUND_FULL);
	assert_int_equal(pn_peers(s.spoke[5]), 0);
	star_dial(&s, 6, 8);
	assert_int_equal(pn_peers(s.hub), 7);
	struct sy_counts counts = sy_node_counts(s.hub->core);
	assert_int_equal(counts.inbound, 5);
	assert_int_equal(counts.total, 7);
	/* A place is free again when somebody leaves. */
	pn_stop_peer(s.hub, pn_peer_of(s.hub, s.spoke[0]), SY_STOPPED);
	star_dial(&s, 5, 6);
	assert_int_equal(pn_peers(s.hub), 7);
	pn_free(s.net);
}

static void test_admit_inbound_limit_spares_unconditional_peers(void **state)
{
	(void)state;
	inbound_limit(SY_PROFILE_DEFAULT);
	inbound_limit(SY_PROFILE_UPSTREAM);
	inbound_limit(SY_PROFILE_UPSTREAM_V038);
}

/* protocol.md 9.2: silent connections hold upstream's whole cap; ours keeps room for handshakes (D-18). */
static void test_admit_silent_connections_hold_only_upstreams_cap(void **state)
{
	(void)state;
	for (int ours = 0; ours < 2; ours++) {
		struct star s;
		star_make(&s, ours ? SY_PROFILE_DEFAULT : SY_PROFILE_UPSTREAM);
		s.hub->config.max_num_inbound_peers = 3;
		star_start(&s);
		for (uint8_t i = 0; i < 3; i++)
			assert_int_equal(pn_raw_open(s.hub, (uint8_t)(10 + i), 1000).err, SY_OK);
		assert_int_equal(s.hub->accept_window, ours ? SY_LIMIT_HANDSHAKES - 3 : 0);
		assert_int_equal(pn_raw_open(s.hub, 40, 1000).err, ours ? SY_OK : SY_INBOUND_FULL);
		pn_dial(s.spoke[0], s.hub);
		pn_run(s.net, 1 * PN_S);
		assert_int_equal(pn_peers(s.hub), ours ? 1 : 0);
		pn_run(s.net, 30 * PN_S); /* the silent ones time out */
		assert_int_equal(s.hub->closes, ours ? 4 : 3);
		assert_int_equal(s.hub->last_close, SY_PEER_HANDSHAKE_TIMEOUT);
		pn_free(s.net);
	}
}

static void test_admit_full_node_refuses_before_the_handshake(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_DEFAULT);
	s.hub->config.max_num_inbound_peers = 1;
	star_start(&s);
	star_dial(&s, 0, 1);
	assert_int_equal(pn_raw_open(s.hub, 9, 1000).err, SY_INBOUND_FULL);
	pn_free(s.net);
}

static void test_admit_reactor_refuses_before_the_handshake(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_UPSTREAM);
	star_start(&s);
	struct kit *k = &s.kits[SPOKES];
	k->accept_err = SY_FILTERED;
	assert_int_equal(pn_raw_open(s.hub, 9, 1000).err, SY_FILTERED);
	assert_string_equal(k->log, "start accept:1000");
	k->accept_err = SY_OK;
	assert_int_equal(pn_raw_open(s.hub, 9, 1001).err, SY_OK);
	pn_free(s.net);
}

/* Each connection that a transport hands over is one less that it may accept, also when it is refused: so it is told anew. */
static void test_admit_refusals_do_not_use_the_window_up(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_DEFAULT);
	s.hub->config.max_num_inbound_peers = 1;
	star_start(&s);
	star_dial(&s, 0, 1);
	for (uint16_t i = 0; i < 3; i++) {
		s.hub->accept_window = 7;
		assert_int_equal(pn_raw_open(s.hub, 9, 1000 + i).err, SY_INBOUND_FULL);
		assert_int_equal(s.hub->accept_window, SY_LIMIT_HANDSHAKES);
	}
	pn_free(s.net);
}

static void test_admit_handshakes_in_flight_are_bounded(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_DEFAULT);
	s.hub->config.allow_duplicate_ip = true;
	star_start(&s);
	for (uint32_t i = 0; i < SY_LIMIT_HANDSHAKES; i++)
		assert_int_equal(pn_raw_open(s.hub, 9, (uint16_t)(1000 + i)).err, SY_OK);
	assert_int_equal(s.hub->accept_window, 0);
	assert_int_equal(pn_raw_open(s.hub, 9, 999).err, SY_INBOUND_FULL);
	pn_free(s.net);
}

/* D-18: with all handshakes in flight, one that has stood still for a second gives way to the next, the longest idle first. */
static void test_admit_idle_handshakes_give_way_when_all_are_in_flight(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_DEFAULT);
	s.hub->config.allow_duplicate_ip = true;
	star_start(&s);
	struct sy_ref first = pn_raw_open(s.hub, 9, 1000).ref;
	pn_run(s.net, 600 * PN_MS);
	for (uint32_t i = 1; i < SY_LIMIT_HANDSHAKES; i++)
		assert_int_equal(pn_raw_open(s.hub, 9, (uint16_t)(1000 + i)).err, SY_OK);
	assert_int_equal(s.hub->accept_window, 0);
	pn_run(s.net, 300 * PN_MS);
	assert_int_equal(s.hub->accept_window, 0);
	assert_int_equal(pn_raw_open(s.hub, 9, 990).err, SY_INBOUND_FULL);
	/* The first is a second old; the others are not. */
	pn_run(s.net, 200 * PN_MS);
	assert_int_equal(s.hub->accept_window, 1);
	assert_int_equal(pn_raw_open(s.hub, 9, 991).err, SY_OK);
	assert_int_equal(s.hub->last_refused, SY_LIMIT);
	assert_int_equal(sy_node_read_window(s.hub->core, first), 0);
	assert_int_equal(s.hub->accept_window, 0);
	assert_int_equal(pn_raw_open(s.hub, 9, 992).err, SY_INBOUND_FULL);
	pn_run(s.net, 600 * PN_MS);
	for (uint16_t i = 0; i < 5; i++) { /* also the one that fills the last place finds somebody to follow it */
		assert_int_equal(s.hub->accept_window, 1);
		s.hub->accept_window = 0; /* as a transport counts */
		assert_int_equal(pn_raw_open(s.hub, 9, 993 + i).err, SY_OK);
	}
	pn_free(s.net);
}

static void test_admit_duplicate_ip_and_connection(void **state)
{
	(void)state;
	for (int allow = 0; allow < 2; allow++) {
		struct star s;
		star_make(&s, SY_PROFILE_UPSTREAM);
		s.hub->config.allow_duplicate_ip = allow;
		star_start(&s);
		assert_int_equal(pn_raw_open(s.hub, 9, 1000).err, SY_OK);
		assert_int_equal(pn_raw_open(s.hub, 9, 1001).err, allow ? SY_OK : SY_DUPLICATE_IP);
		assert_int_equal(pn_raw_open(s.hub, 9, 1000).err, SY_DUPLICATE_CONN);
		assert_int_equal(pn_raw_open(s.hub, 8, 1000).err, SY_OK);
		pn_free(s.net);
	}
}

static void test_admit_ip_of_a_peer_is_not_dialled_again(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_DEFAULT);
	pn_set_ip(s.spoke[1], 11, 2, 0, 1); /* as spoke 0, another port */
	s.spoke[1]->addr.port = 26657;
	star_start(&s);
	assert_int_equal(pn_dial(s.hub, s.spoke[0]).err, SY_OK);
	assert_int_equal(pn_dial(s.hub, s.spoke[0]).err, SY_DIALLING_OR_CONNECTED);
	pn_run(s.net, 1 * PN_S);
	assert_int_equal(pn_dial(s.hub, s.spoke[0]).err, SY_DIALLING_OR_CONNECTED);
	assert_int_equal(pn_dial(s.hub, s.spoke[1]).err, SY_DIALLING_OR_CONNECTED);
	pn_free(s.net);
}

/* Two nodes on one IP, both dialled before either is a peer: the table of connections decides. */
static void twins_dialled_at_once(enum sy_profile profile, enum sy_err expected)
{
	struct star s;
	star_make(&s, profile);
	pn_set_ip(s.spoke[1], 11, 2, 0, 1);
	s.spoke[1]->addr.port = 26657;
	star_start(&s);
	assert_int_equal(pn_dial(s.hub, s.spoke[0]).err, SY_OK);
	assert_int_equal(pn_dial(s.hub, s.spoke[1]).err, SY_OK);
	pn_run(s.net, 1 * PN_S);
	assert_int_equal(pn_peers(s.hub), 1);
	assert_int_equal(s.hub->last_refused, expected);
	pn_free(s.net);
}

static void test_admit_twins_on_one_ip_dialled_at_once(void **state)
{
	(void)state;
	twins_dialled_at_once(SY_PROFILE_UPSTREAM, SY_DUPLICATE_IP);
	twins_dialled_at_once(SY_PROFILE_DEFAULT, SY_DUPLICATE_IP);
}

static void test_admit_second_inbound_of_an_id_is_a_duplicate(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct star s;
		star_make(&s, profile);
		pn_same_key(s.spoke[1], s.spoke[0]);
		star_start(&s);
		star_dial(&s, 0, 2);
		assert_int_equal(pn_peers(s.hub), 1);
		assert_int_equal(s.hub->last_refused, SY_DUPLICATE_ID);
		assert_int_equal(s.hub->downs, 0);
		assert_int_equal(pn_peers(s.spoke[1]), 0);
		assert_int_equal(pn_peers(s.spoke[0]), 1);
		pn_free(s.net);
	}
}

/* D-12: whatever the delays, one connection survives, and it is that of the larger id. */
static void test_admit_simultaneous_dials_leave_the_larger_ids(void **state)
{
	(void)state;
	for (uint64_t lag = 0; lag <= 100; lag += 5) {
		for (int first = 0; first < 2; first++) {
			struct pair p;
			pair_make(&p, SY_PROFILE_DEFAULT);
			pair_start(&p);
			struct pn_node *x = first ? p.a : p.b, *y = first ? p.b : p.a;
			assert_int_equal(pn_dial(x, y).err, SY_OK);
			pn_run(p.net, lag * PN_MS);
			enum sy_err err = pn_dial(y, x).err;
			assert_true(err == SY_OK || err == SY_DIALLING_OR_CONNECTED);
			pn_run(p.net, 2 * PN_S);
			assert_int_equal(pn_peers(p.a), 1);
			assert_int_equal(pn_peers(p.b), 1);
			bool a_larger = memcmp(&p.a->addr.id, &p.b->addr.id, sizeof p.a->addr.id) > 0;
			struct sy_peer peer;
			assert_int_equal(sy_node_peer_at(p.a->core, 0, &peer), SY_OK);
			if (err == SY_OK && lag == 0)
				assert_int_equal(peer.outbound, a_larger);
			/* Reactors saw episodes one after the other. */
			assert_int_equal(p.ka.added, p.ka.removed + 1);
			assert_int_equal(p.kb.added, p.kb.removed + 1);
			assert_null(strstr(p.ka.log, "add init"));
			pair_free(&p);
		}
	}
}

/* The same race upstream: at equal times both connections die. Source: protocol.md 4.9. */
static void test_admit_simultaneous_dials_kill_each_other_upstream(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_UPSTREAM);
	pair_start(&p);
	assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
	assert_int_equal(pn_dial(p.b, p.a).err, SY_OK);
	pn_run(p.net, 2 * PN_S);
	assert_int_equal(pn_peers(p.a), 0);
	assert_int_equal(pn_peers(p.b), 0);
	pair_free(&p);
}

static void self_dial(enum sy_profile profile)
{
	struct pair p;
	pair_make(&p, profile);
	pn_same_key(p.b, p.a);
	pair_start(&p);
	assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(p.a->last_dial, SY_PEER_SELF);
	assert_int_equal(p.b->last_refused, SY_PEER_SELF);
	assert_int_equal(pn_peers(p.a) + pn_peers(p.b), 0);
	assert_false(sy_node_book_has(p.a->core, &p.b->addr.id));
	pair_free(&p);
}

static void test_admit_self_is_found_out_on_both_sides(void **state)
{
	(void)state;
	self_dial(SY_PROFILE_DEFAULT);
	self_dial(SY_PROFILE_UPSTREAM);
}

static void test_admit_wrong_id_is_refused_by_the_dialler(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		pair_make(&p, profile);
		pair_start(&p);
		struct sy_input in = {.kind = SY_IN_DIAL, .addr = p.b->addr};
		in.addr.id.b[0] ^= 1;
		assert_int_equal(pn_input(p.a, &in).err, SY_OK);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(p.a->last_dial, SY_PEER_WRONG_ID);
		assert_int_equal(pn_peers(p.a) + pn_peers(p.b), 0);
		/* Upper case: upstream compares texts (D-11). */
		in.addr.id.b[0] ^= 1;
		in.addr.flags |= SY_ADDR_BAD_CASE;
		assert_int_equal(pn_input(p.a, &in).err, SY_OK);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(p.a->last_dial, profile == SY_PROFILE_UPSTREAM ? SY_PEER_WRONG_ID : SY_OK);
		pair_free(&p);
	}
}

static void test_admit_incompatible_nodes_both_refuse(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.b->config.network = "another";
	pair_start(&p);
	pn_dial(p.a, p.b);
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(p.a->last_dial, SY_PEER_NETWORK);
	assert_int_equal(p.b->last_refused, SY_PEER_NETWORK);
	assert_int_equal(p.a->last_close_flush, 1);
	assert_string_equal(p.ka.log, "start");
	pair_free(&p);
}

static void test_admit_dial_without_id_and_before_start(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	assert_int_equal(pn_make(p.a, NULL), SY_OK);
	assert_int_equal(pn_dial(p.a, p.b).err, SY_NOT_RUNNING);
	assert_int_equal(pn_raw_open(p.a, 1, 1).err, SY_NOT_RUNNING);
	pair_start(&p);
	struct sy_input in = {.kind = SY_IN_DIAL, .addr = p.b->addr};
	in.addr.flags = 0;
	assert_int_equal(pn_input(p.a, &in).err, SY_ADDR_NO_ID);
	pair_free(&p);
}

static void test_admit_dials_in_flight_are_bounded(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.b->unreachable = true;
	pn_start(p.a);
	struct sy_input in = {.kind = SY_IN_DIAL, .addr = p.b->addr};
	for (uint32_t i = 0; i < SY_LIMIT_DIALS; i++) {
		in.addr.id.b[0] = (uint8_t)i;
		in.addr.id.b[1] = (uint8_t)(i >> 8);
		assert_int_equal(pn_input(p.a, &in).err, SY_OK);
	}
	in.addr.id.b[2] ^= 1;
	assert_int_equal(pn_input(p.a, &in).err, SY_LIMIT);
	assert_int_equal(sy_node_counts(p.a->core).dialling, SY_LIMIT_DIALS);
	pn_run(p.net, 4 * PN_S);
	assert_int_equal(p.a->last_dial, SY_DIAL_TIMEOUT);
	assert_int_equal(sy_node_counts(p.a->core).dialling, 0);
	pair_free(&p);
}

/* D-09: upstream's constant against the key. */
static void test_admit_dial_timeout_of_the_profile(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		pair_make(&p, profile);
		p.b->unreachable = true;
		pn_start(p.a);
		pn_dial(p.a, p.b);
		pn_run(p.net, 999 * PN_MS);
		assert_int_equal(p.a->dials_over, 0);
		pn_run(p.net, 2 * PN_MS);
		assert_int_equal(p.a->dials_over, profile == SY_PROFILE_UPSTREAM);
		pn_run(p.net, 2 * PN_S);
		assert_int_equal(p.a->dials_over, 1);
		pair_free(&p);
	}
}

static void conn_filter(bool inbound)
{
	struct pair p;
	pair_make(&p, SY_PROFILE_UPSTREAM);
	struct pn_node *asked = inbound ? p.b : p.a;
	asked->config.filter_conns = true;
	asked->verdict = SY_FILTERED;
	pair_start(&p);
	pn_dial(p.a, p.b);
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(asked->last_refused, SY_FILTERED);
	assert_int_equal(pn_peers(p.a) + pn_peers(p.b), 0);
	asked->verdict = SY_OK;
	pn_dial(p.a, p.b);
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(pn_peers(p.a), 1);
	pair_free(&p);
}

static void test_admit_connection_filter_refuses_or_passes(void **state)
{
	(void)state;
	conn_filter(true);
	conn_filter(false);
}

static void test_admit_peer_filter_refuses_or_passes(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		pair_make(&p, profile);
		p.b->config.filter_peers = true;
		p.b->verdict = SY_FILTERED;
		pair_start(&p);
		pn_dial(p.a, p.b);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(p.b->last_refused, SY_FILTERED);
		assert_string_equal(p.kb.log, "start");
		p.b->verdict = SY_OK;
		p.b->hold_verdicts = true;
		pn_dial(p.a, p.b);
		pn_run(p.net, 1 * PN_S);
		/* The dialler takes us for a peer and sends; we keep it until the verdict. */
		assert_int_equal(pn_peers(p.a), 1);
		assert_int_equal(pn_peers(p.b), 0);
		assert_int_equal(pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "early"), SY_OK);
		pn_run(p.net, 1 * PN_S);
		struct sy_input in = {.kind = SY_IN_VERDICT, .conn = p.b->last_filter};
		assert_int_equal(pn_input(p.b, &in).err, SY_OK);
		assert_int_equal(pn_input(p.b, &in).err, SY_INVALID);
		pn_run(p.net, 1 * PN_S);
		assert_string_equal(p.kb.log, "start init add recv:early");
		pair_free(&p);
	}
}

static void test_admit_filters_time_out(void **state)
{
	(void)state;
	for (int peers = 0; peers < 2; peers++) {
		struct pair p;
		pair_make(&p, SY_PROFILE_DEFAULT);
		p.b->config.filter_peers = peers;
		p.b->config.filter_conns = !peers;
		p.b->hold_verdicts = true;
		pair_start(&p);
		pn_dial(p.a, p.b);
		pn_run(p.net, 4900 * PN_MS);
		assert_int_equal(p.b->refused, 0);
		pn_run(p.net, 600 * PN_MS);
		assert_int_equal(p.b->last_refused, SY_FILTER_TIMEOUT);
		struct sy_input in = {.kind = SY_IN_VERDICT, .conn = p.b->last_filter};
		assert_int_equal(pn_input(p.b, &in).err, SY_NO_PEER);
		pair_free(&p);
	}
}

/* A signer that fails, and one that never answers. */
static void test_admit_signer_fails_or_stays_silent(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.a->hold_signatures = true;
	pair_start(&p);
	struct sy_answer d = pn_dial(p.a, p.b);
	pn_run(p.net, 1 * PN_S);
	struct sy_input in = {.kind = SY_IN_SIGNED, .conn = d.ref, .err = SY_IO};
	assert_int_equal(pn_input(p.a, &in).err, SY_OK);
	assert_int_equal(p.a->last_dial, SY_IO);
	pn_run(p.net, 1 * PN_S);
	d = pn_dial(p.a, p.b);
	assert_int_equal(d.err, SY_OK);
	pn_run(p.net, 30 * PN_S);
	assert_true(p.a->last_dial == SY_PEER_HANDSHAKE_TIMEOUT || p.a->last_dial == SY_PEER_CLOSED || p.a->last_dial == SY_PEER_RESET);
	assert_int_equal(pn_peers(p.a) + pn_peers(p.b), 0);
	pair_free(&p);
}

/* D-13: a peer that floods PEX is banned; upstream lets it in again at once. */
static void test_admit_banned_id_is_refused_inbound(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		pair_make(&p, profile);
		p.b->config.pex = true;
		/* a speaks PEX by hand: its kit owns channel 0. */
		p.ka.channels[0].id = 0;
		pair_start(&p);
		pn_dial(p.a, p.b);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(pn_peers(p.b), 1);
		/* A list that nobody asked for. */
		static const uint8_t addrs[] = {0x12, 0x00};
		for (int i = 0; i < 3; i++) {
			struct sy_input in = {.kind = SY_IN_TRY_SEND, .conn = pn_peer(p.a, 0), .channel = 0, .bytes = {addrs, sizeof addrs}};
			(void)pn_input(p.a, &in);
			pn_run(p.net, 200 * PN_MS);
		}
		assert_int_equal(pn_peers(p.b), 0);
		assert_int_equal(p.b->last_down, SY_PEER_PEX_UNSOLICITED);
		(void)pn_dial(p.a, p.b);
		pn_run(p.net, 2 * PN_S);
		assert_int_equal(pn_peers(p.b), profile == SY_PROFILE_UPSTREAM);
		if (profile == SY_PROFILE_DEFAULT)
			assert_int_equal(p.b->last_refused, SY_BANNED);
		pair_free(&p);
	}
}

static void test_admit_full_connectivity_of_three(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_DEFAULT);
	star_start(&s);
	pn_dial(s.hub, s.spoke[0]);
	pn_dial(s.spoke[0], s.spoke[1]);
	pn_dial(s.spoke[1], s.hub);
	pn_run(s.net, 1 * PN_S);
	assert_int_equal(pn_peers(s.hub), 2);
	assert_int_equal(pn_peers(s.spoke[0]), 2);
	assert_int_equal(pn_peers(s.spoke[1]), 2);
	pn_free(s.net);
}

static void test_admit_dies_while_judged_or_dialled(void **state)
{
	(void)state;
	/* The node is stopped in every millisecond of an upgrade. */
	for (uint64_t ms = 0; ms < 120; ms += 3) {
		struct pair p;
		pair_make(&p, SY_PROFILE_DEFAULT);
		pair_start(&p);
		pn_dial(p.a, p.b);
		pn_run(p.net, ms * PN_MS);
		struct sy_input stop = {.kind = SY_IN_STOP};
		assert_int_equal(pn_input(p.a, &stop).err, SY_OK);
		assert_true(p.a->stopped);
		pn_run(p.net, 1 * PN_S);
		assert_int_equal(pn_peers(p.b), 0);
		assert_int_equal(sy_node_counts(p.b->core).dialling, 0);
		pair_free(&p);
	}
}

static void test_admit_hostile_bytes_end_only_their_connection(void **state)
{
	(void)state;
	struct star s;
	star_make(&s, SY_PROFILE_DEFAULT);
	s.hub->config.allow_duplicate_ip = true;
	star_start(&s);
	star_dial(&s, 0, 2);
	uint64_t x = 88172645463325252ull;
	for (uint16_t i = 0; i < 100; i++) {
		uint8_t junk[3000];
		for (size_t k = 0; k < sizeof junk; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			junk[k] = (uint8_t)x;
		}
		if (i % 3 == 0) { /* a good beginning: an ephemeral key message */
			junk[0] = 0x22;
			junk[1] = 0x0a;
			junk[2] = 0x20;
		}
		struct sy_answer a = pn_raw_open(s.hub, 7, (uint16_t)(2000 + i));
		assert_int_equal(a.err, SY_OK);
		(void)pn_raw_bytes(s.hub, a.ref, junk, 1 + x % sizeof junk);
		uint8_t out[4 * SY_FRAME_SEALED];
		(void)pn_raw_read(s.hub, a.ref, out, sizeof out);
		pn_run(s.net, 10 * PN_MS);
	}
	pn_run(s.net, 60 * PN_S);
	assert_int_equal(pn_peers(s.hub), 2);
	assert_int_equal(s.hub->closes, 100);
	pn_free(s.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_admit_inbound_limit_spares_unconditional_peers),
	    cmocka_unit_test(test_admit_silent_connections_hold_only_upstreams_cap),
	    cmocka_unit_test(test_admit_full_node_refuses_before_the_handshake),
	    cmocka_unit_test(test_admit_reactor_refuses_before_the_handshake),
	    cmocka_unit_test(test_admit_refusals_do_not_use_the_window_up),
	    cmocka_unit_test(test_admit_handshakes_in_flight_are_bounded),
	    cmocka_unit_test(test_admit_idle_handshakes_give_way_when_all_are_in_flight),
	    cmocka_unit_test(test_admit_duplicate_ip_and_connection),
	    cmocka_unit_test(test_admit_ip_of_a_peer_is_not_dialled_again),
	    cmocka_unit_test(test_admit_twins_on_one_ip_dialled_at_once),
	    cmocka_unit_test(test_admit_second_inbound_of_an_id_is_a_duplicate),
	    cmocka_unit_test(test_admit_simultaneous_dials_leave_the_larger_ids),
	    cmocka_unit_test(test_admit_simultaneous_dials_kill_each_other_upstream),
	    cmocka_unit_test(test_admit_self_is_found_out_on_both_sides),
	    cmocka_unit_test(test_admit_wrong_id_is_refused_by_the_dialler),
	    cmocka_unit_test(test_admit_incompatible_nodes_both_refuse),
	    cmocka_unit_test(test_admit_dial_without_id_and_before_start),
	    cmocka_unit_test(test_admit_dials_in_flight_are_bounded),
	    cmocka_unit_test(test_admit_dial_timeout_of_the_profile),
	    cmocka_unit_test(test_admit_connection_filter_refuses_or_passes),
	    cmocka_unit_test(test_admit_peer_filter_refuses_or_passes),
	    cmocka_unit_test(test_admit_filters_time_out),
	    cmocka_unit_test(test_admit_signer_fails_or_stays_silent),
	    cmocka_unit_test(test_admit_banned_id_is_refused_inbound),
	    cmocka_unit_test(test_admit_full_connectivity_of_three),
	    cmocka_unit_test(test_admit_dies_while_judged_or_dialled),
	    cmocka_unit_test(test_admit_hostile_bytes_end_only_their_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
