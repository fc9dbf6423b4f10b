/*
 * The inside of a host, shared by its own files only.
 *   host.c   its life: start, run, stop, free      open.c   making it: files, core, driver
 *   hooks.c  what the driver says                  main.c   the whole main function
 *   listen.c, env.c   by themselves
 */
#ifndef TP_HOST_PRIVATE_H
#define TP_HOST_PRIVATE_H

#include "transport/files/atomic_file.h"
#include "transport/files/genesis.h"
#include "transport/files/lock.h"
#include "transport/files/node_key.h"
#include "transport/host/env.h"
#include "transport/host/host.h"

#define HOST_TEXT (SY_ADDR_TEXT + 16u)

/* The handles that the memory waits for. */
enum host_handle { HOST_TERM, HOST_INT, HOST_PATIENCE, HOST_HANDLES };

struct tp_host {
	struct tp_host_config config;
	uv_loop_t own_loop, *loop;
	bool own_loop_made;
	union {
		uv_signal_t signal;
		uv_timer_t timer;
		uv_handle_t any;
	} handles[HOST_HANDLES];
	unsigned open_handles; /* those that are not closed yet */
	struct sy_env env;
	struct tp_node_key key;
	struct tp_transport *tp;
	struct sy_node *node;
	struct tp_driver *driver;
	struct tp_store store;
	struct sy_netaddr listen;
	int held_port; /* -1: none */
	char book_path[TP_PATH_MAX];
	struct tp_lock lock; /* of the book: one node a home */
	char chain_id[TP_CHAIN_ID_TEXT];
	char id[SY_ID_TEXT], address[HOST_TEXT], listen_text[HOST_TEXT];
	bool started, stopping, stopped, impatient;
	enum sy_err start_err;
};

/* open.c. An error leaves what was made to tp_host_free. */
SY_MUST enum sy_err tp_host_open(struct tp_host *host, struct tp_message *msg);
void tp_host_let_port_go(struct tp_host *host);

/* hooks.c: the driver's hooks, those of the program behind them. */
struct tp_driver_hooks tp_host_hooks(struct tp_host *host);

#endif
