/*
 * Every bound of the core, with where it comes from. A build with -DSY_TINY shrinks those that may shrink without
 * breaking the wire format; the whole suite passes in it.
 */
#ifndef SY_BASE_LIMITS_H
#define SY_BASE_LIMITS_H

/* Wire format: protocol.md 3.1, 2.2, 2.4, 2.6, 3.4, 5.1. They never shrink. */
#define SY_FRAME_CHUNK 1024u /* plaintext bytes a frame carries at most */
#define SY_FRAME_PLAIN 1028u /* u32le length and the chunk */
#define SY_FRAME_TAG 16u
#define SY_EPHEMERAL_MESSAGE 35u /* delimited BytesValue of 32 bytes */
#define SY_AUTH_MESSAGE 103u     /* delimited AuthSigMessage */
#define SY_NODE_INFO_MAX 10240u  /* payload of a delimited NodeInfo */
#define SY_NODE_INFO_CHANNELS 16u
#define SY_PACKET_DATA 1024u /* default max_packet_msg_payload_size */
#define SY_PEX_MESSAGE_MAX 64000u
#define SY_PEX_SELECTION_MAX 250u
#define SY_DEFAULT_RECV_MESSAGE 22020096u

/* Ours. */
#define SY_EPHEMERAL_MAX 1024u /* payload of the first message as we take it: an honest one has 34 bytes and must fit one buffer */
#ifdef SY_TINY
#define SY_LIMIT_CONNS 64u
#define SY_LIMIT_HANDSHAKES 16u
#define SY_LIMIT_SEND_QUEUE_BYTES 262144u
#define SY_LIMIT_SEND_WAITERS 2u
#define SY_LIMIT_SENDS 64u
#define SY_LIMIT_TRACE_RECORDS 16u
#define SY_LIMIT_SEND_DONE_CALLS 64u
#define SY_LIMIT_REACTOR_TIMERS 8u
#define SY_LIMIT_RECV_BYTES_PER_PEER (32u * 1024u * 1024u)
#define SY_LIMIT_BANS 64u
#define SY_LIMIT_DIAL_RECORDS 128u
#define SY_LIMIT_INTERNED 4096u
#define SY_LIMIT_DIALS 8u
#define SY_LIMIT_RATE_IPS 16u
#define SY_LIMIT_LIST_RULES 64u
#else
#define SY_LIMIT_CONNS 4096u     /* slots of one node: inbound cap, outbound, handshakes; file descriptors are the real limit */
#define SY_LIMIT_HANDSHAKES 256u /* inbound upgrades in flight: 3 s each at 80 handshakes a second */
#define SY_LIMIT_SEND_QUEUE_BYTES (64u * 1024u * 1024u) /* a channel's queue: three messages of the default maximum */
#define SY_LIMIT_SEND_WAITERS 64u                       /* Sends that wait for one channel */
/*
 * Sends of the owner, and as many of the reactors, from the call until their result is fetched: all 16 channels of 64
 * peers with 64 waiters each. One deaf peer holds a 64th of them; an owner that fetches no results stops only itself. 3 MiB.
 */
#define SY_LIMIT_SENDS 65536u
#define SY_LIMIT_TRACE_RECORDS 1024u /* records not yet fetched */
/*
 * Calls of send_done at the end of one input; the rest follow with the next, which is due at once. A reactor that sends
 * in each send_done would keep the node in one input for ever.
 *
 * What one callback may queue needs no number of its own, as each kind of it has one: messages are bounded by the
 * channels' queues, Sends by SY_LIMIT_SENDS, timers by SY_LIMIT_REACTOR_TIMERS, dials by SY_LIMIT_DIALS, look-ups by
 * SY_LIMIT_LOOKUPS; a stop is a place in a list of connections, and a save of the book is a bit.
 */
#define SY_LIMIT_SEND_DONE_CALLS 4096u
#define SY_LIMIT_REACTOR_TIMERS 64u
#define SY_LIMIT_RECV_BYTES_PER_PEER (160u * 1024u * 1024u) /* reassembly: blocksync's 100 MiB message and the others beside it */
#define SY_LIMIT_BANS 8192u                                 /* half of the book's capacity */
#define SY_LIMIT_DIAL_RECORDS 16384u /* dial attempts remembered: the new buckets' capacity, 256 x 65, rounded down */
#define SY_LIMIT_INTERNED 1048576u   /* addresses interned over real sockets */
#define SY_LIMIT_DIALS 256u          /* dials in flight */
#define SY_LIMIT_LIST_RULES 65536u   /* rules of block and allow lists: the public lists of networks have up to 20,000; 1.4 MiB */
#define SY_LIMIT_RATE_IPS 1024u      /* addresses whose rate is known: all that hold a place of 256 handshakes for a minute; 24 KiB */
#endif
#define SY_LIMIT_REACTORS 16u /* as many as there are channels in a node info */
#define SY_LIMIT_CHANNELS 16u /* protocol.md 2.6: at most 16 advertised */
#define SY_LIMIT_PERSISTENT 256u
#define SY_LIMIT_SEEDS 64u
#define SY_LIMIT_OWN_ADDRS 64u           /* addresses known to be our own: listening ones and those at which we met ourselves */
#define SY_LIMIT_ID_LIST 1024u           /* unconditional, private ids */
#define SY_LIMIT_RESOLVED 16u            /* addresses kept of one name */
#define SY_LIMIT_TEXT 256u               /* moniker, version, network, listen_addr as kept of a peer */
#define SY_LIMIT_SMALL_PAYLOAD 256u      /* bytes of a message that comes from a node's pool: votes and steps fit */
#define SY_LIMIT_PAYLOADS_KEPT 32u       /* small messages kept for reuse: 8 KiB a node */
#define SY_LIMIT_MESSAGE_DEPTH 64u       /* nested messages of a user's type; protobuf's own decoders stop at 100 */
#define SY_LIMIT_DECODE_FACTOR 32u       /* memory a byte while decoding: a repeated field of 5 bytes takes 22 a byte with protobuf-c */
#define SY_LIMIT_PACKET_DATA 1048576u    /* of max_packet_msg_payload_size: what one packet may carry */
#define SY_LIMIT_LOOKUPS 384u            /* names being looked up: persistent peers, seeds, and 64 of node infos */
#define SY_LIMIT_INBOX_OVERHEAD 64u      /* bytes that a message in an inbox counts beside its own: an empty one costs too */
#define SY_LIMIT_FILTER_NS 5000000000ull /* protocol.md 0.5: how long a filter may take */
#define SY_LIMIT_PEX_TRACES 16u          /* records of PEX between two looks of the node, 1,280 bytes */
#define SY_LIMIT_PEX_EARLY 10u           /* requests forgiven within one gap of 10 s: v0.40 sends one */
#define SY_LIMIT_CRAWL_DIALS 64u         /* of crawl_dials: what a seed looks at at once; at dead addresses 21 a second */
#define SY_LIMIT_SILENT 4096u            /* peers remembered that held a seed's slot and asked for nothing: as many as there are slots */

#endif
