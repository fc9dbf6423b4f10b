/* Ids, addresses as text, their classes and groups. Tables: protocol.md 1.3, 1.4, 6.4, 8.2, 8.12. */
#include "core/wire/group.h"
#include "tests/support/data.h"
#include "tests/support/unit.h"

#define ID "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"

static void test_id_from_pubkey_is_the_head_of_its_sha256(void **state)
{
	uint8_t pub[32];
	struct sy_id id;
	char text[SY_ID_TEXT];
	test_hex("2543b92ff1095511476adc8369db6ddc933665a11978dda1404ee1066ca9559d", pub, sizeof pub);
	sy_id_from_pubkey(&id, pub);
	sy_id_format(&id, text);
	assert_string_equal(text, "03396219237f75a64f12aeb7f39723abf400b160");
}

static void test_id_parse_takes_exactly_forty_digits(void **state)
{
	struct sy_id id, again;
	bool upper = true;
	assert_int_equal(sy_id_parse(ID, 40, &id, &upper), SY_OK);
	assert_false(upper);
	assert_int_equal(id.b[0], 0xde);
	assert_int_equal(id.b[19], 0xef);
	assert_int_equal(sy_id_parse("DEADbeefdeadbeefdeadbeefdeadbeefdeadbeeF", 40, &again, &upper), SY_OK);
	assert_true(upper);
	assert_memory_equal(&id, &again, sizeof id);
	assert_int_equal(sy_id_parse(ID, 39, &id, NULL), SY_ADDR_INVALID);
	assert_int_equal(sy_id_parse(ID "00", 42, &id, NULL), SY_ADDR_INVALID);
	assert_int_equal(sy_id_parse("", 0, &id, NULL), SY_ADDR_INVALID);
	for (int c = 0; c < 256; c++) {
		char text[] = ID;
		text[17] = (char)c;
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		assert_int_equal(sy_id_parse(text, 40, &id, &upper), digit ? SY_OK : SY_ADDR_INVALID);
		if (digit)
			assert_int_equal(upper, c >= 'A' && c <= 'F');
	}
}

static void test_netaddr_parse_follows_upstreams_table(void **state)
{
	static const struct {
		const char *text;
		enum sy_err err;
		const char *printed;
	} rows[] = {
	    {ID "@127.0.0.1:8080", SY_OK, ID "@127.0.0.1:8080"},
	    {"tcp://" ID "@127.0.0.1:8080", SY_OK, ID "@127.0.0.1:8080"},
	    {"udp://" ID "@127.0.0.1:8080", SY_OK, ID "@127.0.0.1:8080"},
	    {"a://" ID "@1.2.3.4:1://c", SY_OK, ID "@1.2.3.4:1"},
	    {"://" ID "@1.2.3.4:00080", SY_OK, ID "@1.2.3.4:80"},
	    {ID "@1.2.3.4:0", SY_OK, ID "@1.2.3.4:0"},
	    {ID "@1.2.3.4:65535", SY_OK, ID "@1.2.3.4:65535"},
	    {ID "@[2001:db8::1]:26656", SY_OK, ID "@[2001:db8::1]:26656"},
	    {ID "@[::ffff:1.2.3.4]:26656", SY_OK, ID "@1.2.3.4:26656"},
	    {ID "@[1.2.3.4]:80", SY_OK, ID "@1.2.3.4:80"},
	    {"127.0.0.1:8080", SY_ADDR_NO_ID, NULL},
	    {"tcp://127.0.0.1:8080", SY_ADDR_NO_ID, NULL},
	    {"udp://127.0.0.1:8080", SY_ADDR_NO_ID, NULL},
	    {"tcp//" ID "@127.0.0.1:8080", SY_ADDR_INVALID, NULL},
	    {"notahost", SY_ADDR_NO_ID, NULL},
	    {"127.0.0.1:notapath", SY_ADDR_NO_ID, NULL},
	    {"notahost:8080", SY_ADDR_NO_ID, NULL},
	    {"8082", SY_ADDR_NO_ID, NULL},
	    {"127.0.0:8080000", SY_ADDR_NO_ID, NULL},
	    {"deadbeef@127.0.0.1:8080", SY_ADDR_INVALID, NULL},
	    {"this-isnot-hex@127.0.0.1:8080", SY_ADDR_INVALID, NULL},
	    {"xxxxbeefdeadbeefdeadbeefdeadbeefdeadbeef@127.0.0.1:8080", SY_ADDR_INVALID, NULL},
	    {"tcp://@127.0.0.1:8080", SY_ADDR_INVALID, NULL},
	    {"tcp://@", SY_ADDR_INVALID, NULL},
	    {"tcp://:26656", SY_ADDR_NO_ID, NULL},
	    {"", SY_ADDR_NO_ID, NULL},
	    {"://", SY_ADDR_NO_ID, NULL},
	    {"@", SY_ADDR_INVALID, NULL},
	    {" @", SY_ADDR_INVALID, NULL},
	    {" @ ", SY_ADDR_INVALID, NULL},
	    {ID "@" ID "@1.2.3.4:1", SY_ADDR_NO_ID, NULL},
	    {ID "@", SY_ADDR_INVALID, NULL},
	    {ID "@:80", SY_ADDR_INVALID, NULL},
	    {ID "@1.2.3.4", SY_ADDR_INVALID, NULL},
	    {ID "@1.2.3.4:", SY_ADDR_INVALID, NULL},
	    {ID "@1.2.3.4:65536", SY_ADDR_INVALID, NULL},
	    {ID "@1.2.3.4:99999999999999999999", SY_ADDR_INVALID, NULL},
	    {ID "@1.2.3.4:+80", SY_ADDR_INVALID, NULL},
	    {ID "@1.2.3.4:8 0", SY_ADDR_INVALID, NULL},
	    {ID "@2001:db8::1:80", SY_ADDR_INVALID, NULL},
	    {ID "@[2001:db8::1]80", SY_ADDR_INVALID, NULL},
	    {ID "@[2001:db8::1]", SY_ADDR_INVALID, NULL},
	    {ID "@[2001:db8::1:80", SY_ADDR_INVALID, NULL},
	    {ID "@[[::1]]:80", SY_ADDR_INVALID, NULL},
	    {ID "@[::1]x:80", SY_ADDR_INVALID, NULL},
	    {ID "@a]:80", SY_ADDR_INVALID, NULL},
	    {ID "@[]:80", SY_ADDR_INVALID, NULL},
	    {ID "@[fe80::1%eth0]:80", SY_ADDR_INVALID, NULL},
	    {ID "@no host:80", SY_ADDR_INVALID, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sy_netaddr addr, zero;
		char text[SY_ADDR_TEXT];
		memset(&addr, 0xee, sizeof addr);
		memset(&zero, 0, sizeof zero);
		if (sy_netaddr_parse(rows[i].text, &addr, NULL) != rows[i].err)
			fail_msg("%s", rows[i].text);
		if (rows[i].err == SY_OK) {
			assert_int_equal(sy_netaddr_format(&addr, text), strlen(rows[i].printed));
			assert_string_equal(text, rows[i].printed);
			assert_int_equal(addr.zero, 0);
		} else {
			assert_memory_equal(&addr, &zero, sizeof addr);
		}
	}
}

static void test_netaddr_parse_hands_names_out(void **state)
{
	struct sy_netaddr addr;
	char host[SY_HOST_TEXT];
	char longest[400] = ID "@";
	assert_int_equal(sy_netaddr_parse("tcp://" ID "@ya.ru:80", &addr, host), SY_ADDR_NEEDS_DNS);
	assert_string_equal(host, "ya.ru");
	assert_int_equal(addr.port, 80);
	assert_int_equal(addr.flags, SY_ADDR_HAS_ID);
	assert_int_equal(sy_netaddr_parse(ID "@1.2.3.04:80", &addr, host), SY_ADDR_NEEDS_DNS); /* no literal: a leading zero */
	assert_int_equal(sy_netaddr_parse(ID "@1.2.3.256:80", &addr, NULL), SY_ADDR_NEEDS_DNS);
	assert_int_equal(sy_netaddr_parse(ID "@host:99999", &addr, host), SY_ADDR_INVALID);
	memset(longest + 41, 'a', 253);
	strcpy(longest + 41 + 253, ":1");
	assert_int_equal(sy_netaddr_parse(longest, &addr, host), SY_ADDR_NEEDS_DNS);
	assert_int_equal(strlen(host), 253);
	strcpy(longest + 41 + 253, "a:1");
	assert_int_equal(sy_netaddr_parse(longest, &addr, host), SY_ADDR_INVALID);
}

static void test_netaddr_parse_remembers_upper_case(void **state)
{
	struct sy_netaddr addr;
	char text[SY_ADDR_TEXT];
	assert_int_equal(sy_netaddr_parse("DEADbeefdeadbeefdeadbeefdeadbeefdeadbeef@1.2.3.4:5", &addr, NULL), SY_OK);
	assert_int_equal(addr.flags, SY_ADDR_HAS_ID | SY_ADDR_BAD_CASE);
	assert_int_equal(sy_netaddr_format_dial(&addr, text), 9);
	assert_string_equal(text, "1.2.3.4:5");
}

static void test_netaddr_format_without_id_and_at_its_longest(void **state)
{
	struct sy_netaddr addr = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .port = 8080};
	char text[SY_ADDR_TEXT];
	sy_netaddr_format(&addr, text);
	assert_string_equal(text, "127.0.0.1:8080");
	memset(&addr, 0xff, sizeof addr);
	addr.flags = SY_ADDR_HAS_ID;
	assert_int_equal(sy_netaddr_format(&addr, text), 41 + 41 + 6);
}

static void test_ip_parse_and_format_agree_with_go(void **state)
{
	static const struct {
		const char *text, *printed; /* null: refused */
	} rows[] = {
	    {"0.0.0.0", "0.0.0.0"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"10.20.30.40", "10.20.30.40"},
	    {"1.2.3", NULL},
	    {"1.2.3.4.5", NULL},
	    {"1.2.3.4.", NULL},
	    {".1.2.3", NULL},
	    {"1..2.3", NULL},
	    {"01.2.3.4", NULL},
	    {"1.2.3.00", NULL},
	    {"1.2.3.256", NULL},
	    {"1.2.3.1000", NULL},
	    {"1.2.3.4 ", NULL},
	    {"1.2.3.-4", NULL},
	    {"", NULL},
	    {":", NULL},
	    {"1", NULL},
	    {"::", "::"},
	    {"::1", "::1"},
	    {"1::", "1::"},
	    {"0:0:0:0:0:0:0:0", "::"},
	    {"0000:0000:0000:0000:0000:0000:0000:0001", "::1"},
	    {"2001:DB8::A", "2001:db8::a"},
	    {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
	    {"1:0:0:2:0:0:3:4", "1::2:0:0:3:4"},
	    {"1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"},
	    {"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"},
	    {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
	    {"::ffff:1.2.3.4", "1.2.3.4"},
	    {"::ffff:102:304", "1.2.3.4"},
	    {"::1.2.3.4", "::102:304"},
	    {"64:ff9b::12.1.2.3", "64:ff9b::c01:203"},
	    {"1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
	    {"1:2:3:4:5:6:7", NULL},
	    {"1:2:3:4:5:6:7:8:9", NULL},
	    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
	    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
	    {"1::2:3:4:5:6:7:8", NULL}, /* nothing left for the zeros */
	    {"1:2:3:4:5:6:7:8::", NULL},
	    {"1::2::3", NULL},
	    {":::", NULL},
	    {":1:2:3:4:5:6:7", NULL},
	    {"1:2:3:4:5:6:7:", NULL},
	    {"::1:", NULL},
	    {"12345::", NULL},
	    {"00001::", NULL},
	    {"g::", NULL},
	    {"::1%lo", NULL},
	    {"::1.2.3", NULL},
	    {"::1.2.3.04", NULL},
	    {"1.2.3.4::", NULL},
	    {"1:2:3:4:5:6:7:1.2.3.4", NULL},
	    {"1:2:3:4:5:1.2.3.4", NULL},
	    {"::1.2.3.4:5", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t ip[16];
		char text[48];
		if (sy_ip_parse(rows[i].text, strlen(rows[i].text), ip) != (rows[i].printed ? SY_OK : SY_ADDR_INVALID))
			fail_msg("%s", rows[i].text);
		if (!rows[i].printed)
			continue;
		assert_int_equal(sy_ip_format(ip, text), strlen(rows[i].printed));
		assert_string_equal(text, rows[i].printed);
	}
	uint8_t ip[16];
	assert_int_equal(sy_ip_parse(NULL, 0, ip), SY_ADDR_INVALID);
	assert_int_equal(sy_ip_parse("1.2.3.45", 7, ip), SY_OK); /* exactly n characters */
	assert_int_equal(ip[15], 4);
}

static struct sy_netaddr addr_of(const char *ip)
{
	struct sy_netaddr addr = {.port = 26656, .flags = SY_ADDR_HAS_ID};
	assert_int_equal(sy_ip_parse(ip, strlen(ip), addr.ip), SY_OK);
	return addr;
}

static void test_netaddr_classes_follow_upstream(void **state)
{
	static const struct {
		const char *ip;
		bool valid, local, routable;
	} rows[] = {
	    {"127.0.0.1", true, true, false},
	    {"127.255.0.9", true, true, false},
	    {"0.0.0.0", false, true, false},
	    {"0.1.2.3", true, true, false},
	    {"::", false, false, false},
	    {"::1", true, true, false},
	    {"255.255.255.255", false, false, false},
	    {"255.255.255.254", true, false, true},
	    {"10.1.2.3", true, false, false},
	    {"11.1.2.3", true, false, true},
	    {"172.15.255.255", true, false, true},
	    {"172.16.0.0", true, false, false},
	    {"172.31.255.255", true, false, false},
	    {"172.32.0.0", true, false, true},
	    {"192.168.0.1", true, false, false},
	    {"192.169.0.1", true, false, true},
	    {"169.254.1.2", true, false, false},
	    {"100.64.0.1", true, false, true},
	    {"198.18.0.1", true, false, true},
	    {"192.0.2.1", true, false, true},
	    {"224.0.0.1", true, false, true},
	    {"2001:db8::1234", false, false, false},
	    {"2001:db9::1234", true, false, true},
	    {"fe80::1", true, false, false},
	    {"fe80:0:0:1::1", true, false, true}, /* upstream's /64 */
	    {"fc00::1234", true, false, false},
	    {"fdff::1", true, false, false},
	    {"fe00::1", true, false, true},
	    {"2001:10::1234", true, false, false},
	    {"2001:1f:ffff::", true, false, false},
	    {"2001:20::1", true, false, true},
	    {"fd87:d87e:eb43::1", true, false, false},
	    {"2002:0c01:0203::", true, false, true},
	    {"a0a:0102::", true, false, true}, /* no IPv4 range matches IPv6 */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sy_netaddr addr = addr_of(rows[i].ip);
		if (sy_netaddr_valid(&addr) != rows[i].valid || sy_netaddr_local(&addr) != rows[i].local ||
		    sy_netaddr_routable(&addr) != rows[i].routable)
			fail_msg("%s", rows[i].ip);
		addr.flags = 0;
		assert_false(sy_netaddr_valid(&addr));
		assert_false(sy_netaddr_routable(&addr));
		assert_int_equal(sy_netaddr_local(&addr), rows[i].local);
	}
}

static void test_addr_group_follows_upstreams_table(void **state)
{
	static const struct {
		const char *ip;
		bool strict;
		const char *group;
	} rows[] = {
	    {"12.1.2.3", false, "12.1.0.0"},
	    {"173.1.2.3", false, "173.1.0.0"},
	    {"196.1.2.3", false, "196.1.0.0"},
	    {"2002:0c01:0203::", false, "12.1.0.0"},
	    {"2001:0:1234::f3fe:fdfc", false, "12.1.0.0"},
	    {"64:ff9b::0c01:0203", false, "12.1.0.0"},
	    {"::ffff:0:0c01:0203", false, "12.1.0.0"},
	    {"fd87:d87e:eb43:1234::5678", false, "tor:2"},
	    {"fd87:d87e:eb43:1245::6789", false, "tor:2"},
	    {"fd87:d87e:eb43:1345::6789", false, "tor:3"},
	    {"fd87:d87e:eb43:0f45::6789", false, "tor:15"},
	    {"fd87:d87e:eb43:0a45::6789", false, "tor:10"},
	    {"fd87:d87e:eb43:0945::6789", false, "tor:9"},
	    {"2602:100::1", false, "2602:100::"},
	    {"2602:0100::1234", false, "2602:100::"},
	    {"2001:470:1f10:a1::2", false, "2001:470:1000::"},
	    {"127.0.0.1", false, "127.0.0.0"},
	    {"::1", false, "::"},
	    {"127.0.0.1", true, "local"},
	    {"::1", true, "local"},
	    {"0.0.0.0", true, "local"},
	    {"0.1.2.3", true, "local"},
	    {"255.255.255.255", true, "unroutable"},
	    {"10.1.2.3", true, "unroutable"},
	    {"172.16.1.2", true, "unroutable"},
	    {"192.168.1.2", true, "unroutable"},
	    {"2001:db8::1234", true, "unroutable"},
	    {"169.254.1.2", true, "unroutable"},
	    {"fc00::1234", true, "unroutable"},
	    {"2001:10::1234", true, "unroutable"},
	    {"fe80::1234", true, "unroutable"},
	    {"12.1.2.3", true, "12.1.0.0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sy_netaddr addr = addr_of(rows[i].ip);
		char text[SY_GROUP_TEXT];
		assert_int_equal(sy_addr_group(&addr, rows[i].strict, text), strlen(rows[i].group));
		assert_string_equal(text, rows[i].group);
	}
	struct sy_netaddr nobody = addr_of("12.1.2.3");
	char text[SY_GROUP_TEXT];
	nobody.flags = 0;
	sy_addr_group(&nobody, true, text);
	assert_string_equal(text, "unroutable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_id_from_pubkey_is_the_head_of_its_sha256),
	    cmocka_unit_test(test_id_parse_takes_exactly_forty_digits),
	    cmocka_unit_test(test_netaddr_parse_follows_upstreams_table),
	    cmocka_unit_test(test_netaddr_parse_hands_names_out),
	    cmocka_unit_test(test_netaddr_parse_remembers_upper_case),
	    cmocka_unit_test(test_netaddr_format_without_id_and_at_its_longest),
	    cmocka_unit_test(test_ip_parse_and_format_agree_with_go),
	    cmocka_unit_test(test_netaddr_classes_follow_upstream),
	    cmocka_unit_test(test_addr_group_follows_upstreams_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
