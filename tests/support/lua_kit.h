/* Scripts in tests: a bare sandbox that collects what is printed, and whole scenarios out of a text. */
#ifndef TESTS_SUPPORT_LUA_KIT_H
#define TESTS_SUPPORT_LUA_KIT_H

#include "sim/lua/sandbox.h"
#include "sim/lua/scenario.h"
#include "tests/support/temp_dir.h"

struct lua_kit {
	struct sandbox sb;
	char printed[8192]; /* lines with '\n' */
	uint64_t draws;
};

/* limits: 0 for ten million instructions and 64 MiB. file: the script's path, for require; null: "test.lua" of nowhere. */
void lua_kit_init(struct lua_kit *k, const char *file, uint64_t instructions, size_t memory);
void lua_kit_fini(struct lua_kit *k);
/* Runs the text as chunk "t.lua". True: it ended well; else k->sb.error. */
bool lua_kit_run(struct lua_kit *k, const char *text);

/* One text in a sandbox of its own: what it printed, or "error: ..."; a static buffer. */
const char *lua_prints(const char *text);
/* assert_string_equal(lua_prints(text), expected) that shows the text. */
void lua_expect(const char *text, const char *expected);
/* The text fails, and the error holds the phrase; it begins with "t.lua:LINE:". */
void lua_expect_error(const char *text, int line, const char *phrase);

/* A scenario out of a text: written to s.lua in the directory. */
struct scenario_kit {
	struct temp_dir dir;
	struct scenario *s;
	enum scenario_status loaded, ran;
	char error[SCENARIO_ERROR_TEXT];
	char log[16384]; /* "who: text" lines */
	const struct scenario_results *r;
};
/* setup: null crypto and seed 1; then as changed by the caller. params may be null. */
void scenario_kit_run(struct scenario_kit *k, const char *text, const struct scenario_options *options);
void scenario_kit_file(struct scenario_kit *k, const char *data_name, const struct scenario_options *options); /* tests/data/lua/NAME */
void scenario_kit_free(struct scenario_kit *k);
const struct scenario_check *scenario_kit_check(const struct scenario_kit *k, const char *name);
/* Fails the test with the error and all checks unless it ran and held. */
void scenario_kit_held(const struct scenario_kit *k);
/* The text does not load or run; the error holds the phrase and is at s.lua:LINE. */
void scenario_expect_error(const char *text, int line, const char *phrase);
/* The path of tests/data/lua/NAME or docs/NAME, looking upwards; a static buffer. */
const char *lua_kit_path(const char *below_root);

#endif
