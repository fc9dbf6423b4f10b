/*
 * The transport interface: what a driver needs of a network. Implemented by tcp (libuv), pair (in memory) and the
 * simulator's hosts; tests/unit/test_transport_conformance.c holds one suite that runs against all of them.
 *
 * Names. A socket is named by the transport (tp_sock, never 0, not reused while anybody may hold it). The driver gives
 * each connection a cookie, never 0 and unique among its live ones, that comes back with every event. An operation on a
 * name that is closed or unknown does nothing and returns 0.
 *
 * Re-entry. No event is delivered from inside an operation: events come from the transport's own loop only, so a driver
 * is never re-entered. Every operation, close and fini included, may be called from inside an event. After close, no
 * event of that socket is delivered, whatever was under way; after fini, none at all.
 *
 * The life of a socket as its driver sees it:
 *
 *   dial ──> dialled ─┐
 *                     ├──> (bytes | writable)* ──> eof? ──> (writable)* ──> failed? ──> close
 *   accepted ─────────┘
 *
 * Ownership. Pointers are borrowed for the call. The transport copies what it must keep.
 * Threads. One: that of the loop.
 */
#ifndef TP_TRANSPORT_H
#define TP_TRANSPORT_H

#include "core/switchyard.h"

typedef uint32_t tp_sock;

struct tp_events {
	void *ctx;
	/*
	 * A connection was accepted; the accept window is one less. remote: ip and port, no id. Returns its cookie; 0
	 * refuses it, and the transport closes it. The socket's operations may be used from here on.
	 */
	uint64_t (*accepted)(void *ctx, tp_sock sock, const struct sy_netaddr *remote);
	/* The dial with this cookie succeeded: the cookie now names the socket. The remote side may not have accepted it yet. */
	void (*dialled)(void *ctx, uint64_t cookie, tp_sock sock);
	/* The dial failed; the cookie is free again. SY_DIAL_TIMEOUT, SY_DIAL_REFUSED, SY_UNREACHABLE, SY_LIMIT (descriptors), SY_NO_MEMORY, SY_IO. */
	void (*dial_failed)(void *ctx, uint64_t cookie, enum sy_err err);
	/* Bytes have arrived: at least one, never more than the read window; borrowed for the call. */
	void (*bytes)(void *ctx, uint64_t cookie, struct sy_span bytes);
	/* The peer has closed its direction; writing may still work. Once, after all bytes; it may wait for an open read window. */
	void (*eof)(void *ctx, uint64_t cookie);
	/*
	 * The connection is gone (SY_PEER_RESET, SY_NO_MEMORY, SY_IO); close is still due. Once, and the last event of the
	 * socket. Bytes not delivered yet may be lost. A transport may notice only when it reads or writes.
	 */
	void (*failed)(void *ctx, uint64_t cookie, enum sy_err err);
	/* There is room again, after a write that took less than it was given or after room() was 0. */
	void (*writable)(void *ctx, uint64_t cookie);
	/* The time set by wake_at has come. Everything that was due before it on the same clock has been delivered. */
	void (*wake)(void *ctx);
	/* Answers resolve: n >= 1 addresses (ip only, port 0, no id) and SY_OK, or none and SY_DNS. At most SY_LIMIT_RESOLVED. */
	void (*resolved)(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err);
};

enum tp_close {
	TP_CLOSE_ABORT, /* reset; what was written and not sent yet may be lost */
	TP_CLOSE_FLUSH, /* what was written is still delivered, then the stream ends; what the peer still sends is thrown away */
};

struct tp_transport; /* each implementation's struct begins with one */

struct tp_ops {
	const char *name;
	/* Monotonic nanoseconds; never steps back. */
	uint64_t (*now_ns)(struct tp_transport *tp);
	/* Unix nanoseconds. It may step. */
	uint64_t (*wall_ns)(struct tp_transport *tp);
	/* Who gets the events; before anything else. The table is copied, its ctx is borrowed until fini or the next attach. */
	void (*attach)(struct tp_transport *tp, const struct tp_events *events);
	/*
	 * Listens at ip:port (port 0: any; the IPv6 wildcard takes IPv4 too); *bound receives the real one. One listener a
	 * transport. SY_IN_USE, SY_UNREACHABLE (not ours), SY_LIMIT, SY_NO_MEMORY, SY_INVALID (listens already, elsewhere), SY_IO:
	 * nothing has changed.
	 */
	enum sy_err (*listen)(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound);
	/* How many more connections may be accepted (replaces the number before); further ones wait in the backlog. Starts at 0. */
	void (*accept_window)(struct tp_transport *tp, uint32_t n);
	/*
	 * Connects; dialled or dial_failed follows with the cookie. timeout_ns 0: the transport's own patience. An error here
	 * (SY_LIMIT, SY_NO_MEMORY, SY_UNREACHABLE, SY_IO) means that no event follows and the cookie is free. SY_LIMIT_DIALS
	 * may be under way at least.
	 */
	enum sy_err (*dial)(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns);
	/* Gives up a dial under way: neither event follows. Nothing happens when there is none with this cookie. */
	void (*dial_cancel)(struct tp_transport *tp, uint64_t cookie);
	/* TCP_NOTSENT_LOWAT and its kin for this socket, bytes; 0: the kernel's default. */
	void (*unsent_lowat)(struct tp_transport *tp, tp_sock sock, uint32_t bytes);
	/* About how many bytes a write would take now; 0 means a writable event will come (unless the socket has failed). */
	size_t (*room)(struct tp_transport *tp, tp_sock sock);
	/* Takes up to n bytes (copies them) and returns how many; fewer than n: a writable event will come. 0 on a socket that has failed. */
	size_t (*write)(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n);
	/* How many bytes may be delivered from now on (replaces the window before; delivered bytes count against it). Starts at 0. */
	void (*read_window)(struct tp_transport *tp, tp_sock sock, size_t n);
	/* Ends the socket: its name and cookie are free. Due for every socket, also one that has failed. */
	void (*close)(struct tp_transport *tp, tp_sock sock, enum tp_close how);
	/* wake follows at or after this time, once; replaces the one before. A time gone by: as soon as the loop runs. UINT64_MAX: never. */
	void (*wake_at)(struct tp_transport *tp, uint64_t at_ns);
	/*
	 * Looks a name up (A and AAAA); resolved follows with the token. SY_LIMIT (too many under way), SY_INVALID or SY_LIMIT
	 * (longer than a name can be), SY_NO_MEMORY: no event follows. Nobody asks for an address in text.
	 */
	enum sy_err (*resolve)(struct tp_transport *tp, uint64_t token, const char *host);
	/* Stops listening, gives up dials and look-ups, closes everything abruptly, gives all back. `tp` is not to be used any more. */
	void (*fini)(struct tp_transport *tp);
};

struct tp_transport {
	const struct tp_ops *ops;
};

#endif
