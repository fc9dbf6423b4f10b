/* What the core does not take of a configuration, in the words of who has written it. */
#include <inttypes.h>
#include <string.h>

#include "core/base/limits.h"
#include "sim/cli/real_node.h"

#define TEXT "printable ASCII that is more than spaces"

/* A name of the core's for what is wrong, and the key behind it. */
struct refusal {
	const char *what, *key;
	const char *other;    /* a key that has its part in it, or null */
	const char *wants;    /* what the key may say, behind the numbers */
	uint64_t least, most; /* both 0: no numbers are told */
};

static const struct refusal refusals[] = {
    {"moniker", "moniker", NULL, TEXT, 0, 0},
    {"version", "switchyard.version", NULL, TEXT, 0, 0},
    {"node_info", "moniker", NULL, "less: with network, version and addresses a node info would be too long", 0, 0},
    {"listen_addr", "p2p.external_address", "p2p.laddr", "HOST:PORT", 0, 0},
    {"max_packet_msg_payload_size", "p2p.max_packet_msg_payload_size", NULL, "bytes", 1, SY_LIMIT_PACKET_DATA},
    {"seed_mode", "p2p.seed_mode", "p2p.pex", "peer exchange", 0, 0},
    {"pong_timeout", "switchyard.pong_timeout", "switchyard.ping_interval", "more than 0s and less than the ping interval", 0, 0},
    {"ensure_peers_period", "switchyard.ensure_peers_period", NULL, "more than 0s", 0, 0},
    {"verify_interval", "switchyard.verify_interval", NULL, "1s to 24h", 0, 0},
    {"crawl_dials", "switchyard.crawl_dials", NULL, "addresses", 1, SY_LIMIT_CRAWL_DIALS},
    {"seeds", "p2p.seeds", NULL, "addresses", 0, SY_LIMIT_SEEDS},
    {"persistent_peers", "p2p.persistent_peers", NULL, "addresses", 0, SY_LIMIT_PERSISTENT},
    {"unconditional_peer_ids", "p2p.unconditional_peer_ids", NULL, "ids", 0, SY_LIMIT_ID_LIST},
    {"private_peer_ids", "p2p.private_peer_ids", NULL, "ids", 0, SY_LIMIT_ID_LIST},
    {"extra_channels", "reactor", "switchyard.channels", "channels, those of peer exchange and of the sink among them", 0,
     SY_LIMIT_CHANNELS},
    {"reactors", "reactor", "switchyard.channels", "channels that nobody else has", 0, 0},
    {"pex", "reactor", "p2p.pex", "channels other than peer exchange's, 0x00", 0, 0},
};

void real_node_refused(const struct settings *s, const char *what, enum sy_err err, char error[CLI_ERROR_TEXT])
{
	char wants[120];

	for (size_t i = 0; what != NULL && i < sizeof refusals / sizeof refusals[0]; i++) {
		const struct refusal *r = &refusals[i];

		if (strcmp(r->what, what) != 0)
			continue;
		snprintf(wants, sizeof wants, "%s", r->wants);
		if (r->most != 0)
			snprintf(wants, sizeof wants, "%" PRIu64 " to %" PRIu64 " %s", r->least, r->most, r->wants);
		settings_refuse(s, r->key, r->other, wants, error);
		return;
	}
	snprintf(error, CLI_ERROR_TEXT, "%.100s: %.200s", what == NULL ? "node" : what, sy_err_text(err));
}
