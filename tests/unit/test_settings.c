/* Who wins: flags, environment, config.toml, the profile; and that what init writes reads back as the defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/settings.h"
#include "tests/support/report_run.h"

static const struct cli_option *key(const char *name)
{
	size_t n;
	const struct cli_option *options = settings_options(&n), *option = cli_find(options, n, name);

	assert_non_null(option);
	return option;
}

static enum settings_origin origin(const struct settings *s, const char *name)
{
	size_t n;

	return s->origin[key(name) - settings_options(&n)];
}

static void test_settings_env_names_are_cometbfts(void **state)
{
	char name[SETTINGS_ENV_NAME];

	settings_env_name(key("p2p.laddr"), name);
	assert_string_equal(name, "CMT_P2P_LADDR");
	settings_env_name(key("home"), name);
	assert_string_equal(name, "CMT_HOME");
	settings_env_name(key("switchyard.pong_timeout"), name);
	assert_string_equal(name, "CMT_SWITCHYARD_PONG_TIMEOUT");
}

static void test_settings_env_is_read_in_both_spellings(void **state)
{
	const char *env[] = {"PATH=/", "CMTHOME=/h", "CMT_P2P_PEX=0", "CMT_P2P_SEEDS=", "CMT_P2P_SEND_RATE=1", "CMTP2P_SEND_RATE=2", NULL};
	struct settings s;
	char error[CLI_ERROR_TEXT];

	settings_init(&s, SY_PROFILE_DEFAULT);
	assert_true(settings_read_env(&s, env, NULL, error));
	assert_string_equal(s.home, "/h");
	assert_false(s.pex);
	assert_int_equal(s.send_rate, 2); /* without the first _ wins, as CometBFT copies it over the other */
	assert_string_equal(s.seeds, "");
	assert_int_equal(origin(&s, "p2p.seeds"), SETTINGS_DEFAULT);
	assert_int_equal(origin(&s, "p2p.pex"), SETTINGS_ENV);
}

static void test_settings_env_old_home_counts_only_alone(void **state)
{
	const char *old[] = {"TMHOME=/old", NULL}, *both[] = {"TMHOME=/old", "CMT_HOME=/new", NULL};
	struct settings s;
	char error[CLI_ERROR_TEXT];

	settings_init(&s, SY_PROFILE_DEFAULT);
	assert_true(settings_read_env(&s, old, NULL, error));
	assert_string_equal(s.home, "/old");
	settings_init(&s, SY_PROFILE_DEFAULT);
	assert_true(settings_read_env(&s, both, NULL, error));
	assert_string_equal(s.home, "/new");
}

static void test_settings_env_refuses_and_warns(void **state)
{
	const char *bad[] = {"CMT_P2P_PEX=maybe", NULL};
	const char *unknown[] = {"CMT_P2P_SEEDZ=x", "CMT_SWITCHYARD_QQQQQQQQ=1", "CMT_ELSE=1", NULL};
	struct settings s;
	char error[CLI_ERROR_TEXT], warnings[512] = "";
	FILE *warn = fmemopen(warnings, sizeof warnings, "w");

	settings_init(&s, SY_PROFILE_DEFAULT);
	assert_false(settings_read_env(&s, bad, NULL, error));
	assert_string_equal(error, "CMT_P2P_PEX: p2p.pex wants true or false, not \"maybe\"");
	settings_init(&s, SY_PROFILE_DEFAULT);
	assert_true(settings_read_env(&s, unknown, warn, error));
	fclose(warn);
	assert_string_equal(warnings, "switchyard: the environment's CMT_P2P_SEEDZ is no key and is ignored; did you mean CMT_P2P_SEEDS?\n"
	                              "switchyard: the environment's CMT_SWITCHYARD_QQQQQQQQ is no key and is ignored\n");
}

static void test_settings_higher_origins_win_in_any_order(void **state)
{
	static const enum settings_origin all[] = {SETTINGS_FILE, SETTINGS_ENV, SETTINGS_COMMAND, SETTINGS_FLAG};
	static const char *const says[] = {"1", "2", "3", "4"};
	struct settings s;
	char error[CLI_ERROR_TEXT];

	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 4; j++) {
			settings_init(&s, SY_PROFILE_DEFAULT);
			assert_true(settings_set(&s, key("p2p.send_rate"), all[i], says[i], error));
			assert_true(settings_set(&s, key("p2p.send_rate"), all[j], says[j], error));
			assert_int_equal(s.send_rate, (i > j ? i : j) + 1);
			assert_int_equal(origin(&s, "p2p.send_rate"), all[i > j ? i : j]);
		}
	}
	/* What loses is judged all the same: a broken file is told although a flag covers it. */
	assert_false(settings_set(&s, key("p2p.send_rate"), SETTINGS_FILE, "many", error));
}

static void test_settings_profile_moves_only_what_nobody_set(void **state)
{
	struct settings s;
	char error[CLI_ERROR_TEXT];

	settings_init(&s, SY_PROFILE_DEFAULT);
	settings_default(&s, SY_PROFILE_UPSTREAM_V038);
	assert_int_equal(s.flush_throttle_ns, 100000000);
	settings_init(&s, SY_PROFILE_DEFAULT);
	assert_true(settings_set(&s, key("p2p.flush_throttle_timeout"), SETTINGS_FILE, "7ms", error));
	settings_default(&s, SY_PROFILE_UPSTREAM_V038);
	assert_int_equal(s.flush_throttle_ns, 7000000);
	assert_string_equal(s.profile, "upstream-v0.38");
}

static void test_settings_find_knows_the_sections(void **state)
{
	assert_ptr_equal(settings_find("p2p", "laddr"), key("p2p.laddr"));
	assert_ptr_equal(settings_find("", "moniker"), key("moniker"));
	assert_ptr_equal(settings_find("switchyard", "network"), key("network"));
	assert_ptr_equal(settings_find("switchyard", "ping_interval"), key("switchyard.ping_interval"));
	assert_null(settings_find("", "home"));
	assert_null(settings_find("rpc", "laddr"));
	assert_null(settings_find("switchyard", "moniker"));
	assert_null(settings_find("switchyard", "check-config"));
}

/* What init writes, with every comment taken away from a key, says the same as the defaults, key by key. */
static void test_settings_template_reads_back_as_the_defaults(void **state)
{
	char dir[256], path[512], error[CLI_ERROR_TEXT] = "", warnings[512] = "", *text = NULL;
	size_t len, n;
	const struct cli_option *options = settings_options(&n);
	struct settings fresh, read;
	FILE *memory = open_memstream(&text, &len), *warn = fmemopen(warnings, sizeof warnings, "w");

	settings_init(&fresh, SY_PROFILE_DEFAULT);
	fresh.moniker = "a \"b\" \\ \t c";
	settings_put_template(memory, &fresh);
	fclose(memory);
	test_make_dir(dir);
	snprintf(path, sizeof path, "%s/config.toml", dir);
	FILE *file = fopen(path, "w");
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		fprintf(file, "%s\n", line[0] == '#' && strstr(line, " = ") != NULL ? line + 2 : line);
	fclose(file);
	settings_init(&read, SY_PROFILE_DEFAULT);
	if (!settings_read_file(&read, path, warn, error))
		fail_msg("%s", error);
	fclose(warn);
	assert_string_equal(warnings, "");
	assert_string_equal(read.moniker, fresh.moniker);
	for (size_t i = 0; i < n; i++) {
		const char *table, *name;
		bool written = options[i].kind != CLI_IDLE && settings_file_key(&options[i], &table, &name);

		assert_int_equal(read.origin[i], written ? SETTINGS_FILE : SETTINGS_DEFAULT);
	}
	assert_int_equal(read.ping_interval_ns, fresh.ping_interval_ns);
	assert_int_equal(read.seed_disconnect_wait_ns, fresh.seed_disconnect_wait_ns);
	settings_fini(&read);
	free(text);
	test_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_settings_env_names_are_cometbfts),
	    cmocka_unit_test(test_settings_env_is_read_in_both_spellings),
	    cmocka_unit_test(test_settings_env_old_home_counts_only_alone),
	    cmocka_unit_test(test_settings_env_refuses_and_warns),
	    cmocka_unit_test(test_settings_higher_origins_win_in_any_order),
	    cmocka_unit_test(test_settings_profile_moves_only_what_nobody_set),
	    cmocka_unit_test(test_settings_find_knows_the_sections),
	    cmocka_unit_test(test_settings_template_reads_back_as_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
