#include "sim/lua/keys.h"
#include "sim/lua/units.h"
#include "tests/support/unit.h"

static uint64_t good(enum unit_kind kind, const char *text)
{
	char error[UNIT_ERROR_TEXT] = "";
	uint64_t v = 12345;
	if (!unit_parse(kind, text, strlen(text), &v, error))
		print_error("%s: %s\n", text, error);
	assert_string_equal(error, "");
	return v;
}

static void bad(enum unit_kind kind, const char *text, const char *phrase)
{
	char error[UNIT_ERROR_TEXT] = "";
	uint64_t v;
	assert_false(unit_parse(kind, text, strlen(text), &v, error));
	if (!strstr(error, phrase))
		print_error("%s: %s\n", text, error);
	assert_non_null(strstr(error, phrase));
}

static void test_units_time_is_read_to_the_nanosecond(void **state)
{
	assert_int_equal(good(UNIT_TIME, "40ms"), 40000000);
	assert_int_equal(good(UNIT_TIME, "10m"), UINT64_C(600000000000));
	assert_int_equal(good(UNIT_TIME, "1.5s"), 1500000000);
	assert_int_equal(good(UNIT_TIME, "0.1s"), 100000000);
	assert_int_equal(good(UNIT_TIME, "1ns"), 1);
	assert_int_equal(good(UNIT_TIME, "0.5us"), 500);
	assert_int_equal(good(UNIT_TIME, "2h"), UINT64_C(7200000000000));
	assert_int_equal(good(UNIT_TIME, "1 d"), UINT64_C(86400000000000));
	assert_int_equal(good(UNIT_TIME, "3"), 3000000000);
	assert_int_equal(good(UNIT_TIME, "0"), 0);
}

static void test_units_rate_and_size_and_fraction(void **state)
{
	assert_int_equal(good(UNIT_RATE, "20Mbit"), 20000000);
	assert_int_equal(good(UNIT_RATE, "1.5Gbit/s"), 1500000000);
	assert_int_equal(good(UNIT_RATE, "1MiB/s"), 8388608);
	assert_int_equal(good(UNIT_RATE, "64000"), 64000);
	assert_int_equal(good(UNIT_SIZE, "64KiB"), 65536);
	assert_int_equal(good(UNIT_SIZE, "1.5kB"), 1500);
	assert_int_equal(good(UNIT_SIZE, "7"), 7);
	assert_int_equal(good(UNIT_FRACTION, "0.1%"), 1000);
	assert_int_equal(good(UNIT_FRACTION, "25ppm"), 25);
	assert_int_equal(good(UNIT_FRACTION, "0.5"), 500000);
	assert_int_equal(good(UNIT_FRACTION, "100%"), 1000000);
}

static void test_units_wrong_unit_is_an_error_that_names_the_right_ones(void **state)
{
	bad(UNIT_TIME, "40mbit", "ns, us, ms, s, m, h, d");
	bad(UNIT_TIME, "40MS", "a time has one of the units");
	bad(UNIT_RATE, "20ms", "bit, kbit, Mbit, Gbit");
	bad(UNIT_RATE, "20mbit", "Mbit");
	bad(UNIT_SIZE, "64Kib", "KiB");
	bad(UNIT_SIZE, "10%", "a size");
	bad(UNIT_FRACTION, "5s", "% and ppm");
}

static void test_units_what_is_no_number_is_refused(void **state)
{
	bad(UNIT_TIME, "", "is not a time");
	bad(UNIT_TIME, "ms", "is not a time");
	bad(UNIT_TIME, "-1s", "is not a time");
	bad(UNIT_TIME, "1.2.3s", "a time has one of the units");
	bad(UNIT_TIME, ".", "is not a time");
	bad(UNIT_TIME, "1e3s", "a time has one of the units");
	bad(UNIT_TIME, "1s ", "a time has one of the units");
	bad(UNIT_TIME, "99999999999999999999999s", "is not a time");
}

static void test_units_range_ends_where_the_header_says(void **state)
{
	assert_int_equal(good(UNIT_FRACTION, "1"), 1000000);
	bad(UNIT_FRACTION, "1.1", "more than a fraction can be");
	bad(UNIT_FRACTION, "101%", "more than");
	bad(UNIT_TIME, "9999999h", "more than a time can be");
	bad(UNIT_SIZE, "9999999GiB", "more than a size");
}

static void test_units_bare_number_is_in_the_kinds_own_unit(void **state)
{
	char error[UNIT_ERROR_TEXT];
	uint64_t v;
	assert_true(unit_number(UNIT_TIME, 0.25, &v, error));
	assert_int_equal(v, 250000000);
	assert_true(unit_number(UNIT_RATE, 1e6, &v, error));
	assert_int_equal(v, 1000000);
	assert_false(unit_number(UNIT_TIME, -1, &v, error));
	assert_false(unit_number(UNIT_TIME, 0.0 / 0.0, &v, error));
	assert_false(unit_number(UNIT_FRACTION, 1.0001, &v, error));
	assert_false(unit_number(UNIT_SIZE, 1e300, &v, error));
}

static void test_units_format_has_no_digit_too_many(void **state)
{
	char buf[40];
	const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {{0, "0s"}, {40000000, "40ms"}, {1500000000, "1.5s"}, {60000000000, "60s"}, {1500, "1.5us"}, {999, "0.999us"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(unit_format_time(rows[i].ns, buf, sizeof buf), strlen(rows[i].text));
		assert_string_equal(buf, rows[i].text);
	}
	unit_format_rate(20000000, buf, sizeof buf);
	assert_string_equal(buf, "20Mbit");
	unit_format_rate(1500, buf, sizeof buf);
	assert_string_equal(buf, "1.5kbit");
}

static void test_keys_distance_counts_edits(void **state)
{
	assert_int_equal(keys_distance("", ""), 0);
	assert_int_equal(keys_distance("abc", "abc"), 0);
	assert_int_equal(keys_distance("abc", ""), 3);
	assert_int_equal(keys_distance("", "abc"), 3);
	assert_int_equal(keys_distance("latency", "latencey"), 1);
	assert_int_equal(keys_distance("latnecy", "latency"), 1);
	assert_int_equal(keys_distance("kitten", "sitting"), 3);
	char longer[200];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(keys_distance(longer, longer), 0);
	assert_int_equal(keys_distance(longer, "x"), 62);
}

static void test_keys_nearest_takes_the_first_of_equals(void **state)
{
	static const char *const names[] = {"rate", "loss", "latency", "late", NULL};
	assert_string_equal(keys_nearest("latncy", names), "latency");
	assert_string_equal(keys_nearest("rat", names), "rate");
	assert_string_equal(keys_nearest("lat", names), "late");
	assert_string_equal(keys_nearest("zzzz", names), "rate");
	assert_null(keys_nearest("x", names + 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_units_time_is_read_to_the_nanosecond),
	    cmocka_unit_test(test_units_rate_and_size_and_fraction),
	    cmocka_unit_test(test_units_wrong_unit_is_an_error_that_names_the_right_ones),
	    cmocka_unit_test(test_units_what_is_no_number_is_refused),
	    cmocka_unit_test(test_units_range_ends_where_the_header_says),
	    cmocka_unit_test(test_units_bare_number_is_in_the_kinds_own_unit),
	    cmocka_unit_test(test_units_format_has_no_digit_too_many),
	    cmocka_unit_test(test_keys_distance_counts_edits),
	    cmocka_unit_test(test_keys_nearest_takes_the_first_of_equals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
