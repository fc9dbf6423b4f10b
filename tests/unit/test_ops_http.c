/* The HTTP server for looking at a node, over real sockets on loopback and one loop for both ends. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/ops/http.h"
#include "tests/support/unit.h"

#define WHOLE_MS 1000u /* more than a busy machine keeps a process waiting */
#define DRIP_MS 10u
#define DRIPS_MOST 800u /* eight times WHOLE_MS, and less than OPS_HTTP_IDLE_S: a server without a deadline ends the test here */

static unsigned hello(void *ctx, const char *path, struct ops_text *body, const char **type)
{
	ops_text_print(body, "hello %s\n", path);
	return 200;
}

struct world {
	uv_loop_t loop;
	struct ops_http http;
	uint16_t port;
	uv_timer_t tick;
};

static void open_world(struct world *w, uint32_t connections)
{
	struct sy_netaddr at, bound;

	memset(w, 0, sizeof *w);
	w->http.whole_ms = WHOLE_MS;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	uv_timer_init(&w->loop, &w->tick);
	assert_int_equal(ops_http_address("127.0.0.1:0", &at), SY_OK);
	assert_int_equal(ops_http_start(&w->http, &w->loop, &at, connections, hello, NULL, &bound), SY_OK);
	w->port = bound.port;
}

static void close_world(struct world *w)
{
	ops_http_stop(&w->http);
	uv_close((uv_handle_t *)&w->tick, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
}

static int dial(const struct world *w)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(w->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void on_tick(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* The loop runs for DRIP_MS of its clock. */
static void turn(struct world *w)
{
	bool over = false;

	w->tick.data = &over;
	uv_timer_start(&w->tick, on_tick, DRIP_MS, 0);
	while (!over)
		uv_run(&w->loop, UV_RUN_ONCE);
}

/* What has come so far is added to text; false: the other end has hung up. */
static bool take(int fd, char *text, size_t size)
{
	size_t len = strlen(text);
	ssize_t n = recv(fd, text + len, size - len - 1, MSG_DONTWAIT);

	if (n > 0)
		text[len + (size_t)n] = '\0';
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void ask(struct world *w, char *text, size_t size)
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
	int fd = dial(w);

	text[0] = '\0';
	assert_int_equal(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
	while (take(fd, text, size))
		turn(w);
	close(fd);
}

static void test_http_answers_and_closes(void **state)
{
	struct world w;
	char text[1024];

	open_world(&w, 1);
	for (unsigned i = 0; i < 3; i++) {
		ask(&w, text, sizeof text);
		assert_non_null(strstr(text, "200 OK"));
		assert_non_null(strstr(text, "hello /x\n"));
	}
	close_world(&w);
}

/* The one connection there is must come free although its client never falls silent. */
static void test_http_drip_is_cut(void **state)
{
	struct world w;
	char text[1024] = "";
	unsigned drips = 0;

	open_world(&w, 1);
	int fd = dial(&w);
	assert_int_equal(send(fd, "GET /x HTTP/1.1\r\nX: ", 20, 0), 20);
	while (take(fd, text, sizeof text) && drips < DRIPS_MOST) {
		(void)!send(fd, "x", 1, MSG_NOSIGNAL);
		drips++;
		turn(&w);
	}
	assert_in_range(drips, 1, DRIPS_MOST - 1);
	assert_string_equal(text, "");
	ask(&w, text, sizeof text);
	assert_non_null(strstr(text, "hello /x\n"));
	close(fd);
	close_world(&w);
}

/* Those that keep to the deadline are not touched by that of others. */
static void test_http_deadline_is_each_connections_own(void **state)
{
	struct world w;
	char slow[1024] = "", text[1024];

	open_world(&w, 2);
	int fd = dial(&w);
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	while (take(fd, slow, sizeof slow)) {
		ask(&w, text, sizeof text);
		assert_non_null(strstr(text, "hello /x\n"));
	}
	close(fd);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_http_answers_and_closes),
	    cmocka_unit_test(test_http_drip_is_cut),
	    cmocka_unit_test(test_http_deadline_is_each_connections_own),
	};
	return cmocka_run_group_tests_name("ops_http", tests, NULL, NULL);
}
