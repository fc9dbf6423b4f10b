#include "core/base/policy.h"

#include <string.h>

#define MS 1000000ull
#define S 1000000000ull

/* Ours: the failures of upstream that docs/DEVIATIONS.md lists are switched off one by one. */
static const struct sy_policy default_table = {
    .name = "default",

    .seal_late = true,
    .fair_start = true,
    .smooth_rates = true,
    .pong_needs_ping = true,
    .receive_slack = true,
    .unsent_lowat = 16384, /* about a dozen frames: enough to keep a wire busy, little to wait behind */
    .checks_sends = true,
    .batch_packets = 10,
    .write_buffer = 65536,
    .flush_throttle_ns = 10 * MS,

    .strict_keys = true,
    .honour_timeouts = true,
    .resolve_node_info = false,
    .ids_case_sensitive = false,

    .tie_break = true,
    .ban_applies_inbound = true,
    .outbound_cap_in_switch = true,
    .reconnect_forever = true,
    .reconnect_transient = true,
    .reconnect_past_ip_twin = true,
    .reconnect_patiently = true,
    .resolve_on_redial = true,
    .refuse_inbound_early = true,

    .keep_learning = true,
    .requests_per_period = 3,
    .min_request_gap_ns = 12 * S,
    .request_only_on_tick = false,
    .forgive_poked_requests = true,
    .ban_wrong_id = true,
    .skip_too_early_picks = true,
    .spread_outbound = true,
    .prune_attempts = true,
    .use_observed_ip = true,
    .tick_jitter = true,
    .seed_serves_verified = true,
    .seed_makes_room = true,

    .demote_works = true,
    .reinstate_works = true,
    .learn_new_ip = true,
    .bans_per_address = true,
    .bans_persist = true,
    .redials_lost = true,
    .own_by_ip = true,
};

/* v0.40.0. Switches not named here are off, as upstream has none of ours. */
static const struct sy_policy upstream_table = {
    .name = "upstream",

    .batch_packets = 10,
    .write_buffer = 65536,
    .flush_throttle_ns = 10 * MS,

    .resolve_node_info = true,
    .ids_case_sensitive = true,

    .reconnect_transient = true,

    .requests_per_period = 1,
};

/* v0.38.26: what most chains run. */
static const struct sy_policy upstream_v038_table = {
    .name = "upstream-v0.38",

    .batch_packets = 10,
    .write_buffer = 65536,
    .flush_throttle_ns = 100 * MS,

    .resolve_node_info = true,
    .ids_case_sensitive = true,

    .requests_per_period = 1,
    .request_only_on_tick = true,
};

const struct sy_policy *sy_policy_of(enum sy_profile profile)
{
	switch (profile) {
	case SY_PROFILE_DEFAULT:
		return &default_table;
	case SY_PROFILE_UPSTREAM:
		return &upstream_table;
	case SY_PROFILE_UPSTREAM_V038:
		return &upstream_v038_table;
	}
	return &default_table;
}

enum sy_err sy_profile_parse(const char *text, enum sy_profile *profile)
{
	static const enum sy_profile all[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM, SY_PROFILE_UPSTREAM_V038};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (strcmp(text, sy_profile_name(all[i])) == 0) {
			*profile = all[i];
			return SY_OK;
		}
	}
	return SY_NOT_FOUND;
}

const char *sy_profile_name(enum sy_profile profile)
{
	return sy_policy_of(profile)->name;
}
