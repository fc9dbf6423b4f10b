/* What a crawl keeps of what strangers say: bounds, order, texts. */
#include "tests/support/unit.h"

#include <stdlib.h>

#include "sim/crawl/crawl.h"

static struct sy_netaddr addr(uint32_t id, uint8_t last, uint16_t port)
{
	struct sy_netaddr a = {.ip = {[10] = 0xff, [11] = 0xff, 198, 51, 100, last}, .port = port, .flags = SY_ADDR_HAS_ID};
	a.id.b[0] = (uint8_t)(id >> 8);
	a.id.b[1] = (uint8_t)id;
	return a;
}

static void test_crawl_table_keeps_each_address_once(void **state)
{
	struct crawl_table t;
	bool added;
	(void)state;
	assert_int_equal(crawl_table_init(&t, 5000), SY_OK);
	for (uint32_t i = 0; i < 4000; i++) { /* grows on the way */
		struct sy_netaddr a = addr(i, (uint8_t)i, (uint16_t)i);
		assert_int_equal(crawl_table_add(&t, &a, &added), i);
		assert_true(added);
	}
	for (uint32_t i = 0; i < 4000; i++) {
		struct sy_netaddr a = addr(i, (uint8_t)i, (uint16_t)i);
		assert_int_equal(crawl_table_find(&t, &a), i);
		assert_int_equal(crawl_table_add(&t, &a, &added), i);
		assert_false(added);
	}
	struct sy_netaddr nobody = addr(4000, 1, 1);
	assert_int_equal(crawl_table_find(&t, &nobody), UINT32_MAX);
	assert_int_equal(t.dropped, 0);
	crawl_table_fini(&t);
}

static void test_crawl_table_is_bounded(void **state)
{
	struct crawl_table t;
	bool added;
	(void)state;
	assert_int_equal(crawl_table_init(&t, 20), SY_OK);
	for (uint32_t port = 0; port < CRAWL_PER_ID + 3; port++) { /* one id cannot fill it */
		struct sy_netaddr a = addr(1, 1, (uint16_t)port);
		assert_int_equal(crawl_table_add(&t, &a, &added), port < CRAWL_PER_ID ? port : UINT32_MAX);
	}
	assert_int_equal(t.dropped, 3);
	for (uint32_t id = 2; t.n < 20; id++) {
		struct sy_netaddr a = addr(id, 1, 1);
		assert_int_not_equal(crawl_table_add(&t, &a, &added), UINT32_MAX);
	}
	struct sy_netaddr more = addr(500, 1, 1);
	assert_int_equal(crawl_table_add(&t, &more, &added), UINT32_MAX);
	assert_int_equal(t.dropped, 4);
	crawl_table_fini(&t);
}

static void test_crawl_table_knows_who_has_answered_by_id(void **state)
{
	struct crawl_table t;
	bool added;
	(void)state;
	assert_int_equal(crawl_table_init(&t, 20), SY_OK);
	struct sy_netaddr a = addr(1, 1, 1), b = addr(1, 2, 2), other = addr(2, 1, 1);
	(void)crawl_table_add(&t, &a, &added);
	uint32_t second = crawl_table_add(&t, &b, &added);
	(void)crawl_table_add(&t, &other, &added);
	assert_false(crawl_table_answered(&t, &a.id));
	t.at[second].answered = true;
	assert_true(crawl_table_answered(&t, &a.id));
	assert_false(crawl_table_answered(&t, &other.id));
	crawl_table_fini(&t);
}

static struct sy_node_info odd_info(void)
{
	static const uint8_t channels[] = {0x00, 0x40};
	return (struct sy_node_info){.p2p_version = 8,
	                             .block_version = 11,
	                             .network = sy_text("a\x1b[31m"),
	                             .version = sy_text("1.2.3"),
	                             .moniker = sy_text("=say \"hi\", all"),
	                             .channels = sy_span_of(channels, 2)};
}

static void fill(struct crawl_result *r)
{
	bool added;
	struct sy_node_info info = odd_info();
	struct sy_netaddr later = addr(9, 1, 1), first = addr(3, 2, 2);
	*r = (struct crawl_result){.network = "net", .took_ns = 2000000};
	assert_int_equal(crawl_table_init(&r->table, 20), SY_OK);
	(void)crawl_table_add(&r->table, &later, &added);
	(void)crawl_table_add(&r->table, &first, &added);
	r->table.at[1].outcome = CRAWL_REACHABLE;
	r->table.at[1].told_by = 1;
	r->table.at[1].connect_ns = 1234567;
	crawl_found_info(&r->table.at[1], &info);
	r->counts[CRAWL_REACHABLE] = r->counts[CRAWL_NOT_TRIED] = 1;
}

static void test_crawl_csv_is_sorted_and_quoted(void **state)
{
	struct crawl_result r;
	size_t len = 0;
	(void)state;
	fill(&r);
	char *text = crawl_csv(&r, &len);
	assert_non_null(text);
	assert_int_equal(len, strlen(text));
	char *row = strchr(text, '\n') + 1;
	assert_int_equal(memcmp(row, "\"0003", 5), 0); /* by id, not by history */
	assert_non_null(strstr(row, "\"a?[31m\",8,11,0,\"1.2.3\",\"'=say \"\"hi\"\", all\",\"0040\",,,,1234,,,false,0,false,0,0,\"0009"));
	row = strchr(row, '\n') + 1;
	assert_int_equal(memcmp(row, "\"0009", 5), 0);
	assert_non_null(strstr(row, "\"not_tried\",,,,,,,,,,,,,,,,false,0,false,0,0,\n"));
	free(text);
	crawl_result_fini(&r);
}

static void test_crawl_json_is_the_same_each_time(void **state)
{
	struct crawl_result r;
	size_t len = 0;
	(void)state;
	fill(&r);
	char *text = crawl_json(&r, &len), *again = crawl_json(&r, &len);
	assert_string_equal(text, again);
	assert_non_null(strstr(text, "\"network\": \"a?[31m\"")); /* nothing that a terminal would obey, and UTF-8 */
	assert_non_null(strstr(text, "\"reachable\": 1"));
	free(text);
	free(again);
	crawl_result_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_crawl_table_keeps_each_address_once),      cmocka_unit_test(test_crawl_table_is_bounded),
	    cmocka_unit_test(test_crawl_table_knows_who_has_answered_by_id), cmocka_unit_test(test_crawl_csv_is_sorted_and_quoted),
	    cmocka_unit_test(test_crawl_json_is_the_same_each_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
