/*
 * The insides of the driver. driver.c: life, the owner's inputs, the transport's events; table.c: connections by slot;
 * pump.c: outputs; write.c: bytes out; read.c: bytes in; farewell.c: sockets that outlive their connection.
 */
#ifndef TP_DRIVER_PRIVATE_H
#define TP_DRIVER_PRIVATE_H

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "transport/driver/driver.h"

#define DRIVER_CHUNK_SMALL (15u * SY_FRAME_SEALED) /* about 16 KiB: what one connection may write before the next has its turn */
#define DRIVER_CHUNK_LARGE SY_FILL_MAX
#define DRIVER_BYTES_KEPT 2u             /* blocks that the pool keeps for the next short write */
#define DRIVER_FAREWELL_NS 5000000000ull /* how long a closed connection's last bytes may take */
#define DRIVER_FAREWELLS 256u
#define DRIVER_SAVE_AGAIN_NS 120000000000ull /* upstream's period of saving, protocol.md 6.1 */

/* Sealed frames that the socket did not take. From the pool when small. */
struct driver_bytes {
	uint32_t cap, at, len; /* bytes[at .. at + len) are due */
	uint8_t bytes[];
};

enum driver_conn_flag {
	DRIVER_USED = 1,
	DRIVER_OPEN = 2,    /* has a socket; else it is being dialled */
	DRIVER_BLOCKED = 4, /* the node was told that there is no room */
};

/* A connection as the driver knows it. Budget: at most 48 bytes an idle connection, growth of the table included. */
struct driver_conn {
	tp_sock sock;
	uint32_t gen;              /* of the node's reference; its slot is the index */
	struct driver_bytes *rest; /* null when all was written */
	uint32_t window;           /* what the transport may still deliver */
	uint16_t frame_part;       /* bytes received of a frame that is not complete, to count frames by */
	uint8_t flags;
};
_Static_assert(sizeof(struct driver_conn) <= 24, "budget of an idle connection");

struct driver_farewell {
	struct driver_farewell *next;
	struct driver_bytes *rest;
	uint64_t cookie, deadline_ns;
	tp_sock sock;
};

struct tp_driver {
	const struct sy_env *env;
	struct sy_node *node;
	struct tp_transport *tp;
	const struct tp_store *store;
	struct tp_driver_hooks hooks;
	struct sy_netaddr listen;
	bool no_listen;
	bool in_node; /* inside sy_node_input: a reactor must not come back in through the driver */
	bool pumping; /* hooks that put something in need not pump, it is being done */
	uint32_t unsent_lowat;
	uint64_t now_ns;  /* of the event under way */
	uint64_t wake_ns; /* what the transport was asked for */
	uint64_t save_ns; /* when a book that could not be saved is tried again; UINT64_MAX: all is saved */
	struct driver_conn *conns;
	uint32_t num_conns; /* length of the table */
	struct sy_pool bytes_pool;
	struct driver_farewell *farewells, **farewells_tail; /* in the order of their deadlines */
	uint32_t num_farewells;
	uint64_t farewells_refused; /* closed abruptly, as there was no place to keep their last bytes */
	size_t waiting_bytes;       /* memory of driver_bytes outside the pool */
};

/* A cookie is the node's reference: generation in the high half, slot in the low half. */
static inline uint64_t tp_drive_cookie(struct sy_ref ref)
{
	return ((uint64_t)ref.gen << 32) | ref.slot;
}
static inline struct sy_ref tp_drive_ref(uint64_t cookie)
{
	return (struct sy_ref){.slot = (uint32_t)cookie, .gen = (uint32_t)(cookie >> 32)};
}

/* driver.c: gives the socket up and tells the node. c is void after it. */
void tp_drive_lose(struct tp_driver *d, struct driver_conn *c, struct sy_ref ref, enum sy_err err);
static inline void tp_drive_now(struct tp_driver *d)
{
	d->now_ns = d->tp->ops->now_ns(d->tp);
}

/* Stamps the input and hands it in. The node calls only reactors, so the table stays as it is meanwhile. */
static inline struct sy_answer tp_drive_input(struct tp_driver *d, struct sy_input *in)
{
	in->now_ns = d->now_ns;
	d->in_node = true;
	struct sy_answer answer = sy_node_input(d->node, in);
	d->in_node = false;
	return answer;
}

/* table.c */
/* Null: not here (any more). */
static inline struct driver_conn *tp_drive_find(const struct tp_driver *d, struct sy_ref ref)
{
	if (ref.slot >= d->num_conns)
		return NULL;
	struct driver_conn *c = &d->conns[ref.slot];
	return (c->flags & DRIVER_USED) && c->gen == ref.gen ? c : NULL;
}
/* Null: out of memory. Pointers into the table are void after it. */
struct driver_conn *tp_drive_add(struct tp_driver *d, struct sy_ref ref);
/* Gives the connection's waiting bytes back; closes nothing. */
void tp_drive_remove(struct tp_driver *d, struct driver_conn *c);
/* A copy of the bytes. Null: out of memory. */
struct driver_bytes *tp_drive_bytes_new(struct tp_driver *d, const uint8_t *bytes, size_t n);
void tp_drive_bytes_free(struct tp_driver *d, struct driver_bytes *b); /* null is harmless */

/* pump.c */
/* Saves the book; when that fails, save_ns says when to try again. */
void tp_drive_save_book(struct tp_driver *d);
/* Carries out everything that the node has put out. Inside itself it does nothing: the one under way goes on. */
void tp_drive_pump(struct tp_driver *d);

/* write.c */
/* The node has bytes for this connection. */
void tp_drive_write(struct tp_driver *d, struct sy_ref ref);
/* The transport has room again. */
void tp_drive_writable(struct tp_driver *d, uint64_t cookie);
/* Writes what waits; true when nothing does any more. */
bool tp_drive_push(struct tp_driver *d, tp_sock sock, struct driver_bytes **rest);

/* read.c */
void tp_drive_read(struct tp_driver *d, struct sy_ref ref, struct sy_span bytes);
/* The node's window may have changed: the transport hears of it. */
void tp_drive_window(struct tp_driver *d, struct sy_ref ref);

/* farewell.c */
/* Takes the connection's rest over; the socket is closed once it is written, or reset: too late, or no place for it. */
void tp_drive_farewell(struct tp_driver *d, struct driver_conn *c, uint64_t cookie);
/* Null: none with this cookie. */
struct driver_farewell *tp_drive_farewell_find(const struct tp_driver *d, uint64_t cookie);
void tp_drive_farewell_writable(struct tp_driver *d, struct driver_farewell *f);
void tp_drive_farewell_end(struct tp_driver *d, struct driver_farewell *f, enum tp_close how);
/* Ends those that are late. */
void tp_drive_farewells_expire(struct tp_driver *d);

#endif
