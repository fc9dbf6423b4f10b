/* Every kind of metric that a node has. docs/METRICS.md has a line for each; a test holds the two together. */
#ifndef SIM_OPS_FAMILIES_H
#define SIM_OPS_FAMILIES_H

#include "sim/ops/prom.h"

/* X(ID, UPSTREAM, TYPE, name, labels, help). The first ones are CometBFT's: its names, its labels, its meaning. */
#define OPS_FAMILY_LIST(X)                                                                                                                 \
	X(PEERS, true, GAUGE, "peers", "", "Number of peers.")                                                                                 \
	X(PEER_RECEIVE, true, COUNTER, "peer_receive_bytes_total", "peer_id, chID", "Number of bytes received from a given peer.")             \
	X(PEER_SEND, true, COUNTER, "peer_send_bytes_total", "peer_id, chID", "Number of bytes sent to a given peer.")                         \
	X(PEER_QUEUE, true, GAUGE, "peer_send_queue_size", "peer_id", "Number of messages that wait to be sent to a given peer.")              \
	X(PEER_PENDING, true, GAUGE, "peer_pending_send_bytes", "peer_id", "Number of bytes that wait to be sent to a given peer.")            \
	X(MSG_RECEIVE, true, COUNTER, "message_receive_bytes_total", "message_type", "Number of bytes of each message type received.")         \
	X(MSG_SEND, true, COUNTER, "message_send_bytes_total", "message_type", "Number of bytes of each message type sent.")                   \
	X(BUILD, false, GAUGE, "switchyard_build_info", "version, profile", "Always 1; the version and the profile of policies.")              \
	X(NODE, false, GAUGE, "switchyard_node_info", "node_id, network, moniker", "Always 1; who this node is.")                              \
	X(START, false, GAUGE, "process_start_time_seconds", "", "When the process started, Unix time.")                                       \
	X(WAY_PEERS, false, GAUGE, "switchyard_peers", "direction", "Number of peers by the side that dialled; unconditional ones too.")       \
	X(DIALLING, false, GAUGE, "switchyard_dialling", "", "Number of dials and outbound handshakes under way.")                             \
	X(SHAKING, false, GAUGE, "switchyard_handshakes", "", "Number of handshakes under way, of either side.")                               \
	X(ADDED, false, COUNTER, "switchyard_peers_added_total", "direction", "Connections that became peers.")                                \
	X(GONE, false, COUNTER, "switchyard_peers_removed_total", "direction, reason", "Peers that were removed, by reason.")                  \
	X(REFUSED, false, COUNTER, "switchyard_refused_total", "direction, reason", "Open connections that became no peer, by reason.")        \
	X(DIALS, false, COUNTER, "switchyard_dials_total", "result", "Dials that ended, by result; ok: it became a peer.")                     \
	X(RECONNECTS, false, COUNTER, "switchyard_reconnects_total", "", "Redials of persistent peers that were scheduled.")                   \
	X(HANDSHAKE, false, HISTOGRAM, "switchyard_handshake_seconds", "direction", "From an open connection to a peer.")                      \
	X(BANS, false, COUNTER, "switchyard_bans_total", "reason", "Addresses and ids that were banned, by reason.")                           \
	X(DROPPED, false, COUNTER, "switchyard_messages_dropped_total", "chID", "Messages received and dropped: the inbox was full.")          \
	X(PEX_REQUESTS, false, COUNTER, "switchyard_pex_requests_total", "direction", "Requests for addresses, sent and received.")            \
	X(PEX_ANSWERS, false, COUNTER, "switchyard_pex_answers_total", "direction", "Answers with addresses, sent and received.")              \
	X(PEX_ADDRS, false, COUNTER, "switchyard_pex_addresses_total", "direction", "Addresses in these answers.")                             \
	X(PEX_LAST, false, GAUGE, "switchyard_pex_last_answer_age_seconds", "", "Since addresses were received last; absent: never yet.")      \
	X(BOOK, false, GAUGE, "switchyard_book_addresses", "bucket", "Addresses in the book: new (heard of) and old (proven).")                \
	X(VERIFIED, false, GAUGE, "switchyard_book_verified", "", "Addresses that answered lately: a seed hands them out first.")              \
	X(CRAWLING, false, GAUGE, "switchyard_crawl_connections", "", "Dials and connections of a seed's crawl under way.")                    \
	X(CRAWLED, false, COUNTER, "switchyard_crawl_dials_total", "result", "A seed's dials by result: reached, unreached.")                  \
	X(CRAWL_LOST, false, COUNTER, "switchyard_crawl_lost_total", "", "Addresses that a seed let go because they do not answer.")           \
	X(MADE_ROOM, false, COUNTER, "switchyard_seed_made_room_total", "", "Peers that a seed sent away as its slots were nearly full.")      \
	X(PEX_NEW, false, COUNTER, "switchyard_pex_addresses_new_total", "", "Addresses received that were not in the book.")                  \
	X(BOOK_BANNED, false, GAUGE, "switchyard_book_banned", "", "Bans in force.")                                                           \
	X(BOOK_GONE, false, COUNTER, "switchyard_book_removed_total", "reason", "Addresses given up, by reason.")                              \
	X(BYTES, false, COUNTER, "switchyard_bytes_total", "direction", "Bytes of packets, pings and pongs too, of all connections ever.")     \
	X(LIMITED, false, COUNTER, "switchyard_limited_seconds_total", "direction",                                                            \
	  "Time that connections have waited for their rate limits.")                                                                          \
	X(CH_BYTES, false, COUNTER, "switchyard_channel_bytes_total", "chID, direction", "Bytes of whole messages, of all connections ever.")  \
	X(CH_WAIT, false, HISTOGRAM, "switchyard_channel_wait_seconds", "chID", "From the call that sent a message to its first packet.")      \
	X(RTT, false, GAUGE, "switchyard_peer_ping_seconds", "peer_id", "From a ping to its pong, last time; queues included.")                \
	X(UNLISTED, false, GAUGE, "switchyard_peers_without_series", "", "Peers beyond the number that has series of its own.")                \
	X(TRACES_LOST, false, COUNTER, "switchyard_traces_dropped_total", "", "Events that came too fast: counters missed them.")              \
	X(FAREWELLS, false, COUNTER, "switchyard_farewells_refused_total", "", "Closed connections that lost their last bytes.")               \
	X(LOG_LOST, false, COUNTER, "switchyard_log_lines_left_out_total", "", "Lines that the log left out: too many of a kind in a second.") \
	X(LOG_UNREAD, false, COUNTER, "switchyard_log_lines_dropped_total", "", "Lines of the log that nobody read in time.")                  \
	X(HTTP, false, COUNTER, "switchyard_http_requests_total", "code", "Requests answered here, by status.")                                \
	X(CPU, false, COUNTER, "process_cpu_seconds_total", "", "User and system CPU time.")                                                   \
	X(FDS, false, GAUGE, "process_open_fds", "", "Open file descriptors.")                                                                 \
	X(FDS_MAX, false, GAUGE, "process_max_fds", "", "Limit of open file descriptors.")                                                     \
	X(VIRTUAL, false, GAUGE, "process_virtual_memory_bytes", "", "Virtual memory.")                                                        \
	X(RESIDENT, false, GAUGE, "process_resident_memory_bytes", "", "Resident memory.")

#define OPS_FAMILY_ENUM(id, upstream, type, name, labels, help) OPS_##id,
enum ops_family { OPS_FAMILY_LIST(OPS_FAMILY_ENUM) OPS_FAMILIES };

extern const struct prom_family ops_families[OPS_FAMILIES];

#endif
