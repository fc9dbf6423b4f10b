/* A link's stages and the distributions behind them: each against what it should be, with fixed seeds. */
#include <math.h>
#include <stdlib.h>

#include "sim/tcp/rig.h"
#include "tests/support/unit.h"

#define MS 1000000ull
#define SECOND 1000000000ull
#define DRAWS 20000u
#define Q64(p) ((uint64_t)((p)*18446744073709551616.0))

/* ------------------------------------------------------------------ distributions */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static const uint64_t *draws_of(const struct sim_dist *d, uint64_t seed)
{
	static uint64_t draws[DRAWS];
	for (uint32_t i = 0; i < DRAWS; i++)
		draws[i] = sim_dist_draw_ns(d, seed, SIM_RAND_LATENCY, 77, i);
	qsort(draws, DRAWS, sizeof *draws, by_size);
	return draws;
}

/* Kolmogorov and Smirnov: the largest distance of the draws from the distribution; 1.95 is passed once in a thousand. */
static double distance(const struct sim_dist *d, uint64_t seed, double (*cdf)(double ms))
{
	const uint64_t *draws = draws_of(d, seed);
	double worst = 0;
	for (uint32_t i = 0; i < DRAWS; i++) {
		double f = cdf((double)draws[i] / 1e6);
		worst = fmax(worst, fmax(f - (double)i / DRAWS, (double)(i + 1) / DRAWS - f));
	}
	return worst * sqrt(DRAWS);
}

static double uniform_cdf(double ms)
{
	return (ms - 10) / 20;
}
static double normal_cdf(double ms)
{
	return 0.5 * erfc(-(ms - 50) / 5 / sqrt(2));
}
static double lognormal_cdf(double ms)
{
	return 0.5 * erfc(-log(ms / 20) / 0.5 / sqrt(2));
}
static double exponential_cdf(double ms)
{
	return 1 - exp(-(ms - 10) / 20);
}
static double pareto_cdf(double ms)
{
	return 1 - pow(15 / ms, 3);
}
/* Values 10, 20, 20, 50 ms: straight lines between, and a third of all draws at 20 ms. */
static double table_cdf(double ms)
{
	return ms < 20 ? (ms - 10) / 30 : ms > 20 ? 2.0 / 3 + (ms - 20) / 90 : 2.0 / 3;
}

static void test_link_distributions_are_what_they_are_called(void **state)
{
	static const struct {
		struct sim_dist dist;
		double (*cdf)(double);
	} cases[] = {
	    {{.kind = SIM_DIST_UNIFORM, .a_ns = 10 * MS, .b_ns = 30 * MS}, uniform_cdf},
	    {{.kind = SIM_DIST_NORMAL, .a_ns = 50 * MS, .b_ns = 5 * MS}, normal_cdf},
	    {{.kind = SIM_DIST_LOGNORMAL, .a_ns = 20 * MS, .b_ns = 1ull << 31}, lognormal_cdf},
	    {{.kind = SIM_DIST_EXPONENTIAL, .a_ns = 10 * MS, .b_ns = 20 * MS}, exponential_cdf},
	    {{.kind = SIM_DIST_PARETO, .a_ns = 15 * MS, .b_ns = 3ull << 32}, pareto_cdf},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (uint64_t seed = 1; seed <= 3; seed++)
			assert_true(distance(&cases[i].dist, seed, cases[i].cdf) < 1.95);
	/* the test itself can fail: another mean is noticed */
	struct sim_dist other = {.kind = SIM_DIST_NORMAL, .a_ns = 50500000, .b_ns = 5 * MS};
	assert_true(distance(&other, 1, normal_cdf) > 1.95);
}

static void test_link_table_draws_lie_between_its_values(void **state)
{
	static const uint64_t values[] = {10 * MS, 20 * MS, 20 * MS, 50 * MS};
	struct sim_dist d = {.kind = SIM_DIST_TABLE, .a_ns = 20 * MS, .table_ns = values, .table_len = 4};
	const uint64_t *draws = draws_of(&d, 1);
	uint32_t at_20 = 0;
	for (uint32_t i = 0; i < DRAWS; i++) {
		double ms = (double)draws[i] / 1e6;
		assert_true(ms >= 10 && ms <= 50);
		at_20 += draws[i] == 20 * MS;
		if (draws[i] != 20 * MS)
			assert_true(fabs(table_cdf(ms) - (double)i / DRAWS) < 1.95 / sqrt(DRAWS));
	}
	assert_in_range(at_20, DRAWS / 3 - 250, DRAWS / 3 + 250);
	d.table_len = 1;
	assert_int_equal(sim_dist_draw_ns(&d, 1, SIM_RAND_LATENCY, 1, 1), 10 * MS);
}

/* ------------------------------------------------------------------ a link by itself */

#define PACKETS 40000u
#define MSS 1448ull

struct bench {
	struct sim_engine *engine;
	struct sim_source source;
	struct sim_tcp_link *link;
	struct sim_tcp_lane lane;
	uint8_t came[PACKETS];       /* how often */
	uint64_t at_ns[PACKETS];     /* the last time */
	uint32_t order[2 * PACKETS]; /* of arrival */
	uint32_t arrivals;
	struct sim_tcp_fate fate; /* sums */
};

static void arrived(void *to, const struct sim_tcp_packet *p)
{
	struct bench *b = to;
	assert_int_equal(p->len, MSS * sim_tcp_segments(p));
	for (uint32_t k = 0; k < sim_tcp_segments(p); k++) {
		uint32_t i = (uint32_t)(p->seq / MSS) + k;
		b->came[i]++;
		b->at_ns[i] = b->engine->now_ns;
		b->order[b->arrivals++] = i;
	}
}

/* Sends full segments, in trains of so many, a millisecond a segment apart. */
static struct bench *pass_trains(const struct sim_tcp_link_config *config, uint32_t n, uint64_t seed, uint16_t train)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->engine = sim_engine_new(seed);
	assert_true(sim_engine_add_source(b->engine, &b->source, "link"));
	b->link = sim_tcp_link_new(b->engine, &b->source, config, arrived);
	assert_non_null(b->link);
	b->lane = (struct sim_tcp_lane){.to = b, .entity = 5};
	for (uint32_t i = 0; i < n; i += train) {
		struct sim_tcp_packet p = {.seq = i * MSS, .len = MSS * train, .count = train, .mss = MSS, .flags = SIM_TCP_ACK};
		struct sim_tcp_fate fate = sim_tcp_link_send(b->link, &b->lane, &p, b->engine->now_ns);
		b->fate.carried += fate.carried;
		b->fate.lost += fate.lost;
		b->fate.dropped += fate.dropped;
		while (sim_engine_step(b->engine, (i + train) * MS))
			;
	}
	while (sim_engine_step(b->engine, b->engine->now_ns + 10 * SECOND))
		;
	return b;
}

static struct bench *pass(const struct sim_tcp_link_config *config, uint32_t n, uint64_t seed)
{
	return pass_trains(config, n, seed, 1);
}

static void drop(struct bench *b)
{
	sim_tcp_link_free(b->link);
	sim_engine_free(b->engine);
	free(b);
}

static uint32_t lost_of(const struct bench *b, uint32_t n)
{
	uint32_t lost = 0;
	for (uint32_t i = 0; i < n; i++)
		lost += b->came[i] == 0;
	return lost;
}

/* Runs of lost packets against a geometric distribution with the chance `leave` to end; chi-square over lengths 1 to 8 and more. */
static double burst_chi_square(const struct bench *b, double leave, uint32_t *bursts)
{
	uint32_t seen[9] = {0}, length = 0, total = 0;
	for (uint32_t i = 0; i < PACKETS; i++) {
		if (b->came[i] == 0) {
			length++;
		} else if (length != 0) {
			seen[length > 8 ? 8 : length - 1]++;
			total++;
			length = 0;
		}
	}
	double chi = 0;
	for (int k = 0; k < 9; k++) {
		double expected = total * (k < 8 ? leave * pow(1 - leave, k) : pow(1 - leave, 8));
		chi += (seen[k] - expected) * (seen[k] - expected) / expected;
	}
	*bursts = total;
	return chi;
}

static void test_link_independent_loss_has_no_memory(void **state)
{
	struct sim_tcp_link_config config = {.loss = Q64(0.3), .delay.a_ns = MS};
	struct bench *b = pass(&config, PACKETS, 1);
	uint32_t bursts;
	assert_in_range(lost_of(b, PACKETS), PACKETS * 0.3 - 300, PACKETS * 0.3 + 300); /* 3.3 deviations */
	assert_true(burst_chi_square(b, 0.7, &bursts) < 26.1);                          /* 8 degrees of freedom, 0.001 */
	drop(b);
}

static void test_link_bursts_have_their_length_and_frequency(void **state)
{
	struct sim_link_stages stages = {.to_bad = Q64(0.02), .to_good = Q64(0.25), .loss_bad = UINT64_MAX};
	struct sim_tcp_link_config config = {.delay.a_ns = MS, .stages = &stages};
	struct bench *b = pass(&config, PACKETS, 2);
	uint32_t bursts;
	double bad = 0.02 / 0.27 * PACKETS; /* of the time */
	assert_in_range(lost_of(b, PACKETS), bad * 0.88, bad * 1.12);
	assert_true(burst_chi_square(b, 0.25, &bursts) < 26.1);
	assert_in_range(bursts, 640, 830); /* 0.02 times the packets that find it good: 741 */
	drop(b);
	stages.loss_bad = Q64(0.5);
	stages.loss_good = Q64(0.01);
	b = pass(&config, PACKETS, 2);
	double expected = bad * 0.5 + (PACKETS - bad) * 0.01;
	assert_in_range(lost_of(b, PACKETS), expected * 0.88, expected * 1.12);
	drop(b);
}

/* A train loses each of its segments as if they came one by one, and goes on in pieces. */
static void test_link_trains_lose_single_segments(void **state)
{
	struct sim_link_stages burst = {.to_bad = Q64(0.02), .to_good = Q64(0.25), .loss_bad = UINT64_MAX};
	struct sim_tcp_link_config config = {.loss = Q64(0.3), .delay.a_ns = MS}, bursts_only = {.delay.a_ns = MS, .stages = &burst};
	uint32_t bursts;
	for (uint16_t train = 5; train <= 200; train *= 40) {
		struct bench *b = pass_trains(&config, PACKETS, 1, train);
		assert_in_range(lost_of(b, PACKETS), PACKETS * 0.3 - 300, PACKETS * 0.3 + 300);
		assert_true(burst_chi_square(b, 0.7, &bursts) < 26.1);
		assert_int_equal(b->fate.lost, lost_of(b, PACKETS));
		drop(b);
		b = pass_trains(&bursts_only, PACKETS, 2, train);
		assert_in_range(lost_of(b, PACKETS), 0.02 / 0.27 * PACKETS * 0.88, 0.02 / 0.27 * PACKETS * 1.12);
		assert_true(burst_chi_square(b, 0.25, &bursts) < 26.1);
		drop(b);
	}
}

static void test_link_full_queue_takes_the_beginning_of_a_train(void **state)
{
	struct sim_tcp_link_config config = {.rate_bits = 1000000, .queue_bytes = 10 * 1500 + 700, .delay.a_ns = MS};
	struct bench *b = pass_trains(&config, 16, 1, 16);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(b->came[i], i < 10);
	assert_int_equal(b->fate.carried, 1);
	assert_int_equal(b->fate.dropped, 6);
	drop(b);
}

static void test_link_trace_loses_what_it_says(void **state)
{
	struct sim_link_stages stages = {.trace = "..x.x", .trace_len = 5};
	struct sim_tcp_link_config config = {.delay.a_ns = MS, .stages = &stages};
	struct bench *b = pass(&config, 1000, 1);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(b->came[i], i % 5 != 2 && i % 5 != 4);
	drop(b);
	b = pass_trains(&config, 1000, 1, 8);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(b->came[i], i % 5 != 2 && i % 5 != 4);
	drop(b);
}

static void test_link_duplicates_at_its_rate(void **state)
{
	struct sim_link_stages stages = {.duplicate = Q64(0.1)};
	struct sim_tcp_link_config config = {.delay = {.kind = SIM_DIST_UNIFORM, .a_ns = MS, .b_ns = 3 * MS}, .stages = &stages};
	struct bench *b = pass(&config, PACKETS, 1);
	assert_int_equal(lost_of(b, PACKETS), 0);
	assert_in_range(b->arrivals, PACKETS * 1.1 - 200, PACKETS * 1.1 + 200);
	drop(b);
}

static uint32_t inversions(const struct bench *b)
{
	uint32_t n = 0;
	for (uint32_t i = 1; i < b->arrivals; i++)
		n += b->order[i] < b->order[i - 1];
	return n;
}

static void test_link_keeps_the_order_unless_told(void **state)
{
	struct sim_tcp_link_config config = {.delay = {.kind = SIM_DIST_UNIFORM, .a_ns = 10 * MS, .b_ns = 20 * MS}};
	struct bench *b = pass(&config, 2000, 1);
	assert_int_equal(inversions(b), 0);
	drop(b);
	config.reorder = true;
	b = pass(&config, 2000, 1);
	assert_true(inversions(b) > 500);
	drop(b);
	struct sim_link_stages stages = {.reorder = Q64(0.05), .reorder_by_ns = 5500000};
	struct sim_tcp_link_config steady = {.delay.a_ns = 10 * MS, .stages = &stages};
	b = pass(&steady, PACKETS, 1);
	uint32_t late = 0;
	for (uint32_t i = 0; i < PACKETS; i++) {
		uint64_t took = b->at_ns[i] - i * MS;
		assert_true(took == 10 * MS || took == 15500000);
		late += took != 10 * MS;
	}
	assert_in_range(late, PACKETS * 0.05 - 150, PACKETS * 0.05 + 150);
	assert_true(inversions(b) > late / 2);
	drop(b);
}

/* ------------------------------------------------------------------ under a connection */

static struct sim_tcp_rig rig_on(const struct sim_link_stages *stages)
{
	struct sim_tcp_rig rig;
	sim_tcp_rig_defaults(&rig);
	rig.link = (struct sim_tcp_link_config){.rate_bits = 10000000, .delay.a_ns = 25 * MS, .queue_bytes = 500000, .stages = stages};
	return rig;
}

static void test_link_drops_exactly_segments_3_and_4(void **state)
{
	static const uint32_t numbers[] = {3, 4};
	struct sim_link_stages stages = {.drop = numbers, .num_drop = 2};
	struct sim_tcp_link_config config = {.delay.a_ns = MS, .stages = &stages};
	struct bench *b = pass(&config, 20, 1);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(b->came[i], i != 2 && i != 3);
	drop(b);
	struct sim_tcp_rig rig = rig_on(&stages);
	struct sim_tcp_rig_result r;
	rig.bytes = 100000;
	assert_true(sim_tcp_rig_run(&rig, &r));
	assert_true(r.finished);
	assert_int_equal(r.retransmits, 2);
	assert_int_equal(r.timeouts, 0);
}

/* Five segments of trains are lost: those go out again, in the order of a train's first, inner and last segments, and no other. */
static void test_link_losses_in_trains_are_repaired_one_by_one(void **state)
{
	static const uint32_t numbers[] = {900, 901, 950, 1100, 1301};
	struct sim_link_stages stages = {.drop = numbers, .num_drop = ARRAY_LEN(numbers)};
	for (unsigned cc = SIM_TCP_CUBIC; cc <= SIM_TCP_BBR; cc++) {
		struct sim_tcp_rig rig = rig_on(&stages);
		struct sim_tcp_rig_result r;
		rig.link.rate_bits = 100000000;
		rig.link.queue_bytes = 50000000;
		rig.tcp.cc = (enum sim_tcp_cc)cc;
		rig.bytes = 3000000;
		rig.flow = true;
		assert_true(sim_tcp_rig_run(&rig, &r));
		assert_true(r.finished);
		assert_int_equal(r.retransmits, ARRAY_LEN(numbers));
		assert_int_equal(r.timeouts, 0);
	}
}

/* Mean of the sender's round trip from the tenth second on, ns; *mbit: goodput then. */
static uint64_t queueing(const struct sim_link_stages *stages, double *mbit)
{
	static struct sim_tcp_rig_sample samples[300];
	struct sim_tcp_rig rig = rig_on(stages);
	struct sim_tcp_rig_result r;
	uint64_t sum = 0, n = 0;
	rig.sample_ns = 100 * MS;
	rig.samples = samples;
	rig.max_samples = ARRAY_LEN(samples);
	assert_true(sim_tcp_rig_run(&rig, &r));
	for (size_t i = 100; i < r.num_samples; i++, n++)
		sum += samples[i].srtt_ns;
	*mbit = (double)(r.at_end - r.at_mark) * 8 / 20e6;
	return sum / n;
}

static void test_link_codel_keeps_the_queue_short_and_the_link_busy(void **state)
{
	struct sim_link_stages stages = {.codel_target_ns = 5 * MS, .codel_interval_ns = 100 * MS};
	double tail_mbit, codel_mbit;
	uint64_t tail = queueing(NULL, &tail_mbit), codel = queueing(&stages, &codel_mbit);
	assert_true(tail > 250 * MS); /* 500,000 bytes are 400 ms */
	assert_in_range(codel, 50 * MS, 75 * MS);
	assert_true(codel_mbit > 0.93 * tail_mbit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_link_distributions_are_what_they_are_called),
	    cmocka_unit_test(test_link_table_draws_lie_between_its_values),
	    cmocka_unit_test(test_link_independent_loss_has_no_memory),
	    cmocka_unit_test(test_link_bursts_have_their_length_and_frequency),
	    cmocka_unit_test(test_link_trains_lose_single_segments),
	    cmocka_unit_test(test_link_full_queue_takes_the_beginning_of_a_train),
	    cmocka_unit_test(test_link_trace_loses_what_it_says),
	    cmocka_unit_test(test_link_duplicates_at_its_rate),
	    cmocka_unit_test(test_link_keeps_the_order_unless_told),
	    cmocka_unit_test(test_link_drops_exactly_segments_3_and_4),
	    cmocka_unit_test(test_link_losses_in_trains_are_repaired_one_by_one),
	    cmocka_unit_test(test_link_codel_keeps_the_queue_short_and_the_link_busy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
