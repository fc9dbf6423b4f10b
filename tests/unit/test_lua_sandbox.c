#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/lua_kit.h"
#include "tests/support/unit.h"

/* ------------------------------------------------------------------ order */

static void test_sandbox_pairs_goes_numbers_texts_booleans(void **state)
{
	lua_expect("local t = { z = 1, [3] = 1, a = 1, [true] = 1, [-1] = 1, [false] = 1, ['2'] = 1, [1] = 1, [2.5] = 1 }\n"
	           "local s = {} for k in pairs(t) do s[#s + 1] = tostring(k) end print(table.concat(s, ' '))",
	           "-1 1 2.5 3 2 a z false true\n");
}

static void test_sandbox_pairs_is_the_same_whatever_the_history(void **state)
{
	const char *forth = "local t = {} for i = 1, 200 do t['k' .. i] = i; t[i] = i end local s = 0\n"
	                    "for k, v in pairs(t) do s = (s * 31 + v + #tostring(k)) % 1000003 end print(s)";
	const char *back = "local t = {} for i = 200, 1, -1 do t[i] = i; t['k' .. i] = i end local s = 0\n"
	                   "for k, v in pairs(t) do s = (s * 31 + v + #tostring(k)) % 1000003 end print(s)";
	char first[64];
	snprintf(first, sizeof first, "%s", lua_prints(forth));
	assert_string_equal(lua_prints(back), first);
}

static void test_sandbox_pairs_allows_taking_out_and_respects_metamethods(void **state)
{
	lua_expect("local t = { a = 1, b = 2, c = 3 } for k in pairs(t) do t.b = nil; print(k) end", "a\nc\n");
	lua_expect("local t = setmetatable({}, { __pairs = function() return next, { q = 1 }, nil end }) for k in pairs(t) do print(k) end",
	           "q\n");
	lua_expect("print(next({}), next({ b = 1, a = 2 }))", "nil\ta\t2\n");
	lua_expect("local t = { 5, 6, x = 7 } local k, v = next(t) while k do print(k, v) k, v = next(t, k) end", "1\t5\n2\t6\nx\t7\n");
}

static void test_sandbox_pairs_refuses_tables_as_keys(void **state)
{
	lua_expect_error("\nlocal t = { [{}] = 1 }\nfor k in pairs(t) do end", 3, "a table as a key has no order");
	lua_expect_error("next({ [print] = 1 })", 1, "a function as a key has no order");
	lua_expect("local k = {} local t = { [k] = 5 } print(t[k])", "5\n");
}

static void test_sandbox_sort_is_stable(void **state)
{
	lua_expect(
	    "local t = {} for i = 1, 50 do t[i] = { k = i % 3, i = i } end\n"
	    "table.sort(t, function(a, b) return a.k < b.k end)\n"
	    "local ok = true for i = 2, 50 do ok = ok and (t[i - 1].k < t[i].k or t[i - 1].k == t[i].k and t[i - 1].i < t[i].i) end print(ok)",
	    "true\n");
	lua_expect("local t = { 3, 1, 2 } table.sort(t) print(table.concat(t, ','))", "1,2,3\n");
	lua_expect("local t = { 'b', 'a', 'C' } table.sort(t) print(table.concat(t, ','))", "C,a,b\n");
	lua_expect("local t = {} table.sort(t) print(#t)", "0\n");
	lua_expect("local t = { 2, 1 } table.sort(t, function() return true end) print(#t)", "2\n");
	lua_expect_error("table.sort({ 1, 'x' })", 1, "attempt to compare");
	lua_expect_error("table.sort({ 1, 2 }, 5)", 1, "function expected");
}

/* ------------------------------------------------------------------ nothing of the machine */

static void test_sandbox_prints_no_addresses(void **state)
{
	lua_expect("print({}, print, coroutine.create(print), function() end)", "table\tfunction\tthread\tfunction\n");
	lua_expect("print(tostring({}), string.format('%s|%5s|%q', {}, print, 'a'))", "table\ttable|function|\"a\"\n");
	lua_expect("print(setmetatable({}, { __tostring = function() return 'me' end }), setmetatable({}, { __name = 'Kind' }))", "me\tKind\n");
	lua_expect_error("string.format('%p', {})", 1, "%p would print an address");
	lua_expect_error("\n('%p'):format({})", 2, "%p would print an address");
	lua_expect_error("error({})", 1, "table");
	lua_expect_error("string.format('%a', 1)", 1, "%a is not available");
}

static void test_sandbox_formats_as_stock_lua_does(void **state)
{
	lua_expect("print(('%d %5.2f %x %%s %s %-4sx %q'):format(3, 1.5, 255, true, 'a', 'b'))", "3  1.50 ff %s true a   x \"b\"\n");
	lua_expect("print(0/0, -(0/0), ('%.1f %g'):format(0/0, -(0/0)), 1/0, 1e15, 3 // 2, 7.0)", "nan\tnan\tnan nan\tinf\t1e+15\t1\t7.0\n");
	lua_expect_error("('%d'):format('x')", 1, "number expected, got string");
	lua_expect_error("('%s'):format()", 1, "no value");
}

static void test_sandbox_has_no_way_out(void **state)
{
	static const char *const gone[] = {"os",
	                                   "io",
	                                   "debug",
	                                   "package",
	                                   "dofile('x')",
	                                   "loadfile('x')",
	                                   "collectgarbage()",
	                                   "warn('x')",
	                                   "string.dump(print)",
	                                   "coroutine.running()"};
	for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
		char text[128];
		snprintf(text, sizeof text, "local x = %s if x == nil then error('gone') end", gone[i]);
		assert_true(strncmp(lua_prints(text), "error: t.lua:1: ", 16) == 0);
	}
	lua_expect("print(getmetatable(''), rawget(_G, 'os'), rawget(_G, 'debug'))", "false\tnil\tnil\n");
	lua_expect_error("getmetatable('').__index.format = nil", 1, "attempt to index a boolean");
}

static void test_sandbox_takes_no_bytecode(void **state)
{
	lua_expect("print(load('\\27Lua'))", "nil\t(load):1: this is bytecode; only source text is run\n");
	lua_expect_error("load('x = 1', 'n', 'b')", 1, "only text is loaded");
	lua_expect_error("load(function() end)", 1, "takes text");
	lua_expect("print(load('return 1 + 1')())", "2\n");
	lua_expect("local e = { y = 4 } print(load('return y', 'n', 't', e)())", "4\n");
	lua_expect("print(load('return (('))", "nil\t(load):1: unexpected symbol near <eof>\n");
	lua_expect(
	    "print(load('return 2 ^ 3', '@m.lua'))",
	    "nil\tm.lua:1: the operator ^ is not available: its last digits differ between machines; math.pow(x, n) takes whole exponents\n");
}

static void test_sandbox_scan_refuses_what_depends_on_the_machine(void **state)
{
	lua_expect_error("local x = 1\nlocal y = x ^ 2", 2, "the operator ^");
	lua_expect("-- 2 ^ 3\nprint('^', [[^]], \"a\\\"^\", [==[ ]] ^ ]==]) --[[ ^\n ^ ]] print('z\\z\n   ^')", "^\t^\ta\"^\t ]] ^ \nz^\n");
	lua_expect_error("local t = {}\nt.__gc = 1", 2, "__gc and __mode");
	lua_expect_error("local t = { ['__mode'] = 'k' }", 1, "__gc and __mode");
	lua_expect_error("local m = { ['__' .. 'gc'] = print } setmetatable({}, m)", 1, "__gc is not available");
	lua_expect("print('__gc is a word', '__modes')", "__gc is a word\t__modes\n");
}

static void test_sandbox_math_is_exact_or_refused(void **state)
{
	lua_expect(
	    "print(math.sqrt(2) * math.sqrt(2) > 1.9, math.floor(-1.5), math.fmod(7, 3), math.type(1), math.pow(2, 10), math.pow(2, -1))",
	    "true\t-2\t1\tinteger\t1024.0\t0.5\n");
	lua_expect_error("\nmath.sin(1)", 2, "math.sin is not available");
	lua_expect_error("math.log(8, 2)", 1, "math.log is not available");
	lua_expect_error("math.pow(2, 0.5)", 1, "no integer representation");
	lua_expect_error("math.randomseed(1)", 1, "the seed is the run's");
	lua_expect_error("print(('2') ^ 3)", 1, "the operator ^");
}

static void test_sandbox_random_stays_in_range_and_comes_from_the_hook(void **state)
{
	lua_expect("for i = 1, 1000 do local r = math.random() assert(r >= 0 and r < 1) end\n"
	           "local seen = {} for i = 1, 500 do local r = math.random(3, 5) assert(r >= 3 and r <= 5) seen[r] = true end\n"
	           "print(seen[3] and seen[4] and seen[5], math.random(1), math.type(math.random(0)))",
	           "true\t1\tinteger\n");
	char first[64];
	snprintf(first, sizeof first, "%s", lua_prints("print(math.random(1000000), math.random(1000000))"));
	assert_string_equal(lua_prints("print(math.random(1000000), math.random(1000000))"), first);
	lua_expect_error("math.random(2, 1)", 1, "interval is empty");
	lua_expect("print(math.random(math.mininteger, math.maxinteger) ~= nil)", "true\n");
}

/* ------------------------------------------------------------------ errors and limits */

static void test_sandbox_errors_carry_file_and_line(void **state)
{
	lua_expect_error("\n\nlocal x = nil + 1", 3, "attempt to perform arithmetic");
	lua_expect_error("x = = 2", 1, "unexpected symbol");
	lua_expect_error("\nerror('boom')", 2, "boom");
	lua_expect_error("\nerror('boom', 0)", 2, "boom");
	lua_expect_error("\nerror()", 2, "nil");
	lua_expect_error("\nassert(false, 'said so')", 2, "said so");
	lua_expect_error("local co = coroutine.wrap(function()\n error('inside') end)\nco()", 2, "inside");
	lua_expect("print(xpcall(function(a, b) return a + b end, print, 1, 2))", "true\t3\n");
	lua_expect("print(xpcall(function() error('x', 0) end, function(m) return m .. '!' end))", "false\tx!\n");
	lua_expect("print(select('#', xpcall(function() end, print)), pcall(error))", "1\tfalse\tnil\n");
	lua_expect("local co = coroutine.wrap(function() return xpcall(coroutine.yield, print, 7) end) print(co()) print(co(8))",
	           "7\ntrue\t8\n");
	lua_expect_error("setmetatable({}, { __index = function(t, k) error('k ' .. k) end }).abc()", 1, "k abc");
}

static void loops(const char *text, int line)
{
	char at[32];
	struct lua_kit k;
	lua_kit_init(&k, NULL, 200000, 0);
	assert_false(lua_kit_run(&k, text));
	snprintf(at, sizeof at, "t.lua:%d: ", line);
	assert_true(strncmp(k.sb.error, "t.lua:", 6) == 0);
	assert_non_null(strstr(k.sb.error, at)); /* coroutine.wrap puts its own place before that of the error */
	assert_non_null(strstr(k.sb.error, "the script ran 200000 instructions without giving way"));
	/* The next call has its own allowance. */
	assert_true(lua_kit_run(&k, "for i = 1, 1000 do end"));
	lua_kit_fini(&k);
}

static void test_sandbox_endless_loops_end(void **state)
{
	loops("\nwhile true do end", 2);
	loops("while true do pcall(function() while true do end end) end", 1);
	loops("while true do\n coroutine.wrap(function()\n while true do end end)() end", 3);
	loops("local function f() return f() end f()", 1);
	loops("while true do xpcall(function() while true do end end, function() while true do end end) end", 1);
	loops("while true do xpcall(error, function() while true do end end) end", 1);
	loops("local t <close> = setmetatable({}, { __close = function() while true do end end }) while true do end", 1);
	loops("error(setmetatable({}, { __tostring = function() while true do end end }))", 1);
	loops("while true do coroutine.resume(coroutine.create(function() while true do end end)) end", 1);
}

static void test_sandbox_recursion_ends(void **state)
{
	struct lua_kit k;
	lua_kit_init(&k, NULL, 0, (size_t)256 << 20);
	assert_false(lua_kit_run(&k, "local function f() return 1 + f() end f()"));
	assert_true(strncmp(k.sb.error, "t.lua:1: stack overflow", 23) == 0);
	lua_kit_fini(&k);
	lua_expect_error("local s = ('x'):rep(100) local t = setmetatable({}, {}) getmetatable(t).__index = t print(t.x)", 1, "loop");
}

static void test_sandbox_memory_ends(void **state)
{
	struct lua_kit k;
	lua_kit_init(&k, NULL, 100000000, (size_t)4 << 20);
	assert_false(lua_kit_run(&k, "local t = {}\nfor i = 1, 1e9 do\n t[i] = ('x'):rep(100) .. i\nend"));
	if (strncmp(k.sb.error, "t.lua:3: the script uses more than 4 MiB of memory", 30) != 0)
		print_error("%s\n", k.sb.error);
	assert_true(strncmp(k.sb.error, "t.lua:", 6) == 0);
	assert_non_null(strstr(k.sb.error, "the script uses more than 4 MiB of memory"));
	assert_true(k.sb.memory_peak <= (size_t)4 << 20);
	assert_false(lua_kit_run(&k, "\nlocal s = ('x'):rep(1 << 30)"));
	assert_non_null(strstr(k.sb.error, "t.lua:2: "));
	assert_true(lua_kit_run(&k, "print('lives')"));
	assert_string_equal(k.printed, "lives\n");
	lua_kit_fini(&k);
}

/* ------------------------------------------------------------------ require */

static void put_file(const struct temp_dir *dir, const char *name, const char *text)
{
	char path[512];
	temp_write(temp_path(dir, name, path), text);
}

static void test_sandbox_require_reaches_files_beside(void **state)
{
	struct temp_dir *dir = *state;
	struct lua_kit k;
	char path[512];
	put_file(dir, "m.lua", "print('once') return { v = ... }");
	put_file(dir, "bad.lua", "\nreturn 1 ^ 2");
	put_file(dir, "me.lua", "return require 'me'");
	put_file(dir, "hash.lua", "#!/usr/bin/env switchyard\nreturn 1 + nil");
	lua_kit_init(&k, temp_path(dir, "s.lua", path), 0, 0);
	assert_true(lua_kit_run(&k, "print(require('m').v, require 'm' == require 'm')"));
	assert_string_equal(k.printed, "once\nm\ttrue\n");
	assert_false(lua_kit_run(&k, "require 'bad'"));
	assert_non_null(strstr(k.sb.error, "bad.lua:2: the operator ^"));
	assert_false(lua_kit_run(&k, "require 'me'"));
	assert_non_null(strstr(k.sb.error, "requires itself"));
	assert_false(lua_kit_run(&k, "require 'hash'"));
	assert_non_null(strstr(k.sb.error, "hash.lua:2: "));
	assert_false(lua_kit_run(&k, "\nrequire 'none'"));
	assert_non_null(strstr(k.sb.error, "cannot be read"));
	lua_kit_fini(&k);
}

static void test_sandbox_require_reaches_nothing_else(void **state)
{
	struct temp_dir *dir = *state;
	struct lua_kit k;
	char path[512], outside[512];
	static const char *const names[] = {"/etc/passwd", "../x", "a/../../x", "..", "", "a\\\\b"};
	lua_kit_init(&k, temp_path(dir, "s.lua", path), 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[128];
		snprintf(text, sizeof text, "require '%s'", names[i]);
		assert_false(lua_kit_run(&k, text));
		assert_non_null(strstr(k.sb.error, "is not beside or below the scenario"));
	}
	/* Nor through a symbolic link. */
	snprintf(outside, sizeof outside, "%s.lua", dir->path);
	temp_write(outside, "return 1");
	assert_int_equal(symlink(outside, temp_path(dir, "link.lua", path)), 0);
	assert_false(lua_kit_run(&k, "require 'link'"));
	assert_non_null(strstr(k.sb.error, "is not beside or below the scenario"));
	assert_int_equal(unlink(outside), 0);
	lua_kit_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sandbox_pairs_goes_numbers_texts_booleans),
	    cmocka_unit_test(test_sandbox_pairs_is_the_same_whatever_the_history),
	    cmocka_unit_test(test_sandbox_pairs_allows_taking_out_and_respects_metamethods),
	    cmocka_unit_test(test_sandbox_pairs_refuses_tables_as_keys),
	    cmocka_unit_test(test_sandbox_sort_is_stable),
	    cmocka_unit_test(test_sandbox_prints_no_addresses),
	    cmocka_unit_test(test_sandbox_formats_as_stock_lua_does),
	    cmocka_unit_test(test_sandbox_has_no_way_out),
	    cmocka_unit_test(test_sandbox_takes_no_bytecode),
	    cmocka_unit_test(test_sandbox_scan_refuses_what_depends_on_the_machine),
	    cmocka_unit_test(test_sandbox_math_is_exact_or_refused),
	    cmocka_unit_test(test_sandbox_random_stays_in_range_and_comes_from_the_hook),
	    cmocka_unit_test(test_sandbox_errors_carry_file_and_line),
	    cmocka_unit_test(test_sandbox_endless_loops_end),
	    cmocka_unit_test(test_sandbox_recursion_ends),
	    cmocka_unit_test(test_sandbox_memory_ends),
	    cmocka_unit_test_setup_teardown(test_sandbox_require_reaches_files_beside, temp_dir_setup, temp_dir_teardown),
	    cmocka_unit_test_setup_teardown(test_sandbox_require_reaches_nothing_else, temp_dir_setup, temp_dir_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
