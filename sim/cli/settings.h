/*
 * What a real node is told: flags win over environment variables, those over config.toml, that over the profile's
 * defaults. One table holds every key with its kind, for all of them; names are CometBFT's ("p2p.laddr"), and
 * "switchyard.KEY" of what is ours.
 */
#ifndef SIM_CLI_SETTINGS_H
#define SIM_CLI_SETTINGS_H

#include "core/switchyard.h"
#include "sim/cli/cli.h"

#define SETTINGS_KEYS_MAX CLI_OPTIONS_MAX
#define SETTINGS_TEXTS_MAX (SETTINGS_KEYS_MAX + 1u) /* texts kept: one a key of the file, and the home */
#define SETTINGS_ENV_NAME 80u                       /* "CMT_" and a key's name in capitals */
#define SETTINGS_VALUE_TEXT 80u                     /* of a value in a message: longer ones are cut */

/* Who said a value; what comes later in this list wins. */
enum settings_origin { SETTINGS_DEFAULT = 0, SETTINGS_FILE, SETTINGS_ENV, SETTINGS_COMMAND, SETTINGS_FLAG };

struct settings {
	const char *home, *network, *moniker, *profile, *log_level, *log_format, *node_key_file, *genesis_file;
	struct cli_texts reactors;
	bool check_config;
	const char *laddr, *external_address, *seeds, *persistent_peers, *unconditional_peer_ids, *private_peer_ids, *addr_book_file;
	bool addr_book_strict, pex, seed_mode, allow_duplicate_ip;
	uint32_t max_num_inbound_peers, max_num_outbound_peers, max_packet_msg_payload_size;
	bool prometheus; /* [instrumentation] */
	uint32_t max_open_connections;
	const char *prometheus_listen_addr, *name_space;
	uint64_t send_rate, recv_rate;
	uint64_t flush_throttle_ns, persistent_peers_max_dial_period_ns, handshake_timeout_ns, dial_timeout_ns;
	/* [switchyard]: what CometBFT has as constants, and what it does not have */
	uint64_t ping_interval_ns, pong_timeout_ns, ensure_peers_period_ns, seed_disconnect_wait_ns;
	uint32_t max_inbound_per_ip, max_inbound_per_net, accept_rate_per_ip, accept_rate;
	const char *block_list_file, *allow_list_file;
	bool allow_list_only;
	const char *channels, *block_version, *version;
	uint64_t p2p_version, app_version;
	uint64_t verify_interval_ns, crawl_interval_ns;
	uint32_t crawl_dials;

	/* by the index of the key: who said it, and where in the file */
	enum settings_origin origin[SETTINGS_KEYS_MAX];
	unsigned line[SETTINGS_KEYS_MAX];
	const char *file;                /* the config.toml that was read; null: there is none */
	char *texts[SETTINGS_TEXTS_MAX]; /* copies of what a file says; settings_fini frees them */
	size_t num_texts;
};

/* settings.c: the node commands' options, which are the keys of the file, too. */
const struct cli_option *settings_options(size_t *n);
/* Where in config.toml an option stands: table ("": above all tables) and key. False: it is for command lines only. */
bool settings_file_key(const struct cli_option *option, const char **table, const char **key);
/* The option of a file's key, or null. */
const struct cli_option *settings_find(const char *table, const char *key);
/* The profile's defaults, of all keys; then only of those that nobody has set. */
void settings_init(struct settings *s, enum sy_profile profile);
void settings_default(struct settings *s, enum sy_profile profile);
void settings_fini(struct settings *s);
/* A copy that settings_fini frees; null: out of memory. */
const char *settings_keep(struct settings *s, const char *text);
/*
 * Sets a key unless a higher origin has it; the value is judged all the same. False with "--KEY wants ..." in error.
 * text is kept as it is: it must live as long as the settings.
 */
bool settings_set(struct settings *s, const struct cli_option *option, enum settings_origin origin, const char *text,
                  char error[CLI_ERROR_TEXT]);

/*
 * config_toml.c: reads the file. Unknown keys of [p2p] and [switchyard] are warned about on warn (null: not at all). False
 * with "FILE:LINE: what is wrong" in error; a file that is not there is no error. path must live as long as the settings.
 */
bool settings_read_file(struct settings *s, const char *path, FILE *warn, char error[CLI_ERROR_TEXT]);

/*
 * settings_env.c: CMT_P2P_LADDR for p2p.laddr, and CMTHOME. Empty variables are none. Unknown CMT_P2P_* and
 * CMT_SWITCHYARD_* are warned about. env: "NAME=value" texts, ended by null; they must live as long as the settings.
 */
bool settings_read_env(struct settings *s, const char *const *env, FILE *warn, char error[CLI_ERROR_TEXT]);
void settings_env_name(const struct cli_option *option, char name[SETTINGS_ENV_NAME]);

/*
 * settings_load.c: everything, for the command that was called: its words, the environment, the home's config.toml, the
 * profile's defaults. False with one line in error. Call settings_fini in either case.
 */
bool settings_load(struct settings *s, const struct cli_call *call, FILE *warn, char error[CLI_ERROR_TEXT]);

/*
 * settings_blame.c: as snprintf, with the place where the key was set before it: "FILE:LINE: ", "VARIABLE: ", or nothing
 * when it was a word of the command line, or is the default.
 */
void settings_blame(const struct settings *s, const char *name, char error[CLI_ERROR_TEXT], const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "PLACE: NAME = VALUE: wants WANTS; OTHER = VALUE". other: a key that has its part in it; null: none. */
void settings_refuse(const struct settings *s, const char *name, const char *other, const char *wants, char error[CLI_ERROR_TEXT]);

/* settings_show.c: a value as config.toml has it; all keys with values and origins; a config.toml of the defaults. */
void settings_put_value(FILE *to, const struct settings *s, const struct cli_option *option);
void settings_show(FILE *to, const struct settings *s);
void settings_put_template(FILE *to, const struct settings *s);

#endif
