/*
 * Switchyard: CometBFT's peer-to-peer protocol as one object without input or output of its own.
 *
 * This is the whole public interface, to be read from top to bottom:
 *   1. errors          2. bytes, ids, addresses     3. the environment a node lives in
 *   4. channels        5. reactors and their context 6. configuration
 *   7. the node: inputs, outputs, the deadline       8. sending      9. looking at peers and the book
 *
 * A node never opens a socket, reads a clock, draws entropy or starts a thread. Whoever owns it (see
 * transport/driver) puts inputs in, asks for outputs until there are none, fills write buffers for the
 * connections that are ready, and comes back at the deadline.
 *
 * Rules that hold everywhere: times are monotonic nanoseconds in uint64_t, passed in; pointers are
 * borrowed for the call unless the comment says "takes"; one thread at a time may be inside a node;
 * nothing in here calls out, with one exception: the switch calls a reactor.
 */
#ifndef SWITCHYARD_H
#define SWITCHYARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SY_VERSION "0.1.0"
#define SY_MUST __attribute__((warn_unused_result))

/* ---------------------------------------------------------------------------------------------
 * 1. Errors: zero is success; negative values come in four bands.
 * ------------------------------------------------------------------------------------------- */

#define SY_ERR_LIST(X)                                                               \
	/* try again: nothing is wrong, nothing was done */                              \
	X(AGAIN, -1, "not now; try again later")                                         \
	X(QUEUE_FULL, -2, "the channel's send queue is full")                            \
	X(TIMEOUT, -3, "the time allowed ran out")                                       \
	X(TOO_EARLY, -4, "the address was tried a short while ago")                      \
	X(DNS, -5, "the host name could not be resolved")                                \
	X(DIAL_TIMEOUT, -6, "nobody answered the dial in time")                          \
	X(DIAL_REFUSED, -7, "the connection was refused")                                \
	X(UNREACHABLE, -8, "the network or host cannot be reached")                      \
	/* the peer's fault: the connection goes, the code is the reason */              \
	X(PEER_CLOSED, -100, "closed by the other side")                                 \
	X(PEER_RESET, -101, "connection reset")                                          \
	X(PEER_HANDSHAKE_TIMEOUT, -102, "the handshake was not finished in time")        \
	X(PEER_BAD_EPHEMERAL, -103, "malformed ephemeral key message")                   \
	X(PEER_LOW_ORDER, -104, "ephemeral key of low order")                            \
	X(PEER_BAD_FRAME, -105, "failed to decrypt a frame")                             \
	X(PEER_FRAME_LENGTH, -106, "frame announces more than 1024 bytes")               \
	X(PEER_BAD_AUTH, -107, "malformed authentication message")                       \
	X(PEER_KEY_TYPE, -108, "key type is not ed25519")                                \
	X(PEER_BAD_SIGNATURE, -109, "challenge signature does not verify")               \
	X(PEER_WRONG_ID, -110, "the key's id is not the id that was dialled")            \
	X(PEER_BAD_NODE_INFO, -111, "malformed or invalid node info")                    \
	X(PEER_NODE_INFO_ID, -112, "node info names another id than the key's")          \
	X(PEER_SELF, -113, "this is ourselves")                                          \
	X(PEER_BLOCK_VERSION, -114, "another block protocol version")                    \
	X(PEER_NETWORK, -115, "another network (chain id)")                              \
	X(PEER_NO_COMMON_CHANNEL, -116, "no channel in common")                          \
	X(PEER_BAD_PACKET, -117, "malformed packet")                                     \
	X(PEER_PACKET_TOO_LONG, -118, "packet exceeds the maximum size")                 \
	X(PEER_UNKNOWN_PACKET, -119, "unknown packet type")                              \
	X(PEER_UNKNOWN_CHANNEL, -120, "packet on an unknown channel")                    \
	X(PEER_MESSAGE_TOO_LONG, -121, "message exceeds the channel's receive capacity") \
	X(PEER_PONG_TIMEOUT, -122, "no pong in time")                                    \
	X(PEER_BAD_MESSAGE, -123, "message does not parse as the channel's type")        \
	X(PEER_PEX_FLOOD, -124, "asks for addresses too often")                          \
	X(PEER_PEX_UNSOLICITED, -125, "sends addresses unasked")                         \
	X(PEER_PEX_BAD_ADDR, -126, "sends an unparsable address")                        \
	X(PEER_INBOX_FULL, -127, "sends faster than the reactor works")                  \
	X(PEER_REACTOR, -128, "refused by a reactor")                                    \
	/* refused locally: by configuration, state or argument */                       \
	X(DUPLICATE_ID, -200, "already connected to this id")                            \
	X(DUPLICATE_IP, -201, "already connected to this IP")                            \
	X(DUPLICATE_CONN, -202, "connection from this address and port exists already")  \
	X(FILTERED, -203, "refused by a filter")                                         \
	X(FILTER_TIMEOUT, -204, "a filter did not answer in time")                       \
	X(INBOUND_FULL, -205, "inbound limit reached")                                   \
	X(BANNED, -206, "the id is banned")                                              \
	X(DIALLING_OR_CONNECTED, -207, "currently dialling, or connected already")       \
	X(NOT_RUNNING, -208, "not running")                                              \
	X(NO_PEER, -209, "no such peer (any more)")                                      \
	X(NO_CHANNEL, -210, "no such channel here or at the peer")                       \
	X(MAX_ATTEMPTS, -211, "given up after too many dial attempts")                   \
	X(ADDR_INVALID, -212, "address is not valid")                                    \
	X(ADDR_NO_ID, -213, "address has no id")                                         \
	X(ADDR_PRIVATE, -214, "address is private")                                      \
	X(ADDR_PRIVATE_SRC, -215, "address comes from a private peer")                   \
	X(ADDR_OWN, -216, "address is our own")                                          \
	X(ADDR_UNROUTABLE, -217, "address is not routable")                              \
	X(ADDR_NEEDS_DNS, -218, "the host is a name, not an IP address")                 \
	X(ADDR_KNOWN, -219, "address is known already")                                  \
	X(MESSAGE_SIZE, -220, "message is empty or too large")                           \
	X(INVALID, -221, "invalid argument or configuration")                            \
	X(LIMIT, -222, "a limit of this program was reached")                            \
	X(NOT_FOUND, -223, "not found")                                                  \
	X(PARSE, -224, "does not parse")                                                 \
	X(STOPPED, -225, "stopped by the local side")                                    \
	X(SEED_DONE, -226, "seed has answered and hangs up")                             \
	X(NO_SEEDS, -227, "no seed could be resolved and the address book is empty")     \
	X(IN_USE, -228, "address is in use")                                             \
	X(IP_FULL, -229, "too many connections from this IP")                            \
	X(NET_FULL, -230, "too many connections from this network")                      \
	X(RATE_LIMITED, -231, "connects too often")                                      \
	X(BLOCKED, -232, "blocked by a list")                                            \
	/* fatal for the object that returned it */                                      \
	X(NO_MEMORY, -300, "out of memory")                                              \
	X(NONCE_EXHAUSTED, -301, "the connection's nonces are used up")                  \
	X(CORRUPT, -302, "stored data is corrupt")                                       \
	X(IO, -303, "input or output failed")                                            \
	X(INTERNAL, -304, "internal error")

enum sy_err {
	SY_OK = 0,
#define SY_ERR_ENUM(name, value, text) SY_##name = (value),
	SY_ERR_LIST(SY_ERR_ENUM)
#undef SY_ERR_ENUM
};

/* The constant's name without SY_ in lower case ("peer_wrong_id"), for logs and metrics; never null. */
const char *sy_err_name(enum sy_err err);
/* One phrase for people; never null. */
const char *sy_err_text(enum sy_err err);
/* The bands, in the order of the list above. True when nothing is wrong and it may be tried again. */
static inline bool sy_err_is_transient(enum sy_err err)
{
	return err < 0 && err > -100;
}
/* True for the band in which the other side is to blame. */
static inline bool sy_err_is_peer_fault(enum sy_err err)
{
	return err <= -100 && err > -200;
}
/* True for the band of what ends the object that returned it. */
static inline bool sy_err_is_fatal(enum sy_err err)
{
	return err <= -300;
}
/*
 * Of the peer's faults, those that a node finds in who the other one is (key, id, node info), not in what it sends: it
 * is no peer for us, but it may learn why from what we have written.
 */
static inline bool sy_err_is_refusal(enum sy_err err)
{
	return err == SY_PEER_WRONG_ID || err == SY_PEER_BAD_NODE_INFO || err == SY_PEER_NODE_INFO_ID || err == SY_PEER_SELF ||
	       err == SY_PEER_BLOCK_VERSION || err == SY_PEER_NETWORK || err == SY_PEER_NO_COMMON_CHANNEL;
}

/* ---------------------------------------------------------------------------------------------
 * 2. Bytes, ids, addresses
 * ------------------------------------------------------------------------------------------- */

struct sy_span {
	const uint8_t *ptr;
	size_t len;
};
static inline struct sy_span sy_span_of(const void *bytes, size_t n)
{
	struct sy_span span = {(const uint8_t *)bytes, n};
	return span;
}
/* The text without its NUL. */
static inline struct sy_span sy_text(const char *text)
{
	return sy_span_of(text, strlen(text));
}

#define SY_ID_BYTES 20
#define SY_ID_TEXT 41    /* 40 hex digits and the NUL */
#define SY_ADDR_TEXT 96  /* "id@[ipv6]:port" and the NUL */
#define SY_HOST_TEXT 254 /* a DNS name of 253 bytes and the NUL */

/* A node id: the first 20 bytes of SHA-256(ed25519 public key). Source: protocol.md 1.2. */
struct sy_id {
	uint8_t b[SY_ID_BYTES];
};

enum sy_addr_flag {
	SY_ADDR_HAS_ID = 1,   /* the id is set and valid */
	SY_ADDR_BAD_CASE = 2, /* the text had upper-case digits: upstream never matches it (protocol.md 1.2) */
};

/* id@ip:port. IPv4 is kept as ::ffff:a.b.c.d. All bytes are defined, so records may be compared by memcmp. */
struct sy_netaddr {
	struct sy_id id;
	uint8_t ip[16];
	uint16_t port;
	uint8_t flags; /* enum sy_addr_flag */
	uint8_t zero;
};

/* Refers to an object of a node by slot and generation; {0, 0} refers to nothing. A stale one is answered by SY_NO_PEER. */
struct sy_ref {
	uint32_t slot;
	uint32_t gen;
};
static inline bool sy_ref_is_null(struct sy_ref r)
{
	return r.gen == 0;
}
static inline bool sy_ref_equal(struct sy_ref a, struct sy_ref b)
{
	return a.slot == b.slot && a.gen == b.gen;
}

void sy_id_from_pubkey(struct sy_id *id, const uint8_t pubkey[32]);
void sy_id_format(const struct sy_id *id, char text[SY_ID_TEXT]);
/* Parses exactly 40 hex digits. Returns SY_ADDR_INVALID otherwise. *bad_case (may be null) tells of upper-case digits. */
SY_MUST enum sy_err sy_id_parse(const char *text, size_t len, struct sy_id *id, bool *bad_case);

/* "id@ip:port" (or "ip:port" without an id), IPv6 in brackets, RFC 5952. Returns the length. */
size_t sy_netaddr_format(const struct sy_netaddr *addr, char text[SY_ADDR_TEXT]);
/* The same without the id. */
size_t sy_netaddr_format_dial(const struct sy_netaddr *addr, char text[SY_ADDR_TEXT]);
/*
 * Parses "[scheme://]id@host:port" in the order of protocol.md 1.3. When the host is a name, fills id, port and
 * flags of *addr, copies the name to host (if not null) and returns SY_ADDR_NEEDS_DNS.
 * Returns SY_OK, SY_ADDR_NEEDS_DNS, SY_ADDR_NO_ID, SY_ADDR_INVALID.
 */
SY_MUST enum sy_err sy_netaddr_parse(const char *text, struct sy_netaddr *addr, char host[SY_HOST_TEXT]);
bool sy_netaddr_valid(const struct sy_netaddr *addr);    /* protocol.md 1.4 */
bool sy_netaddr_local(const struct sy_netaddr *addr);    /* protocol.md 1.4 */
bool sy_netaddr_routable(const struct sy_netaddr *addr); /* protocol.md 1.4 */

/* ---------------------------------------------------------------------------------------------
 * 3. The environment: what a node needs from outside while it works
 * ------------------------------------------------------------------------------------------- */

/* What a random draw is for. Streams are keyed by (purpose, entity, counter), so one more draw moves no other. */
enum sy_purpose {
	SY_RAND_EPHEMERAL = 1, /* entity: the connection */
	SY_RAND_BOOK_KEY,      /* entity: the node */
	SY_RAND_BOOK,          /* entity: the node; picking, selections, repeat-adds */
	SY_RAND_PEX,           /* entity: the node; tick phases, peers to ask */
	SY_RAND_DIAL_JITTER,   /* entity: the address dialled */
	SY_RAND_RECONNECT,     /* entity: the address dialled */
	SY_RAND_SEEDS,         /* entity: the node; permutations of seeds and persistent peers */
	SY_RAND_REACTOR = 9,   /* entity: reactor by name. Numbers are kept for ever: an old seed gives the same run */
	SY_RAND_SWAP,          /* entity: the dial that succeeded; which peer makes room */
};

struct sy_crypto; /* core/secret/suite.h: the real suite, or the simulator's null suite */
struct sy_addrs;  /* core/book/intern.h: the table of addresses, shared by the nodes of a process */

struct sy_env {
	void *ctx;
	/* Fills buf with n random bytes: fresh entropy in a real node, a pure function of seed and arguments in the simulator. */
	void (*rand)(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n);
	/* Like realloc with sizes: old == null allocates, new_size == 0 frees. Returns null when it cannot. */
	void *(*alloc)(void *ctx, void *old, size_t old_size, size_t new_size);
	const struct sy_crypto *crypto;
	struct sy_addrs *addrs;
};

/* ---------------------------------------------------------------------------------------------
 * 4. Channels
 * ------------------------------------------------------------------------------------------- */

struct ProtobufCMessageDescriptor; /* protobuf-c; only reactors that declare message types include its header */
struct ProtobufCMessage;

enum sy_inbox_policy {
	SY_INBOX_INLINE = 0, /* Receive runs inside the input that completed the message */
	SY_INBOX_STALL,      /* through an inbox; a full one stops reading from that connection */
	SY_INBOX_DROP,       /* through an inbox; a full one drops the newest message, counted and traced */
	SY_INBOX_DISCONNECT, /* through an inbox; a full one ends the connection (SY_PEER_INBOX_FULL) */
};

/* One channel as a reactor declares it. Zero means the default of protocol.md 3.3. Source: protocol.md 0.3, 3.3. */
struct sy_channel {
	uint8_t id;
	uint32_t priority;              /* >= 1 */
	uint32_t send_queue_capacity;   /* messages; default 1 */
	uint32_t send_queue_bytes;      /* bytes; default: capacity times recv_message_capacity, at most SY_LIMIT_SEND_QUEUE_BYTES */
	uint32_t recv_buffer_capacity;  /* bytes; a hint */
	uint32_t recv_message_capacity; /* bytes; default 22020096 */
	const struct ProtobufCMessageDescriptor *message_type; /* null: raw bytes */
	enum sy_inbox_policy inbox;
	uint32_t inbox_bytes; /* bound of the inbox, all peers together; default 1 MiB */
};

/* ---------------------------------------------------------------------------------------------
 * 5. Reactors
 * ------------------------------------------------------------------------------------------- */

struct sy_node;

/* What a reactor and an embedder see of a peer. Valid during the call that hands it over. */
struct sy_peer {
	struct sy_ref ref;
	struct sy_id id;
	bool outbound;
	bool persistent;
	bool unconditional;
	struct sy_netaddr socket_addr;   /* outbound: as dialled; inbound: id @ remote ip : ephemeral port */
	struct sy_netaddr reported_addr; /* id @ listen_addr of its node info; flags == 0 when it is not an IP literal */
	const char *moniker;
	const char *version;
	uint64_t connected_at_ns;
};

/*
 * The context of a callback. It belongs to the call; it can only look and queue. Everything queued takes effect
 * after the callback has returned.
 */
struct sy_ctx;

/*
 * What a node says of itself. Texts are spans into the bytes they came in (or into the configuration's strings), not
 * NUL-terminated; those of a peer are printable ASCII but for listen_addr and network, which may be anything, up to the
 * size of a node info. Source: protocol.md 2.6.
 */
struct sy_node_info {
	uint64_t p2p_version, block_version, app_version;
	struct sy_span id_text; /* 40 hex digits when honest */
	struct sy_span listen_addr;
	struct sy_span network;
	struct sy_span version;
	struct sy_span channels; /* a byte each */
	struct sy_span moniker;
	struct sy_span tx_index;
	struct sy_span rpc_address;
};

struct sy_message {
	uint8_t channel;
	struct sy_span bytes;                   /* the whole message */
	const struct ProtobufCMessage *decoded; /* when the channel declares a type, else null */
};

/*
 * A reactor: a table of functions and the channels that it owns. Unused functions may be null.
 * Order for one peer: init_peer, receive*, (add_peer, receive*)?, remove_peer. receive may come before add_peer;
 * remove_peer may come without add_peer. Source: protocol.md 4.3.
 */
struct sy_reactor {
	const char *name;
	const struct sy_channel *channels;
	size_t num_channels;
	void *self;
	/* An error ends the node's start with it; SY_AGAIN: it is still being decided, and sy_ctx_started follows. */
	enum sy_err (*start)(void *self, struct sy_ctx *ctx);
	void (*stop)(void *self, struct sy_ctx *ctx);
	/* Somebody wants to connect from this ip and port: an error refuses him before the handshake. All reactors are asked. */
	enum sy_err (*accept)(void *self, struct sy_ctx *ctx, const struct sy_netaddr *from);
	void (*init_peer)(void *self, struct sy_ctx *ctx, const struct sy_peer *peer);
	void (*add_peer)(void *self, struct sy_ctx *ctx, const struct sy_peer *peer);
	void (*remove_peer)(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, enum sy_err reason);
	/* An error stops the peer with it. On a channel with an inbox it is called when the work is done (SY_IN_WORK_DONE). */
	enum sy_err (*receive)(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg);
	/* Looks at the raw bytes before they are decoded; an error stops the peer with it. */
	enum sy_err (*filter)(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg);
	/*
	 * The other end of a connection has shown its node info, valid and under the id that it proved. err: SY_OK when it suits
	 * ours (whether it becomes a peer is decided next), else why it is refused: SY_PEER_NETWORK and the like. addr: as
	 * dialled; of an inbound one its id and where it comes from. Once a connection at most; info ends with the call.
	 */
	void (*node_info)(void *self, struct sy_ctx *ctx, const struct sy_netaddr *addr, const struct sy_node_info *info, enum sy_err err);
	void (*timer)(void *self, struct sy_ctx *ctx, uint64_t token);
	/* Answers sy_ctx_dial: SY_OK once the peer was added, else why not. */
	void (*dial_done)(void *self, struct sy_ctx *ctx, const struct sy_netaddr *addr, enum sy_err err);
	/* Answers sy_ctx_resolve: addrs carry only an ip; none and an error when the name has no address. */
	void (*resolved)(void *self, struct sy_ctx *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err);
	/* Answers sy_ctx_send. */
	void (*send_done)(void *self, struct sy_ctx *ctx, uint64_t token, enum sy_err err);
};

struct sy_counts {
	uint32_t outbound, inbound, dialling; /* without unconditional peers, protocol.md 4.6 */
	uint32_t total;                       /* all peers */
};

uint64_t sy_ctx_now_ns(const struct sy_ctx *ctx);
uint64_t sy_ctx_wall_s(const struct sy_ctx *ctx); /* Unix seconds */
struct sy_counts sy_ctx_counts(const struct sy_ctx *ctx);
/* The n-th peer, 0 <= n < total, in an order that stays while no peer comes or goes. Returns SY_NO_PEER past the end. */
SY_MUST enum sy_err sy_ctx_peer_at(const struct sy_ctx *ctx, uint32_t n, struct sy_peer *peer);
SY_MUST enum sy_err sy_ctx_peer(const struct sy_ctx *ctx, struct sy_ref ref, struct sy_peer *peer);
/* True when the id is being dialled or connected, or (duplicate IPs forbidden) the IP is connected. Source: protocol.md 4.8. */
bool sy_ctx_is_dialling_or_connected(const struct sy_ctx *ctx, const struct sy_netaddr *addr);
bool sy_ctx_is_persistent(const struct sy_ctx *ctx, const struct sy_netaddr *addr);
/* Never waits. Returns SY_OK (queued), SY_QUEUE_FULL, SY_NO_PEER, SY_NO_CHANNEL, SY_MESSAGE_SIZE, SY_NO_MEMORY. */
SY_MUST enum sy_err sy_ctx_try_send(struct sy_ctx *ctx, struct sy_ref peer, uint8_t channel, struct sy_span bytes);
/*
 * Waits up to timeout_ns for room; send_done follows with the token unless an error is returned here: as sy_ctx_try_send;
 * SY_QUEUE_FULL when too many Sends wait already.
 */
SY_MUST enum sy_err sy_ctx_send(struct sy_ctx *ctx, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns,
                                uint64_t token);
/* Queues the message for every peer that has the channel, one copy in all. Returns how many took it; 0 also when out of memory. */
uint32_t sy_ctx_broadcast(struct sy_ctx *ctx, uint8_t channel, struct sy_span bytes);
/* Ends a peer: reason reaches remove_peer, trace and log. A persistent peer is redialled when the reason is a fault. */
void sy_ctx_stop_peer(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason);
/* Ends a peer after all that is queued for it was sent (protocol.md 3.10). */
void sy_ctx_flush_stop_peer(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason);
/*
 * Dials; dial_done of this reactor answers. Without answer: SY_NOT_RUNNING, SY_LIMIT, SY_NO_MEMORY (nobody can be dialled now);
 * SY_DIALLING_OR_CONNECTED, SY_ADDR_NO_ID, SY_BLOCKED (this address).
 */
SY_MUST enum sy_err sy_ctx_dial(struct sy_ctx *ctx, const struct sy_netaddr *addr);
/*
 * As sy_ctx_dial, with full outbound slots, one at a time: when it succeeds, another outbound peer, drawn at random,
 * makes room (gracefully), so that the cap holds. SY_LIMIT when none could, or another dial is under way. Source: D-32.
 */
SY_MUST enum sy_err sy_ctx_swap(struct sy_ctx *ctx, const struct sy_netaddr *addr);
/* Sets (again) the reactor's timer with this token; at_ns == UINT64_MAX clears it. Returns SY_LIMIT past SY_LIMIT_REACTOR_TIMERS. */
SY_MUST enum sy_err sy_ctx_set_timer(struct sy_ctx *ctx, uint64_t token, uint64_t at_ns);
/*
 * Looks a host name up; resolved follows with the token. Returns SY_LIMIT when too many look-ups are under way, SY_INVALID
 * (empty, or longer than a name can be), SY_NO_MEMORY.
 */
SY_MUST enum sy_err sy_ctx_resolve(struct sy_ctx *ctx, const char *host, uint64_t token);
/* Asks the owner to save the address book (SY_OUT_SAVE_BOOK). */
void sy_ctx_save_book(struct sy_ctx *ctx);
/* Ends a start that answered SY_AGAIN: SY_OK, or why the node does not start (SY_NO_SEEDS). Ignored at any other time. */
void sy_ctx_started(struct sy_ctx *ctx, enum sy_err err);
/* n bytes of the reactor's own random stream. */
void sy_ctx_rand(struct sy_ctx *ctx, void *buf, size_t n);

/* ---------------------------------------------------------------------------------------------
 * 6. Configuration
 * ------------------------------------------------------------------------------------------- */

enum sy_profile { SY_PROFILE_DEFAULT = 0, SY_PROFILE_UPSTREAM, SY_PROFILE_UPSTREAM_V038 };
/* "default", "upstream", "upstream-v0.38". Returns SY_NOT_FOUND. */
SY_MUST enum sy_err sy_profile_parse(const char *text, enum sy_profile *profile);
const char *sy_profile_name(enum sy_profile profile);

/*
 * Everything a node is told before it starts. Strings are borrowed until sy_node_new has returned. Keys carry
 * CometBFT's names and units (rates: bytes per second, 0 = unlimited). sy_config_init fills in the profile's
 * defaults (protocol.md 0.4). Lists are arrays of texts.
 */
struct sy_config {
	const char *name; /* stable name of the entity: the node's name in a scenario, its id in a real node */
	enum sy_profile profile;
	uint8_t pubkey[32]; /* of the node key; signing is an output */

	/* node info, protocol.md 2.6 */
	uint64_t p2p_version, block_version, app_version;
	bool block_version_auto; /* the first peer's becomes ours; one that was dialled settles it. Off: as block_version says */
	const char *listen_addr; /* as advertised: "tcp://0.0.0.0:26656" or external_address */
	const char *laddr;       /* where it listens, when it advertises another address; null: as listen_addr. Told to nobody (D-37) */
	const char *network;
	const char *version;
	const char *moniker;
	const char *tx_index;
	const char *rpc_address;
	const uint8_t *extra_channels; /* advertised beside those of the reactors */
	size_t num_extra_channels;

	/* [p2p] */
	const char *const *seeds;
	size_t num_seeds;
	const char *const *persistent_peers;
	size_t num_persistent_peers;
	const char *const *unconditional_peer_ids;
	size_t num_unconditional_peer_ids;
	const char *const *private_peer_ids;
	size_t num_private_peer_ids;
	bool addr_book_strict;
	bool allow_duplicate_ip;
	bool pex;
	bool seed_mode;
	bool allow_list_only; /* only whom SY_IN_LISTS allows, and persistent and unconditional peers. Source: D-36 */
	bool filter_conns;    /* ask SY_OUT_FILTER_CONN for every connection */
	bool filter_peers;    /* ask SY_OUT_FILTER_PEER for every authenticated peer */
	uint32_t max_num_inbound_peers;
	uint32_t max_num_outbound_peers;
	/* Inbound connections of one IP (IPv6: /64) and one network (/24, IPv6: /48); 0: no limit. Source: D-34. */
	uint32_t max_inbound_per_ip, max_inbound_per_net;
	/* Inbound connections of one IP a minute, and of all a second, as many at once; 0: no limit. */
	uint32_t accept_rate_per_ip, accept_rate;
	uint32_t max_packet_msg_payload_size;
	uint64_t send_rate;
	uint64_t recv_rate;
	uint64_t flush_throttle_ns;
	uint64_t persistent_peers_max_dial_period_ns; /* 0: no cap */
	uint64_t handshake_timeout_ns;                /* upstream ignores it (protocol.md 2.3) */
	uint64_t dial_timeout_ns;                     /* upstream ignores it */

	/* what upstream has as constants (protocol.md 0.5) */
	uint64_t ping_interval_ns, pong_timeout_ns;
	uint64_t ensure_peers_period_ns;
	uint64_t seed_disconnect_wait_ns;

	/* what upstream does not have: seed mode of the default profile (D-26, D-33) */
	uint64_t verify_interval_ns; /* what was reached is looked at again after so long; whole seconds, at least one */
	uint64_t crawl_interval_ns;  /* a peer is asked for addresses again after so long */
	uint32_t crawl_dials;        /* addresses looked at at once, 1 to SY_LIMIT_CRAWL_DIALS (64) */

	bool trace_messages; /* emit SY_TRACE_MESSAGE for each message delivered */
};

void sy_config_init(struct sy_config *config, enum sy_profile profile);

/* ---------------------------------------------------------------------------------------------
 * 7. The node
 * ------------------------------------------------------------------------------------------- */

/*
 * Makes a node with its reactors (registered in this order, PEX last when config->pex). The environment and the
 * reactors must outlive it. The PEX reactor and the address book are the node's own.
 * Returns SY_INVALID (a key is wrong; *what, if not null, names it), SY_NO_MEMORY.
 */
SY_MUST enum sy_err sy_node_new(struct sy_node **out, const struct sy_env *env, const struct sy_config *config,
                                const struct sy_reactor *reactors, size_t num_reactors, const char **what);
/* Frees everything; closes nothing (the owner does). Null is harmless. */
void sy_node_free(struct sy_node *node);

enum sy_in_kind {
	SY_IN_START = 1,       /* wall: Unix nanoseconds now. Reactors start, PEX runs, persistent peers are dialled */
	SY_IN_STOP,            /* every peer is stopped, then every reactor; closes come out */
	SY_IN_TIME,            /* the deadline has come (early is harmless) */
	SY_IN_WALL,            /* wall: the wall clock was stepped */
	SY_IN_ACCEPT,          /* addr: remote ip and port. The answer's ref names the connection, or err says why not: close it */
	SY_IN_DIALLED,         /* conn: the dial succeeded; the connection is open */
	SY_IN_DIAL_FAILED,     /* conn, err */
	SY_IN_BYTES,           /* conn, bytes: at most sy_node_read_window() of them */
	SY_IN_EOF,             /* conn: the peer has closed its direction */
	SY_IN_CONN_ERROR,      /* conn, err: the connection is gone */
	SY_IN_SIGNED,          /* conn, bytes: the 64-byte signature asked for by SY_OUT_SIGN; err != 0: the signer failed */
	SY_IN_RESOLVED,        /* token, bytes: 16 bytes an address (IPv4 mapped), may be none; err */
	SY_IN_VERDICT,         /* conn, err: answers SY_OUT_FILTER_CONN or SY_OUT_FILTER_PEER; SY_OK lets it pass */
	SY_IN_BOOK,            /* bytes: a book snapshot (core/book/snapshot.h), before SY_IN_START */
	SY_IN_WORK_DONE,       /* token: a message handed over by SY_OUT_DELIVER was worked off: its reactor's receive is called; err != 0
	                        stops its peer instead */
	SY_IN_TRY_SEND,        /* conn, channel, bytes */
	SY_IN_SEND,            /* conn, channel, bytes, token, timeout_ns: SY_OUT_SEND_DONE follows unless the answer is an error */
	SY_IN_BROADCAST,       /* channel, bytes. The answer's value: how many peers took it; 0 also when out of memory */
	SY_IN_DIAL,            /* addr: dial now (dial_peers); outcome by trace */
	SY_IN_STOP_PEER,       /* conn, err: the reason; gracefully when SY_STOPPED */
	SY_IN_FLUSH_STOP_PEER, /* conn, err */
	SY_IN_MARK_GOOD,       /* conn: the peer was useful; its address becomes an old one in the book (protocol.md 6.6) */
	SY_IN_SAVE_BOOK,       /* ask for SY_OUT_SAVE_BOOK now */
	SY_IN_LISTS,           /* bytes: block and allow lists in place of those before (core/book/lists.h). Peers that they refuse are stopped,
	                        addresses leave the book; the answer's value: how many addresses. SY_PARSE, SY_LIMIT, SY_NO_MEMORY: nothing changed */
	SY_IN_RESERVED_KINDS
};

struct sy_input {
	enum sy_in_kind kind;
	uint64_t now_ns; /* never less than in the input before */
	struct sy_ref conn;
	uint64_t token;
	uint64_t timeout_ns;
	uint64_t wall_ns;
	enum sy_err err;
	uint8_t channel;
	struct sy_netaddr addr;
	struct sy_span bytes;
};

struct sy_answer {
	enum sy_err err;
	struct sy_ref ref;
	uint64_t value;
};

struct sy_answer sy_node_input(struct sy_node *node, const struct sy_input *in);

enum sy_out_kind {
	SY_OUT_NONE = 0,
	SY_OUT_DIAL,        /* conn, addr, timeout_ns: connect; answer with SY_IN_DIALLED or SY_IN_DIAL_FAILED */
	SY_OUT_CLOSE,       /* conn, err: the reason. Close the socket (also one that is still being dialled); the ref is dead from now on.
	                        value: 1 what was written is still delivered, 0 abruptly (the connection or the peer is broken) */
	SY_OUT_SIGN,        /* conn, bytes[32]: sign with the node key; answer with SY_IN_SIGNED */
	SY_OUT_RESOLVE,     /* token, text: a host name; answer with SY_IN_RESOLVED */
	SY_OUT_FILTER_CONN, /* conn, addr; answer with SY_IN_VERDICT */
	SY_OUT_FILTER_PEER, /* conn, addr (with id); answer with SY_IN_VERDICT */
	SY_OUT_SAVE_BOOK,   /* save what sy_node_book_snapshot gives */
	SY_OUT_DELIVER,     /* token, conn, reactor, channel, span: a message of an inbox; answer with SY_IN_WORK_DONE */
	SY_OUT_SEND_DONE,   /* token, err: SY_OK queued, SY_TIMEOUT, SY_NO_PEER */
	SY_OUT_ACCEPT,      /* value: how many more connections may be accepted now; 0 leaves them in the backlog */
	SY_OUT_PEER_UP,     /* conn, addr, outbound in value: a peer was added */
	SY_OUT_PEER_DOWN,   /* conn, addr, err: a peer was removed */
	SY_OUT_STARTED,     /* err: reactors run, or why not (SY_NO_SEEDS) */
	SY_OUT_STOPPED,     /* everything is closed; the node can be freed */
	SY_OUT_RESERVED_KINDS
};

struct sy_output {
	enum sy_out_kind kind;
	struct sy_ref conn;
	uint64_t token;
	uint64_t timeout_ns;
	uint64_t value;
	enum sy_err err;
	uint8_t channel;
	uint8_t reactor; /* index in the order of registration */
	struct sy_netaddr addr;
	uint8_t bytes[32];
	struct sy_span span; /* valid until the next input */
	char text[SY_HOST_TEXT];
};

/* Hands out the next output. Returns false when there is none. Call until then after every input. */
bool sy_node_poll(struct sy_node *node, struct sy_output *out);
/*
 * What there is to fetch, a bit each, so that whoever pumps a node asks once: sy_node_poll, sy_node_readable,
 * sy_node_writable, sy_node_next_trace. A poll may still find that there is nothing.
 */
enum sy_ready { SY_READY_OUTPUT = 1, SY_READY_READ = 2, SY_READY_WRITE = 4, SY_READY_TRACE = 8 };
uint32_t sy_node_ready(const struct sy_node *node);
/* The time at which SY_IN_TIME is due; UINT64_MAX: never. May change with every input, poll and fill. */
uint64_t sy_node_deadline(const struct sy_node *node);

/*
 * Writing. sy_node_writable hands out a connection that has bytes for the wire, {0, 0} when there is none; the
 * caller then either fills a buffer or, when its socket has no room, calls sy_node_blocked: the connection is not
 * handed out again before sy_node_unblocked.
 * sy_node_fill writes whole sealed frames (1,044 bytes each; the first message is 35 plain bytes) into buf, at most
 * cap bytes, and returns how many; 0 when there is nothing to send (any more). These bytes are gone from the node:
 * the caller owns their delivery. cap must be at least SY_FRAME_SEALED.
 */
#define SY_FRAME_SEALED 1044
#define SY_FILL_MAX (64 * SY_FRAME_SEALED)
struct sy_ref sy_node_writable(struct sy_node *node);
size_t sy_node_fill(struct sy_node *node, uint64_t now_ns, struct sy_ref conn, uint8_t *buf, size_t cap);
void sy_node_blocked(struct sy_node *node, struct sy_ref conn);
void sy_node_unblocked(struct sy_node *node, struct sy_ref conn);
/* The kernel's unsent backlog that suits the node's profile (TCP_NOTSENT_LOWAT), bytes; 0: leave the kernel's default. */
uint32_t sy_node_unsent_lowat(const struct sy_node *node);

/*
 * Reading. How many bytes SY_IN_BYTES may bring for this connection now; 0: do not read. sy_node_readable hands out
 * connections whose window has opened again after it was 0, {0, 0} when there is none.
 */
size_t sy_node_read_window(const struct sy_node *node, struct sy_ref conn);
struct sy_ref sy_node_readable(struct sy_node *node);

/* The rolling hash over all inputs, fills and outputs so far: equal runs have equal hashes. */
uint64_t sy_node_trace_hash(const struct sy_node *node);

/* Trace records, for logs and metrics; the queue is bounded, the oldest is dropped and counted. */
enum sy_trace_kind {
	SY_TRACE_CONN_STATE = 1, /* conn: a -> b (enum sy_conn_state), err */
	SY_TRACE_PEER_ADDED,     /* conn, id; a: outbound */
	SY_TRACE_PEER_REMOVED,   /* conn, id, err */
	SY_TRACE_REFUSED,        /* conn, id (if known), err: a connection that became no peer */
	SY_TRACE_DIAL,           /* addr */
	SY_TRACE_DIAL_DONE,      /* addr, err */
	SY_TRACE_RECONNECT,      /* addr; a: attempt, b: next one in ns */
	SY_TRACE_PEX_REQUEST,    /* conn; a: 0 sent, 1 received */
	SY_TRACE_PEX_ADDRS,      /* conn; a: 0 sent, 1 received; b: how many */
	SY_TRACE_BOOK_ADD,       /* addr, err */
	SY_TRACE_BOOK_GONE,      /* addr, err */
	SY_TRACE_BAN,            /* addr, err: the reason; a: until, Unix seconds */
	SY_TRACE_DROPPED,        /* conn; a: channel, b: bytes: a message dropped by policy */
	SY_TRACE_MESSAGE,        /* conn; a: channel, b: bytes: a message was delivered (off unless asked for) */
};

struct sy_trace {
	uint64_t now_ns;
	enum sy_trace_kind kind;
	enum sy_err err;
	struct sy_ref conn;
	struct sy_netaddr addr; /* flags == 0: none */
	uint64_t a, b;
};

bool sy_node_next_trace(struct sy_node *node, struct sy_trace *trace);
uint64_t sy_node_traces_dropped(const struct sy_node *node);

/* ---------------------------------------------------------------------------------------------
 * 8. Sending and stopping, spelled out (each is the input of the same name)
 * ------------------------------------------------------------------------------------------- */

/* Never waits. SY_OK, SY_QUEUE_FULL, SY_NO_PEER, SY_NO_CHANNEL, SY_MESSAGE_SIZE, SY_NO_MEMORY. */
SY_MUST enum sy_err sy_try_send(struct sy_node *node, uint64_t now_ns, struct sy_ref peer, uint8_t channel, struct sy_span bytes);
/*
 * Waits in the node up to timeout_ns; SY_OUT_SEND_DONE with the token tells, unless an error is returned here: as
 * sy_try_send; SY_QUEUE_FULL when too many Sends wait already, or too many results were not polled.
 */
SY_MUST enum sy_err sy_send(struct sy_node *node, uint64_t now_ns, struct sy_ref peer, uint8_t channel, struct sy_span bytes,
                            uint64_t timeout_ns, uint64_t token);
/* Serialises a message of the channel's declared type, then as sy_try_send. SY_INVALID: not the channel's type. */
SY_MUST enum sy_err sy_try_send_message(struct sy_node *node, uint64_t now_ns, struct sy_ref peer, uint8_t channel,
                                        const struct ProtobufCMessage *message);
/* How many peers took it; 0 also when there was no memory for the one copy. */
uint32_t sy_broadcast(struct sy_node *node, uint64_t now_ns, uint8_t channel, struct sy_span bytes);
/* True when try_send would take a message now (the channel's real capacity, unlike upstream's CanSend). */
bool sy_can_send(const struct sy_node *node, struct sy_ref peer, uint8_t channel);

/* ---------------------------------------------------------------------------------------------
 * 9. Looking: nothing here changes anything
 * ------------------------------------------------------------------------------------------- */

const struct sy_id *sy_node_id(const struct sy_node *node);
/* What the node says of its block protocol now: changes only with block_version_auto. */
uint64_t sy_node_block_version(const struct sy_node *node);
struct sy_counts sy_node_counts(const struct sy_node *node);
/*
 * Connections, of either direction, whose handshakes are under way. With SY_LIMIT_HANDSHAKES (256) of them the default profile
 * takes an inbound one only in the place of another.
 */
uint32_t sy_node_handshakes(const struct sy_node *node);
SY_MUST enum sy_err sy_node_peer_at(const struct sy_node *node, uint32_t n, struct sy_peer *peer);
SY_MUST enum sy_err sy_node_peer(const struct sy_node *node, struct sy_ref ref, struct sy_peer *peer);
SY_MUST enum sy_err sy_node_peer_by_id(const struct sy_node *node, const struct sy_id *id, struct sy_peer *peer);

struct sy_channel_status {
	uint8_t id;
	uint32_t priority;
	uint32_t queued_messages, queued_bytes; /* not yet completely in packets */
	uint32_t send_queue_capacity;
	uint64_t recently_sent;              /* upstream's decaying counter, bytes */
	uint64_t sent_bytes, received_bytes; /* message bytes, whole messages */
};

struct sy_conn_status {
	uint64_t age_ns;
	uint64_t sent_bytes, received_bytes;   /* packet bytes with delimiters */
	uint64_t send_rate_now, send_rate_avg; /* bytes per second, for status only */
	uint64_t recv_rate_now, recv_rate_avg;
	uint64_t send_limited_ns, recv_limited_ns; /* time spent waiting for the rate limiters */
	uint64_t ping_rtt_ns;                      /* of the last pong; 0: none yet */
	uint32_t num_channels;
};

SY_MUST enum sy_err sy_node_conn_status(const struct sy_node *node, struct sy_ref peer, struct sy_conn_status *status);
SY_MUST enum sy_err sy_node_channel_status(const struct sy_node *node, struct sy_ref peer, uint32_t n, struct sy_channel_status *status);

/* Since the node was made, of all connections, those that have ended included. */
struct sy_node_totals {
	uint64_t sent_bytes, received_bytes; /* as in sy_conn_status */
	uint64_t send_limited_ns, recv_limited_ns;
};
struct sy_node_totals sy_node_totals(const struct sy_node *node);

#define SY_WAIT_BOUNDS 7
/* Upper bounds of the buckets below, ascending. */
extern const uint64_t sy_wait_bounds_ns[SY_WAIT_BOUNDS];
struct sy_channel_totals {
	uint8_t id;
	uint64_t sent_bytes, received_bytes; /* message bytes, whole messages */
	/* Messages sent by the time from the call that sent them to their first packet, room waited for included; the last: above all bounds. */
	uint64_t waits[SY_WAIT_BOUNDS + 1];
	uint64_t wait_ns; /* all these times together */
};
/* The node's n-th channel, in the order of registration. SY_NOT_FOUND past the end. */
SY_MUST enum sy_err sy_node_channel_totals(const struct sy_node *node, uint32_t n, struct sy_channel_totals *totals);

struct sy_book_counts {
	uint32_t total, new_addrs, old_addrs, banned;
};
struct sy_book_counts sy_node_book_counts(const struct sy_node *node);
bool sy_node_book_has(const struct sy_node *node, const struct sy_id *id);
/* What peer exchange did, since the node was made unless it says otherwise. All zero without PEX. */
struct sy_pex_counts {
	uint32_t verified;   /* now: addresses that a seed hands out before all others, for they answered lately (D-26) */
	uint32_t crawling;   /* now: dials and connections of a seed's crawl */
	uint64_t asked;      /* requests sent */
	uint64_t requests;   /* requests received */
	uint64_t lists_sent; /* answers to them */
	uint64_t addrs_sent; /* addresses in these */
	uint64_t lists_received;
	uint64_t addrs_new;  /* addresses in those that were not in the book */
	uint64_t reached;    /* a seed's dials that answered */
	uint64_t unreached;  /* and those that did not */
	uint64_t lost;       /* addresses that a seed let go because they do not answer */
	uint64_t made_room;  /* peers that a seed sent away because its inbound slots were nearly full */
	uint64_t crawled_ns; /* when the last list was received; 0: none yet */
};
struct sy_pex_counts sy_node_pex_counts(const struct sy_node *node);
/* Calls visit for every address in the book, in the book's own (deterministic) order. */
void sy_node_book_each(const struct sy_node *node, void (*visit)(void *arg, const struct sy_netaddr *addr, bool old), void *arg);
/*
 * The book as a snapshot (the codec of core/book/snapshot.h). Two calls: with buf == null it returns the size;
 * then fills buf. Returns the bytes written, 0 when cap is too small.
 */
size_t sy_node_book_snapshot(const struct sy_node *node, uint8_t *buf, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
