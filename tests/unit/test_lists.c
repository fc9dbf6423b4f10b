/* Block and allow lists: files, rules, the book (D-36). The switch's part is in test_switch_lists. */
#include "core/book/lists.h"
#include "core/base/limits.h"
#include "core/wire/group.h"
#include "tests/support/bookfix.h"
#include "tests/support/report_run.h"
#include "tests/support/temp_dir.h"
#include "transport/files/list_file.h"

#include <stdio.h>
#include <stdlib.h>

#define ID "0123456789abcdef0123456789abcdef01234567"

/* Reads two texts as block and allow list. */
static enum sy_err read_lists(const char *block, const char *allow, struct tp_rules *rules, struct tp_message *msg)
{
	char dir[256], path[512];
	enum sy_err err = SY_OK;
	test_make_dir(dir);
	snprintf(path, sizeof path, "%s/list", dir);
	*rules = (struct tp_rules){0};
	if (block) {
		temp_write(path, block);
		err = tp_rules_read(rules, path, false, msg);
	}
	if (!err && allow) {
		temp_write(path, allow);
		err = tp_rules_read(rules, path, true, msg);
	}
	test_remove_dir(dir);
	return err;
}

static void ip_of(const char *text, uint8_t ip[16])
{
	assert_int_equal(sy_ip_parse(text, strlen(text), ip), SY_OK);
}

static bool refuses(const struct sy_lists *l, const char *id, const char *ip)
{
	struct sy_id parsed;
	uint8_t bytes[16];
	if (id)
		assert_int_equal(sy_id_parse(id, 40, &parsed, NULL), SY_OK);
	ip_of(ip, bytes);
	return sy_lists_refuses(l, id ? &parsed : NULL, bytes);
}

static void load(struct sy_lists *l, struct test_env *t, const char *block, const char *allow)
{
	struct tp_rules rules;
	struct tp_message msg = {.text = ""};
	if (read_lists(block, allow, &rules, &msg) != SY_OK)
		fail_msg("%s", msg.text);
	assert_int_equal(sy_lists_load(l, &t->env, (struct sy_span){rules.bytes, rules.len}), SY_OK);
	tp_rules_free(&rules);
}

static void test_lists_match_ids_addresses_and_networks(void **state)
{
	(void)state;
	struct test_env t;
	struct sy_lists l = {0};
	test_env_init(&t, 1);
	load(&l, &t, "# bad people\n" ID "  # him\n\n12.0.0.0/8\r\n13.1.2.3\n2600:1::/32\n14.0.0.0/15\n14.0.0.0/15", NULL);
	assert_int_equal(l.n, 5);
	assert_true(refuses(&l, ID, "99.0.0.1"));
	assert_false(refuses(&l, "ffffffffffffffffffffffffffffffffffffffff", "99.0.0.1"));
	assert_true(refuses(&l, NULL, "12.255.0.1"));
	assert_true(refuses(&l, NULL, "13.1.2.3"));
	assert_false(refuses(&l, NULL, "13.1.2.4"));
	assert_true(refuses(&l, NULL, "14.1.255.255"));
	assert_false(refuses(&l, NULL, "14.2.0.0"));
	assert_true(refuses(&l, NULL, "2600:1:ffff::1"));
	assert_false(refuses(&l, NULL, "2600:2::1"));
	sy_lists_fini(&l, &t.env);
	sy_lists_fini(&l, &t.env);
	test_env_check_empty(&t);
}

static void test_lists_allowing_wins_and_may_be_all(void **state)
{
	(void)state;
	struct test_env t;
	struct sy_lists l = {0};
	test_env_init(&t, 1);
	load(&l, &t, "12.0.0.0/8\n", "12.0.0.7\n" ID "\n");
	assert_true(refuses(&l, NULL, "12.0.0.8"));
	assert_false(refuses(&l, NULL, "12.0.0.7"));
	assert_false(refuses(&l, ID, "12.0.0.8"));
	assert_false(refuses(&l, NULL, "99.0.0.1"));
	assert_true(sy_lists_allow_ids(&l));
	l.allow_only = true;
	assert_true(refuses(&l, NULL, "99.0.0.1"));
	assert_false(refuses(&l, ID, "99.0.0.1"));
	load(&l, &t, NULL, "0.0.0.0/0\n");
	assert_true(l.allow_only); /* a new list changes the list only */
	assert_false(refuses(&l, NULL, "99.0.0.1"));
	assert_true(refuses(&l, NULL, "2600::1")); /* all of IPv4 is not all */
	assert_false(sy_lists_allow_ids(&l));
	sy_lists_fini(&l, &t.env);
	test_env_check_empty(&t);
}

static void test_lists_a_bad_line_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"12.0.0.0/8\nnobody\n", ":2: \"nobody\" is no id of 40 hex digits"},
	    {"12.0.0.0/33\n", ":1: \"12.0.0.0/33\" wants a prefix of 0 to 32 bits"},
	    {"12.0.0.0/\n", "wants a prefix"},
	    {"2600::/129", "wants a prefix of 0 to 128 bits"},
	    {"\n\n12.0.0.1/8", ":3: \"12.0.0.1/8\" has bits set behind its prefix"},
	    {"12.0.0.1 13.0.0.1\n", ":1:"},
	    {"012.0.0.1\n", ":1:"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tp_rules rules;
		struct tp_message msg = {.text = ""};
		assert_int_equal(read_lists(cases[i].text, NULL, &rules, &msg), SY_PARSE);
		if (!strstr(msg.text, cases[i].says))
			fail_msg("%s", msg.text);
		assert_int_equal(rules.len, 0);
		tp_rules_free(&rules);
	}
}

/* The limit is that of both files together; the line that passes it is told. */
static void test_lists_file_beyond_the_limit_is_told_with_its_line(void **state)
{
	const size_t line = strlen("10.0.0.1\n"), most = SY_LIMIT_LIST_RULES;
	char *text = malloc(most * line + 1), want[64];
	struct tp_message msg = {""};
	struct tp_rules rules;
	assert_non_null(text);
	for (size_t i = 0; i < most; i++)
		memcpy(text + i * line, "10.0.0.1\n", line + 1);
	assert_int_equal(read_lists(text, "# nobody\n\n", &rules, &msg), SY_OK);
	assert_int_equal(rules.len, most * SY_RULE_BYTES);
	tp_rules_free(&rules);
	assert_int_equal(read_lists(text, "# one\n10.0.0.2\n", &rules, &msg), SY_LIMIT);
	snprintf(want, sizeof want, "list:2: there may be %u rules at most", SY_LIMIT_LIST_RULES);
	assert_non_null(strstr(msg.text, want));
	assert_int_equal(rules.len, most * SY_RULE_BYTES); /* as before */
	tp_rules_free(&rules);
	free(text);
}

static void test_lists_refuse_rules_that_are_none_and_keep_the_old(void **state)
{
	(void)state;
	struct test_env t;
	struct sy_lists l = {0};
	uint8_t rule[2 * SY_RULE_BYTES] = {0}, ip[16];
	test_env_init(&t, 1);
	load(&l, &t, "12.0.0.0/8\n", NULL);
	ip_of("13.0.0.0", ip);
	sy_rule_of_net(rule, SY_RULE_BLOCK_NET, ip, 104);
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){rule, SY_RULE_BYTES - 1}), SY_PARSE);
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){rule, 2 * SY_RULE_BYTES}), SY_PARSE); /* kind 0 */
	rule[1] = 129;
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){rule, SY_RULE_BYTES}), SY_PARSE);
	rule[1] = 100; /* 13 has bits behind it */
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){rule, SY_RULE_BYTES}), SY_PARSE);
	rule[0] = SY_RULE_BLOCK_ID;
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){rule, SY_RULE_BYTES}), SY_PARSE);
	rule[0] = SY_RULE_KINDS;
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){rule, SY_RULE_BYTES}), SY_PARSE);
	static uint8_t many[(SY_LIMIT_LIST_RULES + 1) * SY_RULE_BYTES];
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){many, sizeof many}), SY_LIMIT);
	assert_true(refuses(&l, NULL, "12.0.0.1"));
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){NULL, 0}), SY_OK);
	assert_false(refuses(&l, NULL, "12.0.0.1"));
	sy_lists_fini(&l, &t.env);
	test_env_check_empty(&t);
}

/* Against the plain way: every rule, bit by bit. */
static void test_lists_sorted_look_is_the_plain_one(void **state)
{
	(void)state;
	static uint8_t rules[60 * SY_RULE_BYTES];
	struct test_env t;
	struct sy_lists l = {0};
	uint32_t x = 12345;
	test_env_init(&t, 1);
	for (uint32_t i = 0; i < 60; i++) {
		uint8_t ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
		x = x * 1664525u + 1013904223u;
		ip[12] = (uint8_t)(x >> 30);
		ip[13] = (uint8_t)(x >> 16);
		sy_rule_of_net(rules + i * SY_RULE_BYTES, SY_RULE_BLOCK_NET, ip, 96 + 6 + (x >> 10) % 11);
	}
	assert_int_equal(sy_lists_load(&l, &t.env, (struct sy_span){rules, sizeof rules}), SY_OK);
	for (uint32_t n = 0; n < 1024; n++) {
		uint8_t ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (uint8_t)(n >> 8), (uint8_t)n}, cut[SY_RULE_BYTES];
		bool plain = false;
		for (uint32_t i = 0; i < 60; i++) {
			sy_rule_of_net(cut, SY_RULE_BLOCK_NET, ip, rules[i * SY_RULE_BYTES + 1]);
			plain = plain || memcmp(cut, rules + i * SY_RULE_BYTES, SY_RULE_BYTES) == 0;
		}
		assert_int_equal(sy_lists_refuses(&l, NULL, ip), plain);
	}
	sy_lists_fini(&l, &t.env);
	test_env_check_empty(&t);
}

static void test_lists_keep_addresses_out_of_the_book(void **state)
{
	(void)state;
	struct fix f;
	struct sy_lists l = {0};
	open_book(&f, SY_PROFILE_DEFAULT);
	uint32_t inside = 0;
	for (uint32_t n = 1; n < 200; n++) {
		struct sy_netaddr a = test_addr_at(n, 12, (uint8_t)(n % 2), (uint8_t)n, 1, 26656), s = test_addr(9000);
		assert_int_equal(sy_book_add(f.book, &a, &s, NOW), SY_OK);
		if (n % 3 == 0)
			sy_book_mark_good(f.book, &a.id, NOW);
		inside += n % 2;
	}
	uint32_t before = sy_book_counts(f.book).total;
	load(&l, &f.t, "12.1.0.0/16\n", NULL);
	sy_book_set_lists(f.book, &l);
	uint32_t gone = sy_book_purge(f.book);
	assert_true(gone > 0 && gone <= inside);
	assert_int_equal(sy_book_counts(f.book).total, before - gone);
	assert_int_equal(sy_book_purge(f.book), 0);
	struct sy_netaddr a = test_addr_at(501, 12, 1, 0, 9, 26656), s = test_addr(9000), b = test_addr_at(502, 12, 2, 0, 9, 26656);
	assert_int_equal(sy_book_add(f.book, &a, &s, NOW), SY_BLOCKED);
	assert_int_equal(sy_book_add(f.book, &b, &s, NOW), SY_OK);
	sy_lists_fini(&l, &f.t.env);
	close_book(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lists_match_ids_addresses_and_networks),
	    cmocka_unit_test(test_lists_allowing_wins_and_may_be_all),
	    cmocka_unit_test(test_lists_a_bad_line_is_named),
	    cmocka_unit_test(test_lists_file_beyond_the_limit_is_told_with_its_line),
	    cmocka_unit_test(test_lists_refuse_rules_that_are_none_and_keep_the_old),
	    cmocka_unit_test(test_lists_sorted_look_is_the_plain_one),
	    cmocka_unit_test(test_lists_keep_addresses_out_of_the_book),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
