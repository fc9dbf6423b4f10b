#include "core/base/limits.h"
#include "core/wire/cursor.h"
#include "core/wire/usermsg.h"
#include "testmsg.pb-c.h"
#include "tests/support/data.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

#define TREE (&testmsg__tree__descriptor)

/* A tree with two children, packed. */
static size_t sample(uint8_t *buf)
{
	Testmsg__Tree root = TESTMSG__TREE__INIT, a = TESTMSG__TREE__INIT, b = TESTMSG__TREE__INIT;
	Testmsg__Tree *children[] = {&a, &b};
	uint64_t numbers[] = {1, 300, UINT64_MAX};
	char name[] = "root", left[] = "left";
	root.name = name;
	root.n_children = 2;
	root.children = children;
	root.n_numbers = 3;
	root.numbers = numbers;
	a.name = left;
	b.payload.data = (uint8_t *)"bytes";
	b.payload.len = 5;
	assert_true(sy_usermsg_is(&root.base, TREE));
	assert_false(sy_usermsg_is(&root.base, &testmsg__packet__descriptor));
	sy_usermsg_encode(&root.base, buf);
	return sy_usermsg_size(&root.base);
}

static void test_usermsg_decode_returns_what_was_encoded(void **state)
{
	struct test_env t;
	struct ProtobufCMessage *m;
	uint8_t buf[128], again[128];
	test_env_init(&t, 1);
	size_t n = sample(buf);
	assert_int_equal(sy_usermsg_decode(&t.env, TREE, (struct sy_span){buf, n}, &m), SY_OK);
	assert_true(sy_usermsg_is(m, TREE));
	Testmsg__Tree *tree = (Testmsg__Tree *)m;
	assert_string_equal(tree->name, "root");
	assert_int_equal(tree->n_children, 2);
	assert_memory_equal(tree->children[1]->payload.data, "bytes", 5);
	assert_int_equal(tree->numbers[2], UINT64_MAX);
	assert_int_equal(sy_usermsg_size(m), n);
	sy_usermsg_encode(m, again);
	assert_memory_equal(again, buf, n);
	assert_true(t.peak_bytes <= n * SY_LIMIT_DECODE_FACTOR + 4096);
	sy_usermsg_free(&t.env, m);
	sy_usermsg_free(&t.env, NULL);
	test_env_check_empty(&t);
}

static void test_usermsg_decode_takes_an_empty_message(void **state)
{
	struct test_env t;
	struct ProtobufCMessage *m;
	test_env_init(&t, 1);
	assert_int_equal(sy_usermsg_decode(&t.env, TREE, (struct sy_span){NULL, 0}, &m), SY_OK);
	assert_non_null(m);
	sy_usermsg_free(&t.env, m);
	test_env_check_empty(&t);
}

static void test_usermsg_decode_refuses_what_does_not_parse(void **state)
{
	static const char *const bad[] = {"0a", "0a0561", "0801", "00", "0b0c", "1a01 0a", "1a03 0a0561", "0e"};
	struct test_env t;
	test_env_init(&t, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint8_t buf[16];
		struct ProtobufCMessage *m = (struct ProtobufCMessage *)buf;
		size_t n = test_hex(bad[i], buf, sizeof buf);
		if (sy_usermsg_decode(&t.env, TREE, (struct sy_span){buf, n}, &m) != SY_PEER_BAD_MESSAGE)
			fail_msg("%s", bad[i]);
		assert_null(m);
		test_env_check_empty(&t);
	}
}

static void test_usermsg_decode_survives_each_failing_allocation(void **state)
{
	struct test_env t;
	struct ProtobufCMessage *m;
	uint8_t buf[128];
	test_env_init(&t, 1);
	size_t n = sample(buf);
	for (int forever = 0; forever < 2; forever++) {
		uint64_t nth = 1;
		for (;; nth++) {
			test_env_fail_at(&t, nth, forever);
			uint64_t failed = t.failed;
			enum sy_err err = sy_usermsg_decode(&t.env, TREE, (struct sy_span){buf, n}, &m);
			if (t.failed == failed)
				break;
			assert_int_equal(err, SY_NO_MEMORY);
			assert_null(m);
			test_env_check_empty(&t);
		}
		assert_true(nth > 6);
		sy_usermsg_free(&t.env, m);
		test_env_check_empty(&t);
	}
}

/* A tree whose only branch is `depth` children deep, written from the inside. Returns where it begins; it ends at buf + cap. */
static uint8_t *nested(uint8_t *buf, size_t cap, unsigned depth)
{
	uint8_t *p = buf + cap;
	for (unsigned i = 0; i < depth; i++) {
		size_t len = (size_t)(buf + cap - p);
		struct sy_writer w = sy_writer_of(p - 1 - sy_uvarint_size(len), 1 + sy_uvarint_size(len));
		sy_write_u8(&w, 0x1a);
		sy_write_uvarint(&w, len);
		p -= sy_written(&w);
	}
	return p;
}

static void test_usermsg_decode_bounds_the_depth(void **state)
{
	static uint8_t buf[4 * 1024 * 1024];
	static const unsigned depths[] = {SY_LIMIT_MESSAGE_DEPTH, SY_LIMIT_MESSAGE_DEPTH + 1, 500000};
	struct test_env t;
	test_env_init(&t, 1);
	for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
		struct ProtobufCMessage *m;
		uint8_t *p = nested(buf, sizeof buf, depths[i]);
		enum sy_err err = sy_usermsg_decode(&t.env, TREE, (struct sy_span){p, (size_t)(buf + sizeof buf - p)}, &m);
		assert_int_equal(err, i == 0 ? SY_OK : SY_PEER_BAD_MESSAGE);
		sy_usermsg_free(&t.env, m);
		test_env_check_empty(&t);
	}
}

static void test_usermsg_decode_bounds_the_memory(void **state)
{
	/* Empty children: two bytes each on the wire, far more in memory. */
	static uint8_t buf[40000];
	struct test_env t;
	struct ProtobufCMessage *m;
	test_env_init(&t, 1);
	for (size_t i = 0; i < sizeof buf; i += 2) {
		buf[i] = 0x1a;
		buf[i + 1] = 0;
	}
	assert_int_equal(sy_usermsg_decode(&t.env, TREE, (struct sy_span){buf, sizeof buf}, &m), SY_PEER_BAD_MESSAGE);
	assert_null(m);
	assert_true(t.peak_bytes <= sizeof buf * SY_LIMIT_DECODE_FACTOR + 4096);
	test_env_check_empty(&t);
	/* A handful fits the fixed part. */
	assert_int_equal(sy_usermsg_decode(&t.env, TREE, (struct sy_span){buf, 20}, &m), SY_OK);
	sy_usermsg_free(&t.env, m);
	test_env_check_empty(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_usermsg_decode_returns_what_was_encoded),
	    cmocka_unit_test(test_usermsg_decode_takes_an_empty_message),
	    cmocka_unit_test(test_usermsg_decode_refuses_what_does_not_parse),
	    cmocka_unit_test(test_usermsg_decode_survives_each_failing_allocation),
	    cmocka_unit_test(test_usermsg_decode_bounds_the_depth),
	    cmocka_unit_test(test_usermsg_decode_bounds_the_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
