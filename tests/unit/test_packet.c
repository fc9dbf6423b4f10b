/* Packets against their vectors, the rules of protocol.md 2.2, and protobuf-c as the oracle. */
#include "core/base/rng.h"
#include "core/wire/packet.h"
#include "testmsg.pb-c.h"
#include "tests/support/data.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

static size_t build(uint8_t *out, uint8_t channel, bool eof, const void *data, size_t n)
{
	size_t header = sy_packet_header(out, channel, eof, n);
	memcpy(out + header, data, n);
	return header + n;
}

static void expect_stream(uint8_t channel, bool eof, const char *text, const char *hex)
{
	uint8_t wanted[128], got[128];
	size_t n = test_hex(hex, wanted, sizeof wanted);
	assert_int_equal(build(got, channel, eof, text, strlen(text)), n);
	assert_memory_equal(got, wanted, n);
	assert_int_equal(sy_packet_size(channel, eof, strlen(text)), n);
}

static void test_packet_header_writes_upstreams_vectors(void **state)
{
	expect_stream(1, false, "data transmitted over the wire",
	              "24 1a22 0801 1a1e 64617461207472616e736d6974746564206f766572207468652077697265");
	expect_stream(1, true, "abc", "0b 1a09 0801 1001 1a03 616263");
	expect_stream(0, true, "\x0a", "07 1a05 1001 1a01 0a");
	expect_stream(0, false, "", "02 1a00");
	expect_stream(0x80, true, "a", "0a 1a08 088001 1001 1a01 61");
	assert_memory_equal(SY_PING_BYTES, "\x02\x0a\x00", 3);
	assert_memory_equal(SY_PONG_BYTES, "\x02\x12\x00", 3);
}

static void test_packet_limit_is_that_of_a_full_final_packet_on_channel_1(void **state)
{
	assert_int_equal(sy_packet_limit(1024), 1034);
	assert_int_equal(sy_packet_limit(0), 6);
	assert_int_equal(sy_packet_limit(1), 9);
	assert_int_equal(sy_packet_size(1, true, 1024), 1036);
	assert_int_equal(sy_packet_size(0x80, true, 1024), 1037); /* more than a peer takes: protocol.md 3.4 */
	assert_int_equal(sy_packet_size(1, false, 1026), 1036);
}

static void test_packet_parse_keeps_the_rules_of_the_generated_code(void **state)
{
	static const struct {
		const char *hex;
		bool ok;
		enum sy_packet_kind kind;
		int32_t channel;
		bool eof;
		size_t len;
	} rows[] = {
	    {"", true, SY_PACKET_NONE, 0, false, 0},
	    {"0a00", true, SY_PACKET_PING, 0, false, 0},
	    {"1200", true, SY_PACKET_PONG, 0, false, 0},
	    {"1a00", true, SY_PACKET_MSG, 0, false, 0},
	    {"1a09 0801 1001 1a03616263", true, SY_PACKET_MSG, 1, true, 3},
	    {"1a05 1a03616263", true, SY_PACKET_MSG, 0, false, 3},
	    {"1a02 087f", true, SY_PACKET_MSG, 127, false, 0},
	    {"1a03 08ff01", true, SY_PACKET_MSG, 255, false, 0},
	    {"1a0b 08ffffffffffffffffff01", true, SY_PACKET_MSG, -1, false, 0},
	    {"1a06 088180808010", true, SY_PACKET_MSG, 1, false, 0}, /* cut to 32 bits */
	    {"1a02 1000", true, SY_PACKET_MSG, 0, false, 0},
	    {"1a02 1002", true, SY_PACKET_MSG, 0, true, 0},
	    {"1a03 108002", true, SY_PACKET_MSG, 0, true, 0},
	    {"1a0b 1080808080808080808001", true, SY_PACKET_MSG, 0, true, 0},
	    {"1a05 1a0161 1001", true, SY_PACKET_MSG, 0, true, 1}, /* another order */
	    {"1a04 0801 0802", true, SY_PACKET_MSG, 2, false, 0},  /* the last one wins */
	    {"1a06 1a0161 1a0162", true, SY_PACKET_MSG, 0, false, 1},
	    {"1a05 0801 1a8000", true, SY_PACKET_MSG, 1, false, 0}, /* a length not in its shortest form */
	    {"1a8200 0801", true, SY_PACKET_MSG, 1, false, 0},
	    {"1a04 0801 2001", true, SY_PACKET_MSG, 1, false, 0}, /* unknown fields */
	    {"1a06 0801 23 2001 24", true, SY_PACKET_MSG, 1, false, 0},
	    {"0a02 0801", true, SY_PACKET_PING, 0, false, 0},
	    {"2001", true, SY_PACKET_NONE, 0, false, 0},
	    {"1a020801 0a00", true, SY_PACKET_PING, 0, false, 0}, /* the last member wins */
	    {"0a00 1a020801", true, SY_PACKET_MSG, 1, false, 0},
	    {"1a041a0161 00", false, 0, 0, false, 0},
	    {"1a050801 1a0161 1a020802", true, SY_PACKET_MSG, 2, false, 0}, /* replaced, not merged */
	    {"1a020801 2001", true, SY_PACKET_MSG, 1, false, 0},
	    {"0800", false, 0, 0, false, 0}, /* known numbers with other types */
	    {"1801", false, 0, 0, false, 0},
	    {"0b0c", false, 0, 0, false, 0},
	    {"1a03 0a0161", false, 0, 0, false, 0},
	    {"1a02 1200", false, 0, 0, false, 0},
	    {"1a02 1801", false, 0, 0, false, 0},
	    {"1a05 0d01000000", false, 0, 0, false, 0},
	    {"0a01 08", false, 0, 0, false, 0}, /* malformed inside a ping */
	    {"1a", false, 0, 0, false, 0},
	    {"1a01", false, 0, 0, false, 0},
	    {"1a03 0801", false, 0, 0, false, 0},
	    {"1a02 1a01", false, 0, 0, false, 0},
	    {"1a03 1a0261", false, 0, 0, false, 0},
	    {"1a01 1a", false, 0, 0, false, 0},
	    {"1a01 08", false, 0, 0, false, 0},
	    {"1a01 10", false, 0, 0, false, 0},
	    {"1a020801 1a0108", false, 0, 0, false, 0},
	    {"1a0108 1a020801", false, 0, 0, false, 0}, /* a member that is replaced must parse as well */
	    {"04", false, 0, 0, false, 0},
	    {"00", false, 0, 0, false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[64];
		struct sy_packet p;
		size_t n = test_hex(rows[i].hex, buf, sizeof buf);
		if (sy_packet_parse(buf, n, &p) != (rows[i].ok ? SY_OK : SY_PEER_BAD_PACKET))
			fail_msg("%s", rows[i].hex);
		if (!rows[i].ok)
			continue;
		if (p.kind != rows[i].kind || p.channel_id != rows[i].channel || p.eof != rows[i].eof || p.data.len != rows[i].len)
			fail_msg("%s", rows[i].hex);
	}
}

static void test_packet_parse_reads_what_header_writes(void **state)
{
	static const size_t lengths[] = {0, 1, 100, 120, 121, 127, 128, 129, 1023, 1024, 16370, 16384, 20000};
	static uint8_t data[20000], buf[20100];
	memset(data, 0x11, sizeof data);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (unsigned c = 0; c < 256; c += 51)
			for (int eof = 0; eof < 2; eof++) {
				struct sy_packet p;
				size_t n = build(buf, (uint8_t)c, eof, data, lengths[i]);
				assert_int_equal(n, sy_packet_size((uint8_t)c, eof, lengths[i]));
				size_t delimiter = 1 + (buf[0] >= 0x80) + (buf[0] >= 0x80 && buf[1] >= 0x80);
				assert_int_equal(sy_packet_parse(buf + delimiter, n - delimiter, &p), SY_OK);
				assert_int_equal(p.kind, SY_PACKET_MSG);
				assert_int_equal(p.channel_id, c);
				assert_int_equal(p.eof, eof);
				assert_int_equal(p.data.len, lengths[i]);
				if (p.data.len)
					assert_ptr_equal(p.data.ptr + p.data.len, buf + n);
			}
}

/* Compares one parse with protobuf-c's. Groups aside, which protobuf-c does not know, they must agree. */
static void compare_with_oracle(const uint8_t *bytes, size_t n)
{
	struct sy_packet p;
	bool ok = sy_packet_parse(bytes, n, &p) == SY_OK;
	Testmsg__Packet *m = testmsg__packet__unpack(NULL, n, bytes);
	if (!m)
		return;
	assert_true(ok);
	assert_int_equal(p.kind, m->sum_case);
	if (m->sum_case == TESTMSG__PACKET__SUM_MSG) {
		assert_int_equal(p.channel_id, m->msg->channel_id);
		assert_int_equal(p.eof, m->msg->eof != 0);
		assert_int_equal(p.data.len, m->msg->data.len);
		if (p.data.len)
			assert_memory_equal(p.data.ptr, m->msg->data.data, p.data.len);
	}
	testmsg__packet__free_unpacked(m, NULL);
}

static void test_packet_parse_agrees_with_protobuf_c(void **state)
{
	struct test_env t;
	struct sy_rng rng;
	test_env_init(&t, 3);
	sy_rng_init(&rng, SY_RAND_REACTOR, 1);
	for (int round = 0; round < 3000; round++) {
		uint8_t data[300], packed[400];
		uint64_t channel = sy_rng_below(&rng, &t.env, 300);
		uint64_t eof = sy_rng_below(&rng, &t.env, 2);
		size_t len = sy_rng_below(&rng, &t.env, sizeof data);
		sy_rng_bytes(&rng, &t.env, data, sizeof data);
		Testmsg__PacketMsg msg = TESTMSG__PACKET_MSG__INIT;
		Testmsg__Packet packet = TESTMSG__PACKET__INIT;
		msg.channel_id = (int32_t)channel;
		msg.eof = (int)eof;
		msg.data.data = data;
		msg.data.len = len;
		packet.sum_case = TESTMSG__PACKET__SUM_MSG;
		packet.msg = &msg;
		size_t n = testmsg__packet__pack(&packet, packed);
		compare_with_oracle(packed, n);
		if (channel < 256) {
			uint8_t ours[400];
			size_t total = build(ours, (uint8_t)channel, eof, data, len);
			assert_memory_equal(ours + total - n, packed, n);
		}
		/* Then with a few bytes changed near the front, where the structure is. */
		for (int change = 0; change < 8; change++) {
			uint64_t where = sy_rng_below(&rng, &t.env, n < 12 ? n : 12);
			uint64_t what = sy_rng_below(&rng, &t.env, 256);
			packed[where] = (uint8_t)what;
			/* Merging of repeated members and field 0 are where the library and upstream's code differ. */
			struct sy_packet p;
			(void)!sy_packet_parse(packed, n, &p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_packet_header_writes_upstreams_vectors),
	    cmocka_unit_test(test_packet_limit_is_that_of_a_full_final_packet_on_channel_1),
	    cmocka_unit_test(test_packet_parse_keeps_the_rules_of_the_generated_code),
	    cmocka_unit_test(test_packet_parse_reads_what_header_writes),
	    cmocka_unit_test(test_packet_parse_agrees_with_protobuf_c),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
