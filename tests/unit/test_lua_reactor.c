#include "sim/lua/lua_reactor.h"

#include <stdio.h>

#include "sim/world/world.h"
#include "tests/support/lua_kit.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

struct side {
	struct world *w;
	struct world_node *n;
	struct lua_reactor *r;
	char log[2048];
	char failed[LUA_REACTOR_ERROR_TEXT];
};

static uint64_t on_now(void *ctx)
{
	return world_now_ns(((struct side *)ctx)->w);
}

static uint64_t on_rand(void *ctx)
{
	return 4;
}

static const struct sy_node *on_node(void *ctx)
{
	struct side *s = ctx;
	return s->n ? world_node_core(s->n) : NULL;
}

static void on_log(void *ctx, const char *who, const char *text)
{
	struct side *s = ctx;
	size_t n = strlen(s->log);
	snprintf(s->log + n, sizeof s->log - n, "%s: %s\n", who, text);
}

static void on_failed(void *ctx, const char *error)
{
	struct side *s = ctx;
	assert_string_equal(s->failed, "");
	snprintf(s->failed, sizeof s->failed, "%s", error);
}

static struct lua_reactor_host host_of_side(struct side *s, const char *name)
{
	return (struct lua_reactor_host){.ctx = s,
	                                 .node_name = name,
	                                 .profile = SY_PROFILE_UPSTREAM,
	                                 .now_ns = on_now,
	                                 .rand = on_rand,
	                                 .node = on_node,
	                                 .log = on_log,
	                                 .failed = on_failed};
}

static void side_init(struct side *s, struct world *w, const char *name)
{
	char error[LUA_REACTOR_ERROR_TEXT] = "";
	struct lua_reactor_host host = host_of_side(s, name);
	const char *what = NULL;
	s->w = w;
	enum sy_err err = lua_reactor_load(&s->r, lua_kit_path("tests/data/lua/echo_reactor.lua"), &host, error);
	if (err != SY_OK)
		print_error("%s\n", error);
	assert_int_equal(err, SY_OK);
	struct world_node_config c = {.name = name, .reactors = lua_reactor_table(s->r), .num_reactors = 1};
	sy_config_init(&c.p2p, SY_PROFILE_DEFAULT);
	c.p2p.network = "test";
	c.p2p.moniker = name;
	assert_int_equal(world_node_add(w, &c, &s->n, &what), SY_OK);
	assert_int_equal(world_node_start(s->n), SY_OK);
}

static void test_lua_reactor_runs_in_a_node_and_is_left_alone_after_an_error(void **state)
{
	static struct side a, b;
	struct world_options o = {.kind = WORLD_SIM, .seed = 1, .null_crypto = true};
	struct world_listener listener = {0};
	struct world *w;
	const char *what;
	assert_int_equal(world_new(&w, &o, &listener, &what), SY_OK);
	side_init(&a, w, "a");
	side_init(&b, w, "b");
	struct sy_input in = {.kind = SY_IN_DIAL};
	world_node_address(b.n, &in.addr);
	assert_int_equal(world_node_input(a.n, &in).err, SY_OK);
	assert_true(world_run(w, UINT64_C(10000000000), UINT64_MAX));
	assert_non_null(strstr(a.log, "a: starts on a, upstream, nil\n"));
	assert_non_null(strstr(a.log, "a: timer 3, "));
	assert_non_null(strstr(a.log, "a: outbound peer "));
	assert_non_null(strstr(a.log, "a: got hello 1 2\n"));
	assert_non_null(strstr(b.log, "b: inbound peer "));
	assert_non_null(strstr(b.log, "b: got hello 1 3\n"));
	assert_null(strstr(b.log, "b: got hello 1 4\n"));
	assert_non_null(strstr(b.failed, "echo_reactor.lua:12: enough"));
	assert_string_equal(a.failed, "");
	assert_int_equal(sy_node_counts(world_node_core(b.n)).total, 1);
	world_free(w);
	lua_reactor_free(a.r);
	lua_reactor_free(b.r);
	lua_reactor_free(NULL);
}

static void refused(const struct temp_dir *dir, const char *text, const char *phrase)
{
	char path[512], error[LUA_REACTOR_ERROR_TEXT] = "";
	struct side s = {0};
	struct lua_reactor_host host = host_of_side(&s, "n");
	struct lua_reactor *r;
	temp_write(temp_path(dir, "r.lua", path), text);
	assert_int_equal(lua_reactor_load(&r, path, &host, error), SY_INVALID);
	assert_null(r);
	if (!strstr(error, phrase))
		print_error("%s\n", error);
	assert_non_null(strstr(error, phrase));
}

static void test_lua_reactor_refuses_what_is_no_reactor(void **state)
{
	struct temp_dir *dir = *state;
	refused(dir, "return {}", "does not return a reactor");
	refused(dir, "\nreturn reactor { nam = 'x' }", "r.lua:2: reactor: unknown key 'nam'");
	refused(dir, "\nlocal x = nil + 1", "r.lua:2: attempt to perform arithmetic");
	refused(dir, "\nnetwork {}", "r.lua:2: unknown name 'network'");
	refused(dir, "return return", "r.lua:1: ");
	char error[LUA_REACTOR_ERROR_TEXT] = "";
	struct side s = {0};
	struct lua_reactor_host host = host_of_side(&s, "n");
	struct lua_reactor *r;
	assert_int_equal(lua_reactor_load(&r, "/nowhere/r.lua", &host, error), SY_INVALID);
	assert_non_null(strstr(error, "cannot be read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lua_reactor_runs_in_a_node_and_is_left_alone_after_an_error),
	    cmocka_unit_test_setup_teardown(test_lua_reactor_refuses_what_is_no_reactor, temp_dir_setup, temp_dir_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
