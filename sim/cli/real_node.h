/* A real node: one uv loop, one TCP transport, files in a CometBFT home. */
#ifndef SIM_CLI_REAL_NODE_H
#define SIM_CLI_REAL_NODE_H

#include <uv.h>

#include "core/book/intern.h"
#include "sim/cli/node_log.h"
#include "sim/cli/settings.h"
#include "sim/lua/lua_reactor.h"
#include "sim/ops/notify.h"
#include "sim/ops/ops.h"
#include "transport/driver/driver.h"
#include "transport/files/genesis.h"
#include "transport/files/home.h"
#include "transport/files/lock.h"
#include "transport/files/node_key.h"
#include "transport/host/sink.h"

#define REAL_NODE_REACTORS 13u /* what limits.h allows, less one each for PEX, the sink and sim/ops */
#define REAL_NODE_LIST 1024u   /* SY_LIMIT_ID_LIST: elements of a comma list */

/* A comma list, split. */
struct text_list {
	const char **at;
	size_t n;
	char *bytes;
};

struct real_node {
	const struct settings *settings;
	const struct cli_call *call; /* how it was called: what a reload reads again */
	enum sy_profile profile;
	struct node_log log;
	struct ops ops;
	struct ops_notify notify;
	char key_path[TP_PATH_MAX], book_path[TP_PATH_MAX];
	char chain_id[TP_CHAIN_ID_TEXT];
	struct tp_node_key key;
	struct tp_lock lock; /* of the book: one node a home */
	bool has_key;
	char id[SY_ID_TEXT];
	char listen_text[SY_ADDR_TEXT + SY_HOST_TEXT]; /* as advertised */
	char laddr_text[SY_ADDR_TEXT + 8u];            /* where it listens */
	struct sy_netaddr listen;
	int held_port; /* -1: none */
	struct text_list seeds, persistent, unconditional, private_ids;
	struct lua_reactor *scripts[REAL_NODE_REACTORS];
	struct tp_sink sink; /* the last of the reactors */
	struct sy_reactor reactors[REAL_NODE_REACTORS + 2u];
	size_t num_scripts;
	struct sy_env env;
	uv_loop_t loop;
	bool checking; /* nothing is opened: no port is held, no name looked up */
	bool loop_made, listening, stopping, stopped;
	uv_signal_t term, intr, hup;
	uv_timer_t patience; /* of an orderly stop */
	struct tp_transport *tp;
	struct sy_node *core;
	uint64_t block_version; /* as last logged */
	struct tp_driver *driver;
	struct tp_store store;
	bool told_at_stop;         /* that the book is not saved */
	struct tp_message unsaved; /* why the book could not be saved; empty when that was not the file */
	enum sy_err start_err;
};

/* Looks at everything that a start would read, without making a file or a socket; returns the exit code as real_node_run. */
int real_node_check(struct real_node *n, char error[CLI_ERROR_TEXT]);
/* Runs until a signal ends it; returns the exit code. error holds one line unless that is 0. */
int real_node_run(struct real_node *n, char error[CLI_ERROR_TEXT]);

/* An input for the core, with a driver around it or without. */
struct sy_answer real_node_give(struct real_node *n, struct sy_input *in);
/* real_reload.c: the lists at the start: false with one line in error; lists and log level again, told in the log. */
bool real_node_lists(struct real_node *n, char error[CLI_ERROR_TEXT]);
void real_node_reload(struct real_node *n);

/* node_config.c: the settings as the core wants them. False with one line in error. */
bool real_node_configure(struct real_node *n, struct sy_config *config, char error[CLI_ERROR_TEXT]);
void real_node_unconfigure(struct real_node *n);
/* What peers are told, once configured: ip and port. False: it is a name. */
SY_MUST bool real_node_advertised(const struct real_node *n, struct sy_netaddr *addr);

/*
 * real_fds.c: raises the soft limit of descriptors when the configuration may need more, warns when that is not enough.
 * False, with one line in error, when not even the configured peers have room. A check prints what there is instead.
 */
bool real_node_descriptors(struct real_node *n, char error[CLI_ERROR_TEXT]);

/* real_refused.c: one line about what sy_node_new has refused: what names it, or is null. */
void real_node_refused(const struct settings *s, const char *what, enum sy_err err, char error[CLI_ERROR_TEXT]);

/* node_ops.c: what a start will want to serve, looked at beforehand. False with one line in error. */
bool real_node_judge_ops(const struct settings *s, char error[CLI_ERROR_TEXT]);
/* From here on sim/ops counts what it is told. False with one line in error. */
bool real_node_watch(struct real_node *n, char error[CLI_ERROR_TEXT]);
/* Answers HTTP when the settings want that. */
bool real_node_serve(struct real_node *n, char error[CLI_ERROR_TEXT]);

#endif
