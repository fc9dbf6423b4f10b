#include "core/switchyard.h"

/* The preprocessor cannot make lower case, so the names are spelled out; a test compares them with the list. */
const char *sy_err_name(enum sy_err err)
{
	switch (err) {
	case SY_OK:
		return "ok";
	case SY_AGAIN:
		return "again";
	case SY_QUEUE_FULL:
		return "queue_full";
	case SY_TIMEOUT:
		return "timeout";
	case SY_TOO_EARLY:
		return "too_early";
	case SY_DNS:
		return "dns";
	case SY_DIAL_TIMEOUT:
		return "dial_timeout";
	case SY_DIAL_REFUSED:
		return "dial_refused";
	case SY_UNREACHABLE:
		return "unreachable";
	case SY_PEER_CLOSED:
		return "peer_closed";
	case SY_PEER_RESET:
		return "peer_reset";
	case SY_PEER_HANDSHAKE_TIMEOUT:
		return "peer_handshake_timeout";
	case SY_PEER_BAD_EPHEMERAL:
		return "peer_bad_ephemeral";
	case SY_PEER_LOW_ORDER:
		return "peer_low_order";
	case SY_PEER_BAD_FRAME:
		return "peer_bad_frame";
	case SY_PEER_FRAME_LENGTH:
		return "peer_frame_length";
	case SY_PEER_BAD_AUTH:
		return "peer_bad_auth";
	case SY_PEER_KEY_TYPE:
		return "peer_key_type";
	case SY_PEER_BAD_SIGNATURE:
		return "peer_bad_signature";
	case SY_PEER_WRONG_ID:
		return "peer_wrong_id";
	case SY_PEER_BAD_NODE_INFO:
		return "peer_bad_node_info";
	case SY_PEER_NODE_INFO_ID:
		return "peer_node_info_id";
	case SY_PEER_SELF:
		return "peer_self";
	case SY_PEER_BLOCK_VERSION:
		return "peer_block_version";
	case SY_PEER_NETWORK:
		return "peer_network";
	case SY_PEER_NO_COMMON_CHANNEL:
		return "peer_no_common_channel";
	case SY_PEER_BAD_PACKET:
		return "peer_bad_packet";
	case SY_PEER_PACKET_TOO_LONG:
		return "peer_packet_too_long";
	case SY_PEER_UNKNOWN_PACKET:
		return "peer_unknown_packet";
	case SY_PEER_UNKNOWN_CHANNEL:
		return "peer_unknown_channel";
	case SY_PEER_MESSAGE_TOO_LONG:
		return "peer_message_too_long";
	case SY_PEER_PONG_TIMEOUT:
		return "peer_pong_timeout";
	case SY_PEER_BAD_MESSAGE:
		return "peer_bad_message";
	case SY_PEER_PEX_FLOOD:
		return "peer_pex_flood";
	case SY_PEER_PEX_UNSOLICITED:
		return "peer_pex_unsolicited";
	case SY_PEER_PEX_BAD_ADDR:
		return "peer_pex_bad_addr";
	case SY_PEER_INBOX_FULL:
		return "peer_inbox_full";
	case SY_PEER_REACTOR:
		return "peer_reactor";
	case SY_DUPLICATE_ID:
		return "duplicate_id";
	case SY_DUPLICATE_IP:
		return "duplicate_ip";
	case SY_DUPLICATE_CONN:
		return "duplicate_conn";
	case SY_FILTERED:
		return "filtered";
	case SY_FILTER_TIMEOUT:
		return "filter_timeout";
	case SY_INBOUND_FULL:
		return "inbound_full";
	case SY_BANNED:
		return "banned";
	case SY_DIALLING_OR_CONNECTED:
		return "dialling_or_connected";
	case SY_NOT_RUNNING:
		return "not_running";
	case SY_NO_PEER:
		return "no_peer";
	case SY_NO_CHANNEL:
		return "no_channel";
	case SY_MAX_ATTEMPTS:
		return "max_attempts";
	case SY_ADDR_INVALID:
		return "addr_invalid";
	case SY_ADDR_NO_ID:
		return "addr_no_id";
	case SY_ADDR_PRIVATE:
		return "addr_private";
	case SY_ADDR_PRIVATE_SRC:
		return "addr_private_src";
	case SY_ADDR_OWN:
		return "addr_own";
	case SY_ADDR_UNROUTABLE:
		return "addr_unroutable";
	case SY_ADDR_NEEDS_DNS:
		return "addr_needs_dns";
	case SY_ADDR_KNOWN:
		return "addr_known";
	case SY_MESSAGE_SIZE:
		return "message_size";
	case SY_INVALID:
		return "invalid";
	case SY_LIMIT:
		return "limit";
	case SY_NOT_FOUND:
		return "not_found";
	case SY_PARSE:
		return "parse";
	case SY_STOPPED:
		return "stopped";
	case SY_SEED_DONE:
		return "seed_done";
	case SY_NO_SEEDS:
		return "no_seeds";
	case SY_IN_USE:
		return "in_use";
	case SY_NO_MEMORY:
		return "no_memory";
	case SY_NONCE_EXHAUSTED:
		return "nonce_exhausted";
	case SY_CORRUPT:
		return "corrupt";
	case SY_IO:
		return "io";
	case SY_INTERNAL:
		return "internal";
	}
	return "unknown";
}

const char *sy_err_text(enum sy_err err)
{
	switch (err) {
	case SY_OK:
		return "no error";
#define TEXT_CASE(name, value, text)                                                                                                       \
	case SY_##name:                                                                                                                        \
		return text;
		SY_ERR_LIST(TEXT_CASE)
#undef TEXT_CASE
	}
	return "unknown error";
}
