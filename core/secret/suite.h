/*
 * The arithmetic of a secret connection as a table. The real suite is libsodium and Merlin; the simulator brings a
 * null suite that keeps every size and step (sim/engine/null_suite.c). Source: protocol.md 2.4, 3.1.
 */
#ifndef SY_SECRET_SUITE_H
#define SY_SECRET_SUITE_H

#include "core/base/limits.h"
#include "core/switchyard.h"

struct sy_session_keys {
	uint8_t recv[32], send[32];
	uint8_t challenge[32];
};

struct sy_crypto {
	const char *name;
	bool real; /* only a real suite may be used over sockets */
	void (*ephemeral_public)(uint8_t pub[32], const uint8_t priv[32]);
	/* Sort, X25519, HKDF, Merlin. SY_PEER_LOW_ORDER. Wipes its intermediates. */
	enum sy_err (*agree)(struct sy_session_keys *keys, const uint8_t priv[32], const uint8_t pub[32], const uint8_t remote_pub[32]);
	bool (*verify)(const uint8_t pub[32], const uint8_t sig[64], const uint8_t challenge[32]);
	/* For owners that sign in the process (drivers, the simulator). secret: 64 bytes, seed || public. */
	void (*sign)(uint8_t sig[64], const uint8_t secret[64], const uint8_t challenge[32]);
	void (*keypair)(uint8_t pub[32], uint8_t secret[64], const uint8_t seed[32]);
	/* plain: SY_FRAME_PLAIN bytes; sealed: SY_FRAME_SEALED bytes. They begin at the same place or do not overlap. */
	void (*seal)(uint8_t *sealed, const uint8_t *plain, const uint8_t key[32], uint64_t counter);
	bool (*open)(uint8_t *plain, const uint8_t *sealed, const uint8_t key[32], uint64_t counter);
};

const struct sy_crypto *sy_crypto_real(void);

/* HKDF-SHA256 with the info of protocol.md 2.4.3: 96 bytes. Shown for the vectors. */
void sy_hkdf_keys(uint8_t okm[96], const uint8_t dh[32]);

#endif
