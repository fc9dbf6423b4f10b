/*
 * What a real node is told: by config.toml, then by the command line, which wins. One table holds every key with its
 * kind, for both; names are CometBFT's ("p2p.laddr"), and "switchyard.KEY" of what is ours.
 */
#ifndef SIM_CLI_SETTINGS_H
#define SIM_CLI_SETTINGS_H

#include "core/switchyard.h"
#include "sim/cli/cli.h"

#define SETTINGS_KEYS_MAX 96u   /* keys of the table; the same bound as of command lines' options */
#define SETTINGS_TEXTS_MAX 128u /* texts that files and environment may set: one a key, and the home */

struct settings {
	const char *home, *network, *moniker, *profile, *log_level, *node_key_file, *genesis_file;
	struct cli_texts reactors;
	const char *laddr, *external_address, *seeds, *persistent_peers, *unconditional_peer_ids, *private_peer_ids, *addr_book_file;
	bool addr_book_strict, pex, seed_mode, allow_duplicate_ip;
	uint32_t max_num_inbound_peers, max_num_outbound_peers, max_packet_msg_payload_size;
	uint64_t send_rate, recv_rate;
	uint64_t flush_throttle_ns, persistent_peers_max_dial_period_ns, handshake_timeout_ns, dial_timeout_ns;
	/* [switchyard]: what CometBFT has as constants, and what it does not have */
	uint64_t ping_interval_ns, pong_timeout_ns, ensure_peers_period_ns, seed_disconnect_wait_ns;
	uint64_t verify_interval_ns, crawl_interval_ns;
	uint32_t crawl_dials;
	char *texts[SETTINGS_TEXTS_MAX]; /* copies of what a file says; settings_fini frees them */
	size_t num_texts;
};

/* The node commands' options, which are the keys of the file, too. */
const struct cli_option *settings_options(size_t *n);
/* The profile's defaults. */
void settings_init(struct settings *s, enum sy_profile profile);
void settings_fini(struct settings *s);
/*
 * Reads config.toml. Unknown keys of [p2p] and [switchyard] are warned about on warn (null: not at all). False with "FILE:LINE: what is
 * wrong" in error; a file that is not there is no error.
 */
bool settings_read_file(struct settings *s, const char *path, FILE *warn, char error[CLI_ERROR_TEXT]);

#endif
