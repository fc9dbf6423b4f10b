#include "core/wire/cursor.h"
#include "tests/support/data.h"
#include "tests/support/unit.h"

static struct sy_reader reader_of_hex(const char *hex, uint8_t *buf, size_t cap)
{
	return sy_reader_of(buf, test_hex(hex, buf, cap));
}

static void test_cursor_uvarint_reads_up_to_ten_bytes(void **state)
{
	static const struct {
		const char *hex;
		bool ok;
		uint64_t value;
	} rows[] = {
	    {"00", true, 0},
	    {"7f", true, 127},
	    {"8001", true, 128},
	    {"8000", true, 0}, /* not the shortest form */
	    {"ffffffffffffffffff01", true, UINT64_MAX},
	    {"80808080808080808000", true, 0},
	    {"ffffffffffffffffff02", false, 0},
	    {"8080808080808080808001", false, 0},
	    {"80", false, 0},
	    {"", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[16];
		struct sy_reader r = reader_of_hex(rows[i].hex, buf, sizeof buf);
		assert_int_equal(sy_read_uvarint(&r), rows[i].value);
		assert_int_equal(r.bad, !rows[i].ok);
		assert_true(sy_reader_done(&r));
	}
}

static void test_cursor_failure_sticks(void **state)
{
	struct sy_reader r = sy_reader_of("\x01\x02", 2);
	assert_int_equal(sy_read_bytes(&r, 3).len, 0);
	assert_true(r.bad);
	assert_int_equal(sy_read_u8(&r), 0);
	assert_int_equal(sy_read_uvarint(&r), 0);
	assert_null(sy_read_bytes(&r, 0).ptr);
	struct sy_field field;
	assert_false(sy_read_field(&r, &field));
	assert_true(r.bad);
	r = sy_reader_of(NULL, 0);
	assert_true(sy_reader_done(&r) && !r.bad);
}

static void test_cursor_field_reads_each_wire_type(void **state)
{
	uint8_t buf[64];
	struct sy_field f;
	struct sy_reader r =
	    reader_of_hex("08 9601  11 0807060504030201  1a 03616263  25 04030201  2b 0801 2c  f8ffffff07 05", buf, sizeof buf);
	assert_true(sy_read_field(&r, &f) && f.number == 1 && f.type == 0 && f.value == 150);
	assert_true(sy_read_field(&r, &f) && f.number == 2 && f.type == 1 && f.value == 0x0102030405060708ull);
	assert_true(sy_read_field(&r, &f) && f.number == 3 && f.type == 2 && f.span.len == 3);
	assert_memory_equal(f.span.ptr, "abc", 3);
	assert_true(sy_read_field(&r, &f) && f.number == 4 && f.type == 5 && f.value == 0x01020304);
	assert_true(sy_read_field(&r, &f) && f.number == 5 && f.type == 3 && f.span.len == 2);
	assert_true(sy_read_field(&r, &f) && f.number == 0x0fffffff && f.value == 5);
	assert_false(sy_read_field(&r, &f));
	assert_false(r.bad);
}

static void test_cursor_field_keeps_the_rules_of_the_generated_code(void **state)
{
	static const struct {
		const char *hex;
		bool ok;
	} rows[] = {
	    {"", true},
	    {"0a00", true},
	    {"0800", true},
	    {"08ffffffffffffffffff7f", true},     /* bits beyond 64 are dropped */
	    {"0880808080808080808080 01", false}, /* an eleventh byte */
	    {"0000", false},                      /* field number 0 */
	    {"0200", false},
	    {"f8ffffff3f 00", true},  /* number 2^31 - 1 */
	    {"8080808040 00", false}, /* number 2^31 */
	    {"08", false},            /* no value */
	    {"0880", false},
	    {"0a05616263", false},             /* short of its length */
	    {"0affffffffffffffffff01", false}, /* a length beyond all memory */
	    {"0901020304050607", false},
	    {"0d010203", false},
	    {"0b0c", true},     /* an empty group */
	    {"0b0b0c0c", true}, /* nested */
	    {"0b0b0c", false},  /* one end is missing */
	    {"0b", false},
	    {"0c", false}, /* an end without a beginning */
	    {"0b 0801 0d01020304 090102030405060708 0a0161 0c", true},
	    {"0b 0a0561 0c", false}, /* broken inside */
	    {"0b 0e 0c", false},     /* unknown wire type inside */
	    {"0e", false},           /* wire types 6 and 7 do not exist */
	    {"0f", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[64];
		size_t n = test_hex(rows[i].hex, buf, sizeof buf);
		if (sy_read_well_formed((struct sy_span){buf, n}) != rows[i].ok)
			fail_msg("%s", rows[i].hex);
	}
}

static void test_cursor_group_may_nest_without_recursion(void **state)
{
	enum { DEPTH = 100000 };
	static uint8_t deep[2 * DEPTH];
	memset(deep, 0x0b, DEPTH);
	memset(deep + DEPTH, 0x0c, DEPTH);
	assert_true(sy_read_well_formed((struct sy_span){deep, sizeof deep}));
	assert_false(sy_read_well_formed((struct sy_span){deep, sizeof deep - 1}));
}

static void test_cursor_writer_writes_what_the_reader_reads(void **state)
{
	uint8_t buf[64];
	struct sy_field f;
	struct sy_writer w = sy_writer_of(buf, sizeof buf);
	sy_write_field_varint(&w, 1, 0);
	sy_write_field_bytes(&w, 2, "", 0);
	assert_int_equal(sy_written(&w), 0);
	sy_write_field_varint(&w, 1, UINT64_MAX);
	sy_write_field_bytes(&w, 2, "hello", 5);
	sy_write_message(&w, 300, NULL, 0);
	struct sy_reader r = sy_reader_of(buf, sy_written(&w));
	assert_true(sy_read_field(&r, &f) && f.number == 1 && f.value == UINT64_MAX);
	assert_true(sy_read_field(&r, &f) && f.number == 2 && f.span.len == 5);
	assert_true(sy_read_field(&r, &f) && f.number == 300 && f.span.len == 0);
	assert_true(sy_reader_done(&r) && !r.bad);
}

static void test_cursor_writer_refuses_what_does_not_fit(void **state)
{
	uint8_t buf[8];
	struct sy_writer w = sy_writer_of(buf, 3);
	sy_write_bytes(&w, "abc", 3);
	assert_int_equal(sy_written(&w), 3);
	sy_write_u8(&w, 1);
	assert_true(w.bad);
	assert_int_equal(sy_written(&w), 0);
	w = sy_writer_of(buf, 1);
	sy_write_uvarint(&w, 128);
	assert_true(w.bad);
	sy_write_u8(&w, 1);
	assert_int_equal(sy_written(&w), 0);
}

static void test_uvarint_size_steps_at_powers_of_128(void **state)
{
	assert_int_equal(sy_uvarint_size(0), 1);
	assert_int_equal(sy_uvarint_size(127), 1);
	assert_int_equal(sy_uvarint_size(128), 2);
	assert_int_equal(sy_uvarint_size(16383), 2);
	assert_int_equal(sy_uvarint_size(16384), 3);
	assert_int_equal(sy_uvarint_size(UINT64_MAX), 10);
}

static void test_delimiter_parse_waits_accepts_and_refuses(void **state)
{
	static const struct {
		const char *hex;
		uint64_t max;
		enum sy_err err;
		size_t header, length;
	} rows[] = {
	    {"", 10, SY_AGAIN, 0, 0},
	    {"80", 10, SY_AGAIN, 0, 0},
	    {"ffffffffffffffffff", 10, SY_AGAIN, 0, 0},
	    {"00", 10, SY_OK, 1, 0},
	    {"0a", 10, SY_OK, 1, 10},
	    {"0b", 10, SY_PARSE, 0, 0},
	    {"8a00", 10, SY_OK, 2, 10}, /* not the shortest form */
	    {"8908", 1034, SY_OK, 2, 1033},
	    {"ffffffffffffffffff01", UINT64_MAX, SY_OK, 10, SIZE_MAX},
	    {"ffffffffffffffffff02", UINT64_MAX, SY_PARSE, 0, 0},
	    {"8080808080808080808000", UINT64_MAX, SY_PARSE, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[16];
		size_t header = 0, length = 0;
		size_t n = test_hex(rows[i].hex, buf, sizeof buf);
		assert_int_equal(sy_delimiter_parse(buf, n, rows[i].max, &header, &length), rows[i].err);
		assert_int_equal(header, rows[i].header);
		assert_int_equal(length, rows[i].length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cursor_uvarint_reads_up_to_ten_bytes),
	    cmocka_unit_test(test_cursor_failure_sticks),
	    cmocka_unit_test(test_cursor_field_reads_each_wire_type),
	    cmocka_unit_test(test_cursor_field_keeps_the_rules_of_the_generated_code),
	    cmocka_unit_test(test_cursor_group_may_nest_without_recursion),
	    cmocka_unit_test(test_cursor_writer_writes_what_the_reader_reads),
	    cmocka_unit_test(test_cursor_writer_refuses_what_does_not_fit),
	    cmocka_unit_test(test_uvarint_size_steps_at_powers_of_128),
	    cmocka_unit_test(test_delimiter_parse_waits_accepts_and_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
