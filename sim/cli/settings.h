/*
 * What a real node is told: by config.toml, then by the command line, which wins. One table holds every key with its
 * kind, for both; names are CometBFT's ("p2p.laddr").
 */
#ifndef SIM_CLI_SETTINGS_H
#define SIM_CLI_SETTINGS_H

#include "core/switchyard.h"
#include "sim/cli/cli.h"

#define SETTINGS_TEXTS_MAX 64u /* texts that a file may set: one a key, of which there are fewer */

struct settings {
	const char *home, *network, *moniker, *profile, *log_level, *node_key_file, *genesis_file;
	struct cli_texts reactors;
	const char *laddr, *external_address, *seeds, *persistent_peers, *unconditional_peer_ids, *private_peer_ids, *addr_book_file;
	bool addr_book_strict, pex, seed_mode, allow_duplicate_ip;
	uint32_t max_num_inbound_peers, max_num_outbound_peers, max_packet_msg_payload_size;
	uint64_t send_rate, recv_rate;
	uint64_t flush_throttle_ns, persistent_peers_max_dial_period_ns, handshake_timeout_ns, dial_timeout_ns;
	char *texts[SETTINGS_TEXTS_MAX]; /* copies of what a file says; settings_fini frees them */
	size_t num_texts;
};

/* The node commands' options, which are the keys of the file, too. */
const struct cli_option *settings_options(size_t *n);
/* The profile's defaults. */
void settings_init(struct settings *s, enum sy_profile profile);
void settings_fini(struct settings *s);
/*
 * Reads config.toml. Unknown keys of [p2p] are warned about on warn (null: not at all). False with "FILE:LINE: what is
 * wrong" in error; a file that is not there is no error.
 */
bool settings_read_file(struct settings *s, const char *path, FILE *warn, char error[CLI_ERROR_TEXT]);

#endif
