/* From settings and files to what the core is told. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/real_node.h"
#include "transport/host/listen.h"
#include "transport/tcp/port.h"

/* ------------------------------------------------------------------ lists */

/* Splits at commas; spaces around an element and empty elements go, as upstream does it. SY_NO_MEMORY, SY_LIMIT. */
static enum sy_err split(struct text_list *list, const char *text)
{
	*list = (struct text_list){.bytes = strdup(text), .at = calloc(REAL_NODE_LIST, sizeof(char *))};
	if (list->bytes == NULL || list->at == NULL)
		return SY_NO_MEMORY;
	for (char *at = list->bytes, *next; at != NULL; at = next) {
		next = strchr(at, ',');
		if (next != NULL)
			*next++ = '\0';
		at += strspn(at, " \t");
		size_t len = strlen(at);
		while (len != 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
			at[--len] = '\0';
		if (len == 0)
			continue;
		if (list->n == REAL_NODE_LIST)
			return SY_LIMIT;
		list->at[list->n++] = at;
	}
	return SY_OK;
}

static void free_list(struct text_list *list)
{
	free(list->at);
	free(list->bytes);
	*list = (struct text_list){0};
}

/* An element must read as what it is, so that a typing error is told at the start and not by silence. Null: it does. */
static const char *address_fault(const char *text)
{
	struct sy_netaddr addr;
	char host[SY_HOST_TEXT];
	enum sy_err err = sy_netaddr_parse(text, &addr, host);

	return err == SY_OK || err == SY_ADDR_NEEDS_DNS ? NULL : sy_err_text(err);
}

static const char *id_fault(const char *text)
{
	struct sy_id id;
	enum sy_err err = sy_id_parse(text, strlen(text), &id, NULL);

	return err == SY_OK ? NULL : sy_err_text(err);
}

/* A key that is a list: split, and each element looked at. kind: what an element is. */
static bool take_list(const struct settings *s, const char *key, const char *text, const char *kind, const char *(*fault)(const char *),
                      struct text_list *list, char error[CLI_ERROR_TEXT])
{
	enum sy_err err = split(list, text);

	if (err != SY_OK) {
		settings_blame(s, key, error, err == SY_LIMIT ? "%s has more than %u elements" : "%s: out of memory for its %u elements", key,
		               REAL_NODE_LIST);
		return false;
	}
	for (size_t i = 0; i < list->n; i++) {
		const char *wrong = fault(list->at[i]);

		if (wrong == NULL)
			continue;
		settings_blame(s, key, error, "%s: \"%.200s\" is no %s: %s", key, list->at[i], kind, wrong);
		return false;
	}
	return true;
}

static bool split_all(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	static const char address[] = "id@host:port", id[] = "id of 40 hex digits";
	const struct settings *s = n->settings;

	return take_list(s, "p2p.seeds", s->seeds, address, address_fault, &n->seeds, error) &&
	       take_list(s, "p2p.persistent_peers", s->persistent_peers, address, address_fault, &n->persistent, error) &&
	       take_list(s, "p2p.unconditional_peer_ids", s->unconditional_peer_ids, id, id_fault, &n->unconditional, error) &&
	       take_list(s, "p2p.private_peer_ids", s->private_peer_ids, id, id_fault, &n->private_ids, error);
}

/* ------------------------------------------------------------------ where to listen */

static bool parse_laddr(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	const char *laddr = n->settings->laddr;
	enum sy_err err = tp_listen_parse(laddr, &n->listen);

	if (err == SY_OK)
		return true;
	settings_blame(n->settings, "p2p.laddr", error, "p2p.laddr: \"%.200s\" is no tcp://HOST:PORT: %s", laddr, sy_err_text(err));
	return false;
}

/* With port 0 the port is chosen now: what peers are told must be true when the node starts. */
static bool choose_port(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	const char *external = n->settings->external_address;
	char dial[SY_ADDR_TEXT];

	if (n->listen.port == 0 && !n->checking) {
		n->held_port = tp_port_hold(n->listen.ip, &n->listen.port);
		if (n->held_port < 0) {
			snprintf(error, CLI_ERROR_TEXT, "p2p.laddr: %.200s: no port is free, or this is no address of this machine",
			         n->settings->laddr);
			return false;
		}
	}
	sy_netaddr_format_dial(&n->listen, dial);
	snprintf(n->laddr_text, sizeof n->laddr_text, "tcp://%s", dial);
	snprintf(n->listen_text, sizeof n->listen_text, "%.300s", *external != '\0' ? external : n->laddr_text);
	return true;
}

bool real_node_advertised(const struct real_node *n, struct sy_netaddr *addr)
{
	const char *bare = strstr(n->listen_text, "://");
	char text[SY_ID_TEXT + sizeof n->listen_text], host[SY_HOST_TEXT];

	bare = bare == NULL ? n->listen_text : bare + 3;
	snprintf(text, sizeof text, "%s@%s", n->id, bare);
	return sy_netaddr_parse(text, addr, host) == SY_OK;
}

/* ------------------------------------------------------------------ which network */

static bool find_network(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	char path[TP_PATH_MAX];
	struct tp_message msg;
	const struct settings *s = n->settings;

	if (s->network != NULL)
		return true;
	enum sy_err err = tp_home_path(s->home, s->genesis_file, path, &msg);
	if (err == SY_OK)
		err = tp_genesis_chain_id(path, n->chain_id, &msg);
	if (err == SY_OK)
		return true;
	if (err == SY_NOT_FOUND)
		snprintf(error, CLI_ERROR_TEXT, "which network? There is no %.400s; name the chain id with --network", path);
	else
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
	return false;
}

/* ------------------------------------------------------------------ what is told of us */

/* Channels that nobody here serves: a reactor of the scripts has its own. */
static bool find_channels(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	enum sy_err err = tp_sink_parse(&n->sink, n->settings->channels);

	if (err == SY_OK)
		return true;
	settings_blame(n->settings, "switchyard.channels", error, "switchyard.channels: \"%.200s\": %s", n->settings->channels,
	               err == SY_LIMIT ? "a node info has room for 16 channels" : "wants stock, none, or ids such as 0x20,0x21");
	return false;
}

static bool find_versions(const struct settings *s, struct sy_config *c, char error[CLI_ERROR_TEXT])
{
	c->p2p_version = s->p2p_version;
	c->app_version = s->app_version;
	c->version = s->version;
	c->block_version_auto = strcmp(s->block_version, "auto") == 0;
	if (c->block_version_auto || cli_parse_u64(s->block_version, &c->block_version))
		return true;
	settings_blame(s, "switchyard.block_version", error, "switchyard.block_version wants a whole number or auto, not \"%.80s\"",
	               s->block_version);
	return false;
}

bool real_node_configure(struct real_node *n, struct sy_config *c, char error[CLI_ERROR_TEXT])
{
	const struct settings *s = n->settings;

	sy_config_init(c, n->profile);
	if (!find_network(n, error) || !split_all(n, error) || !find_channels(n, error) || !find_versions(s, c, error) ||
	    !parse_laddr(n, error) || !choose_port(n, error))
		return false;
	c->name = n->id;
	memcpy(c->pubkey, n->key.pubkey, sizeof c->pubkey);
	c->listen_addr = n->listen_text;
	c->laddr = n->laddr_text;
	c->network = s->network != NULL ? s->network : n->chain_id;
	c->moniker = s->moniker;
	c->seeds = n->seeds.at;
	c->num_seeds = n->seeds.n;
	c->persistent_peers = n->persistent.at;
	c->num_persistent_peers = n->persistent.n;
	c->unconditional_peer_ids = n->unconditional.at;
	c->num_unconditional_peer_ids = n->unconditional.n;
	c->private_peer_ids = n->private_ids.at;
	c->num_private_peer_ids = n->private_ids.n;
	c->addr_book_strict = s->addr_book_strict;
	c->allow_duplicate_ip = s->allow_duplicate_ip;
	c->pex = s->pex;
	c->seed_mode = s->seed_mode;
	c->max_num_inbound_peers = s->max_num_inbound_peers;
	c->max_num_outbound_peers = s->max_num_outbound_peers;
	c->allow_list_only = s->allow_list_only;
	c->max_inbound_per_ip = s->max_inbound_per_ip;
	c->max_inbound_per_net = s->max_inbound_per_net;
	c->accept_rate_per_ip = s->accept_rate_per_ip;
	c->accept_rate = s->accept_rate;
	c->max_packet_msg_payload_size = s->max_packet_msg_payload_size;
	c->send_rate = s->send_rate;
	c->recv_rate = s->recv_rate;
	c->flush_throttle_ns = s->flush_throttle_ns;
	c->persistent_peers_max_dial_period_ns = s->persistent_peers_max_dial_period_ns;
	c->handshake_timeout_ns = s->handshake_timeout_ns;
	c->dial_timeout_ns = s->dial_timeout_ns;
	c->ping_interval_ns = s->ping_interval_ns;
	c->pong_timeout_ns = s->pong_timeout_ns;
	c->ensure_peers_period_ns = s->ensure_peers_period_ns;
	c->seed_disconnect_wait_ns = s->seed_disconnect_wait_ns;
	c->verify_interval_ns = s->verify_interval_ns;
	c->crawl_interval_ns = s->crawl_interval_ns;
	c->crawl_dials = s->crawl_dials;
	return true;
}

void real_node_unconfigure(struct real_node *n)
{
	free_list(&n->seeds);
	free_list(&n->persistent);
	free_list(&n->unconditional);
	free_list(&n->private_ids);
	if (n->held_port >= 0)
		close(n->held_port);
	n->held_port = -1;
}
