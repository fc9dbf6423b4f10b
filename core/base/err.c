#include "core/switchyard.h"

/*
 * The preprocessor cannot make lower case, so the names are spelled out; a test compares them with the list. They stand
 * in the rows themselves, because a table of pointers would need relocation.
 */
static const struct {
	enum sy_err err;
	char name[28];
} names[] = {
    {SY_OK, "ok"},
    {SY_AGAIN, "again"},
    {SY_QUEUE_FULL, "queue_full"},
    {SY_TIMEOUT, "timeout"},
    {SY_TOO_EARLY, "too_early"},
    {SY_DNS, "dns"},
    {SY_DIAL_TIMEOUT, "dial_timeout"},
    {SY_DIAL_REFUSED, "dial_refused"},
    {SY_UNREACHABLE, "unreachable"},
    {SY_PEER_CLOSED, "peer_closed"},
    {SY_PEER_RESET, "peer_reset"},
    {SY_PEER_HANDSHAKE_TIMEOUT, "peer_handshake_timeout"},
    {SY_PEER_BAD_EPHEMERAL, "peer_bad_ephemeral"},
    {SY_PEER_LOW_ORDER, "peer_low_order"},
    {SY_PEER_BAD_FRAME, "peer_bad_frame"},
    {SY_PEER_FRAME_LENGTH, "peer_frame_length"},
    {SY_PEER_BAD_AUTH, "peer_bad_auth"},
    {SY_PEER_KEY_TYPE, "peer_key_type"},
    {SY_PEER_BAD_SIGNATURE, "peer_bad_signature"},
    {SY_PEER_WRONG_ID, "peer_wrong_id"},
    {SY_PEER_BAD_NODE_INFO, "peer_bad_node_info"},
    {SY_PEER_NODE_INFO_ID, "peer_node_info_id"},
    {SY_PEER_SELF, "peer_self"},
    {SY_PEER_BLOCK_VERSION, "peer_block_version"},
    {SY_PEER_NETWORK, "peer_network"},
    {SY_PEER_NO_COMMON_CHANNEL, "peer_no_common_channel"},
    {SY_PEER_BAD_PACKET, "peer_bad_packet"},
    {SY_PEER_PACKET_TOO_LONG, "peer_packet_too_long"},
    {SY_PEER_UNKNOWN_PACKET, "peer_unknown_packet"},
    {SY_PEER_UNKNOWN_CHANNEL, "peer_unknown_channel"},
    {SY_PEER_MESSAGE_TOO_LONG, "peer_message_too_long"},
    {SY_PEER_PONG_TIMEOUT, "peer_pong_timeout"},
    {SY_PEER_BAD_MESSAGE, "peer_bad_message"},
    {SY_PEER_PEX_FLOOD, "peer_pex_flood"},
    {SY_PEER_PEX_UNSOLICITED, "peer_pex_unsolicited"},
    {SY_PEER_PEX_BAD_ADDR, "peer_pex_bad_addr"},
    {SY_PEER_INBOX_FULL, "peer_inbox_full"},
    {SY_PEER_REACTOR, "peer_reactor"},
    {SY_DUPLICATE_ID, "duplicate_id"},
    {SY_DUPLICATE_IP, "duplicate_ip"},
    {SY_DUPLICATE_CONN, "duplicate_conn"},
    {SY_FILTERED, "filtered"},
    {SY_FILTER_TIMEOUT, "filter_timeout"},
    {SY_INBOUND_FULL, "inbound_full"},
    {SY_BANNED, "banned"},
    {SY_DIALLING_OR_CONNECTED, "dialling_or_connected"},
    {SY_NOT_RUNNING, "not_running"},
    {SY_NO_PEER, "no_peer"},
    {SY_NO_CHANNEL, "no_channel"},
    {SY_MAX_ATTEMPTS, "max_attempts"},
    {SY_ADDR_INVALID, "addr_invalid"},
    {SY_ADDR_NO_ID, "addr_no_id"},
    {SY_ADDR_PRIVATE, "addr_private"},
    {SY_ADDR_PRIVATE_SRC, "addr_private_src"},
    {SY_ADDR_OWN, "addr_own"},
    {SY_ADDR_UNROUTABLE, "addr_unroutable"},
    {SY_ADDR_NEEDS_DNS, "addr_needs_dns"},
    {SY_ADDR_KNOWN, "addr_known"},
    {SY_MESSAGE_SIZE, "message_size"},
    {SY_INVALID, "invalid"},
    {SY_LIMIT, "limit"},
    {SY_NOT_FOUND, "not_found"},
    {SY_PARSE, "parse"},
    {SY_STOPPED, "stopped"},
    {SY_SEED_DONE, "seed_done"},
    {SY_NO_SEEDS, "no_seeds"},
    {SY_IN_USE, "in_use"},
    {SY_IP_FULL, "ip_full"},
    {SY_NET_FULL, "net_full"},
    {SY_RATE_LIMITED, "rate_limited"},
    {SY_BLOCKED, "blocked"},
    {SY_NO_MEMORY, "no_memory"},
    {SY_NONCE_EXHAUSTED, "nonce_exhausted"},
    {SY_CORRUPT, "corrupt"},
    {SY_IO, "io"},
    {SY_INTERNAL, "internal"},
};

const char *sy_err_name(enum sy_err err)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].err == err)
			return names[i].name;
	return "unknown";
}

const char *sy_err_text(enum sy_err err)
{
	switch (err) {
	case SY_OK:
		return "no error";
#define TEXT_CASE(name, value, text) \
	case SY_##name:                  \
		return text;
		SY_ERR_LIST(TEXT_CASE)
#undef TEXT_CASE
	}
	return "unknown error";
}
