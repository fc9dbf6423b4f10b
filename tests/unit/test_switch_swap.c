/* A dial beyond the outbound cap whose success makes another peer leave. Source: D-32; whom PEX dials so: test_pex_lost.c. */
#include "tests/support/switch_kit.h"

enum { OTHERS = 4 };

/* Node a, with room for `cap` outbound peers, and others to dial. a's kit does at its timer what dial and the swaps say. */
struct ring {
	struct pn_net *net;
	struct pn_node *a, *other[OTHERS];
	struct kit ka, ko[OTHERS];
	const char *persistent[1];
	int dial, swap, swap_too; /* index of the other; -1: none */
	enum sy_err dialled, swapped, swapped_too;
	uint32_t most; /* outbound peers seen from outside at any time */
};

static void look(struct pn_node *n)
{
	struct ring *r = ((struct kit *)n->user)->user;
	uint32_t outbound = n->core ? sy_node_counts(n->core).outbound : 0;
	r->most = outbound > r->most ? outbound : r->most;
}

static void on_output(struct pn_node *n, const struct sy_output *out)
{
	(void)out;
	look(n);
}

static void on_trace(struct pn_node *n, const struct sy_trace *trace)
{
	(void)trace;
	look(n);
}

static void act(struct kit *k, struct sy_ctx *ctx, uint64_t token)
{
	struct ring *r = k->user;
	(void)token;
	if (r->dial >= 0)
		r->dialled = sy_ctx_dial(ctx, &r->other[r->dial]->addr);
	if (r->swap >= 0)
		r->swapped = sy_ctx_swap(ctx, &r->other[r->swap]->addr);
	if (r->swap_too >= 0)
		r->swapped_too = sy_ctx_swap(ctx, &r->other[r->swap_too]->addr);
	r->dial = r->swap = r->swap_too = -1;
	assert_int_equal(sy_ctx_set_timer(ctx, 1, sy_ctx_now_ns(ctx) + 100 * PN_MS), SY_OK);
}

static void arm(struct kit *k, struct sy_ctx *ctx)
{
	(void)k;
	assert_int_equal(sy_ctx_set_timer(ctx, 1, sy_ctx_now_ns(ctx)), SY_OK);
}

static void ring_make(struct ring *r, uint32_t cap, bool persistent)
{
	memset(r, 0, sizeof *r);
	r->net = pn_new(7);
	r->a = pn_add(r->net, "a", SY_PROFILE_DEFAULT);
	r->a->config.max_num_outbound_peers = cap;
	kit_init(&r->ka, "kit");
	kit_install(&r->ka, r->a);
	r->ka.on_start = arm;
	r->ka.on_timer = act;
	r->ka.user = r;
	r->a->on_output = on_output;
	r->a->on_trace = on_trace;
	r->dial = r->swap = r->swap_too = -1;
	for (int i = 0; i < OTHERS; i++) {
		char name[2] = {(char)('b' + i), 0};
		r->other[i] = pn_add(r->net, name, SY_PROFILE_DEFAULT);
		kit_init(&r->ko[i], "kit");
		kit_install(&r->ko[i], r->other[i]);
		pn_start(r->other[i]);
	}
	if (persistent) {
		r->persistent[0] = r->other[0]->addr_text;
		r->a->config.persistent_peers = r->persistent;
		r->a->config.num_persistent_peers = 1;
	}
	pn_start(r->a);
	pn_run(r->net, persistent ? 10 * PN_S : PN_S);
}

static void ring_dial(struct ring *r, int other)
{
	r->dial = other;
	pn_run(r->net, 2 * PN_S);
	assert_int_equal(r->dialled, SY_OK);
	assert_false(sy_ref_is_null(pn_peer_of(r->a, r->other[other])));
}

static void test_swap_takes_the_place_of_another_within_the_cap(void **state)
{
	(void)state;
	struct ring r;
	ring_make(&r, 2, false);
	ring_dial(&r, 0);
	ring_dial(&r, 1);
	r.dial = 2;
	pn_run(r.net, 2 * PN_S);
	assert_int_equal(r.dialled, SY_LIMIT); /* full */
	for (int next = 2; next < OTHERS; next++) {
		uint32_t downs = r.a->downs;
		r.swap = next;
		pn_run(r.net, 2 * PN_S);
		assert_int_equal(r.swapped, SY_OK);
		assert_int_equal(r.ka.last_dial, SY_OK);
		assert_false(sy_ref_is_null(pn_peer_of(r.a, r.other[next])));
		assert_int_equal(r.a->downs, downs + 1);
		assert_int_equal(r.a->last_down, SY_STOPPED);
		assert_int_equal(sy_node_counts(r.a->core).outbound, 2);
	}
	assert_int_equal(r.most, 2);
	pn_free(r.net);
}

static void test_swap_that_fails_costs_nobody_a_place(void **state)
{
	(void)state;
	struct ring r;
	ring_make(&r, 1, false);
	ring_dial(&r, 0);
	r.other[1]->unreachable = true;
	r.swap = 1;
	pn_run(r.net, 30 * PN_S);
	assert_int_equal(r.swapped, SY_OK);
	assert_int_equal(r.ka.last_dial, SY_DIAL_TIMEOUT);
	assert_int_equal(r.a->downs, 0);
	assert_false(sy_ref_is_null(pn_peer_of(r.a, r.other[0])));
	pn_free(r.net);
}

static void test_swap_is_one_at_a_time(void **state)
{
	(void)state;
	struct ring r;
	ring_make(&r, 2, false);
	ring_dial(&r, 0);
	ring_dial(&r, 1);
	r.swap = 2;
	r.swap_too = 3;
	pn_run(r.net, 2 * PN_S);
	assert_int_equal(r.swapped, SY_OK);
	assert_int_equal(r.swapped_too, SY_LIMIT);
	assert_int_equal(r.most, 2);
	r.swap = 2;
	pn_run(r.net, 2 * PN_S);
	assert_int_equal(r.swapped, SY_DIALLING_OR_CONNECTED);
	pn_free(r.net);
}

/* Nobody is there to go, or only a persistent peer, who is promised its place. */
static void test_swap_needs_somebody_who_can_go(void **state)
{
	(void)state;
	for (int persistent = 0; persistent < 2; persistent++) {
		struct ring r;
		ring_make(&r, 1, persistent);
		assert_int_equal(sy_node_counts(r.a->core).outbound, persistent);
		r.swap = 1;
		pn_run(r.net, 2 * PN_S);
		assert_int_equal(r.swapped, SY_LIMIT);
		assert_int_equal(pn_peers(r.a), persistent);
		pn_free(r.net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_swap_takes_the_place_of_another_within_the_cap),
	    cmocka_unit_test(test_swap_that_fails_costs_nobody_a_place),
	    cmocka_unit_test(test_swap_is_one_at_a_time),
	    cmocka_unit_test(test_swap_needs_somebody_who_can_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
