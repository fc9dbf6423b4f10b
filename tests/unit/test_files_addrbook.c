/* The address book's file: upstream's JSON to a snapshot and back. Source: protocol.md 6.8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/book/snapshot.h"
#include "tests/support/temp_dir.h"
#include "transport/files/addrbook_json.h"

#define KEY "000102030405060708090a0b"
#define ID_A "03396219237f75a64f12aeb7f39723abf400b160"
#define ID_B "68894d58f18f2c34d49eb2f4b110e042cd0f3150"

/* As upstream writes it, but for the fraction of a second, which is cut. */
#define ENTRY(bucket, type, attempt)                                                                                              \
	"\t\t{\n\t\t\t\"addr\": {\n\t\t\t\t\"id\": \"" ID_A "\",\n\t\t\t\t\"ip\": \"12.1.2.3\",\n\t\t\t\t\"port\": 26656\n\t\t\t},\n" \
	"\t\t\t\"src\": {\n\t\t\t\t\"id\": \"" ID_B "\",\n\t\t\t\t\"ip\": \"2001:db8::7\",\n\t\t\t\t\"port\": 26657\n\t\t\t},\n"      \
	"\t\t\t\"buckets\": [\n\t\t\t\t" bucket "\n\t\t\t],\n\t\t\t\"attempts\": 3,\n\t\t\t\"bucket_type\": " type ",\n"              \
	"\t\t\t\"last_attempt\": \"" attempt "\",\n\t\t\t\"last_success\": \"0001-01-01T00:00:00Z\",\n"                               \
	"\t\t\t\"last_ban_time\": \"0001-01-01T00:00:00Z\"\n\t\t}"
#define BOOK(list, entries) "{\n\t\"key\": \"" KEY "\",\n\t\"" list "\": [" entries "]\n}"

struct paths {
	char book[512], bans[512];
};

static struct paths paths_in(void **state)
{
	struct paths p;
	temp_path(*state, "addrbook.json", p.book);
	temp_path(*state, "addrbook.bans.json", p.bans);
	return p;
}

static uint32_t open_snapshot(const uint8_t *snapshot, size_t len, char key[25])
{
	uint32_t records = 0;
	assert_int_equal(sy_snapshot_open((struct sy_span){snapshot, len}, key, &records), SY_OK);
	return records;
}

static struct sy_book_record record_at(const uint8_t *snapshot, size_t len, uint32_t n)
{
	struct sy_book_record r;
	assert_int_equal(sy_snapshot_get((struct sy_span){snapshot, len}, n, &r), SY_OK);
	return r;
}

static void test_addrbook_load_reads_upstreams_file(void **state)
{
	struct paths p = paths_in(state);
	uint8_t *snapshot;
	size_t len;
	char key[25], text[SY_ADDR_TEXT];
	temp_write(p.book, BOOK("addrs", "\n" ENTRY("213", "1", "2026-08-04T08:24:08.123456789+02:00") "\n\t"));
	assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, NULL), SY_OK);
	assert_int_equal(open_snapshot(snapshot, len, key), 1);
	assert_string_equal(key, KEY);
	struct sy_book_record r = record_at(snapshot, len, 0);
	sy_netaddr_format(&r.addr, text);
	assert_string_equal(text, ID_A "@12.1.2.3:26656");
	sy_netaddr_format(&r.src, text);
	assert_string_equal(text, ID_B "@[2001:db8::7]:26657");
	assert_int_equal(r.num_buckets, 1);
	assert_int_equal(r.buckets[0], 213);
	assert_int_equal(r.type, SY_RECORD_NEW);
	assert_int_equal(r.attempts, 3);
	assert_int_equal(r.last_attempt_s, 1785824648);
	assert_int_equal(r.last_success_s, 0);
	assert_int_equal(r.last_ban_s, 0);
	free(snapshot);
}

static void test_addrbook_save_writes_upstreams_bytes(void **state)
{
	static const char text[] =
	    BOOK("addrs", "\n" ENTRY("213", "1", "2026-08-04T06:24:08Z") ",\n" ENTRY("1,\n\t\t\t\t63", "2", "0001-01-01T00:00:00Z") "\n\t");
	struct paths p = paths_in(state);
	uint8_t *snapshot;
	size_t len;
	temp_write(p.book, text);
	assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, NULL), SY_OK);
	assert_int_equal(unlink(p.book), 0);
	assert_int_equal(tp_addrbook_save(p.book, (struct sy_span){snapshot, len}, NULL), SY_OK);
	char *after = temp_read(p.book);
	assert_string_equal(after, text);
	free(after);
	free(snapshot);
	assert_int_equal(temp_mode(p.book), 0644);
	assert_int_equal(temp_count(((struct temp_dir *)*state)->path), 1);
}

static void test_addrbook_times_do_not_depend_on_the_time_zone(void **state)
{
	static const char text[] = BOOK("addrs", "\n" ENTRY("213", "1", "2026-08-04T06:24:08Z") "\n\t");
	static const char *const zones[] = {"Pacific/Apia", "America/St_Johns", "UTC"};
	struct paths p = paths_in(state);
	for (size_t i = 0; i < 3; i++) {
		uint8_t *snapshot;
		size_t len;
		setenv("TZ", zones[i], 1);
		temp_write(p.book, text);
		assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, NULL), SY_OK);
		assert_int_equal(record_at(snapshot, len, 0).last_attempt_s, 1785824648);
		assert_int_equal(tp_addrbook_save(p.book, (struct sy_span){snapshot, len}, NULL), SY_OK);
		char *after = temp_read(p.book);
		assert_string_equal(after, text);
		free(after);
		free(snapshot);
	}
	unsetenv("TZ");
}

static void test_addrbook_bans_live_in_a_file_of_their_own(void **state)
{
	struct paths p = paths_in(state);
	uint8_t snapshot[4096], *loaded;
	size_t len = sy_snapshot_size(2), loaded_len;
	char key[25];
	struct sy_book_record entry = {.num_buckets = 1, .buckets = {7}, .type = SY_RECORD_NEW},
	                      ban = {.type = SY_RECORD_BAN, .last_ban_s = 1785824648};
	assert_int_equal(sy_netaddr_parse(ID_A "@12.1.2.3:26656", &entry.addr, NULL), SY_OK);
	assert_int_equal(sy_netaddr_parse(ID_B "@12.9.2.3:26656", &entry.src, NULL), SY_OK);
	ban.addr = entry.src;
	ban.src = entry.addr;
	ban.num_buckets = 1;
	ban.buckets[0] = SY_BAN_FROM_BOOK;
	sy_snapshot_begin(snapshot, KEY, 2);
	sy_snapshot_put(snapshot, 0, &ban);
	sy_snapshot_put(snapshot, 1, &entry);
	assert_int_equal(tp_addrbook_save(p.book, (struct sy_span){snapshot, len}, NULL), SY_OK);
	char *text = temp_read(p.book);
	assert_null(strstr(text, "\"bucket_type\": 3"));
	free(text);
	text = temp_read(p.bans);
	assert_non_null(strstr(text, "\"bans\": ["));
	assert_non_null(strstr(text, "\"last_ban_time\": \"2026-08-04T06:24:08Z\""));
	free(text);

	assert_int_equal(tp_addrbook_load(p.book, &loaded, &loaded_len, NULL), SY_OK);
	assert_int_equal(open_snapshot(loaded, loaded_len, key), 2);
	struct sy_book_record first = record_at(loaded, loaded_len, 0), second = record_at(loaded, loaded_len, 1);
	assert_memory_equal(&first, &entry, sizeof(entry));
	assert_memory_equal(&second, &ban, sizeof(ban));
	free(loaded);

	assert_int_equal(unlink(p.book), 0); /* the bans survive the book */
	assert_int_equal(tp_addrbook_load(p.book, &loaded, &loaded_len, NULL), SY_OK);
	assert_int_equal(open_snapshot(loaded, loaded_len, key), 1);
	assert_string_equal(key, KEY);
	free(loaded);

	sy_snapshot_begin(snapshot, KEY, 0);
	assert_int_equal(tp_addrbook_save(p.book, (struct sy_span){snapshot, sy_snapshot_size(0)}, NULL), SY_OK);
	assert_int_not_equal(access(p.bans, F_OK), 0); /* none left, no file */
	text = temp_read(p.book);
	assert_string_equal(text, BOOK("addrs", ""));
	free(text);
}

static void test_addrbook_load_leaves_senseless_entries_to_the_core(void **state)
{
	static const char *const entries[] = {
	    "{}",
	    "{\"addr\":null,\"src\":null,\"buckets\":null,\"bucket_type\":1}",
	    "{\"addr\":{\"id\":\"xyz\",\"ip\":\"\",\"port\":0},\"buckets\":[70000],\"bucket_type\":9}",
	    "{\"addr\":{\"id\":\"" ID_A "\",\"ip\":\"1.2.3.4\",\"port\":1},\"buckets\":[1,2,3,4,5],\"bucket_type\":1}",
	    "{\"addr\":{\"id\":\"" ID_A "\",\"ip\":\"1.2.3.4\",\"port\":1},\"buckets\":[-1],\"bucket_type\":1}",
	    "{\"addr\":{\"id\":\"" ID_A "\",\"ip\":\"1.2.3.4\",\"port\":1},\"buckets\":[1],\"bucket_type\":3}",
	};
	struct paths p = paths_in(state);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		char text[1024], key[25];
		uint8_t *snapshot;
		size_t len;
		snprintf(text, sizeof(text), "{\"key\":\"" KEY "\",\"addrs\":[%s]}", entries[i]);
		temp_write(p.book, text);
		assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, NULL), SY_OK);
		assert_int_equal(open_snapshot(snapshot, len, key), 1);
		assert_int_equal(record_at(snapshot, len, 0).num_buckets, 0);
		assert_int_not_equal(record_at(snapshot, len, 0).type, SY_RECORD_BAN);
		free(snapshot);
	}
}

static void check_wrong(void **state, const char *text, enum sy_err expected, const char *says)
{
	struct paths p = paths_in(state);
	struct tp_message msg = {""};
	uint8_t *snapshot;
	size_t len;
	temp_write(p.book, text);
	assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, &msg), expected);
	assert_null(snapshot);
	assert_non_null(strstr(msg.text, p.book));
	assert_non_null(strstr(msg.text, says));
	char *after = temp_read(p.book);
	assert_string_equal(after, text);
	free(after);
}

#define WITH(entry) "{\"key\":\"" KEY "\",\"addrs\":[{}," entry "]}"

static void test_addrbook_load_names_what_is_wrong_and_where(void **state)
{
	check_wrong(state, "", SY_PARSE, "empty");
	check_wrong(state, "{\n\"key\": \"0001\",\n\t\"addrs\": [{", SY_PARSE, "line 3");
	check_wrong(state, "{} x", SY_PARSE, "line 1");
	check_wrong(state, "[]", SY_CORRUPT, "key");
	check_wrong(state, "{\"key\":\"0001\",\"addrs\":[]}", SY_CORRUPT, "24 hex digits");
	check_wrong(state, "{\"key\":\"00010203040506070809\\\"\\\"\\\"\\\"\",\"addrs\":[]}", SY_CORRUPT, "24 hex digits");
	check_wrong(state, "{\"key\":\"" KEY "\",\"addrs\":{}}", SY_CORRUPT, "addrs");
	check_wrong(state, WITH("7"), SY_CORRUPT, "addrs[1]");
	check_wrong(state, WITH("{\"addr\":\"1.2.3.4\"}"), SY_CORRUPT, "addrs[1].addr");
	check_wrong(state, WITH("{\"addr\":{\"ip\":\"1.2.3\"}}"), SY_CORRUPT, "addrs[1].addr.ip");
	check_wrong(state, WITH("{\"src\":{\"id\":4}}"), SY_CORRUPT, "addrs[1].src.id");
	check_wrong(state, WITH("{\"src\":{\"port\":65536}}"), SY_CORRUPT, "addrs[1].src.port");
	check_wrong(state, WITH("{\"buckets\":4}"), SY_CORRUPT, "addrs[1].buckets");
	check_wrong(state, WITH("{\"buckets\":[\"4\"]}"), SY_CORRUPT, "addrs[1].buckets");
	check_wrong(state, WITH("{\"bucket_type\":-1}"), SY_CORRUPT, "addrs[1].bucket_type");
	check_wrong(state, WITH("{\"attempts\":1.5}"), SY_CORRUPT, "addrs[1].attempts");
	check_wrong(state, WITH("{\"attempts\":2147483648}"), SY_CORRUPT, "addrs[1].attempts");
	check_wrong(state, WITH("{\"last_attempt\":\"yesterday\"}"), SY_CORRUPT, "addrs[1].last_attempt");
	check_wrong(state, WITH("{\"last_success\":5}"), SY_CORRUPT, "addrs[1].last_success");
}

static void test_addrbook_load_refuses_every_truncation(void **state)
{
	static const char whole[] = BOOK("addrs", "\n" ENTRY("213", "1", "2026-08-04T06:24:08Z") "\n\t");
	struct paths p = paths_in(state);
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char text[sizeof(whole)];
		uint8_t *snapshot;
		size_t len;
		memcpy(text, whole, n);
		text[n] = '\0';
		temp_write(p.book, text);
		assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, NULL), SY_PARSE);
	}
}

static void test_addrbook_errors_of_the_side_file_name_it(void **state)
{
	struct paths p = paths_in(state);
	struct tp_message msg = {""};
	uint8_t *snapshot;
	size_t len;
	temp_write(p.book, BOOK("addrs", ""));
	temp_write(p.bans, "{\"key\":\"" KEY "\",\"bans\":[{\"last_ban_time\":1}]}");
	assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, &msg), SY_CORRUPT);
	assert_non_null(strstr(msg.text, "addrbook.bans.json: bans[0].last_ban_time"));
}

static void test_addrbook_load_without_files_finds_nothing(void **state)
{
	struct paths p = paths_in(state);
	struct tp_message msg = {""};
	uint8_t *snapshot;
	size_t len;
	assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, &msg), SY_NOT_FOUND);
	assert_int_equal(mkdir(p.book, 0700), 0);
	assert_int_equal(tp_addrbook_load(p.book, &snapshot, &len, &msg), SY_IO);
}

static void test_addrbook_save_that_fails_changes_nothing(void **state)
{
	struct paths p = paths_in(state);
	struct tp_message msg = {""};
	uint8_t snapshot[64];
	char missing[512], *longer = calloc(1, TP_PATH_MAX);
	temp_write(p.book, "old");
	sy_snapshot_begin(snapshot, KEY, 0);
	assert_int_equal(tp_addrbook_save(p.book, (struct sy_span){snapshot, 7}, &msg), SY_CORRUPT);
	char *text = temp_read(p.book);
	assert_string_equal(text, "old");
	free(text);
	temp_path(*state, "missing/addrbook.json", missing);
	assert_int_equal(tp_addrbook_save(missing, (struct sy_span){snapshot, sy_snapshot_size(0)}, &msg), SY_IO);
	memset(longer, 'x', TP_PATH_MAX - 1);
	assert_int_equal(tp_addrbook_save(longer, (struct sy_span){snapshot, sy_snapshot_size(0)}, &msg), SY_INVALID);
	free(longer);
}

static void test_addrbook_bans_path_follows_the_name(void **state)
{
	char bans[TP_PATH_MAX];
	(void)state;
	assert_int_equal(tp_addrbook_bans_path("a.json/book", bans, NULL), SY_OK);
	assert_string_equal(bans, "a.json/book.bans.json");
	assert_int_equal(tp_addrbook_bans_path("x/.json", bans, NULL), SY_OK);
	assert_string_equal(bans, "x/.bans.json");
}

#define IN_DIR(name) cmocka_unit_test_setup_teardown(name, temp_dir_setup, temp_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_DIR(test_addrbook_load_reads_upstreams_file),
	    IN_DIR(test_addrbook_save_writes_upstreams_bytes),
	    IN_DIR(test_addrbook_times_do_not_depend_on_the_time_zone),
	    IN_DIR(test_addrbook_bans_live_in_a_file_of_their_own),
	    IN_DIR(test_addrbook_load_leaves_senseless_entries_to_the_core),
	    IN_DIR(test_addrbook_load_names_what_is_wrong_and_where),
	    IN_DIR(test_addrbook_load_refuses_every_truncation),
	    IN_DIR(test_addrbook_errors_of_the_side_file_name_it),
	    IN_DIR(test_addrbook_load_without_files_finds_nothing),
	    IN_DIR(test_addrbook_save_that_fails_changes_nothing),
	    cmocka_unit_test(test_addrbook_bans_path_follows_the_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
