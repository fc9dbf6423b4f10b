/* config.toml: what is read, what is warned about, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/settings.h"
#include "sim/cli/toml.h"
#include "tests/support/report_run.h"

struct reading {
	struct settings settings;
	char dir[256], path[512], error[CLI_ERROR_TEXT], warnings[2048];
	bool good;
};

static void read_text(struct reading *r, const char *text)
{
	memset(r, 0, sizeof *r);
	test_make_dir(r->dir);
	snprintf(r->path, sizeof r->path, "%s/config.toml", r->dir);
	FILE *file = fopen(r->path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	FILE *warn = fmemopen(r->warnings, sizeof r->warnings, "w");
	settings_init(&r->settings, SY_PROFILE_DEFAULT);
	r->good = settings_read_file(&r->settings, r->path, warn, r->error);
	fclose(warn);
}

static void done(struct reading *r)
{
	settings_fini(&r->settings);
	test_remove_dir(r->dir);
}

static const char cometbft[] = "# comment\n"
                               "proxy_app = \"tcp://127.0.0.1:26658\"\n"
                               "moniker = \"my \\\"node\\\"\"\n"
                               "log_level = 'p2p:debug,*:error'\n"
                               "[rpc]\n"
                               "laddr = \"tcp://127.0.0.1:26657\"\n"
                               "cors_allowed_methods = [\"HEAD\", \"GET\",\n  \"POST\", # three\n]\n"
                               "timeout = 1.5\n"
                               "[p2p]\n"
                               "laddr = \"tcp://0.0.0.0:36656\" # behind\n"
                               "send_rate = 5_120_000\n"
                               "max_num_inbound_peers = 3\n"
                               "pex = false\n"
                               "upnp = false\n"
                               "flush_throttle_timeout = \"100ms\"\n"
                               "[p2p.libp2p]\n"
                               "enabled = false\n"
                               "[mempool]\n"
                               "laddr = 7\n";

static void test_config_toml_reads_cometbfts(void **state)
{
	struct reading r;

	read_text(&r, cometbft);
	assert_string_equal(r.error, "");
	assert_true(r.good);
	assert_string_equal(r.settings.moniker, "my \"node\"");
	assert_string_equal(r.settings.log_level, "p2p:debug,*:error");
	assert_string_equal(r.settings.laddr, "tcp://0.0.0.0:36656");
	assert_int_equal(r.settings.send_rate, 5120000);
	assert_int_equal(r.settings.max_num_inbound_peers, 3);
	assert_false(r.settings.pex);
	assert_int_equal(r.settings.flush_throttle_ns, 100000000);
	assert_string_equal(r.warnings, "");
	done(&r);
}

static void test_config_toml_missing_file_is_no_error(void **state)
{
	struct settings s;
	char error[CLI_ERROR_TEXT];

	settings_init(&s, SY_PROFILE_DEFAULT);
	assert_true(settings_read_file(&s, "/nonexistent/config.toml", NULL, error));
	settings_fini(&s);
}

static void test_config_toml_crlf_and_no_last_line_end(void **state)
{
	struct reading r;

	read_text(&r, "[p2p]\r\npex = false\r\nseed_mode = true");
	assert_true(r.good);
	assert_false(r.settings.pex);
	assert_true(r.settings.seed_mode);
	done(&r);
}

static void test_config_toml_dotted_key_is_a_table(void **state)
{
	struct reading r;

	read_text(&r, "p2p.pex = false\n");
	assert_true(r.good);
	assert_false(r.settings.pex);
	done(&r);
}

static void test_config_toml_warns_of_unknown_key_with_nearest(void **state)
{
	struct reading r;

	read_text(&r, "[p2p]\n\npersistent_peer = \"x\"\nzzzz = 1\n");
	assert_true(r.good);
	assert_non_null(
	    strstr(r.warnings, "config.toml:3: unknown key \"persistent_peer\" in [p2p] is ignored; did you mean \"persistent_peers\"?"));
	assert_non_null(strstr(r.warnings, "config.toml:4: unknown key \"zzzz\" in [p2p] is ignored\n"));
	done(&r);
}

static void test_config_toml_reads_our_section(void **state)
{
	struct reading r;

	read_text(&r, "[switchyard]\nping_interval = \"7s\"\npong_time = \"1s\"\n");
	assert_true(r.good);
	assert_int_equal(r.settings.ping_interval_ns, 7000000000u);
	assert_non_null(strstr(r.warnings, ":3: unknown key \"pong_time\" in [switchyard] is ignored; did you mean \"pong_timeout\"?"));
	done(&r);
}

static void test_config_toml_refuses_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"[p2p]\npex = \"yes\"\n", ":2: pex wants a boolean, not a string"},
	    {"[p2p]\nsend_rate = \"1\"\n", ":2: send_rate wants an integer, not a string"},
	    {"[p2p]\nsend_rate = 1.5\n", ":2: send_rate wants an integer, not a float"},
	    {"[p2p]\nsend_rate = -1\n", ":2: send_rate cannot be negative"},
	    {"[p2p]\nmax_num_inbound_peers = 4294967296\n", ":2: p2p.max_num_inbound_peers wants a whole number"},
	    {"[p2p]\nladdr = 5\n", ":2: laddr wants a string, not an integer"},
	    {"[p2p]\nladdr = [\n1,\n2]\n", ":2: laddr wants a string, not an array"},
	    {"[p2p]\ndial_timeout = \"3\"\n", ":2: p2p.dial_timeout wants a time with its unit"},
	    {"[p2p]\npex = true\npex = true\n", ":3: pex is set twice"},
	    {"moniker = 5\n", ":1: moniker wants a string"},
	    {"[p2p\npex = true\n", ":1: a table's name wants ]"},
	    {"[p2p]\npex true\n", ":2: a key wants = and a value"},
	    {"[p2p]\npex = true false\n", ":2: something stands behind the value"},
	    {"a = \"open\nb = 1\n", ":1: a string is not closed"},
	    {"a = \"\"\"x\"\"\"\n", ":1: multi-line strings are not read here"},
	    {"a = {b = 1}\n", ":1: inline tables are not read here"},
	    {"a = [1, 2\n", ": an array is not closed"},
	    {"a = \"\\q\"\n", ":1: unknown escape in a string"},
	    {"a = \"\\ud800\"\n", ":1: no such character"},
	    {"a = word\n", ":1: a value makes no sense; texts stand in quotes"},
	    {"a =\n", ":1: a value is missing"},
	    {"= 1\n", ":1: a name is missing"},
	    {"a = 99999999999999999999\n", ":1: a number is too large"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct reading r;

		read_text(&r, cases[i].text);
		assert_false(r.good);
		if (strstr(r.error, cases[i].says) == NULL)
			print_message("case %zu: %s\n", i, r.error);
		assert_non_null(strstr(r.error, cases[i].says));
		done(&r);
	}
}

static bool count_key(void *ctx, const char *table, const char *key, const struct toml_value *value, unsigned line,
                      char error[TOML_ERROR_TEXT])
{
	(*(unsigned *)ctx)++;
	return true;
}

static void test_toml_reads_escapes_and_empty_strings(void **state)
{
	struct reading r;

	read_text(&r, "moniker = \"\\u00e4\\t\\\\\"\n[p2p]\nseeds = \"\"\nladdr = ''\n");
	assert_string_equal(r.error, "");
	assert_true(r.good);
	assert_string_equal(r.settings.moniker, "\xc3\xa4\t\\");
	assert_string_equal(r.settings.seeds, "");
	assert_string_equal(r.settings.laddr, "");
	done(&r);
}

static void test_toml_deep_arrays_and_long_names_are_bounded(void **state)
{
	char text[4096], error[TOML_ERROR_TEXT];
	unsigned line, keys = 0;

	memset(text, '[', sizeof text - 1);
	memcpy(text, "a = ", 4);
	text[sizeof text - 1] = '\0';
	assert_false(toml_read(text, count_key, &keys, &line, error));
	assert_non_null(strstr(error, "too deeply"));
	memset(text, 'n', sizeof text - 1);
	assert_false(toml_read(text, count_key, &keys, &line, error));
	assert_non_null(strstr(error, "too long"));
	assert_int_equal(keys, 0);
}

static void test_toml_every_prefix_ends(void **state)
{
	char text[sizeof cometbft], error[TOML_ERROR_TEXT];

	for (size_t n = 0; n < sizeof cometbft; n++) {
		unsigned line, keys = 0;

		memcpy(text, cometbft, n);
		text[n] = '\0';
		(void)toml_read(text, count_key, &keys, &line, error);
		assert_true(keys <= 14);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config_toml_reads_cometbfts),
	    cmocka_unit_test(test_config_toml_missing_file_is_no_error),
	    cmocka_unit_test(test_config_toml_crlf_and_no_last_line_end),
	    cmocka_unit_test(test_config_toml_dotted_key_is_a_table),
	    cmocka_unit_test(test_config_toml_warns_of_unknown_key_with_nearest),
	    cmocka_unit_test(test_config_toml_reads_our_section),
	    cmocka_unit_test(test_config_toml_refuses_with_file_and_line),
	    cmocka_unit_test(test_toml_reads_escapes_and_empty_strings),
	    cmocka_unit_test(test_toml_deep_arrays_and_long_names_are_bounded),
	    cmocka_unit_test(test_toml_every_prefix_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
