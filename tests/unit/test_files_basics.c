/* Base64, times, whole files, home directories, the genesis file. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/temp_dir.h"
#include "transport/files/atomic_file.h"
#include "transport/files/base64.h"
#include "transport/files/genesis.h"
#include "transport/files/home.h"
#include "transport/files/rfc3339.h"

/* ---- base64, vectors of RFC 4648 section 10 ---- */

static void test_base64_encodes_and_decodes_the_vectors(void **state)
{
	static const char *const vectors[][2] = {
	    {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		char text[TP_BASE64_TEXT(6)];
		uint8_t bytes[6];
		size_t n, len = strlen(vectors[i][0]);
		tp_base64_encode((const uint8_t *)vectors[i][0], len, text);
		assert_string_equal(text, vectors[i][1]);
		assert_true(tp_base64_decode(vectors[i][1], bytes, sizeof(bytes), &n));
		assert_int_equal(n, len);
		assert_memory_equal(bytes, vectors[i][0], len);
	}
}

static void test_base64_decode_refuses_what_is_none(void **state)
{
	static const char *const wrong[] = {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm 9", "Z=g=", "====", "=", "Zg==Zg==", "Zm9v\n", "Zm9-"};
	uint8_t bytes[64];
	size_t n;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(tp_base64_decode(wrong[i], bytes, sizeof(bytes), &n));
	assert_false(tp_base64_decode("Zm9v", bytes, 2, &n));
	assert_true(tp_base64_decode("Zm9v", bytes, 3, &n));
}

/* ---- times ---- */

static void test_rfc3339_parses_what_go_writes(void **state)
{
	static const struct {
		const char *text;
		int64_t unix_s;
	} times[] = {
	    {"1970-01-01T00:00:01Z", 1},
	    {"2026-08-04T06:24:08.123456789Z", 1785824648},
	    {"2026-08-04T08:24:08.1+02:00", 1785824648},
	    {"2026-08-03T22:54:08-07:30", 1785824648},
	    {"0001-01-01T00:00:00Z", 0},
	    {"2000-02-29T23:59:59Z", 951868799},
	    {"1969-12-31T23:59:59Z", -1},
	    {"9999-12-31T23:59:59Z", 253402300799},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t unix_s = 42;
		assert_true(tp_rfc3339_parse(times[i].text, &unix_s));
		assert_int_equal(unix_s, times[i].unix_s);
	}
}

static void test_rfc3339_refuses_what_is_none(void **state)
{
	static const char *const wrong[] = {"",
	                                    "2026",
	                                    "2026-08-04",
	                                    "2026-08-04T06:24:08",
	                                    "2026-08-04 06:24:08Z",
	                                    "2026-13-04T06:24:08Z",
	                                    "2026-02-29T06:24:08Z",
	                                    "2026-08-04T24:00:00Z",
	                                    "2026-08-04T06:60:00Z",
	                                    "2026-08-04T06:24:60Z",
	                                    "2026-08-04T06:24:08.Z",
	                                    "2026-08-04T06:24:08Zx",
	                                    "2026-08-04T06:24:08+0200",
	                                    "2026-08-04T06:24:08+24:00",
	                                    "1900-02-29T00:00:00Z",
	                                    "2026-00-01T00:00:00Z",
	                                    "2026-01-00T00:00:00Z",
	                                    "-026-01-01T00:00:00Z"};
	int64_t unix_s;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(tp_rfc3339_parse(wrong[i], &unix_s));
}

static void test_rfc3339_formats_and_parses_back(void **state)
{
	char text[TP_RFC3339_TEXT];
	(void)state;
	tp_rfc3339_format(1785824648, text);
	assert_string_equal(text, "2026-08-04T06:24:08Z");
	tp_rfc3339_format(0, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	tp_rfc3339_format(INT64_MAX, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	tp_rfc3339_format(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	for (int64_t s = -62135596799; s < 253402300800; s += 86400ll * 397 + 12345) {
		int64_t back;
		tp_rfc3339_format(s, text);
		assert_true(tp_rfc3339_parse(text, &back));
		assert_int_equal(back, s);
	}
}

/* ---- what a kill leaves ---- */

#define LEFT "write-file-atomic-00"

/* A writer that is killed between the opening and the renaming: a child that is ended by the size of files it may write. */
static void die_while_writing(const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		const struct rlimit none = {0, 0};
		signal(SIGXFSZ, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)setrlimit(RLIMIT_FSIZE, &none);
		_exit(tp_file_write(path, "x", 1, 0644, NULL) == SY_OK);
	}
	int status;
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

static void test_file_sweep_removes_what_a_killed_writer_left(void **state)
{
	const struct temp_dir *dir = *state;
	char path[512];
	temp_path(dir, "f", path);
	assert_int_equal(tp_file_write(path, "whole", 5, 0644, NULL), SY_OK);
	die_while_writing(path);
	die_while_writing(path);
	assert_int_equal(temp_count(dir->path), 3);
	assert_int_equal(tp_file_sweep(path), 2);
	assert_int_equal(temp_count(dir->path), 1);
	assert_int_equal(tp_file_sweep(path), 0);
	unlink(path);
}

/* Upstream's names (a number, 0 for a minus), names that are only like ours, what is no plain file, what a writer holds. */
static void test_file_sweep_leaves_what_is_not_ours(void **state)
{
	static const char *const files[] = {"write-file-atomic-09223372036854775808",
	                                    "write-file-atomic-5421033470922017409",
	                                    LEFT "00000000000000001",
	                                    LEFT "0000000000000000001",
	                                    LEFT "00000000000000000x",
	                                    "x" LEFT "000000000000000001"};
	const struct temp_dir *dir = *state;
	char path[512], here[512];
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		temp_write(temp_path(dir, files[i], path), "theirs");
	assert_int_equal(mkdir(temp_path(dir, LEFT "000000000000000001", path), 0700), 0);
	assert_int_equal(symlink("f", temp_path(dir, LEFT "000000000000000002", path)), 0);
	assert_int_equal(mkfifo(temp_path(dir, LEFT "000000000000000003", path), 0600), 0);
	temp_write(temp_path(dir, LEFT "000000000000000004", path), "two names");
	assert_int_equal(link(path, temp_path(dir, LEFT "000000000000000005", here)), 0);
	temp_write(temp_path(dir, LEFT "000000000000000006", path), "being written");
	int fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	size_t before = temp_count(dir->path);
	assert_int_equal(tp_file_sweep(temp_path(dir, "f", here)), 0);
	assert_int_equal(temp_count(dir->path), before);
	close(fd);
	assert_int_equal(tp_file_sweep(here), 1);
	assert_int_equal(temp_count(dir->path), before - 1);
	assert_int_equal(tp_file_sweep(temp_path(dir, "nowhere/f", here)), 0);
}

/* ---- whole files ---- */

static void test_file_write_replaces_the_whole_file(void **state)
{
	char path[512], *bytes;
	size_t len;
	temp_path(*state, "f", path);
	assert_int_equal(tp_file_write(path, "first, longer", 13, 0600, NULL), SY_OK);
	assert_int_equal(temp_mode(path), 0600);
	assert_int_equal(tp_file_write(path, "second", 6, 0644, NULL), SY_OK);
	assert_int_equal(temp_mode(path), 0644);
	assert_int_equal(tp_file_read(path, 6, &bytes, &len, NULL), SY_OK);
	assert_int_equal(len, 6);
	assert_string_equal(bytes, "second");
	free(bytes);
	assert_int_equal(temp_count(((struct temp_dir *)*state)->path), 1); /* no temporary file is left */
}

static void test_file_write_does_not_replace_a_pipe(void **state)
{
	char path[TP_PATH_MAX], got[8] = "";
	struct stat st;

	temp_path(*state, "pipe", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	int fd = open(path, O_RDWR | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(tp_file_write(path, "through", 7, 0600, NULL), SY_OK);
	assert_int_equal(read(fd, got, sizeof got), 7);
	assert_memory_equal(got, "through", 7);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	close(fd);
}

static void test_file_write_that_fails_leaves_the_old_file(void **state)
{
	struct tp_message msg = {""};
	char path[512], in_dir[512];
	temp_path(*state, "taken", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(tp_file_write(path, "x", 1, 0600, &msg), SY_IO);
	assert_non_null(strstr(msg.text, "taken"));
	assert_int_equal(temp_count(((struct temp_dir *)*state)->path), 1);
	temp_path(*state, "missing/f", in_dir);
	assert_int_equal(tp_file_write(in_dir, "x", 1, 0600, &msg), SY_IO);
	char *longer = calloc(1, TP_PATH_MAX + 10);
	memset(longer, '/', TP_PATH_MAX + 1);
	assert_int_equal(tp_file_write(longer, "x", 1, 0600, &msg), SY_INVALID);
	free(longer);
}

static void test_file_read_tells_what_is_wrong(void **state)
{
	struct temp_dir *dir = *state;
	struct tp_message msg = {""};
	char path[512], *bytes;
	size_t len;
	temp_path(dir, "f", path);
	assert_int_equal(tp_file_read(path, 10, &bytes, &len, &msg), SY_NOT_FOUND);
	assert_non_null(strstr(msg.text, path));
	assert_int_equal(tp_file_read(dir->path, 10, &bytes, &len, &msg), SY_IO);
	assert_non_null(strstr(msg.text, "not a regular file"));
	temp_write(path, "12345678901");
	assert_int_equal(tp_file_read(path, 10, &bytes, &len, &msg), SY_LIMIT);
	assert_int_equal(tp_file_read(path, 11, &bytes, &len, &msg), SY_OK);
	free(bytes);
	temp_write(path, "");
	assert_int_equal(tp_file_read(path, 0, &bytes, &len, &msg), SY_OK);
	assert_int_equal(len, 0);
	free(bytes);
}

/* ---- home ---- */

static void test_home_make_makes_what_is_missing(void **state)
{
	struct tp_message msg = {""};
	char home[512], path[TP_PATH_MAX];
	temp_path(*state, "a/b/home", home);
	assert_int_equal(tp_home_make(home, &msg), SY_OK);
	assert_int_equal(tp_home_make(home, &msg), SY_OK);
	assert_int_equal(tp_home_path(home, "data", path, &msg), SY_OK);
	assert_int_equal(temp_mode(path), 0700);
	assert_int_equal(tp_home_path(home, TP_HOME_NODE_KEY, path, &msg), SY_OK);
	temp_write(path, "kept");
	assert_int_equal(tp_home_make(home, &msg), SY_OK);
	char *text = temp_read(path);
	assert_string_equal(text, "kept");
	free(text);
	assert_int_equal(tp_home_path(home, "/etc/x", path, &msg), SY_OK);
	assert_string_equal(path, "/etc/x");
	assert_int_equal(tp_home_path("/h/", "x", path, &msg), SY_OK);
	assert_string_equal(path, "/h/x");
}

static void test_home_make_tells_what_is_in_the_way(void **state)
{
	struct tp_message msg = {""};
	char home[512], file[512], path[TP_PATH_MAX];
	char *longer = calloc(1, TP_PATH_MAX + 10);
	temp_path(*state, "home", home);
	temp_path(*state, "home/config", file);
	assert_int_equal(mkdir(home, 0700), 0);
	temp_write(file, "");
	assert_int_equal(tp_home_make(home, &msg), SY_IO);
	assert_non_null(strstr(msg.text, "home/config"));
	assert_non_null(strstr(msg.text, "a file is in its place"));
	memset(longer, 'x', TP_PATH_MAX);
	assert_int_equal(tp_home_path(longer, "x", path, &msg), SY_INVALID);
	assert_int_equal(tp_home_make(longer, &msg), SY_INVALID);
	free(longer);
}

/* ---- genesis ---- */

static void check_genesis(void **state, const char *text, enum sy_err expected, const char *says)
{
	struct tp_message msg = {""};
	char path[512], chain_id[TP_CHAIN_ID_TEXT];
	temp_path(*state, "genesis.json", path);
	temp_write(path, text);
	assert_int_equal(tp_genesis_chain_id(path, chain_id, &msg), expected);
	if (expected == SY_OK) {
		assert_string_equal(chain_id, says);
	} else {
		assert_non_null(strstr(msg.text, path));
		assert_non_null(strstr(msg.text, says));
	}
}

static void test_genesis_chain_id_is_read(void **state)
{
	check_genesis(state, "{\"genesis_time\":\"x\",\"chain_id\":\"test-chain\",\"app_state\":{}}", SY_OK, "test-chain");
	check_genesis(state, "{\"chain_id\":\"12345678901234567890123456789012345678901234567890\"}", SY_OK,
	              "12345678901234567890123456789012345678901234567890");
}

static void test_genesis_tells_what_is_wrong(void **state)
{
	struct tp_message msg = {""};
	char path[512], chain_id[TP_CHAIN_ID_TEXT];
	check_genesis(state, "{\"chain_id\":\"123456789012345678901234567890123456789012345678901\"}", SY_CORRUPT, "51 bytes");
	check_genesis(state, "{\"chain_id\":\"\"}", SY_CORRUPT, "chain_id");
	check_genesis(state, "{\"chain_id\":7}", SY_CORRUPT, "chain_id");
	check_genesis(state, "[]", SY_CORRUPT, "chain_id");
	check_genesis(state, "{\"chain_id\":", SY_PARSE, "line 1");
	check_genesis(state, "", SY_PARSE, "not JSON");
	temp_path(*state, "none.json", path);
	assert_int_equal(tp_genesis_chain_id(path, chain_id, &msg), SY_NOT_FOUND);
}

#define IN_DIR(name) cmocka_unit_test_setup_teardown(name, temp_dir_setup, temp_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_DIR(test_file_sweep_removes_what_a_killed_writer_left),
	    IN_DIR(test_file_sweep_leaves_what_is_not_ours),
	    cmocka_unit_test(test_base64_encodes_and_decodes_the_vectors),
	    cmocka_unit_test(test_base64_decode_refuses_what_is_none),
	    cmocka_unit_test(test_rfc3339_parses_what_go_writes),
	    cmocka_unit_test(test_rfc3339_refuses_what_is_none),
	    cmocka_unit_test(test_rfc3339_formats_and_parses_back),
	    IN_DIR(test_file_write_replaces_the_whole_file),
	    IN_DIR(test_file_write_does_not_replace_a_pipe),
	    IN_DIR(test_file_write_that_fails_leaves_the_old_file),
	    IN_DIR(test_file_read_tells_what_is_wrong),
	    IN_DIR(test_home_make_makes_what_is_missing),
	    IN_DIR(test_home_make_tells_what_is_in_the_way),
	    IN_DIR(test_genesis_chain_id_is_read),
	    IN_DIR(test_genesis_tells_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
