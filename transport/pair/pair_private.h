/* The insides of the in-memory network: what pair.c (time, order, endpoints) and pair_sock.c (connections) share. */
#ifndef TP_PAIR_PRIVATE_H
#define TP_PAIR_PRIVATE_H

#include "core/base/limits.h"
#include "transport/pair/pair.h"

/* What can be due. An item is in the network's queue at most once and is worked off one event at a time. */
enum pair_kind { PAIR_SOCK, PAIR_ACCEPT, PAIR_WAKE, PAIR_DIAL, PAIR_LOOKUP };

struct pair_item {
	struct pair_item *prev, *next;
	enum pair_kind kind;
	bool queued;
};

/* Bytes under way in one direction. The buffer exists only while there are any. */
struct pair_bytes {
	uint8_t *buf;
	size_t cap, at, len;
};

struct pair_end;

struct pair_sock {
	struct pair_item item; /* first: items are cast back */
	struct pair_end *end;
	struct pair_sock *other; /* null once the other side has closed */
	struct pair_sock *next;  /* of the endpoint's sockets, or of its backlog */
	struct sy_netaddr remote;
	uint64_t cookie; /* 0 while it waits in the backlog */
	struct pair_bytes in;
	size_t window;
	tp_sock name;
	bool want_room;     /* a writable event is owed */
	bool eof, eof_told; /* the other side has closed its direction; the driver knows */
	enum sy_err err;    /* why it failed; SY_OK: it has not */
	bool err_told;
};

struct pair_dial {
	struct pair_item item;
	struct pair_dial *next;
	struct pair_end *end;
	uint64_t cookie;
	struct sy_netaddr to;
	uint64_t deadline_ns;
	uint64_t order; /* of creation, for equal deadlines */
	bool tried;     /* nobody has answered: it waits for its deadline */
};

struct pair_lookup {
	struct pair_item item;
	struct pair_lookup *next;
	struct pair_end *end;
	uint64_t token;
	char host[SY_HOST_TEXT];
};

struct pair_name {
	struct pair_name *next;
	char host[SY_HOST_TEXT];
	struct sy_netaddr addrs[SY_LIMIT_RESOLVED];
	size_t n;
};

struct pair_end {
	struct tp_transport tp; /* first */
	struct tp_pair_net *net;
	struct pair_end *next; /* in the order of adding */
	struct tp_events events;
	struct sy_netaddr ip;
	bool listening;
	struct sy_netaddr bound;
	uint32_t accept_window;
	uint32_t backlog_len;
	struct pair_sock *backlog, *socks;
	struct pair_dial *dials;
	struct pair_lookup *lookups;
	uint32_t num_lookups;
	uint16_t last_port;
	uint64_t wake_ns;
	struct pair_item accept, wake;
};

struct tp_pair_net {
	uint64_t now_ns;
	uint64_t wall_minus_now_ns;
	struct pair_item ready;    /* the queue's anchor */
	struct pair_item *current; /* whose event is being delivered; null once it is gone */
	struct pair_end *ends, **ends_tail;
	struct pair_name *names;
	struct {
		struct pair_sock *sock;
		uint16_t gen;
	} * socks; /* by the low half of the name, less one */
	uint32_t num_socks, cap_socks;
	size_t buffer, max_write, max_read;
	uint64_t orders;
	uint8_t *scratch; /* TP_PAIR_BUFFER bytes: what an event shows stays whole while its socket is closed */
};

/* pair.c */
void tp_pair_ready(struct tp_pair_net *net, struct pair_item *item);
/* Takes the item out of the queue and out of the event under way, before it is freed. */
void tp_pair_forget(struct tp_pair_net *net, struct pair_item *item);

/* pair_sock.c */
/* Joins a dialler to a listener: the dialler's socket is open, the other waits in the backlog. Null: no memory, or too many. */
struct pair_sock *tp_pair_connect(struct pair_end *from, struct pair_end *to, const struct sy_netaddr *at);
/* Delivers one event of the socket, if one is due. */
void tp_pair_sock_run(struct pair_sock *s);
bool tp_pair_sock_due(const struct pair_sock *s);
/* Hands the oldest of the backlog to the driver. */
void tp_pair_accept_run(struct pair_end *end);
struct pair_sock *tp_pair_sock_find(const struct tp_pair_net *net, const struct pair_end *end, tp_sock name);
void tp_pair_sock_close(struct pair_sock *s, enum tp_close how);
size_t tp_pair_sock_room(struct pair_sock *s);
size_t tp_pair_sock_write(struct pair_sock *s, const uint8_t *bytes, size_t n);
void tp_pair_sock_window(struct pair_sock *s, size_t n);

#endif
