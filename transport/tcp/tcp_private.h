/*
 * The insides of the TCP transport. tcp.c: life, clock, the list of operations; options.c: addresses, errors, socket
 * options; socket.c: open connections; dial.c, listen.c, dns.c: what their names say.
 */
#ifndef TP_TCP_PRIVATE_H
#define TP_TCP_PRIVATE_H

#include <sys/socket.h>

#include "core/base/limits.h"
#include "transport/tcp/tcp.h"

#define TCP_LINGER_NS 5000000000ull          /* how long a flushed socket waits for the peer's end before it is dropped */
#define TCP_LINGERING_MAX 256u               /* flushed sockets kept at a time; the oldest goes first */
#define TCP_ACCEPT_PAUSE_NS 100000000ull     /* without descriptors the kernel's backlog is left alone for this long */
#define TCP_DIAL_PATIENCE_NS 127000000000ull /* when the caller sets no timeout: about what Linux allows six SYNs */
#define TCP_ACCEPT_BATCH 16u                 /* accepts an event, so that a flood of connections leaves the others their turn */
#define TCP_BACKLOG 128
#define TCP_LOOKUPS 64u /* look-ups under way; libuv works on four at a time */

/*
 *   DIALLING ──connected──> OPEN ──error──> FAILING ──told──> FAILED
 *       │                    │  └──flush──> LINGERING            │
 *       └──failed, cancelled─┴──close, abort──> (gone) <─────────┴── close
 */
enum tcp_state {
	TCP_DIALLING, /* connect is under way */
	TCP_OPEN,
	TCP_FAILING,   /* an operation found the connection broken; the event is due */
	TCP_FAILED,    /* the driver knows; it has yet to close */
	TCP_LINGERING, /* closed by the driver; waits for the peer to take what was written */
};

struct tcp_socket;
struct tcp_list {
	struct tcp_socket *head, *tail;
	uint32_t count;
};

struct tcp_socket {
	uv_poll_t poll; /* first: the handle is cast back */
	struct tp_tcp *tcp;
	struct tcp_socket *prev, *next; /* in the list of its state */
	struct tcp_list *list;
	uint64_t cookie;
	uint64_t deadline_ns; /* DIALLING, LINGERING */
	size_t window;
	tp_sock name; /* 0 without a name: DIALLING, LINGERING */
	uint32_t lowat;
	int fd;
	enum sy_err err;
	uint8_t state;    /* enum tcp_state */
	uint8_t armed;    /* uv_poll events asked for */
	bool want_room;   /* a writable event is owed */
	bool eof;         /* the peer's end was read */
	bool hangup_seen; /* the poll has told of a hang-up while nothing was wanted */
	bool busy;        /* inside an event of this socket: arming waits until it is over */
	bool gone;        /* the handle is being closed */
};

struct tcp_lookup;

struct tcp_slot {
	struct tcp_socket *socket;
	uint32_t next_free; /* index + 1 */
	uint16_t gen;
};

struct tp_tcp {
	struct tp_transport tp; /* first */
	uv_loop_t *loop;
	struct tp_events events;
	bool finished;
	uint32_t handles; /* in the loop; the memory goes with the last */

	uv_timer_t wake;
	uint64_t wake_ns;
	uv_timer_t chores;  /* dial timeouts, lingering, the accept pause, failures to tell of */
	uint64_t chores_ns; /* what it is set to */

	struct tcp_list dialling, open, failing, lingering;
	struct tcp_slot *slots;
	uint32_t num_slots, cap_slots, free_slot, free_slot_tail;

	struct tcp_listener *listener; /* null: does not listen */
	uint32_t accept_window;

	struct tcp_lookup *lookups;
	uint32_t num_lookups;

	bool has_bind_ip;
	uint8_t bind_ip[16];
	uint8_t *read_buffer, *own_read_buffer;
};

struct tcp_listener {
	uv_poll_t poll; /* first */
	struct tp_tcp *tcp;
	int fd;
	bool armed;
	struct sockaddr_storage at;
	uint64_t paused_until_ns; /* 0: not paused */
};

/* tcp.c */
void tp_tcp_handle_opened(struct tp_tcp *tcp);
void tp_tcp_handle_closed(struct tp_tcp *tcp);
/* Sees to it that the chores run at this time or before. */
void tp_tcp_chores_at(struct tp_tcp *tcp, uint64_t at_ns);

/* options.c */
socklen_t tp_tcp_to_sockaddr(struct sockaddr_storage *ss, const uint8_t ip[16], uint16_t port);
void tp_tcp_from_sockaddr(struct sy_netaddr *addr, const struct sockaddr *sa);
/* errno to an error: a broken connection (SY_PEER_RESET, ...) or a failed dial (SY_DIAL_REFUSED, ...). */
enum sy_err tp_tcp_conn_err(int error);
enum sy_err tp_tcp_dial_err(int error);
enum sy_err tp_tcp_listen_err(int error);
bool tp_tcp_out_of_descriptors(int error);
void tp_tcp_set_options(int fd);
void tp_tcp_set_unsent_lowat(int fd, uint32_t bytes);
void tp_tcp_set_reset_on_close(int fd);

/* socket.c */
void tp_tcp_list_move(struct tcp_list *to, struct tcp_socket *s); /* to == null: out of all lists */
/* Takes fd over, also on failure. Null: no memory. The socket is in no list and not armed. */
struct tcp_socket *tp_tcp_socket_new(struct tp_tcp *tcp, int fd, enum tcp_state state);
/* Gives it a name and makes it OPEN. False: no memory, or too many. */
bool tp_tcp_socket_open(struct tcp_socket *s);
struct tcp_socket *tp_tcp_socket_find(const struct tp_tcp *tcp, tp_sock name);
/* Asks the loop for the events that the socket's state wants. */
void tp_tcp_socket_arm(struct tcp_socket *s);
/* Closes the descriptor and the handle; no event any more. */
void tp_tcp_socket_destroy(struct tcp_socket *s);
/* Tells of failures found inside operations, drops those that lingered too long. Returns when to come back. */
uint64_t tp_tcp_sockets_chores(struct tp_tcp *tcp, uint64_t now_ns);
void tp_tcp_op_unsent_lowat(struct tp_transport *tp, tp_sock sock, uint32_t bytes);
size_t tp_tcp_op_room(struct tp_transport *tp, tp_sock sock);
size_t tp_tcp_op_write(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n);
void tp_tcp_op_read_window(struct tp_transport *tp, tp_sock sock, size_t n);
void tp_tcp_op_close(struct tp_transport *tp, tp_sock sock, enum tp_close how);

/* dial.c */
SY_MUST enum sy_err tp_tcp_op_dial(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns);
void tp_tcp_op_dial_cancel(struct tp_transport *tp, uint64_t cookie);
/* The poll of a dialling socket has something to say. */
void tp_tcp_dial_ready(struct tcp_socket *s);
uint64_t tp_tcp_dials_chores(struct tp_tcp *tcp, uint64_t now_ns);

/* listen.c */
SY_MUST enum sy_err tp_tcp_op_listen(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound);
void tp_tcp_op_accept_window(struct tp_transport *tp, uint32_t n);
uint64_t tp_tcp_listen_chores(struct tp_tcp *tcp, uint64_t now_ns);
void tp_tcp_listen_end(struct tp_tcp *tcp);

/* dns.c */
SY_MUST enum sy_err tp_tcp_op_resolve(struct tp_transport *tp, uint64_t token, const char *host);
void tp_tcp_lookups_end(struct tp_tcp *tcp);

#endif
