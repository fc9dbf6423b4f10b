/* The node key's file. Source: protocol.md 1.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/support/temp_dir.h"
#include "transport/files/node_key.h"

#define VALUE "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8lQ7kv8QlVEUdq3INp223ckzZloRl43aFATuEGbKlVnQ=="
#define FILE_TEXT "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"" VALUE "\"}}"
#define NODE_ID "03396219237f75a64f12aeb7f39723abf400b160"

static void test_node_key_load_reads_the_vector(void **state)
{
	static const char *const texts[] = {
	    FILE_TEXT,
	    "\n{ \"x\": [1, {}], \"priv_key\" : {\n\"value\":\"" VALUE "\", \"type\":\"tendermint/PrivKeyEd25519\", \"y\":null }}\n",
	};
	struct tp_node_key key;
	char path[512], id[SY_ID_TEXT];
	temp_path(*state, "node_key.json", path);
	for (size_t i = 0; i < 2; i++) {
		temp_write(path, texts[i]);
		assert_int_equal(tp_node_key_load(path, &key, NULL), SY_OK);
		sy_id_format(&key.id, id);
		assert_string_equal(id, NODE_ID);
		assert_int_equal(key.pubkey[0], 0x25);
		assert_int_equal(key.secret[0], 0x40);
		assert_int_equal(key.secret[63], 0x9d);
	}
	tp_node_key_wipe(&key);
	assert_int_equal(key.secret[0], 0);
}

static void test_node_key_save_writes_upstreams_bytes(void **state)
{
	struct tp_node_key key;
	uint8_t seed[32];
	char path[512];
	for (size_t i = 0; i < 32; i++)
		seed[i] = (uint8_t)(0x40 + i);
	temp_path(*state, "node_key.json", path);
	assert_int_equal(tp_node_key_from_seed(&key, seed), SY_OK);
	assert_int_equal(tp_node_key_save(path, &key, NULL), SY_OK);
	char *text = temp_read(path);
	assert_string_equal(text, FILE_TEXT);
	free(text);
	assert_int_equal(temp_mode(path), 0600);
}

static void test_node_key_load_or_make_makes_one_once(void **state)
{
	struct tp_node_key first, second;
	char path[512];
	bool made;
	temp_path(*state, "node_key.json", path);
	assert_int_equal(tp_node_key_load_or_make(path, &first, &made, NULL), SY_OK);
	assert_true(made);
	assert_int_equal(temp_mode(path), 0600);
	assert_int_equal(tp_node_key_load_or_make(path, &second, &made, NULL), SY_OK);
	assert_false(made);
	assert_memory_equal(&first, &second, sizeof(first));
	struct tp_node_key third;
	assert_int_equal(tp_node_key_generate(&third), SY_OK);
	assert_memory_not_equal(&first, &third, sizeof(first));
}

static void test_node_key_that_cannot_be_saved_is_not_used(void **state)
{
	struct tp_message msg = {""};
	struct tp_node_key key;
	char path[512];
	bool made;
	temp_path(*state, "missing/node_key.json", path);
	assert_int_equal(tp_node_key_load_or_make(path, &key, &made, &msg), SY_IO);
	assert_false(made);
	assert_non_null(strstr(msg.text, "missing/node_key.json"));
	assert_int_equal(key.secret[0] | key.secret[1] | key.secret[2], 0);
}

static void check_wrong(void **state, const char *text, enum sy_err expected, const char *says)
{
	struct tp_message msg = {""};
	struct tp_node_key key;
	char path[512];
	bool made;
	temp_path(*state, "node_key.json", path);
	temp_write(path, text);
	assert_int_equal(tp_node_key_load(path, &key, &msg), expected);
	assert_non_null(strstr(msg.text, path));
	assert_non_null(strstr(msg.text, says));
	assert_null(strstr(msg.text, "QEFC")); /* no part of a secret in a message */
	assert_int_equal(tp_node_key_load_or_make(path, &key, &made, NULL), expected);
	char *after = temp_read(path);
	assert_string_equal(after, text);
	free(after);
}

static void test_node_key_load_tells_what_is_wrong(void **state)
{
	static char big[70000];
	check_wrong(state, "", SY_PARSE, "line 1");
	check_wrong(state, "{\"priv_key\":{\"type\":\n\"tend", SY_PARSE, "line 2");
	check_wrong(state, "{}", SY_CORRUPT, "priv_key");
	check_wrong(state, "[1]", SY_CORRUPT, "priv_key");
	check_wrong(state, "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\"}}", SY_CORRUPT, "value");
	check_wrong(state, "{\"priv_key\":{\"type\":\"tendermint/PrivKeySecp256k1\",\"value\":\"AAAA\"}}", SY_CORRUPT, "Secp256k1");
	check_wrong(state, "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"AAAA\"}}", SY_CORRUPT, "64 bytes");
	check_wrong(state, "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"" VALUE "AAAA\"}}", SY_CORRUPT, "64 bytes");
	check_wrong(state, "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"*" VALUE "\"}}", SY_CORRUPT, "base64");
	check_wrong(state,
	            "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl"
	            "8lQ7kv8QlVEUdq3INp223ckzZloRl43aFATuEGbKlVnA==\"}}",
	            SY_CORRUPT, "public half");
	memset(big, ' ', sizeof(big) - 1);
	check_wrong(state, big, SY_CORRUPT, "65536");
}

static void test_node_key_load_tells_of_a_missing_file_and_of_no_file(void **state)
{
	struct tp_message msg = {""};
	struct tp_node_key key;
	char path[512];
	temp_path(*state, "none", path);
	assert_int_equal(tp_node_key_load(path, &key, &msg), SY_NOT_FOUND);
	assert_int_equal(tp_node_key_load(((struct temp_dir *)*state)->path, &key, &msg), SY_IO);
}

#define IN_DIR(name) cmocka_unit_test_setup_teardown(name, temp_dir_setup, temp_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_DIR(test_node_key_load_reads_the_vector),       IN_DIR(test_node_key_save_writes_upstreams_bytes),
	    IN_DIR(test_node_key_load_or_make_makes_one_once), IN_DIR(test_node_key_that_cannot_be_saved_is_not_used),
	    IN_DIR(test_node_key_load_tells_what_is_wrong),    IN_DIR(test_node_key_load_tells_of_a_missing_file_and_of_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
