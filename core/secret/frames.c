#include "core/secret/frames.h"

#include "core/base/assert.h"
#include "core/base/mem.h"

#include <string.h>

_Static_assert(SY_FRAME_PLAIN + SY_FRAME_TAG == SY_FRAME_SEALED, "a sealed frame is its plaintext and the tag");
_Static_assert(SY_FRAME_CHUNK + 4 == SY_FRAME_PLAIN, "a plain frame is a length and the chunk");

void sy_frames_init(struct sy_frames *f, const struct sy_session_keys *keys)
{
	memset(f, 0, sizeof *f);
	memcpy(f->recv_key, keys->recv, sizeof f->recv_key);
	memcpy(f->send_key, keys->send, sizeof f->send_key);
}

void sy_frames_fini(struct sy_frames *f)
{
	sy_mem_wipe(f, sizeof *f);
}

/* The last counter is never used, because it could not be incremented after. */
enum sy_err sy_frames_seal(struct sy_frames *f, const struct sy_crypto *crypto, uint8_t *plain, size_t len, uint8_t *sealed)
{
	SY_ASSERT(len >= 1 && len <= SY_FRAME_CHUNK);
	if (f->send_counter == UINT64_MAX)
		return SY_NONCE_EXHAUSTED;
	plain[0] = (uint8_t)len;
	plain[1] = (uint8_t)(len >> 8);
	plain[2] = 0;
	plain[3] = 0;
	sy_mem_zero(plain + 4 + len, SY_FRAME_CHUNK - len);
	crypto->seal(sealed, plain, f->send_key, f->send_counter);
	f->send_counter++;
	return SY_OK;
}

enum sy_err sy_frames_open(struct sy_frames *f, const struct sy_crypto *crypto, const uint8_t *sealed, uint8_t *plain,
                           struct sy_span *chunk)
{
	*chunk = (struct sy_span){plain + 4, 0};
	if (f->recv_counter == UINT64_MAX)
		return SY_NONCE_EXHAUSTED;
	if (!crypto->open(plain, sealed, f->recv_key, f->recv_counter))
		return SY_PEER_BAD_FRAME;
	f->recv_counter++;
	uint32_t len = (uint32_t)plain[0] | (uint32_t)plain[1] << 8 | (uint32_t)plain[2] << 16 | (uint32_t)plain[3] << 24;
	if (len > SY_FRAME_CHUNK)
		return SY_PEER_FRAME_LENGTH;
	chunk->len = len;
	return SY_OK;
}
