/* Prometheus' text format as it is written, counters from traces, and the names of all metrics held to docs/METRICS.md. */
#include <stdio.h>
#include <stdlib.h>

#include "core/conn/conn.h"
#include "sim/ops/counts.h"
#include "sim/ops/families.h"
#include "sim/ops/ops.h"
#include "tests/support/unit.h"

static const struct prom_family gauge = {.name = "peers", .help = "Peers.", .type = PROM_GAUGE, .upstream = true};
static const struct prom_family seconds = {.name = "wait_seconds", .help = "Waits.", .type = PROM_HISTOGRAM};

static void test_prom_sample_has_help_type_prefix_and_labels(void **state)
{
	struct ops_text text = {0};
	struct prom p = {.to = &text, .prefix = "cometbft_p2p_"};
	const struct prom_label labels[] = {{"a", "1"}, {"b", "2"}};

	prom_open(&p, &gauge);
	assert_null(text.at); /* a family without samples is not written */
	prom_u64(&p, NULL, 0, 3);
	prom_u64(&p, labels, 2, UINT64_MAX);
	prom_seconds(&p, labels, 1, 1500000001);
	assert_string_equal(text.at, "# HELP cometbft_p2p_peers Peers.\n# TYPE cometbft_p2p_peers gauge\ncometbft_p2p_peers 3\n"
	                             "cometbft_p2p_peers{a=\"1\",b=\"2\"} 18446744073709551615\ncometbft_p2p_peers{a=\"1\"} 1.500000001\n");
	ops_text_free(&text);
}

static void test_prom_label_is_escaped(void **state)
{
	struct ops_text text = {0};
	struct prom p = {.to = &text, .prefix = ""};

	prom_open(&p, &gauge);
	prom_u64(&p, &(struct prom_label){"m", "a\"b\\c\nd"}, 1, 1);
	assert_non_null(strstr(text.at, "\npeers{m=\"a\\\"b\\\\c\\nd\"} 1\n"));
	ops_text_free(&text);
}

static void test_prom_histogram_adds_up_and_ends_with_inf(void **state)
{
	static const uint64_t bounds[] = {1000000, 2500000000, 10000000000}, counts[] = {4, 0, 2, 1};
	struct ops_text text = {0};
	struct prom p = {.to = &text, .prefix = "cometbft_p2p_"};

	prom_open(&p, &seconds);
	prom_histogram(&p, &(struct prom_label){"ch", "0x1"}, 1, &(struct prom_histogram){bounds, counts, 3, 12000000000});
	assert_string_equal(text.at, "# HELP wait_seconds Waits.\n# TYPE wait_seconds histogram\n"
	                             "wait_seconds_bucket{ch=\"0x1\",le=\"0.001\"} 4\nwait_seconds_bucket{ch=\"0x1\",le=\"2.5\"} 4\n"
	                             "wait_seconds_bucket{ch=\"0x1\",le=\"10.0\"} 6\nwait_seconds_bucket{ch=\"0x1\",le=\"+Inf\"} 7\n"
	                             "wait_seconds_sum{ch=\"0x1\"} 12.000000000\nwait_seconds_count{ch=\"0x1\"} 7\n");
	ops_text_free(&text);
}

static void test_text_too_long_fails_and_keeps_what_it_has(void **state)
{
	struct ops_text text = {0};
	char *block = calloc(1, OPS_TEXT_MAX / 2);

	assert_non_null(block);
	ops_text_add(&text, block, OPS_TEXT_MAX / 2);
	assert_false(text.failed);
	ops_text_add(&text, block, OPS_TEXT_MAX / 2);
	assert_true(text.failed);
	assert_int_equal(text.len, OPS_TEXT_MAX / 2);
	ops_text_add(&text, "x", 1);
	assert_int_equal(text.len, OPS_TEXT_MAX / 2);
	ops_text_free(&text);
	free(block);
}

/* ------------------------------------------------------------------ counters */

static struct sy_trace record(enum sy_trace_kind kind, uint32_t slot, enum sy_err err, uint64_t a, uint64_t b)
{
	return (struct sy_trace){.now_ns = 1000000000, .kind = kind, .err = err, .conn = {slot, 7}, .a = a, .b = b};
}

static void see(struct ops_counts *c, struct sy_trace t)
{
	ops_counts_see(c, &t);
}

static void test_counts_follow_a_dial_to_its_end(void **state)
{
	struct ops_counts *c = calloc(1, sizeof *c);
	struct sy_trace up = record(SY_TRACE_CONN_STATE, 3, SY_OK, SY_CONN_JUDGING, SY_CONN_RUNNING);

	assert_non_null(c);
	see(c, record(SY_TRACE_DIAL, 3, SY_OK, 0, 0));
	see(c, record(SY_TRACE_CONN_STATE, 3, SY_OK, SY_CONN_FILTERING, SY_CONN_EPHEMERAL));
	up.now_ns += 30000000;
	see(c, up);
	see(c, record(SY_TRACE_PEER_ADDED, 3, SY_OK, 1, 0));
	see(c, record(SY_TRACE_DIAL_DONE, 3, SY_OK, 0, 0));
	see(c, record(SY_TRACE_PEER_REMOVED, 3, SY_PEER_PONG_TIMEOUT, 0, 0));
	assert_int_equal(c->handshakes[OPS_OUTBOUND][3], 1); /* 25 to 50 ms */
	assert_int_equal(c->handshakes_ns[OPS_OUTBOUND], 30000000);
	assert_int_equal(c->added[OPS_OUTBOUND], 1);
	assert_int_equal(c->dials.n[ops_reason_index(SY_OK)], 1);
	assert_int_equal(c->gone[OPS_OUTBOUND].n[ops_reason_index(SY_PEER_PONG_TIMEOUT)], 1);
	assert_int_equal(ops_reasons_sum(&c->gone[OPS_INBOUND]), 0);
	free(c);
}

static void test_counts_a_dial_without_connection_is_no_refusal(void **state)
{
	struct ops_counts *c = calloc(1, sizeof *c);

	assert_non_null(c);
	see(c, record(SY_TRACE_DIAL, 4, SY_OK, 0, 0));
	see(c, record(SY_TRACE_CONN_STATE, 4, SY_DIAL_REFUSED, SY_CONN_DIALLING, SY_CONN_CLOSED));
	see(c, record(SY_TRACE_REFUSED, 4, SY_DIAL_REFUSED, 0, 0));
	see(c, record(SY_TRACE_DIAL_DONE, 4, SY_DIAL_REFUSED, 0, 0));
	see(c, record(SY_TRACE_REFUSED, 5, SY_INBOUND_FULL, 0, 0));
	assert_int_equal(ops_reasons_sum(&c->refused[OPS_OUTBOUND]), 0);
	assert_int_equal(c->refused[OPS_INBOUND].n[ops_reason_index(SY_INBOUND_FULL)], 1);
	assert_int_equal(c->dials.n[ops_reason_index(SY_DIAL_REFUSED)], 1);
	free(c);
}

static void test_counts_pex_what_was_not_sent_does_not_count(void **state)
{
	struct ops_counts *c = calloc(1, sizeof *c);

	assert_non_null(c);
	see(c, record(SY_TRACE_PEX_REQUEST, 1, SY_QUEUE_FULL, OPS_SENT, 0));
	assert_int_equal(c->pex_requests[OPS_SENT], 0);
	see(c, record(SY_TRACE_PEX_REQUEST, 1, SY_OK, OPS_SENT, 0));
	see(c, record(SY_TRACE_PEX_ADDRS, 1, SY_OK, OPS_SENT, 9));
	assert_int_equal(c->last_answer_ns, 0);
	see(c, record(SY_TRACE_PEX_ADDRS, 1, SY_OK, OPS_RECEIVED, 5));
	assert_int_equal(c->pex_requests[OPS_SENT], 1);
	assert_int_equal(c->pex_addrs[OPS_SENT], 9);
	assert_int_equal(c->pex_answers[OPS_RECEIVED], 1);
	assert_int_equal(c->pex_addrs[OPS_RECEIVED], 5);
	assert_int_equal(c->last_answer_ns, 1000000000);
	free(c);
}

static void test_counts_every_reason_has_its_place(void **state)
{
	for (size_t i = 0; i < OPS_REASONS; i++)
		assert_int_equal(ops_reason_index(ops_reason_at(i)), i);
}

/* ------------------------------------------------------------------ what is said of them */

static char *documentation(void)
{
	char *text = calloc(1, 65536);
	FILE *f = fopen("docs/METRICS.md", "r"); /* tests run in the repository's root */

	assert_non_null(text);
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) < 65535);
	fclose(f);
	return text;
}

static void test_families_each_has_a_line_in_the_documentation(void **state)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};
	char *text = documentation();
	size_t rows = 0;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		char cell[32];

		snprintf(cell, sizeof cell, "` | %s | ", types[i]);
		for (const char *at = strstr(text, cell); at != NULL; at = strstr(at + 1, cell))
			rows++;
	}
	assert_int_equal(rows, OPS_FAMILIES);
	for (size_t i = 0; i < OPS_FAMILIES; i++) {
		const struct prom_family *f = &ops_families[i];
		char row[256];

		snprintf(row, sizeof row, "\n| `%s%s` | %s | %s | ", f->upstream ? "cometbft_p2p_" : "", f->name, types[f->type], f->labels);
		if (strstr(text, row) == NULL)
			fail_msg("docs/METRICS.md lacks: %s", row + 1);
	}
	free(text);
}

static void test_namespace_is_a_name_or_empty(void **state)
{
	assert_true(ops_is_namespace("cometbft"));
	assert_true(ops_is_namespace(""));
	assert_false(ops_is_namespace("9chain"));
	assert_false(ops_is_namespace("my chain"));
	assert_false(ops_is_namespace("a{}"));
	assert_false(ops_is_namespace("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void test_address_without_host_is_this_machine(void **state)
{
	struct sy_netaddr at;
	char text[SY_ADDR_TEXT];

	assert_int_equal(ops_http_address(":26660", &at), SY_OK);
	sy_netaddr_format_dial(&at, text);
	assert_string_equal(text, "127.0.0.1:26660");
	assert_int_equal(ops_http_address("0.0.0.0:1", &at), SY_OK);
	sy_netaddr_format_dial(&at, text);
	assert_string_equal(text, "0.0.0.0:1");
	assert_int_equal(ops_http_address("tcp://[::1]:2", &at), SY_OK);
	sy_netaddr_format_dial(&at, text);
	assert_string_equal(text, "[::1]:2");
	assert_int_equal(ops_http_address("26660", &at), SY_ADDR_INVALID);
	assert_int_equal(ops_http_address("", &at), SY_ADDR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prom_sample_has_help_type_prefix_and_labels),
	    cmocka_unit_test(test_prom_label_is_escaped),
	    cmocka_unit_test(test_prom_histogram_adds_up_and_ends_with_inf),
	    cmocka_unit_test(test_text_too_long_fails_and_keeps_what_it_has),
	    cmocka_unit_test(test_counts_follow_a_dial_to_its_end),
	    cmocka_unit_test(test_counts_a_dial_without_connection_is_no_refusal),
	    cmocka_unit_test(test_counts_pex_what_was_not_sent_does_not_count),
	    cmocka_unit_test(test_counts_every_reason_has_its_place),
	    cmocka_unit_test(test_families_each_has_a_line_in_the_documentation),
	    cmocka_unit_test(test_namespace_is_a_name_or_empty),
	    cmocka_unit_test(test_address_without_host_is_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
