#include "core/wire/nodeinfo.h"
#include "testmsg.pb-c.h"
#include "tests/support/data.h"
#include "tests/support/unit.h"

#define ID_A "03396219237f75a64f12aeb7f39723abf400b160"

static struct sy_span text(const char *s)
{
	return (struct sy_span){(const uint8_t *)s, strlen(s)};
}

static void assert_text(struct sy_span span, const char *wanted)
{
	assert_int_equal(span.len, strlen(wanted));
	if (span.len)
		assert_memory_equal(span.ptr, wanted, span.len);
}

static struct sy_node_info sample(void)
{
	static const uint8_t channels[] = {0x40, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x60, 0x61, 0x00};
	return (struct sy_node_info){
	    .p2p_version = 8,
	    .block_version = 11,
	    .id_text = text(ID_A),
	    .listen_addr = text("tcp://0.0.0.0:26656"),
	    .network = text("test-chain"),
	    .version = text("0.40.0"),
	    .channels = {channels, sizeof channels},
	    .moniker = text("node0"),
	    .tx_index = text("on"),
	    .rpc_address = text("tcp://127.0.0.1:26657"),
	};
}

static size_t vector(uint8_t *buf)
{
	json_t *root = test_data_json("vectors.json");
	size_t n = test_hex(json_string_value(json_object_get(root, "A_nodeinfo_plain_delimited")), buf, 200);
	json_decref(root);
	return n;
}

static void test_node_info_encode_writes_the_vector(void **state)
{
	uint8_t wanted[200], got[200];
	size_t n = vector(wanted);
	struct sy_node_info info = sample();
	assert_int_equal(n, 139);
	assert_int_equal(sy_node_info_encode(&info, got, sizeof got), 137);
	assert_memory_equal(got, wanted + 2, 137);
	assert_int_equal(sy_node_info_encode(&info, got, 137), 137);
	for (size_t cap = 0; cap < 137; cap++)
		assert_int_equal(sy_node_info_encode(&info, got, cap), 0);
}

static void test_node_info_decode_reads_the_vector(void **state)
{
	uint8_t bytes[200];
	struct sy_node_info info;
	vector(bytes);
	assert_int_equal(sy_node_info_decode(bytes + 2, 137, &info), SY_OK);
	assert_int_equal(info.p2p_version, 8);
	assert_int_equal(info.block_version, 11);
	assert_int_equal(info.app_version, 0);
	assert_text(info.id_text, ID_A);
	assert_text(info.listen_addr, "tcp://0.0.0.0:26656");
	assert_text(info.network, "test-chain");
	assert_text(info.version, "0.40.0");
	assert_int_equal(info.channels.len, 10);
	assert_text(info.moniker, "node0");
	assert_text(info.tx_index, "on");
	assert_text(info.rpc_address, "tcp://127.0.0.1:26657");
	/* Cut at any place between fields it is another message, inside of one it is none: never a crash. */
	for (size_t n = 0; n < 137; n++)
		(void)!sy_node_info_decode(bytes + 2, n, &info);
}

static void test_node_info_encode_writes_empty_embedded_messages(void **state)
{
	uint8_t buf[16];
	struct sy_node_info empty = {0};
	assert_int_equal(sy_node_info_encode(&empty, buf, sizeof buf), 4);
	assert_memory_equal(buf, "\x0a\x00\x42\x00", 4);
}

static void test_node_info_decode_keeps_the_rules_of_the_generated_code(void **state)
{
	static const struct {
		const char *hex;
		bool ok;
	} rows[] = {
	    {"", true},
	    {"4801", true},              /* unknown number */
	    {"0a020801 0a021002", true}, /* merged */
	    {"0a03 088008", true},
	    {"0a02 2001", true},
	    {"4202 1a00", true},
	    {"0a01 08", false},
	    {"0a02 0a00", false}, /* a known number with another type */
	    {"0801", false},
	    {"1001", false},
	    {"4001", false},
	    {"4202 0801", false},
	    {"4202 1001", false},
	    {"3a0261", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[32];
		struct sy_node_info info;
		size_t n = test_hex(rows[i].hex, buf, sizeof buf);
		if (sy_node_info_decode(buf, n, &info) != (rows[i].ok ? SY_OK : SY_PEER_BAD_NODE_INFO))
			fail_msg("%s", rows[i].hex);
	}
	struct sy_node_info info;
	assert_int_equal(sy_node_info_decode((const uint8_t *)"\x0a\x02\x08\x01\x0a\x02\x10\x02", 8, &info), SY_OK);
	assert_int_equal(info.p2p_version, 1);
	assert_int_equal(info.block_version, 2);
}

static enum sy_err judge(const struct sy_node_info *info, const char *what)
{
	struct sy_netaddr listen;
	char host[SY_HOST_TEXT];
	const char *named = "unset";
	enum sy_err err = sy_node_info_validate(info, &listen, host, &named);
	assert_int_equal(sy_node_info_validate(info, &listen, NULL, NULL), err);
	if (what)
		assert_string_equal(named, what);
	else
		assert_null(named);
	return err;
}

static void test_node_info_validate_empty_fails_and_sample_passes(void **state)
{
	struct sy_node_info info = {0};
	struct sy_netaddr listen;
	char printed[SY_ADDR_TEXT];
	assert_int_equal(judge(&info, "default_node_id"), SY_PEER_BAD_NODE_INFO);
	info = sample();
	assert_int_equal(judge(&info, NULL), SY_OK);
	assert_int_equal(sy_node_info_validate(&info, &listen, NULL, NULL), SY_OK);
	sy_netaddr_format(&listen, printed);
	assert_string_equal(printed, ID_A "@0.0.0.0:26656");
}

static void test_node_info_validate_judges_channels(void **state)
{
	uint8_t channels[17];
	struct sy_node_info info = sample();
	for (uint8_t i = 0; i < 17; i++)
		channels[i] = i;
	info.channels = (struct sy_span){channels, 16};
	assert_int_equal(judge(&info, NULL), SY_OK);
	info.channels.len = 17;
	assert_int_equal(judge(&info, "channels"), SY_PEER_BAD_NODE_INFO);
	info.channels.len = 5;
	assert_int_equal(judge(&info, NULL), SY_OK);
	info.channels.len = 0;
	assert_int_equal(judge(&info, NULL), SY_OK);
	info.channels.len = 5;
	channels[4] = 0;
	assert_int_equal(judge(&info, "channels"), SY_PEER_BAD_NODE_INFO);
}

static void test_node_info_validate_judges_texts(void **state)
{
	static const struct {
		const char *value;
		bool version, moniker, tx_index, rpc_address;
	} rows[] = {
	    {"\xc2\xa2"
	     "g",
	     false, false, false, false},
	    {"\t", false, false, false, false},
	    {"   ", false, false, false, false},
	    {"", true, false, true, true},
	    {"hey its me", true, true, false, true},
	    {"0.0.0.0:26657", true, true, false, true},
	    {"off", true, true, true, true},
	    {"on", true, true, true, true},
	    {"onn", true, true, false, true},
	    {"\x7f", false, false, false, false},
	    {"~", true, true, false, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sy_node_info info = sample();
		info.version = text(rows[i].value);
		judge(&info, rows[i].version ? NULL : "version");
		info = sample();
		info.moniker = text(rows[i].value);
		judge(&info, rows[i].moniker ? NULL : "moniker");
		info = sample();
		info.tx_index = text(rows[i].value);
		judge(&info, rows[i].tx_index ? NULL : "tx_index");
		info = sample();
		info.rpc_address = text(rows[i].value);
		judge(&info, rows[i].rpc_address ? NULL : "rpc_address");
	}
}

static void test_node_info_validate_judges_the_listen_address(void **state)
{
	static const struct {
		const char *listen_addr;
		enum sy_err err;
	} rows[] = {
	    {"not-an-address", SY_PEER_BAD_NODE_INFO},
	    {"0.0.0.0:26656", SY_OK},
	    {"tcp://[::]:26656", SY_OK},
	    {"", SY_PEER_BAD_NODE_INFO},
	    {"1.2.3.4", SY_PEER_BAD_NODE_INFO},
	    {"x@1.2.3.4:5", SY_PEER_BAD_NODE_INFO},
	    {"tcp://validator.example.org:26656", SY_ADDR_NEEDS_DNS},
	    {"validator.example.org:66666", SY_PEER_BAD_NODE_INFO},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sy_node_info info = sample();
		info.listen_addr = text(rows[i].listen_addr);
		assert_int_equal(judge(&info, rows[i].err == SY_PEER_BAD_NODE_INFO ? "listen_addr" : NULL), rows[i].err);
	}
	struct sy_node_info info = sample();
	struct sy_netaddr listen;
	char host[SY_HOST_TEXT];
	info.listen_addr = text("tcp://validator.example.org:26656");
	assert_int_equal(sy_node_info_validate(&info, &listen, host, NULL), SY_ADDR_NEEDS_DNS);
	assert_string_equal(host, "validator.example.org");
	info.moniker = text("");
	assert_int_equal(judge(&info, "moniker"), SY_PEER_BAD_NODE_INFO);
	info = sample();
	info.id_text = text("deadbeef");
	assert_int_equal(judge(&info, "default_node_id"), SY_PEER_BAD_NODE_INFO);
}

static void test_node_info_compatible_looks_at_three_things(void **state)
{
	struct sy_node_info ours = sample(), theirs = sample();
	assert_int_equal(sy_node_info_compatible(&ours, &theirs), SY_OK);
	theirs.p2p_version = 7;
	theirs.app_version = 3;
	theirs.version = text("else");
	theirs.channels = (struct sy_span){(const uint8_t *)"\x99\x40", 2};
	assert_int_equal(sy_node_info_compatible(&ours, &theirs), SY_OK);
	theirs.channels.len = 1;
	assert_int_equal(sy_node_info_compatible(&ours, &theirs), SY_PEER_NO_COMMON_CHANNEL);
	theirs.channels = (struct sy_span){NULL, 0};
	assert_int_equal(sy_node_info_compatible(&ours, &theirs), SY_PEER_NO_COMMON_CHANNEL);
	assert_int_equal(sy_node_info_compatible(&theirs, &ours), SY_OK); /* who lists none asks for none */
	theirs.network = text("test-chain2");
	assert_int_equal(sy_node_info_compatible(&ours, &theirs), SY_PEER_NETWORK);
	theirs.block_version = 12;
	assert_int_equal(sy_node_info_compatible(&ours, &theirs), SY_PEER_BLOCK_VERSION);
}

static void test_node_info_agrees_with_protobuf_c(void **state)
{
	uint8_t ours[200], theirs[200];
	struct sy_node_info info = sample();
	size_t n = sy_node_info_encode(&info, ours, sizeof ours);
	Testmsg__NodeInfo *m = testmsg__node_info__unpack(NULL, n, ours);
	assert_non_null(m);
	assert_int_equal(m->protocol_version->block, 11);
	assert_string_equal(m->default_node_id, ID_A);
	assert_string_equal(m->moniker, "node0");
	assert_string_equal(m->other->rpc_address, "tcp://127.0.0.1:26657");
	assert_int_equal(testmsg__node_info__pack(m, theirs), n);
	assert_memory_equal(ours, theirs, n);
	testmsg__node_info__free_unpacked(m, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_node_info_encode_writes_the_vector),
	    cmocka_unit_test(test_node_info_decode_reads_the_vector),
	    cmocka_unit_test(test_node_info_encode_writes_empty_embedded_messages),
	    cmocka_unit_test(test_node_info_decode_keeps_the_rules_of_the_generated_code),
	    cmocka_unit_test(test_node_info_validate_empty_fails_and_sample_passes),
	    cmocka_unit_test(test_node_info_validate_judges_channels),
	    cmocka_unit_test(test_node_info_validate_judges_texts),
	    cmocka_unit_test(test_node_info_validate_judges_the_listen_address),
	    cmocka_unit_test(test_node_info_compatible_looks_at_three_things),
	    cmocka_unit_test(test_node_info_agrees_with_protobuf_c),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
