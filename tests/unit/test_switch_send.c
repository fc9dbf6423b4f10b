/* Sending: answers, waiting, time-outs, broadcast. Source: protocol.md 3.6, 4.2, 4.10, 8.6, 8.8. */
#include "tests/support/switch_kit.h"

static struct sy_span text(const char *s)
{
	return (struct sy_span){(const uint8_t *)s, strlen(s)};
}

static void test_send_answers_say_why_not(void **state)
{
	(void)state;
	struct pair p;
	static uint8_t big[(1u << 20) + 1];
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.kb.reactor.num_channels = 1; /* b has channel A only */
	pair_start(&p);
	pn_dial(p.a, p.b);
	pn_run(p.net, 1 * PN_S);
	struct sy_ref b = pn_peer(p.a, 0), none = {0, 0}, stale = {b.slot, b.gen + 1}, wild = {999999, 1};
	uint64_t now = pn_now(p.net);
	assert_int_equal(sy_try_send(p.a->core, now, b, PN_CHANNEL_A, text("x")), SY_OK);
	assert_int_equal(sy_try_send(p.a->core, now, b, PN_CHANNEL_B, text("x")), SY_NO_CHANNEL);
	assert_int_equal(sy_try_send(p.a->core, now, b, 0x77, text("x")), SY_NO_CHANNEL);
	assert_int_equal(sy_try_send(p.a->core, now, none, PN_CHANNEL_A, text("x")), SY_NO_PEER);
	assert_int_equal(sy_try_send(p.a->core, now, stale, PN_CHANNEL_A, text("x")), SY_NO_PEER);
	assert_int_equal(sy_try_send(p.a->core, now, wild, PN_CHANNEL_A, text("x")), SY_NO_PEER);
	assert_int_equal(sy_try_send(p.a->core, now, b, PN_CHANNEL_A, text("")), SY_MESSAGE_SIZE);
	assert_int_equal(sy_try_send(p.a->core, now, b, PN_CHANNEL_A, (struct sy_span){big, sizeof big}), SY_MESSAGE_SIZE);
	assert_int_equal(sy_send(p.a->core, now, b, PN_CHANNEL_B, text("x"), PN_S, 1), SY_NO_CHANNEL);
	assert_int_equal(sy_send(p.a->core, now, stale, PN_CHANNEL_A, text("x"), PN_S, 1), SY_NO_PEER);
	assert_int_equal(sy_try_send_message(p.a->core, now, b, PN_CHANNEL_A, NULL), SY_INVALID);
	assert_true(sy_can_send(p.a->core, b, PN_CHANNEL_A));
	assert_false(sy_can_send(p.a->core, b, PN_CHANNEL_B));
	assert_false(sy_can_send(p.a->core, stale, PN_CHANNEL_A));
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(p.kb.received, 1);
	pair_free(&p);
}

/* Fills channel B (capacity 2) towards a peer that does not read, again once the write buffer has taken its part. */
static void fill_up(struct pair *p, struct sy_ref peer)
{
	static uint8_t big[80000];
	pn_pipe_bytes(p->net, 4 * SY_FRAME_SEALED);
	for (int round = 0; round < 3; round++) {
		enum sy_err err = SY_OK;
		for (int n = 0; !err; n++) {
			struct sy_input in = {.kind = SY_IN_TRY_SEND, .conn = peer, .channel = PN_CHANNEL_B, .bytes = {big, sizeof big}};
			err = pn_input(p->a, &in).err;
			assert_true(n < 10);
		}
		assert_int_equal(err, SY_QUEUE_FULL);
		pn_run(p->net, 200 * PN_MS);
	}
}

static struct sy_answer wait_send(struct pair *p, struct sy_ref peer, uint64_t token)
{
	struct sy_input in = {
	    .kind = SY_IN_SEND, .conn = peer, .channel = PN_CHANNEL_B, .bytes = text("late"), .timeout_ns = 10 * PN_S, .token = token};
	return pn_input(p->a, &in);
}

static void test_send_waits_until_there_is_room(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		pair_connect(&p, profile);
		p.b->frozen = true;
		struct sy_ref peer = pn_peer(p.a, 0);
		fill_up(&p, peer);
		assert_false(sy_can_send(p.a->core, peer, PN_CHANNEL_B));
		assert_true(sy_can_send(p.a->core, peer, PN_CHANNEL_A));
		assert_int_equal(wait_send(&p, peer, 77).err, SY_OK);
		pn_run(p.net, 5 * PN_S);
		assert_int_equal(p.a->sends_done, 0);
		p.b->frozen = false;
		pn_run(p.net, 5 * PN_S);
		assert_int_equal(p.a->sends_done, 1);
		assert_int_equal(p.a->last_send, SY_OK);
		pair_free(&p);
	}
}

static void test_send_times_out_and_fails_with_the_peer(void **state)
{
	(void)state;
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	p.b->frozen = true;
	struct sy_ref peer = pn_peer(p.a, 0);
	fill_up(&p, peer);
	assert_int_equal(wait_send(&p, peer, 1).err, SY_OK);
	pn_run(p.net, 9900 * PN_MS);
	assert_int_equal(p.a->sends_done, 0);
	pn_run(p.net, 200 * PN_MS);
	assert_int_equal(p.a->sends_done, 1);
	assert_int_equal(p.a->last_send, SY_TIMEOUT);
	assert_int_equal(wait_send(&p, peer, 2).err, SY_OK);
	pn_stop_peer(p.a, peer, SY_PEER_REACTOR);
	assert_int_equal(p.a->sends_done, 2);
	assert_int_equal(p.a->last_send, SY_NO_PEER);
	pair_free(&p);
}

static void test_send_that_fits_is_done_at_once(void **state)
{
	(void)state;
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	assert_int_equal(wait_send(&p, pn_peer(p.a, 0), 5).err, SY_OK);
	assert_int_equal(p.a->sends_done, 1);
	assert_int_equal(p.a->last_send, SY_OK);
	pair_free(&p);
}

static void test_send_waiters_are_bounded(void **state)
{
	(void)state;
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	p.b->frozen = true;
	struct sy_ref peer = pn_peer(p.a, 0);
	fill_up(&p, peer);
	uint32_t waiting = 0;
	while (!wait_send(&p, peer, waiting).err)
		assert_true(++waiting < 1000);
	assert_int_equal(wait_send(&p, peer, 0).err, SY_QUEUE_FULL);
	pn_run(p.net, 11 * PN_S);
	assert_int_equal(p.a->sends_done, waiting);
	assert_int_equal(p.a->last_send, SY_TIMEOUT);
	pair_free(&p);
}

/* An owner that does not poll is refused before it has all the memory; one that polls again may go on. */
static void test_send_results_that_nobody_polls_are_bounded(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.a->config.send_rate = 0;
	pair_start(&p);
	pn_dial(p.a, p.b);
	pn_run(p.net, 1 * PN_S);
	struct sy_ref peer = pn_peer(p.a, 0);
	uint64_t now = pn_now(p.net);
	static uint8_t buf[SY_FILL_MAX];
	size_t before = p.a->memory.bytes;
	uint32_t sent = 0;
	enum sy_err err;
	while ((err = sy_send(p.a->core, now, peer, PN_CHANNEL_A, text("x"), PN_S, sent)) == SY_OK) {
		assert_true(++sent <= SY_LIMIT_SENDS);
		while (sent % 8 == 0 && sy_node_fill(p.a->core, now, peer, buf, sizeof buf))
			;
	}
	assert_int_equal(err, SY_QUEUE_FULL);
	assert_int_equal(sent, SY_LIMIT_SENDS);
	assert_int_equal(sy_try_send(p.a->core, now, peer, PN_CHANNEL_A, text("x")), SY_OK);
	struct sy_output out;
	uint32_t results = 0;
	while (sy_node_poll(p.a->core, &out))
		if (out.kind == SY_OUT_SEND_DONE)
			assert_int_equal(out.token, results++);
	assert_int_equal(results, sent);
	assert_true(p.a->memory.bytes < before + 4096);
	assert_int_equal(sy_send(p.a->core, now, peer, PN_CHANNEL_A, text("x"), PN_S, 1), SY_OK);
	pair_free(&p);
}

static void reactor_sends(struct kit *k, struct sy_ctx *ctx, uint64_t token)
{
	(void)token;
	enum sy_err err = sy_ctx_send(ctx, *(struct sy_ref *)k->user, PN_CHANNEL_B, text("mine"), 2 * PN_S, 9);
	assert_int_equal(err, SY_OK);
}

static void arm(struct kit *k, struct sy_ctx *ctx)
{
	(void)k;
	assert_int_equal(sy_ctx_set_timer(ctx, 1, 100 * PN_S), SY_OK);
}

static void test_send_result_of_a_reactor_is_a_callback(void **state)
{
	(void)state;
	for (int room = 0; room < 2; room++) {
		struct pair p;
		pair_make(&p, SY_PROFILE_DEFAULT);
		p.ka.on_start = arm;
		p.ka.on_timer = reactor_sends;
		pair_start(&p);
		pn_dial(p.a, p.b);
		pn_run(p.net, 1 * PN_S);
		struct sy_ref peer = pn_peer(p.a, 0);
		p.ka.user = &peer;
		pn_run(p.net, 90 * PN_S);
		p.b->frozen = !room;
		if (!room)
			fill_up(&p, peer);
		pn_run(p.net, 15 * PN_S);
		assert_int_equal(p.ka.last_sent, room ? SY_OK : SY_TIMEOUT);
		assert_int_equal(p.a->sends_done, 0);
		pair_free(&p);
	}
}

/* The result comes out of a fill, not of an input: the node asks to be woken at once. */
static void test_send_result_from_a_fill_wakes_the_node(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.ka.on_start = arm;
	p.ka.on_timer = reactor_sends;
	pair_start(&p);
	pn_dial(p.a, p.b);
	pn_run(p.net, 98 * PN_S);
	struct sy_ref peer = pn_peer(p.a, 0);
	p.ka.user = &peer;
	p.b->frozen = true;
	fill_up(&p, peer);
	pn_run(p.net, 1900 * PN_MS);
	p.b->frozen = false;
	pn_run(p.net, 2 * PN_S);
	assert_int_equal(p.ka.last_sent, SY_OK);
	pair_free(&p);
}

static void again(struct kit *k, struct sy_ctx *ctx, uint64_t token)
{
	if (k->number++ < 5)
		reactor_sends(k, ctx, token);
}

static void test_send_from_send_done_goes_on(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.ka.on_start = arm;
	p.ka.on_timer = reactor_sends;
	p.ka.on_sent = again;
	pair_start(&p);
	pn_dial(p.a, p.b);
	pn_run(p.net, 90 * PN_S);
	struct sy_ref peer = pn_peer(p.a, 0);
	p.ka.user = &peer;
	pn_run(p.net, 30 * PN_S);
	assert_int_equal(p.ka.number, 6);
	assert_int_equal(p.kb.received, 6);
	pair_free(&p);
}

#define LEAVES 8

static void test_broadcast_keeps_one_copy(void **state)
{
	(void)state;
	struct pn_net *net = pn_new(5);
	struct pn_node *hub = pn_add(net, "hub", SY_PROFILE_DEFAULT), *leaf[LEAVES];
	struct kit kh, kl[LEAVES];
	static uint8_t big[60000];
	kit_init(&kh, "kit");
	kit_install(&kh, hub);
	pn_start(hub);
	for (int i = 0; i < LEAVES; i++) {
		leaf[i] = pn_add(net, (char[]){'l', (char)('0' + i), 0}, SY_PROFILE_DEFAULT);
		kit_init(&kl[i], "kit");
		kit_install(&kl[i], leaf[i]);
		if (i == 0)
			kl[i].reactor.num_channels = 1; /* without channel B */
		pn_start(leaf[i]);
		pn_dial(leaf[i], hub);
		pn_run(net, 200 * PN_MS);
		leaf[i]->frozen = true;
	}
	assert_int_equal(pn_peers(hub), LEAVES);
	pn_pipe_bytes(net, 2 * SY_FRAME_SEALED);
	size_t before = hub->memory.bytes;
	struct sy_input in = {.kind = SY_IN_BROADCAST, .channel = PN_CHANNEL_B, .bytes = {big, sizeof big}};
	assert_int_equal(pn_input(hub, &in).value, LEAVES - 1);
	assert_true(hub->memory.bytes - before < sizeof big + 8192);
	for (int i = 0; i < LEAVES; i++)
		leaf[i]->frozen = false;
	pn_pipe_bytes(net, 1u << 20);
	pn_run(net, 5 * PN_S);
	for (int i = 0; i < LEAVES; i++)
		assert_int_equal(kl[i].received, i == 0 ? 0 : 1);
	/* What queueing to so many grew stays; the message itself is gone. */
	assert_true(hub->memory.bytes < before + 8192);
	in.channel = 0x55;
	assert_int_equal(pn_input(hub, &in).value, 0);
	pn_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_send_answers_say_why_not),
	    cmocka_unit_test(test_send_waits_until_there_is_room),
	    cmocka_unit_test(test_send_times_out_and_fails_with_the_peer),
	    cmocka_unit_test(test_send_that_fits_is_done_at_once),
	    cmocka_unit_test(test_send_waiters_are_bounded),
	    cmocka_unit_test(test_send_results_that_nobody_polls_are_bounded),
	    cmocka_unit_test(test_send_result_of_a_reactor_is_a_callback),
	    cmocka_unit_test(test_send_result_from_a_fill_wakes_the_node),
	    cmocka_unit_test(test_send_from_send_done_goes_on),
	    cmocka_unit_test(test_broadcast_keeps_one_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
