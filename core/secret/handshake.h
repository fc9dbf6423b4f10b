/* The messages of the secret-connection handshake and their meaning. Source: protocol.md 2.4. */
#ifndef SY_SECRET_HANDSHAKE_H
#define SY_SECRET_HANDSHAKE_H

#include "core/secret/suite.h"

struct sy_handshake {
	uint8_t priv[32], pub[32];
	uint8_t challenge[32]; /* after sy_handshake_agree */
};

void sy_handshake_init(struct sy_handshake *h, const struct sy_crypto *crypto, const uint8_t priv[32]);
void sy_handshake_fini(struct sy_handshake *h); /* wipes */
/* The 35 bytes to send first. */
void sy_handshake_ephemeral(const struct sy_handshake *h, uint8_t out[SY_EPHEMERAL_MESSAGE]);
/*
 * Parses the peer's delimited ephemeral message. SY_AGAIN: more bytes are needed. strict: exactly 32 bytes of key;
 * else shorter ones are padded and longer ones cut as upstream does. SY_PEER_BAD_EPHEMERAL, also when the payload is to be
 * longer than SY_EPHEMERAL_MAX, so that a buffer of that size and 10 bytes of delimiter is always enough. *consumed: bytes used.
 */
SY_MUST enum sy_err sy_handshake_parse_ephemeral(const uint8_t *bytes, size_t n, bool strict, uint8_t remote[32], size_t *consumed);
/* Keys and challenge. SY_PEER_LOW_ORDER. The private key is wiped. */
SY_MUST enum sy_err sy_handshake_agree(struct sy_handshake *h, const struct sy_crypto *crypto, const uint8_t remote[32],
                                       struct sy_session_keys *keys);
/* The delimited AuthSigMessage, 103 bytes. */
void sy_handshake_auth(uint8_t out[SY_AUTH_MESSAGE], const uint8_t pubkey[32], const uint8_t sig[64]);
/*
 * Verifies the payload of the peer's AuthSigMessage (without delimiter). SY_PEER_BAD_AUTH, SY_PEER_KEY_TYPE,
 * SY_PEER_BAD_SIGNATURE. strict: small-order keys are refused (SY_PEER_BAD_AUTH); libsodium's verification refuses them
 * anyway, later (SY_PEER_BAD_SIGNATURE).
 */
SY_MUST enum sy_err sy_handshake_verify(const struct sy_handshake *h, const struct sy_crypto *crypto, const uint8_t *bytes, size_t n,
                                        bool strict, uint8_t remote_pubkey[32]);

#endif
