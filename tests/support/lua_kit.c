#include "tests/support/lua_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "tests/support/unit.h"

static void add(char *to, size_t cap, const char *who, const char *text)
{
	size_t n = strlen(to);
	snprintf(to + n, cap - n, "%s%s%s\n", who, who[0] ? ": " : "", text);
}

static void on_print(void *ctx, const char *where, const char *text)
{
	struct lua_kit *k = ctx;
	add(k->printed, sizeof k->printed, "", text);
}

static bool on_random(void *ctx, uint64_t *word, const char **why)
{
	struct lua_kit *k = ctx;
	*word = sy_mix64(++k->draws * 0x9e3779b97f4a7c15u);
	return true;
}

void lua_kit_init(struct lua_kit *k, const char *file, uint64_t instructions, size_t memory)
{
	memset(k, 0, sizeof *k);
	struct sandbox_hooks hooks = {.ctx = k, .print = on_print, .random = on_random};
	assert_true(sandbox_init(&k->sb, file ? file : "/nowhere/test.lua", instructions ? instructions : 10000000,
	                         memory ? memory : (size_t)64 << 20, &hooks));
}

void lua_kit_fini(struct lua_kit *k)
{
	sandbox_fini(&k->sb);
	assert_true(k->sb.memory == 0);
}

struct chunk {
	const char *text;
};

static int load_chunk(lua_State *L)
{
	const struct chunk *c = lua_touserdata(L, 1);
	if (sandbox_load_text(L, c->text, strlen(c->text), "@t.lua") != LUA_OK)
		lua_error(L);
	return 1;
}

bool lua_kit_run(struct lua_kit *k, const char *text)
{
	struct chunk c = {text};
	lua_State *L = k->sb.L;
	lua_pushcfunction(L, load_chunk);
	lua_pushlightuserdata(L, &c);
	bool ok = sandbox_call(&k->sb, L, 1, 1) && sandbox_call(&k->sb, L, 0, 0);
	assert_int_equal(lua_gettop(L), 0);
	return ok;
}

const char *lua_prints(const char *text)
{
	static char out[8192 + 64];
	struct lua_kit k;
	lua_kit_init(&k, NULL, 0, 0);
	if (lua_kit_run(&k, text))
		snprintf(out, sizeof out, "%s", k.printed);
	else
		snprintf(out, sizeof out, "error: %s", k.sb.error);
	lua_kit_fini(&k);
	return out;
}

void lua_expect(const char *text, const char *expected)
{
	const char *got = lua_prints(text);
	if (strcmp(got, expected) != 0)
		print_error("script: %s\nprinted: %sexpected: %s", text, got, expected);
	assert_string_equal(got, expected);
}

static void expect_phrase(const char *text, const char *error, const char *file, int line, const char *phrase)
{
	char at[32];
	snprintf(at, sizeof at, "%s:%d: ", file, line);
	const char *found = strstr(error, at);
	if (!found || !strstr(error, phrase))
		print_error("script: %s\nerror: %s\nexpected: %s...%s\n", text, error, at, phrase);
	assert_non_null(found);
	assert_non_null(strstr(error, phrase));
}

void lua_expect_error(const char *text, int line, const char *phrase)
{
	const char *got = lua_prints(text);
	if (strncmp(got, "error: ", 7) != 0)
		print_error("script: %s\nprinted: %s\n", text, got);
	assert_true(strncmp(got, "error: t.lua:", 13) == 0);
	expect_phrase(text, got, "t.lua", line, phrase);
}

/* ------------------------------------------------------------------ scenarios */

static void on_log(void *ctx, uint64_t time_ns, const char *who, const char *text)
{
	struct scenario_kit *k = ctx;
	const char *slash = strrchr(who, '/');
	add(k->log, sizeof k->log, slash ? slash + 1 : who, text);
}

static void run_file(struct scenario_kit *k, const char *path, const struct scenario_options *options)
{
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true};
	if (options)
		o = *options;
	o.file = path;
	k->loaded = scenario_load(&k->s, &o, k->error);
	k->ran = k->loaded;
	if (k->loaded != SCENARIO_OK)
		return;
	struct scenario_hooks hooks = {.ctx = k, .log = on_log};
	k->ran = scenario_run(k->s, &hooks, k->error);
	k->r = scenario_results(k->s);
}

void scenario_kit_run(struct scenario_kit *k, const char *text, const struct scenario_options *options)
{
	memset(k, 0, sizeof *k);
	void *state;
	assert_int_equal(temp_dir_setup(&state), 0);
	struct temp_dir *dir = state;
	k->dir = *dir;
	char path[512];
	temp_write(temp_path(dir, "s.lua", path), text);
	run_file(k, path, options);
	assert_int_equal(temp_dir_teardown(&state), 0);
}

void scenario_kit_file(struct scenario_kit *k, const char *data_name, const struct scenario_options *options)
{
	char below[256];
	memset(k, 0, sizeof *k);
	snprintf(below, sizeof below, "tests/data/lua/%s", data_name);
	run_file(k, lua_kit_path(below), options);
}

void scenario_kit_free(struct scenario_kit *k)
{
	scenario_free(k->s);
	k->s = NULL;
}

const struct scenario_check *scenario_kit_check(const struct scenario_kit *k, const char *name)
{
	for (size_t i = 0; k->r && i < k->r->num_checks; i++)
		if (strcmp(k->r->checks[i].name, name) == 0)
			return &k->r->checks[i];
	print_error("no check '%s'\n", name);
	fail();
	return NULL;
}

void scenario_kit_held(const struct scenario_kit *k)
{
	if (k->ran != SCENARIO_OK || k->r->verdict != SCENARIO_HELD) {
		print_error("error: %s\nlog:\n%s", k->error, k->log);
		for (size_t i = 0; k->r && i < k->r->num_checks; i++)
			print_error("%s %s: %s\n", k->r->checks[i].held ? "held" : "FAILED", k->r->checks[i].name, k->r->checks[i].detail);
	}
	assert_int_equal(k->ran, SCENARIO_OK);
	assert_int_equal(k->r->verdict, SCENARIO_HELD);
}

void scenario_expect_error(const char *text, int line, const char *phrase)
{
	struct scenario_kit k;
	scenario_kit_run(&k, text, NULL);
	if (k.ran != SCENARIO_ERROR)
		print_error("script ran: %s\n", text);
	assert_int_equal(k.ran, SCENARIO_ERROR);
	if (line)
		expect_phrase(text, k.error, "s.lua", line, phrase);
	else
		assert_non_null(strstr(k.error, phrase));
	scenario_kit_free(&k);
}

const char *lua_kit_path(const char *below_root)
{
	static const char up[] = "../../../../../../../";
	static char path[512];
	for (size_t level = 0; level <= sizeof up / 3; level++) {
		snprintf(path, sizeof path, "%.*s%s", (int)(3 * level), up, below_root);
		if (access(path, R_OK) == 0)
			return path;
	}
	print_error("%s is nowhere above\n", below_root);
	fail();
	return NULL;
}
