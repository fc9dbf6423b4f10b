#include "core/conn/upgrade.h"
#include "tests/support/conn_kit.h"
#include "tests/support/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void open_running(struct conn_kit *k, enum sy_profile profile)
{
	conn_kit_open(k, NULL);
	conn_kit_pump(k);
	assert_int_equal(k->a.conn.state, SY_CONN_RUNNING);
	assert_int_equal(k->b.conn.state, SY_CONN_RUNNING);
	(void)profile;
}

static void assert_idle(const struct conn_side *s)
{
	assert_null(s->conn.rest);
	assert_null(s->conn.backlog);
	assert_int_equal(s->shared.frames.in_use, s->conn.partial ? 1 : 0);
	assert_int_equal(s->shared.mconn.blocks.in_use, 0);
	assert_int_equal(s->shared.mconn.packets.in_use, 0);
}

static void test_conn_run_carries_messages_both_ways_however_the_bytes_are_cut(void **state)
{
	static const size_t pieces[] = {0, 1, 50, 1044, 5000};
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	for (size_t p = 0; p < ARRAY_LEN(profiles); p++)
		for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
			struct conn_kit k;
			conn_kit_init(&k, profiles[p], SY_PROFILE_DEFAULT);
			k.piece = pieces[i];
			open_running(&k, profiles[p]);
			uint64_t bytes = 0;
			for (uint32_t m = 0; m < 60; m++) {
				size_t n = 1 + m * m * 3;
				assert_int_equal(conn_kit_try(&k, &k.a, 0x20, n, (uint8_t)m), SY_OK);
				assert_int_equal(conn_kit_try(&k, &k.b, 0x22, n, (uint8_t)m), SY_OK);
				bytes += n;
			}
			conn_kit_until(&k, k.now + SEC);
			assert_int_equal(k.a.messages, 60);
			assert_int_equal(k.b.messages, 60);
			assert_int_equal(k.b.message_bytes, bytes);
			assert_int_equal(k.a.message_bytes, bytes);
			assert_idle(&k.a);
			assert_idle(&k.b);
			conn_kit_close(&k);
		}
}

static void test_conn_fill_packs_small_messages_into_one_frame(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	open_running(&k, SY_PROFILE_DEFAULT);
	uint64_t before = k.b.taken;
	for (int i = 0; i < 40; i++)
		assert_int_equal(conn_kit_try(&k, &k.a, 0x22, 10, 'v'), SY_OK);
	conn_kit_pump(&k);
	assert_int_equal(k.b.messages, 40);
	assert_int_equal(k.b.taken - before, SY_FRAME_SEALED);
	conn_kit_close(&k);
}

static void test_conn_feed_is_held_back_by_the_limiter_and_goes_on_at_the_deadline(void **state)
{
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	for (size_t p = 0; p < ARRAY_LEN(profiles); p++)
		for (size_t piece = 0; piece < 3000; piece += 1499) {
			struct conn_kit k;
			conn_kit_init(&k, SY_PROFILE_DEFAULT, profiles[p]);
			k.a.config.send_rate = 0;
			k.b.config.recv_rate = 100000;
			k.piece = piece;
			open_running(&k, profiles[p]);
			uint64_t t0 = k.now, sent = 0;
			for (uint32_t m = 0; m < 100; m++) {
				size_t n = 1 + (m * 7919) % 9000;
				assert_int_equal(conn_kit_try(&k, &k.a, 0x20, n, (uint8_t)m), SY_OK);
				sent += n;
			}
			for (int i = 0; i < 2000 && k.b.messages < 100; i++)
				conn_kit_until(&k, k.now + 5 * MS);
			assert_int_equal(k.b.messages, 100);
			assert_int_equal(k.b.message_bytes, sent);
			double seconds = (double)(k.now - t0) / 1e9, ideal = ((double)sent - 65536) / 105000;
			assert_true(seconds > ideal * 0.95 && seconds < (double)sent / 100000 * 1.1);
			assert_idle(&k.b);
			conn_kit_close(&k);
		}
}

static void test_conn_feed_beyond_the_window_is_refused_not_stored(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	k.a.config.send_rate = 0;
	k.b.config.recv_rate = 1000;
	open_running(&k, SY_PROFILE_DEFAULT);
	for (int i = 0; i < 20; i++)
		assert_int_equal(conn_kit_try(&k, &k.a, 0x20, 20000, 'x'), SY_OK);
	while (conn_kit_fill(&k, &k.a, &k.b))
		;
	conn_kit_feed(&k, &k.b, k.b.wire, k.b.wire_len);
	assert_int_equal(k.b.err, SY_LIMIT);
	conn_kit_close(&k);
}

static void test_conn_frames_that_were_tampered_with_end_it(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	open_running(&k, SY_PROFILE_DEFAULT);
	assert_int_equal(conn_kit_try(&k, &k.a, 0x20, 100, 'x'), SY_OK);
	conn_kit_fill(&k, &k.a, &k.b);
	k.b.wire[500] ^= 1;
	conn_kit_pump(&k);
	assert_int_equal(k.b.err, SY_PEER_BAD_FRAME);
	assert_int_equal(k.b.messages, 0);
	conn_kit_close(&k);
}

static void test_conn_fill_ends_it_when_the_nonces_are_used_up(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	open_running(&k, SY_PROFILE_DEFAULT);
	k.a.conn.frames.send_counter = UINT64_MAX - 1;
	k.b.conn.frames.recv_counter = UINT64_MAX - 1;
	assert_int_equal(conn_kit_try(&k, &k.a, 0x20, 1500, 'x'), SY_OK);
	conn_kit_pump(&k);
	assert_int_equal(k.a.err, SY_NONCE_EXHAUSTED);
	conn_kit_close(&k);
}

static void test_conn_flush_sends_what_is_queued_and_reads_on_without_minding(void **state)
{
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
		struct conn_kit k;
		conn_kit_init(&k, profiles[p], profiles[p]);
		open_running(&k, profiles[p]);
		for (int i = 0; i < 20; i++) {
			assert_int_equal(conn_kit_try(&k, &k.a, 0x20, 5000, 'x'), SY_OK);
			assert_int_equal(conn_kit_try(&k, &k.b, 0x20, 5000, 'y'), SY_OK);
		}
		assert_false(sy_conn_flushed(&k.a.conn));
		sy_conn_flush(&k.a.conn, &k.a.shared, k.now);
		assert_int_equal(k.a.conn.state, SY_CONN_FLUSHING);
		conn_kit_until(&k, k.now + SEC);
		assert_true(sy_conn_flushed(&k.a.conn));
		assert_int_equal(k.b.messages, 20);
		assert_int_equal(k.a.messages, 0);
		assert_int_equal(k.a.wire_len, 0);
		conn_kit_close(&k);
	}
}

static void test_conn_flush_of_a_peer_that_does_not_read_is_bounded_in_default_only(void **state)
{
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
		struct conn_kit k;
		conn_kit_init(&k, profiles[p], profiles[p]);
		open_running(&k, profiles[p]);
		assert_int_equal(conn_kit_try(&k, &k.a, 0x20, 5000, 'x'), SY_OK);
		sy_conn_flush(&k.a.conn, &k.a.shared, k.now);
		assert_int_equal(sy_conn_expire(&k.a.conn, &k.a.shared, k.now + 45 * SEC - 1), SY_OK);
		assert_int_equal(sy_conn_expire(&k.a.conn, &k.a.shared, k.now + 45 * SEC), p == 0 ? SY_TIMEOUT : SY_OK);
		conn_kit_close(&k);
	}
}

static void test_conn_expire_reports_a_missing_pong(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	open_running(&k, SY_PROFILE_DEFAULT);
	uint64_t t0 = k.now;
	conn_kit_until(&k, t0 + 200 * SEC);
	assert_false(k.a.dead);
	k.b.dead = true; /* it neither reads nor writes any more */
	conn_kit_until(&k, t0 + 400 * SEC);
	assert_int_equal(k.a.err, SY_PEER_PONG_TIMEOUT);
	conn_kit_close(&k);
}

static void test_conn_close_is_final_and_keeps_results_of_sends(void **state)
{
	struct conn_kit k;
	struct sy_mconn_sent sent;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	open_running(&k, SY_PROFILE_DEFAULT);
	struct sy_mconn_shared *m = &k.a.shared.mconn;
	for (int i = 0; i < 100; i++)
		assert_int_equal(conn_kit_try(&k, &k.a, 0x20, 50, 'x'), SY_OK);
	struct sy_payload *p = sy_payload_new(&m->payloads, &k.a.env.env, (struct sy_span){(const uint8_t *)"z", 1});
	assert_int_equal(sy_mconn_send(k.a.conn.mconn, m, 0x20, p, k.now, k.now + SEC, 77), SY_AGAIN);
	sy_payload_unref(&m->payloads, &k.a.env.env, p);
	sy_conn_close(&k.a.conn, &k.a.shared);
	sy_conn_close(&k.a.conn, &k.a.shared);
	assert_int_equal(k.a.conn.state, SY_CONN_CLOSED);
	assert_false(sy_conn_has_output(&k.a.conn, &k.a.shared, k.now));
	assert_int_equal(sy_conn_read_window(&k.a.conn, &k.a.shared, k.now), 0);
	assert_int_equal(sy_conn_deadline(&k.a.conn, &k.a.shared), UINT64_MAX);
	assert_int_equal(sy_conn_expire(&k.a.conn, &k.a.shared, k.now), SY_OK);
	static const uint8_t zero[32];
	assert_memory_equal(k.a.conn.frames.send_key, zero, sizeof zero);
	assert_memory_equal(k.a.conn.frames.recv_key, zero, sizeof zero);
	assert_true(sy_mconn_next_sent(k.a.conn.mconn, m, &sent));
	assert_int_equal(sent.token, 77);
	assert_int_equal(sent.err, SY_NO_PEER);
	conn_kit_close(&k);
}

static void test_conn_run_survives_every_allocation_that_fails(void **state)
{
	for (uint64_t nth = 1, failed = 1; failed; nth++) {
		struct conn_kit k;
		conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
		k.piece = 900;
		open_running(&k, SY_PROFILE_DEFAULT);
		test_env_fail_at(&k.b.env, nth, false);
		uint32_t sent = 0;
		for (uint32_t m = 0; m < 30; m++) {
			sent += conn_kit_try(&k, &k.a, 0x20, 1 + m * 300, 'x') == SY_OK;
			if (!k.b.dead && conn_kit_try(&k, &k.b, 0x20, 1 + m * 300, 'x') == SY_OK)
				continue;
		}
		conn_kit_until(&k, k.now + SEC);
		failed = k.b.env.failed;
		assert_true(k.b.dead ? k.b.err == SY_NO_MEMORY : k.b.messages == sent);
		conn_kit_close(&k);
	}
}

/* Every pair of states: the table's edges pass, all others trap. */
static void test_conn_states_pass_the_edges_of_the_diagram_and_no_others(void **state)
{
	static const char *const edges[SY_CONN_STATES] = {
	    [SY_CONN_DIALLING] = ".F.......C", [SY_CONN_FILTERING] = "..E......C", [SY_CONN_EPHEMERAL] = "...A.....C",
	    [SY_CONN_AUTH] = "....N....C",     [SY_CONN_NODE_INFO] = ".....RJ..C", [SY_CONN_RESOLVING] = "....N....C",
	    [SY_CONN_JUDGING] = ".......R.C",  [SY_CONN_RUNNING] = "........FC",   [SY_CONN_FLUSHING] = ".........C",
	    [SY_CONN_CLOSED] = "..........",
	};
	for (int from = 0; from < SY_CONN_STATES; from++)
		for (int to = 0; to < SY_CONN_STATES; to++) {
			struct sy_conn c = {.state = (enum sy_conn_state)from};
			if (edges[from][to] != '.') {
				sy_conn_set_state(&c, (enum sy_conn_state)to);
				assert_int_equal(c.state, to);
				continue;
			}
			pid_t pid = fork();
			if (pid == 0) {
				signal(SIGILL, SIG_DFL); /* the trap; cmocka would catch it */
				sy_conn_set_state(&c, (enum sy_conn_state)to);
				_exit(0);
			}
			int status = 0;
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		}
}

static void test_conn_state_names_are_distinct(void **state)
{
	for (int i = 0; i < SY_CONN_STATES; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(sy_conn_state_name((enum sy_conn_state)i), sy_conn_state_name((enum sy_conn_state)j));
	assert_string_equal(sy_conn_state_name(SY_CONN_STATES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conn_run_carries_messages_both_ways_however_the_bytes_are_cut),
	    cmocka_unit_test(test_conn_fill_packs_small_messages_into_one_frame),
	    cmocka_unit_test(test_conn_feed_is_held_back_by_the_limiter_and_goes_on_at_the_deadline),
	    cmocka_unit_test(test_conn_feed_beyond_the_window_is_refused_not_stored),
	    cmocka_unit_test(test_conn_frames_that_were_tampered_with_end_it),
	    cmocka_unit_test(test_conn_fill_ends_it_when_the_nonces_are_used_up),
	    cmocka_unit_test(test_conn_flush_sends_what_is_queued_and_reads_on_without_minding),
	    cmocka_unit_test(test_conn_flush_of_a_peer_that_does_not_read_is_bounded_in_default_only),
	    cmocka_unit_test(test_conn_expire_reports_a_missing_pong),
	    cmocka_unit_test(test_conn_close_is_final_and_keeps_results_of_sends),
	    cmocka_unit_test(test_conn_run_survives_every_allocation_that_fails),
	    cmocka_unit_test(test_conn_states_pass_the_edges_of_the_diagram_and_no_others),
	    cmocka_unit_test(test_conn_state_names_are_distinct),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
