/* The table of a node's keys and their defaults. */
#include "sim/cli/settings.h"

#include <stdlib.h>
#include <string.h>

/*
 * A real node in the default profile has strangers (D-34): of its 40 inbound places one /24 gets less than half, and an
 * address that knocks more than once a second for a minute is no peer that reconnects (upstream's do it every 5 s).
 */
#define NET_PLACES 16u
#define IP_RATE 60u

#define AT(field) offsetof(struct settings, field)

static const struct cli_option options[] = {
    {"home", 0, CLI_TEXT, AT(home), "DIR", "CometBFT's home directory; made when it does not exist (default: ~/.cometbft)"},
    {"network", 0, CLI_TEXT, AT(network), "CHAIN", "the chain id (default: what config/genesis.json says)"},
    {"moniker", 0, CLI_TEXT, AT(moniker), "NAME", "the node's name for people"},
    {"profile", 0, CLI_CHOICE, AT(profile), "default|upstream|upstream-v0.38", "the node's policies (default: default)"},
    {"check-config", 0, CLI_FLAG, AT(check_config), NULL,
     "prints every key with its value and where that comes from; runs nothing, opens nothing, exits with 0 or 2"},
    {"reactor", 0, CLI_REPEAT, AT(reactors), "FILE.lua", "registers the reactor that the file returns; may be repeated"},
    {"log_level", 0, CLI_TEXT, AT(log_level), "LEVEL", "debug, info, warn, error or none; or by module: p2p:debug,*:error (default: info)"},
    {"log_format", 0, CLI_CHOICE, AT(log_format), "plain|json", "key=value lines or JSON objects (default: plain)"},
    {"node_key_file", 0, CLI_TEXT, AT(node_key_file), "FILE", "the node key (default: config/node_key.json)"},
    {"genesis_file", 0, CLI_TEXT, AT(genesis_file), "FILE", "where the chain id is read from (default: config/genesis.json)"},
#define IDLE(name, value, what)                                                                     \
	{                                                                                               \
		name, 0, CLI_IDLE, 0, value, "CometBFT's: taken and passed over; there is no " what " here" \
	}
    IDLE("proxy_app", "ADDRESS", "application"),
    IDLE("abci", "socket|grpc", "application"),
    IDLE("priv_validator_laddr", "ADDRESS", "validator"),
    IDLE("db_backend", "NAME", "block store"),
    IDLE("db_dir", "DIR", "block store"),
    IDLE("consensus.create_empty_blocks", NULL, "consensus"),
    IDLE("consensus.create_empty_blocks_interval", "TIME", "consensus"),
    IDLE("consensus.double_sign_check_height", "N", "consensus"),
    IDLE("rpc.laddr", "ADDRESS", "RPC server"),
    IDLE("rpc.grpc_laddr", "ADDRESS", "RPC server"),
    IDLE("rpc.unsafe", NULL, "RPC server"),
    IDLE("rpc.pprof_laddr", "ADDRESS", "profiler"),
    IDLE("trace", NULL, "stack trace"),
    IDLE("p2p.upnp", NULL, "UPnP"),
    IDLE("p2p.test_fuzz", NULL, "fuzzing of connections"),
    IDLE("p2p.test_dial_fail", NULL, "failing on purpose"),
#undef IDLE
    {"p2p.laddr", 0, CLI_TEXT, AT(laddr), "tcp://HOST:PORT", "where to listen (default: tcp://0.0.0.0:26656); port 0: any"},
    {"p2p.external_address", 0, CLI_TEXT, AT(external_address), "HOST:PORT", "the address told to peers (default: p2p.laddr)"},
    {"p2p.seeds", 0, CLI_TEXT, AT(seeds), "ID@HOST:PORT,...", "seed nodes"},
    {"p2p.persistent_peers", 0, CLI_TEXT, AT(persistent_peers), "ID@HOST:PORT,...", "peers to stay connected with"},
    {"p2p.addr_book_file", 0, CLI_TEXT, AT(addr_book_file), "FILE", "the address book (default: config/addrbook.json)"},
    {"p2p.addr_book_strict", 0, CLI_FLAG, AT(addr_book_strict), NULL, "only routable addresses; =false for private and local networks"},
    {"p2p.max_num_inbound_peers", 0, CLI_U32, AT(max_num_inbound_peers), "N", "connections that others made, at most (default: 40)"},
    {"p2p.max_num_outbound_peers", 0, CLI_U32, AT(max_num_outbound_peers), "N",
     "connections that this node makes, at most, persistent peers aside (default: 10)"},
    {"p2p.unconditional_peer_ids", 0, CLI_TEXT, AT(unconditional_peer_ids), "ID,...", "ids that limits do not concern"},
    {"p2p.persistent_peers_max_dial_period", 0, CLI_GO_DURATION, AT(persistent_peers_max_dial_period_ns), "TIME",
     "longest pause between dials of a persistent peer; 0s: no cap"},
    {"p2p.flush_throttle_timeout", 0, CLI_GO_DURATION, AT(flush_throttle_ns), "TIME",
     "how long small messages may wait for company (default: 10ms; upstream-v0.38: 100ms)"},
    {"p2p.max_packet_msg_payload_size", 0, CLI_U32, AT(max_packet_msg_payload_size), "BYTES",
     "must be the same at both ends (default: 1024)"},
    {"p2p.send_rate", 0, CLI_U64, AT(send_rate), "BYTES", "bytes per second of one connection; 0: unlimited (default: 5120000)"},
    {"p2p.recv_rate", 0, CLI_U64, AT(recv_rate), "BYTES", "bytes per second of one connection; 0: unlimited (default: 5120000)"},
    {"p2p.pex", 0, CLI_FLAG, AT(pex), NULL, "peer exchange; =false switches it off"},
    {"p2p.seed_mode", 0, CLI_FLAG, AT(seed_mode), NULL, "crawls the network and serves addresses"},
    {"p2p.private_peer_ids", 0, CLI_TEXT, AT(private_peer_ids), "ID,...", "ids whose addresses are told to nobody"},
    {"p2p.allow_duplicate_ip", 0, CLI_FLAG, AT(allow_duplicate_ip), NULL, "several peers on one IP"},
    {"p2p.handshake_timeout", 0, CLI_GO_DURATION, AT(handshake_timeout_ns), "TIME",
     "for a phase of a handshake (default: 20s); the upstream profiles ignore it, as CometBFT does"},
    {"p2p.dial_timeout", 0, CLI_GO_DURATION, AT(dial_timeout_ns), "TIME",
     "until a dial has to be answered (default: 3s); the upstream profiles ignore it, as CometBFT does"},
    {"switchyard.block_list_file", 0, CLI_TEXT, AT(block_list_file), "FILE",
     "ids and networks, one a line, that are no peers and in no book; read again at SIGHUP (default: none)"},
    {"switchyard.allow_list_file", 0, CLI_TEXT, AT(allow_list_file), "FILE",
     "ids and networks, one a line, that are let in although the block list has them; read again at SIGHUP (default: none)"},
    {"switchyard.allow_list_only", 0, CLI_FLAG, AT(allow_list_only), NULL,
     "nobody but the allow list's, persistent and unconditional peers"},
    {"switchyard.channels", 0, CLI_TEXT, AT(channels), "LIST",
     "channels advertised beside peer exchange's, whose messages are dropped: stock (a CometBFT node's), none, or hexadecimal ids "
     "(default: stock)"},
    {"switchyard.block_version", 0, CLI_TEXT, AT(block_version), "N|auto",
     "block protocol version, which peers of a chain must agree on; auto: as the first peer says (default: 11)"},
    {"switchyard.p2p_version", 0, CLI_U64, AT(p2p_version), "N", "p2p protocol version; nobody compares it (default: 8)"},
    {"switchyard.app_version", 0, CLI_U64, AT(app_version), "N", "the application's version; nobody compares it (default: 0)"},
    {"switchyard.version", 0, CLI_TEXT, AT(version), "TEXT", "software version told to peers (default: the profile's CometBFT)"},
    {"switchyard.max_inbound_per_ip", 0, CLI_U32, AT(max_inbound_per_ip), "N",
     "inbound connections of one IP (IPv6: /64) at most; 0: no limit, which p2p.allow_duplicate_ip=false makes 1 (default: 0)"},
    {"switchyard.max_inbound_per_net", 0, CLI_U32, AT(max_inbound_per_net), "N",
     "inbound connections of one /24 (IPv6: /48) at most; 0: no limit (default: 16; upstream: 0)"},
    {"switchyard.accept_rate_per_ip", 0, CLI_U32, AT(accept_rate_per_ip), "N",
     "inbound connections of one IP a minute; 0: no limit (default: 60; upstream: 0)"},
    {"switchyard.accept_rate", 0, CLI_U32, AT(accept_rate), "N", "inbound connections of all a second; 0: no limit (default: 0)"},
    {"switchyard.ping_interval", 0, CLI_GO_DURATION, AT(ping_interval_ns), "TIME",
     "between pings of one connection; 0s: none (default: 60s)"},
    {"switchyard.pong_timeout", 0, CLI_GO_DURATION, AT(pong_timeout_ns), "TIME",
     "how long a pong may take; shorter than ping_interval (default: 45s)"},
    {"switchyard.ensure_peers_period", 0, CLI_GO_DURATION, AT(ensure_peers_period_ns), "TIME",
     "how often peer exchange looks for peers; others take a request every third of theirs (default: 30s)"},
    {"switchyard.seed_disconnect_wait_period", 0, CLI_GO_DURATION, AT(seed_disconnect_wait_ns), "TIME",
     "how long a seed keeps a peer at most (default: 5m; upstream: 28h)"},
    {"switchyard.verify_interval", 0, CLI_GO_DURATION, AT(verify_interval_ns), "TIME",
     "how often a seed looks whether an address still answers (default: 10m)"},
    {"switchyard.crawl_interval", 0, CLI_GO_DURATION, AT(crawl_interval_ns), "TIME",
     "how often a seed asks the same peer for addresses (default: 10m)"},
    {"switchyard.crawl_dials", 0, CLI_U32, AT(crawl_dials), "N", "addresses that a seed looks at at once, 64 at most (default: 16)"},
    {"instrumentation.prometheus", 0, CLI_FLAG, AT(prometheus), NULL, "serves /metrics, /healthz, /readyz, /peers, /net_info over HTTP"},
    {"instrumentation.prometheus_listen_addr", 0, CLI_TEXT, AT(prometheus_listen_addr), "HOST:PORT",
     "where (default: :26660); without a host on 127.0.0.1 only, unlike CometBFT; port 0: any"},
    {"instrumentation.max_open_connections", 0, CLI_U32, AT(max_open_connections), "N",
     "HTTP connections at once, the others wait; 0: 64 (default: 3)"},
    {"instrumentation.namespace", 0, CLI_TEXT, AT(name_space), "NAME", "of the metrics that CometBFT has, too (default: cometbft)"},
};

_Static_assert(sizeof options / sizeof options[0] <= SETTINGS_KEYS_MAX, "the table of keys is full");

const struct cli_option *settings_options(size_t *n)
{
	*n = sizeof options / sizeof options[0];
	return options;
}

/* The keys that stand above all tables of config.toml, and those of [switchyard] whose option is older than the section. */
static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

bool settings_file_key(const struct cli_option *option, const char **table, const char **key)
{
	static const char *const top[] = {"moniker", "log_level", "log_format", "node_key_file", "genesis_file"};
	static const char *const ours[] = {"network", "profile"};
	const char *dot = strchr(option->name, '.');

	*key = dot == NULL ? option->name : dot + 1;
	*table = "";
	if (is_one_of(option->name, top, sizeof top / sizeof top[0]))
		return true;
	*table = "switchyard";
	if (is_one_of(option->name, ours, sizeof ours / sizeof ours[0]) || strncmp(option->name, "switchyard.", 11) == 0)
		return true;
	*table = "instrumentation";
	if (strncmp(option->name, "instrumentation.", 16) == 0)
		return true;
	*table = "p2p";
	return strncmp(option->name, "p2p.", 4) == 0;
}

const struct cli_option *settings_find(const char *table, const char *key)
{
	const size_t n = sizeof options / sizeof options[0];
	const char *its_table, *its_key;
	char name[CLI_NAME_MAX];

	snprintf(name, sizeof name, "%s%s%s", table, table[0] == '\0' ? "" : ".", key);
	const struct cli_option *option = cli_find(options, n, name);
	if (option == NULL && strcmp(table, "switchyard") == 0)
		option = cli_find(options, n, key); /* [switchyard] network is --network */
	if (option == NULL || !settings_file_key(option, &its_table, &its_key) || strcmp(table, its_table) != 0)
		return NULL;
	return option;
}

bool settings_set(struct settings *s, const struct cli_option *option, enum settings_origin origin, const char *text,
                  char error[CLI_ERROR_TEXT])
{
	struct settings judged = *s;

	if (!cli_set(option, text, &judged, error))
		return false;
	if (s->origin[option - options] > origin)
		return true;
	s->origin[option - options] = origin;
	return cli_set(option, text, s, error);
}

const char *settings_keep(struct settings *s, const char *text)
{
	char *copy = s->num_texts == SETTINGS_TEXTS_MAX ? NULL : strdup(text);

	if (copy != NULL)
		s->texts[s->num_texts++] = copy;
	return copy;
}

/* How many bytes of the settings a key of this kind fills. */
static size_t size_of(enum cli_kind kind)
{
	switch (kind) {
	case CLI_FLAG:
		return sizeof(bool);
	case CLI_TEXT:
	case CLI_CHOICE:
		return sizeof(const char *);
	case CLI_REPEAT:
		return sizeof(struct cli_texts);
	case CLI_U64:
	case CLI_TIME:
	case CLI_GO_DURATION:
		return sizeof(uint64_t);
	case CLI_U32:
		return sizeof(uint32_t);
	case CLI_RANGE:
		return sizeof(struct cli_range);
	case CLI_IDLE:
		return 0;
	}
	return 0;
}

void settings_default(struct settings *s, enum sy_profile profile)
{
	struct settings fresh;

	settings_init(&fresh, profile);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (s->origin[i] == SETTINGS_DEFAULT)
			memcpy((char *)s + options[i].offset, (char *)&fresh + options[i].offset, size_of(options[i].kind));
}

void settings_init(struct settings *s, enum sy_profile profile)
{
	struct sy_config c;

	sy_config_init(&c, profile);
	*s = (struct settings){
	    .profile = sy_profile_name(profile),
	    .log_level = "info",
	    .log_format = "plain",
	    .node_key_file = "config/node_key.json",
	    .genesis_file = "config/genesis.json",
	    .laddr = "tcp://0.0.0.0:26656",
	    .external_address = "",
	    .seeds = "",
	    .persistent_peers = "",
	    .unconditional_peer_ids = "",
	    .private_peer_ids = "",
	    .addr_book_file = "config/addrbook.json",
	    .prometheus_listen_addr = ":26660",
	    .max_open_connections = 3,
	    .name_space = "cometbft",
	    .addr_book_strict = c.addr_book_strict,
	    .pex = c.pex,
	    .seed_mode = c.seed_mode,
	    .allow_duplicate_ip = c.allow_duplicate_ip,
	    .max_num_inbound_peers = c.max_num_inbound_peers,
	    .max_num_outbound_peers = c.max_num_outbound_peers,
	    .max_packet_msg_payload_size = c.max_packet_msg_payload_size,
	    .send_rate = c.send_rate,
	    .recv_rate = c.recv_rate,
	    .flush_throttle_ns = c.flush_throttle_ns,
	    .persistent_peers_max_dial_period_ns = c.persistent_peers_max_dial_period_ns,
	    .handshake_timeout_ns = c.handshake_timeout_ns,
	    .dial_timeout_ns = c.dial_timeout_ns,
	    .max_inbound_per_ip = c.max_inbound_per_ip,
	    .max_inbound_per_net = profile == SY_PROFILE_DEFAULT ? NET_PLACES : c.max_inbound_per_net,
	    .accept_rate_per_ip = profile == SY_PROFILE_DEFAULT ? IP_RATE : c.accept_rate_per_ip,
	    .accept_rate = c.accept_rate,
	    .block_list_file = "",
	    .allow_list_file = "",
	    .allow_list_only = c.allow_list_only,
	    .channels = "stock",
	    .block_version = "11",
	    .p2p_version = c.p2p_version,
	    .app_version = c.app_version,
	    .version = c.version,
	    .ping_interval_ns = c.ping_interval_ns,
	    .pong_timeout_ns = c.pong_timeout_ns,
	    .ensure_peers_period_ns = c.ensure_peers_period_ns,
	    .seed_disconnect_wait_ns = c.seed_disconnect_wait_ns,
	    .verify_interval_ns = c.verify_interval_ns,
	    .crawl_interval_ns = c.crawl_interval_ns,
	    .crawl_dials = c.crawl_dials,
	};
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < s->num_texts; i++)
		free(s->texts[i]);
	s->num_texts = 0;
}
