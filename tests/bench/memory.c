/* Bytes of nodes, of idle connections, of book entries, counted by the allocators of a simulated world. */
#include <malloc.h>

#include "tests/bench/bench.h"
#include "core/book/book.h"
#include "core/book/intern.h"

#define SPOKES 200
#define RING 48u
#define DEGREE 12u

static void connections(bool null_crypto)
{
	struct world *w = bench_world(null_crypto, 1);
	struct sy_channel channels[BENCH_CHANNELS];
	bench_channels(channels);
	struct sy_reactor r = {.name = "idle", .channels = channels, .num_channels = BENCH_CHANNELS};
	struct world_node *hub = bench_node(w, "hub", &r, SPOKES + 10), *spoke[SPOKES];
	for (int i = 0; i < SPOKES; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		spoke[i] = bench_node(w, name, &r, 40);
	}
	world_run(w, 1000000000ull, UINT64_MAX);
	struct world_stats before, after;
	world_stats(w, &before);
	for (int i = 0; i < SPOKES; i++)
		bench_dial(spoke[i], hub);
	world_run(w, 200ull * 1000000000ull, UINT64_MAX); /* pings have come and gone */
	if (sy_node_counts(world_node_core(hub)).total != SPOKES) {
		fprintf(stderr, "memory: only %u of %d are connected\n", sy_node_counts(world_node_core(hub)).total, SPOKES);
		exit(3);
	}
	world_stats(w, &after);
	char name[96];
	if (null_crypto)
		result("node without connections, book aside", (double)before.node_memory / (SPOKES + 1), "bytes", 8192, true);
	snprintf(name, sizeof name, "one end of an idle connection, ten channels, %s crypto", null_crypto ? "null" : "real");
	result(name, (double)(after.node_memory - before.node_memory) / (2 * SPOKES), "bytes", null_crypto ? 1024 : 2048, true);
	world_free(w);
}

/* Memory of a ring in which each node has `degree` idle connections; used: each channel of each has carried a message. */
static uint64_t ring_memory(uint32_t degree, bool used)
{
	struct world *w = bench_world(true, 1);
	struct sy_channel channels[BENCH_CHANNELS];
	bench_channels(channels);
	struct sy_reactor r = {.name = "idle", .channels = channels, .num_channels = BENCH_CHANNELS};
	struct world_node *node[RING];
	for (uint32_t i = 0; i < RING; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		node[i] = bench_node(w, name, &r, 2 * degree);
	}
	for (uint32_t i = 0; i < RING; i++)
		for (uint32_t k = 1; k <= degree / 2; k++)
			bench_dial(node[i], node[(i + k) % RING]);
	world_run(w, 10ull * 1000000000ull, UINT64_MAX);
	for (uint32_t i = 0; used && i < RING; i++)
		for (int c = 0; c < BENCH_CHANNELS; c++) {
			static const uint8_t bytes[64];
			struct sy_input in = {.kind = SY_IN_BROADCAST, .channel = channels[c].id, .bytes = {bytes, sizeof bytes}};
			if (world_node_input(node[i], &in).value != degree)
				check(SY_INTERNAL, "broadcasting", NULL);
		}
	world_run(w, 210ull * 1000000000ull, UINT64_MAX);
	struct world_stats stats;
	world_stats(w, &stats);
	world_free(w);
	return stats.node_memory;
}

/*
 * What one more connection costs, without what a node has once: tables double, so that a power of two would flatter or
 * blame; at 12 and 24 they are three quarters full, as they are in the mean.
 */
static void marginal(bool used)
{
	uint64_t few = ring_memory(DEGREE, used), many = ring_memory(2 * DEGREE, used);
	result(used ? "the same, every channel used once" : "one more end of an idle connection, ten channels, null crypto",
	       (double)(many - few) / (RING * DEGREE), "bytes", used ? -1 : 1024, true);
}

struct counted {
	struct sy_env env;
	size_t bytes;
	uint64_t draws;
};

static void *count_alloc(void *ctx, void *old, size_t old_size, size_t new_size)
{
	struct counted *c = ctx;
	c->bytes += new_size - old_size;
	if (new_size == 0) {
		free(old);
		return NULL;
	}
	return realloc(old, new_size);
}

static void count_rand(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	(void)ctx;
	sim_rand_bytes(1, (uint32_t)purpose, entity, counter, buf, n);
}

static void book(uint32_t entries)
{
	struct counted c = {.env = {.rand = count_rand, .alloc = count_alloc}}, shared = c;
	c.env.ctx = &c;
	shared.env.ctx = &shared;
	c.env.addrs = sy_addrs_new(&shared.env, 1u << 20, false);
	struct sy_book *b = sy_book_new(&c.env, sy_policy_of(SY_PROFILE_DEFAULT), true, 1);
	size_t empty = c.bytes;
	for (uint32_t i = 0; i < entries; i++) {
		struct sy_netaddr a = {.port = 26656, .flags = SY_ADDR_HAS_ID, .ip = {[10] = 0xff, [11] = 0xff}}, src = a;
		uint32_t x = 0x0b000000u + i * 65536u + 1u;
		a.id.b[0] = (uint8_t)(i >> 8), a.id.b[1] = (uint8_t)i, a.id.b[2] = 1;
		a.ip[12] = (uint8_t)(x >> 24), a.ip[13] = (uint8_t)(x >> 16), a.ip[14] = (uint8_t)(x >> 8), a.ip[15] = (uint8_t)x;
		src.id.b[0] = 0xaa, src.id.b[1] = (uint8_t)(i % 50), src.ip[12] = (uint8_t)(60 + i % 50), src.ip[13] = 1;
		enum sy_err err = sy_book_add(b, &a, &src, 1767225600u);
		if (err != SY_OK && err != SY_ADDR_KNOWN && err != SY_ADDR_UNROUTABLE)
			check(err, "adding to the book", NULL);
	}
	uint32_t have = sy_book_counts(b).total;
	char name[96];
	snprintf(name, sizeof name, "address-book entry, %u in the book", have);
	result(name, (double)(c.bytes - empty) / have, "bytes", 48, true);
	sy_book_free(b);
	sy_addrs_free(c.env.addrs, &shared.env);
}

/* Real sockets on loopback; everything on the heap counts, libuv's share too. */
static void real_connections(void)
{
	enum { SPOKES_REAL = 40 };
	static const struct world_listener nobody = {0};
	struct world_options options = {.kind = WORLD_TCP, .seed = 1};
	struct world *w;
	const char *what = NULL;
	check(world_new(&w, &options, &nobody, &what), "making a real world", what);
	struct sy_channel channels[BENCH_CHANNELS];
	bench_channels(channels);
	struct sy_reactor r = {.name = "idle", .channels = channels, .num_channels = BENCH_CHANNELS};
	struct world_node *hub[2], *spoke[SPOKES_REAL];
	hub[0] = bench_node(w, "hub0", &r, SPOKES_REAL + 10);
	hub[1] = bench_node(w, "hub1", &r, SPOKES_REAL + 10);
	for (int i = 0; i < SPOKES_REAL; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		spoke[i] = bench_node(w, name, &r, 40);
	}
	size_t before = 0;
	for (int k = 0; k < 2; k++) { /* the first round makes what a node has once */
		before = mallinfo2().uordblks;
		for (int i = 0; i < SPOKES_REAL; i++)
			bench_dial(spoke[i], hub[k]);
		world_run(w, (k ? 8ull : 4ull) * 1000000000ull, UINT64_MAX); /* pools have been handed back */
	}
	size_t after = mallinfo2().uordblks;
	if (sy_node_counts(world_node_core(hub[1])).total != SPOKES_REAL) {
		fprintf(stderr, "memory: only %u of %d are connected for real\n", sy_node_counts(world_node_core(hub[1])).total, SPOKES_REAL);
		exit(3);
	}
	result("one more end of an idle real connection, all of the heap", (double)(after - before) / (2 * SPOKES_REAL), "bytes", 8192, true);
	world_free(w);
}

/* Nobody wakes an idle node but its next deadline: without connections and PEX there is none; a connection has its pings. */
static void wakeups(void)
{
	struct world *w = bench_world(true, 1);
	struct sy_channel channels[BENCH_CHANNELS];
	bench_channels(channels);
	struct sy_reactor r = {.name = "idle", .channels = channels, .num_channels = BENCH_CHANNELS};
	struct world_node *a = bench_node(w, "a", &r, 40), *b = bench_node(w, "b", &r, 40);
	struct world_stats start, alone, joined;
	world_run(w, 60ull * 1000000000ull, UINT64_MAX);
	world_stats(w, &start);
	world_run(w, 660ull * 1000000000ull, UINT64_MAX);
	world_stats(w, &alone);
	result("events of two idle nodes without connections in ten minutes", (double)(alone.events - start.events), "events", 0, true);
	bench_dial(a, b);
	world_run(w, 720ull * 1000000000ull, UINT64_MAX);
	world_stats(w, &start);
	world_run(w, 1320ull * 1000000000ull, UINT64_MAX);
	world_stats(w, &joined);
	/* A minute: two pings, two pongs, each a delivery; two deadlines to send and two to be looked at again at most. */
	result("events of an idle connection, both ends, per minute", (double)(joined.events - start.events) / 10, "events", 8, true);
	world_free(w);
}

int main(void)
{
	real_connections();
	wakeups();
	connections(true);
	connections(false);
	marginal(false);
	marginal(true);
	book(400);
	book(4000);
	return 0;
}
