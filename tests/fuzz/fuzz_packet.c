/* One packet's payload, and the short way that nearly every small message takes. */
#include "core/wire/cursor.h"
#include "core/wire/packet.h"
#include "tests/fuzz/fuzz.h"

/* What was read, written by us, reads the same. */
static void back(const struct sy_packet *p)
{
	static uint8_t buf[SY_PACKET_HEADER_MAX + 65536];
	struct sy_packet again;
	size_t header, length;

	if (p->kind != SY_PACKET_MSG || p->channel_id < 0 || p->channel_id > 0xff || p->data.len > 65536)
		return;
	size_t at = sy_packet_header(buf, (uint8_t)p->channel_id, p->eof, p->data.len);
	if (p->data.len != 0)
		memcpy(buf + at, p->data.ptr, p->data.len);
	at += p->data.len;
	FUZZ_HOLDS(at == sy_packet_size((uint8_t)p->channel_id, p->eof, p->data.len));
	FUZZ_HOLDS(sy_delimiter_parse(buf, at, at, &header, &length) == SY_OK && header + length == at);
	FUZZ_HOLDS(sy_packet_parse(buf + header, length, &again) == SY_OK);
	FUZZ_HOLDS(again.kind == p->kind && again.channel_id == p->channel_id && again.eof == p->eof && again.data.len == p->data.len);
	FUZZ_HOLDS(p->data.len == 0 || memcmp(again.data.ptr, p->data.ptr, p->data.len) == 0);
}

/* On a stream, delimiter first: the short way and the general one say the same. */
static void both_ways(const uint8_t *bytes, size_t n)
{
	size_t header, length;
	struct sy_packet p;
	uint32_t len = sy_packet_small_data(bytes, n);

	if (len == 0)
		return;
	FUZZ_HOLDS(sy_delimiter_parse(bytes, n, n, &header, &length) == SY_OK && header + length == len + SY_PACKET_SMALL_HEADER);
	FUZZ_HOLDS(sy_packet_parse(bytes + header, length, &p) == SY_OK && p.kind == SY_PACKET_MSG && p.eof);
	FUZZ_HOLDS(p.channel_id == bytes[4] && p.data.len == len && p.data.ptr == bytes + SY_PACKET_SMALL_HEADER);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sy_packet p;
	enum sy_err err = sy_packet_parse(bytes, n, &p);

	FUZZ_HOLDS(err == SY_OK || err == SY_PEER_BAD_PACKET);
	if (err == SY_OK && p.data.len != 0)
		FUZZ_HOLDS(p.data.ptr >= bytes && p.data.ptr + p.data.len <= bytes + n);
	if (err == SY_OK)
		back(&p);
	both_ways(bytes, n);
	return 0;
}
