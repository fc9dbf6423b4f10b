#include "core/base/rng.h"
#include "core/wire/pexmsg.h"
#include "testmsg.pb-c.h"
#include "tests/support/data.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

#define ID "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"

static struct sy_netaddr addr(const char *text)
{
	struct sy_netaddr a;
	assert_int_equal(sy_netaddr_parse(text, &a, NULL), SY_OK);
	return a;
}

static enum sy_err parse_hex(const char *hex, uint8_t *buf, size_t cap, struct sy_pex_reader *reader)
{
	size_t n = test_hex(hex, buf, cap);
	return sy_pex_parse((struct sy_span){buf, n}, reader);
}

static void test_pex_parse_reads_upstreams_vectors(void **state)
{
	uint8_t buf[64];
	struct sy_pex_reader r;
	struct sy_netaddr a;
	assert_int_equal(parse_hex("0a00", buf, sizeof buf, &r), SY_OK);
	assert_int_equal(r.kind, SY_PEX_REQUEST);
	assert_false(sy_pex_next(&r, &a));
	assert_memory_equal(SY_PEX_REQUEST_BYTES, "\x0a\x00", 2);
	assert_int_equal(parse_hex("12130a110a013112093132372e302e302e31188247", buf, sizeof buf, &r), SY_OK);
	assert_int_equal(r.kind, SY_PEX_ADDRS);
	assert_int_equal(r.count, 1);
	memset(&a, 0xee, sizeof a);
	assert_true(sy_pex_next(&r, &a));
	assert_int_equal(a.flags, 0); /* the id "1" is no id */
	assert_int_equal(a.port, 9090);
	assert_int_equal(a.ip[12], 127);
	assert_false(sy_pex_next(&r, &a));
}

static void test_pex_encode_and_parse_agree(void **state)
{
	struct sy_netaddr list[6] = {
	    addr(ID "@1.2.3.4:26656"),
	    addr(ID "@255.255.255.255:65535"),
	    {.port = 0},
	    addr(ID "@[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
	    addr(ID "@[2001:db8::1]:0"),
	    addr(ID "@0.0.0.0:1"),
	};
	list[5].flags = 0;
	memset(&list[5].id, 0, sizeof list[5].id);
	uint8_t buf[6 * SY_PEX_ADDR_MAX];
	struct sy_pex_reader r;
	struct sy_netaddr got;
	size_t n = sy_pex_addrs_encode(list, 6, buf, sizeof buf);
	assert_true(n > 0);
	assert_int_equal(sy_pex_parse((struct sy_span){buf, n}, &r), SY_OK);
	assert_int_equal(r.count, 5); /* the null address was skipped */
	for (size_t i = 0; i < 6; i++) {
		if (i == 2)
			continue;
		assert_true(sy_pex_next(&r, &got));
		assert_memory_equal(&got, &list[i], sizeof got);
	}
	assert_false(sy_pex_next(&r, &got));
	assert_int_equal(sy_pex_addrs_encode(list, 6, buf, n - 1), 0);
	assert_int_equal(sy_pex_addrs_encode(list, 6, buf, n + 4), n);
	assert_int_equal(sy_pex_addrs_encode(list, 6, buf, 0), 0);
	assert_int_equal(sy_pex_addrs_encode(list, 0, buf, 2), 2);
	assert_memory_equal(buf, "\x12\x00", 2);
}

static void test_pex_longest_address_stays_below_its_bound(void **state)
{
	struct sy_netaddr a = addr(ID "@[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	uint8_t buf[128];
	assert_true(sy_pex_addrs_encode(&a, 1, buf, sizeof buf) - 2 <= SY_PEX_ADDR_MAX);
}

static void test_pex_parse_judges(void **state)
{
	static const struct {
		const char *hex;
		enum sy_err err;
		uint32_t count;
	} rows[] = {
	    {"", SY_PEER_BAD_MESSAGE, 0}, /* no member */
	    {"1a00", SY_PEER_BAD_MESSAGE, 0},
	    {"1200", SY_OK, 0},
	    {"0a02 0801", SY_OK, 0},
	    {"0a01 08", SY_PEER_BAD_MESSAGE, 0},
	    {"0801", SY_PEER_BAD_MESSAGE, 0},
	    {"1001", SY_PEER_BAD_MESSAGE, 0},
	    {"1205", SY_PEER_BAD_MESSAGE, 0},
	    {"1202 0800", SY_PEER_BAD_MESSAGE, 0}, /* addrs of another type */
	    {"1202 0a05", SY_PEER_BAD_MESSAGE, 0},
	    {"1202 1001", SY_OK, 0},                /* unknown field of the list */
	    {"1202 0a00", SY_PEER_PEX_BAD_ADDR, 0}, /* no ip */
	    {"1206 0a04 12023a3a", SY_OK, 1},       /* "::" without id and port */
	    {"1206 0a04 12023a3b", SY_PEER_PEX_BAD_ADDR, 0},
	    {"120a 0a08 12023a3a 18ffff03", SY_OK, 1}, /* port 65535 */
	    {"120a 0a08 12023a3a 18808004", SY_PEER_PEX_BAD_ADDR, 0},
	    {"120e 0a0c 12023a3a 1880808080808001", SY_OK, 1}, /* cut to 32 bits: 0 */
	    {"1208 0a06 12023a3a 1800", SY_OK, 1},
	    {"1208 0a06 1801 12023a3a", SY_OK, 1}, /* another order */
	    {"1208 0a06 12023a3a 2001", SY_OK, 1},
	    {"1208 0a06 12023a3a 1a00", SY_PEER_BAD_MESSAGE, 0},
	    {"1208 0a06 12023a3a 0801", SY_PEER_BAD_MESSAGE, 0},
	    {"1207 0a8400 12023a3a", SY_OK, 1}, /* a length not in its shortest form */
	    {"1208 0a04 12023a3a 1001", SY_OK, 1},
	    {"1208 1001 0a04 12023a3a", SY_OK, 1},
	    {"1209 0a00 0a04 12023a3a 10", SY_PEER_BAD_MESSAGE, 0}, /* malformed is worse than a bad address */
	    {"1209 0a00 0a04 12023a3a 00", SY_PEER_BAD_MESSAGE, 0},
	    {"1202 0a00 0a00", SY_OK, 0}, /* the last member wins: a request */
	    {"0a00 1202 0a00", SY_PEER_PEX_BAD_ADDR, 0},
	    {"1206 0a04 12023a3a 00", SY_PEER_BAD_MESSAGE, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[64];
		struct sy_pex_reader r;
		if (parse_hex(rows[i].hex, buf, sizeof buf, &r) != rows[i].err)
			fail_msg("%s", rows[i].hex);
		if (rows[i].err != SY_OK)
			continue;
		struct sy_netaddr a;
		uint32_t n = 0;
		while (sy_pex_next(&r, &a))
			n++;
		assert_int_equal(r.count, rows[i].count);
		assert_int_equal(n, rows[i].count);
	}
}

static void test_pex_next_marks_ids(void **state)
{
	static const struct {
		const char *id;
		unsigned flags;
	} rows[] = {
	    {ID, SY_ADDR_HAS_ID},
	    {"DEADbeefdeadbeefdeadbeefdeadbeefdeadbeef", SY_ADDR_HAS_ID | SY_ADDR_BAD_CASE},
	    {"deadbeefdeadbeefdeadbeefdeadbeefdeadbeeg", 0},
	    {"deadbeef", 0},
	    {"", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t packed[128];
		struct sy_pex_reader r;
		struct sy_netaddr a;
		Testmsg__NetAddress one = TESTMSG__NET_ADDRESS__INIT, *addrs[1] = {&one};
		Testmsg__PexAddrs list = TESTMSG__PEX_ADDRS__INIT;
		Testmsg__PexMessage m = TESTMSG__PEX_MESSAGE__INIT;
		char id[64], ip[] = "12.34.56.78";
		strcpy(id, rows[i].id);
		one.id = id;
		one.ip = ip;
		one.port = 80;
		list.n_addrs = 1;
		list.addrs = addrs;
		m.sum_case = TESTMSG__PEX_MESSAGE__SUM_ADDRS;
		m.addrs = &list;
		size_t n = testmsg__pex_message__pack(&m, packed);
		assert_int_equal(sy_pex_parse((struct sy_span){packed, n}, &r), SY_OK);
		assert_true(sy_pex_next(&r, &a));
		assert_int_equal(a.flags, rows[i].flags);
		if (!a.flags)
			assert_int_equal(a.id.b[0], 0);
	}
}

static void test_pex_agrees_with_protobuf_c(void **state)
{
	struct test_env t;
	struct sy_rng rng;
	static struct sy_netaddr list[250];
	static uint8_t buf[250 * SY_PEX_ADDR_MAX], again[250 * SY_PEX_ADDR_MAX];
	test_env_init(&t, 4);
	sy_rng_init(&rng, SY_RAND_REACTOR, 1);
	for (size_t i = 0; i < 250; i++) {
		memset(&list[i], 0, sizeof list[i]);
		sy_rng_bytes(&rng, &t.env, &list[i].id, sizeof list[i].id);
		sy_rng_bytes(&rng, &t.env, list[i].ip, 16);
		if (i % 5)
			memcpy(list[i].ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		list[i].port = (uint16_t)sy_rng_below(&rng, &t.env, 65536);
		list[i].flags = SY_ADDR_HAS_ID;
	}
	size_t n = sy_pex_addrs_encode(list, 250, buf, sizeof buf);
	Testmsg__PexMessage *m = testmsg__pex_message__unpack(NULL, n, buf);
	assert_non_null(m);
	assert_int_equal(m->addrs->n_addrs, 250);
	assert_int_equal(testmsg__pex_message__pack(m, again), n);
	assert_memory_equal(buf, again, n);
	testmsg__pex_message__free_unpacked(m, NULL);
	struct sy_pex_reader r;
	struct sy_netaddr a;
	assert_int_equal(sy_pex_parse((struct sy_span){buf, n}, &r), SY_OK);
	for (size_t i = 0; i < 250; i++) {
		assert_true(sy_pex_next(&r, &a));
		assert_memory_equal(&a, &list[i], sizeof a);
	}
	assert_false(sy_pex_next(&r, &a));
	/* Hostile variations: any answer will do, but what is handed out must be what was counted. */
	for (int round = 0; round < 2000; round++) {
		size_t cut = 2 + sy_rng_below(&rng, &t.env, 300);
		uint64_t where = sy_rng_below(&rng, &t.env, cut);
		uint64_t what = sy_rng_below(&rng, &t.env, 256);
		memcpy(again, buf, cut);
		again[where] = (uint8_t)what;
		again[1] = (uint8_t)((cut - 3) | 0x80);
		again[2] = (uint8_t)((cut - 3) >> 7);
		if (sy_pex_parse((struct sy_span){again, cut}, &r) != SY_OK || r.kind != SY_PEX_ADDRS)
			continue;
		uint32_t seen = 0;
		while (sy_pex_next(&r, &a))
			seen++;
		assert_int_equal(seen, r.count);
	}
}

static void test_pex_entries_are_handed_out_as_they_stand(void **state)
{
	struct sy_netaddr list[3] = {addr(ID "@1.2.3.4:26656"), addr(ID "@[2001:db8::1]:0"), addr(ID "@9.9.9.9:1")}, back;
	uint8_t plain[400], buf[400], one[SY_PEX_ADDR_MAX];
	size_t n = sy_pex_addrs_encode(list, 3, plain, sizeof plain);
	struct sy_pex_writer w = sy_pex_writer_of(buf, sizeof buf);
	for (int i = 0; i < 3; i++)
		sy_pex_put_entry(&w, (struct sy_span){one, sy_pex_addr_encode(&list[i], one)});
	struct sy_span message = sy_pex_message(&w), rest, entry;
	assert_int_equal(message.len, n);
	assert_memory_equal(message.ptr, plain, n);
	assert_true(sy_pex_list(message, &rest));
	for (int i = 0; i < 3; i++) {
		assert_true(sy_pex_next_entry(&rest, &entry));
		assert_true(sy_pex_addr_decode(entry, &back));
		assert_memory_equal(&back, &list[i], sizeof back);
		entry.len--;
		assert_false(sy_pex_addr_decode(entry, &back) && memcmp(&back, &list[i], sizeof back) == 0);
	}
	assert_false(sy_pex_next_entry(&rest, &entry));
	assert_int_equal(rest.len, 0);
	assert_false(sy_pex_list((struct sy_span){plain, n - 1}, &rest));
	assert_false(sy_pex_list((struct sy_span){(const uint8_t *)SY_PEX_REQUEST_BYTES, 2}, &rest));
	w = sy_pex_writer_of(buf, n + 2);
	for (int i = 0; i < 3; i++)
		sy_pex_put(&w, &list[i]);
	assert_int_equal(sy_pex_message(&w).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pex_parse_reads_upstreams_vectors),
	    cmocka_unit_test(test_pex_encode_and_parse_agree),
	    cmocka_unit_test(test_pex_longest_address_stays_below_its_bound),
	    cmocka_unit_test(test_pex_parse_judges),
	    cmocka_unit_test(test_pex_next_marks_ids),
	    cmocka_unit_test(test_pex_entries_are_handed_out_as_they_stand),
	    cmocka_unit_test(test_pex_agrees_with_protobuf_c),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
