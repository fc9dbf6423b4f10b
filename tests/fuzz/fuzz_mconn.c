/* A connection's stream of packets, in pieces of any size, while it sends, too. First byte: profile, limits, piece. */
#include <stdlib.h>

#include "core/mconn/mconn.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/mconn_kit.h"

#define CAPACITY 5000u

static bool is_fault(enum sy_err err)
{
	return err == SY_PEER_BAD_PACKET || err == SY_PEER_PACKET_TOO_LONG || err == SY_PEER_UNKNOWN_PACKET || err == SY_PEER_UNKNOWN_CHANNEL ||
	       err == SY_PEER_MESSAGE_TOO_LONG;
}

/* False: the connection has ended, or the limiter wants time. */
static bool feed(struct mconn_kit *k, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n + 1);
	struct sy_mconn_in in = {0};
	enum sy_err err = SY_OK;

	FUZZ_HOLDS(copy != NULL);
	memcpy(copy, bytes, n);
	for (size_t at = 0; err == SY_OK && (at == 0 || in.message); at += in.consumed) {
		err = sy_mconn_feed(k->m, &k->shared, k->now, copy + at, n - at, &in);
		FUZZ_HOLDS(err == SY_OK ? in.consumed <= n - at : is_fault(err));
		if (err == SY_OK && in.message)
			FUZZ_HOLDS(in.bytes.len <= CAPACITY && (in.channel == 0x20 || in.channel == 0xf2));
		FUZZ_HOLDS(err != SY_OK || in.message || in.gated || in.consumed == n - at);
		if (in.consumed == 0 && in.message)
			break; /* a message that was kept over */
	}
	free(copy);
	return err == SY_OK && !in.gated;
}

static void answer(struct mconn_kit *k)
{
	static uint8_t out[8192];

	(void)mconn_kit_drain(k, out, sizeof out);
	k->now += 7 * MS;
	if (sy_mconn_deadline(k->m, &k->shared) <= k->now)
		(void)!sy_mconn_expire(k->m, &k->shared, k->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	uint8_t how = fuzz_byte(&in);
	struct mconn_kit k;
	size_t piece = (how & 0xf0) == 0 ? SIZE_MAX : (size_t)(how >> 4) * 3;

	mconn_kit_init(&k, how & 1 ? SY_PROFILE_UPSTREAM : SY_PROFILE_DEFAULT);
	mconn_kit_channel(&k, 0x20, 6, 10, CAPACITY);
	mconn_kit_channel(&k, 0xf2, 1, 10, CAPACITY);
	k.config.recv_rate = how & 2 ? 20000 : 0;
	k.config.max_packet_msg_payload_size = how & 4 ? 100 : 1024;
	mconn_kit_open(&k);
	FUZZ_HOLDS(mconn_kit_try(&k, 0x20, 3000, 1) == SY_OK);
	while (in.left != 0) {
		size_t take = piece < in.left ? piece : in.left;

		if (!feed(&k, in.at, take))
			break;
		in.at += take;
		in.left -= take;
		answer(&k);
	}
	mconn_kit_close(&k);
	return 0;
}
