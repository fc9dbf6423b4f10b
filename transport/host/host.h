/*
 * A node in a program of its own: the core, the environment it lives in, a libuv loop, real TCP, the driver and the files
 * of a home, put together. Most programs need no more than this:
 *
 *   tp_host_config_init ──> (edit) ──> tp_host_main                                     the whole main function
 *                             │
 *                             └──────> tp_host_new ──> tp_host_start ──> tp_host_run ──> tp_host_free    step by step
 *
 * Who needs something else puts the same pieces together: there is nothing in here that they could not call themselves.
 * Threads. One: that of the loop. Others send through a tp_mailbox, made of tp_host_loop and tp_host_driver.
 */
#ifndef TP_HOST_H
#define TP_HOST_H

#include <uv.h>

#include "transport/driver/driver.h"
#include "transport/files/message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TP_HOST_PATIENCE_MS 5000u /* how long an orderly stop may take */

struct tp_host;

/* All strings, lists, reactors and the loop are borrowed until tp_host_free. */
struct tp_host_config {
	/*
	 * What the node is told, CometBFT's keys. The host fills in name, pubkey and laddr; listen_addr, when it is null, with where
	 * the node listens; network, when it is null, with the chain id of the home's config/genesis.json.
	 */
	struct sy_config node;
	/*
	 * The directory of config/node_key.json and config/addrbook.json, which are made where they are missing. Null: the key
	 * is a fresh one, and the address book is forgotten at the end.
	 */
	const char *home;
	/* "tcp://HOST:PORT"; port 0: any that is free. Null: nobody can dial in. */
	const char *listen;
	const struct sy_reactor *reactors;
	size_t num_reactors;
	uv_loop_t *loop;    /* the program's own; null: one of the host's */
	bool leave_signals; /* SIGTERM and SIGINT are the program's affair: it calls tp_host_stop */
	/* The program's hooks, all optional. sign, when null, is the home's key. stopped is the last thing that is called. */
	struct tp_driver_hooks hooks;
};

/* The profile's defaults; listens on tcp://0.0.0.0:26656; node.network and node.listen_addr are null. */
void tp_host_config_init(struct tp_host_config *config, enum sy_profile profile);

/*
 * Reads the files and makes everything; nothing can be seen of it in the network yet. msg holds a line for people after an
 * error. Returns SY_INVALID (a key is wrong), SY_ADDR_INVALID, SY_DNS (listen), SY_PARSE, SY_CORRUPT (a file is broken; it
 * stays as it is), SY_IN_USE (another node has this home), SY_NOT_FOUND (no network, and no genesis file), SY_IO, SY_LIMIT (descriptors), SY_NO_MEMORY, SY_INTERNAL.
 */
SY_MUST enum sy_err tp_host_new(struct tp_host **out, const struct tp_host_config *config, struct tp_message *msg);
/*
 * Listens and starts the node: reactors, PEX, persistent peers. Returns what listening or a reactor answers (SY_IN_USE,
 * SY_UNREACHABLE, SY_NO_SEEDS, ...), with a line in msg.
 */
SY_MUST enum sy_err tp_host_start(struct tp_host *host, struct tp_message *msg);
/*
 * Runs the loop until the node has stopped: by signal, by tp_host_stop, or because it does not start after all. SY_OK after
 * an orderly stop; SY_TIMEOUT: peers did not let it end in TP_HOST_PATIENCE_MS, or a second signal came; else why it did
 * not start; SY_AGAIN: the loop was stopped by the program (uv_stop), or has nothing to wait for. A program with a loop of
 * its own may run that instead; it is stopped (uv_stop) in the same cases.
 */
SY_MUST enum sy_err tp_host_run(struct tp_host *host, struct tp_message *msg);
/* Orderly: peers are told, the book is saved; hooks.stopped follows, and tp_host_run returns. Not from a reactor's callback. */
void tp_host_stop(struct tp_host *host);
/*
 * Ends everything, abruptly unless the node has stopped. Null is harmless. Not from a hook. In a program's own loop the
 * handles are closed by its next turns: run it until uv_run returns 0 before uv_loop_close, also after a tp_host_new that
 * failed.
 */
void tp_host_free(struct tp_host *host);

/* "ID@IP:PORT" where the node listens, once it has started; "ID" when nobody can dial in. */
const char *tp_host_address(const struct tp_host *host);
uv_loop_t *tp_host_loop(struct tp_host *host);
struct tp_driver *tp_host_driver(struct tp_host *host); /* for tp_driver_input: sends, dials, stops */
struct sy_node *tp_host_node(struct tp_host *host);     /* for sections 8 and 9 of switchyard.h; whoever sends uses the driver */

/*
 * The main function of a program that is a node: reads its arguments over *config, makes the node, prints its address as
 * the first line of standard output (which is line-buffered from then on), runs until SIGTERM or SIGINT. Arguments, all
 * optional: --home DIR, --listen tcp://HOST:PORT, --moniker NAME, --seed ID@HOST:PORT and --peer ID@HOST:PORT (a
 * persistent one), both several times, --local (addr_book_strict off, allow_duplicate_ip on: several nodes on one machine
 * or in one private network). Returns the exit code: 0 after an orderly stop or --help, 2 for wrong arguments, else 1,
 * with one line on standard error.
 */
int tp_host_main(const struct tp_host_config *config, int argc, char **argv);
/*
 * The same arguments for a program that goes step by step. 0: go on; else the exit code: 2 for wrong ones, told on standard
 * error; -1 for --help, told on standard output. The lists are kept in *args, which must outlive the host.
 */
#define TP_HOST_ARGS_LIST 16u
struct tp_host_args {
	const char *seeds[TP_HOST_ARGS_LIST], *peers[TP_HOST_ARGS_LIST];
};
SY_MUST int tp_host_take_args(struct tp_host_config *config, struct tp_host_args *args, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
