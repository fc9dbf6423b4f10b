/* The event queue: the total order against a sorted reference, ties, moving, cancelling; the engine's clock and ranks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/engine/engine.h"

enum { MANY = 3000 };

struct item {
	struct sim_event event;
	uint64_t at_ns;
	uint64_t order;
	bool in;
};

static uint64_t draw(uint64_t *counter)
{
	return sim_rand_u64(11, SIM_RAND_SCRIPT, 1, (*counter)++);
}

/* Times of every size: ties, neighbours, far futures. */
static uint64_t some_time(uint64_t now, uint64_t *counter)
{
	uint64_t shift = draw(counter) % 62;
	uint64_t delay = draw(counter) >> (63 - shift);
	return now > UINT64_MAX / 2 ? now : now + (draw(counter) % 4 ? delay : delay % 3);
}

static struct item *reference_min(struct item *items, size_t n)
{
	struct item *min = NULL;
	for (size_t i = 0; i < n; i++) {
		struct item *it = &items[i];
		if (it->in && (!min || it->at_ns < min->at_ns || (it->at_ns == min->at_ns && it->order < min->order))) {
			min = it;
		}
	}
	return min;
}

static void put(struct sim_queue *q, struct item *it, uint64_t at_ns, uint64_t order)
{
	it->at_ns = at_ns;
	it->order = order;
	it->in = true;
	assert_true(sim_queue_push(q, &it->event, at_ns, order));
}

static void test_queue_order_matches_reference_for_random_operations(void **state)
{
	enum { ITEMS = 200, STEPS = 20000 };
	struct item *items = calloc(ITEMS, sizeof *items);
	struct sim_queue *q = sim_queue_new();
	uint64_t counter = 0;
	uint64_t now = 0;
	uint64_t serial = 0;
	size_t in = 0;
	for (int step = 0; step < STEPS; step++) {
		uint64_t what = draw(&counter) % 8;
		struct item *it = &items[draw(&counter) % ITEMS];
		if (what < 4) {
			uint64_t at = some_time(now, &counter);
			in += !it->in;
			put(q, it, at, (draw(&counter) % 16) << 40 | serial++);
		} else if (what == 4) {
			in -= it->in;
			it->in = false;
			sim_queue_cancel(q, &it->event);
		} else if (what == 5) {
			struct item *min = reference_min(items, ITEMS);
			assert_ptr_equal(sim_queue_peek(q), min ? &min->event : NULL);
		} else {
			struct item *min = reference_min(items, ITEMS);
			uint64_t until = what == 6 ? UINT64_MAX : some_time(now, &counter);
			struct sim_event *e = sim_queue_pop_due(q, until);
			assert_ptr_equal(e, min && min->at_ns <= until ? &min->event : NULL);
			if (e) {
				min->in = false;
				in--;
				now = min->at_ns;
				now = now > 1ull << 62 ? 1ull << 62 : now;
			}
		}
		assert_int_equal(sim_queue_size(q), in);
		assert_int_equal(sim_event_queued(&it->event), it->in);
		if (now >= 1ull << 62) {
			break;
		}
	}
	sim_queue_free(q);
	free(items);
}

static void test_queue_pops_in_total_order_whatever_the_insertion(void **state)
{
	struct item *items = calloc(MANY, sizeof *items);
	struct sim_event **first = calloc(MANY, sizeof *first);
	uint64_t counter = 0;
	for (int i = 0; i < MANY; i++) {
		items[i].at_ns = draw(&counter) % 500 * 1000003;
		items[i].order = (draw(&counter) % 5) << 60 | (uint64_t)i;
	}
	for (int round = 0; round < 3; round++) {
		struct sim_queue *q = sim_queue_new();
		for (int i = 0; i < MANY; i++) {
			struct item *it = &items[round == 0 ? i : round == 1 ? MANY - 1 - i : (i * 1009) % MANY];
			put(q, it, it->at_ns, it->order);
		}
		for (int i = 0; i < MANY; i++) {
			struct sim_event *e = sim_queue_pop(q);
			assert_non_null(e);
			if (round == 0) {
				first[i] = e;
				assert_true(i == 0 || first[i - 1]->at_ns < e->at_ns ||
				            (first[i - 1]->at_ns == e->at_ns && first[i - 1]->order < e->order));
			}
			assert_ptr_equal(first[i], e);
		}
		assert_null(sim_queue_pop(q));
		sim_queue_free(q);
	}
	free(first);
	free(items);
}

static void test_queue_keeps_ties_in_order_when_thousands_share_a_time(void **state)
{
	struct item *items = calloc(MANY, sizeof *items);
	struct sim_queue *q = sim_queue_new();
	for (int i = 0; i < MANY; i++) {
		put(q, &items[(i * 7) % MANY], 5000000, (uint64_t)((i * 7) % MANY));
	}
	for (int i = 0; i < MANY / 2; i++) {
		assert_ptr_equal(sim_queue_pop(q), &items[i].event);
	}
	put(q, &items[0], 5000000, 0); /* again at the very time that is being worked off */
	assert_ptr_equal(sim_queue_pop(q), &items[0].event);
	sim_queue_cancel(q, &items[MANY / 2].event);
	for (int i = MANY / 2 + 1; i < MANY; i++) {
		assert_ptr_equal(sim_queue_pop(q), &items[i].event);
	}
	assert_int_equal(sim_queue_size(q), 0);
	sim_queue_free(q);
	free(items);
}

static void test_queue_moves_an_event_that_is_pushed_again(void **state)
{
	struct sim_queue *q = sim_queue_new();
	struct item a = {0};
	struct item b = {0};
	put(q, &a, 10, 1);
	put(q, &b, 20, 2);
	put(q, &a, 30, 3);
	assert_int_equal(sim_queue_size(q), 2);
	assert_null(sim_queue_pop_due(q, 19));
	assert_ptr_equal(sim_queue_pop_due(q, 20), &b.event);
	assert_ptr_equal(sim_queue_peek(q), &a.event);
	put(q, &b, 25, 4); /* before the time that peek has shown */
	assert_ptr_equal(sim_queue_pop(q), &b.event);
	assert_ptr_equal(sim_queue_pop(q), &a.event);
	sim_queue_cancel(q, &a.event); /* harmless */
	assert_null(sim_queue_peek(q));
	sim_queue_free(q);
}

struct seen {
	struct sim_event event;
	uint64_t *log;
	size_t *n;
	uint64_t tag;
};

static void note(struct sim_event *event, uint64_t now_ns)
{
	struct seen *s = (struct seen *)event;
	assert_int_equal(now_ns, event->at_ns);
	s->log[(*s->n)++] = s->tag;
}

static void test_engine_classes_order_equal_times(void **state)
{
	struct sim_engine *e = sim_engine_new(3);
	struct sim_source s;
	assert_true(sim_engine_add_source(e, &s, "one"));
	uint64_t log[5];
	size_t n = 0;
	static const enum sim_class classes[5] = {SIM_OBSERVER, SIM_TIMER, SIM_FAULT, SIM_SCRIPT, SIM_DELIVERY};
	struct seen events[5];
	memset(events, 0, sizeof events);
	for (int i = 0; i < 5; i++) {
		events[i] = (struct seen){.event = {.handler = note}, .log = log, .n = &n, .tag = classes[i]};
		assert_true(sim_engine_schedule(e, &s, &events[i].event, classes[i], 1000));
	}
	assert_false(sim_engine_step(e, 999));
	assert_int_equal(e->now_ns, 999);
	while (sim_engine_step(e, 2000)) {
	}
	assert_int_equal(n, 5);
	for (uint64_t i = 0; i < 5; i++) {
		assert_int_equal(log[i], i);
	}
	assert_int_equal(e->now_ns, 2000);
	assert_int_equal(e->events, 5);
	sim_engine_free(e);
}

static void test_engine_ranks_depend_on_seed_and_name_only(void **state)
{
	enum { SOURCES = 3000 };
	struct sim_source *sources = calloc(2 * SOURCES, sizeof *sources);
	struct sim_engine *a = sim_engine_new(1);
	struct sim_engine *b = sim_engine_new(1);
	struct sim_engine *c = sim_engine_new(2);
	struct sim_source first, other;
	assert_true(sim_engine_add_source(a, &first, "x"));
	for (int i = 0; i < SOURCES; i++) {
		char name[16] = {'n', (char)('0' + i / 1000), (char)('0' + i / 100 % 10), (char)('0' + i / 10 % 10), (char)('0' + i % 10)};
		assert_true(sim_engine_add_source(b, &sources[i], name));
	}
	assert_true(sim_engine_add_source(b, &other, "x"));
	assert_int_equal(first.rank, other.rank);
	assert_true(sim_engine_add_source(c, &other, "x"));
	assert_int_not_equal(first.rank, other.rank);
	assert_true(sim_engine_add_source(a, &other, "x")); /* a name twice: another rank */
	assert_int_not_equal(first.rank, other.rank);
	for (int i = 0; i < SOURCES; i++) {
		for (int j = 0; j < i; j++) {
			assert_int_not_equal(sources[i].rank, sources[j].rank);
		}
	}
	assert_int_equal(b->num_sources, SOURCES + 1);
	assert_ptr_equal(b->sources[5], &sources[5]);
	sim_engine_free(a);
	sim_engine_free(b);
	sim_engine_free(c);
	free(sources);
}

/* Ten sources with ten events each at every time: how often those of two neighbours come in the plain order. */
struct shuffle_run {
	struct sim_source sources[10];
	struct seen events[10][10];
	uint64_t log[100];
	size_t n;
};

static void shuffle_round(struct sim_engine *e, struct shuffle_run *r, uint64_t at_ns, bool backwards)
{
	r->n = 0;
	for (int k = 0; k < 100; k++) {
		int i = backwards ? 9 - k % 10 : k % 10, j = k / 10;
		r->events[i][j] = (struct seen){.event = {.handler = note}, .log = r->log, .n = &r->n, .tag = (uint64_t)(i * 10 + j)};
		assert_true(sim_engine_schedule(e, &r->sources[i], &r->events[i][j].event, SIM_DELIVERY, at_ns));
	}
	while (sim_engine_step(e, at_ns)) {
	}
	assert_int_equal(r->n, 100);
}

static struct sim_engine *shuffle_begin(struct shuffle_run *r, uint64_t seed, uint32_t ppm)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
	struct sim_engine *e = sim_engine_new(seed);
	for (int i = 0; i < 10; i++) {
		assert_true(sim_engine_add_source(e, &r->sources[i], names[i]));
		sim_source_shuffle(&r->sources[i], i < 9 ? ppm : 0); /* one keeps its order, and its place in the plain one */
	}
	return e;
}

static void test_engine_shuffles_equal_times_at_its_rate(void **state)
{
	static struct shuffle_run plain, other, again;
	struct sim_engine *e = shuffle_begin(&plain, 1, 0), *f = shuffle_begin(&other, 1, 250000), *g = shuffle_begin(&again, 1, 250000);
	int struck = 0, swapped_sources = 0, swapped_own = 0;
	for (uint64_t t = 1; t <= 4000; t++) {
		shuffle_round(e, &plain, t * 1000, false);
		shuffle_round(f, &other, t * 1000, false);
		shuffle_round(g, &again, t * 1000, true); /* the order of insertion among sources does not matter */
		int place[100], kept = 0;
		for (int i = 0; i < 100; i++) {
			assert_int_equal(other.log[i], again.log[i]);
			place[other.log[i]] = i;
			kept += plain.log[i] == other.log[i];
		}
		struck += kept < 100;
		swapped_sources += place[0] < place[10];
		swapped_own += place[1] < place[0];
		for (int j = 1; j < 10; j++) {
			assert_true(place[90 + j] > place[90 + j - 1]);
		}
	}
	/* A quarter of 4,000 times: 1,000, deviation 27; two events change places in half of them, deviation 21. */
	bool before = plain.sources[0].rank < plain.sources[1].rank;
	assert_in_range(struck, 880, 1120);
	assert_in_range(before ? 4000 - swapped_sources : swapped_sources, 410, 590);
	assert_in_range(swapped_own, 410, 590);
	sim_engine_free(e);
	sim_engine_free(f);
	sim_engine_free(g);
}

struct probe_ctx {
	const struct sim_engine *e;
	uint32_t found[10];
};

static void find_source(void *ctx, uint64_t at_ns, uint64_t order)
{
	struct probe_ctx *p = ctx;
	uint32_t source = sim_engine_source(p->e, at_ns, order);
	assert_in_range(source, 0, 9);
	assert_int_equal(sim_order_class(order), SIM_DELIVERY);
	p->found[source]++;
}

static void test_engine_knows_the_source_of_a_shuffled_event(void **state)
{
	static struct shuffle_run r;
	struct sim_engine *e = shuffle_begin(&r, 7, 1000000);
	struct probe_ctx ctx = {.e = e};
	const struct sim_probe probe = {find_source, &ctx};
	e->probe = &probe;
	for (uint64_t t = 1; t <= 50; t++) {
		shuffle_round(e, &r, t, false);
	}
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ctx.found[i], 500);
	}
	sim_engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_queue_order_matches_reference_for_random_operations),
	    cmocka_unit_test(test_queue_pops_in_total_order_whatever_the_insertion),
	    cmocka_unit_test(test_queue_keeps_ties_in_order_when_thousands_share_a_time),
	    cmocka_unit_test(test_queue_moves_an_event_that_is_pushed_again),
	    cmocka_unit_test(test_engine_classes_order_equal_times),
	    cmocka_unit_test(test_engine_ranks_depend_on_seed_and_name_only),
	    cmocka_unit_test(test_engine_shuffles_equal_times_at_its_rate),
	    cmocka_unit_test(test_engine_knows_the_source_of_a_shuffled_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
