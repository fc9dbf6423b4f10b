/* Sealed frames. Source: protocol.md 3.1. */
#ifndef SY_SECRET_FRAMES_H
#define SY_SECRET_FRAMES_H

#include "core/secret/suite.h"

struct sy_frames {
	uint8_t recv_key[32], send_key[32];
	uint64_t recv_counter, send_counter;
};

void sy_frames_init(struct sy_frames *f, const struct sy_session_keys *keys);
void sy_frames_fini(struct sy_frames *f); /* wipes */
/*
 * Seals a frame: `plain` is SY_FRAME_PLAIN bytes of which the chunk (at offset 4, len bytes, 1..1024) is filled in; the
 * header is written and the padding zeroed here. `sealed` may be `plain` itself: that saves a copy. SY_NONCE_EXHAUSTED.
 */
SY_MUST enum sy_err sy_frames_seal(struct sy_frames *f, const struct sy_crypto *crypto, uint8_t *plain, size_t len, uint8_t *sealed);
/*
 * Opens SY_FRAME_SEALED bytes into plain (SY_FRAME_PLAIN bytes); *chunk points into plain (length 0..1024; an empty one is
 * to be skipped). SY_PEER_BAD_FRAME, SY_PEER_FRAME_LENGTH, SY_NONCE_EXHAUSTED.
 */
SY_MUST enum sy_err sy_frames_open(struct sy_frames *f, const struct sy_crypto *crypto, const uint8_t *sealed, uint8_t *plain,
                                   struct sy_span *chunk);

#endif
