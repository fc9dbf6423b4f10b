/* Making a host: files first, then the core, then loop, sockets and driver, last the book into the core. */
#include "transport/host/host_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/files/addrbook_json.h"
#include "transport/files/home.h"
#include "transport/host/listen.h"
#include "transport/tcp/port.h"
#include "transport/tcp/tcp.h"

/* ---- files ---- */

static enum sy_err open_key(struct tp_host *host, struct tp_message *msg)
{
	const char *home = host->config.home;
	char path[TP_PATH_MAX];
	bool made;
	enum sy_err err;

	tp_message_set(msg, "no cryptography: libsodium does not start");
	if (home == NULL) {
		err = tp_node_key_generate(&host->key);
	} else {
		err = tp_home_make(home, msg);
		if (err == SY_OK)
			err = tp_home_path(home, TP_HOME_ADDRBOOK, host->book_path, msg);
		if (err == SY_OK)
			err = tp_lock_take(&host->lock, host->book_path, msg);
		if (err == SY_OK)
			err = tp_home_path(home, TP_HOME_NODE_KEY, path, msg);
		if (err == SY_OK)
			err = tp_node_key_load_or_make(path, &host->key, &made, msg);
		if (err == SY_OK)
			(void)tp_file_sweep(host->book_path); /* which is the key's directory, too */
	}
	if (err == SY_OK)
		sy_id_format(&host->key.id, host->id);
	return err;
}

static enum sy_err find_network(struct tp_host *host, struct tp_message *msg)
{
	char path[TP_PATH_MAX];
	if (host->config.node.network != NULL)
		return SY_OK;
	tp_message_set(msg, "which network? Neither node.network nor a home with its genesis.json was given");
	if (host->config.home == NULL)
		return SY_NOT_FOUND;
	enum sy_err err = tp_home_path(host->config.home, TP_HOME_GENESIS, path, msg);
	if (err == SY_OK)
		err = tp_genesis_chain_id(path, host->chain_id, msg);
	host->config.node.network = host->chain_id;
	return err;
}

static enum sy_err save_book(void *ctx, struct sy_span snapshot)
{
	const struct tp_host *host = ctx;
	return tp_addrbook_save(host->book_path, snapshot, NULL);
}

/* A book that cannot be read is better looked at than lost. */
static enum sy_err load_book(struct tp_host *host, struct tp_message *msg)
{
	uint8_t *bytes;
	size_t len;
	enum sy_err err = tp_addrbook_load(host->book_path, &bytes, &len, msg);

	if (err != SY_OK)
		return err == SY_NOT_FOUND ? SY_OK : err;
	struct sy_input in = {.kind = SY_IN_BOOK, .bytes = {bytes, len}};
	err = tp_driver_input(host->driver, &in).err;
	free(bytes);
	if (err != SY_OK)
		tp_message_set(msg, "%.400s: %s", host->book_path, sy_err_text(err));
	return err;
}

/* ---- where it listens ---- */

void tp_host_let_port_go(struct tp_host *host)
{
	if (host->held_port >= 0)
		close(host->held_port);
	host->held_port = -1;
}

/* With port 0 the port is chosen now: what peers are told must be true when the node starts. */
static enum sy_err hold_port(struct tp_host *host, struct tp_message *msg)
{
	if (host->listen.port != 0)
		return SY_OK;
	host->held_port = tp_port_hold(host->listen.ip, &host->listen.port);
	if (host->held_port >= 0)
		return SY_OK;
	tp_message_set(msg, "listen: %.200s: no port is free, or this is no address of this machine", host->config.listen);
	return SY_UNREACHABLE;
}

static enum sy_err find_address(struct tp_host *host, struct tp_message *msg)
{
	struct sy_config *node = &host->config.node;
	char dial[SY_ADDR_TEXT];

	snprintf(host->address, sizeof host->address, "%s", host->id);
	if (host->config.listen == NULL) {
		if (node->listen_addr == NULL)
			node->listen_addr = "tcp://0.0.0.0:0"; /* a node info has one; this is nobody's */
		return SY_OK;
	}
	enum sy_err err = tp_listen_parse(host->config.listen, &host->listen);
	if (err != SY_OK)
		tp_message_set(msg, "listen: \"%.200s\" is no tcp://HOST:PORT: %s", host->config.listen, sy_err_text(err));
	else
		err = hold_port(host, msg);
	if (err != SY_OK)
		return err;
	sy_netaddr_format_dial(&host->listen, dial);
	snprintf(host->listen_text, sizeof host->listen_text, "tcp://%s", dial);
	if (node->listen_addr == NULL)
		node->listen_addr = host->listen_text;
	node->laddr = host->listen_text;
	return SY_OK;
}

/* ---- core, loop, driver ---- */

static enum sy_err make_core(struct tp_host *host, struct tp_message *msg)
{
	struct sy_config *node = &host->config.node;
	const char *what = NULL;

	node->name = host->id;
	memcpy(node->pubkey, host->key.pubkey, sizeof node->pubkey);
	enum sy_err err = tp_env_open(&host->env);
	if (err == SY_OK)
		err = sy_node_new(&host->node, &host->env, node, host->config.reactors, host->config.num_reactors, &what);
	if (err != SY_OK)
		tp_message_set(msg, "%.100s: %s", what == NULL ? "node" : what, sy_err_text(err));
	return err;
}

static enum sy_err make_driver(struct tp_host *host, struct tp_message *msg)
{
	struct tp_tcp_config tcp = {.loop = host->loop};
	struct tp_driver_config config = {
	    .listen = host->listen,
	    .no_listen = host->config.listen == NULL,
	    .store = host->config.home == NULL ? NULL : &host->store,
	    .hooks = tp_host_hooks(host),
	};

	host->store = (struct tp_store){.ctx = host, .save_book = save_book};
	enum sy_err err = tp_tcp_new(&host->tp, &tcp);
	if (err == SY_OK)
		err = tp_driver_new(&host->driver, &host->env, host->node, host->tp, &config);
	if (err != SY_OK)
		tp_message_set(msg, "%s", sy_err_text(err));
	return err;
}

enum sy_err tp_host_open(struct tp_host *host, struct tp_message *msg)
{
	enum sy_err err = open_key(host, msg);
	if (err == SY_OK)
		err = find_network(host, msg);
	if (err == SY_OK)
		err = find_address(host, msg);
	if (err == SY_OK)
		err = make_core(host, msg);
	if (err == SY_OK)
		err = make_driver(host, msg);
	if (err == SY_OK && host->config.home != NULL)
		err = load_book(host, msg);
	return err;
}
