/* Every key that a file or a flag sets reaches what the core is told: proved by one line a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/real_node.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define MS 1000000ull
#define S 1000000000ull

struct made {
	struct settings settings;
	struct real_node node;
	struct sy_config config;
	char error[CLI_ERROR_TEXT];
};

/* The core's configuration of settings with one key set, or none. */
static bool make(struct made *m, const char *key, const char *value)
{
	size_t n;
	const struct cli_option *options = settings_options(&n), *option = key == NULL ? NULL : cli_find(options, n, key);

	memset(m, 0, sizeof *m);
	settings_init(&m->settings, SY_PROFILE_DEFAULT);
	m->settings.network = "x";
	m->settings.moniker = "m";
	m->settings.laddr = "tcp://127.0.0.1:1";
	assert_true(key == NULL || option != NULL);
	assert_true(option == NULL || cli_set(option, value, &m->settings, m->error));
	m->node = (struct real_node){.settings = &m->settings, .held_port = -1, .id = ID};
	return real_node_configure(&m->node, &m->config, m->error);
}

static void done(struct made *m)
{
	real_node_unconfigure(&m->node);
	settings_fini(&m->settings);
}

#define NUMBER(key, value, field, want)                                                                   \
	{                                                                                                     \
		key, value, offsetof(struct sy_config, field), sizeof(((struct sy_config *)0)->field), want, NULL \
	}
#define TEXT(key, value, field, text)                                          \
	{                                                                          \
		key, value, offsetof(struct sy_config, field), sizeof(char *), 0, text \
	}
#define LIST(key, value, field, text)                                              \
	{                                                                              \
		key, value, offsetof(struct sy_config, field), 2 * sizeof(char *), 0, text \
	}

/* Each value differs from the default, so that a key that is not passed on fails. */
static const struct {
	const char *key, *value;
	size_t offset, size;
	uint64_t number;
	const char *text;
} cases[] = {
    TEXT("moniker", "me", moniker, "me"),
    TEXT("network", "chain", network, "chain"),
    TEXT("p2p.laddr", "tcp://127.0.0.1:7", listen_addr, "tcp://127.0.0.1:7"),
    TEXT("p2p.external_address", "192.0.2.1:3", listen_addr, "192.0.2.1:3"),
    LIST("p2p.seeds", ID "@192.0.2.1:3, ", seeds, ID "@192.0.2.1:3"),
    LIST("p2p.persistent_peers", " " ID "@host:3", persistent_peers, ID "@host:3"),
    LIST("p2p.unconditional_peer_ids", ID, unconditional_peer_ids, ID),
    LIST("p2p.private_peer_ids", ID, private_peer_ids, ID),
    NUMBER("p2p.addr_book_strict", "false", addr_book_strict, false),
    NUMBER("p2p.allow_duplicate_ip", "true", allow_duplicate_ip, true),
    NUMBER("p2p.pex", "false", pex, false),
    NUMBER("p2p.seed_mode", "true", seed_mode, true),
    NUMBER("p2p.max_num_inbound_peers", "41", max_num_inbound_peers, 41),
    NUMBER("p2p.max_num_outbound_peers", "11", max_num_outbound_peers, 11),
    NUMBER("p2p.persistent_peers_max_dial_period", "7s", persistent_peers_max_dial_period_ns, 7 * S),
    NUMBER("p2p.flush_throttle_timeout", "11ms", flush_throttle_ns, 11 * MS),
    NUMBER("p2p.max_packet_msg_payload_size", "1025", max_packet_msg_payload_size, 1025),
    NUMBER("p2p.send_rate", "0", send_rate, 0),
    NUMBER("p2p.recv_rate", "1", recv_rate, 1),
    NUMBER("p2p.handshake_timeout", "21s", handshake_timeout_ns, 21 * S),
    NUMBER("p2p.dial_timeout", "4s", dial_timeout_ns, 4 * S),
    NUMBER("switchyard.block_version", "12", block_version, 12),
    NUMBER("switchyard.max_inbound_per_ip", "3", max_inbound_per_ip, 3),
    NUMBER("switchyard.max_inbound_per_net", "5", max_inbound_per_net, 5),
    NUMBER("switchyard.accept_rate_per_ip", "7", accept_rate_per_ip, 7),
    NUMBER("switchyard.accept_rate", "9", accept_rate, 9),
    NUMBER("switchyard.allow_list_only", "true", allow_list_only, true),
    NUMBER("switchyard.p2p_version", "9", p2p_version, 9),
    NUMBER("switchyard.app_version", "3", app_version, 3),
    TEXT("switchyard.version", "1.2.3", version, "1.2.3"),
    NUMBER("switchyard.ping_interval", "61s", ping_interval_ns, 61 * S),
    NUMBER("switchyard.pong_timeout", "46s", pong_timeout_ns, 46 * S),
    NUMBER("switchyard.ensure_peers_period", "31s", ensure_peers_period_ns, 31 * S),
    NUMBER("switchyard.seed_disconnect_wait_period", "1m30s", seed_disconnect_wait_ns, 90 * S),
    NUMBER("switchyard.verify_interval", "2m", verify_interval_ns, 120 * S),
    NUMBER("switchyard.crawl_interval", "3m", crawl_interval_ns, 180 * S),
    NUMBER("switchyard.crawl_dials", "17", crawl_dials, 17),
};

static uint64_t number_at(const void *place, size_t size)
{
	uint64_t number = 0;

	if (size == sizeof(bool))
		return *(const bool *)place;
	assert_true(size == 4 || size == 8);
	memcpy(&number, place, size); /* little or big end: a word of its own size */
	return size == 4 ? *(const uint32_t *)place : number;
}

static const char *text_at(const void *place, size_t size)
{
	const char *const *text = place;

	if (size == sizeof(char *))
		return *text;
	const char *const *const *list = place;
	return (*list)[0];
}

static void test_node_config_every_key_reaches_the_core(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct made plain, m;
		const char *at;

		assert_true(make(&plain, NULL, NULL));
		if (!make(&m, cases[i].key, cases[i].value))
			fail_msg("%s: %s", cases[i].key, m.error);
		at = (const char *)&m.config + cases[i].offset;
		if (cases[i].text != NULL) {
			assert_string_equal(text_at(at, cases[i].size), cases[i].text);
		} else {
			const void *was = (const char *)&plain.config + cases[i].offset;

			if (number_at(at, cases[i].size) != cases[i].number)
				fail_msg("%s does not reach the core", cases[i].key);
			assert_true(number_at(was, cases[i].size) != cases[i].number);
		}
		done(&m);
		done(&plain);
	}
}

/* Keys that the core is not told of: each says who uses it instead. */
static bool elsewhere(const char *key)
{
	static const char *const keys[] = {
	    "check-config",               /* cmd_node.c */
	    "switchyard.block_list_file", /* real_reload.c */
	    "switchyard.allow_list_file", /* real_reload.c */
	    "switchyard.channels",        /* below */
	    "home",                       /* real_node.c, load_files */
	    "profile",                    /* before everything else: it sets the defaults */
	    "reactor",                    /* real_node.c, load_scripts */
	    "log_level",                  /* node_log.c */
	    "log_format",
	    "node_key_file",      /* real_node.c, load_files */
	    "genesis_file",       /* node_config.c, find_network */
	    "p2p.addr_book_file", /* real_node.c, load_files */
	    "instrumentation.prometheus",
	    "instrumentation.prometheus_listen_addr",
	    "instrumentation.max_open_connections",
	    "instrumentation.namespace", /* node_ops.c; tests/cli/ops.sh */
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* A key added to the table must be added here, or to those that go elsewhere. */
static void test_node_config_no_key_is_left_out(void **state)
{
	size_t n;
	const struct cli_option *options = settings_options(&n);

	for (size_t i = 0; i < n; i++) {
		bool found = options[i].kind == CLI_IDLE || elsewhere(options[i].name);

		for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
			found = found || strcmp(cases[k].key, options[i].name) == 0;
		if (!found)
			fail_msg("no test shows that %s is wired", options[i].name);
	}
}

static void test_node_config_lists_are_trimmed_and_counted(void **state)
{
	struct made m;

	assert_true(make(&m, "p2p.seeds", " " ID "@192.0.2.1:1 ,, " ID "@host:2,"));
	assert_int_equal(m.config.num_seeds, 2);
	assert_string_equal(m.config.seeds[0], ID "@192.0.2.1:1");
	assert_string_equal(m.config.seeds[1], ID "@host:2");
	done(&m);
	assert_false(make(&m, "p2p.persistent_peers", "nobody"));
	assert_string_equal(m.error, "p2p.persistent_peers: \"nobody\" is no id@host:port: address has no id");
	done(&m);
}

static void test_node_config_both_addresses_are_told_to_the_core(void **state)
{
	struct made m;

	assert_true(make(&m, "p2p.external_address", "192.0.2.1:3"));
	assert_string_equal(m.config.listen_addr, "192.0.2.1:3");
	assert_string_equal(m.config.laddr, "tcp://127.0.0.1:1");
	done(&m);
}

static void test_node_config_channels_and_versions(void **state)
{
	struct made m;

	assert_true(make(&m, NULL, NULL));
	assert_int_equal(m.node.sink.num_channels, 9);
	assert_int_equal(m.node.sink.channels[0].id, 0x40);
	assert_false(m.config.block_version_auto);
	assert_int_equal(m.config.block_version, 11);
	done(&m);
	assert_true(make(&m, "switchyard.channels", "0x24, 31"));
	assert_int_equal(m.node.sink.num_channels, 2);
	assert_int_equal(m.node.sink.channels[1].id, 0x31);
	done(&m);
	assert_true(make(&m, "switchyard.block_version", "auto"));
	assert_true(m.config.block_version_auto);
	done(&m);
	assert_false(make(&m, "switchyard.block_version", "new"));
	assert_string_equal(m.error, "switchyard.block_version wants a whole number or auto, not \"new\"");
	done(&m);
	assert_false(make(&m, "switchyard.channels", "0x2g"));
	assert_string_equal(m.error, "switchyard.channels: \"0x2g\": wants stock, none, or ids such as 0x20,0x21");
	done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_node_config_every_key_reaches_the_core),          cmocka_unit_test(test_node_config_no_key_is_left_out),
	    cmocka_unit_test(test_node_config_both_addresses_are_told_to_the_core), cmocka_unit_test(test_node_config_channels_and_versions),
	    cmocka_unit_test(test_node_config_lists_are_trimmed_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
