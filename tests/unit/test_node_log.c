/* The real node's log: what it says of connections, and how much at most. */
#include "sim/cli/node_log.h"

#include <stdlib.h>
#include <string.h>

#include "core/conn/conn.h"
#include "tests/support/unit.h"

struct heard {
	struct node_log log;
	char *text;
	size_t size;
};

static void open_log(struct heard *h, enum node_log_level level)
{
	memset(h, 0, sizeof *h);
	h->log.level = level;
	h->log.to = open_memstream(&h->text, &h->size);
	assert_non_null(h->log.to);
}

static const char *text_of(struct heard *h)
{
	fflush(h->log.to);
	return h->text;
}

static void close_log(struct heard *h)
{
	fclose(h->log.to);
	free(h->text);
}

static struct sy_trace record(enum sy_trace_kind kind, uint32_t slot, enum sy_err err, bool with_id)
{
	struct sy_trace t = {.now_ns = 1000000000, .kind = kind, .err = err, .conn = {slot, slot ? 7 : 0}};

	memcpy(t.addr.ip, (const uint8_t[16]){[10] = 0xff, 0xff, 127, 0, 0, 1}, 16);
	t.addr.port = 1234;
	if (with_id) {
		memset(t.addr.id.b, 0xab, sizeof t.addr.id.b);
		t.addr.flags = SY_ADDR_HAS_ID;
	}
	return t;
}

#define ID "abababababababababababababababababababab"

static void test_node_log_refused_has_address_direction_and_reason(void **state)
{
	struct heard h;
	open_log(&h, NODE_LOG_INFO);
	struct sy_trace t = record(SY_TRACE_REFUSED, 3, SY_PEER_NETWORK, false);
	node_log_trace(&h.log, &t, true);
	assert_non_null(strstr(text_of(&h), "INFO  refused 127.0.0.1:1234 inbound reason=peer_network (another network (chain id))\n"));
	t = record(SY_TRACE_REFUSED, 0, SY_INBOUND_FULL, false); /* before it had a slot */
	node_log_trace(&h.log, &t, true);
	assert_non_null(strstr(text_of(&h), "refused 127.0.0.1:1234 inbound reason=inbound_full "));
	t = record(SY_TRACE_DIAL, 4, SY_OK, true);
	node_log_trace(&h.log, &t, false);
	t = record(SY_TRACE_REFUSED, 4, SY_DUPLICATE_ID, true);
	node_log_trace(&h.log, &t, true);
	assert_non_null(strstr(text_of(&h), "refused " ID "@127.0.0.1:1234 outbound reason=duplicate_id "));
	t.conn.gen++; /* the slot's next connection came in */
	t.kind = SY_TRACE_PEER_REMOVED;
	t.err = SY_PEER_PONG_TIMEOUT;
	node_log_trace(&h.log, &t, true);
	assert_non_null(strstr(text_of(&h), "peer removed " ID "@127.0.0.1:1234 inbound reason=peer_pong_timeout (no pong in time)\n"));
	close_log(&h);
}

static void test_node_log_failed_dial_is_for_debug_only(void **state)
{
	for (int level = NODE_LOG_INFO; level <= NODE_LOG_DEBUG; level++) {
		struct heard h;
		open_log(&h, (enum node_log_level)level);
		struct sy_trace t = record(SY_TRACE_DIAL, 5, SY_OK, true);
		node_log_trace(&h.log, &t, true);
		t = record(SY_TRACE_CONN_STATE, 5, SY_TIMEOUT, true);
		t.a = SY_CONN_DIALLING;
		t.b = SY_CONN_CLOSED;
		node_log_trace(&h.log, &t, true);
		t = record(SY_TRACE_REFUSED, 5, SY_TIMEOUT, true);
		node_log_trace(&h.log, &t, true);
		t.kind = SY_TRACE_DIAL_DONE;
		node_log_trace(&h.log, &t, true);
		assert_null(strstr(text_of(&h) ? h.text : "", "refused"));
		assert_int_equal(strstr(h.text, "dial failed " ID "@127.0.0.1:1234 reason=timeout (") != NULL, level == NODE_LOG_DEBUG);
		close_log(&h);
	}
}

static void test_node_log_ban_and_drop_carry_reasons(void **state)
{
	struct heard h;
	open_log(&h, NODE_LOG_INFO);
	struct sy_trace t = record(SY_TRACE_BAN, 0, SY_MAX_ATTEMPTS, true);
	t.a = 1700000000;
	node_log_trace(&h.log, &t, true);
	assert_non_null(strstr(text_of(&h), "banned " ID "@127.0.0.1:1234 until 1700000000 reason=max_attempts ("));
	t = record(SY_TRACE_DROPPED, 6, SY_PEER_INBOX_FULL, true);
	t.a = 0x30;
	t.b = 99;
	node_log_trace(&h.log, &t, true);
	assert_non_null(strstr(text_of(&h), "ERROR dropped a message of 99 bytes on channel 0x30 of " ID "@127.0.0.1:1234 inbound "
	                                    "reason=peer_inbox_full ("));
	close_log(&h);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void test_node_log_flood_is_cut_and_counted(void **state)
{
	struct heard h;
	open_log(&h, NODE_LOG_INFO);
	struct sy_trace t = record(SY_TRACE_REFUSED, 0, SY_INBOUND_FULL, false);
	for (uint32_t i = 0; i < NODE_LOG_LINES; i++)
		node_log_trace(&h.log, &t, true);
	assert_int_equal(lines(text_of(&h)), NODE_LOG_LINES);
	for (uint32_t i = 0; i < 1000; i++)
		node_log_trace(&h.log, &t, true);
	assert_int_equal(lines(text_of(&h)), NODE_LOG_LINES);
	t.now_ns += 1000000000;
	node_log_trace(&h.log, &t, true);
	assert_int_equal(lines(text_of(&h)), NODE_LOG_LINES + 2);
	assert_non_null(strstr(h.text, "1000 lines were left out"));
	node_log_flush(&h.log);
	assert_int_equal(lines(text_of(&h)), NODE_LOG_LINES + 2);
	close_log(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_node_log_refused_has_address_direction_and_reason),
	    cmocka_unit_test(test_node_log_failed_dial_is_for_debug_only),
	    cmocka_unit_test(test_node_log_ban_and_drop_carry_reasons),
	    cmocka_unit_test(test_node_log_flood_is_cut_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
