#include "core/node/record.h"

#include "core/base/hash.h"

#include <string.h>

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_addr(uint8_t *p, const struct sy_netaddr *addr)
{
	memcpy(p, addr->id.b, 20);
	memcpy(p + 20, addr->ip, 16);
	p[36] = (uint8_t)addr->port;
	p[37] = (uint8_t)(addr->port >> 8);
	p[38] = addr->flags;
	p[39] = 0;
}

static void get_addr(const uint8_t *p, struct sy_netaddr *addr)
{
	memcpy(addr->id.b, p, 20);
	memcpy(addr->ip, p + 20, 16);
	addr->port = (uint16_t)(p[36] | p[37] << 8);
	addr->flags = p[38];
}

size_t sy_record_encode(const struct sy_record *record, uint8_t *buf, size_t cap)
{
	const struct sy_input *in = &record->in;
	size_t size = SY_RECORD_HEADER + in->bytes.len;
	if (size > cap)
		return size;
	memset(buf, 0, SY_RECORD_HEADER);
	buf[0] = SY_RECORD_VERSION;
	buf[1] = (uint8_t)(record->kind == SY_RECORD_INPUT ? (uint32_t)in->kind : (uint32_t)record->kind);
	buf[2] = in->channel;
	put32(buf + 4, (uint32_t)in->err);
	sy_store_u64le(buf + 8, in->now_ns);
	sy_store_u64le(buf + 16, in->token);
	sy_store_u64le(buf + 24, in->timeout_ns);
	sy_store_u64le(buf + 32, in->wall_ns);
	put32(buf + 40, in->conn.slot);
	put32(buf + 44, in->conn.gen);
	put_addr(buf + 48, &in->addr);
	put32(buf + 88, (uint32_t)in->bytes.len);
	if (in->bytes.len)
		memcpy(buf + SY_RECORD_HEADER, in->bytes.ptr, in->bytes.len);
	return size;
}

/* False: no record has this kind. */
static bool get_kind(uint8_t kind, struct sy_record *record)
{
	if (kind >= SY_RECORD_FILL && kind <= SY_RECORD_UNBLOCKED) {
		record->kind = (enum sy_record_kind)kind;
		return true;
	}
	record->kind = SY_RECORD_INPUT;
	record->in.kind = (enum sy_in_kind)kind;
	return kind >= SY_IN_START && kind < SY_IN_RESERVED_KINDS;
}

enum sy_err sy_record_decode(struct sy_span bytes, struct sy_record *record, size_t *used)
{
	const uint8_t *p = bytes.ptr;
	memset(record, 0, sizeof *record);
	*used = 0;
	if (bytes.len < SY_RECORD_HEADER)
		return SY_AGAIN;
	if (p[0] != SY_RECORD_VERSION || !get_kind(p[1], record))
		return SY_CORRUPT;
	size_t len = get32(p + 88);
	if (bytes.len - SY_RECORD_HEADER < len)
		return SY_AGAIN;
	struct sy_input *in = &record->in;
	in->channel = p[2];
	in->err = (enum sy_err)(int32_t)get32(p + 4);
	in->now_ns = sy_load_u64le(p + 8);
	in->token = sy_load_u64le(p + 16);
	in->timeout_ns = sy_load_u64le(p + 24);
	in->wall_ns = sy_load_u64le(p + 32);
	in->conn.slot = get32(p + 40);
	in->conn.gen = get32(p + 44);
	get_addr(p + 48, &in->addr);
	in->bytes.ptr = p + SY_RECORD_HEADER;
	in->bytes.len = len;
	*used = SY_RECORD_HEADER + len;
	return SY_OK;
}

size_t sy_input_encode(const struct sy_input *in, uint8_t *buf, size_t cap)
{
	struct sy_record record = {.kind = SY_RECORD_INPUT, .in = *in};
	return sy_record_encode(&record, buf, cap);
}

enum sy_err sy_input_decode(struct sy_span bytes, struct sy_input *in, size_t *used)
{
	struct sy_record record;
	enum sy_err err = sy_record_decode(bytes, &record, used);
	if (!err && record.kind != SY_RECORD_INPUT)
		err = SY_CORRUPT;
	*in = record.in;
	return err;
}

void sy_record_apply(struct sy_node *node, const struct sy_record *record, uint8_t *buf)
{
	struct sy_output out;
	switch (record->kind) {
	case SY_RECORD_INPUT:
		(void)sy_node_input(node, &record->in);
		break;
	case SY_RECORD_FILL:
		(void)sy_node_fill(node, record->in.now_ns, record->in.conn, buf, record->in.token < SY_FILL_MAX ? record->in.token : SY_FILL_MAX);
		break;
	case SY_RECORD_POLL:
		(void)sy_node_poll(node, &out);
		break;
	case SY_RECORD_BLOCKED:
		sy_node_blocked(node, record->in.conn);
		break;
	case SY_RECORD_UNBLOCKED:
		sy_node_unblocked(node, record->in.conn);
		break;
	}
}
