/* The real node's log: what it says of connections, in both formats and by module, and how much at most. */
#include "sim/cli/node_log.h"

#include <jansson.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/conn/conn.h"
#include "sim/cli/log_line.h"
#include "tests/support/unit.h"

struct heard {
	struct node_log log;
	struct ops_conns conns;
	char *text;
	size_t size;
};

static struct heard *open_log(const char *levels)
{
	struct heard *h = calloc(1, sizeof *h);

	assert_non_null(h);
	assert_true(node_log_parse(levels, &h->log.level));
	h->log.to = open_memstream(&h->text, &h->size);
	assert_non_null(h->log.to);
	return h;
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
	free(h);
}

static void tell(struct heard *h, const struct sy_trace *t)
{
	ops_conns_see(&h->conns, t);
	node_log_trace(&h->log, &h->conns, t);
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
	struct heard *h = open_log("info");
	struct sy_trace t = record(SY_TRACE_REFUSED, 3, SY_PEER_NETWORK, false);

	tell(h, &t);
	assert_non_null(strstr(text_of(h), " level=info module=p2p msg=refused peer=127.0.0.1:1234 direction=inbound reason=peer_network "
	                                   "why=\"another network (chain id)\"\n"));
	t = record(SY_TRACE_REFUSED, 0, SY_INBOUND_FULL, false); /* before it had a slot */
	tell(h, &t);
	assert_non_null(strstr(text_of(h), "peer=127.0.0.1:1234 direction=inbound reason=inbound_full "));
	t = record(SY_TRACE_DIAL, 4, SY_OK, true);
	tell(h, &t);
	t = record(SY_TRACE_REFUSED, 4, SY_DUPLICATE_ID, true);
	tell(h, &t);
	assert_non_null(strstr(text_of(h), "peer=" ID "@127.0.0.1:1234 direction=outbound reason=duplicate_id "));
	t.conn.gen++; /* the slot's next connection came in */
	t.kind = SY_TRACE_PEER_REMOVED;
	t.err = SY_PEER_PONG_TIMEOUT;
	tell(h, &t);
	assert_non_null(strstr(text_of(h), "msg=\"peer removed\" peer=" ID "@127.0.0.1:1234 direction=inbound reason=peer_pong_timeout "));
	close_log(h);
}

static void test_node_log_failed_dial_is_for_debug_only(void **state)
{
	static const char *const levels[] = {"info", "debug"};

	for (size_t i = 0; i < 2; i++) {
		struct heard *h = open_log(levels[i]);
		struct sy_trace t = record(SY_TRACE_DIAL, 5, SY_OK, true);

		tell(h, &t);
		t = record(SY_TRACE_CONN_STATE, 5, SY_TIMEOUT, true);
		t.a = SY_CONN_DIALLING;
		t.b = SY_CONN_CLOSED;
		tell(h, &t);
		t = record(SY_TRACE_REFUSED, 5, SY_TIMEOUT, true);
		tell(h, &t);
		t.kind = SY_TRACE_DIAL_DONE;
		tell(h, &t);
		assert_null(strstr(text_of(h) ? h->text : "", "refused"));
		assert_int_equal(strstr(h->text, "msg=\"dial failed\" peer=" ID "@127.0.0.1:1234 reason=timeout ") != NULL, i == 1);
		close_log(h);
	}
}

static void test_node_log_ban_and_drop_carry_reasons(void **state)
{
	struct heard *h = open_log("info");
	struct sy_trace t = record(SY_TRACE_BAN, 0, SY_MAX_ATTEMPTS, true);

	t.a = 1700000000;
	tell(h, &t);
	assert_non_null(strstr(text_of(h), "module=book msg=banned peer=" ID "@127.0.0.1:1234 reason=max_attempts "));
	assert_non_null(strstr(text_of(h), " until=1700000000\n"));
	t = record(SY_TRACE_DROPPED, 6, SY_PEER_INBOX_FULL, true);
	t.a = 0x30;
	t.b = 99;
	tell(h, &t);
	assert_non_null(strstr(text_of(h), "level=warn module=p2p msg=\"dropped a message\" peer=" ID "@127.0.0.1:1234 direction=inbound "
	                                   "reason=peer_inbox_full "));
	assert_non_null(strstr(text_of(h), " chID=0x30 bytes=99\n"));
	close_log(h);
}

static void test_node_log_levels_go_by_module(void **state)
{
	struct heard *h = open_log("pex:debug,state:info,*:error,p2p:info");
	struct sy_trace t = record(SY_TRACE_PEX_ADDRS, 0, SY_OK, false);

	t.a = 1;
	t.b = 12;
	tell(h, &t);
	assert_non_null(strstr(text_of(h), "level=debug module=pex msg=\"addresses received\" "));
	assert_non_null(strstr(text_of(h), " addresses=12\n"));
	t = record(SY_TRACE_BAN, 0, SY_MAX_ATTEMPTS, true);
	tell(h, &t);
	node_log(&h->log, NODE_LOG_INFO, "hello");
	assert_null(strstr(text_of(h), "banned"));
	assert_null(strstr(text_of(h), "hello"));
	t = record(SY_TRACE_PEER_ADDED, 0, SY_OK, true);
	tell(h, &t);
	assert_non_null(strstr(text_of(h), "msg=\"peer added\""));
	node_log(&h->log, NODE_LOG_ERROR, "%s is %d", "this", 7);
	assert_non_null(strstr(text_of(h), "level=error module=main msg=\"this is 7\"\n"));
	close_log(h);
}

static void test_node_log_levels_that_are_none_are_refused(void **state)
{
	static const char *const wrong[] = {"loud", "", "p2p:loud", "p2p:info,", "info:p2p"};
	struct node_log_levels levels;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(node_log_parse(wrong[i], &levels));
	assert_true(node_log_parse("warn", &levels));
	assert_int_equal(levels.of[NODE_LOG_BOOK], NODE_LOG_WARN);
	assert_true(node_log_parse("state:debug", &levels));
	assert_int_equal(levels.of[NODE_LOG_P2P], NODE_LOG_INFO);
}

static void test_node_log_json_reads_back_whatever_is_said(void **state)
{
	struct heard *h = open_log("info");

	h->log.json = true;
	node_log(&h->log, NODE_LOG_INFO, "a \"b\" \\ = {c}\n\t\x01 d");
	json_t *line = json_loads(text_of(h), 0, NULL);
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "_msg")), "a \"b\" \\ = {c}\n\t\x01 d");
	assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
	assert_string_equal(json_string_value(json_object_get(line, "module")), "main");
	assert_non_null(json_object_get(line, "ts"));
	json_decref(line);
	close_log(h);
}

static void test_log_line_what_does_not_fit_is_left_out_whole(void **state)
{
	struct log_line l;
	char *large = calloc(1, LOG_LINE_MAX + 1);

	assert_non_null(large);
	memset(large, 'x', LOG_LINE_MAX);
	for (int json = 0; json < 2; json++) {
		log_line_begin(&l, json != 0);
		log_line_text(&l, "a", "1");
		log_line_text(&l, "large", large);
		log_line_u64(&l, "b", 2);
		log_line_end(&l);
		assert_string_equal(l.text, json ? "{\"a\":\"1\",\"b\":2}\n" : "a=1 b=2\n");
	}
	free(large);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void test_node_log_flood_of_one_kind_is_cut_and_counted(void **state)
{
	struct heard *h = open_log("info");
	struct sy_trace t = record(SY_TRACE_REFUSED, 0, SY_INBOUND_FULL, false), other = record(SY_TRACE_PEER_ADDED, 1, SY_OK, true);

	for (uint32_t i = 0; i < NODE_LOG_LINES + 1000; i++)
		tell(h, &t);
	assert_int_equal(lines(text_of(h)), NODE_LOG_LINES);
	assert_int_equal(h->log.left_out, 1000);
	tell(h, &other); /* another kind is heard all the same */
	assert_int_equal(lines(text_of(h)), NODE_LOG_LINES + 1);
	other.now_ns += 1000000000;
	tell(h, &other);
	assert_int_equal(lines(text_of(h)), NODE_LOG_LINES + 3);
	assert_non_null(strstr(h->text, "level=warn module=p2p msg=\"lines were left out\" of=refused lines=1000\n"));
	node_log_flush(&h->log);
	assert_int_equal(lines(text_of(h)), NODE_LOG_LINES + 3);
	close_log(h);
}

/* ---- a reader that stands still ---- */

#define MANY 400u /* lines: more than any of the buffers below holds */

/* Both ends of what a log may be written to. */
static void open_ends(bool socket, int ends[2])
{
	if (socket) {
		const int small = 4096;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
		return;
	}
	assert_int_equal(pipe(ends), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
}

/* All that can be read now, from malloc. */
static char *read_now(int fd)
{
	size_t size = 1u << 20, len = 0;
	char *text = malloc(size);

	assert_non_null(text);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (ssize_t n; (n = read(fd, text + len, size - len - 1)) > 0;)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

/* How many lines there are; each must be a whole one: all that are said here begin with ts= and end with a quote. */
static unsigned whole_lines(const char *text)
{
	unsigned n = 0;

	for (const char *end; *text != '\0'; text = end + 1, n++) {
		end = strchr(text, '\n');
		assert_non_null(end);
		assert_memory_equal(text, "ts=", 3);
		assert_true(end[-1] == '"');
	}
	return n;
}

static void say_many(struct node_log *log)
{
	for (unsigned i = 0; i < MANY; i++)
		node_log(log, NODE_LOG_INFO, "line %u, a long one, so that many of them are no little thing to keep.", i);
}

static void test_node_log_does_not_wait_for_its_reader(void **state)
{
	for (int socket = 0; socket < 2; socket++) {
		struct node_log log = {0};
		int ends[2];
		char want[64];

		assert_true(node_log_parse("info", &log.level));
		open_ends(socket, ends);
		node_log_open(&log, ends[1]);
		say_many(&log);
		assert_in_range(log.dropped, 1, MANY - 1);
		assert_int_equal(log.untold, log.dropped);
		assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0); /* it is others', too */

		char *first = read_now(ends[0]);
		node_log(&log, NODE_LOG_INFO, "once more.");
		char *then = read_now(ends[0]), *all = malloc(strlen(first) + strlen(then) + 1);
		assert_non_null(all);
		sprintf(all, "%s%s", first, then);
		snprintf(want, sizeof want, "msg=\"lines were dropped\" lines=%u why=", (unsigned)log.dropped);
		char *told = strstr(all, want);
		assert_non_null(told);
		assert_non_null(strstr(told, "once more."));
		assert_int_equal(whole_lines(all), MANY - log.dropped + 2);
		assert_int_equal(log.untold, 0);
		node_log_close(&log);
		close(ends[0]);
		close(ends[1]);
		free(first);
		free(then);
		free(all);
	}
}

/* What was dropped last is told at the end, when the reader has come back by then. */
static void test_node_log_close_tells_what_was_dropped(void **state)
{
	struct node_log log = {0};
	int ends[2];

	assert_true(node_log_parse("info", &log.level));
	open_ends(false, ends);
	node_log_open(&log, ends[1]);
	say_many(&log);
	free(read_now(ends[0]));
	node_log_close(&log);
	char *text = read_now(ends[0]);
	assert_non_null(strstr(text, "msg=\"lines were dropped\" lines="));
	assert_int_equal(whole_lines(text), 1);
	free(text);
	close(ends[0]);
	close(ends[1]);
}

/* A plain file is written where it ends, by whoever shares it. */
static void test_node_log_file_is_shared(void **state)
{
	struct node_log log = {0};
	char path[] = "/tmp/switchyard-log-XXXXXX", text[512] = "";
	int fd = mkstemp(path);

	assert_true(fd >= 0 && node_log_parse("info", &log.level));
	assert_int_equal(write(fd, "before\n", 7), 7);
	node_log_open(&log, fd);
	node_log(&log, NODE_LOG_INFO, "between");
	node_log_close(&log);
	assert_int_equal(write(fd, "after\n", 6), 6);
	assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
	assert_memory_equal(text, "before\nts=", 10);
	assert_non_null(strstr(text, " msg=between\nafter\n"));
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_node_log_does_not_wait_for_its_reader),
	    cmocka_unit_test(test_node_log_close_tells_what_was_dropped),
	    cmocka_unit_test(test_node_log_file_is_shared),
	    cmocka_unit_test(test_node_log_refused_has_address_direction_and_reason),
	    cmocka_unit_test(test_node_log_failed_dial_is_for_debug_only),
	    cmocka_unit_test(test_node_log_ban_and_drop_carry_reasons),
	    cmocka_unit_test(test_node_log_levels_go_by_module),
	    cmocka_unit_test(test_node_log_levels_that_are_none_are_refused),
	    cmocka_unit_test(test_node_log_json_reads_back_whatever_is_said),
	    cmocka_unit_test(test_log_line_what_does_not_fit_is_left_out_whole),
	    cmocka_unit_test(test_node_log_flood_of_one_kind_is_cut_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
