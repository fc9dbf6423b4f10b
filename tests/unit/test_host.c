/* A node in a program of its own: arguments, errors, two of them in one loop of the program's. */
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/temp_dir.h"
#include "transport/host/host.h"
#include "transport/host/listen.h"

#define CHANNEL 0x33

/* ---- where to listen ---- */

static void test_listen_parse_reads_what_configurations_say(void **state)
{
	static const char *const texts[] = {"tcp://127.0.0.1:26656", "127.0.0.1:26656", "tcp://:26656", "tcp://[::1]:26656"};
	static const char *const want[] = {"127.0.0.1:26656", "127.0.0.1:26656", "0.0.0.0:26656", "[::1]:26656"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sy_netaddr addr;
		char text[SY_ADDR_TEXT];
		assert_int_equal(tp_listen_parse(texts[i], &addr), SY_OK);
		sy_netaddr_format(&addr, text);
		assert_string_equal(text, want[i]);
	}
}

static void test_listen_parse_refuses_what_is_none(void **state)
{
	static const char *const texts[] = {"", "tcp://", "127.0.0.1", "tcp://127.0.0.1:65536", "tcp://a b:1", "x@127.0.0.1:1"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sy_netaddr addr;
		assert_int_equal(tp_listen_parse(texts[i], &addr), SY_ADDR_INVALID);
	}
}

/* ---- a node that says what it hears ---- */

struct side {
	struct tp_host *host;
	struct sy_channel channel;
	struct sy_reactor reactor;
	struct tp_host_config config;
	uint32_t heard, ups, traces, filters, refused_stops;
	bool started, stopped;
	char last[16];
};

static enum sy_err receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct side *s = self;
	struct sy_input in = {.kind = SY_IN_STOP};
	s->heard++;
	memcpy(s->last, msg->bytes.ptr, msg->bytes.len);
	s->refused_stops += tp_driver_input(tp_host_driver(s->host), &in).err == SY_AGAIN; /* not from a callback */
	return SY_OK;
}

static void add_peer(void *self, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	if (peer->outbound)
		assert_int_equal(sy_ctx_try_send(ctx, peer->ref, CHANNEL, sy_text("hello")), SY_OK);
}

static void on_peer_up(void *ctx, const struct sy_output *out)
{
	((struct side *)ctx)->ups++;
}

static void on_started(void *ctx, enum sy_err err)
{
	((struct side *)ctx)->started = err == SY_OK;
}

static void on_stopped(void *ctx)
{
	((struct side *)ctx)->stopped = true;
}

static void on_trace(void *ctx, const struct sy_trace *trace)
{
	((struct side *)ctx)->traces++;
}

static void on_filter(void *ctx, const struct sy_output *out)
{
	struct side *s = ctx;
	s->filters++;
	tp_driver_verdict(tp_host_driver(s->host), out->conn, SY_OK);
}

static void side_init(struct side *s, uv_loop_t *loop)
{
	memset(s, 0, sizeof *s);
	s->channel = (struct sy_channel){.id = CHANNEL, .priority = 1};
	s->reactor = (struct sy_reactor){
	    .name = "side", .channels = &s->channel, .num_channels = 1, .self = s, .receive = receive, .add_peer = add_peer};
	tp_host_config_init(&s->config, SY_PROFILE_DEFAULT);
	s->config.loop = loop;
	s->config.listen = "tcp://127.0.0.1:0";
	s->config.leave_signals = true;
	s->config.node.network = "net";
	s->config.node.addr_book_strict = false;
	s->config.node.allow_duplicate_ip = true;
	s->config.reactors = &s->reactor;
	s->config.num_reactors = 1;
	s->config.hooks = (struct tp_driver_hooks){
	    .ctx = s, .peer_up = on_peer_up, .started = on_started, .stopped = on_stopped, .trace = on_trace, .filter = on_filter};
}

static void side_start(struct side *s)
{
	struct tp_message msg;
	assert_int_equal(tp_host_new(&s->host, &s->config, &msg), SY_OK);
	assert_int_equal(tp_host_start(s->host, &msg), SY_OK);
}

static void test_host_two_in_one_loop_of_the_programs(void **state)
{
	struct side a, b;
	uv_loop_t loop;
	const char *peers[1];
	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	side_init(&a, &loop);
	a.config.node.filter_peers = true;
	side_start(&a);
	side_init(&b, &loop);
	peers[0] = tp_host_address(a.host);
	b.config.node.persistent_peers = peers;
	b.config.node.num_persistent_peers = 1;
	side_start(&b);
	while (a.heard == 0)
		uv_run(&loop, UV_RUN_ONCE);
	assert_string_equal(a.last, "hello");
	assert_true(a.started && a.ups == 1 && a.traces > 0 && a.filters == 1 && a.refused_stops == 1);
	assert_int_equal(b.filters, 0); /* nobody asked for it */
	assert_int_equal(sy_node_counts(tp_host_node(b.host)).outbound, 1);
	assert_ptr_equal(tp_host_loop(a.host), &loop);
	tp_host_stop(a.host);
	tp_host_stop(a.host); /* harmless */
	while (!a.stopped)
		uv_run(&loop, UV_RUN_ONCE);
	tp_host_free(a.host);
	tp_host_free(b.host); /* abruptly */
	while (uv_run(&loop, UV_RUN_DEFAULT) != 0)
		continue; /* the stop has stopped it once */
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_host_loop_of_its_own_ends_with_the_stop(void **state)
{
	const struct temp_dir *dir = *state;
	struct side s;
	struct tp_message msg;
	char first[128];
	side_init(&s, NULL);
	s.config.home = dir->path;
	side_start(&s);
	snprintf(first, sizeof first, "%.40s", tp_host_address(s.host));
	tp_host_stop(s.host);
	assert_int_equal(tp_host_run(s.host, &msg), SY_OK);
	assert_true(s.stopped);
	tp_host_free(s.host);
	s.config.listen = NULL;
	side_start(&s);
	assert_string_equal(tp_host_address(s.host), first); /* the home's key, and nobody can dial in */
	tp_host_free(s.host);
}

/* ---- what does not start ---- */

static enum sy_err try_new(struct side *s, const char *text)
{
	struct tp_message msg = {.text = ""};
	struct tp_host *host = NULL;
	enum sy_err err = tp_host_new(&host, &s->config, &msg);
	assert_null(host);
	assert_non_null(strstr(msg.text, text));
	return err;
}

static void test_host_new_says_what_is_wrong(void **state)
{
	static const char *const bad[] = {"nonsense"};
	const struct temp_dir *dir = *state;
	struct side s;
	char path[512];
	side_init(&s, NULL);
	s.config.node.network = NULL;
	assert_int_equal(try_new(&s, "which network?"), SY_NOT_FOUND);
	s.config.home = dir->path;
	assert_int_equal(try_new(&s, "genesis.json"), SY_NOT_FOUND);
	s.config.node.network = "net";
	s.config.listen = "tcp://nowhere";
	assert_int_equal(try_new(&s, "listen: \"tcp://nowhere\""), SY_ADDR_INVALID);
	s.config.listen = "tcp://198.51.100.1:0"; /* a documentation address: nobody's */
	assert_int_equal(try_new(&s, "listen: "), SY_UNREACHABLE);
	s.config.listen = "tcp://127.0.0.1:0";
	s.config.node.persistent_peers = bad;
	s.config.node.num_persistent_peers = 1;
	assert_int_equal(try_new(&s, "persistent_peers: "), SY_INVALID);
	s.config.node.num_persistent_peers = 0;
	temp_write(temp_path(dir, "config/addrbook.json", path), "{ broken");
	assert_int_equal(try_new(&s, "addrbook.json"), SY_PARSE);
	temp_write(temp_path(dir, "config/node_key.json", path), "{}");
	assert_int_equal(try_new(&s, "node_key.json"), SY_CORRUPT);
}

static void test_host_start_refuses_a_port_in_use(void **state)
{
	struct side a, b;
	struct tp_message msg;
	char where[128];
	(void)state;
	side_init(&a, NULL);
	side_start(&a);
	side_init(&b, NULL);
	snprintf(where, sizeof where, "tcp://%s", strchr(tp_host_address(a.host), '@') + 1);
	b.config.listen = where;
	assert_int_equal(tp_host_new(&b.host, &b.config, &msg), SY_OK);
	assert_int_equal(tp_host_start(b.host, &msg), SY_IN_USE);
	assert_non_null(strstr(msg.text, where));
	tp_host_free(b.host);
	tp_host_free(a.host);
	tp_host_free(NULL);
}

static void test_host_new_refuses_a_home_in_use(void **state)
{
	const struct temp_dir *dir = *state;
	struct side a, b;
	side_init(&a, NULL);
	a.config.home = dir->path;
	side_start(&a);
	side_init(&b, NULL);
	b.config.home = dir->path;
	assert_int_equal(try_new(&b, "in use by another node"), SY_IN_USE);
	tp_host_free(a.host);
	side_start(&b);
	tp_host_free(b.host);
}

static enum sy_err refuse_start(void *self, struct sy_ctx *ctx)
{
	return SY_NO_SEEDS;
}

static void test_host_start_tells_what_a_reactor_refuses(void **state)
{
	struct side s;
	struct tp_message msg;
	(void)state;
	side_init(&s, NULL);
	s.reactor.start = refuse_start;
	assert_int_equal(tp_host_new(&s.host, &s.config, &msg), SY_OK);
	assert_int_equal(tp_host_start(s.host, &msg), SY_NO_SEEDS);
	assert_int_equal(tp_host_run(s.host, &msg), SY_NO_SEEDS);
	tp_host_free(s.host);
}

/* ---- arguments ---- */

static void test_host_args_go_over_the_configuration(void **state)
{
	const char *words[] = {"p", "--home", "h", "--seed", "s1", "--seed=s2", "--peer", "p1", "--local", "--moniker", "m", NULL};
	struct tp_host_config config;
	struct tp_host_args args;
	(void)state;
	tp_host_config_init(&config, SY_PROFILE_DEFAULT);
	assert_int_equal(tp_host_take_args(&config, &args, 11, (char **)words), 0);
	assert_string_equal(config.home, "h");
	assert_string_equal(config.listen, "tcp://0.0.0.0:26656");
	assert_string_equal(config.node.moniker, "m");
	assert_int_equal(config.node.num_seeds, 2);
	assert_string_equal(config.node.seeds[1], "s2");
	assert_int_equal(config.node.num_persistent_peers, 1);
	assert_true(config.node.allow_duplicate_ip && !config.node.addr_book_strict);
}

static void test_host_args_refuse_too_many_of_a_list(void **state)
{
	const char *words[2 * TP_HOST_ARGS_LIST + 4] = {"p"};
	struct tp_host_config config;
	struct tp_host_args args;
	int n = 1;
	(void)state;
	for (uint32_t i = 0; i <= TP_HOST_ARGS_LIST; i++) {
		words[n++] = "--peer";
		words[n++] = "x";
	}
	tp_host_config_init(&config, SY_PROFILE_DEFAULT);
	assert_int_equal(tp_host_take_args(&config, &args, n, (char **)words), 2);
	assert_int_equal(config.node.num_persistent_peers, TP_HOST_ARGS_LIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_listen_parse_reads_what_configurations_say),
	    cmocka_unit_test(test_listen_parse_refuses_what_is_none),
	    cmocka_unit_test(test_host_two_in_one_loop_of_the_programs),
	    cmocka_unit_test_setup_teardown(test_host_loop_of_its_own_ends_with_the_stop, temp_dir_setup, temp_dir_teardown),
	    cmocka_unit_test_setup_teardown(test_host_new_says_what_is_wrong, temp_dir_setup, temp_dir_teardown),
	    cmocka_unit_test_setup_teardown(test_host_new_refuses_a_home_in_use, temp_dir_setup, temp_dir_teardown),
	    cmocka_unit_test(test_host_start_refuses_a_port_in_use),
	    cmocka_unit_test(test_host_start_tells_what_a_reactor_refuses),
	    cmocka_unit_test(test_host_args_go_over_the_configuration),
	    cmocka_unit_test(test_host_args_refuse_too_many_of_a_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
