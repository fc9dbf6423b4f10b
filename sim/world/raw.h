/*
 * Raw connections of a host behind which no node runs (a stranger): bytes in, bytes out, no protocol. Such a host is made by
 * world_node_add like others, is never started, and is named in faults like others.
 *
 *   dialling --opened--> open --ended--> (gone)
 *       |                  ^
 *       +---ended-->       accepted
 */
#ifndef SIM_WORLD_RAW_H
#define SIM_WORLD_RAW_H

#include "sim/world/world.h"

#define WORLD_RAW_MAX 60000u           /* connections of one host at a time: it has 65,534 ports at most */
#define WORLD_RAW_QUEUE (1024u * 1024) /* bytes that wait for the socket */

struct world_raw; /* one connection, until it has ended */

/* What the owner hears, from the world's loop; it may call back. */
struct world_raw_events {
	void *ctx;
	void (*opened)(void *user);
	void (*bytes)(void *user, struct sy_span bytes);
	/* It is over, and raw is not to be used any more: SY_OK: the other side has closed it; else why. Not called after close. */
	void (*ended)(void *user, enum sy_err why);
	/* Returns the user of an accepted connection; null refuses it. Here alone it does not call back: the connection is not there yet. */
	void *(*accepted)(void *ctx, struct world_raw *raw, const struct sy_netaddr *remote);
};

/*
 * Makes the node a stranger, once; before it was started. With `listens` it accepts what comes to its address from now on.
 * events is copied. SY_NO_MEMORY, or an error of the transport's listen.
 */
SY_MUST enum sy_err world_raw_init(struct world_node *n, const struct world_raw_events *events, bool listens);
/* Begins a connection; opened or ended follows. A reader that does not read lets the other's window close. SY_LIMIT, SY_NO_MEMORY, SY_UNREACHABLE, SY_IO. */
SY_MUST enum sy_err world_raw_dial(struct world_node *n, const struct sy_netaddr *to, bool reads, void *user, struct world_raw **out);
/* Queues the bytes, all or none (they are copied); they leave once the connection is open. SY_QUEUE_FULL, SY_NO_MEMORY. */
SY_MUST enum sy_err world_raw_send(struct world_raw *raw, struct sy_span bytes);
/* Ends it; raw is not to be used any more. Aborted: a reset; else what was queued is still sent. */
void world_raw_close(struct world_raw *raw, bool abort);
/* How many there are, dialling ones included. */
uint32_t world_raw_count(const struct world_node *n);
/* In the order of their making; null past the last. The user is null once the owner has closed it and its queue is still being sent. */
struct world_raw *world_raw_first(const struct world_node *n);
struct world_raw *world_raw_next(const struct world_raw *raw);
void *world_raw_user(const struct world_raw *raw);

#endif
