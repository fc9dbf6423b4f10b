#include "transport/host/sink.h"
#include "tests/support/unit.h"

#include <stdio.h>

static void assert_ids(const struct tp_sink *sink, const char *hex)
{
	char text[3 * TP_SINK_CHANNELS + 1] = "";
	for (size_t i = 0; i < sink->num_channels; i++)
		snprintf(text + 2 * i, sizeof text - 2 * i, "%02x", sink->channels[i].id);
	assert_string_equal(text, hex);
}

static void test_sink_stock_is_what_cometbft_advertises(void **state)
{
	struct tp_sink sink;
	assert_int_equal(tp_sink_parse(&sink, "stock"), SY_OK);
	assert_ids(&sink, "402021222330386061"); /* protocol.md 0.3, without PEX */
	for (size_t i = 0; i < sink.num_channels; i++) {
		assert_true(sink.channels[i].priority > 0);
		assert_true(sink.channels[i].recv_message_capacity >= 1048576);
	}
}

static void test_sink_lists_are_hexadecimal_and_without_doubles(void **state)
{
	struct tp_sink sink;
	assert_int_equal(tp_sink_parse(&sink, " 0x20, 31,0X20,00 ,ff"), SY_OK);
	assert_ids(&sink, "2031ff");
	assert_int_equal(tp_sink_parse(&sink, "none"), SY_OK);
	assert_ids(&sink, "");
	assert_int_equal(tp_sink_parse(&sink, ""), SY_OK);
	assert_ids(&sink, "");
	assert_int_equal(tp_sink_parse(&sink, "24,stock"), SY_OK);
	assert_ids(&sink, "24402021222330386061");
}

static void test_sink_refuses_what_is_no_channel(void **state)
{
	static const char *const wrong[] = {"0x", "123", "2g", "-1", "stocks", "0x2 g"};
	struct tp_sink sink;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(tp_sink_parse(&sink, wrong[i]), SY_PARSE);
		assert_int_equal(sink.num_channels, 0);
	}
	assert_int_equal(tp_sink_parse(&sink, "stock,1,2,3,4,5,6,7"), SY_OK);
	assert_int_equal(tp_sink_parse(&sink, "stock,1,2,3,4,5,6,7,8"), SY_LIMIT);
}

static void test_sink_leaves_channels_to_others_and_counts_the_rest(void **state)
{
	struct tp_sink sink;
	assert_int_equal(tp_sink_parse(&sink, "20,21,22"), SY_OK);
	tp_sink_leave(&sink, 0x21);
	tp_sink_leave(&sink, 0x99);
	assert_ids(&sink, "2022");
	struct sy_reactor reactor = tp_sink_reactor(&sink);
	struct sy_message msg = {.channel = 0x22, .bytes = {(const uint8_t *)"abc", 3}};
	assert_int_equal(reactor.num_channels, 2);
	assert_int_equal(reactor.receive(reactor.self, NULL, NULL, &msg), SY_OK);
	assert_int_equal(reactor.receive(reactor.self, NULL, NULL, &msg), SY_OK);
	assert_int_equal(sink.messages[0], 0);
	assert_int_equal(sink.messages[1], 2);
	assert_int_equal(sink.bytes[1], 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sink_stock_is_what_cometbft_advertises),
	    cmocka_unit_test(test_sink_lists_are_hexadecimal_and_without_doubles),
	    cmocka_unit_test(test_sink_refuses_what_is_no_channel),
	    cmocka_unit_test(test_sink_leaves_channels_to_others_and_counts_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
