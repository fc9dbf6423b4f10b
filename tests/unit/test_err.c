/* Errors, profiles and the defaults of the configuration. */
#include "core/base/policy.h"
#include "core/switchyard.h"
#include "tests/support/unit.h"

#include <ctype.h>

static const struct {
	enum sy_err err;
	const char *upper;
} all_errors[] = {
#define ROW(name, value, text) {SY_##name, #name},
    SY_ERR_LIST(ROW)
#undef ROW
};

static void test_err_name_is_the_constant_in_lower_case(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(all_errors); i++) {
		char lower[64] = "";
		for (size_t c = 0; all_errors[i].upper[c]; c++)
			lower[c] = (char)tolower((unsigned char)all_errors[i].upper[c]);
		assert_string_equal(sy_err_name(all_errors[i].err), lower);
	}
	assert_string_equal(sy_err_name(SY_OK), "ok");
	assert_string_equal(sy_err_name((enum sy_err) - 9999), "unknown");
}

static void test_err_text_is_never_empty(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(all_errors); i++)
		assert_true(strlen(sy_err_text(all_errors[i].err)) > 5);
	assert_string_equal(sy_err_text(SY_DNS), "the host name could not be resolved");
	assert_non_null(sy_err_text(SY_OK));
	assert_non_null(sy_err_text((enum sy_err)17));
}

static void test_err_bands_tell_whose_fault_it_is(void **state)
{
	assert_true(sy_err_is_peer_fault(SY_PEER_CLOSED));
	assert_true(sy_err_is_peer_fault(SY_PEER_REACTOR));
	assert_false(sy_err_is_peer_fault(SY_UNREACHABLE));
	assert_false(sy_err_is_peer_fault(SY_DUPLICATE_ID));
	assert_false(sy_err_is_peer_fault(SY_OK));
	for (size_t i = 0; i < ARRAY_LEN(all_errors); i++)
		assert_int_equal(sy_err_is_peer_fault(all_errors[i].err), strncmp(all_errors[i].upper, "PEER_", 5) == 0);
}

static void test_err_bands_do_not_overlap(void **state)
{
	unsigned refusals = 0, transient = 0, fatal = 0;
	for (size_t i = 0; i < ARRAY_LEN(all_errors); i++) {
		enum sy_err err = all_errors[i].err;
		assert_true(sy_err_is_transient(err) + sy_err_is_peer_fault(err) + sy_err_is_fatal(err) <= 1);
		assert_true(!sy_err_is_refusal(err) || sy_err_is_peer_fault(err));
		refusals += sy_err_is_refusal(err);
		transient += sy_err_is_transient(err);
		fatal += sy_err_is_fatal(err);
	}
	assert_int_equal(refusals, 7);
	assert_int_equal(transient, 8);
	assert_int_equal(fatal, 5);
	assert_true(sy_err_is_transient(SY_UNREACHABLE) && sy_err_is_fatal(SY_NO_MEMORY) && sy_err_is_refusal(SY_PEER_WRONG_ID));
	assert_false(sy_err_is_refusal(SY_PEER_BAD_SIGNATURE) || sy_err_is_refusal(SY_PEER_BAD_PACKET));
	assert_false(sy_err_is_transient(SY_OK) || sy_err_is_fatal(SY_OK) || sy_err_is_refusal(SY_OK));
}

static void test_profile_parse_reads_its_own_names(void **state)
{
	enum sy_profile p = SY_PROFILE_UPSTREAM;
	assert_int_equal(sy_profile_parse("default", &p), SY_OK);
	assert_int_equal(p, SY_PROFILE_DEFAULT);
	assert_int_equal(sy_profile_parse("upstream", &p), SY_OK);
	assert_int_equal(p, SY_PROFILE_UPSTREAM);
	assert_int_equal(sy_profile_parse("upstream-v0.38", &p), SY_OK);
	assert_int_equal(p, SY_PROFILE_UPSTREAM_V038);
	assert_string_equal(sy_profile_name(p), "upstream-v0.38");
	assert_int_equal(sy_profile_parse("upstream-v0.37", &p), SY_NOT_FOUND);
	assert_int_equal(sy_profile_parse("", &p), SY_NOT_FOUND);
	assert_int_equal(p, SY_PROFILE_UPSTREAM_V038);
}

static void test_policy_profiles_differ_where_they_should(void **state)
{
	const struct sy_policy *ours = sy_policy_of(SY_PROFILE_DEFAULT);
	const struct sy_policy *up = sy_policy_of(SY_PROFILE_UPSTREAM), *old = sy_policy_of(SY_PROFILE_UPSTREAM_V038);
	assert_true(ours->seal_late && ours->fair_start && ours->tie_break && ours->demote_works && ours->bans_persist);
	assert_true(ours->checks_sends);
	assert_false(ours->resolve_node_info || ours->ids_case_sensitive);
	assert_false(up->seal_late || up->fair_start || up->tie_break || up->keep_learning || up->bans_persist);
	assert_true(!up->checks_sends && up->resolve_node_info && up->ids_case_sensitive && up->reconnect_transient);
	assert_true(!old->checks_sends && old->request_only_on_tick);
	assert_false(old->reconnect_transient || up->request_only_on_tick);
	assert_int_equal(ours->unsent_lowat, 16384);
	assert_int_equal(up->unsent_lowat, 0);
	assert_int_equal(up->flush_throttle_ns, 10000000);
	assert_int_equal(old->flush_throttle_ns, 100000000);
	assert_int_equal(ours->requests_per_period, 3);
	assert_int_equal(up->requests_per_period, 1);
	assert_int_equal(ours->min_request_gap_ns, 12000000000ull);
}

static void test_config_init_fills_in_upstreams_defaults(void **state)
{
	struct sy_config c;
	sy_config_init(&c, SY_PROFILE_UPSTREAM_V038);
	assert_int_equal(c.profile, SY_PROFILE_UPSTREAM_V038);
	assert_int_equal(c.flush_throttle_ns, 100000000);
	sy_config_init(&c, SY_PROFILE_DEFAULT);
	assert_int_equal(c.flush_throttle_ns, 10000000);
	assert_int_equal(c.p2p_version, 8);
	assert_int_equal(c.block_version, 11);
	assert_int_equal(c.max_num_inbound_peers, 40);
	assert_int_equal(c.max_num_outbound_peers, 10);
	assert_int_equal(c.max_packet_msg_payload_size, 1024);
	assert_int_equal(c.send_rate, 5120000);
	assert_int_equal(c.recv_rate, 5120000);
	assert_int_equal(c.ping_interval_ns, 60000000000ull);
	assert_int_equal(c.pong_timeout_ns, 45000000000ull);
	assert_true(c.pex && c.addr_book_strict);
	assert_false(c.seed_mode || c.allow_duplicate_ip || c.filter_peers);
	assert_string_equal(c.listen_addr, "tcp://0.0.0.0:26656");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_err_name_is_the_constant_in_lower_case),  cmocka_unit_test(test_err_text_is_never_empty),
	    cmocka_unit_test(test_err_bands_tell_whose_fault_it_is),        cmocka_unit_test(test_err_bands_do_not_overlap),
	    cmocka_unit_test(test_profile_parse_reads_its_own_names),       cmocka_unit_test(test_policy_profiles_differ_where_they_should),
	    cmocka_unit_test(test_config_init_fills_in_upstreams_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
