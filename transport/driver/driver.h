/*
 * The driver: pumps one node against one transport. It gives the transport's events to the node as inputs, and after
 * each event carries out what the node has put out: dials, closes, signatures, look-ups, saves, and the bytes of the
 * connections that are ready, as far as their sockets have room. The same code runs over TCP and in the simulator.
 *
 *   transport ──event──> driver ──input──> node          owner ──tp_driver_input──> driver
 *   transport <──operation── driver <──output── node     owner <──────hooks──────── driver
 *
 * Re-entry. Hooks are called outside the node, so they may call every function below except tp_driver_free: what they put
 * in is done at once and carried out by the pump that is under way. A reactor's callback runs inside the node; from there
 * tp_driver_input answers SY_AGAIN and does nothing.
 * Threads. That of the transport's loop; others go through tp_mailbox.
 */
#ifndef TP_DRIVER_H
#define TP_DRIVER_H

#include "core/switchyard.h"
#include "transport/transport.h"

struct tp_driver;

/* Where a node's things are kept: files in a real node, a disk in memory in the simulator. All optional. */
struct tp_store {
	void *ctx;
	/* SY_OK; SY_IO (disk full and the like): the book is tried again two minutes later, and when the node stops. */
	enum sy_err (*save_book)(void *ctx, struct sy_span snapshot);
	/*
	 * Where the snapshot is to be written, `size` bytes, borrowed until save_book is called with it; or why it cannot be saved.
	 * Null: the driver takes memory of its own for it.
	 */
	enum sy_err (*book_room)(void *ctx, size_t size, uint8_t **room);
};

/* Behaviour of a driver that is rare but legal; for tests that want it often. */
enum tp_rare {
	TP_RARE_ONE_FRAME,  /* a frame a write, although the socket has room for more */
	TP_RARE_SAVE_FAILS, /* the book cannot be saved this time */
	TP_RARES,
};

/* All optional. Outputs are borrowed for the call; an output's span ends with the next input. */
struct tp_driver_hooks {
	void *ctx;
	/* Signs with the node key, now or later through tp_driver_signed. Returns false: will come later. Null: every handshake fails. */
	bool (*sign)(void *ctx, struct sy_ref conn, const uint8_t challenge[32], uint8_t sig[64]);
	/* A message of a reactor with an inbox; answer with tp_driver_work_done. Null: worked off at once by the reactor's receive. */
	void (*deliver)(void *ctx, const struct sy_output *out);
	/* Results and news for the owner, after the fact; null: nobody listens. */
	void (*send_done)(void *ctx, uint64_t token, enum sy_err err);
	void (*peer_up)(void *ctx, const struct sy_output *out);
	void (*peer_down)(void *ctx, const struct sy_output *out);
	void (*started)(void *ctx, enum sy_err err);
	void (*stopped)(void *ctx);
	void (*filter)(void *ctx, const struct sy_output *out); /* answer with tp_driver_verdict; null: everything passes */
	void (*trace)(void *ctx, const struct sy_trace *trace);
	void (*save_failed)(void *ctx, enum sy_err err);
	/*
	 * Modelled CPU time: called with the frames that were sealed or opened; null: free. For the simulator. Whoever wants to
	 * charge messages too counts SY_TRACE_MESSAGE.
	 */
	void (*worked)(void *ctx, uint32_t frames_out, uint32_t frames_in);
	/* Whether the driver shall behave so now; null: it never does. */
	bool (*rare)(void *ctx, enum tp_rare point);
};

struct tp_driver_config {
	struct sy_netaddr listen; /* flags are ignored; port 0: any */
	bool no_listen;
	const struct tp_store *store; /* may be null */
	struct tp_driver_hooks hooks; /* copied */
};

/*
 * Attaches to the transport. Takes nothing: env, node, transport, store must outlive it. `env` gives its memory.
 * Returns SY_NO_MEMORY: nothing was attached.
 */
SY_MUST enum sy_err tp_driver_new(struct tp_driver **out, const struct sy_env *env, struct sy_node *node, struct tp_transport *tp,
                                  const struct tp_driver_config *config);
/*
 * Closes all sockets abruptly (a crash) unless the node was stopped first. Null is harmless. Not from inside a hook. The
 * transport still knows its events' ctx: end it (its fini) or attach another driver before its loop runs again.
 */
void tp_driver_free(struct tp_driver *d);
/*
 * Listens, gives the node its start; hooks.started follows. Returns listen's error (SY_IN_USE and the like: nothing was
 * started) or the node's answer. *bound: where it listens, all zero with no_listen.
 */
SY_MUST enum sy_err tp_driver_start(struct tp_driver *d, struct sy_netaddr *bound);
/* Orderly: peers stop, the book is saved (when the node exchanges addresses), hooks.stopped follows. */
void tp_driver_stop(struct tp_driver *d);
/*
 * Any input of the owner (sends, stops, dials, a book before the start): stamped with the time, carried out, pumped.
 * Returns the node's answer; SY_AGAIN from inside a reactor's callback: nothing was done.
 */
struct sy_answer tp_driver_input(struct tp_driver *d, struct sy_input *in);
void tp_driver_signed(struct tp_driver *d, struct sy_ref conn, const uint8_t *sig /* 64 bytes; null: failed */);
void tp_driver_verdict(struct tp_driver *d, struct sy_ref conn, enum sy_err err);
void tp_driver_work_done(struct tp_driver *d, uint64_t token, enum sy_err err);
/* Asks for a save now (SY_IN_SAVE_BOOK). */
void tp_driver_save_book(struct tp_driver *d);
struct sy_node *tp_driver_node(struct tp_driver *d);
/*
 * Connections closed in good order that were reset all the same: their last bytes found no room in the socket, and 256
 * such waited already or there was no memory for one more.
 */
uint64_t tp_driver_farewells_refused(const struct tp_driver *d);
/* The driver's own memory in bytes, for budgets. */
size_t tp_driver_memory(const struct tp_driver *d);

#endif
