#include "core/wire/nodeinfo.h"

#include "core/wire/addr_text.h"
#include "core/wire/cursor.h"

#include <string.h>

static void write_text(struct sy_writer *w, uint32_t number, struct sy_span text)
{
	sy_write_field_bytes(w, number, text.ptr, text.len);
}

static size_t text_size(struct sy_span text)
{
	return text.len ? 1 + sy_uvarint_size(text.len) + text.len : 0;
}

/* Both embedded messages are written even when they are empty. */
size_t sy_node_info_encode(const struct sy_node_info *info, uint8_t *buf, size_t cap)
{
	uint8_t versions[3 * 11];
	struct sy_writer v = sy_writer_of(versions, sizeof versions);
	sy_write_field_varint(&v, 1, info->p2p_version);
	sy_write_field_varint(&v, 2, info->block_version);
	sy_write_field_varint(&v, 3, info->app_version);

	struct sy_writer w = sy_writer_of(buf, cap);
	sy_write_message(&w, 1, versions, sy_written(&v));
	write_text(&w, 2, info->id_text);
	write_text(&w, 3, info->listen_addr);
	write_text(&w, 4, info->network);
	write_text(&w, 5, info->version);
	write_text(&w, 6, info->channels);
	write_text(&w, 7, info->moniker);
	sy_write_u8(&w, 8 << 3 | 2);
	sy_write_uvarint(&w, text_size(info->tx_index) + text_size(info->rpc_address));
	write_text(&w, 1, info->tx_index);
	write_text(&w, 2, info->rpc_address);
	return sy_written(&w);
}

static bool decode_versions(struct sy_span bytes, struct sy_node_info *info)
{
	struct sy_reader r = sy_reader_of(bytes.ptr, bytes.len);
	struct sy_field field;
	while (sy_read_field(&r, &field)) {
		if (field.number > 3)
			continue;
		if (field.type != 0)
			return false;
		uint64_t *target[] = {&info->p2p_version, &info->block_version, &info->app_version};
		*target[field.number - 1] = field.value;
	}
	return !r.bad;
}

static bool decode_other(struct sy_span bytes, struct sy_node_info *info)
{
	struct sy_reader r = sy_reader_of(bytes.ptr, bytes.len);
	struct sy_field field;
	while (sy_read_field(&r, &field)) {
		if (field.number > 2)
			continue;
		if (field.type != 2)
			return false;
		*(field.number == 1 ? &info->tx_index : &info->rpc_address) = field.span;
	}
	return !r.bad;
}

static bool decode_field(const struct sy_field *field, struct sy_node_info *info)
{
	struct sy_span *text[] = {&info->id_text, &info->listen_addr, &info->network, &info->version, &info->channels, &info->moniker};
	if (field->number > 8)
		return true;
	if (field->type != 2)
		return false;
	if (field->number == 1)
		return decode_versions(field->span, info);
	if (field->number == 8)
		return decode_other(field->span, info);
	*text[field->number - 2] = field->span;
	return true;
}

enum sy_err sy_node_info_decode(const uint8_t *bytes, size_t n, struct sy_node_info *info)
{
	struct sy_reader r = sy_reader_of(bytes, n);
	struct sy_field field;
	memset(info, 0, sizeof *info);
	while (sy_read_field(&r, &field))
		if (!decode_field(&field, info))
			return SY_PEER_BAD_NODE_INFO;
	return r.bad ? SY_PEER_BAD_NODE_INFO : SY_OK;
}

/* Printable ASCII with something else than spaces in it. */
static bool is_ascii_text(struct sy_span text)
{
	bool visible = false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 32 || text.ptr[i] > 126)
			return false;
		visible |= text.ptr[i] != ' ';
	}
	return visible;
}

static bool equals(struct sy_span a, struct sy_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool channels_ok(struct sy_span channels)
{
	if (channels.len > SY_NODE_INFO_CHANNELS)
		return false;
	for (size_t i = 0; i < channels.len; i++)
		if (memchr(channels.ptr + i + 1, channels.ptr[i], channels.len - i - 1))
			return false;
	return true;
}

static const char *invalid_text(const struct sy_node_info *info)
{
	static const struct sy_span on = {(const uint8_t *)"on", 2}, off = {(const uint8_t *)"off", 3};
	if (info->version.len && !is_ascii_text(info->version))
		return "version";
	if (!channels_ok(info->channels))
		return "channels";
	if (!is_ascii_text(info->moniker))
		return "moniker";
	if (info->tx_index.len && !equals(info->tx_index, on) && !equals(info->tx_index, off))
		return "tx_index";
	if (info->rpc_address.len && !is_ascii_text(info->rpc_address))
		return "rpc_address";
	return NULL;
}

enum sy_err sy_node_info_validate(const struct sy_node_info *info, struct sy_netaddr *listen, char host[SY_HOST_TEXT], const char **what)
{
	const char *wrong = NULL;
	enum sy_err err = SY_OK;
	memset(listen, 0, sizeof *listen);
	if (sy_addr_parse_id(info->id_text, listen) != SY_OK)
		wrong = "default_node_id";
	if (!wrong) {
		err = sy_addr_parse_hostport(sy_addr_strip_scheme(info->listen_addr), listen, host);
		wrong = err == SY_OK || err == SY_ADDR_NEEDS_DNS ? invalid_text(info) : "listen_addr";
	}
	if (what)
		*what = wrong;
	return wrong ? SY_PEER_BAD_NODE_INFO : err;
}

static bool share_a_channel(struct sy_span ours, struct sy_span theirs)
{
	for (size_t i = 0; i < ours.len; i++)
		if (theirs.len && memchr(theirs.ptr, ours.ptr[i], theirs.len))
			return true;
	return ours.len == 0;
}

enum sy_err sy_node_info_compatible(const struct sy_node_info *ours, const struct sy_node_info *theirs)
{
	if (ours->block_version != theirs->block_version)
		return SY_PEER_BLOCK_VERSION;
	if (!equals(ours->network, theirs->network))
		return SY_PEER_NETWORK;
	return share_a_channel(ours->channels, theirs->channels) ? SY_OK : SY_PEER_NO_COMMON_CHANNEL;
}
